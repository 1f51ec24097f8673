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
    AlongComponents,
    Deform,
    Directions,
    LinearPath,
    OnSphere,
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
    hidden: Sequence[int] = (256, 256),
    activation: str = "relu",
    start: str = "components",
) -> nn.Module:
    """Build fully connected layers beside a linear path.

    Parameters
    ----------
    sample_shape : tuple of int
        Any shape; samples are flattened.
    n_components : int
        Dimensions of the map.
    hidden : sequence of int
        Units of each hidden layer.
    activation : {"relu", "tanh", "gelu"}
    start : {"components", "random"}
        "components": a linear path runs beside the hidden layers, and the map starts as that of
        principal component analysis, its points a margin apart on average. "random": there is no
        such path, and the first weights are random.

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
    _check_start(start)
    sizes = [math.prod(sample_shape), *hidden]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(sizes):
        layers += [AlignedLinear(before, after), activation_named(activation)]
    layers.append(AlignedLinear(sizes[-1], n_components))
    if start == "random":
        return nn.Sequential(nn.Flatten(), *layers)
    if not len(hidden):
        return AlongComponents(nn.Flatten(), *layers)
    path = AlignedLinear(sizes[0], n_components)
    return AlongComponents(nn.Flatten(), LinearPath(path, nn.Sequential(*layers)))


def sphere(
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int] = (256, 256),
    activation: str = "relu",
) -> nn.Module:
    """Build an `mlp` for which only directions count: those of samples, and those of points.

    Each sample is divided by its length, from the centre of the training samples; each point is
    moved onto a sphere about the origin. So the distance of two points follows from the angle
    between them, as the cosine of two samples does. For classes in many numbers of one kind, such
    as features of a pretrained network; in two dimensions the map would be a circle.

    Parameters
    ----------
    sample_shape, n_components, hidden, activation
        As for `mlp`. The map starts along the principal components of the directions, its points
        a margin apart on average.

    Examples
    --------
    >>> import torch
    >>> Z = sphere((1280,), 32)(torch.randn(5, 1280))
    >>> Z.shape, bool((Z.norm(dim=1) <= 1.001).all())
    (torch.Size([5, 32]), True)
    """
    flatten, *layers = mlp(sample_shape, n_components, hidden, activation).children()
    return OnSphere(flatten, Directions(), *layers)


def paper_mlp(
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int] = (20,),
    activation: str = "relu",
) -> nn.Module:
    """Build the paper's fully connected network for the airplane: 20 hidden units, random weights.

    Parameters
    ----------
    sample_shape, n_components, hidden, activation
        As for `mlp`.

    Examples
    --------
    >>> import torch
    >>> paper_mlp((96, 96), 3)(torch.zeros(5, 96, 96)).shape
    torch.Size([5, 3])
    """
    return mlp(sample_shape, n_components, hidden, activation, start="random")


def deforming_mlp(
    sample_shape: tuple[int, ...],
    n_components: int,
    strength: float = 0.06,
    hidden: Sequence[int] = 5 * (256,),
    activation: str = "gelu",
    start: str = "random",
) -> nn.Module:
    """Build fully connected layers for images, which are deformed slightly in training.

    The network of `drlim.recipes.clusters`. The deformations (`Deform`) stand for samples that
    are missing, so that classes are drawn together that nobody labelled.

    Parameters
    ----------
    sample_shape : tuple of int
        (h, w) or (channels, h, w).
    n_components : int
        Dimensions of the map.
    strength : float, default=0.06
        How much images are deformed; see `Deform`. 0: not at all.
    hidden, activation, start
        As for `mlp`.

    Raises
    ------
    InputError
        If the samples are no images.

    Examples
    --------
    >>> import torch
    >>> deforming_mlp((28, 28), 2)(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 2])
    """
    shape = tuple(sample_shape)
    if len(shape) not in (2, 3):
        raise InputError(
            f"samples have the shape {shape}; deforming_mlp takes images (h, w) or "
            "(channels, h, w): use network='mlp' for anything else"
        )
    layers = mlp(shape, n_components, hidden, activation, start)
    sequence = AlongComponents if start == "components" else nn.Sequential
    return sequence(Deform(strength), layers)


def linear(
    sample_shape: tuple[int, ...], n_components: int, start: str = "components"
) -> nn.Module:
    """Build a linear map: one matrix and an offset.

    Parameters
    ----------
    sample_shape, n_components, start
        As for `mlp`.

    Examples
    --------
    >>> import torch
    >>> linear((4,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    return mlp(sample_shape, n_components, hidden=(), start=start)


def convnet(
    sample_shape: tuple[int, ...],
    n_components: int,
    width: int = 16,
    depth: int = 3,
    activation: str = "relu",
    pooling: str = "quarters",
    start: str = "components",
) -> nn.Module:
    """Build a small residual convolutional network for images of any size from 8 x 8.

    A first convolution (5 x 5, stride 2) makes ``width`` maps. Each of ``depth`` stages halves
    the image (3 x 3, stride 2), doubles the maps up to 4 times the width, and adds a residual
    block of two convolutions (He et al. 2016, with the activation first). The result is pooled,
    and a linear layer follows. Maps are normalised in groups within each sample (Wu and
    He 2018), never over the rows of a batch.

    With ``pooling="mean"``, the mean over the image discards where something is, which makes the
    map nearly blind to shifts before it has learnt anything. To separate this invariance of the
    architecture from what training adds, compare with the untrained network (``max_epochs=0``).

    Parameters
    ----------
    sample_shape : tuple of int
        (h, w) or (channels, h, w), with h and w at least 8.
    n_components : int
        Dimensions of the map.
    width : int, default=16
        Maps of the first layer, at least 4.
    depth : int, default=3
        Stages, at most 32; each sees about twice as far as the one before.
    activation : {"relu", "tanh", "gelu"}
    pooling : {"quarters", "mean", "none"}
        What of the place is kept. "quarters": the mean over each quarter of the image, enough to
        read the pose of an object, and as good for classes. "mean": nothing, for what is the same
        anywhere in the image, such as textures. "none": everything.
    start : {"components", "random"}
        The first weights of the linear layer: "components" along the principal components of
        what it is given, the points a margin apart on average; "random". The others are random.

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
    if pooling not in _POOLINGS:
        raise InputError(f"pooling is {pooling!r}; {nearest_name(pooling, _POOLINGS)}")
    _check_start(start)
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
    side = _POOLINGS[pooling]
    if side is None:
        n_places = math.prod(math.ceil(length / 2 ** (depth + 1)) for length in (height, across))
    else:
        layers.append(nn.AdaptiveAvgPool2d(side))
        n_places = side**2
    layers += [nn.Flatten(), AlignedLinear(maps * n_places, n_components)]
    return nn.Sequential(*layers) if start == "random" else AlongComponents(*layers)


# The side of the grid to which an image is pooled; None: it is not.
_POOLINGS: dict[str, int | None] = {"quarters": 2, "mean": 1, "none": None}


def _check_start(start: str) -> None:
    if start not in ("components", "random"):
        raise InputError(f"start is {start!r}; {nearest_name(start, ('components', 'random'))}")


def suits_convnet(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and min(shape[-2:]) >= 8
