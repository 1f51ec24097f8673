"""Which samples are learnt from, and which are held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drlim._errors import InputError, nearest_name
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.declaration._schema import Declaration
from drlim.graphs import SimilarityGraph


class Parts(NamedTuple):
    """Rows that are learnt from, held out at random, and held out for their values."""

    learnt: np.ndarray
    held_out: np.ndarray
    unseen: np.ndarray


def split(declaration: Declaration, data: Dataset) -> Parts:
    """Divide samples into those that are learnt from and those that are not, by source.

    What belongs together (a group, a source, else a sample) is never on both sides.
    """
    is_unseen = np.zeros(len(data), bool)
    for name, values in declaration.held_out.unseen.items():
        factor = data.factor(name)
        missing = [value for value in values if value not in factor.tolist()]
        if missing:
            raise InputError(
                f"{declaration.where('held_out', 'unseen', name)}: no sample has {name} "
                f"{missing[0]!r}; {nearest_name(str(missing[0]), map(str, np.unique(factor)))}"
            )
        is_unseen |= np.isin(factor, list(values))
    rest = np.flatnonzero(~is_unseen)
    groups = together(declaration, data)
    of_group = rest if groups is None else groups[rest]
    sources: np.ndarray = np.unique(of_group)
    n_held_out = round(declaration.held_out.share * len(sources))
    if not 0 < n_held_out < len(sources):
        by = [name for name in (declaration.data.source, declaration.data.group) if name]
        what = f"sets of one {' or '.join(by)}" if by else "samples"
        raise InputError(
            f"{declaration.where('held_out', 'share')}: {declaration.held_out.share:g} of "
            f"{len(sources)} {what} is {n_held_out} to hold out; both sides must get at "
            "least one: give more data, or another share"
        )
    rng = generator(declaration.map.random_state)
    held_out = np.isin(of_group, rng.permutation(sources)[:n_held_out])
    return Parts(rest[~held_out], rest[held_out], np.flatnonzero(is_unseen))


def together(declaration: Declaration, data: Dataset) -> np.ndarray | None:
    """Return which samples must stay together, numbered: of one source or of one group.

    None if neither is declared. Where the samples of one source are in two groups, these stay
    together too.
    """
    names = [name for name in (declaration.data.source, declaration.data.group) if name]
    if not names:
        return None
    codes = [np.unique(data.factor(name), return_inverse=True)[1] for name in names]
    first, last = codes[0], codes[-1] + (codes[0].max() + 1) * (len(names) - 1)
    joined = SimilarityGraph.from_edges(np.stack([first, last], axis=1), int(last.max()) + 1)
    return np.asarray(joined.components[first])
