"""Choose how long a map is trained, and how strongly it is held at its start, on samples set aside.

What rewards the classes that are learnt can cost those that are never seen, and which setting is
best differs between data. So a few are tried on a part of the training samples, judged by the
order of the distances of pairs that were set aside, and the best one is then used on all samples.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from drlim._assembling import start_along_components
from drlim._directions import share_in_order
from drlim._errors import TrainingWarning, warn
from drlim._plan import MOST_TO_CHOOSE_BY, Plan
from drlim._random import generator, streams
from drlim._sparse import Samples
from drlim._training_progress import Progress
from drlim._types import Bool, Int
from drlim.graphs import SimilarityGraph
from drlim.networks import AlongComponents
from drlim.networks._backbone import Backbone
from drlim.networks._learning_part import FeatureCopies
from drlim.training import Callback, Epoch, Selection, Training

# With more numbers than this, a choice takes long.
_MOST_NUMBERS = 4_000_000

# Fewer similar pairs among the samples set aside do not tell one map from another.
_LEAST_SIMILAR = 10

# An error of the order that is larger by so little is as good: of two such trainings the longer
# one and the stronger pull are taken, which are less a matter of chance.
_AS_GOOD = 1.05

# Pairs of each kind that are measured after each epoch.
_MOST_PAIRS = 20_000


@dataclass(frozen=True)
class Chosen:
    """The settings that were best on pairs set aside.

    Attributes
    ----------
    pull : float
    share : float
        How much of the schedule is trained; 0 if no training was better than the start.
    score : float
        The probability that a similar pair set aside is nearer in the map than a dissimilar one.
    score_of_start : float
        The same, before any training.
    n_aside : int
        Samples that were set aside.
    """

    pull: float
    share: float
    score: float
    score_of_start: float
    n_aside: int

    def in_words(self) -> str:
        """Say what was chosen, in a sentence without its full stop."""
        measured = (
            f"{self.n_aside:,} samples set aside: a similar pair is nearer than a dissimilar one "
            f"in {self.score:.1%} of cases, and at the start in {self.score_of_start:.1%}"
        )
        if not self.share:
            return (
                "no training was better than the start, so the map is the start, along the "
                f"principal components ({measured}); give max_epochs to train in any case, more "
                "samples, or another network"
            )
        return f"pull {self.pull:g} and {self.share:.0%} of the training were best on {measured}"


def _is_selectable(network: nn.Sequential, X: Samples | FeatureCopies, is_asked: bool) -> bool:
    """Tell whether settings are chosen: for few samples, and a start that is worth staying at.

    With convolutions a training takes long, and there the choice gains least.
    """
    has_start = isinstance(network[1], AlongComponents)
    if is_asked and any(isinstance(layer, Backbone) for layer in network.modules()):
        return has_start
    is_quick = not any(isinstance(layer, nn.Conv2d) for layer in network.modules())
    n_numbers = len(X) * math.prod(X.shape[1:])
    return has_start and is_quick and len(X) <= MOST_TO_CHOOSE_BY and n_numbers <= _MOST_NUMBERS


def set_aside(
    n_samples: int, groups: np.ndarray | None, share: float, rng: np.random.Generator
) -> Bool[np.ndarray, " n_samples"]:
    """Return which samples are set aside, those of one group together; at least one group each."""
    if groups is not None and groups.dtype == object:  # None among texts, which has no order
        groups = groups.astype(str)
    codes = np.arange(n_samples) if groups is None else np.unique(groups, return_inverse=True)[1]
    n_groups = int(codes.max()) + 1
    n_aside = min(max(round(share * n_groups), 1), n_groups - 1)
    return np.isin(codes, rng.permutation(n_groups)[:n_aside])


def choose(
    selection: Selection,
    plan: Plan,
    network: nn.Sequential,
    X: Samples | FeatureCopies,
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    groups: np.ndarray | None,
    *,
    random_state: int,
    shown: Progress | None,
    is_asked: bool = False,
) -> Chosen | None:
    """Try a few settings on a part of the samples; None where nothing could be chosen by them.

    Parameters
    ----------
    selection : Selection
    plan : Plan
    network : nn.Sequential
        The network as assembled, which is copied.
    X, graph, dissimilar, groups
        All samples, their pairs, and which of them are set aside together.
    random_state : int
    shown : Progress, optional
    is_asked : bool
        Whether the user asked for it, so that a pretrained network that learns is tried too.

    Warns
    -----
    TrainingWarning
        If no training was better than the start.
    """
    if not selection.share or not _is_selectable(network, X, is_asked):
        return None
    rng = generator(random_state)
    aside, pairs = _set_apart(selection, graph, dissimilar, groups, rng)
    learnt = np.flatnonzero(~aside)
    part = graph.restrict(learnt)
    apart = None if dissimilar is None else dissimilar.restrict(learnt)
    if not pairs or not part.n_edges:
        return None
    sampler, n = plan.sampler(part, apart), len(selection.pulls)
    best: Chosen | None = None
    for number, pull in enumerate(selection.pulls, start=1):
        tried, judge = copy.deepcopy(network), _Judge(X, pairs)
        start_along_components(tried, X[learnt], plan.margin)
        # Each pull meets the same batches, so that nothing but the pull differs.
        random = streams(random_state)
        label = f"choosing on {int(aside.sum()):,} samples set aside, {number}/{n}, epoch"
        plan.train(
            tried,
            X[learnt],
            sampler,
            random,
            pull=pull,
            callbacks=[judge],
            shown=shown,
            label=label,
        )
        best_epoch = _last_of_the_best(judge.scores)
        share = best_epoch / (len(judge.scores) - 1)
        score = judge.scores[best_epoch]
        found = Chosen(pull, share, score, judge.scores[0], int(aside.sum()))
        if best is None or 1 - score <= _AS_GOOD * (1 - best.score):
            best = found
    if best is not None and not best.share:
        warn(best.in_words(), TrainingWarning)
    return best


def _last_of_the_best(scores: Sequence[float]) -> int:
    """Return the last epoch that is as good as the best; 0 only if none is better than it."""
    errors = 1 - np.array(scores)
    good = np.flatnonzero(errors <= _AS_GOOD * errors.min())
    return int(good[-1]) if errors.min() < errors[0] else 0


@dataclass(frozen=True)
class _Pairs:
    left: Int[np.ndarray, " n_pairs"]
    right: Int[np.ndarray, " n_pairs"]
    similar: Bool[np.ndarray, " n_pairs"]


def _set_apart(
    selection: Selection,
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    groups: np.ndarray | None,
    rng: np.random.Generator,
) -> tuple[Bool[np.ndarray, " n_samples"], list[_Pairs]]:
    """Return which samples are set aside, and the sets of pairs that a map is judged by.

    Where whole classes are set aside, so are samples of the other ones: a map that leaves its
    start as far as suits one of the two alone can fail at the other.
    """
    n = graph.n_samples
    aside = set_aside(n, groups, selection.share, rng)
    n_within = sum(graph.restrict(np.flatnonzero(part)).n_edges for part in (aside, ~aside))
    if graph.n_edges > n_within:
        judged = [_pairs_of(aside, aside, graph, dissimilar, rng)]
    else:
        of_others = ~aside & set_aside(n, None, selection.share, rng)
        judged = [
            _pairs_of(aside, aside | of_others, graph, dissimilar, rng),
            _pairs_of(of_others, of_others, graph, dissimilar, rng),
        ]
        aside = aside | of_others
    return aside, [pairs for pairs in judged if pairs is not None]


def _pairs_of(
    aside: Bool[np.ndarray, " n_samples"],
    others: Bool[np.ndarray, " n_samples"],
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    rng: np.random.Generator,
) -> _Pairs | None:
    """Return pairs of samples set aside and others or, where few are similar, with any sample."""
    rows = np.flatnonzero(aside)
    for columns in (np.flatnonzero(others), np.arange(len(aside))):
        left, right = (side.ravel() for side in np.meshgrid(rows, columns, indexing="ij"))
        once = (left != right) & ~(aside[right] & (right < left))
        left, right = left[once], right[once]
        similar = graph.has(left, right)
        other = ~similar if dissimilar is None else dissimilar.has(left, right)
        kinds = [np.flatnonzero(similar), np.flatnonzero(other)]
        if len(kinds[0]) >= _LEAST_SIMILAR and len(kinds[1]):
            kept = np.concatenate([_some(kind, rng) for kind in kinds])
            return _Pairs(left[kept], right[kept], similar[kept])
    return None


def _some(places: Int[np.ndarray, " n"], rng: np.random.Generator) -> Int[np.ndarray, " m"]:
    if len(places) <= _MOST_PAIRS:
        return places
    return rng.choice(places, _MOST_PAIRS, replace=False)


class _Judge(Callback):
    """Measures, before the training and after each epoch, how well distances order pairs."""

    def __init__(self, X: Samples | FeatureCopies, judged: Sequence[_Pairs]) -> None:
        rows = np.unique(np.concatenate([[pairs.left, pairs.right] for pairs in judged], axis=1))
        self.X = np.asarray(X[rows]) if isinstance(X, FeatureCopies) else X[rows]
        self.judged = [
            _Pairs(
                np.searchsorted(rows, pairs.left),
                np.searchsorted(rows, pairs.right),
                pairs.similar,
            )
            for pairs in judged
        ]
        self.scores: list[float] = []

    def on_start(self, training: Training) -> None:
        self.training = training
        self._measure()

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        self._measure()

    def _measure(self) -> None:
        Z = self.training.embed(self.X)
        scores = []
        for pairs in self.judged:
            distances = np.linalg.norm(Z[pairs.left] - Z[pairs.right], axis=1)
            scores.append(share_in_order(distances, pairs.similar))
        self.scores.append(float(np.mean(scores)))
