"""The whole network of a map: the standardisation of samples, then the built network."""

from __future__ import annotations

import contextlib
import copy
import sys
import textwrap
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from drlim._applying import evaluated, numbers
from drlim._devices import device_of, to_device
from drlim._errors import InputError
from drlim._scaling import Scaling, fits, inferred, shape_of_unit, standardisation
from drlim._sparse import Samples
from drlim._torch_state import LayerStream
from drlim._training_run import check_points
from drlim.networks import AlongComponents, Builder, Standardize
from drlim.networks._backbone import weights_follow
from drlim.networks._builders import build
from drlim.networks._learning_part import FeatureCopies


def assembled(
    builder: Builder,
    standardize: Standardize,
    X: Samples,
    n_components: int,
    *,
    seed: int,
    device: torch.device,
    start: nn.Sequential | None,
    learns: bool = True,
) -> nn.Sequential:
    """Build the network that maps samples like X, with first weights from a seed.

    Parameters
    ----------
    builder : Builder
    standardize : Standardize
        What samples pass through first.
    X : ndarray of shape (n_samples, ...)
    n_components : int
    seed : int
    device : torch.device
    start : nn.Sequential, optional
        The network of another map, whose weights are taken over.
    learns : bool
        Whether it is to be trained.

    Raises
    ------
    InputError
        If the network has no weights or none that can learn, maps to something else than points,
        draws random numbers when it is applied, or does not fit the other map's.
    """
    # Where all weights are taken over, a pretrained network need not be asked for its own.
    with contextlib.nullcontext() if start is None else weights_follow():
        built = build(builder, X.shape[1:], n_components, seed)
    network = nn.Sequential(standardize, built).to(device)
    if not list(network.parameters()):
        raise InputError(
            "the network has no weights, so there is nothing to learn; the builder must "
            "return an nn.Module with parameters"
        )
    if start is not None:
        _take_weights(network, start)
    _check_output(network, X, n_components, learns)
    return network


def plain(network: nn.Module) -> nn.Sequential:
    """Return the network that a map was fitted with, without wrappers that were put around it.

    Raises
    ------
    InputError
        If it is not a standardisation and a network.
    """
    network = _unwrapped(network)
    if not isinstance(network, nn.Sequential) or len(network) != 2:
        raise InputError(
            f"network_ is now a {type(network).__name__}, and a map's is "
            "nn.Sequential(standardise, network); set it back, or fit again"
        )
    inner = _unwrapped(network[1])
    return network if inner is network[1] else nn.Sequential(network[0], inner).eval()


def _unwrapped(network: nn.Module) -> nn.Module:
    """Take off what torch.compile and the parallel wrappers put around a network."""
    kinds = {"OptimizedModule": "_orig_mod"}
    kinds |= {"DataParallel": "module", "DistributedDataParallel": "module"}
    while (name := kinds.get(type(network).__name__)) is not None and type(
        network
    ).__module__.startswith("torch."):
        network = getattr(network, name)
    return network


def start_along_components(
    network: nn.Sequential, X: Samples | FeatureCopies, margin: float
) -> None:
    """Give a network of such a kind its first weights: those of the principal components of X.

    Its points are a margin apart, on average.
    """
    standardize, built = network
    if isinstance(built, AlongComponents):
        most = min(len(X), _MOST_FOR_COMPONENTS)
        rows = np.unique(np.linspace(0, len(X) - 1, most, dtype=int))
        with torch.no_grad():
            samples = standardize(to_device(numbers(np.array(X[rows])), device_of(network)))
        built.eval().start_along_components(samples, margin)


# Samples, evenly spread over all, that principal components are taken of: enough for the first few.
_MOST_FOR_COMPONENTS = 1_000


def standardisation_of(
    X: Samples,
    chosen: Scaling | None,
    *,
    names: Sequence[str],
    start: nn.Sequential | None,
    verbose: bool,
) -> tuple[Scaling, Standardize]:
    """Return the standardisation of samples: that of another map, or one by their scale.

    Raises
    ------
    InputError
        If the other map has samples of another shape, or another scale than was given.
    """
    if start is None:
        scaling = chosen or inferred(X, names)
        if verbose and chosen is None:
            print(scaling, file=sys.stderr)
        return scaling, Standardize(*standardisation(X, scaling.scale))
    taken = copy.deepcopy(start[0])
    assert isinstance(taken, Standardize)
    centre, unit = taken.get_buffer("centre"), taken.get_buffer("scale")
    if not fits(tuple(centre.shape), X.shape[1:]):
        raise InputError(
            f"init was learnt from samples of {tuple(centre.shape)} and these are of "
            f"{X.shape[1:]}; give samples of the same shape"
        )
    is_none = unit.ndim == 0 and float(unit) == 1 and not centre.any()
    scale = "none" if is_none else "each" if unit.ndim else "one"
    if chosen is not None and shape_of_unit(X.shape[1:], chosen.scale) != unit.shape:
        raise InputError(
            f"scale is {chosen.scale!r} and init has the scale {scale!r}, which stays; give that "
            "one, or none"
        )
    return Scaling(scale, "as in the map it starts from"), taken


def _take_weights(network: nn.Sequential, start: nn.Sequential) -> None:
    """Take the weights of another map."""
    try:
        network[1].load_state_dict(start[1].state_dict())
    except RuntimeError as error:
        raise InputError(
            f"the weights of init do not fit this map's network ({error}); give both the same "
            "network and n_components"
        ) from None


def _check_output(network: nn.Sequential, X: Samples, n_components: int, learns: bool) -> None:
    """Embed two samples before training, so that a network that cannot learn fails early."""
    device = device_of(network)
    samples = to_device(numbers(np.array(X[:2])), device)
    given = f"a float32 batch of the shape {tuple(samples.shape)}"
    stream = LayerStream(0, device)
    before = stream.state
    try:
        with stream.held():
            Z = evaluated(network)(samples)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        kinds = sorted({str(weight.dtype) for weight in network[1].parameters()})
        reason = textwrap.shorten(str(error).partition("\n")[0], 160, placeholder=" ...")
        raise InputError(
            f"the network, with weights of {', '.join(kinds)}, was given {given} and failed "
            f"({reason}); build it in float32 for samples of the shape {tuple(X.shape[1:])}, which "
            "its builder gets as sample_shape"
        ) from error
    check_points(Z, (2, n_components), given)
    if any(not torch.equal(before[kind], stream.state[kind]) for kind in before):
        raise InputError(
            "the network draws random numbers when it is applied, so a sample has no one point; "
            "let it draw only while it trains: nn.Dropout, or F.dropout(X, training=self.training)"
        )
    if learns and not Z.requires_grad:
        raise InputError(
            f"the network was given {given} and gave points that depend on no weight that can "
            "learn; set requires_grad_(True) on some, and apply none under no_grad or detach (with "
            "max_epochs=0 a network stays as it is)"
        )
