"""The known samples nearest to others in a map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drlim._deprecated import renamed_arguments
from drlim._errors import InputError, nearest_name
from drlim.datasets import Dataset
from drlim.declaration._features import by_name
from drlim.estimator import DrLIM


@dataclass(frozen=True)
class Neighbor:
    """A known sample and its distance to another in the map.

    Attributes
    ----------
    sample, neighbor : str
        The names of the two, or row numbers where they have none.
    distance : float
    """

    sample: str
    neighbor: str
    distance: float


@renamed_arguments(asked="query")
def nearest(map_: DrLIM, known: Dataset, query: Dataset | str, n: int = 5) -> list[Neighbor]:
    """Find the known samples nearest to other samples in the map, the nearest first.

    Parameters
    ----------
    map_ : DrLIM
    known : Dataset
        The samples to search.
    query : Dataset or str
        Samples, or the name or row of a known one, which is not its own neighbour.
    n : int, default=5
        How many to find for each.

    Returns
    -------
    list of Neighbor

    Raises
    ------
    InputError
        If there are fewer than `n` known samples, or none of that name.

    Examples
    --------
    >>> known = Dataset(np.arange(12.0).reshape(6, 2))
    >>> map_ = DrLIM(n_neighbors=1, max_epochs=1, random_state=0).fit(known.X)
    >>> [found.sample for found in nearest(map_, known, "0", 2)]
    ['0', '0']
    """
    return find_nearest(map_, known, query, n).neighbors()


@dataclass(frozen=True)
class Found:
    """The known samples nearest to others.

    Attributes
    ----------
    known, query : Dataset
        With the features of the map.
    rows : ndarray of shape (n_query, n), int
        Which known samples are nearest to each, the nearest first.
    distances : ndarray of shape (n_query, n)
        In the map.
    points : ndarray of shape (n_query, n_components)
        The points of the samples that were looked for.
    """

    known: Dataset
    query: Dataset
    rows: np.ndarray
    distances: np.ndarray
    points: np.ndarray

    def neighbors(self) -> list[Neighbor]:
        """Return them by their names, those of each sample together."""
        return [
            Neighbor(name_of(self.query, k), name_of(self.known, row), float(distance))
            for k in range(len(self.query))
            for row, distance in zip(self.rows[k], self.distances[k], strict=True)
        ]


def find_nearest(map_: DrLIM, known: Dataset, query: Dataset | str, n: int) -> Found:
    """Find the known samples nearest to others; see `nearest`."""
    itself = None
    known = by_name(map_, known)
    if isinstance(query, Dataset):
        query = by_name(map_, query)
    if isinstance(query, str):
        itself = row_of(known, query)
        query = replace(known.subset([itself]), names=np.array([name_of(known, itself)]))
    if not 1 <= n <= len(known) - (itself is not None):
        raise InputError(
            f"n is {n} and there are {len(known)} known samples to choose from; give another n "
            "(-n), or more samples"
        )
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors().fit(map_.transform(known.X))
    points, extra = np.asarray(map_.transform(query.X)), int(itself is not None)
    distances, rows = index.kneighbors(points, n_neighbors=n + extra)
    if itself is not None:  # of samples at one point, it need not be the first
        is_other = rows[0] != itself
        rows, distances = rows[:, is_other][:, :n], distances[:, is_other][:, :n]
    return Found(known, query, rows, distances, points)


def is_sample(data: Dataset, name: str) -> bool:
    """Tell whether a text is the name of a sample, or else its row number."""
    return _row_or_none(data, name) is not None


def _row_or_none(data: Dataset, name: str) -> int | None:
    if data.names is not None:
        found = np.flatnonzero(data.names == name)
        if len(found):
            return int(found[0])
    # Digits only: int() takes signs, spaces and underscores too, and refuses such digits as \u00b2.
    if name.isascii() and name.isdecimal() and int(name) < len(data):
        return int(name)
    return None


def row_of(data: Dataset, name: str) -> int:
    """Return the row of a sample that is given by its name or its row number."""
    row = _row_or_none(data, name)
    if row is not None:
        return row
    known = map(str, data.names) if data.names is not None and len(data) <= 50 else ()
    raise InputError(
        f"{name!r} is neither a sample nor a file; give a name, or a row from 0 to "
        f"{len(data) - 1}" + (f"; {nearest_name(name, known)}" if known else "")
    )


def name_of(data: Dataset, row: int) -> str:
    """Return the name of a sample, or its row number where it has none."""
    return str(row if data.names is None else data.names[row])
