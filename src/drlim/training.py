"""The training loop, on one screen, and the alarm that watches it."""

from __future__ import annotations

import copy
import functools
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._applying import numbers
from drlim._devices import is_card, seeded, to_device
from drlim._errors import FileError, InputError, TrainingWarning
from drlim._random import Streams
from drlim.checkpoints import _OpenCheckpoint
from drlim.losses import PairLoss, PointLoss
from drlim.losses._forces import Forces, Sums, forces
from drlim.pairs import Batch, PairSampler


@dataclass(frozen=True)
class Epoch:
    """What one epoch of pairs measured; all losses are estimates of eq. 1 per sample.

    Attributes
    ----------
    loss, attraction, repulsion : float
        The loss, and its two parts (repulsion with the weight that `n_dissimilar` gives it).
    active_share : float
        The share of dissimilar pairs that are nearer than the margin (under eq. 4, those that
        repel); NaN if there are no dissimilar pairs.
    mean_distance : float
        Mean distance of all pairs in the map.
    seconds : float
        How long the epoch took.
    pairs_per_second : float
        Pairs whose loss was taken, a second.
    pinned : float
        The part of the loss that holds samples in place (`Pinned`).
    """

    loss: float
    attraction: float
    repulsion: float
    active_share: float
    mean_distance: float
    seconds: float
    pairs_per_second: float
    pinned: float = 0.0


@dataclass(frozen=True)
class Pinned:
    """Samples that are held near given positions, each by a spring: ``½ weight |G_W(X) - Z|²``.

    The mean over the samples is added to the loss of each batch, which is eq. 1 a sample.

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
        """Return the mean pull of the samples, or of so many of them, drawn at random."""
        rows = np.arange(len(self.X))
        if len(rows) > most:
            rows = rng.choice(len(rows), most, replace=False)
        apart = network(to_device(self.X[rows], device)) - to_device(self.Z[rows], device)
        pull: Tensor = self.weight * apart.square().sum(dim=1).mean() / 2
        return pull


@dataclass(frozen=True)
class Training:
    """What a callback may look at: the network that is trained, and by which loss.

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
    """What `train` calls while it runs; override what you need.

    A callback sees the training and may end it; it does not change it, until it is over.
    """

    def on_start(self, training: Training) -> None:
        """Be given what is trained, before the first batch."""

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Be told that so many of all batches are done."""

    def on_epoch_end(self, history: Sequence[Epoch]) -> bool | None:
        """Be shown all epochs so far, the last one last; return True to end the training."""

    def on_end(self) -> None:
        """Be told that the training is over, and the weights of its best epoch are in place."""

    def state_dict(self) -> dict[str, Any] | None:
        """Return what a checkpoint must hold of this callback, plain data and tensors, if any."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave, in a training that goes on from a checkpoint."""


