"""Sparse samples, of which only some rows are dense at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp


class SparseRows:
    """Samples in a scipy sparse matrix, read as the array that they stand for.

    ``rows[index]`` is a dense array of those rows, so that what takes samples a block or a batch
    at a time takes these too, and no more of them is dense at once.

    Parameters
    ----------
    matrix : scipy sparse matrix or array of shape (n_samples, n_features)

    Examples
    --------
    >>> rows = SparseRows(sp.csr_array(np.eye(4)))
    >>> rows.shape, rows[[3, 0]].tolist()
    ((4, 4), [[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    """

    ndim = 2

    def __init__(self, matrix: Any) -> None:
        self.matrix = sp.csr_array(matrix)
        self.shape: tuple[int, ...] = tuple(map(int, self.matrix.shape))
        self.dtype = np.dtype(self.matrix.dtype)
        self.size = self.shape[0] * self.shape[1]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        return np.asarray(self.matrix[rows].toarray())

    def some(self, rows: Any) -> SparseRows:
        """Return some of the rows, sparse."""
        return SparseRows(self.matrix[rows])

    def divided(self, unit: np.ndarray) -> SparseRows:
        """Return the samples with each feature in its own unit, sparse."""
        return SparseRows(self.matrix.astype(np.float64).multiply(1 / unit))

    @property
    def parts(self) -> list[np.ndarray]:
        """The arrays that it consists of: values, columns, and where each row begins."""
        return [self.matrix.data, self.matrix.indices, self.matrix.indptr]


Samples = np.ndarray | SparseRows


def is_sparse(X: Any) -> bool:
    """Tell whether samples are sparse, from a user or already as `SparseRows`."""
    return isinstance(X, SparseRows) or sp.issparse(X)
