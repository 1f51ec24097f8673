"""ivis and ParametricUMAP, each in the environment that ``benchmarks.peers install`` makes.

They are given what is kept as labels, or as numbers, and as many components as the other methods.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ENVIRONMENTS = Path(__file__).parents[1] / ".envs"


def is_installed(name: str) -> bool:
    """Tell whether a package has its environment."""
    return (ENVIRONMENTS / name / "bin" / "python").exists()


def points(
    name: str, rows: Sequence[np.ndarray], y: np.ndarray, n_components: int, seed: int, quick: bool
) -> list[np.ndarray]:
    """Fit a package in a process of its own; return the points of each part."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "given.npz"), Path(folder, "found.npz")
        parts: dict[str, Any] = {f"part{n}": X.astype(np.float32) for n, X in enumerate(rows)}
        np.savez(given, y=y, n_components=n_components, seed=seed, quick=quick, **parts)
        command = [ENVIRONMENTS / name / "bin" / "python", __file__, name, given, found]
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            list(map(str, command)), env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "Error" in line]
            raise RuntimeError((lines or [f"{name} ended with {done.returncode}"])[-1])
        with np.load(found) as file:
            return [file[part] for part in parts]


def _fitted(name: str, X: np.ndarray, y: np.ndarray, given: Any) -> Any:
    """Fit a package to numbered classes or to numbers; called in its environment."""
    n_components, seed, quick = (int(given[key]) for key in ("n_components", "seed", "quick"))
    is_number = y.dtype.kind == "f"
    if name == "ivis":
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # ivis needs Keras 2
        # In an environment of their own, where mypy does not see them.
        import tensorflow as tf  # type: ignore[import-untyped,import-not-found,unused-ignore]
        from ivis import Ivis  # type: ignore[import-not-found]

        tf.random.set_seed(seed)
        map_ = Ivis(
            n_components,
            k=min(150, len(X) // 4),  # its default needs more samples than it has neighbours
            batch_size=min(128, len(X)),
            epochs=2 if quick else 1000,
            supervision_metric="mse" if is_number else "sparse_categorical_crossentropy",
            verbose=0,
        )
    else:
        import tensorflow as tf

        # In an environment of its own, where mypy does not see it.
        from umap.parametric_umap import ParametricUMAP  # type: ignore[import-not-found]

        tf.random.set_seed(seed)
        metric = {"target_metric": "l2"} if is_number else {}
        map_ = ParametricUMAP(n_components=n_components, random_state=seed, **metric)
    return map_.fit(X, y)


def _main(name: str, given: Path, found: Path) -> None:
    with np.load(given) as file:
        rows = [file[key] for key in sorted(file.files) if key.startswith("part")]
        y = file["y"]
        if y.dtype.kind != "f":
            y = np.unique(y, return_inverse=True)[1]
        map_ = _fitted(name, rows[0], y, file)
    Z: dict[str, Any] = {
        f"part{n}": map_.transform(X) if len(X) else np.empty((0, 1)) for n, X in enumerate(rows)
    }
    np.savez(found, **Z)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
