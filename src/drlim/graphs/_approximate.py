"""Approximate nearest neighbours, for more rows than an exact search has time for.

The rows become a navigable graph (HNSW, Malkov and Yashunin 2016; the index is faiss's), through
which each search hops towards its row. How wide it must search is measured on a sample of rows
whose exact neighbours are known, and so is the recall, the share of them that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from drlim._errors import MissingExtraError, missing_extra
from drlim._types import Float, Int, Shaped

# Links of a row, and rows that are visited while one is linked. With 250,000 digits of 784
# pixels and 15 neighbours, 16 links found 0.966 of them where 24 found 0.996 in the same search.
_LINKS, _BUILD_WIDTH = 24, 40

# A search keeps this many rows in view, doubled up to this many times until it finds enough of
# the nearest.
_WIDTH, _DOUBLINGS, _ENOUGH = 32, 4, 0.99

_SAMPLED = 200  # rows whose exact neighbours are searched for, to measure the recall

_BLOCK_ENTRIES = 8_388_608  # numbers that are held at once, besides X and the index

_MOST_BYTES = 2**31 // 255**2  # in a row, so that squared distances fit the index's integers


def nearest_nearly(
    X: Shaped[np.ndarray, "n d"], n_neighbors: int, progress: Callable[[float], object]
) -> tuple[Int[np.ndarray, "n n_neighbors"], float]:
    """Find most of the nearest other rows of each row, the nearest first.

    The same rows give the same neighbours, whatever the number of threads.

    Returns
    -------
    nearest : ndarray of shape (n, n_neighbors), int64
    recall : float
        The share of the exact neighbours of a sample of rows that were found.

    Raises
    ------
    MissingExtraError
        If faiss is not installed.
    """
    rows = _Rows(X)
    index = rows.empty_index(_load_faiss())
    # Linking the rows and searching for their neighbours take about half of the time each.
    for start, block in rows.blocks():
        index.add(block.astype(np.float32))
        progress((start + len(block)) / len(X) / 2)
    sample = np.sort(np.random.default_rng(0).permutation(len(X))[:_SAMPLED])
    exact = _exactly(rows, sample, n_neighbors)
    index.hnsw.efSearch = max(_WIDTH, 2 * n_neighbors)
    for _ in range(_DOUBLINGS):
        recall = _recall(rows, sample, _search(index, rows, sample, n_neighbors), exact)
        if recall >= _ENOUGH:
            break
        index.hnsw.efSearch *= 2
    blocks = np.array_split(np.arange(len(X)), -(-X.size // _BLOCK_ENTRIES))
    found = []
    for some in blocks:
        found.append(_search(index, rows, some, n_neighbors))
        progress(float(1 + (some[-1] + 1) / len(X)) / 2)
    nearest = np.concatenate(found)
    return nearest, _recall(rows, sample, nearest[sample], exact)


def is_installed() -> bool:
    """Tell whether the extra `ann` is installed and works."""
    try:
        _load_faiss()
    except MissingExtraError:
        return False
    return True


def _load_faiss() -> Any:
    try:
        import faiss
    except ImportError:
        raise missing_extra("faiss-cpu", "ann", "an approximate search for neighbours") from None
    return faiss


class _Rows:
    """X a block at a time: bytes as they are, all else around its centre and in its own unit.

    In that unit no square overflows, and float32 resolves distances down to about a ten-millionth
    of the farthest row; which rows are near does not change.
    """

    def __init__(self, X: Shaped[np.ndarray, "n d"]) -> None:
        self.X = X
        self.bytes = X.dtype in (np.uint8, np.bool_) and X.shape[1] <= _MOST_BYTES
        self.centre, self.unit = np.zeros(X.shape[1]), 1.0
        if not self.bytes:
            self.centre = X.mean(axis=0, dtype=np.float64)
            self.unit = max(np.abs(block).max(initial=0) for _, block in self.blocks()) or 1.0

    def exactly(self, rows: Any) -> Float[np.ndarray, "b d"]:
        return (self.X[rows] - self.centre) / self.unit

    def blocks(self, beside: int = 0) -> Iterator[tuple[int, Float[np.ndarray, "b d"]]]:
        """Yield the number of each block's first row, and the block.

        `beside` is how many further numbers per row the caller holds in memory.
        """
        n_rows = max(1, _BLOCK_ENTRIES // max(self.X.shape[1], beside))
        for start in range(0, len(self.X), n_rows):
            yield start, self.exactly(slice(start, start + n_rows))

    def empty_index(self, faiss: Any) -> Any:
        """Make an index in which the same rows get the same links with any number of threads."""
        d = self.X.shape[1]
        if self.bytes:  # held as bytes: a quarter of the memory, about half the time
            kind = faiss.ScalarQuantizer.QT_8bit_direct
            index = faiss.IndexHNSWSQ(d, kind, _LINKS)
            index.train(self.exactly(slice(0, 1)).astype(np.float32))
        else:
            index = faiss.IndexHNSWFlat(d, _LINKS)
        index.hnsw.efConstruction = _BUILD_WIDTH
        return index


def _search(index: Any, rows: _Rows, of: Int[np.ndarray, " b"], k: int) -> Int[np.ndarray, "b k"]:
    """Return the k nearest of some rows that the index finds, without the rows themselves."""
    _, found = index.search(rows.exactly(of).astype(np.float32), k + 1)
    # Leave out the row itself, or the last where k + 1 copies of it came first.
    others = found != of[:, None]
    others[others.all(axis=1), -1] = False
    nearest = found[others].reshape(len(of), k).astype(np.int64)
    lost = np.flatnonzero((nearest < 0).any(axis=1))  # the links led to fewer than k
    for start in range(0, len(lost), _SAMPLED):
        some = lost[start : start + _SAMPLED]
        nearest[some] = _exactly(rows, of[some], k)
    return nearest


def _exactly(rows: _Rows, of: Int[np.ndarray, " b"], k: int) -> Int[np.ndarray, "b k"]:
    """Compare some rows with all others, and return their k nearest, the nearest first."""
    some = rows.exactly(of)
    nearest, least = np.zeros((len(of), k), np.int64), np.full((len(of), k), np.inf)
    for start, block in rows.blocks(beside=len(of)):
        # The part of the squared distance |x|² + |y|² - 2xy that differs between the y of one x.
        squared = np.einsum("ij,ij->i", block, block) - 2 * some @ block.T
        here = np.flatnonzero((of >= start) & (of < start + len(block)))
        squared[here, of[here] - start] = np.inf  # a row is not its own neighbour
        least = np.concatenate([least, squared], axis=1)
        places = np.broadcast_to(np.arange(start, start + len(block)), squared.shape)
        best = np.argpartition(least, k - 1, axis=1)[:, :k]
        nearest = np.take_along_axis(np.concatenate([nearest, places], axis=1), best, axis=1)
        least = np.take_along_axis(least, best, axis=1)
    return np.take_along_axis(nearest, np.argsort(least, axis=1), axis=1)


def _recall(
    rows: _Rows,
    of: Int[np.ndarray, " b"],
    nearest: Int[np.ndarray, "b k"],
    exact: Int[np.ndarray, "b k"],
) -> float:
    """Return the share of the rows found that are as near as the exact neighbours."""
    reach = _squared(rows, of, exact).max(axis=1, keepdims=True)
    found = _squared(rows, of, nearest)
    # Where rows lie so close that even float64 rounds their differences away, the nearest are not
    # known, and only rows in the same place count as found.
    x = rows.exactly(of)
    rounding = 8 * (x.shape[1] + 4) * np.finfo(np.float64).eps * np.square(x).sum(axis=1)
    return float(((found <= reach) & ((reach > rounding[:, None]) | (found == 0))).mean())


def _squared(
    rows: _Rows, of: Int[np.ndarray, " b"], nearest: Int[np.ndarray, "b k"]
) -> Float[np.ndarray, "b k"]:
    """Return the squared distances of some rows to their neighbours."""
    pairs = zip(rows.exactly(of), nearest, strict=True)
    return np.stack([np.square(rows.exactly(near) - row).sum(axis=1) for row, near in pairs])
