"""The function G_W: builders of networks, ``(sample_shape, n_components) -> nn.Module``.

A builder is any callable of that form, so a network of your own is a function of two
arguments; what else it takes, fix with `functools.partial`, or by name in a map:
``DrLIM(network="mlp").set_params(network__hidden=(64, 64))``. The built module maps a batch of
shape ``(b, *sample_shape)`` to ``(b, n_components)``.

All networks here end in a linear layer, so the map is unbounded and distances can exceed any
margin, and none has a layer in which the rows of a batch mix (batch normalisation, while it
trains), so the image of a sample depends on nothing but the sample.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor, nn
from torch.nn import functional as F

from drlim._checks import check_count, is_number
from drlim._devices import is_card
from drlim._errors import FileError, InputError, nearest_name
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
    check_count(n_components, "n_components")
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
    check_count(n_components, "n_components")
    if not isinstance(hidden, Sequence | np.ndarray) or isinstance(hidden, str):
        raise InputError(f"hidden is {hidden!r}; it must list the units of each layer: [20]")
    for units in hidden:
        check_count(units, "a number of units in hidden")
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
    block of two convolutions (He et al. 2016, with the activation first). What is left is
    pooled, and a linear layer follows. Maps are normalised in groups within each sample (Wu and
    He 2018), never over the rows of a batch.

    The mean over the image forgets where something is: that makes the map nearly blind to shifts
    before it has learnt anything. Such an invariance is the architecture's, and is to be told
    from what training adds by the untrained network (``max_epochs=0``) as a baseline.

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
    >>> convnet((3, 20, 30), 4, width=8)(torch.zeros(5, 3, 20, 30)).shape
    torch.Size([5, 4])
    """
    shape = tuple(sample_shape)
    if not _suits_convnet(shape):
        raise InputError(
            f"samples have the shape {shape}; convnet takes images (h, w) or (channels, h, w) of "
            "8 x 8 pixels or more: give network='mlp' for anything else"
        )
    # Of fewer maps, all that a normalisation leaves of a single pixel is their order.
    # Each stage halves the image, and no image can be halved more often.
    for name, value, least, most in (("width", width, 4, 2**16), ("depth", depth, 1, 32)):
        check_count(value, name, least, most)
    check_count(n_components, "n_components")
    if pooling not in ("mean", "none"):
        raise InputError(f"pooling is {pooling!r}; {nearest_name(pooling, ('mean', 'none'))}")
    channels, height, across = (1, *shape)[-3:]
    layers: list[nn.Module] = [
        _Reshape((channels, height, across)),
        nn.Conv2d(channels, width, kernel_size=5, stride=2, padding=2),
    ]
    maps = width
    for stage in range(depth):
        before, maps = maps, min(width * 2**stage, 4 * width)
        layers.append(nn.Conv2d(before, maps, kernel_size=3, stride=2, padding=1))
        layers.append(_Residual(maps, activation))
    layers += [_grouped(maps), _activation(activation)]
    if pooling == "mean":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*layers, AlignedLinear(maps, n_components))
    for _ in range(depth + 1):
        height, across = (height + 1) // 2, (across + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), AlignedLinear(maps * height * across, n_components))


def _suits_convnet(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and min(shape[-2:]) >= 8


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "lenet": lenet,
    "mlp": mlp,
    "linear": linear,
    "convnet": convnet,
}


