"""How unusual new samples are to a map: what is as far from all learnt samples is foreign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._random import generator
from drlim.datasets import Dataset
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import is_known
from drlim.declaration._nearest import name_of
from drlim.declaration._schema import Declaration
from drlim.estimator import DrLIM
from drlim.evaluation.novelty import FOREIGN_SHARE, Novelty, nearest_distances

# Held-out samples whose distances a map's file holds; of more, as many are drawn at random.
_MOST_DISTANCES = 1000
# Samples that are named line by line; of more, those that are foreign are.
_MOST_LINES = 10


def held_out_distances(
    map_: DrLIM, declaration: Declaration, points: np.ndarray, held_out: Dataset
) -> list[float]:
    """Return the distances of held-out samples to the nearest of some learnt points, sorted."""
    if not len(held_out):
        return []
    order = generator(declaration.map.random_state).permutation(len(held_out))
    some = held_out.X[np.sort(order[:_MOST_DISTANCES])]
    return np.sort(nearest_distances(points, map_.transform(some))[0]).tolist()


def novelty_of(map_: DrLIM) -> Novelty | None:
    """Return the distances that a map judges new samples by; None if its file does not hold any."""
    distances = map_.annotations_.get("held_out_distances")
    return None if not distances or "learnt_points" not in map_.annotations_ else Novelty(distances)


@dataclass(frozen=True)
class Unusual:
    """How far samples are from what a map learnt from, against held-out samples.

    Attributes
    ----------
    names : list of str
    distances : ndarray of shape (n_samples,)
        To the nearest learnt sample.
    judged : ndarray of shape (n_samples,), str
        "known", "foreign", "perhaps foreign" (see `drlim.evaluation.novelty`), or "learnt from".
    novelty : Novelty
    margin : float
        Of the map.
    """

    names: list[str]
    distances: np.ndarray
    judged: np.ndarray
    novelty: Novelty
    margin: float

    def line(self, k: int) -> str:
        """Return the sentence on the k-th sample, without its name."""
        if self.judged[k] == "learnt from":
            return "the map learnt from it"
        n = self.novelty.n
        nearer = int(self.novelty.n_nearer(self.distances[k]))
        far = f"{self.distances[k] / self.margin:.2f} margins from the nearest learnt sample"
        if nearer == n:
            beyond = f"farther than each of {n:,} held-out samples"
        else:
            beyond = f"farther than {nearer / n:.0%} of {n:,} held-out samples"
        opening = {"foreign": "FOREIGN: ", "perhaps foreign": "perhaps foreign: "}
        return f"{opening.get(str(self.judged[k]), '')}{far}, {beyond}"

    @property
    def n_foreign(self) -> int:
        """The number of samples that are foreign."""
        return int((self.judged == "foreign").sum())

    @property
    def share_foreign(self) -> float:
        """The share of samples that are foreign, of those that were not learnt from."""
        return self.n_foreign / max(int((self.judged != "learnt from").sum()), 1)

    def lines(self) -> list[str]:
        """Return it as lines for the user: each sample, or of many the foreign ones alone."""
        if len(self.names) > _MOST_LINES:
            lines = self.foreign_lines()
        else:
            lines = [f"{name}: {self.line(k)}" for k, name in enumerate(self.names)]
        return [*lines, *([self.summary()] if len(self.names) > 1 else [])]

    def foreign_lines(self) -> list[str]:
        """Return a line for each sample that is foreign or perhaps is, the farthest first."""
        rows = np.flatnonzero(np.isin(self.judged, ("foreign", "perhaps foreign")))
        rows = rows[np.argsort(-self.distances[rows], kind="stable")][:_MOST_LINES]
        return [f"{self.names[k]}: {self.line(k)}" for k in rows.tolist()]

    def summary(self) -> str:
        """Return in a sentence how many are foreign."""
        new = self.judged != "learnt from"
        n_new, perhaps = int(new.sum()), int((self.judged == "perhaps foreign").sum())
        if not n_new:
            return "The map learnt from all of them."
        if not self.novelty.can_show:
            return (
                f"With {self.novelty.n:,} held-out samples, none can be called foreign: that needs "
                f"99. {perhaps:,} of {n_new:,} new samples lie farther from what was learnt than "
                "each of them."
            )
        expected = FOREIGN_SHARE * n_new
        return (
            f"{self.n_foreign:,} of {n_new:,} new samples are foreign: farther from what was "
            f"learnt than 99 % of {self.novelty.n:,} held-out samples. Of as many held-out "
            f"samples, about {expected:.2g} would be."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "n_held_out": self.novelty.n,
            "quantiles": self.novelty.quantiles(),
            "n": len(self.names),
            "n_foreign": self.n_foreign,
            "n_perhaps_foreign": int((self.judged == "perhaps foreign").sum()),
            "n_learnt_from": int((self.judged == "learnt from").sum()),
            "foreign": [self.names[k] for k in np.flatnonzero(self.judged == "foreign")[:100]],
        }


NOT_KNOWN = (
    "How unusual the samples are is not known: the map's file, of an earlier version of drlim, "
    "does not hold the distances of held-out samples."
)


def how_unusual(map_: DrLIM, data: Dataset) -> Unusual | None:
    """Compare samples' distances to what a map learnt from with those of held-out samples.

    Parameters
    ----------
    map_ : DrLIM
        Learnt from a declaration.
    data : Dataset

    Returns
    -------
    Unusual or None
        None if the map does not tell the distances of held-out samples, as those of earlier
        versions do not.

    Examples
    --------
    >>> from drlim.declaration import fit
    >>> rng = np.random.default_rng(0)
    >>> pose = rng.integers(0, 3, 900)
    >>> X = np.eye(3)[pose] + rng.normal(scale=0.1, size=(900, 3))
    >>> declaration = Declaration(keep=["pose"], map={"max_epochs": 3, "network": "linear"})
    >>> map_ = fit(declaration, Dataset(X, {"pose": pose})).map
    >>> how_unusual(map_, Dataset(np.array([[1.05, 0.02, 0.01], [9, 9, 0]]))).judged.tolist()
    ['known', 'foreign']
    """
    if novelty_of(map_) is None:
        return None
    data = by_name(map_, data)
    return judged_by_points(map_, data, map_.transform(data.X))


def judged_by_points(map_: DrLIM, data: Dataset, Z: np.ndarray) -> Unusual | None:
    """Compare samples whose points are known; see `how_unusual`."""
    novelty = novelty_of(map_)
    if novelty is None:
        return None
    distances, _ = nearest_distances(map_.annotations_["learnt_points"], Z)
    judged = novelty.judge(distances)
    if map_.trained_on_ is not None:
        judged[is_known(data.X, map_.trained_on_)] = "learnt from"
    names = [name_of(data, row) for row in range(len(data))]
    return Unusual(names, distances, judged, novelty, map_.margin)
