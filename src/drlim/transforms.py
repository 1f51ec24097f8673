"""Transformations of samples, and copies of a dataset under them, with what was done recorded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drlim._errors import InputError
from drlim.datasets import Dataset


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
    height, width = images.shape[-2:]
    moved = np.zeros_like(images)
    if abs(right) < width and abs(down) < height:
        to = (..., _overlap(down, height), _overlap(right, width))
        moved[to] = images[..., _overlap(-down, height), _overlap(-right, width)]
    return moved


def _overlap(by: int, size: int) -> slice:
    return slice(max(by, 0), size + min(by, 0))


def shifted_copies(data: Dataset, shifts: Sequence[int]) -> Dataset:
    """Return the samples themselves and their horizontally shifted copies.

    Parameters
    ----------
    data : Dataset
        Images, with the factor ``source`` if they are copies themselves.
    shifts : sequence of int
        Pixels to the right; 0, the samples themselves, is put first if it is not named.

    Returns
    -------
    Dataset
        ``len(shifts)`` times as many samples (with 0), one shift after the other; the factor
        ``shift`` says by how much, and ``source`` from which sample each was made.

    Examples
    --------
    >>> data = Dataset(np.ones((2, 3, 3)), {"source": np.array([7, 8])})
    >>> shifted_copies(data, [1, -1]).factors["shift"].tolist()
    [0, 0, 1, 1, -1, -1]
    """
    shifts = list(shifts) if 0 in shifts else [0, *shifts]
    n = len(data)
    factors = {name: np.tile(values, len(shifts)) for name, values in data.factors.items()}
    factors.setdefault("source", np.tile(np.arange(n), len(shifts)))
    factors["shift"] = np.repeat(shifts, n)
    X = np.concatenate([shift(data.X, right=by) for by in shifts])
    names = None if data.names is None else np.tile(data.names, len(shifts))
    return Dataset(X, factors, data.name, data.origin, names, data.skipped)
