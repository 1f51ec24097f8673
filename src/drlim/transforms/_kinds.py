"""The kinds of change: what their strength means, and which samples they can be made to."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drlim._errors import InputError, nearest_name

HORIZONTAL, VERTICAL, BOTH = "horizontal", "vertical", "both"
ZEROS, EDGE, MIRROR = OUTSIDE = "zeros", "edge", "mirror"  # what is taken to lie outside an image


@dataclass(frozen=True)
class Kind:
    """What is known of one kind of change; see the table of `drlim.transforms`.

    A *factor* multiplies, so its strengths are spread, drawn and doubled in their logarithm;
    a *turn* comes back after 360 degrees.
    """

    identity: float
    default: tuple[float, float]
    least: float
    most: float
    along: tuple[str, ...] = ()
    factor: bool = False
    turn: bool = False
    vectors: bool = False
    coloured: bool = False


KINDS = {
    "shift": Kind(0, (-3, 3), -math.inf, math.inf, along=(HORIZONTAL, VERTICAL, BOTH)),
    "rotation": Kind(0, (-15, 15), -360, 360, turn=True),
    "scale": Kind(1, (0.8, 1.25), 0.01, 100, factor=True),
    "crop": Kind(1, (0.7, 1), 0.01, 1, factor=True),
    "flip": Kind(0, (0, 1), 0, 1, along=(HORIZONTAL, VERTICAL)),
    "brightness": Kind(0, (-0.2, 0.2), -1, 1),
    "contrast": Kind(1, (0.7, 1.4), 0.01, 100, factor=True),
    "gamma": Kind(1, (0.7, 1.4), 0.01, 100, factor=True),
    "colour": Kind(0, (-180, 180), -360, 360, turn=True, coloured=True),
    "saturation": Kind(1, (0.5, 1.5), 0, 100, coloured=True),
    "blur": Kind(0, (0, 1.5), 0, 50),
    "noise": Kind(0, (0, 0.1), 0, 100, vectors=True),
    "dropout": Kind(0, (0, 0.2), 0, 1, vectors=True),
}


GEOMETRIC = frozenset({"shift", "rotation", "scale", "crop", "flip"})


def known_kind(name: str) -> Kind:
    """Return a kind by its name, or say which name was likely meant."""
    if not isinstance(name, str) or name not in KINDS:
        raise InputError(f"there is no change {name!r}; {nearest_name(str(name), KINDS)}")
    return KINDS[name]


def check_fits(name: str, shape: tuple[int, ...]) -> None:
    """Raise unless a change of this kind can be made to samples of this shape."""
    kind = KINDS[name]
    if len(shape) not in (2, 3, 4):
        raise InputError(
            f"the samples have the shape {shape}; a change needs vectors (n, features), or "
            "images (n, height, width) or (n, channels, height, width)"
        )
    if len(shape) == 2 and not kind.vectors:
        for_vectors = " and ".join(sorted(name for name, kind in KINDS.items() if kind.vectors))
        raise InputError(
            f"the change {name!r} needs images, and the samples are vectors of {shape[1]} "
            f"features; vectors can be changed by {for_vectors}, and flat images must be "
            "reshaped to (n, height, width)"
        )
    if kind.coloured and (len(shape) != 4 or shape[1] != 3):
        raise InputError(
            f"the change {name!r} needs images in red, green and blue, (n, 3, height, width), and "
            f"these are {shape}; leave it out for grey images, and put channels before the height"
        )
