"""`DrLIM`: the method as a scikit-learn estimator. It validates and wires; it computes nothing."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from numbers import Real
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data
from torch import nn

from drlim import _codec, losses, networks
from drlim._applying import (
    blocks,
    numbers,
    points_of,
)
from drlim._assembling import assembled, plain, standardisation_of, start_along_components
from drlim._checks import as_array, check_count, check_unmasked, is_number
from drlim._codec import PARAMETERS, MapContent
from drlim._devices import device_named, device_of
from drlim._directions import by_direction
from drlim._errors import DataWarning, InputError, warn
from drlim._onnx import Program
from drlim._plan import N_DISSIMILAR_OF_NEIGHBORS, Plan, pull_of
from drlim._random import RandomState, Streams, streams
from drlim._scaling import Scaling, in_unit
from drlim._selection import Chosen, choose
from drlim._similar import check_graph, is_said, similar
from drlim._sparse import Samples, SparseRows, is_sparse
from drlim._torch_state import torch_defaults
from drlim._training_progress import Progress
from drlim.checkpoints import Checkpoint, _fingerprint, _OpenCheckpoint
from drlim.graphs import SimilarityGraph
from drlim.losses._build import build_loss
from drlim.losses._springs import check_margin
from drlim.networks import _builders
from drlim.networks._backbone import weights_follow
from drlim.networks._features import divided, mapped
from drlim.networks._learning_part import LearningPart, learning_part
from drlim.networks._wide import wide_part
from drlim.pairs import PairSampler
from drlim.training import Callback, Pinned, Selection

__all__ = ["DrLIM"]


class DrLIM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Learn a map from similarity alone: Dimensionality Reduction by Learning an Invariant Mapping.

    Similar samples are pulled together and dissimilar ones pushed apart until they are a margin
    away (Hadsell, Chopra, LeCun, CVPR 2006). The map is a function, a network, so new samples are
    mapped without training again.

    Parameters
    ----------
    n_components : int, default=2
        Dimensions of the map.
    n_neighbors : int, default=5
        Nearest neighbours that are similar if `fit` is given neither a graph nor labels. They
        are searched for in the unit that the map gives each feature (see `network`).
    margin : float, default=1.0
        The radius within which dissimilar points repel: the map's unit of length. It sets the
        scale of the map and, with a linear last layer, nothing else; see `n_dissimilar`.
    n_dissimilar : "all" or float, optional
        The balance of the springs. "all" is the paper's sum, in which every pair that is not
        similar counts once. With a number, all dissimilar pairs together count as much as that
        many pairs per similar pair; a smaller one lets similar points come closer together.
        None: 10, and 2 where the nearest neighbours in X alone say who is similar.
    loss : str or callable, default="contrastive"
        The two partial losses (eq. 2): "contrastive" (eq. 4), "double-margin", "heavy-tailed"
        or "logistic" (see `drlim.losses`), or a callable ``margin -> PairLoss``.
        A loss of pytorch-metric-learning: `drlim.losses.from_metric_learning`.
    network : None, str or callable, default=None
        A builder ``(sample_shape, n_components) -> nn.Module``, or the name of one of drlim's:
        "lenet", "mlp", "sphere", "paper_mlp", "deforming_mlp", "linear", "convnet". None: the
        paper's `drlim.networks.lenet` for images of 28 x 28, `drlim.networks.convnet` for other
        images from 8 x 8 if there are 5,000 or more, or if they are augmented, and otherwise
        `drlim.networks.mlp`; of classes in 64 features and 8 dimensions or more
        `drlim.networks.sphere`, if the angles between samples order their pairs much better than
        the distances. Further arguments of a builder are parameters of the map, such as
        ``network__hidden``: see `set_params`. So is the unit of each feature, ``network__scale``,
        which is inferred from the samples: a unit for each column of a table in several units,
        else one for all. See `drlim.networks.scaled`.
    max_epochs : int or drlim.training.Selection, optional
        Passes over all similar pairs, or over a million of them if there are many more (see
        `drlim.pairs.PairSampler`). 0 leaves the network untrained, as a baseline. None: as many
        batches as the samples need, whatever their number of pairs: 20 times the square root of
        the number of samples, from 150 to 5,000. Of up to 2,000 labelled samples some are then
        set aside to choose how much of that is trained, and how strongly the map is held at its
        start; after that all are learnt from. A `Selection` says how they are set aside.
    batch_size : int, default=64
        Similar pairs drawn for a batch. Every pair among their points is used.
    learning_rate : float, optional
        The highest learning rate of the schedule (Adam). None: 0.001, and less for layers with
        more than 1,024 inputs, in proportion.
    augment : callable, optional
        ``(samples, generator) -> samples``: a random change of samples, drawn from the numpy
        generator, that the map learns to ignore. Each sample enters a batch as two independently
        changed copies, which are similar.
    callbacks : sequence of drlim.training.Callback, default=()
        Called after each epoch with the history so far; one that returns True ends the training.
        See `drlim.callbacks`.
    device : str, optional
        Where to compute, "cpu" or "cuda". None: "cpu". A graphics card also holds the samples in
        its memory, if they fit into a quarter of what is free there and are not augmented.
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
        Which samples were similar.
    history_ : list of drlim.training.Epoch
        Losses, share of active pairs and speed of each epoch.
    chosen_ : drlim._selection.Chosen or None
        The pull to the start and the share of the training that were best on samples set aside;
        None where nothing was chosen.
    scaling_ : Scaling or None
        The unit of each feature: ``scaling_.scale`` is "each", "one" or "none", with a reason
        (see `drlim.networks.scaled`). None for a map whose file was written by a version that had
        one unit for all.
    sample_shape_ : tuple of int
        The shape of one sample.
    n_features_in_ : int
        Features of a sample; the pixels of an image.
    feature_names_in_ : ndarray of str
        Names of the features, if X had names.
    annotations_ : dict
        Plain data and arrays that travel with the map in its file and are used neither to learn
        nor to map. `drlim.declaration` writes them.
    declaration_ : dict or None
        The annotation that says what the map was declared to ignore and to keep.
    trained_on_ : ndarray of shape (n_samples,), uint64, or None
        The annotation with the fingerprints of the training samples.

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
        n_dissimilar: float | str | None = None,
        loss: str | Callable[[float], losses.PairLoss | losses.PointLoss] = "contrastive",
        network: str | networks.Builder | None = None,
        max_epochs: int | Selection | None = None,
        batch_size: int = 64,
        learning_rate: float | None = None,
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep`, also the network's as ``network__...``."""
        params: dict[str, Any] = super().get_params(deep)
        if deep:
            inner = _builders.arguments_of(self.network)
            params |= {f"network__{name}": given for name, given in inner.items()}
        return params

    def set_params(self, **params: Any) -> DrLIM:
        """Set parameters; ``network__hidden`` sets the argument `hidden` of the network.

        The network must be a name or a builder; ``network__scale``, the unit of each feature
        (`drlim.networks.scaled`), can be set for any. A grid search can then vary its arguments:
        ``GridSearchCV(DrLIM(network="mlp"), {"network__hidden": [(20,), (64, 64)]})``.

        Raises
        ------
        InputError
            If the network takes no argument of that name, or is None.
        ValueError
            If there is no such parameter.

        Examples
        --------
        >>> DrLIM(network="mlp").set_params(network__hidden=(64,)).get_params()["network__hidden"]
        (64,)
        """
        prefix = "network__"
        inner = {name: params[name] for name in params if name.startswith(prefix)}
        super().set_params(**{name: params[name] for name in params if name not in inner})
        if inner:
            arguments = {name.removeprefix(prefix): given for name, given in inner.items()}
            self.network = networks.with_arguments(self.network, arguments)
        return self

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        graph: SimilarityGraph | None = None,
        dissimilar: SimilarityGraph | None = None,
        weight: Any = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        init: DrLIM | None = None,
        pinned: Pinned | tuple[Any, Any, float] | None = None,
        groups: Any = None,
    ) -> DrLIM:
        """Learn the map.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), (n, h, w) or (n, channels, h, w)
            The samples. A scipy sparse matrix stays sparse: only batches and blocks of its rows
            are made dense.
        y : array-like of shape (n_samples,), optional
            Labels, used if there is no graph: samples with the same label are similar. A sample
            labelled -1, or None among texts, is unlabelled, and similar to its nearest neighbours
            in X. With real numbers (a regression target), equal and near values are similar
            (`drlim.graphs.near_values`).
        graph : SimilarityGraph, optional
            Which samples are similar. None: given by `y`, and without `y` by the `n_neighbors`
            nearest neighbours in X.
        dissimilar : SimilarityGraph, optional
            Which samples are dissimilar. None: all pairs that are not similar (the paper's rule).
        weight : array-like of shape (n_edges,), optional
            The weight of each pair, > 0, in the order of ``graph.edges`` (with `dissimilar`, of
            ``(graph | dissimilar).edges``). None: all pairs have the same weight.
        checkpoint : path or Checkpoint, optional
            A folder in which the training is saved after each epoch, or as often as a
            `drlim.checkpoints.Checkpoint` sets.
        resume : bool, default=False
            Whether to continue from the newest checkpoint in that folder, if there is one. The map
            is then equal to the bit to that of an uninterrupted training, on the same machine with
            as many threads. With False, an unfinished training in the folder is an error.
        init : DrLIM, optional
            A fitted map to start from: its weights are the first ones, and its standardisation
            stays. With new data, also give `pinned` and a small `learning_rate`, or known samples
            move.
        pinned : (X_pinned, Z_pinned, weight) or drlim.training.Pinned, optional
            Samples, their points, and a number: each sample is held near its point by a spring
            ``½ weight |Z - Z_pinned|²``, whose mean is added to the loss per sample. The larger
            the weight, the less they move: with 100, by a few hundredths of the margin.
        groups : array-like of shape (n_samples,), optional
            Samples that are set aside together where settings are chosen (`max_epochs`), such as
            those of one source. None: each sample by itself.

        Returns
        -------
        DrLIM
            Itself.

        Raises
        ------
        InputError
            If a parameter or a value of X breaks its rule, or the checkpoint has other samples,
            another graph, other parameters or versions. It is a ValueError.
        FileError
            If the checkpoints cannot be written or read, or another training uses their folder.

        Warns
        -----
        DataWarning
            If all samples are equal, -1 in `y` looks like a class, few labels of `y` are equal,
            `y` has real numbers, or images seem to have their channels last.
        TrainingWarning
            If the map collapses or the loss is not finite.
        """
        self._check_parameters()
        if checkpoint is None and resume:
            raise InputError("resume=True needs the folder to resume from: checkpoint=folder")
        # In a copy, so that a fit that fails or is interrupted leaves this map as it was.
        learnt = copy.copy(self)
        with torch_defaults():
            learnt._fit_from(
                None if init is None else _start(init),
                X,
                y,
                max_epochs=self.max_epochs,
                graph=graph,
                dissimilar=dissimilar,
                weight=weight,
                checkpoint=checkpoint,
                resume=resume,
                pinned=pinned,
                groups=groups,
            )
        self._take_fitted(learnt)
        return self

    def _fit_from(
        self,
        start: nn.Sequential | None,
        X: Any,
        y: Any,
        *,
        max_epochs: int | Selection | None,
        graph: SimilarityGraph | None = None,
        dissimilar: SimilarityGraph | None = None,
        weight: Any = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        pinned: Pinned | tuple[Any, Any, float] | None = None,
        groups: Any = None,
    ) -> None:
        """Learn from the network of another map, or from a new one; the rest is as in `fit`."""
        X = self._validated(X, fitting=True)
        self.annotations_: dict[str, Any] = {}  # earlier ones are about another training
        self.scaling_: Scaling | None
        self.scaling_, standardize = standardisation_of(
            X,
            _builders.scaling_of(self.network),
            names=getattr(self, "feature_names_in_", ()),
            start=start,
            verbose=bool(self.verbose),
        )
        for given, name in ((graph, "graph"), (dissimilar, "dissimilar")):
            if given is not None:
                check_graph(given, len(X), name)
        random, device = streams(self.random_state), device_named(self.device)
        selection = max_epochs if isinstance(max_epochs, Selection) else Selection()
        groups = _groups(selection, y, groups, len(X))
        plan = self._plan(max_epochs, device, graph is None and y is None)
        n_fixed = None if self.augment else len(X)
        builder = _builders.resolve(self.network, self.sample_shape_, n_fixed)
        builder = _builders.completed(builder, X)
        if graph is None and (_builders.is_left_open(self.network) or is_said(y, len(X))):
            graph = similar(X, y, self.n_neighbors, standardize.numbers, verbose=bool(self.verbose))
        builder = by_direction(
            self.network,
            builder,
            X,
            graph,
            dissimilar,
            self.n_components,
            standardize.numbers,
            start=start,
            verbose=bool(self.verbose),
        )
        self.network_ = assembled(
            builder,
            standardize,
            X,
            self.n_components,
            seed=random.init,
            device=device,
            start=start,
            learns=plan.max_epochs != 0,
        )
        part = learning_part(self.network_, X, self.augment, verbose=bool(self.verbose))
        if part.is_head:
            plan = plan.on_features(part.X)
        if graph is None:
            graph = similar(
                part.originals, y, self.n_neighbors, part.unit, verbose=bool(self.verbose)
            )
        self.graph_ = graph
        self._graph_summary = {"n_samples": len(X), "n_edges": self.graph_.n_edges}
        sampler = plan.sampler(self.graph_, dissimilar, weight)
        wide = None
        if start is None and pinned is None and self.augment is None and not part.is_head:
            wide = wide_part(self.network_, X, builder, self.n_components, random.init)
        if wide is not None:
            part = replace(part, network=wide.network, X=wide.X)
        if start is None:
            start_along_components(part.network, part.X, self.margin)
        if wide is not None:
            wide.write_into(self.network_[1])
        self._first_weights = copy.deepcopy(self.network_[1].state_dict())
        # Kept now: the parameter `network` may be set to another one after the fit.
        self._builder = builder
        self._network_description = _builders.describe(builder)
        self._n_features_out = self.n_components
        held = None if pinned is None else self._pinned(pinned)
        # Before the first batch, so that a folder that cannot be used costs no training.
        opened = self._opened(checkpoint, resume, X, sampler, weight, start, held)
        if held is not None and part.is_head:
            held = replace(held, X=part.features(held.X))
        whole = self.network_ if wide is None else wide.whole
        self._learn(
            plan, sampler, selection, groups, part, whole, random, opened, held, start is None
        )
        if wide is not None:
            wide.write_into(self.network_[1])
        self.network_.eval()
        learnt = part.network if wide is None else self.network_
        self.embedding_ = points_of(learnt, part.originals, self.n_components)

    def _plan(
        self, max_epochs: int | Selection | None, device: torch.device, is_near: bool
    ) -> Plan:
        """Return how the parameters say that the network is trained."""
        n_dissimilar = self.n_dissimilar
        if n_dissimilar is None and is_near:
            n_dissimilar = N_DISSIMILAR_OF_NEIGHBORS
        return Plan(
            loss=build_loss(self.loss, self.margin),
            margin=self.margin,
            n_dissimilar=n_dissimilar,
            batch_size=self.batch_size,
            max_epochs=max_epochs if isinstance(max_epochs, int | np.integer) else None,
            learning_rate=self.learning_rate,
            augment=self.augment,
            device=device,
        )

    def _learn(
        self,
        plan: Plan,
        sampler: PairSampler,
        selection: Selection,
        groups: np.ndarray | None,
        part: LearningPart,
        whole: nn.Sequential,
        random: Streams,
        opened: AbstractContextManager[_OpenCheckpoint | None],
        held: Pinned | None,
        is_new: bool,
    ) -> None:
        """Choose what is not given, if there is anything, and train the network."""
        progress = Progress(plan.n_epochs(sampler)) if self.verbose else nullcontext()
        with opened as checkpoints, progress as shown:
            self.chosen_: Chosen | None = None
            if checkpoints is not None and checkpoints.chosen is not None:
                self.chosen_ = Chosen(**checkpoints.chosen)
            resumed = checkpoints is not None and checkpoints.state is not None
            # Of neighbours and of numbers that run on, too few pairs are set aside to choose by.
            is_judged = isinstance(self.max_epochs, Selection) or self.graph_.groups is not None
            may_choose = is_new and not resumed and held is None and not sampler.is_weighted
            if may_choose and is_judged and plan.is_open:
                self.chosen_ = choose(
                    selection,
                    plan,
                    part.network,
                    part.X,
                    self.graph_,
                    sampler.dissimilar,
                    groups,
                    random_state=random.selection,
                    shown=shown,
                    is_asked=isinstance(self.max_epochs, Selection),
                )
                if checkpoints is not None and self.chosen_ is not None:
                    checkpoints.chosen = asdict(self.chosen_)
            pull, share = 0.0, 1.0
            if self.chosen_ is not None:
                pull, share = self.chosen_.pull, self.chosen_.share
            elif is_new and plan.max_epochs is None:
                is_default = not isinstance(self.max_epochs, Selection)
                is_labelled = is_default and self.graph_.groups is not None
                pull = pull_of(part.network, selection, self.graph_.n_samples if is_labelled else 0)
            self.history_ = plan.train(
                part.network,
                part.X,
                sampler,
                random,
                pull=pull,
                share=share,
                callbacks=self.callbacks or (),
                shown=shown,
                checkpoint=checkpoints,
                pinned=held,
                whole=whole,
            )

    def _take_fitted(self, learnt: DrLIM) -> None:
        """Take what a copy has learnt, all attributes at once; the parameters stay."""
        parameters = self._get_param_names()
        fitted = {name: value for name, value in vars(learnt).items() if name not in parameters}
        kept = {name: value for name, value in vars(self).items() if name in parameters}
        # One assignment, which an interrupt comes before or after.
        self.__dict__ = kept | fitted

    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        *,
        graph: SimilarityGraph | None = None,
        dissimilar: SimilarityGraph | None = None,
        weight: Any = None,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        resume: bool = False,
        init: DrLIM | None = None,
        pinned: Pinned | tuple[Any, Any, float] | None = None,
        groups: Any = None,
    ) -> Any:
        """Learn the map and return the embedding of the training samples.

        Parameters
        ----------
        X, y, graph, dissimilar, weight, checkpoint, resume, init, pinned, groups
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components), float32
        """
        self.fit(
            X,
            y,
            graph=graph,
            dissimilar=dissimilar,
            weight=weight,
            checkpoint=checkpoint,
            resume=resume,
            init=init,
            pinned=pinned,
            groups=groups,
        )
        return self.embedding_

    def transform(self, X: Any) -> Any:
        """Map samples: ``G_W(X)``.

        The point of a sample depends on that sample alone, not on the other rows, their number
        or their order.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), or scipy sparse matrix
            Raw samples, in the unit of the training samples.

        Returns
        -------
        ndarray of shape (n_samples, n_components), float32
        """
        check_is_fitted(self)
        Z = mapped(self.network_, self._validated(X, fitting=False), self._n_features_out)
        if not np.isfinite(Z).all():
            first = np.flatnonzero(~np.isfinite(Z).all(axis=1))[0]
            raise InputError(
                f"sample {first} has no finite point in the map: its values "
                "are too far from those of the training samples, or the training failed "
                "(see the losses in history_)"
            )
        return Z

    def _in_unit(self, X: np.ndarray) -> np.ndarray:
        """Return samples in the unit of the map, as far as it changes which are near."""
        standardize = plain(self.network_)[0]
        assert isinstance(standardize, networks.Standardize)
        return np.asarray(in_unit(X, *standardize.numbers))

    def partial_fit(self, X: Any, y: Any = None, *, graph: SimilarityGraph | None = None) -> DrLIM:
        """Make one more pass over some samples, starting from the present map.

        The standardisation of the first samples and the map's unit stay. Samples that are not
        among these move too; `fit` with `init` and `pinned` holds them in place.

        Parameters
        ----------
        X, y, graph
            As for `fit`. Without a fitted map, this is the first pass.

        Returns
        -------
        DrLIM
            Itself; `embedding_` and `graph_` are those of these samples, and `history_` has one
            more epoch.

        Raises
        ------
        InputError
            As for `fit`, or if the samples have another shape than earlier ones.
        """
        fitted = hasattr(self, "network_")
        if fitted:
            self._validated(X, fitting=False)
        self._check_parameters()
        earlier = self.history_ if fitted else []
        learnt = copy.copy(self)
        with torch_defaults():
            learnt._fit_from(_start(self) if fitted else None, X, y, max_epochs=1, graph=graph)
        learnt.history_ = [*earlier, *learnt.history_]
        self._take_fitted(learnt)
        return self

    @property
    def declaration_(self) -> dict[str, Any] | None:
        """What the map was declared to ignore and to keep, as plain data; None if it was not."""
        return self.annotations_.get("declaration")

    @property
    def trained_on_(self) -> np.ndarray | None:
        """Fingerprints of the training samples, uint64; None for a map that was not declared."""
        return self.annotations_.get("trained_on")

    def untrained(self) -> DrLIM:
        """Return the map as it was before training: its network with its first weights.

        What this map shows is due to the samples and the architecture, not to the training.

        Returns
        -------
        DrLIM
            Fitted, with the standardisation of this map. A map that was read from a file gets
            other first weights from the same distribution.
        """
        check_is_fitted(self)
        map_ = copy.copy(self)
        seed = 0 if self.random_state is None else self.random_state
        first, learnt = getattr(self, "_first_weights", None), plain(self.network_)
        is_known = first is not None or divided(learnt) is not None
        with torch_defaults(), weights_follow() if is_known else nullcontext():
            built = _builders.build(
                self._builder, self.sample_shape_, self._n_features_out, streams(seed).init
            )
        if first is not None:
            built.load_state_dict(first)
        elif is_known:  # what is frozen is as it was
            built.get_submodule("0").load_state_dict(learnt[1].get_submodule("0").state_dict())
        map_.network_ = nn.Sequential(
            plain(self.network_)[0], built.to(device_of(self.network_))
        ).eval()
        map_.history_ = []
        return map_

    def save(self, path: str | os.PathLike[str], *, program: bool = False) -> None:
        """Write the map to one file, which `drlim.load` reads.

        The same map gives the same bytes. The file has neither the training embedding nor what
        only training needs (callbacks, `augment`).

        Parameters
        ----------
        path : path
            The file, by convention ``*.drlim``.
        program : bool, default=False
            Whether to store the network also as a program (ONNX, needs the extra ``onnx``), so
            that a map with a network of your own can be applied where its builder is not
            available.

        Raises
        ------
        FileError
            If the file cannot be written.
        InputError
            If the network cannot be translated to an equivalent program, or a parameter was set
            after the fit to what the map does not have.
        """
        check_is_fitted(self)
        self._check_parameters()
        if self.n_components != self._n_features_out:
            raise InputError(
                f"n_components was set to {self.n_components} after the fit, and the map has "
                f"{self._n_features_out}; fit again, or set it back"
            )
        with torch_defaults():
            _codec.write(path, self._content(), program=program)

    def _content(self) -> MapContent:
        """Return what a map file holds of this map."""
        return MapContent(
            parameters={
                **{name: getattr(self, name) for name in (*PARAMETERS, "loss", "network")},
                "max_epochs": self.max_epochs if is_number(self.max_epochs) else None,
            },
            network=plain(self.network_),
            builder=self._builder,
            network_description=self._network_description,
            scaling=self.scaling_,
            sample_shape=self.sample_shape_,
            n_features=self.n_features_in_,
            feature_names=list(getattr(self, "feature_names_in_", ())),
            graph_summary=self._graph_summary,
            history=self.history_,
            annotations=self.annotations_,
        )

    @classmethod
    def _from_content(cls, content: MapContent) -> DrLIM:
        """Return the fitted map that a map file holds, without its training embedding."""
        map_ = cls(**content.parameters)
        map_.network_ = content.network
        map_._builder = content.builder
        map_._network_description = content.network_description
        map_.scaling_ = content.scaling
        map_._n_features_out = map_.n_components
        map_._graph_summary = content.graph_summary
        map_.sample_shape_ = content.sample_shape
        map_.n_features_in_ = content.n_features
        if content.feature_names:
            map_.feature_names_in_ = np.array(content.feature_names, dtype=object)
        map_.history_ = content.history
        map_.annotations_ = content.annotations
        return map_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = True
        return tags

    def _check_parameters(self) -> None:
        least = {"n_components": 1, "n_neighbors": 1, "batch_size": 1}
        for name, bound in least.items():
            check_count(getattr(self, name), name, bound)
        if self.max_epochs is not None and not isinstance(self.max_epochs, Selection):
            check_count(self.max_epochs, "max_epochs", 0)
        check_margin(self.margin)
        rate = self.learning_rate
        if rate is not None and not (is_number(rate) and rate > 0):
            raise InputError(f"learning_rate is {rate!r}; it must be a finite number > 0, or None")
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

    def _validated(self, X: Any, *, fitting: bool) -> Samples:
        """Return checked samples; set `sample_shape_`, or compare with it."""
        try:
            X = self._checked_by_sklearn(X, fitting=fitting)
        except ValueError as error:
            reason = str(error)
            first = reason.splitlines()[0]
            if "NaN" in first or "infinity" in first:  # its advice is for other estimators
                reason = f"{first} A map needs finite numbers: drop those samples or fill them in."
            raise InputError(reason) from None
        if fitting:
            if len(X) < 2:
                raise InputError(
                    "Found array with 1 sample; a map is learnt from pairs, so at least 2 "
                    "samples are needed"
                )
            self.sample_shape_ = X.shape[1:]
            if all((block == X[:1]).all() for block in blocks(X)):
                warn(
                    f"all {len(X)} samples are equal, so the map has one point; is this the "
                    "right data?",
                    DataWarning,
                )
        elif X.shape[1:] != self.sample_shape_:
            raise InputError(
                f"samples have the shape {X.shape[1:]} and the map was learnt from samples of "
                f"{self.sample_shape_}; give X as (n_samples, "
                f"{', '.join(map(str, self.sample_shape_))})"
            )
        return X

    def _checked_by_sklearn(self, X: Any, *, fitting: bool) -> Samples:
        check_unmasked(X, "X")
        if (X if hasattr(X, "ndim") else np.asarray(X)).ndim > 2:
            # scikit-learn's own checks of features are made for tables; images have a shape.
            checked = check_array(X, allow_nd=True, dtype="numeric", estimator=self)
            if fitting:
                self.n_features_in_ = math.prod(checked.shape[1:])
                if hasattr(self, "feature_names_in_"):
                    del self.feature_names_in_
        else:
            # A frame is compared by the names of its columns; an array is taken by position,
            # about which scikit-learn would warn.
            has_names = hasattr(X, "columns") or hasattr(X, "__dataframe__")
            estimator = self if fitting or has_names else _without_names(self)
            checked = validate_data(
                estimator, X, reset=fitting, dtype="numeric", accept_sparse="csr"
            )
        return SparseRows(checked) if is_sparse(checked) else np.asarray(checked)

    def _pinned(self, pinned: Any) -> Pinned:
        """Check samples to be held, against this map's shapes."""
        if isinstance(pinned, Pinned):
            pinned = (pinned.X, pinned.Z, pinned.weight)
        try:
            X, Z, weight = pinned
        except (TypeError, ValueError):
            raise InputError(
                f"pinned is a {type(pinned).__name__}; it must be (X_pinned, Z_pinned, weight): "
                "samples, the points they are held near, and a number"
            ) from None
        X = self._validated(X, fitting=False)
        Z = as_array(Z, "Z_pinned")
        if Z.shape != (len(X), self.n_components) or Z.dtype.kind not in "fiu":
            raise InputError(
                f"Z_pinned has the shape {Z.shape} and the dtype {Z.dtype}; it must have one point "
                f"per sample, ({len(X)}, {self.n_components})"
            )
        if not np.isfinite(Z).all():
            raise InputError("Z_pinned has NaN or infinite values; points must be finite")
        if not isinstance(weight, Real) or not 0 < float(weight) < math.inf:
            raise InputError(f"the weight of pinned is {weight!r}; it must be a finite number > 0")
        return Pinned(numbers(X[:]), Z.astype(np.float32), float(weight))

    def _opened(
        self,
        checkpoint: str | os.PathLike[str] | Checkpoint | None,
        resume: bool,
        X: Samples,
        sampler: PairSampler,
        weight: Any,
        init: nn.Module | None,
        pinned: Pinned | None,
    ) -> AbstractContextManager[_OpenCheckpoint | None]:
        """Open the folder of checkpoints, which is known by all that determines the training."""
        if checkpoint is None:
            return nullcontext()
        if not isinstance(checkpoint, Checkpoint):
            checkpoint = Checkpoint(checkpoint)
        graph, apart, seed = sampler.graph, sampler.dissimilar, self.random_state
        parameters = {name: getattr(self, name) for name in (*PARAMETERS, "loss", "augment")}
        if isinstance(self.max_epochs, Selection):
            parameters["max_epochs"] = asdict(self.max_epochs)
        fingerprint = _fingerprint(
            {
                **parameters,
                "network": self._network_description,
                "scale": self.scaling_ and self.scaling_.scale,
                # A generator has moved on since; the checkpoint itself holds its state.
                "random_state": int(seed) if isinstance(seed, int | np.integer) else None,
            },
            {
                "samples": X.parts if isinstance(X, SparseRows) else X,
                # The edges of large groups need not be written out to name the graph.
                "graph": graph.edges if graph.groups is None else graph.groups,
                "dissimilar": None if apart is None else apart.edges,
                "weight": None if weight is None else np.asarray(weight),
                "init": None if init is None else list(init.state_dict().values()),
                "pinned": None if pinned is None else [pinned.X, pinned.Z, pinned.weight],
            },
        )
        return checkpoint._opened(fingerprint, resume)


