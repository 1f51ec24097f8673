"""The sets, and what each asks of a map: what is kept and ignored, and which samples are held out.

Sets of ``DRLIM_DATA`` are used where they are there; the others come with packages. Every method
learns from the same samples: those that `drlim.declaration.split` gives for the declaration.
"""

from __future__ import annotations

import csv
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from drlim import declaration
from drlim.datasets import Dataset
from drlim.declaration import Declaration


class MissingError(Exception):
    """A set is not there; the message says what to do."""


@dataclass(frozen=True)
class Problem:
    """One set and what a map of it is for.

    Attributes
    ----------
    data : Dataset
    keep : str
        The factor to keep.
    kind : {"class", "number", "ring"}
        How the kept factor is read from the points; a ring has a period of 360.
    rule : mapping
        What a declaration says of the kept factor beside its name, such as its step.
    ignore, source, group : str, optional
        Factors, as in a declaration.
    unseen : mapping of str to values
    share : float
        The share of the sources, groups or samples that is held out.
    different_units : bool
        Whether the features have different units, so that methods without a unit of their own
        get z-scores.
    large : bool
        Whether only the seconds and the reading are of interest.
    """

    data: Dataset
    keep: str
    kind: str = "class"
    rule: Mapping[str, Any] = field(default_factory=dict)
    ignore: str | None = None
    source: str | None = None
    group: str | None = None
    unseen: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    share: float = 0.2
    different_units: bool = False
    large: bool = False

    def declared(self, split: int, **map_: Any) -> Declaration:
        """Return the declaration of a user who sets nothing else."""
        places = {"source": self.source, "group": self.group}
        return Declaration(
            data={name: factor for name, factor in places.items() if factor},
            keep=[{"factor": self.keep, **self.rule}],
            ignore=[self.ignore] if self.ignore else [],
            held_out={"share": self.share, "unseen": self.unseen},
            map={"random_state": split, **map_},
        )


@dataclass(frozen=True)
class Fold:
    """The samples of one split: learnt from, held out, and of values never seen."""

    problem: Problem
    split: int
    rows: tuple[np.ndarray, np.ndarray, np.ndarray]
    learnt: Dataset
    held_out: Dataset
    unseen: Dataset

    @classmethod
    def of(cls, problem: Problem, split: int) -> Fold:
        parts = declaration.split(problem.declared(split), problem.data)
        unseen = parts.unseen
        if problem.source:  # a thing that was learnt under another condition is not new
            source = problem.data.factor(problem.source)
            unseen = unseen[~np.isin(source[unseen], source[parts.learnt])]
        rows = (parts.learnt, parts.held_out, unseen)
        return cls(problem, split, rows, *map(problem.data.subset, rows))

    @property
    def parts(self) -> tuple[Dataset, Dataset, Dataset]:
        return self.learnt, self.held_out, self.unseen

    def kept(self, part: Dataset) -> np.ndarray:
        return part.factor(self.problem.keep)


def folder() -> Path:
    """Return the folder of the real sets; it need not be there."""
    return Path(os.environ.get("DRLIM_DATA", "data"), "real")


def _there(name: str) -> Path:
    path = folder() / name
    if not path.exists():
        raise MissingError(f"{path} is not there; set DRLIM_DATA to the folder with real/{name}")
    return path


@functools.cache
def _arrays(name: str) -> Dataset:
    with np.load(_there(name)) as file:
        X = file["X"]
        factors = {key: file[key] for key in file.files if file[key].shape == X.shape[:1]}
    return Dataset(X, factors, name=name)


@functools.cache
def _table(name: str) -> dict[str, np.ndarray]:
    """Return the columns of the table of some images, numbers as numbers."""
    with _there(f"{name}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
    return {
        key: values.astype(int) if np.char.isdigit(values).all() else values
        for key, values in columns.items()
    }


@functools.cache
def _photographs(name: str) -> Dataset:
    """Return images of one size, (n, height, width) or (n, 3, height, width) of bytes."""
    folder, factors = _there(name), dict(_table(name))
    files = factors.pop("file")
    X = np.stack([np.asarray(Image.open(folder / file)) for file in files])
    return Dataset(X if X.ndim == 3 else X.transpose(0, 3, 1, 2), factors, name=name, names=files)


def _chosen(data: Dataset, factor: str, n: int, split: int) -> dict[str, tuple[Any, ...]]:
    """Choose values of a factor, others in each split, whose samples are all held out."""
    values = np.random.default_rng(split).permutation(np.unique(data.factor(factor)))[:n]
    return {factor: tuple(values.tolist())}


def olive(split: int) -> Problem:
    """Infrared spectra of olive oils: the country, whatever the session."""
    data = _arrays("olive_ftir.npz")
    return Problem(data, "country", ignore="session", source="sample")


def umist(split: int) -> Problem:
    """Faces from profile to front: the person; five people never seen."""
    data = _photographs("umist")
    return Problem(data, "person", unseen=_chosen(data, "person", 5, split))


def digits(split: int) -> Problem:
    """The 1,797 digits of scikit-learn, 64 features each."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return Problem(Dataset(X, {"digit": y}, name="digits"), "digit")


def breast_cancer(split: int) -> Problem:
    """The table of scikit-learn: 30 features in several units."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    data = Dataset(X, {"diagnosis": y}, name="breast cancer")
    return Problem(data, "diagnosis", different_units=True)


def wine(split: int) -> Problem:
    """The table of scikit-learn: 13 features in several units."""
    from sklearn.datasets import load_wine

    X, y = load_wine(return_X_y=True)
    return Problem(Dataset(X, {"cultivar": y}, name="wine"), "cultivar", different_units=True)


SETS: Mapping[str, Callable[[int], Problem]] = {
    "olive": olive,
    "umist": umist,
    "breast_cancer": breast_cancer,
    "wine": wine,
    "digits": digits,
}
# Small enough for a run that only shows that everything works.
QUICK = ("wine",)
