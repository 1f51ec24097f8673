"""Exact nearest neighbours in any feature space, a block of rows at a time."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from drlim._errors import InputError
from drlim._types import Float, Int, Shaped
from drlim.graphs._graph import SimilarityGraph

# Rows are compared with all others this many entries at a time (64 MiB in float32), so that
# memory grows with n and never with n squared.
_BLOCK_ENTRIES = 16_777_216


def neighbors(X: Any, n_neighbors: int, *, within: Any = None) -> SimilarityGraph:
    """Make each sample similar to its nearest neighbours (the paper's rule for the digits).

    Neighbours are found exactly, by Euclidean distance between the flattened samples. "i is
    among the nearest of j" and "j is among the nearest of i" both make the pair similar, so a
    sample has at least `n_neighbors` similar ones and may have more. A sample is never its own
    neighbour, also when it has duplicates; equally near samples are taken in the order of
    their rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Vectors, images or anything else of numbers.
    n_neighbors : int
        How many neighbours each sample gets, at least 1 and fewer than the samples.
    within : array-like of shape (n_samples,), optional
        A factor, such as the shift or the lighting: neighbours are then looked for only among
        samples of the same value.

    Returns
    -------
    SimilarityGraph

    Raises
    ------
    InputError
        If a value of X is not finite, or there are not enough samples (in a group).

    Examples
    --------
    >>> neighbors([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1).edges.tolist()
    [[0, 1], [2, 3]]
    """
    rows = _as_rows(X)
    n = len(rows)
    if within is None:
        groups = [np.arange(n)]
    else:
        within = np.asarray(within)
        if within.shape != (n,):
            raise InputError(
                f"within has the shape {within.shape}; it must have one value a sample, ({n},)"
            )
        groups = [np.flatnonzero(within == value) for value in np.unique(within)]
    edges = []
    for group in groups:
        nearest = nearest_rows(rows[group], n_neighbors)
        left = np.repeat(group, n_neighbors)
        edges.append(np.stack([left, group[nearest].ravel()], axis=1))
    return SimilarityGraph.from_edges(np.concatenate(edges), n)


def nearest_rows(
    X: Shaped[np.ndarray, "n_samples n_features"], n_neighbors: int
) -> Int[np.ndarray, "n_samples n_neighbors"]:
    """Find the `n_neighbors` nearest other rows of each row, the nearest first.

    One float32 matrix product compares a block of rows with all others. What it rounds is
    bounded, so every row that could be among the nearest is known for certain; those few are
    compared again by their differences in float64, and the result is exact.
    """
    n = len(X)
    if not isinstance(n_neighbors, int | np.integer) or n_neighbors < 1:
        raise InputError(f"n_neighbors is {n_neighbors!r}; it must be an integer >= 1")
    if n_neighbors >= n:
        fewer = f", or n_neighbors <= {n - 1}" if n > 1 else ""
        raise InputError(
            f"n_neighbors is {n_neighbors} and there are {n} samples to choose from; there must "
            f"be more samples than neighbours: give more samples{fewer}"
        )
    # Neighbours do not change when all samples are moved or scaled together. Around their
    # centre and in their own unit nothing overflows and the product rounds the least. The
    # units are powers of two, which round nothing: what is equally near stays equally near.
    X = _in_own_unit(X.astype(np.float64))
    coarse = np.empty(X.shape, np.float32)
    np.subtract(X, X.mean(axis=0), out=coarse, casting="same_kind")
    coarse = _in_own_unit(coarse)
    squares = np.einsum("ij,ij->i", coarse, coarse)
    # |computed - true| of |x|^2 + |y|^2 - 2xy, for a sum of n_features + 2 rounded terms and
    # the rounding of X itself to float32 (Higham, Accuracy and Stability, section 3.1).
    unit = np.finfo(np.float32).eps
    slack = np.float32(4 * (X.shape[1] + 4) * unit) * squares

    # Of equal rows only the first few can be anyone's nearest, the others come after them.
    columns = np.flatnonzero(_copies_before(X) <= n_neighbors)
    place = np.full(n, -1)
    place[columns] = np.arange(len(columns))
    nearest = np.empty((n, n_neighbors), np.int64)
    block = max(1, _BLOCK_ENTRIES // len(columns))
    for start in range(0, n, block):
        here = np.arange(start, min(start + block, n))
        # The largest that the distance can be, but for what depends on the row alone.
        largest = coarse[here] @ coarse[columns].T
        largest *= -2
        largest += (squares + slack)[columns]
        own = np.flatnonzero(place[here] >= 0)
        largest[own, place[here[own]]] = np.inf
        reach = np.partition(largest, n_neighbors - 1, axis=1)[:, n_neighbors - 1]
        # The smallest that it can be is this much less.
        largest -= 2 * slack[columns]
        row, column = np.nonzero(largest <= (reach + 2 * slack[here])[:, None])
        column = columns[column]
        exact = _squared_distances(X, here[row], column)
        order = np.lexsort((column, exact, row))
        first = np.searchsorted(row, np.arange(len(here)))  # rows come sorted from nonzero
        nearest[here] = column[order[first[:, None] + np.arange(n_neighbors)]]
    return nearest


def _in_own_unit(X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Scale by the power of two that brings the largest value between 1/2 and 1, in place."""
    np.ldexp(X, -np.frexp(np.abs(X).max(initial=0))[1], out=X)
    return X


def _copies_before(X: Float[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
    """Count for each row how many equal rows come before it."""
    seen: dict[bytes, int] = {}
    before = np.empty(len(X), np.int64)
    for i, row in enumerate(X):
        digest = hashlib.blake2b(row.tobytes(), digest_size=16).digest()
        before[i] = seen.get(digest, 0)
        seen[digest] = before[i] + 1
    return before


def _squared_distances(
    X: Float[np.ndarray, "n_samples n_features"],
    left: Int[np.ndarray, " n_pairs"],
    right: Int[np.ndarray, " n_pairs"],
) -> Float[np.ndarray, " n_pairs"]:
    squared = np.empty(len(left))
    block = max(1, _BLOCK_ENTRIES // max(X.shape[1], 1) // 4)
    for start in range(0, len(left), block):
        some = slice(start, start + block)
        difference = X[left[some]] - X[right[some]]
        squared[some] = np.einsum("ij,ij->i", difference, difference)
    return squared


def _as_rows(X: Any) -> np.ndarray:
    X = np.asarray(X)
    if X.ndim < 1 or X.dtype.kind not in "buif":
        raise InputError(
            f"X has the dtype {X.dtype} and the shape {X.shape}; neighbours are looked for "
            "among samples of numbers, (n_samples, ...)"
        )
    rows: np.ndarray = X.reshape(len(X), -1) if len(X) else X.reshape(0, 0)
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise InputError(
            "X has NaN or infinite values; a distance to them means nothing: drop those samples "
            "or fill the values in"
        )
    return rows
