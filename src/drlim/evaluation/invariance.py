"""What a map ignores: whether a factor moves its points, and can be read from them.

A map is invariant to a factor if the samples that differ in it alone, its *orbit*, fall together
(`orbit_ratio`), and if no trained probe can read the factor from the points (`leakage`). How far
that holds is the curve of `displacement`. All are measured on held-out samples, beside the samples
themselves, PCA and the untrained network. A constant map ignores everything, so what a map ignores
is only half of a proof: `drlim.evaluation.proof` has both halves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances_chunked

from drlim._checks import as_array, as_rows, check_count
from drlim._errors import InputError
from drlim._random import RandomState, generator, seed_of
from drlim._values import alike, is_in
from drlim.evaluation._folds import Folds, folds_of
from drlim.evaluation._intervals import (
    balanced_interval,
    bootstrap,
    group_sums,
    mean_interval,
    r2_of_sums,
    r2_parts,
    widened,
)
from drlim.evaluation._models import probe_model
from drlim.evaluation._probes import (
    MOST_FEATURES as MOST_FEATURES,
    MOST_SAMPLES,
    N_FOLDS,
    NUMBER_PROBES,
    PROBES,
    as_columns,
    as_values,
    check_factor,
    check_groups,
    targets,
)

__all__ = [
    "NUMBER_PROBES",
    "PROBES",
    "Displacement",
    "Leakage",
    "NumberLeakage",
    "displacement",
    "from_kept",
    "leakage",
    "orbit_ratio",
    "orbits",
]


def orbit_ratio(Z: Any, source: Any) -> float:
    """Compare the distances between copies of one source with those between sources.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        A map's points, or the samples themselves.
    source : array-like of shape (n_samples,)
        The source that each sample was made from; its copies differ in what should be ignored.

    Returns
    -------
    float
        Mean distance between two copies of one source, over mean distance between samples of
        two sources: 0 where the copies fall together, 1 where being copies makes no
        difference. NaN if the map is constant, which separates no sources.

    Raises
    ------
    InputError
        If there are no two copies of one source, or no two sources.

    Examples
    --------
    >>> orbit_ratio([[0.0], [1.0], [10.0], [11.0]], source=[7, 7, 8, 8])
    0.1
    """
    rows, source = as_rows(Z, "Z"), as_array(source, "source")
    if source.shape != (len(rows),):
        raise InputError(
            f"source has the shape {source.shape} and there are {len(rows)} samples; it must "
            "give the source of each sample"
        )
    sums, counts = np.zeros(2), np.zeros(2, np.int64)
    start = 0
    for block in pairwise_distances_chunked(rows):
        same = source[start : start + len(block), None] == source[None]
        sums += block[same].sum(dtype=np.float64), block[~same].sum(dtype=np.float64)
        counts += same.sum(), (~same).sum()
        start += len(block)
    counts[0] -= len(rows)  # a sample is not a pair with itself
    if not counts.all():
        raise InputError(
            f"{len(rows)} samples have {len(np.unique(source))} sources; there must be two copies "
            "of one source, and two sources"
        )
    within, between = sums / counts
    return float(within / between) if between else math.nan


def orbits(kept: Mapping[str, Any]) -> np.ndarray:
    """Number the orbits: samples that agree in all kept factors.

    Parameters
    ----------
    kept : mapping of str to array-like of shape (n_samples,)
        The kept factors.

    Returns
    -------
    ndarray of shape (n_samples,)
        The number of each sample's orbit, for `orbit_ratio`'s `source`.

    Raises
    ------
    InputError
        If there is no factor, or one does not have a value for each sample.

    Examples
    --------
    >>> orbits({"azimuth": [0, 0, 20, 20], "elevation": [30, 30, 30, 35]}).tolist()
    [0, 0, 1, 2]
    """
    if not isinstance(kept, Mapping) or not kept:
        raise InputError(
            "kept is empty; give at least one factor in which the samples of an orbit agree"
        )
    codes = [_codes(factor, f"kept[{name!r}]") for name, factor in kept.items()]
    if len({len(code) for code in codes}) > 1:
        raise InputError(
            f"the factors {', '.join(kept)} have {', '.join(str(len(c)) for c in codes)} values; "
            "each must have one for each sample"
        )
    return np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _codes(factor: Any, name: str) -> np.ndarray:
    """Number the values of a factor."""
    values = as_array(factor, name)
    if values.ndim != 1:
        raise InputError(
            f"{name} has the shape {values.shape}; a factor has one value for each sample"
        )
    try:
        return np.unique(as_values(values), return_inverse=True)[1]
    except TypeError as error:  # objects that have no order
        raise InputError(
            f"{name} has values of several types, or missing ones ({error}); give all as texts, "
            "or all as numbers"
        ) from None


@dataclass(frozen=True)
class Leakage:
    """How much of a class factor a probe reads from a map.

    Attributes
    ----------
    probe : str
        The classifier that was trained to read it.
    accuracy : float
        The balanced accuracy: the mean over the values of the share of their samples that is read
        rightly, each by a probe that was not trained on it. A frequent value does not flatter it.
    low, high : float
        Its interval, by default the 95 % one: Wilson's, at the number of independent samples that
        have the variance over groups (Korn & Graubard 1998).
    chance : float
        1/k for k values: the balanced accuracy of guessing, and of always naming one value.
    n : int
        The number of samples that were read.
    trained_on : {"held-out", "learnt"}
        Whether the probe was trained on the other held-out samples, by cross-validation, or on
        those that the map was learnt from.
    """

    probe: str
    accuracy: float
    low: float
    high: float
    chance: float
    n: int
    trained_on: str = "held-out"

    @property
    def value(self) -> float:
        """The balanced accuracy."""
        return self.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class NumberLeakage:
    """How much of a numeric factor a probe reads from a map.

    Attributes
    ----------
    probe : str
        The regression that was trained to read it.
    r2 : float
        The share of the factor's variance that is read, R², each sample by a probe that was not
        trained on it; less than 0 if the mean would predict better. For a cyclic factor, the mean
        of R² of its sine and its cosine.
    low, high : float
        Its interval, by default the 95 % one, by drawing groups with replacement (percentile
        bootstrap).
    chance : float
        0, the R² of always naming the mean.
    n : int
        The number of samples that were read.
    trained_on : {"held-out", "learnt"}
        As in `Leakage`.
    """

    probe: str
    r2: float
    low: float
    high: float
    chance: float
    n: int
    trained_on: str = "held-out"

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
    Z_train: Any = None,
    factor_train: Any = None,
    n_folds: int = N_FOLDS,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Leakage | NumberLeakage:
    """Train a probe to read a factor from a map, and compare what it reads with chance.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)
        Held-out points of a map, or held-out samples themselves.
    factor : array-like of shape (n_samples,)
        What should not be readable.
    probe : str
        For a class "logistic" (regression), "trees" (a small forest) or "neighbors" (the five
        nearest); for a number "ridge" (linear regression), "trees" (boosted) or "neighbors". All
        count each value of a class alike. Samples of more than 50 features are replaced by their
        first 50 principal components.
    kind : {"class", "number"}
        Whether the factor is a class or a number.
    period : float, optional
        The period of a cyclic number, such as 360 for an angle; it is read through its sine and
        cosine.
    groups : array-like of shape (n_samples,), optional
        Samples of one group, such as the copies of one source, are never in both training and
        test folds, and count as one in the interval.
    Z_train, factor_train : array-like of shape (n_train, ...) and (n_train,), optional
        Points that the map was learnt from, and their factor: the probe is trained on these, and
        all of `Z` is read. Without them the probe is cross-validated within `Z`.
    n_folds : int, default=5
        For the cross-validation.
    confidence : float, default=0.95
        Of the interval.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Leakage or NumberLeakage
        For a class, or for a number. The interval covers the choice of the samples that were
        read, not of those that the probe was trained on.

    Raises
    ------
    InputError
        If there are fewer groups than folds, the factor has a single value, a class of fewer
        samples than folds or one that does not occur in `factor_train`, or the probe does not
        read this kind of factor.

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
    rows = as_rows(Z, "Z")
    check_count(n_folds, "n_folds", least=2)
    truth = check_factor(factor, len(rows), kind)
    if (Z_train is None) != (factor_train is None):
        raise InputError("only one of Z_train and factor_train is given; give both, or neither")
    grouped = groups is not None
    groups = check_groups(groups, len(rows))
    n_groups, least = len(np.unique(groups)), n_folds if Z_train is None else 2
    if n_groups < least:
        raise InputError(
            f"there are {n_groups} {'groups' if grouped else 'samples'} and n_folds is {n_folds}; "
            "each fold needs one at least, as a probe is trained and tried on different ones"
        )
    seed = seed_of(random_state)
    known, answers = rows, truth
    if Z_train is not None:
        known, answers = _learnt(Z_train, factor_train, rows, truth, kind)
    if kind == "class":
        _check_values(truth, n_folds if Z_train is None else 1)
        # Probes learn the numbers of the values, whatever the values are.
        codes = np.unique(np.concatenate(alike(answers, truth)), return_inverse=True)[1]
        answers, truth = np.split(codes, [len(answers)])
    if Z_train is None:
        trained_on, splits = "held-out", folds_of(truth, kind, groups, n_folds, seed)
    else:
        trained_on, splits = "learnt", [(np.arange(len(known)), np.arange(len(rows)))]
    if kind == "class":
        read = _predictions(probe, kind, known, answers, rows, splits, seed)
        share, low, high = balanced_interval(read == truth, truth, groups, confidence)
        chance = 1 / len(np.unique(truth))
        return Leakage(probe, share, low, high, chance, len(rows), trained_on)
    wanted = targets(truth, period)
    if not np.ptp(wanted, axis=0).all():
        raise InputError(
            "the factor has the same value in all samples, so there is nothing to read"
        )
    read = _predictions(probe, kind, known, targets(answers, period), rows, splits, seed)
    sums = group_sums(r2_parts(wanted, read.reshape(wanted.shape)), groups)
    r2 = float(r2_of_sums(sums.sum(axis=0, keepdims=True))[0])
    low, high = bootstrap(sums, r2_of_sums, generator(seed), confidence)
    low, high = widened(r2, low, high, len(sums), confidence)
    return NumberLeakage(probe, r2, low, high, 0.0, len(rows), trained_on)


