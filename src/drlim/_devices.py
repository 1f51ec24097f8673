"""The device that a network computes on, and numbers on it."""

from __future__ import annotations

import textwrap
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor, nn

from drlim._errors import InputError


def device_named(name: str | torch.device | None) -> torch.device:
    """Return the device of this name, which must exist here; None: the processor."""
    try:
        device = torch.device("cpu" if name is None else name)
    except (RuntimeError, TypeError):
        device = None
    # torch reads a number as a device of whatever kind there is.
    if device is None or isinstance(name, int) or device.type not in ("cpu", "cuda"):
        raise InputError(
            f"device is {name!r}; it must be 'cpu', or 'cuda' for a graphics card ('cuda:1' for "
            "the second of several)"
        )
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        reason = textwrap.shorten(str(error).partition("\n")[0], 120, placeholder=" ...")
        raise InputError(
            f"device is {name!r}, and torch finds no such device here ({reason}); give 'cpu', or "
            "install the build of torch for your graphics card (pytorch.org)"
        ) from None


def device_of(network: nn.Module) -> torch.device:
    """Return the device of a network that standardises its samples, so that it has buffers."""
    return next(iter(network.buffers())).device


def is_card(device: torch.device | None) -> TypeGuard[torch.device]:
    """Tell whether a device is a graphics card, which works while the processor goes on."""
    return device is not None and device.type == "cuda"


def to_device(values: np.ndarray | Tensor, device: torch.device | None) -> Tensor:
    """Put numbers on a device without waiting for its other work; None: leave them in place."""
    if isinstance(values, Tensor):
        return values.to(device)
    if not is_card(device):
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        return tensor if device is None else tensor.to(device)
    # From pinned memory; a copy from any other waits for all work before it.
    dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
    locked = torch.empty(values.shape, dtype=dtype, device="cpu", pin_memory=True)
    np.copyto(locked.numpy(), values)
    return locked.to(device, non_blocking=True)


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Tell whether an error means that memory did not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # For the processor's memory torch has no type of its own, only these two texts.
    reasons = ("DefaultCPUAllocator: ", "Storage size calculation overflowed")
    return any(reason in str(error) for reason in reasons)
