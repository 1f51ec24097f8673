"""
Same or different: digits never seen
====================================

A map that was learnt from the digits 0 to 6 decides whether two images of 7, 8 or 9 show the same
digit. No 7, 8 or 9 took part in the training, so the map can only use what all handwriting has in
common.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from drlim import plotting
from drlim.datasets import Dataset, mnist
from drlim.declaration import Declaration, Evidence, fit, prove
from drlim.evaluation.verification import roc
from drlim.reporting import Claim

# %%
# The declaration
# ---------------
# ``unseen`` keeps values of a factor out of the training. The report gives their numbers
# separately, beside those of held-out images of the digits that were learnt.

DECLARATION = """
keep = ["digit"]
ignore = [
    { transform = "shift", range = [-2, 2], along = "both" },
    { transform = "rotation", range = [-10, 10] },
]

[data]
path = "digits.npz"

[held_out]
share = 0.2
unseen = { digit = [7, 8, 9] }

[map]
n_components = 16
network = "lenet"
n_dissimilar = 10
max_epochs = 5
batch_size = 128
learning_rate = 4e-3
"""

# Each claim, its sign, its bound at full size, and its bound on small data.
CLAIMS = (
    ("Held-out images of digits that were learnt: 5-NN accuracy", ">=", 0.9, 0.7),
    ("Digits never seen: equal error rate (chance 0.5)", "<=", 0.3, 0.45),
    ("and that, below the equal error rate of the pixels", ">=", 0.05, 0.0),
    ("and below that of the untrained network", ">=", 0.05, 0.0),
)


# %%
# Learning and proving
# --------------------


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map from seven digits, and verify the other three with it."""
    data = _digits(random_state, 60 if quick else 250)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder, "digits.npz"), X=data.X, digit=data.factor("digit"))
        file = Path(folder, "digits.toml")
        file.write_text(DECLARATION, "utf-8")
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
        name: roc(Z, unseen.factor("digit"), random_state=random_state) for name, Z in maps.items()
    }
    title = "Same or different? Digits 7 to 9 that were never seen"
    caption = f"{len(unseen)} images; the map was learnt from {len(fitted.learnt)} of others."
    return claims, evidence, [plotting.roc(curves, title=title, caption=caption, wanted=0.01)]


def _values(evidence: Evidence) -> list[float]:
    """Return the numbers of the claims, in their order."""
    seen, unseen = evidence.recognition
    error = {name: rates.equal_error.value for name, rates in unseen.verification.items()}
    return [
        seen.knn_accuracy["map"],
        error["map"],
        error["samples"] - error["map"],
        error["untrained"] - error["map"],
    ]


def _digits(random_state: int, per_digit: int) -> Dataset:
    """Return `per_digit` of MNIST's training images of each digit."""
    rng = np.random.default_rng(random_state)
    data = mnist("train")
    rows = [
        rng.choice(np.flatnonzero(data.factor("digit") == digit), per_digit, replace=False)
        for digit in range(10)
    ]
    return data.subset(np.sort(np.concatenate(rows)))


# %%
# What comes out
# --------------
# On this page the example runs on small data, in seconds, with bounds for small data.
# ``python -m examples unseen_digits`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
