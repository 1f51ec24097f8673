"""The unit of each feature: what samples are divided by before a network sees them.

The distance between samples, which the first weights of a network and a search for nearest
neighbours start from, depends on the units of the features. Where all features have one unit, as
the pixels of an image or the channels of a spectrum have, one unit for all keeps the ratios of
distances: a pixel that hardly varies should count for little. Where a table has columns in units
of their own, one unit for all leaves only the columns with the largest numbers, and gram instead of
kilogram would give another map; each column then needs a unit of its own, its standard deviation.

Which of the two it is, is inferred from how far the features range, each from its least value to
its largest. In one unit, features have ranges alike even where their variances differ: a pixel at
the border is rarely bright, but then as bright as any. In different units, ranges differ by orders
of magnitude. Compared are the widest range and that of the narrowest tenth, so that a few pixels
that were never bright do not count. The order of the features and of the samples has no effect.

The rule is decided here, for the standardisation of a map, for the nearest neighbours in its
samples, and for what its proof compares it with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._applying import blocks
from drlim._checks import has_channels_last
from drlim._errors import InputError, nearest_name
from drlim._sparse import Samples, SparseRows

SCALES = ("each", "one", "none")

# Measured: flattened images, spectra, texture features and normal numbers have 1.2 to 11, iris 2.5;
# tables in several units have 204 (diabetes), 1,140 (wine) and 85,700 (breast cancer).
_MOST_IN_ONE_UNIT = 20

# A feature whose range is at most this number of roundings of its largest value is constant.
_ROUNDINGS = 8


@dataclass(frozen=True)
class Scaling:
    """The unit of each feature of a map.

    Attributes
    ----------
    scale : {"each", "one", "none"}
        A unit for each feature (of images: for each channel), one for all, or the samples as they
        are.
    reason : str
        Why, in words.
    given : bool
        Whether the user chose it.
    """

    scale: str
    reason: str = ""
    given: bool = False

    def __str__(self) -> str:
        words = {
            "each": "each feature is divided by its own unit",
            "one": "all features are divided by one unit",
            "none": "samples are taken as they are",
        }[self.scale]
        return f"scale {self.scale!r}: {words} ({self.reason or 'given'})"


def check_scale(scale: Any) -> str:
    """Return a scale that there is, or raise InputError."""
    if scale not in SCALES:
        raise InputError(f"scale is {scale!r}; {nearest_name(str(scale), map(repr, SCALES))}")
    return str(scale)


def scaling_for(X: Samples, given: str | None, names: Sequence[str] = ()) -> Scaling:
    """Return the scale that the user gave, else what is inferred from samples."""
    return inferred(X, names) if given is None else Scaling(check_scale(given), given=True)


def inferred(X: Samples, names: Sequence[str] = ()) -> Scaling:
    """Infer whether the features of samples have one unit.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
        The columns of vectors are compared, or the channels of images.
    names : sequence of str
        The names of the columns, if they have any.

    Returns
    -------
    Scaling
        "each" or "one".
    """
    axes = _axes_of_one_unit(X.shape)
    if len(axes) == X.ndim:
        return Scaling("one", "they are the pixels of images")
    if X.dtype == np.uint8:
        return Scaling("one", "they are bytes")
    if _are_positions(names):
        return Scaling("one", "their names are the positions of a spectrum")
    least, most = _ends(X, axes)
    size = np.maximum(np.abs(least), np.abs(most))
    half = most / 2 - least / 2  # the range itself may be too large for a float
    ranges = half[half > _noise(X.dtype) * size]
    if not len(ranges):
        return Scaling("one", "none of them varies")
    ratio = float(ranges.max() / np.quantile(ranges, 0.1, method="lower"))
    is_each = ratio > _MOST_IN_ONE_UNIT
    times = f"{ratio:,.0f}" if is_each else f"only {ratio:.3g}"
    reason = f"the widest ranges {times} times as far as the narrowest tenth"
    return Scaling("each" if is_each else "one", reason)


def standardisation(X: Samples, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of samples and their unit.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    scale : {"each", "one", "none"}

    Returns
    -------
    centre : ndarray
        One number per feature of vectors; for images one grey for all pixels or, with "each", one
        per channel; 0 with "none".
    unit : ndarray
        With "each" of the shape of the centre: the standard deviation. Else of the shape (): of
        all features together, or 1. A feature that does not vary has no deviation to be its unit
        and gets 1, so that its rounding errors are not made as large as the values of others.
    """
    check_scale(scale)
    if scale == "none":
        return np.zeros(()), np.ones(())
    axes = _axes_of_one_unit(X.shape)
    if scale == "each" and len(axes) < X.ndim:
        return _one_each(X, axes)
    centre, unit = _one_for_all(X)
    return centre, np.asarray(unit)