def _learnt(
    Z_train: Any, factor_train: Any, rows: np.ndarray, truth: np.ndarray, kind: str
) -> tuple[np.ndarray, np.ndarray]:
    known = as_rows(Z_train, "Z_train")
    answers = check_factor(factor_train, len(known), kind)
    if known.shape[1] != rows.shape[1]:
        raise InputError(
            f"Z_train has {known.shape[1]} components and Z {rows.shape[1]}; both must be points "
            "of one map"
        )
    if kind == "class" and not is_in(truth, answers).all():
        absent = truth[~is_in(truth, answers)][0]
        raise InputError(
            f"the value {absent} does not occur in factor_train, so no probe can learn it; leave "
            "its samples out"
        )
    return known, answers


def _check_values(truth: np.ndarray, least: int) -> None:
    counts = np.unique(truth, return_counts=True)[1]
    if len(counts) < 2 or counts.min() < least:
        raise InputError(
            f"the factor has {len(counts)} values, the rarest in {counts.min()} samples; it needs "
            f"two values or more, each in {least} samples or more"
        )


def _predictions(
    probe: str,
    kind: str,
    known: np.ndarray,
    answers: np.ndarray,
    rows: np.ndarray,
    splits: Folds,
    seed: int,
) -> np.ndarray:
    """Read all rows, each by a probe that was trained on the known rows of its split."""
    n_train = min(len(others) for others, _ in splits)
    read = np.empty((len(rows), *answers.shape[1:]), answers.dtype)
    for others, part in splits:
        model = probe_model(probe, kind, rows.shape[1], n_train, seed)
        model.fit(known[others], answers[others])
        read[part] = model.predict(rows[part]).reshape(read[part].shape)
    return read


