"""How well the classes that are kept are recognised, by a map and by its references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drlim.declaration._learnt import comparable
from drlim.evaluation import quality
from drlim.evaluation._probes import as_values
from drlim.evaluation.verification import (
    Threshold,
    _choose_as_judged,
    mean_average_precision,
)

FALSE_ACCEPT_RATE = 0.01


@dataclass(frozen=True)
class Recognition:
    """How well classes are recognised in a map and in its references.

    Attributes
    ----------
    factor : str
        The factor with the classes.
    who : str
        Which samples were measured: held-out samples of classes that were learnt from ("held-out
        samples"; also where that is not known), such samples with a value that was held out as a
        whole ("samples of values never seen (instrument)"), or samples of "classes never seen".
    n, n_classes : int
        The number of samples, and of their classes.
    knn_accuracy : mapping of str to float
        The share of samples that their five nearest neighbours classify correctly: neighbours
        among the samples that were learnt from or, for classes never seen, among the others. A
        map's file holds learnt points of the map alone: without the samples that were learnt
        from, neighbours in the references are among the others too.
    mean_average_precision : mapping of str to float
        The mean average precision of retrieving the samples of the same class.
    verification : mapping of str to Threshold
        Same or different, at a threshold chosen on other samples or classes (see
        `drlim.evaluation.verification.judge_by`) for 1 % of false accepts, of pairs of two sources
        or groups where these are declared; empty if there are no
        pairs of one class, or of two.
    through_learnt : tuple of str
        The map and references whose five nearest neighbours are samples that were learnt from.
    """

    factor: str
    who: str
    n: int
    knn_accuracy: Mapping[str, float]
    mean_average_precision: Mapping[str, float]
    verification: Mapping[str, Threshold]
    n_classes: int
    through_learnt: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Labelled:
    """Points by map, and their classes.

    Attributes
    ----------
    points : mapping of str to ndarray of shape (n_samples, ...)
    labels : ndarray of shape (n_samples,)
    groups : ndarray of shape (n_samples,) of int, optional
        The source or group of each, as it is declared.
    """

    points: Mapping[str, np.ndarray]
    labels: np.ndarray
    groups: np.ndarray | None = None

    def some(self, rows: np.ndarray) -> Labelled:
        """Return the samples of a mask."""
        points = {name: Z[rows] for name, Z in self.points.items()}
        return Labelled(
            points, self.labels[rows], None if self.groups is None else self.groups[rows]
        )

    def __add__(self, other: Labelled) -> Labelled:
        groups = None
        if self.groups is not None and other.groups is not None:
            groups = np.append(self.groups, other.groups + self.groups.max(initial=-1) + 1)
        return Labelled(
            {name: np.concatenate([Z, other.points[name]]) for name, Z in self.points.items()},
            np.concatenate([self.labels, other.labels]),
            groups,
        )

    @property
    def has_pairs(self) -> bool:
        """Whether two samples are of one class, so that there is something to recognise."""
        values = as_values(self.labels)
        return len(np.unique(values)) < len(values)


def recognise(
    factor: str,
    who: str,
    samples: Labelled,
    train: Labelled | None,
    labels_known: np.ndarray,
    seed: int,
) -> Recognition:
    """Measure how well a class is recognised from training points, or from the other samples.

    Parameters
    ----------
    factor, who : str
        As in `Recognition`.
    samples : Labelled
    train : Labelled, optional
        The points that were learnt from, in the map and perhaps in its references. Where there
        are none, each sample is classified by the others.
    labels_known : ndarray of shape (n_labels,)
        Classes that were learnt from, as far as they are known.
    seed : int
    """
    points, labels = samples.points, samples.labels
    accuracy = {}
    for name, Z in points.items():
        if train is not None and name in train.points:
            known, asked = comparable(train.labels, labels)
            accuracy[name] = quality.knn_accuracy(train.points[name], known, Z, asked)
        else:
            accuracy[name] = quality.leave_one_out_accuracy(Z, labels)
    counts = np.unique(as_values(labels), return_counts=True)[1]
    thresholds: Mapping[str, Threshold] = {}
    if len(counts) >= 2 and counts.max() >= 2:
        thresholds = _choose_as_judged(
            points,
            labels,
            FALSE_ACCEPT_RATE,
            labels_learnt=labels_known,
            groups=samples.groups,
            random_state=seed,
        )
    return Recognition(
        factor=factor,
        who=who,
        n=len(labels),
        knn_accuracy=accuracy,
        mean_average_precision={n: mean_average_precision(Z, labels) for n, Z in points.items()},
        verification=thresholds,
        n_classes=len(counts),
        through_learnt=tuple(name for name in points if train is not None and name in train.points),
    )
