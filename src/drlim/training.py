"""The training loop, on one screen, and what callbacks and checkpoints see of it."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._applying import numbers
from drlim._devices import is_card, seeded, to_device
from drlim._errors import FileError, InputError
from drlim._history import Alarm, Epoch, Tally
from drlim._random import RandomState, Streams, streams
from drlim.checkpoints import _OpenCheckpoint
from drlim.losses import PairLoss, PointLoss
from drlim.losses._forces import forces
from drlim.pairs import PairSampler

__all__ = ["Callback", "Epoch", "Pinned", "Training", "train"]


@dataclass(frozen=True)
class Pinned:
    """Samples that are held near given positions, each by a spring: ``½ weight |G_W(X) - Z|²``.

    The mean over the samples is added to the loss of each batch, which is eq. 1 per sample.

    Attributes
    ----------
    X : ndarray of shape (n_pinned, ...)
    Z : ndarray of shape (n_pinned, n_components), float32
        Where they are held.
    weight : float
        The stiffness of the springs; those between similar samples have 1.
    """

    X: np.ndarray
    Z: np.ndarray
    weight: float

    def pull(
        self, network: nn.Module, most: int, rng: np.random.Generator, device: torch.device | None
    ) -> Tensor:
        """Return the mean pull of the samples, or of `most` of them, drawn at random."""
        rows = np.arange(len(self.X))
        if len(rows) > most:
            rows = rng.choice(len(rows), most, replace=False)
        apart = network(to_device(self.X[rows], device)) - to_device(self.Z[rows], device)
        return self.weight * apart.square().sum(dim=1).mean() / 2


@dataclass(frozen=True)
class Training:
    """What a callback can look at: the network that is trained, and its loss.

    Attributes
    ----------
    network : nn.Module
        Raw samples to points.
    loss : PairLoss or PointLoss
    device : torch.device or None
    """

    network: nn.Module
    loss: PairLoss | PointLoss
    device: torch.device | None = None

    def embed(self, X: np.ndarray) -> np.ndarray:
        """Return the points of some samples as the network now maps them, (n, n_components)."""
        # Each module has a mode of its own: a frozen backbone stays in evaluation.
        was_training = [module for module in self.network.modules() if module.training]
        self.network.eval()
        try:
            with torch.inference_mode():
                blocks = [
                    self.network(to_device(numbers(np.array(X[k : k + 256])), self.device))
                    for k in range(0, len(X), 256)
                ]
                return np.concatenate([block.cpu().numpy() for block in blocks])
        except RuntimeError as error:
            raise InputError(
                f"the network that is trained does not map samples of the shape {X.shape[1:]} "
                f"({error}); give samples like those of the training"
            ) from None
        finally:
            for module in was_training:
                module.training = True


class Callback:
    """Base class of callbacks: what `train` calls while it runs. Override what you need.

    A callback sees the training and may end it. It changes nothing until the training is over.

    Examples
    --------
    >>> class StopAtLoss(Callback):
    ...     def on_epoch_end(self, history):
    ...         return history[-1].loss < 0.1
    """

    def on_start(self, training: Training) -> None:
        """Called before the first batch, with what is trained."""

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Called after each batch: `step` batches of `n_steps` are done."""

    def on_epoch_end(self, history: Sequence[Epoch]) -> bool | None:
        """Called after each epoch, with all epochs so far; return True to end the training."""

    def on_end(self) -> None:
        """Called after the training, when the weights of its best epoch are in place."""

    def state_dict(self) -> dict[str, Any] | None:
        """Return what a checkpoint must hold of this callback: plain data and tensors, or None."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned, when a training resumes from a checkpoint."""


