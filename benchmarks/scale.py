"""How the cost grows with the samples, up to a million: graph, training, exact loss, mapping.

The samples are MNIST's digits and randomly deformed copies of them, stored as bytes and read
through a memory map. Peak memory is measured in a separate process. Other programs that search
neighbours run in an environment of their own (``benchmarks.peers``); without it they are left out.
"""

from __future__ import annotations

import functools
import itertools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks._bench import Figure, in_turn, ratio, record

HERE = Path(__file__).parent
SIZES, QUICK_SIZES = (6_000, 60_000, 250_000, 1_000_000), (6_000, 60_000)
PEERS = HERE / ".envs" / "neighbors" / "bin" / "python"


def run(quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        sizes = QUICK_SIZES if quick else SIZES
        path = Path(folder) / "digits.npy"
        write_digits(path, sizes[-1])
        yield from neighbours(6_000 if quick else 60_000, path)
        if not quick:
            yield from many_neighbours(sizes[-2], path)
        yield from growth(sizes, path)
        yield from exact_loss(sizes[-1])
        yield from applying(path, quick)
    yield from start_up()


def write_digits(path: Path, n: int) -> None:
    """Write n digits as bytes: MNIST's, then copies sheared, turned and scaled at random."""
    from scipy.ndimage import affine_transform

    from drlim.datasets import mnist

    digits, rng = mnist("train").X, np.random.default_rng(0)
    out = np.lib.format.open_memmap(path, "w+", np.uint8, (n, 28, 28))
    out[: len(digits)] = digits[:n]
    for start in range(len(digits), n, 512):
        # 512 digits share one deformation: quick, and varied enough.
        change = np.eye(2) + rng.uniform(-0.15, 0.15, (2, 2))
        some = digits[rng.integers(0, len(digits), min(512, n - start))]
        matrix = np.eye(3)
        matrix[1:, 1:] = change
        offset = np.array([0, *(13.5 - change @ [13.5, 13.5])])
        out[start : start + len(some)] = affine_transform(some, matrix, offset, order=1)
    out.flush()


def neighbours(n: int, path: Path) -> Iterator[Figure]:
    """Find exact neighbours with drlim and with other programs."""
    names = ["drlim", "scikit-learn"]
    if PEERS.exists():
        names += ["faiss", "pynndescent"]
    found = {name: _searched(name, path, n) for name in names}
    ours = found.pop("drlim")
    yield Figure(f"neighbours of {n:,} digits, drlim", ours["seconds"], "s", detail=ours)
    for name, result in found.items():
        yield Figure(
            f"neighbours of {n:,} digits, drlim : {name}",
            ours["seconds"] / result["seconds"],
            goal="<= 1",
            detail=result,
        )


def many_neighbours(n: int, path: Path) -> Iterator[Figure]:
    """Search approximately; compilation at the first search is included."""
    names = ["drlim, approximately"] + (["pynndescent, compiling"] if PEERS.exists() else [])
    for name in names:
        result = _searched(name, path, n)
        yield Figure(f"neighbours of {n:,} digits, {name}", result["seconds"], "s", detail=result)
        yield Figure("  recall", result["recall"], "", goal=">= 0.99")


def _searched(name: str, path: Path, n: int) -> dict[str, Any]:
    python = sys.executable if name.startswith(("drlim", "scikit")) else PEERS
    result = _in_its_own_process("neighbours_of", name, str(path), n, python=python)
    rows = np.random.default_rng(0).permutation(n)[:300]
    X = np.load(path, mmap_mode="r")[:n].reshape(n, -1).astype(np.float32)
    search = NearestNeighbors(algorithm="brute").fit(X)
    exact = search.kneighbors(X[rows], 16, return_distance=False)
    found = np.load(result["file"])[rows]
    # A row with copies is not always its own nearest neighbour.
    n_found = [
        len(np.intersect1d(a[a != row][:15], b))
        for a, b, row in zip(exact, found, rows, strict=True)
    ]
    return result | {"recall": float(np.mean(n_found)) / 15}


def _drlim(X: Any, k: int) -> Any:
    from drlim.graphs._neighbors import nearest_rows

    return nearest_rows(X, k)[0]


def _drlim_nearly(X: Any, k: int) -> Any:
    from drlim.graphs._neighbors import nearest_rows

    return nearest_rows(X, k, approximate=True)[0]


def _scikit_learn(X: Any, k: int) -> Any:
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k).fit(X).kneighbors(return_distance=False)


def _faiss(X: Any, k: int) -> Any:
    import faiss

    index = faiss.IndexFlatL2(X.shape[1])
    index.add(X)
    return index.search(X, k + 1)[1][:, 1:]


def _pynndescent(X: Any, k: int) -> Any:
    import pynndescent  # type: ignore[import-not-found]

    return pynndescent.NNDescent(X, n_neighbors=k + 1).neighbor_graph[0][:, 1:]


SEARCHES: dict[str, Callable[[Any, int], Any]] = {
    "drlim": _drlim,
    "drlim, approximately": _drlim_nearly,
    "scikit-learn": _scikit_learn,
    "faiss": _faiss,
    "pynndescent": _pynndescent,
    "pynndescent, compiling": _pynndescent,
}


def neighbours_of(name: str, path: str, n: int) -> dict[str, Any]:
    """Find 15 neighbours with one program, in this process."""
    X = np.load(path, mmap_mode="r")[: int(n)].reshape(int(n), -1)
    X = np.array(X, np.uint8 if name.startswith("drlim") else np.float32)
    search: Callable[[Any, int], Any] = SEARCHES[name]
    if not name.endswith("compiling"):
        search(X[:100], 15)  # loading and compiling at the first call are not part of the search
    start, cpu = time.perf_counter(), time.process_time()
    found = search(X, 15)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    file = f"{path}.{name}.npy"
    np.save(file, found)
    return {"seconds": seconds, "cpu": cpu, "file": file}


