"""Maps of which only directions count, and when they are chosen."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from drlim import Dataset, DrLIM, declaration, load, networks
from drlim.declaration import Declaration
from drlim.graphs import near_values, same
from drlim.networks._layers import OnSphere
from drlim.training import Selection

RNG = np.random.default_rng(0)
Y = np.arange(120) % 6
# The class gives the direction in 64 features; the length is as it comes, more than any direction.
CLASS, NOISE = RNG.normal(size=(6, 64))[Y], RNG.normal(size=(120, 64))
DIRECTION = 0.6 * CLASS + NOISE
X = DIRECTION * np.exp(RNG.normal(size=(120, 1)))
SHORT = Selection(share=0)


def fitted(samples, n_components=8, **parameters):
    map_ = DrLIM(n_components, max_epochs=SHORT, random_state=0, **parameters)
    return map_.fit(samples, graph=same(Y))


def is_sphere(map_):
    return isinstance(map_.network_[1], OnSphere)


@pytest.fixture(scope="module")
def map_():
    return fitted(X)


def test_only_directions_count_where_angles_order_pairs_better_than_distances(map_, capsys):
    assert is_sphere(map_)
    fitted(X, verbose=1)
    assert "network 'sphere': only the direction of a sample counts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("why", "samples", "parameters"),
    [
        ("the lengths are alike", 0.3 * CLASS + NOISE, {}),
        ("two dimensions would be a circle", X, {"n_components": 2}),
        ("few features", X[:, :63], {}),
        ("images", X.reshape(120, 8, 8), {}),
        ("a network is given", X, {"network": "mlp"}),
    ],
)
def test_distances_count_otherwise(why, samples, parameters):
    assert not is_sphere(fitted(samples, **parameters)), why


def test_lengths_count_where_no_classes_are_given():
    map_ = DrLIM(8, max_epochs=1, random_state=0).fit(X)
    assert not is_sphere(map_)


def test_points_lie_on_a_sphere_and_follow_the_direction_from_the_centre(map_):
    Z = map_.transform(X)
    lengths = np.linalg.norm(Z, axis=1)
    np.testing.assert_allclose(lengths, lengths[0], rtol=1e-4)
    centre = X.mean(axis=0)
    np.testing.assert_allclose(map_.transform(centre + 3 * (X - centre)), Z, atol=1e-4)


def test_at_the_start_points_are_a_margin_apart_on_average():
    map_ = fitted(X, margin=2.0).untrained()
    assert torch.pdist(torch.from_numpy(map_.transform(X))).mean() == pytest.approx(2, rel=1e-3)


def test_the_centre_itself_has_a_point_and_a_batch_of_one_the_same_point(map_):
    centre = X.mean(axis=0, keepdims=True)
    assert np.isfinite(map_.transform(centre)).all()
    together = map_.transform(X)
    for k in (0, 7):
        np.testing.assert_array_equal(map_.transform(X[k : k + 1])[0], together[k])


def test_a_map_of_directions_is_saved_and_gone_on_from(map_, tmp_path):
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim")
    assert is_sphere(again)
    np.testing.assert_array_equal(again.transform(X), map_.transform(X))
    further = DrLIM(8, max_epochs=1, random_state=0).fit(DIRECTION, graph=same(Y), init=map_)
    assert is_sphere(further)
    assert is_sphere(further.partial_fit(DIRECTION, graph=same(Y)))


def test_samples_of_one_direction_give_a_finite_map():
    samples = np.outer(np.exp(Y[:20]), np.ones(70))
    map_ = DrLIM(8, network="sphere", max_epochs=2, random_state=0).fit(samples, Y[:20])
    assert np.isfinite(map_.embedding_).all()


def test_a_declaration_of_classes_decides_it_too():
    data = Dataset(X, {"kind": Y})
    declared = Declaration(keep=["kind"], ignore=[], map={"max_epochs": 1})
    assert is_sphere(declaration.fit(declared, data).map)


def test_a_map_of_directions_is_exported(map_, tmp_path):
    pytest.importorskip("onnxruntime")
    from drlim.exporting import export

    assert export(map_, tmp_path / "map.onnx").max_difference < 1e-5


def test_the_sphere_is_a_network_by_name():
    assert networks.sphere((64,), 8)(torch.zeros(0, 64)).shape == (0, 8)


@pytest.mark.parametrize(
    ("n_components", "labels", "expected"),
    [(8, Y[:24], True), (2, Y[:24], False), (8, np.linspace(0, 1, 24), False)],
)
def test_the_features_of_a_pretrained_network_are_compared_by_direction(
    n_components, labels, expected, tmp_path
):
    save_file(body().state_dict(), tmp_path / "body.safetensors")
    images = RNG.integers(0, 256, (24, 3, 12, 12), np.uint8)
    network = networks.pretrained(
        tmp_path / "body.safetensors", module=body, size=12, mean=127, std=64, cache=False
    )
    graph = near_values(labels) if labels.dtype.kind == "f" else None
    y = None if graph is not None else labels
    map_ = DrLIM(n_components, network=network, max_epochs=1, random_state=0)
    map_.fit(images, y, graph=graph)
    assert any(isinstance(part, OnSphere) for part in map_.network_.modules()) == expected
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim", network=map_._builder)
    np.testing.assert_array_equal(again.transform(images), map_.transform(images))


def body():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
