"""The exact loss of a map over all pairs of the data (eq. 1), without a list of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError
from drlim._types import Float, Int
from drlim.graphs import SimilarityGraph
from drlim.losses._springs import check_margin


@dataclass(frozen=True)
class GlobalLoss:
    """The two parts of eq. 1, summed over pairs; divide by a number to get them per sample or pair.

    Attributes
    ----------
    attraction, repulsion : float
        The sum over similar, and over dissimilar pairs.
    """

    attraction: float
    repulsion: float

    @property
    def total(self) -> float:
        """The loss itself: attraction + repulsion."""
        return self.attraction + self.repulsion

    def __float__(self) -> float:
        return self.total

    def __truediv__(self, count: float) -> GlobalLoss:
        return GlobalLoss(self.attraction / count, self.repulsion / count)


def global_loss(Z: Any, graph: SimilarityGraph, margin: float) -> GlobalLoss:
    """Return the exact loss of a map: the paper's eq. 1 with eq. 4, over *all* pairs.

    This is eq. 4, whatever loss a map was learnt with: losses that reach farther would need every
    one of the n (n - 1) / 2 pairs. The repulsion of eq. 4 has a finite range, so only pairs that
    may be nearer than the margin are visited, some at a time: memory grows with n, and time with
    the number of pairs inside the margin. If that is a fixed share of all pairs, it grows with n²:
    a map of 60,000 points takes seconds at worst, and one of a million points that all lie within
    one margin takes hours.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        The embedding.
    graph : SimilarityGraph
        Which pairs are similar; all others are dissimilar.
    margin : float
        The radius within which dissimilar points repel each other, > 0.

    Returns
    -------
    GlobalLoss
        The sums over pairs, in float64. ``global_loss(Z, graph, margin) / len(Z)`` is the loss
        per sample, which is what `drlim` reports.

    Raises
    ------
    InputError
        If the graph has another number of samples, a value is not finite, or the margin is not
        > 0.

    Examples
    --------
    >>> graph = SimilarityGraph.from_edges([(0, 1)], n_samples=3)
    >>> global_loss([[0.0], [1.0], [0.5]], graph, margin=1.0)
    GlobalLoss(attraction=0.5, repulsion=0.25)
    """
    check_margin(margin)
    if not isinstance(graph, SimilarityGraph):
        raise InputError(
            f"graph is a {type(graph).__name__}; it must be a drlim.SimilarityGraph, which holds "
            "the similar pairs"
        )
    Z = _checked_points(Z, graph.n_samples)
    with np.errstate(over="ignore"):
        attraction, among_similar = _of_similar(Z, graph, float(margin))
    if not np.isfinite(attraction):
        raise InputError(
            f"Z has values up to {float(np.abs(Z).max()):.3g}, and the square of a distance "
            "between similar points overflows a float: divide Z and the margin by one number"
        )
    every = _repulsion_of_all(Z, float(margin))
    # If all pairs inside the margin are similar, rounding may make the difference negative.
    return GlobalLoss(attraction, max(every - among_similar, 0.0))


def _checked_points(Z: Any, n_samples: int) -> Float[np.ndarray, "n d"]:
    """Return the points of a map in float64; raise unless they are one for each sample, finite."""
    Z = as_array(Z, "Z")
    if Z.dtype.kind not in "buif":
        raise InputError(f"Z has the dtype {Z.dtype}; the points of a map are real numbers")
    Z = Z.astype(np.float64, copy=False)
    if Z.ndim != 2 or len(Z) != n_samples:
        raise InputError(
            f"Z has the shape {Z.shape} and the graph has {n_samples} samples; Z must be the "
            "embedding of these samples, (n_samples, n_components)"
        )
    if not np.isfinite(Z).all():
        raise InputError("Z has NaN or infinite values; such a map has no loss")
    return Z


def _of_similar(
    Z: Float[np.ndarray, "n d"], graph: SimilarityGraph, margin: float
) -> tuple[float, float]:
    """Sum the attraction of the similar pairs, and the repulsion they would have if dissimilar."""
    if graph.groups is None:
        left, right = graph.edges.T
        squared = np.square(Z[left] - Z[right]).sum(axis=1)
        apart = np.square(np.maximum(margin - np.sqrt(squared), 0))
        return float(squared.sum()) / 2, float(apart.sum()) / 2
    # The squared distances of all pairs of a group add up to its size times those to its centre.
    order = np.argsort(graph.groups, kind="stable")
    attraction = repulsion = 0.0
    for rows in np.split(order, np.cumsum(np.bincount(graph.groups))[:-1]):
        points = Z[rows]
        attraction += len(rows) * float(np.square(points - points.mean(axis=0)).sum()) / 2
        repulsion += _repulsion_of_all(points, margin)
    return attraction, repulsion


# Pairs that are computed together: few enough to stay in the cache.
_BLOCK_PAIRS = 131_072


def _repulsion_of_all(Z: Float[np.ndarray, "n d"], margin: float) -> float:
    """Sum 1/2 max(0, margin - D)^2 over all unordered pairs of points, cell by cell."""
    if len(Z) < 2:
        return 0.0
    if not Z.shape[1]:
        Z = np.zeros((len(Z), 1))
    order, cells, rows_after = _cells(Z, margin)
    Z = np.ascontiguousarray(Z[order].T)  # one coordinate of neighbouring points lies together
    ids, first = np.unique(cells, return_index=True)
    bounds = np.append(first, len(cells))
    size = np.diff(bounds)
    loss = 0.0
    for shift in (0, *rows_after):
        # Three cells in a row, whose points are stored side by side. In their own row of cells
        # the points of a cell are paired only with those that come after them.
        begin = bounds[np.searchsorted(ids, ids + shift - 1)] if shift else first
        end = bounds[np.searchsorted(ids, ids + shift + 1, "right")]
        # Where points are dense, all pairs of a cell with its range are one table, which is
        # fast; where they are not, tables would be tiny, and the pairs are written out instead.
        dense = (size >= 32) & (end - begin >= 64)
        for k in np.flatnonzero(dense):
            some = slice(first[k], bounds[k + 1])
            loss += _repulsion_of_table(Z, margin, some, slice(begin[k], end[k]))
        points = np.flatnonzero(np.repeat(~dense, size))
        begin, end = (np.repeat(bound, size)[points] for bound in (begin, end))
        loss += _repulsion_of_ranges(Z, margin, points, begin if shift else points + 1, end)
    return loss


def _cells(
    Z: Float[np.ndarray, "n d"], margin: float
) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"], list[int]]:
    """Lay the points out in cells a margin wide, numbered row by row, and sort them.

    Only points of one cell, or of two that touch, can be nearer than a margin. The third result
    is the difference in number between a cell and the one above it, for each row of cells after.
    """
    n = len(Z)
    # Three coordinates suffice: the widest, as the others separate fewer points.
    widest = np.argsort(-np.ptp(Z, axis=0), kind="stable")[: 3 if n < 500_000 else 2]
    cells, rows = np.zeros(n, np.int64), np.zeros(1, np.int64)
    for coordinate in widest[::-1]:
        with np.errstate(over="ignore"):
            # A little wider than the margin, so that rounding of the quotient separates no pair.
            place = np.floor(Z[:, coordinate] / (margin * 1.001))
        occupied, index = np.unique(place, return_inverse=True)
        # Any number of empty cells between two counts as one, so that cell numbers stay small.
        gaps = np.minimum(np.diff(occupied, prepend=occupied[0]), 2)
        place_of = np.cumsum(gaps).astype(np.int64) + 1
        width = int(place_of[-1]) + 2
        cells = cells * width + place_of[index]
        rows = np.add.outer(rows * width, [-1, 0, 1]).ravel()
    order = np.argsort(cells, kind="stable")
    return order, cells[order], [middle for middle in rows[1::3].tolist() if middle > 0]


def _repulsion_of_table(
    Z: Float[np.ndarray, "d n"], margin: float, some: slice, others: slice
) -> float:
    """Sum over the pairs of each point with all others; if both are one slice, each pair once."""
    loss = 0.0
    for start in range(some.start, some.stop, 256):
        rows = slice(start, min(start + 256, some.stop))
        triangle = some.start == others.start
        begin = start if triangle else others.start
        for left in range(begin, others.stop, _BLOCK_PAIRS // 256):
            columns = slice(left, min(left + _BLOCK_PAIRS // 256, others.stop))
            within = _within(Z[:, rows, None], Z[:, None, columns], margin)
            if triangle and left < rows.stop:
                within *= np.arange(left, columns.stop) > np.arange(start, rows.stop)[:, None]
            loss += float(np.vdot(within, within)) / 2
    return loss


def _repulsion_of_ranges(
    Z: Float[np.ndarray, "d n"],
    margin: float,
    points: Int[np.ndarray, " m"],
    begin: Int[np.ndarray, " m"],
    end: Int[np.ndarray, " m"],
) -> float:
    """Sum over the pairs of each point with those from its `begin` to its `end`."""
    loss, ends = 0.0, np.cumsum(end - begin)
    cuts = np.searchsorted(ends, np.arange(_BLOCK_PAIRS, ends[-1:].sum(), _BLOCK_PAIRS))
    for some in np.split(np.arange(len(points)), cuts):
        length = (end - begin)[some]
        row = np.repeat(np.arange(len(some)), length)
        inside = np.arange(len(row)) - np.repeat(np.cumsum(length) - length, length)
        left, right = points[some][row], begin[some][row] + inside
        within = _within(Z[:, left], Z[:, right], margin)
        loss += float(np.vdot(within, within)) / 2
    return loss


def _within(
    left: Float[np.ndarray, "d ..."], right: Float[np.ndarray, "d ..."], margin: float
) -> Any:
    """Return max(0, margin - D) of each pair."""
    squared: Any = 0.0
    with np.errstate(over="ignore"):
        for one, other in zip(left, right, strict=True):
            apart = one - other
            apart *= apart
            squared = np.add(squared, apart, out=apart)
    within = np.sqrt(squared, out=squared)
    np.subtract(margin, within, out=within)
    return np.maximum(within, 0, out=within)
