"""The laws of `DrLIM`: scikit-learn's own, one map whatever the batch, and errors that teach."""

import inspect
import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from bad_input.rows import missing_from
from samples import IMAGES, X
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from drlim import (
    DataWarning,
    DrLIM,
    InputError,
    SimilarityGraph,
    TrainingWarning,
    _applying,
    load,
    networks,
    pairs,
)
from drlim._random import streams
from drlim._scaling import standardisation
from drlim.graphs import near_values, neighbors, same
from drlim.losses import Contrastive, global_loss
from drlim.networks import _builders
from drlim.training import Callback


@parametrize_with_checks([DrLIM(max_epochs=2, random_state=0)])
def test_scikit_learns_checks_pass(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, one of them is skipped
    check(estimator)


def test_the_constructor_has_these_parameters_and_only_stores_them():
    parameters = inspect.signature(DrLIM).parameters
    assert list(parameters) == [
        "n_components",
        "n_neighbors",
        "margin",
        "n_dissimilar",
        "loss",
        "network",
        "max_epochs",
        "batch_size",
        "learning_rate",
        "augment",
        "callbacks",
        "device",
        "random_state",
        "verbose",
    ]
    given = {name: object() for name in parameters}
    assert vars(DrLIM(**given)) == given


# One seed, one map; one sample, one point.


@pytest.mark.usefixtures("untouched_globals")
@pytest.mark.parametrize("make", [int, np.random.default_rng, np.random.RandomState])
def test_the_same_seed_gives_the_same_map_to_the_bit(make, fitted):
    first, second = (DrLIM(max_epochs=1, random_state=make(7)).fit_transform(X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (DrLIM(max_epochs=1, random_state=make(8)).fit_transform(X) != first).any()


@pytest.mark.parametrize("n", [2, 6, 60, 256, 300])
def test_transforming_the_training_samples_gives_their_embedding_to_the_bit(n):
    Y = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    map_ = DrLIM(n_neighbors=1, max_epochs=1, random_state=0)
    np.testing.assert_array_equal(map_.fit_transform(Y), map_.embedding_)
    np.testing.assert_array_equal(map_.transform(Y), map_.embedding_)
    assert map_.embedding_.shape == (n, 2)
    assert map_.embedding_.dtype == np.float32


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("n_features", [5, 16, 30, 784])
@pytest.mark.parametrize("network", ["mlp", "linear", "lenet"])
def test_a_sample_has_one_point_to_the_bit_in_any_batch(training, network, n_features, rng):
    shape = (28, 28) if network == "lenet" else (n_features,)
    many = rng.normal(size=(600, *shape))  # two blocks and a part
    map_ = DrLIM(max_epochs=0, random_state=0, network=network).fit(many[:9])
    map_.network_.train(training)
    Z = map_.transform(many)
    assert Z.shape == (600, 2)
    order = rng.permutation(600)
    np.testing.assert_array_equal(map_.transform(many[order]), Z[order])
    np.testing.assert_array_equal(map_.transform(many), Z)
    for row in (0, 255, 256, 599):
        np.testing.assert_array_equal(map_.transform(many[row : row + 1]), Z[row : row + 1])
    for n in (2, 3, 17, 100, 300):
        np.testing.assert_array_equal(map_.transform(many[7 : 7 + n]), Z[7 : 7 + n])
    assert {module.training for module in map_.network_.modules()} == {training}


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, ">f4", bool])
def test_samples_in_a_memory_map_are_learnt_from_as_they_lie(dtype, tmp_path):
    images = (IMAGES > 127).astype(dtype) if dtype is bool else IMAGES.astype(dtype)
    np.save(tmp_path / "X.npy", images)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    map_ = DrLIM(max_epochs=1, random_state=0).fit(mapped)
    in_memory = DrLIM(max_epochs=1, random_state=0).fit(images)
    np.testing.assert_array_equal(map_.transform(mapped), map_.embedding_)
    np.testing.assert_array_equal(map_.embedding_, in_memory.embedding_)


@pytest.mark.parametrize("n_numbers", [1, 30, 9_999])
def test_centre_and_unit_are_the_same_whatever_the_size_of_a_block(n_numbers, monkeypatch, rng):
    tables = X, IMAGES, 1e200 * rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 1e6
    whole = [standardisation(table, "one") for table in tables]
    for (centre, scale), table in zip(whole, tables, strict=True):
        as_floats = table.astype(float)
        mean = as_floats.mean(axis=0 if table.ndim == 2 else None)
        np.testing.assert_allclose(centre, mean, rtol=1e-12)
        apart = as_floats / np.abs(as_floats).max() - mean / np.abs(as_floats).max()
        assert scale / np.abs(as_floats).max() == pytest.approx(
            np.sqrt(np.square(apart).mean()), rel=1e-9
        )
    monkeypatch.setattr(_applying, "_BLOCK_NUMBERS", n_numbers)
    for (centre, scale), table in zip(whole, tables, strict=True):
        again, scale_again = standardisation(table, "one")
        np.testing.assert_allclose(again, centre, rtol=1e-12)
        assert scale_again == pytest.approx(scale, rel=1e-12)


@pytest.mark.parametrize("training", [False, True])
def test_a_network_of_the_users_own_gives_a_sample_one_point_but_for_rounding(training, rng):
    # Its layers may add up a row's terms in an order that depends on where the row lies.
    map_ = DrLIM(max_epochs=1, random_state=0, network=with_batch_norm).fit(X)
    map_.network_.train(training)
    many = rng.normal(size=(600, 5))
    Z, order = map_.transform(many), rng.permutation(600)
    np.testing.assert_array_equal(map_.transform(many), Z)
    np.testing.assert_allclose(map_.transform(many[order]), Z[order], atol=1e-6)
    for row in (0, 255, 256, 599):
        np.testing.assert_allclose(map_.transform(many[row : row + 1]), Z[row : row + 1], atol=1e-6)
    assert {module.training for module in map_.network_.modules()} == {training}


def with_batch_norm(sample_shape, n_components):
    return nn.Sequential(
        nn.Linear(*sample_shape, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, n_components)
    )


def test_flags_that_the_user_set_one_by_one_are_restored_as_found():
    map_ = DrLIM(max_epochs=1, random_state=0, network=with_batch_norm).fit(X)
    map_.network_[1][2].train()
    map_.transform(X)
    assert [module.training for module in map_.network_[1]] == [False, False, True, False]


def test_a_callback_may_look_at_the_map_while_it_is_learnt():
    class Look(Callback):
        def on_start(self, training):
            self.training = training

        def on_epoch_end(self, history):
            in_training = self.training.network[1][2].training
            seen.append((in_training, self.training.embed(X).shape, hasattr(map_, "network_")))

    seen = []
    map_ = DrLIM(max_epochs=2, random_state=0, network=with_batch_norm, callbacks=[Look()])
    Look.__deepcopy__ = lambda self, memo: self
    map_.fit(X)
    assert seen == [(True, (60, 2), False)] * 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int16])