def from_kept(
    kept: Mapping[str, Any],
    factor: Any,
    *,
    periods: Mapping[str, float] | None = None,
    probe: str = "logistic",
    kind: str = "class",
    period: float | None = None,
    groups: Any = None,
    kept_train: Mapping[str, Any] | None = None,
    factor_train: Any = None,
    n_folds: int = N_FOLDS,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> Leakage | NumberLeakage:
    """Train the same probe to read a factor from the kept factors alone.

    A map that keeps what it should cannot hide what this reads. Where that is more than chance,
    the factor is confounded with what is kept, and the larger of the two counts as chance.

    Parameters
    ----------
    kept : mapping of str to array-like of shape (n_samples,)
        The kept factors.
    factor : array-like of shape (n_samples,)
        The ignored factor.
    periods : mapping of str to float, optional
        The period of each kept factor that is cyclic.
    kept_train, factor_train : mapping and array-like of shape (n_train,), optional
        The kept factors and the factor of the samples that the map was learnt from, on which the
        probe is trained then.
    probe, kind, period, groups, n_folds, confidence, random_state
        As in `leakage`.

    Returns
    -------
    Leakage or NumberLeakage

    Examples
    --------
    >>> kept = {"class": np.arange(100) % 2}
    >>> from_kept(kept, np.arange(100) % 2, random_state=0).accuracy  # confounded
    1.0
    """
    columns, known = as_columns(kept, periods or {}), None
    if kept_train is not None:
        both = {
            name: np.concatenate(alike(np.asarray(factor), np.asarray(kept_train[name])))
            for name, factor in kept.items()
        }
        columns, known = np.split(as_columns(both, periods or {}), [len(columns)])
    return leakage(
        columns,
        factor,
        probe=probe,
        kind=kind,
        period=period,
        groups=groups,
        Z_train=known,
        factor_train=factor_train,
        n_folds=n_folds,
        confidence=confidence,
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
        The number of samples that were transformed.
    """

    strengths: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data, with None for NaN."""
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
    """Measure how far held-out points move as their samples are transformed more strongly.

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
        For the interval, and for which 2,000 samples give the mean distance between two if there
        are more.

    Returns
    -------
    Displacement

    Raises
    ------
    InputError
        If there are fewer than two samples, or not one array of that shape for each strength.

    Examples
    --------
    >>> Z = np.arange(6.0)[:, None]
    >>> displacement(Z, [Z, Z + 7 / 6], [0, 1], random_state=0).mean
    (0.0, 0.5)
    """
    rows = as_rows(Z, "Z")
    groups = check_groups(groups, len(rows))
    if len(rows) < 2 or not len(moved) == len(strengths) > 0:
        raise InputError(
            f"there are {len(rows)} samples, {len(moved)} arrays of moved points and "
            f"{len(strengths)} strengths; there must be two samples or more, and an array for each "
            "strength"
        )
    rng = generator(random_state)
    scale = _mean_distance(rows, rng) or math.nan
    curve = []
    for strength, points in zip(strengths, moved, strict=True):
        other = as_rows(points, "moved")
        if other.shape != rows.shape:
            raise InputError(
                f"the points moved with the strength {strength:g} have the shape {other.shape} "
                f"and Z has {rows.shape}; each sample needs one moved point"
            )
        away = np.linalg.norm(other - rows, axis=1) / scale
        curve.append((float(away.mean()), *mean_interval(away, groups, rng)))
    mean, low, high = zip(*curve, strict=True)
    return Displacement(tuple(map(float, strengths)), mean, low, high, len(rows))


def _mean_distance(rows: np.ndarray, rng: np.random.Generator) -> float:
    """Return the mean distance between two rows, of 2,000 drawn at random if there are more."""
    some = rows[rng.permutation(len(rows))[:MOST_SAMPLES]]
    total = sum(block.sum(dtype=np.float64) for block in pairwise_distances_chunked(some))
    return float(total / (len(some) * (len(some) - 1)))