def train(
    network: nn.Module,
    loss: PairLoss | PointLoss,
    sampler: PairSampler,
    fetch: Callable[[np.ndarray], np.ndarray | Tensor],
    *,
    max_epochs: int,
    learning_rate: float,
    margin: float,
    random_state: RandomState | Streams = None,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    callbacks: Sequence[Any] = (),
    checkpoint: _OpenCheckpoint | None = None,
    pinned: Pinned | None = None,
) -> list[Epoch]:
    """Train the network in place: the springs of eq. 4 move the weights (the paper's 2.1).

    Adam, with a learning rate that rises over the first few batches and falls as a cosine to 0.
    The weights of the epoch with the smallest loss are kept, and the network is left in
    evaluation mode.

    Parameters
    ----------
    network : nn.Module
        G_W, on the device to train on.
    loss : PairLoss or PointLoss
    sampler : PairSampler
        Gives the batches.
    fetch : callable
        Row numbers to samples, as an array ``(b, ...)``; without `augment` also as a tensor, which
        may already be on the network's device.
    max_epochs : int
        Passes over all edges, or over a part of very many (`drlim.pairs.PairSampler`).
    learning_rate : float
        The highest rate of the schedule.
    margin : float
        The map's unit of length, by which a collapse and the active pairs are recognised.
    random_state : int, numpy Generator or RandomState, optional
    augment : callable, optional
        ``(samples, generator) -> samples``: a random change of each batch before it is embedded.
    callbacks : sequence of Callback
    checkpoint : optional
        A folder of checkpoints as `DrLIM.fit` opens it; the training resumes from the newest one.
    pinned : Pinned, optional
        Samples that are held in place.

    Returns
    -------
    list of Epoch

    Warns
    -----
    TrainingWarning
        Once, if the map collapses or the loss is not finite (which ends the training).
    """
    random, weights = streams(random_state), list(network.parameters())
    device = weights[0].device
    # Fused: one pass over all weights. Launching an operation per weight would take longer.
    optimizer = torch.optim.Adam(weights, lr=learning_rate, fused=True)
    n_steps = max(max_epochs * sampler.n_batches, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: _learning_schedule(k / n_steps)
    )
    history: list[Epoch] = []
    best_loss, best_weights = math.inf, copy.deepcopy(network.state_dict())
    alarm = Alarm(margin)
    ended = False
    for callback in callbacks:
        callback.on_start(Training(network, loss, device))
    # Layers such as dropout draw from torch's global generators, which are restored at the end.
    with seeded(random.layers, device):
        run = _Run(network, optimizer, schedule, random, alarm, callbacks, device)
        if checkpoint is not None and checkpoint.state is not None:
            history, best_loss, best_weights, ended = run.restore(checkpoint.state)
        for _ in range(0 if ended else max_epochs - len(history)):
            network.train()
            tally = Tally(device, sampler)
            for batch in sampler.epoch(random.pairs):
                samples = fetch(batch.points)
                if augment is not None:
                    samples = _augmented(augment, np.asarray(samples), random.batches)
                Z = network(to_device(samples, device))
                # The gradient by the points is computed in closed form, so that autograd need not
                # keep all pairs of the batch; it carries the gradient on through the network.
                found = forces(Z, batch, loss, margin)
                tally.add(batch, found)
                for weight in weights:  # as optimizer.zero_grad() does, in a tenth of its time
                    weight.grad = None
                torch.autograd.backward(Z, found.slope.to(Z.dtype))
                if pinned is not None:
                    pull = pinned.pull(network, len(Z), random.pins, device)
                    tally.add_pinned(pull)
                    torch.autograd.backward(pull)
                optimizer.step()
                schedule.step()
                for callback in callbacks:
                    callback.on_batch_end(schedule.last_epoch, n_steps)
            history.append(tally.epoch())
            if history[-1].loss < best_loss:
                best_loss, best_weights = history[-1].loss, copy.deepcopy(network.state_dict())
            # Each callback sees the epoch, also if an earlier one ends the training.
            answers = [callback.on_epoch_end(history) for callback in callbacks]
            ended = alarm.watch(history, schedule.last_epoch / n_steps) or any(answers)
            if checkpoint is not None:
                finished = ended or len(history) == max_epochs
                state = functools.partial(run.state, history, best_loss, best_weights, ended)
                checkpoint.keep(len(history), finished, state)
            if ended:
                break
    network.load_state_dict(best_weights)
    # Last, because a callback may choose other weights: those that are best on held-out samples.
    for callback in callbacks:
        callback.on_end()
    network.eval()
    return history


