"""From a graph to batches of points, and every pair among them.

A batch draws similar pairs, and then uses *all* pairs among the points it drew: b embedded
points give b (b - 1) / 2 pairs, so no point is embedded once for each pair it is in. A pair
of points that have many edges is drawn more often than a pair that has few; each pair is
therefore weighted by one over the probability that the batch has it (Horvitz and Thompson,
1952). The weighted loss of a batch is then an unbiased estimate of the paper's eq. 1, the sum
over all pairs of the data, divided by the number of samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from drlim._checks import check_count
from drlim._deprecated import warn_renamed
from drlim._errors import InputError
from drlim._random import RandomState, generator
from drlim._types import Bool, Float, Int
from drlim.graphs import SimilarityGraph

# A class of thousands has millions of pairs, and to draw each once would take days. An epoch
# draws at most so many a sample, and never fewer than the second number for that.
MOST_A_SAMPLE, LEAST_MOST = 25, 1_000_000


# Attributes of a batch by the names that they had before; they keep working for one release.
_RENAMED = {
    "near": "listed",
    "near_similar": "listed_similar",
    "near_weight": "listed_weight",
    "far_weight": "rest_weight",
}


@dataclass(frozen=True)
class Batch:
    """Points and all pairs among them.

    Of b (b - 1) / 2 pairs a graph joins few. These are *listed*; what any of the *rest* counts
    follows from the kinds of its two points, so a batch is made and kept without touching every
    pair. `similar` and `weight` spell all pairs out, in condensed order, as
    ``scipy.spatial.distance.pdist`` and ``torch.pdist`` give their distances: (0, 1), (0, 2),
    ..., (1, 2), ...

    Attributes
    ----------
    points : ndarray of shape (b,), int64
        Rows of the samples, sorted; each once, or as often as there are copies of it.
    listed : ndarray of shape (n_listed, 2), int64
        Which pairs of the batch's points a graph joins (or copying made): places i < j in
        `points`, sorted by i.
    listed_similar : ndarray of shape (n_listed,), bool
        Which of those are similar.
    listed_weight : ndarray of shape (n_listed,), float32
        What each of those counts in the loss.
    kind : ndarray of shape (b,), int64
        The kind of each point: points of one kind are drawn with the same probability.
    rest_weight : ndarray of shape (n_kinds, n_kinds), float32
        What any other pair, a dissimilar one, counts, by the kinds of its two points; 0 where
        such pairs are neither similar nor dissimilar.
    """

    points: Int[np.ndarray, " b"]
    listed: Int[np.ndarray, "n_listed 2"]
    listed_similar: Bool[np.ndarray, " n_listed"]
    listed_weight: Float[np.ndarray, " n_listed"]
    kind: Int[np.ndarray, " b"]
    rest_weight: Float[np.ndarray, "n_kinds n_kinds"]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name not in _RENAMED:
                raise AttributeError(f"a Batch has no attribute {name!r}")
            warn_renamed(f"Batch.{name}", f"Batch.{_RENAMED[name]}")
            return getattr(self, _RENAMED[name])

    @property
    def n_pairs(self) -> int:
        """How many pairs there are among the points: b (b - 1) / 2."""
        return len(self.points) * (len(self.points) - 1) // 2

    @cached_property
    def similar(self) -> Bool[np.ndarray, " n_pairs"]:
        """Which pairs are similar, in condensed order."""
        similar = np.zeros(self.n_pairs, bool)
        similar[self._condensed] = self.listed_similar
        return similar

    @cached_property
    def weight(self) -> Float[np.ndarray, " n_pairs"]:
        """What each pair counts in the loss, in condensed order; 0 if it is of neither sort."""
        first, second = np.triu_indices(len(self.points), 1)
        weight = self.rest_weight[self.kind[first], self.kind[second]]
        weight[self._condensed] = self.listed_weight
        return weight

    @property
    def left(self) -> Int[np.ndarray, " n_pairs"]:
        """The row of the first point of each pair."""
        return self.points[np.triu_indices(len(self.points), 1)[0]]

    @property
    def right(self) -> Int[np.ndarray, " n_pairs"]:
        """The row of the second point of each pair."""
        return self.points[np.triu_indices(len(self.points), 1)[1]]

    @property
    def _condensed(self) -> Int[np.ndarray, " n_listed"]:
        """Where the listed pairs stand in condensed order."""
        i, j = self.listed.T
        # After the pairs of earlier rows.
        return i * len(self.points) - i * (i + 1) // 2 + j - i - 1


class PairSampler:
    """Draws batches of similar pairs; one pass over all of them is an epoch.

    Of more than 25 pairs a sample, and more than a million, an epoch draws no more than that (the
    larger of the two), other ones each time: labels make millions. The loss of a batch is an
    unbiased estimate of eq. 1 over *all* pairs either way.

    Parameters
    ----------
    graph : SimilarityGraph
        Who is similar to whom.
    batch_size : int
        Similar pairs drawn for a batch, at most (but never fewer than two, or there would be
        no dissimilar pair); a batch has up to twice as many points. An epoch is cut into
        batches of even size. A sample without any edge is drawn alone, in the place of a pair,
        so that it too is pushed away.
    dissimilar : SimilarityGraph, optional
        The pairs that are dissimilar. None: all that are not similar, the paper's rule. If
        given, its pairs are drawn like the similar ones, and any other pair weighs nothing.
    n_dissimilar : float or "all"
        The balance of the springs. "all": every dissimilar pair counts as much as a similar
        one, the paper's sum. A number: all dissimilar pairs together count as much as that
        many for each similar pair would.
    weight : array-like of shape (n_drawn,), optional
        What each pair of the graph counts, > 0, in the order of ``graph.edges`` (with
        `dissimilar`, of ``(graph | dissimilar).edges``). None: 1.
    n_copies : int
        How often each point of a batch stands in it, for whoever changes every copy in a way
        that should be ignored: copies are similar, to each other and to all copies of what is
        similar to them, as in `SimilarityGraph.copied`, whose loss a batch then estimates.

    Raises
    ------
    InputError
        If a value breaks its rule, or a pair is both similar and dissimilar.

    Examples
    --------
    >>> graph = SimilarityGraph.from_edges([(0, 1), (1, 2), (3, 4)], n_samples=6)
    >>> sampler = PairSampler(graph, batch_size=2)
    >>> batches = list(sampler.epoch(random_state=0))
    >>> len(batches) == sampler.n_batches == 2
    True
    """

    def __init__(
        self,
        graph: SimilarityGraph,
        batch_size: int,
        *,
        dissimilar: SimilarityGraph | None = None,
        n_dissimilar: float | str = "all",
        weight: Any = None,
        n_copies: int = 1,
    ) -> None:
        check_count(batch_size, "batch_size")
        check_count(n_copies, "n_copies")
        for name, given in (("graph", graph), ("dissimilar", dissimilar)):
            if not isinstance(given, SimilarityGraph) and (given is not None or name == "graph"):
                raise InputError(
                    f"{name} is a {type(given).__name__}; it must be a drlim.SimilarityGraph, see "
                    "SimilarityGraph.from_edges and from_sparse"
                )
        if not graph.n_samples:
            raise InputError("the graph is about 0 samples; there is nothing to draw pairs from")
        if dissimilar is not None:
            check_disjoint(graph, dissimilar)
        self.graph = graph
        self.dissimilar = dissimilar
        self.batch_size = int(batch_size)
        self.n_copies = n_copies
        self.balance = _balance(graph, dissimilar, n_dissimilar, n_copies)
        drawn = graph if dissimilar is None else graph | dissimilar
        self._weight = None if weight is None else _checked_weight(weight, drawn)
        # What is drawn: every edge, and every sample that no edge would ever bring.
        self._alone = np.flatnonzero(drawn.degree == 0)
        self._n_draws = drawn.n_edges + len(self._alone)
        # How many draws bring a sample: the numbers that there are, and which of them each has.
        self._degrees, self._kind = np.unique(np.maximum(drawn.degree, 1), return_inverse=True)
        self._drawn = drawn

    @property
    def n_drawn(self) -> int:
        """How many pairs, and samples that are in none, an epoch draws."""
        return min(self._n_draws, max(MOST_A_SAMPLE * self.graph.n_samples, LEAST_MOST))

    @property
    def n_batches(self) -> int:
        """How many batches an epoch has."""
        # Two points of one edge are all that a batch of a single draw would have, so the pairs
        # that no edge joins would be missing from it, and no weight could make up for that.
        return max(1, min(-(-self.n_drawn // self.batch_size), self.n_drawn // 2))

    def epoch(self, random_state: RandomState = None) -> Iterator[Batch]:
        """Draw every edge once, or of very many some, in a random order, a batch at a time."""
        order = _some_of(self._n_draws, self.n_drawn, generator(random_state))
        for places in np.array_split(order, self.n_batches):
            yield self._batch(self._draws_at(places))

    def _draws_at(self, places: Int[np.ndarray, " n_draws"]) -> Int[np.ndarray, "n_draws 2"]:
        if not len(self._alone):
            return self._drawn.edges_at(places)
        n_edges = self._drawn.n_edges
        lone = places >= n_edges
        draws = np.empty((len(places), 2), np.int64)
        draws[~lone] = self._drawn.edges_at(places[~lone])
        draws[lone] = self._alone[places[lone] - n_edges, None]
        return draws

    def _batch(self, draws: Int[np.ndarray, "n_draws 2"]) -> Batch:
        points = np.sort(draws, axis=None)
        points = points[np.diff(points, prepend=-1) > 0]  # each once
        kind = self._kind[points]
        there = np.flatnonzero(np.bincount(kind))  # the kinds of this batch
        kind, degrees = np.searchsorted(there, kind), self._degrees[there]
        degree = degrees[kind]
        hit = self._hit(len(draws))
        n_samples = self.graph.n_samples * self.n_copies

        # P(both points are in the batch) = P(left) + P(right) - P(left or right). An edge
        # between the two is in the degree of both, and must be counted once.
        left, right = self._among(points).T
        of_left, of_right = degree[left], degree[right]
        chance = hit[of_left] + hit[of_right] - hit[of_left + of_right - 1]
        similar = np.ones(len(left), bool)
        if self.dissimilar is not None:
            similar = self.graph.has(points[left], points[right])
        weight = np.where(similar, 1.0, self.balance) / (chance * n_samples)
        if self._weight is not None:
            weight *= self._weight[self._drawn.place(points[left], points[right])]

        rest_weight = np.zeros((len(degrees), len(degrees)))
        if self.dissimilar is None:
            # Kinds that have more draws than there are share one, so they are always listed.
            either = np.minimum(degrees[:, None] + degrees, len(hit) - 1)
            far = hit[degrees][:, None] + hit[degrees] - hit[either]
            np.divide(self.balance, far * n_samples, out=rest_weight, where=far > 0)

        listed = np.stack([left, right], axis=1)
        if (c := self.n_copies) > 1:
            first, second = np.triu_indices(c, 1)
            own = c * np.arange(len(points))[:, None, None] + np.stack([first, second], axis=1)
            alike = np.repeat(1 / (hit[degree] * n_samples), len(first))
            across = c * listed[:, None, None] + np.moveaxis(np.mgrid[:c, :c], 0, -1)
            listed = np.concatenate([across.reshape(-1, 2), own.reshape(-1, 2)])
            similar = np.concatenate([np.repeat(similar, c * c), np.ones(len(alike), bool)])
            weight = np.concatenate([np.repeat(weight, c * c), alike])
            order = np.argsort(listed[:, 0], kind="stable")
            listed, similar, weight = listed[order], similar[order], weight[order]
            points, kind = np.repeat(points, c), np.repeat(kind, c)
        return Batch(
            points, listed, similar, weight.astype(np.float32), kind, rest_weight.astype(np.float32)
        )

    def _hit(self, n_drawn: int) -> Float[np.ndarray, " n_degrees"]:
        """P(a batch of n_drawn has any of d given draws), for d = 0, 1, ...: hypergeometric."""
        if n_drawn not in self._hit_tables:
            total = self._n_draws
            most = min(2 * int(self._degrees[-1]), total)
            # P(none of d) is the product of (1 - n_drawn / (total - k)) over k < d. Kept as
            # logarithms and taken from 1 by expm1, it stays exact where n_drawn / total is tiny.
            with np.errstate(divide="ignore"):
                log_none = np.log1p(-np.minimum(n_drawn / (total - np.arange(most)), 1.0))
            self._hit_tables[n_drawn] = -np.expm1(np.concatenate([[0.0], np.cumsum(log_none)]))
        return self._hit_tables[n_drawn]

    @cached_property
    def _hit_tables(self) -> dict[int, Float[np.ndarray, " n_degrees"]]:
        return {}  # an epoch has batches of two sizes, which differ by one draw

    def _among(self, points: Int[np.ndarray, " b"]) -> Int[np.ndarray, "n_listed 2"]:
        """List the pairs of points that the graph joins, i < j."""
        groups = self._drawn.groups
        if groups is None:
            return _among(self._rows, points)
        alike = groups[points][:, None] == groups[points]
        return np.argwhere(np.triu(alike, 1))

    @cached_property
    def _rows(self) -> _Rows:
        return _Rows.of(self._drawn)


def _some_of(total: int, n: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Draw n of so many numbers, each set of n as likely as any other, in a random order."""
    if total <= 2 * n:
        return rng.permutation(total)[:n]
    # In memory that grows with n: numbers that came before are drawn again.
    some = np.empty(0, np.int64)
    while len(some) < n:
        some = np.sort(np.concatenate([some, rng.integers(total, size=n - len(some))]))
        some = some[np.diff(some, prepend=-1) > 0]
    return rng.permutation(some)


