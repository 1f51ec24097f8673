"""From a graph to batches of points, and every pair among them.

A batch draws similar pairs, and then uses *all* pairs among the points it drew: b embedded
points give b (b - 1) / 2 pairs, so no point is embedded once for each pair it is in. A pair
of points that have many edges is drawn more often than a pair that has few; each pair is
therefore weighted by one over the probability that the batch has it (the estimator of Horvitz
and Thompson, 1952). The weighted loss of a batch is then an unbiased estimate of the paper's
eq. 1, the sum over all pairs of the data, divided by the number of samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from drlim._checks import as_array, check_count
from drlim._deprecated import warn_renamed
from drlim._errors import InputError
from drlim._random import RandomState, generator
from drlim._types import Bool, Float, Int
from drlim.graphs import SimilarityGraph

__all__ = ["Batch", "PairSampler"]

# A class of thousands has millions of pairs, and drawing each once would take days. An epoch
# draws at most this many per sample, or the second number if that is more.
_MOST_PER_SAMPLE, _LEAST_MOST = 25, 1_000_000

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
        The pairs of the batch's points that a graph joins (or that are copies of one sample):
        places i < j in `points`, sorted by i.
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
        """What each pair counts in the loss, in condensed order; 0 if it has neither label."""
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

    If there are more than 25 pairs a sample, and more than a million, an epoch draws no more
    than that (the larger of the two), other ones each time: labels make millions. The loss of a
    batch is an unbiased estimate of eq. 1 over *all* pairs either way.

    Parameters
    ----------
    graph : SimilarityGraph
        Who is similar to whom.
    batch_size : int
        The number of edges, not of points, drawn for a batch, at most (but never fewer than two,
        or there would be no dissimilar pair). They have up to twice as many points, and each
        point has `n_copies`: up to ``4 * batch_size`` points with two copies. An epoch is cut
        into batches of even size. A sample without any edge is drawn alone, in the place of a
        pair, so that it too is pushed away.
    dissimilar : SimilarityGraph, optional
        The pairs that are dissimilar. None: all that are not similar, the paper's rule. If
        given, its pairs are drawn like the similar ones, and any other pair weighs nothing.
    n_dissimilar : float or "all"
        A ratio of weights, not a number of draws: a batch uses all of its pairs in any case.
        "all": every dissimilar pair counts as much as a similar one, the paper's sum. A number:
        all dissimilar pairs together count as much as that many for each similar pair would.
    weight : array-like of shape (n_drawn,), optional
        What each pair of the graph counts, > 0, in the order of ``graph.edges`` (with
        `dissimilar`, of ``(graph | dissimilar).edges``). None: 1.
    n_copies : int
        How often each point stands in its batch, for a caller that changes every copy in a way
        that should be ignored. Copies are similar, to each other and to all copies of what is
        similar to them, as in `SimilarityGraph.copied`, whose loss a batch then estimates.
    most_batches : int, optional
        How many batches an epoch has at most; it then draws only some of the pairs, other ones
        each time.

    Raises
    ------
    InputError
        If a value breaks its rule, or a pair is both similar and dissimilar.

    Attributes
    ----------
    dissimilar_weight : float
        What a dissimilar pair counts in the loss, where a similar one counts 1: `n_dissimilar`
        divided among the dissimilar pairs that there are. 0 if there are none.

    Examples
    --------
    >>> graph = SimilarityGraph([(0, 1), (1, 2), (3, 4)], n_samples=6)
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
        most_batches: int | None = None,
    ) -> None:
        check_count(batch_size, "batch_size")
        check_count(n_copies, "n_copies")
        for name, given in (("graph", graph), ("dissimilar", dissimilar)):
            if not isinstance(given, SimilarityGraph) and (given is not None or name == "graph"):
                raise InputError(
                    f"{name} is a {type(given).__name__}; it must be a drlim.SimilarityGraph, "
                    "made of pairs of rows or by from_sparse"
                )
        if not graph.n_samples:
            raise InputError("the graph is about 0 samples; there is nothing to draw pairs from")
        if dissimilar is not None:
            _check_disjoint(graph, dissimilar)
        self.graph = graph
        self.dissimilar = dissimilar
        self.batch_size = int(batch_size)
        self.n_copies = n_copies
        self.most_batches = most_batches
        self.dissimilar_weight = _dissimilar_weight(graph, dissimilar, n_dissimilar, n_copies)
        drawn = graph if dissimilar is None else graph | dissimilar
        self._weight = None if weight is None else _checked_weight(weight, drawn)
        # A draw is an edge, or a sample that no edge would ever bring.
        self._alone = np.flatnonzero(drawn.degree == 0)
        self._n_draws = drawn.n_edges + len(self._alone)
        # How many draws bring a sample: the numbers that there are, and which of them each has.
        self._degrees, self._kind = np.unique(np.maximum(drawn.degree, 1), return_inverse=True)
        self._drawn = drawn

    @property
    def is_weighted(self) -> bool:
        """Whether pairs have weights of their own."""
        return self._weight is not None

    @property
    def n_drawn(self) -> int:
        """How many pairs, and samples that are in none, an epoch draws."""
        most = max(_MOST_PER_SAMPLE * self.graph.n_samples, _LEAST_MOST)
        if self.most_batches is not None:
            most = self.most_batches * self.batch_size
        return min(self._n_draws, most)

    @property
    def n_batches(self) -> int:
        """How many batches an epoch has."""
        # A batch of a single draw would have the two points of one edge only, so the pairs that
        # no edge joins would be missing from it, and no weight could make up for that.
        return max(1, min(-(-self.n_drawn // self.batch_size), self.n_drawn // 2))

    def epoch(self, random_state: RandomState = None) -> Iterator[Batch]:
        """Draw every edge once, or some of very many, in a random order, a batch at a time."""
        order = _some_of(self._n_draws, self.n_drawn, generator(random_state))
        for places in np.array_split(order, self.n_batches):
            yield self._batch(self._draws_at(places))

    def counted_alike(self, similar: float, dissimilar: float) -> float:
        """Add a weighted sum over similar pairs and one over dissimilar pairs, as if equal.

        This takes the weight that `n_dissimilar` gives to dissimilar pairs out of their sum, so
        that every pair counts alike.
        """
        return similar + dissimilar / (self.dissimilar_weight or 1.0)

    def _draws_at(self, places: Int[np.ndarray, " n_draws"]) -> Int[np.ndarray, "n_draws 2"]:
        """Return some draws, by their numbers, as pairs of rows; a lone sample twice."""
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
        present = np.flatnonzero(np.bincount(kind))  # the kinds of this batch
        kind, degrees = np.searchsorted(present, kind), self._degrees[present]
        hit = self._hit(len(draws))
        listed = self._among(points)
        similar, weight = self._listed_weights(points, listed, degrees[kind], hit)
        rest_weight = self._rest_weights(degrees, hit)
        batch = Batch(points, listed, similar, weight, kind, rest_weight)
        if self.n_copies == 1:
            return batch
        # Copies of a point are in the batch whenever the point is.
        own_weight = 1 / (hit[degrees[kind]] * self._n_samples)
        return _with_copies(batch, self.n_copies, own_weight.astype(np.float32))

    @property
    def _n_samples(self) -> int:
        """How many samples eq. 1 is divided by, copies included."""
        return self.graph.n_samples * self.n_copies

    def _listed_weights(
        self,
        points: Int[np.ndarray, " b"],
        listed: Int[np.ndarray, "n_listed 2"],
        degree: Int[np.ndarray, " b"],
        hit: Float[np.ndarray, " n_degrees"],
    ) -> tuple[Bool[np.ndarray, " n_listed"], Float[np.ndarray, " n_listed"]]:
        """Return the labels of the listed pairs, and their Horvitz-Thompson weights."""
        left, right = listed.T
        of_left, of_right = degree[left], degree[right]
        # P(both points are in the batch) = P(left) + P(right) - P(left or right). An edge
        # between the two is in the degree of both, and must be counted once.
        chance = hit[of_left] + hit[of_right] - hit[of_left + of_right - 1]
        similar = np.ones(len(left), bool)
        if self.dissimilar is not None:
            similar = self.graph.has(points[left], points[right])
        weight = np.where(similar, 1.0, self.dissimilar_weight) / (chance * self._n_samples)
        if self._weight is not None:
            weight *= self._weight[self._drawn.place(points[left], points[right])]
        return similar, weight.astype(np.float32)

    def _rest_weights(
        self, degrees: Int[np.ndarray, " n_kinds"], hit: Float[np.ndarray, " n_degrees"]
    ) -> Float[np.ndarray, "n_kinds n_kinds"]:
        """Return the Horvitz-Thompson weights of the other pairs, by the kinds of their points."""
        weight = np.zeros((len(degrees), len(degrees)))
        if self.dissimilar is None:
            # Kinds that have more draws than there are share one, so they are always listed.
            either = np.minimum(degrees[:, None] + degrees, len(hit) - 1)
            chance = hit[degrees][:, None] + hit[degrees] - hit[either]
            np.divide(
                self.dissimilar_weight, chance * self._n_samples, out=weight, where=chance > 0
            )
        return weight.astype(np.float32)

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
            return self._neighbor_lists.among(points)
        alike = groups[points][:, None] == groups[points]
        return np.argwhere(np.triu(alike, 1))

    @cached_property
    def _neighbor_lists(self) -> _NeighborLists:
        return _NeighborLists.of(self._drawn)


def _with_copies(batch: Batch, n_copies: int, own_weight: Float[np.ndarray, " b"]) -> Batch:
    """Let each point stand in a batch several times; `own_weight` is of pairs of its copies.

    Copy k of the point at place i stands at place ``i * n_copies + k``.
    """
    # A listed pair becomes n_copies² pairs, of any copy of the one with any copy of the other,
    copy = np.indices((n_copies, n_copies)).reshape(2, -1).T
    across = n_copies * batch.listed[:, None] + copy
    # and the copies of one point are similar to each other.
    first, second = np.triu_indices(n_copies, 1)
    places = np.arange(len(batch.points))
    own = n_copies * places[:, None, None] + np.stack([first, second], axis=1)
    listed = np.concatenate([across.reshape(-1, 2), own.reshape(-1, 2)])
    similar = np.concatenate(
        [np.repeat(batch.listed_similar, n_copies**2), np.ones(len(places) * len(first), bool)]
    )
    weight = np.concatenate(
        [np.repeat(batch.listed_weight, n_copies**2), np.repeat(own_weight, len(first))]
    )
    order = np.argsort(listed[:, 0], kind="stable")
    return Batch(
        np.repeat(batch.points, n_copies),
        listed[order],
        similar[order],
        weight[order],
        np.repeat(batch.kind, n_copies),
        batch.rest_weight,
    )


def _some_of(total: int, n: int, rng: np.random.Generator) -> Int[np.ndarray, " n"]:
    """Draw n of the numbers below `total`, every set of n as likely, in a random order."""
    if total <= 2 * n:
        return rng.permutation(total)[:n]
    # In memory that grows with n, not with the total: numbers that came before are drawn again.
    some = np.empty(0, np.int64)
    while len(some) < n:
        some = np.sort(np.concatenate([some, rng.integers(total, size=n - len(some))]))
        some = some[np.diff(some, prepend=-1) > 0]
    return rng.permutation(some)


@dataclass(frozen=True)
class _NeighborLists:
    """A graph by rows: the samples similar to i are ``columns[start[i]:start[i + 1]]``."""

    start: Int[np.ndarray, " n_samples_and_one"]
    columns: Int[np.ndarray, " n_entries"]
    place: Int[np.ndarray, " n_samples"]  # scratch: where a row stands in the batch, or -1

    @classmethod
    def of(cls, graph: SimilarityGraph) -> _NeighborLists:
        matrix = graph.to_sparse()
        place = np.full(graph.n_samples, -1)
        return cls(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), place)

    def among(self, points: Int[np.ndarray, " b"]) -> Int[np.ndarray, "n_listed 2"]:
        """List the pairs of points that the graph joins, i < j, touching only their edges."""
        self.place[points] = np.arange(len(points))
        length = self.start[points + 1] - self.start[points]
        ends = np.cumsum(length)
        inside = np.arange(ends[-1]) - np.repeat(ends - length, length)
        other = self.place[self.columns[np.repeat(self.start[points], length) + inside]]
        self.place[points] = -1
        own = np.repeat(np.arange(len(points)), length)
        once = other > own  # -1: not in the batch
        return np.stack([own[once], other[once]], axis=1)


def _check_disjoint(similar: SimilarityGraph, dissimilar: SimilarityGraph) -> None:
    """Raise if a pair is both similar and dissimilar, or the graphs differ in size."""
    both = similar & dissimilar
    if both.n_edges:
        i, j = both.edges[0].tolist()
        raise InputError(
            f"{both.n_edges} pairs are both similar and dissimilar, the first is ({i}, {j}); "
            "decide which they are, for example dissimilar=dissimilar - graph"
        )


def _checked_weight(weight: Any, drawn: SimilarityGraph) -> Float[np.ndarray, " n_drawn"]:
    weight = as_array(weight, "weight")
    if weight.shape != (drawn.n_edges,) or weight.dtype.kind not in "biuf":
        raise InputError(
            f"weight has the shape {weight.shape} and the dtype {weight.dtype}; it must have one "
            f"number for each of the {drawn.n_edges} pairs of the graph, in the order of its edges"
        )
    weight = weight.astype(np.float64)
    wrong = ~((weight > 0) & np.isfinite(weight))
    if wrong.any():
        raise InputError(
            f"weight has the value {weight[wrong][0]}; what a pair counts must be a finite number "
            "> 0: leave out pairs that should count nothing"
        )
    return weight


def _dissimilar_weight(
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    n_dissimilar: float | str,
    n_copies: int,
) -> float:
    """Return what a dissimilar pair counts, where a similar one counts 1."""
    if isinstance(n_dissimilar, str) and n_dissimilar == "all":
        return 1.0
    if (
        isinstance(n_dissimilar, str | bool)
        or not isinstance(n_dissimilar, Real)
        or not (n_dissimilar > 0 and np.isfinite(n_dissimilar))
    ):
        raise InputError(
            f"n_dissimilar is {n_dissimilar!r}; it must be 'all' (the paper's sum over all "
            "pairs) or a number > 0 (of dissimilar pairs for each similar one)"
        )
    among_copies = graph.n_samples * n_copies * (n_copies - 1) // 2
    n_similar = graph.n_edges * n_copies**2 + among_copies
    if not n_similar:
        raise InputError(
            f"n_dissimilar is {n_dissimilar!r} dissimilar pairs for each similar one, and "
            "the graph has no similar pair; give n_dissimilar='all' or similar pairs"
        )
    n_others = graph.n_pairs - graph.n_edges if dissimilar is None else dissimilar.n_edges
    return n_dissimilar * n_similar / (n_others * n_copies**2) if n_others else 0.0
