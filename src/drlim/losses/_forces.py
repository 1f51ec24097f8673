"""What training computes: the loss of a batch over all its pairs, and the force on each point.

A batch of b points has b (b - 1) / 2 pairs, and every operation on all of them passes through
memory once. Here they are visited in blocks that stay in the processor's cache, and each block
goes straight from differences to forces. That is also why the gradient is computed here and not
by torch: the forces on the points are all that the network's own backward pass needs (the
paper's section 2.1).

The *listed* pairs of a batch, which a graph joins, are few and visited one by one; the *rest*,
all others, are dissimilar or count nothing, and are visited as blocks of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from drlim._devices import is_card, to_device
from drlim._types import Float
from drlim.losses._points import PointLoss
from drlim.losses._springs import PairLoss
from drlim.pairs import Batch

# Pairs in a block, and its fewest rows: few enough to stay in the cache through some twenty
# operations, and enough to outweigh the cost of starting each and sharing it out.
_BLOCK, _ROWS = 131_072, 128

# A graphics card has no such cache to stay in, but its memory has an end: numbers in a block, of
# which each pair has its difference and some eight more.
_NUMBERS_ON_A_CARD = 268_435_456

# Points nearer than this count as being in one place: the direction in which they would part is
# not known, and the force is 0.
_SAME = 1e-18

Number = TypeVar("Number", Tensor, float)


class Sums(NamedTuple, Generic[Number]):
    """Sums over the pairs of a batch, in which each pair counts its weight.

    Attributes
    ----------
    attraction, repulsion : Tensor of one number, or float
        The two parts of the loss (eq. 2): over similar, and over dissimilar pairs.
    dissimilar_weight : Tensor of one number, or float
        The weight of all dissimilar pairs.
    active_weight : Tensor of one number, or float
        The weight of those dissimilar pairs that are nearer than the margin.
    similar_weight : Tensor of one number, or float
        The weight of all similar pairs.
    similar_distance, dissimilar_distance : Tensor of one number, or float
        The distances of similar, and of dissimilar pairs.
    """

    attraction: Number
    repulsion: Number
    dissimilar_weight: Number
    active_weight: Number
    similar_weight: Number
    similar_distance: Number
    dissimilar_distance: Number


class Forces(NamedTuple):
    """What `forces` returns.

    Attributes
    ----------
    slope : Tensor of shape (b, n_components)
        The gradient of the batch's loss by the points: minus the force on each.
    sums : Sums of Tensor, float64
    """

    slope: Tensor
    sums: Sums[Tensor]


def forces(
    Z: Float[Tensor, "b n_components"], batch: Batch, loss: PairLoss | PointLoss, margin: float
) -> Forces:
    """Return the forces on the points of a batch, and sums over its pairs.

    These are the numbers that ``batch.weight``, the loss of `drlim.losses.distances_among` and
    its gradient would give. Distances come from differences, half-precision points are compared
    in float32, and two points in one place exert no force on each other, whatever their label.

    Parameters
    ----------
    Z : Tensor of shape (b, n_components)
        Where the points are.
    batch : Batch
        The pairs among them.
    loss : PairLoss or PointLoss
    margin : float
        Dissimilar pairs nearer than this are active.

    Returns
    -------
    Forces
    """
    Z = Z.detach()
    if Z.dtype in (torch.float16, torch.bfloat16):
        Z = Z.float()
    if isinstance(loss, PointLoss):
        return _of_points(Z, batch, loss, margin)
    # One row a component, so that what is done to a component runs along memory.
    components = Z.T.contiguous()
    slope = torch.zeros_like(components)
    if is_card(Z.device) and len(Z):
        sums = _add_all(components, slope, batch, loss, margin)
    else:
        sums = _add_listed(components, slope, batch, loss, margin)
        if batch.rest_weight.any():
            sums = sums + _add_rest(components, slope, batch, loss, margin)
    return Forces(slope.T, Sums(*sums))


def _of_points(Z: Tensor, batch: Batch, loss: PointLoss, margin: float) -> Forces:
    """Differentiate a loss that takes the points themselves; it all counts as attraction."""
    counts = batch.weight > 0  # a pair that is neither similar nor dissimilar counts nothing
    pairs = np.stack(np.triu_indices(len(Z), 1))[:, counts]
    left, right = to_device(pairs, Z.device)
    is_similar = to_device(batch.similar[counts], Z.device)
    weight = to_device(batch.weight[counts], Z.device).to(Z.dtype)
    with torch.enable_grad():
        points = Z.clone().requires_grad_()
        cost = loss.of_points(points, left, right, is_similar)
        (slope,) = torch.autograd.grad(cost, points)
    distance = (Z[left] - Z[right]).square().sum(dim=1).sqrt()
    similar, dissimilar = weight * is_similar, weight * ~is_similar
    sums = Sums(
        attraction=cost.detach(),
        repulsion=torch.zeros_like(cost),
        dissimilar_weight=dissimilar.sum(),
        active_weight=dissimilar @ _below(margin, distance),
        similar_weight=similar.sum(),
        similar_distance=similar @ distance,
        dissimilar_distance=dissimilar @ distance,
    )
    return Forces(slope, Sums(*(number.double() for number in sums)))


def _add_listed(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of the listed pairs to the slope, one pair by one; return their sums."""
    left, right = to_device(batch.listed.T, Z.device)
    weight = to_device(batch.listed_weight, Z.device).to(Z.dtype)
    difference = Z.index_select(1, left) - Z.index_select(1, right)
    distance = difference.square().sum(dim=0).sqrt_().clamp_(min=_SAME)
    if batch.listed_similar.all():
        cost, pull = _attraction(loss, distance)
        pull = pull * weight
        zero = weight.new_zeros(())
        sums = Sums(
            attraction=weight @ cost,
            repulsion=zero,
            dissimilar_weight=zero,
            active_weight=zero,
            similar_weight=weight.sum(),
            similar_distance=weight @ distance,
            dissimilar_distance=zero,
        )
    else:
        is_similar = to_device(batch.listed_similar, Z.device)
        similar, dissimilar = weight * is_similar, weight * ~is_similar
        (cost, pull), (repelled, push) = _attraction(loss, distance), _repulsion(loss, distance)
        pull = similar * pull - dissimilar * push
        sums = _sums(similar, dissimilar, cost, repelled, distance, margin=margin)
    along = difference.mul_(pull.div_(distance))
    slope.index_add_(1, left, along).index_add_(1, right, along, alpha=-1)
    return torch.stack(sums).double()


