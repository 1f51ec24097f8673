"""Whether style tells a kept class: the background and the light of photographs, without the thing.

A class is read from two simple descriptions of a photograph, as it is read from the map: from its
borders alone, and from its mean colour and the deviation alone. Where these tell the class, a map
may have learnt the studio and not the thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._applying import blocks
from drlim.datasets import Dataset
from drlim.declaration._learnt import comparable
from drlim.declaration._measured import Measured
from drlim.evaluation._probes import is_known
from drlim.evaluation._words import Answer
from drlim.evaluation.proof import ENOUGH, FAILS, HOLDS, NOT_DECIDED, TOLERANCE, Kept, measure_kept

# The photograph is divided into so many cells on a side; those at its edge are the borders.
_CELLS = 8
_WORDS = {
    "borders": "the borders of the photographs alone",
    "tone": "their mean colour and its deviation alone",
}


@dataclass(frozen=True)
class Style:
    """How well a kept class is read from the style of photographs, beside the map.

    Attributes
    ----------
    factor : str
    kept : Kept
        What is read from "borders" and "tone", and from "map" in the same way.
    """

    factor: str
    kept: Kept

    @property
    def verdict(self) -> str:
        """The result: "holds" if neither tells the class, "fails" if one tells as much as the map.

        That is `ENOUGH` of what the map tells above chance, as for a reference in a proof.
        """
        if not self.kept.retention:
            return NOT_DECIDED
        ours = self.kept.better("map")
        verdict = HOLDS
        for name in _WORDS:
            read = self.kept.better(name)
            if read.low > read.chance + TOLERANCE * (1 - read.chance):
                as_much = read.value - read.chance >= ENOUGH * (ours.value - ours.chance)
                verdict = FAILS if as_much or verdict == FAILS else NOT_DECIDED
        return verdict

    @property
    def answer(self) -> Answer:
        """The question, and its answer in words."""
        question = f"Do the background and the light tell {self.factor}?"
        if not self.kept.retention:
            return Answer(question, f"Not decided: {self.kept.reason}.", "", self.verdict)
        read = " and ".join(
            f"from {words} {self.kept.better(name).value:.2f}" for name, words in _WORDS.items()
        )
        ours = self.kept.better("map")
        opening = {HOLDS: "No", FAILS: "Yes"}.get(self.verdict, "Partly")
        rest = {
            HOLDS: "",
            FAILS: "; that is about as much as the map tells, which may have learnt them: try it "
            "on photographs with another background",
            NOT_DECIDED: "; the map may use it, or the thing reaches to the borders",
        }[self.verdict]
        return Answer(
            question,
            f"{opening}: {read} of the held-out samples are read rightly; from the map "
            f"{ours.value:.2f}, by guessing {ours.chance:.2f}{rest}.",
            "",
            self.verdict,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "factor": self.factor,
            "verdict": self.verdict,
            "sentence": str(self.answer),
            "read": {name: self.kept.better(name).as_json() for name in self.kept.retention},
        }


def styles(measured: Measured, learnt: Dataset | None) -> Iterator[Style]:
    """Measure how well each kept class is read from the style of photographs.

    Parameters
    ----------
    measured : Measured
    learnt : Dataset, optional
        The samples that were learnt from, through which held-out ones are read. None: these are
        read from each other.
    """
    if not is_photographs(measured.data.X):
        return
    groups = measured.resolved.groups
    points = {**style_of(measured.data.X), "map": measured.points["map"]}
    trained = None
    if learnt is not None and measured.learnt is not None:
        trained = {**style_of(learnt.X), "map": measured.learnt.points["map"]}
    for factor in measured.resolved.kept_classes:
        values, train, factor_train = measured.data.factor(factor), None, None
        rows = np.ones(len(values), bool)
        if trained is not None and learnt is not None:
            some = is_known(learnt.factor(factor))
            values, factor_train = comparable(values, learnt.factor(factor)[some])
            train = {name: Z[some] for name, Z in trained.items()}
            rows = ~measured.is_shared
        if not rows.any():
            continue
        kept = measure_kept(
            factor,
            {name: Z[rows] for name, Z in points.items()},
            values[rows],
            train=train,
            factor_train=factor_train,
            kind="class",
            groups=None if groups is None else groups[rows],
            random_state=measured.seed,
        )
        yield Style(factor, kept)


def is_photographs(X: np.ndarray) -> bool:
    """Tell whether samples are images that have borders."""
    return X.ndim in (3, 4) and min(X.shape[-2:]) >= 2 * _CELLS and (X.ndim == 3 or X.shape[1] <= 4)


def style_of(X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the borders and the tone of photographs.

    Parameters
    ----------
    X : ndarray of shape (n, height, width) or (n, channels, height, width)

    Returns
    -------
    dict
        "borders", (n, 56 * channels): the mean and the deviation of each channel in each of the 28
        cells at the edge of 8 x 8; "tone", (n, 2 * channels): those of the whole.

    Examples
    --------
    >>> style = style_of(np.zeros((5, 3, 32, 40)))
    >>> style["borders"].shape, style["tone"].shape
    ((5, 168), (5, 6))
    """
    borders, tone = [], []
    for block in blocks(X):
        images = block.astype(np.float32)
        images = images[:, None] if images.ndim == 3 else images
        tone.append(_moments(images))
        edges = [
            np.linspace(0, length, _CELLS + 1).round().astype(int) for length in images.shape[2:]
        ]
        cells = [
            _moments(images[:, :, a:b, c:d])
            for i, (a, b) in enumerate(zip(edges[0][:-1], edges[0][1:], strict=True))
            for j, (c, d) in enumerate(zip(edges[1][:-1], edges[1][1:], strict=True))
            if i in (0, _CELLS - 1) or j in (0, _CELLS - 1)
        ]
        borders.append(np.concatenate(cells, axis=1))
    return {"borders": np.concatenate(borders), "tone": np.concatenate(tone)}


def _moments(images: np.ndarray) -> np.ndarray:
    """Return the mean and the deviation of each channel, (n, 2 * channels)."""
    return np.concatenate([images.mean(axis=(2, 3)), images.std(axis=(2, 3))], axis=1)
