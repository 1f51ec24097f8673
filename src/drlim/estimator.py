"""`DrLIM`: the method as a scikit-learn estimator. It validates and wires; it computes nothing."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import nn

from drlim import losses, networks
from drlim._errors import DataWarning, FileError, InputError
from drlim._progress import Progress
from drlim._random import RandomState, streams
from drlim._version import __version__
from drlim.graphs import SimilarityGraph, neighbors, same
from drlim.pairs import PairSampler
from drlim.persistence import read_map, write_map
from drlim.training import Callback, Epoch, train

# Rows that pass through the network at once when a map is applied: as many as stay in the cache.
# The last block is filled up with zeros, to this or to a smaller power of two, 16 at least: a
# product of very few rows adds up their terms in another order, and a row's image must not depend
# on how many rows came with it.
_TRANSFORM_ROWS, _LEAST_ROWS = 256, 16

# Numbers of X that are looked at together before training (64 MiB in float64), so that samples
# may lie on disk, in a memory map, and be more than memory holds.
_BLOCK_NUMBERS = 8_388_608


class DrLIM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Learn a map from similarity alone: Dimensionality Reduction by Learning an Invariant Mapping.

    Similar samples are pulled together and dissimilar ones pushed apart until they are a margin
    away (Hadsell, Chopra, LeCun, CVPR 2006). What is learnt is a function, a network, so new
    samples are mapped without training again.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions of the map.
    n_neighbors : int, default=5
        Nearest neighbours that are similar, where `fit` is given neither a graph nor labels.
    margin : float, default=1.0
        The radius within which dissimilar points repel: the map's unit of length. It sets the
        scale of the map and, with a linear last layer, nothing else; see `n_dissimilar`.
    n_dissimilar : "all" or float, default="all"
        The balance of the springs. "all" is the paper's sum: every pair that is not similar
        counts once. A number: the dissimilar pairs together count as much as that many for
        each similar pair would; fewer let similar points come nearer to each other.
    loss : str or callable, default="contrastive"
        The two partial losses: "contrastive" (eq. 4), or a callable ``margin -> PairLoss``
        (eq. 2, see `drlim.losses.PairLoss`).
    network : None, str or callable, default=None
        A builder ``(sample_shape, n_components) -> nn.Module``, or the name of one of drlim's:
        "lenet", "mlp", "linear". None: the paper's `drlim.networks.lenet` for images of
        28 x 28, else an `drlim.networks.mlp` with two layers of 256 units.
    max_epochs : int, default=50
        Passes over all similar pairs; 0 leaves the network untrained, as a baseline.
    batch_size : int, default=64
        Similar pairs drawn for a batch; every pair among its points is used.
    learning_rate : float, default=0.004
        The highest learning rate of the schedule (Adam).
    augment : callable, optional
        ``(samples, generator) -> samples``: a random change made to each sample whenever it is
        drawn, from the numpy generator, which the map learns to ignore: every sample of a batch
        stands in it twice, changed independently, and the two are similar.
    callbacks : sequence of drlim.training.Callback, default=()
        Told of every epoch, with the history so far; one that returns True ends the training.
    device : str, optional
        Where to compute, "cpu" or "cuda". None: "cpu".
    random_state : int, numpy Generator or RandomState, optional
        An int makes the fit repeatable to the bit, on one machine with the same versions.
    verbose : int, default=0
        1 shows the progress of training: a bar in a terminal, lines of text elsewhere.

    Attributes
    ----------
    embedding_ : ndarray of shape (n_samples, n_components), float32
        The map of the training samples, as `transform` gives it.
    network_ : torch.nn.Module
        G_W: raw samples to points, their standardisation included.
    graph_ : SimilarityGraph
        The graph that was learnt from.
    history_ : list of drlim.training.Epoch
        Losses, share of active pairs and speed of each epoch.
    sample_shape_ : tuple of int
        The shape of one sample.
    n_features_in_ : int
        Features of a sample; for images, their pixels.
    feature_names_in_ : ndarray of str
        Names of the features, where X had names.
    declaration_ : dict or None
        What the map was declared to ignore and to keep, as plain data, if it was
        (`drlim.declaration`).
    trained_on_ : ndarray of shape (n_samples,), uint64, or None
        Fingerprints of the training samples of a declared map.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> map_ = DrLIM(max_epochs=2, random_state=0).fit(X)
    >>> map_.transform(X[:3]).shape
    (3, 2)
    """

    def __init__(
        self,
        n_components: int = 2,
        n_neighbors: int = 5,
        margin: float = 1.0,
        n_dissimilar: float | str = "all",
        loss: str | Callable[[float], losses.PairLoss] = "contrastive",
        network: str | networks.Builder | None = None,
        max_epochs: int = 50,
        batch_size: int = 64,
        learning_rate: float = 4e-3,
        augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
        callbacks: Sequence[Any] | None = (),
        device: str | None = None,
        random_state: RandomState = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.margin = margin
        self.n_dissimilar = n_dissimilar
        self.loss = loss
        self.network = network
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.augment = augment
        self.callbacks = callbacks
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        graph: SimilarityGraph | None = None,
        dissimilar: SimilarityGraph | None = None,
        weight: Any = None,
    ) -> DrLIM:
        """Learn the map.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n, h, w) or (n, channels, h, w)
            The samples.
        y : array-like of shape (n_samples,), optional
            Labels, where there is no graph: samples of one label are similar. A label of -1 is
            unknown: such a sample is similar to its nearest neighbours in X. Real numbers
            (a regression target) make the nearest in y similar.
        graph : SimilarityGraph, optional
            Who is similar to whom. None: as `y` says, and without `y` the `n_neighbors` nearest
            neighbours in X.
        dissimilar : SimilarityGraph, optional
            Who is dissimilar. None: all that are not similar (the paper's rule).
        weight : array-like of shape (n_drawn,), optional
            What each pair counts, > 0, in the order of ``graph.edges`` (with `dissimilar`, of
            ``(graph | dissimilar).edges``). None: all count alike.

        Returns
        -------
        DrLIM
            Itself.

        Raises
        ------
        InputError
            If a parameter or a value of X breaks its rule; it is a ValueError.

        Warns
        -----
        DataWarning
            If all samples are equal.
        TrainingWarning
            If the map collapses or the loss is not finite.
        """
        self._check_parameters()
        X = self._validated(X, fitting=True)
        self.declaration_, self.trained_on_ = None, None
        self.graph_ = self._similar(X, y) if graph is None else _checked(graph, len(X), "graph")
        self._graph_summary = {"n_samples": len(X), "n_edges": self.graph_.n_edges}
        if dissimilar is not None:
            _checked(dissimilar, len(X), "dissimilar")
        sampler = PairSampler(
            self.graph_,
            self.batch_size,
            dissimilar=dissimilar,
            n_dissimilar=self.n_dissimilar,
            weight=weight,
            # Two copies of each sample, changed independently, are what a change is learnt
            # to be ignored from.
            n_copies=1 if self.augment is None else 2,
        )
        random = streams(self.random_state)
        device = _device(self.device)
        builder = networks.resolve(self.network, self.sample_shape_)
        self.network_ = nn.Sequential(
            networks.Standardize(*_centre_and_scale(X)),
            networks.build(builder, self.sample_shape_, self.n_components, random.init),
        ).to(device)
        if not list(self.network_.parameters()):
            raise InputError(
                "the network has no weights, so there is nothing to learn; the builder must "
                "return an nn.Module with parameters"
            )
        self._network_description = networks.describe(builder)
        self._n_features_out = self.n_components
        self._check_output(X)
        with ExitStack() as stack:
            callbacks = list(self.callbacks or ())
            if self.verbose:
                callbacks.append(stack.enter_context(Progress(self.max_epochs)))
            self.history_ = train(
                self.network_,
                losses.build(self.loss, self.margin),
                sampler,
                fetch=lambda rows: _numbers(X[rows]),
                max_epochs=self.max_epochs,
                learning_rate=self.learning_rate,
                margin=self.margin,
                random=random,
                augment=self.augment,
                callbacks=callbacks,
                device=device,
            )
        self.embedding_ = self._embed(X)
        return self

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        *,
        graph: SimilarityGraph | None = None,
        dissimilar: SimilarityGraph | None = None,
        weight: Any = None,
    ) -> Any:
        """Learn the map and return the embedding of the training samples; see `fit`."""
        return self.fit(X, y, graph=graph, dissimilar=dissimilar, weight=weight).embedding_

    def transform(self, X: Any) -> Any:
        """Map samples: ``G_W(X)``.

        A sample's point depends on nothing but the sample: not on the other rows, their number
        or their order.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Raw samples, in the unit of the training samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components), float32
        """
        check_is_fitted(self)
        return self._embed(self._validated(X, fitting=False))

    def untrained(self) -> DrLIM:
        """Return the same map as it was before training: its network with its first weights.

        What it shows without having learnt anything is due to the samples and the network's
        form, and no merit of the training.

        Returns
        -------
        DrLIM
            Fitted, with the standardisation of this map. Of a map that was read from a file,
            other first weights, drawn alike.
        """
        check_is_fitted(self)
        map_ = copy.copy(self)
        seed = 0 if self.random_state is None else self.random_state
        builder = networks.resolve(self.network, self.sample_shape_)
        built = networks.build(builder, self.sample_shape_, self.n_components, streams(seed).init)
        map_.network_ = nn.Sequential(self.network_[0], built.to(_device_of(self.network_))).eval()
        map_.history_ = []
        return map_

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to one file, to be read by `drlim.load`.

        The same map gives the same bytes. The training embedding and what was only needed to
        train (callbacks, `augment`) are not in it.

        Parameters
        ----------
        path : path
            The file; by habit it ends in ``.drlim``.
        """
        check_is_fitted(self)
        tensors = {name: t.cpu().numpy() for name, t in self.network_.state_dict().items()}
        if self.trained_on_ is not None:
            tensors[_TRAINED_ON] = self.trained_on_
        history = [
            {name: number for name, number in asdict(epoch).items() if name not in _TIMES}
            for epoch in self.history_
        ]
        description = {
            "written_by": f"drlim {__version__}, torch {torch.__version__}",
            "parameters": {name: getattr(self, name) for name in _PLAIN_PARAMETERS},
            "loss": self.loss
            if isinstance(self.loss, str)
            else {"custom": networks.name_of(self.loss)},
            "network": self._network_description,
            "sample_shape": list(self.sample_shape_),
            "n_features_in": self.n_features_in_,
            "feature_names_in": getattr(self, "feature_names_in_", np.array([])).tolist(),
            "graph": self._graph_summary,
            "history": history,
            "declaration": self.declaration_,
        }
        write_map(path, description, tensors)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        return tags

    def _check_parameters(self) -> None:
        least = {"n_components": 1, "n_neighbors": 1, "max_epochs": 0, "batch_size": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < bound:
                raise InputError(f"{name} is {value!r}; it must be an integer >= {bound}")
        losses.check_margin(self.margin)
        rate = self.learning_rate
        if not isinstance(rate, Real) or not (rate > 0 and math.isfinite(rate)):
            raise InputError(
                f"learning_rate is {self.learning_rate!r}; it must be a finite number > 0"
            )
        if self.augment is not None and not callable(self.augment):
            raise InputError(
                f"augment is a {type(self.augment).__name__}; it must be a callable "
                "(samples, generator) -> samples"
            )
        if not isinstance(self.callbacks or (), Sequence):
            raise InputError(
                f"callbacks is a {type(self.callbacks).__name__}; it must be a sequence of "
                "drlim.training.Callback"
            )
        for callback in self.callbacks or ():
            if not isinstance(callback, Callback):
                raise InputError(
                    f"callbacks has a {type(callback).__name__}; each must be a "
                    "drlim.training.Callback"
                )

    def _validated(self, X: Any, *, fitting: bool) -> np.ndarray:
        """Check samples; return them as they are, with sample_shape_ settled."""
        try:
            X = self._checked_by_sklearn(X, fitting=fitting)
        except ValueError as error:
            reason = str(error)
            first = reason.splitlines()[0]
            if "NaN" in first or "infinity" in first:  # what it then advises is not about maps
                reason = f"{first} A map needs finite numbers: drop those samples or fill them in."
            raise InputError(reason) from None
        if fitting:
            if len(X) < 2:
                raise InputError(
                    "Found array with 1 sample; a map is learnt from pairs, so at least 2 "
                    "samples are needed"
                )
            self.sample_shape_ = X.shape[1:]
            if all((block == X[:1]).all() for block in _blocks(X)):
                warnings.warn(
                    f"all {len(X)} samples are equal, so the map has one point; is this the "
                    "right data?",
                    DataWarning,
                    stacklevel=3,
                )
        elif X.shape[1:] != self.sample_shape_:
            raise InputError(
                f"samples have the shape {X.shape[1:]} and the map was learnt from samples of "
                f"{self.sample_shape_}; give X as (n_samples, "
                f"{', '.join(map(str, self.sample_shape_))})"
            )
        samples: np.ndarray = X
        return samples

    def _checked_by_sklearn(self, X: Any, *, fitting: bool) -> np.ndarray:
        if (X if hasattr(X, "ndim") else np.asarray(X)).ndim > 2:
            # scikit-learn's own bookkeeping of features is made for tables; images have a shape.
            checked = check_array(X, allow_nd=True, dtype="numeric", estimator=self)
            if fitting:
                self.n_features_in_ = math.prod(checked.shape[1:])
                if hasattr(self, "feature_names_in_"):
                    del self.feature_names_in_
        else:
            checked = validate_data(self, X, reset=fitting, dtype="numeric")
        return np.asarray(checked)

    def _similar(self, X: np.ndarray, y: Any) -> SimilarityGraph:
        if y is None:
            return neighbors(X, self.n_neighbors)
        y = np.asarray(y)
        if y.shape != (len(X),):
            raise InputError(
                f"y has the shape {y.shape} and X has {len(X)} samples; y must have one label a "
                "sample, (n_samples,)"
            )
        if y.dtype.kind == "f" and not np.isfinite(y).all():
            raise InputError(
                "y has NaN or infinite values; a sample whose label is not known has the label -1"
            )
        if type_of_target(y, input_name="y") == "continuous":
            return neighbors(y[:, None], self.n_neighbors)
        unknown = y == -1
        if not unknown.any():
            return same(y)
        known = np.flatnonzero(~unknown)
        by_label = SimilarityGraph.from_edges(known[same(y[known]).edges], len(X))
        near = neighbors(X, self.n_neighbors).edges
        return by_label | SimilarityGraph.from_edges(near[unknown[near].any(axis=1)], len(X))

    def _check_output(self, X: np.ndarray) -> None:
        """Embed two samples before training, so that a network that does not fit says so now."""
        with self._evaluating():
            Z = self._forward(_numbers(np.array(X[:2])), _device_of(self.network_))
        if Z.shape != (2, self.n_components):
            raise InputError(
                f"the network maps 2 samples to the shape {tuple(Z.shape)}; with n_components="
                f"{self.n_components} it must be (2, {self.n_components})"
            )

    def _embed(self, X: np.ndarray) -> np.ndarray:
        Z = np.empty((len(X), self.n_components), np.float32)
        device = _device_of(self.network_)
        with self._evaluating():
            for start in range(0, len(X), _TRANSFORM_ROWS):
                rows = _numbers(np.array(X[start : start + _TRANSFORM_ROWS]))
                n = len(rows)
                n_filled = max(_LEAST_ROWS, 1 << (n - 1).bit_length())
                if n < n_filled:
                    filler = np.zeros((n_filled - n, *rows.shape[1:]), rows.dtype)
                    rows = np.concatenate([rows, filler])
                Z[start : start + n] = self._forward(rows, device)[:n]
        return Z

    @contextlib.contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Let the network map and not learn, and leave each of its layers as it was."""
        was_training = [module for module in self.network_.modules() if module.training]
        self.network_.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            for module in was_training:
                module.training = True

    def _forward(self, rows: np.ndarray, device: torch.device) -> np.ndarray:
        Z: np.ndarray = self.network_(torch.from_numpy(rows).to(device)).cpu().numpy()
        return Z


