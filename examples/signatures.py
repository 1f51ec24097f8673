"""
Same or different: signatures of writers never seen
===================================================

A folder of signatures has one sub-folder for each writer. The map is learnt from some writers; then
it decides whether two signatures of other writers come from one hand. The threshold lets one in a
hundred pairs of different hands pass, and is always chosen on other writers than it is tried on.
Faces, voices and fingerprints pose the same question.
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
# The place, the size and the slope of a signature do not matter. Beyond its edge the page
# continues, white.

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
network = { name = "convnet", width = 8, pooling = "none", start = "random" }
n_dissimilar = 20
max_epochs = 8
batch_size = 32
learning_rate = 5e-3
"""

# Each claim, its sign, its bound at full size, and its bound on small data.
CLAIMS = (
    ("Writers never seen: equal error rate (chance 0.5)", "<=", 0.15, 0.35),
    ("and that, below the equal error rate of the pixels", ">=", 0.1, 0.0),
    ("and below that of the untrained network", ">=", 0.1, 0.0),
    ("Signatures of one hand rejected at 1 % false accepts", "<=", 0.6, 0.9),
)


# %%
# Learning and proving
# --------------------


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map from some writers, and verify signatures of the others."""
    n_writers, n_unseen, n_per_writer = (18, 6, 8) if quick else (60, 20, 16)
    others = [f"writer-{k + 1:02d}" for k in range(n_writers - n_unseen, n_writers)]
    with tempfile.TemporaryDirectory() as folder:
        datasets.signatures(
            Path(folder, "signatures"),
            n_writers=n_writers,
            n_per_writer=n_per_writer,
            random_state=random_state,
        )
        file = Path(folder, "signatures.toml")
        listed = ", ".join(f'"{writer}"' for writer in others)
        file.write_text(
            DECLARATION.replace("share = 0.1", f"share = 0.1\nunseen.class = [{listed}]")
        )
        declaration = Declaration.read(file).with_options(map={"random_state": random_state})
        fitted = fit(declaration)
    if quick:  # probing an ignored transformation takes some seconds
        declaration = declaration.model_copy(update={"ignore": declaration.ignore[:1]})
    evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen)
    claims = [
        Claim(sentence, "drlim", value, small if quick else bound, sign)
        for (sentence, sign, bound, small), value in zip(CLAIMS, _values(evidence), strict=True)
    ]
    unseen = fitted.unseen
    pixels = unseen.X.reshape(len(unseen), -1)
    maps = {
        "the map": fitted.map.transform(unseen.X),
        "untrained network": fitted.map.untrained().transform(unseen.X),
        "pixels": pixels,
    }
    curves = {
        name: roc(Z, unseen.factor("class"), random_state=random_state) for name, Z in maps.items()
    }
    title = "Same or different? Writers that were never seen"
    caption = f"{len(unseen)} images; the map was learnt from {len(fitted.learnt)} of others."
    return claims, evidence, [plotting.roc(curves, title=title, caption=caption, wanted=0.01)]


def _values(evidence: Evidence) -> list[float]:
    """Return the numbers of the claims, in their order."""
    verification = evidence.recognition[1].verification
    error = {name: rates.equal_error.value for name, rates in verification.items()}
    return [
        error["map"],
        error["samples"] - error["map"],
        error["untrained"] - error["map"],
        verification["map"].false_rejects.value,
    ]


# %%
# What comes out
# --------------
# On this page the example runs on small data, in seconds, with bounds for small data.
# ``python -m examples signatures`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
