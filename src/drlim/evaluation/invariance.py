"""What a map ignores: whether a nuisance moves its points, and can be read off them.

A map is invariant to a factor if the samples that differ in it alone, its *orbit*, fall
together (`orbit_ratio`), and if no trained probe can tell the factor from the points
(`leakage`). How far that holds is a curve of `displacement`. All are to be shown on held-out
samples, beside the samples themselves, PCA and the untrained network; and a constant map, which
ignores everything, must be seen to keep nothing either: `drlim.evaluation.proof` sees to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances_chunked
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict

from drlim._checks import check_count
from drlim._errors import InputError
from drlim._random import RandomState, generator, seed_of
from drlim.evaluation._intervals import (
    bootstrap,
    group_sums,
    mean_interval,
    r2_of_sums,
    r2_parts,
    share_interval,
    wilson_interval as wilson_interval,
)
from drlim.evaluation._probes import (
    NUMBER_PROBES as NUMBER_PROBES,
    PROBES as PROBES,
    as_columns,
    as_values,
    check_factor,
    check_groups,
    probe_model,
    targets,
)
from drlim.evaluation.quality import as_rows

# More give no narrower an answer that matters, and probes of pixels take minutes.
MOST_SAMPLES = 2000


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


def orbits(kept: Mapping[str, Any]) -> np.ndarray:
    """Number the orbits of what is ignored: samples that agree in all that is kept.

    Parameters
    ----------
    kept : mapping of str to array-like of shape (n_samples,)
        The kept factors.

    Returns
    -------
    ndarray of shape (n_samples,)
        Which orbit each sample is of: what `orbit_ratio` calls its source.

    Examples
    --------
    >>> orbits({"azimuth": [0, 0, 20, 20], "elevation": [30, 30, 30, 35]}).tolist()
    [0, 0, 1, 2]
    """
    if not isinstance(kept, Mapping) or not kept:
        raise InputError("no factor is kept; an orbit is made of samples that agree in what is")
    codes = [
        np.unique(as_values(np.asarray(factor)), return_inverse=True)[1] for factor in kept.values()
    ]
    if any(code.ndim != 1 for code in codes):
        raise InputError(f"one of {', '.join(kept)} has a shape; a factor has one value a sample")
    if len({len(code) for code in codes}) > 1:
        raise InputError(
            f"the factors {', '.join(kept)} are of {', '.join(str(len(c)) for c in codes)} "
            "samples; each must have a value a sample"
        )
    return np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


@dataclass(frozen=True)
class Leakage:
    """How much of a factor of a few values a probe reads off a map.

    Attributes
    ----------
    probe : str
        Which classifier was trained to read it.
    accuracy : float
        The share of samples it reads rightly, each by a probe that has not seen it.
    low, high : float
        The 95 % interval of the accuracy: Wilson's where each sample is its own group, and by
        drawing groups with replacement (percentile bootstrap) where groups are larger.
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

    @property
    def value(self) -> float:
        """The accuracy."""
        return self.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class NumberLeakage:
    """How much of a factor of many numbers a probe reads off a map.

    Attributes
    ----------
    probe : str
        Which regression was trained to read it.
    r2 : float
        The share of the factor's variance that is read, R², each sample by a probe that has not
        seen it; less than 0 if the probe misleads. Of a cyclic factor the mean of its sine's
        and its cosine's.
    low, high : float
        The 95 % interval of R², by drawing groups with replacement (percentile bootstrap).
    chance : float
        0, the R² of always naming the mean.
    n : int
        How many samples were read.
    """

    probe: str
    r2: float
    low: float
    high: float
    chance: float
    n: int

    @property
    def value(self) -> float:
        """R²."""
        return self.r2

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def leakage(
    Z: Any,
    factor: Any,
    *,
    probe: str = "logistic",
    kind: str = "class",
    period: float | None = None,
    groups: Any = None,
    n_folds: int = 5,
    random_state: RandomState = None,
) -> Leakage | NumberLeakage:
    """Train a probe to read a factor off a map; cross-validated, against chance.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        Held-out points of a map, or held-out samples themselves.
    factor : array-like of shape (n_samples,)
        What should not be readable.
    probe : str
        Of a class "logistic" (regression) or "trees" (a small boosted ensemble); of a number
        "ridge" (linear regression) or "trees". Of samples with more than 50 features, on their
        first 50 principal components.
    kind : {"class", "number"}
        Whether the factor has a few values, each to be told from the others, or is a number.
    period : float, optional
        After which a number begins again, as an angle does after 360: it is read through its
        sine and cosine.
    groups : array-like of shape (n_samples,), optional
        Samples of one group, such as the copies of one source, are never on both sides, and
        count as one in the interval.
    n_folds : int, default=5
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Leakage or NumberLeakage
        Of a class, or of a number. The interval is that of the samples that were read; it does
        not contain what other training parts of the probe would have changed.

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(200, 2))
    >>> side = Z[:, 0] > 0
    >>> leakage(Z, side, random_state=0).accuracy > 0.95
    True
    >>> leakage(Z[::-1], side, random_state=0).accuracy < 0.65
    True
    >>> leakage(Z, 3 * Z[:, 1], kind="number", probe="ridge", random_state=0).r2 > 0.99
    True
    """
    rows = as_rows(Z)
    check_count(n_folds, "n_folds", least=2)
    truth = check_factor(factor, len(rows), kind)
    grouped = groups is not None
    groups = check_groups(groups, len(rows))
    n_groups = len(np.unique(groups))
    if n_groups < n_folds:
        raise InputError(
            f"there are {n_groups} {'groups' if grouped else 'samples'}; a probe is trained and "
            f"tried on different ones, {n_folds} or more (n_folds)"
        )
    seed = seed_of(random_state)
    # The smallest part that a fold may leave to train on, for the principal components.
    largest = int(np.unique(groups, return_counts=True)[1].max())
    n_train = min(len(rows) // 2, len(rows) - largest)
    model = probe_model(probe, kind, rows.shape[1], n_train, seed)
    if kind == "class":
        return _read_class(model, probe, rows, truth, groups, n_folds, seed)
    return _read_number(model, probe, rows, targets(truth, period), groups, n_folds, seed)


def _read_class(
    model: Any,
    probe: str,
    rows: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    n_folds: int,
    seed: int,
) -> Leakage:
    _, values, counts = np.unique(truth, return_inverse=True, return_counts=True)
    if len(counts) < 2 or counts.min() < n_folds:
        raise InputError(
            f"the factor has {len(counts)} values, the rarest in {counts.min()} samples; to be "
            f"read it needs two or more, each in {n_folds} samples or more (n_folds)"
        )
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    read = cross_val_predict(model, rows, values, groups=groups, cv=folds)
    right = read == values
    low, high = share_interval(right, groups, generator(seed))
    chance = float(counts.max() / len(rows))
    return Leakage(probe, float(right.mean()), low, high, chance, len(rows))


def _read_number(
    model: Any,
    probe: str,
    rows: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    n_folds: int,
    seed: int,
) -> NumberLeakage:
    if not np.ptp(truth, axis=0).all():
        raise InputError("the factor has one value in all samples; there is nothing to read")
    folds = GroupKFold(n_folds, shuffle=True, random_state=seed)
    read = cross_val_predict(model, rows, truth, groups=groups, cv=folds).reshape(truth.shape)
    sums = group_sums(r2_parts(truth, read), groups)
    r2 = float(r2_of_sums(sums.sum(axis=0, keepdims=True))[0])
    low, high = bootstrap(sums, r2_of_sums, generator(seed))
    return NumberLeakage(probe, r2, low, high, 0.0, len(rows))


def from_kept(
    kept: Mapping[str, Any],
    factor: Any,
    *,
    periods: Mapping[str, float] | None = None,
    probe: str = "logistic",
    kind: str = "class",
    period: float | None = None,
    groups: Any = None,
    n_folds: int = 5,
    random_state: RandomState = None,
) -> Leakage | NumberLeakage:
    """Train the same probe to read a factor off the kept factors alone.

    A map that keeps what it should cannot hide what this reads: where it is more than chance,
    the factor is confounded with what is kept, and chance is the larger of the two.

    Parameters
    ----------
    kept : mapping of str to array-like of shape (n_samples,)
        The kept factors.
    factor : array-like of shape (n_samples,)
        The ignored one.
    periods : mapping of str to float, optional
        The period of each kept factor that is cyclic.
    probe, kind, period, groups, n_folds, random_state
        As in `leakage`.

    Returns
    -------
    Leakage or NumberLeakage

    Examples
    --------
    >>> kept = {"class": np.arange(100) % 2}
    >>> from_kept(kept, np.arange(100) % 2, random_state=0).accuracy  # each under its own light
    1.0
    """
    return leakage(
        as_columns(kept, periods or {}),
        factor,
        probe=probe,
        kind=kind,
        period=period,
        groups=groups,
        n_folds=n_folds,
        random_state=random_state,
    )


@dataclass(frozen=True)
class Displacement:
    """How far a transformation moves the points of a map, against its strength.

    Attributes
    ----------
    strengths : tuple of float
    mean : tuple of float
        For each strength the mean distance between a sample's point and that of the sample
        transformed, over the mean distance between two samples: 0 does not move, and at 1 a
        transformed sample is as far away as any other. NaN if the map is constant.
    low, high : tuple of float
        The 95 % interval of each mean, by drawing groups with replacement; the mean distance
        between two samples is taken as known.
    n : int
        How many samples were transformed.
    """

    strengths: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data; what is not a number as None."""
        return {
            name: [None if math.isnan(v) else v for v in value]
            if isinstance(value, tuple)
            else value
            for name, value in asdict(self).items()
        }


def displacement(
    Z: Any,
    moved: Sequence[Any],
    strengths: Sequence[float],
    *,
    groups: Any = None,
    random_state: RandomState = None,
) -> Displacement:
    """Measure how far held-out points move when their samples are transformed ever more strongly.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        Held-out points of a map, or the samples themselves.
    moved : sequence of array-like of that shape
        The points of the same samples, transformed: one array for each strength.
    strengths : sequence of float
        In the transformation's own unit.
    groups : array-like of shape (n_samples,), optional
        Samples of one group count as one in the interval.
    random_state : int, numpy Generator or RandomState, optional
        For the interval, and of more than 2,000 samples for which of them give the mean
        distance between two.

    Returns
    -------
    Displacement

    Examples
    --------
    >>> Z = np.arange(6.0)[:, None]
    >>> displacement(Z, [Z, Z + 7 / 6], [0, 1], random_state=0).mean
    (0.0, 0.5)
    """
    rows = as_rows(Z)
    groups = check_groups(groups, len(rows))
    if len(rows) < 2 or not len(moved) == len(strengths) > 0:
        raise InputError(
            f"there are {len(rows)} samples, {len(moved)} arrays of moved points and "
            f"{len(strengths)} strengths; there must be two samples and an array a strength"
        )
    rng = generator(random_state)
    some = rows[rng.permutation(len(rows))[:MOST_SAMPLES]]
    total = sum(block.sum(dtype=np.float64) for block in pairwise_distances_chunked(some))
    scale = total / (len(some) * (len(some) - 1)) or math.nan
    curve = []
    for strength, points in zip(strengths, moved, strict=True):
        other = as_rows(points)
        if other.shape != rows.shape:
            raise InputError(
                f"the points moved with the strength {strength:g} have the shape {other.shape} "
                f"and those of the samples {rows.shape}; there must be one for each"
            )
        away = np.linalg.norm(other - rows, axis=1) / scale
        curve.append((float(away.mean()), *mean_interval(away, groups, rng)))
    mean, low, high = zip(*curve, strict=True)
    return Displacement(tuple(map(float, strengths)), mean, low, high, len(rows))
