"""Exact nearest neighbours, a block of rows at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from drlim._types import Float, Int, Shaped

# Rows are compared this many pairs at a time (1,024 rows with 1,024 others), which stay in the
# cache while they are looked through; memory grows with n and never with n squared.
BLOCK_ENTRIES = 1_048_576


def nearest_exactly(
    X: Shaped[np.ndarray, "n d"], k: int, progress: Callable[[float], object]
) -> Int[np.ndarray, "n k"]:
    """Find the k nearest others of each row, the nearest first, ties in the order of rows.

    A float32 matrix product gives the distances between two blocks of rows, for both at once.
    What it rounds is bounded, so every row that could be among the nearest is known for
    certain; those few are compared again by their differences in float64, and the result is
    exact.
    """
    n = len(X)
    left, right, slack = _factors(X)
    side = max(1, math.isqrt(BLOCK_ENTRIES))
    # The k-th smallest of the distances to the nearest of each group of others is no smaller
    # than that to the k-th nearest of all, and there are far fewer of them to sort.
    n_grouped = min(max(1, n // (8 * k)), 32)
    # As large as any distance, but less than that of a row to itself, which is infinite.
    closest = np.full((n, k), np.finfo(np.float32).max)
    candidates = _Candidates(X, k)
    pairs = list(itertools.combinations_with_replacement(range(0, n, side), 2))
    for n_done, (a, b) in enumerate(pairs):
        progress(n_done / len(pairs))
        here, other = slice(a, min(a + side, n)), slice(b, min(b + side, n))
        # The smallest that each squared distance can be.
        least = left[here] @ right[other].T
        if a == b:
            np.fill_diagonal(least, np.inf)
        for rows, columns, table in ((here, other, least), (other, here, least.T)):
            most = _smallest_of_groups(table, n_grouped)
            # The largest that it can be is this much more.
            most -= _smallest_of_groups(-2 * slack[None, columns], n_grouped)
            most += 2 * slack[rows, None]
            most = np.concatenate([closest[rows], most], axis=1)
            closest[rows] = np.partition(most, k - 1, axis=1)[:, :k]
            candidates.add(table, rows.start, columns.start, closest[rows].max(axis=1))
            if a == b:
                break
        if candidates.are_many():
            candidates.thin_out(closest.max(axis=1))
    return candidates.nearest(closest.max(axis=1))


def _factors(
    X: Shaped[np.ndarray, "n d"],
) -> tuple[Float[np.ndarray, "n d_and_2"], Float[np.ndarray, "n d_and_2"], Float[np.ndarray, " n"]]:
    """Make two float32 matrices whose ``left @ right.T`` are lower bounds of squared distances.

    The square of x - y is |x|² + |y|² - 2xy, here one product of (-2x, |x|², 1) and (y, 1, |y|²).
    The third array bounds what a row adds to the rounding.
    """
    n, d = X.shape
    left, right = np.ones((n, d + 2), np.float32), np.ones((n, d + 2), np.float32)
    # Neighbours do not change when all are moved either: around their centre the product
    # rounds the least.
    np.subtract(X, X.mean(axis=0, dtype=np.float64), out=right[:, :d], casting="same_kind")
    coarse = in_own_unit(right[:, :d])
    squares = np.einsum("ij,ij->i", coarse, coarse)
    # |computed - true| of |x|² + |y|² - 2xy, for a sum of d + 2 rounded terms and the rounding
    # of X itself to float32 (Higham, Accuracy and Stability, section 3.1).
    slack = np.float32(4 * (d + 4) * np.finfo(np.float32).eps) * squares
    np.multiply(coarse, -2, out=left[:, :d])
    left[:, d] = right[:, d + 1] = squares - slack
    return left, right, slack


def _smallest_of_groups(
    table: Float[np.ndarray, "rows columns"], n_grouped: int
) -> Float[np.ndarray, "rows groups"]:
    """Return the smallest entry of each `n_grouped` columns; columns left over stay."""
    n_groups = table.shape[1] // n_grouped
    grouped = n_groups * n_grouped
    split = table[:, :grouped].reshape(len(table), n_grouped, n_groups)
    return np.concatenate([split.min(axis=1), table[:, grouped:]], axis=1)


class _Candidates:
    """Pairs (row, column) in which the column could be among the k nearest of the row."""

    def __init__(self, X: Shaped[np.ndarray, "n d"], k: int) -> None:
        self.X, self.k = X, k
        self.pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.n_pairs = 0
        self.enough = max(4 * len(X) * k, BLOCK_ENTRIES)

    def add(
        self,
        least: Float[np.ndarray, "rows columns"],
        row: int,
        column: int,
        reach: Float[np.ndarray, " rows"],
    ) -> None:
        """Take what could lie within the reach of its row from a table at (row, column)."""
        inside = least <= reach[:, None]
        # In the order in which the table lies in memory, rows first or columns first.
        entries = np.flatnonzero(inside.ravel(order="K"))
        if least.flags.c_contiguous:
            i, j = np.divmod(entries, least.shape[1])
        else:
            j, i = np.divmod(entries, least.shape[0])
        found = (i + row).astype(np.int32), (j + column).astype(np.int32), least[i, j]
        self.pairs.append(found)
        self.n_pairs += len(entries)

    def are_many(self) -> bool:
        """Tell whether there are enough to thin them out."""
        return self.n_pairs > self.enough

    def thin_out(self, reach: Float[np.ndarray, " n"]) -> None:
        """Drop the candidates beyond a reach that has become smaller."""
        row, column, least = self._inside(reach)
        if len(row) > self.enough // 2:  # much is equally near
            best = self._best(row, column)
            row, column, least = row[best], column[best], least[best]
        self.pairs, self.n_pairs = [(row, column, least)], len(row)

    def nearest(self, reach: Float[np.ndarray, " n"]) -> Int[np.ndarray, "n k"]:
        """Compare the candidates exactly, and return the k nearest of each row."""
        row, column, _ = self._inside(reach)
        nearest = column[self._best(row, column)].reshape(len(self.X), self.k)
        return nearest.astype(np.int64)

    def _inside(self, reach: Float[np.ndarray, " n"]) -> Sequence[np.ndarray]:
        row, column, least = (np.concatenate(part) for part in zip(*self.pairs, strict=True))
        inside = np.flatnonzero(least <= reach[row])
        return row[inside], column[inside], least[inside]

    def _best(
        self, row: Int[np.ndarray, " n_pairs"], column: Int[np.ndarray, " n_pairs"]
    ) -> Int[np.ndarray, " n_best"]:
        """Find the k nearest of each row so far: by row, the nearest first."""
        exact = _squared_distances(self.X, row, column)
        order = np.lexsort((column, exact, row))
        row = row[order]
        rank = np.arange(len(row)) - np.searchsorted(row, row)
        return order[rank < self.k]


def _squared_distances(
    X: Shaped[np.ndarray, "n_samples n_features"],
    left: Int[np.ndarray, " n_pairs"],
    right: Int[np.ndarray, " n_pairs"],
) -> Float[np.ndarray, " n_pairs"]:
    squared = np.empty(len(left))
    block = max(1, BLOCK_ENTRIES // max(X.shape[1], 1))
    for start in range(0, len(left), block):
        some = slice(start, start + block)
        difference = np.subtract(X[left[some]], X[right[some]], dtype=np.float64)
        squared[some] = np.einsum("ij,ij->i", difference, difference)
    return squared


def in_own_unit(X: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Scale by the power of two that brings the largest value between 1/2 and 1, in place."""
    largest = max(X.max(initial=0), -X.min(initial=0))
    np.ldexp(X, -np.frexp(largest)[1], out=X)
    return X