def growth(sizes: tuple[int, ...], path: Path) -> Iterator[Figure]:
    """Make a graph and train on it for one epoch, at each size."""
    results = [_in_its_own_process("trained", str(path), n) for n in sizes]
    for part in ("fit", "graph"):
        seconds = [result[part] for result in results]
        slope = float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
        detail = {str(n): result for n, result in zip(sizes, results, strict=True)}
        yield Figure(
            f"growth of the time of {part} with n, {sizes[0]:,} to {sizes[-1]:,}",
            slope,
            "log/log",
            "<= 1.05",
            detail,
        )
    yield Figure(
        f"peak memory of training on {sizes[-1]:,} digits",
        results[-1]["peak_gb"],
        "GB",
        "<= 3",
    )


def trained(path: str, n: int) -> dict[str, float]:
    """Make a random graph and train on it for one epoch, in this process."""
    n = int(n)
    from drlim import DrLIM, SimilarityGraph

    X, rng = np.load(path, mmap_mode="r")[:n], np.random.default_rng(0)
    start = time.process_time()
    near = rng.integers(0, n, (n, 1)) + rng.integers(1, 9, (n, 1)) * [0, 1]
    graph = SimilarityGraph.from_edges(near % n, n)
    made = time.process_time()
    map_ = DrLIM(
        n_dissimilar="all", network="paper_mlp", max_epochs=1, learning_rate=4e-3, random_state=0
    )
    map_.fit(X, graph=graph)
    fitted = time.process_time()
    return {
        "graph": made - start,
        "fit": fitted - made,
        "microseconds_per_edge": 1e6 * (fitted - made) / graph.n_edges,
        "peak_gb": _peak_kilobytes() / 2**20,
    }


def _peak_kilobytes() -> int:
    """Return the peak memory of this process.

    Linux resets this count for each program; that of `resource` includes the parent's peak.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def exact_loss(n: int) -> Iterator[Figure]:
    """Compute eq. 1 of uniform maps; of 60,000 points, 3 % of the pairs are within the margin."""
    from drlim.graphs import SimilarityGraph
    from drlim.losses import global_loss

    rng = np.random.default_rng(0)
    for size, width in {60_000: 10.0, n: (n / 11) ** 0.5}.items():
        Z = rng.uniform(size=(size, 2)) * width
        graph = SimilarityGraph.from_edges(rng.integers(0, size, (5 * size, 2)), size)
        start = time.perf_counter()
        global_loss(Z, graph, 1.0)
        yield Figure(
            f"exact loss of {size:,} points in a map {width:.0f} margins wide",
            time.perf_counter() - start,
            "s",
            "<= 20",
        )


def applying(path: Path, quick: bool) -> Iterator[Figure]:
    """Map all rows of the file in parts, and compare with the network alone in two block sizes.

    A part takes less than a second, so that slow spells of the machine affect both.
    """
    from drlim import DrLIM

    X = np.load(path, mmap_mode="r")
    rows = X[:20_000] if quick else X
    parts = [rows[start : start + 50_000] for start in range(0, len(rows), 50_000)]
    for name in ("lenet", "paper_mlp"):
        map_ = DrLIM(network=name, max_epochs=0, n_neighbors=1, random_state=0).fit(X[:500])
        network = map_.network_.eval()
        bare = {
            f"bare {n}": _one_after_another(functools.partial(_bare, network, n), parts)
            for n in (256, 512)
        }
        functions = {"transform": _one_after_another(map_.transform, parts), **bare}
        times = in_turn(functions, max(len(parts), 9), warm_up=1)
        best = min(bare, key=lambda key: statistics.median(times[key]))
        yield Figure(
            f"transform of {len(rows):,} rows with {name}, to the bare network's speed",
            1 / ratio(times, "transform", best),
            goal=">= 0.95",
            detail={f"{key}, a part": statistics.median(of_key) for key, of_key in times.items()},
        )
        one = in_turn({"one": functools.partial(map_.transform, rows[:1])}, 50)["one"]
        yield Figure(f"one row through {name}", 1e3 * statistics.median(one), "ms", "<= 2")


def _one_after_another(apply: Callable[[Any], Any], parts: list[Any]) -> Callable[[], Any]:
    turns = itertools.cycle(parts)
    return lambda: apply(next(turns))


def _bare(network: Any, block: int, X: Any) -> None:
    import torch

    with torch.inference_mode():
        for start in range(0, len(X), block):
            network(torch.from_numpy(np.array(X[start : start + block])))


def start_up() -> Iterator[Figure]:
    for name, goal, times in start_up_times(20):
        yield Figure(f"start of {name} to that of a bare interpreter", times, goal=goal)


def start_up_times(repetitions: int) -> Iterator[tuple[str, str, float]]:
    """Measure ``import drlim`` and ``drlim --help``, relative to the start of an interpreter."""

    def start(*arguments: str) -> Any:
        return lambda: subprocess.run(
            [sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL
        )

    times = in_turn(
        {
            "bare": start("-c", ""),
            "import": start("-c", "import drlim"),
            "help": start("-m", "drlim", "--help"),
        },
        repetitions,
    )
    yield "import drlim", "<= 2", ratio(times, "import", "bare")
    yield "drlim --help", "<= 6", ratio(times, "help", "bare")


def _in_its_own_process(
    function: str, *arguments: Any, python: str | Path = sys.executable
) -> dict[str, Any]:
    command = [python, "-m", "benchmarks.scale", function, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
    else:
        record("scale", run)
