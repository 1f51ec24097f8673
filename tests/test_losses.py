"""The laws of the loss: eq. 4 pair by pair, distances made once, eq. 1 over all pairs."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from pytorch_metric_learning import losses as metric_learning
from scipy.spatial.distance import pdist, squareform
from sklearn.preprocessing import normalize

from drlim import DrLIM, InputError, LabelError
from drlim.evaluation.invariance import orbit_ratio
from drlim.graphs import SimilarityGraph, same
from drlim.losses import (
    LOSSES,
    Contrastive,
    DoubleMargin,
    GlobalLoss,
    Logistic,
    PairLoss,
    contrastive_loss,
    distances_among,
    from_metric_learning,
    global_loss,
)
from drlim.losses._build import build_loss
from drlim.losses._forces import forces
from drlim.pairs import PairSampler

few = settings(max_examples=50, deadline=None)
distances = st.just(0.0) | st.floats(1e-100, 1e6)
margins = st.floats(1e-3, 1e3)
seeds = st.integers(0, 2**32 - 1)

FLOATS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
LABELS = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, *FLOATS]


def some_points(seed, b=7, d=3):
    """Points in float64, and which of their pairs are similar."""
    rng = np.random.default_rng(seed)
    Z = torch.from_numpy(rng.normal(size=(b, d)))
    return Z, torch.from_numpy(rng.random(b * (b - 1) // 2) < 0.5)


def loss_of(Z, similar, margin=1.0):
    return contrastive_loss(distances_among(Z), similar, margin).sum()


def slope_of(Z, similar, margin=1.0):
    Z = Z.clone().requires_grad_()
    loss_of(Z, similar, margin).backward()
    return Z.grad


def pull_and_push(Z, similar, margin):
    """The paper's forces by hand: each pair pulls with D or pushes with max(0, m - D)."""
    difference = Z[:, None] - Z[None]
    distance = np.sqrt(np.square(difference).sum(axis=2))
    size = np.where(squareform(similar), distance, -np.maximum(margin - distance, 0))
    unit = difference / np.where(distance > 0, distance, np.inf)[:, :, None]
    return (size[:, :, None] * unit).sum(axis=1)


# Pair by pair: eq. 4.


@pytest.mark.parametrize(
    ("distance", "margin", "attraction", "repulsion"),
    [
        (0.0, 1.0, 0.0, 0.5),
        (0.5, 1.0, 0.125, 0.125),  # max(m - D^2, 0) would give 0.375, a linear hinge 0.5
        (1.0, 1.0, 0.5, 0.0),
        (2.0, 1.0, 2.0, 0.0),
        (0.0, 2.0, 0.0, 2.0),
        (1.0, 2.0, 0.5, 0.5),
        (3.0, 4.0, 4.5, 0.5),
    ],
)
def test_the_loss_has_the_values_of_equation_4(distance, margin, attraction, repulsion):
    assert contrastive_loss(distance, True, margin) == attraction
    assert contrastive_loss(distance, False, margin) == repulsion


@pytest.mark.parametrize("distance", [1e-3, 0.25, 0.5, 0.999, 1.0, 1.5, 40.0])
def test_attraction_pulls_with_a_force_equal_to_the_distance(distance):
    D = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    contrastive_loss(D, torch.tensor(True), 1.0).backward()
    assert D.grad.item() == distance


@pytest.mark.parametrize("distance", [0.0, 1e-3, 0.25, 0.5, 0.999, 1.0, 1.5, 40.0])
def test_repulsion_pushes_with_what_is_missing_to_the_margin(distance):
    D = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    contrastive_loss(D, torch.tensor(False), 1.0).backward()
    assert -D.grad.item() == max(1.0 - distance, 0.0)


@few
@given(distances, st.booleans(), margins)
def test_the_loss_is_zero_only_for_content_pairs_and_never_negative(distance, similar, margin):
    loss = contrastive_loss(distance, similar, margin)
    assert loss >= 0
    assert (loss == 0) == (distance == 0 if similar else distance >= margin)


@few
@given(margins, st.floats(1e-6, 1e-2))
def test_repulsion_ends_at_the_margin_without_a_step_or_a_bend(margin, h):
    D = torch.tensor([1 - h, 1.0, 1 + h], dtype=torch.float64) * margin
    D.requires_grad_()
    loss = contrastive_loss(D, torch.zeros(3, dtype=torch.bool), margin)
    (slope,) = torch.autograd.grad(loss.sum(), D)
    assert loss.detach().max() <= (h * margin) ** 2
    assert slope.abs().max() <= 2 * h * margin


