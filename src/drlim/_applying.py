"""A network applied to samples of any number, kind and place, a block at a time."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from drlim._devices import device_of, is_card, to_device

# Rows that pass through the network at once when a map is applied: as many as stay in the cache,
# of which convolutions, that make many numbers of one, leave less. The last block is filled up with
# zeros, to this or to a smaller power of two, 16 at least: a product of very few rows adds up their
# terms in another order, and a row's image must not depend on how many rows came with it. (Graphics
# cards choose the order by the number of rows, so there it does, by rounding.)
_ROWS, _ROWS_OF_CONVOLUTIONS, _LEAST_ROWS = 512, 256, 16

# A graphics card is kept busy by more of them, where samples are small, and by blocks that are on
# their way to it; of these no more bytes than that, or all samples would wait in memory.
_NUMBERS_ON_A_CARD, _MOST_ON_A_CARD, _MOST_UNDER_WAY = 16_777_216, 16_384, 67_108_864

# Numbers of X that are looked at together before training (64 MiB in float64), so that samples
# may lie on disk, in a memory map, and be more than memory holds.
_BLOCK_NUMBERS = 8_388_608


def points_of(network: nn.Module, X: np.ndarray, n_components: int) -> np.ndarray:
    """Return where the network, in evaluation mode, maps samples: (n, n_components), float32."""
    network, device = evaluated(network), device_of(network)
    Z = torch.empty((len(X), n_components), dtype=torch.float32, device=device)
    most, bytes_under_way = _rows_at_once(network, X.shape[1:], device), 0
    with torch.inference_mode():
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
            del rows  # before the next, which then comes to lie where it was, in the cache
            if is_card(device) and bytes_under_way > _MOST_UNDER_WAY:
                torch.cuda.current_stream(device).synchronize()
                bytes_under_way = 0
    points: np.ndarray = Z.cpu().numpy()
    return points


def _rows_at_once(network: nn.Module, sample_shape: tuple[int, ...], device: torch.device) -> int:
    if any(isinstance(layer, nn.Conv2d) for layer in network.modules()):
        most = _ROWS_OF_CONVOLUTIONS
    else:
        most = _ROWS
    if is_card(device):
        of_small_samples = _NUMBERS_ON_A_CARD // max(math.prod(sample_shape), 1)
        return max(most, min(1 << of_small_samples.bit_length() >> 1, _MOST_ON_A_CARD))
    return most


def lookup(X: np.ndarray, device: torch.device) -> Callable[[np.ndarray], np.ndarray | Tensor]:
    """Return what gives the samples of some rows, from a graphics card's own memory if they fit."""
    if not is_card(device) or not _fits(X, device):
        return lambda rows: numbers(X[rows])
    there = torch.cat([torch.from_numpy(numbers(np.array(part))).to(device) for part in blocks(X)])
    return lambda rows: there[to_device(rows, device)]


def _fits(X: np.ndarray, device: torch.device) -> bool:
    """Tell whether samples take at most a quarter of the memory that a graphics card has left."""
    free, _ = torch.cuda.mem_get_info(device)
    return X.size * numbers(X[:1]).itemsize <= free / 4


def evaluated(network: nn.Module) -> nn.Module:
    """Return the network in evaluation mode; of one that is training, a copy.

    Another thread may be mapping samples, and the mode of each layer is its owner's.
    """
    if any(module.training for module in network.modules()):
        return copy.deepcopy(network).eval()
    return network


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
