"""Figures 2 and 3: the forces of the springs, and a cloud of free points that comes to rest."""

from __future__ import annotations

import numpy as np
import torch

from drlim import plotting
from drlim.experiments._run import Clock, Options, Result, parts
from drlim.graphs import SimilarityGraph, neighbors
from drlim.losses import Contrastive, distances_among, global_loss
from drlim.reporting import Claim, Picture

MARGIN = 1.0
N_POINTS, N_STEPS, STEP = 60, 6000, 0.02


def run(options: Options) -> Result:
    """Let free points, each a parameter of its own, move down eq. 1 until the forces balance."""
    clock = Clock()
    options.say(f"Data: {N_POINTS} free points, similar along five open chains; no network")
    graph = _chains(n_chains=5, length=N_POINTS // 5)
    start = np.random.default_rng(options.seed).normal(scale=0.4, size=(N_POINTS, 2))
    shown = [0, *np.unique(np.geomspace(5, N_STEPS, 5).astype(int)).tolist()]
    path, losses, force = relax(start, graph, N_STEPS, keep=shown)

    # Three points in a row, a similar to b and to c, which are dissimilar: each spring holds
    # the others at b - a = a - c = m / 3, where the pull m / 3 is the push m - 2 m / 3.
    triple = SimilarityGraph.from_edges([(0, 1), (0, 2)], 3)
    rest, _, _ = relax(np.array([[0.0, 0.0], [0.2, 0.01], [-0.1, 0.0]]), triple, 4000, keep=[4000])
    at_rest = distances_among(torch.from_numpy(rest[4000])).numpy()
    # A dissimilar pair parts until it is a margin away, however near it starts.
    pair = np.array([[0.0, 0.0], [1e-6, 0.0]])
    parted, _, _ = relax(pair, SimilarityGraph.empty(2), 2000, keep=[2000])
    width = float(distances_among(torch.from_numpy(parted[2000])).item())

    said = "the paper, section 2.2"
    claims = [
        Claim(text, source, value, bound, sign)
        for text, source, value, bound, sign in (
            (
                "Free points come to rest: largest net force on a point, over the margin",
                said,
                force[-1] / MARGIN,
                1e-2,
                "<=",
            ),
            (
                "The loss falls at every step: largest rise, per point",
                said,
                max(0.0, float(np.diff(losses).max()) / N_POINTS),
                1e-12,
                "<=",
            ),
            (
                "Two dissimilar points that are similar to a third rest at 2/3 of the margin, "
                "each 1/3 from it: largest deviation",
                "closed form, from eq. 4",
                float(np.abs(at_rest - MARGIN * np.array([1 / 3, 1 / 3, 2 / 3])).max()),
                1e-3,
                "<=",
            ),
            (
                "A dissimilar pair started a millionth of a margin apart is pushed to the margin: "
                "deviation of its distance",
                said,
                abs(width - MARGIN),
                1e-3,
                "<=",
            ),
        )
    ]
    forces_caption = (
        "Figure 2 of the paper. What a fixed point in the middle does to free points around it, "
        "margin m = 1; arrows are a quarter of the force. Left: a similar point is pulled by its "
        "distance D. Right: a dissimilar one is pushed by m − D, and left alone beyond the margin."
    )
    caption = (
        f"Figure 3 of the paper, without a network: {N_POINTS} free points, five chains (colour "
        f"and marker), grey lines are similar pairs. Similar points pull, all others push within "
        f"a margin of 1. Net force at the end: {force[-1]:.1e}. Nothing is held out."
    )
    series = [(f"step {step:,}: loss {losses[step]:.1f}", path[step]) for step in shown]
    relaxing = plotting.relaxation(series, graph.edges, graph.components, caption=caption)
    forces = plotting.spring_forces(MARGIN, caption=forces_caption)
    stride = N_STEPS // 100
    descent_caption = "The exact eq. 1 over all pairs, per free point, on the way to rest."
    descent = plotting.loss_curves(
        range(0, N_STEPS + 1, stride),
        {"loss": (losses / N_POINTS)[::stride].tolist()},
        xlabel="step of gradient descent",
        title="The loss of the free points",
        caption=descent_caption,
    )
    final = global_loss(path[shown[-1]], graph, MARGIN) / N_POINTS
    return Result(
        data=f"{N_POINTS} free points",
        origin="",
        n_train=N_POINTS,
        n_test=0,
        seconds=clock.seconds(),
        claims=claims,
        numbers={
            "margin": MARGIN,
            "steps": N_STEPS,
            "global_loss": parts(final),
        },
        pictures=[
            Picture("forces", forces, forces_caption),
            Picture("relaxation", relaxing, caption),
            Picture("descent", descent, descent_caption),
        ],
    )


def relax(
    Z: np.ndarray, graph: SimilarityGraph, n_steps: int, keep: list[int]
) -> tuple[dict[int, np.ndarray], np.ndarray, np.ndarray]:
    """Move free points down eq. 1, over all pairs, by plain gradient descent.

    Returns
    -------
    path : dict of int to ndarray of shape (n, 2)
        Where the points are after each step of `keep`.
    losses, force : ndarray of shape (n_steps + 1,)
        The loss before each step, and the largest net force on any point.
    """
    spring = Contrastive(MARGIN)
    left, right = np.triu_indices(len(Z), 1)
    similar = torch.from_numpy(graph.has(left, right))
    points = torch.tensor(Z, dtype=torch.float64, requires_grad=True)
    path, losses, force = {}, np.empty(n_steps + 1), np.empty(n_steps + 1)
    for step in range(n_steps + 1):
        if step in keep:
            path[step] = points.detach().numpy().copy()
        distance = distances_among(points)
        loss = torch.where(similar, spring.attraction(distance), spring.repulsion(distance)).sum()
        (slope,) = torch.autograd.grad(loss, points)
        losses[step], force[step] = loss.item(), slope.norm(dim=1).max().item()
        with torch.no_grad():
            points -= STEP * slope
    return path, losses, force


def _chains(n_chains: int, length: int) -> SimilarityGraph:
    """Make chains of points, each similar to the nearest two before and after it."""
    place = np.arange(n_chains * length, dtype=float)[:, None]
    return neighbors(place, 2, within=np.repeat(np.arange(n_chains), length))
