"""The airplane under all its conditions: how it is split, and what is measured of its maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim import datasets, plotting
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.evaluation import quality
from drlim.evaluation.cylinder import circular_correlation, fit_cylinder
from drlim.experiments import _invariance
from drlim.experiments._run import Options
from drlim.graphs import SimilarityGraph, adjacent, same

N_TRAIN = 660  # of 972 images; the other 312 are held out
AZIMUTH_STEP, ELEVATION_STEP = 20.0, 5.0  # degrees
# About four training images show each of the 162 poses. Five neighbours would always include
# another pose, and measure the spacing of the poses more than how well the map separates them.
N_NEIGHBORS = 3
_LABELS = {
    "azimuth": "azimuth (degrees)",
    "elevation": "elevation (degrees)",
    "lighting": "lighting (number)",
}


@dataclass(frozen=True)
class Views:
    """The images of the airplane, and which are learnt from and which are held out.

    Attributes
    ----------
    data : Dataset
    train, test : ndarray
        Rows of the data.
    """

    data: Dataset
    train: np.ndarray
    test: np.ndarray

    @property
    def pixels(self) -> tuple[np.ndarray, np.ndarray]:
        """The training and the held-out images as vectors."""
        flat = self.data.X.reshape(len(self.data), -1)
        return flat[self.train], flat[self.test]

    def held_out(self, factor: str) -> np.ndarray:
        """Return a factor of the held-out images."""
        return self.data.factor(factor)[self.test]

    def measure(self, Z_train: np.ndarray, Z_test: np.ndarray) -> dict[str, float]:
        """Read the pose from held-out points: the "recovery" of `metrics.json`."""
        azimuth, elevation = np.radians(self.data.factor("azimuth")), self.data.factor("elevation")
        around = np.stack([np.sin(azimuth), np.cos(azimuth)], axis=1)
        numbers = {
            name: quality.factor_recovery(
                Z_train, factor[self.train], Z_test, factor[self.test], N_NEIGHBORS
            )
            for name, factor in (("azimuth_r2", around), ("elevation_r2", elevation))
        }
        if Z_train.shape[1] == 3:
            cylinder = fit_cylinder(Z_train)
            angle, height, distance = cylinder.coordinates(Z_test)
            numbers |= {
                "circular_correlation": circular_correlation(angle, azimuth[self.test]),
                "axis_correlation": float(abs(np.corrcoef(height, elevation[self.test])[0, 1])),
                "radius": cylinder.radius,
                "radius_variation": float(distance.std() / distance.mean()),
            }
        return numbers

    def lighting_leakage(
        self, points: Mapping[str, np.ndarray], random_state: int
    ) -> dict[str, Any]:
        """Measure what can be read of the lighting in the held-out points of several maps."""
        return _invariance.measure(
            points, self.held_out("lighting"), self.held_out("pose"), random_state=random_state
        )

    def figure(
        self, Z_test: np.ndarray, factor: str, caption: str, unit: str = "margins"
    ) -> plotting.Figure:
        """Draw held-out points under five viewing angles, coloured by a factor."""
        return plotting.views(
            Z_test,
            self.held_out(factor),
            self.data.X[self.test],
            value_name=_LABELS[factor],
            cyclic=factor == "azimuth",
            caption=caption,
            unit=unit,
        )

    def notes(self) -> list[str]:
        """Warn where the airplane is not NORB's."""
        if "rendered" not in self.data.name:
            return []
        return [
            f"The airplane is rendered, not NORB's: {self.data.name}. The paper's own images are "
            "looked for in norb/ of the folder in DRLIM_DATA, and downloaded with --download."
        ]


def load(options: Options) -> Views:
    """Load the airplane, and draw which images are learnt from and which are held out."""
    data = datasets.airplane(download=options.download)
    options.say(f"Data: {data.name}; found in: {data.origin}")
    order = generator(options.random_state).permutation(len(data))
    views = Views(data, np.sort(order[:N_TRAIN]), np.sort(order[N_TRAIN:]))
    options.say(f"      {len(views.train)} images to learn from, {len(views.test)} held out")
    return views


def prior_knowledge(data: Dataset) -> SimilarityGraph:
    """Write the paper's rule: neighbouring in azimuth or elevation, whatever the lighting."""
    azimuth, elevation = data.factor("azimuth"), data.factor("elevation")
    return (
        (adjacent(azimuth, AZIMUTH_STEP, period=360) & same(elevation))
        | (adjacent(elevation, ELEVATION_STEP) & same(azimuth))
        | (same(azimuth) & same(elevation))
    )


_COLUMNS = {
    "azimuth_r2": "azimuth, R²",
    "elevation_r2": "elevation, R²",
    "circular_correlation": "angle against azimuth",
    "axis_correlation": "axis against elevation",
    "radius_variation": "variation of the radius",
}


def table(measured: Mapping[str, Mapping[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Return the recovery of the pose from several maps as a table, a row for each map."""
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
