"""What a map's file tells of the samples it was learnt from: their kept values and their points.

By the values, classes that the map never saw are told from others. Through the points, what is kept
is read of new samples as a user would read it: from samples whose values are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._random import generator
from drlim.datasets import Dataset
from drlim.declaration._resolve import Resolved
from drlim.declaration._schema import Declaration
from drlim.estimator import DrLIM
from drlim.evaluation._probes import as_values, is_known

# More values of a factor than this are not written to the map's file, nor more points.
_MOST_VALUES = 10_000
_MOST_POINTS = 10_000
# The points of a map of many components may take 4 MB.
_MOST_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Learnt:
    """Samples that a map was learnt from, as far as they are known.

    Attributes
    ----------
    points : mapping of str to ndarray of shape (n_learnt, ...)
        Their points in the map and, where the samples are at hand, in its references.
    factors : mapping of str to ndarray of shape (n_learnt,)
    """

    points: Mapping[str, np.ndarray]
    factors: Mapping[str, np.ndarray]


def learnt_values(resolved: Resolved, rows: np.ndarray) -> dict[str, list[Any]]:
    """Return the values of each kept class among the samples that are learnt from.

    Returns
    -------
    dict of str to list
        Plain data, without factors of more than 10,000 values.
    """
    found = {}
    for name in resolved.kept_classes:
        values = resolved.data.factor(name)[rows]
        values = np.unique(as_values(values[is_known(values)]))
        if len(values) <= _MOST_VALUES:
            found[name] = (values if values.dtype.kind in "iufb" else values.astype(str)).tolist()
    return found


def learnt_points(map_: DrLIM, declaration: Declaration, learnt: Dataset) -> dict[str, Any]:
    """Return the annotations with points that were learnt from, and what is known of them.

    These are the factors that are kept, and those that say which samples belong together.

    Returns
    -------
    dict of str to anything
        "learnt_points", (n_points, n_components), of at most 10,000 samples drawn at random;
        "learnt_factors", an array of numbers for each factor; "learnt_names", for each factor that
        has texts the list that its numbers are places in, from 0; -1 stands for no value.
    """
    keep = [keep.factor for keep in declaration.keep if keep.factor]
    n = min(_MOST_POINTS, max(1, _MOST_NUMBERS // map_.n_components))
    order = generator(declaration.map.random_state).permutation(len(learnt))
    some = learnt.subset(np.sort(order[:n]))
    factors, names = {}, {}
    for name in dict.fromkeys([*keep, *belonging(declaration)]):
        values = some.factor(name)
        if values.dtype.kind in "biuf" and values.dtype.itemsize <= 8:
            factors[name] = values.astype(values.dtype.newbyteorder("="))
        else:
            known = is_known(values)
            texts, codes = np.unique(values[known].astype(str), return_inverse=True)
            factors[name] = np.full(len(values), -1, np.int32)
            factors[name][known] = codes
            names[name] = texts.tolist()
    return {
        "learnt_points": np.asarray(map_.transform(some.X), np.float32),
        "learnt_factors": factors,
        "learnt_names": names,
    }


def learnt_by(map_: DrLIM) -> Learnt | None:
    """Return what a map tells of the samples it was learnt from; None if it tells nothing."""
    if "learnt_points" not in map_.annotations_:
        return None
    factors = dict(map_.annotations_["learnt_factors"])
    for name, texts in map_.annotations_["learnt_names"].items():
        known = np.array([*texts, None], object)  # -1 is the last
        factors[name] = known[factors[name]]
    return Learnt({"map": map_.annotations_["learnt_points"]}, factors)


def is_of_learnt_source(
    declaration: Declaration, data: Dataset, learnt: Learnt | None
) -> np.ndarray:
    """Return which samples are of a source or group that was learnt from, (n_samples,) of bool."""
    found = np.zeros(len(data), bool)
    if learnt is not None:
        for name in belonging(declaration):
            if name in data.factors and name in learnt.factors:
                found |= among(data.factor(name), learnt.factors[name])
    return found


def belonging(declaration: Declaration) -> list[str]:
    """Return the factors whose values belong together: the source and the group."""
    return [name for name in (declaration.data.source, declaration.data.group) if name]


def was_learnt(map_: DrLIM, factor: str, labels: np.ndarray) -> np.ndarray | None:
    """Return which samples are of a class that the map learnt from; None if it does not say."""
    values = map_.annotations_.get("learnt_values", {}).get(factor)
    return None if values is None else among(labels, np.array(values))


def among(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which labels are among some values, (n_samples,) of bool; numbers may be texts."""
    left, right = as_values(labels), as_values(values)
    if not _both_numbers(left, right):
        left, right = left.astype(str), right.astype(str)
    return np.isin(left, right)


def comparable(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two factors as they are, or both as texts where one is of numbers and one is not."""
    if _both_numbers(as_values(left), as_values(right)):
        return left, right
    return as_values(left).astype(str), as_values(right).astype(str)


def _both_numbers(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype.kind in "iufb" and right.dtype.kind in "iufb"
