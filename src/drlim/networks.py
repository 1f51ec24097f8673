"""The function G_W: builders of networks, ``(sample_shape, n_components) -> nn.Module``.

A builder is any callable of that form, so a network of your own is a function of two
arguments; what else it takes, fix with `functools.partial`. The built module maps a batch of
shape ``(b, *sample_shape)`` to ``(b, n_components)``.

All networks here end in a linear layer, so the map is unbounded and distances can exceed any
margin, and none has a layer in which the rows of a batch mix (batch normalisation), so the
image of a sample depends on nothing but the sample.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drlim._errors import InputError, nearest_name
from drlim._types import Float, Num

Builder = Callable[[tuple[int, ...], int], nn.Module]

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


def lenet(sample_shape: tuple[int, ...], n_components: int, activation: str = "tanh") -> nn.Module:
    """Build the paper's convolutional network for digits of 28 x 28 pixels (its figure 3).

    ======  =====================================================  ===================
    layer   what                                                   output
    ======  =====================================================  ===================
    C1      15 maps, kernels 6 x 6                                 15 x 23 x 23
    S2      subsampling by 2: the mean of each 2 x 2, activation   15 x 11 x 11
    C3      30 maps, kernels 9 x 9, each sees all 15, activation   30 x 3 x 3
    F4      fully connected, linear                                n_components
    ======  =====================================================  ===================

    With two components it has 37,577 weights.

    The paper leaves open, and this network chooses: the activation (the hyperbolic tangent, the
    habit of its time; rectified linear units learn to about the same loss, and the map follows
    the slant of held-out digits a little less); where it stands (after the mean, as in LeNet-5,
    whose subsampling layers squash what they have averaged); what becomes of the odd row and
    column of C1 (left out); that S2 has no weights of its own; and the first weights (uniform,
    by the fan-in: torch's default).

    Because nothing stands between C1 and the mean of S2, the two are one convolution with
    7 x 7 kernels and stride 2, which is how they are computed: the same numbers in a fraction of
    the time.

    Parameters
    ----------
    sample_shape : tuple of int
        (28, 28) or (1, 28, 28).
    n_components : int
        Dimensions of the map.
    activation : {"relu", "tanh", "gelu"}

    Raises
    ------
    InputError
        If the samples have another shape.

    Examples
    --------
    >>> lenet((28, 28), 2)(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 2])
    """
    if tuple(sample_shape) not in ((28, 28), (1, 28, 28)):
        raise InputError(
            f"samples have the shape {tuple(sample_shape)}; lenet is the paper's network for "
            "images of (28, 28) or (1, 28, 28): resize them, or give another network, such as "
            "network='mlp'"
        )
    return nn.Sequential(
        _Reshape((1, 28, 28)),
        _SubsampledConv2d(1, 15, kernel_size=6),
        _activation(activation),
        nn.Conv2d(15, 30, kernel_size=9),
        _activation(activation),
        nn.Flatten(),
        AlignedLinear(30 * 3 * 3, n_components),
    )


def mlp(
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int] = (20,),
    activation: str = "relu",
) -> nn.Module:
    """Build fully connected layers; as it stands, the paper's two, with 20 hidden units.

    Parameters
    ----------
    sample_shape : tuple of int
        Any; samples are flattened.
    n_components : int
        Dimensions of the map.
    hidden : sequence of int
        Units of each hidden layer.
    activation : {"relu", "tanh", "gelu"}

    Examples
    --------
    >>> mlp((96, 96), 3)(torch.zeros(5, 96, 96)).shape
    torch.Size([5, 3])
    """
    if any(units < 1 for units in hidden):
        raise InputError(f"hidden is {tuple(hidden)}; every layer needs at least 1 unit")
    sizes = [math.prod(sample_shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in itertools.pairwise(sizes):
        layers += [AlignedLinear(before, after), _activation(activation)]
    return nn.Sequential(*layers, AlignedLinear(sizes[-1], n_components))


def linear(sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
    """Build a linear map: one matrix and an offset.

    Examples
    --------
    >>> linear((4,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    return mlp(sample_shape, n_components, hidden=())


BUILDERS: dict[str, Callable[..., nn.Module]] = {"lenet": lenet, "mlp": mlp, "linear": linear}


def default(sample_shape: tuple[int, ...]) -> Builder:
    """Choose a network: the paper's `lenet` for its digits, else an `mlp` of 256 and 256 units."""
    if tuple(sample_shape) in ((28, 28), (1, 28, 28)):
        return lenet
    return functools.partial(mlp, hidden=(256, 256))


def resolve(network: Any, sample_shape: tuple[int, ...]) -> Builder:
    """Turn what a user may give for a network (None, a name, a builder) into a builder."""
    if network is None:
        return default(sample_shape)
    if isinstance(network, str):
        if network not in BUILDERS:
            raise InputError(f"network is {network!r}; {nearest_name(network, BUILDERS)}")
        return BUILDERS[network]
    if isinstance(network, nn.Module) or not callable(network):
        raise InputError(
            f"network is a {type(network).__name__}; it must be a builder, a callable "
            "(sample_shape, n_components) -> nn.Module, so that each fit starts from new "
            "weights: lambda sample_shape, n_components: YourModule(...)"
        )
    builder: Builder = network
    return builder


def build(
    builder: Builder, sample_shape: tuple[int, ...], n_components: int, seed: int
) -> nn.Module:
    """Build a network with first weights from a seed; the global generator stays untouched."""
    with seeded(seed):
        network = builder(tuple(sample_shape), n_components)
    if not isinstance(network, nn.Module):
        raise InputError(
            f"the network builder gave a {type(network).__name__}; it must return an nn.Module"
        )
    return network


@contextlib.contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Let torch's layers draw from this seed, and put its global generators back afterwards."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def describe(builder: Builder) -> dict[str, Any]:
    """Say as plain data which builder it is, with its arguments, for `from_description`."""
    arguments: dict[str, Any] = {}
    while isinstance(builder, functools.partial):
        if builder.args:
            return {"custom": name_of(builder.func)}
        arguments = {**builder.keywords, **arguments}
        builder = builder.func
    for name, known in BUILDERS.items():
        if builder is known:
            return {"name": name, "arguments": arguments}
    return {"custom": name_of(builder)}


def name_of(something: Any) -> str:
    """Return the module and name of a callable: the same in every process, unlike its repr."""
    kind = something if hasattr(something, "__qualname__") else type(something)
    return f"{kind.__module__}.{kind.__qualname__}"


def from_description(description: dict[str, Any]) -> Builder | None:
    """Find the builder that `describe` spoke of; None if it is not one of drlim's own."""
    if "name" not in description:
        return None
    if description["name"] not in BUILDERS:
        raise InputError(
            f"the network is {description['name']!r}; {nearest_name(description['name'], BUILDERS)}"
        )
    return functools.partial(BUILDERS[description["name"]], **description["arguments"])


class Standardize(nn.Module):
    """Move samples to their centre and into their own unit, as the training data had them.

    It stands before the network and holds its numbers as buffers, so that they travel with the
    weights: raw samples in the unit of the training data always give the same point. One unit
    for all features leaves distances, and so neighbours, as they were.

    Parameters
    ----------
    centre : array
        Subtracted: one number a feature, or one for all.
    scale : float
        Divided by, > 0.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: Any, scale: float) -> None:
        super().__init__()
        self.register_buffer("centre", torch.as_tensor(np.asarray(centre, np.float64)))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    def forward(self, X: Num[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Return float32 samples; float64 ones are moved before they are rounded."""
        if X.dtype != torch.float64:
            X = X.float()
        return ((X - self.centre.to(X.dtype)) / self.scale.to(X.dtype)).float()


class AlignedLinear(nn.Linear):
    """A linear layer that gives a row the same bits wherever in a batch it stands.

    Some processors' matrix products add up the terms of a row in an order that depends on where
    the row begins in memory. Rows filled up with zeros to 64 bytes all begin alike.
    """

    def forward(self, X: Float[Tensor, "b features"]) -> Float[Tensor, "b units"]:
        missing = -self.in_features % 16
        if not missing:
            return super().forward(X)
        return F.linear(F.pad(X, (0, missing)), F.pad(self.weight, (0, missing)), self.bias)


class _Reshape(nn.Module):
    def __init__(self, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.sample_shape = sample_shape

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        return X.reshape(-1, *self.sample_shape)


class _SubsampledConv2d(nn.Conv2d):
    """A convolution and the mean of each 2 x 2 of its output, as one convolution of stride 2.

    The mean of four neighbouring outputs of a k x k kernel is the output of one kernel of
    k + 1 by k + 1, the mean of the four copies of the small one that are shifted by 0 or 1.
    """

    def forward(self, X: Float[Tensor, "b c h w"]) -> Float[Tensor, "b maps h2 w2"]:
        wide = F.pad(self.weight, (0, 1)) + F.pad(self.weight, (1, 0))
        kernel = (F.pad(wide, (0, 0, 0, 1)) + F.pad(wide, (0, 0, 1, 0))) / 4
        return F.conv2d(X, kernel, self.bias, stride=2)


def _activation(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise InputError(f"activation is {name!r}; {nearest_name(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()
