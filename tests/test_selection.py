"""What a training chooses by itself: its length, and how far a map leaves its start."""

import math

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from drlim import DrLIM, SimilarityGraph, TrainingWarning
from drlim._directions import share_in_order
from drlim._plan import n_steps_for, pull_of
from drlim._selection import set_aside
from drlim.callbacks import Callback
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, rules
from drlim.graphs import same
from drlim.training import Selection

RNG = np.random.default_rng(0)
Y = np.arange(90) % 3
# The class is in the third feature, of a tenth of the spread of the first two.
X = RNG.normal(size=(90, 3)) * [10, 10, 0.1] + np.stack([0 * Y, 0 * Y, Y], axis=1)


@pytest.fixture(scope="module")
def chosen():
    """A map that chose its length on samples set aside."""
    return DrLIM(random_state=0).fit(X, Y)


class Counter(Callback):
    """Counts the batches of a training."""

    def __init__(self):
        self.n = 0

    def on_batch_end(self, step, n_steps):
        self.n += 1


@pytest.mark.parametrize(
    ("n_samples", "n_steps"),
    [(10, 150), (100, 200), (2_500, 1_000), (62_500, 5_000), (10**7, 5_000)],
)
def test_the_length_of_a_training_grows_as_the_square_root_of_the_samples(n_samples, n_steps):
    assert n_steps_for(n_samples) == n_steps


def test_the_length_does_not_depend_on_the_number_of_pairs():
    steps = []
    for graph in (same(Y), SimilarityGraph([(k, k + 1) for k in range(89)], 90)):
        counted = Counter()
        DrLIM(max_epochs=Selection(share=0), callbacks=[counted], random_state=0).fit(
            X, graph=graph
        )
        steps.append(counted.n)
    assert all(n_steps_for(90) <= n <= 1.3 * n_steps_for(90) for n in steps)


def test_epochs_that_are_set_are_passes_over_all_pairs():
    counted = Counter()
    DrLIM(max_epochs=2, batch_size=100, callbacks=[counted], random_state=0).fit(X, Y)
    assert counted.n == 2 * math.ceil(3 * 30 * 29 / 2 / 100)


def test_a_few_samples_are_set_aside_to_choose_and_then_learnt_from(chosen):
    map_ = chosen
    assert map_.chosen_.n_aside == 22
    assert map_.chosen_.score > map_.chosen_.score_of_start
    assert len(map_.embedding_) == map_.graph_.n_samples == 90
    score = (
        KNeighborsClassifier(3)
        .fit(map_.embedding_[::2], Y[::2])
        .score(map_.embedding_[1::2], Y[1::2])
    )
    start = map_.untrained().transform(X)
    assert score > 0.9 > KNeighborsClassifier(3).fit(start[::2], Y[::2]).score(start[1::2], Y[1::2])


def test_what_is_chosen_is_the_same_for_one_seed_and_changes_no_number_of_the_training(chosen):
    again = DrLIM(random_state=0).fit(X, Y)
    assert again.chosen_ == chosen.chosen_
    np.testing.assert_array_equal(again.embedding_, chosen.embedding_)


def test_samples_of_one_group_are_set_aside_together():
    groups = np.arange(90) // 9
    aside = set_aside(90, groups, 0.25, np.random.default_rng(0))
    assert np.unique(groups[aside]).size == 2
    assert aside.sum() == 18


def test_texts_of_which_some_are_unknown_can_be_set_aside():
    groups = np.array(["a", None, "b", "a", "b", None], dtype=object)
    aside = set_aside(6, groups, 0.34, np.random.default_rng(0))
    assert len(set(groups[aside].tolist())) == 1
    assert not set(groups[aside].tolist()) & set(groups[~aside].tolist())


def test_whole_labels_are_set_aside_for_a_map_of_labels_never_seen():
    labels = np.arange(90) % 6
    some = X + np.stack([0 * Y, 0 * Y, labels], axis=1) * 9
    map_ = DrLIM(max_epochs=Selection(by="labels"), random_state=0).fit(some, labels)
    # Of 6 labels of 15 samples a quarter, rounded; and samples of the others.
    assert 2 * 15 < map_.chosen_.n_aside <= 2 * 15 + 22


def test_the_start_is_kept_with_a_warning_where_no_training_is_better():
    noise = np.random.default_rng(1).normal(size=(60, 4))
    near = np.concatenate([noise, noise + 1e-6])  # the samples alone say who is similar
    graph = same(np.tile(np.arange(60), 2))
    with pytest.warns(TrainingWarning, match="start"):
        map_ = DrLIM(4, random_state=0).fit(near, graph=graph, groups=np.tile(np.arange(60), 2))
    assert map_.history_ == []
    assert map_.chosen_.share == 0
    np.testing.assert_allclose(map_.embedding_, map_.untrained().transform(near), atol=1e-6)


def test_the_order_of_distances_is_the_area_under_the_roc():
    similar = np.array([True, True, False, False])
    assert share_in_order(np.array([1.0, 2.0, 3.0, 4.0]), similar) == 1
    assert share_in_order(np.array([1.0, 3.5, 3.0, 4.0]), similar) == 0.75
    assert share_in_order(np.ones(4), similar) == 0.5
    assert share_in_order(np.array([1.0, np.nan, 3.0, 4.0]), similar) == 0


