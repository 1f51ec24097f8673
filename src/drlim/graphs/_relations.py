"""Relations: rules that build a graph from known factors.

What a relation does not mention is ignored. ``same(azimuth) & same(elevation)`` is the same
pose under any lighting, because the lighting is not mentioned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from drlim._checks import as_array, check_count, is_number
from drlim._errors import InputError
from drlim._types import Float, Int
from drlim._values import rounding
from drlim.graphs._graph import SimilarityGraph
from drlim.graphs._neighbors import rows_within

# A gap of a factor is bridged up to this many steps. With a fifth of the values held out at random
# a gap is wider where five values in a row are missing: 0.2 ** 4 of the gaps, one in 600.
MOST_STEPS = 5

# The share of the values that is near a value where nothing else says what is. Measured with a
# linear map in 600 steps: R2 of the assay of held-out tablets 0.953 (2 values 0.948, 5 0.948,
# 10 0.947; a tenth 0.955), of diabetes' progression 0.490 (0.478, 0.456, 0.475; 0.498). A tenth
# has twice the pairs.
SHARE_OF_VALUES, _NEAR_VALUES = 0.05, (5, 50)


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


def adjacent(
    factor: Any,
    step: float,
    *,
    period: float | None = None,
    within: Any = None,
    most_steps: float = MOST_STEPS,
) -> SimilarityGraph:
    """Make samples similar whose factor differs, but by no more than a step.

    A value that has no other within a step above or below it is joined to the nearest one that is
    present on that side, so that a few missing values, those of held-out samples say, do not cut a
    path or a ring into parts. Equal values are not adjacent; `same` makes those similar.

    Parameters
    ----------
    factor : array-like of shape (n_samples,)
        Numbers, in any unit.
    step : float
        The largest difference that is still near, in the unit of the factor, > 0. Differences
        that exceed it by no more than the rounding of the factor's dtype count as equal to it.
    period : float, optional
        For a factor that closes on itself: with ``period=360``, 340 lies beside 0.
    within : array-like of shape (n_samples,), optional
        Another factor: only samples of the same value are joined, and what is present is decided
        among them.
    most_steps : float, default=5
        The widest gap that is bridged, in steps (around a circle, at most half of it); 1: none.
        With a fifth of the values held out at random, one gap in 600 is wider than 5 steps.

    Examples
    --------
    >>> adjacent([0, 20, 40, 340], step=20, period=360).edges.tolist()
    [[0, 1], [0, 3], [1, 2]]
    >>> adjacent([0, 20, 80, 300], step=20).edges.tolist()
    [[0, 1], [1, 2]]
    """
    return adjacent_and_gaps(factor, step, period=period, within=within, most_steps=most_steps)[0]


class Gaps(NamedTuple):
    """Where a factor has no value within a step of another, while there are values beyond.

    Attributes
    ----------
    n_bridged : int
        Gaps whose ends were joined.
    widest : float
        The widest of these, in the unit of the factor.
    n_open : int
        Gaps that are too wide, whose ends were not joined.
    """

    n_bridged: int
    widest: float
    n_open: int


def adjacent_and_gaps(
    factor: Any,
    step: float,
    *,
    period: float | None = None,
    within: Any = None,
    most_steps: float = MOST_STEPS,
) -> tuple[SimilarityGraph, Gaps]:
    """Do what `adjacent` does, and tell of the gaps."""
    factor = _as_numbers(factor)
    if not is_number(step) or not step > 0:
        raise InputError(f"step is {step!r}; it must be > 0 (equal values: use same)")
    if period is not None and not (is_number(period) and period > step):
        raise InputError(f"period is {period!r}; it must be larger than the step, {step!r}")
    if not is_number(most_steps) or not most_steps >= 1:
        raise InputError(f"most_steps is {most_steps!r}; it must be >= 1 (1: no gap is bridged)")
    # Where the dtype is too coarse for the step, the next value of the grid stays apart.
    most = step / 4
    edges, gaps = [], []
    for rows in rows_within(within, len(factor)):
        values = _Values.of(factor[rows], period)
        joined = values.pairs_by(
            lambda gap, off: (gap > 0) & (gap <= step + np.minimum(1e-9 * step + off, most))
        )
        ends, found = values.gaps(step, most_steps)
        edges.append(rows[each_with_each(values.members, np.concatenate([joined, ends]))])
        gaps.append(found)
    every = np.concatenate(edges) if edges else np.empty((0, 2), np.int64)
    n_bridged, widest, n_open = zip(*gaps, strict=True)
    return SimilarityGraph(every, len(factor)), Gaps(sum(n_bridged), max(widest), sum(n_open))


def near_values(
    factor: Any, n_values: int | None = None, *, period: float | None = None, within: Any = None
) -> SimilarityGraph:
    """Make samples similar whose values are equal, or among the nearest to each other.

    For measured numbers of which nobody knows what distance is near: where values are dense, near
    is nearer.

    Parameters
    ----------
    factor : array-like of shape (n_samples,)
        Numbers, in any unit.
    n_values : int, optional
        How many other values are near each value. None: a twentieth of the values, 5 at least and
        50 at most, and no more than a quarter of them.
    period : float, optional
        For a factor that closes on itself.
    within : array-like of shape (n_samples,), optional
        Another factor: only samples of the same value are joined.

    Examples
    --------
    >>> near_values([1.5, 9.0, 1.7, 1.5], n_values=1).edges.tolist()
    [[0, 2], [0, 3], [1, 2], [2, 3]]
    """
    return near_in_values([factor], [period], n_values, within)[0]


def near_in_values(
    factors: Sequence[Any],
    periods: Sequence[float | None],
    n_values: int | None = None,
    within: Any = None,
) -> tuple[SimilarityGraph, int]:
    """Do what `near_values` does, in the plane or space of several factors; tell the number.

    Of several factors, each counts by its standard deviation.
    """
    if n_values is not None:
        check_count(n_values, "n_values")
    columns = [_as_columns(factor, period) for factor, period in zip(factors, periods, strict=True)]
    values, value = np.unique(np.concatenate(columns, axis=1), axis=0, return_inverse=True)
    value = value.ravel()
    groups = rows_within(within, len(value))
    if n_values is None:
        n_distinct = np.mean([len(np.unique(value[rows])) for rows in groups])
        n_values = int(np.clip(n_distinct * SHARE_OF_VALUES, *_NEAR_VALUES))
        n_values = min(n_values, max(1, int(n_distinct) // 4))  # few values are not all near
    edges = [np.empty((0, 2), np.int64)]
    for rows in groups:
        there, group = np.unique(value[rows], return_inverse=True)
        n_near = min(n_values, len(there) - 1)
        if n_near < 1:
            continue
        # Itself is found too, at a distance of 0.
        near = cKDTree(values[there]).query(values[there], n_near + 1)[1]
        order = np.argsort(group, kind="stable")
        members = np.split(rows[order], np.cumsum(np.bincount(group))[:-1])
        pairs_ = SimilarityGraph(
            np.stack([np.repeat(np.arange(len(there)), n_near + 1), near.ravel()], axis=1),
            len(there),
        )
        edges.append(each_with_each(members, pairs_.edges))
    near_by = SimilarityGraph(np.concatenate(edges), len(value))
    equal = same(value) if within is None else same(value) & same(within)
    return (equal | near_by if near_by.n_edges else equal), n_values


def each_with_each(
    members: Sequence[Int[np.ndarray, " n_members"]], groups: Int[np.ndarray, "n_groups 2"]
) -> Int[np.ndarray, "n_pairs 2"]:
    """Return, for each pair of groups, each member of the one paired with each of the other."""
    if not len(groups):
        return np.empty((0, 2), np.int64)
    every, size = np.concatenate(members), np.array([len(rows) for rows in members])
    first = np.cumsum(size) - size
    left, right = groups.T
    n_pairs = size[left] * size[right]
    # The number of each pair among those of its two groups.
    number = np.arange(n_pairs.sum()) - np.repeat(np.cumsum(n_pairs) - n_pairs, n_pairs)
    of_left, of_right = np.divmod(number, np.repeat(size[right], n_pairs))
    return np.stack(
        [
            every[np.repeat(first[left], n_pairs) + of_left],
            every[np.repeat(first[right], n_pairs) + of_right],
        ],
        axis=1,
    )


def _as_columns(values: Any, period: float | None) -> Float[np.ndarray, "n_samples n_columns"]:
    """Return a factor in its own unit, as one column; on a circle, as the two of a plane."""
    factor = _as_numbers(values).astype(np.float64)
    if period is not None:
        if not is_number(period) or not period > 0:
            raise InputError(f"period is {period!r}; it must be > 0")
        angle = factor % period * (2 * np.pi / period)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    largest = float(np.abs(factor).max(initial=0.0)) or 1.0  # so that no square overflows
    unit = float((factor / largest).std()) or 1.0
    return (factor / largest / unit)[:, None]


def same_on_circle(factor: np.ndarray, period: float) -> SimilarityGraph:
    """Make samples similar whose factor differs by whole periods, or not at all."""
    equal = same(factor)
    if factor.dtype.kind not in "uif" or not np.isfinite(factor).all():
        return equal
    values = _Values.of(factor, period)
    pairs_ = values.pairs_by(lambda gap, off: gap <= off)
    if not len(pairs_):
        return equal  # a union writes all edges out
    return equal | SimilarityGraph(each_with_each(values.members, pairs_), len(factor))


@dataclass(frozen=True)
class _Values:
    """The distinct values of a factor, sorted, and the samples that have them.

    Distinct values are few where samples are many: which are near is decided among the values, and
    then spread over the samples that have them.
    """

    values: Float[np.ndarray, " n_values"]
    members: list[Int[np.ndarray, " n_members"]]
    period: float | None
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, factor: np.ndarray, period: float | None) -> _Values:
        values, group = np.unique(factor.astype(np.float64), return_inverse=True)
        order = np.argsort(group, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(group, minlength=len(values)))[:-1])
        return cls(values, members, period, factor.dtype)

    def pairs_by(
        self, is_near: Callable[[np.ndarray, np.ndarray], np.ndarray]
    ) -> Int[np.ndarray, "n_pairs 2"]:
        """Return the pairs of values that are near by their difference and its rounding."""
        near = [np.empty((0, 2), np.int64)]
        for k, value in enumerate(self.values):
            gap = np.abs(self.values[k + 1 :] - value)
            if self.period is not None:
                gap = gap % self.period
                gap = np.minimum(gap, self.period - gap)
            off = rounding(self.values[k + 1 :], value, self.dtype)
            others = k + 1 + np.flatnonzero(is_near(gap, off))
            near.append(np.stack([np.full(len(others), k), others], axis=1))
        return np.concatenate(near)

    def gaps(self, step: float, most_steps: float) -> tuple[Int[np.ndarray, "n_pairs 2"], Gaps]:
        """Return the pairs of values at either end of a gap that is bridged, and count the gaps."""
        places, at = self._places()
        if len(places) < 2:
            return np.empty((0, 2), np.int64), Gaps(0, 0.0, 0)
        gap = np.diff(places)
        if self.period is not None:
            gap = np.append(gap, places[0] + self.period - places[-1])
        off = np.minimum(1e-9 * step + rounding(places, places, self.dtype).max(), step / 4)
        widest = most_steps * step
        if self.period is not None:
            widest = min(widest, self.period / 2)
        is_open = gap > step + off
        bridged = np.flatnonzero(is_open & (gap <= widest + off))
        ends = [
            (int(left), int(right))
            for place in bridged
            for left in np.flatnonzero(at == place)
            for right in np.flatnonzero(at == (place + 1) % len(places))
        ]
        n_open = int(is_open.sum()) - len(bridged)
        found = Gaps(len(bridged), float(gap[bridged].max(initial=0.0)), n_open)
        return np.array(ends, np.int64).reshape(-1, 2), found

    def _places(self) -> tuple[Float[np.ndarray, " n_places"], Int[np.ndarray, " n_values"]]:
        """Return the places that values take on the line or circle, and the place of each value."""
        if self.period is None:
            return self.values, np.arange(len(self.values))
        turned = self.values % self.period
        order = np.argsort(turned, kind="stable")
        # Values that differ by whole periods are in one place, to the rounding of their dtype.
        largest = np.abs(self.values).max(initial=0.0)
        off = float(rounding(np.array(largest), largest, self.dtype))
        begins = np.diff(turned[order], prepend=-np.inf) > off
        first = turned[order][begins]
        at = np.empty(len(turned), np.int64)
        at[order] = np.cumsum(begins) - 1
        if len(first) > 1 and first[0] + self.period - first[-1] <= off:
            at[at == len(first) - 1] = 0
            first = first[:-1]
        return first, at


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


def _as_numbers(values: Any) -> np.ndarray:
    factor = _as_factor(values)
    if factor.dtype.kind not in "uif" or not np.isfinite(factor).all():
        raise InputError(
            f"the factor has the dtype {factor.dtype}; near is a difference of values, so they "
            "must be finite numbers"
        )
    return factor


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