def _augmented(
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    samples: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    changed = np.asarray(augment(samples, generator))
    if changed.shape != samples.shape or changed.dtype.kind not in "buif":
        raise InputError(
            f"augment returned {changed.dtype} of the shape {changed.shape} for samples of "
            f"{samples.shape}; it must return the samples changed, in the same shape and order"
        )
    return changed


def _learning_schedule(progress: float) -> float:
    """Return the learning rate as a share of its highest value, at a progress of 0 to 1."""
    # Adam's first steps are rough, because its averages of the gradient are still of few batches.
    warm_up = 0.03
    if progress < warm_up:
        return (progress + 1e-3) / (warm_up + 1e-3)
    return (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class _Run:
    """Everything that changes while a training runs: saved in a checkpoint, restored to the bit."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    random: Streams
    alarm: Alarm
    callbacks: Sequence[Any]
    device: torch.device | None

    def state(
        self,
        history: Sequence[Epoch],
        best_loss: float,
        best_weights: dict[str, Any],
        ended: bool,
    ) -> dict[str, Any]:
        # Only generators that are drawn from step by step have a place to resume at.
        streams = {
            name: getattr(self.random, name).bit_generator.state for name in self.random.drawn
        }
        layers = {"cpu": torch.get_rng_state()}
        if is_card(self.device):
            layers["cuda"] = torch.cuda.get_rng_state(self.device)
        return {
            "network": self.network.state_dict(),
            "best_loss": best_loss,
            "best_weights": best_weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": [asdict(epoch) for epoch in history],
            "alarm": sorted(self.alarm.raised),
            "streams": streams,
            "layers": layers,
            "callbacks": self._callback_states(),
            "ended": ended,
        }

    def _callback_states(self) -> list[Any]:
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        return [[name, state] for name, state in states if state is not None]

    def restore(self, state: dict[str, Any]) -> tuple[list[Epoch], float, dict[str, Any], bool]:
        try:
            self.network.load_state_dict(state["network"])
            _restore_optimizer(self.optimizer, state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.alarm.raised.update(state["alarm"])
            for name, numbers in state["streams"].items():
                getattr(self.random, name).bit_generator.state = numbers
            torch.set_rng_state(state["layers"]["cpu"])
            if "cuda" in state["layers"] and self.device is not None:
                torch.cuda.set_rng_state(state["layers"]["cuda"], self.device)
            history = [Epoch(**numbers) for numbers in state["history"]]
            best_loss, best_weights = state["best_loss"], state["best_weights"]
            ended = bool(state["ended"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise FileError(
                f"the checkpoint lacks a part ({error}); was it written by another version? "
                "Give another folder"
            ) from None
        self._restore_callbacks(state["callbacks"])
        return history, best_loss, best_weights, ended

    def _restore_callbacks(self, states: list[Any]) -> None:
        stateful = [callback for callback in self.callbacks if callback.state_dict() is not None]
        saved, given = [name for name, _ in states], [type(c).__name__ for c in stateful]
        if saved != given:
            raise InputError(
                f"the checkpoint was made with the callbacks {saved}, and these are {given}; "
                "resume a training with the callbacks that it began with"
            )
        for callback, (_, state) in zip(stateful, states, strict=True):
            callback.load_state_dict(state)


def _restore_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser its state back, laid out in memory like the weights it belongs to."""
    optimizer.load_state_dict(
        {**state, "state": {int(key): entry for key, entry in state["state"].items()}}
    )
    for weight, held in optimizer.state.items():
        for name, tensor in held.items():
            # Optimisers that update all weights in one pass go through memory, not through indices.
            if isinstance(tensor, torch.Tensor) and tensor.shape == weight.shape:
                held[name] = torch.empty_like(weight, dtype=tensor.dtype).copy_(tensor)
            elif isinstance(tensor, torch.Tensor):
                held[name] = tensor.clone()
