"""The short forms of ``--keep``, ``--ignore`` and ``--tolerance`` on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from drlim._errors import InputError, nearest_name


def short_keep(text: str) -> dict[str, Any]:
    """Return the keys of `Keep` for a text such as ``azimuth:20:360``."""
    first, *rest = text.split(":")
    of_neighbors = ("neighbors", "within", "across")
    keys = of_neighbors if first == "neighbors" else ("step", "period")
    if len(rest) > len(keys) or (first == "neighbors" and not rest):
        raise InputError(
            f"--keep {text!r} cannot be read; give FACTOR, FACTOR:STEP, FACTOR:STEP:PERIOD, "
            "FACTOR::PERIOD, neighbors:N, neighbors:N:WITHIN or neighbors:N:WITHIN:ACROSS"
        )
    # Only what stands between two others may be empty.
    given = {key: part for key, part in zip(keys, rest, strict=False) if part or part is rest[-1]}
    return given if first == "neighbors" else {"factor": first, **given}


def with_tolerances(keep: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[Any]:
    """Return the kept things with the tolerances of texts such as ``moisture:0.2``."""
    kept = [dict(one) for one in keep]
    for text in texts:
        name, _, tolerance = text.rpartition(":")
        if not name:
            raise InputError(f"--tolerance {text!r} cannot be read; give FACTOR:DISTANCE")
        meant = [one for one in kept if one.get("factor") == name]
        if not meant:
            raise InputError(
                f"--tolerance {text!r} is for a factor that is not kept; "
                + nearest_name(name, [one["factor"] for one in kept if one.get("factor")])
            )
        for one in meant:
            one["tolerance"] = tolerance
    return kept


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