def backbone(
    module: Callable[[], nn.Module],
    *,
    weights: str | os.PathLike[str] | None = None,
    freeze: bool = True,
    hidden: Sequence[int] = (),
    channels: int | None = None,
) -> Builder:
    """Make a builder of a network of your own, trained elsewhere, with a new head on its features.

    The module's output is flattened; the hidden layers, if any, and a linear layer follow, and
    they learn. `DrLIM` standardises samples as a whole before the module sees them. A saved map
    holds all weights, the backbone's too, so to load it only the module is needed:
    ``drlim.load(path, network=backbone(module))``, with the same `hidden` and `channels`.

    Parameters
    ----------
    module : callable
        Without arguments; returns the feature extractor, an nn.Module ``(b, ...) -> (b, ...)``.
    weights : path, optional
        A safetensors file with the module's state dict, each name and shape of it. None: the
        weights that the module comes with.
    freeze : bool, default=True
        Whether the backbone stays as it is: evaluation mode, even while the head trains, and no
        gradients. Otherwise its weights learn too. Its batch normalisation keeps the statistics
        it came with in either case, because rows of a batch must not mix.
    hidden : sequence of int, default=()
        Units of the head's hidden layers.
    channels : int, optional
        The channels that the module expects: grey images, (h, w) or (1, h, w), are repeated to
        as many. None: the module gets the samples as they are.

    Returns
    -------
    callable
        A builder ``(sample_shape, n_components) -> nn.Module``, for ``DrLIM(network=...)``. When
        it builds, it raises FileError if the file is missing or no safetensors file, and
        InputError if the weights, or the samples, do not fit the module.

    Examples
    --------
    >>> def features():
    ...     return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
    >>> network = backbone(features, channels=3)((28, 28), 2)
    >>> network(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 2])
    """
    if isinstance(module, nn.Module) or not callable(module):
        raise InputError(
            f"the backbone's module is a {type(module).__name__}; it must be a callable without "
            "arguments that returns an nn.Module, so that each fit starts anew: lambda: module"
        )
    return functools.partial(
        _with_backbone,
        module=module,
        weights=weights,
        freeze=freeze,
        hidden=tuple(hidden),
        channels=channels,
    )


def _with_backbone(
    sample_shape: tuple[int, ...],
    n_components: int,
    *,
    module: Callable[[], nn.Module],
    weights: str | os.PathLike[str] | None,
    freeze: bool,
    hidden: Sequence[int],
    channels: int | None,
) -> nn.Module:
    extractor = module()
    if not isinstance(extractor, nn.Module):
        raise InputError(
            f"the backbone's module gave a {type(extractor).__name__}; it must be a callable "
            "without arguments that returns an nn.Module"
        )
    if weights is not None:
        _load_weights(extractor, Path(weights))
    # Of a module that a callable gives twice, each fit needs its own.
    body = _Backbone(copy.deepcopy(extractor), freeze, channels).eval()
    try:
        with torch.no_grad():
            features = body(torch.zeros(2, *sample_shape))
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the backbone does not take samples of the shape {tuple(sample_shape)} ({error}); "
            "resize them, or give channels= if it wants colour and they are grey"
        ) from error
    return nn.Sequential(body.train(), mlp((features.shape[1],), n_components, hidden))


def _load_weights(module: nn.Module, path: Path) -> None:
    try:
        tensors = parse_tensors(path.read_bytes())
    except OSError as error:
        raise FileError(
            f"the weights {path} cannot be read ({error.strerror}); is it the right path?"
        ) from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise FileError(
            f"the weights {path} are no safetensors file, or only a part of one ({error}); write "
            "them with safetensors.torch.save_file(module.state_dict(), path)"
        ) from None
    own = module.state_dict()
    complaints = {
        "not in the file": [name for name in own if name not in tensors],
        "not in the module": [name for name in tensors if name not in own],
        "of another shape": [
            f"{name} ({tuple(tensors[name].shape)}, in the module {tuple(own[name].shape)})"
            for name in own
            if name in tensors and tensors[name].shape != own[name].shape
        ],
    }
    said = [
        f"{what}: {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if names[3:] else "")
        for what, names in complaints.items()
        if names
    ]
    if said:
        raise InputError(
            f"the weights {path} do not fit the backbone; {'; '.join(said)}. Give a file of this "
            "very module's state dict"
        )
    module.load_state_dict(tensors)


def default(sample_shape: tuple[int, ...]) -> Builder:
    """Choose a network: `lenet` for the paper's digits, `convnet` for other images, else an `mlp`.

    The `mlp` has layers of 256 and 256 units; images of fewer than 8 x 8 pixels get it too.
    """
    shape = tuple(sample_shape)
    if shape in ((28, 28), (1, 28, 28)):
        return lenet
    if _suits_convnet(shape):
        return convnet
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
    return network


