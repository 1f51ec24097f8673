"""What a map is worth: measures of arrays, however they were made.

======================================  ==========================================================
`drlim.evaluation.quality`              neighbourhoods, classes and factors that a map keeps
`drlim.evaluation.invariance`           what a map ignores: orbits, probes, displacement
`drlim.evaluation.retention`            what a map keeps, with intervals and chance
`drlim.evaluation.proof`                the verdict on both, factor by factor
`drlim.evaluation.verification`         same or different: thresholds and error rates; retrieval
`drlim.evaluation.novelty`              how unusual a new sample is, against held-out samples
`drlim.evaluation.cylinder`             a cylinder through the points of a map of poses
======================================  ==========================================================

The functions of these modules can be imported from here, and are loaded when they are first used.

Examples
--------
>>> import numpy as np
>>> from drlim.evaluation import trustworthiness
>>> X = np.random.default_rng(0).normal(size=(50, 2))
>>> trustworthiness(X, 2 * X)
1.0
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from drlim.evaluation import (
        cylinder as cylinder,
        invariance as invariance,
        novelty as novelty,
        proof as proof,
        quality as quality,
        retention as retention,
        verification as verification,
    )
    from drlim.evaluation.cylinder import (
        circular_correlation as circular_correlation,
        fit_cylinder as fit_cylinder,
    )
    from drlim.evaluation.invariance import (
        displacement as displacement,
        from_kept as from_kept,
        leakage as leakage,
        orbit_ratio as orbit_ratio,
        orbits as orbits,
    )
    from drlim.evaluation.novelty import (
        Novelty as Novelty,
        nearest_distances as nearest_distances,
    )
    from drlim.evaluation.proof import (
        Proof as Proof,
        is_constant as is_constant,
        measure_ignored as measure_ignored,
        measure_kept as measure_kept,
    )
    from drlim.evaluation.quality import (
        continuity as continuity,
        evenness as evenness,
        factor_recovery as factor_recovery,
        knn_accuracy as knn_accuracy,
        leave_one_out_accuracy as leave_one_out_accuracy,
        neighborhood_preservation as neighborhood_preservation,
        trustworthiness as trustworthiness,
    )
    from drlim.evaluation.verification import (
        choose_threshold as choose_threshold,
        decide as decide,
        equal_error_rate as equal_error_rate,
        judge_by as judge_by,
        mean_average_precision as mean_average_precision,
        roc as roc,
    )

_MODULES = ("cylinder", "invariance", "novelty", "proof", "quality", "retention", "verification")
# The function `retention` stays in its module, whose name it has.
_HOMES = {
    "cylinder": ("circular_correlation", "fit_cylinder"),
    "invariance": (
        "displacement",
        "from_kept",
        "leakage",
        "orbit_ratio",
        "orbits",
    ),
    "novelty": ("Novelty", "nearest_distances"),
    "proof": ("Proof", "is_constant", "measure_ignored", "measure_kept"),
    "quality": (
        "continuity",
        "evenness",
        "factor_recovery",
        "knn_accuracy",
        "leave_one_out_accuracy",
        "neighborhood_preservation",
        "trustworthiness",
    ),
    "verification": (
        "choose_threshold",
        "decide",
        "equal_error_rate",
        "judge_by",
        "mean_average_precision",
        "roc",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_MODULES, *_HOME]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
