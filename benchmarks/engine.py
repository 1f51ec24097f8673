"""The cost of a training step, relative to forward and backward passes of the bare network.

Both are timed in turn, on batches of the same size. A step is all that `drlim.training.train`
does for a batch: draw and weigh pairs, fetch samples, apply the network, compute the loss of all
pairs, keep the tally, and take the optimiser's step.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks._bench import Figure, milliseconds, ratio, record, seconds
from drlim import networks
from drlim.graphs import SimilarityGraph
from drlim.losses import Contrastive
from drlim.networks import _builders
from drlim.pairs import PairSampler
from drlim.training import Callback, train


class _Residual(nn.Module):
    def __init__(self, maps: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(maps, maps, 3, padding=1)
        self.second = nn.Conv2d(maps, maps, 3, padding=1)

    def forward(self, X: Tensor) -> Tensor:
        Y: Tensor = self.second(self.first(X).relu())
        return (X + Y).relu()


def small_resnet(sample_shape: tuple[int, ...], n_components: int) -> nn.Module:
    """Build a residual network of five convolutions without normalisation."""
    return nn.Sequential(
        nn.Unflatten(1, (1, sample_shape[0])),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        _Residual(16),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        _Residual(32),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, n_components),
    )


deep_mlp = functools.partial(networks.paper_mlp, hidden=(256, 256, 256))

CASES: tuple[tuple[str, Any, int, float], ...] = (
    ("LeNet", networks.lenet, 512, 1.10),
    ("small ResNet", small_resnet, 256, 1.10),
    ("MLP 784-256-256-256-2", deep_mlp, 512, 1.5),
    ("MLP 784-256-256-256-2", deep_mlp, 2048, 1.5),
)


def run(quick: bool) -> Iterator[Figure]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 28, 28)).astype(np.float32)
    edges = rng.integers(0, len(X), size=(300_000, 2))
    graph = SimilarityGraph.from_edges(edges, len(X))
    threads = torch.get_num_threads()
    for n_threads in sorted({1, threads}):
        torch.set_num_threads(n_threads)
        for name, builder, n_points, goal in CASES:
            network = _builders.build(builder, (28, 28), 2, seed=0)
            # An edge has two points; random edges among 60,000 samples rarely share one.
            times = step_and_bare(network, X, graph, n_points // 2, repetitions=9 if quick else 41)
            yield Figure(
                f"step : bare, {name}, {n_points} points, {n_threads} threads",
                ratio(times, "step", "bare"),
                goal=f"<= {goal}",
                detail=milliseconds(times),
            )
    torch.set_num_threads(threads)


class EnoughError(Exception):
    """Ends a training that is only timed."""


class _Turns(Callback):
    """Times the steps of a training, and the bare network after each."""

    def __init__(self, bare: Callable[[], Any], repetitions: int, warm_up: int = 3) -> None:
        self.bare, self.repetitions, self.warm_up = bare, repetitions, warm_up
        self.times: dict[str, list[float]] = {"step": [], "bare": []}
        self.resumed = time.perf_counter()

    def on_batch_end(self, step: int, n_steps: int) -> None:
        step_seconds = time.perf_counter() - self.resumed
        bare_seconds = seconds(self.bare)
        if step > self.warm_up:
            self.times["step"].append(step_seconds)
            self.times["bare"].append(bare_seconds)
        if step == self.warm_up + self.repetitions:
            raise EnoughError
        self.resumed = time.perf_counter()


def step_and_bare(
    network: nn.Module, X: np.ndarray, graph: SimilarityGraph, batch_size: int, repetitions: int
) -> dict[str, list[float]]:
    """Time steps of `drlim.training.train`, and the bare network on as many points, in turn."""
    alone = copy.deepcopy(network)
    points = torch.from_numpy(X[: 2 * batch_size])
    weights = list(alone.parameters())
    turns = _Turns(lambda: torch.autograd.grad(alone(points).sum(), weights), repetitions)
    with contextlib.suppress(EnoughError):
        train(
            network,
            Contrastive(1.0),
            PairSampler(graph, batch_size),
            X.__getitem__,
            max_epochs=1,
            learning_rate=4e-3,
            margin=1.0,
            random_state=0,
            callbacks=[turns],
        )
    return turns.times


if __name__ == "__main__":
    record("engine", run)
