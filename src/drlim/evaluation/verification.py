"""Same or different? What a map answers about two samples, of classes it may never have seen.

A threshold is always tried on other samples than it was chosen on; for people whom the map will
meet after training, on samples of other people (``by="class"``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GroupKFold, StratifiedKFold

from drlim._checks import check_count, is_number, one_each
from drlim._deprecated import renamed_names
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, generator, seed_of
from drlim.evaluation._intervals import spread_out
from drlim.evaluation._pairs import Pairs, draw_pairs
from drlim.evaluation._probes import as_values
from drlim.evaluation.quality import as_rows

# What is independent: the classes, or only the samples of classes that stay as they are.
UNITS = ("class", "sample")
# A threshold is chosen on one side and tried on the other. Each side needs two classes to have a
# pair that differs, and where both sides have all classes, two samples of each for a same pair.
_PER_SIDE = 2
N_RESAMPLES = 200


@dataclass(frozen=True)
class Rate:
    """A share of pairs that are answered wrongly.

    Attributes
    ----------
    value : float
    low, high : float
        Its 95 % interval: classes and the samples in them are weighted at random, as in a
        bootstrap (Rubin 1981), and a pair with the product of its samples' weights.
    n : int
        How many pairs it is a share of.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Threshold:
    """A distance below which two samples are taken for the same, and what it is worth.

    Attributes
    ----------
    distance : float
        Chosen on all the samples that were given.
    false_accept_rate : float
        The rate that was asked for.
    false_accepts, false_rejects : Rate
        The share of different pairs taken for the same, and of same pairs taken for different,
        by thresholds that were chosen in the same way on other samples.
    equal_error : Rate
        The error at the threshold where both shares are equal, of all the samples; it is a
        property of the map, and of no threshold that could be chosen beforehand.
    by : str
        What "other samples" means: of other classes ("class"), or of the same ("sample").
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
    """Tell whether thresholds should be tried on other classes, or on other samples of the same.

    "class" answers for classes that the map will meet later, "sample" for new samples of the
    classes it knows. Which of the two can be shown depends on the samples. Pairs of classes that
    the map was trained on say nothing about new classes, however they are divided, so they are
    judged by sample. Classes that it was not trained on, or of which that is not known, are judged
    by class: this is the harder test, and its interval covers the choice of the classes.

    By class there must be four classes, two to choose a threshold on and two to try it on; by
    sample four samples of each class, for the same reason. Where there are too few for the one
    and enough for the other, the other is used.

    Parameters
    ----------
    labels : array-like of shape (n_samples,)
        The class of each held-out sample.
    labels_learnt : array-like of shape (n_learnt,), optional
        The classes of samples that the map was trained on, as far as they are known. If one of
        the held-out samples is of such a class, all are taken for samples of known classes.

    Returns
    -------
    {"class", "sample"}
        As `choose_threshold` takes it.

    Raises
    ------
    InputError
        If there is not one label a sample.

    Examples
    --------
    >>> people = np.repeat(["Ann", "Bob", "Cem", "Dee"], 5)
    >>> judge_by(people), judge_by(people, labels_learnt=["Ann", "Eve"])
    ('class', 'sample')
    >>> judge_by(people[:15])  # three people are too few to set some of them apart
    'sample'
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise InputError(
            f"labels has the shape {labels.shape}; there must be one label a sample, (n_samples,)"
        )
    values, counts = np.unique(as_values(labels), return_counts=True)
    known = np.isin(values, as_values(np.asarray(labels_learnt))).any()
    by_class = len(values) >= 2 * _PER_SIDE
    by_sample = counts.min() >= 2 * _PER_SIDE
    return "class" if by_class and not (known and by_sample) else "sample"


