"""
Same or different: signatures of writers never seen
===================================================

A folder of signatures, one sub-folder a writer. The map is learnt from some writers; then it is
asked of two signatures of others whether one hand wrote both. The threshold is chosen so that
one in a hundred pairs of different hands would pass, always on other writers than it is tried on.
Faces, voices and fingerprints are the same question.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from drlim import datasets, plotting
from drlim.declaration import Declaration, Evidence, fit, prove
from drlim.evaluation.verification import roc
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# Where on the page someone signs, how large and how much aslant, does not matter; beyond its edge
# the page goes on, white.

DECLARATION = """
keep = ["class"]
ignore = [
    { transform = "shift", range = [-4, 4], along = "both" },
    { transform = "rotation", range = [-10, 10] },
    { transform = "scale", range = [0.85, 1.18] },
]

[data]
path = "signatures"
size = [32, 64]
outside = "edge"

[held_out]
share = 0.1

[map]
n_components = 32
network = { name = "convnet", width = 8, pooling = "none" }
n_dissimilar = 20
max_epochs = 8
batch_size = 32
learning_rate = 5e-3
"""


# %%
# Learning and proving
# --------------------


def run(seed: int, *, quick: bool = False) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map from some writers, and verify the others with it."""
    n_writers, n_unseen, n_per_writer = (18, 6, 8) if quick else (60, 20, 16)
    others = [f"writer-{k + 1:02d}" for k in range(n_writers - n_unseen, n_writers)]
    with tempfile.TemporaryDirectory() as folder:
        datasets.signatures(
            Path(folder, "signatures"),
            n_writers=n_writers,
            n_per_writer=n_per_writer,
            random_state=seed,
        )
        file = Path(folder, "signatures.toml")
        listed = ", ".join(f'"{writer}"' for writer in others)
        file.write_text(
            DECLARATION.replace("share = 0.1", f"share = 0.1\nunseen.class = [{listed}]")
        )
        declaration = Declaration.read(file).with_options(map={"random_state": seed})
        fitted = fit(declaration)
    if quick:  # each ignored transformation is tried by probes for some seconds
        declaration = declaration.model_copy(update={"ignore": declaration.ignore[:1]})
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen)
    told = evidence.recognition[1].verification
    error, rejects = told["map"].equal_error, told["map"].false_rejects
    bounds = (0.35, 0.0, 0.0, 0.9) if quick else (0.15, 0.1, 0.1, 0.6)
    claims = [
        Claim(sentence, "drlim", value, bound, sign)
        for sentence, value, sign, bound in zip(
            (
                "Writers never seen: equal error rate (chance 0.5)",
                "and that, below the equal error rate of the pixels",
                "and below that of the untrained network",
                "Signatures of one hand rejected at 1 % false accepts",
            ),
            (
                error.value,
                told["samples"].equal_error.value - error.value,
                told["untrained"].equal_error.value - error.value,
                rejects.value,
            ),
            ("<=", ">=", ">=", "<="),
            bounds,
            strict=True,
        )
    ]
    unseen = fitted.unseen
    pixels = unseen.X.reshape(len(unseen), -1)
    maps = {
        "the map": fitted.map.transform(unseen.X),
        "untrained network": fitted.map.untrained().transform(unseen.X),
        "pixels": pixels,
    }
    curves = {name: roc(Z, unseen.factor("class"), random_state=seed) for name, Z in maps.items()}
    title = "Same or different? Writers that were never seen"
    caption = f"{len(unseen)} images; the map was learnt from {len(fitted.learnt)} of others."
    return claims, evidence, [plotting.roc(curves, title=title, caption=caption, wanted=0.01)]


# %%
# What comes out
# --------------
# On this page the example is run small, so that it is drawn in seconds, and its bounds are those
# of the small one. ``python -m examples signatures`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
