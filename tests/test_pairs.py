"""The laws of the pairs: every edge once, true labels, and weights that make up for chance."""

import copy
from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from drlim import InputError, pairs
from drlim.graphs import SimilarityGraph, neighbors, same
from drlim.losses import contrastive_loss, global_loss
from drlim.pairs import PairSampler, _check_disjoint

from_edges = SimilarityGraph.from_edges
N = 7
rows = st.integers(0, N - 1)
graphs = st.lists(st.tuples(rows, rows), max_size=12).map(lambda edges: from_edges(edges, N))

GROUPED = same([0, 1, 0, 2, 1, 0])

# Small enough that all batches of a size can be counted out.
TINY = {
    "a path": from_edges([(0, 1), (1, 2), (2, 3), (3, 4)], 5),
    "a star": from_edges([(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)], 6),
    "two parts": from_edges([(0, 1), (1, 2), (0, 2), (3, 4), (4, 5)], 6),
    "samples alone": from_edges([(0, 1), (1, 2)], 6),
    "no edge": SimilarityGraph.empty(5),
    "complete": SimilarityGraph.complete(4),
    "one pair": from_edges([(0, 1)], 2),
    "groups": GROUPED,
}
DISSIMILAR = from_edges([(0, 3), (1, 4), (2, 4)], 6)


def batch_loss(batch, Z, margin):
    """The weighted attraction and repulsion of a batch."""
    distance = np.linalg.norm(Z[batch.left] - Z[batch.right], axis=1)
    each = batch.weight * contrastive_loss(distance, batch.similar, margin)
    return np.array([each[batch.similar].sum(), each[~batch.similar].sum()])


def expected_loss(sampler, size, Z, margin):
    """The mean over *all* batches of ``size`` draws."""
    places = [np.array(some) for some in combinations(range(sampler.n_drawn), size)]
    # An epoch is one way to divide the edges; the law is about every batch there can be.
    batches = [sampler._batch(sampler._draws_at(some)) for some in places]
    return np.mean([batch_loss(batch, Z, margin) for batch in batches], axis=0)


def draws_of_epoch(sampler, random_state):
    """What each batch of an epoch is made from."""
    draws = []
    sampler = copy.copy(sampler)
    # A batch tells its pairs, but not which of them were drawn.
    sampler._batch = draws.append
    list(sampler.epoch(random_state))
    return draws


@settings(max_examples=40, deadline=None)
@given(graphs, graphs, st.booleans(), st.integers(1, 9), st.integers(0, 99))
def test_an_epoch_draws_every_edge_once_and_labels_every_pair_as_the_graphs_do(
    graph, other, explicit, batch_size, seed
):
    dissimilar = other - graph if explicit else None
    sampler = PairSampler(graph, batch_size, dissimilar=dissimilar)
    batches = list(sampler.epoch(seed))
    assert len(batches) == sampler.n_batches
    for batch in batches:
        left, right = batch.left, batch.right
        assert (left < right).all()
        assert (np.diff(batch.points) > 0).all()
        assert len(batch.weight) == len(left) == len(batch.points) * (len(batch.points) - 1) // 2
        np.testing.assert_array_equal(batch.similar, graph.has(left, right))
        counts = batch.similar | (~batch.similar if not explicit else dissimilar.has(left, right))
        np.testing.assert_array_equal(batch.weight > 0, counts)
        assert batch.weight.dtype == np.float32
    assert {row for batch in batches for row in batch.points.tolist()} == set(range(N))


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 5, 64])
@pytest.mark.parametrize("n_edges", [1, 2, 3, 4, 5, 65])
def test_every_edge_and_every_lone_sample_is_drawn_once(batch_size, n_edges):
    graph = from_edges([(k, k + 1) for k in range(n_edges)], n_edges + 3)
    alone = [[n_edges + 1, n_edges + 1], [n_edges + 2, n_edges + 2]]
    draws = draws_of_epoch(PairSampler(graph, batch_size), 0)
    assert sorted(np.concatenate(draws).tolist()) == sorted(graph.edges.tolist() + alone)
    assert min(map(len, draws)) >= 2  # one edge by itself has no dissimilar pair
    assert max(map(len, draws)) <= max(batch_size, 3)


