"""Which samples are learnt from, and which are held out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drlim._errors import InputError, nearest_name
from drlim._random import generator
from drlim._values import equals, equals_any
from drlim.datasets import Dataset
from drlim.declaration._checks import check_names
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration


class Parts(NamedTuple):
    """Rows that are learnt from, held out at random, and held out because of their values."""

    learnt: np.ndarray
    held_out: np.ndarray
    unseen: np.ndarray


def split(declaration: Declaration, data: Dataset) -> Parts:
    """Divide samples into those that are learnt from and those that are held out, by source.

    Samples that belong together (of one group or of one source) are never on both sides.

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
    return divide(resolved)


def divide(resolved: Resolved) -> Parts:
    """Do what `split` does, with names that were checked."""
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
    groups = resolved.groups
    of_group = rest if groups is None else groups[rest]
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
    return Parts(rest[~held_out], rest[held_out], np.flatnonzero(is_unseen))
