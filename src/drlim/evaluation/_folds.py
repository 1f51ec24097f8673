"""The folds of a cross-validation: groups stay whole, and all maps that are compared share them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

Folds = list[tuple[np.ndarray, np.ndarray]]


def folds_of(factor: np.ndarray, kind: str, groups: np.ndarray, n_folds: int, seed: int) -> Folds:
    """Return the rows that are learnt from and the rows that are read, for each fold.

    Parameters
    ----------
    factor : ndarray of shape (n_samples,)
        The values of a class are spread evenly over the folds.
    kind : {"class", "number"}
    groups : ndarray of shape (n_samples,)
        Samples of one group are in one fold.
    n_folds : int
    seed : int

    Examples
    --------
    >>> factor = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> folds = folds_of(factor, "class", np.arange(8), 2, 0)
    >>> [np.bincount(factor[part]).tolist() for _, part in folds]
    [[2, 2], [2, 2]]
    """
    classes = _codes(factor) if kind == "class" else b""
    return [*_divided(classes, _codes(groups), n_folds, seed)]


def _codes(values: np.ndarray) -> bytes:
    return np.unique(values, return_inverse=True)[1].astype(np.int64).tobytes()


# Several probes read the same factor from several maps, and scikit-learn divides 600 samples in
# more time than most of them need.
@lru_cache(maxsize=8)
def _divided(
    classes: bytes, groups: bytes, n_folds: int, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    group = np.frombuffer(groups, np.int64)
    folds: Any = GroupKFold(n_folds, shuffle=True, random_state=seed)
    if classes:
        folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    factor = np.frombuffer(classes, np.int64) if classes else group
    found = tuple((known, part) for known, part in folds.split(group, factor, group) if len(part))
    for rows in (rows for fold in found for rows in fold):
        rows.flags.writeable = False
    return found
