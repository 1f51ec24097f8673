"""
Shifted digits, by declaration
==============================

Handwritten 4s and 9s are shifted by up to six pixels, and the map ignores the shift: the paper's
figure 7. `drlim reproduce shift-invariant` builds the similarity graph by hand; here two lines of a
declaration do the same.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from drlim import plotting
from drlim.datasets import Dataset, mnist
from drlim.declaration import Declaration, Evidence, fit, prove
from drlim.evaluation.invariance import orbit_ratio
from drlim.evaluation.quality import factor_recovery, knn_accuracy, trustworthiness
from drlim.reporting import Claim
from drlim.transforms import shifted_copies

# %%
# The declaration
# ---------------
# Each digit is similar to its five nearest neighbours, to itself at every listed shift, and to the
# shifted copies of its neighbours. Copies at listed values are made once; with a ``range`` instead,
# shifts are drawn anew for each batch.

DECLARATION = """
keep = [{ neighbors = 5 }]
ignore = [{ transform = "shift", values = [-6, -3, 3, 6], weight = 2 }]

[data]
path = "digits.npz"

[held_out]
share = 0.02          # the official test digits are the ones that matter

[map]
network = "lenet"
n_dissimilar = "all"
max_epochs = 2
batch_size = 128
learning_rate = 4e-3
"""


SHIFTS = (-6, -3, 3, 6)  # pixels to the right, besides the digit itself

# Each claim, its sign, its bound at full size, and its bound on small data.
CLAIMS = (
    ("Shift of held-out copies read by 5-NN, accuracy (chance 0.2)", "<=", 0.22, 0.3),
    (
        "Orbit ratio: distance between copies of one digit over that between digits",
        "<=",
        0.07,
        0.3,
    ),
    ("Slant of held-out copies read by 20-NN regression, R²", ">=", 0.86, 0.6),
    ("Trustworthiness at 5 of the unshifted held-out digits", ">=", 0.81, 0.7),
)


# %%
# Learning and proving
# --------------------
# The file holds the unshifted digits; shifted copies are never written to disk. The held-out data
# is MNIST's own test set.


def run(
    random_state: int, *, quick: bool = False
) -> tuple[list[Claim], Evidence, list[plotting.Figure]]:
    """Learn the map, prove it on the official test digits, and test the paper's claims."""
    train, test = _digits(random_state, quick)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder, "digits.npz"), X=train.X, digit=train.factor("digit"))
        file = Path(folder, "digits.toml")
        file.write_text(DECLARATION, "utf-8")
        declaration = Declaration.read(file).with_options(map={"random_state": random_state})
        if quick:
            declaration = declaration.with_options(map={"max_epochs": 3})
        fitted = fit(declaration)
    evidence = prove(fitted.map, declaration, test, fitted.learnt)

    learnt, shifted = (shifted_copies(data, SHIFTS) for data in (fitted.learnt, test))
    Z_learnt, Z = fitted.map.transform(learnt.X), fitted.map.transform(shifted.X)
    unshifted = shifted.factor("shift") == 0
    values = [
        knn_accuracy(Z_learnt, learnt.factor("shift"), Z, shifted.factor("shift")),
        orbit_ratio(Z, shifted.factor("source")),
        _slant_recovery(learnt, Z_learnt, shifted, Z),
        trustworthiness(shifted.X[unshifted], Z[unshifted]),
    ]
    claims = [
        Claim(sentence, "the paper, figure 7", value, small if quick else bound, sign)
        for (sentence, sign, bound, small), value in zip(CLAIMS, values, strict=True)
    ]
    caption = (
        f"{len(test):,} held-out digits at five shifts each; the map was learnt from "
        f"{len(fitted.learnt):,} others and their copies."
    )
    figures = [
        plotting.scatter(
            Z, shifted.factor(name), label_name=name, title=f"By {name}", caption=caption
        )
        for name in ("shift", "digit")
    ]
    return claims, evidence, figures


def _digits(random_state: int, quick: bool) -> tuple[Dataset, Dataset]:
    """Return the 4s and 9s of the paper: 3,000 each to learn from, and the official test set."""
    rng = np.random.default_rng(random_state)
    train, test = (mnist(part, digits=(4, 9)) for part in ("train", "test"))
    per_digit, n_test = (120, 120) if quick else (3000, len(test))
    chosen = [
        rng.choice(rows, min(per_digit, len(rows)), replace=False)
        for rows in (np.flatnonzero(train.factor("digit") == digit) for digit in (4, 9))
    ]
    few = rng.choice(len(test), min(n_test, len(test)), replace=False)
    return train.subset(np.sort(np.concatenate(chosen))), test.subset(np.sort(few))


def _slant_recovery(
    learnt: Dataset, Z_learnt: np.ndarray, shifted: Dataset, Z: np.ndarray
) -> float:
    """Read the slant of copies from training copies at the same shift; the mean R² of all shifts.

    Twenty neighbours are then twenty digits, not four digits five times each.
    """
    scores = []
    for shift in (0, *SHIFTS):
        known, asked = learnt.factor("shift") == shift, shifted.factor("shift") == shift
        scores.append(
            factor_recovery(
                Z_learnt[known], _slant(learnt.X[known]), Z[asked], _slant(shifted.X[asked])
            )
        )
    return float(np.mean(scores))


def _slant(images: np.ndarray) -> np.ndarray:
    """Return the angle by which each digit leans, from its central moments: atan(-mu11 / mu20)."""
    ink = images.astype(np.float64)
    mass = ink.sum(axis=(1, 2))
    down, along = np.mgrid[: ink.shape[1], : ink.shape[2]]
    down = down - ((ink * down).sum(axis=(1, 2)) / mass)[:, None, None]
    along = along - ((ink * along).sum(axis=(1, 2)) / mass)[:, None, None]
    return np.arctan2(-(ink * down * along).sum(axis=(1, 2)), (ink * down**2).sum(axis=(1, 2)))


# %%
# What comes out
# --------------
# On this page the example runs on small data, in seconds, with bounds for small data.
# ``python -m examples shifted_digits`` runs it at full size.

if __name__ == "__main__":
    claims, evidence, figures = run(0, quick="--quick" in sys.argv)
    print(*evidence.proof.lines(), *(claim.line for claim in claims), sep="\n")
