"""Samples that are there more than once: identical ones, images nearly so, and their labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drlim._applying import blocks
from drlim.declaration._fingerprints import hashes
from drlim.declaration._resolve import Resolved
from drlim.evaluation._probes import as_values, is_known
from drlim.graphs import SimilarityGraph

# Two images are nearly identical if the mean square of their difference is at most this share,
# squared, of their contrast: about what saving a photograph as JPEG again changes.
_NEARLY = 0.05
# Candidates are the nearest in images reduced to _SIDE x _SIDE means, whose distance is never
# larger than that of the images; the search compares all with all.
_SIDE, _MOST_IMAGES, _N_CANDIDATES = 8, 10_000, 6
_MOST_NAMED = 3  # in a line


@dataclass(frozen=True)
class Repeats:
    """Which samples repeat others.

    Attributes
    ----------
    identical : ndarray of shape (n_samples,) of int
        Samples of the same number are identical.
    alike : ndarray of shape (n_samples,) of int
        Samples of the same number are identical or, as images, nearly so.
    contradictions : tuple of str
        A line for each kept factor in which identical samples differ.
    n_not_searched : int
        The number of images, if they are too many to look for nearly identical ones.
    """

    identical: np.ndarray
    alike: np.ndarray
    contradictions: tuple[str, ...] = ()
    n_not_searched: int = 0

    @property
    def n_identical(self) -> int:
        """Count the samples to which another is identical."""
        return _n_repeated(self.identical)

    @property
    def n_alike(self) -> int:
        """Count the further samples to which another is nearly identical."""
        return _n_repeated(self.alike) - self.n_identical

    @property
    def counts(self) -> str:
        """The words for how many there are."""
        counts = f"{self.n_identical:,} samples are identical to others"
        return counts + (f", {self.n_alike:,} more images nearly identical" if self.n_alike else "")

    def lines_of_new(self) -> Iterator[str]:
        """Give the lines for samples that are measured alone, none of which is learnt from."""
        if self.n_identical or self.n_alike:
            yield (
                f"{self.counts}; each counts as a sample of its own, so there is less evidence "
                "than the intervals say"
            )
        yield from self._others()

    def lines(self, kept_together: np.ndarray | None) -> Iterator[str]:
        """Give the lines for the user; `kept_together` is what the split kept on one side."""
        if self.n_identical or self.n_alike:
            counts = self.counts
            if kept_together is self.alike:
                yield f"{counts}; each such group is learnt from or held out as a whole"
            elif kept_together is self.identical:
                yield (
                    f"{counts}; identical ones are learnt from or held out together, nearly "
                    "identical ones are not: they would join most samples to one group"
                )
            else:
                yield (
                    f"{counts}; they were not kept on one side, as that would leave less than "
                    "half of the groups that can be held out: held-out samples that were also "
                    "learnt from prove nothing"
                )
        yield from self._others()

    def _others(self) -> Iterator[str]:
        if self.n_not_searched:
            yield (
                f"nearly identical images were not searched for: there are "
                f"{self.n_not_searched:,}, and all are compared with all up to {_MOST_IMAGES:,}"
            )
        yield from self.contradictions


def find_repeats(resolved: Resolved) -> Repeats:
    """Find identical samples, nearly identical images, and labels that contradict each other."""
    data = resolved.data
    _, first, identical = np.unique(hashes(data.X), return_index=True, return_inverse=True)
    alike, n_not_searched = identical, 0
    shape = data.X.shape[1:]
    if len(shape) in (2, 3) and min(shape[-2:]) >= _SIDE:
        if len(first) <= _MOST_IMAGES:
            edges = _nearly_identical(data.X, first)
            alike = (
                SimilarityGraph(edges, len(first)).components[identical]
                if len(edges)
                else (identical)
            )
        else:
            n_not_searched = len(first)
    return Repeats(identical, alike, tuple(_contradictions(resolved, identical)), n_not_searched)


def _n_repeated(number: np.ndarray) -> int:
    counts = np.bincount(number)
    return int(counts[counts > 1].sum())


def _nearly_identical(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the pairs of images that are nearly identical, as places in `rows`: (n_pairs, 2)."""
    if len(rows) < 2:
        return np.empty((0, 2), np.int64)
    reduced = [_reduced(block) for block in blocks(X)]
    small = np.concatenate([block for block, _ in reduced])[rows]
    contrast = np.concatenate([block for _, block in reduced])[rows]
    from sklearn.neighbors import NearestNeighbors

    k = min(_N_CANDIDATES, len(rows))
    far, near = NearestNeighbors(n_neighbors=k).fit(small).kneighbors(small)
    # Of a reduced image each number stands for as many pixels as any other.
    differing = far / math.sqrt(small.shape[1])
    left, place = np.nonzero(differing <= 1.5 * _NEARLY * contrast[:, None])
    pairs = np.unique(np.sort(np.stack([left, near[left, place]], axis=1), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    is_near = [
        np.sqrt(np.square(X[rows[i]].astype(float) - X[rows[j]]).mean())
        <= _NEARLY * min(contrast[i], contrast[j])
        for i, j in pairs
    ]
    return pairs[np.array(is_near, bool)]


def _reduced(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reduce images to _SIDE x _SIDE means of grey, and return their contrasts beside."""
    images = X.astype(np.float64)
    contrast = images.reshape(len(X), -1).std(axis=1)
    grey = images.mean(axis=1) if images.ndim == 4 else images
    for axis in (1, 2):
        edges = np.linspace(0, grey.shape[axis], _SIDE + 1).astype(int)
        widths = np.diff(edges).reshape((-1, 1) if axis == 1 else (1, -1))
        grey = np.add.reduceat(grey, edges[:-1], axis=axis) / widths
    return grey.reshape(len(X), -1), contrast


def _contradictions(resolved: Resolved, identical: np.ndarray) -> Iterator[str]:
    """Give a line for each kept factor that has several values for identical samples."""
    data = resolved.data
    again = np.bincount(identical)[identical] > 1
    for keep in resolved.declaration.keep:
        if keep.factor is None:
            continue
        values = data.factor(keep.factor)
        apart = keep.tolerance or keep.step or 0
        rows = np.flatnonzero(again & is_known(values))
        rows = rows[np.argsort(identical[rows], kind="stable")]
        found = []
        for some in np.split(rows, np.flatnonzero(np.diff(identical[rows])) + 1):
            codes = as_values(values[some])
            differing = np.flatnonzero(codes != codes[0]) if len(some) else some
            if len(differing) and keep.kind == "number":
                gap = np.abs(values[some] - values[some[0]])
                if keep.period:
                    gap = np.minimum(gap % keep.period, -gap % keep.period)
                differing = differing[gap[differing] > apart]
            if len(differing):
                found.append((some[0], some[differing[0]]))
        if found:
            named = [
                " and ".join(f"{_name(resolved, row)} ({values[row]})" for row in pair)
                for pair in sorted(found)[:_MOST_NAMED]
            ]
            more = f"; and {len(found) - len(named):,} more" if len(found) > len(named) else ""
            yield (
                f"{len(found):,} {'group' if len(found) == 1 else 'groups'} of identical samples "
                f"contradict each other in {keep.factor}: {'; '.join(named)}{more}"
            )


def _name(resolved: Resolved, row: int) -> str:
    names = resolved.data.names
    return f"sample {row}" if names is None else str(names[row])