@dataclass(frozen=True)
class _Rows:
    """A graph as rows: the samples similar to i are ``columns[start[i]:start[i + 1]]``."""

    start: Int[np.ndarray, " n_samples_and_one"]
    columns: Int[np.ndarray, " n_entries"]
    place: Int[np.ndarray, " n_samples"]  # scratch: where a row stands in the batch, or -1

    @classmethod
    def of(cls, graph: SimilarityGraph) -> _Rows:
        matrix = graph.to_sparse()
        place = np.full(graph.n_samples, -1)
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), place)


def _among(rows: _Rows, points: Int[np.ndarray, " b"]) -> Int[np.ndarray, "n_listed 2"]:
    """List the pairs of points that the graph joins, i < j, touching only their edges."""
    rows.place[points] = np.arange(len(points))
    length = rows.start[points + 1] - rows.start[points]
    ends = np.cumsum(length)
    inside = np.arange(ends[-1]) - np.repeat(ends - length, length)
    other = rows.place[rows.columns[np.repeat(rows.start[points], length) + inside]]
    rows.place[points] = -1
    of = np.repeat(np.arange(len(points)), length)
    once = other > of  # -1: not in the batch
    return np.stack([of[once], other[once]], axis=1)


def check_disjoint(similar: SimilarityGraph, dissimilar: SimilarityGraph) -> None:
    """Raise if a pair is both similar and dissimilar, or the graphs are of other sizes."""
    both = similar & dissimilar
    if both.n_edges:
        i, j = both.edges[0].tolist()
        raise InputError(
            f"{both.n_edges} pairs are both similar and dissimilar, the first is ({i}, {j}); "
            "decide which they are, for example dissimilar=dissimilar - graph"
        )