def train(
    network: nn.Module,
    loss: PairLoss | PointLoss,
    sampler: PairSampler,
    fetch: Callable[[np.ndarray], np.ndarray | Tensor],
    *,
    max_epochs: int,
    learning_rate: float,
    margin: float,
    random: Streams,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    callbacks: Sequence[Any] = (),
    device: torch.device | None = None,
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
        G_W, on its device.
    loss : PairLoss or PointLoss
    sampler : PairSampler
        Gives the batches.
    fetch : callable
        Row numbers to samples, as an array ``(b, ...)``; without `augment` also as a tensor, that
        may lie on the device already.
    max_epochs : int
        Passes over all edges, or over some of very many (`drlim.pairs.PairSampler`).
    learning_rate : float
        The highest rate of the schedule.
    margin : float
        The map's unit of length, by which the alarm tells a collapse and the history which
        pairs are active.
    random : Streams
        Of which `pairs`, `batches` and `layers` are drawn from.
    augment : callable, optional
        ``(samples, generator) -> samples``: what happens to each batch before it is embedded.
    callbacks : sequence of Callback
    device : torch.device, optional
        Where the network is.
    checkpoint : optional
        The open folder of checkpoints, from the newest of which the training goes on.
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
    weights = list(network.parameters())
    optimizer = torch.optim.Adam(weights, lr=learning_rate, fused=True)
    n_steps = max(max_epochs * sampler.n_batches, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: learning_schedule(k / n_steps)
    )
    history: list[Epoch] = []
    best_loss, best_weights = math.inf, copy.deepcopy(network.state_dict())
    alarm = _Alarm(margin)
    ended = False
    for callback in callbacks:
        callback.on_start(Training(network, loss, device))
    with seeded(random.layers, device):
        run = _Run(network, optimizer, schedule, random, alarm, callbacks, device)
        if checkpoint is not None and checkpoint.state is not None:
            history, best_loss, best_weights, ended = run.restore(checkpoint.state)
        for _ in range(0 if ended else max_epochs - len(history)):
            network.train()
            tally = _Tally(device, sampler)
            for batch in sampler.epoch(random.pairs):
                samples = fetch(batch.points)
                if augment is not None:
                    samples = _augmented(augment, np.asarray(samples), random.batches)
                Z = network(to_device(samples, device))
                found = forces(Z, batch, loss, margin)
                tally.add(batch, found)
                for weight in weights:  # as optimizer.zero_grad(), which takes ten times as long
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
            asked = [callback.on_epoch_end(history) for callback in callbacks]
            ended = alarm.watch(history, schedule.last_epoch / n_steps) or any(asked)
            if checkpoint is not None:
                finished = ended or len(history) == max_epochs
                state = functools.partial(run.state, history, best_loss, best_weights, ended)
                checkpoint.keep(len(history), finished, state)
            if ended:
                break
    network.load_state_dict(best_weights)
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


def learning_schedule(progress: float) -> float:
    """Return the learning rate, as a share of its highest value, when so much is done (0 to 1)."""
    warm_up = 0.03
    if progress < warm_up:
        return (progress + 1e-3) / (warm_up + 1e-3)
    return (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class _Run:
    """All that moves while a training runs: what a checkpoint holds, and puts back to the bit."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    random: Streams
    alarm: _Alarm
    callbacks: Sequence[Any]
    device: torch.device | None

    def state(
        self,
        history: Sequence[Epoch],
        best_loss: float,
        best_weights: dict[str, Any],
        ended: bool,
    ) -> dict[str, Any]:
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
            "alarm": sorted(self.alarm.said),
            "streams": streams,
            "layers": layers,
            "callbacks": self._of_callbacks(),
            "ended": ended,
        }

    def _of_callbacks(self) -> list[Any]:
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        return [[name, state] for name, state in states if state is not None]

    def restore(self, state: dict[str, Any]) -> tuple[list[Epoch], float, dict[str, Any], bool]:
        try:
            self.network.load_state_dict(state["network"])
            _restore_optimizer(self.optimizer, state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.alarm.said.update(state["alarm"])
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
        there, here = [name for name, _ in states], [type(c).__name__ for c in stateful]
        if there != here:
            raise InputError(
                f"the checkpoint was made with the callbacks {there}, and these are {here}; what "
                "a training ends by must be the same when it goes on"
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


class _Tally:
    """Adds up the epoch, on the device, without waiting for it."""

    def __init__(self, device: torch.device | None, sampler: PairSampler) -> None:
        self.sampler = sampler
        self.sums = torch.zeros(len(Sums._fields), dtype=torch.float64, device=device)
        self.pinned = torch.zeros((), dtype=torch.float64, device=device)
        self.n_batches = 0
        self.n_pairs = 0
        self.start = time.perf_counter()

    def add(self, batch: Batch, found: Forces) -> None:
        self.sums += torch.stack(found.sums)
        self.n_batches += 1
        self.n_pairs += batch.n_pairs

    def add_pinned(self, pull: Tensor) -> None:
        self.pinned += pull.detach().double()

    def epoch(self) -> Epoch:
        sums = Sums(*self.sums.tolist())
        weight = self.sampler.counted_alike(sums.similar_weight, sums.dissimilar_weight)
        distance = self.sampler.counted_alike(sums.similar_distance, sums.dissimilar_distance)
        seconds = time.perf_counter() - self.start
        pinned = float(self.pinned)
        return Epoch(
            loss=(sums.attraction + sums.repulsion + pinned) / self.n_batches,
            attraction=sums.attraction / self.n_batches,
            repulsion=sums.repulsion / self.n_batches,
            active_share=(
                sums.active_weight / sums.dissimilar_weight if sums.dissimilar_weight else math.nan
            ),
            mean_distance=distance / weight if weight else math.nan,
            seconds=seconds,
            pairs_per_second=self.n_pairs / seconds,
            pinned=pinned / self.n_batches,
        )


class _Alarm:
    """Says once, while training runs, that it will not end well, why, and what to try."""

    def __init__(self, margin: float) -> None:
        self.margin = margin
        self.said: set[str] = set()

    def watch(self, history: Sequence[Epoch], progress: float) -> bool:
        """Look at the last epoch; return True if training cannot go on."""
        last = history[-1]
        if not math.isfinite(last.loss):
            self._say(
                f"the loss is {last.loss} in epoch {len(history)}, so training ends here and "
                "the weights of the best epoch before are kept; try a smaller learning_rate"
            )
            return True
        # Before a quarter of the way a map may be small only because it is still young.
        if progress >= 0.25 and last.mean_distance < 0.05 * self.margin:
            self._say(
                "the map collapses: after epoch "
                f"{len(history)} its points lie {last.mean_distance:.2g} apart on average, and "
                f"the margin is {self.margin:g}. Attraction outweighs repulsion, the network gives "
                "one answer to everything, or it had no time to spread; try a larger n_dissimilar "
                "(or 'all'), fewer similar pairs, another learning_rate, more max_epochs, or "
                "another network"
            )
        return False

    def _say(self, message: str) -> None:
        kind = message.split()[1]  # the loss, or the map
        if kind not in self.said:
            # The stack levels lead to whoever called train; for DrLIM, to its fit.
            warnings.warn(message, TrainingWarning, stacklevel=4)
        self.said.add(kind)
