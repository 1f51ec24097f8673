"""Applying changes to samples: geometry first and as one, then the others in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from drlim._errors import InputError
from drlim.transforms._geometry import matrices, move, moves_whole_pixels
from drlim.transforms._kinds import GEOMETRIC, KINDS, ZEROS, check_fits
from drlim.transforms._pixels import PIXEL_CHANGES


class Step(NamedTuple):
    """A change of one kind with the strength for each sample, ``(n,)``."""

    kind: str
    along: str | None
    strength: np.ndarray


def step(kind: str, along: str | None, strength: object, n: int) -> Step:
    """Check the strengths of a change for `n` samples, one for all or one each."""
    known = KINDS[kind]
    values = np.asarray(strength, dtype=float)
    if values.shape not in ((), (n,)):
        raise InputError(
            f"the strength of {kind!r} has the shape {values.shape} and there are {n} samples; "
            "give one number, or one per sample"
        )
    allowed = np.isin(values, (0, 1)) if kind == "flip" else known.allows(values)
    if not np.all(allowed):
        wrong = values[~np.asarray(allowed)].flat[0]
        rule = "0 or 1" if kind == "flip" else known.rule
        raise InputError(f"the strength of {kind!r} contains {wrong:g}; it must be {rule}")
    values = np.broadcast_to(values, (n,))
    return Step(kind, along, values % 360 if known.is_angle else values)


def apply_steps(
    steps: Sequence[Step],
    samples: np.ndarray,
    generator: np.random.Generator,
    feature_mean: np.ndarray | None = None,
    feature_scale: np.ndarray | None = None,
    outside: str = ZEROS,
) -> np.ndarray:
    """Return changed samples in a new array, of the same shape and dtype."""
    for kind, _, _ in steps:
        check_fits(kind, samples.shape)
    if not steps or len(samples) == 0:
        return samples.copy()
    if samples.ndim == 2:
        return _change_vectors(steps, samples, generator, feature_mean, feature_scale)
    images = samples[:, None] if samples.ndim == 3 else samples
    return _change_images(steps, images, generator, outside).reshape(samples.shape)


def _change_images(
    steps: Sequence[Step], images: np.ndarray, generator: np.random.Generator, outside: str
) -> np.ndarray:
    n, _, height, width = images.shape
    matrix = np.tile(np.eye(3), (n, 1, 1))
    for kind, along, strength in steps:
        if kind in GEOMETRIC:
            matrix = matrices(kind, along, strength, (height, width), generator) @ matrix
    pixel_steps = [each for each in steps if each.kind not in GEOMETRIC]
    # Without interpolation nothing is rounded, so any dtype can be moved as it is.
    if not pixel_steps and moves_whole_pixels(matrix).all():
        return move(images, matrix, outside)
    full = _full_scale(images.dtype)
    pixels = move(images.astype(_working_dtype(images.dtype)), matrix, outside)
    for kind, _, strength in pixel_steps:
        strength = strength.astype(pixels.dtype).reshape(-1, 1, 1, 1)
        changed = PIXEL_CHANGES[kind](pixels, strength, full, generator)
        # By definition, not up to rounding: the identity leaves a sample exactly as it is.
        pixels = np.where(strength == KINDS[kind].identity, pixels, changed)
        if images.dtype.kind == "u":  # one change cannot take a pixel out of the range of the next
            pixels = pixels.clip(0, full)
    if images.dtype.kind == "u":
        pixels = np.rint(pixels)
    return pixels.astype(images.dtype)


def _change_vectors(
    steps: Sequence[Step],
    vectors: np.ndarray,
    generator: np.random.Generator,
    feature_mean: np.ndarray | None,
    feature_scale: np.ndarray | None,
) -> np.ndarray:
    if vectors.dtype.kind != "f":
        raise InputError(
            f"the vectors are {vectors.dtype}, which cannot hold changed features; pass "
            "X.astype(np.float32)"
        )
    dtype = _working_dtype(vectors.dtype)
    n, d = vectors.shape
    mean = _per_feature("feature_mean", feature_mean, 0, d).astype(dtype)
    scale = _per_feature("feature_scale", feature_scale, 1, d).astype(dtype)
    changed = vectors.astype(dtype)
    for kind, _, strength in steps:
        strength = strength.astype(dtype)[:, None]
        if kind == "noise":
            changed = changed + strength * scale * generator.standard_normal((n, d), dtype)
        else:
            changed = np.where(generator.random((n, d)) < strength, mean, changed)
    return changed.astype(vectors.dtype)


def _per_feature(name: str, given: np.ndarray | None, default: float, d: int) -> np.ndarray:
    values = np.full(d, default, dtype=float) if given is None else np.asarray(given, dtype=float)
    if values.shape != (d,):
        raise InputError(
            f"{name} has the shape {values.shape} and the samples have {d} features; give one "
            "number per feature"
        )
    return values


def _full_scale(dtype: np.dtype) -> float:
    if dtype.kind == "f":
        return 1.0
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return float(np.iinfo(dtype).max)
    raise InputError(
        f"the images are {dtype}, whose full scale is not known; pass uint8, uint16, or floats "
        "between 0 and 1"
    )


def _working_dtype(dtype: np.dtype) -> np.dtype:
    return np.dtype(np.float64 if dtype.kind == "f" and dtype.itemsize > 4 else np.float32)
