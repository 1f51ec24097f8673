"""Checks of arguments that many parts share: an array, rows of numbers, a count."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from drlim._errors import InputError

_LARGEST = 1e150  # its square, and a sum of many such squares, is still a float64


def as_array(values: Any, name: str) -> np.ndarray:
    """Return an array, or raise if the values cannot be converted to one, or some are masked."""
    check_unmasked(values, name)
    try:
        array: np.ndarray = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} cannot be converted to an array ({error}); give every item the same shape"
        ) from None
    return array


def check_unmasked(values: Any, name: str) -> None:
    """Raise if values are masked: an array without the mask has fill values in their places."""
    parts = values if isinstance(values, list | tuple) else [values]
    n_masked = sum(
        np.count_nonzero(part.mask) for part in parts if isinstance(part, np.ma.MaskedArray)
    )
    if n_masked:
        raise InputError(
            f"{name} has {n_masked} masked values, which are missing; drop those samples or fill "
            "the values in"
        )


def as_rows(values: Any, name: str) -> np.ndarray:
    """Return samples as flattened rows of finite floats, at least one.

    Integers become float64, so that their differences do not wrap round.
    """
    array = as_array(values, name)
    if array.ndim < 2 or not len(array):
        raise InputError(
            f"{name} has the shape {array.shape}; it must be (n_samples, ...), with at least one "
            "sample"
        )
    if array.dtype.kind == "O":  # a column of a pandas table may hold its numbers as objects
        try:
            array = array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name} contains values that are not numbers ({error})") from None
    if array.dtype.kind not in "buif":
        raise InputError(f"{name} has the dtype {array.dtype}; it must contain real numbers")
    rows: np.ndarray = array.reshape(len(array), -1)
    rows = rows if rows.dtype.kind == "f" else rows.astype(np.float64)
    if not np.isfinite(rows).all():
        raise InputError(
            f"{name} contains NaN or infinite values, to which there is no distance; drop those "
            "samples or fill the values in"
        )
    largest = float(np.abs(rows).max(initial=0))
    if largest > _LARGEST:
        raise InputError(
            f"{name} has values up to {largest:.3g}, and the square of such a distance overflows; "
            f"divide all samples by one number, so that no value exceeds {_LARGEST:g}"
        )
    # The squares of other values would leave the range of float32.
    return rows if 1e-15 < largest < 1e15 else rows.astype(np.float64)


def has_channels_last(sample_shape: tuple[int, ...]) -> bool:
    """Tell whether samples look like images of the shape (height, width, channels)."""
    shape = tuple(sample_shape)
    return len(shape) == 3 and shape[-1] in (1, 3, 4) and min(shape[:2]) >= 8


def one_each(values: Any, n: int, name: str) -> np.ndarray:
    """Return one value per sample as an array, or raise if there are more or fewer."""
    array = as_array(values, name)
    if array.ndim < 1 or len(array) != n:
        raise InputError(
            f"{name} has the shape {array.shape} and there are {n} samples; it must have one value "
            "per sample, in the same order"
        )
    return array


def check_count(value: Any, name: str, least: int = 1, most: int | None = None) -> None:
    """Raise unless the value is an integer from `least` to `most`."""
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_integer or value < least or (most is not None and value > most):
        at_most = "" if most is None else f" and <= {most}"
        shown = " ".join(reprlib.repr(value).split())  # the repr of an array has several lines
        raise InputError(f"{name} is {shown}; it must be an integer >= {least}{at_most}")


def is_number(value: Any) -> bool:
    """Return whether the value is a finite real number and not a bool."""
    is_real = isinstance(value, int | float | np.integer | np.floating)
    return is_real and not isinstance(value, bool) and bool(np.isfinite(value))
