"""The loss of training from the parameter `loss` of `DrLIM`: a name or a builder."""

from __future__ import annotations

from typing import Any

import torch

from drlim._errors import InputError, nearest_name
from drlim.losses._points import PointLoss
from drlim.losses._springs import LOSSES, PairLoss


def build_loss(loss: Any, margin: float) -> PairLoss | PointLoss:
    """Return the loss of a name or of a builder ``margin -> PairLoss``."""
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
    """Raise if a force is not the slope of its loss: training would follow the force alone."""
    distance = margin * torch.tensor([0.05, 0.3, 0.7, 1.3, 4.0], dtype=torch.float64)
    distance.requires_grad_()
    for name, partial_loss, sign in (("pull", loss.attraction, 1), ("push", loss.repulsion, -1)):
        force_at = getattr(loss, name, None)
        if force_at is None:
            continue
        force, cost = force_at(distance), sign * partial_loss(distance)
        # A partial loss that is constant has no gradient to take.
        slope = torch.zeros_like(distance)
        if cost.requires_grad:
            (slope,) = torch.autograd.grad(cost.sum(), distance)
        force = force.detach()
        wrong = ~torch.isclose(force, slope, rtol=1e-5, atol=1e-9)
        if wrong.any():
            D, given, expected = (float(a[wrong][0]) for a in (distance.detach(), force, slope))
            raise InputError(
                f"{type(loss).__name__}.{name} is {given:.6g} at the distance {D:.6g}, where the "
                f"slope of its loss is {expected:.6g}; define {name} too, or set {name} = None to "
                "have the loss differentiated"
            )
