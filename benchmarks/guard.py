"""What continuous integration watches: ratios within one run, with bounds at twice the usual cost.

A ratio of processor times, each the least of several tries, hardly depends on the load of the
machine. ``make guard`` runs it; its exit status is 1 if a bound is broken.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import engine
from drlim import networks
from drlim.graphs import SimilarityGraph
from drlim.graphs._neighbors import nearest_rows
from drlim.losses import global_loss
from drlim.networks import _builders
from drlim.pairs import PairSampler


def main() -> int:
    n_broken = 0
    for what, measured, bound in measured_ratios():
        print(f"  {what:<64} {measured:6.2f}   at most {bound:g}", flush=True)
        if measured > bound:
            n_broken += 1
            print(
                f"    {what} is {measured:.2f}; it was about half of the bound {bound:g} when that "
                "was set, so some part costs twice what it did: see python -m benchmarks"
            )
    return min(n_broken, 1)


def measured_ratios() -> Iterator[tuple[str, float, float]]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 784)).astype(np.float32)
    graph = SimilarityGraph.from_edges(rng.integers(0, 6000, (24_000, 2)), 6000)

    deep = functools.partial(networks.paper_mlp, hidden=(256, 256, 256))
    network = _builders.build(deep, (784,), 2, seed=0)
    times = engine.step_and_bare(network, X, graph, 256, repetitions=15)
    yield "a training step, to the bare network", min(times["step"]) / min(times["bare"]), BOUNDS[0]

    product = least(lambda: X[:2000] @ X[2000:].T, 5)  # 8 million pairs
    batches = PairSampler(graph, 256).epoch(0)
    pairs = least(lambda: next(batches), 15) / (512 * 511 / 2) * 8e6
    yield "labelling pairs, to as many in a matrix product", pairs / product, BOUNDS[1]
    search = least(lambda: nearest_rows(X, 15), 2)
    yield "neighbours, to all distances in a matrix product", search / (product * 4.5), BOUNDS[2]
    Z = rng.uniform(size=(6000, 2)) * 3
    loss = least(lambda: global_loss(Z, graph, 1.0), 3)
    yield "the exact loss, to all pairs in a matrix product", loss / (product * 2.25), BOUNDS[3]

    bare = least(start("-c", ""), 9, child_time)
    loaded = least(start("-c", "import drlim"), 9, child_time)
    yield "import drlim, to the start of an interpreter", loaded / bare, BOUNDS[4]
    shown = least(start("-m", "drlim", "--help"), 5, child_time)
    yield "drlim --help, to the start of an interpreter", shown / bare, BOUNDS[5]


# About twice the ratios measured on two cores of an AMD EPYC (Zen 4).
BOUNDS = (5.0, 2.5, 3.0, 0.5, 2.5, 7.5)


def least(
    function: Callable[[], Any], tries: int, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the least processor time of several tries, in seconds."""
    times = []
    for _ in range(tries):
        before = clock()
        function()
        times.append(clock() - before)
    return min(times)


def child_time() -> float:
    """Return the processor time of all child processes that have ended."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(*arguments: str) -> Callable[[], Any]:
    """Return a function that starts an interpreter with these arguments and waits for its end."""
    return lambda: subprocess.run(
        [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
    )


if __name__ == "__main__":
    sys.exit(main())
