"""Figure 9: LLE on the airplane; neighbours in pixel space share their lighting."""

from __future__ import annotations

from drlim import baselines
from drlim.experiments import _airplane, _invariance
from drlim.experiments._run import Options, Result, check_claims

N_NEIGHBORS = 5

_FIGURE = "the paper, section 3.4, figure 9"
CLAIMS = (
    (
        "LLE does not ignore the lighting: read from held-out points by the better of two probes, "
        "accuracy (chance 0.167; DrLIM's bound is 0.20)",
        _FIGURE,
        "invariance/leakage/accuracy",
        ">=",
        0.50,
    ),
    (
        "LLE has no topology of the pose: circular correlation of the angle around the fitted "
        "cylinder with the azimuth, held-out points (DrLIM's bound is at least 0.95)",
        _FIGURE,
        "recovery/circular_correlation",
        "<=",
        0.50,
    ),
    (
        "nor does its axis follow the elevation: correlation (DrLIM's bound is at least 0.95)",
        _FIGURE,
        "recovery/axis_correlation",
        "<=",
        0.50,
    ),
    (
        "The elevation cannot be read from it: by 3-NN regression, R² (DrLIM's bound is 0.98)",
        _FIGURE,
        "recovery/elevation_r2",
        "<=",
        0.90,
    ),
)
CAPTION = (
    f"Figure 9 of the paper: LLE with {N_NEIGHBORS} neighbours, {{held_out}}. Colour shows the "
    "{factor}. Each coordinate is in units of its standard deviation."
)


def run(options: Options) -> Result:
    """Map the images of `norb` by scikit-learn's LLE, and measure the same numbers."""
    views = _airplane.load(options)
    pixels = views.pixels
    with options.clock("train"):
        Z_train, Z_test = baselines.embed(
            "lle",
            *pixels,
            n_components=3,
            n_neighbors=N_NEIGHBORS,
            random_state=options.random_state,
        )
    assert Z_test is not None
    numbers = {
        "recovery": views.measure(Z_train, Z_test),
        "invariance": views.lighting_leakage(
            {"lle": Z_test, "pixels": pixels[1]}, options.random_state
        ),
    }
    held_out = f"{len(Z_test)} held-out images, mapped from their neighbours among {len(Z_train)}"
    captions = {
        factor: CAPTION.format(held_out=held_out, factor=factor)
        for factor in ("lighting", "azimuth")
    }
    # LLE fixes the variance of a coordinate, not its meaning: each is drawn in its own unit.
    spread = (Z_test - Z_train.mean(axis=0)) / Z_train.std(axis=0)
    return Result(
        data=views.data.name,
        origin=views.data.origin,
        n_train=len(views.train),
        n_test=len(views.test),
        claims=check_claims(CLAIMS, numbers),
        numbers=numbers,
        tables={
            f"The pose: {held_out}": _airplane.table({"lle": numbers["recovery"]}),
            f"What can be read of the lighting: {_invariance.HOW}": _invariance.table(
                numbers["invariance"], name="lle"
            ),
        },
        notes=[
            "The azimuth of a held-out image can still be read from its nearest neighbours, which "
            "have the same lighting; the table has the number.",
            *views.notes(),
        ],
        figures={
            factor: views.figure(spread, factor, caption, unit="standard deviations")
            for factor, caption in captions.items()
        },
        captions=captions,
    )
