"""Copies of a dataset under a change, with what was done recorded as a factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drlim._errors import InputError
from drlim._random import RandomState, generator
from drlim.datasets import Dataset
from drlim.transforms._augment import Augment
from drlim.transforms._change import Change, change


def copies(data: Dataset, change: Change, random_state: RandomState = None) -> Dataset:
    """Return the samples themselves and a copy of each at every listed value of a change.

    Parameters
    ----------
    data : Dataset
        With the factor ``source`` if its samples are copies themselves.
    change : Change
        With listed values.
    random_state : int, numpy Generator or RandomState, optional
        For what is left to chance, such as noise.

    Returns
    -------
    Dataset
        One value after the other. The factor named `Change.name` (``shift``, or
        ``shift_vertical``) has the value, and ``source`` says from which sample each was made.

    Raises
    ------
    InputError
        If the change has no listed values, cannot be made to such samples, or its factor is
        there already.

    Examples
    --------
    >>> data = Dataset(np.ones((2, 4, 4)))
    >>> darker = copies(data, change("brightness", values=[-0.1, -0.2]))
    >>> darker.factors["brightness"].tolist(), darker.factors["source"].tolist()
    ([0.0, 0.0, -0.1, -0.1, -0.2, -0.2], [0, 1, 0, 1, 0, 1])
    """
    if not isinstance(data, Dataset) or not isinstance(change, Change):
        raise InputError(
            f"given are a {type(data).__name__} and a {type(change).__name__}; copies are made of "
            "a drlim.Dataset, by a change: copies(Dataset(X), change('shift', values=[1]))"
        )
    if change.values is None:
        raise InputError(
            f"the change {change.kind!r} has the range {change.low:g} to {change.high:g}; copies "
            "are made at listed values: give it values, such as those of `levels`"
        )
    if change.name in data.factors:
        raise InputError(
            f"the data has the factor {change.name!r} already, so what is done now cannot be "
            "recorded under that name; rename it, or make all copies at once"
        )
    n, values = len(data), np.array(change.values)
    if (values == np.rint(values)).all():
        values = values.astype(int)
    factors = {name: np.tile(known, len(values)) for name, known in data.factors.items()}
    factors.setdefault("source", np.tile(np.arange(n), len(values)))
    factors[change.name] = np.repeat(values, n)
    learnt = Augment.for_samples([change], data.X)
    mean, scale = learnt.feature_mean, learnt.feature_scale
    random = generator(random_state)
    X = np.concatenate(
        [
            change.apply(
                data.X,
                value,
                random,
                feature_mean=None if mean is None else np.array(mean),
                feature_scale=None if scale is None else np.array(scale),
            )
            for value in values
        ]
    )
    names = None if data.names is None else np.tile(data.names, len(values))
    return Dataset(X, factors, data.name, data.origin, names, data.skipped)


def shifted_copies(data: Dataset, shifts: Sequence[int]) -> Dataset:
    """Return the samples themselves and their horizontally shifted copies.

    Parameters
    ----------
    data : Dataset
        Images, with the factor ``source`` if they are copies themselves.
    shifts : sequence of int
        Pixels to the right; 0, the samples themselves, is put first if it is not named.

    Returns
    -------
    Dataset
        ``len(shifts)`` times as many samples (with 0), one shift after the other; the factor
        ``shift`` says by how much, and ``source`` from which sample each was made.

    Examples
    --------
    >>> data = Dataset(np.ones((2, 3, 3)), {"source": np.array([7, 8])})
    >>> shifted_copies(data, [1, -1]).factors["shift"].tolist()
    [0, 0, 1, 1, -1, -1]
    """
    if isinstance(shifts, str) or not all(float(by).is_integer() for by in shifts):
        raise InputError(f"shifts is {shifts!r}; they are whole pixels: for parts, see `copies`")
    return copies(data, change("shift", values=list(shifts) or [0]))
