"""Torch's state that belongs to the process or the thread: its defaults and its generators.

A fit, a transform and a file depend on none of it and leave it as it was.

=================================  =============  ==================================================
state                              belongs to     while drlim computes
=================================  =============  ==================================================
default device, autocast           the thread     processor, none
grad mode, inference mode          the thread     gradients in a fit, none in a transform
denormal numbers                   the thread     not rounded to zero
default dtype                      the process    float32
precision of float32 products      the process    full
generators                         the process    the fit's own where layers draw, one at a time
cudnn's choice of algorithm        the process    those that repeat, in a fit on a graphics card
deterministic switch, anomaly mode the process    as the caller set them: they ask for checks
number of threads                  the process    as the caller set it: sums are divided by it
=================================  =============  ==================================================
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from drlim._devices import is_card


def _precisions() -> dict[str, str]:
    """Return the precision of float32 products and convolutions, by the name of each setting."""
    found = {}
    # The one setting of earlier versions, which later ones refuse to read beside their own.
    with contextlib.suppress(RuntimeError):
        found["all"] = torch.get_float32_matmul_precision()
    for name, part in _precise_parts().items():
        if hasattr(part, "fp32_precision"):
            found[name] = part.fp32_precision
    return found


def _precise_parts() -> dict[str, Any]:
    backends = torch.backends
    return {
        f"{name}.{kind}": getattr(getattr(backends, name), kind, None)
        for name, kinds in {"mkldnn": ("matmul", "conv", "rnn"), "cuda": ("matmul",)}.items()
        for kind in kinds
    }


def _set_precisions(wanted: dict[str, str]) -> None:
    parts = _precise_parts()
    for name, precision in wanted.items():
        if name == "all":
            torch.set_float32_matmul_precision(precision)
        else:
            parts[name].fp32_precision = precision


def _full(precisions: dict[str, str]) -> dict[str, str]:
    """Return these settings with full precision; those that have it already stay as they are."""
    return {
        name: "highest" if name == "all" else precision if precision == "none" else "ieee"
        for name, precision in precisions.items()
    }


@dataclass(frozen=True)
class _Setting:
    """A setting of the process: how it is read and written, and what a computation needs."""

    read: Callable[[], Any]
    write: Callable[[Any], None]
    needed: Callable[[Any], Any]


class _Held:
    """Settings of the process, held for as long as any thread needs them."""

    def __init__(self, *settings: _Setting) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._holders = 0
        self._earlier: list[Any] = []

    def __enter__(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._earlier = [setting.read() for setting in self._settings]
                self._write(
                    [s.needed(e) for s, e in zip(self._settings, self._earlier, strict=True)]
                )
            self._holders += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._write(self._earlier)

    def _write(self, values: list[Any]) -> None:
        for setting, value in zip(self._settings, values, strict=True):
            if setting.read() != value:
                setting.write(value)


_defaults = _Held(
    _Setting(torch.get_default_dtype, torch.set_default_dtype, lambda _: torch.float32),
    _Setting(_precisions, _set_precisions, _full),
)


def _cudnn(name: str, needed: bool) -> _Setting:
    cudnn = torch.backends.cudnn
    return _Setting(
        lambda: getattr(cudnn, name), lambda value: setattr(cudnn, name, value), lambda _: needed
    )


_repeatable_cudnn = _Held(_cudnn("deterministic", True), _cudnn("benchmark", False))


@contextlib.contextmanager
def torch_defaults() -> Iterator[None]:
    """Compute as torch does with its own defaults, whatever the caller has set.

    The caller's settings come back at the end; those of the process when no thread needs the
    defaults.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_defaults)
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        # Only where it differs: within a device's context each operation takes longer.
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if _rounds_denormals():
            torch.set_flush_denormal(False)
            stack.callback(torch.set_flush_denormal, True)
        yield


def _rounds_denormals() -> bool:
    """Tell whether the processor takes the smallest numbers for zero, which torch does not say."""
    return bool(np.ldexp(np.float64(1), -1060) * np.float64(1) == 0)


# One thread at a time has its own numbers in torch's global generators.
_generators = threading.RLock()


class LayerStream:
    """The numbers that layers draw, such as first weights and dropout, from a seed of their own.

    Layers can only draw from torch's global generators. Within `held` these give the numbers of
    the stream, and afterwards again what they would have given the caller.

    Parameters
    ----------
    seed : int
    device : torch.device, optional
        A graphics card has a generator beside the processor's.
    """

    def __init__(self, seed: int, device: torch.device | None = None) -> None:
        self.card = device if is_card(device) else None
        self.state = {"cpu": torch.Generator(device="cpu").manual_seed(seed).get_state()}
        if self.card is not None:
            self.state["cuda"] = torch.Generator(device=self.card).manual_seed(seed).get_state()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let layers draw from this stream; another thread that wants to, waits."""
        with _generators:
            earlier = self._global()
            try:
                self._set_global(self.state)
                yield
            finally:
                self.state = self._global()
                self._set_global(earlier)

    def _global(self) -> dict[str, torch.Tensor]:
        state = {"cpu": torch.get_rng_state()}
        if self.card is not None:
            state["cuda"] = torch.cuda.get_rng_state(self.card)
        return state

    def _set_global(self, state: dict[str, torch.Tensor]) -> None:
        torch.set_rng_state(state["cpu"])
        if self.card is not None:
            torch.cuda.set_rng_state(state["cuda"], self.card)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let torch's layers draw from this seed, and restore its global generators afterwards."""
    with LayerStream(seed).held():
        yield


@contextlib.contextmanager
def repeatable(device: torch.device | None) -> Iterator[None]:
    """Let a graphics card's convolutions repeat to the bit."""
    with _repeatable_cudnn if is_card(device) else contextlib.nullcontext():
        yield


# Layers of torch that draw nothing when they are applied.
_DRAW_NOTHING = (
    nn.Sequential,
    nn.Flatten,
    nn.Identity,
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.ReLU,
    nn.Tanh,
    nn.GELU,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.AvgPool2d,
    nn.MaxPool2d,
    nn.AdaptiveAvgPool2d,
)


def may_draw(network: nn.Module) -> bool:
    """Tell whether a network may draw random numbers: one of only known layers does not.

    A layer of drlim that draws has the attribute `draws`.
    """
    return any(
        (type(layer) not in _DRAW_NOTHING and not is_own(layer))
        or getattr(layer, "draws", False)
        or layer._forward_hooks
        or layer._forward_pre_hooks
        or "forward" in vars(layer)
        for layer in network.modules()
    )


def is_own(thing: Any) -> bool:
    """Tell whether drlim defines the class of an object."""
    return type(thing).__module__.partition(".")[0] == "drlim"
