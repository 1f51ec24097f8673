"""What a page shows, as one description in JSON and arrays beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from drlim._applying import blocks
from drlim._checks import has_channels_last
from drlim._random import generator
from drlim.evaluation._probes import as_values, is_known, kind_of
from drlim.evaluation.invariance import _mean_distance
from drlim.evaluation.novelty import Novelty, nearest_distances
from drlim.exploring._known import HELD_OUT, Known
from drlim.exploring._lines import lines_of
from drlim.exploring._sprites import Grey, Sheets, sheets_of
from drlim.reporting._json import plain

# Samples themselves go to the page, to be looked at, up to so many bytes.
_MOST_BYTES = 64 * 10**6
# A spectrum has more numbers than this; a row of a table has fewer, or names.
_FEWEST_OF_A_CURVE = 16
_MOST_QUANTILES = 200
_MOST_COMPARED = 2000


@dataclass(frozen=True)
class Sample:
    """What one sample is, and how its numbers are shown.

    Attributes
    ----------
    kind : {"image", "curve", "row"}
    shape : tuple of int
    channels : {1, 3}
        Colours of an image that are shown.
    grey : Grey
        The values that are shown as black and as white, or at the ends of an axis.
    names : tuple of str
        The features, where they have names.
    axis : tuple of float
        The places of a curve's values, where the names are numbers.
    """

    kind: str
    shape: tuple[int, ...]
    channels: int
    grey: Grey
    names: tuple[str, ...] = ()
    axis: tuple[float, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as the page reads it."""
        return {
            "kind": self.kind,
            "shape": list(self.shape),
            "channels": self.channels,
            "low": self.grey.low,
            "high": self.grey.high,
            "names": list(self.names) or None,
            "axis": list(self.axis) or None,
        }


@dataclass(frozen=True)
class Scene:
    """A page's content, for a server or a folder.

    Attributes
    ----------
    description : dict of str to anything
        ``scene.json``.
    arrays : mapping of str to ndarray
        Little-endian, in C order.
    pictures : mapping of str to bytes
        PNG files.
    names : list of str or None
        The name of each sample.
    typical : float
        The mean distance between two points, in which movements are measured.
    sample : Sample
    tile : (int, int) or None
        Width and height of a thumbnail.
    novelty : Novelty or None
        By which new samples are judged.
    """

    description: dict[str, Any]
    arrays: Mapping[str, np.ndarray]
    pictures: Mapping[str, bytes]
    names: list[str] | None
    typical: float
    sample: Sample
    tile: tuple[int, int] | None
    novelty: Novelty | None = None

    def with_parts(
        self,
        description: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray] | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> Scene:
        """Return a scene with further parts, such as trails and a proof."""
        more = {name: _stored(array) for name, array in (arrays or {}).items()}
        return replace(
            self,
            description={
                **self.description,
                **plain(description),
                "arrays": {**self.description["arrays"], **_shapes(more)},
            },
            arrays={**self.arrays, **more},
            pictures={**self.pictures, **(pictures or {})},
        )


def scene_of(known: Known) -> Scene:
    """Return what a page shows of the samples of a map: points, factors, pictures, lines."""
    rng = generator(known.declaration.map.random_state)
    sample = sample_of(known)
    arrays = {"points": known.points, "split": known.split}
    factors = []
    for n, (name, values) in enumerate(known.factors.items()):
        described, arrays[f"factor/{n}"] = _factor(known, name, values, f"factor/{n}")
        factors.append(described)
    groups = []
    for n, (factor, pairs) in enumerate(lines_of(known).items()):
        arrays[f"lines/{n}"] = pairs
        groups.append({"factor": factor, "array": f"lines/{n}"})
    sheets = None
    if known.data is not None:
        if sample.kind == "image":
            sheets = sheets_of(known.data.X, sample.grey, rng)
            arrays["sprite_of"] = sheets.shown
        if known.data.X.nbytes <= _MOST_BYTES:
            arrays["samples"] = np.asarray(known.data.X)
    arrays = {name: _stored(array) for name, array in arrays.items()}
    typical, novelty = _typical(known, rng), novelty_of(known, rng)
    description = {
        "version": 1,
        "title": known.title,
        "n_points": len(known),
        "n_components": known.points.shape[1],
        "margin": known.margin,
        "caption": known.caption,
        "split": list(known.split_names),
        "factors": factors,
        "sample": sample.as_json(),
        "sprites": None if sheets is None else _described(sheets),
        "typical": typical,
        "unusual": _unusual(novelty),
        "trails": [],
        "groups": groups,
        "proof": None,
        "no_proof": None,
        "mapping": None,
        "no_mapping": None,
        "onnx": None,
        "watch": None,
        "has_names": known.names is not None,
        "arrays": _shapes(arrays),
    }
    return Scene(
        plain(description),
        arrays,
        {} if sheets is None else {f"sprites/{n}": file for n, file in enumerate(sheets.files)},
        None if known.names is None else [str(name) for name in known.names],
        typical,
        sample,
        None if sheets is None else sheets.tile,
        novelty,
    )


def _described(sheets: Sheets) -> dict[str, Any]:
    return {
        "tile": list(sheets.tile),
        "columns": sheets.columns,
        "rows": sheets.rows,
        "n": len(sheets.shown),
        "sheets": len(sheets.files),
    }


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return {
        name: {"dtype": str(array.dtype), "shape": list(array.shape)}
        for name, array in arrays.items()
    }


