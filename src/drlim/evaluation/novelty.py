"""How unusual a new sample is: how far from all learnt ones, against held-out samples.

Held-out samples are what the map was made for and did not see, so their distances to the nearest
learnt sample say how far a sample of the same kind may lie. Of n held-out samples, a further one
of their kind lies beyond all of them with the probability 1 / (n + 1) (conformal prediction; Vovk,
Gammerman & Shafer 2005): fewer than 99 cannot show that a sample is among the farthest 1 in 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from drlim._checks import as_array, as_rows
from drlim._errors import InputError

__all__ = ["FOREIGN_SHARE", "Novelty", "nearest_distances"]

# A sample is foreign if at most this share of samples like the held-out ones lies as far.
FOREIGN_SHARE = 0.01


def nearest_distances(Z_learnt: Any, Z: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each point to the nearest learnt one, and which that is.

    Parameters
    ----------
    Z_learnt : array-like of shape (n_learnt, n_components)
    Z : array-like of shape (n_samples, n_components)

    Returns
    -------
    distances : ndarray of shape (n_samples,)
    rows : ndarray of shape (n_samples,), int

    Raises
    ------
    InputError
        If the points are not finite, or differ in their number of components.

    Examples
    --------
    >>> distances, rows = nearest_distances([[0.0], [4.0]], [[1.0], [9.0]])
    >>> distances.tolist(), rows.tolist()
    ([1.0, 5.0], [0, 1])
    """
    learnt, points = as_rows(Z_learnt, "Z_learnt"), as_rows(Z, "Z")
    if learnt.shape[1] != points.shape[1]:
        raise InputError(
            f"Z_learnt has {learnt.shape[1]} components and Z has {points.shape[1]}; give points "
            "of one map"
        )
    distances, rows = NearestNeighbors(n_neighbors=1).fit(learnt).kneighbors(points)
    return distances[:, 0], rows[:, 0]


@dataclass(frozen=True)
class Novelty:
    """The distances of held-out samples to their nearest learnt ones, by which others are judged.

    Attributes
    ----------
    distances : sequence of float
        In any order; one for each held-out sample.

    Raises
    ------
    InputError
        If there are none.

    Examples
    --------
    >>> novelty = Novelty(np.linspace(0, 1, 199))
    >>> novelty.share_beyond([0.5, 2.0]).tolist()
    [0.505, 0.005]
    >>> novelty.judge([0.5, 2.0]).tolist()
    ['known', 'foreign']
    >>> Novelty([0.1, 0.2]).judge([0.5]).tolist()
    ['perhaps foreign']
    """

    distances: Sequence[float] | np.ndarray

    def __post_init__(self) -> None:
        distances = as_array(self.distances, "distances").astype(np.float64)
        if distances.ndim != 1 or not len(distances) or not np.isfinite(distances).all():
            raise InputError(
                f"distances has the shape {distances.shape}; give the finite distance of each "
                "held-out sample, (n,), at least one"
            )
        object.__setattr__(self, "distances", np.sort(distances))  # the dataclass is frozen

    @property
    def n(self) -> int:
        """The number of held-out samples."""
        return len(self.distances)

    @property
    def can_show(self) -> bool:
        """Whether there are enough held-out samples to call one foreign."""
        return 1 / (self.n + 1) <= FOREIGN_SHARE

    def n_nearer(self, distances: Any) -> np.ndarray:
        """Return how many held-out samples are nearer to a learnt one than each distance."""
        return np.searchsorted(self.distances, as_array(distances, "distances"), side="left")

    def share_beyond(self, distances: Any) -> np.ndarray:
        """Return the share of samples like the held-out ones that lie as far, or farther.

        Parameters
        ----------
        distances : array-like of shape (n_samples,)

        Returns
        -------
        ndarray of shape (n_samples,)
            At least 1 / (n + 1).
        """
        return (1 + self.n - self.n_nearer(distances)) / (self.n + 1)

    def judge(self, distances: Any) -> np.ndarray:
        """Return "known", "foreign" or "perhaps foreign" for each distance.

        "perhaps foreign" are samples that lie farther than every held-out one, where these are
        fewer than 99.
        """
        shares = self.share_beyond(distances)
        judged = np.where(shares <= FOREIGN_SHARE, "foreign", "known").astype("<U15")
        if not self.can_show:
            judged[self.n_nearer(distances) == self.n] = "perhaps foreign"
        return judged

    def quantiles(self) -> dict[str, float]:
        """Return the quartiles of the distances, their 90 % and their 99 % quantile."""
        shares = {"25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "90 %": 0.9, "99 %": 0.99}
        return {name: float(np.quantile(self.distances, q)) for name, q in shares.items()}
