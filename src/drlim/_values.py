"""Comparing values of factors: equal to the precision of their own dtype.

A factor of single floats holds 0.1 as 0.100000001. Compared exactly with the 0.1 of a declaration,
or with the same factor as double floats, it would differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def rounding(left: np.ndarray, right: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Return how far the difference of two values may be off because of their dtype."""
    if dtype.kind != "f":
        return np.zeros(np.broadcast(left, right).shape)
    return np.finfo(dtype).eps * np.maximum(np.abs(left), np.abs(right))


def are_measured(factor: np.ndarray) -> bool:
    """Tell whether a factor has real numbers that are not whole: measured, and seldom equal."""
    if factor.dtype.kind != "f":
        return False
    return bool((np.isfinite(factor) & (factor != np.floor(factor))).any())


def alike(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two factors in the coarser of their float dtypes, in which equal values are equal."""
    if left.dtype.kind != "f" or right.dtype.kind != "f":
        return left, right
    coarser = min(left.dtype, right.dtype, key=lambda dtype: dtype.itemsize)
    with np.errstate(over="ignore"):
        return left.astype(coarser, copy=False), right.astype(coarser, copy=False)


def is_in(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell which values occur among others; (n_values,) of bool."""
    return np.isin(*alike(values, known))


def equals(factor: np.ndarray, value: Any) -> np.ndarray:
    """Tell which values of a factor are one that a user wrote, as a number or as its text.

    Examples
    --------
    >>> equals(np.array([0.1, 0.2], np.float32), 0.1), equals(np.array(["5", "x"]), 5)
    (array([ True, False]), array([ True, False]))
    """
    if factor.dtype.kind in "iuf" and isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return np.zeros(len(factor), bool)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if factor.dtype.kind == "f" and is_number:
        with np.errstate(over="ignore"):
            return factor == factor.dtype.type(value)
    if factor.dtype.kind == "U" and is_number:
        return factor == f"{value:.17g}" if isinstance(value, int) else _same_number(factor, value)
    return np.array([bool(known == value) for known in factor.tolist()], bool)


def _same_number(texts: np.ndarray, value: float) -> np.ndarray:
    def matches(text: str) -> bool:
        try:
            return float(text) == value
        except ValueError:
            return False

    distinct, place = np.unique(texts, return_inverse=True)
    return np.array([matches(text) for text in distinct.tolist()], bool)[place]


def equals_any(factor: np.ndarray, values: Iterable[Any]) -> np.ndarray:
    """Tell which values of a factor are among those that a user wrote."""
    found = np.zeros(len(factor), bool)
    for value in values:
        found |= equals(factor, value)
    return found
