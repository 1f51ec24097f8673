"""The laws of a step's forces: those of all pairs of the batch, however they were added up."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from drlim.graphs import SimilarityGraph, neighbors
from drlim.losses import LOSSES, Contrastive, _forces, distances_among
from drlim.losses._build import build_loss
from drlim.losses._forces import forces
from drlim.pairs import Batch, PairSampler

DTYPES = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


@pytest.fixture(params=["on a processor", "on a card"], autouse=True)
def way(request, monkeypatch):
    """Let every law be kept by both ways to add forces up, wherever the points are."""
    # Few machines that run the tests have a card, and both ways are only arithmetic.
    monkeypatch.setattr(_forces, "is_card", lambda device: request.param == "on a card")


def a_batch(rng, n=60, **settings):
    graph = neighbors(rng.normal(size=(n, 2)), 4)
    batch = next(PairSampler(graph, 20, **settings).epoch(0))
    return batch, torch.from_numpy(rng.normal(size=(len(batch.points), 2)))


def pair_by_pair(Z, batch, loss, margin):
    """All pairs in one list, and the gradient that torch makes of it."""
    Z = Z.clone().requires_grad_()
    distance = distances_among(Z)
    weight, similar = torch.from_numpy(batch.weight).to(distance), torch.from_numpy(batch.similar)
    attraction = (weight * similar) @ loss.attraction(distance)
    apart = weight * ~similar
    repulsion = apart @ loss.repulsion(distance)
    (slope,) = torch.autograd.grad(attraction + repulsion, Z)
    active = apart @ (distance < margin).to(apart)
    sums = [attraction, repulsion, apart.sum(), active, (weight * similar).sum()]
    sums += [(weight * similar) @ distance, apart @ distance]
    return [slope, *(number.detach() for number in sums)]


def numbers(found):
    """The slope and the sums, in the order of `pair_by_pair`."""
    return [found.slope, *found.sums]


@pytest.mark.parametrize("block", [1, 300, 131_072])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    "settings",
    [{}, {"n_dissimilar": 3}, {"n_copies": 2}, {"dissimilar": True}],
    ids=lambda settings: "-".join(settings) or "plain",
)
def test_the_forces_are_those_of_all_pairs_one_by_one(name, settings, block, rng, monkeypatch):
    monkeypatch.setattr(_forces, "_BLOCK", block)
    monkeypatch.setattr(_forces, "_NUMBERS_ON_A_CARD", block)
    monkeypatch.setattr(_forces, "_ROWS", 1)
    if settings.get("dissimilar"):
        apart = SimilarityGraph.from_edges(rng.integers(0, 60, (80, 2)), 60)
        near = neighbors(np.random.default_rng(0).normal(size=(60, 2)), 4)
        settings = {"dissimilar": apart - near}
        rng = np.random.default_rng(0)
    batch, Z = a_batch(rng, **settings)
    loss = build_loss(name, 0.7)
    found = numbers(forces(Z, batch, loss, 0.7))
    for ours, expected in zip(found, pair_by_pair(Z, batch, loss, 0.7), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_that_does_not_know_its_forces_has_them_found_from_its_slope(name, rng):
    knows = build_loss(name, 0.7)
    only_costs = SimpleNamespace(
        attraction=knows.attraction, repulsion=knows.repulsion, pull=None, push=None
    )
    for settings in ({}, {"n_copies": 2}):
        batch, Z = a_batch(rng, **settings)
        without, with_forces = (numbers(forces(Z, batch, a, 0.7)) for a in (only_costs, knows))
        for ours, theirs in zip(without, with_forces, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_a_partial_loss_that_is_the_same_at_every_distance_exerts_no_force(rng):
    batch, Z = a_batch(rng)
    attraction = Contrastive(1.0).attraction
    alone = SimpleNamespace(attraction=attraction, repulsion=lambda distance: 0 * distance)
    constant = SimpleNamespace(attraction=attraction, repulsion=torch.ones_like)
    expected, found = forces(Z, batch, alone, 1.0), forces(Z, batch, constant, 1.0)
    np.testing.assert_array_equal(found.slope, expected.slope)
    np.testing.assert_allclose(found.sums.repulsion, found.sums.dissimilar_weight)
    np.testing.assert_array_equal(found.sums.active_weight, expected.sums.active_weight)


@pytest.mark.parametrize("settings", [{}, {"dissimilar": SimilarityGraph.from_edges([(0, 1)], 60)}])
@pytest.mark.parametrize("attraction", [torch.square, torch.sqrt])
@pytest.mark.parametrize("repulsion", [lambda D: torch.relu(1 - D), lambda D: -torch.log(D)])
def test_points_in_one_place_exert_no_force_though_a_loss_is_infinite_there(
    attraction, repulsion, settings, rng
):
    graph = SimilarityGraph.from_edges([(2 * k, 2 * k + 2) for k in range(29)], 60)
    batch = next(PairSampler(graph, 20, **settings).epoch(0))
    Z = torch.from_numpy(rng.normal(size=(len(batch.points), 2)))
    loss = SimpleNamespace(attraction=attraction, repulsion=repulsion)
    apart = forces(Z[:1].repeat(len(Z), 1), batch, loss, 1.0)
    assert not apart.slope.any()
    Z[1] = Z[0]  # points that no graph, or one, may join
    Z[batch.listed[0, 1]] = Z[batch.listed[0, 0]]
    assert all(torch.isfinite(number).all() for number in numbers(forces(Z, batch, loss, 1.0)))


def test_a_batch_without_points_has_no_forces():
    none = np.zeros(0, np.int64)
    weight, table = np.zeros(0, np.float32), np.zeros((0, 0), np.float32)
    batch = Batch(none, none.reshape(0, 2), none > 0, weight, none, table)
    found = forces(torch.zeros(0, 2), batch, Contrastive(1.0), 1.0)
    assert found.slope.shape == (0, 2)
    assert not any(number.item() for number in found.sums)


def test_a_loss_may_keep_what_it_returns(rng):
    batch, Z = a_batch(rng)
    kept = []

    def repulsion(distance):
        kept.append((cost := torch.relu(1 - distance), cost.detach().clone()))
        return cost

    def attraction(distance):
        kept.append((distance, distance.detach().clone()))
        return distance

    Z[batch.listed[0, 1]] = Z[batch.listed[0, 0]]
    loss = SimpleNamespace(attraction=attraction, repulsion=repulsion)
    forces(Z, batch, loss, 1.0)
    for cost, before in kept:
        assert torch.equal(cost, before)


def test_a_loss_of_the_points_themselves_may_have_them_in_float64(rng):
    class FromTheOrigin:
        def of_points(self, Z, left, right, similar):
            return Z.square().sum() / 2

    batch, Z = a_batch(rng)
    assert Z.dtype == torch.float64
    found = forces(Z, batch, FromTheOrigin(), 1.0)
    assert torch.equal(found.slope, Z)
    assert found.sums.dissimilar_weight > found.sums.active_weight > 0


@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_any_number_of_components_will_do(n_components, rng):
    batch, _ = a_batch(rng)
    Z = torch.from_numpy(rng.normal(size=(len(batch.points), n_components)))
    found, expected = (f(Z, batch, Contrastive(2.0), 2.0) for f in (forces, pair_by_pair))
    np.testing.assert_allclose(found.slope, expected[0], rtol=1e-6, atol=1e-9)


def test_the_forces_of_a_batch_add_up_to_nothing(rng):
    batch, Z = a_batch(rng)
    assert forces(Z, batch, Contrastive(2.0), 2.0).slope.sum(dim=0).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LOSSES)
def test_points_in_one_place_exert_no_force_and_break_nothing(name, dtype, rng):
    batch, Z = a_batch(rng)
    Z = torch.full_like(Z, 0.1).to(dtype)
    found = forces(Z, batch, build_loss(name, 1.0), 1.0)
    assert not found.slope.any()
    assert all(torch.isfinite(number).all() for number in numbers(found))


def test_a_loss_without_bound_at_no_distance_is_never_asked_about_a_point_and_itself(rng):
    class Unbounded:
        attraction = Contrastive(1.0).attraction

        def repulsion(self, distance):
            return -distance.log()

    batch, Z = a_batch(rng)
    found = forces(Z, batch, Unbounded(), 1.0)
    expected = pair_by_pair(Z, batch, Unbounded(), 1.0)
    np.testing.assert_allclose(found.slope, expected[0], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.sums.repulsion, expected[2], rtol=1e-6)


def test_near_duplicates_far_from_the_origin_push_with_full_size(rng):
    batch, Z = a_batch(rng)
    Z = (100 + 1e-3 * Z).float()
    found = forces(Z, batch, Contrastive(1.0), 1.0)
    exact = forces(Z.double(), batch, Contrastive(1.0), 1.0)
    np.testing.assert_allclose(found.slope, exact.slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES[:2])
def test_half_precision_points_are_compared_in_float32(dtype, rng):
    batch, Z = a_batch(rng)
    Z = (1e-4 * Z).to(dtype)
    found = forces(Z, batch, Contrastive(1.0), 1.0)
    assert found.slope.dtype == torch.float32
    assert torch.equal(found.slope, forces(Z.float(), batch, Contrastive(1.0), 1.0).slope)
