"""Geometric changes: each is a matrix, a list of them is one, and images are moved once.

A matrix maps where a pixel is to where it goes, ``(x, y, 1) -> (x', y', 1)``, with the centre of
the first pixel at (0, 0), x to the right and y down.
"""

from __future__ import annotations

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError, missing_extra
from drlim.transforms._kinds import BOTH, EDGE, HORIZONTAL, MIRROR, ZEROS

_PADDING = {ZEROS: "zeros", EDGE: "border", MIRROR: "reflection"}  # kornia's names


def shift(images: np.ndarray, right: int = 0, down: int = 0) -> np.ndarray:
    """Shift images by whole pixels; zeros enter, and nothing wraps round.

    Parameters
    ----------
    images : ndarray of shape (..., height, width)
    right, down : int
        Pixels; negative values shift to the left and up.

    Returns
    -------
    ndarray, of the same shape and dtype

    Examples
    --------
    >>> shift(np.array([[1, 2, 3]]), right=1)
    array([[0, 1, 2]])
    >>> shift(np.array([[1, 2, 3]]), right=-1)
    array([[2, 3, 0]])
    """
    images = as_array(images, "images")
    if images.ndim < 2:
        raise InputError(f"images has the shape {images.shape}; it must be (..., height, width)")
    for name, by in (("right", right), ("down", down)):
        if isinstance(by, bool) or not isinstance(by, int | np.integer):
            raise InputError(
                f"{name} is {by!r}; it must be an integer, or use drlim.transforms.change('shift') "
                "for parts of a pixel"
            )
    height, width = images.shape[-2:]
    moved = np.zeros_like(images)
    if abs(right) < width and abs(down) < height:
        to = (..., _overlap(down, height), _overlap(right, width))
        moved[to] = images[..., _overlap(-down, height), _overlap(-right, width)]
    return moved


def _overlap(by: int, size: int) -> slice:
    return slice(max(by, 0), size + min(by, 0))


def matrices(
    kind: str,
    along: str | None,
    strength: np.ndarray,
    size: tuple[int, int],
    generator: np.random.Generator,
) -> np.ndarray:
    """Return the matrix of one change for each sample, ``(n, 3, 3)``.

    The place of a crop and the direction of a shift along both are drawn from the generator, as
    many numbers for each sample whatever its strength.
    """
    height, width = size
    last = np.array([width - 1, height - 1], dtype=float)
    linear, moved = np.tile(np.eye(2), (len(strength), 1, 1)), np.zeros((len(strength), 2))
    if kind == "shift":
        moved = _displacements(along, strength, generator)
    elif kind == "flip":
        axis = 0 if along == HORIZONTAL else 1
        linear[:, axis, axis] -= 2 * strength
        moved[:, axis] = strength * last[axis]
    elif kind == "crop":
        corner = generator.random((len(strength), 2)) * (1 - strength[:, None]) * last
        linear /= strength[:, None, None]
        moved = -corner / strength[:, None]
    else:
        if kind == "scale":
            linear *= strength[:, None, None]
        else:
            # Rounded, so that a half turn is a move by whole pixels.
            cos, sin = (np.round(f(np.deg2rad(strength)), 15) for f in (np.cos, np.sin))
            linear = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)
        moved = last / 2 - linear @ (last / 2)
    matrix = np.tile(np.eye(3), (len(strength), 1, 1))
    matrix[:, :2, :2], matrix[:, :2, 2] = linear, moved
    return matrix


def _displacements(
    along: str | None, strength: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Return the displacement of each sample to the right and down, ``(n, 2)``."""
    rows = np.arange(len(strength))
    moved = np.zeros((len(strength), 2))
    if along != BOTH:
        moved[:, 0 if along == HORIZONTAL else 1] = strength
        return moved
    # A point on the edge of the square whose half side is the strength: all of it along one axis,
    # and any part of it along the other; whole pixels stay whole.
    which, sign, part = generator.random((len(strength), 3)).T
    axis, reach = (which < 0.5).astype(int), np.abs(strength)
    whole = strength == np.rint(strength)
    moved[rows, axis] = np.where(sign < 0.5, -strength, strength)
    moved[rows, 1 - axis] = (
        np.where(whole, np.floor(part * (2 * reach + 1)), part * 2 * reach) - reach
    )
    return moved


def moves_whole_pixels(matrix: np.ndarray) -> np.ndarray:
    """Return which matrices only flip and shift by whole pixels, a mask ``(n,)``."""
    diagonal, offset = matrix[:, [0, 1], [0, 1]], matrix[:, :2, 2]
    off_diagonal = matrix[:, [0, 1], [1, 0]]
    is_exact = (np.abs(diagonal) == 1) & (off_diagonal == 0) & (offset == np.rint(offset))
    return is_exact.all(axis=1)


def move(images: np.ndarray, matrix: np.ndarray, outside: str) -> np.ndarray:
    """Transform images ``(n, c, h, w)``: by whole pixels exactly, others by interpolation."""
    whole = moves_whole_pixels(matrix)
    if whole.all():
        return _move_whole(images, matrix, outside)
    moved = np.empty(images.shape, images.dtype)
    moved[whole] = _move_whole(images[whole], matrix[whole], outside)
    moved[~whole] = _warp(images[~whole], matrix[~whole], outside)
    return moved


def _move_whole(images: np.ndarray, matrix: np.ndarray, outside: str) -> np.ndarray:
    moved = images.copy()
    height, width = images.shape[-2:]
    mirrored = matrix[:, [0, 1], [0, 1]] < 0
    moved[mirrored[:, 0]] = moved[mirrored[:, 0], :, :, ::-1]
    moved[mirrored[:, 1]] = moved[mirrored[:, 1], :, ::-1]
    right, down = (matrix[:, :2, 2] - mirrored * [width - 1, height - 1]).T
    # One pass per distance and not per sample: a batch has few different distances.
    for by in np.unique(right[right != 0]):
        moved[right == by] = _shifted(moved[right == by], int(by), -1, outside)
    for by in np.unique(down[down != 0]):
        moved[down == by] = _shifted(moved[down == by], int(by), -2, outside)
    return moved


def _shifted(images: np.ndarray, by: int, axis: int, outside: str) -> np.ndarray:
    if outside == ZEROS:
        return shift(images, right=by) if axis == -1 else shift(images, down=by)
    last = images.shape[axis] - 1
    place = np.arange(last + 1) - by
    if outside == MIRROR:  # about the centre of the last pixel, as kornia's interpolation does
        place %= max(2 * last, 1)
        place = np.minimum(place, 2 * last - place)
    return images.take(place.clip(0, last), axis)


def _warp(images: np.ndarray, matrix: np.ndarray, outside: str) -> np.ndarray:
    try:
        from kornia.geometry.transform import warp_affine
    except ImportError:
        raise missing_extra("kornia", "images", "a change by parts of a pixel") from None
    import torch

    with torch.no_grad():
        pixels, affine = (torch.from_numpy(a.astype(images.dtype)) for a in (images, matrix[:, :2]))
        size = images.shape[-2:]
        return warp_affine(pixels, affine, size, padding_mode=_PADDING[outside]).numpy()