def _stored(array: np.ndarray) -> np.ndarray:
    """Return an array as it goes to a page, which knows uint8, int32 and float32."""
    kind = {"u": "u1", "b": "u1", "i": "<i4"}.get(array.dtype.kind, "<f4")
    if array.dtype.kind in "ui" and array.dtype.itemsize > (1 if array.dtype.kind == "u" else 4):
        kind = "<f4"
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=kind)


def sample_of(known: Known) -> Sample:
    """Tell what a sample is: an image, a curve or a row of a table."""
    shape = known.sample_shape
    names = () if known.data is None else known.data.feature_names
    grey = Grey(0.0, 1.0) if known.data is None else _grey(known.data.X)
    is_image = len(shape) == 2 or (len(shape) == 3 and not has_channels_last(shape))
    if is_image and min(shape[-2:]) > 1:
        return Sample("image", shape, 3 if shape[:-2] == (3,) else 1, grey)
    axis = _as_numbers(names)
    if axis or (not names and known.in_one_unit and math.prod(shape) >= _FEWEST_OF_A_CURVE):
        return Sample("curve", shape, 1, grey, tuple(names), axis)
    return Sample("row", shape, 1, grey, tuple(names))


def _grey(X: np.ndarray) -> Grey:
    """Return the ends of the values of samples: those of the dtype, 0 and 1, or as they are."""
    if X.dtype == np.uint8:
        return Grey(0.0, 255.0)
    low, high = math.inf, -math.inf
    for block in blocks(X[:: max(1, len(X) // _MOST_COMPARED)]):
        some = block[np.isfinite(block)]
        if some.size:
            low, high = min(low, float(some.min())), max(high, float(some.max()))
    if low > high:
        low, high = 0.0, 1.0
    if X.ndim > 2 and 0 <= low and high <= 1:
        return Grey(0.0, 1.0)
    return Grey(low, high)


def _as_numbers(names: Sequence[str]) -> tuple[float, ...]:
    """Return names that are increasing or decreasing numbers, such as wavelengths; else nothing."""
    try:
        axis = np.array([float(name) for name in names])
    except ValueError:
        return ()
    steps = np.diff(axis)
    is_axis = len(axis) > 2 and np.isfinite(axis).all() and ((steps > 0).all() or (steps < 0).all())
    return tuple(axis.tolist()) if is_axis else ()


def _are_on_a_scale(values: np.ndarray) -> bool:
    """Tell whether more than ten numbers have equal steps that do not merely count them.

    Angles in steps of 20 degrees have an order that ten colours would hide; numbers of people do
    not.
    """
    if values.dtype.kind not in "iuf":
        return False
    steps = np.diff(np.unique(values[is_known(values)].astype(np.float64)))
    return len(steps) >= 10 and np.allclose(steps, steps[0]) and not np.isclose(steps[0], 1)


def _factor(
    known: Known, name: str, values: np.ndarray, array: str
) -> tuple[dict[str, Any], np.ndarray]:
    """Return how a factor is shown, and its codes or numbers."""
    kept = {keep.factor: keep for keep in known.declaration.keep if keep.factor}
    ignored = {ignore.name: ignore for ignore in known.declaration.ignore}
    role = "kept" if name in kept else "ignored" if name in ignored else None
    if role is None and name == known.declaration.data.source:
        role = "source"
    period = kept[name].period if name in kept else None
    stated = kept[name].stated_kind if name in kept else getattr(ignored.get(name), "kind", None)
    described = {"name": name, "role": role, "array": array}
    if period is not None:
        return {**described, "kind": "cyclic", "period": period}, values.astype(np.float32)
    kind = stated or ("number" if _are_on_a_scale(values) else kind_of(values))
    if kind == "number" and values.dtype.kind in "iufb":
        return {**described, "kind": "number"}, values.astype(np.float32)
    some = is_known(values)
    texts, codes = np.unique(as_values(values[some]), return_inverse=True)
    array_of_codes = np.full(len(values), -1, np.int32)
    array_of_codes[some] = codes
    return {**described, "kind": "class", "values": [_text(t) for t in texts]}, array_of_codes


def _text(value: Any) -> str:
    is_whole = isinstance(value, np.floating) and value == np.floor(value)
    return str(int(value)) if is_whole else str(value)


def _typical(known: Known, rng: np.random.Generator) -> float:
    """Return the mean distance between two points: of samples held out, where there are some."""
    points = known.points[known.is_held_out] if known.is_held_out.sum() > 1 else known.points
    if len(points) < 2:
        return known.margin
    return _mean_distance(points, rng) or known.margin


def novelty_of(known: Known, rng: np.random.Generator) -> Novelty | None:
    """Return how far held-out points are from the nearest learnt one; None if that is not known."""
    learnt = known.points[known.is_learnt]
    held_out = known.points[known.is_held_out & (known.split == HELD_OUT)]
    if not len(learnt) or not len(held_out):
        return None
    some = held_out[rng.permutation(len(held_out))[:_MOST_COMPARED]]
    return Novelty(nearest_distances(learnt, some)[0])


def _unusual(novelty: Novelty | None) -> dict[str, Any] | None:
    if novelty is None:
        return None
    quantiles = np.linspace(0, 1, min(novelty.n, _MOST_QUANTILES))
    return {"nearest_held_out": np.quantile(novelty.distances, quantiles).tolist()}
