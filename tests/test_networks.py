"""The laws of the networks: shapes, weights of the paper, and one map for both sides."""

from functools import partial, reduce

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _NormBase

from drlim import DrLIM, FileError, InputError, load, losses, networks
from drlim._torch_state import seeded
from drlim.graphs import neighbors
from drlim.losses import contrastive_loss, distances_among
from drlim.networks import Standardize, _builders, default
from drlim.networks._builders import build, describe, from_description, resolve
from drlim.networks._layers import SubsampledConv2d

SHIPPED = [
    (networks.lenet, (28, 28)),
    (networks.lenet, (1, 28, 28)),
    (partial(networks.lenet, activation="gelu"), (28, 28)),
    (networks.mlp, (5,)),
    (networks.mlp, (4, 6)),
    (partial(networks.mlp, hidden=(8, 7), activation="gelu"), (5,)),
    (networks.linear, (2, 3, 4)),
    (partial(networks.convnet, width=8), (8, 8)),
    (partial(networks.convnet, width=8, depth=2, activation="gelu"), (3, 9, 30)),
    (partial(networks.convnet, width=4, depth=1, pooling="none"), (2, 11, 8)),
]


@pytest.mark.parametrize(("builder", "shape"), SHIPPED)
@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("b", [0, 1, 7])
def test_a_batch_of_samples_becomes_a_batch_of_points(builder, shape, n_components, b):
    network = build(builder, shape, n_components, seed=0)
    assert network(torch.zeros(b, *shape)).shape == (b, n_components)


@pytest.mark.parametrize(
    ("builder", "shape", "n_components", "weights"),
    [
        # C1: 15 kernels of 6 x 6, C3: 30 of 15 x 9 x 9, F4: 270 to 2; and the offsets.
        (networks.lenet, (28, 28), 2, 37_577),
        (networks.lenet, (1, 28, 28), 3, 37_577 + 271),
        # Twenty hidden units, as for the paper's airplane of 96 x 96.
        (networks.paper_mlp, (96, 96), 3, (9216 + 1) * 20 + (20 + 1) * 3),
        # And the linear path from 5 to 2.
        (partial(networks.mlp, hidden=(4, 3)), (5,), 2, 6 * 4 + 5 * 3 + 4 * 2 + 6 * 2),
        (networks.linear, (5,), 2, 6 * 2),
        # 5 x 5 x 3 to 8 maps; a halving and a block of two, 3 x 3 each; 8 maps of 4 quarters to 2.
        (
            partial(networks.convnet, width=8, depth=1),
            (3, 20, 16),
            2,
            (75 + 1) * 8 + 3 * (72 + 1) * 8 + 3 * 16 + (4 * 8 + 1) * 2,
        ),
    ],
)
def test_networks_have_the_number_of_weights_of_their_layers(builder, shape, n_components, weights):
    network = build(builder, shape, n_components, seed=0)
    assert sum(weight.numel() for weight in network.parameters()) == weights


def test_subsampling_is_a_convolution_and_the_mean_of_each_two_by_two():
    with seeded(0):
        fused = SubsampledConv2d(3, 4, kernel_size=6)
        X = torch.randn(5, 3, 28, 28)
    plain = nn.Conv2d(3, 4, kernel_size=6)
    plain.load_state_dict(fused.state_dict())
    assert fused(X).shape == (5, 4, 11, 11)
    assert torch.allclose(fused(X), nn.AvgPool2d(2)(plain(X)), atol=1e-6)


def test_lenet_is_the_network_of_the_papers_figure_3():
    network = build(partial(networks.lenet, activation="tanh"), (28, 28), 2, seed=0)
    _, c1, _, c3, _, _, f4 = network
    X = torch.rand(3, 28, 28)
    s2 = F.avg_pool2d(F.conv2d(X[:, None], c1.weight, c1.bias), 2).tanh()
    assert s2.shape == (3, 15, 11, 11)
    assert c3(s2).shape == (3, 30, 3, 3)
    assert torch.allclose(network(X), f4(c3(s2).tanh().flatten(1)), atol=1e-5)


