"""`SimilarityGraph`: an immutable graph with a small Boolean algebra."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from drlim._checks import as_array, check_count
from drlim._errors import DataWarning, InputError, warn
from drlim._types import Int

# An edge is the one number i * n_samples + j, which must fit into 63 bits.
_MOST_SAMPLES = 3_037_000_499

# More edges of groups than the first number (400 MB) are written out with a warning; the second
# is how many are written at a time.
_MANY_EDGES, _BLOCK_EDGES = 50_000_000, 1_048_576


class SimilarityGraph:
    """Who is similar to whom among ``n_samples`` samples: the set S of the paper.

    The graph is undirected and has no self-edge. It cannot be changed; the operators make new
    graphs, so that prior knowledge can be written as one expression:

    ====================  ==================================================================
    ``a | b``             similar by either
    ``a & b``             similar by both
    ``a - b``             similar by ``a`` and not by ``b``
    ``a @ b``             similar (by ``b``) to something similar (by ``a``), or the reverse
    ``a.restrict(rows)``  the graph among some of the samples, renumbered
    ``a.copied(n)``       the graph of n copies of each sample, which are alike
    ====================  ==================================================================

    Other ways to make one are `from_sparse`, `empty`, `complete`, `drlim.graphs.neighbors`, and
    the relations (`drlim.graphs.same`, `adjacent`, `copies`, `pairs`); `from_edges` is the
    constructor by another name.

    Parameters
    ----------
    edges : array-like of shape (n_edges, 2), integer
        Pairs of rows, in any order, repeated or reversed. A pair of a row with itself is left
        out: nothing is learnt from it. The array itself is neither kept nor changed.
    n_samples : int
        How many samples there are.

    Raises
    ------
    InputError
        If the edges have another shape, are not integers, or name a row that does not exist.

    Attributes
    ----------
    n_samples : int
        How many samples the graph is about, those without any edge included.
    edges : ndarray of shape (n_edges, 2), int64
        Each similar pair once, ``i < j``, sorted, read-only.
    groups : ndarray of shape (n_samples,), int64, or None
        The group of each sample, numbered from 0, for a graph made by `drlim.graphs.same`, in
        which all samples of a group are similar and no others are; None for any other graph. The
        edges, which grow with the square of a group, are not written out until all are needed.

    Examples
    --------
    >>> near = SimilarityGraph([(0, 1), (2, 3)], n_samples=4)
    >>> copy = SimilarityGraph([(1, 2)], n_samples=4)
    >>> (near | copy | near @ copy).edges.tolist()
    [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    >>> near
    SimilarityGraph(<2 edges>, n_samples=4)
    """

    groups: Int[np.ndarray, " n_samples"] | None
    _n_samples: int

    def __init__(self, edges: Any, n_samples: int) -> None:
        self._hold(*_canonical(edges, n_samples))

    @classmethod
    def _from_keys(cls, n_samples: int, keys: Int[np.ndarray, " n_edges"]) -> SimilarityGraph:
        """Make a graph of canonical keys: sorted, each once, in an array that nobody else has.

        The key of an edge (i, j) is the one number ``i * n_samples + j``: set algebra on sorted
        numbers is then all the algebra there is.
        """
        graph = cls.__new__(cls)
        graph._hold(n_samples, keys)
        return graph

    def _hold(self, n_samples: int, keys: Int[np.ndarray, " n_edges"]) -> None:
        keys.flags.writeable = False
        self.__dict__.update(_n_samples=n_samples, _keys=keys, groups=None)

    @classmethod
    def _of_groups(cls, group: Int[np.ndarray, " n_samples"]) -> SimilarityGraph:
        """Make the graph in which samples of the same number are similar, and no others."""
        _, first, code = np.unique(group, return_index=True, return_inverse=True)
        # Numbered in the order in which they come, one grouping has one array.
        groups = np.argsort(np.argsort(first))[code]
        groups.flags.writeable = False
        graph = cls.__new__(cls)
        graph.__dict__.update(_n_samples=len(groups), groups=groups)
        return graph

    @property
    def recall(self) -> float | None:
        """Deprecated: ask `drlim.graphs.neighbors` for it with ``return_recall=True``."""
        warnings.warn(
            "SimilarityGraph.recall will stop working in the next release; "
            "neighbors(..., return_recall=True) returns (graph, recall)",
            FutureWarning,
            stacklevel=2,
        )
        return self.__dict__.get("_recall")

    @cached_property
    def _keys(self) -> Int[np.ndarray, " n_edges"]:
        if self.n_edges > _MANY_EDGES:
            warn(
                f"all edges of the groups of {self!r} are being written out, in 8 bytes each and "
                "several times that meanwhile: for `edges`, for y with -1, or for an operator with "
                "a graph without groups; give fewer samples of each group if memory is short",
                DataWarning,
            )
        keys = np.empty(self.n_edges, np.int64)
        for start in range(0, len(keys), _BLOCK_EDGES):
            stop = min(start + _BLOCK_EDGES, len(keys))
            left, right = self.edges_at(np.arange(start, stop)).T
            keys[start:stop] = self._key(left, right)
        keys.flags.writeable = False
        return keys

    @classmethod
    def from_edges(cls, edges: Any, n_samples: int) -> SimilarityGraph:
        """Make a graph from pairs of rows: the constructor, by a name beside `from_sparse`."""
        return cls(edges, n_samples)

    @classmethod
    def from_sparse(cls, matrix: Any) -> SimilarityGraph:
        """Make a graph from a square scipy matrix: every non-zero entry is a similar pair.

        A directed matrix is read as undirected (either direction is enough); the diagonal is
        left out.
        """
        try:
            matrix = sp.coo_array(matrix)
        except (ValueError, TypeError) as error:
            raise InputError(
                f"a {type(matrix).__name__} is not a matrix ({error}); give a square scipy matrix"
            ) from None
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
            raise InputError(
                f"the matrix has the shape {matrix.shape}; it must be square, one row a sample"
            )
        similar = matrix.data != 0  # a sparse matrix may hold zeros
        edges = np.stack([matrix.row[similar], matrix.col[similar]], axis=1)
        return cls(edges, matrix.shape[0])

    @classmethod
    def empty(cls, n_samples: int) -> SimilarityGraph:
        """Make the graph in which nothing is similar to anything."""
        return cls._from_keys(_checked_size(n_samples), np.empty(0, np.int64))

    @classmethod
    def complete(cls, n_samples: int) -> SimilarityGraph:
        """Make the graph in which everything is similar to everything."""
        rows = np.stack(np.triu_indices(_checked_size(n_samples), 1), axis=1)
        return cls(rows, n_samples)

    @cached_property
    def edges(self) -> Int[np.ndarray, "n_edges 2"]:
        """Each similar pair once, ``i < j``, sorted; shape (n_edges, 2), int64, read-only."""
        edges = np.stack(np.divmod(self._keys, max(self.n_samples, 1)), axis=1)
        edges.flags.writeable = False
        return edges

    def edges_at(self, places: Any) -> Int[np.ndarray, "n_places 2"]:
        """Return the pairs at some places in `edges`, without writing out the others.

        Parameters
        ----------
        places : array-like of int
            From 0 to ``n_edges - 1``.

        Examples
        --------
        >>> from drlim.graphs import same
        >>> same(np.arange(1_000_000) % 10).edges_at([0, 49_999_499_999]).tolist()
        [[0, 10], [999989, 999999]]
        """
        places = as_array(places, "places")
        integers = places.dtype.kind in "iu" or not places.size
        if not integers or not ((places >= 0) & (places < self.n_edges)).all():
            raise InputError(
                f"the places are {places.ravel()[:3].tolist()}...; they must be integers from 0 to "
                f"{self.n_edges - 1}: the graph has {self.n_edges} edges"
            )
        places = places.astype(np.int64)
        if self.groups is None:
            return np.stack(np.divmod(self._keys[places], max(self.n_samples, 1)), axis=1)
        _, order, rank, first = self._members
        left = np.searchsorted(first, places, "right") - 1
        return np.stack([left, order[rank[left] + 1 + places - first[left]]], axis=1)

    @cached_property
    def _members(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Lay the samples out group by group, each in the order of its rows.

        Return the key of each (its group and its row, sorted), its row, where each row stands
        in that order, and how many edges come before the first that begins with each row.
        """
        n, groups = self.n_samples, self.groups
        assert groups is not None
        order = np.argsort(groups, kind="stable")
        rank = np.empty(n, np.int64)
        rank[order] = np.arange(n)
        ends = np.cumsum(np.bincount(groups))
        later = ends[groups] - 1 - rank  # members of its group that come after each
        return groups[order] * n + order, order, rank, np.cumsum(later) - later

    @property
    def n_samples(self) -> int:
        """How many samples the graph is about."""
        return self._n_samples

    @cached_property
    def n_edges(self) -> int:
        """How many pairs are similar."""
        if self.groups is None:
            return len(self._keys)
        return int(self.degree.sum()) // 2

    @property
    def n_pairs(self) -> int:
        """How many unordered pairs there are at all, similar or not: n (n - 1) / 2."""
        return self.n_samples * (self.n_samples - 1) // 2

    @cached_property
    def degree(self) -> Int[np.ndarray, " n_samples"]:
        """How many samples each sample is similar to; shape (n_samples,), int64, read-only."""
        if self.groups is None:
            degree = np.bincount(self.edges.ravel(), minlength=self.n_samples)
        else:
            degree = np.bincount(self.groups)[self.groups] - 1
        degree.flags.writeable = False
        return degree

    @cached_property
    def components(self) -> Int[np.ndarray, " n_samples"]:
        """The connected component of each sample, numbered from 0; (n_samples,), read-only."""
        if self.groups is not None:
            return self.groups
        labels = sp.csgraph.connected_components(self.to_sparse(), directed=False)[1]
        components = np.asarray(labels, np.int64)
        components.flags.writeable = False
        return components

    def to_sparse(self) -> Any:
        """Return the symmetric matrix of the graph: scipy CSR array of bool, (n, n)."""
        low, high = self.edges.T
        rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
        similar = np.ones(len(rows), bool)
        return sp.csr_array((similar, (rows, columns)), shape=(self.n_samples, self.n_samples))

    def has(self, left: Any, right: Any) -> Any:
        """Tell for each pair ``(left, right)`` whether it is similar; order does not matter.

        Parameters
        ----------
        left, right : array-like of int, same shape
            Rows.

        Returns
        -------
        ndarray of bool, the same shape
        """
        left, right = self._checked_rows(left), self._checked_rows(right)
        try:
            left, right = np.broadcast_arrays(left, right)
        except ValueError:
            raise InputError(
                f"left has the shape {left.shape} and right {right.shape}; both must have one row "
                "for each pair"
            ) from None
        if self.groups is not None:
            return (self.groups[left] == self.groups[right]) & (left != right)
        if not self.n_edges:
            return np.zeros(left.shape, bool)
        place = np.minimum(self.place(left, right), self.n_edges - 1)
        return (self._keys[place] == self._key(left, right)) & (left != right)

    def place(self, left: Any, right: Any) -> Any:
        """Return where in `edges` each pair stands, if it is similar; else where it would stand.

        Parameters
        ----------
        left, right : array-like of int, same shape
            Rows.

        Returns
        -------
        ndarray of int64, the same shape
        """
        left, right = self._checked_rows(left), self._checked_rows(right)
        if self.groups is None:
            return np.searchsorted(self._keys, self._key(left, right))
        keys, _, rank, first = self._members
        low, high = np.minimum(left, right), np.maximum(left, right)
        between = np.searchsorted(keys, self.groups[low] * self.n_samples + high) - rank[low] - 1
        return first[low] + np.maximum(between, 0)

    def _key(self, left: Any, right: Any) -> Any:
        return np.minimum(left, right) * self.n_samples + np.maximum(left, right)

    def restrict(self, indices: Any) -> SimilarityGraph:
        """Return the graph among some of the samples.

        Parameters
        ----------
        indices : array-like of int or of bool
            Rows to keep, each at most once (or a mask). Row ``indices[k]`` becomes row ``k``.
        """
        indices = as_array(indices, "indices")
        if indices.ndim != 1:
            raise InputError(f"indices have the shape {indices.shape}; they must be a list of rows")
        if indices.dtype == bool:
            if indices.shape != (self.n_samples,):
                raise InputError(
                    f"indices, a mask, has the shape {indices.shape}; the graph has "
                    f"{self.n_samples} samples"
                )
            indices = np.flatnonzero(indices)
        indices = self._checked_rows(indices, "indices")
        place = np.full(self.n_samples, -1)
        place[indices] = np.arange(len(indices))
        if (place >= 0).sum() != len(indices):
            rows, counts = np.unique(indices, return_counts=True)
            raise InputError(
                f"indices name the row {rows[counts > 1][0]} twice; a sample can be kept only once"
            )
        if self.groups is not None:
            return SimilarityGraph._of_groups(self.groups[indices])
        moved = place[self.edges]
        moved = moved[(moved >= 0).all(axis=1)]
        return SimilarityGraph(moved, len(indices))

    def copied(self, n_copies: int) -> SimilarityGraph:
        """Return the graph of every sample and its copies, which count as one.

        The copies of one sample are similar, and so is any copy of a sample to any copy of what
        is similar to it. This is what invariance to the change between copies means, and the
        paper's three rules for the shifted digits at once (its section 3.3).

        Parameters
        ----------
        n_copies : int
            Samples made of each, itself included. Copy ``k`` of row ``i`` becomes row
            ``k * n_samples + i``, as `drlim.transforms.copies` lays them out.

        Examples
        --------
        >>> SimilarityGraph([(0, 1)], n_samples=2).copied(2).edges.tolist()
        [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
        """
        check_count(n_copies, "n_copies")
        if self.groups is not None:
            return SimilarityGraph._of_groups(np.tile(self.groups, n_copies))
        n, own = self.n_samples, np.arange(self.n_samples)
        across = np.concatenate([self.edges, self.edges[:, ::-1], np.stack([own, own], axis=1)])
        ways = [(a, b) for a in range(n_copies) for b in range(a, n_copies)]
        edges = [np.add(across if a < b else self.edges, (a * n, b * n)) for a, b in ways]
        every = np.concatenate(edges)
        return SimilarityGraph(every, n * int(n_copies))

    def __or__(self, other: SimilarityGraph) -> SimilarityGraph:
        self._check_same_size(other, "|")
        if not self.n_edges or not other.n_edges:
            return self if self.n_edges else other
        keys = np.concatenate([self._keys, other._keys])
        return SimilarityGraph._from_keys(self.n_samples, _sorted_once(keys))

    def __and__(self, other: SimilarityGraph) -> SimilarityGraph:
        self._check_same_size(other, "&")
        if self.groups is not None and other.groups is not None:
            both = self.groups * self.n_samples + other.groups
            return SimilarityGraph._of_groups(both)
        if self.groups is not None:
            return other & self
        if other.groups is not None:
            both = self._keys[other.has(*self.edges.T)]
        else:
            both = np.intersect1d(self._keys, other._keys, assume_unique=True)
        return SimilarityGraph._from_keys(self.n_samples, both)

    def __sub__(self, other: SimilarityGraph) -> SimilarityGraph:
        self._check_same_size(other, "-")
        if other.groups is not None and self.groups is None:
            rest = self._keys[~other.has(*self.edges.T)]
        else:
            rest = np.setdiff1d(self._keys, other._keys, assume_unique=True)
        return SimilarityGraph._from_keys(self.n_samples, rest)

    def __matmul__(self, other: SimilarityGraph) -> SimilarityGraph:
        self._check_same_size(other, "@")
        # Paths are counted in int64: a narrow count can overflow to 0 and lose an edge.
        paths = self.to_sparse().astype(np.int64) @ other.to_sparse().astype(np.int64)
        return SimilarityGraph.from_sparse(paths)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a SimilarityGraph cannot be changed ({name!r}); make a new one")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SimilarityGraph):
            return NotImplemented
        if self.n_samples != other.n_samples or self.n_edges != other.n_edges:
            return False
        if self.groups is not None and other.groups is not None:
            return np.array_equal(self.groups, other.groups)
        return np.array_equal(self._keys, other._keys)

    def __hash__(self) -> int:
        return hash((self.n_samples, self.degree.tobytes()))

    def __repr__(self) -> str:
        return f"SimilarityGraph(<{self.n_edges} edges>, n_samples={self.n_samples})"

    def _checked_rows(self, rows: Any, name: str = "rows") -> Int[np.ndarray, "..."]:
        rows = as_array(rows, name)
        if rows.size and rows.dtype.kind not in "iu":
            raise InputError(f"{name} have the dtype {rows.dtype}; they must be integers")
        if rows.size and (rows.min() < 0 or rows.max() >= self.n_samples):
            raise InputError(
                f"{name} run from {rows.min()} to {rows.max()}; the graph's rows are "
                f"0 to {self.n_samples - 1}"
            )
        return rows.astype(np.int64, copy=False)

    def _check_same_size(self, other: object, sign: str) -> None:
        if not isinstance(other, SimilarityGraph):
            raise TypeError(
                f"SimilarityGraph {sign} {type(other).__name__}: both sides must be a "
                "SimilarityGraph; see SimilarityGraph(edges, n_samples) and from_sparse"
            )
        if self.n_samples != other.n_samples:
            raise InputError(
                f"graph {sign} graph: one has {self.n_samples} samples and the other "
                f"{other.n_samples}; both must be about the same samples"
            )


def _canonical(edges: Any, n_samples: int) -> tuple[int, Int[np.ndarray, " n_edges"]]:
    """Return the number of samples and the keys of some pairs of rows, or say what is wrong."""
    edges = as_array(edges, "edges")
    if edges.size == 0:
        edges = np.empty((0, 2), np.int64)
    if edges.ndim != 2 or edges.shape[1] != 2:
        raise InputError(
            f"edges have the shape {edges.shape}; they must be pairs of rows, (n_edges, 2): "
            "SimilarityGraph([(0, 1), (1, 2)], n_samples=3)"
        )
    n_samples = _checked_size(n_samples)
    if not np.issubdtype(edges.dtype, np.integer):
        raise InputError(
            f"edges have the dtype {edges.dtype}; they are row numbers and must be integers"
        )
    if edges.size and (edges.min() < 0 or edges.max() >= n_samples):
        wrong = edges.min() if edges.min() < 0 else edges.max()
        raise InputError(
            f"edges name row {wrong}, and with n_samples={n_samples} the rows are "
            f"0 to {n_samples - 1}"
        )
    edges = edges.astype(np.int64, copy=False)
    low, high = np.minimum(*edges.T), np.maximum(*edges.T)
    keys = low * n_samples + high
    return n_samples, _sorted_once(keys[low < high])


def _sorted_once(keys: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n_edges"]:
    """Sort keys in place and keep each once; np.unique, with its hash table, is far slower."""
    keys.sort()
    return keys[np.diff(keys, prepend=-1) > 0]


def _checked_size(n_samples: int) -> int:
    check_count(n_samples, "n_samples", least=0, most=_MOST_SAMPLES)
    return int(n_samples)