@pytest.mark.parametrize("name", TINY)
def test_the_mean_of_the_weighted_loss_over_all_batches_is_equation_1_a_sample(name, rng):
    graph = TINY[name]
    Z = rng.normal(size=(graph.n_samples, 2))
    exact = global_loss(Z, graph, 3.0) / graph.n_samples
    sampler = PairSampler(graph, 2)
    for size in range(min(2, sampler.n_drawn), sampler.n_drawn + 1):
        mean = expected_loss(sampler, size, Z, 3.0)
        np.testing.assert_allclose(mean, [exact.attraction, exact.repulsion], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("n_dissimilar", [0.1, 1, 4.5, np.float32(20)])
@pytest.mark.parametrize("name", ["a path", "two parts", "samples alone", "complete"])
def test_a_number_of_dissimilar_pairs_scales_the_repulsion_alone(name, n_dissimilar, rng):
    graph = TINY[name]
    Z = rng.normal(size=(graph.n_samples, 2))
    exact = global_loss(Z, graph, 3.0) / graph.n_samples
    dissimilar = graph.n_pairs - graph.n_edges
    balance = n_dissimilar * graph.n_edges / dissimilar if dissimilar else 0
    sampler = PairSampler(graph, 2, n_dissimilar=n_dissimilar)
    for size in (2, 3):
        mean = expected_loss(sampler, size, Z, 3.0)
        expected = [exact.attraction, balance * exact.repulsion]
        np.testing.assert_allclose(mean, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["two parts", "samples alone"])
@pytest.mark.parametrize(("n_dissimilar", "balance"), [("all", 1), (2, None)])
def test_with_dissimilar_pairs_given_no_other_pair_counts(name, n_dissimilar, balance, rng):
    graph = TINY[name]
    Z = rng.normal(size=(6, 2))
    left, right = DISSIMILAR.edges.T
    apart = np.linalg.norm(Z[left] - Z[right], axis=1)
    repulsion = contrastive_loss(apart, np.zeros(3, bool), 3.0).sum() / 6
    if balance is None:
        balance = n_dissimilar * graph.n_edges / 3
    expected = [global_loss(Z, graph, 3.0).attraction / 6, balance * repulsion]
    sampler = PairSampler(graph, 2, dissimilar=DISSIMILAR, n_dissimilar=n_dissimilar)
    for size in range(1, sampler.n_drawn + 1):
        mean = expected_loss(sampler, size, Z, 3.0)
        np.testing.assert_allclose(mean, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("ratio", [0.5, 3])
@pytest.mark.parametrize("dissimilar", [None, DISSIMILAR])
def test_the_ratio_of_dissimilar_to_similar_weight_is_a_parameter(ratio, dissimilar):
    graph = TINY["two parts"]
    (whole,) = PairSampler(graph, 99, dissimilar=dissimilar, n_dissimilar=ratio).epoch()
    similar, others = whole.weight[whole.similar].sum(), whole.weight[~whole.similar].sum()
    assert others / similar == pytest.approx(ratio)


def test_the_chance_of_a_pair_is_exact_for_millions_of_edges(rng):
    n_draws, size = 5_000_000, 64
    graph = from_edges(rng.integers(0, 40, (500, 2)), 40)
    sampler = PairSampler(graph, size)
    draws = graph.edges[:size]
    # Five million edges would take a minute to make.
    sampler._n_draws = n_draws
    batch = sampler._batch(draws)

    def none_of(d):
        return Fraction(comb(n_draws - d, size), comb(n_draws, size))

    none = [none_of(d) for d in range(2 * graph.degree.max() + 1)]
    for left, right, similar, weight in zip(
        batch.left, batch.right, batch.similar, batch.weight.tolist(), strict=True
    ):
        a, b = graph.degree[left], graph.degree[right]
        chance = 1 - none[a] - none[b] + none[a + b - similar]
        assert weight == pytest.approx(float(1 / (chance * 40)), rel=1e-6)


def test_the_same_seed_gives_the_same_batches_and_another_seed_others(rng):
    sampler = PairSampler(neighbors(rng.normal(size=(50, 2)), 3), 16)

    def points(seed):
        return [batch.points.tolist() for batch in sampler.epoch(seed)]

    assert points(3) == points(3) == points(np.random.default_rng(3))
    assert points(3) != points(4)
    assert points(rng) != points(rng)  # a generator goes on: the next epoch has another order


@pytest.mark.usefixtures("untouched_globals")
@pytest.mark.parametrize("random_state", [0, None, np.random.default_rng(0)])
def test_drawing_leaves_the_global_generators_untouched(random_state):
    list(PairSampler(TINY["two parts"], 2).epoch(random_state))


def test_a_batch_has_neighbours_of_several_ranks(rng):
    X = rng.normal(size=(80, 3))
    rank = np.argsort(np.argsort(np.linalg.norm(X[:, None] - X, axis=2)))
    for draws in draws_of_epoch(PairSampler(neighbors(X, 4), 16), 0):
        assert len(set(rank[tuple(draws.T)])) > 1


def test_the_order_of_the_edges_differs_from_epoch_to_epoch(rng):
    sampler = PairSampler(neighbors(rng.normal(size=(50, 2)), 3), 16)
    first, second = (np.concatenate(draws_of_epoch(sampler, rng)) for _ in range(2))
    assert first.tolist() != second.tolist()
    assert sorted(first.tolist()) == sorted(second.tolist())


@pytest.mark.parametrize("n_copies", [1, 2])
def test_a_graph_of_groups_gives_the_batches_of_the_same_graph_of_edges(n_copies, rng):
    grouped = same(rng.integers(0, 9, 60))
    written_out = from_edges(grouped.edges, 60)
    assert written_out.groups is None
    samplers = [PairSampler(graph, 16, n_copies=n_copies) for graph in (grouped, written_out)]
    for a, b in zip(*(sampler.epoch(0) for sampler in samplers), strict=True):
        for name, value in vars(a).items():
            np.testing.assert_array_equal(value, getattr(b, name))


@pytest.fixture
def few_a_sample(monkeypatch):
    monkeypatch.setattr(pairs, "_MOST_PER_SAMPLE", 2)
    monkeypatch.setattr(pairs, "_LEAST_MOST", 10)


@pytest.mark.usefixtures("few_a_sample")
@pytest.mark.parametrize(("n_samples", "n_drawn"), [(4, 6), (6, 12), (20, 40)])
def test_an_epoch_draws_a_bounded_number_of_pairs_a_sample_and_none_twice(n_samples, n_drawn):
    graph = same(np.zeros(n_samples))
    sampler, rng = PairSampler(graph, 4), np.random.default_rng(0)
    assert sampler.n_drawn == n_drawn
    epochs = [np.concatenate(draws_of_epoch(sampler, rng)).tolist() for _ in range(2)]
    for draws in epochs:
        assert len(draws) == len({tuple(pair) for pair in draws}) == n_drawn
        assert graph.has(*np.transpose(draws)).all()
    assert (sorted(epochs[0]) == sorted(epochs[1])) == (n_drawn == graph.n_edges)


@pytest.mark.usefixtures("few_a_sample")
def test_an_epoch_of_some_pairs_estimates_the_loss_over_all_of_them(rng):
    y = np.append(np.arange(24) % 2, [2, 3])  # of which the last two are in no pair
    Z, graph = rng.normal(size=(26, 2)), same(y)
    exact = global_loss(Z, graph, 3.0) / 26
    sampler = PairSampler(graph, 4)
    assert sampler.n_drawn < graph.n_edges / 2
    losses = [batch_loss(batch, Z, 3.0) for _ in range(400) for batch in sampler.epoch(rng)]
    error = np.std(losses, axis=0) / np.sqrt(len(losses))
    off = np.mean(losses, axis=0) - [exact.attraction, exact.repulsion]
    assert (np.abs(off) < 3 * error).all()
    assert (error < 0.02 * np.array([exact.attraction, exact.repulsion])).all()


@pytest.mark.parametrize(("total", "n"), [(9, 3), (9, 4), (9, 5), (9, 9), (30, 12)])
def test_each_pair_is_as_likely_to_be_drawn_as_any_other_and_at_any_place(total, n, rng):
    drawn = np.stack([pairs._some_of(total, n, rng) for _ in range(4000)])
    assert all(len(set(row)) == n for row in drawn.tolist())
    at_place = np.stack([np.bincount(column, minlength=total) for column in drawn.T])
    expected = 4000 / total
    assert (np.abs(at_place - expected) < 5 * np.sqrt(expected)).all()


def test_pairs_that_no_memory_holds_are_drawn_from_and_never_written_out():
    graph = same(np.arange(1_000_000) % 10)  # 50,000,000,000 pairs
    sampler = PairSampler(graph, 8)
    assert sampler.n_drawn == 25_000_000
    batch = sampler._batch(sampler._draws_at(np.array([0, 7, graph.n_edges - 1])))
    assert batch.points.tolist() == [0, 10, 80, 999_989, 999_999]
    assert batch.similar.sum() == 4
    assert "_keys" not in vars(graph)
    assert "edges" not in vars(graph)


@pytest.mark.parametrize("use", [_check_disjoint, lambda a, b: PairSampler(a, 2, dissimilar=b)])
def test_a_pair_that_is_both_similar_and_dissimilar_is_refused(use):
    a, b = from_edges([(0, 1), (1, 2)], 4), from_edges([(2, 1), (2, 3)], 4)
    with pytest.raises(InputError, match=r"\(1, 2\)"):
        use(a, b)
    use(a, b - a)
    with pytest.raises(InputError, match="5"):
        use(a, from_edges([(0, 2)], 5))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "64", None])