def test_raw_bytes_and_the_same_values_in_another_dtype_give_the_same_point(dtype):
    map_ = DrLIM(max_epochs=1, random_state=0).fit(IMAGES)
    Z = map_.transform(IMAGES)
    np.testing.assert_allclose(map_.transform(IMAGES.astype(dtype)), Z, atol=1e-5)
    assert Z.std() > 1e-2


@pytest.mark.parametrize("shape", [(30, 28, 28), (30, 1, 28, 28)])
def test_images_are_mapped_by_the_papers_network(shape):
    map_ = DrLIM(max_epochs=1, random_state=0).fit(IMAGES.reshape(shape))
    assert map_.sample_shape_ == shape[1:]
    assert map_.n_features_in_ == 784
    assert any(isinstance(module, nn.Conv2d) for module in map_.network_.modules())
    assert map_.graph_ == neighbors(IMAGES, 5)
    listed = IMAGES[:2].reshape(2, *shape[1:]).tolist()
    np.testing.assert_allclose(map_.transform(listed), map_.embedding_[:2], atol=1e-5)


def test_samples_of_any_size_and_offset_are_learnt_alike():
    plain = DrLIM(max_epochs=1, random_state=0).fit_transform(X)
    for scale, offset in [(1e-200, 0), (1e-30, 0), (1e30, 0), (1e200, 0), (1, 1e6)]:
        Z = DrLIM(max_epochs=1, random_state=0).fit_transform(X * scale + offset)
        np.testing.assert_allclose(pdist(Z), pdist(plain), atol=1e-3)