def _groups(selection: Selection, y: Any, groups: Any, n_samples: int) -> np.ndarray | None:
    """Return which samples are set aside together; None if each by itself."""
    if groups is not None:
        groups = as_array(groups, "groups")
        if groups.shape != (n_samples,):
            raise InputError(
                f"groups has the shape {groups.shape} and X has {n_samples} samples; groups must "
                "have one value per sample, (n_samples,)"
            )
        return groups
    if selection.by == "groups":
        return None
    if y is None:
        raise InputError(
            "max_epochs sets labels aside and there is no y; give y, or groups= with what is set "
            "aside together"
        )
    return as_array(y, "y")


def _without_names(map_: DrLIM) -> DrLIM:
    """Return a shallow copy of a map that knows the number of its features, not their names."""
    copied = copy.copy(map_)
    if hasattr(copied, "feature_names_in_"):
        del copied.feature_names_in_
    return copied


def _start(init: Any) -> nn.Sequential:
    """Return a copy of another map's network, before anything of that map can change."""
    if not isinstance(init, DrLIM):
        raise InputError(f"init is a {type(init).__name__}; it must be a fitted DrLIM")
    check_is_fitted(init)
    network = plain(init.network_)
    if isinstance(network[1], Program):
        raise InputError(
            "init was read with its program and without its network, so it cannot be trained; "
            "give the builder: drlim.load(path, network=...)"
        )
    # A map can start from itself, so the copy is made before its attributes are replaced.
    started: nn.Sequential = copy.deepcopy(network).cpu()
    return started
