"""Where a network computes, and how numbers get there."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor, nn

from drlim._errors import InputError


def device_named(name: str | torch.device | None) -> torch.device:
    """Return the device of a name, if there is such a one here; None: the processor."""
    try:
        device = torch.device("cpu" if name is None else name)
    except (RuntimeError, TypeError):
        device = None
    # torch takes a number for whatever kind of device there is.
    if device is None or isinstance(name, int) or device.type not in ("cpu", "cuda"):
        raise InputError(
            f"device is {name!r}; it must be 'cpu', or 'cuda' (of several the second: 'cuda:1') "
            "for a graphics card"
        )
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:
        why = textwrap.shorten(str(error).partition("\n")[0], 120, placeholder=" ...")
        raise InputError(
            f"device is {name!r}, and torch finds no such device here ({why}); give 'cpu', or "
            "install the build of torch that is for your graphics card (pytorch.org)"
        ) from None


def device_of(network: nn.Module) -> torch.device:
    """Return where a network that standardises its samples is."""
    return next(iter(network.buffers())).device


def is_card(device: torch.device | None) -> TypeGuard[torch.device]:
    """Tell whether a device is a graphics card, which works while it is not waited for."""
    return device is not None and device.type == "cuda"


def to_device(values: np.ndarray | Tensor, device: torch.device | None) -> Tensor:
    """Put numbers on a device, without waiting for what it is busy with; None: where they are."""
    if isinstance(values, Tensor):
        return values.to(device)
    if not is_card(device):
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        return tensor if device is None else tensor.to(device)
    # From memory that the system does not move; of any other a copy waits for all work before.
    dtype = torch.from_numpy(np.empty(0, values.dtype)).dtype
    locked = torch.empty(values.shape, dtype=dtype, device="cpu", pin_memory=True)
    np.copyto(locked.numpy(), values)
    return locked.to(device, non_blocking=True)


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
