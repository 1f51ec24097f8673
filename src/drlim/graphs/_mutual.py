"""Mutual nearest neighbours between groups: what two batches have in common, without labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from drlim._checks import check_count
from drlim._errors import InputError
from drlim._types import Float, Int
from drlim.graphs._graph import SimilarityGraph
from drlim.graphs._neighbors import as_rows, rows_within

_BLOCK_ENTRIES = 4_194_304  # distances that are held at once


def mutual_neighbors(
    X: Any,
    groups: Any,
    n_neighbors: int,
    *,
    within: Any = None,
    progress: Callable[[float], object] | None = None,
) -> SimilarityGraph:
    """Make samples of two groups similar that are among each other's nearest in the other group.

    Two batches of one thing differ by a shift, and often hold other mixtures of what they share.
    A sample of which the other group has no counterpart has nearest ones there too, but is seldom
    among *their* nearest; so what is mutual is evidence of the same thing in both (Haghverdi et
    al., Nature Biotechnology 36, 2018). It holds where a shift between the groups is smaller than
    the differences within, or points elsewhere; the proof on held-out samples tells.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Vectors, images or any other samples of numbers. Near is by Euclidean distance.
    groups : array-like of shape (n_samples,)
        The group of each sample: its batch, instrument or laboratory; two or more.
    n_neighbors : int
        How many nearest samples of each other group are considered, or all of a smaller group.
    within : array-like of shape (n_samples,), optional
        A further factor: only samples of the same value are compared.
    progress : callable, optional
        Called now and then with the share of the search that is done, from 0 to 1.

    Returns
    -------
    SimilarityGraph
        Without pairs inside a group; `neighbors` with ``within=groups`` finds those. The search
        is exact, in a time that grows with the square of the samples.

    Raises
    ------
    InputError
        If a value of X is not finite, or there is one group only.

    Examples
    --------
    >>> X = [[0.0], [5.0], [0.1], [5.2], [99.0]]  # the last has no counterpart
    >>> mutual_neighbors(X, ["a", "a", "b", "b", "b"], n_neighbors=1).edges.tolist()
    [[0, 2], [1, 3]]
    """
    check_count(n_neighbors, "n_neighbors")
    rows = as_rows(X)
    n = len(rows)
    members = rows_within(groups, n, "groups")
    if len(members) < 2:
        raise InputError(
            "groups has one value only; mutual neighbours are between groups, so there must be two"
        )
    parts = rows_within(within, n)
    searches = [
        (np.intersect1d(left, part), np.intersect1d(right, part))
        for left, right in itertools.combinations(members, 2)
        for part in parts
    ]
    n_all = sum(len(left) * len(right) for left, right in searches) or 1
    edges, done = [np.empty((0, 2), np.int64)], 0
    for left, right in searches:
        if len(left) and len(right):
            there = _nearest(rows[left], rows[right], n_neighbors)
            back = _nearest(rows[right], rows[left], n_neighbors)
            keys = there + np.arange(len(left))[:, None] * len(right)
            of_back = back * len(right) + np.arange(len(right))[:, None]
            i, j = np.divmod(np.intersect1d(keys, of_back), len(right))
            edges.append(np.stack([left[i], right[j]], axis=1))
        done += len(left) * len(right)
        if progress is not None:
            progress(done / n_all)
    return SimilarityGraph(np.concatenate(edges), n)


def _nearest(rows: np.ndarray, others: np.ndarray, n_neighbors: int) -> Int[np.ndarray, "n_rows k"]:
    """Return the nearest others of each row, in no order."""
    k = min(n_neighbors, len(others))
    centre = others.mean(axis=0, dtype=np.float64)
    unit = float(max(abs(rows - centre).max(), abs(others - centre).max(), 0.0)) or 1.0
    others = (others - centre) / unit
    squares: Float[np.ndarray, " n_others"] = np.square(others).sum(axis=1)
    n_at_once = max(1, _BLOCK_ENTRIES // len(others))
    nearest = []
    for start in range(0, len(rows), n_at_once):
        block = (rows[start : start + n_at_once] - centre) / unit
        # The part of |x - y|² = |x|² + |y|² - 2xy that differs between the others of one row.
        distance = squares - 2 * block @ others.T
        nearest.append(np.argpartition(distance, k - 1, axis=1)[:, :k])
    return np.concatenate(nearest)