def test_no_epochs_leave_the_network_as_it_was_built():
    map_ = DrLIM(network="paper_mlp", max_epochs=0, random_state=3).fit(X)
    untrained = _builders.build(networks.paper_mlp, (5,), 2, streams(3).init)
    for name, weight in untrained.state_dict().items():
        assert torch.equal(map_.network_[1].state_dict()[name], weight)
    assert map_.history_ == []


def test_learning_lowers_the_loss():
    start, end = (
        global_loss(map_.embedding_, map_.graph_, 1.0).total
        for map_ in (
            DrLIM(n_dissimilar="all", max_epochs=n, learning_rate=4e-3, random_state=0).fit(X)
            for n in (0, 20)
        )
    )
    assert end < 0.7 * start


# With scikit-learn.


def test_a_clone_learns_the_same_map_again(fitted):
    np.testing.assert_array_equal(clone(fitted).fit_transform(X), fitted.embedding_)
    own = DrLIM(network=partial(networks.mlp, hidden=(3,)), max_epochs=1, random_state=0)
    np.testing.assert_array_equal(clone(own).fit_transform(X), own.fit_transform(X))


def test_a_map_is_a_step_of_a_pipeline():
    y = (X[:, 0] > 0).astype(int)
    pipeline = make_pipeline(
        MinMaxScaler(), DrLIM(max_epochs=10, random_state=0), KNeighborsClassifier()
    )
    assert pipeline.fit(X, y).score(X, y) > 0.9
    assert pipeline[:-1].transform(X).shape == (60, 2)


@pytest.mark.parametrize("grid", [{"margin": [0.5, 1.0]}, {"n_neighbors": [2, 4]}])
def test_a_grid_search_sets_its_parameters(grid):
    seen = []

    def score(map_, some, y=None):
        seen.append((map_.margin, map_.n_neighbors))
        return -np.ptp(map_.transform(some))

    search = GridSearchCV(DrLIM(max_epochs=3, random_state=0), grid, scoring=score, cv=2).fit(X)
    ((name, values),) = grid.items()
    assert search.best_params_[name] in values
    assert len(set(seen)) == 2
    assert search.transform(X).shape == (60, 2)


def test_a_grid_search_sets_the_arguments_of_the_network():
    def score(map_, some, y=None):
        return -np.ptp(map_.transform(some))

    grid = {"network__hidden": [(4,), (5, 6)], "network__activation": ["tanh"], "margin": [2.0]}
    map_ = DrLIM(network="mlp", max_epochs=1, random_state=0)
    search = GridSearchCV(map_, grid, scoring=score, cv=2).fit(X)
    hidden = search.best_params_["network__hidden"]
    assert search.best_estimator_.get_params()["network__hidden"] == hidden
    layers = search.best_estimator_.network_[1][1].layers
    assert layers[0].out_features == hidden[0]
    assert isinstance(layers[1], nn.Tanh)
    assert map_.network == "mlp"  # a search learns clones, and changes nothing


