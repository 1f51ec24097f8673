"""What a server answers about a map, without the server: plain data from arrays."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from drlim._errors import InputError, nearest_name
from drlim.declaration import Verified, verify
from drlim.evaluation.verification import decide
from drlim.exploring._known import Known
from drlim.exploring._scene import Scene
from drlim.exploring._trails import Slider, pictures_of, trail_of

_MOST_NEIGHBORS = 1000
_QUICK = 500_000  # numbers of all points


class Answers:
    """A map and its samples, to be asked.

    Attributes
    ----------
    known : Known
    scene : Scene
    sliders : mapping of str to Slider
        The transformations that samples can be shown under.
    """

    def __init__(self, known: Known, scene: Scene, sliders: Mapping[str, Slider]) -> None:
        self.known, self.scene, self.sliders = known, scene, sliders

    @cached_property
    def _index(self) -> cKDTree:
        return cKDTree(self.known.points)

    @cached_property
    def _learnt(self) -> cKDTree:
        return cKDTree(self.known.points[self.known.is_learnt])

    @property
    def is_quick(self) -> bool:
        """Whether a search for neighbours takes less than to hand it to another thread."""
        return self.known.points.size <= _QUICK

    def check_row(self, row: int) -> int:
        """Return a row, or raise if there is no such sample."""
        if not 0 <= row < len(self.known):
            raise InputError(f"row is {row}; it must be from 0 to {len(self.known) - 1}")
        return row

    def sample(self, row: int) -> np.ndarray:
        """Return a known sample."""
        self.check_row(row)
        if self.known.data is None:
            raise InputError("the samples are not at hand, only their points; give the data")
        return np.asarray(self.known.data.X[row])

    def neighbors(
        self, point: np.ndarray, n: int, itself: int | None = None
    ) -> list[dict[str, Any]]:
        """Return the known samples nearest to a point, the nearest first, without `itself`."""
        most = min(_MOST_NEIGHBORS, len(self.known) - (itself is not None))
        if not 1 <= n <= max(most, 1):
            raise InputError(f"n is {n}; it must be from 1 to {most}")
        extra = int(itself is not None)
        n_sought = min(n + extra, len(self.known))
        distances, rows = self._index.query(point, k=np.arange(1, n_sought + 1))
        found = [
            {"row": int(row), "distance": float(distance), "name": self._name(int(row))}
            for distance, row in zip(distances, rows, strict=True)
            if row != itself
        ]
        return found[:n]

    def _name(self, row: int) -> str | None:
        return None if self.known.names is None else str(self.known.names[row])

    def unusual(self, point: np.ndarray, itself: int | None = None) -> dict[str, Any]:
        """Return how far a point is from what was learnt, against held-out points.

        Returns
        -------
        dict of str to anything
            "unusual", the share of held-out samples that are nearer to a learnt one, and "judged"
            (see `drlim.evaluation.novelty`); both None if it is not known what was learnt from.
        """
        novelty = self.scene.novelty
        if novelty is None:
            return {"unusual": None, "judged": None}
        n = 1 + int(itself is not None and self.known.is_learnt[itself])
        if n > self._learnt.n:
            return {"unusual": None, "judged": None}
        distance = self._learnt.query(point, k=[n])[0]
        share = float(novelty.n_nearer(distance)[0] / novelty.n)
        return {"unusual": share, "judged": str(novelty.judge(distance)[0])}

    def placed(
        self, sample: np.ndarray | None, point: np.ndarray, n: int, row: int | None = None
    ) -> dict[str, Any]:
        """Return where a sample is in the map, and what is near it."""
        return {
            "point": np.asarray(point, float).tolist(),
            "nearest": self.neighbors(point, n, row),
            **self.unusual(point, row),
            "sample": None if sample is None else _encoded(sample),
        }

    def slider(self, name: str) -> Slider:
        """Return a transformation by its name."""
        if name not in self.sliders:
            raise InputError(
                f"there is no transformation {name!r} here; {nearest_name(name, self.sliders)}"
            )
        return self.sliders[name]

    def trail(self, name: str, sample: np.ndarray) -> dict[str, Any]:
        """Return how the point of a sample moves under a transformation."""
        slider = self.slider(name)
        seed = self.known.declaration.map.random_state
        trail = trail_of(slider, sample, self.known.fitted, self.scene.typical, seed)
        picture = pictures_of(self.scene, trail.copies)
        return {
            **slider.as_json(),
            "points": trail.points.tolist(),
            "moved": trail.moved.tolist(),
            "tile": None if picture is None else list(self.scene.tile or ()),
            "images": None if picture is None else base64.b64encode(picture).decode(),
            "samples": _encoded(trail.copies) if picture is None else None,
        }

    @cached_property
    def _verified(self) -> Verified:
        if self.known.data is None:
            raise InputError(
                "a threshold for same or different is chosen on samples that were not learnt "
                "from; give the data"
            )
        return verify(self.known.fitted, self.known.declaration, self.known.data)

    def verify(self, left: np.ndarray, right: np.ndarray) -> dict[str, Any]:
        """Tell whether two points are of the same class, by a threshold chosen on held-out ones."""
        verified = self._verified
        threshold = verified.threshold
        return {
            "same": bool(decide(left[None], right[None], threshold)[0]),
            "distance": float(np.linalg.norm(left - right)),
            "threshold": float(threshold.distance),
            "factor": verified.factor,
            "lines": verified.lines(),
        }


def _encoded(samples: np.ndarray) -> dict[str, Any]:
    kind = "u1" if samples.dtype == np.uint8 else "<f4"
    with np.errstate(over="ignore"):
        stored = np.ascontiguousarray(samples, dtype=kind)
    return {
        "shape": list(stored.shape),
        "dtype": str(stored.dtype),
        "data": base64.b64encode(stored.tobytes()).decode(),
    }
