"""Losses that take the points themselves, for what no distance alone decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from drlim._errors import InputError


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
        return self.loss(Z, indices_tuple=pairs)


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