def with_arguments(network: Any, arguments: dict[str, Any]) -> Builder:
    """Fix some arguments of a network anew, and leave those that were fixed before.

    Parameters
    ----------
    network : str or callable
        One of drlim's, by name, or a builder of your own.
    arguments : dict
        What it takes after ``sample_shape`` and ``n_components``, by name.

    Returns
    -------
    functools.partial
        A builder. The one that was given is not changed.

    Raises
    ------
    InputError
        If the builder takes no argument of that name, or there is none yet (None).

    Examples
    --------
    >>> with_arguments("mlp", {"hidden": (64, 64)})((4,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    if network is None:
        raise InputError(
            f"network is None, so the samples' shape chooses it and {', '.join(arguments)} cannot "
            "be set; name the network, such as network='mlp'"
        )
    builder = resolve(network, ())
    _check_arguments(builder, arguments)
    return functools.partial(builder, **arguments)


def _check_arguments(builder: Builder, arguments: dict[str, Any]) -> None:
    takes = list(inspect.signature(builder).parameters.values())[2:]  # sample_shape, n_components
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes):
        return
    known = [parameter.name for parameter in takes]
    for name in arguments:
        if name not in known:
            function = builder.func if isinstance(builder, functools.partial) else builder
            raise InputError(
                f"the network {name_of(function).rpartition('.')[2]!r} takes no {name!r}; "
                + (nearest_name(name, known) if known else "it takes no arguments")
            )


def build(
    builder: Builder, sample_shape: tuple[int, ...], n_components: int, seed: int
) -> nn.Module:
    """Build a network with first weights from a seed; the global generator stays untouched."""
    with seeded(seed):
        try:
            inspect.signature(builder).bind(tuple(sample_shape), n_components)
        except TypeError as error:
            raise InputError(
                f"the network builder {name_of(builder)} cannot be called with (sample_shape, "
                f"n_components): {error}; fix what else it takes with functools.partial"
            ) from None
        except ValueError:  # a builtin that does not say what it takes
            pass
        try:
            network = builder(tuple(sample_shape), n_components)
        except (RuntimeError, MemoryError) as error:
            if "alloc" not in str(error):
                raise
            raise InputError(
                f"a network for samples of {tuple(sample_shape)} and n_components={n_components} "
                f"does not fit into memory ({str(error)[-80:]}); give smaller samples, fewer "
                "components, or another network"
            ) from None
    if not isinstance(network, nn.Module):
        raise InputError(
            f"the network builder gave a {type(network).__name__}; it must return an nn.Module"
        )
    return network


@contextlib.contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Let torch's layers draw from this seed, and put its global generators back afterwards.

    On a graphics card they also convolve in ways that repeat to the bit. Generators and torch's
    switch for that are the process's, so of two threads that learn at once neither repeats.
    """
    devices = [device] if is_card(device) else []
    with torch.random.fork_rng(devices=devices), contextlib.ExitStack() as stack:
        torch.default_generator.manual_seed(seed)
        if devices:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
            was = torch.backends.cudnn.deterministic
            stack.callback(setattr, torch.backends.cudnn, "deterministic", was)
            torch.backends.cudnn.deterministic = True
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
    """Return the module and name of a callable: the same in every process, unlike its repr.

    What drlim has is named by its public module, in whichever file below it may be.
    """
    kind = something if hasattr(something, "__qualname__") else type(something)
    module, *below = kind.__module__.split(".")
    if module == "drlim":
        below = [part for part in below if not part.startswith("_")]
    return ".".join([module, *below, kind.__qualname__])


def from_description(description: dict[str, Any]) -> Builder | None:
    """Find the builder that `describe` spoke of; None if it is not one of drlim's own."""
    if "name" not in description:
        return None
    if description["name"] not in BUILDERS:
        raise InputError(
            f"the network is {description['name']!r}; {nearest_name(description['name'], BUILDERS)}"
        )
    builder, arguments = BUILDERS[description["name"]], description["arguments"]
    _check_arguments(builder, arguments)
    return functools.partial(builder, **arguments)


