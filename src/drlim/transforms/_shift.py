"""Moving images by whole pixels."""

from __future__ import annotations

import numpy as np

from drlim._errors import InputError


def shift(images: np.ndarray, right: int = 0, down: int = 0) -> np.ndarray:
    """Move images by whole pixels; zeros come in, and nothing wraps round.

    Parameters
    ----------
    images : ndarray of shape (..., height, width)
    right, down : int
        Pixels; negative values move to the left and up.

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
    images = np.asarray(images)
    if images.ndim < 2:
        raise InputError(
            f"images have the shape {images.shape}; a shift needs (..., height, width)"
        )
    for name, by in (("right", right), ("down", down)):
        if isinstance(by, bool) or not isinstance(by, int | np.integer):
            raise InputError(
                f"{name} is {by!r}; images move by whole pixels here, so give an integer: for "
                "parts of a pixel there is drlim.transforms.change('shift')"
            )
    height, width = images.shape[-2:]
    moved = np.zeros_like(images)
    if abs(right) < width and abs(down) < height:
        to = (..., _overlap(down, height), _overlap(right, width))
        moved[to] = images[..., _overlap(-down, height), _overlap(-right, width)]
    return moved


def _overlap(by: int, size: int) -> slice:
    return slice(max(by, 0), size + min(by, 0))
