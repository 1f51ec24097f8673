"""The kinds of change: what their strength means, and which samples they apply to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drlim._checks import has_channels_last
from drlim._errors import InputError, nearest_name

HORIZONTAL, VERTICAL, BOTH = "horizontal", "vertical", "both"
ZEROS, EDGE, MIRROR = OUTSIDE = "zeros", "edge", "mirror"  # the content outside an image


@dataclass(frozen=True)
class Kind:
    """The properties of one kind of change; see the table of `drlim.transforms`.

    Strengths of a multiplicative kind are spread, drawn and doubled in their logarithm; an angle
    has a period of 360 degrees.
    """

    identity: float
    default: tuple[float, float]
    least: float
    most: float
    along: tuple[str, ...] = ()
    is_multiplicative: bool = False
    is_angle: bool = False
    for_vectors: bool = False
    needs_colour: bool = False

    def allows(self, strength: float | np.ndarray) -> bool | np.ndarray:
        """Return which strengths are allowed."""
        return np.isfinite(strength) & (strength >= self.least) & (strength <= self.most)

    @property
    def rule(self) -> str:
        """What strengths must be, for errors."""
        return "finite" if math.isinf(self.most) else f"from {self.least:g} to {self.most:g}"


KINDS = {
    "shift": Kind(0, (-3, 3), -math.inf, math.inf, along=(HORIZONTAL, VERTICAL, BOTH)),
    "rotation": Kind(0, (-15, 15), -360, 360, is_angle=True),
    "scale": Kind(1, (0.8, 1.25), 0.01, 100, is_multiplicative=True),
    "crop": Kind(1, (0.7, 1), 0.01, 1, is_multiplicative=True),
    "flip": Kind(0, (0, 1), 0, 1, along=(HORIZONTAL, VERTICAL)),
    "brightness": Kind(0, (-0.2, 0.2), -1, 1),
    "contrast": Kind(1, (0.7, 1.4), 0.01, 100, is_multiplicative=True),
    "gamma": Kind(1, (0.7, 1.4), 0.01, 100, is_multiplicative=True),
    "colour": Kind(0, (-180, 180), -360, 360, is_angle=True, needs_colour=True),
    "saturation": Kind(1, (0.5, 1.5), 0, 100, needs_colour=True),
    "blur": Kind(0, (0, 1.5), 0, 50),
    "noise": Kind(0, (0, 0.1), 0, 100, for_vectors=True),
    "dropout": Kind(0, (0, 0.2), 0, 1, for_vectors=True),
}


GEOMETRIC = frozenset({"shift", "rotation", "scale", "crop", "flip"})
SPATIAL = GEOMETRIC | {"blur"}  # where a pixel is matters


def known_kind(name: str) -> Kind:
    """Return a kind by its name; the error for an unknown name suggests a similar one."""
    if not isinstance(name, str) or name not in KINDS:
        raise InputError(f"there is no change {name!r}; {nearest_name(str(name), KINDS)}")
    return KINDS[name]


def check_fits(name: str, shape: tuple[int, ...]) -> None:
    """Raise unless a change of this kind can be applied to samples of this shape."""
    kind = KINDS[name]
    if len(shape) not in (2, 3, 4):
        raise InputError(
            f"the samples have the shape {shape}; changes apply to vectors (n, features), or "
            "images (n, height, width) or (n, channels, height, width)"
        )
    if name in SPATIAL and has_channels_last(shape[1:]):
        raise InputError(
            f"the change {name!r} moves pixels along the last two axes, and the samples have the "
            f"shape {shape}, with the channels last; put them before the height: "
            "np.moveaxis(X, -1, 1)"
        )
    if len(shape) == 2 and not kind.for_vectors:
        known = " and ".join(sorted(name for name, kind in KINDS.items() if kind.for_vectors))
        raise InputError(
            f"the change {name!r} needs images, and the samples are vectors of {shape[1]} "
            f"features; vectors can be changed by {known}, and flat images must be reshaped to "
            "(n, height, width)"
        )
    if kind.needs_colour and (len(shape) != 4 or shape[1] != 3):
        raise InputError(
            f"the change {name!r} needs images in red, green and blue, (n, 3, height, width), and "
            f"the samples have the shape {shape}; leave it out for grey images, and put the "
            "channels before the height"
        )
