"""A network applied to samples of any number, kind and place, a block at a time."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from drlim._devices import device_of, is_card, to_device
from drlim._sparse import Samples
from drlim._torch_state import torch_defaults

# Rows that pass through the network at once when a map is applied: as many as stay in the cache,
# fewer with convolutions, whose activations are larger than the sample. The last block is filled up
# with zeros to a power of two, 16 at least: a matrix product with very few rows adds its terms in
# another order, and the point of a row must not depend on how many other rows there are. (Graphics
# cards choose the order by the number of rows, so there it does, within rounding.)
_ROWS, _ROWS_OF_CONVOLUTIONS, _LEAST_ROWS = 512, 256, 16

# A graphics card needs more rows to be busy if samples are small, and blocks that are copied while
# it computes. Their bytes are limited, or all samples would be in locked memory at once.
_NUMBERS_ON_A_CARD, _MOST_ON_A_CARD, _MOST_UNDER_WAY = 16_777_216, 16_384, 67_108_864

# Numbers of X that are read together before training (64 MiB in float64), so that samples may be in
# a memory map that is larger than memory.
_BLOCK_NUMBERS = 8_388_608


def points_of(network: nn.Module, X: Samples, n_components: int) -> np.ndarray:
    """Return the points of samples, (n, n_components) float32, from the network in evaluation."""
    network, device = evaluated(network), device_of(network)
    most, bytes_under_way = _rows_at_once(network, X.shape[1:], device), 0
    with torch_defaults(), torch.inference_mode():
        Z = torch.empty((len(X), n_components), dtype=torch.float32, device=device)
        for start in range(0, len(X), most):
            rows = X[start : start + most]
            rows = numbers(rows if is_card(device) else np.array(rows))
            n = len(rows)
            n_filled = max(_LEAST_ROWS, 1 << (n - 1).bit_length())
            if n < n_filled:
                filler = np.zeros((n_filled - n, *rows.shape[1:]), rows.dtype)
                rows = np.concatenate([rows, filler])
            Z[start : start + n] = network(to_device(rows, device))[:n]
            bytes_under_way += rows.nbytes
            del rows  # so that the next block reuses this memory, which is in the cache
            if is_card(device) and bytes_under_way > _MOST_UNDER_WAY:
                torch.cuda.current_stream(device).synchronize()
                bytes_under_way = 0
    return Z.cpu().numpy()


def rows_at_once(network: nn.Module, most: int) -> int:
    """Return how many rows may pass through a network together: fewer where a layer says so."""
    return min([most, *(getattr(layer, "rows_at_once", most) for layer in network.modules())])


def _rows_at_once(network: nn.Module, sample_shape: tuple[int, ...], device: torch.device) -> int:
    if (few := rows_at_once(network, _ROWS)) < _ROWS:
        return few
    if any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        most = _ROWS_OF_CONVOLUTIONS
    else:
        most = _ROWS
    if is_card(device):
        fitting = _NUMBERS_ON_A_CARD // max(math.prod(sample_shape), 1)
        return max(most, min(1 << fitting.bit_length() >> 1, _MOST_ON_A_CARD))
    return most


def lookup(X: Samples, device: torch.device) -> Callable[[np.ndarray], np.ndarray | Tensor]:
    """Return a function from row numbers to samples, held on a graphics card if they fit."""
    if not is_card(device) or not _fits(X, device):
        return lambda rows: numbers(X[rows])
    held = torch.cat([torch.from_numpy(numbers(np.array(part))).to(device) for part in blocks(X)])
    return lambda rows: held[to_device(rows, device)]


def _fits(X: Samples, device: torch.device) -> bool:
    """Tell whether samples fit into a quarter of the free memory of a graphics card."""
    free, _ = torch.cuda.mem_get_info(device)
    return X.size * numbers(X[:1]).itemsize <= free / 4


def evaluated(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode: a copy of one that is in training mode.

    Another thread may use the network, and its layers keep the modes that its owner gave them.
    """
    if any(module.training for module in network.modules()):
        return copy.deepcopy(network).eval()
    return network


def numbers(rows: np.ndarray) -> np.ndarray:
    """Return samples in a type that torch computes with: bytes and floats unchanged."""
    kind, size = rows.dtype.kind, rows.dtype.itemsize
    if (kind == "f" and size <= 8) or (kind == "u" and size == 1):
        return rows.astype(rows.dtype.newbyteorder("="), copy=False)
    return rows.astype(np.float64)


def blocks(X: Samples) -> Iterator[np.ndarray]:
    """Divide samples into blocks that fit in memory."""
    n = max(1, _BLOCK_NUMBERS // max(1, math.prod(X.shape[1:])))
    return (X[start : start + n] for start in range(0, len(X), n))