@few
@given(distances, st.booleans(), margins, st.floats(0.01, 100))
def test_a_map_and_margin_c_times_as_large_lose_c_squared_times_as_much(D, similar, margin, c):
    larger = contrastive_loss(c * D, similar, c * margin)
    assert larger == pytest.approx(c**2 * contrastive_loss(D, similar, margin), rel=1e-6, abs=1e-9)


@few
@given(st.lists(st.tuples(distances, st.booleans()), max_size=20), margins)
def test_a_pair_loses_the_same_whatever_other_pairs_are_in_the_batch(pairs, margin):
    D = np.array([distance for distance, _ in pairs])
    similar = np.array([is_similar for _, is_similar in pairs], bool)
    alone = [contrastive_loss(*pair, margin) for pair in pairs]
    np.testing.assert_array_equal(contrastive_loss(D, similar, margin), alone)


@pytest.mark.parametrize("dtype", LABELS)
def test_similar_in_any_dtype_means_the_same(dtype):
    D, similar = torch.tensor([0.2, 0.4, 0.6]), torch.tensor([True, False, True])
    expected = contrastive_loss(D, similar, 1.0)
    assert torch.equal(contrastive_loss(D, similar.to(dtype), 1.0), expected)


@pytest.mark.parametrize("dtype", [bool, *"bBhHiIlLefd"])
def test_similar_in_any_numpy_dtype_or_list_means_the_same(dtype):
    D, similar = np.array([0.2, 0.4, 0.6]), np.array([True, False, True])
    expected = contrastive_loss(D, similar, 1.0)
    for given_as in (similar.astype(dtype), similar.astype(dtype).tolist()):
        np.testing.assert_array_equal(contrastive_loss(D, given_as, 1.0), expected)


@pytest.mark.parametrize("similar", [[-1, 1], [2, 1], [0.5, 1], [np.nan, 1], ["yes", "no"]])
def test_labels_that_can_be_read_in_two_ways_are_refused(similar):
    with pytest.raises(LabelError, match="similar"):
        contrastive_loss([0.5, 0.5], similar, 1.0)


@pytest.mark.parametrize(
    ("distance", "similar"),
    [((3,), (3, 1)), ((3, 1), (3,)), ((3,), ()), ((3,), (2,)), ((0,), (1,))],
)
def test_shapes_that_differ_are_refused_and_never_broadcast(distance, similar):
    with pytest.raises(InputError, match="similar"):
        contrastive_loss(torch.ones(distance), torch.ones(similar, dtype=torch.bool), 1.0)


@pytest.mark.parametrize("margin", [0, 0.0, -1.0, np.nan, np.inf, "1", None, np.array([1.0, 2.0])])
@pytest.mark.parametrize(
    "use",
    [
        *LOSSES.values(),
        lambda margin: contrastive_loss(0.5, True, margin),
        lambda margin: global_loss(np.zeros((2, 2)), SimilarityGraph.empty(2), margin),
    ],
)
def test_a_margin_that_is_not_a_length_is_refused(use, margin):
    with pytest.raises(InputError, match="margin is"):
        use(margin)


@pytest.mark.parametrize(
    ("distance", "dtype"),
    [
        (np.array([0.5], np.float32), np.float32),
        (np.array([0.5], np.float16), np.float16),
        (np.array([[1.0, 2.0]])[:, ::-1], np.float64),
        ([1, 2], np.float64),
        (0.5, np.float64),
    ],
)
def test_arrays_give_arrays_and_tensors_give_tensors(distance, dtype):
    similar = np.ones(np.shape(distance), bool)
    loss = contrastive_loss(distance, similar[..., ::-1] if similar.ndim else True, 1.0)
    assert isinstance(loss, np.ndarray)
    assert (loss.dtype, loss.shape) == (dtype, np.shape(distance))
    np.testing.assert_array_equal(loss, np.square(distance, dtype=dtype) / 2)
    assert isinstance(contrastive_loss(torch.tensor(0.5), True, 1.0), torch.Tensor)


