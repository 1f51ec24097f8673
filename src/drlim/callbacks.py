"""Callbacks for ``DrLIM(callbacks=[...])``, which watch a training and may end it."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from numbers import Real
from typing import Any

import numpy as np
import torch

from drlim._checks import as_array, check_count
from drlim._errors import FileError, InputError, MissingExtraError
from drlim._files import as_path, write_whole
from drlim.graphs import SimilarityGraph
from drlim.losses._forces import forces
from drlim.pairs import PairSampler
from drlim.training import Callback, Epoch, Training

__all__ = [
    "Callback",
    "EarlyStopping",
    "Epoch",
    "MetricsFile",
    "PlotEpochs",
    "TensorBoard",
    "Training",
]


class EarlyStopping(Callback):
    """End the training when the loss of held-out pairs stops falling; keep the best weights.

    Hold out *samples*, with the graph among them (``graph.restrict(rows)``): a pair that is only
    left out of the training graph would be trained on as a dissimilar one.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
        Held-out samples.
    graph : SimilarityGraph
        Which of them are similar.
    patience : int, default=10
        Epochs without a gain after which the training ends.
    gain : float, default=0.0
        The relative fall of the loss that counts as a gain.
    n_dissimilar : "all" or float, default="all"
        The balance of the springs, as in `drlim.DrLIM`.

    Attributes
    ----------
    losses_ : list of float
        The loss of the held-out pairs, per sample, after each epoch.
    best_epoch_ : int
        The epoch whose weights are kept, counted from 1.

    Raises
    ------
    InputError
        If a value breaks its rule.

    Examples
    --------
    >>> from drlim import DrLIM
    >>> from drlim.graphs import neighbors
    >>> X = np.random.default_rng(0).normal(size=(80, 3))
    >>> stop = EarlyStopping(X[60:], neighbors(X[60:], 3), patience=2)
    >>> map_ = DrLIM(network="linear", max_epochs=30, callbacks=[stop], random_state=0).fit(X[:60])
    >>> len(stop.losses_) == len(map_.history_)
    True
    """

    def __init__(
        self,
        X: np.ndarray,
        graph: SimilarityGraph,
        *,
        patience: int = 10,
        gain: float = 0.0,
        n_dissimilar: float | str = "all",
    ) -> None:
        check_count(patience, "patience")
        if not isinstance(gain, Real) or not 0 <= gain < 1:
            raise InputError(f"gain is {gain!r}; it must be a number from 0 up to 1")
        if not isinstance(graph, SimilarityGraph):
            raise InputError(f"graph is a {type(graph).__name__}; it must be a SimilarityGraph")
        held_out = as_array(X, "X")
        if held_out.dtype.kind not in "buif" or not np.isfinite(held_out).all():
            raise InputError("X has NaN, infinite or non-numeric values; drop those samples")
        if graph.n_samples != len(X):
            raise InputError(
                f"the graph is about {graph.n_samples} samples and {len(X)} are held out; both "
                "must be about the same samples: graph.restrict(rows)"
            )
        self.X: np.ndarray = held_out
        self.graph = graph
        self.patience: int = int(patience)
        self.gain: float = float(gain)
        # The same batches in each epoch, weighted so that their mean loss is unbiased.
        self.sampler: PairSampler = PairSampler(graph, 256, n_dissimilar=n_dissimilar)
        self._begin()

    def _begin(self) -> None:
        self.losses_: list[float] = []
        self.best_epoch_ = 0
        self.best_loss = math.inf
        self.best_weights: dict[str, Any] = {}
        self.training: Training | None = None

    def on_start(self, training: Training) -> None:
        """Forget an earlier training."""
        self._begin()
        self.training = training

    def on_epoch_end(self, history: Sequence[Epoch]) -> bool:
        """Measure the held-out pairs; return True when the patience is exhausted."""
        assert self.training is not None
        loss = self._loss(self.training)
        self.losses_.append(loss)
        if loss < self.best_loss * (1 - self.gain):
            self.best_loss, self.best_epoch_ = loss, len(history)
            self.best_weights = copy.deepcopy(self.training.network.state_dict())
        return len(history) - self.best_epoch_ >= self.patience

    def on_end(self) -> None:
        """Give the network the weights of the best epoch."""
        if self.training is not None and self.best_weights:
            self.training.network.load_state_dict(self.best_weights)
        self.training, self.best_weights = None, {}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {
            "losses": self.losses_,
            "best_epoch": self.best_epoch_,
            "best_loss": self.best_loss,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a checkpoint."""
        self.losses_ = list(state["losses"])
        self.best_epoch_, self.best_loss = state["best_epoch"], state["best_loss"]
        self.best_weights = dict(state["best_weights"])

    def _loss(self, training: Training) -> float:
        Z = torch.from_numpy(training.embed(self.X)).double()
        # In float64 and with all batches: the loss of two epochs may differ in a late digit.
        total, n_batches = 0.0, 0
        for batch in self.sampler.epoch(0):
            # The margin only decides which pairs count as active, and their share is not used.
            sums = forces(Z[batch.points], batch, training.loss, margin=1.0).sums
            total += float(sums.attraction + sums.repulsion)
            n_batches += 1
        return total / n_batches