@pytest.mark.parametrize(("builder", "shape"), SHIPPED)
def test_the_map_is_unbounded_because_its_last_layer_is_linear(builder, shape):
    network = build(builder, shape, 2, seed=0)
    last = network[-1]
    last = [last.path, last.layers[-1]] if isinstance(last, networks.LinearPath) else [last]
    with torch.no_grad():
        X = torch.rand(4, *shape)
        Z = network(X)
        for layer in last:
            assert isinstance(layer, nn.Linear)
            layer.weight *= 1000
            layer.bias *= 1000
        assert torch.allclose(network(X), 1000 * Z, rtol=1e-3)
        assert distances_among(network(X)).max() > 2  # no unit ball, no unit sphere
        assert network(X).norm(dim=1).std() > 0


@pytest.mark.parametrize(("builder", "shape"), SHIPPED)
def test_a_samples_point_does_not_depend_on_its_batch_even_while_training(builder, shape):
    network = build(builder, shape, 2, seed=0).train()
    X = torch.rand(9, *shape)
    alone = torch.cat([network(x[None]) for x in X])
    assert torch.allclose(network(X), alone, atol=1e-6)
    X[1:] = 100
    assert torch.allclose(network(X)[0], alone[0], atol=1e-6)
    assert not any(isinstance(module, _NormBase) for module in network.modules())


def test_one_set_of_weights_gets_the_gradients_of_both_sides():
    network = build(networks.mlp, (4,), 2, seed=0)
    left, right = torch.eye(4)[:2].unsqueeze(1)

    def gradient(Z_left, Z_right):
        loss = contrastive_loss(distances_among(torch.cat([Z_left, Z_right])), [False], 1.0)
        return torch.autograd.grad(loss.sum(), list(network.parameters()))

    both = gradient(network(left), network(right))
    from_left = gradient(network(left), network(right).detach())
    from_right = gradient(network(left).detach(), network(right))
    for whole, a, b in zip(both, from_left, from_right, strict=True):
        assert torch.allclose(whole, a + b, atol=1e-7)
    assert any(a.any() for a in from_left)
    assert any(b.any() for b in from_right)


@pytest.mark.usefixtures("untouched_globals")
@pytest.mark.parametrize(("builder", "shape"), SHIPPED)
def test_the_first_weights_come_from_the_seed_and_from_nothing_else(builder, shape):
    def weights(seed):
        network = build(builder, shape, 2, seed)
        return torch.cat([weight.flatten() for weight in network.parameters()])

    assert torch.equal(weights(3), weights(3))
    assert not torch.equal(weights(3), weights(4))


@pytest.mark.usefixtures("untouched_globals")
def test_the_global_generator_is_put_back_also_after_an_error():
    with pytest.raises(RuntimeError), seeded(0):
        torch.rand(1) @ torch.rand(2)


@pytest.mark.parametrize(
    ("network", "shape", "expected"),
    [
        (None, (28, 28), networks.lenet),
        (None, (1, 28, 28), networks.lenet),
        ("lenet", (28, 28), networks.lenet),
        ("mlp", (5,), networks.mlp),
        ("linear", (5,), networks.linear),
        (max, (5,), max),
    ],
)
def test_a_name_or_a_builder_or_nothing_stands_for_a_builder(network, shape, expected):
    assert resolve(network, shape) is expected


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28)])
def test_images_of_the_papers_size_get_its_network(shape):
    assert default(shape) is networks.lenet


@pytest.mark.parametrize("shape", [(8, 8), (27, 28), (3, 28, 28), (3, 64, 8), (2, 96, 96)])
def test_images_of_another_size_get_the_convolutional_network(shape):
    assert default(shape) is networks.convnet
    assert default(shape)(shape, 2)(torch.zeros(3, *shape)).shape == (3, 2)


