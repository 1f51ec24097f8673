"""Same or different: thresholds on a map's distances, and the error rates to expect of them.

A threshold is tried on other samples than it was chosen on. For classes that the map meets
only after training, such as new people, it is tried on samples of other classes (``by="class"``).
Only where there are too few samples to set some apart is it tried on those it was chosen on
(``by="all"``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drlim._checks import as_array, as_rows, check_count, is_number, one_each
from drlim._deprecated import renamed_names
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, generator, seed_of
from drlim._values import is_in
from drlim.evaluation._intervals import wilson_if_certain
from drlim.evaluation._pair_distances import PairDistances, pair_distances
from drlim.evaluation._probes import N_FOLDS, as_values

__all__ = [
    "Rate",
    "Threshold",
    "choose_threshold",
    "decide",
    "equal_error_rate",
    "judge_by",
    "mean_average_precision",
    "roc",
]

# What is drawn independently: classes, or samples of classes that stay the same; "all": samples,
# none of which is set apart.
UNITS = ("class", "sample", "all")
# A threshold is chosen on one side and tried on the other. Each side needs two classes to have a
# pair that differs, and where both sides have all classes, two samples of each for a same pair.
_PER_SIDE = 2
# A resample takes a pass over all pairs, so there are fewer than in other intervals.
N_RESAMPLES = 200


@dataclass(frozen=True)
class Rate:
    """A share of pairs that are decided wrongly.

    Attributes
    ----------
    value : float
    low, high : float
        Its 95 % interval, by a Bayesian bootstrap (Rubin 1981): samples and, by class, classes
        are weighted at random, and a pair has the product of its samples' weights.
    n : int
        The number of pairs.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Threshold:
    """A distance below which two samples are taken for the same, and its error rates.

    Attributes
    ----------
    distance : float
        Chosen on all samples.
    false_accept_rate : float
        The wanted rate.
    false_accepts, false_rejects : Rate
        The share of different pairs taken for the same, and of same pairs taken for different,
        by thresholds that were chosen in the same way on other samples (by "all": on the same).
    equal_error : Rate
        The error at the threshold where both shares are equal, on all samples. It describes the
        map; that threshold is not known beforehand.
    by : {"class", "sample", "all"}
        Whether "other samples" are of other classes, or of the same; "all": there are no others.
    n_classes : int
    """

    distance: float
    false_accept_rate: float
    false_accepts: Rate
    false_rejects: Rate
    equal_error: Rate
    by: str
    n_classes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def judge_by(labels: Any, labels_learnt: Any = ()) -> str:
    """Decide whether thresholds are tried on other classes, or on other samples of the same.

    "class" answers for classes that the map meets later, "sample" for new samples of the classes
    it knows. Pairs of classes that the map was trained on say nothing about new classes, however
    they are divided, so these are judged by sample. Classes that it was not trained on, or where
    that is not known, are judged by class: the harder test, whose interval covers the choice of
    the classes.

    By class there must be four classes, two to choose a threshold on and two to try it on; by
    sample four samples of each class, for the same reason. Where there are too few for the one
    and enough for the other, the other is used; where there are too few for both, "all".

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The class of each held-out sample.
    labels_learnt : array-like of shape (n_learnt,), optional
        The classes of samples that the map was trained on, as far as they are known. If one of
        the held-out samples is of such a class, all are taken for samples of known classes.

    Returns
    -------
    {"class", "sample", "all"}
        As `choose_threshold` takes it.

    Raises
    ------
    InputError
        If there is not one label for each sample.

    Examples
    --------
    >>> people = np.repeat(["Ann", "Bob", "Cem", "Dee"], 5)
    >>> judge_by(people), judge_by(people, labels_learnt=["Ann", "Eve"])
    ('class', 'sample')
    >>> judge_by(people[:15])  # three people are too few to set some of them apart
    'sample'
    """
    labels = as_array(labels, "labels")
    if labels.ndim != 1 or not len(labels):
        raise InputError(
            f"labels has the shape {labels.shape}; there must be one label for each sample"
        )
    values, counts = np.unique(as_values(labels), return_counts=True)
    known = is_in(values, as_values(as_array(labels_learnt, "labels_learnt"))).any()
    by_class = len(values) >= 2 * _PER_SIDE
    by_sample = counts.min() >= 2 * _PER_SIDE
    if by_class and not (known and by_sample):
        return "class"
    return "sample" if by_sample else "all"


