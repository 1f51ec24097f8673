"""Losses of the points themselves, which need more than the distance of each pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from drlim._errors import InputError


@runtime_checkable
class PointLoss(Protocol):
    """A loss of a batch's points and the pairs among them, which needs more than distances.

    It weights and averages pairs by itself: `n_dissimilar`, ``weight=`` and the Horvitz-Thompson
    weights by which a batch estimates the sum over all pairs do not reach it.
    """

    def of_points(self, Z: Tensor, left: Tensor, right: Tensor, similar: Tensor) -> Tensor:
        """Return the loss, one number, of points Z with labelled pairs.

        Parameters
        ----------
        Z : Tensor of shape (b, n_components)
        left, right : Tensor of shape (n_pairs,), int64
            Rows of Z. Each pair comes once, ``left < right``.
        similar : Tensor of shape (n_pairs,), bool
        """
        ...


@dataclass(frozen=True)
class MetricLearning:
    """A loss of pytorch-metric-learning for ``DrLIM(loss=...)``; see `from_metric_learning`.

    Parameters
    ----------
    loss : torch.nn.Module
        Without weights of its own.

    Raises
    ------
    InputError
        If it is not such a loss.
    """

    loss: Any

    def __post_init__(self) -> None:
        if not isinstance(self.loss, torch.nn.Module):
            raise InputError(
                f"the loss is a {type(self.loss).__name__}; it must be an object, as in "
                "from_metric_learning(TripletMarginLoss())"
            )
        if any(True for _ in self.loss.parameters()):
            raise InputError(
                f"{type(self.loss).__name__} has weights of its own, one for each class, and pairs "
                "have no classes: use a loss of pairs or triplets"
            )

    def __call__(self, margin: float) -> MetricLearning:
        """Return itself: such a loss has its own margins."""
        return self

    def of_points(self, Z: Tensor, left: Tensor, right: Tensor, similar: Tensor) -> Tensor:
        """Return the loss of the pairs, each given in both directions."""
        ends, others = torch.cat([left, right]), torch.cat([right, left])
        alike = torch.cat([similar, similar])
        pairs = (ends[alike], others[alike], ends[~alike], others[~alike])
        return self.loss(Z, indices_tuple=pairs)


def from_metric_learning(loss: Any) -> MetricLearning:
    """Let `DrLIM` learn with a loss of pytorch-metric-learning.

    This works with its losses of pairs and triplets, such as ``TripletMarginLoss`` or
    ``SupConLoss``, which get the similar and the dissimilar pairs of each batch. They weight and
    average pairs in their own way, so `n_dissimilar` and weights of pairs have no effect, and the
    history holds the whole loss as attraction. Most of them normalise the points: use three
    components or more, and compare angles.

    Parameters
    ----------
    loss : torch.nn.Module
        Without weights of its own: losses with one weight vector per class (CosFace) need class
        labels, which pairs do not have.

    Returns
    -------
    MetricLearning

    Raises
    ------
    InputError
        If it is not such a loss.

    Examples
    --------
    >>> from pytorch_metric_learning.losses import TripletMarginLoss  # doctest: +SKIP
    >>> DrLIM(loss=from_metric_learning(TripletMarginLoss()))  # doctest: +SKIP
    """
    return MetricLearning(loss)