@pytest.mark.parametrize("shape", [(5,), (7, 30), (3, 30, 7), (30, 30, 2), (2, 3, 30, 30)])
def test_vectors_and_what_is_too_small_for_an_image_get_two_layers_of_256_units(shape):
    layers = default(shape)(shape, 2)[1].layers
    units = [module.out_features for module in layers if isinstance(module, nn.Linear)]
    assert units == [256, 256, 2]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: networks.lenet((32, 32), 2), r"\(32, 32\).*'mlp'"),
        (lambda: networks.lenet((784,), 2), r"\(784,\)"),
        (lambda: networks.lenet((3, 28, 28), 2), r"\(3, 28, 28\)"),
        (lambda: resolve("lenett", (28, 28)), "'lenett'.*'lenet'"),
        (lambda: resolve(nn.Linear(2, 2), (2,)), "Linear"),
        (lambda: resolve(3, (2,)), "int"),
        (lambda: build(lambda shape, n: "net", (2,), 2, 0), "str"),
        (lambda: networks.mlp((2,), 2, activation="rleu"), "'rleu'.*'relu'"),
        (lambda: networks.lenet((28, 28), 2, activation="x"), "activation is 'x'"),
        (lambda: networks.mlp((2,), 2, hidden=(3, 0)), "hidden is 0"),
        (lambda: networks.convnet((3, 7, 9), 2), r"\(3, 7, 9\).*'mlp'"),
        (lambda: networks.convnet((64,), 2), r"\(64,\)"),
        (lambda: networks.convnet((8, 8), 2, width=3), "width is 3"),
        (lambda: networks.convnet((8, 8), 2, depth=0), "depth is 0"),
        (lambda: networks.convnet((8, 8), 2, pooling="man"), "'man'.*'mean'"),
        (lambda: from_description({"name": "mpl", "arguments": {}}), "'mpl'.*'mlp'"),
    ],
)
def test_a_network_that_does_not_exist_is_refused(use, message):
    with pytest.raises(InputError, match=message):
        use()


# More than any memory has, and more than torch counts.
@pytest.mark.parametrize("hidden", [(10**6, 10**7), (9, 2**62)])
def test_a_network_that_does_not_fit_into_memory_is_refused_with_its_shape(hidden):
    with pytest.raises(InputError, match=r"\(5,\) and n_components=3"):
        build(partial(networks.mlp, hidden=hidden), (5,), 3, seed=0)


def test_an_error_of_a_builder_that_only_speaks_of_allocation_is_passed_on():
    def builder(shape, n_components):
        raise RuntimeError("no allocation of roles")

    with pytest.raises(RuntimeError, match="no allocation of roles"):
        build(builder, (5,), 2, seed=0)


@pytest.mark.parametrize(("builder", "shape"), SHIPPED)
def test_a_shipped_network_is_found_again_by_its_description(builder, shape):
    again = from_description(describe(partial(builder)))
    assert str(build(again, shape, 2, 0)) == str(build(builder, shape, 2, 0))


@pytest.mark.parametrize("builder", [max, lambda shape, n: None, partial(networks.mlp, (5,))])
def test_a_network_of_ones_own_is_described_by_name_only(builder):
    description = describe(builder)
    assert description.keys() == {"custom"}
    assert from_description(description) is None


def test_standardizing_keeps_the_precision_of_float64():
    X = 1e6 + torch.arange(5, dtype=torch.float64)[:, None] * 1e-6
    Z = Standardize(np.array([1e6]), 1e-6)(X)
    assert Z.dtype == torch.float32
    assert torch.allclose(Z.ravel(), torch.arange(5.0), atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.float32, torch.float64])
def test_standardizing_gives_float32_whatever_comes_in(dtype):
    X = torch.arange(6).reshape(3, 2).to(dtype)
    Z = Standardize(np.array([1.0, 2.0]), 0.5)(X)
    assert Z.dtype == torch.float32
    assert Z.tolist() == [[-2, -2], [2, 2], [6, 6]]


def test_standardizing_neither_keeps_nor_changes_the_callers_array():
    centre = np.zeros(3)
    standardize = Standardize(centre, 1.0)
    standardize.load_state_dict(Standardize(np.ones(3), 2.0).state_dict())
    assert centre.tolist() == [0, 0, 0]
    centre[:] = 5
    assert standardize.centre.tolist() == [1, 1, 1]