def test_the_callers_distances_are_left_as_they_were():
    D = np.array([0.2, 0.4])
    contrastive_loss(D, [True, False], 1.0)
    assert D.tolist() == [0.2, 0.4]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("contrastiv", "'contrastive'"),
        (3, "loss is 3"),
        (lambda margin: margin, "float"),
    ],
)
def test_a_loss_that_does_not_exist_is_refused(loss, message):
    with pytest.raises(InputError, match=message):
        build_loss(loss, 1.0)


def test_a_name_and_a_builder_make_a_loss_with_the_margin():
    assert build_loss("contrastive", 2.0) == build_loss(Contrastive, 2.0) == Contrastive(2.0)
    assert isinstance(Contrastive(), PairLoss)


# The general form, eq. 2: other pairs of partial losses.

OTHERS = {
    # The forces by hand, as functions of d in margins: what pulls, and what pushes.
    "contrastive": (lambda d: d, lambda d: max(0.0, 1 - d)),
    "double-margin": (lambda d: max(0.0, d - 0.2), lambda d: max(0.0, 1 - d)),
    "heavy-tailed": (
        lambda d: 2 * d / (1 + d**2),
        lambda d: 2 * d / (1e-3 + d**2) - 2 * d / (1 + d**2),
    ),
    "logistic": (
        lambda d: 5 / (1 + np.exp(5 * (1 - d))),
        lambda d: 5 / (1 + np.exp(5 * (d - 1))),
    ),
}
FINITE_RANGE = ("contrastive", "double-margin")  # and lengths squared for a unit


def test_every_loss_has_its_forces_tested():
    assert OTHERS.keys() == LOSSES.keys()


