"""The short forms of ``--keep`` and ``--ignore`` on the command line."""

from __future__ import annotations

from typing import Any

from drlim._errors import InputError


def short_keep(text: str) -> dict[str, Any]:
    """Return the keys of `Keep` for a text such as ``azimuth:20:360``."""
    first, *rest = text.split(":")
    keys = ("neighbors", "within") if first == "neighbors" else ("step", "period")
    if len(rest) > 2 or (first == "neighbors" and not rest):
        raise InputError(
            f"--keep {text!r} cannot be read; give FACTOR, FACTOR:STEP, FACTOR:STEP:PERIOD, "
            "neighbors:N or neighbors:N:WITHIN"
        )
    if first == "neighbors":
        return dict(zip(keys, rest, strict=False))
    return {"factor": first, **dict(zip(keys, rest, strict=False))}


def short_ignore(text: str) -> dict[str, Any]:
    """Return the keys of `Ignore` for a text such as ``rotation:-30:30``."""
    name, *ends = text.split(":")
    if not ends:
        return {"factor": name}
    if len(ends) != 2:
        raise InputError(
            f"--ignore {text!r} cannot be read; give a factor, a transformation, or "
            "TRANSFORMATION:LOW:HIGH"
        )
    return {"transform": name, "range": ends}