def choose_threshold(
    Z: Any,
    labels: Any,
    false_accept_rate: float,
    *,
    by: str = "class",
    n_folds: int = 5,
    random_state: RandomState = None,
) -> Threshold:
    """Choose a threshold for a wanted rate of false accepts, and say what to expect of it.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map.
    labels : array-like of shape (n_samples,)
        The class, such as the person, of each.
    false_accept_rate : float
        The share of different pairs that may be taken for the same, between 0 and 1.
    by : {"class", "sample"}
        Whether it is to hold for classes that nobody has met, or for new samples of these.
    n_folds : int, default=5
        Fewer are used where there are not two classes for each ("class"), or two samples of
        each class ("sample").
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Threshold
        From all pairs, up to 200,000 of one class and as many of two; where there are more,
        from so many drawn at random: a rate r then has a standard error of
        sqrt(r (1 - r) / 200,000) more.

    Raises
    ------
    InputError
        If there are too few classes or samples, or fewer different pairs than 1 over the rate.

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
    _check_rate(false_accept_rate)
    check_count(n_folds, "n_folds", least=2)
    values, counts = np.unique(labels, return_counts=True)
    most_folds = (len(values) if by == "class" else int(counts.min())) // _PER_SIDE
    if most_folds < 2:
        raise InputError(
            f"there are {len(values)} classes, the smallest of {counts.min()} points; a threshold "
            "is chosen on some and tried on others, which needs "
            + (
                "four classes (or by='sample')"
                if by == "class"
                else "four points of each (or by='class')"
            )
        )
    seed = seed_of(random_state)
    rng = generator(seed)
    everyone = draw_pairs(rows, labels, rng)
    threshold = _quantile(everyone, false_accept_rate)
    tried = []
    for others, part in _folds(labels, by, min(n_folds, most_folds), seed):
        chosen = _quantile(draw_pairs(rows[others], labels[others], rng), false_accept_rate)
        tried.append(draw_pairs(rows[part], labels[part], rng).of(part).beyond(chosen))
    pairs = Pairs.together(tried)
    weights = _weights(labels, by, rng)
    wrong = pairs.distance < 0, pairs.distance >= 0
    n_units = len(values) if by == "class" else len(labels)
    rates = []
    for answered, asked in zip(wrong, (~pairs.same, pairs.same), strict=True):
        left, right = pairs.left[asked], pairs.right[asked]
        resampled = []
        for weight in weights:
            of_pair = weight[left] * weight[right]
            resampled.append((of_pair * answered[asked]).sum() / of_pair.sum())
        rates.append(_rate(float(answered[asked].mean()), resampled, int(asked.sum()), n_units))
    return Threshold(
        distance=threshold,
        false_accept_rate=false_accept_rate,
        false_accepts=rates[0],
        false_rejects=rates[1],
        equal_error=_equal_error(everyone, weights, n_units),
        by=by,
        n_classes=len(values),
    )


def decide(Z_left: Any, Z_right: Any, threshold: Threshold | float) -> np.ndarray:
    """Answer of each pair of points whether the two are the same.

    Parameters
    ----------
    Z_left, Z_right : array-like of shape (n_pairs, n_components)
    threshold : Threshold or float
        The distance below which they are.

    Returns
    -------
    ndarray of shape (n_pairs,) of bool

    Examples
    --------
    >>> decide([[0.0, 0.0], [0.0, 0.0]], [[0.3, 0.4], [3.0, 4.0]], 1.0)
    array([ True, False])
    """
    left, right = as_rows(Z_left), as_rows(Z_right)
    if left.shape != right.shape:
        raise InputError(
            f"the points have the shapes {left.shape} and {right.shape}; each on the left must "
            "have its partner on the right"
        )
    distance = threshold.distance if isinstance(threshold, Threshold) else threshold
    if not is_number(distance) or distance < 0:
        raise InputError(f"the threshold is {distance!r}; it is a distance, a finite number >= 0")
    return np.asarray(np.linalg.norm(left - right, axis=1) < distance)


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
        What is independent, for the interval.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Rate
        0.5 is chance, 0 is perfect. From all pairs, as `choose_threshold`.

    Examples
    --------
    >>> equal_error_rate([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], random_state=0).value
    0.0
    """
    rows, labels = _check(Z, labels, by)
    rng = generator(seed_of(random_state))
    pairs = draw_pairs(rows, labels, rng)
    n_units = len(np.unique(labels)) if by == "class" else len(labels)
    return _equal_error(pairs, _weights(labels, by, rng), n_units)


