"""What probes can read of an ignored factor, from a map and from its baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drlim.evaluation import invariance

# Probes on pixels take a second per fold for two thousand samples, minutes for ten thousand.
_MOST_SAMPLES = 2000

HOW = (
    "the accuracy of a trained probe on held-out samples, cross-validated so that no source is "
    "on both sides, with its 95 % interval; and the orbit ratio, the mean distance between "
    "copies of one source over that between sources."
)


def measure(
    maps: Mapping[str, np.ndarray], factor: np.ndarray, source: np.ndarray, *, random_state: int
) -> dict[str, Any]:
    """Measure the first map, and the others under their names.

    Parameters
    ----------
    maps : mapping of str to ndarray of shape (n_samples, ...)
        Held-out points of each map, and the held-out samples themselves.
    factor, source : ndarray of shape (n_samples,)
        What should be ignored, and which sample each was made from.
    random_state : int
        Draws the sources that are probed, where there are many.

    Returns
    -------
    dict
        ``orbit_ratio``, ``leakage`` (of the probe that reads most) and ``probes`` (all) of the
        first map, and the same of each other map under its name.
    """
    rng = np.random.default_rng(random_state)
    sources = rng.permutation(np.unique(source))
    per_source = max(1, len(source) // len(sources))
    probed = np.isin(source, sources[: _MOST_SAMPLES // per_source])
    measured = {}
    for name, Z in maps.items():
        probes = [
            invariance.leakage(
                Z[probed],
                factor[probed],
                probe=probe,
                groups=source[probed],
                random_state=random_state,
            )
            for probe in invariance.PROBES
        ]
        worst = max(probes, key=lambda leak: leak.value)
        measured[name] = {
            "orbit_ratio": invariance.orbit_ratio(Z, source),
            "leakage": worst.as_json(),
            "probes": [leak.as_json() for leak in probes],
        }
    return {**measured.pop(next(iter(maps))), **measured}


def table(measured: Mapping[str, Any], name: str = "drlim") -> tuple[list[str], list[list[str]]]:
    """Return what `measure` found as a table; `name` is that of the first map."""
    columns = ["map", "orbit ratio", *invariance.PROBES, "chance"]
    everything = {name: measured} | {
        other: numbers
        for other, numbers in measured.items()
        if isinstance(numbers, dict) and "probes" in numbers
    }
    rows = [
        [
            row,
            f"{numbers['orbit_ratio']:.3f}",
            *(
                f"{leak['accuracy']:.3f} ({leak['low']:.3f} to {leak['high']:.3f})"
                for leak in numbers["probes"]
            ),
            f"{numbers['leakage']['chance']:.3f}",
        ]
        for row, numbers in everything.items()
    ]
    return columns, rows
