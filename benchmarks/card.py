"""Training and mapping on a graphics card; without one, nothing is measured.

Each part is measured on the card and on the machine's processors, in one run. A timing waits for
the card only at its end.
"""

from __future__ import annotations

import copy
import functools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from sklearn.base import clone
from torch import Tensor, nn

from benchmarks import engine, quality
from benchmarks._bench import Figure, in_turn, milliseconds, ratio, record
from drlim import DrLIM, networks, recipes
from drlim._applying import lookup
from drlim.datasets import Dataset, mnist
from drlim.graphs import SimilarityGraph, neighbors
from drlim.losses import Contrastive
from drlim.networks import _builders
from drlim.pairs import PairSampler
from drlim.training import Callback, train

CARD = torch.device("cuda")


def run(quick: bool) -> Iterator[Figure]:
    if not torch.cuda.is_available():
        print("  no graphics card (CUDA) on this machine")
        return
    name = torch.cuda.get_device_name()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 28, 28)).astype(np.float32)
    graph = SimilarityGraph.from_edges(rng.integers(0, len(X), size=(900_000, 2)), len(X))
    for case, builder, n_points, _ in engine.CASES:
        times = steps(builder, X, graph, n_points, 3 if quick else 9)
        yield Figure(
            f"step : bare, {case}, {n_points} points, {name}",
            ratio(times, "step", "bare"),
            detail=milliseconds(times),
        )
    digits = quality.paper_digits()
    few = recipes.clusters(len(digits[0]), digits[0].X.shape[1:], random_state=0)
    maps = {device: clone(few).set_params(device=device) for device in ("cuda", "cpu")}
    yield from learning("6,000 digits", digits, maps)
    if not quick:
        digits = mnist("train"), mnist("test")
        many = recipes.clusters(len(digits[0]), digits[0].X.shape[1:], random_state=0).set_params(
            device="cuda"
        )
        large = {"batch_size": 256, "learning_rate": 2e-3}
        maps = {
            "cuda": many,
            "cuda, 256 edges a batch": clone(many).set_params(**large),
            "cuda, 256 edges a batch, three passes": clone(many).set_params(max_epochs=3, **large),
        }
        yield from learning("60,000 digits", digits, maps)
    yield from applying(100_000 if quick else 1_000_000)


class _After(Callback):
    """Times a number of steps together, after some that only warm up."""

    def __init__(self, warm_up: int, n_steps: int) -> None:
        self.warm_up, self.n_steps = warm_up, n_steps
        self.seconds = 0.0

    def on_batch_end(self, step: int, n_steps: int) -> None:
        if step == self.warm_up:
            torch.cuda.synchronize()
            self.seconds = -time.perf_counter()
        if step == self.warm_up + self.n_steps:
            torch.cuda.synchronize()
            self.seconds += time.perf_counter()
            raise engine.EnoughError


def steps(
    builder: Any, X: np.ndarray, graph: SimilarityGraph, n_points: int, repetitions: int
) -> dict[str, list[float]]:
    """Time a hundred training steps, and as many of the bare network, on the card, in turn."""
    network = nn.Sequential(
        networks.Standardize(0.0, 1.0), _builders.build(builder, X.shape[1:], 2, seed=0)
    ).to(CARD)
    alone, points = copy.deepcopy(network), torch.from_numpy(X[:n_points]).to(CARD)
    weights, n_steps = list(alone.parameters()), 100
    sampler, fetch = PairSampler(graph, n_points // 2), lookup(X, CARD)

    def step() -> float:
        after = _After(10, n_steps)
        try:
            train(
                network,
                Contrastive(1.0),
                sampler,
                fetch,
                max_epochs=1,
                learning_rate=1e-4,
                margin=1.0,
                random_state=0,
                callbacks=[after],
            )
        except engine.EnoughError:
            return after.seconds / n_steps
        raise AssertionError("the epoch has too few batches")

    def bare_step() -> float:
        start = time.perf_counter()
        for _ in range(n_steps):
            torch.autograd.grad(alone(points).sum(), weights)
        torch.cuda.synchronize()
        return (time.perf_counter() - start) / n_steps

    turns: dict[str, Callable[[], float]] = {"step": step, "bare": bare_step}
    for timed in turns.values():
        timed()
    times: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repetitions):
        for name, timed in turns.items():
            times[name].append(timed())
    return times


def learning(
    what: str, digits: tuple[Dataset, Dataset], maps: dict[str, DrLIM]
) -> Iterator[Figure]:
    """Train the recipe for clusters on a given graph, and measure it on held-out digits."""
    train, test = digits
    start = time.perf_counter()
    graph = neighbors(train.X, 15)
    yield Figure(f"15 neighbours of {what}", time.perf_counter() - start, "s")
    for setting, map_ in maps.items():
        map_.fit(train.X[:500], graph=graph.restrict(np.arange(500)))  # to warm up
        start = time.perf_counter()
        map_.fit(train.X, graph=graph)
        seconds = time.perf_counter() - start
        measures = quality.measure(train, test, map_)
        yield Figure(f"recipe, {what}, {setting}, the graph given", seconds, "s", detail=measures)
        for measure, value in measures.items():
            yield Figure(f"  held-out {measure}", value, "")


def applying(n_rows: int) -> Iterator[Figure]:
    """Map images from memory, and compare with the network alone in blocks of two sizes."""
    X = np.random.default_rng(0).integers(0, 256, (n_rows, 28, 28), np.uint8)
    for name in ("lenet", "paper_mlp"):
        map_ = DrLIM(network=name, max_epochs=0, n_neighbors=1, random_state=0, device="cuda")
        network = map_.fit(X[:500]).network_.eval()
        functions: dict[str, Callable[[], Any]] = {
            f"bare {rows}": functools.partial(bare, network, X, rows) for rows in (4_096, 16_384)
        }
        turns: dict[str, Callable[[], Any]] = {
            "transform": functools.partial(map_.transform, X),
            **functions,
        }
        times = in_turn(turns, 5)
        best = min(functions, key=lambda key: statistics.median(times[key]))
        yield Figure(
            f"transform of {n_rows:,} rows with {name}, to the bare network's speed",
            1 / ratio(times, "transform", best),
            detail={key: statistics.median(of_key) for key, of_key in times.items()},
        )


def bare(network: nn.Module, X: np.ndarray, rows: int) -> Tensor:
    """Map all images with the network alone, in blocks of `rows`."""
    with torch.inference_mode():
        parts = (torch.from_numpy(X[k : k + rows]) for k in range(0, len(X), rows))
        return torch.cat([network(part.to(CARD)) for part in parts]).cpu()


if __name__ == "__main__":
    record("card", run)
