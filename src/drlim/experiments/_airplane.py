"""The airplane under all its conditions: how it is split, and what is measured of its maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim import datasets
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.evaluation import quality
from drlim.evaluation.cylinder import circular_correlation, fit_cylinder
from drlim.experiments._run import Options
from drlim.graphs import SimilarityGraph, adjacent, same

N_TRAIN = 660  # and 312 held out, of 972
AZIMUTH_STEP, ELEVATION_STEP = 20.0, 5.0
# Of each of the 162 poses about four images are learnt from: five neighbours would always mix in
# another pose, and measure how far apart poses lie in the grid more than how well they are told.
N_NEIGHBORS = 3


def load(options: Options) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """Load the airplane, and draw which images are learnt from and which are held out."""
    data = datasets.airplane(download=options.download)
    options.say(f"Data: {data.name}; found in: {data.origin}")
    order = generator(options.seed).permutation(len(data))
    train, test = np.sort(order[:N_TRAIN]), np.sort(order[N_TRAIN:])
    options.say(f"      {len(train)} images to learn from, {len(test)} held out")
    return data, train, test


def prior_knowledge(data: Dataset) -> SimilarityGraph:
    """Write the paper's rule: neighbouring in azimuth or elevation, whatever the lighting."""
    azimuth, elevation = data.factor("azimuth"), data.factor("elevation")
    return (
        (adjacent(azimuth, AZIMUTH_STEP, period=360) & same(elevation))
        | (adjacent(elevation, ELEVATION_STEP) & same(azimuth))
        | (same(azimuth) & same(elevation))
    )


def measure(
    data: Dataset, train: np.ndarray, test: np.ndarray, Z_train: np.ndarray, Z_test: np.ndarray
) -> dict[str, float]:
    """Read the pose off held-out points: what `metrics.json` calls recovery, and the quality."""
    azimuth, elevation = np.radians(data.factor("azimuth")), data.factor("elevation")
    around = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1)
    numbers = {
        "azimuth_r2": quality.factor_recovery(
            Z_train, around[train], Z_test, around[test], N_NEIGHBORS
        ),
        "elevation_r2": quality.factor_recovery(
            Z_train, elevation[train], Z_test, elevation[test], N_NEIGHBORS
        ),
    }
    if Z_train.shape[1] == 3:
        cylinder = fit_cylinder(Z_train)
        angle, height, distance = cylinder.coordinates(Z_test)
        numbers |= {
            "circular_correlation": circular_correlation(angle, azimuth[test]),
            "axis_correlation": float(abs(np.corrcoef(height, elevation[test])[0, 1])),
            "radius": cylinder.radius,
            "radius_variation": float(distance.std() / distance.mean()),
        }
    return numbers


_COLUMNS = {
    "azimuth_r2": "azimuth, R²",
    "elevation_r2": "elevation, R²",
    "circular_correlation": "angle against azimuth",
    "axis_correlation": "axis against elevation",
    "radius_variation": "variation of the radius",
}


def table(measured: dict[str, dict[str, float]]) -> tuple[list[str], list[list[Any]]]:
    """Lay out the recovery of the pose from several maps side by side."""
    rows = [
        [name, *(f"{numbers[key]:.3f}" if key in numbers else "–" for key in _COLUMNS)]
        for name, numbers in measured.items()
    ]
    return ["map", *_COLUMNS.values()], rows


def upright(Z_train: np.ndarray, Z_test: np.ndarray) -> np.ndarray:
    """Turn held-out points so that the cylinder through the training points stands upright."""
    cylinder = fit_cylinder(Z_train)
    turned: np.ndarray = (Z_test - cylinder.centre) @ cylinder.frame.T
    return turned


def notes(data: Dataset) -> list[str]:
    """Warn where the airplane is not NORB's."""
    if "rendered" not in data.name:
        return []
    return [
        f"The airplane is rendered, not NORB's: {data.name}. The paper's own images are looked "
        "for in norb/ of the folder in DRLIM_DATA, and downloaded with --download."
    ]
