"""Pairs of labelled points and their distances: all of them, or as many as memory should hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from drlim._errors import InputError

MOST_PAIRS = 200_000
_BLOCK = 65_536


@dataclass(frozen=True)
class Pairs:
    """Pairs of samples: which two, how far apart, and whether they are of one class."""

    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray
    same: np.ndarray

    def of(self, part: np.ndarray) -> Pairs:
        """Number the samples as in the whole of which these are a part."""
        return replace(self, left=part[self.left], right=part[self.right])

    def beyond(self, threshold: float) -> Pairs:
        """Measure distances from a threshold on."""
        return replace(self, distance=self.distance - threshold)

    @staticmethod
    def together(several: Sequence[Pairs]) -> Pairs:
        """Put pairs of several parts together."""
        return Pairs(
            *(
                np.concatenate([getattr(pairs, name) for pairs in several])
                for name in ("left", "right", "distance", "same")
            )
        )


def draw_pairs(
    rows: np.ndarray, labels: np.ndarray, rng: np.random.Generator, most: int = MOST_PAIRS
) -> Pairs:
    """Return all pairs of one class and of two, or `most` of either drawn at random.

    Never more distances are computed at a time than a block. What is drawn is drawn with
    replacement, each pair with the same probability.
    """
    code = np.unique(labels, return_inverse=True)[1]
    same, different = _of_one_class(code, most, rng), _of_two(code, most, rng)
    if not len(same) or not len(different):
        raise InputError(
            f"of {len(rows)} points there are {len(same)} pairs of one class and "
            f"{len(different)} of two; both are needed, so give more points of each class"
        )
    left, right = np.concatenate([same, different]).T
    distance = np.empty(len(left))
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        distance[block] = np.linalg.norm(
            rows[left[block]].astype(np.float64) - rows[right[block]], axis=1
        )
    return Pairs(left, right, distance, np.arange(len(left)) < len(same))


def _of_one_class(code: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    order, counts = np.argsort(code, kind="stable"), np.bincount(code)
    first = np.cumsum(counts) - counts
    n_pairs = counts * (counts - 1) // 2
    if n_pairs.sum() <= most:
        places = [
            np.stack(np.triu_indices(n, 1), axis=1) + at
            for n, at in zip(counts, first, strict=True)
        ]
        return np.asarray(order[np.concatenate(places)])
    drawn = rng.choice(len(counts), size=most, p=n_pairs / n_pairs.sum())
    left = rng.integers(counts[drawn])
    right = (left + rng.integers(1, counts[drawn])) % counts[drawn]  # any but itself
    return np.asarray(order[np.stack([left, right], axis=1) + first[drawn, None]])


def _of_two(code: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    n, counts = len(code), np.bincount(code)
    if (n**2 - (counts**2).sum()) // 2 <= most and n * (n - 1) // 2 <= 10 * most:
        every = np.stack(np.triu_indices(n, 1), axis=1)
        return np.asarray(every[code[every[:, 0]] != code[every[:, 1]]])
    order, first = np.argsort(code, kind="stable"), np.cumsum(counts) - counts
    # A sample as often as it has partners in other classes, then any of these partners.
    partners = (n - counts)[code]
    left = rng.choice(n, size=most, p=partners / partners.sum())
    of_left = code[left]
    place = rng.integers(n - counts[of_left])
    place += np.where(place >= first[of_left], counts[of_left], 0)
    return np.stack([left, order[place]], axis=1)
