"""
Vectors with a batch effect
===========================

Specimens were measured on four instruments, each of which rotates, stretches, offsets and saturates
its measurements in its own way. The nearest neighbours of a measurement come from the same
instrument, whatever the specimen. Each specimen was measured on two or three instruments; from
these repeats a map learns to show the specimen alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from drlim import baselines, datasets, plotting
from drlim.declaration import Declaration, Evidence, Fitted, fit, prove
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# There are two files: a table of measurements, and a table of their factors. The *source* is the
# specimen: its measurements are similar, and are held out together.

DECLARATION = """
ignore = ["instrument"]

[[keep]]
factor = "state"

[[keep]]
factor = "dose"
tolerance = 0.1

[data]
path = "measurements.csv"
factors = "known.csv"
source = "specimen"

[map]
n_components = 3
network = { name = "mlp", hidden = [64, 64], start = "random" }
n_dissimilar = "all"
max_epochs = 10
batch_size = 256
learning_rate = 1e-2
"""

# Each claim, its sign and its bound.
CLAIMS = (
    (
        "Instrument: low end of the interval of the probe that reads most, above chance and the "
        "proof's tolerance",
        "<=",
        0.0,
    ),
    ("State read from held-out points, balanced accuracy (chance 0.2)", ">=", 0.85),
    ("Dose read from held-out points, R²", ">=", 0.5),
    ("State of held-out measurements read by 5-NN from *other* instruments' alone", ">=", 0.85),
    ("and that, above the same from the measurements themselves", ">=", 0.5),
)


# %%
# Learning and proving
# --------------------


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on held-out specimens, and test the claims; always at full size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "instruments.toml")
        file.write_text(DECLARATION, "utf-8")
        _write(Path(folder), random_state)
        declaration = Declaration.read(file).with_options(map={"random_state": random_state})
        fitted = fit(declaration)
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt)

    learnt, held_out = fitted.learnt, fitted.held_out
    Z_learnt, Z = fitted.map.transform(learnt.X), fitted.map.transform(held_out.X)
    claims = [
        Claim(sentence, "drlim", value, bound, sign)
        for (sentence, sign, bound), value in zip(
            CLAIMS, _values(evidence, fitted, Z_learnt, Z), strict=True
        )
    ]
    caption = (
        f"{len(Z)} held-out measurements; the map was learnt from {len(learnt)} of other specimens."
    )
    flat = {
        title: baselines.fitted_pca(known, n_components=2, random_state=random_state)(points)
        for title, known, points in (
            ("the map", Z_learnt, Z),
            ("the measurements", learnt.X, held_out.X),
        )
    }
    figures = [
        plotting.gallery(
            {title: (points, held_out.factor(name)) for title, points in flat.items()},
            label_name=name,
            caption=f"{caption} Two principal directions.",
        )
        for name in ("instrument", "state")
    ]
    return claims, evidence, figures


def _values(evidence: Evidence, fitted: Fitted, Z_learnt: np.ndarray, Z: np.ndarray) -> list[float]:
    """Return the numbers of the claims, in their order."""
    learnt, held_out = fitted.learnt, fitted.held_out
    instrument = evidence.proof.ignored[0]
    state, dose = (entry.retention["map"] for entry in evidence.proof.kept)
    map_, raw = (
        _across(
            known,
            learnt.factor("state"),
            learnt.factor("instrument"),
            points,
            held_out.factor("state"),
            held_out.factor("instrument"),
        )
        for known, points in ((Z_learnt, Z), (learnt.X, held_out.X))
    )
    # The proof's tolerance is a tenth of what is left above chance.
    tolerance = 0.1 * (1 - instrument.chance)
    leak = instrument.worst.low - instrument.chance - tolerance
    return [leak, state.value, dose.value, map_, map_ - raw]


def _write(folder: Path, random_state: int) -> None:
    """Write the table of measurements and the table of their factors."""
    data = datasets.instruments(random_state=random_state)
    features = ",".join(f"channel{j + 1}" for j in range(data.X.shape[1]))
    np.savetxt(folder / "measurements.csv", data.X, delimiter=",", header=features, comments="")
    known = np.stack(list(data.factors.values()), axis=1)
    names = ",".join(data.factors)
    np.savetxt(folder / "known.csv", known, "%.6g", delimiter=",", header=names, comments="")


def _across(
    Z_learnt: np.ndarray,
    state_learnt: np.ndarray,
    instrument_learnt: np.ndarray,
    Z: np.ndarray,
    state: np.ndarray,
    instrument: np.ndarray,
) -> float:
    """Read the state of each measurement from its nearest on other instruments; accuracy."""
    correct = np.zeros(len(Z), bool)
    for name in np.unique(instrument):
        here, others = instrument == name, instrument_learnt != name
        nearest = KNeighborsClassifier(5).fit(Z_learnt[others], state_learnt[others])
        correct[here] = nearest.predict(Z[here]) == state[here]
    return float(correct.mean())


# %%
# What comes out
# --------------
# The example is small enough to run in full; ``python -m examples instruments`` runs it with
# several seeds.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