# What is written as it is; the other parameters are code, or say how to compute.
_PLAIN_PARAMETERS = (
    "n_components",
    "n_neighbors",
    "margin",
    "n_dissimilar",
    "max_epochs",
    "batch_size",
    "learning_rate",
)


_TRAINED_ON = "trained_on"  # beside the weights, whose names all begin with a number

# What an epoch took is no part of the map: the same map must give the same bytes.
_TIMES = ("seconds", "pairs_per_second")


def load(path: str | os.PathLike[str], network: networks.Builder | None = None) -> DrLIM:
    """Read a map that `DrLIM.save` wrote.

    Nothing in the file is run. A map with one of drlim's own networks needs nothing else; for
    a network of your own, give its builder again.

    Parameters
    ----------
    path : path
        The file.
    network : callable, optional
        The builder ``(sample_shape, n_components) -> nn.Module`` of a network of your own.

    Returns
    -------
    DrLIM
        Fitted, without the training embedding.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or no map at all.
    InputError
        If the network is the user's own and not given, or does not fit the weights.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> map_ = DrLIM(max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     map_.save(pathlib.Path(folder) / "map.drlim")
    ...     again = load(pathlib.Path(folder) / "map.drlim")
    >>> bool((again.transform(X) == map_.transform(X)).all())
    True
    """
    description, tensors = read_map(path)
    try:
        sample_shape = tuple(description["sample_shape"])
        builder = networks.from_description(description["network"])
        if network is not None:
            builder = networks.resolve(network, sample_shape)
        if builder is None:
            raise InputError(
                f"{os.fspath(path)} holds the weights of a network of the user's own, "
                f"{description['network'].get('custom')}; give its builder: "
                "drlim.load(path, network=...)"
            )
        loss = description["loss"]
        if not isinstance(loss, str):  # the user's own: the map maps, but cannot be fitted again
            loss = f"the user's own, {loss['custom']}"
        map_ = DrLIM(**description["parameters"], loss=loss, network=builder)
        map_.sample_shape_ = sample_shape
        map_.n_features_in_ = description["n_features_in"]
        if description["feature_names_in"]:
            map_.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
        untimed = dict.fromkeys(_TIMES, math.nan)
        map_.history_ = [Epoch(**numbers, **untimed) for numbers in description["history"]]
        map_._n_features_out = map_.n_components
        map_._graph_summary = description["graph"]
        map_._network_description = description["network"]
        map_.declaration_ = description.get("declaration")
        map_.trained_on_ = tensors.pop(_TRAINED_ON, None)
        centre = tensors["0.centre"]
    except (KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{os.fspath(path)} lacks a part of a map: {error}; get it again") from None
    built = networks.build(builder, sample_shape, map_.n_components, seed=0)
    map_.network_ = nn.Sequential(networks.Standardize(np.zeros_like(centre), 1.0), built)
    try:
        map_.network_.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    except RuntimeError as error:
        raise InputError(
            f"the weights in {os.fspath(path)} do not fit the network that was given: {error}"
        ) from None
    map_.network_.eval()
    return map_


def _checked(graph: SimilarityGraph, n_samples: int, name: str) -> SimilarityGraph:
    if not isinstance(graph, SimilarityGraph):
        raise InputError(
            f"{name} is a {type(graph).__name__}; it must be a drlim.SimilarityGraph, see "
            "SimilarityGraph.from_edges and from_sparse"
        )
    if graph.n_samples != n_samples:
        raise InputError(
            f"{name} is about {graph.n_samples} samples and X has {n_samples}; both must be "
            "about the same samples"
        )
    return graph


def _device_of(network: nn.Module) -> torch.device:
    return next(iter(network.buffers())).device


def _device(name: str | None) -> torch.device:
    try:
        return torch.empty(0, device=name or "cpu").device
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"device is {name!r}, and torch has no such device here ({error}); give 'cpu'"
        ) from None


