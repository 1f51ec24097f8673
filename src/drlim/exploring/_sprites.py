"""Thumbnails of samples on sheets, as PNG files that need no package to be written."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# A sheet is a texture of the page; every graphics driver takes one of this side.
SIDE = 4096
# Of all sheets together: as textures they take four bytes a pixel.
_MOST_PIXELS = 48 * 10**6
# Sides of a tile, of which the largest is chosen that leaves room for all samples.
_SIDES = (64, 48, 32, 24, 16)
_ROWS = 512  # of samples that are made small at a time


class Sheets(NamedTuple):
    """Thumbnails in rows, sheet after sheet.

    Attributes
    ----------
    tile : (int, int)
        Width and height of a thumbnail, in pixels.
    columns, rows : int
        Thumbnails in a row of a sheet, and rows of a full sheet.
    shown : ndarray of shape (n_thumbnails,), int32
        The sample of each thumbnail.
    files : list of bytes
        The sheets as PNG; the last one may have fewer rows.
    """

    tile: tuple[int, int]
    columns: int
    rows: int
    shown: np.ndarray
    files: list[bytes]


class Grey(NamedTuple):
    """The values of pixels that are shown as black and as white."""

    low: float
    high: float

    def bytes_of(self, images: np.ndarray) -> np.ndarray:
        """Return pixels as uint8; what is not finite is black."""
        if images.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return images
        span = (self.high - self.low) or 1.0
        with np.errstate(invalid="ignore", over="ignore"):
            light = (images.astype(np.float32) - self.low) * np.float32(255 / span)
        return np.rint(np.clip(np.nan_to_num(light), 0, 255)).astype(np.uint8)


def as_pictures(X: np.ndarray) -> np.ndarray:
    """Return images (n, h, w) or (n, c, h, w) with one or three colours last.

    Of channels that are not red, green and blue the first is shown.
    """
    if X.ndim == 3:
        return X[..., None]
    if X.shape[1] == 3:
        return np.moveaxis(X, 1, -1)
    return X[:, 0, :, :, None]


def tile_for(height: int, width: int, n: int) -> tuple[int, int]:
    """Return the width and height of thumbnails of `n` images, with the images' proportions.

    Examples
    --------
    >>> tile_for(28, 28, 1000), tile_for(200, 400, 1000), tile_for(64, 64, 100_000)
    ((28, 28), (64, 32), (16, 16))
    """
    longest = max(height, width)
    for side in _SIDES:
        share = min(1.0, side / longest)
        tile = max(1, round(width * share)), max(1, round(height * share))
        if n * tile[0] * tile[1] <= _MOST_PIXELS:
            break
    return tile


def sheets_of(X: np.ndarray, grey: Grey, rng: np.random.Generator) -> Sheets:
    """Return thumbnails of images, of a random part of them if there are too many.

    Parameters
    ----------
    X : ndarray of shape (n_samples, height, width) or (n_samples, channels, height, width)
    grey : Grey
    rng : numpy.random.Generator
    """
    tile = tile_for(X.shape[-2], X.shape[-1], len(X))
    shown = np.arange(len(X), dtype=np.int32)
    most = _MOST_PIXELS // (tile[0] * tile[1])
    if len(shown) > most:
        shown = np.sort(rng.permutation(shown)[:most])
    columns = max(1, min(SIDE // tile[0], int(np.ceil(np.sqrt(len(shown))))))
    rows = max(1, min(SIDE // tile[1], -(-len(shown) // columns)))
    files = [
        grid(thumbnails(X, shown[start : start + columns * rows], tile, grey), columns)
        for start in range(0, len(shown), columns * rows)
    ]
    return Sheets(tile, columns, rows, shown, files)


def thumbnails(X: np.ndarray, some: np.ndarray, tile: tuple[int, int], grey: Grey) -> np.ndarray:
    """Return some images as thumbnails, uint8 of shape (n, height, width, 1 or 3)."""
    parts = [
        grey.bytes_of(_small(as_pictures(np.asarray(X[some[k : k + _ROWS]])), tile))
        for k in range(0, len(some), _ROWS)
    ]
    return np.concatenate(parts)


def _small(images: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Return images made smaller, each pixel the mean of those that it stands for."""
    width, height = tile
    if images.shape[1:3] == (height, width):
        return images
    made = images.astype(np.float32)
    for axis, n in ((1, height), (2, width)):
        edges = np.arange(n) * images.shape[axis] // n
        counts = np.diff([*edges, images.shape[axis]])
        shape = [n if k == axis else 1 for k in range(4)]
        means = np.add.reduceat(made, edges, axis=axis) / counts.reshape(shape)
        made = means.astype(np.float32)
    return made


def grid(tiles: np.ndarray, columns: int) -> bytes:
    """Lay out thumbnails in rows, in their order, as a PNG."""
    n, height, width, channels = tiles.shape
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width, channels), np.uint8)
    cells[:n] = tiles
    sheet = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return png(sheet.reshape(rows * height, columns * width, channels))


def png(pixels: np.ndarray) -> bytes:
    """Return an image as PNG.

    Parameters
    ----------
    pixels : ndarray of shape (height, width, 1 or 3), uint8

    Examples
    --------
    >>> png(np.zeros((2, 2, 1), np.uint8))[1:4]
    b'PNG'
    """
    height, width, channels = pixels.shape
    lines = np.zeros((height, 1 + width * channels), np.uint8)  # each line begins with its filter
    lines[:, 1:] = pixels.reshape(height, -1)
    colour_type = 2 if channels == 3 else 0
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks: Sequence[tuple[bytes, bytes]] = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )
