"""Distances of pairs of labelled points: of all pairs, or of a random part that fits in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from drlim._errors import InputError

# For each kind, same and different. A rate r of this many pairs has a standard error of
# sqrt(r (1 - r) / 200,000): 0.0002 for 1 %.
MOST_PAIRS = 200_000
# Pairs whose distances are computed at a time.
_BLOCK = 65_536


@dataclass(frozen=True)
class PairDistances:
    """Pairs of samples: which two, how far apart they are, and whether they are of one class.

    Attributes
    ----------
    left, right : ndarray of shape (n_pairs,), integer
    distance : ndarray of shape (n_pairs,)
    same : ndarray of shape (n_pairs,) of bool
    """

    left: np.ndarray
    right: np.ndarray
    distance: np.ndarray
    same: np.ndarray

    def renumbered(self, part: np.ndarray) -> PairDistances:
        """Number the samples as in the whole, of which these are the rows `part`."""
        return replace(self, left=part[self.left], right=part[self.right])

    def beyond(self, threshold: float) -> PairDistances:
        """Measure distances from a threshold on."""
        return replace(self, distance=self.distance - threshold)

    @staticmethod
    def concatenated(parts: Sequence[PairDistances]) -> PairDistances:
        """Concatenate the pairs of several parts."""
        return PairDistances(
            *(
                np.concatenate([getattr(pairs, name) for pairs in parts])
                for name in ("left", "right", "distance", "same")
            )
        )


def pair_distances(
    rows: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    sources: np.ndarray | None = None,
    most: int = MOST_PAIRS,
) -> PairDistances:
    """Return all pairs of one class and all of two, or `most` of either drawn at random.

    They are drawn with replacement, each pair with the same probability. Pairs of one class that
    are of one source are left out.
    """
    code = np.unique(labels, return_inverse=True)[1]
    same, different = _same_pairs(code, most, rng), _different_pairs(code, most, rng)
    if sources is not None:
        same = same[sources[same[:, 0]] != sources[same[:, 1]]]
    if not len(same) or not len(different):
        raise InputError(
            f"{len(rows)} points have {len(same)} pairs of one class and {len(different)} of two; "
            "both are needed: give more points of each class"
        )
    left, right = np.concatenate([same, different]).T
    distance = np.empty(len(left))
    for start in range(0, len(left), _BLOCK):
        block = slice(start, start + _BLOCK)
        distance[block] = np.linalg.norm(
            rows[left[block]].astype(np.float64) - rows[right[block]], axis=1
        )
    return PairDistances(left, right, distance, np.arange(len(left)) < len(same))


def _same_pairs(code: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    order, counts = np.argsort(code, kind="stable"), np.bincount(code)
    first = np.cumsum(counts) - counts
    n_pairs = counts * (counts - 1) // 2
    if n_pairs.sum() <= most:
        places = [
            np.stack(np.triu_indices(n, 1), axis=1) + at
            for n, at in zip(counts, first, strict=True)
        ]
        return order[np.concatenate(places)]
    drawn = rng.choice(len(counts), size=most, p=n_pairs / n_pairs.sum())
    left = rng.integers(counts[drawn])
    right = (left + rng.integers(1, counts[drawn])) % counts[drawn]  # any but itself
    return order[np.stack([left, right], axis=1) + first[drawn, None]]


def _different_pairs(code: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    n, counts = len(code), np.bincount(code)
    # All pairs are listed only where those of one class, which are then dropped, are not many more.
    if (n**2 - (counts**2).sum()) // 2 <= most and n * (n - 1) // 2 <= 10 * most:
        every = np.stack(np.triu_indices(n, 1), axis=1)
        return every[code[every[:, 0]] != code[every[:, 1]]]
    order, first = np.argsort(code, kind="stable"), np.cumsum(counts) - counts
    # A sample as often as it has partners in other classes, then any of these partners.
    partners = (n - counts)[code]
    left = rng.choice(n, size=most, p=partners / partners.sum())
    left_code = code[left]
    place = rng.integers(n - counts[left_code])
    place += np.where(place >= first[left_code], counts[left_code], 0)
    return np.stack([left, order[place]], axis=1)
