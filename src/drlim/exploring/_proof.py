"""The proof of a map, as a page shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from drlim._errors import InputError, MissingExtraError
from drlim.declaration._evidence import Evidence
from drlim.declaration._prove import prove
from drlim.evaluation.invariance import Displacement
from drlim.exploring._known import Known
from drlim.reporting._json import plain
from drlim.transforms import Change, beyond


def proof_of(known: Known, progress: Callable[[float], object] | None = None) -> dict[str, Any]:
    """Measure what ``drlim report`` measures on these samples, and lay it out for the page.

    Raises
    ------
    InputError
        If the map was not learnt from a declaration, all samples were learnt from, or a factor is
        missing.
    """
    declaration = known.declaration
    if known.data is None:
        raise InputError("a proof needs samples that were not learnt from; give the data")
    if not (declaration.keep or declaration.ignore):
        raise InputError(
            "the map was learnt without a declaration of what it should ignore and keep, so there "
            "is nothing to prove"
        )
    return laid_out(prove(known.fitted, declaration, known.data, progress=progress))


def laid_out(evidence: Evidence) -> dict[str, Any]:
    """Return a proof as plain data: its numbers, its tables and its curves."""
    try:
        from drlim.declaration._report import _NAMES, tables
    except MissingExtraError:  # the module draws, too
        named, names = {}, {}
    else:
        named, names = tables(evidence), _NAMES
    return plain(
        {
            **evidence.as_json(),
            "tables": [
                {"caption": caption, "header": header, "rows": rows}
                for caption, (header, rows) in named.items()
            ],
            "curves": [_curve(name, *curve, names) for name, curve in evidence.curves.items()],
        }
    )


def _curve(
    name: str, change: Change, curves: Mapping[str, Displacement], names: Mapping[str, str]
) -> dict[str, Any]:
    strengths, inside = beyond(change)
    trained = np.asarray(strengths)[inside]
    return {
        "name": name,
        "unit": "mean distances between two samples",
        "strengths": strengths.tolist(),
        "trained": [float(trained.min()), float(trained.max())],
        "maps": {
            names.get(other, other): {
                "mean": list(curve.mean),
                "low": list(curve.low),
                "high": list(curve.high),
            }
            for other, curve in curves.items()
        },
    }