def _add_rest(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of the rest to the slope, a block of rows at a time; return their sums."""
    zero, blocks = Z.new_zeros(()), []
    for block in _Block.of(batch, Z, max(_BLOCK // Z.shape[1], _ROWS)):
        table = block.rest_weight
        table.view(-1).index_fill_(0, block.places, 0)
        difference, distance = block.differences(Z, margin)
        cost, push = _repulsion(loss, distance)
        weight, flat = table.ravel(), distance.ravel()
        sums = Sums(
            attraction=zero,
            repulsion=weight @ cost.ravel(),
            dissimilar_weight=weight.sum(),
            active_weight=weight @ _below(margin, flat),
            similar_weight=zero,
            similar_distance=zero,
            dissimilar_distance=weight @ flat,
        )
        blocks.append(torch.stack(sums))
        difference *= table.mul_(push).div_(distance)
        slope[:, block.start : block.stop].sub_(difference.sum(dim=2))
        slope[:, block.start :].add_(difference.sum(dim=1))
    return torch.stack(blocks).double().sum(dim=0)


def _add_all(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of all pairs to the slope at once, as suits a graphics card.

    There starting an operation costs more than the work in it. And numbers that are added to
    places which a list names come in another order in each run, so that their sum has other
    bits; sums along rows repeat.
    """
    is_similar = batch.listed_similar
    weight = np.where([is_similar, ~is_similar], batch.listed_weight, 0)
    listed_similar, listed_dissimilar = to_device(weight, Z.device).to(Z.dtype)
    blocks = []
    numbers_of_a_row = Z.shape[1] * (Z.shape[0] + 8)
    for block in _Block.of(batch, Z, max(_NUMBERS_ON_A_CARD // numbers_of_a_row, 1)):
        dissimilar, similar = block.rest_weight, torch.zeros_like(block.rest_weight)
        similar.view(-1).index_copy_(0, block.places, listed_similar[block.listed])
        dissimilar.view(-1).index_copy_(0, block.places, listed_dissimilar[block.listed])
        difference, distance = block.differences(Z, margin)
        (cost, pull), (repelled, push) = _attraction(loss, distance), _repulsion(loss, distance)
        flat = [table.ravel() for table in (similar, dissimilar, cost, repelled, distance)]
        blocks.append(torch.stack(_sums(*flat, margin=margin)))
        force = similar.mul_(pull).addcmul_(dissimilar, push, value=-1)
        difference *= force.div_(distance)
        slope[:, block.start : block.stop].add_(difference.sum(dim=2))
        slope[:, block.start :].sub_(difference.sum(dim=1))
    return torch.stack(blocks).double().sum(dim=0)


def _sums(
    similar: Tensor,
    dissimilar: Tensor,
    cost: Tensor,
    repelled: Tensor,
    distance: Tensor,
    *,
    margin: float,
) -> Sums[Tensor]:
    """Sum over pairs: their weights by label, what they cost by either label, their distances."""
    return Sums(
        attraction=similar @ cost,
        repulsion=dissimilar @ repelled,
        dissimilar_weight=dissimilar.sum(),
        active_weight=dissimilar @ _below(margin, distance),
        similar_weight=similar.sum(),
        similar_distance=similar @ distance,
        dissimilar_distance=dissimilar @ distance,
    )


class _Block(NamedTuple):
    """Some rows of a batch, with all points from the first of them on: each pair in one block.

    Attributes
    ----------
    start, stop : int
        Which points the rows are.
    rest_weight : Tensor of shape (stop - start, b - start)
        What each pair counts if it is not listed; 0 in the corner where the rows meet themselves
        for the half that would come twice.
    listed : slice
        Which of the batch's listed pairs are in the block.
    places : Tensor of shape (n_listed,), int64
        Where in the flat block they are.
    """

    start: int
    stop: int
    rest_weight: Tensor
    listed: slice
    places: Tensor

    @classmethod
    def of(cls, batch: Batch, Z: Tensor, n_rows: int) -> Iterator[_Block]:
        """Cut a batch whose points are the columns of Z."""
        b, device = Z.shape[1], Z.device
        kind = to_device(batch.kind, device)
        by_kind = to_device(batch.rest_weight, device).to(Z.dtype).index_select(1, kind)
        starts = range(0, b, n_rows)
        ends = np.searchsorted(batch.listed[:, 0], [*starts, b]).tolist()
        for start, listed in zip(starts, map(slice, ends, ends[1:]), strict=True):
            stop = min(start + n_rows, b)
            weight = by_kind[:, start:].index_select(0, kind[start:stop])
            weight[:, : stop - start].triu_(1)
            i, j = batch.listed[listed].T - start
            yield cls(start, stop, weight, listed, to_device(i * (b - start) + j, device))

    def differences(self, Z: Tensor, margin: float) -> tuple[Tensor, Tensor]:
        """Return the difference of each pair, (n_components, n_rows, n), and its distance."""
        difference = Z[:, self.start : self.stop, None] - Z[:, None, self.start :]
        first, *others = difference
        distance = first.square()
        for component in others:
            distance.addcmul_(component, component)
        # A loss may be infinite at 0, where the direction of its force is not known either; a
        # point and itself are no pair at all.
        return difference, distance.sqrt_().clamp_(min=_SAME).fill_diagonal_(margin)


def _below(margin: float, distance: Tensor) -> Tensor:
    """Return 1 where a distance is less than the margin, and 0 elsewhere, as floats."""
    # Floats from the start: torch turns bools into numbers ten times more slowly.
    return torch.lt(distance, margin, out=torch.empty_like(distance))


def _attraction(loss: PairLoss, distance: Tensor) -> tuple[Tensor, Tensor]:
    """Return what similar pairs at these distances cost, and the force that pulls them."""
    pull = getattr(loss, "pull", None)
    if pull is not None:
        return loss.attraction(distance), pull(distance)
    return _differentiated(loss.attraction, distance)


def _repulsion(loss: PairLoss, distance: Tensor) -> tuple[Tensor, Tensor]:
    """Return what dissimilar pairs at these distances cost, and the force that pushes them."""
    push = getattr(loss, "push", None)
    if push is not None:
        return loss.repulsion(distance), push(distance)
    cost, slope = _differentiated(loss.repulsion, distance)
    return cost, slope.neg_()


def _differentiated(
    partial_loss: Callable[[Tensor], Tensor], distance: Tensor
) -> tuple[Tensor, Tensor]:
    """Return a partial loss at these distances, and its slope by them."""
    with torch.enable_grad():
        distance = distance.detach().requires_grad_()
        cost = partial_loss(distance)
        if not cost.requires_grad:  # the same at every distance
            return cost, torch.zeros_like(distance)
        (slope,) = torch.autograd.grad(cost.sum(), distance)
    return cost.detach(), slope
