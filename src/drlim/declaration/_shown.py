"""What a report shows of single samples: nearest learnt ones, worst mistakes, confusions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from drlim.datasets import Dataset
from drlim.declaration._evidence import Evidence
from drlim.declaration._nearest import name_of
from drlim.declaration._neighbors_page import lines_of, near_card, shown_factors
from drlim.declaration._readings import MOST_MISTAKES, Reading
from drlim.declaration._saliency import N_CELLS, moved_by_covering, share_of_border
from drlim.declaration._schema import Declaration
from drlim.declaration._style import is_photographs
from drlim.estimator import DrLIM
from drlim.reporting._samples import Card, SampleDrawer, Strip

# Held-out samples that are shown, each with so many learnt ones.
_MOST_SHOWN, _N_NEAREST = 8, 5
_MOST_LOOKED_AT = 4
_BORDER = 1 - (N_CELLS - 2) ** 2 / N_CELLS**2
# Classes that a table of confusions has room for.
_MOST_CLASSES = 20


@dataclass(frozen=True)
class ClassesRead:
    """How one kept class is read: the table, its words, and the worst mistakes.

    Attributes
    ----------
    factor : str
    sentences : list of str
    columns : list of str
        The classes; empty if there are too many for a table.
    rows : list of (str, list of (int, float))
        Each class, and how many of its samples are read as each class, and their share.
    mistakes : list of Strip
        Pairs: the held-out sample, and the learnt one that it was taken for.
    """

    factor: str
    sentences: list[str]
    columns: list[str]
    rows: list[tuple[str, list[tuple[int, float]]]]
    mistakes: list[Strip]


def nearest_strips(evidence: Evidence, map_: DrLIM, declaration: Declaration) -> list[Strip]:
    """Return some held-out samples, each with the learnt ones nearest to it.

    These are one or more of each class in turn; none where the learnt samples are not at hand.
    """
    held_out, learnt = evidence.held_out, evidence.learnt
    if learnt is None or evidence.known is None or len(learnt) < _N_NEAREST:
        return []
    from sklearn.neighbors import NearestNeighbors

    drawer = SampleDrawer(learnt.X, learnt.feature_names)
    factors = shown_factors(declaration, learnt)
    rows = _in_turn(held_out, evidence.readings[0].factor if evidence.readings else None)
    index = NearestNeighbors(n_neighbors=_N_NEAREST).fit(evidence.known.points["map"])
    distances, near = index.kneighbors(evidence.points["map"][rows])
    strips = []
    for k, row in enumerate(rows.tolist()):
        sample = held_out.X[row]
        first = drawer.card(sample, _name(held_out, row), lines_of(held_out, row, factors))
        marks = [_mark(held_out, row, learnt, int(other), evidence.readings) for other in near[k]]
        others = tuple(
            near_card(
                drawer, learnt, int(other), distance / map_.margin, factors, sample, mark, "learnt "
            )
            for other, distance, mark in zip(near[k], distances[k], marks, strict=True)
        )
        strips.append(Strip(first, others))
    return strips


def looked_at(evidence: Evidence, map_: DrLIM) -> Strip | None:
    """Return a few held-out photographs, bright where covering a part moves their points most."""
    held_out = evidence.held_out
    if not is_photographs(held_out.X):
        return None
    drawer = SampleDrawer(held_out.X, held_out.feature_names)
    factor = evidence.readings[0].factor if evidence.readings else None
    cards, shares = [], []
    for row in _in_turn(held_out, factor)[:_MOST_LOOKED_AT].tolist():
        moved = moved_by_covering(map_, held_out.X[row])
        shares.append(share_of_border(moved))
        most = f"up to {moved.max():.2f} margins"
        card = drawer.card(held_out.X[row], _name(held_out, row), [most])
        heat = moved / (moved.max() or 1.0)
        cards.append(replace(card, heat=tuple(map(tuple, heat.tolist()))))
    if not np.isfinite(shares).all():
        return None
    sentence = (
        "Bright: where covering a part of the photograph moves its point most. "
        f"{np.mean(shares):.0%} of the movement is due to the border, which is {_BORDER:.0%} of "
        "the picture."
    )
    return Strip(cards[0], tuple(cards[1:]), sentence)


def _name(held_out: Dataset, row: int) -> str:
    """Return the name of a held-out sample; a row alone would be taken for one of all the data."""
    return f"{'' if held_out.names is not None else 'held-out '}{name_of(held_out, row)}"


def _in_turn(data: Dataset, factor: str | None) -> np.ndarray:
    """Return rows to show, one of each class before another of the same; else evenly spread."""
    n = min(_MOST_SHOWN, len(data))
    if factor is None:
        return np.linspace(0, len(data) - 1, n).astype(int)
    codes = np.unique(data.factor(factor).astype(str), return_inverse=True)[1]
    turn = np.array([np.sum(codes[:row] == codes[row]) for row in range(len(codes))])
    return np.lexsort((codes, turn))[:n]


def _mark(
    held_out: Dataset, row: int, learnt: Dataset, other: int, readings: tuple[Reading, ...]
) -> str:
    if not readings:
        return ""
    factor = readings[0].factor
    same = str(held_out.factor(factor)[row]) == str(learnt.factor(factor)[other])
    return "right" if same else "wrong"


def classes_read(evidence: Evidence, map_: DrLIM, declaration: Declaration) -> list[ClassesRead]:
    """Return how each kept class is read from the held-out samples."""
    return [
        ClassesRead(
            reading.factor,
            [reading.sentence(), *(f"{line}." for line in reading.confusions())],
            *_table(reading),
            _pairs(reading, evidence, map_, declaration),
        )
        for reading in evidence.readings
    ]


def _table(reading: Reading) -> tuple[list[str], list[tuple[str, list[tuple[int, float]]]]]:
    if len(reading.classes) > _MOST_CLASSES:
        return [], []
    table, names = reading.table, [str(name) for name in reading.classes]
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    rows = [
        (name, list(zip(counts.tolist(), share.tolist(), strict=True)))
        for name, counts, share in zip(names, table, shares, strict=True)
    ]
    return names, rows


def _pairs(
    reading: Reading, evidence: Evidence, map_: DrLIM, declaration: Declaration
) -> list[Strip]:
    """Return the worst mistakes: each held-out sample beside the learnt one it was taken for."""
    held_out, learnt = evidence.held_out, evidence.learnt
    drawer = SampleDrawer(held_out.X, held_out.feature_names)
    pairs = []
    for k in reading.mistakes[:MOST_MISTAKES].tolist():
        row, other = int(reading.rows[k]), int(reading.taken_for[k])
        sample, taken = held_out.X[row], str(reading.classes[reading.read[k]])
        distance = reading.distance[k] / map_.margin
        own = f"{reading.own_distance[k] / map_.margin:.2f} margins from its own class"
        first = drawer.card(
            sample, _name(held_out, row), [*lines_of(held_out, row, [reading.factor]), own]
        )
        if learnt is None:
            lines = (f"{reading.factor} {taken}", f"{distance:.2f} margins away")
            second = Card("a learnt sample", lines, "wrong", "")
        else:
            factors = [reading.factor]
            second = near_card(drawer, learnt, other, distance, factors, sample, "wrong", "learnt ")
        pairs.append(Strip(first, (second,)))
    return pairs
