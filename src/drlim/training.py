"""The training loop, and what callbacks see of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._applying import numbers, rows_at_once
from drlim._checks import is_number
from drlim._devices import to_device
from drlim._errors import InputError, nearest_name
from drlim._history import Epoch
from drlim._random import RandomState, Streams, streams
from drlim._torch_state import repeatable
from drlim._training_run import Run
from drlim.checkpoints import _OpenCheckpoint
from drlim.losses import PairLoss, PointLoss
from drlim.networks._features import divided, frozen_features
from drlim.pairs import PairSampler

__all__ = ["Callback", "Epoch", "Pinned", "Selection", "Training", "train"]


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
class Selection:
    """How the length of a training, and the pull to its start, are chosen on samples set aside.

    Each pull is tried on the other samples; the one whose map best orders the pairs set aside is
    then used on all samples, for as much of the training as was best.

    Attributes
    ----------
    by : {"groups", "labels"}
        What is set aside as a whole. "groups": the groups given to `DrLIM.fit`, such as the
        sources of samples, or single samples; for a map of what was learnt. "labels": all samples
        of some labels, for a map that is to tell apart labels that it has never seen.
    share : float
        How much is set aside. 0: nothing, and nothing is chosen; the whole training is run, with
        the first pull.
    pulls : tuple of float
        The pulls that are tried (see `train`).

    Raises
    ------
    InputError
        If a value breaks its rule.
    """

    by: str = "groups"
    share: float = 0.25
    pulls: tuple[float, ...] = (1.0, 4.0)

    def __post_init__(self) -> None:
        if self.by not in ("groups", "labels"):
            raise InputError(f"by is {self.by!r}; {nearest_name(self.by, ('groups', 'labels'))}")
        if not is_number(self.share) or not 0 <= self.share < 1:
            raise InputError(f"share is {self.share!r}; it must be a number from 0 up to 1")
        is_listed = isinstance(self.pulls, Sequence) and len(self.pulls)
        if not is_listed or not all(is_number(pull) and pull >= 0 for pull in self.pulls):
            raise InputError(f"pulls is {self.pulls!r}; it must list numbers >= 0")


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
            network = self.network
            if (parts := divided(network)) is not None:
                frozen, network = parts
                X = frozen_features(frozen, np.asarray(X))
            n = rows_at_once(network, 256)
            with torch.inference_mode():
                blocks = [
                    network(to_device(numbers(np.array(X[k : k + n])), self.device))
                    for k in range(0, len(X), n)
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
    learning_rate: float | None,
    margin: float,
    pull: float = 0.0,
    random_state: RandomState | Streams = None,
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    callbacks: Sequence[Any] = (),
    checkpoint: _OpenCheckpoint | None = None,
    pinned: Pinned | None = None,
    whole: nn.Module | None = None,
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
    learning_rate : float or None
        The highest rate of the schedule. None: 0.001, and less for layers with more than 1,024
        inputs.
    margin : float
        The map's unit of length, by which a collapse and the active pairs are recognised.
    pull : float, default=0
        How strongly weights are held at their first values: each stays within about 1 / pull of
        the size that random first weights have, 1 / sqrt(number of inputs). 0: not at all.
    random_state : int, numpy Generator or RandomState, optional
    augment : callable, optional
        ``(samples, generator) -> samples``: a random change of each batch before it is embedded.
    callbacks : sequence of Callback
    checkpoint : optional
        A folder of checkpoints as `DrLIM.fit` opens it; the training resumes from the newest one.
    pinned : Pinned, optional
        Samples that are held in place.
    whole : nn.Module, optional
        The network that callbacks see, if `network` is only the part of it that learns.

    Returns
    -------
    list of Epoch

    Warns
    -----
    TrainingWarning
        Once, if the map collapses or the loss is not finite (which ends the training).
    """
    run = Run(
        network,
        loss,
        sampler,
        fetch,
        learning_rate=learning_rate,
        pull=pull,
        n_epochs=max_epochs,
        margin=margin,
        random=streams(random_state),
        augment=augment,
        callbacks=callbacks,
        pinned=pinned,
    )
    for callback in callbacks:
        callback.on_start(Training(network if whole is None else whole, loss, run.device))
    with repeatable(run.device):
        if checkpoint is not None and checkpoint.state is not None:
            run.restore(checkpoint.state)
        while not run.ended and len(run.history) < run.n_epochs:
            run.history.append(run.epoch())
            if run.history[-1].loss < run.best_loss:
                run.best_loss = run.history[-1].loss
                run.best_weights = copy.deepcopy(network.state_dict())
            # Each callback sees the epoch, also if an earlier one ends the training.
            answers = [callback.on_epoch_end(run.history) for callback in callbacks]
            run.ended = run.alarm.watch(run.history, run.progress) or any(answers)
            if checkpoint is not None:
                finished = run.ended or len(run.history) == run.n_epochs
                checkpoint.keep(len(run.history), finished, run.state)
    network.load_state_dict(run.best_weights)
    # Last, because a callback may choose other weights: those that are best on held-out samples.
    for callback in callbacks:
        callback.on_end()
    network.eval()
    return run.history
