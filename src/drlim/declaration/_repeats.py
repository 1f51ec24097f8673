"""Samples that are there more than once: identical ones, copies of images, and their labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drlim._applying import blocks
from drlim.declaration._fingerprints import hashes
from drlim.declaration._photographs import (
    MOST_FOR_CROPS,
    can_be_compared,
    copies_of_photographs,
)
from drlim.declaration._resolve import Resolved
from drlim.declaration._schema import Keep
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
        Samples of the same number are identical or, as images, nearly so: the same photograph
        saved again, resized, lit or coloured otherwise, or cropped.
    contradictions : tuple of str
        A line for each kept factor in which such samples differ.
    not_joined : tuple of str
        A line for each kind of copies that was not looked for, or that count as different.
    examples : str
        The names of a few that are nearly identical.
    """

    identical: np.ndarray
    alike: np.ndarray
    contradictions: tuple[str, ...] = ()
    not_joined: tuple[str, ...] = ()
    examples: str = ""

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
        if not self.n_alike:
            return counts
        if self.n_identical:
            return f"{counts}, {self.n_alike:,} more images nearly identical ({self.examples})"
        return f"{self.n_alike:,} images are nearly identical to others ({self.examples})"

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
        yield from self.not_joined
        yield from self.contradictions


def find_repeats(resolved: Resolved) -> Repeats:
    """Find identical samples, nearly identical images, and labels that contradict each other."""
    data = resolved.data
    _, first, identical = np.unique(hashes(data.X), return_index=True, return_inverse=True)
    contradictions = list(_contradictions(resolved, identical, "identical samples"))
    shape = data.X.shape[1:]
    if len(shape) not in (2, 3) or min(shape[-2:]) < _SIDE or len(first) < 2:
        return Repeats(identical, identical, tuple(contradictions))
    if len(first) > _MOST_IMAGES:
        line = (
            f"nearly identical images were not searched for: there are {len(first):,}, and all are "
            f"compared with all up to {_MOST_IMAGES:,}"
        )
        return Repeats(identical, identical, tuple(contradictions), (line,))
    edges = _nearly_identical(data.X, first)
    not_joined = []
    if can_be_compared(shape):
        copies = copies_of_photographs(data.X, first, _kinds(resolved)[first])
        both = np.concatenate([edges, copies])
        if 2 * (SimilarityGraph(both, len(first)).components.max() + 1) >= len(first):
            edges = both
        else:
            not_joined.append(
                "most images look like the same photograph as another "
                f"({_few(resolved, first[copies])}), as views of one thing do: they count as "
                "different; if they are not, name what they share as data.group"
            )
        if len(first) > MOST_FOR_CROPS:
            not_joined.append(
                f"crops of the same photograph were not searched for: there are {len(first):,} "
                f"images, and crops of all are compared with all up to {MOST_FOR_CROPS:,}"
            )
    if not len(edges):
        return Repeats(identical, identical, tuple(contradictions), tuple(not_joined))
    alike = SimilarityGraph(edges, len(first)).components[identical]
    others = _contradictions(resolved, alike, "nearly identical images", apart=identical)
    return Repeats(
        identical,
        alike,
        (*contradictions, *others),
        tuple(not_joined),
        _few(resolved, first[edges]),
    )


def _kinds(resolved: Resolved) -> np.ndarray:
    """Number the combinations of the numbers that are kept and the factors that are ignored.

    Images that differ in these are not the same photograph: else two views of one turntable, or
    one scene in two lights, would be.
    """
    kept = [keep.factor for keep in resolved.declaration.keep if keep.kind == "number"]
    kinds = np.zeros(len(resolved.data), np.int64)
    for name in {*resolved.ignored_factors.values(), *(name for name in kept if name)}:
        code = np.unique(as_values(resolved.data.factor(name)), return_inverse=True)[1]
        kinds = np.unique(kinds * (code.max() + 1) + code, return_inverse=True)[1]
    return kinds


def _few(resolved: Resolved, pairs: np.ndarray) -> str:
    """Name the first few of pairs of rows."""
    named = [
        " and ".join(_name(resolved, row) for row in pair)
        for pair in np.unique(np.sort(pairs, axis=1), axis=0)[:_MOST_NAMED]
    ]
    return "; ".join(named) + (" ..." if len(pairs) > len(named) else "")


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


def _contradictions(
    resolved: Resolved, repeat: np.ndarray, what: str, apart: np.ndarray | None = None
) -> Iterator[str]:
    """Give a line for each kept factor that has several values for samples that repeat.

    Those that differ among samples of one number in `apart` are found there, and left out.
    """
    again = np.bincount(repeat)[repeat] > 1
    for keep in resolved.declaration.keep:
        if keep.factor is None:
            continue
        found = sorted(_contradicting(resolved, keep, repeat, again))
        if apart is not None:
            found = [pair for pair in found if apart[pair[0]] != apart[pair[1]]]
        if found:
            values = resolved.data.factor(keep.factor)
            named = [
                " and ".join(f"{_name(resolved, row)} ({values[row]})" for row in pair)
                for pair in found[:_MOST_NAMED]
            ]
            more = f"; and {len(found) - len(named):,} more" if len(found) > len(named) else ""
            yield (
                f"{len(found):,} {'group' if len(found) == 1 else 'groups'} of {what} "
                f"contradict each other in {keep.factor}: {'; '.join(named)}{more}"
            )


def _contradicting(
    resolved: Resolved, keep: Keep, repeat: np.ndarray, again: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Give two rows of each group of repeats that has several values of a kept factor."""
    values = resolved.data.factor(str(keep.factor))
    tolerated = keep.tolerance or keep.step or 0
    rows = np.flatnonzero(again & is_known(values))
    rows = rows[np.argsort(repeat[rows], kind="stable")]
    for some in np.split(rows, np.flatnonzero(np.diff(repeat[rows])) + 1):
        codes = as_values(values[some])
        differing = np.flatnonzero(codes != codes[0]) if len(some) else some
        if len(differing) and keep.kind == "number":
            numbers = values[some].astype(np.float64)
            gap = np.abs(numbers - numbers[0])
            if keep.period:
                gap = np.minimum(gap % keep.period, -gap % keep.period)
            differing = differing[gap[differing] > tolerated]
        if len(differing):
            yield int(some[0]), int(some[differing[0]])


def _name(resolved: Resolved, row: int) -> str:
    names = resolved.data.names
    return f"sample {row}" if names is None else str(names[row])
