"""What a map ignores: whether a nuisance moves its points, and can be read off them.

A map is invariant to a factor if the copies of one source, which differ in it, fall together
(`orbit_ratio`), and if no trained probe can tell the factor from the points (`leakage`). Both
are to be shown on held-out samples, beside the samples themselves, PCA and the untrained
network; and a constant map, which ignores everything, must be seen to keep nothing either.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances_chunked
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, streams
from drlim.evaluation.quality import as_rows


def orbit_ratio(Z: Any, source: Any) -> float:
    """Compare the distances between copies of one source with those between sources.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        A map's points, or the samples themselves.
    source : array-like of shape (n_samples,)
        Which source each sample was made from; its copies differ in what should be ignored.

    Returns
    -------
    float
        Mean distance between two copies of one source, over mean distance between samples of
        two sources: 0 where the copies fall together, 1 where being copies makes no
        difference. NaN if the map is constant: it tells no source from another.

    Examples
    --------
    >>> orbit_ratio([[0.0], [1.0], [10.0], [11.0]], source=[7, 7, 8, 8])
    0.1
    """
    rows, source = as_rows(Z), np.asarray(source)
    if source.shape != (len(rows),):
        raise InputError(
            f"source has the shape {source.shape} and there are {len(rows)} samples; it must "
            "say of each sample from which source it was made"
        )
    sums, counts = np.zeros(2), np.zeros(2, np.int64)
    start = 0
    for block in pairwise_distances_chunked(rows):
        same = source[start : start + len(block), None] == source[None]
        sums += block[same].sum(dtype=np.float64), block[~same].sum(dtype=np.float64)
        counts += same.sum(), (~same).sum()
        start += len(block)
    counts[0] -= len(rows)  # a sample with itself is no pair
    if not counts.all():
        raise InputError(
            "there must be copies of one source and more sources than one; here are "
            f"{len(np.unique(source))} sources of {len(rows)} samples"
        )
    within, between = sums / counts
    return float(within / between) if between else math.nan


@dataclass(frozen=True)
class Leakage:
    """How much of a factor a probe reads off a map.

    Attributes
    ----------
    probe : str
        Which classifier was trained to read it.
    accuracy : float
        The share of samples it reads rightly, each by a probe that has not seen it.
    low, high : float
        The 95 % interval of the accuracy (Wilson).
    chance : float
        The accuracy of always naming the most frequent value.
    n : int
        How many samples were read.
    """

    probe: str
    accuracy: float
    low: float
    high: float
    chance: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


PROBES = ("logistic", "trees")
_MOST_FEATURES, _N_TREES = 50, 30


def leakage(
    Z: Any,
    factor: Any,
    *,
    probe: str = "logistic",
    groups: Any = None,
    n_folds: int = 5,
    random_state: RandomState = None,
) -> Leakage:
    """Train a probe to read a factor off a map; cross-validated, against chance.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        Held-out points of a map, or held-out samples themselves.
    factor : array-like of shape (n_samples,)
        What should not be readable: a value of a few a sample.
    probe : {"logistic", "trees"}
        Logistic regression, or a small ensemble of boosted trees; of samples with more than 50
        features, on their first 50 principal components.
    groups : array-like of shape (n_samples,), optional
        Samples of one group, such as the copies of one source, are never on both sides.
    n_folds : int, default=5
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Leakage

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(200, 2))
    >>> side = Z[:, 0] > 0
    >>> leakage(Z, side, random_state=0).accuracy > 0.95
    True
    >>> leakage(Z[::-1], side, random_state=0).accuracy < 0.65
    True
    """
    rows, factor = as_rows(Z), np.asarray(factor)
    if factor.shape != (len(rows),):
        raise InputError(
            f"the factor has the shape {factor.shape} and there are {len(rows)} samples; a "
            "factor has one value a sample"
        )
    _, values, counts = np.unique(factor, return_inverse=True, return_counts=True)
    if len(counts) < 2 or counts.min() < n_folds:
        raise InputError(
            f"the factor has {len(counts)} values, the rarest in {counts.min()} samples; to be "
            f"read it needs two or more, each in {n_folds} samples or more (n_folds)"
        )
    seed = streams(random_state).init
    groups = np.arange(len(rows)) if groups is None else np.asarray(groups)
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    model = _probe(probe, rows.shape[1], seed)
    read = cross_val_predict(model, rows, values, groups=groups, cv=folds)
    right = int((read == values).sum())
    low, high = wilson_interval(right, len(rows))
    return Leakage(probe, right / len(rows), low, high, float(counts.max() / len(rows)), len(rows))


def wilson_interval(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval of a share, by default the 95 % one (Wilson 1927).

    Examples
    --------
    >>> low, high = wilson_interval(5, 10)
    >>> round(low, 3), round(high, 3)
    (0.237, 0.763)
    """
    share, spread = successes / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _probe(name: str, n_features: int, seed: int) -> Any:
    # Pixels are many; a probe of all of them takes minutes and reads no more.
    reduce = [PCA(_MOST_FEATURES, random_state=seed)] if n_features > _MOST_FEATURES else []
    if name == "logistic":
        return make_pipeline(*reduce, StandardScaler(), LogisticRegression(max_iter=1000))
    if name == "trees":
        trees = GradientBoostingClassifier(
            n_estimators=_N_TREES, max_depth=3, max_features=0.3, random_state=seed
        )
        return make_pipeline(*reduce, trees)
    raise InputError(f"probe is {name!r}; {nearest_name(name, PROBES)}")
