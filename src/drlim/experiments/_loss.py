"""Figure 1: the partial losses L_S and L_D against the distance D, and their closed forms."""

from __future__ import annotations

import numpy as np
import torch

from drlim import plotting
from drlim.experiments._run import Clock, Options, Result
from drlim.losses import contrastive_loss, distances_among
from drlim.reporting import Claim, Picture

MARGIN = 1.0


def run(options: Options) -> Result:
    """Compare eq. 4 and its forces, as the code computes them, with the closed forms."""
    clock = Clock()
    options.say("Data: none; eq. 4 itself, evaluated at distances from 0 to 3 margins")
    rng = np.random.default_rng(options.seed)
    distance = np.concatenate([[0.0, MARGIN], rng.uniform(0, 3 * MARGIN, 1000)])
    similar = np.ones(len(distance), bool)
    gap = np.maximum(MARGIN - distance, 0)

    def deviation(computed: np.ndarray, closed_form: np.ndarray) -> float:
        return float(np.abs(computed - closed_form).max())

    losses = [contrastive_loss(distance, label, MARGIN) for label in (similar, ~similar)]
    forces = [_force(distance[1:], label) for label in (True, False)]
    either_side = [
        _force(MARGIN * np.array([1 - 1e-9, 1 + 1e-9]), label)[:, 0] for label in (True, False)
    ]
    said = "the paper, section 2.1"
    claims = [
        Claim(text, source, value, bound, "<=")
        for text, source, value, bound in (
            (
                "Similar pairs cost 1/2 D²: largest deviation",
                "the paper, eq. 4",
                deviation(losses[0], distance**2 / 2),
                1e-12,
            ),
            (
                "Dissimilar pairs cost 1/2 max(0, m − D)²: largest deviation",
                "the paper, eq. 4",
                deviation(losses[1], gap**2 / 2),
                1e-12,
            ),
            (
                "The attractive spring pulls with a force equal to D: largest deviation",
                f"{said}, eq. 6",
                deviation(forces[0][:, 0], distance[1:]),
                1e-12,
            ),
            (
                "The repulsive spring pushes with a force equal to m − D, and not at all beyond "
                "the margin: largest deviation",
                f"{said}, eq. 9",
                deviation(forces[1][:, 0], -gap[1:]),
                1e-12,
            ),
            (
                "The two points of a pair feel opposite forces: largest sum",
                said,
                max(float(np.abs(force.sum(axis=1)).max()) for force in forces),
                1e-12,
            ),
            (
                "The slope has no jump at the margin: largest jump across a 2e-9 wide gap",
                "closed form, from eq. 4",
                max(float(abs(side[1] - side[0])) for side in either_side),
                1e-8,
            ),
        )
    ]
    caption = (
        "Figure 1 of the paper. Left: the loss of a similar pair (solid) and of a dissimilar one "
        "(dashed) against their distance D, margin m = 1. Right: the slopes of the same curves, "
        "the forces of the two springs. Nothing is learnt or held out here."
    )
    figure = plotting.partial_losses(
        lambda d: contrastive_loss(d, np.ones(d.shape, bool), MARGIN),
        lambda d: contrastive_loss(d, np.zeros(d.shape, bool), MARGIN),
        MARGIN,
        caption=caption,
    )
    return Result(
        data="no data: the loss itself",
        origin="",
        n_train=0,
        n_test=0,
        seconds=clock.seconds(),
        claims=claims,
        numbers={"margin": MARGIN, "n_distances": len(distance)},
        pictures=[Picture("losses", figure, caption)],
    )


def _force(distance: np.ndarray, similar: bool) -> np.ndarray:
    """Return the slope of the loss along the axis, of the right and the left point of each pair."""
    forces = np.empty((len(distance), 2))
    for k, d in enumerate(distance):
        Z = torch.tensor([[0.0], [d]], dtype=torch.float64, requires_grad=True)
        loss = contrastive_loss(distances_among(Z), torch.tensor([similar]), MARGIN)
        (slope,) = torch.autograd.grad(loss.sum(), Z)
        forces[k] = slope[1].item(), slope[0].item()
    return forces
