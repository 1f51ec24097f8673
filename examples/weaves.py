"""
Textiles from scratch
=====================

Without a pretrained network, a map of photographs is learnt from nothing. That takes about thirty
photographs of each weaving tradition, a network of one's own size, and a declaration of every
change that should not matter. Photographs of one tradition should be near one another whatever the
dyes, the light, the drape and the pose, also those of a tradition that was not available when the
map was learnt. The photographs are made by code, so that colour carries no information.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from drlim import baselines, plotting
from drlim.datasets import weaves
from drlim.declaration import Declaration, Evidence, Fitted, fit, prove
from drlim.evaluation.retention import Retention, retention
from drlim.evaluation.verification import roc
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# The sub-folder of a photograph is its ``class``. Dyes, light and pose are drawn anew each time a
# photograph enters a batch, and cloth continues beyond its edge. Eight traditions are kept out of
# the training.

DECLARATION = """
keep = ["class"]
ignore = [
    { transform = "colour", range = [-180, 180] },
    { transform = "brightness", range = [-0.3, 0.3] },
    { transform = "contrast", range = [0.5, 2] },
    { transform = "rotation", range = [-30, 30] },
    { transform = "scale", range = [0.8, 1.25] },
    { transform = "crop", range = [0.7, 1] },
]

[data]
path = "photographs"
colour = "colour"
outside = "mirror"

[held_out]
share = 0.25
unseen.class = [
    "tradition-13", "tradition-14", "tradition-15", "tradition-16",
    "tradition-17", "tradition-18", "tradition-19", "tradition-20",
]

[map]
n_components = 64
network = { name = "convnet", width = 16, pooling = "mean", start = "random" }
n_dissimilar = 10
max_epochs = 20
batch_size = 16
learning_rate = 4e-3
"""

# Each claim, its sign, its bound at full size, and its bound on small data. "Beside" is by how much
# the map is better.
CLAIMS = (
    (
        "Colour tells nothing: low end of the interval of its 5-NN accuracy",
        "<=",
        1 / 12,
        1 / 12,
    ),
    ("Held-out photographs: 5-NN accuracy (chance 0.08)", ">=", 0.6, 0.2),
    ("and that, beside PCA of the pixels", ">=", 0.5, 0.0),
    ("and beside the untrained network", ">=", 0.5, 0.0),
    ("Held-out photographs: retrieval, mean average precision", ">=", 0.6, 0.15),
    ("Held-out photographs: equal error rate (chance 0.5)", "<=", 0.1, 0.45),
    ("Rejected at 1 % false accepts: high end of the interval", "<=", 0.7, 1.0),
    ("Traditions never seen: retrieval, mean average precision", ">=", 0.7, 0.15),
    ("and that, beside PCA of the pixels", ">=", 0.5, 0.0),
    ("and beside the untrained network", ">=", 0.5, 0.0),
    ("Traditions never seen: equal error rate (chance 0.5)", "<=", 0.1, 0.5),
    ("and that, beside PCA of the pixels", ">=", 0.3, 0.0),
    ("and beside the untrained network", ">=", 0.3, 0.0),
    ("Rejected at 1 % false accepts: high end of the interval", "<=", 0.5, 1.0),
)


# %%
# Learning and proving
# --------------------


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on held-out photographs and traditions, and test the claims."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "weaves.toml")
        file.write_text(DECLARATION, "utf-8")
        weaves(
            Path(folder, "photographs"),
            n_classes=20,
            n_per_class=16 if quick else 30,
            random_state=random_state,
            size=32 if quick else 64,
        )
        declaration = Declaration.read(file).with_options(map={"random_state": random_state})
        if quick:
            declaration = declaration.with_options(
                map={
                    "network": {
                        "name": "convnet",
                        "width": 8,
                        "depth": 2,
                        "pooling": "mean",
                        "start": "random",
                    },
                    "max_epochs": 8,
                }
            )
        fitted = fit(declaration)
    if quick:  # probing an ignored transformation takes some seconds
        declaration = declaration.model_copy(update={"ignore": declaration.ignore[:1]})
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen)
    claims = [
        Claim(sentence, "drlim", value, small if quick else bound, sign)
        for (sentence, sign, bound, small), value in zip(
            CLAIMS, _values(evidence, fitted), strict=True
        )
    ]
    return claims, evidence, _figures(evidence, fitted, random_state)


def _values(evidence: Evidence, fitted: Fitted) -> list[float]:
    """Return the numbers of the claims, in their order."""
    held_out, unseen = evidence.recognition
    accuracy = held_out.knn_accuracy
    precision = unseen.mean_average_precision
    rates, rates_unseen = held_out.verification["map"], unseen.verification["map"]
    error = {name: each.equal_error.value for name, each in unseen.verification.items()}
    return [
        _colours(fitted).low,
        accuracy["map"],
        accuracy["map"] - accuracy["pca"],
        accuracy["map"] - accuracy["untrained"],
        held_out.mean_average_precision["map"],
        rates.equal_error.value,
        rates.false_rejects.high,
        precision["map"],
        precision["map"] - precision["pca"],
        precision["map"] - precision["untrained"],
        error["map"],
        error["pca"] - error["map"],
        error["untrained"] - error["map"],
        rates_unseen.false_rejects.high,
    ]


def _colours(fitted: Fitted) -> Retention:
    """Measure how well the class can be read from the histogram of colours alone."""
    train, test = fitted.learnt, fitted.held_out
    return retention(
        baselines.colour_histograms(train.X),
        train.factor("class"),
        baselines.colour_histograms(test.X),
        test.factor("class"),
        kind="class",
        random_state=0,
    )


def _figures(evidence: Evidence, fitted: Fitted, random_state: int) -> list[plotting.Figure]:
    """Draw the map in two dimensions, and the verification of traditions never seen."""
    shown, unseen = fitted.held_out, fitted.unseen
    flat = baselines.fitted_pca(evidence.points["map"], n_components=2, random_state=random_state)
    Z = flat(evidence.points["map"])
    caption = (
        f"{len(shown)} held-out photographs; the map was learnt from {len(fitted.learnt)} others. "
        f"Two principal directions of {fitted.map.n_components}."
    )
    maps = {
        "the map": fitted.map.transform(unseen.X),
        "untrained network": fitted.map.untrained().transform(unseen.X),
        "pixels": unseen.X.reshape(len(unseen), -1),
    }
    curves = {
        name: roc(Z, unseen.factor("class"), random_state=random_state) for name, Z in maps.items()
    }
    return [
        plotting.coloured(
            Z, shown.factor("class"), value_name="class", title="By tradition", caption=caption
        ),
        plotting.thumbnails(
            Z,
            shown.X.astype(np.float32).mean(axis=1),
            None,
            label_name="",
            title="The photographs, in grey",
            caption=caption,
        ),
        plotting.roc(
            curves,
            title="One tradition or two? Traditions that were never seen",
            caption=f"{len(unseen)} photographs; the map was learnt from others.",
            wanted=0.01,
        ),
    ]


# %%
# What comes out
# --------------
# On this page the example runs on small data, in seconds, with bounds for small data.
# ``python -m examples weaves`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
