"""Samples with many more features than there are samples: learnt in their principal coordinates."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist

from drlim import DrLIM, load
from drlim.callbacks import EarlyStopping
from drlim.graphs import same
from drlim.networks import _wide
from drlim.training import Selection

RNG = np.random.default_rng(0)
Y = np.arange(60) % 3
X = RNG.normal(size=(3, 400))[Y] + 3 * RNG.normal(size=(60, 400))
SHORT = Selection(share=0)


@pytest.fixture(autouse=True)
def smaller(monkeypatch):
    monkeypatch.setattr(_wide, "_LEAST_NUMBERS", 20_000)


def fitted(samples=X, callbacks=(), **parameters):
    map_ = DrLIM(3, max_epochs=SHORT, random_state=0, callbacks=callbacks, **parameters)
    return map_.fit(samples, Y)


def part_of(map_, samples=X):
    return _wide.wide_part(map_.network_, samples, map_._builder, 3, seed=0)


def test_a_network_of_the_samples_gives_the_points_that_were_learnt_from_coordinates():
    map_ = fitted()
    part = part_of(map_)
    part.write_into(map_.network_[1])
    new = RNG.normal(size=(7, 400))  # outside the space of the samples too
    for samples in (X, new):
        found = part.whole(torch.from_numpy(samples)).detach().numpy()
        np.testing.assert_allclose(map_.transform(samples), found, atol=1e-5)


def test_the_distances_of_coordinates_are_those_of_the_samples():
    coordinates = part_of(fitted()).X.astype(float)
    ratio = np.linalg.norm(X[0] - X[1:], axis=1) / np.linalg.norm(
        coordinates[0] - coordinates[1:], axis=1
    )
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-4)


def test_the_map_starts_at_the_principal_components_of_the_samples(monkeypatch):
    start = pdist(fitted().untrained().transform(X))
    monkeypatch.setattr(_wide, "_LEAST_NUMBERS", 10**9)
    np.testing.assert_allclose(start, pdist(fitted().untrained().transform(X)), atol=1e-4)


def test_the_embedding_is_what_the_map_gives_and_the_file_holds_it(tmp_path):
    map_ = fitted()
    assert map_.history_[-1].loss < map_.history_[0].loss
    np.testing.assert_array_equal(map_.embedding_, map_.transform(X))
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(X), map_.embedding_)


def test_callbacks_see_the_map_of_samples_while_it_learns():
    stop = EarlyStopping(X[:30], same(Y[:30]))
    map_ = fitted(callbacks=[stop])
    assert np.isfinite(map_.embedding_).all()


@pytest.mark.parametrize(
    "parameters", [{"network": "linear"}, {"network": "sphere"}, {"network": "paper_mlp"}]
)
def test_other_networks_learn_from_the_samples(parameters):
    assert part_of(fitted(**parameters)) is None


def test_so_do_networks_of_samples_with_few_features():
    assert part_of(fitted(X[:, :100]), X[:, :100]) is None