def shapes(
    builder: Builder, sample_shape: tuple[int, ...], n_components: int
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of one of drlim's networks, without making any.

    Raises
    ------
    InputError
        If there is no such network, whatever is wrong with what it was asked for.
    """
    try:
        with torch.device("meta"):
            network = build(builder, sample_shape, n_components, seed=0)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"there is no such network: {str(error).splitlines()[0]}") from None
    return {name: tuple(weight.shape) for name, weight in network.state_dict().items()}


@dataclass(frozen=True)
class Absent:
    """Stands for the builder of a network of which only the program is there.

    Parameters
    ----------
    name : str
        The builder's module and name.
    """

    name: str

    def __call__(self, sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
        """Raise InputError: there is nothing to build."""
        raise InputError(
            f"this map was read with its program and without its network, {self.name}: it maps, "
            "but it cannot be fitted; give the builder: drlim.load(path, network=...)"
        )


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
        if not is_number(scale) or scale <= 0:
            raise InputError(f"scale is {scale!r}; samples are divided by it, so it must be > 0")
        self.register_buffer("centre", torch.as_tensor(np.asarray(centre, np.float64)))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    def forward(self, X: Num[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Return float32 samples; float64 ones are moved before they are rounded."""
        if X.dtype != torch.float64:
            X = X.float()
        return (X - self.centre.to(X.dtype)).div_(self.scale.to(X.dtype)).float()


class AlignedLinear(nn.Linear):
    """A linear layer that gives a row the same bits wherever in a batch it stands.

    Some processors' matrix products add up the terms of a row in an order that depends on where
    the row begins in memory. Rows filled up with zeros to 64 bytes all begin alike.
    """

    def forward(self, X: Float[Tensor, "b features"]) -> Float[Tensor, "b units"]:
        """Return X times the weights, and the bias."""
        missing = -self.in_features % 16
        if not missing:
            return super().forward(X)
        return F.linear(F.pad(X, (0, missing)), F.pad(self.weight, (0, missing)), self.bias)


class _Backbone(nn.Module):
    """A module whose rows never mix, frozen or not; samples to rows of features."""

    def __init__(self, module: nn.Module, freeze: bool, channels: int | None) -> None:
        super().__init__()
        self.module = module
        self.freeze = freeze
        self.channels = channels
        if freeze:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> _Backbone:
        super().train(mode)
        for module in self.module.modules():
            if self.freeze or isinstance(module, nn.modules.batchnorm._NormBase):
                module.training = False
        return self

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b features"]:
        if self.channels is not None:
            X = X[:, None] if X.ndim == 3 else X
            if X.ndim != 4 or X.shape[1] not in (1, self.channels):
                raise InputError(
                    f"samples have the shape {tuple(X.shape[1:])} and the backbone wants "
                    f"{self.channels} channels; give images (h, w), (1, h, w) or "
                    f"({self.channels}, h, w)"
                )
            X = X.expand(-1, self.channels, -1, -1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            features = self.module(X)
        if not isinstance(features, Tensor) or features.ndim < 2:
            raise InputError(
                f"the backbone gave a {type(features).__name__}; it must map (b, ...) to one "
                "tensor of features, (b, ...)"
            )
        return features.flatten(1)


class _Residual(nn.Module):
    """x + f(x), with f two convolutions, each after a normalisation and an activation."""

    def __init__(self, maps: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [_grouped(maps), _activation(activation)]
            layers.append(nn.Conv2d(maps, maps, kernel_size=3, padding=1))
        self.change = nn.Sequential(*layers)

    def forward(self, X: Float[Tensor, "b maps h w"]) -> Float[Tensor, "b maps h w"]:
        return X + self.change(X)


def _grouped(maps: int) -> nn.Module:
    """Normalise each sample by itself, in up to 8 groups of 4 maps or more."""
    return nn.GroupNorm(math.gcd(8, maps, max(maps // 4, 1)), maps)


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
