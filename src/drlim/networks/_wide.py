"""Samples with many more features than there are samples, learnt in their principal coordinates.

The samples lie in a space of fewer dimensions than there are samples, with the same distances. A
network that sees their coordinates there learns in a fraction of the time. Its first layers are
linear, so what it learns is then written into the layers that see the samples themselves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._applying import numbers
from drlim._devices import device_of, to_device
from drlim._types import Float
from drlim.networks._builders import build
from drlim.networks._layers import AlongComponents, Builder, LinearPath, Standardize

# Up to this many numbers a network learns from the samples themselves; of more samples than these,
# or of more numbers, the coordinates would take too long or too much memory.
_LEAST_NUMBERS, _MOST_NUMBERS, _MOST_SAMPLES = 4_000_000, 200_000_000, 2_000


@dataclass(frozen=True)
class WidePart:
    """A network that learns from coordinates, in the place of one that sees the samples.

    Attributes
    ----------
    network : nn.Sequential
        From coordinates to points.
    X : ndarray of shape (n_samples, n_coordinates), float32
    axes : Tensor of shape (n_features, n_coordinates), float64
        Standardised samples, less the centre, times the axes are their coordinates.
    centre : Tensor of shape (n_features,), float64
    whole : nn.Sequential
        From samples to points, through the coordinates; it has the weights of `network`.
    """

    network: nn.Sequential
    X: np.ndarray
    axes: Float[Tensor, "n_features k"]
    centre: Float[Tensor, " n_features"]
    whole: nn.Sequential

    def write_into(self, network: nn.Module) -> None:
        """Give a network that sees standardised samples what this one has learnt."""
        learnt = self.network[1].state_dict()
        firsts = [f"{name}." for name in _first_layers(network)]
        for name, weight in network.state_dict().items():
            found = learnt[name]
            if name.endswith("weight") and name.removesuffix("weight") in firsts:
                found = found.double() @ self.axes.T
            elif name.endswith("bias") and name.removesuffix("bias") in firsts:
                steep = learnt[name.removesuffix("bias") + "weight"].double() @ self.axes.T
                found = found.double() - steep @ self.centre
            weight.copy_(found)


def wide_part(
    network: nn.Sequential, X: Any, builder: Builder, n_components: int, seed: int
) -> WidePart | None:
    """Return the network for the coordinates of samples; None where it would save nothing.

    Parameters
    ----------
    network : nn.Sequential
        A standardisation and a network.
    X : ndarray of shape (n_samples, ...)
    builder : callable
        What built the network.
    n_components : int
    seed : int
    """
    n, n_features = len(X), math.prod(X.shape[1:])
    is_wide = n_features > 2 * n and _LEAST_NUMBERS < n * n_features <= _MOST_NUMBERS
    if not (is_wide and isinstance(X, np.ndarray) and 1 < n <= _MOST_SAMPLES):
        return None
    if not _first_layers(network[1]):
        return None
    device = device_of(network)
    with torch.no_grad():
        samples = torch.cat(
            [
                network[0](to_device(numbers(np.array(X[k : k + 64])), device)).flatten(1)
                for k in range(0, n, 64)
            ]
        )
        centre = samples.double().mean(dim=0)
        samples -= centre.float()
        squares, vectors = torch.linalg.eigh((samples @ samples.T).double())
        # Of samples in float32, no more of an axis than this can be told from rounding.
        kept = squares > 1e-6 * squares[-1]
        if not kept.any():
            return None
        axes = samples.T.double() @ (vectors[:, kept] / squares[kept].sqrt())
        coordinates = vectors[:, kept] * squares[kept].sqrt()
        unit = coordinates.square().mean().sqrt()
        coordinates, axes = coordinates / unit, axes / unit
    small = nn.Sequential(
        Standardize(0.0, 1.0), build(builder, (coordinates.shape[1],), n_components, seed)
    ).to(device)
    project = nn.Linear(len(axes), axes.shape[1]).to(device).requires_grad_(requires_grad=False)
    with torch.no_grad():
        project.weight.copy_(axes.T)
        project.bias.copy_(-centre @ axes)
    whole = nn.Sequential(network[0], nn.Sequential(nn.Flatten(), project, small[1]))
    return WidePart(small, coordinates.float().cpu().numpy(), axes, centre, whole)


def _first_layers(network: nn.Module) -> list[str]:
    """Return the names of the linear layers that see flattened samples, if nothing else does."""
    if type(network) is not AlongComponents or not isinstance(network[0], nn.Flatten):
        return []
    if len(network) == 2 and isinstance(network[1], LinearPath):
        return ["1.path", "1.layers.0"]
    return []