def roc(
    Z: Any, labels: Any, *, n_points: int = 200, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the receiver operating characteristic: true accepts against false accepts.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Held-out points of a map.
    labels : array-like of shape (n_samples,)
    n_points : int, default=200
        How many false accept rates, evenly on a logarithmic scale from one different pair to
        all of them.
    random_state : int, numpy Generator or RandomState, optional
        Of more than 200,000 pairs of a kind, for which are drawn.

    Returns
    -------
    false_accepts, true_accepts : ndarray of shape (n_points,)

    Examples
    --------
    >>> roc([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1], n_points=3)[1].tolist()
    [1.0, 1.0, 1.0]
    """
    rows, labels = _check(Z, labels, "class")
    check_count(n_points, "n_points", least=2)
    pairs = draw_pairs(rows, labels, generator(seed_of(random_state)))
    same, different = np.sort(pairs.distance[pairs.same]), np.sort(pairs.distance[~pairs.same])
    false_accepts = np.geomspace(1 / len(different), 1, n_points)
    thresholds = different[np.ceil(false_accepts * len(different)).astype(int).clip(1) - 1]
    # With the one different pair on the threshold itself: accepted up to and including it.
    accepted = np.searchsorted(different, thresholds, side="right") / len(different)
    return accepted, np.searchsorted(same, thresholds, side="right") / len(same)


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
    rows = as_rows(Z)
    labels = one_each(labels, len(rows), "labels")
    if len(np.unique(as_values(labels))) == len(labels):
        raise InputError("no two samples are of one class, so there is nothing to retrieve")
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


def _check_rate(false_accept_rate: float) -> None:
    if not is_number(false_accept_rate) or not 0 < false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate is {false_accept_rate!r}; it is a share, between 0 and 1"
        )


def _check(Z: Any, labels: Any, by: str) -> tuple[np.ndarray, np.ndarray]:
    rows, labels = as_rows(Z), np.asarray(labels)
    if by not in UNITS:
        raise InputError(f"by is {by!r}; {nearest_name(by, UNITS)}")
    n_values = len(np.unique(labels))
    if labels.shape != (len(rows),) or not 2 <= n_values < len(rows):
        raise InputError(
            f"there are {len(rows)} points and labels of the shape {labels.shape} with {n_values} "
            "classes; there must be a label a point, two classes or more, and two points of one"
        )
    return rows, labels


def _folds(
    labels: np.ndarray, by: str, n_folds: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Divide samples; by class, no class is on both sides and two or more are on each."""
    if by == "sample":
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
        yield from folds.split(labels, labels)
        return
    folds = GroupKFold(n_folds, shuffle=True, random_state=seed)
    yield from folds.split(labels, groups=labels)


def _quantile(pairs: Pairs, false_accept_rate: float) -> float:
    different = pairs.distance[~pairs.same]
    if len(different) * false_accept_rate < 1:
        raise InputError(
            f"false_accept_rate is {false_accept_rate} and there are {len(different)} different "
            "pairs to choose a threshold on; there must be one false accept among them: ask for "
            "a larger rate, or give more samples"
        )
    return float(np.quantile(different, false_accept_rate))


def _weights(labels: np.ndarray, by: str, rng: np.random.Generator) -> np.ndarray:
    """Draw weights for samples, (n_resamples, n_samples), with which a bootstrap is smooth.

    An exponential number a sample, and by class also one a class, stands for how often it would
    be drawn; unlike a count it is never 0, and no resample lacks a class.
    """
    values, code = np.unique(labels, return_inverse=True)
    weights = rng.exponential(size=(N_RESAMPLES, len(labels)))
    if by == "class":
        weights *= rng.exponential(size=(N_RESAMPLES, len(values)))[:, code]
    return weights


def _rate(value: float, resampled: Any, n: int, n_units: int) -> Rate:
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Rate(value, *spread_out(value, float(low), float(high), n_units), n)


def _equal_error(pairs: Pairs, weights: np.ndarray, n_units: int) -> Rate:
    order = np.argsort(pairs.distance, kind="stable")
    distance, same = pairs.distance[order], pairs.same[order]
    left, right = pairs.left[order], pairs.right[order]
    last = np.append(np.diff(distance) > 0, True)  # equal distances are accepted together

    def crossing(weight: np.ndarray) -> float:
        rejected, accepted = (
            np.concatenate([[0], np.cumsum(weight * kind)[last]]) for kind in (same, ~same)
        )
        rejected, accepted = 1 - rejected / rejected[-1], accepted / accepted[-1]
        k = int(np.argmax(accepted >= rejected))
        # On the line between the last threshold that rejects more and the first that does not.
        before, after = rejected[k - 1] - accepted[k - 1], accepted[k] - rejected[k]
        share = before / (before + after)
        return float(accepted[k - 1] + share * (accepted[k] - accepted[k - 1]))

    value = crossing(np.ones(len(distance)))
    resampled = [crossing(weight[left] * weight[right]) for weight in weights]
    return _rate(value, resampled, len(distance), n_units)


# Only one experiment called it, and the interval of a mean of five folds was no 95 % one.
__getattr__ = renamed_names(__name__, {"verification": "choose_threshold"})
