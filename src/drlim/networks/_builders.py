"""Builders of networks: which there are, what a user may give for one, and its description."""

from __future__ import annotations

import copy
import functools
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from drlim._checks import has_channels_last
from drlim._devices import is_out_of_memory
from drlim._errors import DataWarning, InputError, nearest_name, warn
from drlim._scaling import Scaling, check_scale
from drlim._torch_state import seeded
from drlim.networks import _pretrained
from drlim.networks._architectures import (
    convnet,
    deforming_mlp,
    lenet,
    linear,
    mlp,
    paper_mlp,
    sphere,
    suits_convnet,
)
from drlim.networks._layers import Builder

BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "lenet": lenet,
    "mlp": mlp,
    "sphere": sphere,
    "paper_mlp": paper_mlp,
    "deforming_mlp": deforming_mlp,
    "linear": linear,
    "convnet": convnet,
}

# Those that a map's file may name.
_DESCRIBED = BUILDERS | {"pretrained": _pretrained.with_pretrained}

# Arguments that say how features are kept on this machine.
_NOT_DESCRIBED = {"cache"}

# Map files name the arguments of these builders in full, so that a change of a default breaks no
# file. In earlier files, those that were left out had other defaults.
_EARLIER_DEFAULTS: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": (20,), "start": "random"},
    "linear": {"start": "random"},
    "convnet": {"width": 32, "pooling": "mean", "start": "random"},
    "deforming_mlp": {},
}


# Of fewer images than this, an `mlp` that starts along their principal components learns more than
# convolutions that start at random, and in a third of the time (docs/howto/choose.md).
_FEW_IMAGES = 5_000


def default(sample_shape: tuple[int, ...], n_samples: int | None = None) -> Builder:
    """Choose a network: `lenet` for 28 x 28 images, `convnet` for other images, else an `mlp`.

    Images of fewer than 8 x 8 pixels, and fewer than 5,000 images, get the `mlp` too.

    Parameters
    ----------
    sample_shape : tuple of int
    n_samples : int, optional
        How many samples are learnt from. None: very many, or samples that are changed at random
        while they are learnt from.

    Returns
    -------
    callable
        A builder ``(sample_shape, n_components) -> nn.Module``.

    Warns
    -----
    DataWarning
        If the shape looks like that of an image whose channels are last.

    Examples
    --------
    >>> default((28, 28)).__name__
    'lenet'
    """
    shape = tuple(sample_shape)
    if shape in ((28, 28), (1, 28, 28)):
        return lenet
    if has_channels_last(shape):
        warn(
            f"the samples have the shape {shape}, which looks like (height, width, channels); "
            "images are (channels, height, width): give np.moveaxis(X, -1, 1), or name a network "
            "(network='mlp') to keep the shape",
            DataWarning,
        )
    is_few = n_samples is not None and n_samples < _FEW_IMAGES
    return convnet if suits_convnet(shape) and not is_few else mlp