def test_standardizing_changes_no_neighbour(rng):
    X = rng.normal(size=(50, 3)) * [1, 10, 100] + 5
    Z = Standardize(X.mean(axis=0), float(X.std()))(torch.from_numpy(X))
    assert neighbors(Z.numpy(), 4) == neighbors(X, 4)


def test_the_standardisation_travels_with_the_weights():
    state = Standardize(np.array([1.0, 2.0]), 0.5).state_dict()
    assert {name: value.tolist() for name, value in state.items()} == {
        "centre": [1.0, 2.0],
        "scale": 0.5,
    }


# The network for images of any size


@pytest.mark.parametrize(("pooling", "is_blind"), [("mean", True), ("none", False)])
def test_the_mean_over_the_image_is_blind_to_shifts_untrained_and_no_pooling_is_not(
    pooling, is_blind
):
    """By the network's whole stride, and far from the borders."""
    builder = partial(networks.convnet, width=8, depth=1, pooling=pooling)
    network = build(builder, (64, 64), 2, seed=0)
    # Normalisation over the image sees the ground too, whose share stays the same.
    X = torch.zeros(2, 64, 64)
    X[0, 24:32, 24:32] = X[1, 28:36, 32:40] = torch.rand(8, 8)
    Z = network(X)
    assert torch.allclose(Z[0], Z[1], atol=1e-5) == is_blind


def test_a_convnet_of_the_smallest_image_still_tells_images_apart():
    network = build(partial(networks.convnet, width=4, depth=2), (8, 8), 2, seed=0)
    with seeded(1):
        X = torch.rand(5, 8, 8)
    assert distances_among(network(X)).min() > 1e-3


def test_a_convnet_goes_through_a_map_file(tmp_path, rng):
    X = rng.normal(size=(12, 3, 9, 8))
    network = partial(networks.convnet, width=4, depth=1)
    map_ = DrLIM(n_neighbors=2, network=network, max_epochs=1, random_state=0).fit(X)
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(X), map_.transform(X))


# A backbone of the user's own