def _one_for_all(X: Samples) -> tuple[np.ndarray, float]:
    """Return the centre of samples (of images: one grey for all pixels) and their common unit."""
    axes = 0 if X.ndim == 2 else None
    count = len(X) if X.ndim == 2 else X.size
    total = sum(block.sum(axis=axes, dtype=np.float64) for block in blocks(X))
    centre = np.asarray(total / count)
    # Divided by the largest value first, so that squares of very large or small values are finite.
    largest = max(float(np.abs(block - centre).max()) for block in blocks(X)) or 1.0
    squares = sum(float(np.square((block - centre) / largest).sum()) for block in blocks(X))
    return centre, largest * math.sqrt(squares / X.size) or 1.0


def _one_each(X: Samples, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre and the unit of each feature, or channel."""
    count = math.prod(X.shape[axis] for axis in axes)
    least, most = _ends(X, axes)
    total = sum(block.sum(axis=axes, dtype=np.float64, keepdims=True)[0] for block in blocks(X))
    centre = np.where(least == most, least, total / count)  # the mean of equal values is rounded
    largest = np.maximum(most - centre, centre - least)
    whole = np.where(largest > 0, largest, 1)
    squares = sum(
        np.square((block - centre) / whole).sum(axis=axes, keepdims=True)[0] for block in blocks(X)
    )
    unit = largest * np.sqrt(squares / count)
    # Values that differ by their rounding alone get their own size, beside which it is small.
    size = np.maximum(np.abs(least), np.abs(most))
    unit = np.where(largest > _noise(X.dtype) * size, unit, size)
    return centre, np.where(least == most, 1.0, unit)


def in_unit(X: Samples, centre: np.ndarray, unit: np.ndarray) -> Samples:
    """Return samples in the unit of a map, as far as it changes which are near.

    One unit for all changes the distances and not their order, so such samples are returned as
    they are.
    """
    if unit.ndim == 0:
        return X
    if isinstance(X, SparseRows):  # their zeros stay: where the centre lies changes no distance
        return X.divided(unit)
    dtype = X.dtype if X.dtype == np.float32 else np.float64
    scaled = np.empty(X.shape, dtype)
    start = 0
    for block in blocks(X):
        scaled[start : start + len(block)] = (block - centre) / unit
        start += len(block)
    return scaled


def shape_of_unit(sample_shape: tuple[int, ...], scale: str) -> tuple[int, ...]:
    """Return the shape of the unit of samples of some shape."""
    axes = _axes_of_one_unit((1, *sample_shape))
    if scale != "each" or len(axes) > len(sample_shape):
        return ()
    return tuple(1 if axis in axes else n for axis, n in enumerate(sample_shape, 1))


def fits(shape: tuple[int, ...], sample_shape: tuple[int, ...]) -> bool:
    """Tell whether a centre or unit of a shape is one for all features, or one for each."""
    one_for_some = len(shape) == len(sample_shape) and all(
        n in (1, m) for n, m in zip(shape, sample_shape, strict=True)
    )
    return shape == () or one_for_some


def _axes_of_one_unit(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes over which numbers share a unit: of images, all but that of the channels."""
    if len(shape) == 2:
        return (0,)
    if len(shape) == 3:
        return (0, 1, 2)
    channels = len(shape) - 1 if has_channels_last(shape[1:]) else 1
    return tuple(axis for axis in range(len(shape)) if axis != channels)


def _ends(X: Samples, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest value of each feature, as floats."""
    least = np.min([block.min(axis=axes, keepdims=True)[0] for block in blocks(X)], axis=0)
    most = np.max([block.max(axis=axes, keepdims=True)[0] for block in blocks(X)], axis=0)
    return least.astype(np.float64), most.astype(np.float64)


def _noise(dtype: np.dtype) -> float:
    """Return the share of a value that may be due to rounding."""
    return _ROUNDINGS * float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _are_positions(names: Sequence[str]) -> bool:
    """Tell whether all names are numbers, as wavelengths are, and not only places from 0 or 1."""
    try:
        numbers = sorted(float(name) for name in names)
    except ValueError:
        return False
    places = [float(place) for place in range(len(numbers) + 1)]
    return len(numbers) > 2 and numbers not in (places[:-1], places[1:])
