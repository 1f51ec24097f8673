"""What many parts ask of what they are given: an array, rows of numbers, a count."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from drlim._errors import InputError

_LARGEST = 1e150


def as_array(values: Any, name: str) -> np.ndarray:
    """Return an array, or say that there is none in it."""
    try:
        array: np.ndarray = np.asarray(values)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} is no array ({error}); give every item of it the same shape"
        ) from None
    return array


def as_rows(values: Any, name: str) -> np.ndarray:
    """Return samples as flattened rows of finite floats, at least one.

    Bytes become float64, so that their differences do not wrap round.
    """
    array = as_array(values, name)
    if array.ndim < 2 or not len(array):
        raise InputError(
            f"{name} has the shape {array.shape}; samples are rows, (n_samples, ...), at least one"
        )
    if array.dtype.kind == "O":  # numbers are in it, as a column of a table may have them
        try:
            array = array.astype(np.float64)
        except (ValueError, TypeError) as error:
            raise InputError(f"{name} has what is no number ({error}); give numbers") from None
    if array.dtype.kind not in "buif":
        raise InputError(f"{name} has the dtype {array.dtype}; it must have numbers, real ones")
    rows: np.ndarray = array.reshape(len(array), -1)
    rows = rows if rows.dtype.kind == "f" else rows.astype(np.float64)
    if not np.isfinite(rows).all():
        raise InputError(
            f"{name} has NaN or infinite values; a distance to them means nothing: drop those "
            "samples or fill the values in"
        )
    largest = float(np.abs(rows).max(initial=0))
    if largest > _LARGEST:
        raise InputError(
            f"{name} has values up to {largest:.3g}, and the square of such a distance is more "
            f"than a float holds; divide all samples by one number, so that none exceeds "
            f"{_LARGEST:g}"
        )
    # Of these, the squares would leave the range of a narrow float.
    return rows if 1e-15 < largest < 1e15 else rows.astype(np.float64)


def one_each(values: Any, n: int, name: str) -> np.ndarray:
    """Return one value a sample as an array, or say that there are more or fewer."""
    array = as_array(values, name)
    if array.ndim < 1 or len(array) != n:
        raise InputError(
            f"{name} has the shape {array.shape} and there are {n} samples; it must have one value "
            "for each of them, in the same order"
        )
    return array


def check_count(value: Any, name: str, least: int = 1, most: int | None = None) -> None:
    """Raise unless it is a whole number in its range."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        end = "" if most is None else f" and <= {most}"
        given = " ".join(reprlib.repr(value).split())  # on one line, whatever it is
        raise InputError(f"{name} is {given}; it must be an integer >= {least}{end}")


def is_number(value: Any) -> bool:
    """Tell whether it is a finite real number, and no bool."""
    real = isinstance(value, int | float | np.integer | np.floating)
    return real and not isinstance(value, bool) and bool(np.isfinite(value))