def choose_threshold(
    Z: Any,
    labels: Any,
    false_accept_rate: float,
    *,
    by: str = "class",
    groups: Any = None,
    n_folds: int = N_FOLDS,
    random_state: RandomState = None,
) -> Threshold:
    """Choose a threshold for a wanted rate of false accepts, and estimate its error rates.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map.
    labels : array-like of shape (n_samples,)
        The class, such as the person, of each.
    false_accept_rate : float
        The share of different pairs that may be taken for the same, between 0 and 1.
    by : {"class", "sample", "all"}
        Whether it should hold for new classes, or for new samples of these; see `judge_by`. "all"
        needs no more than a pair of each kind: the threshold is chosen and tried on all samples,
        so that others will be decided wrongly more often. If there are fewer different pairs than
        1 over the rate, it accepts none of them.
    groups : array-like of shape (n_samples,), optional
        The source of each sample, such as the sheet, the session or the photograph that it was
        taken from. Two samples of one source are more alike than others of their class: they are
        never on both sides, they count as one for the intervals, and pairs of them are not among
        those that are the same. Groups with which no such pair is left are not used.
    n_folds : int, default=5
        Fewer are used where there are not two classes for each ("class"), or two samples of
        each class ("sample").
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Threshold
        From all pairs, or from 200,000 of one class and 200,000 of two, drawn at random, where
        there are more. A rate r then has a further standard error of sqrt(r (1 - r) / 200,000).

    Raises
    ------
    InputError
        If there are too few classes or samples or, except by "all", fewer different pairs than 1
        over the rate.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> people = np.repeat(np.arange(30), 6)
    >>> Z = rng.normal(size=(30, 2))[people] * 9 + rng.normal(size=(180, 2))
    >>> threshold = choose_threshold(Z, people, 0.05, random_state=0)
    >>> threshold.false_accepts.low < 0.05 < threshold.false_accepts.high
    True
    """
    rows, labels = _check(Z, labels, by)
    sources = _sources(labels, groups)
    _check_rate(false_accept_rate)
    check_count(n_folds, "n_folds", least=2)
    values = np.unique(labels)
    seed = seed_of(random_state)
    rng = generator(seed)
    everything = pair_distances(rows, labels, rng, sources)
    if by == "all":
        distance = _smallest_or_quantile(everything, false_accept_rate)
        pairs = everything.beyond(distance)
    else:
        n_folds = _count_folds(_n_sources(labels, sources), by, n_folds)
        distance = _quantile(everything, false_accept_rate)
        parts = []
        for others, part in _folds(labels, by, n_folds, seed, sources):
            there = pair_distances(rows[others], labels[others], rng, _some(sources, others))
            chosen = _quantile(there, false_accept_rate)
            tried = pair_distances(rows[part], labels[part], rng, _some(sources, part))
            parts.append(tried.renumbered(part).beyond(chosen))
        pairs = PairDistances.concatenated(parts)
    weights = _weights(labels, by, rng, sources)
    n_units = len(values) if by == "class" else int(_n_sources(labels, sources).sum())
    return Threshold(
        distance=distance,
        false_accept_rate=false_accept_rate,
        false_accepts=_wrong(pairs, ~pairs.same, pairs.distance < 0, weights, n_units),
        false_rejects=_wrong(pairs, pairs.same, pairs.distance >= 0, weights, n_units),
        equal_error=_equal_error(everything, weights, n_units),
        by=by,
        n_classes=len(values),
    )


