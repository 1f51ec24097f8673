"""The cost of one training step, as a ratio to forward and backward of the bare network.

Run by ``make bench``. Both are timed in turn within one run, so that the ratio holds when the
machine's speed drifts. Writes ``benchmarks/results/DATE.json``.
"""

from __future__ import annotations

import datetime
import functools
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from drlim import networks
from drlim.graphs import SimilarityGraph
from drlim.losses import Contrastive, distances_among
from drlim.pairs import PairSampler
from drlim.training import _Tally

REPETITIONS = 15


def main() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 28, 28)).astype(np.float32)
    edges = rng.integers(0, len(X), size=(24_000, 2))
    graph = SimilarityGraph.from_edges(edges, len(X))
    results = {}
    deep_mlp = functools.partial(networks.mlp, hidden=(256, 256, 256))
    for name, builder, batch_size in (
        ("lenet, 128 points", networks.lenet, 64),
        ("lenet, 512 points", networks.lenet, 264),
        ("mlp 784-256-256-256-2, 512 points", deep_mlp, 264),
    ):
        network = networks.build(builder, (28, 28), 2, seed=0)
        results[name] = ratio(network, X, PairSampler(graph, batch_size))
        print(f"{name}: {results[name]['ratio']:.2f} times the bare network", flush=True)
    folder = Path(__file__).with_name("results")
    folder.mkdir(exist_ok=True)
    path = folder / f"{datetime.date.today()}.json"
    machine = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    path.write_text(json.dumps({"machine": machine, "engine": results}, indent=2) + "\n")
    print(f"written to {path}")


def ratio(network: nn.Module, X: np.ndarray, sampler: PairSampler) -> dict[str, float]:
    loss = Contrastive(1.0)
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    batches, tally = sampler.epoch(0), _Tally(None)

    def step() -> None:
        batch = next(batches)
        distance = distances_among(network(torch.from_numpy(X[batch.points])))
        cost = tally.add(batch, distance, loss)
        optimizer.zero_grad()
        torch.autograd.backward(cost)
        optimizer.step()

    points = torch.from_numpy(X[next(batches).points])

    def bare() -> None:
        torch.autograd.backward(network(points).sum())

    both = [(seconds(step), seconds(bare)) for _ in range(REPETITIONS + 3)][3:]
    return {
        "ratio": statistics.median(a / b for a, b in both),
        "step_ms": 1e3 * statistics.median(a for a, _ in both),
        "bare_ms": 1e3 * statistics.median(b for _, b in both),
        "points": len(points),
    }


def seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
