"""Nearest neighbours in any feature space, found exactly or approximately."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import numpy as np

from drlim._checks import as_array, check_count
from drlim._errors import DataWarning, InputError, warn
from drlim._sparse import SparseRows, is_sparse
from drlim._types import Int, Shaped
from drlim.graphs import _approximate, _exact
from drlim.graphs._graph import SimilarityGraph
from drlim.graphs._of_sparse import nearest_of_sparse, sparse_rows

# An exact search of this many rows takes a minute; the time grows with their square.
_MANY_ROWS = 100_000

# A search that finds less than this share of the exact neighbours warns.
_LITTLE_RECALL = 0.9


def _ignore(share: float) -> None:
    """Ignore progress (the default)."""


def _report_part(
    progress: Callable[[float], object], start: float, length: float, share: float
) -> None:
    """Report a share of one part as a share of the whole, in which the part begins at `start`."""
    progress(start + length * share)


@overload
def neighbors(
    X: Any,
    n_neighbors: int,
    *,
    within: Any = None,
    approximate: bool | None = None,
    progress: Callable[[float], object] | None = None,
    return_recall: Literal[False] = False,
) -> SimilarityGraph: ...


@overload
def neighbors(
    X: Any,
    n_neighbors: int,
    *,
    within: Any = None,
    approximate: bool | None = None,
    progress: Callable[[float], object] | None = None,
    return_recall: Literal[True],
) -> tuple[SimilarityGraph, float | None]: ...


def neighbors(
    X: Any,
    n_neighbors: int,
    *,
    within: Any = None,
    approximate: bool | None = None,
    progress: Callable[[float], object] | None = None,
    return_recall: bool = False,
) -> SimilarityGraph | tuple[SimilarityGraph, float | None]:
    """Make each sample similar to its nearest neighbours (the paper's rule for the digits).

    Neighbours are near by Euclidean distance between the flattened samples. "i is among the
    nearest of j" and "j is among the nearest of i" both make the pair similar, so a sample has at
    least `n_neighbors` similar ones and may have more. A sample is never its own neighbour, even
    when it has duplicates. Up to 100,000 samples are searched exactly, and equally near ones
    are taken in the order of their rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), or scipy sparse matrix
        Vectors, images or any other samples of numbers. A sparse matrix stays sparse, and is
        searched exactly.
    n_neighbors : int
        How many neighbours each sample gets, at least 1 and fewer than the samples.
    within : array-like of shape (n_samples,), optional
        A factor, such as the shift or the lighting: neighbours are then searched for only among
        samples of the same value.
    approximate : bool, optional
        True: search approximately (extra `ann`), in a time that grows little faster than the
        samples. False: exactly, in a time that grows with their square, two hours for a million
        of 784 pixels. None: approximately among more than 100,000 (in a group) where the extra is
        installed.
    progress : callable, optional
        Called now and then with the share of the search that is done, from 0 to 1.
    return_recall : bool, default=False
        Whether to return also how good the search was.

    Returns
    -------
    graph : SimilarityGraph
    recall : float or None
        Only if `return_recall` is True: the share of the exact neighbours that an approximate
        search found, measured on 200 samples (in a group); None if the search was exact.

    Raises
    ------
    InputError
        If a value of X is not finite, there are not enough samples (in a group), or `approximate`
        is neither a bool nor None.
    MissingExtraError
        If `approximate` is True and the extra `ann` is not installed.

    Warns
    -----
    DataWarning
        If an exact search of more than 100,000 is about to begin because the extra is missing, or
        an approximate one found less than 0.9 of the exact neighbours.

    Examples
    --------
    >>> neighbors([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1).edges.tolist()
    [[0, 1], [2, 3]]
    """
    if approximate is not None and not isinstance(approximate, bool):
        raise InputError(
            f"approximate is {approximate!r}; it must be True, False or None, which searches "
            f"approximately among more than {_MANY_ROWS:,} samples"
        )
    rows = sparse_rows(X) if is_sparse(X) else as_rows(X)
    if approximate and isinstance(rows, SparseRows):
        raise InputError("approximate is True and X is sparse, whose search is exact; leave it out")
    n = len(rows)
    groups = rows_within(within, n)
    edges, recalls = [], []
    report, done = progress or _ignore, 0
    for group in groups:
        in_group = functools.partial(_report_part, report, done / max(n, 1), len(group) / max(n, 1))
        if isinstance(rows, SparseRows):
            _check_enough(len(group), n_neighbors)
            nearest, recall = nearest_of_sparse(rows.some(group), n_neighbors, in_group), None
        else:
            among = rows if within is None else rows[group]
            nearest, recall = nearest_rows(among, n_neighbors, approximate, in_group)
        done += len(group)
        left = np.repeat(group, n_neighbors)
        edges.append(np.stack([left, group[nearest].ravel()], axis=1))
        recalls.append(recall)
    graph = SimilarityGraph(np.concatenate(edges), n)
    recall = _mean_recall(recalls, [len(group) for group in groups])
    graph.__dict__["_recall"] = recall  # for `SimilarityGraph.recall`, which is deprecated
    return (graph, recall) if return_recall else graph


def rows_within(factor: Any, n: int, name: str = "within") -> list[Int[np.ndarray, " n_rows"]]:
    """Return the rows of each value of a factor; of all samples if there is none."""
    if factor is None:
        return [np.arange(n)]
    factor = as_array(factor, name)
    if factor.shape != (n,):
        raise InputError(
            f"{name} has the shape {factor.shape}; it must have one value a sample, ({n},)"
        )
    try:
        values = np.unique(factor)
    except TypeError as error:  # objects that have no order
        raise InputError(
            f"{name} has values of several types, or missing ones ({error}); give all as texts, "
            "or all as numbers"
        ) from None
    return [np.flatnonzero(factor == value) for value in values] or [np.arange(0)]


def _mean_recall(recalls: Sequence[float | None], sizes: Sequence[int]) -> float | None:
    """Return the share found in all groups together; None if all searches were exact."""
    if all(recall is None for recall in recalls):
        return None
    shares = [1.0 if recall is None else recall for recall in recalls]
    return float(np.average(shares, weights=sizes))


def nearest_rows(
    X: Shaped[np.ndarray, "n_samples n_features"],
    n_neighbors: int,
    approximate: bool | None = False,
    progress: Callable[[float], object] = _ignore,
) -> tuple[Int[np.ndarray, "n_samples n_neighbors"], float | None]:
    """Find the nearest other rows of each row, the nearest first.

    `approximate` and `progress` are those of `neighbors`. The second result is the recall of an
    approximate search; None for an exact one.
    """
    n = len(X)
    _check_enough(n, n_neighbors)
    # Neighbours do not change when all samples are scaled together. In their own unit nothing
    # overflows; the unit is a power of two, which rounds nothing, so ties stay ties. Narrow
    # numbers cannot overflow, and keep their narrow type.
    if X.dtype.itemsize > 4:
        X = _exact.in_own_unit(X.astype(np.float64))
    # Only the first few of equal rows can be anyone's nearest, as the others come after them. Those
    # others have the neighbours of the last copy that is kept, before which all its own stand.
    before, first = _copies(X)
    kept = np.flatnonzero(before <= n_neighbors)
    nearest = np.empty((n, n_neighbors), np.int64)
    single = X if len(kept) == n else X[kept]
    found, recall = _search(single, int(n_neighbors), approximate, progress)
    progress(1.0)
    nearest[kept] = kept[found]
    last = np.flatnonzero(before == n_neighbors)
    last_copy = np.empty(n, np.int64)
    last_copy[first[last]] = last
    others = np.flatnonzero(before > n_neighbors)
    nearest[others] = nearest[last_copy[first[others]]]
    return nearest, recall


def _check_enough(n: int, n_neighbors: int) -> None:
    """Raise if there are not more samples than neighbours."""
    check_count(n_neighbors, "n_neighbors")
    if n_neighbors >= n:
        fewer = f", or n_neighbors <= {n - 1}" if n > 1 else ""
        raise InputError(
            f"n_neighbors is {n_neighbors} and there are {n} samples to choose from; there must "
            f"be more samples than neighbours: give more samples{fewer}"
        )


def _search(
    X: Shaped[np.ndarray, "n d"],
    k: int,
    approximate: bool | None,
    progress: Callable[[float], object],
) -> tuple[Int[np.ndarray, "n k"], float | None]:
    """Search exactly or approximately; None: by the number of rows and what is installed."""
    if approximate is None:
        approximate = len(X) > _MANY_ROWS and _approximate.is_installed()
        if len(X) > _MANY_ROWS and not approximate:
            warn(
                f"searching for the exact neighbours of {len(X)} samples, in a time that grows "
                "with their square: a minute for 100,000 of 784 pixels, two hours for a million; "
                "pip install 'drlim[ann]' for an approximate search, or give approximate=False",
                DataWarning,
            )
    if not approximate or not X.shape[1]:
        return _exact.nearest_exactly(X, k, progress), None
    nearest, recall = _approximate.nearest_nearly(X, k, progress)
    if recall < _LITTLE_RECALL:
        warn(
            f"the approximate search found {recall:.2f} of the {k} nearest neighbours of a sample "
            f"of the {len(X)} rows; approximate=False finds all of them. In very many dimensions "
            "PCA to fewer helps, and with a few outlying values, leaving them out",
            DataWarning,
        )
    return nearest, recall


def _copies(
    X: Shaped[np.ndarray, "n d"],
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Count for each row how many equal rows come before it, and find the first of them."""
    n = len(X)
    before, first = np.zeros(n, np.int64), np.arange(n)
    sums = _checksums(X)
    order = np.argsort(sums, kind="stable")
    starts = np.flatnonzero(np.diff(sums[order], prepend=sums[order[:1]] + 1))
    length = np.diff(starts, append=n)
    for start, count in zip(starts[length > 1], length[length > 1], strict=True):
        rows = order[start : start + count]
        # Where the sums agree by chance, rows that differ from the first count as single: that
        # costs time and changes no result.
        rows = rows[(X[rows] == X[rows[0]]).all(axis=1)]
        before[rows], first[rows] = np.arange(len(rows)), rows[0]
    return before, first


def _checksums(X: Shaped[np.ndarray, "n d"]) -> Int[np.ndarray, " n"]:
    """Return a number for each row, equal for equal rows and hardly ever for others."""
    sums = np.zeros(len(X), np.uint64)
    factors = np.random.default_rng(0).integers(0, 2**63, X.shape[1], np.uint64) * 2 + 1
    block = max(1, _exact.BLOCK_ENTRIES // max(X.shape[1], 1))
    for start in range(0, len(X), block):
        rows = X[start : start + block] + np.float64(0)  # -0 is 0
        bits = rows.view(np.uint64)
        # Round numbers have their bits at the upper end, where a product would lose them.
        bits ^= bits >> np.uint64(32)
        sums[start : start + block] = (bits * factors).sum(axis=1, dtype=np.uint64)
    return sums.view(np.int64)


def as_rows(X: Any) -> np.ndarray:
    X = as_array(X, "X")
    if X.ndim < 1 or X.dtype.kind not in "buif":
        raise InputError(
            f"X has the dtype {X.dtype} and the shape {X.shape}; it must hold samples of numbers, "
            "(n_samples, ...)"
        )
    rows = X.reshape(len(X), -1) if len(X) else X.reshape(0, 0)
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        raise InputError(
            "X has NaN or infinite values; a distance to them means nothing: drop those samples "
            "or fill the values in"
        )
    return rows