def _checked_weight(weight: Any, drawn: SimilarityGraph) -> Float[np.ndarray, " n_drawn"]:
    weight = np.asarray(weight)
    if weight.shape != (drawn.n_edges,) or weight.dtype.kind not in "biuf":
        raise InputError(
            f"weight has the shape {weight.shape} and the dtype {weight.dtype}; it must have one "
            f"number for each of the {drawn.n_edges} pairs of the graph, in the order of its edges"
        )
    counts = weight.astype(np.float64)
    wrong = ~((counts > 0) & np.isfinite(counts))
    if wrong.any():
        raise InputError(
            f"weight has the value {counts[wrong][0]}; what a pair counts must be a finite number "
            "> 0: leave a pair out that is worth nothing"
        )
    return counts


def _balance(
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    n_dissimilar: float | str,
    n_copies: int,
) -> float:
    """What a dissimilar pair counts, where a similar one counts 1."""
    if isinstance(n_dissimilar, str):
        if n_dissimilar == "all":
            return 1.0
    elif isinstance(n_dissimilar, bool):
        pass  # no number of pairs
    elif isinstance(n_dissimilar, Real) and n_dissimilar > 0 and np.isfinite(n_dissimilar):
        among_copies = graph.n_samples * n_copies * (n_copies - 1) // 2
        similar = graph.n_edges * n_copies**2 + among_copies
        if not similar:
            raise InputError(
                f"n_dissimilar is {n_dissimilar!r} dissimilar pairs for each similar one, and "
                "the graph has no similar pair; give n_dissimilar='all' or similar pairs"
            )
        there = graph.n_pairs - graph.n_edges if dissimilar is None else dissimilar.n_edges
        return n_dissimilar * similar / (there * n_copies**2) if there else 0.0
    raise InputError(
        f"n_dissimilar is {n_dissimilar!r}; it must be 'all' (the paper's sum over all pairs) "
        "or a number > 0 (so many dissimilar pairs for each similar one)"
    )
