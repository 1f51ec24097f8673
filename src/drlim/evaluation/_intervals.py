"""How sure a number is: intervals that know which samples depend on each other.

Copies of one source are right or wrong together, so what is drawn again and again is not
samples but their groups. A statistic is computed from sums, a row a group, so that a resample
is one product of matrices and a thousand of them take milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

N_RESAMPLES = 1000
_BLOCK = 2_000_000


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


def group_sums(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Add up rows of values, (n_samples, k), over groups: (n_groups, k)."""
    names, group = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, group, values)
    return sums


def bootstrap(
    sums: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic, from groups drawn with replacement.

    Parameters
    ----------
    sums : ndarray of shape (n_groups, k)
        What each group adds to the sums that the statistic is computed from.
    statistic : callable
        Sums of shape (n_resamples, k) to values of shape (n_resamples,); a value that is not a
        number (a resample without spread) is left out.
    rng : numpy.random.Generator
    """
    n, values = len(sums), []
    block = max(1, _BLOCK // n)
    for start in range(0, N_RESAMPLES, block):
        size = min(block, N_RESAMPLES - start)
        drawn = rng.integers(n, size=(size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(drawn.ravel(), minlength=n * size).reshape(size, n)
        values.append(statistic(times @ sums))
    found = np.concatenate(values)
    found = found[np.isfinite(found)]
    if not len(found):
        return math.nan, math.nan
    low, high = np.quantile(found, [0.025, 0.975])
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

    Wilson's where each sample is a group of its own, and by drawing groups where not.
    """
    n_groups = len(np.unique(groups))
    if n_groups == len(right):
        return wilson_interval(int(right.sum()), len(right))
    low, high = mean_interval(right, groups, rng)
    return spread_out(float(right.mean()), low, high, n_groups)


def spread_out(value: float, low: float, high: float, n_groups: int) -> tuple[float, float]:
    """Widen the interval of a share of 0 or 1, of which every resample is the same.

    No draw shows what was never seen; Wilson's interval does, with a group for a sample.
    """
    if value in (0, 1):
        return wilson_interval(round(value * n_groups), n_groups)
    return low, high


def r2_parts(truth: np.ndarray, read: np.ndarray) -> np.ndarray:
    """Return what each sample adds to the sums that R² is computed from: (n_samples, 1 + 3 k)."""
    truth, error = truth - truth.mean(axis=0), truth - read
    return np.hstack([np.ones((len(truth), 1)), truth, truth**2, error**2])


def r2_of_sums(sums: np.ndarray) -> np.ndarray:
    """Compute R², its mean over k outputs, from sums of `r2_parts`: (n, 1 + 3 k) to (n,)."""
    n, (total, squares, errors) = sums[:, :1], np.split(sums[:, 1:], 3, axis=1)
    spread = squares - total**2 / n
    # What is left of rounding is no spread.
    spread = np.where(spread > 1e-12 * squares, spread, np.nan)
    r2: np.ndarray = (1 - errors / spread).mean(axis=1)
    return r2


def balanced_of_sums(sums: np.ndarray) -> np.ndarray:
    """Compute balanced accuracy from how many of each value were right, and were there.

    ``sums`` is of shape (n, 2 n_values); a value that a resample lacks is left out of its mean.
    """
    right, there = np.split(sums, 2, axis=1)
    share = np.divide(right, there, out=np.zeros_like(right), where=there > 0)
    balanced: np.ndarray = share.sum(axis=1) / (there > 0).sum(axis=1)
    return balanced
