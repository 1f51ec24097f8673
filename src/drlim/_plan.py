"""How a network is trained: what a map was given, and what follows from the samples where not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from drlim._applying import lookup
from drlim._history import Epoch
from drlim._random import Streams
from drlim._sparse import Samples
from drlim._training_progress import Progress
from drlim.checkpoints import _OpenCheckpoint
from drlim.graphs import SimilarityGraph
from drlim.losses import PairLoss, PointLoss
from drlim.networks import AlongComponents
from drlim.networks._learning_part import FeatureCopies
from drlim.pairs import PairSampler
from drlim.training import Pinned, Selection, train

# Dimensions from which little is gained by more: to read numbers off a map, and to tell apart
# classes or samples. Two can be looked at.
COMPONENTS_FOR_NUMBERS, COMPONENTS_FOR_CLASSES = 8, 32

# A training whose length is chosen is divided into this many epochs, if the pairs suffice.
_N_EPOCHS = 20


@dataclass(frozen=True)
class Plan:
    """How a network is trained on samples and their pairs.

    Attributes
    ----------
    loss : PairLoss or PointLoss
    margin : float
    n_dissimilar : float, "all" or None
        None: by the kind of graph.
    batch_size : int
    max_epochs : int or None
        None: by the number of samples.
    learning_rate : float or None
        None: 0.001, and less for layers with very many inputs.
    augment : callable or None
    device : torch.device
    has_copies : bool
        Whether each sample has changed copies already, of which one is drawn each time.
    """

    loss: PairLoss | PointLoss
    margin: float
    n_dissimilar: float | str | None
    batch_size: int
    max_epochs: int | None
    learning_rate: float | None
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None
    device: torch.device
    has_copies: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anything is left to choose: the length of a training that changes no samples."""
        return self.max_epochs is None and self.augment is None

    def on_features(self, X: Any) -> Plan:
        """Return the plan for features of samples, whose changed copies are among them."""
        return replace(self, augment=None, has_copies=isinstance(X, FeatureCopies))

    def sampler(
        self, graph: SimilarityGraph, dissimilar: SimilarityGraph | None, weight: Any = None
    ) -> PairSampler:
        """Return what draws the batches."""
        most_batches = None
        if self.max_epochs is None:
            most_batches = math.ceil(n_steps_for(graph.n_samples) / _N_EPOCHS)
        return PairSampler(
            graph,
            self.batch_size,
            dissimilar=dissimilar,
            n_dissimilar=(
                n_dissimilar_for(graph) if self.n_dissimilar is None else self.n_dissimilar
            ),
            weight=weight,
            # A map learns to ignore a change from two independently changed copies of a sample.
            n_copies=1 if self.augment is None and not self.has_copies else 2,
            most_batches=most_batches,
        )

    def n_epochs(self, sampler: PairSampler) -> int:
        """Return how many epochs the training has."""
        if self.max_epochs is not None:
            return self.max_epochs
        return math.ceil(n_steps_for(sampler.graph.n_samples) / sampler.n_batches)

    def train(
        self,
        network: nn.Module,
        X: Samples | FeatureCopies,
        sampler: PairSampler,
        random: Streams,
        *,
        pull: float,
        share: float = 1.0,
        callbacks: Sequence[Any] = (),
        shown: Progress | None = None,
        label: str = "epoch",
        checkpoint: _OpenCheckpoint | None = None,
        pinned: Pinned | None = None,
        whole: nn.Module | None = None,
    ) -> list[Epoch]:
        """Train the network in place, for a share of the epochs."""
        n_epochs = math.ceil(share * self.n_epochs(sampler))
        if shown is not None:
            shown.begin(label, n_epochs, n_epochs * sampler.n_batches)
            callbacks = [*callbacks, shown]
        if isinstance(X, FeatureCopies):
            fetch = X.drawn(random.batches, self.device)
        else:
            # Samples are augmented as arrays, in main memory.
            fetch = lookup(X, self.device if self.augment is None else torch.device("cpu"))
        return train(
            network,
            self.loss,
            sampler,
            fetch=fetch,
            max_epochs=n_epochs,
            learning_rate=self.learning_rate,
            margin=self.margin,
            pull=pull,
            random_state=random,
            augment=self.augment,
            callbacks=callbacks,
            checkpoint=checkpoint,
            pinned=pinned,
            whole=whole,
        )


def n_steps_for(n_samples: int) -> int:
    """Return how many batches a training has whose length is not given.

    It grows as the square root of the samples, whatever their number of pairs: from 150 for
    fewer than 56 samples to 5,000 for 62,500 and more.
    """
    return int(np.clip(round(20 * math.sqrt(n_samples)), 150, 5_000))


# The balance where the nearest samples are similar. With 10, neighbourhoods of digits that are held
# out are kept less well in two dimensions (trustworthiness 0.877 for 0.898).
N_DISSIMILAR_OF_NEIGHBORS = 2.0


def n_dissimilar_for(graph: SimilarityGraph) -> float | str:
    """Return the balance of the springs where none is given; without a similar pair there is none.

    With the paper's sum, "all", dissimilar pairs push a thousand times as much in a graph of few
    neighbours as in one of two large classes.
    """
    return 10.0 if graph.n_edges else "all"


# With more samples, a choice of the pull decides little and takes long.
MOST_TO_CHOOSE_BY = 2_000


# From more labelled samples on, a pull that is not chosen falls in proportion.
_MOST_AT_FULL_PULL = 4_000


def pull_of(network: nn.Sequential, selection: Selection, n_labelled: int = 0) -> float:
    """Return the pull to the start where none is chosen: none where the start is random.

    The more labelled samples there are, the less: with 80,000 rows of a table, a pull of 1 gave an
    accuracy of 0.948 and none 0.976; with 3,200 noisy ones, 0.60 and 0.55.
    """
    if not isinstance(network[1], AlongComponents):
        return 0.0
    return selection.pulls[0] * min(1.0, _MOST_AT_FULL_PULL / max(n_labelled, 1))
