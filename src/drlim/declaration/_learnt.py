"""Which values of what is kept a map learnt from, so that others are known to be never seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from drlim.declaration._resolve import Resolved
from drlim.estimator import DrLIM
from drlim.evaluation._probes import as_values, is_known

# More values of a factor than this are not written to the map's file.
_MOST_VALUES = 10_000


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


def was_learnt(map_: DrLIM, factor: str, labels: np.ndarray) -> np.ndarray | None:
    """Return which samples are of a class that the map learnt from; None if it does not say."""
    values = map_.annotations_.get("learnt_values", {}).get(factor)
    return None if values is None else among(labels, np.array(values))


def among(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return which labels are among some values, (n_samples,) of bool; numbers may be texts."""
    left, right = as_values(labels), as_values(values)
    if left.dtype.kind not in "iufb" or right.dtype.kind not in "iufb":
        left, right = left.astype(str), right.astype(str)
    return np.isin(left, right)
