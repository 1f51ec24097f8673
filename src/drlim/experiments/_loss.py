"""Figure 1: the partial losses L_S and L_D against the distance D, and their closed forms."""

from __future__ import annotations

import numpy as np
import torch

from drlim import plotting
from drlim.experiments._run import Options, Result, check_claims
from drlim.losses import contrastive_loss, distances_among

MARGIN = 1.0
_GAP = 1e-9  # half the width of the gap at the margin, in margins

_PAPER = "the paper, section 2.1"
CLAIMS = (
    (
        "Similar pairs cost 1/2 D²: largest deviation",
        "the paper, eq. 4",
        "similar loss",
        "<=",
        1e-12,
    ),
    (
        "Dissimilar pairs cost 1/2 max(0, m − D)²: largest deviation",
        "the paper, eq. 4",
        "dissimilar loss",
        "<=",
        1e-12,
    ),
    (
        "The attractive spring pulls with a force equal to D: largest deviation",
        f"{_PAPER}, eq. 6",
        "similar force",
        "<=",
        1e-12,
    ),
    (
        "The repulsive spring pushes with a force equal to m − D, and not at all beyond the "
        "margin: largest deviation",
        f"{_PAPER}, eq. 9",
        "dissimilar force",
        "<=",
        1e-12,
    ),
    (
        "The two points of a pair feel opposite forces: largest sum",
        _PAPER,
        "sum of forces",
        "<=",
        1e-12,
    ),
    (
        "The slope has no jump at the margin: largest jump across a 2e-9 wide gap",
        "closed form, from eq. 4",
        "jump",
        "<=",
        1e-8,
    ),
)
CAPTION = (
    "Figure 1 of the paper. Left: the loss of a similar pair (solid) and of a dissimilar pair "
    "(dashed) against their distance D, margin m = 1. Right: the slopes of the same curves, the "
    "forces of the two springs. Nothing is learnt or held out."
)


def run(options: Options) -> Result:
    """Compare eq. 4 and its forces, as the code computes them, with the closed forms."""
    options.say("Data: none; eq. 4 itself, evaluated at distances from 0 to 3 margins")
    rng = np.random.default_rng(options.random_state)
    distance = np.concatenate([[0.0, MARGIN], rng.uniform(0, 3 * MARGIN, 1000)])
    figure = plotting.partial_losses(
        lambda d: contrastive_loss(d, np.ones(d.shape, bool), MARGIN),
        lambda d: contrastive_loss(d, np.zeros(d.shape, bool), MARGIN),
        MARGIN,
        caption=CAPTION,
    )
    return Result(
        data="no data: the loss itself",
        origin="",
        n_train=0,
        n_test=0,
        claims=check_claims(CLAIMS, _deviations(distance)),
        numbers={"margin": MARGIN, "n_distances": len(distance)},
        figures={"losses": figure},
        captions={"losses": CAPTION},
    )


def _deviations(distance: np.ndarray) -> dict[str, float]:
    """Return how far losses and forces are from their closed forms; the first distance is 0."""
    similar = np.ones(len(distance), bool)
    gap = np.maximum(MARGIN - distance, 0)
    losses = [contrastive_loss(distance, label, MARGIN) for label in (similar, ~similar)]
    forces = [_force(distance[1:], label) for label in (True, False)]
    around_margin = MARGIN * np.array([1 - _GAP, 1 + _GAP])
    slopes = [_force(around_margin, label)[:, 0] for label in (True, False)]
    return {
        "similar loss": float(np.abs(losses[0] - distance**2 / 2).max()),
        "dissimilar loss": float(np.abs(losses[1] - gap**2 / 2).max()),
        "similar force": float(np.abs(forces[0][:, 0] - distance[1:]).max()),
        "dissimilar force": float(np.abs(forces[1][:, 0] + gap[1:]).max()),
        "sum of forces": max(float(np.abs(force.sum(axis=1)).max()) for force in forces),
        "jump": max(float(abs(after - before)) for before, after in slopes),
    }


def _force(distance: np.ndarray, similar: bool) -> np.ndarray:
    """Return the slope of the loss along the axis, of the right and the left point of each pair."""
    forces = np.empty((len(distance), 2))
    for k, d in enumerate(distance):
        Z = torch.tensor([[0.0], [d]], dtype=torch.float64, requires_grad=True)
        loss = contrastive_loss(distances_among(Z), torch.tensor([similar]), MARGIN)
        (slope,) = torch.autograd.grad(loss.sum(), Z)
        forces[k] = slope[1].item(), slope[0].item()
    return forces