@pytest.mark.parametrize("margin", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("d", [0.0, 1e-3, 0.1, 0.199, 0.201, 0.999, 1.001, 1.5, 40.0])
@pytest.mark.parametrize("name", OTHERS)
def test_the_forces_are_those_of_the_closed_forms(name, d, margin):
    loss = build_loss(name, margin)
    pull, push = (force(d) for force in OTHERS[name])
    unit = margin if name in FINITE_RANGE else 1 / margin
    for partial_loss, force in ((loss.attraction, pull), (loss.repulsion, -push)):
        D = torch.tensor(d * margin, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(partial_loss(D), D)
        assert slope.item() == pytest.approx(force * unit, rel=1e-9, abs=1e-12)
    D = torch.tensor(d * margin, dtype=torch.float64)
    assert loss.pull(D).item() == pytest.approx(pull * unit, rel=1e-9, abs=1e-12)
    assert loss.push(D).item() == pytest.approx(push * unit, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_asking_for_a_force_leaves_the_distances_as_they_are(name):
    loss, D = build_loss(name, 1.0), torch.tensor([0.1, 0.5, 2.0])
    for ask in (loss.attraction, loss.repulsion, loss.pull, loss.push):
        ask(D)
        assert D.tolist() == pytest.approx([0.1, 0.5, 2.0])


@pytest.mark.parametrize(("cost", "force"), [("repulsion", "push"), ("attraction", "pull")])
def test_a_force_that_is_not_the_slope_of_its_loss_is_refused(cost, force):
    # As in a class of one's own that inherits the force, and not what it is the force of.
    steeper = type("Steeper", (Contrastive,), {cost: lambda self, distance: -3 * distance})
    with pytest.raises(InputError, match=rf"Steeper\.{force} "):
        build_loss(steeper, 1.0)
    steeper.pull = steeper.push = None
    assert isinstance(build_loss(steeper, 1.0), Contrastive)
    # One force alone is looked at as well.
    alone = SimpleNamespace(attraction=steeper(1.0).attraction, repulsion=steeper(1.0).repulsion)
    setattr(alone, force, torch.ones_like)
    with pytest.raises(InputError, match=rf"SimpleNamespace\.{force} is 1 "):
        build_loss(lambda margin: alone, 1.0)


@pytest.mark.parametrize(
    ("name", "attraction", "repulsion"),
    [  # at 0, 0.1, 1 and 3 margins
        ("double-margin", [0, 0, 0.32, 3.92], [0.5, 0.405, 0, 0]),
        (
            "heavy-tailed",
            np.log1p([0, 0.01, 1, 9]),
            np.log([1000, 1.01 / 0.011, 2 / 1.001, 10 / 9.001]),
        ),
        (
            "logistic",
            np.log1p(np.exp([-5, -4.5, 0, 10])),
            np.log1p(np.exp([5, 4.5, 0, -10])),
        ),
    ],
)
def test_other_losses_have_the_values_of_their_equations(name, attraction, repulsion):
    D = torch.tensor([0.0, 0.1, 1.0, 3.0], dtype=torch.float64)
    loss = build_loss(name, 1.0)
    np.testing.assert_allclose(loss.attraction(D), attraction, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(loss.repulsion(D), repulsion, rtol=1e-9, atol=1e-15)


@few
@given(st.lists(distances, min_size=2, max_size=9), margins, st.sampled_from(sorted(OTHERS)))
def test_attraction_rises_and_repulsion_falls_with_the_distance_and_none_is_negative(
    D, margin, name
):
    D = torch.tensor(sorted(D), dtype=torch.float64)
    loss = build_loss(name, margin)
    attraction, repulsion = loss.attraction(D), loss.repulsion(D)
    assert (attraction.diff() >= 0).all()
    assert (repulsion.diff() <= 0).all()
    assert (attraction >= 0).all()
    assert (repulsion >= 0).all()
    assert torch.isfinite(attraction).all()
    assert torch.isfinite(repulsion).all()


@few
@given(distances, margins, st.floats(0.01, 100), st.sampled_from(sorted(OTHERS)))
def test_the_margin_is_only_the_unit_of_length_of_every_loss(D, margin, c, name):
    D = torch.tensor(D, dtype=torch.float64)
    factor = c**2 if name in FINITE_RANGE else 1.0
    for part in ("attraction", "repulsion"):
        larger = getattr(build_loss(name, c * margin), part)(c * D)
        expected = factor * getattr(build_loss(name, margin), part)(D)
        assert larger.item() == pytest.approx(expected.item(), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", OTHERS)
def test_the_slopes_of_every_loss_agree_with_finite_differences(name):
    Z, _ = some_points(0)
    loss = build_loss(name, 1.3)
    for partial_loss in (loss.attraction, loss.repulsion):
        assert torch.autograd.gradcheck(
            lambda Z, part=partial_loss: part(distances_among(Z)), Z.clone().requires_grad_()
        )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", OTHERS)
def test_every_loss_is_finite_for_points_in_one_place(name, dtype):
    Z = torch.full((2, 3), 0.1, dtype=dtype, requires_grad=True)
    loss = build_loss(name, 1.0)
    for partial_loss in (loss.attraction, loss.repulsion):
        (slope,) = torch.autograd.grad(partial_loss(distances_among(Z)).sum(), Z)
        assert not slope.any()


@pytest.mark.parametrize("name", OTHERS)
def test_under_every_loss_a_dissimilar_pair_that_nearly_coincides_parts(name):
    loss, Z = build_loss(name, 1.0), torch.tensor([[0.0, 0.0], [1e-6, 0.0]])
    for _ in range(1000):
        Z.requires_grad_()
        (slope,) = torch.autograd.grad(loss.repulsion(distances_among(Z)).sum(), Z)
        Z = (Z - 0.02 * slope).detach()
    assert distances_among(Z).item() > 0.9


@pytest.mark.parametrize("inner", [-0.1, 1.1, np.nan])
def test_an_inner_radius_beyond_the_margin_is_refused(inner):
    with pytest.raises(InputError, match="inner is"):
        DoubleMargin(1.0, inner)


def test_a_double_margin_without_an_inner_radius_is_equation_4():
    D = torch.linspace(0, 3, 31)
    for part in ("attraction", "repulsion"):
        same_as = getattr(Contrastive(1.5), part)(D)
        assert torch.equal(getattr(DoubleMargin(1.5, inner=0.0), part)(D), same_as)


@pytest.mark.parametrize("sharpness", [0, -1.0, np.inf, np.nan])
def test_an_invalid_sharpness_is_refused(sharpness):
    with pytest.raises(InputError, match="sharpness is"):
        Logistic(1.0, sharpness)


# Distances: made in one place.


@pytest.mark.parametrize("b", [0, 1, 2, 7, 40])
def test_distances_are_those_of_scipy_in_condensed_order(b, rng):
    Z = rng.normal(size=(b, 3))
    expected = pdist(Z) if b > 1 else []
    np.testing.assert_allclose(distances_among(torch.from_numpy(Z)), expected, rtol=1e-12)


@pytest.mark.parametrize("b", [0, 1])
def test_a_batch_without_a_pair_has_no_loss_and_no_force(b):
    Z = torch.zeros(b, 2, requires_grad=True)
    loss = loss_of(Z, torch.zeros(0, dtype=torch.bool))
    loss.backward()
    assert loss == 0
    assert Z.grad.shape == (b, 2)
    assert not Z.grad.any()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("similar", [True, False])
def test_two_points_in_one_place_have_a_finite_loss_and_no_preferred_direction(dtype, similar):
    Z = torch.full((2, 3), 0.1, dtype=dtype, requires_grad=True)
    assert distances_among(Z).item() == 0
    loss = loss_of(Z, torch.tensor([similar]))
    loss.backward()
    assert loss == (0 if similar else 0.5)
    assert not Z.grad.any()


def test_one_duplicate_leaves_the_forces_on_all_others_as_they_are(rng):
    Z = rng.normal(size=(64, 2))
    Z[1] = Z[0]
    similar = rng.random(64 * 63 // 2) < 0.2
    slope = slope_of(torch.from_numpy(Z), torch.from_numpy(similar))
    np.testing.assert_allclose(slope, pull_and_push(Z, similar, 1.0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("d", [1, 2, 3, 10])
def test_a_distance_does_not_depend_on_which_point_is_left(d, rng):
    for Z in torch.from_numpy(rng.normal(size=(20, 2, d)).astype(np.float32)):
        assert torch.equal(distances_among(Z), distances_among(Z.flip(0)))


@few
@given(seeds)
def test_turning_or_moving_the_map_changes_no_loss(seed):
    Z, similar = some_points(seed)
    rng = np.random.default_rng(seed)
    turn = torch.from_numpy(np.linalg.qr(rng.normal(size=(3, 3)))[0])
    moved = Z @ turn + torch.from_numpy(rng.normal(size=3))
    assert loss_of(moved, similar).item() == pytest.approx(loss_of(Z, similar).item(), rel=1e-9)


@few
@given(seeds)
def test_the_gradient_is_the_sum_of_the_springs_forces(seed):
    Z, similar = some_points(seed)
    force = pull_and_push(Z.numpy(), similar.numpy(), 2.0)
    np.testing.assert_allclose(slope_of(Z, similar, 2.0), force, rtol=0, atol=1e-12)


def test_the_gradient_agrees_with_finite_differences():
    Z, similar = some_points(0)
    assert torch.autograd.gradcheck(lambda Z: loss_of(Z, similar, 2.0), Z.requires_grad_())


@pytest.mark.parametrize("similar", [True, False])
def test_a_batch_of_one_pair_works(similar):
    Z = torch.tensor([[0.0, 0.0], [0.3, 0.4]])
    assert loss_of(Z, torch.tensor([similar])).item() == pytest.approx(0.125)
    towards_the_other = slope_of(Z, torch.tensor([similar]))[0] @ torch.tensor([0.6, 0.8])
    assert towards_the_other.item() == pytest.approx(-0.5 if similar else 0.5)


def test_near_duplicates_far_from_the_origin_keep_their_distance(rng):
    Z = (100 + 1e-3 * rng.normal(size=(64, 8))).astype(np.float32)
    true = pdist(Z.astype(np.float64))
    np.testing.assert_allclose(distances_among(torch.from_numpy(Z)), true, rtol=1e-5)


def test_a_dissimilar_pair_that_nearly_coincides_parts_up_to_the_margin():
    Z = torch.tensor([[0.0, 0.0], [1e-6, 0.0]])
    pushed = slope_of(Z, torch.tensor([False]))
    assert pushed[0, 0].item() == pytest.approx(1.0, rel=1e-5)  # full size, m - D
    for _ in range(100):
        Z = Z - 0.1 * slope_of(Z, torch.tensor([False]))
    assert distances_among(Z).item() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_points_are_compared_in_float32(dtype, rng):
    Z = torch.from_numpy(1e-4 * rng.normal(size=(8, 2))).to(dtype)
    distance = distances_among(Z)
    assert distance.dtype == torch.float32
    assert torch.equal(distance, distances_among(Z.float()))
    assert distance.min() > 0  # the squares of such differences vanish in float16


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("similar", [True, False])
def test_the_loss_and_its_gradient_are_finite_under_autocast(dtype, similar):
    layer = torch.nn.Linear(2, 2, bias=False)
    torch.nn.init.eye_(layer.weight)
    X = torch.tensor([[0.1, 0.1], [0.1, 0.1], [0.1, 0.2]])
    with torch.autocast("cpu", dtype=dtype):
        Z = layer(X)
        loss = loss_of(Z, torch.full((3,), similar))
    loss.backward()
    assert Z.dtype == dtype
    expected = contrastive_loss([0.0, 0.1, 0.1], [similar] * 3, 1.0).sum()
    assert loss.item() == pytest.approx(expected, rel=1e-2)
    assert torch.isfinite(layer.weight.grad).all()
    assert layer.weight.grad.any()


@pytest.mark.parametrize(
    ("similar", "scale", "lost", "forced"),
    [(True, 1.0, True, True), (False, 1.0, True, True), (False, 1e3, False, False)],
)
def test_batches_of_one_kind_or_without_an_active_pair_are_fine(similar, scale, lost, forced):
    Z, _ = some_points(0)
    all_alike = torch.full((21,), similar)
    assert (loss_of(Z * scale, all_alike, 2.0) > 0) == lost
    slope = slope_of(Z * scale, all_alike, 2.0)
    assert torch.isfinite(slope).all()
    assert slope.any() == forced


# Over all pairs: eq. 1.


def by_brute_force(Z, graph, margin):
    distance, similar = pdist(Z), squareform(graph.to_sparse().toarray())
    loss = contrastive_loss(distance, similar, margin)
    return loss[similar].sum(), loss[~similar].sum()


@pytest.mark.parametrize("n", [2, 3, 50])
@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("margin", [0.1, 1.0, 30.0])
@pytest.mark.parametrize("kind", ["some", "empty", "complete"])
@pytest.mark.parametrize("duplicates", [False, True])
def test_the_global_loss_is_the_sum_over_all_pairs(n, d, margin, kind, duplicates, rng):
    Z = rng.normal(size=(n, d))
    if duplicates:
        Z[n // 2 :] = Z[: n - n // 2]
    graph = {
        "some": SimilarityGraph.from_edges(rng.integers(0, n, (n, 2)), n),
        "empty": SimilarityGraph.empty(n),
        "complete": SimilarityGraph.complete(n),
    }[kind]
    loss = global_loss(Z, graph, margin)
    attraction, repulsion = by_brute_force(Z, graph, margin)
    assert loss.attraction == pytest.approx(attraction, rel=1e-12)
    assert loss.repulsion == pytest.approx(repulsion, rel=1e-12, abs=1e-9)
    assert loss.total == float(loss) == loss.attraction + loss.repulsion


def test_the_global_loss_counts_each_pair_once_across_its_blocks(rng):
    n = 2100  # three blocks, the last one short
    Z = rng.normal(size=(n, 2))
    graph = SimilarityGraph.from_edges(rng.integers(0, n, (3000, 2)), n)
    loss = global_loss(Z, graph, 0.2)
    parts = by_brute_force(Z, graph, 0.2)
    np.testing.assert_allclose([loss.attraction, loss.repulsion], parts, rtol=1e-10)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("margin", [0.01, 0.3, 2.0, 100.0])
def test_the_global_loss_counts_each_pair_once_in_dense_and_in_sparse_places(d, margin, rng):
    dense, sparse = rng.normal(size=(700, d)), 30 * rng.normal(size=(300, d))
    far = [[1e9] * d, [-1e300] * d]
    Z = np.concatenate([dense, sparse, far, dense[:2], far[:1]])[rng.permutation(1005)]
    loss = global_loss(Z, SimilarityGraph.empty(1005), margin)
    distance = np.sqrt(np.square(np.minimum(np.abs(Z[:, None] - Z), 1e9)).sum(axis=2))
    expected = np.square(np.maximum(margin - distance[np.triu_indices(1005, 1)], 0)).sum() / 2
    assert loss.repulsion == pytest.approx(expected, rel=1e-12)


@few
@given(seeds, st.integers(0, 12), margins)
def test_no_part_of_the_global_loss_is_negative(seed, n, margin):
    rng = np.random.default_rng(seed)
    graph = SimilarityGraph.complete(n)
    loss = global_loss(rng.normal(size=(n, 2)), graph, margin)
    assert loss.attraction >= 0
    assert loss.repulsion == pytest.approx(0, abs=1e-9 * n**2 * margin**2)
    assert loss.repulsion >= 0


def test_the_loss_a_sample_is_the_sum_over_the_number_of_samples():
    assert GlobalLoss(6.0, 3.0) / 3 == GlobalLoss(2.0, 1.0)


@pytest.mark.parametrize(
    ("Z", "message"),
    [
        (np.zeros((4, 2)), r"\(4, 2\) .* 3 samples"),
        (np.zeros(3), r"\(3,\)"),
        ([[0.0], [np.nan], [1.0]], "NaN"),
        ([[0.0], [np.inf], [1.0]], "NaN"),
    ],
)
def test_a_map_that_does_not_fit_its_graph_is_refused(Z, message):
    with pytest.raises(InputError, match=message):
        global_loss(Z, SimilarityGraph.empty(3), 1.0)


# Losses of pytorch-metric-learning


@pytest.mark.parametrize("name", ["ContrastiveLoss", "TripletMarginLoss", "SupConLoss"])
def test_a_loss_of_pytorch_metric_learning_learns_who_is_similar(name, rng):
    loss = from_metric_learning(getattr(metric_learning, name)())
    y = np.repeat([0, 1, 2], 30)
    X = rng.normal(size=(90, 4)) + 2 * np.eye(4)[y]
    angles = [
        normalize(DrLIM(3, loss=loss, max_epochs=n, random_state=0).fit(X, y).embedding_)
        for n in (0, 15)
    ]
    before, after = (orbit_ratio(Z, y) for Z in angles)
    assert after < 0.5 * before


def test_such_a_loss_sees_each_pair_from_both_ends_and_its_gradient_moves_the_points():
    seen = []

    class Sum(torch.nn.Module):
        def forward(self, Z, indices_tuple):
            seen.append([part.tolist() for part in indices_tuple])
            return (Z[indices_tuple[0]] - Z[indices_tuple[1]]).square().sum()

    graph = SimilarityGraph.from_edges([(0, 1)], 3)
    (batch,) = PairSampler(graph, 2).epoch(0)
    Z = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    found = forces(Z, batch, from_metric_learning(Sum()), 1.0)
    assert seen == [[[0, 1], [1, 0], [0, 1, 2, 2], [2, 2, 0, 1]]]
    assert found.sums.attraction == 2.0
    np.testing.assert_allclose(found.slope, [[-4.0, 0.0], [4.0, 0.0], [0.0, 0.0]])


def test_a_pair_of_neither_sort_is_not_shown_to_such_a_loss():
    graph, apart = (SimilarityGraph.from_edges([edge], 4) for edge in [(0, 1), (2, 3)])
    shown = []

    class Count(torch.nn.Module):
        def forward(self, Z, indices_tuple):
            shown.extend(len(part) for part in indices_tuple)
            return Z.sum() * 0

    (batch,) = PairSampler(graph, 2, dissimilar=apart).epoch(0)
    forces(torch.eye(4), batch, from_metric_learning(Count()), 1.0)
    assert shown == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ("TripletMarginLoss", "str"),
        (metric_learning.TripletMarginLoss, "type"),
        (metric_learning.CosFaceLoss(3, 2), "CosFaceLoss"),
    ],
)
def test_only_a_loss_of_pairs_can_be_taken_from_metric_learning(loss, message):
    with pytest.raises(InputError, match=message):
        from_metric_learning(loss)


@pytest.mark.parametrize("n_groups", [1, 3, 40])
def test_the_exact_loss_of_groups_is_that_of_their_edges(n_groups, rng):
    Z, graph = rng.normal(size=(60, 3)), same(rng.integers(0, n_groups, 60))
    found = global_loss(Z, graph, 1.5)
    assert "_keys" not in vars(graph)
    expected = global_loss(Z, SimilarityGraph.from_edges(graph.edges, 60), 1.5)
    np.testing.assert_allclose(
        [found.attraction, found.repulsion], [expected.attraction, expected.repulsion], rtol=1e-10
    )


@pytest.mark.fault("D")
def test_a_distance_below_0_is_shown_without_its_rounding_error():
    with pytest.raises(InputError, match=r"-0\.3;"):
        contrastive_loss(np.array([0.1, -0.1 - 0.2]), np.array([True, True]), 1.0)
