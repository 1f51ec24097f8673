"""Relations: rules that build a graph from known factors.

What a relation does not mention is ignored. ``same(azimuth) & same(elevation)`` is the same
pose under any lighting, because the lighting is not mentioned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from drlim._checks import as_array, is_number
from drlim._errors import InputError
from drlim._values import rounding
from drlim.graphs._graph import SimilarityGraph


def same(factor: Any) -> SimilarityGraph:
    """Make samples similar whose factor has the same value.

    Every pair of samples with the same value is an edge. Their number grows with the square of a
    class, so none is written out until all are needed (`SimilarityGraph.groups`): ten classes of
    6,000 have 180 million, in a few megabytes. ``&``, `restrict` and `copied` keep such graphs so;
    ``|`` and ``@`` write the edges out, in 8 bytes each and several times that meanwhile.

    Parameters
    ----------
    factor : array-like of shape (n_samples,)
        Numbers, strings or bools.

    Examples
    --------
    >>> same(["cat", "dog", "cat"]).edges.tolist()
    [[0, 2]]
    """
    try:
        group = np.unique(_as_factor(factor), return_inverse=True)[1]
    except TypeError as error:  # objects that have no order
        raise InputError(
            f"the factor has values of several types, or missing ones ({error}); give all as "
            "texts, or all as numbers"
        ) from None
    return SimilarityGraph._of_groups(group)


def adjacent(factor: Any, step: float, *, period: float | None = None) -> SimilarityGraph:
    """Make samples similar whose factor differs, but by no more than a step.

    Equal values are not adjacent; `same` makes those similar.

    Parameters
    ----------
    factor : array-like of shape (n_samples,)
        Numbers, in any unit.
    step : float
        The largest difference that is still near, in the unit of the factor, > 0. Differences
        that exceed it by no more than the rounding of the factor's dtype count as equal to it.
    period : float, optional
        For a factor that closes on itself: with ``period=360``, 340 lies beside 0.

    Examples
    --------
    >>> adjacent([0, 20, 40, 340], step=20, period=360).edges.tolist()
    [[0, 1], [0, 3], [1, 2]]
    """
    factor = _as_factor(factor)
    if factor.dtype.kind not in "uif" or not np.isfinite(factor).all():
        raise InputError(
            f"the factor has the dtype {factor.dtype}; a step is a difference of values, so they "
            "must be finite numbers"
        )
    if not is_number(step) or not step > 0:
        raise InputError(f"step is {step!r}; it must be > 0 (equal values: use same)")
    if period is not None and not (is_number(period) and period > step):
        raise InputError(f"period is {period!r}; it must be larger than the step, {step!r}")
    # Where the dtype is too coarse for the step, the next value of the grid stays apart.
    most = step / 4
    return _by_difference(
        factor,
        period,
        lambda gap, off: (gap > 0) & (gap <= step + np.minimum(1e-9 * step + off, most)),
    )


def same_on_circle(factor: np.ndarray, period: float) -> SimilarityGraph:
    """Make samples similar whose factor differs by whole periods, or not at all."""
    equal = same(factor)
    if factor.dtype.kind not in "uif" or not np.isfinite(factor).all():
        return equal
    turned = _by_difference(factor, period, lambda gap, off: gap <= off)
    return equal | turned if turned.n_edges else equal  # a union writes all edges out


def _by_difference(
    factor: np.ndarray,
    period: float | None,
    is_near: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> SimilarityGraph:
    """Join different values by their difference, given how far it may be off by rounding."""
    # Distinct values are few where samples are many: which are adjacent is decided among the
    # values, and then spread over the samples that have them.
    values, group = np.unique(factor.astype(np.float64), return_inverse=True)
    members = [np.flatnonzero(group == k) for k in range(len(values))]
    edges = []
    for k, value in enumerate(values):
        gap = np.abs(values[k + 1 :] - value)
        if period is not None:
            gap = gap % period
            gap = np.minimum(gap, period - gap)
        off = rounding(values[k + 1 :], value, factor.dtype)
        for other in k + 1 + np.flatnonzero(is_near(gap, off)):
            left, right = np.meshgrid(members[k], members[other], indexing="ij")
            edges.append(np.stack([left.ravel(), right.ravel()], axis=1))
    every = np.concatenate(edges) if edges else np.empty((0, 2), np.int64)
    return SimilarityGraph(every, len(group))


def copies(source: Any) -> SimilarityGraph:
    """Make samples similar that were made from one source (its shifted copies, its photographs).

    Parameters
    ----------
    source : array-like of shape (n_samples,)
        Which source each sample was made from.

    Examples
    --------
    >>> copies([7, 8, 7]).edges.tolist()
    [[0, 2]]
    """
    return same(source)


def pairs(left: Any, right: Any, n_samples: int) -> SimilarityGraph:
    """Make samples similar pair by pair, from the two columns of a table.

    Parameters
    ----------
    left, right : array-like of shape (n_pairs,), integer
        The two columns of the table: rows of the samples. Unlike in `SimilarityGraph`, a sample
        paired with itself is an error here: in a table written by hand it is most likely a
        mistake.
    n_samples : int
        How many samples there are.

    Examples
    --------
    >>> pairs([3, 0], [1, 2], n_samples=4).edges.tolist()
    [[0, 2], [1, 3]]
    """
    left, right = as_array(left, "left"), as_array(right, "right")
    if left.shape != right.shape or left.ndim != 1:
        raise InputError(
            f"left has the shape {left.shape} and right {right.shape}; they are the two columns "
            "of one table, (n_pairs,) each"
        )
    if (left == right).any():
        row = int(np.flatnonzero(left == right)[0])
        raise InputError(
            f"pair {row} is sample {left[row]} with itself; a pair must name two samples"
        )
    return SimilarityGraph(np.stack([left, right], axis=1), n_samples)


def _as_factor(values: Any) -> np.ndarray:
    factor = as_array(values, "the factor")
    if factor.ndim != 1:
        raise InputError(
            f"the factor has the shape {factor.shape}; it must have one value a sample, "
            "(n_samples,)"
        )
    if factor.dtype.kind == "f" and np.isnan(factor).any():
        raise InputError("the factor has NaN values; every sample must have a known value")
    return factor
