"""The samples that a page shows: their points, their factors, and which were learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from drlim._errors import InputError
from drlim._values import equals_any
from drlim.datasets import Dataset
from drlim.declaration import Declaration, declaration_of
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import is_known
from drlim.declaration._learnt import learnt_by
from drlim.estimator import DrLIM

LEARNT, HELD_OUT, NEVER_SEEN, NEW = range(4)
SPLIT = ("learnt", "held out", "never seen", "new")


@dataclass(frozen=True)
class Known:
    """The samples of a page.

    Attributes
    ----------
    map_ : DrLIM or None
        None while it is being learnt.
    declaration : Declaration
        What the map was learnt from; empty if it does not say.
    points : ndarray of shape (n_samples, n_components), float32
    split : ndarray of shape (n_samples,), uint8
        The place of each sample in `split_names`.
    split_names : tuple of str
    factors : mapping of str to ndarray of shape (n_samples,)
    title : str
    data : Dataset or None
        The samples; None where the map's file alone tells of them.
    names : ndarray of str of shape (n_samples,), optional
    margin : float
    sample_shape : tuple of int
    in_one_unit : bool
        Whether all features of a sample have one unit.
    """

    map_: DrLIM | None
    declaration: Declaration
    points: np.ndarray
    split: np.ndarray
    split_names: tuple[str, ...]
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)
    title: str = "map"
    data: Dataset | None = None
    names: np.ndarray | None = None
    margin: float = 1.0
    sample_shape: tuple[int, ...] = ()
    in_one_unit: bool = True

    def __len__(self) -> int:
        return len(self.points)

    @property
    def fitted(self) -> DrLIM:
        """The map, or an error while it is being learnt."""
        if self.map_ is None:
            raise InputError("the map is being learnt; ask again when it is done")
        return self.map_

    @property
    def is_learnt(self) -> np.ndarray:
        """Which samples were learnt from, as far as it is known."""
        return self.split == LEARNT if len(self.split_names) > 1 else np.zeros(len(self), bool)

    @property
    def is_held_out(self) -> np.ndarray:
        """Which samples were not learnt from, as far as it is known."""
        return self.split > LEARNT if len(self.split_names) > 1 else np.zeros(len(self), bool)

    def held_out_rows(self, n: int) -> np.ndarray:
        """Return the rows of up to `n` samples spread over those held out, or over all."""
        rows = np.flatnonzero(self.is_held_out)
        rows = rows if len(rows) else np.arange(len(self))
        some = np.unique(np.linspace(0, len(rows) - 1, min(n, len(rows))).round().astype(int))
        return rows[some]

    @property
    def caption(self) -> str:
        """A sentence on what the points are."""
        counts = np.bincount(self.split, minlength=len(self.split_names))
        if len(self.split_names) == 1:
            what = f"{len(self):,} samples; which of them were learnt from is not known"
        else:
            words = ("learnt from", "held out", "of values never seen", "new")
            parts = [f"{n:,} {word}" for n, word in zip(counts, words, strict=True) if n]
            what = f"{len(self):,} samples: {', '.join(parts)}"
        n_components = self.points.shape[1]
        dimensions = "1 dimension" if n_components == 1 else f"{n_components} dimensions"
        return f"{what}. The map has {dimensions}; its margin is {self.margin:g}."


def known_of(map_: DrLIM, data: Dataset | None, title: str | None = None) -> Known:
    """Return what a page shows of a map.

    Parameters
    ----------
    map_ : DrLIM
    data : Dataset, optional
        The samples to show. None: the points of learnt samples that the map's file holds.
    title : str, optional
        None: the name of the data.

    Raises
    ------
    InputError
        If there is no data and the map holds no points, or the samples do not fit the map.
    """
    declaration = declaration_of(map_)
    if data is None:
        learnt = learnt_by(map_)
        if learnt is None:
            raise InputError(
                "there are no samples to show, and the map's file holds no learnt points; give "
                "the data"
            )
        points = np.asarray(learnt.points["map"], np.float32)
        split = np.full(len(points), LEARNT, np.uint8)
        names: tuple[str, ...] = SPLIT
        factors, title = learnt.factors, title or "learnt points"
    else:
        data = by_name(map_, data)
        if not len(data):
            raise InputError(f"{data.name} has no samples to show; give data with one or more")
        points = np.asarray(map_.transform(data.X), np.float32)
        split, names = _split(map_, declaration, data, points)
        factors, title = data.factors, title or data.name
    return Known(
        map_,
        declaration,
        points,
        split,
        names,
        factors,
        title,
        data,
        None if data is None else data.names,
        float(map_.margin),
        tuple(map(int, map_.sample_shape_)),
        map_.scaling_ is None or map_.scaling_.scale != "each",
    )


def _split(
    map_: DrLIM, declaration: Declaration, data: Dataset, points: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Tell which samples were learnt from, and what the others are."""
    if map_.trained_on_ is not None:
        learnt = is_known(np.asarray(data.X), map_.trained_on_)
    else:
        own = getattr(map_, "embedding_", None)
        # A map that has just been learnt knows its points, but not from which samples.
        if own is None or own.shape[1:] != points.shape[1:]:
            return np.zeros(len(data), np.uint8), ("not known",)
        learnt = _rows_among(points, np.asarray(own, np.float32))
    # Where nothing was learnt from, these are other samples than those that were held out then.
    split = np.where(learnt, LEARNT, HELD_OUT if learnt.any() else NEW).astype(np.uint8)
    for name, values in declaration.held_out.unseen.items():
        if name in data.factors:
            split[~learnt & equals_any(data.factor(name), values)] = NEVER_SEEN
    return split, SPLIT


def _rows_among(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Tell which rows are equal, to the bit, to one of some others; (n_rows,) of bool."""
    known = {row.tobytes() for row in np.ascontiguousarray(others)}
    return np.array([row.tobytes() in known for row in np.ascontiguousarray(rows)], bool)
