"""Same or different? What a map answers about two samples, of classes it may never have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances, roc_auc_score
from sklearn.model_selection import StratifiedKFold

from drlim._errors import InputError
from drlim._random import RandomState, streams
from drlim.evaluation.quality import as_rows


@dataclass(frozen=True)
class Verification:
    """How well "nearer than a threshold" tells pairs of one class from pairs of two.

    Attributes
    ----------
    false_accept_rate : float
        The rate that was asked for.
    threshold : float
        The distance below which two samples are taken for the same, chosen on other samples
        than it is tried on; the mean over the folds.
    false_accepts : float
        The share of different pairs that were taken for the same.
    true_accepts : float
        The share of same pairs that were.
    low, high : float
        Interval of `true_accepts`: the mean of the folds and 1.96 standard errors.
    area : float
        Under the receiver operating characteristic: 0.5 is chance, 1 is perfect.
    """

    false_accept_rate: float
    threshold: float
    false_accepts: float
    true_accepts: float
    low: float
    high: float
    area: float


def verification(
    Z: Any,
    labels: Any,
    false_accept_rate: float,
    *,
    n_folds: int = 5,
    random_state: RandomState = None,
) -> Verification:
    """Choose a threshold for a wanted rate of false accepts, and try it on other samples.

    The samples are divided into folds; on all but one the threshold is chosen, so that the
    wanted share of different pairs would pass, and on the pairs of the one it is tried.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map. For a map whose angles count, as CosFace's, normalised ones.
    labels : array-like of shape (n_samples,)
        The class of each.
    false_accept_rate : float
        The share of different pairs that may be taken for the same, between 0 and 1.
    n_folds : int, default=5
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Verification

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat([0, 1], 50)
    >>> apart = labels[:, None] * 10 + rng.normal(size=(100, 1))
    >>> verification(apart, labels, 0.01, random_state=0).true_accepts > 0.99
    True
    """
    rows, labels = as_rows(Z), np.asarray(labels)
    if not 0 < false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate is {false_accept_rate!r}; it is a share, between 0 and 1"
        )
    values, counts = np.unique(labels, return_counts=True)
    if labels.shape != (len(rows),) or len(values) < 2 or counts.min() < 2 * n_folds:
        raise InputError(
            f"there are {len(rows)} points and labels of the shape {labels.shape} with "
            f"{len(values)} classes; verification needs a label a point, two classes or more, "
            f"and {2 * n_folds} points of each (twice n_folds)"
        )
    seed = streams(random_state).init
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(rows, labels)
    thresholds, false_accepts, true_accepts, areas = [], [], [], []
    for others, part in folds:
        _, different = _distances(rows[others], labels[others])
        threshold = np.quantile(different, false_accept_rate)
        same, different = _distances(rows[part], labels[part])
        thresholds.append(threshold)
        false_accepts.append(np.mean(different < threshold))
        true_accepts.append(np.mean(same < threshold))
        truth = np.repeat([True, False], [len(same), len(different)])
        areas.append(roc_auc_score(truth, -np.concatenate([same, different])))
    half = 1.96 * np.std(true_accepts, ddof=1) / np.sqrt(n_folds)
    mean = float(np.mean(true_accepts))
    return Verification(
        false_accept_rate=false_accept_rate,
        threshold=float(np.mean(thresholds)),
        false_accepts=float(np.mean(false_accepts)),
        true_accepts=mean,
        low=max(mean - half, 0.0),
        high=min(mean + half, 1.0),
        area=float(np.mean(areas)),
    )


def mean_average_precision(Z: Any, labels: Any) -> float:
    """Retrieve with each sample those of its class among all others; the mean over samples.

    Returns
    -------
    float
        1 if all of a sample's class come before any other; about the share of the class if
        the order is random.

    Examples
    --------
    >>> mean_average_precision([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1])
    1.0
    """
    rows, labels = as_rows(Z), np.asarray(labels)
    precisions = []
    for start in range(0, len(rows), 512):
        here = np.arange(start, min(start + 512, len(rows)))
        distance = pairwise_distances(rows[here], rows)
        distance[np.arange(len(here)), here] = np.inf
        found = labels[np.argsort(distance, axis=1, kind="stable")[:, :-1]] == labels[here, None]
        precision = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
        relevant = found.sum(axis=1)
        precisions.append(((precision * found).sum(axis=1) / np.maximum(relevant, 1))[relevant > 0])
    return float(np.concatenate(precisions).mean())


def _distances(rows: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances of all pairs of one class, and of all pairs of two."""
    left, right = np.triu_indices(len(rows), 1)
    distance = pairwise_distances(rows)[left, right]
    same = labels[left] == labels[right]
    return distance[same], distance[~same]