def test_a_grid_search_of_a_pipeline_sets_what_is_inside_the_map():
    y = (X[:, 0] > 0).astype(int)
    pipeline = make_pipeline(
        MinMaxScaler(),
        DrLIM(network="mlp", max_epochs=5, random_state=0),
        KNeighborsClassifier(),
    )
    grid = {"drlim__margin": [0.5, 1.0], "drlim__network__hidden": [(8,), (16,)]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert search.score(X, y) > 0.9


def own_network(sample_shape, n_components, width=4, **more):
    return nn.Linear(sample_shape[0], n_components, **more)


@pytest.mark.parametrize(
    "network",
    [
        "mlp",
        networks.mlp,
        partial(networks.mlp, hidden=(3,)),
        partial(networks.mlp, activation="relu"),
    ],
)
def test_arguments_set_by_name_make_the_builder_with_those_arguments(network, tmp_path):
    by_name = DrLIM(network=network, max_epochs=1, random_state=0)
    assert by_name.set_params(network__hidden=(7,), network__activation="tanh") is by_name
    fixed = partial(networks.mlp, hidden=(7,), activation="tanh")
    paths = [tmp_path / "by name.drlim", tmp_path / "fixed.drlim"]
    for map_, path in zip(
        (clone(by_name), clone(by_name).set_params(network=fixed)), paths, strict=True
    ):
        map_.fit(X).save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    loaded = load(paths[0])
    np.testing.assert_array_equal(loaded.transform(X), map_.embedding_)
    assert loaded.get_params()["network__activation"] == "tanh"
    np.testing.assert_array_equal(
        loaded.set_params(random_state=0).fit(X).embedding_, map_.embedding_
    )


def test_what_was_fixed_before_stays_and_two_maps_share_no_arguments():
    fixed = partial(networks.mlp, hidden=(3,))
    first, second = DrLIM(network=fixed), DrLIM(network=fixed)
    first.set_params(network__activation="tanh")
    assert first.get_params()["network__hidden"] == (3,)
    assert second.network is fixed
    assert fixed.keywords == {"hidden": (3,)}
    assert first.set_params(**first.get_params()).network.keywords == first.network.keywords
    assert "network__hidden" not in first.get_params(deep=False)


def test_a_network_and_its_arguments_can_be_set_at_once_and_own_builders_too():
    map_ = DrLIM().set_params(network=own_network, network__width=3, network__bias=False)
    assert map_.network((5,), 2).bias is None
    assert "network__width" in map_.get_params()


def test_columns_of_other_names_or_in_another_order_are_not_mapped():
    table = pd.DataFrame(X, columns=list("abcde"))
    map_ = DrLIM(max_epochs=0, random_state=0).fit(table)
    for other in (table[list("edcba")], table.rename(columns={"a": "z"})):
        with pytest.raises(InputError, match="feature names"):
            map_.transform(other)


def test_a_pipeline_returns_tables_on_request():
    table = pd.DataFrame(X, columns=list("abcde"), index=np.arange(100, 160))
    pipeline = make_pipeline(MinMaxScaler(), DrLIM(max_epochs=1, random_state=0))
    Z = pipeline.set_output(transform="pandas").fit_transform(table)
    assert list(Z.columns) == list(pipeline.get_feature_names_out()) == ["drlim0", "drlim1"]
    assert list(Z.index) == list(table.index)
    pd.testing.assert_frame_equal(pipeline.transform(table[:7]), Z[:7])


def test_a_table_is_mapped_to_a_table(fitted):
    table = pd.DataFrame(X, columns=list("abcde"), index=np.arange(100, 160))
    map_ = DrLIM(max_epochs=2, random_state=0).set_output(transform="pandas")
    Z = map_.fit_transform(table)
    assert list(Z.columns) == list(map_.get_feature_names_out()) == ["drlim0", "drlim1"]
    assert list(Z.index) == list(table.index)
    assert list(map_.feature_names_in_) == list("abcde")
    np.testing.assert_array_equal(Z, fitted.embedding_)
    pd.testing.assert_frame_equal(map_.transform(table), Z)


def test_verbose_shows_the_training_on_the_error_stream(capsys):
    DrLIM(max_epochs=2, verbose=1, random_state=0).fit(X)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/2: loss " in err
    DrLIM(max_epochs=1, random_state=0).fit(X)
    assert capsys.readouterr() == ("", "")


# Who is similar to whom.


def graph_of(y=None, **given):
    return DrLIM(n_neighbors=3, max_epochs=0).fit(X, y, **given).graph_


def test_without_labels_and_graph_the_nearest_neighbours_are_similar():
    assert graph_of() == neighbors(X, 3)


@pytest.mark.parametrize("kind", [int, float, str, object, bool, pd.Series, list])
def test_samples_of_one_label_are_similar(kind):
    labels = np.arange(60) % 2
    y = kind(labels) if kind in (pd.Series, list) else labels.astype(kind)
    assert graph_of(y) == same(labels)


def test_labels_of_large_classes_are_learnt_without_writing_their_pairs_out(
    tmp_path, monkeypatch, rng
):
    monkeypatch.setattr(pairs, "_MOST_PER_SAMPLE", 0)
    monkeypatch.setattr(pairs, "_LEAST_MOST", 6_400)
    y = rng.integers(0, 3, 30_000)  # 150,000,000 similar pairs
    some = np.eye(3, dtype=np.float32)[y] + rng.normal(scale=0.1, size=(30_000, 3))
    map_ = DrLIM(network="linear", n_dissimilar=5, max_epochs=3, random_state=0)
    map_.fit(some, y, checkpoint=tmp_path)
    assert "_keys" not in vars(map_.graph_)
    Z = map_.embedding_
    centre = np.stack([Z[y == k].mean(axis=0) for k in range(3)])
    within = np.linalg.norm(Z - centre[y], axis=1).mean()
    assert within < 0.25 * pdist(centre).min()
    again = DrLIM(**map_.get_params(deep=False)).fit(some, y, checkpoint=tmp_path, resume=True)
    np.testing.assert_array_equal(again.embedding_, Z)


def test_a_sample_with_the_label_minus_one_is_similar_to_its_neighbours():
    y = np.arange(60) % 3 - 1
    graph, near, unknown = graph_of(y), neighbors(X, 3), y == -1
    left, right = np.triu_indices(60, 1)
    by_label = ~unknown[left] & (y[left] == y[right])
    by_nearness = (unknown[left] | unknown[right]) & near.has(left, right)
    np.testing.assert_array_equal(graph.has(left, right), by_label | by_nearness)
    assert graph_of(np.full(60, -1)) == near


def test_samples_with_near_values_of_a_continuous_target_are_similar():
    with pytest.warns(DataWarning, match=r"real numbers.* 5 nearest"):
        graph = graph_of(X[:, 2])
    assert graph == near_values(X[:, 2])


def test_a_graph_takes_precedence_over_labels():
    ring = SimilarityGraph.from_edges([(k, (k + 1) % 60) for k in range(60)], 60)
    assert graph_of(graph=ring) == graph_of(np.arange(60) % 2, graph=ring) == ring


def test_only_given_dissimilar_pairs_repel():
    pair, apart = (SimilarityGraph.from_edges([edge], 4) for edge in [(0, 1), (0, 2)])
    # One pair pulls and one pushes; where the last sample comes to lie is none of their business.
    map_ = DrLIM(network="linear", margin=5.0, learning_rate=0.1, random_state=0)
    Z = map_.set_params(max_epochs=300).fit_transform(np.eye(4), graph=pair, dissimilar=apart)
    distance = np.linalg.norm(Z[0] - Z, axis=1)
    assert distance[1] < 0.05
    assert distance[2] > 4.95
    assert np.linalg.norm(Z[3] - Z[:3], axis=1).min() < 4.9  # nothing drove it out of the margin


def test_augment_changes_what_is_learnt_and_not_the_samples(fitted):
    def louder(samples, generator):
        samples *= generator.uniform(1, 2)
        return samples

    before = X.copy()
    map_ = DrLIM(max_epochs=2, random_state=0, augment=louder).fit(X)
    np.testing.assert_array_equal(X, before)
    assert map_.graph_ == fitted.graph_
    assert np.abs(map_.embedding_ - fitted.embedding_).max() > 1e-3


def test_augment_puts_two_similar_copies_of_each_sample_into_a_batch():
    batches = []

    def record(samples, generator):
        batches.append(samples.copy())
        return samples

    graph = SimilarityGraph.from_edges([(0, 1), (2, 3)], 6)
    DrLIM(max_epochs=2, batch_size=2, random_state=0, augment=record).fit(X[:6], graph=graph)
    for samples in batches:
        np.testing.assert_array_equal(samples[::2], samples[1::2])
        assert len(np.unique(samples[::2], axis=0)) == len(samples) / 2


def test_what_augment_changes_the_map_learns_to_ignore():
    # The second feature never differs, so that nothing but the change can teach to ignore it.
    samples = np.stack([np.linspace(0, 20, 40), np.zeros(40)], axis=1)
    moved = samples + np.array([0, 5])

    def move(batch, generator):
        return batch + np.stack([np.zeros(len(batch)), generator.normal(0, 5, len(batch))], axis=1)

    shift = {}
    for augment in (None, move):
        map_ = DrLIM(
            network=partial(networks.linear, start="random"),
            learning_rate=0.02,
            n_dissimilar=3,
            max_epochs=60,
            random_state=0,
            augment=augment,
        )
        Z = map_.fit_transform(samples, graph=neighbors(samples, 2))
        shift[augment] = np.linalg.norm(map_.transform(moved) - Z, axis=1).mean() / pdist(Z).mean()
    assert shift[move] < shift[None] / 3


def test_a_pair_that_counts_more_is_pulled_nearer():
    # Two pulls on sample 1, from either side.
    samples = np.eye(3)
    graph = SimilarityGraph.from_edges([(0, 1), (1, 2)], 3)
    options = {"network": "linear", "learning_rate": 0.02, "max_epochs": 300, "random_state": 0}
    Z = DrLIM(**options).fit_transform(samples, graph=graph, weight=[10, 1])
    near, far = np.linalg.norm(Z[1] - Z[0]), np.linalg.norm(Z[1] - Z[2])
    assert near < far / 5


def test_weights_of_one_change_nothing(fitted):
    ones = np.ones(fitted.graph_.n_edges)
    map_ = DrLIM(n_dissimilar=2, max_epochs=2, random_state=0)
    map_.fit(X, graph=fitted.graph_, weight=ones)
    np.testing.assert_array_equal(map_.embedding_, fitted.embedding_)


@pytest.mark.parametrize(
    ("weight", "token"),
    [
        ([1], "(1,)"),
        ([1, 0], "0.0"),
        ([1, np.inf], "inf"),
        ([1, np.nan], "nan"),
        (["a", "b"], "<U1"),
    ],
)
def test_weights_that_are_not_finite_and_positive_are_refused(weight, token):
    graph = SimilarityGraph.from_edges([(0, 1), (1, 2)], 60)
    with pytest.raises(InputError) as refused:
        DrLIM(max_epochs=1).fit(X, graph=graph, weight=weight)
    assert not missing_from(str(refused.value), ["weight", token])


def test_the_untrained_map_is_the_network_as_it_was_before_training(fitted):
    before = DrLIM(max_epochs=0, random_state=0).fit(X)
    untrained = fitted.untrained()
    np.testing.assert_array_equal(untrained.transform(X), before.transform(X))
    np.testing.assert_array_equal(fitted.transform(X), fitted.embedding_)
    assert untrained.history_ == []
    assert fitted.history_ != []
    unseeded = DrLIM(max_epochs=1).fit(X)
    again = (unseeded.untrained().transform(X) for _ in range(2))
    np.testing.assert_array_equal(*again)


def test_an_unfitted_map_has_no_untrained_map():
    with pytest.raises(NotFittedError):
        DrLIM().untrained()


def test_another_loss_and_another_balance_give_another_map(fitted):
    class Weak(Contrastive):
        def repulsion(self, distance):
            return super().repulsion(distance) / 2

        def push(self, distance):
            return super().push(distance) / 2

    weak = DrLIM(max_epochs=2, random_state=0, loss=Weak, n_dissimilar="all").fit(X)
    balance = (X.shape[0] * (X.shape[0] - 1) / 2 - weak.graph_.n_edges) / weak.graph_.n_edges
    halved = DrLIM(max_epochs=2, random_state=0, n_dissimilar=balance / 2).fit(X)
    assert np.abs(weak.embedding_ - fitted.embedding_).max() > 1e-3
    np.testing.assert_allclose(weak.embedding_, halved.embedding_, atol=1e-3)


# Limits.


def test_a_linear_map_in_which_all_is_similar_collapses_to_a_point_with_a_warning():
    map_ = DrLIM(network="linear", max_epochs=50, learning_rate=0.02, random_state=0)
    with pytest.warns(TrainingWarning, match="collapse"):
        Z = map_.fit_transform(X[:20], graph=SimilarityGraph.complete(20))
    assert pdist(Z).max() < 0.05


def test_where_nothing_is_similar_everything_goes_to_the_margin():
    map_ = DrLIM(max_epochs=300, margin=2.0, random_state=0)
    Z = map_.fit_transform(np.eye(3), graph=SimilarityGraph.empty(3))
    assert pdist(Z).min() > 1.98


def test_equal_samples_become_one_point_with_a_warning():
    with (
        pytest.warns(DataWarning, match="all 9 samples"),
        pytest.warns(TrainingWarning, match="collapse"),
    ):
        Z = DrLIM(max_epochs=2, random_state=0).fit_transform(np.full((9, 3), 7.0))
    assert (Z == Z[0]).all()


def test_a_network_that_mixes_the_rows_of_a_batch_maps_one_row():
    map_ = DrLIM(max_epochs=2, random_state=0, network=with_batch_norm).fit(X)
    np.testing.assert_array_equal(map_.transform(X[:1]), map_.embedding_[:1])


@pytest.mark.parametrize("batch_size", [1, 2, 7, 10_000])
def test_any_batch_size_learns(batch_size):
    ring = SimilarityGraph.from_edges([(k, (k + 1) % 15) for k in range(15)], 16)
    map_ = DrLIM(max_epochs=2, random_state=0, batch_size=batch_size, network=with_batch_norm)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        map_.fit(X[:16], graph=ring)
    assert all(epoch.repulsion > 0 for epoch in map_.history_)


# Errors: the value, the rule, the remedy.

other = SimilarityGraph.empty(59)


@pytest.mark.parametrize(
    ("samples", "tokens"),
    [
        (np.where(np.eye(60, 5) > 0, np.nan, X), ["X", "NaN"]),
        (np.where(np.eye(60, 5) > 0, -np.inf, X), ["X", "infinity"]),
        (np.where(IMAGES > 250, np.nan, IMAGES), ["NaN"]),
        (np.zeros((0, 5)), ["0", "(0, 5)"]),
        (np.zeros((5, 0)), ["0", "(5, 0)"]),
        (np.array([["a", "b"]] * 9, object), ["'a'"]),
        (np.array([["a", "b"]] * 9), ["numeric"]),
        (X[:, 0], ["1D", "2D"]),
        (X + 1j, ["Complex"]),
    ],
)
def test_samples_that_scikit_learn_refuses_are_refused_in_its_words(samples, tokens):
    with pytest.raises(InputError) as refused:
        DrLIM().fit(samples)
    assert not missing_from(str(refused.value), tokens)


@pytest.mark.parametrize(
    ("parameters", "samples", "fit", "tokens"),
    [
        ({}, X[:1], {}, ["1", "2"]),
        ({}, IMAGES[:1], {}, ["1", "2"]),
        ({}, X[:5], {}, ["n_neighbors", "5", "4"]),
        ({}, X, {"y": [0, 1]}, ["y", "(2,)", "60"]),
        ({}, X, {"y": np.zeros((60, 1))}, ["y", "(60, 1)"]),
        ({}, X, {"y": np.full(60, np.nan)}, ["y", "NaN", "-1"]),
        ({}, X, {"graph": other}, ["graph", "59", "60"]),
        ({}, X, {"dissimilar": other}, ["dissimilar", "59", "60"]),
        ({}, X, {"graph": X}, ["graph", "ndarray", "SimilarityGraph"]),
        ({}, X, {"dissimilar": [(0, 1)]}, ["dissimilar", "list", "SimilarityGraph"]),
        ({}, X, {"graph": same([0] * 60), "dissimilar": same([0] * 60)}, ["1770", "dissimilar"]),
        ({"network": "lenet"}, IMAGES[:, :8, :8], {}, ["(8, 8)", "'mlp'"]),
        ({"network": "lent"}, X, {}, ["network", "'lent'", "'lenet'"]),
        ({"network": nn.Linear(5, 2)}, X, {}, ["network", "Linear", "lambda"]),
        ({"network": lambda shape, n: 3}, X, {}, ["int", "nn.Module"]),
        ({"network": lambda shape, n: nn.Linear(5, 3)}, X, {}, ["(2, 3)", "(2, 2)"]),
        ({"loss": "contrast"}, X, {}, ["loss", "'contrast'", "'contrastive'"]),
        ({"loss": lambda margin: 3}, X, {}, ["attraction"]),
        ({"margin": 0}, X, {}, ["margin", "0"]),
        ({"margin": -1.0}, X, {}, ["margin", "-1.0"]),
        ({"margin": np.nan}, X, {}, ["margin", "nan"]),
        ({"margin": None}, X, {}, ["margin", "None"]),
        ({"n_components": 0}, X, {}, ["n_components", "0", "1"]),
        ({"n_components": X}, X, {}, ["n_components", "array"]),
        ({"n_components": X[:3, :1]}, X, {}, ["n_components", "array"]),
        ({"n_components": 2.0}, X, {}, ["n_components", "2.0"]),
        ({"n_components": True}, X, {}, ["n_components", "True"]),
        ({"n_neighbors": 0}, X, {}, ["n_neighbors", "0", "1"]),
        ({"max_epochs": -1}, X, {}, ["max_epochs", "-1", "0"]),
        ({"max_epochs": "5"}, X, {}, ["max_epochs", "'5'"]),
        ({"batch_size": 0}, X, {}, ["batch_size", "0", "1"]),
        ({"learning_rate": 0}, X, {}, ["learning_rate", "0"]),
        ({"learning_rate": np.nan}, X, {}, ["learning_rate", "nan"]),
        ({"learning_rate": "fast"}, X, {}, ["learning_rate", "'fast'"]),
        ({"n_dissimilar": 0}, X, {}, ["n_dissimilar", "0", "'all'"]),
        ({"n_dissimilar": 2}, X, {"graph": SimilarityGraph.empty(60)}, ["n_dissimilar", "2"]),
        ({"augment": "flip"}, X, {}, ["augment", "str"]),
        ({"callbacks": [print]}, X, {}, ["callbacks", "Callback"]),
        ({"device": "gpu"}, X, {}, ["device", "'gpu'", "'cuda'"]),
        ({"random_state": -1}, X, {}, ["random_state", "-1"]),
        ({"random_state": "luck"}, X, {}, ["random_state", "'luck'"]),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_with_its_value(parameters, samples, fit, tokens):
    with pytest.raises(InputError) as refused:
        DrLIM(**parameters).fit(samples, **fit)
    message = str(refused.value)
    assert not missing_from(message, tokens)
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("samples", [IMAGES[:, 1:], IMAGES[:, None], IMAGES.reshape(30, 784)])
def test_samples_of_another_shape_are_not_mapped(samples):
    map_ = DrLIM(max_epochs=0, random_state=0).fit(IMAGES)
    with pytest.raises(InputError) as refused:
        map_.transform(samples)
    assert not missing_from(str(refused.value), [str(samples.shape[1:]), "(28, 28)"])


@pytest.mark.fault("B2")
def test_a_frame_is_taken_by_name_and_an_array_by_position():
    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"])
    map_ = DrLIM(max_epochs=1, random_state=0).fit(frame)
    np.testing.assert_array_equal(map_.transform(frame.to_numpy()), map_.transform(frame))
    for wrong in (frame[["b", "a", "c"]], frame.rename(columns={"a": "d"})):
        with pytest.raises(InputError, match="feature names"):
            map_.transform(wrong)
    with pytest.raises(InputError, match="3"):
        map_.transform(X[:, :2])


def of_one_module():
    module = nn.Linear(4, 2)
    return lambda sample_shape, n_components: module


def with_a_part_of_its_own():
    part = nn.Linear(4, 5)
    return lambda sample_shape, n_components: nn.Sequential(part, nn.Linear(5, 2))


@pytest.mark.fault("A9")
@pytest.mark.parametrize("kind", [of_one_module, with_a_part_of_its_own])
def test_a_builder_that_gives_a_module_again_shares_it_with_no_map(kind, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 4))
    builder = kind()
    before = builder((4,), 2)
    first = [weight.clone() for weight in before.parameters()][:1]
    map_ = DrLIM(network=builder, max_epochs=2, random_state=0).fit(X)
    Z = map_.transform(X)
    assert not np.allclose(map_.untrained().transform(X), Z)
    map_.save(tmp_path / "map.drlim")
    loaded = load(tmp_path / "map.drlim", network=builder)
    DrLIM(network=builder, max_epochs=2, random_state=1).fit(X[::-1] + 1)
    np.testing.assert_array_equal(map_.transform(X), Z)
    np.testing.assert_array_equal(loaded.transform(X), Z)
    assert torch.equal(next(builder((4,), 2).parameters()), first[0])


@pytest.mark.fault("A9")
def test_a_network_that_cannot_be_copied_is_refused_before_training():
    class Stubborn(nn.Linear):
        def __deepcopy__(self, memo):
            raise TypeError("no copy")

    with pytest.raises(InputError, match="no copy"):
        DrLIM(network=lambda shape, n: Stubborn(9, n)).fit(np.eye(9))
