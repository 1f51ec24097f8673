"""The whole network of a map: the standardisation of samples, then the built network."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from drlim._applying import centre_and_scale, evaluated, numbers
from drlim._devices import device_of, to_device
from drlim._errors import InputError
from drlim._torch_state import LayerStream
from drlim.networks import Builder, Standardize
from drlim.networks._builders import build


def assembled(
    builder: Builder,
    X: np.ndarray,
    n_components: int,
    *,
    seed: int,
    device: torch.device,
    start: nn.Sequential | None,
) -> nn.Sequential:
    """Build the network that maps samples like X, with first weights from a seed.

    Parameters
    ----------
    builder : Builder
    X : ndarray of shape (n_samples, ...)
        Their centre and scale become the standardisation.
    n_components : int
    seed : int
    device : torch.device
    start : nn.Sequential, optional
        The network of another map, whose weights and standardisation are taken over.

    Raises
    ------
    InputError
        If the network has no weights, maps to another shape, or does not fit the other map's.
    """
    network = nn.Sequential(
        Standardize(*centre_and_scale(X)), build(builder, X.shape[1:], n_components, seed)
    ).to(device)
    if not list(network.parameters()):
        raise InputError(
            "the network has no weights, so there is nothing to learn; the builder must "
            "return an nn.Module with parameters"
        )
    if start is not None:
        _take_over(network, start, X.shape[1:])
    _check_output(network, X, n_components)
    return network


def _take_over(network: nn.Sequential, start: nn.Sequential, sample_shape: tuple[int, ...]) -> None:
    """Take the weights and the standardisation of another map."""
    try:
        network[1].load_state_dict(start[1].state_dict())
    except RuntimeError as error:
        raise InputError(
            f"the weights of init do not fit this map's network ({error}); give both the same "
            "network and n_components"
        ) from None
    centre = start[0].get_buffer("centre")
    if centre.shape not in ((), sample_shape):
        raise InputError(
            f"init was learnt from samples of {tuple(centre.shape)} and these are of "
            f"{sample_shape}; give samples of the same shape"
        )
    network[0] = copy.deepcopy(start[0]).to(device_of(network))


def _check_output(network: nn.Module, X: np.ndarray, n_components: int) -> None:
    """Embed two samples before training, so that a network of another shape fails early."""
    device = device_of(network)
    stream = LayerStream(0, device)
    before = stream.state
    with torch.inference_mode(), stream.held():
        Z = evaluated(network)(to_device(numbers(np.array(X[:2])), device))
    if any(not torch.equal(before[kind], stream.state[kind]) for kind in before):
        raise InputError(
            "the network draws random numbers when it is applied, so a sample has no one point; "
            "let it draw only while it trains: nn.Dropout, or F.dropout(X, training=self.training)"
        )
    if Z.shape != (2, n_components):
        raise InputError(
            f"the network maps 2 samples to the shape {tuple(Z.shape)}; with n_components="
            f"{n_components} it must be (2, {n_components})"
        )
