"""Figures 2 and 3: the forces of the springs, and a cloud of free points that comes to rest."""

from __future__ import annotations

import numpy as np
import torch

from drlim import plotting
from drlim.experiments._run import Options, Result, check_claims, parts
from drlim.graphs import SimilarityGraph, neighbors
from drlim.losses import Contrastive, distances_among, global_loss

MARGIN = 1.0
N_POINTS, N_STEPS, STEP = 60, 6000, 0.02

_PAPER = "the paper, section 2.2"
CLAIMS = (
    (
        "Free points come to rest: largest net force on a point, over the margin",
        _PAPER,
        "net force",
        "<=",
        1e-2,
    ),
    (
        "The loss falls at every step: largest rise, per point",
        _PAPER,
        "rise",
        "<=",
        1e-12,
    ),
    (
        "Two dissimilar points that are similar to a third rest at 2/3 of the margin, each 1/3 "
        "from it: largest deviation",
        "closed form, from eq. 4",
        "three points",
        "<=",
        1e-3,
    ),
    (
        "A dissimilar pair started a millionth of a margin apart is pushed to the margin: "
        "deviation of its distance",
        _PAPER,
        "dissimilar pair",
        "<=",
        1e-3,
    ),
)
CAPTIONS = {
    "forces": "Figure 2 of the paper. What a fixed point in the middle does to free points around "
    "it, margin m = 1; arrows are a quarter of the force. Left: a similar point is pulled by its "
    "distance D. Right: a dissimilar point is pushed by m − D, and left alone beyond the margin.",
    "relaxation": f"Figure 3 of the paper, without a network: {N_POINTS} free points in five "
    "chains (colour and marker); grey lines are similar pairs. Similar points pull, all others "
    "push within a margin of 1. Net force at the end: {force:.1e}. Nothing is held out.",
    "descent": "The exact eq. 1 over all pairs, per free point, at each step.",
}


def run(options: Options) -> Result:
    """Move free points, each a parameter of its own, down eq. 1 until the forces balance."""
    options.say(f"Data: {N_POINTS} free points, similar along five open chains; no network")
    graph = _chains(n_chains=5, length=N_POINTS // 5)
    rng = np.random.default_rng(options.random_state)
    start = rng.normal(scale=0.4, size=(N_POINTS, 2))
    shown = [0, *np.unique(np.geomspace(5, N_STEPS, 5).astype(int)).tolist()]
    path, losses, force = relax(start, graph, N_STEPS, keep=shown)
    measured = {
        "net force": force[-1] / MARGIN,
        "rise": max(0.0, float(np.diff(losses).max()) / N_POINTS),
        "three points": _three_points(),
        "dissimilar pair": _dissimilar_pair(),
    }
    captions = {name: text.format(force=force[-1]) for name, text in CAPTIONS.items()}
    series = [(f"step {step:,}: loss {losses[step]:.1f}", path[step]) for step in shown]
    stride = N_STEPS // 100
    return Result(
        data=f"{N_POINTS} free points",
        origin="",
        n_train=N_POINTS,
        n_test=0,
        claims=check_claims(CLAIMS, measured),
        numbers={
            "margin": MARGIN,
            "steps": N_STEPS,
            "global_loss": parts(global_loss(path[shown[-1]], graph, MARGIN) / N_POINTS),
        },
        figures={
            "forces": plotting.spring_forces(MARGIN, caption=captions["forces"]),
            "relaxation": plotting.relaxation(
                series, graph.edges, graph.components, caption=captions["relaxation"]
            ),
            "descent": plotting.loss_curves(
                range(0, N_STEPS + 1, stride),
                {"loss": (losses / N_POINTS)[::stride].tolist()},
                xlabel="step of gradient descent",
                title="The loss of the free points",
                caption=captions["descent"],
            ),
        },
        captions=captions,
    )


def _three_points() -> float:
    """Return how far three points in a row rest from their closed form.

    a is similar to b and to c, which are dissimilar. The springs balance at
    b - a = a - c = m / 3: the pull m / 3 equals the push m - 2 m / 3.
    """
    triple = SimilarityGraph([(0, 1), (0, 2)], 3)
    path, _, _ = relax(np.array([[0.0, 0.0], [0.2, 0.01], [-0.1, 0.0]]), triple, 4000, keep=[4000])
    distance = distances_among(torch.from_numpy(path[4000])).numpy()
    return float(np.abs(distance - MARGIN * np.array([1 / 3, 1 / 3, 2 / 3])).max())


def _dissimilar_pair() -> float:
    """Return how far a dissimilar pair, started almost at one point, rests from the margin."""
    pair = np.array([[0.0, 0.0], [1e-6, 0.0]])
    path, _, _ = relax(pair, SimilarityGraph.empty(2), 2000, keep=[2000])
    return abs(float(distances_among(torch.from_numpy(path[2000])).item()) - MARGIN)


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
