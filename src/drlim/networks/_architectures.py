"""Architectures: the paper's networks, a linear map and a residual convolutional network."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from torch import nn

from drlim._checks import check_count
from drlim._errors import InputError, nearest_name
from drlim.networks._layers import (
    AlignedLinear,
    Reshape,
    Residual,
    SubsampledConv2d,
    activation_named,
    grouped,
)


def lenet(sample_shape: tuple[int, ...], n_components: int, activation: str = "tanh") -> nn.Module:
    """Build the paper's convolutional network for digits of 28 x 28 pixels (its figure 3).

    ======  =====================================================  ===================
    layer   operation                                              output
    ======  =====================================================  ===================
    C1      15 maps, kernels 6 x 6                                 15 x 23 x 23
    S2      subsampling by 2: the mean of each 2 x 2, activation   15 x 11 x 11
    C3      30 maps, kernels 9 x 9, each sees all 15, activation   30 x 3 x 3
    F4      fully connected, linear                                n_components
    ======  =====================================================  ===================

    With two components it has 37,577 weights.

    The paper leaves some choices open. This network takes the hyperbolic tangent as activation,
    usual at the time (rectified linear units learn to about the same loss, and the map follows
    the slant of held-out digits a little less); applies it after the mean, as LeNet-5 does; drops
    the odd row and column of C1; gives S2 no weights of its own; and draws the first weights
    uniformly by the fan-in (torch's default).

    Because nothing stands between C1 and the mean of S2, the two are computed as one convolution
    with 7 x 7 kernels and stride 2: the same numbers in a fraction of the time.

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
    >>> import torch
    >>> lenet((28, 28), 2)(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 2])
    """
    check_count(n_components, "n_components")
    if tuple(sample_shape) not in ((28, 28), (1, 28, 28)):
        raise InputError(
            f"samples have the shape {tuple(sample_shape)}; lenet is the paper's network for "
            "images of (28, 28) or (1, 28, 28): resize them, or use another network, such as "
            "network='mlp'"
        )
    return nn.Sequential(
        Reshape((1, 28, 28)),
        SubsampledConv2d(1, 15, kernel_size=6),
        activation_named(activation),
        nn.Conv2d(15, 30, kernel_size=9),
        activation_named(activation),
        nn.Flatten(),
        AlignedLinear(30 * 3 * 3, n_components),
    )


def mlp(
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int] = (20,),
    activation: str = "relu",
) -> nn.Module:
    """Build fully connected layers; by default the paper's two, with 20 hidden units.

    Parameters
    ----------
    sample_shape : tuple of int
        Any shape; samples are flattened.
    n_components : int
        Dimensions of the map.
    hidden : sequence of int
        Units of each hidden layer.
    activation : {"relu", "tanh", "gelu"}

    Examples
    --------
    >>> import torch
    >>> mlp((96, 96), 3)(torch.zeros(5, 96, 96)).shape
    torch.Size([5, 3])
    """
    check_count(n_components, "n_components")
    if not isinstance(hidden, Sequence | np.ndarray) or isinstance(hidden, str):
        raise InputError(f"hidden is {hidden!r}; it must list the units of each layer: [20]")
    for units in hidden:
        check_count(units, "a number of units in hidden")
    sizes = [math.prod(sample_shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for before, after in itertools.pairwise(sizes):
        layers += [AlignedLinear(before, after), activation_named(activation)]
    return nn.Sequential(*layers, AlignedLinear(sizes[-1], n_components))


def linear(sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
    """Build a linear map: one matrix and an offset.

    Examples
    --------
    >>> import torch
    >>> linear((4,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    return mlp(sample_shape, n_components, hidden=())


def convnet(
    sample_shape: tuple[int, ...],
    n_components: int,
    width: int = 32,
    depth: int = 3,
    activation: str = "relu",
    pooling: str = "mean",
) -> nn.Module:
    """Build a small residual convolutional network for images of any size from 8 x 8.

    A first convolution (5 x 5, stride 2) makes ``width`` maps. Each of ``depth`` stages halves
    the image (3 x 3, stride 2), doubles the maps up to 4 times the width, and adds a residual
    block of two convolutions (He et al. 2016, with the activation first). The result is pooled,
    and a linear layer follows. Maps are normalised in groups within each sample (Wu and
    He 2018), never over the rows of a batch.

    The mean over the image discards where something is, which makes the map nearly blind to
    shifts before it has learnt anything. To separate this invariance of the architecture from
    what training adds, compare with the untrained network (``max_epochs=0``).

    Parameters
    ----------
    sample_shape : tuple of int
        (h, w) or (channels, h, w), with h and w at least 8.
    n_components : int
        Dimensions of the map.
    width : int, default=32
        Maps of the first layer, at least 4.
    depth : int, default=3
        Stages, at most 32; each sees about twice as far as the one before.
    activation : {"relu", "tanh", "gelu"}
    pooling : {"mean", "none"}
        "mean" for what is the same anywhere in the image, such as textures; "none" keeps where
        things are, for pose and shape, and so is made for one size of image.

    Raises
    ------
    InputError
        If the samples have another shape, or a parameter is outside its range.

    Examples
    --------
    >>> import torch
    >>> convnet((3, 20, 30), 4, width=8)(torch.zeros(5, 3, 20, 30)).shape
    torch.Size([5, 4])
    """
    shape = tuple(sample_shape)
    if not suits_convnet(shape):
        raise InputError(
            f"samples have the shape {shape}; convnet takes images (h, w) or (channels, h, w) of "
            "8 x 8 pixels or more: use network='mlp' for anything else"
        )
    # With fewer maps, a normalisation leaves nothing of a single pixel but their order; and no
    # image can be halved more than 32 times.
    for name, value, least, most in (("width", width, 4, 2**16), ("depth", depth, 1, 32)):
        check_count(value, name, least, most)
    check_count(n_components, "n_components")
    if pooling not in ("mean", "none"):
        raise InputError(f"pooling is {pooling!r}; {nearest_name(pooling, ('mean', 'none'))}")
    channels, height, across = (1, *shape)[-3:]
    layers: list[nn.Module] = [
        Reshape((channels, height, across)),
        nn.Conv2d(channels, width, kernel_size=5, stride=2, padding=2),
    ]
    maps = width
    for stage in range(depth):
        before, maps = maps, min(width * 2**stage, 4 * width)
        layers.append(nn.Conv2d(before, maps, kernel_size=3, stride=2, padding=1))
        layers.append(Residual(maps, activation))
    layers += [grouped(maps), activation_named(activation)]
    if pooling == "mean":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*layers, AlignedLinear(maps, n_components))
    for _ in range(depth + 1):
        height, across = (height + 1) // 2, (across + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), AlignedLinear(maps * height * across, n_components))


def suits_convnet(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and min(shape[-2:]) >= 8
