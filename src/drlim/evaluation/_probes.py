"""Probes: small models that try to read a factor off points, and how a factor is put to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim._checks import is_number
from drlim._errors import InputError, nearest_name

PROBES = ("logistic", "trees")
NUMBER_PROBES = ("ridge", "trees")
MANY_VALUES = 20
_MOST_FEATURES, _N_TREES = 50, 30


def kind_of(factor: Any) -> str:
    """Tell whether a factor is a number, to be read by regression, or a class.

    It is a number if its values are numeric and there are more than 20 of them, or fewer than
    five samples a value.

    Examples
    --------
    >>> kind_of(np.arange(100) / 7), kind_of(np.arange(100) % 4), kind_of(["a", "b"])
    ('number', 'class', 'class')
    """
    factor = np.asarray(factor)
    n_values = len(np.unique(as_values(factor)))
    numeric = factor.dtype.kind in "iuf" and n_values > 2
    many = n_values > MANY_VALUES or 5 * n_values > len(factor)
    return "number" if numeric and many else "class"


def as_values(factor: np.ndarray) -> np.ndarray:
    """Return a factor in a form that can be sorted: objects of several types as their texts."""
    return factor.astype(str) if factor.dtype.kind == "O" else factor


def check_factor(factor: Any, n: int, kind: str) -> np.ndarray:
    """Return a factor as an array, or say what is wrong with it."""
    values = np.asarray(factor)
    if values.shape != (n,):
        raise InputError(
            f"the factor has the shape {values.shape} and there are {n} samples; a factor has "
            "one value a sample"
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
    """Return the group of each sample: what was given, or each sample by itself."""
    groups = np.arange(n) if groups is None else as_values(np.asarray(groups))
    if groups.shape != (n,):
        raise InputError(
            f"groups has the shape {groups.shape} and there are {n} samples; it must say of "
            "each sample to which group it belongs"
        )
    return np.asarray(groups)


def targets(factor: np.ndarray, period: float | None) -> np.ndarray:
    """Return what a regression has to read: the number, or its sine and cosine if it is cyclic."""
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
        raise InputError("no factor is kept, so nothing can be read off what is")
    columns = []
    for name, given in factors.items():
        factor = as_values(np.asarray(given))
        if name in periods:
            columns.append(targets(factor, periods[name]))
        elif kind_of(factor) == "number":
            columns.append(targets(factor, None))
        else:
            columns.append((factor[:, None] == np.unique(factor)).astype(np.float64))
    return np.hstack(columns)


def probe_model(name: str, kind: str, n_features: int, n_train: int, seed: int) -> Any:
    """Build the probe of that name for classes or for numbers."""
    known = PROBES if kind == "class" else NUMBER_PROBES
    if name not in known:
        raise InputError(f"probe is {name!r}; {nearest_name(name, known)}")
    # Pixels are many; a probe of all of them takes minutes and reads no more.
    most = min(_MOST_FEATURES, n_train)
    reduce = [PCA(most, random_state=seed)] if n_features > most else []
    if name == "logistic":
        return make_pipeline(*reduce, StandardScaler(), LogisticRegression(max_iter=1000))
    if name == "ridge":
        return make_pipeline(*reduce, StandardScaler(), RidgeCV(np.logspace(-3, 3, 7)))
    options = {"n_estimators": _N_TREES, "max_depth": 3, "max_features": 0.3, "random_state": seed}
    if kind == "class":
        return make_pipeline(*reduce, GradientBoostingClassifier(**options))
    # A regression says how far, not only on which side: it needs bigger steps than a vote does.
    trees = GradientBoostingRegressor(learning_rate=0.3, **options)
    return make_pipeline(*reduce, MultiOutputRegressor(trees))
