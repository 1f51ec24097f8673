"""What the springs of a batch do to its points: the force on each, without a list of all pairs.

A batch of b points has b (b - 1) / 2 pairs, and whatever is done to all of them passes through
memory once for each operation. Here they are visited in blocks that stay in the processor's
cache, and each block goes straight from differences to forces. That is also why the gradient is
made here and not by torch: the forces on the points are all that the network's own backward
pass needs to know (the paper's section 2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from drlim._devices import is_card, to_device
from drlim._types import Float
from drlim.losses import PairLoss, PointLoss
from drlim.pairs import Batch

# Pairs of a block, and rows at least: few enough to stay in the cache through some twenty
# operations, and enough to outweigh what it costs to start each and share it out.
_BLOCK, _ROWS = 131_072, 128

# Of a graphics card it is the memory that is not endless: numbers of a block, of which each pair
# has its difference and some eight more.
_NUMBERS_ON_A_CARD = 268_435_456

# Points nearer than this count as being in one place: the direction in which they would part is
# not known, and the force is 0.
_SAME = 1e-18


class Forces(NamedTuple):
    """What `forces` found.

    Attributes
    ----------
    slope : Tensor of shape (b, n_components)
        The gradient of the batch's loss by the points: minus the force on each.
    attraction, repulsion : Tensor, one number
        The two parts of the batch's loss.
    apart, active : Tensor, one number
        The weight of all dissimilar pairs, and of those that are nearer than the margin.
    together : Tensor, one number
        The weight of all similar pairs.
    distance_together, distance_apart : Tensor, one number
        The weighted sums of the distances of similar, and of dissimilar pairs.
    """

    slope: Tensor
    attraction: Tensor
    repulsion: Tensor
    apart: Tensor
    active: Tensor
    together: Tensor
    distance_together: Tensor
    distance_apart: Tensor


def forces(
    Z: Float[Tensor, "b n_components"], batch: Batch, loss: PairLoss | PointLoss, margin: float
) -> Forces:
    """Return the forces on the points of a batch, and what there is to tell of its pairs.

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
        return Forces(slope.T, *_all(components, slope, batch, loss, margin))
    told = _near(components, slope, batch, loss, margin)
    if batch.far_weight.any():
        told = told + _far(components, slope, batch, loss, margin)
    return Forces(slope.T, *told)


def _of_points(Z: Tensor, batch: Batch, loss: PointLoss, margin: float) -> Forces:
    """Ask a loss that takes the points themselves; its value stands for the attraction."""
    counts = batch.weight > 0  # a pair that is neither similar nor dissimilar counts nothing
    pairs = np.stack(np.triu_indices(len(Z), 1))[:, counts]
    left, right = to_device(pairs, Z.device)
    similar = to_device(batch.similar[counts], Z.device)
    weight = to_device(batch.weight[counts], Z.device).to(Z.dtype)
    with torch.enable_grad():
        points = Z.clone().requires_grad_()
        cost = loss.of_points(points, left, right, similar)
        (slope,) = torch.autograd.grad(cost, points)
    distance = (Z[left] - Z[right]).square().sum(dim=1).sqrt()
    together, apart = weight * similar, weight * ~similar
    told = [
        cost.detach(),
        torch.zeros_like(cost),
        apart.sum(),
        apart @ _below(margin, distance),
        together.sum(),
        together @ distance,
        apart @ distance,
    ]
    return Forces(slope, *(number.double() for number in told))


