"""The contrastive loss: two springs, each a function of a distance.

The paper writes any loss of its kind as (eq. 2) the sum, over pairs, of a partial loss for
similar pairs, which rises with their distance, and one for dissimilar pairs, which falls. Here
the two are the *attraction* and the *repulsion* of a `PairLoss`. Eq. 4, `Contrastive`, is the
default and the reference:

====================  ==================================  ===============================
pair                  loss                                force on the distance D
====================  ==================================  ===============================
similar               1/2 D^2                             D, pulling together
dissimilar, D < m     1/2 (m - D)^2                       m - D, pushing apart
dissimilar, D >= m    0                                   none
====================  ==================================  ===============================

`LOSSES` has other pairs of partial losses by name; all go through the same engine. With
d = D / m, the distance in margins:

=================  =======================  =============================
name               similar pair             dissimilar pair
=================  =======================  =============================
"contrastive"      1/2 D^2                  1/2 max(0, m - D)^2
"double-margin"    1/2 max(0, D - r)^2      1/2 max(0, m - D)^2
"heavy-tailed"     log(1 + d^2)             log((1 + d^2) / d^2), softened
"logistic"         log(1 + e^(k (d - 1)))   log(1 + e^(k (1 - d)))
=================  =======================  =============================

A loss sees distances only. Those that are differentiated are made in one place,
`distances_among`, with the square root that needs care at 0; training, which needs nothing but
the forces, makes both at once in blocks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from drlim._checks import as_array, is_number
from drlim._errors import InputError, LabelError, nearest_name
from drlim._types import Bool, Float, Int, Shaped
from drlim.graphs import SimilarityGraph


@runtime_checkable
class PairLoss(Protocol):
    """The general form of the loss (the paper's eq. 2): two functions of a distance.

    Each takes distances of any shape and returns one value each, in the same shape. The first
    must rise with the distance and the second must fall.
    """

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S: what a similar pair at this distance costs."""
        ...

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D: what a dissimilar pair at this distance costs."""
        ...


@runtime_checkable
class Springs(PairLoss, Protocol):
    """A loss that knows its forces too, as all of drlim's do: training need not differentiate it.

    Each takes distances of any shape and returns one force each, in the same shape. A class that
    inherits a force with another loss must define it anew, or say ``push = None``; `DrLIM` looks.
    """

    def pull(self, distance: Tensor) -> Tensor:
        """dL_S / dD: the force by which a similar pair at this distance comes together."""
        ...

    def push(self, distance: Tensor) -> Tensor:
        """-dL_D / dD: the force by which a dissimilar pair at this distance parts."""
        ...


@dataclass(frozen=True)
class Contrastive:
    """The paper's partial losses (eq. 4): springs that pull always, and push within the margin.

    Parameters
    ----------
    margin : float
        The radius within which dissimilar points repel each other, > 0: the map's unit of
        length.

    Examples
    --------
    >>> spring = Contrastive(margin=1.0)
    >>> spring.attraction(torch.tensor([0.0, 0.5, 2.0]))
    tensor([0.0000, 0.1250, 2.0000])
    >>> spring.repulsion(torch.tensor([0.0, 0.5, 2.0]))
    tensor([0.5000, 0.1250, 0.0000])
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_margin(self.margin)

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = 1/2 D^2."""
        return distance.square() / 2

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = 1/2 max(0, m - D)^2."""
        return torch.relu(self.margin - distance).square() / 2

    def pull(self, distance: Tensor) -> Tensor:
        """D, the paper's F = K X: the farther apart, the stronger."""
        return distance

    def push(self, distance: Tensor) -> Tensor:
        """max(0, m - D)."""
        return torch.relu(self.margin - distance)


@dataclass(frozen=True)
class DoubleMargin:
    """Springs that leave similar points alone once they are near enough.

    As eq. 4, but without attraction inside an inner radius r. Similar points need not fall on
    one another, so what tells them apart may stay in the map.

    ====================  ==================================  ===============================
    pair                  loss                                force on the distance D
    ====================  ==================================  ===============================
    similar, D > r        1/2 (D - r)^2                       D - r, pulling together
    similar, D <= r       0                                   none
    dissimilar            as eq. 4                            max(0, m - D), pushing apart
    ====================  ==================================  ===============================

    Parameters
    ----------
    margin : float
        The radius within which dissimilar points repel each other, > 0.
    inner : float
        The radius within which similar points are content, in margins: 0 <= inner <= 1. With 0
        this is eq. 4.

    Raises
    ------
    InputError
        If a value breaks its rule.

    Examples
    --------
    >>> spring = DoubleMargin(margin=1.0, inner=0.25)
    >>> spring.attraction(torch.tensor([0.0, 0.25, 0.75]))
    tensor([0.0000, 0.0000, 0.1250])
    """

    margin: float = 1.0
    inner: float = 0.2

    def __post_init__(self) -> None:
        check_margin(self.margin)
        if not is_number(self.inner) or not 0 <= self.inner <= 1:
            raise InputError(
                f"inner is {self.inner!r}; it is a share of the margin and must be from 0 to 1: "
                "with more, similar pairs would be farther apart than dissimilar ones"
            )

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = 1/2 max(0, D - r)^2."""
        return torch.relu(distance - self.inner * self.margin).square() / 2

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = 1/2 max(0, m - D)^2."""
        return torch.relu(self.margin - distance).square() / 2

    def pull(self, distance: Tensor) -> Tensor:
        """max(0, D - r)."""
        return torch.relu(distance - self.inner * self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """max(0, m - D)."""
        return torch.relu(self.margin - distance)


@dataclass(frozen=True)
class HeavyTailed:
    """Forces that reach far and fade: clusters part, and the space between them stays empty.

    The cross-entropy of the heavy-tailed similarity 1 / (1 + d^2), with d = D / m, as in t-SNE
    (van der Maaten, Hinton 2008) and UMAP (McInnes, Healy, Melville 2018). Far similar pairs are
    pulled less than nearer ones, so a wrong neighbour does little harm.

    ====================  ==================================  ===============================
    pair                  loss                                force on d
    ====================  ==================================  ===============================
    similar               log(1 + d^2)                        2 d / (1 + d^2), pulling
    dissimilar            log((1 + d^2) / (s + d^2))          2 d (1 - s) / ((1 + d^2) (s + d^2)),
                                                              pushing
    ====================  ==================================  ===============================

    With s = 0 two dissimilar points in one place would cost infinitely much and part with
    infinite force. The softening s = 0.001 (that of UMAP) makes both finite: the loss at D = 0
    is log 1000 = 6.9, and the force rises from 0 there to 32 at 0.03 margins. From a tenth of a
    margin on, it is within a tenth of the force without softening.

    Parameters
    ----------
    margin : float
        The map's unit of length, > 0. The repulsion does not end there, but it is there that
        both forces on a pair are of the size 1.

    Examples
    --------
    >>> HeavyTailed(margin=2.0).attraction(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 0.6931])
    >>> HeavyTailed(margin=2.0).repulsion(torch.tensor([0.0, 2.0]))
    tensor([6.9078, 0.6921])
    """

    margin: float = 1.0

    SOFTENING: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        check_margin(self.margin)

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = log(1 + d^2)."""
        return torch.log1p((distance / self.margin).square())

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = log((1 + d^2) / (s + d^2)), as log(1 + (1 - s) / (s + d^2))."""
        squared = (distance / self.margin).square()
        return torch.log1p((1 - self.SOFTENING) / (self.SOFTENING + squared))

    def pull(self, distance: Tensor) -> Tensor:
        """2 d / (1 + d^2), a margin."""
        d = distance / self.margin
        return d / (1 + d.square()) * (2 / self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """2 d (1 - s) / ((1 + d^2) (s + d^2)), a margin."""
        d = distance / self.margin
        squared = d.square()
        fading = (1 + squared).mul_(self.SOFTENING + squared)
        return d.div_(fading).mul_(2 * (1 - self.SOFTENING) / self.margin)


@dataclass(frozen=True)
class Logistic:
    """A soft decision at the margin: nearer is similar, farther is dissimilar.

    The logistic loss of telling the two kinds of pairs apart by d = D / m.

    ====================  ==================================  ===============================
    pair                  loss                                force on d
    ====================  ==================================  ===============================
    similar               log(1 + e^(k (d - 1)))              k / (1 + e^(k (1 - d))), pulling
    dissimilar            log(1 + e^(k (1 - d)))              k / (1 + e^(k (d - 1))), pushing
    ====================  ==================================  ===============================

    No pair is ever wholly content, and no force exceeds k.

    Parameters
    ----------
    margin : float
        The distance at which a pair is as likely similar as dissimilar, > 0.
    sharpness : float
        k > 0: how narrow the zone of doubt around the margin is.

    Raises
    ------
    InputError
        If a value breaks its rule.

    Examples
    --------
    >>> Logistic(margin=2.0).attraction(torch.tensor([2.0]))
    tensor([0.6931])
    """

    margin: float = 1.0
    sharpness: float = 5.0

    def __post_init__(self) -> None:
        check_margin(self.margin)
        if not is_number(self.sharpness) or self.sharpness <= 0:
            raise InputError(f"sharpness is {self.sharpness!r}; it must be a finite number > 0")

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = log(1 + e^(k (d - 1)))."""
        return functional.softplus(self.sharpness * (distance / self.margin - 1))

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = log(1 + e^(k (1 - d)))."""
        return functional.softplus(self.sharpness * (1 - distance / self.margin))

    def pull(self, distance: Tensor) -> Tensor:
        """Sharpness k over 1 + e^(k (1 - d)), a margin."""
        k = self.sharpness
        return torch.sigmoid(k * (distance / self.margin - 1)) * (k / self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """Sharpness k over 1 + e^(k (d - 1)), a margin."""
        k = self.sharpness
        return torch.sigmoid(k * (1 - distance / self.margin)) * (k / self.margin)


LOSSES: dict[str, Callable[[float], PairLoss]] = {
    "contrastive": Contrastive,
    "double-margin": DoubleMargin,
    "heavy-tailed": HeavyTailed,
    "logistic": Logistic,
}


@runtime_checkable
class PointLoss(Protocol):
    """A loss of a batch's points and the pairs among them, for what no distance alone decides.

    It does its own weighting and averaging: what pairs count (`n_dissimilar`, ``weight=`` and
    the probabilities by which a batch estimates the sum over all pairs) does not reach it.
    """

    def of_points(self, Z: Tensor, left: Tensor, right: Tensor, similar: Tensor) -> Tensor:
        """Return one number: what the points Z cost, whose pairs (left, right) are similar or not.

        Each pair comes once, ``left < right``.
        """
        ...


@dataclass(frozen=True)
class MetricLearning:
    """A loss of pytorch-metric-learning, for ``DrLIM(loss=...)``; made by `from_metric_learning`.

    Attributes
    ----------
    loss : torch.nn.Module
    """

    loss: Any

    def __call__(self, margin: float) -> MetricLearning:
        """Return itself: such a loss has margins of its own."""
        return self

    def of_points(self, Z: Tensor, left: Tensor, right: Tensor, similar: Tensor) -> Tensor:
        """Return the loss of the pairs, each given from both its ends."""
        ends, others = torch.cat([left, right]), torch.cat([right, left])
        alike = torch.cat([similar, similar])
        pairs = (ends[alike], others[alike], ends[~alike], others[~alike])
        cost: Tensor = self.loss(Z, indices_tuple=pairs)
        return cost


def from_metric_learning(loss: Any) -> MetricLearning:
    """Let `DrLIM` learn with a loss of pytorch-metric-learning.

    Any of its losses of pairs and triplets, such as ``TripletMarginLoss`` or ``SupConLoss``: it is
    given the similar and the dissimilar pairs of each batch. It weighs and averages them in its
    own way, so `n_dissimilar` and weights of pairs mean nothing to it, and the history has its
    value as the attraction. Most of them normalise the points: use three components or more, and
    compare angles.

    Parameters
    ----------
    loss : torch.nn.Module
        Without weights of its own: those with one weight vector a class (CosFace) need class
        labels, of which pairs know nothing.

    Returns
    -------
    MetricLearning

    Raises
    ------
    InputError
        If it is no such loss.

    Examples
    --------
    >>> from pytorch_metric_learning.losses import TripletMarginLoss  # doctest: +SKIP
    >>> DrLIM(loss=from_metric_learning(TripletMarginLoss()))  # doctest: +SKIP
    """
    if not isinstance(loss, torch.nn.Module):
        raise InputError(
            f"the loss is a {type(loss).__name__}; it must be one that is made: "
            "from_metric_learning(TripletMarginLoss())"
        )
    if any(True for _ in loss.parameters()):
        raise InputError(
            f"{type(loss).__name__} has weights of its own, one for each class; a map is learnt "
            "from pairs, which know no classes: take a loss of pairs or triplets"
        )
    return MetricLearning(loss)


def build(loss: Any, margin: float) -> PairLoss | PointLoss:
    """Make the loss that a name or a builder ``margin -> PairLoss`` stands for."""
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise InputError(f"loss is {loss!r}; {nearest_name(loss, LOSSES)}")
        loss = LOSSES[loss]
    if not callable(loss):
        raise InputError(
            f"loss is {loss!r}; it must be a name ({', '.join(LOSSES)}) or a callable "
            "margin -> an object with attraction(distance) and repulsion(distance)"
        )
    built = loss(margin)
    if not isinstance(built, PairLoss | PointLoss):
        raise InputError(
            f"the loss builder gave a {type(built).__name__}; it must return an object with "
            "attraction(distance) and repulsion(distance), see drlim.losses.PairLoss"
        )
    if isinstance(built, PairLoss):
        _check_forces(built, margin)
    return built


def _check_forces(loss: PairLoss, margin: float) -> None:
    """Raise where a force is not the slope of its loss: training would follow the one alone."""
    distance = margin * torch.tensor([0.05, 0.3, 0.7, 1.3, 4.0], dtype=torch.float64)
    distance.requires_grad_()
    for name, partial_loss, sign in (("pull", loss.attraction, 1), ("push", loss.repulsion, -1)):
        force_at = getattr(loss, name, None)
        if force_at is None:
            continue
        force, cost = force_at(distance), sign * partial_loss(distance)
        # A partial loss may be the same at every distance, and then has no slope to take.
        slope = torch.zeros_like(distance)
        if cost.requires_grad:
            (slope,) = torch.autograd.grad(cost.sum(), distance)
        force = force.detach()
        wrong = ~torch.isclose(force, slope, rtol=1e-5, atol=1e-9)
        if wrong.any():
            D, said, is_ = (float(a[wrong][0]) for a in (distance.detach(), force, slope))
            raise InputError(
                f"{type(loss).__name__}.{name} is {said:.6g} at the distance {D:.6g}, where the "
                f"slope of its loss is {is_:.6g}; define {name} too, or say {name} = None and "
                "the loss is differentiated"
            )


def distances_among(Z: Float[Tensor, "b n_components"]) -> Float[Tensor, " n_pairs"]:
    """Return the Euclidean distance of every pair of points, in condensed order.

    The distances come from differences, never from the expanded square, so two near points far
    from the origin keep their distance. Half-precision points are compared in float32, in
    which the square of a small difference does not vanish.

    Two points in the same place have no direction in which to part: their distance is exactly
    0 and its gradient is 0, never NaN. Points any farther apart than 1e-18 repel with full
    size; nearer ones count as being in the same place.

    Parameters
    ----------
    Z : Tensor of shape (b, n_components)

    Returns
    -------
    Tensor of shape (b (b - 1) / 2,), float32 or float64
        Of pairs (0, 1), (0, 2), ..., (1, 2), ...

    Examples
    --------
    >>> distances_among(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))
    tensor([5., 0., 5.])
    """
    if not isinstance(Z, Tensor) or Z.ndim != 2 or not Z.is_floating_point():
        given = f"{Z.dtype} of the shape {tuple(Z.shape)}" if isinstance(Z, Tensor) else type(Z)
        raise InputError(f"Z is {given}; it must be a tensor of floats, (b, n_components)")
    if Z.dtype in (torch.float16, torch.bfloat16):
        Z = Z.float()
    # Of no points torch.pdist makes no distances, and its gradient then ends the process
    # (pytorch#197099).
    return torch.pdist(Z) if len(Z) else Z.sum(dim=1)


def contrastive_loss(distance: Any, similar: Any, margin: float) -> Any:
    """Return the loss of each pair: the paper's eq. 4.

    1/2 D^2 for a similar pair, and 1/2 max(0, margin - D)^2 for a dissimilar one.

    Parameters
    ----------
    distance : Tensor or array of floats, any shape
        The distance D of each pair in the map, >= 0.
    similar : Tensor or array of bool, the same shape
        True where the pair is similar. The paper's own labels are the other way round (Y = 0
        for similar), so numbers are taken only where 1 means similar and 0 dissimilar.
    margin : float
        The radius within which dissimilar points repel each other, > 0.

    Returns
    -------
    Tensor or array, as `distance`
        One value a pair, in the shape of `distance`; differentiable if `distance` is a Tensor.

    Raises
    ------
    InputError
        If the shapes differ or the margin is not > 0.
    LabelError
        If `similar` has values other than True and False (1 and 0).

    Examples
    --------
    >>> contrastive_loss(np.array([0.5, 0.5]), np.array([True, False]), margin=1.0)
    array([0.125, 0.125])
    """
    check_margin(margin)
    if not isinstance(distance, Tensor):
        distance = as_array(distance, "distance")
        if distance.dtype.kind not in "buif":
            raise InputError(f"distance has the dtype {distance.dtype}; it must be of numbers")
        if (distance < 0).any():
            raise InputError(f"distance has the value {distance.min()}; a distance is >= 0")
        as_tensor = torch.from_numpy(np.array(distance, dtype=_float_dtype(distance)))
        loss: Tensor = contrastive_loss(as_tensor, similar, margin)
        return loss.numpy()
    similar = _as_bool(similar, distance.device)
    if similar.shape != distance.shape:
        raise InputError(
            f"distance has the shape {tuple(distance.shape)} and similar "
            f"{tuple(similar.shape)}; both must have one value a pair"
        )
    spring = Contrastive(margin)
    return torch.where(similar, spring.attraction(distance), spring.repulsion(distance))


@dataclass(frozen=True)
class GlobalLoss:
    """The two parts of eq. 1, summed over pairs; divide by a number to get them per that.

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

    Of eq. 4 alone, whatever loss a map was learnt with: the losses that reach farther would need
    every one of the n (n - 1) / 2 pairs. The repulsion of eq. 4 has a finite range, so only pairs
    that may be nearer than the margin are visited, some at a time: memory grows with n, and time
    with the pairs inside the margin. Where a fixed share of all pairs is inside the margin there
    are n² of those, and no search saves them: a map of 60,000 points takes seconds at worst, and
    one of a million that all lie within one margin takes hours.

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
        If the graph is about another number of samples, a value is not finite, or the margin
        is not > 0.

    Examples
    --------
    >>> graph = SimilarityGraph.from_edges([(0, 1)], n_samples=3)
    >>> global_loss([[0.0], [1.0], [0.5]], graph, margin=1.0)
    GlobalLoss(attraction=0.5, repulsion=0.25)
    """
    check_margin(margin)
    if not isinstance(graph, SimilarityGraph):
        raise InputError(
            f"graph is a {type(graph).__name__}; it must be a drlim.SimilarityGraph, which says "
            "who is similar to whom"
        )
    Z = as_array(Z, "Z")
    if Z.dtype.kind not in "buif":
        raise InputError(f"Z has the dtype {Z.dtype}; the points of a map are real numbers")
    Z = Z.astype(np.float64, copy=False)
    if Z.ndim != 2 or len(Z) != graph.n_samples:
        raise InputError(
            f"Z has the shape {Z.shape} and the graph is about {graph.n_samples} samples; "
            "Z must be the embedding of just those, (n_samples, n_components)"
        )
    if not np.isfinite(Z).all():
        raise InputError("Z has NaN or infinite values; such a map has no loss")
    with np.errstate(over="ignore"):
        attraction, among_similar = _of_similar(Z, graph, float(margin))
    if not np.isfinite(attraction):
        raise InputError(
            f"Z has values up to {float(np.abs(Z).max()):.3g}, and the square of such a distance "
            "between similar points is more than a float holds: divide Z and the margin by one "
            "number"
        )
    every = _repulsion_of_all(Z, float(margin))
    # Where all pairs inside the margin are similar the difference is 0 but for its rounding.
    return GlobalLoss(attraction, max(every - among_similar, 0.0))


def _of_similar(
    Z: Float[np.ndarray, "n d"], graph: SimilarityGraph, margin: float
) -> tuple[float, float]:
    """Sum the attraction of the similar pairs, and the repulsion that they would have."""
    if graph.groups is None:
        left, right = graph.edges.T
        squared = np.square(Z[left] - Z[right]).sum(axis=1)
        apart = np.square(np.maximum(margin - np.sqrt(squared), 0))
        return float(squared.sum()) / 2, float(apart.sum()) / 2
    # All pairs of a group: their squares add up to its size times those from its centre.
    order = np.argsort(graph.groups, kind="stable")
    attraction = repulsion = 0.0
    for rows in np.split(order, np.cumsum(np.bincount(graph.groups))[:-1]):
        points = Z[rows]
        attraction += len(rows) * float(np.square(points - points.mean(axis=0)).sum()) / 2
        repulsion += _repulsion_of_all(points, margin)
    return attraction, repulsion


# Pairs that are looked at together: few enough to stay in the cache.
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
        # Three cells in a row, whose points lie side by side. In their own row of cells the
        # points of a cell meet only those that come after them.
        begin = bounds[np.searchsorted(ids, ids + shift - 1)] if shift else first
        end = bounds[np.searchsorted(ids, ids + shift + 1, "right")]
        # Where points are dense all pairs of a cell with its range are one table, which is
        # quick; where they are not, tables would be tiny, and the pairs are written out.
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
    is by how much the numbers of the cells above, in each of the rows that come after, differ.
    """
    n = len(Z)
    # Three coordinates tell enough: the widest, as the others part fewer points.
    widest = np.argsort(-np.ptp(Z, axis=0), kind="stable")[: 3 if n < 500_000 else 2]
    cells, rows = np.zeros(n, np.int64), np.zeros(1, np.int64)
    for coordinate in widest[::-1]:
        with np.errstate(over="ignore"):
            # A little wider than the margin, so that what a quotient rounds parts no pair.
            place = np.floor(Z[:, coordinate] / (margin * 1.001))
        there, index = np.unique(place, return_inverse=True)
        # Empty cells between two that do not touch are worth one: numbers stay small.
        place_of = np.cumsum(np.minimum(np.diff(there, prepend=there[0]), 2)).astype(np.int64) + 1
        width = int(place_of[-1]) + 2
        cells = cells * width + place_of[index]
        rows = np.add.outer(rows * width, [-1, 0, 1]).ravel()
    order = np.argsort(cells, kind="stable")
    return order, cells[order], [middle for middle in rows[1::3].tolist() if middle > 0]


def _repulsion_of_table(
    Z: Float[np.ndarray, "d n"], margin: float, some: slice, others: slice
) -> float:
    """Sum over the pairs of each point with all others; of two alike, with those after it."""
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
    """Sum over the pairs of each point with those from its begin to its end."""
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
    """Return by how much each pair is nearer than the margin, 0 where it is not."""
    squared: Any = 0.0
    with np.errstate(over="ignore"):
        for one, other in zip(left, right, strict=True):
            apart = one - other
            apart *= apart
            squared = np.add(squared, apart, out=apart)
    within = np.sqrt(squared, out=squared)
    np.subtract(margin, within, out=within)
    return np.maximum(within, 0, out=within)


def check_margin(margin: float) -> None:
    """Raise unless the margin is a number > 0."""
    if (
        isinstance(margin, bool)
        or not isinstance(margin, Real)
        or not (margin > 0 and np.isfinite(margin))
    ):
        raise InputError(
            f"margin is {margin!r}; it must be a finite number > 0: it is the map's unit of "
            "length, and 1.0 is as good as any"
        )


def _float_dtype(distance: Any) -> Any:
    dtype = np.asarray(distance).dtype
    return dtype if dtype.kind == "f" else np.float64


def _as_bool(similar: Any, device: torch.device) -> Bool[Tensor, "..."]:
    if not isinstance(similar, Tensor):
        # A copy: torch takes no array that runs backwards.
        similar = as_array(similar, "similar").copy()
        if similar.dtype.kind not in "buif":
            raise _not_bool(similar)
    values: Shaped[Tensor, "..."] = torch.as_tensor(similar, device=device)
    if values.dtype == torch.bool:
        return values
    truth = values == 1
    if not (truth | (values == 0)).all():
        raise _not_bool(values)
    return truth


def _not_bool(similar: Any) -> LabelError:
    return LabelError(
        f"similar has the dtype {similar.dtype} and values other than 0 and 1; it must be bool: "
        "True where the pair is similar"
    )
