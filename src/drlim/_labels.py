"""Labels of samples: what a user may give for them, and which say that a label is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim._checks import as_array
from drlim._errors import DataWarning, InputError, warn


def labels(y: Any, n_samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return labels as numbers or texts, and which are unknown.

    Unknown are -1 among whole numbers and, among texts, bools, dates and whole numbers, what is
    missing: None, NaN, ``pandas.NA`` or NaT. Missing among amounts is an error, since a nearest
    amount is looked for.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    n_samples : int

    Raises
    ------
    InputError
        If there is not one label for each sample, labels are of several types or of one that has
        no order, amounts are missing, or all labels are.

    Warns
    -----
    DataWarning
        If labels are missing and not None, which a user writes, or one is the text "-1".
    """
    array = as_array(y, "y")
    if array.shape != (n_samples,):
        raise InputError(
            f"y has the shape {array.shape} and X has {n_samples} samples; y must have one label "
            "per sample, (n_samples,)"
        )
    if array.dtype.kind == "S":
        raise InputError(
            f"y has labels of bytes, such as {array[0]!r}; give texts: np.char.decode(y, 'utf-8')"
        )
    # numpy has made texts of what is missing in a list, and floats of pandas' whole numbers.
    whole = getattr(getattr(y, "dtype", None), "kind", "") in tuple("iub")
    if array.dtype.kind in "UOM" or (whole and array.dtype.kind == "f"):
        return _of_objects(np.asarray(y, dtype=object))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("y has NaN or infinite values; the label of an unlabelled sample is -1")
    return array, array == -1


def _of_objects(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    missing = np.array([_is_missing(value) for value in values], bool)
    if missing.all():
        raise InputError(
            f"y has no label: all {len(values)} are missing, such as {values[0]!r}; leave y out"
        )
    known: list[Any] = values[~missing].tolist()
    if all(isinstance(value, int | float | np.number) for value in known):
        return _of_numbers(values, missing, known)
    # In a list of texts, -1 can only mean what it means among numbers.
    unknown = missing | np.array([type(value) is int and value == -1 for value in values], bool)
    _check_types(values[~unknown])
    if strange := [value for value in values[missing] if value is not None]:
        warn(
            f"y has {len(strange)} missing labels, such as {strange[0]!r}; these samples are "
            "unlabelled, and similar to their nearest neighbours. To say so without this line, "
            "label them None",
            DataWarning,
        )
    return _numbered(values, unknown), unknown


def _of_numbers(
    values: np.ndarray, missing: np.ndarray, known: list[Any]
) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.asarray(known)
    if missing.any() and numbers.dtype.kind == "f":
        raise InputError(
            f"y has {np.count_nonzero(missing)} missing amounts, such as "
            f"{values[missing][0]!r}; leave those samples out"
        )
    if not missing.any():
        return numbers, numbers == -1
    filled = np.full(len(values), -1)
    filled[~missing] = numbers
    return filled, filled == -1


def _check_types(values: np.ndarray) -> None:
    """Raise unless all labels are of one type."""
    first: dict[type, Any] = {}
    for value in values.tolist():
        kind = str if isinstance(value, str) else type(value)
        first.setdefault(kind, value)
    if bytes in first:
        raise InputError(
            f"y has labels of bytes, such as {first[bytes]!r}; give texts: "
            "[label.decode() for label in y]"
        )
    if len(first) > 1:
        raise InputError(
            f"y has labels of several types, such as {', '.join(map(repr, first.values()))}; give "
            "all as texts, or all as whole numbers, and None for an unknown one"
        )


def _numbered(values: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    """Return texts as they are where all are known; else the number of each, and -1."""
    known = values[~unknown]
    try:
        names, numbers = np.unique(known, return_inverse=True)
    except TypeError:
        raise InputError(
            f"y has labels of the type {type(known[0]).__name__}, which have no order; give texts "
            "or whole numbers"
        ) from None
    if "-1" in names.tolist():
        warn(
            "y has the text '-1', which is a class like any other text; the label of an "
            "unlabelled sample is None",
            DataWarning,
        )
    if not unknown.any():
        return np.asarray(names[numbers].tolist()) if isinstance(known[0], str) else numbers
    numbered = np.full(len(values), -1)
    numbered[~unknown] = numbers
    return numbered


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    return isinstance(value, float | np.floating) and bool(np.isnan(value))
