"""Which samples are learnt from, and which are held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drlim._errors import InputError, nearest_name
from drlim._random import generator
from drlim._values import equals, equals_any
from drlim.datasets import Dataset
from drlim.declaration._checks import check_names
from drlim.declaration._repeats import Repeats, find_repeats
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration
from drlim.graphs import SimilarityGraph


class Parts(NamedTuple):
    """Rows that are learnt from, held out at random, and held out because of their values."""

    learnt: np.ndarray
    held_out: np.ndarray
    unseen: np.ndarray


def split(declaration: Declaration, data: Dataset) -> Parts:
    """Divide samples into those that are learnt from and those that are held out, by source.

    Samples that belong together (of one group or of one source) are never on both sides, and
    neither are samples that are identical or, as images, nearly so, unless that would leave less
    than half of the groups.

    Parameters
    ----------
    declaration : Declaration
    data : Dataset

    Returns
    -------
    learnt, held_out, unseen : ndarray of int
        Row numbers, in ascending order.

    Raises
    ------
    InputError
        If a factor or an unseen value is not in the data, or one of the sides gets no sample.

    Examples
    --------
    >>> data = Dataset(np.eye(10), {"pose": np.arange(10) % 2})
    >>> [len(rows) for rows in split(Declaration(keep=["pose"]), data)]
    [8, 2, 0]
    """
    resolved = resolve(declaration, data)
    check_names(resolved)
    return divide(resolved, find_repeats(resolved))[0]


def divide(resolved: Resolved, repeats: Repeats) -> tuple[Parts, np.ndarray | None, np.ndarray]:
    """Do what `split` does, with names that were checked.

    Return also which repeats it joined, and the groups that stay together of all samples.
    """
    declaration, data = resolved.declaration, resolved.data
    is_unseen = np.zeros(len(data), bool)
    for name, values in declaration.held_out.unseen.items():
        factor = data.factor(name)
        missing = [value for value in values if not equals(factor, value).any()]
        if missing:
            raise InputError(
                f"{declaration.where('held_out', 'unseen', name)}: no sample has {name} "
                f"{missing[0]!r}; {nearest_name(str(missing[0]), map(str, np.unique(factor)))}"
            )
        is_unseen |= equals_any(factor, values)
    rest = np.flatnonzero(~is_unseen)
    groups = np.arange(len(data)) if resolved.groups is None else resolved.groups
    kept_together, joined = groups, None
    n_groups = len(np.unique(groups[rest]))
    for repeat in (repeats.alike, repeats.identical):
        together = _joined(groups, repeat)
        # Where few features have few values each, most samples repeat others by chance.
        if 2 * len(np.unique(together[rest])) >= n_groups:
            joined = repeat
            if len(np.unique(together)) < len(np.unique(groups)):
                kept_together = together
            break
    of_group = kept_together[rest]
    sources: np.ndarray = np.unique(of_group)
    n_held_out = round(declaration.held_out.share * len(sources))
    if not 0 < n_held_out < len(sources):
        by = [name for name in (declaration.data.source, declaration.data.group) if name]
        what = f"sets of one {' or '.join(by)}" if by else "samples"
        raise InputError(
            f"{declaration.where('held_out', 'share')}: {declaration.held_out.share:g} of "
            f"{len(sources)} {what} is {n_held_out} to hold out; both sides need at least one: "
            "give more data, or another share"
        )
    rng = generator(declaration.map.random_state)
    held_out = np.isin(of_group, rng.permutation(sources)[:n_held_out])
    if joined is not None:  # what repeats an unseen sample must not be learnt from either
        repeats_unseen = np.isin(joined[rest], joined[is_unseen])
        held_out |= repeats_unseen & ~(held_out | repeats_unseen).all()
    return Parts(rest[~held_out], rest[held_out], np.flatnonzero(is_unseen)), joined, kept_together


def _joined(groups: np.ndarray, repeat: np.ndarray) -> np.ndarray:
    """Return groups of samples, joined where a sample of one repeats a sample of another."""
    first = int(groups.max(initial=0)) + 1
    edges = np.stack([groups, first + repeat], axis=1)
    return SimilarityGraph(edges, first + int(repeat.max(initial=0)) + 1).components[groups]
