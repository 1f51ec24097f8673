"""Many small images on one sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.image
import numpy as np

from drlim.plotting._layout import check_pictures


def contact_sheet(
    place: np.ndarray,
    images: np.ndarray,
    colours: Sequence[str] | None,
    *,
    size: int,
    tile: int,
    depth: np.ndarray | None = None,
) -> np.ndarray:
    """Lay out images on a square sheet, one for each occupied cell of a grid.

    Where several images fall into one cell, the one nearest to its middle is drawn, or with
    `depth` the one in front.

    Parameters
    ----------
    place : ndarray of shape (n, 2)
        Where the images belong, from (0, 0), the lower left corner, to (1, 1).
    images : ndarray of shape (n, height, width) or (n, height, width, 3)
    colours : sequence of str, or None
        The colour of each image's ink, which is drawn on white; None for photographs.
    size, tile : int
        Side of the sheet and of a cell, in pixels.
    depth : ndarray of shape (n,), optional
        The image of the largest depth is in front.

    Returns
    -------
    ndarray of shape (size, size, 3)
    """
    cells = size // tile
    cell = np.clip((place * cells).astype(int), 0, cells - 1)
    rank = np.linalg.norm(place * cells - cell - 0.5, axis=1) if depth is None else -depth
    order = np.lexsort((rank, cell[:, 1], cell[:, 0]))
    _, first = np.unique(cell[order], axis=0, return_index=True)
    longest = max(images.shape[1:])
    step, zoom = max(1, -(-longest // (tile - 2))), max(1, (tile - 2) // longest)
    sheet = np.ones((size, size, 3))
    for k in order[first]:
        light = _reduced(images[k], step) / (images.max() or 1.0)
        light = np.repeat(np.repeat(light, zoom, axis=0), zoom, axis=1)
        light = light if light.ndim == 3 else light[..., None]
        if colours is None:
            picture = light if light.shape[2] == 3 else np.repeat(light, 3, axis=2)
        else:
            picture = 1 - light * (1 - np.array(mpl.colors.to_rgb(colours[k])))
        height, width = picture.shape[:2]
        top = size - (cell[k, 1] + 1) * tile + (tile - height) // 2
        left = cell[k, 0] * tile + (tile - width) // 2
        sheet[top : top + height, left : left + width] = picture
    return sheet


def _reduced(image: np.ndarray, step: int) -> np.ndarray:
    """Return an image with every `step`-th pixel; of one in colour the mean of each block."""
    if image.ndim == 2:
        return image[::step, ::step]
    height, width = (length // step * step for length in image.shape[:2])
    blocks = image[:height, :width].reshape(height // step, step, width // step, step, 3)
    means: np.ndarray = blocks.mean(axis=(1, 3))
    return means


def sprite_sheet(images: Any, columns: int) -> bytes:
    """Lay out grey images in rows, in their order, as one PNG.

    Parameters
    ----------
    images : array-like of shape (n_samples, height, width)
        Grey, in any unit; 0 is black and the largest value of all is white.
    columns : int
        The number of images in a row.
    """
    images = check_pictures(images, None)
    n, height, width = images.shape
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width))
    cells[:n] = images / (images.max() or 1.0)
    sheet = cells.reshape(rows, columns, height, width).swapaxes(1, 2)
    buffer = io.BytesIO()
    pixels = sheet.reshape(rows * height, columns * width)
    mpl.image.imsave(buffer, pixels, cmap="gray", vmin=0, vmax=1, format="png")
    return buffer.getvalue()
