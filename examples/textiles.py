"""
Provenance of textiles
======================

Photographs of textiles of a few weaving traditions, some thirty of each. Photographs of one
tradition should come near one another whatever the dyes, the light, the drape and the pose, and
so should those of a tradition that nobody had when the map was learnt. Any folder of images with
one sub-folder a class can stand in place of this one, which is made by code so that colour tells
nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from drlim import baselines, plotting
from drlim.datasets import Dataset, read, weaves
from drlim.declaration import Declaration, Evidence, Fitted, fit, prove
from drlim.evaluation.retention import Retention, retention
from drlim.experiments._run import Claim

# %%
# The declaration
# ---------------
# The sub-folder of a photograph is its ``class``. Grey takes the dyes' colours away, and drawn
# brightness and contrast what is left of them; two traditions are kept out of the training.

DECLARATION = """
keep = ["class"]
ignore = [
    { transform = "brightness", range = [-0.3, 0.3] },
    { transform = "contrast", range = [0.5, 2] },
    { transform = "rotation", range = [-30, 30] },
    { transform = "scale", range = [0.8, 1.25] },
]

[data]
path = "photographs"
colour = "grey"

[held_out]
share = 0.25
unseen = { class = ["tradition-11", "tradition-12"] }

[map]
n_components = 64
network = { name = "convnet", width = 16 }
n_dissimilar = 10
max_epochs = 12
batch_size = 16
learning_rate = 1e-2
"""


# %%
# Learning and proving
# --------------------


def run(seed: int, *, quick: bool = False) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on held-out photographs and traditions, and test the claims."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "textiles.toml")
        file.write_text(DECLARATION, "utf-8")
        photographs = weaves(
            Path(folder, "photographs"),
            n_per_class=10 if quick else 30,
            seed=seed,
            size=32 if quick else 64,
        )
        declaration = Declaration.read(file).with_options(map={"random_state": seed})
        if quick:
            declaration = declaration.with_options(
                map={"network": {"name": "convnet", "width": 8, "depth": 2}}
            )
        fitted = fit(declaration)
        in_colour = read(photographs, colour="colour")
    if quick:  # each ignored transformation is tried by probes for some seconds
        declaration = declaration.model_copy(update={"ignore": declaration.ignore[:1]})
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen)
    held_out, unseen = evidence.recognition
    colours = _colours(fitted, in_colour)
    bounds = (0.2, 0.0, 0.0, 0.15, 0.0) if quick else (0.5, 0.3, 0.3, 0.4, 0.05)
    claims = [
        Claim(sentence, "drlim", value, bound, sign)
        for sentence, value, sign, bound in zip(
            (
                "Colour tells nothing: low end of the interval of its 5-NN balanced accuracy",
                "Held-out photographs: 5-NN accuracy (chance 0.1)",
                "and that, above PCA of the pixels",
                "and above the untrained network",
                "Retrieval of held-out photographs, mean average precision",
                "Traditions never seen: retrieval above the untrained network's",
            ),
            (
                colours.low,
                held_out.knn_accuracy["map"],
                held_out.knn_accuracy["map"] - held_out.knn_accuracy["pca"],
                held_out.knn_accuracy["map"] - held_out.knn_accuracy["untrained"],
                held_out.mean_average_precision["map"],
                unseen.mean_average_precision["map"] - unseen.mean_average_precision["untrained"],
            ),
            ("<=", ">=", ">=", ">=", ">=", ">="),
            (colours.chance, *bounds),
            strict=True,
        )
    ]
    shown = fitted.held_out
    flat = baselines.fitted_pca(evidence.points["map"], n_components=2, random_state=seed)
    Z = flat(evidence.points["map"])
    caption = (
        f"{len(shown)} held-out photographs; the map was learnt from {len(fitted.learnt)} others. "
        f"Two principal directions of {fitted.map.n_components}."
    )
    figures = [
        plotting.coloured(
            Z, shown.factor("class"), value_name="class", title="By tradition", caption=caption
        ),
        plotting.thumbnails(
            Z, shown.X, None, label_name="", title="The photographs", caption=caption
        ),
    ]
    return claims, evidence, figures


def _colours(fitted: Fitted, in_colour: Dataset) -> Retention:
    """Measure how well the class is told by the histogram of colours alone."""
    place = {name: row for row, name in enumerate(in_colour.names)}
    shares, labels = [], []
    for part in (fitted.learnt, fitted.held_out):
        rows = [place[name] for name in part.names]
        shares.append(baselines.colour_histograms(in_colour.X[rows]))
        labels.append(part.factor("class"))
    return retention(shares[0], labels[0], shares[1], labels[1], kind="class", random_state=0)


# %%
# What comes out
# --------------
# On this page the example is run small, so that it is drawn in seconds, and its bounds are those
# of the small one. ``python -m examples textiles`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
