"""A training while it runs: its steps, and its state, which a checkpoint holds."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._devices import to_device
from drlim._errors import FileError, InputError
from drlim._history import Alarm, Epoch, Tally
from drlim._random import Streams
from drlim._torch_state import LayerStream, is_own, may_draw
from drlim.losses import MetricLearning, PairLoss, PointLoss
from drlim.losses._forces import forces
from drlim.networks._backbone import Backbone
from drlim.pairs import Batch, PairSampler
from drlim.transforms._augment import changed

if TYPE_CHECKING:
    from drlim.training import Pinned


class _Adam(torch.optim.Adam):
    """Adam without the wrappers that load torch's compiler, which takes 1.5 s and is not used.

    The steps are the same to the bit.
    """

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class Run:
    """Everything that changes while a network is trained, and one epoch of it.

    Parameters
    ----------
    network, loss, sampler, fetch, pull, margin, augment, callbacks, pinned
        As for `drlim.training.train`.
    learning_rate : float or None
        None: 0.001, and less for layers with more than 1,024 inputs.
    n_epochs : int
        Epochs of the whole training, over which the learning rate is scheduled.
    random : Streams

    Attributes
    ----------
    history : list of Epoch
    best_loss, best_weights
        Of the epoch with the smallest loss.
    ended : bool
        Whether a callback or an alarm has ended the training.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: PairLoss | PointLoss,
        sampler: PairSampler,
        fetch: Callable[[np.ndarray], np.ndarray | Tensor],
        *,
        learning_rate: float | None,
        pull: float,
        n_epochs: int,
        margin: float,
        random: Streams,
        augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None,
        callbacks: Sequence[Any],
        pinned: Pinned | None,
    ) -> None:
        self.network, self.loss, self.sampler, self.fetch = network, loss, sampler, fetch
        self.margin, self.random = margin, random
        self.augment, self.callbacks, self.pinned = augment, callbacks, pinned
        self.weights = list(network.parameters())
        self.device = self.weights[0].device
        # Fused: one pass over all weights. Launching an operation per weight would take longer.
        late = _late(network)
        self.optimizer = _Adam(_with_rates(self.weights, learning_rate, late), fused=True)
        self.pull, self.n_epochs = pull, n_epochs
        self.first_weights = [weight.detach().clone() for weight in self.weights] if pull else []
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, [self._rate_from(start) for start in _starts(self.optimizer, late)]
        )
        self.alarm = Alarm(margin, augments=augment is not None)
        self.layers = LayerStream(random.layers, self.device)
        self.may_draw = may_draw(network) or not (
            is_own(loss)
            and not isinstance(loss, MetricLearning)
            and (not augment or is_own(augment))
        )
        self.history: list[Epoch] = []
        self.best_loss, self.best_weights = math.inf, copy.deepcopy(network.state_dict())
        self.ended = False

    def _rate_from(self, start: float) -> Callable[[int], float]:
        """Return the schedule of weights that learn from a share of the training on."""
        return lambda k: learning_schedule(k / self.n_steps, start)

    @property
    def n_steps(self) -> int:
        """Batches of the whole training."""
        return max(self.n_epochs * self.sampler.n_batches, 1)

    @property
    def progress(self) -> float:
        """The share of the steps that are done."""
        return self.schedule.last_epoch / self.n_steps

    def epoch(self) -> Epoch:
        """Learn from each batch of an epoch, and return its numbers."""
        self.network.train()
        tally = Tally(self.device, self.sampler)
        for batch in self.sampler.epoch(self.random.pairs):
            # Where nothing draws, threads need not wait for one another.
            with self.layers.held() if self.may_draw else nullcontext():
                self._learn(batch, tally)
            self.schedule.step()
            for callback in self.callbacks:
                callback.on_batch_end(self.schedule.last_epoch, self.n_steps)
        return tally.epoch()

    def _learn(self, batch: Batch, tally: Tally) -> None:
        """Move the weights by the springs of a batch."""
        samples = self.fetch(batch.points)
        if self.augment is not None:
            samples = changed(self.augment, np.asarray(samples), self.random.batches)
        Z = self.network(to_device(samples, self.device))
        # A network may do other things while it trains.
        if not isinstance(Z, Tensor) or Z.ndim != 2 or len(Z) != len(samples):
            check_points(Z, (len(samples), None), f"a batch of {len(samples)} samples in training")
        # The gradient by the points is computed in closed form, so that autograd need not
        # keep all pairs of the batch; it carries the gradient on through the network.
        found = forces(Z, batch, self.loss, self.margin)
        tally.add(batch, found)
        for weight in self.weights:  # as optimizer.zero_grad() does, in a tenth of its time
            weight.grad = None
        torch.autograd.backward(Z, found.slope.to(Z.dtype))
        if self.pinned is not None:
            pull = self.pinned.pull(self.network, len(Z), self.random.pins, self.device)
            tally.add_pinned(pull)
            torch.autograd.backward(pull)
        self.optimizer.step()
        if self.pull:
            self._pull_back()

    def _pull_back(self) -> None:
        """Move each weight a little towards its first value.

        Apart from the step of Adam, so that no gradient rescales it (as in decoupled weight
        decay; Loshchilov and Hutter 2019). A step of Adam is at most about its rate, so a weight
        stays within 1 / pull of the size, 1 / sqrt(fan-in), that random first weights have.
        """
        rates = itertools.cycle(self.schedule.get_last_lr())
        with torch.no_grad():
            for weight, first, rate in zip(self.weights, self.first_weights, rates, strict=False):
                if weight.ndim > 1 and weight.grad is not None:
                    share = rate * self.pull * math.sqrt(_fan_in(weight))
                    weight.lerp_(first, min(share, 1.0))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of the training: plain data and tensors."""
        # Only generators that are drawn from step by step have a place to resume at.
        streams = {
            name: getattr(self.random, name).bit_generator.state for name in self.random.drawn
        }
        return {
            "network": self.network.state_dict(),
            "best_loss": self.best_loss,
            "best_weights": self.best_weights,
            "pull": self.pull,
            "n_epochs": self.n_epochs,
            "first_weights": self.first_weights,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": [asdict(epoch) for epoch in self.history],
            "alarm": sorted(self.alarm.raised),
            "streams": streams,
            "layers": self.layers.state,
            "callbacks": self._callback_states(),
            "ended": self.ended,
        }

    def _callback_states(self) -> list[Any]:
        states = [(type(callback).__name__, callback.state_dict()) for callback in self.callbacks]
        return [[name, state] for name, state in states if state is not None]

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a checkpoint, to the bit."""
        try:
            self.network.load_state_dict(state["network"])
            self.pull, self.n_epochs = float(state["pull"]), int(state["n_epochs"])
            self.first_weights = [weight.to(self.device) for weight in state["first_weights"]]
            _restore_optimizer(self.optimizer, state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.alarm.raised.update(state["alarm"])
            for name, numbers in state["streams"].items():
                getattr(self.random, name).bit_generator.state = numbers
            self.layers.state = {kind: state["layers"][kind] for kind in self.layers.state}
            self.history = [Epoch(**numbers) for numbers in state["history"]]
            self.best_loss, self.best_weights = state["best_loss"], state["best_weights"]
            self.ended = bool(state["ended"])
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise FileError(
                f"the checkpoint lacks a part ({error}); was it written by another version? "
                "Give another folder"
            ) from None
        self._restore_callbacks(state["callbacks"])

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


# The learning rate where none is given, and the inputs of a layer from which on it falls: a step
# of Adam moves every weight alike, so the output of a layer moves by as much as it has inputs.
_RATE, _INPUTS_AT_RATE = 1e-3, 1024


def _fan_in(weight: Tensor) -> int:
    """Return the number of inputs of one output of a layer."""
    return math.prod(weight.shape[1:])


def _late(network: nn.Module) -> dict[Tensor, Backbone]:
    """Return the weights of pretrained networks that learn, each with its network."""
    return {
        weight: body
        for body in network.modules()
        if isinstance(body, Backbone) and not body.is_frozen
        for weight in body.parameters()
    }


def _with_rates(
    weights: Sequence[Tensor], learning_rate: float | None, late: dict[Tensor, Backbone]
) -> list[dict[str, Any]]:
    """Return the weights with the learning rate given, or each layer's with its own.

    Those of pretrained networks have a share of it.
    """
    if learning_rate is not None and not late:
        return [{"params": list(weights), "lr": learning_rate}]
    groups = []
    for weight in weights:
        rate = learning_rate or _RATE * min(1.0, _INPUTS_AT_RATE / _fan_in(weight))
        share = late[weight].rate if weight in late else 1.0
        groups.append({"params": [weight], "lr": share * rate})
    return groups


def _starts(optimizer: torch.optim.Optimizer, late: dict[Tensor, Backbone]) -> list[float]:
    """Return from which share of the training on the weights of each group learn."""
    firsts = [group["params"][0] for group in optimizer.param_groups]
    return [late[weight].warm_up if weight in late else 0.0 for weight in firsts]


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


def check_points(Z: Any, shape: tuple[int, int | None], given: str) -> None:
    """Raise InputError unless a network gave points, floats of this shape."""
    if not isinstance(Z, Tensor):
        kind = type(Z).__name__
        if isinstance(Z, dict):
            kind += f" with {', '.join(map(repr, list(Z)[:3]))}"
        elif isinstance(Z, tuple | list):
            kind += f" of {len(Z)}"
        gave = f"a {kind}"
    elif not Z.is_floating_point() or Z.ndim != 2 or not _agree(Z.shape, shape):
        gave = f"a tensor of {str(Z.dtype).removeprefix('torch.')} of the shape {tuple(Z.shape)}"
    else:
        return
    n_components = "n_components" if shape[1] is None else shape[1]
    raise InputError(
        f"the network was given {given} and gave {gave}; it must return one float tensor of the "
        f"points, ({shape[0]}, {n_components})"
    )


def _agree(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return all(w in (None, f) for f, w in zip(found, wanted, strict=True))


def learning_schedule(progress: float, start: float = 0.0) -> float:
    """Return the learning rate as a share of its highest value, at a progress of 0 to 1.

    Up to the start it is 0.
    """
    if progress < start:
        return 0.0
    progress = (progress - start) / (1 - start)
    # Adam's first steps are rough, because its averages of the gradient are still of few batches.
    warm_up = 0.03
    if progress < warm_up:
        return (progress + 1e-3) / (warm_up + 1e-3)
    return (1 + math.cos(math.pi * progress)) / 2
