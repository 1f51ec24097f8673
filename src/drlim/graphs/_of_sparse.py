"""Exact nearest neighbours of sparse samples, which stay sparse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from drlim._errors import InputError
from drlim._sparse import SparseRows
from drlim._types import Int

_BLOCK_ENTRIES = 4_194_304  # distances, or dense values, that are held at once
_SPARE = 8  # further candidates, which rounding may have put behind the nearest


def sparse_rows(X: Any) -> SparseRows:
    """Return sparse samples whose values are finite numbers."""
    rows = X if isinstance(X, SparseRows) else SparseRows(X)
    values = rows.matrix.data
    if values.dtype.kind not in "buif" or not np.isfinite(values).all():
        raise InputError(
            f"X is sparse and its values, of the dtype {values.dtype}, are not all finite "
            "numbers; drop those samples or fill the values in"
        )
    return rows


def nearest_of_sparse(
    X: SparseRows, n_neighbors: int, progress: Callable[[float], object]
) -> Int[np.ndarray, "n n_neighbors"]:
    """Find the nearest other rows of each row, the nearest first, ties in the order of rows."""
    n = len(X)
    matrix = X.matrix.astype(np.float64)
    matrix.data /= np.abs(matrix.data).max(initial=0.0) or 1.0  # so that no square overflows
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    n_candidates = min(n - 1, n_neighbors + _SPARE)
    n_at_once = max(1, _BLOCK_ENTRIES // max(n, X.shape[1] * n_candidates))
    nearest = []
    for start in range(0, n, n_at_once):
        block = matrix[start : start + n_at_once]
        here = np.arange(block.shape[0])
        # The part of |x - y|² = |x|² + |y|² - 2xy that differs between the others of one row.
        distance = squares - 2 * (block @ matrix.T).toarray()
        distance[here, start + here] = np.inf
        found = np.sort(np.argpartition(distance, n_candidates - 1, axis=1)[:, :n_candidates])
        others = matrix[found.ravel()].toarray().reshape(*found.shape, -1)
        exact = np.square(others - block.toarray()[:, None]).sum(axis=2)
        best = np.argsort(exact, axis=1, kind="stable")[:, :n_neighbors]
        nearest.append(np.take_along_axis(found, best, axis=1))
        progress((start + len(here)) / n)
    return np.concatenate(nearest).astype(np.int64)