def _numbers(rows: np.ndarray) -> np.ndarray:
    """Return some samples in a type that torch computes with: bytes and floats as they are."""
    kind, size = rows.dtype.kind, rows.dtype.itemsize
    if (kind == "f" and size <= 8) or (kind == "u" and size == 1):
        return rows.astype(rows.dtype.newbyteorder("="), copy=False)
    return rows.astype(np.float64)


def _blocks(X: np.ndarray) -> Iterator[np.ndarray]:
    n = max(1, _BLOCK_NUMBERS // max(1, math.prod(X.shape[1:])))
    return (X[start : start + n] for start in range(0, len(X), n))


def _centre_and_scale(X: np.ndarray) -> tuple[np.ndarray, float]:
    """Find the centre of the samples (images: one grey for all pixels) and their one unit."""
    axes = 0 if X.ndim == 2 else None
    count = len(X) if X.ndim == 2 else X.size
    total = sum(block.sum(axis=axes, dtype=np.float64) for block in _blocks(X))
    centre = np.asarray(total / count)
    # By the largest value first: squares of very large and very small values then stay finite.
    largest = max(float(np.abs(block - centre).max()) for block in _blocks(X)) or 1.0
    squares = sum(float(np.square((block - centre) / largest).sum()) for block in _blocks(X))
    return centre, largest * math.sqrt(squares / X.size) or 1.0
