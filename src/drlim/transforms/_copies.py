"""Copies of a dataset under a change, with the strength recorded as a factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
        With the factor ``source`` if its samples are already copies.
    change : Change
        With listed values.
    random_state : int, numpy Generator or RandomState, optional
        Draws what is random in the change, such as noise.

    Returns
    -------
    Dataset
        The samples at one value after the other. The factor called `Change.name` (``shift`` or
        ``shift_vertical``, say) holds the value, and ``source`` the sample that each is made from.

    Raises
    ------
    InputError
        If the change has no listed values, cannot be applied to such samples, or the dataset
        already has its factor.

    Examples
    --------
    >>> data = Dataset(np.ones((2, 4, 4)))
    >>> darker = copies(data, change("brightness", values=[-0.1, -0.2]))
    >>> darker.factors["brightness"].tolist(), darker.factors["source"].tolist()
    ([0.0, 0.0, -0.1, -0.1, -0.2, -0.2], [0, 1, 0, 1, 0, 1])
    """
    if not isinstance(data, Dataset) or not isinstance(change, Change):
        raise InputError(
            f"data is a {type(data).__name__} and change is a {type(change).__name__}; give a "
            "drlim.Dataset and a change: copies(Dataset(X), change('shift', values=[1]))"
        )
    if change.values is None:
        raise InputError(
            f"the change {change.kind!r} has the range {change.low:g} to {change.high:g}, and "
            "copies need listed values; give it values, such as those of `levels`"
        )
    if change.name in data.factors:
        raise InputError(
            f"the data already has the factor {change.name!r}, under which the values would be "
            "recorded; rename it, or make all copies at once"
        )
    n, values = len(data), np.array(change.values)
    if (values == np.rint(values)).all():  # whole pixels, say, are recorded as integers
        values = values.astype(int)
    factors = {name: np.tile(known, len(values)) for name, known in data.factors.items()}
    factors.setdefault("source", np.tile(np.arange(n), len(values)))
    factors[change.name] = np.repeat(values, n)
    augment = Augment.for_samples([change], data.X)
    mean, scale = augment.feature_mean, augment.feature_scale
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
    return replace(data, X=X, factors=factors, names=names)


def shifted_copies(data: Dataset, shifts: Sequence[int]) -> Dataset:
    """Return the samples themselves and their horizontally shifted copies.

    Parameters
    ----------
    data : Dataset
        Images, with the factor ``source`` if they are already copies.
    shifts : sequence of int
        Pixels to the right; 0, the samples themselves, is put first if it is not listed.

    Returns
    -------
    Dataset
        ``len(shifts)`` times as many samples (with 0), one shift after the other. The factor
        ``shift`` holds the shift, and ``source`` the sample that each is made from.

    Raises
    ------
    InputError
        If a shift is not a whole number, or `copies` refuses the data.

    Examples
    --------
    >>> data = Dataset(np.ones((2, 3, 3)), {"source": np.array([7, 8])})
    >>> shifted_copies(data, [1, -1]).factors["shift"].tolist()
    [0, 0, 1, 1, -1, -1]
    """
    if isinstance(shifts, str) or not all(float(by).is_integer() for by in shifts):
        raise InputError(
            f"shifts is {shifts!r}; give whole pixels, or use `copies` for parts of a pixel"
        )
    return copies(data, change("shift", values=list(shifts) or [0]))