def features():
    """Everything that must stay still: statistics of the batch, and noise."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.5)
    )


@pytest.fixture
def weights(tmp_path):
    """A file of the weights and statistics of a backbone that has seen other images."""
    with seeded(7):
        pretrained = features()
        pretrained(5 + torch.randn(20, 3, 8, 8))
    save_file(pretrained.state_dict(), tmp_path / "backbone.safetensors")
    return tmp_path / "backbone.safetensors"


def state(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def after_training(builder, X):
    """Return a network, and its state before and after a few steps in training mode."""
    network = build(builder, X.shape[1:], 2, seed=0).train()
    before = state(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        torch.autograd.backward(network(X).square().sum())
        optimizer.step()
    return network, before, state(network)


def test_a_frozen_backbone_stays_as_it_is_and_its_head_learns(weights):
    builder = networks.backbone(features, weights=weights)
    _, before, after = after_training(builder, torch.randn(9, 3, 8, 8))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"1.1.weight", "1.1.bias"}


def test_an_unfrozen_backbone_learns_too_and_keeps_its_statistics(weights):
    builder = networks.backbone(features, weights=weights, freeze=False)
    network, before, after = after_training(builder, torch.randn(9, 3, 8, 8))
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert "0.module.0.weight" in moved
    assert not any("running" in name or "num_batches" in name for name in moved)
    assert network[0].module[3].training  # dropout is the user's wish


@pytest.mark.parametrize("freeze", [True, False])
def test_rows_do_not_mix_in_a_backbone_while_its_head_trains(weights, freeze):
    def without_noise():
        return features()[:3]

    network = networks.backbone(without_noise, freeze=freeze)((3, 8, 8), 2).train()
    X = torch.randn(6, 3, 8, 8)
    alone = torch.cat([network(x[None]) for x in X])
    assert torch.allclose(network(X), alone, atol=1e-6)
    assert torch.equal(network(X), network(X))


def test_a_frozen_backbone_draws_no_noise():
    network = networks.backbone(features)((3, 8, 8), 2).train()
    X = torch.randn(6, 3, 8, 8)
    assert torch.equal(network(X), network(X))


def test_the_backbones_weights_are_those_of_the_file(weights):
    network = networks.backbone(features, weights=weights)((3, 8, 8), 2)
    mean = network.state_dict()["0.module.1.running_mean"]
    assert mean.abs().max() > 0.1
    assert not torch.equal(
        mean, networks.backbone(features)((3, 8, 8), 2)[0].module[1].running_mean
    )


def test_the_head_is_linear_or_has_hidden_layers():
    linear = networks.backbone(features)((3, 8, 8), 2)[1]
    assert [tuple(w.shape) for w in linear.parameters()] == [(2, 54), (2,)]
    deep = networks.backbone(features, hidden=(7,))((3, 8, 8), 2)[1]
    assert [tuple(w.shape) for w in deep.parameters()] == [(7, 54), (7,), (2, 7), (2,)]


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8)])
def test_grey_images_are_repeated_for_a_backbone_of_colour(shape):
    network = build(networks.backbone(features, channels=3), shape, 2, seed=0)
    X = torch.rand(4, *shape)
    colour = X.reshape(4, 1, 8, 8).repeat(1, 3, 1, 1)
    assert torch.equal(network(X), network(colour))


def test_a_module_that_is_given_twice_is_not_shared_nor_changed():
    mine = features()
    builder = networks.backbone(lambda: mine)
    one, other = builder((3, 8, 8), 2), builder((3, 8, 8), 2)
    assert all(weight.requires_grad for weight in mine.parameters())
    assert mine.training
    shared = {id(w) for w in one.parameters()} & {id(w) for w in other.parameters()}
    assert not shared


def test_a_map_with_a_backbone_holds_all_its_weights(tmp_path, weights, rng):
    X = rng.normal(size=(20, 8, 8))
    network = networks.backbone(features, weights=weights, channels=3)
    map_ = DrLIM(n_neighbors=2, network=network, max_epochs=2, random_state=0).fit(X)
    map_.save(tmp_path / "map.drlim")
    weights.unlink()
    again = load(tmp_path / "map.drlim", network=networks.backbone(features, channels=3))
    np.testing.assert_array_equal(again.transform(X), map_.transform(X))
    with pytest.raises(InputError, match="network"):
        load(tmp_path / "map.drlim")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("1.bias"), r"1\.bias"),
        (lambda w: w.update(fc=torch.zeros(2)), "fc"),
        (lambda w: w.update({"0.bias": torch.zeros(5)}), r"0\.bias \(\(5,\), .* \(6,\)\)"),
        (lambda w: w.clear() or w.update(x=torch.zeros(1)), r"0\.weight, .* and 4 more"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(tmp_path, change, message):
    tensors = state(features())
    change(tensors)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=message):
        networks.backbone(features, weights=tmp_path / "w.safetensors")((3, 8, 8), 2)


def test_a_weights_file_that_cannot_be_read_is_refused(tmp_path, weights):
    with pytest.raises(FileError, match=r"none\.safetensors .*No such file"):
        networks.backbone(features, weights=tmp_path / "none.safetensors")((3, 8, 8), 2)
    for content in (b"", b"PK-pickled", weights.read_bytes()[:-1]):
        weights.write_bytes(content)
        with pytest.raises(FileError, match=r"backbone\.safetensors"):
            networks.backbone(features, weights=weights)((3, 8, 8), 2)


@pytest.mark.parametrize(
    ("module", "options", "shape", "message"),
    [
        (lambda: "net", {}, (3, 8, 8), "str"),
        (features, {}, (8, 8), r"\(8, 8\) .* channels="),
        (features, {"channels": 3}, (2, 8, 8), r"\(2, 8, 8\) .* 3 channels"),
        (features, {"channels": 3}, (8,), r"\(8,\) .* 3 channels"),
        (lambda: nn.LSTM(8, 4), {}, (8, 8), "tuple"),
    ],
)
def test_a_backbone_that_does_not_fit_the_samples_is_refused(module, options, shape, message):
    with pytest.raises(InputError, match=message):
        networks.backbone(module, **options)(shape, 2)


def test_what_drlim_has_is_named_by_its_public_module():
    # Maps and checkpoints say these names, and a file below the module may be moved.
    assert _builders.name_of(losses.DoubleMargin) == "drlim.losses.DoubleMargin"
    assert _builders.name_of(losses.HeavyTailed(2.0)) == "drlim.losses.HeavyTailed"
    assert _builders.name_of(networks.lenet) == "drlim.networks.lenet"
    assert _builders.name_of(reduce) == "_functools.reduce"


@pytest.mark.parametrize(
    ("builder", "shape"),
    [(networks.linear, (6,)), (networks.mlp, (6,)), (networks.mlp, (2, 3))],
)
def test_a_map_starts_as_its_principal_components_a_margin_apart(builder, shape):
    X = np.random.default_rng(0).normal(size=(40, 6)) * [5, 3, 1, 1, 1, 1] + 7
    map_ = DrLIM(2, margin=3.0, network=builder, max_epochs=0).fit(X.reshape(40, *shape))
    Z, components = map_.embedding_, PCA(2).fit_transform(X)
    unit = np.linalg.norm(components, axis=1) / np.linalg.norm(Z, axis=1)
    np.testing.assert_allclose(unit, unit[0], rtol=1e-4)
    np.testing.assert_allclose(np.abs(Z) * unit[0], np.abs(components), rtol=1e-3, atol=1e-3)
    assert pdist(Z).mean() == pytest.approx(3.0, rel=1e-4)


def test_a_convolutional_network_starts_along_the_components_of_its_features():
    X = np.random.default_rng(0).normal(size=(30, 8, 8))
    map_ = DrLIM(2, network=partial(networks.convnet, width=4, depth=1), max_epochs=0).fit(X)
    features = map_.network_[1][:-1](map_.network_[0](torch.from_numpy(X)))
    components = PCA(2).fit_transform(features.detach().numpy())
    correlation = np.corrcoef(map_.embedding_.T, components.T)[:2, 2:]
    np.testing.assert_allclose(np.abs(np.diag(correlation)), 1, atol=1e-3)


def test_a_start_with_more_dimensions_than_samples_leaves_the_others_at_zero():
    X = np.random.default_rng(0).normal(size=(4, 9))
    map_ = DrLIM(6, n_neighbors=1, network="linear", max_epochs=0).fit(X)
    assert (map_.embedding_[:, 3:] == 0).all()
    assert pdist(map_.embedding_).mean() == pytest.approx(1, rel=1e-4)


def test_the_start_of_one_seed_is_the_same_and_a_random_start_is_not_along_the_components():
    X = np.random.default_rng(0).normal(size=(40, 6))
    first, second = (DrLIM(max_epochs=0, random_state=1).fit(X).embedding_ for _ in range(2))
    np.testing.assert_array_equal(first, second)
    drawn = DrLIM(network="paper_mlp", max_epochs=0, random_state=1).fit(X).embedding_
    assert np.abs(np.corrcoef(drawn.T, PCA(2).fit_transform(X).T)[:2, 2:]).max() < 0.99


@pytest.mark.parametrize(
    ("name", "shape", "earlier"),
    [
        ("mlp", (5,), partial(networks.mlp, hidden=(20,), start="random")),
        ("linear", (5,), partial(networks.linear, start="random")),
        (
            "convnet",
            (8, 8),
            partial(networks.convnet, width=32, pooling="mean", start="random"),
        ),
    ],
)
def test_a_file_without_the_start_of_a_network_has_the_defaults_of_its_time(name, shape, earlier):
    built = from_description({"name": name, "arguments": {}})(shape, 2)
    expected = {key: weight.shape for key, weight in earlier(shape, 2).state_dict().items()}
    assert {key: weight.shape for key, weight in built.state_dict().items()} == expected