@dataclass(frozen=True)
class Scaled:
    """A builder, and the unit in which its network gets the samples: what `scaled` makes.

    Parameters
    ----------
    network : None, str or callable
    scale : {"each", "one", "none"}
    """

    network: Any
    scale: str

    def __call__(self, sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
        """Build the network itself; the standardisation is put before it by the map."""
        return resolve(self.network, sample_shape)(sample_shape, n_components)


def scaled(network: Any, scale: str) -> Builder:
    """Choose the unit of each feature, by which samples are divided before a network sees them.

    Without it, the unit is inferred from the samples: a table whose columns range over different
    orders of magnitude gets a unit for each column; images, spectra and other features of one
    unit get one for all.

    Parameters
    ----------
    network : None, str or callable
        As the parameter of `drlim.DrLIM`: the name of one of drlim's networks, a builder, or
        None for the one that the samples' shape chooses.
    scale : {"each", "one", "none"}
        "each": every feature is divided by its standard deviation; of images with channels, every
        channel. "one": all features are divided by one number, which keeps which samples are
        near. "none": samples reach the network as they are, neither centred nor divided, such as
        those that you have standardised yourself.

    Returns
    -------
    callable
        A builder ``(sample_shape, n_components) -> nn.Module``, for ``DrLIM(network=...)``.

    Raises
    ------
    InputError
        If there is no such network or no such scale.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import DrLIM
    >>> X = np.random.default_rng(0).normal(size=(60, 3)) * [1, 10, 1000]
    >>> DrLIM(network=scaled("linear", "each"), max_epochs=1).fit(X).scaling_.scale
    'each'
    """
    if isinstance(network, Scaled):
        network = network.network
    if _pretrained.arguments_of(network) is not None and scale != "none":
        raise InputError(
            f"scale is {scale!r}, and a pretrained network normalises pixels itself, by its mean= "
            "and std=; leave scale out"
        )
    return Scaled(None if network is None else resolve(network, ()), check_scale(scale))


def scaling_of(network: Any) -> Scaling | None:
    """Return the scale that a network has or was given by `scaled`; None if it has none."""
    if isinstance(network, Scaled):
        return Scaling(network.scale, given=True)
    return own_scaling(network)


def own_scaling(network: Any) -> Scaling | None:
    """Return the scale of a pretrained network; None for others, which have no scale of theirs."""
    if _pretrained.arguments_of(network) is None:
        return None
    return Scaling("none", "the pretrained network normalises pixels itself")


def completed(builder: Builder, X: Any) -> Builder:
    """Return the builder with what a pretrained network says of itself, for the map's file.

    Warns
    -----
    DataWarning
        If the samples seem to be images in another unit than a pretrained network expects.
    """
    if isinstance(builder, Scaled):
        return Scaled(completed(builder.network, X), builder.scale)
    _pretrained.check_pixels(builder, X)
    return _pretrained.completed(builder)


def is_left_open(network: Any) -> bool:
    """Tell whether the user left it to the samples which network is built."""
    return network is None or (isinstance(network, Scaled) and network.network is None)


def arguments_of(network: Any) -> dict[str, Any]:
    """Return the arguments that are fixed in a network, its scale included."""
    if isinstance(network, Scaled):
        return {"scale": network.scale} | arguments_of(network.network)
    return dict(network.keywords) if isinstance(network, functools.partial) else {}


def resolve(network: Any, sample_shape: tuple[int, ...], n_samples: int | None = None) -> Builder:
    """Return the builder for what a user gives as a network: None, a name or a builder."""
    if network is None:
        return default(sample_shape, n_samples)
    if isinstance(network, Scaled):
        return Scaled(resolve(network.network, sample_shape, n_samples), network.scale)
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
    """Fix some arguments of a network, and keep those that were fixed before.

    Parameters
    ----------
    network : str or callable
        One of drlim's networks by name, or a builder.
    arguments : dict
        Its arguments after ``sample_shape`` and ``n_components``, by name; also ``scale``, as
        for `scaled`, unless a builder of your own has an argument of that name.

    Returns
    -------
    callable
        A builder; `network` itself is not changed.

    Raises
    ------
    InputError
        If `network` is None, or takes no argument of that name.

    Examples
    --------
    >>> with_arguments("mlp", {"hidden": (64, 64)})((4,), 2)(torch.zeros(5, 4)).shape
    torch.Size([5, 2])
    """
    if "scale" in arguments and not _takes_scale(network):
        others = {name: given for name, given in arguments.items() if name != "scale"}
        network = scaled(network, arguments["scale"])
        return with_arguments(network, others) if others else network
    if isinstance(network, Scaled):
        return Scaled(with_arguments(network.network, arguments), network.scale)
    if network is None:
        raise InputError(
            f"network is None, so the samples' shape chooses it and {', '.join(arguments)} cannot "
            "be set; name the network, such as network='mlp'"
        )
    builder = resolve(network, ())
    _check_arguments(builder, arguments)
    return functools.partial(builder, **arguments)


def _takes_scale(network: Any) -> bool:
    """Tell whether a builder of the user's own has an argument called scale."""
    if isinstance(network, Scaled):
        return _takes_scale(network.network)
    return callable(network) and "scale" in list(inspect.signature(network).parameters)[2:]


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
    """Build a network with first weights from a seed, without touching the global generators."""
    with seeded(seed):
        try:
            inspect.signature(builder).bind(tuple(sample_shape), n_components)
        except TypeError as error:
            raise InputError(
                f"the network builder {name_of(builder)} cannot be called with (sample_shape, "
                f"n_components): {error}; fix further arguments with functools.partial"
            ) from None
        except ValueError:  # a builtin without a signature
            pass
        try:
            network = builder(tuple(sample_shape), n_components)
            if isinstance(network, nn.Module):
                _settle(network, sample_shape)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            reason = textwrap.shorten(str(error).partition("\n")[0], 160, placeholder=" ...")
            raise InputError(
                f"a network for samples of {tuple(sample_shape)} and n_components={n_components} "
                f"does not fit into memory ({reason}); give smaller samples, fewer components, or "
                "another network"
            ) from None
    if not isinstance(network, nn.Module):
        raise InputError(
            f"the network builder gave a {type(network).__name__}; it must return an nn.Module"
        )
    return network if "name" in describe(builder) else _copied(network, builder)


def _settle(network: nn.Module, sample_shape: tuple[int, ...]) -> None:
    """Let layers that take their shape from the first batch, such as LazyLinear, have it now."""
    if any(is_lazy(value) for value in [*network.parameters(), *network.buffers()]):
        with torch.no_grad():
            network.eval()(torch.zeros(2, *sample_shape))
        network.train()


def _copied(network: nn.Module, builder: Builder) -> nn.Module:
    """Copy a network that its builder may hold and give again, in whole or in part.

    Without a copy, a second fit would train the network of the first map, and the untrained
    network would be the trained one.
    """
    try:
        return copy.deepcopy(network)
    except (RuntimeError, TypeError, copy.Error) as error:
        raise InputError(
            f"the network of the builder {name_of(builder)} cannot be copied "
            f"({textwrap.shorten(str(error), 160, placeholder=' ...')}); build it from modules "
            "that copy.deepcopy can copy"
        ) from None


def describe(builder: Builder) -> dict[str, Any]:
    """Describe a builder and its arguments as plain data, for `from_description`."""
    arguments: dict[str, Any] = {}
    if isinstance(builder, Scaled):  # the scale is described beside the network
        builder = builder.network
    while isinstance(builder, functools.partial):
        if builder.args:
            return {"custom": name_of(builder.func)}
        arguments = {**builder.keywords, **arguments}
        builder = builder.func
    if builder is _pretrained.with_pretrained and arguments.get("module") is not None:
        return {"custom": name_of(arguments["module"])}
    arguments = {key: given for key, given in arguments.items() if key not in _NOT_DESCRIBED}
    for name, known in _DESCRIBED.items():
        if builder is known:
            if name in _EARLIER_DEFAULTS:
                defaults = list(inspect.signature(known).parameters.values())[2:]
                arguments = {each.name: each.default for each in defaults} | arguments
            return {"name": name, "arguments": arguments}
    return {"custom": name_of(builder)}


def name_of(something: Any) -> str:
    """Return the module and name of a callable, which are the same in every process.

    Names of drlim are given with their public module, whichever private file holds them.
    """
    kind = something if hasattr(something, "__qualname__") else type(something)
    module, *below = kind.__module__.split(".")
    if module == "drlim":
        below = [part for part in below if not part.startswith("_")]
    return ".".join([module, *below, kind.__qualname__])


def from_description(description: dict[str, Any]) -> Builder | None:
    """Return the builder that `describe` described; None if it is not one of drlim's own."""
    if "name" not in description:
        return None
    if description["name"] not in _DESCRIBED:
        raise InputError(
            f"the network is {description['name']!r}; "
            f"{nearest_name(description['name'], _DESCRIBED)}"
        )
    builder, arguments = _DESCRIBED[description["name"]], description["arguments"]
    earlier = _EARLIER_DEFAULTS.get(description["name"], {})
    if "start" in earlier and "start" not in arguments:
        arguments = earlier | arguments
    _check_arguments(builder, arguments)
    return functools.partial(builder, **arguments)


def shapes(
    builder: Builder, sample_shape: tuple[int, ...], n_components: int
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of one of drlim's networks, without making any.

    Raises
    ------
    InputError
        If there is no such network, whichever argument is wrong.
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
    """Stands for the builder of a network of which a map file has only the program.

    Parameters
    ----------
    name : str
        The builder's module and name.
    """

    name: str

    def __call__(self, sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
        """Raise InputError: there is nothing to build."""
        raise InputError(
            f"this map was read with its program and without its network, {self.name}: it can be "
            "applied, not fitted; give the builder: drlim.load(path, network=...), or --network "
            "module:function"
        )
