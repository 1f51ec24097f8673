"""
Vectors with a batch effect
===========================

Specimens were measured on four instruments, and every instrument turns, stretches, offsets and
saturates what it measures in its own way. The nearest neighbours of a measurement are those of
the same instrument, whatever the specimen. Each specimen went through two or three of them,
which is what lets a map learn to see the specimen alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

from drlim import baselines, datasets, plotting
from drlim.declaration import Declaration, Evidence, fit, prove
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# Two files: a table of measurements, and what is known of each. The *source* is the specimen:
# its measurements are similar, and are held out together.

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
network = { name = "mlp", hidden = [64, 64] }
max_epochs = 10
batch_size = 256
learning_rate = 1e-2
"""


# %%
# Learning and proving
# --------------------


def run(seed: int, *, quick: bool = False) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on held-out specimens, and test the claims; always at full size."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "instruments.toml")
        file.write_text(DECLARATION, "utf-8")
        _write(Path(folder), seed)
        declaration = Declaration.read(file).with_options(map={"random_state": seed})
        fitted = fit(declaration)
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt)

    learnt, held_out = fitted.learnt, fitted.held_out
    Z_learnt, Z = fitted.map.transform(learnt.X), fitted.map.transform(held_out.X)
    instrument = evidence.proof.ignored[0]
    state, dose = (entry.retention for entry in evidence.proof.kept)
    across = {
        name: _across(
            known,
            learnt.factor("state"),
            learnt.factor("instrument"),
            points,
            held_out.factor("state"),
            held_out.factor("instrument"),
        )
        for name, known, points in (("map", Z_learnt, Z), ("raw", learnt.X, held_out.X))
    }
    chance = instrument.chance
    bounds = (0.0, 0.85, 0.5, 0.85, 0.5)
    claims = [
        Claim(sentence, "drlim", value, bound, sign)
        for sentence, value, sign, bound in zip(
            (
                "Instrument: low end of the interval of the better probe's accuracy, above chance",
                "State read from held-out points, balanced accuracy (chance 0.2)",
                "Dose read from held-out points, R²",
                "State of held-out measurements read by 5-NN from *other* instruments' alone",
                "and that, above the same from the measurements themselves",
            ),
            (
                instrument.worst.low - chance,
                state["map"].value,
                dose["map"].value,
                across["map"],
                across["map"] - across["raw"],
            ),
            ("<=", ">=", ">=", ">=", ">="),
            bounds,
            strict=True,
        )
    ]
    caption = (
        f"{len(Z)} held-out measurements; the map was learnt from {len(learnt)} of other specimens."
    )
    flat = {
        title: baselines.fitted_pca(known, n_components=2, random_state=seed)(points)
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


def _write(folder: Path, seed: int) -> None:
    """Write the table of measurements and the table of what is known of them."""
    data = datasets.instruments(random_state=seed)
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
    right = np.zeros(len(Z), bool)
    for one in np.unique(instrument):
        here, others = instrument == one, instrument_learnt != one
        nearest = KNeighborsClassifier(5).fit(Z_learnt[others], state_learnt[others])
        right[here] = nearest.predict(Z[here]) == state[here]
    return float(right.mean())


# %%
# What comes out
# --------------
# The example is small enough to be run as it is; ``python -m examples instruments`` runs it with
# other seeds too.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
