"""The laws of the networks: shapes, weights of the paper, and one map for both sides."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from drlim import networks
from drlim._errors import InputError
from drlim.graphs import neighbors
from drlim.losses import contrastive_loss, distances_among
from drlim.networks import Standardize, build, default, describe, from_description, resolve

SHIPPED = [
    (networks.lenet, (28, 28)),
    (networks.lenet, (1, 28, 28)),
    (partial(networks.lenet, activation="gelu"), (28, 28)),
    (networks.mlp, (5,)),
    (networks.mlp, (4, 6)),
    (partial(networks.mlp, hidden=(8, 7), activation="gelu"), (5,)),
    (networks.linear, (2, 3, 4)),
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
        (networks.mlp, (96, 96), 3, (9216 + 1) * 20 + (20 + 1) * 3),
        (partial(networks.mlp, hidden=(4, 3)), (5,), 2, 6 * 4 + 5 * 3 + 4 * 2),
        (networks.linear, (5,), 2, 6 * 2),
    ],
)
def test_networks_have_the_number_of_weights_of_their_layers(builder, shape, n_components, weights):
    network = build(builder, shape, n_components, seed=0)
    assert sum(weight.numel() for weight in network.parameters()) == weights


def test_subsampling_is_a_convolution_and_the_mean_of_each_two_by_two():
    with networks.seeded(0):
        fused = networks._SubsampledConv2d(3, 4, kernel_size=6)
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
    *_, last = network.modules()
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        X = torch.rand(4, *shape)
        Z = network(X)
        last.weight *= 1000
        last.bias *= 1000
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
    assert not any("Norm" in type(module).__name__ for module in network.modules())


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
    with pytest.raises(RuntimeError), networks.seeded(0):
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


@pytest.mark.parametrize("shape", [(5,), (27, 28), (3, 28, 28)])
def test_samples_that_are_no_digits_get_two_layers_of_256_units(shape):
    network = default(shape)(shape, 2)
    units = [module.out_features for module in network if isinstance(module, nn.Linear)]
    assert units == [256, 256, 2]


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: networks.lenet((32, 32), 2), r"shape \(32, 32\); .* \(28, 28\) .* network='mlp'"),
        (lambda: networks.lenet((784,), 2), r"shape \(784,\)"),
        (lambda: networks.lenet((3, 28, 28), 2), r"shape \(3, 28, 28\)"),
        (lambda: resolve("lenett", (28, 28)), r"'lenett'; known: lenet, .* mean 'lenet'\?"),
        (lambda: resolve(nn.Linear(2, 2), (2,)), r"is a Linear; .* a builder, .* from new weights"),
        (lambda: resolve(3, (2,)), "network is a int; it must be a builder"),
        (lambda: build(lambda shape, n: "net", (2,), 2, 0), "gave a str; .* return an nn.Module"),
        (lambda: networks.mlp((2,), 2, activation="rleu"), r"'rleu'; known: .* mean 'relu'\?"),
        (lambda: networks.lenet((28, 28), 2, activation="x"), "activation is 'x'; known: gelu, "),
        (lambda: networks.mlp((2,), 2, hidden=(3, 0)), "at least 1 unit"),
        (lambda: from_description({"name": "mpl", "arguments": {}}), r"mean 'mlp'\?"),
    ],
)
def test_networks_that_are_none_are_refused(use, message):
    with pytest.raises(InputError, match=message):
        use()


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
