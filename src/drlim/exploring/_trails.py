"""Where the point of a sample goes while the sample is transformed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from drlim._errors import InputError, MissingExtraError
from drlim._random import seed_of
from drlim.datasets import Dataset
from drlim.declaration._resolve import resolve
from drlim.estimator import DrLIM
from drlim.exploring._known import Known
from drlim.exploring._scene import Scene
from drlim.exploring._sprites import grid, thumbnails
from drlim.transforms import KINDS, Augment, Change, change

_STEPS = 25  # of a slider
# Transformations offered for comparison, where a map was not asked to ignore them.
_COMPARED = ("shift", "rotation", "scale", "brightness", "contrast", "blur", "noise")
_SHIFTED = (-6.0, 6.0)  # pixels; of small images a quarter of the width
_DRAWN = frozenset({"noise", "dropout", "crop"})  # at random, apart from their strength
_UNITS = {
    "shift": "pixels",
    "rotation": "degrees",
    "colour": "degrees",
    "scale": "times the size",
    "contrast": "times the contrast",
    "saturation": "times the saturation",
    "gamma": "as exponent",
    "crop": "of each side",
    "brightness": "of full scale",
    "blur": "pixels",
    "noise": "of full scale",
    "dropout": "of all values",
    "flip": "",
}


class Slider(NamedTuple):
    """A transformation with the strengths at which it is shown.

    Attributes
    ----------
    change : Change
    strengths : ndarray of shape (n_strengths,)
        Increasing; the one that does nothing is among them.
    declared : bool
        Whether the map was declared to ignore it.
    feature_mean, feature_scale : ndarray or None
        For vectors, as `Change.apply` takes them.
    """

    change: Change
    strengths: np.ndarray
    declared: bool
    feature_mean: np.ndarray | None
    feature_scale: np.ndarray | None

    def copies(self, samples: np.ndarray, seed: int) -> np.ndarray:
        """Return samples, transformed with each strength: (n_samples, n_strengths, ...)."""
        n, n_strengths = len(samples), len(self.strengths)
        options = {"feature_mean": self.feature_mean, "feature_scale": self.feature_scale}
        if self.change.kind in _DRAWN:
            # The same noise for each strength, so that only its size changes.
            made = [
                self.change.apply(samples, strength, np.random.default_rng(seed), **options)
                for strength in self.strengths.tolist()
            ]
            return np.stack(made, axis=1)
        repeated = np.repeat(samples, n_strengths, axis=0)
        strengths = np.tile(self.strengths, n)
        copies = self.change.apply(repeated, strengths, np.random.default_rng(seed), **options)
        return copies.reshape(n, n_strengths, *samples.shape[1:])

    def as_json(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        ends = _ends(self.change)
        unit = _UNITS[self.change.kind]
        if self.feature_scale is not None and self.change.kind == "noise":
            unit = "of each feature's deviation"
        return {
            "name": self.change.name,
            "along": self.change.along,
            "strengths": self.strengths.tolist(),
            "range_trained": list(ends) if self.declared else None,
            "unit": unit,
            "declared": self.declared,
            "identity": float(self.change.identity),
        }


class Trail(NamedTuple):
    """The transformed copies of one sample, and their points.

    Attributes
    ----------
    points : ndarray of shape (n_strengths, n_components), float32
    moved : ndarray of shape (n_strengths,)
        How far each is from that of the sample, in mean distances between two points.
    copies : ndarray of shape (n_strengths, ...)
    """

    points: np.ndarray
    moved: np.ndarray
    copies: np.ndarray


def sliders_for(known: Known) -> dict[str, Slider]:
    """Return the transformations that can be shown, those that were declared first.

    Those that need a package which is not installed are left out.
    """
    if known.data is None:
        return {}
    X = np.asarray(known.data.X[:2])
    # What is a factor is decided by the names alone; the values may be incomplete.
    stand_in = Dataset(X, {name: np.zeros(len(X)) for name in known.factors})
    declared = dict(resolve(known.declaration, stand_in).ignored_changes).values()
    found: dict[str, Slider] = {}
    for each, is_declared in (
        *((one, True) for one in declared),
        *((one, False) for one in _compared(X)),
    ):
        if each.name in found or each.kind == "flip":
            continue
        try:
            slider = _slider(each, is_declared, known.data.X)
            slider.copies(X[:1], 0)
        except (InputError, MissingExtraError):  # does not apply to such samples
            continue
        found[each.name] = slider
    return found


def _compared(X: np.ndarray) -> Iterator[Change]:
    for kind in _COMPARED:
        if kind == "shift" and X.ndim > 2:
            most = float(min(_SHIFTED[1], max(1, X.shape[-1] // 4)))
            yield change(kind, range=(-most, most))
        else:
            yield change(kind)


def _slider(each: Change, declared: bool, X: np.ndarray) -> Slider:
    unit = Augment.for_samples([each], X[: 10**4])
    mean, scale = (
        None if values is None else np.array(values)
        for values in (unit.feature_mean, unit.feature_scale)
    )
    return Slider(each, strengths_of(each), declared, mean, scale)


def strengths_of(each: Change) -> np.ndarray:
    """Return strengths over twice the range of a transformation, to both of its sides.

    Examples
    --------
    >>> strengths_of(change("shift", range=(-2, 2))).tolist()
    [-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0]
    """
    kind, identity = KINDS[each.kind], float(each.identity)
    low, high = (min(_ends(each)[0], identity), max(_ends(each)[1], identity))
    most = 180.0 if kind.is_angle else kind.most
    least = -180.0 if kind.is_angle else kind.least
    if kind.is_multiplicative:
        first, last = max(low**2, least), min(high**2, most)
        spread = np.geomspace(first, last, _STEPS)
    else:
        first, last = max(2 * low - identity, least), min(2 * high - identity, most)
        spread = np.linspace(first, last, _STEPS)
    if each.kind == "shift" and all(end.is_integer() for end in (low, high)):
        whole = max(1, math.ceil((last - first) / (2 * _STEPS)))
        spread = np.arange(first, last + 1, whole)
    # What is all but one of these three is not shown beside it.
    fixed = np.array([identity, low, high])
    step = np.diff(spread).max(initial=0) if len(spread) > 1 else 0.0
    apart = np.abs(spread[:, None] - fixed).min(axis=1) > 0.25 * step
    return np.unique(np.concatenate([spread[apart], fixed]))


def _ends(each: Change) -> tuple[float, float]:
    if each.values is not None:
        return min(each.values), max(each.values)
    return float(each.low or 0.0), float(each.high or 0.0)


def trail_of(
    slider: Slider, sample: np.ndarray, map_: DrLIM, typical: float, seed: int = 0
) -> Trail:
    """Transform one sample with each strength, and map the copies."""
    copies = slider.copies(sample[None], seed_of(seed))[0]
    points = np.asarray(map_.transform(copies), np.float32)
    origin = points[np.abs(slider.strengths - slider.change.identity).argmin()]
    return Trail(points, np.linalg.norm(points - origin, axis=1) / typical, copies)


def pictures_of(scene: Scene, copies: np.ndarray) -> bytes | None:
    """Return thumbnails of copies in one row, as PNG; None if the samples are no images."""
    if scene.tile is None:
        return None
    tiles = thumbnails(copies, np.arange(len(copies)), scene.tile, scene.sample.grey)
    return grid(tiles, len(tiles))


def with_trails(
    scene: Scene,
    known: Known,
    sliders: Mapping[str, Slider],
    rows: np.ndarray,
    progress: Callable[[float], object] | None = None,
) -> Scene:
    """Return a scene with the trails of some samples under each transformation."""
    described: list[dict[str, Any]] = []
    arrays: dict[str, np.ndarray] = {}
    pictures: dict[str, bytes] = {}
    if known.data is None:
        return scene
    samples = np.asarray(known.data.X[rows])
    seed = seed_of(known.declaration.map.random_state)
    for n, slider in enumerate(sliders.values()):
        copies = slider.copies(samples, seed)
        flat = copies.reshape(-1, *samples.shape[1:])
        points = np.asarray(known.fitted.transform(flat), np.float32)
        arrays[f"trail/{n}"] = points.reshape(*copies.shape[:2], -1)
        shown = None
        if scene.tile is not None:
            shown = f"trail_images/{n}"
            tiles = thumbnails(flat, np.arange(len(flat)), scene.tile, scene.sample.grey)
            pictures[shown] = grid(tiles, len(slider.strengths))
        described.append(
            {**slider.as_json(), "rows": rows.tolist(), "array": f"trail/{n}", "images": shown}
        )
        if progress is not None:
            progress((n + 1) / len(sliders))
    return scene.with_parts({"trails": described}, arrays, pictures)