def decide(Z_left: Any, Z_right: Any, threshold: Threshold | float) -> np.ndarray:
    """Decide for each pair of points whether the two are the same.

    Parameters
    ----------
    Z_left, Z_right : array-like of shape (n_pairs, n_components)
    threshold : Threshold or float
        The distance below which they are.

    Returns
    -------
    ndarray of shape (n_pairs,) of bool

    Raises
    ------
    InputError
        If the arrays differ in shape, or the threshold is not a number >= 0.

    Examples
    --------
    >>> decide([[0.0, 0.0], [0.0, 0.0]], [[0.3, 0.4], [3.0, 4.0]], 1.0)
    array([ True, False])
    """
    left, right = as_rows(Z_left, "Z_left"), as_rows(Z_right, "Z_right")
    if left.shape != right.shape:
        raise InputError(
            f"Z_left has the shape {left.shape} and Z_right {right.shape}; each point on the left "
            "must have its partner on the right"
        )
    distance = threshold.distance if isinstance(threshold, Threshold) else threshold
    if not is_number(distance) or distance < 0:
        raise InputError(f"threshold is {distance!r}; it must be a distance, a finite number >= 0")
    return np.linalg.norm(left - right, axis=1) < distance


def equal_error_rate(
    Z: Any, labels: Any, *, by: str = "class", random_state: RandomState = None
) -> Rate:
    """Return the error at the threshold where false accepts and false rejects are equal.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map.
    labels : array-like of shape (n_samples,)
    by : {"class", "sample"}
        What is drawn independently, for the interval.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Rate
        0.5 is chance, 0 is perfect. From all pairs, or a random part, as in `choose_threshold`.

    Raises
    ------
    InputError
        If there are fewer than two classes, or no two points of one.

    Examples
    --------
    >>> equal_error_rate([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], random_state=0).value
    0.0
    """
    rows, labels = _check(Z, labels, by)
    rng = generator(seed_of(random_state))
    pairs = pair_distances(rows, labels, rng)
    n_units = len(np.unique(labels)) if by == "class" else len(labels)
    return _equal_error(pairs, _weights(labels, by, rng), n_units)


