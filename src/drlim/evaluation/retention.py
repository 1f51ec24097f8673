"""What a map keeps: a factor read from nearest neighbours, or the neighbourhoods themselves.

The other half of `drlim.evaluation.invariance`: a map that ignores everything is easily had.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from drlim._checks import as_rows
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, generator, seed_of
from drlim._values import alike, is_in
from drlim.evaluation._folds import folds_of
from drlim.evaluation._intervals import (
    balanced_of_sums,
    bootstrap,
    group_sums,
    mean_interval,
    r2_of_sums,
    r2_parts,
    wilson_if_certain,
)
from drlim.evaluation._models import probe_model
from drlim.evaluation._neighborhoods import share_kept_of_each, trust_of_each
from drlim.evaluation._probes import (
    MOST_SAMPLES,
    N_FOLDS,
    check_factor,
    check_groups,
    targets,
)

__all__ = ["MEASURES", "Retention", "retention"]

# The name of the measure of each kind.
MEASURES = {
    "class": "balanced accuracy",
    "number": "R²",
    "neighbors": "trustworthiness",
    "preservation": "neighbours kept",
}


_ONE_VALUE = "the factor has the same value in all held-out samples, so there is nothing to read"


@dataclass(frozen=True)
class Retention:
    """How much of what should be kept is in a map.

    Attributes
    ----------
    measure : str
        What the value is; a value of `MEASURES`.
    value : float
    low, high : float
        Its 95 % interval, by drawing groups of held-out samples with replacement (percentile
        bootstrap).
    chance : float
        The value of a map that keeps nothing: 1/k for a class of k values, 0 for R², and for
        neighbourhoods the value of this map with its points permuted at random.
    n : int
        The number of held-out samples that were read.
    """

    measure: str
    value: float
    low: float
    high: float
    chance: float
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def retention(
    Z_train: Any,
    factor_train: Any,
    Z_test: Any,
    factor_test: Any,
    *,
    kind: str,
    period: float | None = None,
    groups: Any = None,
    n_neighbors: int = 5,
    linear: bool = False,
    random_state: RandomState = None,
) -> Retention:
    """Measure what held-out points keep of a factor, or of the neighbourhoods of the samples.

    Parameters
    ----------
    Z_train, factor_train : array-like of shape (n_train, ...) and (n_train,), or None
        Points from whose factor that of the held-out points is read. None: held-out points are
        read from each other, in five folds that no group is divided by.
    Z_test : array-like of shape (n_test, ...)
        Held-out points.
    factor_test : array-like of shape (n_test,)
        Their factor. For neighbourhoods, the features in which samples should be near,
        (n_test, ...); there is no training part then.
    kind : {"class", "number", "neighbors", "preservation"}
        "class": balanced accuracy, the mean over the values of the share read rightly.
        "number": R². Both are read from the `n_neighbors` nearest points. "neighbors":
        trustworthiness, how far neighbours in the map are neighbours in the features (Venna &
        Kaski 2001). "preservation": the share of a sample's nearest that are its nearest in the
        map.
    period : float, optional
        The period of a cyclic number, whose R² is the mean of that of its sine and its cosine.
    groups : array-like of shape (n_test,), optional
        Held-out samples that are not independent, such as the copies of one source.
    n_neighbors : int, default=5
    linear : bool, default=False
        Whether a class or number is read by a linear model (logistic or ridge regression) instead
        of by nearest neighbours; of many training points, it is fitted to 2,000.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Retention

    Raises
    ------
    InputError
        If the held-out points are the training points, which would find themselves; if there
        are fewer groups than two; if no held-out value occurs in training.

    Examples
    --------
    >>> Z = np.random.default_rng(0).normal(size=(300, 2))
    >>> kept = retention(Z[:200], Z[:200, 0], Z[200:], Z[200:, 0], kind="number", random_state=0)
    >>> kept.measure, kept.low > 0.8
    ('R²', True)
    """
    if kind not in MEASURES:
        raise InputError(f"kind is {kind!r}; {nearest_name(kind, MEASURES)}")
    rows = as_rows(Z_test, "Z_test")
    groups = check_groups(groups, len(rows))
    if len(np.unique(groups)) < 2:
        raise InputError("all held-out samples are of one group; an interval needs two or more")
    seed = seed_of(random_state)
    if kind in ("neighbors", "preservation"):
        features = as_rows(factor_test, "factor_test")
        return _of_neighbors(features, rows, kind, groups, n_neighbors, seed)
    truth = check_factor(factor_test, len(rows), kind)
    parts = _parts(Z_train, factor_train, rows, truth, kind, groups, seed)
    if linear:
        parts = [part.few(seed) for part in parts]
    reader = _Reader(kind, n_neighbors, linear, seed)
    if kind == "class":
        return _of_class(parts, truth, groups, reader)
    return _of_number(parts, truth, period, groups, reader)


class _Part(NamedTuple):
    """Points and their factor to learn from, points to read, and their rows in the held-out."""

    known: np.ndarray
    factor: np.ndarray
    asked: np.ndarray
    rows: np.ndarray

    def few(self, seed: int) -> _Part:
        """Leave so many points to learn from as a linear model needs."""
        some = np.sort(generator(seed).permutation(len(self.known))[:MOST_SAMPLES])
        return self._replace(known=self.known[some], factor=self.factor[some])


class _Reader(NamedTuple):
    """By what a factor is read: nearest neighbours, or a linear model."""

    kind: str
    n_neighbors: int
    linear: bool
    seed: int

    def read(self, part: _Part, answers: np.ndarray) -> np.ndarray:
        """Read the points that are asked about from the answers of the known ones."""
        n_known, n_features = part.known.shape
        if self.linear and len(np.unique(answers, axis=0)) > 1:
            name = "logistic" if self.kind == "class" else "ridge"
            model = probe_model(name, self.kind, n_features, n_known, self.seed)
        elif self.kind == "class":
            model = KNeighborsClassifier(min(self.n_neighbors, n_known))
        else:
            model = KNeighborsRegressor(min(self.n_neighbors, n_known))
        return model.fit(part.known, answers).predict(part.asked)


def _parts(
    Z_train: Any,
    factor_train: Any,
    rows: np.ndarray,
    truth: np.ndarray,
    kind: str,
    groups: np.ndarray,
    seed: int,
) -> list[_Part]:
    if Z_train is not None:
        known = as_rows(Z_train, "Z_train")
        if known.shape[1] != rows.shape[1]:
            raise InputError(
                f"Z_train has {known.shape[1]} components and Z_test {rows.shape[1]}; both must "
                "be points of one map"
            )
        if known.shape == rows.shape and np.ptp(rows) and np.array_equal(known, rows):
            raise InputError(
                "Z_test equals Z_train, so each point would be its own nearest neighbour; give "
                "points of samples that the map was not trained on, or None for Z_train"
            )
        known_factor = check_factor(factor_train, len(known), kind)
        if kind == "class" and not is_in(truth, known_factor).any():
            raise InputError(
                "no value of factor_test occurs in factor_train; give None for Z_train, so that "
                "held-out samples are read from each other"
            )
        return [_Part(known, known_factor, rows, np.arange(len(rows)))]
    n_folds = min(N_FOLDS, len(np.unique(groups)))
    if kind == "class":
        n_folds = min(n_folds, int(np.unique(truth, return_counts=True)[1].min()))
        if n_folds < 2:
            raise InputError(
                "a value of the factor is in one sample only and cannot be read from others; leave "
                "that sample out"
            )
    return [
        _Part(rows[others], truth[others], rows[part], part)
        for others, part in folds_of(truth, kind, groups, n_folds, seed)
    ]


def _of_class(
    parts: list[_Part], truth: np.ndarray, groups: np.ndarray, reader: _Reader
) -> Retention:
    values, code = np.unique(truth, return_inverse=True)
    if len(values) < 2:
        raise InputError(_ONE_VALUE)
    right = np.zeros(len(truth), bool)
    for part in parts:
        # The numbers of the values are read, whatever the values are.
        codes = np.unique(np.concatenate(alike(part.factor, truth)), return_inverse=True)[1]
        learnt, answers = np.split(codes, [len(part.factor)])
        right[part.rows] = reader.read(part, learnt) == answers[part.rows]
    present = np.eye(len(values))[code]
    sums = group_sums(np.hstack([present * right[:, None], present]), groups)
    value = float(balanced_of_sums(sums.sum(axis=0, keepdims=True))[0])
    interval = bootstrap(sums, balanced_of_sums, generator(reader.seed))
    low, high = wilson_if_certain(value, *interval, len(sums))
    return Retention(MEASURES["class"], value, low, high, 1 / len(values), len(truth))


def _of_number(
    parts: list[_Part],
    truth: np.ndarray,
    period: float | None,
    groups: np.ndarray,
    reader: _Reader,
) -> Retention:
    if not np.ptp(truth):
        raise InputError(_ONE_VALUE)
    wanted = targets(truth, period)
    read = np.zeros_like(wanted)
    for part in parts:
        answers = targets(part.factor, period)
        read[part.rows] = reader.read(part, answers).reshape(len(part.rows), -1)
    sums = group_sums(r2_parts(wanted, read), groups)
    value = float(r2_of_sums(sums.sum(axis=0, keepdims=True))[0])
    low, high = bootstrap(sums, r2_of_sums, generator(reader.seed))
    return Retention(MEASURES["number"], value, low, high, 0.0, len(truth))


def _of_neighbors(
    X: np.ndarray, Z: np.ndarray, kind: str, groups: np.ndarray, n_neighbors: int, seed: int
) -> Retention:
    if len(X) != len(Z) or not 1 <= n_neighbors < len(Z) / 2:
        raise InputError(
            f"there are {len(X)} samples, {len(Z)} points and n_neighbors is {n_neighbors}; each "
            "sample needs a point, and n_neighbors must be >= 1 and less than half of them"
        )
    measure = trust_of_each if kind == "neighbors" else share_kept_of_each
    # Chance: the same points, so the same crowding, but each for another sample.
    rng = generator(seed)
    each = measure(X, Z, n_neighbors)
    chance = float(measure(X, rng.permutation(Z), n_neighbors).mean())
    value = float(each.mean())
    low, high = wilson_if_certain(value, *mean_interval(each, groups, rng), len(np.unique(groups)))
    return Retention(MEASURES[kind], value, low, high, chance, len(Z))