def test_an_invalid_batch_size_is_refused(batch_size):
    with pytest.raises(InputError, match="batch_size"):
        PairSampler(TINY["a path"], batch_size)


@pytest.mark.parametrize("n_dissimilar", [0, -1, np.nan, np.inf, "some", None, [1]])
def test_an_invalid_balance_is_refused(n_dissimilar):
    with pytest.raises(InputError, match="n_dissimilar"):
        PairSampler(TINY["a path"], 2, n_dissimilar=n_dissimilar)


def test_a_number_of_dissimilar_pairs_for_each_of_no_similar_pairs_is_refused():
    with pytest.raises(InputError, match="n_dissimilar is 3"):
        PairSampler(SimilarityGraph.empty(4), 2, n_dissimilar=3)


@pytest.mark.parametrize("old", ["near", "near_similar", "near_weight", "far_weight"])
def test_the_old_names_of_a_batchs_pairs_work_and_warn(old):
    (batch,) = PairSampler(TINY["one pair"], 2).epoch(0)
    new = {"near": "listed", "far_weight": "rest_weight"}.get(old, old.replace("near", "listed"))
    with pytest.warns(FutureWarning, match=new):
        assert getattr(batch, old) is getattr(batch, new)
    with pytest.raises(AttributeError, match="'middle'"):
        _ = batch.middle
    assert copy.copy(batch).listed is batch.listed