def roc(
    Z: Any, labels: Any, *, n_points: int = 200, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the receiver operating characteristic: true against false accepts.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map.
    labels : array-like of shape (n_samples,)
    n_points : int, default=200
        The number of false accept rates, even on a logarithmic scale from one different pair to
        all of them.
    random_state : int, numpy Generator or RandomState, optional
        For which pairs are drawn, if there are more than 200,000 of a kind.

    Returns
    -------
    false_accepts, true_accepts : ndarray of shape (n_points,)

    Raises
    ------
    InputError
        If there are fewer than two classes, or no two points of one.

    Examples
    --------
    >>> roc([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], n_points=3)[1].tolist()
    [1.0, 1.0, 1.0]
    """
    rows, labels = _check(Z, labels, "class")
    check_count(n_points, "n_points", least=2)
    pairs = pair_distances(rows, labels, generator(seed_of(random_state)))
    same, different = np.sort(pairs.distance[pairs.same]), np.sort(pairs.distance[~pairs.same])
    false_accepts = np.geomspace(1 / len(different), 1, n_points)
    thresholds = different[np.ceil(false_accepts * len(different)).astype(int).clip(1) - 1]
    # Pairs up to and including the threshold are accepted, so that the first rate is one pair's.
    accepted = np.searchsorted(different, thresholds, side="right") / len(different)
    return accepted, np.searchsorted(same, thresholds, side="right") / len(same)


def mean_average_precision(Z: Any, labels: Any) -> float:
    """Retrieve the samples of one's own class among all others, and average over the samples.

    The average precision of a sample is the mean, over the others of its class, of the share of
    its class among all that are as near as this one; samples without others are left out.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
    labels : array-like of shape (n_samples,)

    Returns
    -------
    float
        1 if all of a sample's class come before any other; about the share of the class if
        the order is random.

    Raises
    ------
    InputError
        If points and labels differ in number, or no two samples are of one class.

    Examples
    --------
    >>> mean_average_precision([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1])
    1.0
    """
    from sklearn.metrics import pairwise_distances

    rows = as_rows(Z, "Z")
    labels = one_each(labels, len(rows), "labels")
    if len(np.unique(as_values(labels))) == len(labels):
        raise InputError("labels has no two samples of one class, so there is nothing to retrieve")
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


def _choose_as_judged(
    maps: Mapping[str, Any],
    labels: Any,
    false_accept_rate: float,
    *,
    labels_learnt: Any = (),
    groups: Any = None,
    random_state: RandomState = None,
) -> dict[str, Threshold]:
    """Choose a threshold for each map, tried on others as `judge_by` says if there are enough.

    Raises
    ------
    InputError
        If there are fewer than two classes, or no two points of one.
    """
    sources = _sources(as_array(labels, "labels"), groups)
    by = judge_by(labels if sources is None else _of_sources(labels, sources), labels_learnt)

    def chosen(by: str) -> dict[str, Threshold]:
        return {
            name: choose_threshold(
                Z, labels, false_accept_rate, by=by, groups=sources, random_state=random_state
            )
            for name, Z in maps.items()
        }

    try:
        return chosen(by)
    except InputError:  # too few pairs or samples; whatever else is wrong is raised again
        return chosen("all")


def _count_folds(counts: np.ndarray, by: str, n_folds: int) -> int:
    """Return how many folds there can be, of classes with so many samples."""
    most_folds = (len(counts) if by == "class" else int(counts.min())) // _PER_SIDE
    if most_folds < 2:
        needed = (
            "four classes (or by='sample')"
            if by == "class"
            else "four points of each (or by='class')"
        )
        raise InputError(
            f"there are {len(counts)} classes, the smallest of {counts.min()} points; a threshold "
            f"is chosen on some and tried on others, which needs {needed}; by='all' sets none apart"
        )
    return min(n_folds, most_folds)


def _check_rate(false_accept_rate: float) -> None:
    if not is_number(false_accept_rate) or not 0 < false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate is {false_accept_rate!r}; it must be a share between 0 and 1"
        )


def _check(Z: Any, labels: Any, by: str) -> tuple[np.ndarray, np.ndarray]:
    rows, labels = as_rows(Z, "Z"), as_array(labels, "labels")
    if by not in UNITS:
        raise InputError(f"by is {by!r}; {nearest_name(by, UNITS)}")
    n_values = len(np.unique(labels))
    if labels.shape != (len(rows),) or not 2 <= n_values < len(rows):
        raise InputError(
            f"Z has {len(rows)} points and labels the shape {labels.shape}, with {n_values} "
            "classes; there must be a label for each point, two classes or more, and two points "
            "of one"
        )
    return rows, labels


def _sources(labels: np.ndarray, groups: Any) -> np.ndarray | None:
    """Return the source of each sample as a number; None if no pair of a class is of two."""
    if groups is None:
        return None
    groups = one_each(groups, len(labels), "groups")
    sources: np.ndarray = np.unique(as_values(groups), return_inverse=True)[1]
    classes = np.unique(_of_sources(labels, sources), return_counts=True)[1]
    return sources if classes.max(initial=0) > 1 else None


def _of_sources(labels: Any, sources: np.ndarray) -> np.ndarray:
    """Return the class of each source, once for each class that it has samples of."""
    code = np.unique(as_values(as_array(labels, "labels")), return_inverse=True)[1]
    first = np.unique(np.stack([code, sources]), axis=1, return_index=True)[1]
    return np.asarray(labels)[first]


def _n_sources(labels: np.ndarray, sources: np.ndarray | None) -> np.ndarray:
    """Count the sources of each class, or its samples."""
    of_sources = labels if sources is None else _of_sources(labels, sources)
    return np.unique(of_sources, return_counts=True)[1]


def _some(sources: np.ndarray | None, rows: np.ndarray) -> np.ndarray | None:
    return None if sources is None else sources[rows]


def _folds(
    labels: np.ndarray, by: str, n_folds: int, seed: int, sources: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Divide the samples into folds; by class, no class is in two of them, and else no source."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, StratifiedKFold

    if by == "sample" and sources is not None:
        apart = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        yield from apart.split(labels, labels, groups=sources)
        return
    if by == "sample":
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        yield from folds.split(labels, labels)
        return
    folds = GroupKFold(n_folds, shuffle=True, random_state=seed)
    yield from folds.split(labels, groups=labels)


def _quantile(pairs: PairDistances, false_accept_rate: float) -> float:
    different = pairs.distance[~pairs.same]
    if len(different) * false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate is {false_accept_rate:g} and there are {len(different)} different "
            "pairs to choose a threshold on, of which less than one would be accepted; ask for a "
            "larger rate, or give more samples"
        )
    return float(np.quantile(different, false_accept_rate))


def _smallest_or_quantile(pairs: PairDistances, false_accept_rate: float) -> float:
    """Return the quantile of different pairs; if they cannot show it, their smallest distance."""
    different = pairs.distance[~pairs.same]
    if len(different) * false_accept_rate < 1:
        return float(different.min())
    return _quantile(pairs, false_accept_rate)


def _weights(
    labels: np.ndarray, by: str, rng: np.random.Generator, sources: np.ndarray | None = None
) -> np.ndarray:
    """Draw the weights of a Bayesian bootstrap: (n_resamples, n_samples).

    Each sample, and by class also each class, has an exponential weight in place of the number of
    times it would be drawn. It is never 0, so no resample lacks a class.
    """
    values, code = np.unique(labels, return_inverse=True)
    units = np.arange(len(labels)) if sources is None else sources
    weights = rng.exponential(size=(N_RESAMPLES, int(units.max()) + 1))[:, units]
    if by == "class":
        weights *= rng.exponential(size=(N_RESAMPLES, len(values)))[:, code]
    return weights


def _wrong(
    pairs: PairDistances, asked: np.ndarray, wrong: np.ndarray, weights: np.ndarray, n_units: int
) -> Rate:
    """Return the share of the pairs that are asked about, of which the decision is wrong."""
    left, right, wrong = pairs.left[asked], pairs.right[asked], wrong[asked]
    resampled = []
    for weight in weights:
        pair_weight = weight[left] * weight[right]
        resampled.append((pair_weight * wrong).sum() / pair_weight.sum())
    return _rate(float(wrong.mean()), resampled, int(asked.sum()), n_units)


def _rate(value: float, resampled: Any, n: int, n_units: int) -> Rate:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Rate(value, *wilson_if_certain(value, float(low), float(high), n_units), n)


def _equal_error(pairs: PairDistances, weights: np.ndarray, n_units: int) -> Rate:
    order = np.argsort(pairs.distance, kind="stable")
    distance, same = pairs.distance[order], pairs.same[order]
    left, right = pairs.left[order], pairs.right[order]
    # Equal distances are accepted together: only the last of them is a threshold.
    last = np.append(np.diff(distance) > 0, True)

    def crossing(weight: np.ndarray) -> float:
        rejected, accepted = (
            np.concatenate([[0], np.cumsum(weight * kind)[last]]) for kind in (same, ~same)
        )
        rejected, accepted = 1 - rejected / rejected[-1], accepted / accepted[-1]
        k = int(np.argmax(accepted >= rejected))
        # Interpolate between the last threshold that rejects more and the first that does not.
        before, after = rejected[k - 1] - accepted[k - 1], accepted[k] - rejected[k]
        share = before / (before + after)
        return float(accepted[k - 1] + share * (accepted[k] - accepted[k - 1]))

    value = crossing(np.ones(len(distance)))
    resampled = [crossing(weight[left] * weight[right]) for weight in weights]
    return _rate(value, resampled, len(distance), n_units)


__getattr__ = renamed_names(__name__, {"verification": "choose_threshold"})
