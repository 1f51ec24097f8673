"""
Provenance of textiles
======================

A museum has a few hundred photographs of textiles, of known weaving traditions. Where was a cloth
woven that has just come in, perhaps in a tradition that the museum has little of? Two commands
answer: one learns a map of the photographs on top of a pretrained network, one shows the known
photographs nearest to the new one. Here the photographs are made by code, so that this page can be
built anywhere and colour carries no information; any folder of photographs with one sub-folder for
each tradition can take their place.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from drlim import baselines, networks, plotting
from drlim.datasets import weaves
from drlim.declaration import Declaration, Evidence, Fitted, fit, prove
from drlim.evaluation.retention import Retention, retention
from drlim.evaluation.verification import roc
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# The sub-folder of a photograph is its ``class``. The features of the pretrained network are
# computed once and kept on disk; only a new head on them is learnt, in seconds. Eight traditions
# are kept out of the training.

DECLARATION = """
keep = ["class"]

[data]
path = "photographs"
colour = "colour"
size = [96, 96]

[held_out]
share = 0.25
unseen.class = [
    "tradition-13", "tradition-14", "tradition-15", "tradition-16",
    "tradition-17", "tradition-18", "tradition-19", "tradition-20",
]

[map]
network = { pretrained = "efficientnet-lite0" }
"""

# Each claim, its sign, its bound at full size, and its bound on small data. "Beside" is by how much
# the map is better. The features are compared by their cosine, also after shrinkage LDA.
CLAIMS = (
    ("Colour tells nothing: low end of the interval of its 5-NN accuracy", "<=", 1 / 12, 1 / 6),
    ("Held-out photographs: 5-NN accuracy (chance 0.08)", ">=", 0.7, 0.4),
    ("Held-out photographs: retrieval, mean average precision", ">=", 0.7, 0.4),
    ("and that, beside the cosine of the features", ">=", 0.05, -0.1),
    ("and beside LDA of the features", ">=", -0.05, -0.3),
    ("Held-out photographs: equal error rate (chance 0.5)", "<=", 0.2, 0.45),
    ("Traditions never seen: retrieval, mean average precision", ">=", 0.7, 0.4),
    ("and that, beside the cosine of the features", ">=", 0.0, -0.2),
    ("Traditions never seen: equal error rate (chance 0.5)", "<=", 0.2, 0.45),
    ("and that, beside the cosine of the features", ">=", 0.02, -0.2),
    ("and beside LDA of the features", ">=", -0.05, -0.2),
)


# %%
# Learning and proving
# --------------------
# ``drlim fit textiles.toml`` does the same, and writes the map and a report.


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on held-out photographs and traditions, and test the claims."""
    n_classes, n_unseen = (10, 4) if quick else (20, 8)
    others = ", ".join(f'"tradition-{k + 1:02d}"' for k in range(n_classes - n_unseen, n_classes))
    with tempfile.TemporaryDirectory() as folder:
        weaves(
            Path(folder, "photographs"),
            n_classes=n_classes,
            n_per_class=8 if quick else 16,
            random_state=random_state,
            size=64 if quick else 96,
        )
        file = Path(folder, "textiles.toml")
        before, after = DECLARATION.split("unseen.class = [")
        text = f"{before}unseen.class = [{others}{after[after.index(']') :]}"
        file.write_text(text, "utf-8")
        declaration = Declaration.read(file).with_options(map={"random_state": random_state})
        fitted = fit(declaration)
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
    precision, new_precision = held_out.mean_average_precision, unseen.mean_average_precision
    error = {name: each.equal_error.value for name, each in unseen.verification.items()}
    return [
        _colours(fitted).low,
        held_out.knn_accuracy["map"],
        precision["map"],
        precision["map"] - precision["features"],
        precision["map"] - precision["features-lda"],
        held_out.verification["map"].equal_error.value,
        new_precision["map"],
        new_precision["map"] - new_precision["features"],
        error["map"],
        error["features"] - error["map"],
        error["features-lda"] - error["map"],
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
    features = networks.features(fitted.map.network_, unseen.X)
    maps = {
        "the map": fitted.map.transform(unseen.X),
        "cosine of the features": features / np.linalg.norm(features, axis=1, keepdims=True),
        "pixels": unseen.X.reshape(len(unseen), -1),
    }
    curves = {
        name: roc(Z, unseen.factor("class"), random_state=random_state) for name, Z in maps.items()
    }
    return [
        plotting.coloured(
            Z, shown.factor("class"), value_name="class", title="By tradition", caption=caption
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
# ``python -m examples textiles`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
