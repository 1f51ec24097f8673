"""What people would use instead, each in an environment of its own, on the paper's digits.

``python -m benchmarks.peers install`` makes the environments in ``benchmarks/.envs``: the peers'
dependencies agree neither with each other nor with drlim's. ``python -m benchmarks.peers run``
lets each learn the paper's digits from raw pixels, neighbour graph included, maps the held-out
ones, and measures all maps alike. What cannot be installed, fails or takes too long is written
down with its reason. Name peers after the verb to take those only.

Each peer has its own defaults; where one has no default for images it gets the pixels from 0 to 1
as rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ENVIRONMENTS, RESULTS = HERE / ".envs", HERE / "results" / "peers"
MINUTES = 10.0
TORCH = "torch==2.13.0"  # first, and alone: others would bring a build for graphics cards

REQUIREMENTS = {
    "umap": [["umap-learn", "tensorflow-cpu"]],
    "ivis": [["ivis==2.0.11", "tensorflow-cpu", "tf_keras"]],
    "parametric-umap": [[TORCH], ["parametric-umap", TORCH]],
    "parampacmap": [[TORCH], ["parampacmap", TORCH]],
    "contrastive-ne": [[TORCH], ["contrastive-ne", TORCH]],
    "neighbors": [["scikit-learn", "pynndescent", "faiss-cpu"]],
}
MAPS = [name for name in REQUIREMENTS if name != "neighbors"]


def learner(name: str) -> Any:
    """Make a peer's estimator with its own defaults; runs in the peer's environment."""
    if name == "umap":
        from umap.parametric_umap import ParametricUMAP  # type: ignore[import-not-found]

        return ParametricUMAP()
    if name == "ivis":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # it was written for Keras 2
        from ivis import Ivis  # type: ignore[import-not-found]

        return Ivis(verbose=0)
    if name == "parametric-umap":
        from parametric_umap import ParametricUMAP as OfTorch  # type: ignore[import-not-found]

        return OfTorch()
    if name == "parampacmap":
        from parampacmap import parampacmap  # type: ignore[import-not-found]

        return parampacmap.ParamPaCMAP(
            weight_schedule=parampacmap.paramrep_weight_schedule,
            const_schedule=parampacmap.paramrep_const_schedule,
        )
    import cne  # type: ignore[import-not-found]

    return cne.CNE(parametric=True)


def learn(name: str, data: Path, out: Path) -> None:
    """Fit one peer and map both parts; runs in the peer's environment."""
    digits = np.load(data)
    train, test = digits["train"], digits["test"]
    map_ = learner(name)
    start = time.perf_counter()
    map_.fit(train)
    fitted = time.perf_counter()
    Z_train, Z_test = np.asarray(map_.transform(train)), np.asarray(map_.transform(test))
    ended = time.perf_counter()
    np.savez(out, train=Z_train, test=Z_test, seconds=[fitted - start, ended - fitted])


def install(names: list[str]) -> None:
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


def run(names: list[str]) -> None:
    from drlim.datasets import mnist
    from drlim.evaluation import quality

    train, test = (mnist(part, digits=(4, 9)) for part in ("train", "test"))
    rng, digit = np.random.default_rng(0), train.factors["digit"]
    chosen = [rng.choice(np.flatnonzero(digit == each), 3000, replace=False) for each in (4, 9)]
    train = train.subset(np.sort(np.concatenate(chosen)))
    RESULTS.mkdir(parents=True, exist_ok=True)
    data = RESULTS / "digits.npz"
    pixels = {
        part: images.X.reshape(len(images), -1).astype(np.float32) / 255
        for part, images in (("train", train), ("test", test))
    }
    np.savez(data, train=pixels["train"], test=pixels["test"])
    for name in names:
        out = RESULTS / f"{name}.npz"
        result = _in_its_environment(name, data, out)
        if "failed" not in result:
            maps = np.load(out)
            fit, transform = maps["seconds"].tolist()
            result |= {
                "fit_seconds": fit,
                "transform_seconds": transform,
                "trustworthiness_5": quality.trustworthiness(pixels["test"], maps["test"], 5),
                "digit_accuracy_5": quality.knn_accuracy(
                    maps["train"], train.factors["digit"], maps["test"], test.factors["digit"]
                ),
            }
        result |= {"n_train": len(train), "n_test": len(test)}
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        print(name, result, flush=True)


def _in_its_environment(name: str, data: Path, out: Path) -> dict[str, Any]:
    python = ENVIRONMENTS / name / "bin" / "python"
    if not python.exists():
        return {"failed": "not installed; python -m benchmarks.peers install"}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
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
        return {"failed": f"took more than {MINUTES:g} minutes"}
    return {"failed": _reason(done.stderr)} if done.returncode else {}


def _reason(stderr: str) -> str:
    """Return the last line that says what went wrong."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "Error" in line or "ERROR" in line]
    return (errors or lines or ["no message"])[-1].strip()


def main(verb: str, *names: str) -> None:
    if verb == "learn":
        learn(names[0], Path(names[1]), Path(names[2]))
    elif verb == "install":
        install(list(names) or list(REQUIREMENTS))
    else:
        run(list(names) or MAPS)


if __name__ == "__main__":
    main(*sys.argv[1:])