def test_a_pulled_weight_stays_near_its_start():
    pull = 10.0
    map_ = DrLIM(network="linear", max_epochs=Selection(share=0, pulls=(pull,)), random_state=0)
    map_.fit(X, Y)
    moved = map_.network_[1][-1].weight - map_.untrained().network_[1][-1].weight
    assert 0 < moved.abs().max() <= 1.1 / (pull * math.sqrt(3))


@pytest.mark.parametrize("n_inputs", [10, 20_000])
def test_a_first_step_moves_the_map_alike_whatever_the_number_of_inputs(n_inputs):
    # The same sample, its features repeated: each moves by as little as there are many.
    samples = np.tile(X, (1, n_inputs))

    def network(shape, n):
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), n))

    moved = []
    for n_epochs in (0, 1):
        map_ = DrLIM(network=network, max_epochs=n_epochs, batch_size=10**6, random_state=0)
        moved.append(map_.fit(samples, Y).embedding_)
    assert np.abs(moved[1] - moved[0]).max() < 2


def test_the_pull_that_is_not_chosen_falls_with_the_number_of_labelled_samples():
    network = DrLIM(network="linear", max_epochs=0, random_state=0).fit(X, Y).network_
    pulls = [pull_of(network, Selection(), n) for n in (0, 4_000, 8_000, 80_000)]
    assert pulls == [1, 1, 0.5, 0.05]


def test_a_map_whose_start_is_random_chooses_nothing():
    map_ = DrLIM(network="paper_mlp", random_state=0).fit(X, Y)
    assert map_.chosen_ is None
    assert map_.history_


@pytest.mark.parametrize(
    ("values", "culprit"),
    [
        ({"by": "label"}, "label"),
        ({"share": 1}, "share"),
        ({"pulls": ()}, "pulls"),
        ({"pulls": (-1,)}, "pulls"),
    ],
)
def test_a_selection_that_cannot_be_is_refused(values, culprit):
    with pytest.raises(ValueError, match=culprit):
        Selection(**values)


def test_pairs_of_one_source_weigh_as_much_as_all_others_where_something_is_ignored():
    sample = np.arange(60) // 2
    factors = {"sample": sample, "lamp": np.arange(60) % 2, "amount": sample / 30.0}
    data = Dataset(RNG.normal(size=(60, 4)), factors)
    declaration = Declaration(data={"source": "sample"}, ignore=["lamp"], keep=["amount"])
    found = rules(declaration, data)
    left, right = found.similar.edges.T
    of_one = sample[left] == sample[right]
    assert found.weight[of_one].sum() == pytest.approx(found.weight[~of_one].sum())
    assert (found.weight[~of_one] == 1).all()
    assert any("source" in line for line in found.summary())
    ignoring_nothing = Declaration(data={"source": "sample"}, keep=["amount"])
    assert rules(ignoring_nothing, data).weight is None


def test_a_declared_map_that_ignores_a_factor_is_not_held_at_its_start():
    lamp, pose = np.arange(90) % 2, np.arange(90) // 2 % 3
    samples = np.stack([pose, 3 * lamp, RNG.normal(size=90)], axis=1)
    data = Dataset(samples, {"lamp": lamp, "pose": pose})
    map_ = fit(Declaration(ignore=["lamp"], keep=["pose"]), data).map
    assert map_.chosen_ is None
    assert map_.max_epochs == Selection(share=0, pulls=(0.0,))


@pytest.mark.parametrize(
    ("keep", "n_components"),
    [(["kind"], 32), ([{"factor": "amount", "tolerance": 0.1}], 8), ([{"neighbors": 3}], 2)],
)
def test_a_declared_map_has_the_dimensions_of_its_purpose(keep, n_components):
    factors = {"kind": np.arange(80) % 4, "amount": np.linspace(0, 1, 80)}
    data = Dataset(RNG.normal(size=(80, 40)), factors)
    declaration = Declaration(keep=keep, map={"max_epochs": 0})
    assert fit(declaration, data).map.embedding_.shape[1] == n_components
    narrow = Dataset(data.X[:, :1], factors)
    assert fit(declaration, narrow).map.embedding_.shape[1] == 1


def test_nothing_is_chosen_by_the_few_pairs_of_neighbours_unless_it_is_asked_for():
    assert DrLIM(random_state=0).fit(X).chosen_ is None
    assert DrLIM(max_epochs=Selection(), random_state=0).fit(X).chosen_ is not None


def test_the_balance_of_neighbours_is_2_and_of_labels_and_graphs_10():
    settings = {"max_epochs": 1, "random_state": 0}
    for fitted, n_dissimilar in [({}, 2), ({"y": Y}, 10), ({"graph": same(Y)}, 10)]:
        default = DrLIM(**settings).fit(X, **fitted)
        given = DrLIM(n_dissimilar=n_dissimilar, **settings).fit(X, **fitted)
        np.testing.assert_array_equal(default.embedding_, given.embedding_)