class MetricsFile(Callback):
    """Write the numbers of each epoch to a file, as one line of JSON.

    The keys are ``epoch`` and the fields of `Epoch`; a number that is not finite becomes null. A
    training that resumes from a checkpoint writes the file anew, with all its epochs.

    Parameters
    ----------
    path : path
        The file, by convention ``*.jsonl``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from drlim import DrLIM
    >>> X = np.random.default_rng(0).normal(size=(30, 3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "metrics.jsonl"
    ...     map_ = DrLIM(max_epochs=2, callbacks=[MetricsFile(path)], random_state=0).fit(X)
    ...     lines = [json.loads(line) for line in path.read_text().splitlines()]
    >>> [line["epoch"] for line in lines]
    [1, 2]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(path)
        self.begun = False

    def on_start(self, training: Training) -> None:
        """Begin a new file."""
        self.begun = False

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        """Write a line."""
        # A resumed training already has epochs: the file is written anew, with all of them.
        first = len(history) - 1 if self.begun else 0
        text = "".join(
            json.dumps({"epoch": k + 1, **_finite(asdict(history[k]))}) + "\n"
            for k in range(first, len(history))
        )
        if not self.begun:
            write_whole(self.path, text.encode())
            self.begun = True
            return
        try:
            with self.path.open("a") as file:
                file.write(text)
        except OSError as error:
            raise FileError(f"{self.path} cannot be written ({error.strerror})") from error


def _finite(numbers: dict[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in numbers.items()}


class TensorBoard(Callback):
    """Log the numbers of each epoch for TensorBoard, which must be installed separately.

    Parameters
    ----------
    folder : path
        TensorBoard's log folder of this training.

    Raises
    ------
    MissingExtraError
        When the training starts, if tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = as_path(folder)
        self.writer: Any = None

    def on_start(self, training: Training) -> None:
        """Open the log."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError(
                "drlim.callbacks.TensorBoard needs the package 'tensorboard', which is not "
                "installed: pip install tensorboard"
            ) from None
        self.writer = SummaryWriter(str(self.folder))

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        """Log each number under its name."""
        for name, value in asdict(history[-1]).items():
            self.writer.add_scalar(name, value, len(history))

    def on_end(self) -> None:
        """Close the log."""
        self.writer.close()
        self.writer = None


class PlotEpochs(Callback):
    """Draw the map of some samples every few epochs, as ``epoch-0010.png``.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    X : ndarray of shape (n_samples, ...)
        The samples to draw; held-out ones show what generalises. The map must have two components.
    labels : array-like of shape (n_samples,)
        At most eight values, for colour.
    every : int, default=1
        Epochs from one picture to the next.

    Raises
    ------
    InputError
        If a value breaks its rule.
    MissingExtraError
        If matplotlib is not installed.
    """

    def __init__(
        self, folder: str | os.PathLike[str], X: np.ndarray, labels: Any, *, every: int = 1
    ) -> None:
        check_count(every, "every")
        self.X, self.labels = np.asarray(X), np.asarray(labels)
        if self.labels.shape != (len(self.X),):
            raise InputError(
                f"labels have the shape {self.labels.shape} and there are {len(self.X)} samples "
                "to draw; give one label per sample"
            )
        self.folder, self.every = as_path(folder), every
        self.training: Training | None = None

    def on_start(self, training: Training) -> None:
        """Make the folder."""
        self.training = training
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"{self.folder} cannot be made ({error.strerror})") from None

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        """Draw the map every few epochs."""
        epoch = len(history)
        if epoch % self.every:
            return
        from drlim import plotting

        assert self.training is not None
        Z = self.training.embed(self.X)
        if Z.shape[1] != 2:
            raise InputError(
                f"the map has {Z.shape[1]} components and a picture has 2; draw it after training, "
                "or give n_components=2"
            )
        if not np.isfinite(Z).all():  # the training warns of that
            return
        figure = plotting.scatter(
            Z,
            self.labels,
            label_name="label",
            title=f"Epoch {epoch}",
            caption=f"{len(Z)} samples after epoch {epoch}; loss {history[-1].loss:.4g} a sample.",
        )
        write_whole(self.folder / f"epoch-{epoch:04}.png", plotting.render(figure, "png"))

    def on_end(self) -> None:
        """Release the network."""
        self.training = None
