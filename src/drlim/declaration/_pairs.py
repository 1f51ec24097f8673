"""The table of pairs: who is similar to whom, whatever the rules say."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drlim._errors import InputError
from drlim.datasets import Dataset, read_table
from drlim.graphs import SimilarityGraph, pairs


@dataclass(frozen=True)
class PairsTable:
    """The table of pairs, in row numbers.

    Attributes
    ----------
    similar, dissimilar : SimilarityGraph
    edges : ndarray of shape (n_pairs, 2)
        Each pair in the order of the table, its smaller row first.
    weight : ndarray of shape (n_pairs,) or None
    reason : ndarray of str of shape (n_pairs,) or None
    """

    similar: SimilarityGraph
    dissimilar: SimilarityGraph
    edges: np.ndarray
    weight: np.ndarray | None
    reason: np.ndarray | None

    @classmethod
    def read(cls, path: Path, data: Dataset) -> PairsTable:
        """Read a table of pairs of these samples, and check it."""
        table = read_table(path)
        for column in ("left", "right"):
            if column not in table:
                raise InputError(
                    f"{path} has no column {column!r}; a table of pairs has the columns left and "
                    f"right, and may have similar, weight and reason; it has: {', '.join(table)}"
                )
        left, right = (_rows(table[side], data, f"{path}, {side}") for side in ("left", "right"))
        similar = _bools(table.get("similar", np.ones(len(left), bool)), path)
        weight = table.get("weight")
        if weight is not None:
            numbers = weight.dtype.kind in "iuf"
            bad = ~(np.isfinite(weight) & (weight > 0)) if numbers else np.ones(len(weight), bool)
            if bad.any():
                raise InputError(
                    f"{path} has the weight {str(weight[bad][0])!r}; a weight must be a finite "
                    "number > 0: leave out a pair that should not count"
                )
        return cls(
            similar=pairs(left[similar], right[similar], len(data)),
            dissimilar=pairs(left[~similar], right[~similar], len(data)),
            edges=np.sort(np.stack([left, right], axis=1), axis=1),
            weight=weight,
            reason=table.get("reason"),
        )

    @property
    def reasons(self) -> dict[tuple[int, int], str]:
        """The reason of each pair that has one."""
        if self.reason is None:
            return {}
        return {
            (int(i), int(j)): str(reason)
            for (i, j), reason in zip(self.edges, self.reason, strict=True)
            if str(reason)
        }

    def restrict(self, rows: np.ndarray) -> PairsTable:
        """Return the pairs among some of the samples, renumbered."""
        place = np.full(self.similar.n_samples, -1)
        place[rows] = np.arange(len(rows))
        edges = place[self.edges]
        inside = (edges >= 0).all(axis=1)
        return PairsTable(
            self.similar.restrict(rows),
            self.dissimilar.restrict(rows),
            np.sort(edges[inside], axis=1),
            None if self.weight is None else self.weight[inside],
            None if self.reason is None else self.reason[inside],
        )

    def weights(self, drawn: SimilarityGraph) -> np.ndarray | None:
        """Return the weight of each of some pairs: as the table says, else 1."""
        if self.weight is None:
            return None
        n = drawn.n_samples
        drawn_keys, keys = drawn.edges @ [n, 1], self.edges @ [n, 1]
        weight = np.ones(len(drawn_keys))
        is_drawn = np.isin(keys, drawn_keys)  # not the dissimilar pairs of a table beside rules
        weight[np.searchsorted(drawn_keys, keys[is_drawn])] = self.weight[is_drawn]
        return weight


def _rows(named: np.ndarray, data: Dataset, where: str) -> np.ndarray:
    """Return the rows of samples that are given by number or by name."""
    if not len(named):
        return np.empty(0, np.int64)
    if named.dtype.kind in "iu":
        outside = (named < 0) | (named >= len(data))
        if outside.any():
            raise InputError(
                f"{where} names row {named[outside][0]}; the data has the rows 0 to {len(data) - 1}"
            )
        return named.astype(np.int64)
    if data.names is None:
        raise InputError(
            f"{where} names a sample {str(named[0])!r}, and the data has no names; give row "
            "numbers, or data with names (a folder of images)"
        )
    place = {str(name): row for row, name in enumerate(data.names)}
    unknown = [str(name) for name in named if str(name) not in place]
    if unknown:
        raise InputError(
            f"{where} names {unknown[0]!r}, and there is no such sample; "
            f"{_close(unknown[0], place)}"
        )
    return np.array([place[str(name)] for name in named], np.int64)


def _close(name: str, known: Iterable[str]) -> str:
    """Suggest a name, where there are too many to list."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "names are paths in the folder, with /"


def _bools(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype == bool:
        return values
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    read = [words.get(str(value).strip().lower()) for value in values]
    if None in read:
        raise InputError(
            f"{path} has {str(values[read.index(None)])!r} in the column similar; it must be "
            "true or false"
        )
    return np.array(read, bool)
