"""The training loop, on one screen, and the alarm that watches it."""

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from drlim._errors import TrainingWarning
from drlim._forces import Forces, forces
from drlim._random import Streams
from drlim.losses import PairLoss
from drlim.networks import seeded
from drlim.pairs import Batch, PairSampler


@dataclass(frozen=True)
class Epoch:
    """What one pass over all edges measured; all losses are estimates of eq. 1 per sample.

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
    """

    loss: float
    attraction: float
    repulsion: float
    active_share: float
    mean_distance: float
    seconds: float
    pairs_per_second: float


class Callback:
    """What `train` calls while it runs; override what you need.

    A callback sees the training and may end it; it does not change it.
    """

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Be told that so many of all batches are done."""

    def on_epoch_end(self, history: Sequence[Epoch]) -> bool | None:
        """Be shown all epochs so far, the last one last; return True to end the training."""


def train(
    network: nn.Module,
    loss: PairLoss,
    sampler: PairSampler,
    fetch: Callable[[np.ndarray], np.ndarray],
    *,
    max_epochs: int,
    learning_rate: float,
    margin: float,
    random: Streams,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    callbacks: Sequence[Any] = (),
    device: torch.device | None = None,
) -> list[Epoch]:
    """Train the network in place: the springs of eq. 4 move the weights (the paper's 2.1).

    Adam, with a learning rate that rises over the first few batches and falls as a cosine to 0.
    The weights of the epoch with the smallest loss are kept, and the network is left in
    evaluation mode.

    Parameters
    ----------
    network : nn.Module
        G_W, on its device.
    loss : PairLoss
    sampler : PairSampler
        Gives the batches.
    fetch : callable
        Row numbers to samples, as an array ``(b, ...)``.
    max_epochs : int
        Passes over all edges.
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

    Returns
    -------
    list of Epoch

    Warns
    -----
    TrainingWarning
        Once, if the map collapses or the loss is not finite (which ends the training).
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)
    n_steps = max(max_epochs * sampler.n_batches, 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: learning_schedule(k / n_steps)
    )
    history: list[Epoch] = []
    best_loss, best_weights = math.inf, copy.deepcopy(network.state_dict())
    alarm = _Alarm(margin)
    with seeded(random.layers, device):
        for _ in range(max_epochs):
            network.train()
            tally = _Tally(device, sampler.balance or 1.0)
            for batch in sampler.epoch(random.pairs):
                samples = fetch(batch.points)
                if augment is not None:
                    samples = augment(samples, random.batches)
                Z = network(torch.from_numpy(np.ascontiguousarray(samples)).to(device))
                found = forces(Z, batch, loss, margin)
                tally.add(batch, found)
                optimizer.zero_grad()
                torch.autograd.backward(Z, found.slope.to(Z.dtype))
                optimizer.step()
                schedule.step()
                for callback in callbacks:
                    callback.on_batch_end(schedule.last_epoch, n_steps)
            history.append(tally.epoch())
            if history[-1].loss < best_loss:
                best_loss, best_weights = history[-1].loss, copy.deepcopy(network.state_dict())
            ended = [callback.on_epoch_end(history) for callback in callbacks]
            if alarm.watch(history, schedule.last_epoch / n_steps) or any(ended):
                break
    network.load_state_dict(best_weights)
    network.eval()
    return history


def learning_schedule(progress: float) -> float:
    """Return the learning rate, as a share of its highest value, when so much is done (0 to 1)."""
    warm_up = 0.03
    if progress < warm_up:
        return (progress + 1e-3) / (warm_up + 1e-3)
    return (1 + math.cos(math.pi * progress)) / 2


class _Tally:
    """Adds up the epoch, on the device, without waiting for it."""

    def __init__(self, device: torch.device | None, balance: float = 1.0) -> None:
        self.balance = balance
        self.sums = torch.zeros(len(Forces._fields) - 1, dtype=torch.float64, device=device)
        self.n_batches = 0
        self.n_pairs = 0
        self.start = time.perf_counter()

    def add(self, batch: Batch, found: Forces) -> None:
        self.sums += torch.stack(found[1:])
        self.n_batches += 1
        self.n_pairs += batch.n_pairs

    def epoch(self) -> Epoch:
        attraction, repulsion, apart, active, together, near, far = self.sums.tolist()
        # What a pair weighs in the loss, without the balance: all pairs count alike.
        weight = together + apart / self.balance
        seconds = time.perf_counter() - self.start
        return Epoch(
            loss=(attraction + repulsion) / self.n_batches,
            attraction=attraction / self.n_batches,
            repulsion=repulsion / self.n_batches,
            active_share=active / apart if apart else math.nan,
            mean_distance=(near + far / self.balance) / weight if weight else math.nan,
            seconds=seconds,
            pairs_per_second=self.n_pairs / seconds,
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
