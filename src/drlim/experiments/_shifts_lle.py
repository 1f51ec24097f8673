"""Figure 6: LLE on the shifted digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim import baselines, plotting
from drlim.experiments import _digits, _invariance
from drlim.experiments._run import Options, Result, check_claims
from drlim.graphs import neighbors

N_NEIGHBORS = 5

_FIGURE = "the paper, section 3.3, figure 6"
CLAIMS = (
    (
        "LLE's map is degenerate: the largest share of the points that lie in a square of a "
        "hundredth of the map's width",
        _FIGURE,
        "quality/share_in_a_hundredth",
        ">=",
        0.15,
    ),
    (
        "Inside a shift it is not organised: trustworthiness at 5, the worst shift (bound for "
        "DrLIM without prior knowledge: at least 0.80)",
        _FIGURE,
        "quality/trustworthiness_5_worst_shift",
        "<=",
        0.80,
    ),
    (
        "LLE does not ignore the shift: read from held-out points by 5-NN, accuracy (bound for "
        "DrLIM with prior knowledge: at most 0.22)",
        _FIGURE,
        "quality/shift_accuracy",
        ">=",
        0.5,
    ),
)
CAPTION = (
    f"Figure 6 of the paper: LLE with {N_NEIGHBORS} neighbours on the shifted digits, "
    "{held_out}. Colour and marker show the shift in pixels. The neighbour graph has {n_parts} "
    "connected parts. Each coordinate is in units of its standard deviation."
)


def run(options: Options) -> Result:
    """Map the samples of `shifts` by scikit-learn's LLE, and measure the same numbers."""
    train, test = _digits.load_shifted(options)
    with options.clock("graph"):
        n_parts = int(neighbors(train.X, N_NEIGHBORS).components.max()) + 1
    with options.clock("train"):
        Z_train, Z_test = baselines.embed(
            "lle", train.X, test.X, n_neighbors=N_NEIGHBORS, random_state=options.random_state
        )
    assert Z_test is not None
    numbers: dict[str, Any] = {
        "quality": {
            **_digits.measure_shifted(train, test, Z_train, Z_test),
            "share_in_a_hundredth": share_in_a_hundredth(Z_train),
        },
        "graph": {"n_components": n_parts},
        "invariance": _invariance.measure(
            {"lle": Z_test, "pixels": test.X.reshape(len(test), -1)},
            test.factors["shift"],
            test.factors["source"],
            random_state=options.random_state,
        ),
    }
    held_out = f"{len(test):,} held-out samples, mapped from their neighbours among {len(train):,}"
    caption = CAPTION.format(held_out=held_out, n_parts=n_parts)
    figure = plotting.scatter(
        (Z_test - Z_train.mean(axis=0)) / Z_train.std(axis=0),
        test.factors["shift"],
        label_name="shift",
        title="LLE of held-out digits at five shifts",
        caption=caption,
        unit="standard deviations",
    )
    return Result(
        data=_digits.name_of(train),
        origin=train.origin,
        n_train=len(train),
        n_test=len(test),
        claims=check_claims(CLAIMS, numbers),
        numbers=numbers,
        tables={
            f"The map: {held_out}.": _digits.table({"lle": numbers["quality"]}),
            f"What can be read of the shift: {_invariance.HOW}": _invariance.table(
                numbers["invariance"], name="lle"
            ),
        },
        figures={"map": figure},
        captions={"map": caption},
        notes=_digits.notes_on(train),
    )


def share_in_a_hundredth(Z: np.ndarray) -> float:
    """Return the largest share of points in one cell of a grid of 100 x 100 over the map.

    Points spread evenly over half of the map's square have a share of 0.0002.
    """
    low, span = Z.min(axis=0), np.ptp(Z, axis=0).max()
    if not span:
        return 1.0
    cell = np.minimum(((Z - low) / span * 100).astype(int), 99)
    return float(np.unique(cell, axis=0, return_counts=True)[1].max() / len(Z))