# Copies of each point, and what a pair counts


@pytest.mark.parametrize("n_dissimilar", ["all", 3.0])
@pytest.mark.parametrize("name", ["a path", "samples alone", "no edge"])
def test_a_batch_with_copies_estimates_the_loss_of_the_graph_of_copies(name, n_dissimilar, rng):
    graph = TINY[name]
    n, n_copies = graph.n_samples, 3
    copied = graph.copied(n_copies)
    Z = rng.normal(size=(n_copies, n, 2))
    exact = global_loss(Z.reshape(-1, 2), copied, 3.0) / copied.n_samples
    balance = PairSampler(copied, 2, n_dissimilar=n_dissimilar).dissimilar_weight
    sampler = PairSampler(graph, 2, n_dissimilar=n_dissimilar, n_copies=n_copies)
    sums = np.zeros(2)
    batches = list(combinations(range(sampler.n_drawn), 2))
    for chosen in batches:
        batch = sampler._batch(sampler._draws_at(np.array(chosen)))
        which = np.arange(len(batch.points)) % n_copies
        first, second = np.triu_indices(len(which), 1)
        a, b = Z[which[first], batch.left], Z[which[second], batch.right]
        cost = contrastive_loss(np.linalg.norm(a - b, axis=1), batch.similar, 3.0) * batch.weight
        sums += cost[batch.similar].sum(), cost[~batch.similar].sum()
    expected = [exact.attraction, balance * exact.repulsion]
    np.testing.assert_allclose(sums / len(batches), expected, rtol=1e-6, atol=1e-7)


def test_without_any_edge_the_copies_of_a_sample_are_its_similar_pairs():
    sampler = PairSampler(SimilarityGraph.empty(6), 3, n_copies=2, n_dissimilar=5)
    for batch in sampler.epoch(0):
        assert batch.similar.sum() == len(batch.points) / 2
        assert (batch.left[batch.similar] == batch.right[batch.similar]).all()


def test_a_pair_counts_its_weight(rng):
    graph = SimilarityGraph.from_edges(rng.integers(0, 20, size=(30, 2)), 20)
    weight = rng.uniform(0.5, 4.0, graph.n_edges)
    plain, weighted = PairSampler(graph, 6), PairSampler(graph, 6, weight=weight)
    for a, b in zip(plain.epoch(0), weighted.epoch(0), strict=True):
        expected = np.ones(len(a.weight))
        expected[a.similar] = weight[graph.place(a.left[a.similar], a.right[a.similar])]
        np.testing.assert_allclose(b.weight, a.weight * expected, rtol=1e-6)


def test_weights_count_for_explicit_dissimilar_pairs_too():
    graph = SimilarityGraph.from_edges([(0, 1)], 4)
    apart = SimilarityGraph.from_edges([(2, 3)], 4)
    sampler = PairSampler(graph, 2, dissimilar=apart, weight=[1.0, 7.0])
    (batch,) = sampler.epoch(0)
    weight = {(i, j): w for i, j, w in zip(batch.left, batch.right, batch.weight, strict=True)}
    assert weight[2, 3] == pytest.approx(7 * weight[0, 1])
    assert weight[0, 2] == 0


@pytest.mark.parametrize("weight", [[1.0], [1.0, -1.0], [0.0, 1.0], [np.nan, 1.0], ["a", "b"]])
def test_a_weight_is_a_positive_number_for_each_pair(weight):
    graph = SimilarityGraph.from_edges([(0, 1), (1, 2)], 3)
    with pytest.raises(InputError, match="weight"):
        PairSampler(graph, 2, weight=weight)
