"""A network applied to samples of any number, kind and place, a block at a time."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from drlim._errors import InputError

# Rows that pass through the network at once when a map is applied: as many as stay in the cache,
# of which convolutions, that make many numbers of one, leave less. The last block is filled up with
# zeros, to this or to a smaller power of two, 16 at least: a product of very few rows adds up their
# terms in another order, and a row's image must not depend on how many rows came with it.
_ROWS, _ROWS_OF_CONVOLUTIONS, _LEAST_ROWS = 512, 256, 16

# Numbers of X that are looked at together before training (64 MiB in float64), so that samples
# may lie on disk, in a memory map, and be more than memory holds.
_BLOCK_NUMBERS = 8_388_608


def points_of(network: nn.Module, X: np.ndarray, n_components: int) -> np.ndarray:
    """Return where the network, in evaluation mode, maps samples: (n, n_components), float32."""
    Z = np.empty((len(X), n_components), np.float32)
    network, device = evaluated(network), device_of(network)
    convolutions = any(isinstance(layer, nn.Conv2d) for layer in network.modules())
    most = _ROWS_OF_CONVOLUTIONS if convolutions else _ROWS
    with torch.inference_mode():
        for start in range(0, len(X), most):
            rows = numbers(np.array(X[start : start + most]))
            n = len(rows)
            n_filled = max(_LEAST_ROWS, 1 << (n - 1).bit_length())
            if n < n_filled:
                filler = np.zeros((n_filled - n, *rows.shape[1:]), rows.dtype)
                rows = np.concatenate([rows, filler])
            points = network(torch.from_numpy(rows).to(device))
            Z[start : start + n] = points[:n].cpu().numpy()
            del rows  # before the next, which then comes to lie where it was, in the cache
    return Z


def evaluated(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode; of one that is training, a copy.

    Another thread may be mapping samples, and the mode of each layer is its owner's.
    """
    if any(module.training for module in network.modules()):
        return copy.deepcopy(network).eval()
    return network


def device_of(network: nn.Module) -> torch.device:
    """Return where a network that standardises its samples is."""
    return next(iter(network.buffers())).device


def device_named(name: str | None) -> torch.device:
    """Return the device of a name, if there is such a one here; None: the processor."""
    try:
        return torch.empty(0, device=name or "cpu").device
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device is {name!r}, and torch has no such device here ({error}); give 'cpu'"
        ) from None


def numbers(rows: np.ndarray) -> np.ndarray:
    """Return some samples in a type that torch computes with: bytes and floats as they are."""
    kind, size = rows.dtype.kind, rows.dtype.itemsize
    if (kind == "f" and size <= 8) or (kind == "u" and size == 1):
        return rows.astype(rows.dtype.newbyteorder("="), copy=False)
    return rows.astype(np.float64)


def blocks(X: np.ndarray) -> Iterator[np.ndarray]:
    """Cut samples into parts that fit in memory."""
    n = max(1, _BLOCK_NUMBERS // max(1, math.prod(X.shape[1:])))
    return (X[start : start + n] for start in range(0, len(X), n))


def centre_and_scale(X: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the centre of the samples (images: one grey for all pixels) and their one unit."""
    axes = 0 if X.ndim == 2 else None
    count = len(X) if X.ndim == 2 else X.size
    total = sum(block.sum(axis=axes, dtype=np.float64) for block in blocks(X))
    centre = np.asarray(total / count)
    # By the largest value first: squares of very large and very small values then stay finite.
    largest = max(float(np.abs(block - centre).max()) for block in blocks(X)) or 1.0
    squares = sum(float(np.square((block - centre) / largest).sum()) for block in blocks(X))
    return centre, largest * math.sqrt(squares / X.size) or 1.0
