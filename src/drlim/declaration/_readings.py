"""How the class of each held-out sample is read through learnt ones: confusions, mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim.evaluation._probes import as_values

N_NEIGHBORS = 5
# Mistakes that are shown, and confusions that are listed in words.
MOST_MISTAKES, MOST_CONFUSIONS = 10, 5


@dataclass(frozen=True)
class Reading:
    """The class of each held-out sample, and the class that its nearest learnt ones vote for.

    Attributes
    ----------
    factor : str
    classes : ndarray of shape (n_classes,)
        All that occur, sorted.
    rows : ndarray of shape (n,), int
        The held-out samples that were read: those of classes that were learnt.
    true, read : ndarray of shape (n,), int
        Places in `classes`.
    taken_for : ndarray of shape (n,), int
        The learnt sample nearest to each of the class that was read.
    distance, own_distance : ndarray of shape (n,)
        To that sample, and to the nearest learnt one of its own class.
    """

    factor: str
    classes: np.ndarray
    rows: np.ndarray
    true: np.ndarray
    read: np.ndarray
    taken_for: np.ndarray
    distance: np.ndarray
    own_distance: np.ndarray

    @property
    def table(self) -> np.ndarray:
        """The number of samples of each class (row) read as each class (column)."""
        counts = np.zeros((len(self.classes), len(self.classes)), int)
        np.add.at(counts, (self.true, self.read), 1)
        return counts

    @property
    def mistakes(self) -> np.ndarray:
        """The places in `rows` of what was read wrong, the surest mistake first."""
        wrong = np.flatnonzero(self.true != self.read)
        return wrong[np.argsort((self.distance - self.own_distance)[wrong], kind="stable")]

    def confusions(self) -> list[str]:
        """Return the most frequent confusions, a sentence each."""
        table, n_of = self.table, self.table.sum(axis=1)
        np.fill_diagonal(table, 0)
        order = np.argsort(-table, axis=None, kind="stable")[:MOST_CONFUSIONS]
        return [
            f"{self.classes[i]} is taken for {self.classes[j]}: {table[i, j]} of {n_of[i]}"
            for i, j in zip(*np.unravel_index(order, table.shape), strict=True)
            if table[i, j]
        ]

    def sentence(self) -> str:
        """Return how many are read rightly, in a sentence."""
        n, n_wrong = len(self.rows), len(self.mistakes)
        return (
            f"{n - n_wrong:,} of {n:,} held-out samples are read rightly by the vote of their "
            f"{N_NEIGHBORS} nearest learnt ones."
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "factor": self.factor,
            "n": len(self.rows),
            "n_wrong": len(self.mistakes),
            "classes": [str(name) for name in self.classes],
            "table": self.table.tolist(),
        }


def read_classes(
    factor: str,
    Z_learnt: np.ndarray,
    learnt: np.ndarray,
    Z: np.ndarray,
    labels: np.ndarray,
    rows: np.ndarray,
) -> Reading | None:
    """Read the class of held-out samples by the vote of the nearest learnt ones.

    Parameters
    ----------
    factor : str
    Z_learnt, learnt : ndarray of shape (n_learnt, n_components) and (n_learnt,)
        Learnt points and their classes, all known.
    Z, labels : ndarray of shape (n_samples, n_components) and (n_samples,)
        Held-out points and their classes, as comparable values.
    rows : ndarray of shape (n,), int
        The held-out samples that are read: those of learnt classes.

    Returns
    -------
    Reading or None
        None if no held-out sample is of a learnt class, or fewer were learnt than neighbours vote.
    """
    from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

    learnt, labels = as_values(learnt), as_values(labels)
    if not len(rows) or len(learnt) < N_NEIGHBORS:
        return None
    classes, codes = np.unique(learnt, return_inverse=True)
    true = np.searchsorted(classes, labels[rows])
    read = KNeighborsClassifier(N_NEIGHBORS).fit(Z_learnt, codes).predict(Z[rows])
    taken_for = np.zeros(len(rows), int)
    distance, own_distance = np.zeros(len(rows)), np.zeros(len(rows))
    for k in range(len(classes)):
        is_learnt = np.flatnonzero(codes == k)
        index = NearestNeighbors(n_neighbors=1).fit(Z_learnt[is_learnt])
        for of, found in ((read, distance), (true, own_distance)):
            some = np.flatnonzero(of == k)
            if len(some):
                far, near = index.kneighbors(Z[rows[some]])
                found[some] = far[:, 0]
                if of is read:
                    taken_for[some] = is_learnt[near[:, 0]]
    return Reading(factor, classes, rows, true, read, taken_for, distance, own_distance)
