"""The device that a network computes on, numbers on it, and torch's generators."""

from __future__ import annotations

import contextlib
import textwrap
import threading
from collections.abc import Iterator
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


class _ProcessDefaults:
    """Torch's settings that belong to the process, held for as long as any thread needs them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._earlier: tuple[torch.dtype, str] | None = None

    def __enter__(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._earlier = torch.get_default_dtype(), torch.get_float32_matmul_precision()
                self._set(torch.float32, "highest")
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._earlier is not None:
                self._set(*self._earlier)

    @staticmethod
    def _set(dtype: torch.dtype, precision: str) -> None:
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_float32_matmul_precision() != precision:
            torch.set_float32_matmul_precision(precision)


_process_defaults = _ProcessDefaults()


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Compute as torch does with its own defaults, whatever the caller has set.

    These are float32 with full precision of matrix products, the processor as the device of new
    tensors, no autocast, and gradients that are recorded. The caller's settings come back at the
    end; the first two belong to the process and come back when no thread needs the defaults.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_process_defaults)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        # Only where it differs: within a device's context each operation takes longer.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield


@contextlib.contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Let torch's layers draw from this seed, and restore its global generators afterwards.

    On a graphics card convolutions also repeat to the bit. The generators and torch's switch for
    that belong to the process, so two threads that learn at once do not repeat.
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


def is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    """Tell whether an error means that memory did not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    # For the processor's memory torch has no type of its own, only these two texts.
    reasons = ("DefaultCPUAllocator: ", "Storage size calculation overflowed")
    return any(reason in str(error) for reason in reasons)
