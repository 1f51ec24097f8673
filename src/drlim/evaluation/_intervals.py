"""95 % intervals that respect which samples depend on each other.

Copies of one source are read rightly or wrongly together, so a bootstrap draws groups of samples,
not samples (the cluster bootstrap; Davison & Hinkley 1997, section 3.8). Every statistic here is
computed from sums to which each group adds a row, so a resample is a row of a matrix product, and
a thousand of them take milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import norm as normal, t as student

# A percentile interval then has 25 resamples beyond each end.
N_RESAMPLES = 1000
# Counts in memory at a time, 16 MB.
_BLOCK = 2_000_000
# The 97.5 % quantile of the normal distribution.
_Z = 1.959964


def wilson_interval(successes: float, n: float, z: float = _Z) -> tuple[float, float]:
    """Return the interval of a share, by default the 95 % one (Wilson 1927).

    Unlike the textbook interval, p ± z sqrt(p (1 - p) / n), it stays within 0 and 1, and has a
    width where all or none succeed.

    Parameters
    ----------
    successes, n : float
        The share is `successes` / `n`.
    z : float
        The quantile of the normal distribution.

    Returns
    -------
    low, high : float

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


def group_sums(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Add up rows of values, (n_samples, k), over groups: (n_groups, k)."""
    names, group = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, group, values)
    return sums


def bootstrap(
    sums: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the percentile interval of a statistic, from groups drawn with replacement.

    Parameters
    ----------
    sums : ndarray of shape (n_groups, k)
        What each group adds to the sums that the statistic is computed from.
    statistic : callable
        Sums of shape (n_resamples, k) to values of shape (n_resamples,). It is NaN for a resample
        on which it is not defined, such as one without spread; these are left out.
    rng : numpy.random.Generator
    confidence : float, default=0.95

    Returns
    -------
    low, high : float
        NaN if it is defined on no resample.
    """
    n, values = len(sums), []
    block = max(1, _BLOCK // n)
    for start in range(0, N_RESAMPLES, block):
        size = min(block, N_RESAMPLES - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * size).reshape(size, n)
        values.append(statistic(times @ sums))
    finite = np.concatenate(values)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return math.nan, math.nan
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def mean_interval(
    values: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of the mean of values, (n_samples,), by drawing groups."""
    sums = group_sums(np.stack([values, np.ones(len(values))], axis=1), groups)
    return bootstrap(sums, lambda s: s[:, 0] / s[:, 1], rng)


def share_interval(
    right: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the interval of the share of samples that are right, (n_samples,) of bool.

    It is Wilson's where each sample is a group of its own, and a bootstrap of groups elsewhere.
    """
    n_groups = len(np.unique(groups))
    if n_groups == len(right):
        return wilson_interval(int(right.sum()), len(right))
    low, high = mean_interval(right, groups, rng)
    return wilson_if_certain(float(right.mean()), low, high, n_groups)


def wilson_if_certain(value: float, low: float, high: float, n_groups: int) -> tuple[float, float]:
    """Give the interval of a share of 0 or 1 a width.

    Every resample of such a share is the same, since no draw shows what never occurred. Wilson's
    interval has a width there; each group counts as one sample.
    """
    if value in (0, 1):
        return wilson_interval(round(value * n_groups), n_groups)
    return low, high


def balanced_interval(
    right: np.ndarray, value: np.ndarray, groups: np.ndarray, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return the balanced accuracy of samples read rightly or not, and its interval.

    The interval is Wilson's at the number of independent samples whose share has the variance of
    the balanced accuracy over groups (Korn & Graubard 1998), with a quantile of Student's t for
    that many groups. Unlike a bootstrap, it has a width where all or none are right, and where a
    value has one sample.

    Parameters
    ----------
    right : ndarray of bool of shape (n_samples,)
    value : ndarray of shape (n_samples,)
        Each sample's value.
    groups : ndarray of shape (n_samples,)
    confidence : float, default=0.95

    Returns
    -------
    accuracy, low, high : float

    Examples
    --------
    >>> right, value = np.repeat([True, False], [90, 10]), np.repeat([0, 1], [90, 10])
    >>> accuracy, low, high = balanced_interval(right, value, np.arange(100))
    >>> accuracy, bool(low < 0.45), bool(high > 0.55)
    (0.5, True, True)
    """
    value = np.unique(value, return_inverse=True)[1]
    counts = np.bincount(value)
    recall = np.bincount(value, weights=right) / counts
    accuracy = float(recall.mean())
    names, group = np.unique(groups, return_inverse=True)
    n_groups = len(names)
    # How many samples of equal weight the value with the fewest groups leaves: 1/k sum of 1/n.
    met = np.unique(np.stack([value, group]), axis=1)[0]
    size = len(counts) ** 2 / float((1 / np.bincount(met)).sum())
    if 0 < accuracy < 1:
        # What each group adds to the balanced accuracy, to first order.
        added = np.bincount(group, weights=(right - recall[value]) / counts[value]) / len(counts)
        variance = float((added**2).sum()) * n_groups / (n_groups - 1)
        size = min(size, accuracy * (1 - accuracy) / max(variance, 1e-12))
    else:
        size = min(size, n_groups)
    z = float(student.ppf((1 + confidence) / 2, n_groups - 1))
    low, high = wilson_interval(accuracy * size, size, z)
    return accuracy, min(low, accuracy), max(high, accuracy)  # but for rounding they are


def widened(
    value: float, low: float, high: float, n_groups: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Widen a bootstrap interval as Student's t is wider than the normal for that many groups."""
    level = (1 + confidence) / 2
    times = float(student.ppf(level, max(n_groups - 1, 1)) / normal.ppf(level))
    return value - times * (value - low), value + times * (high - value)


def r2_parts(truth: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return what each sample adds to the sums that R² is computed from: (n_samples, 1 + 3 k)."""
    truth, error = truth - truth.mean(axis=0), truth - read
    return np.hstack([np.ones((len(truth), 1)), truth, truth**2, error**2])


def r2_of_sums(sums: np.ndarray) -> np.ndarray:
    """Compute R², its mean over k outputs, from sums of `r2_parts`: (n, 1 + 3 k) to (n,)."""
    n, (total, squares, errors) = sums[:, :1], np.split(sums[:, 1:], 3, axis=1)
    spread = squares - total**2 / n
    # A constant truth leaves a rest of rounding, which is not spread.
    spread = np.where(spread > 1e-12 * squares, spread, np.nan)
    return (1 - errors / spread).mean(axis=1)


def balanced_of_sums(sums: np.ndarray) -> np.ndarray:
    """Compute balanced accuracy from sums of shape (n, 2 n_values).

    The first half counts for each value the samples read rightly, the second all samples of it. A
    value that a resample lacks is left out of the mean.
    """
    right, present = np.split(sums, 2, axis=1)
    share = np.divide(right, present, out=np.zeros_like(right), where=present > 0)
    return share.sum(axis=1) / (present > 0).sum(axis=1)
