"""How a factor is given to probes, small models that try to read it from points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drlim._checks import as_array, is_number
from drlim._errors import InputError, nearest_name

PROBES = ("logistic", "trees", "neighbors")
NUMBER_PROBES = ("ridge", "trees", "neighbors")
# Cross-validation: each sample is read by a probe that was trained on four fifths of the groups.
N_FOLDS = 5
# Of more samples a part is drawn. The interval of a share of 2,000 is 0.04 wide, narrower than any
# rule asks for, and probes of pixels take minutes.
MOST_SAMPLES = 2000
# Samples of more features are probed on their first principal components: probes of all pixels
# take minutes and read no more.
MOST_FEATURES = 50
# Numbers of more values are read by regression.
MANY_VALUES = 20


def kind_of(factor: Any, period: float | None = None) -> str:
    """Tell whether a factor is read as a number, by regression, or as a class.

    It is a number if it has a period, or if its values are numeric and more than 20, or too many
    to have a sample of each in every fold. Missing values do not count.

    Examples
    --------
    >>> kind_of(np.arange(100) / 7), kind_of(np.arange(100) % 4), kind_of(["a", "b"])
    ('number', 'class', 'class')
    >>> kind_of(np.arange(100) % 4 * 90, period=360)
    'number'
    """
    if period is not None:
        return "number"
    factor = as_array(factor, "the factor")
    factor = factor[is_known(factor)]
    n_values = len(np.unique(as_values(factor)))
    # Two values are two classes, even where they are 0 and 1.
    numeric = factor.dtype.kind in "iuf" and n_values > 2
    many = n_values > MANY_VALUES or N_FOLDS * n_values > len(factor)
    return "number" if numeric and many else "class"


def kinds_of(factor: Any, period: float | None = None) -> tuple[str, ...]:
    """Tell in which ways an ignored factor is probed: as a class, as a number, or as both.

    Numbers of many values that come again, such as the identities of 40 people, could be names:
    nothing but the kind that a user states tells them from amounts.

    Examples
    --------
    >>> kinds_of(np.arange(400) % 40), kinds_of(np.linspace(0, 1, 400)), kinds_of(["a", "b"])
    (('class', 'number'), ('number',), ('class',))
    """
    if kind_of(factor, period) == "class":
        return ("class",)
    values = as_array(factor, "the factor")
    counts = np.unique(values[is_known(values)], return_counts=True)[1]
    again = period is None and counts[counts > 1].sum() > counts.sum() / 2
    return ("class", "number") if again else ("number",)


def is_known(factor: np.ndarray) -> np.ndarray:
    """Tell which samples have a value: neither None nor NaN; (n_samples,) of bool."""
    if factor.dtype.kind == "f":
        return np.isfinite(factor)
    if factor.dtype.kind == "O":
        return np.array([value is not None and value == value for value in factor], bool)
    return np.ones(len(factor), bool)


def as_values(factor: np.ndarray) -> np.ndarray:
    """Return a factor in a form that can be sorted: objects of several types as their texts."""
    return factor.astype(str) if factor.dtype.kind == "O" else factor


def check_factor(factor: Any, n: int, kind: str) -> np.ndarray:
    """Return a factor as an array of values that can be read as `kind`, or raise InputError."""
    values = as_array(factor, "the factor")
    if values.shape != (n,):
        raise InputError(
            f"the factor has the shape {values.shape} and there are {n} samples; a factor has "
            "one value for each sample"
        )
    if kind not in ("class", "number"):
        raise InputError(f"kind is {kind!r}; {nearest_name(kind, ('class', 'number'))}")
    if kind == "class":
        return as_values(values)
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise InputError(
            "the factor has values that are not finite numbers; leave them out, or read it as "
            "kind='class'"
        )
    return values.astype(np.float64)


def check_groups(groups: Any, n: int) -> np.ndarray:
    """Return the group of each sample; without groups, each sample is one."""
    groups = np.arange(n) if groups is None else as_values(as_array(groups, "groups"))
    if groups.shape != (n,):
        raise InputError(
            f"groups has the shape {groups.shape} and there are {n} samples; it must give the "
            "group of each sample"
        )
    return groups


def targets(factor: np.ndarray, period: float | None) -> np.ndarray:
    """Return what a regression reads: the number, or the sine and cosine of a cyclic one."""
    if period is None:
        return factor.astype(np.float64)[:, None]
    if not is_number(period) or period <= 0:
        raise InputError(f"period is {period!r}; it must be a finite number > 0, such as 360")
    angle = 2 * np.pi * factor / period
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def as_columns(factors: Mapping[str, Any], periods: Mapping[str, float]) -> np.ndarray:
    """Return factors as features: numbers as they are, angles as sine and cosine, classes as 0, 1.

    Examples
    --------
    >>> as_columns({"digit": ["a", "b", "a"]}, {}).tolist()
    [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    if not factors:
        raise InputError("kept is empty; give at least one kept factor to read from")
    columns = []
    for name, given in factors.items():
        factor, period = as_values(as_array(given, "the factor")), periods.get(name)
        if kind_of(factor, period) == "number":
            columns.append(targets(factor, period))
        else:
            columns.append((factor[:, None] == np.unique(factor)).astype(np.float64))
    return np.hstack(columns)