def _near(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of the pairs that a graph joins, one by one."""
    left, right = to_device(batch.near.T, Z.device)
    weight = to_device(batch.near_weight, Z.device).to(Z.dtype)
    difference = Z.index_select(1, left) - Z.index_select(1, right)
    distance = difference.square().sum(dim=0).sqrt_().clamp_(min=_SAME)
    none = weight.new_zeros(())
    if batch.near_similar.all():
        cost, pull = _attraction(loss, distance)
        pull = pull * weight
        told = [weight @ cost, none, none, none, weight.sum(), weight @ distance, none]
    else:
        similar = to_device(batch.near_similar, Z.device)
        together, apart = weight * similar, weight * ~similar
        (cost, pull), (repelled, push) = _attraction(loss, distance), _repulsion(loss, distance)
        pull = together * pull - apart * push
        told = [together @ cost, apart @ repelled, apart.sum(), apart @ _below(margin, distance)]
        told += [together.sum(), together @ distance, apart @ distance]
    along = difference.mul_(pull.div_(distance))
    slope.index_add_(1, left, along).index_add_(1, right, along, alpha=-1)
    return torch.stack(told).double()


def _far(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of all other pairs, a block of rows at a time."""
    none, told = Z.new_zeros(()), []
    for block in _Block.of(batch, Z, max(_BLOCK // Z.shape[1], _ROWS)):
        weight = block.weight
        weight.view(-1).index_fill_(0, block.near, 0)
        difference, distance = block.differences(Z, margin)
        cost, push = _repulsion(loss, distance)
        flat, of = weight.ravel(), distance.ravel()
        repelled, active = flat @ cost.ravel(), flat @ _below(margin, of)
        told.append(torch.stack([none, repelled, flat.sum(), active, none, none, flat @ of]))
        difference *= weight.mul_(push).div_(distance)
        slope[:, block.start : block.stop].sub_(difference.sum(dim=2))
        slope[:, block.start :].add_(difference.sum(dim=1))
    return torch.stack(told).double().sum(dim=0)


def _all(Z: Tensor, slope: Tensor, batch: Batch, loss: PairLoss, margin: float) -> Tensor:
    """Add the forces of the near pairs and of all others together, as suits a graphics card.

    It takes longer to be told of an operation than to do it. And of numbers that are added to
    places which a list names, two runs there may give other bits; sums along rows repeat.
    """
    similar = batch.near_similar
    listed = to_device(np.where([similar, ~similar], batch.near_weight, 0), Z.device).to(Z.dtype)
    told = []
    numbers_of_a_row = Z.shape[1] * (Z.shape[0] + 8)
    for block in _Block.of(batch, Z, max(_NUMBERS_ON_A_CARD // numbers_of_a_row, 1)):
        apart, together = block.weight, torch.zeros_like(block.weight)
        together.view(-1).index_copy_(0, block.near, listed[0, block.listed])
        apart.view(-1).index_copy_(0, block.near, listed[1, block.listed])
        difference, distance = block.differences(Z, margin)
        (cost, pull), (repelled, push) = _attraction(loss, distance), _repulsion(loss, distance)
        alike, unlike, of = together.ravel(), apart.ravel(), distance.ravel()
        numbers = [alike @ cost.ravel(), unlike @ repelled.ravel(), unlike.sum()]
        numbers += [unlike @ _below(margin, of), alike.sum(), alike @ of, unlike @ of]
        told.append(torch.stack(numbers))
        force = together.mul_(pull).addcmul_(apart, push, value=-1)
        difference *= force.div_(distance)
        slope[:, block.start : block.stop].add_(difference.sum(dim=2))
        slope[:, block.start :].sub_(difference.sum(dim=1))
    return torch.stack(told).double().sum(dim=0)


class _Block(NamedTuple):
    """Some rows of a batch, with all points from the first of them on: each pair in one block.

    Attributes
    ----------
    start, stop : int
        Which points the rows are.
    weight : Tensor of shape (stop - start, b - start)
        What each pair counts if no graph joins it; 0 in the corner where the rows meet themselves
        for the half that would come twice.
    near : Tensor of shape (n_near,), int64
        Where in the flat block the near pairs are.
    listed : slice
        Which of the batch's near pairs they are.
    """

    start: int
    stop: int
    weight: Tensor
    near: Tensor
    listed: slice

    @classmethod
    def of(cls, batch: Batch, Z: Tensor, n_rows: int) -> Iterator[_Block]:
        """Cut a batch whose points are the columns of Z."""
        b, device = Z.shape[1], Z.device
        kind = to_device(batch.kind, device)
        by_kind = to_device(batch.far_weight, device).to(Z.dtype).index_select(1, kind)
        starts = range(0, b, n_rows)
        ends = np.searchsorted(batch.near[:, 0], [*starts, b]).tolist()
        for start, listed in zip(starts, map(slice, ends, ends[1:]), strict=True):
            stop = min(start + n_rows, b)
            weight = by_kind[:, start:].index_select(0, kind[start:stop])
            weight[:, : stop - start].triu_(1)
            i, j = batch.near[listed].T - start
            yield cls(start, stop, weight, to_device(i * (b - start) + j, device), listed)

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
    # Floats from the start: torch makes bools of numbers ten times more slowly.
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
    with torch.enable_grad():
        distance = distance.detach().requires_grad_()
        cost = partial_loss(distance)
        if not cost.requires_grad:  # the same at every distance
            return cost, torch.zeros_like(distance)
        (slope,) = torch.autograd.grad(cost.sum(), distance)
    return cost.detach(), slope
