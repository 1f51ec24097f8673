"""Features by name: a map that knows the names of its features takes them in any order."""

from __future__ import annotations

from dataclasses import replace

from drlim._errors import DataWarning, InputError, warn
from drlim.datasets import Dataset
from drlim.estimator import DrLIM


def names_known_by(map_: DrLIM | None) -> list[str] | None:
    """Return the names of the features that a map was learnt from; None if it knows none."""
    names = getattr(map_, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def by_name(map_: DrLIM, data: Dataset) -> Dataset:
    """Return samples with the features that a map was learnt from, in its order.

    Where the map or the data has no names, features are taken by position.

    Raises
    ------
    InputError
        If the data lacks one of them.

    Warns
    -----
    DataWarning
        If the data has further features, which are left out.
    """
    names = names_known_by(map_)
    if not names or not data.feature_names or names == list(data.feature_names):
        return data
    missing = [name for name in names if name not in data.feature_names]
    if missing:
        raise InputError(
            f"the map was learnt from {len(names)} features, and {data.name} lacks "
            f"{_listed(missing)}; it has {_listed(list(data.feature_names))}"
        )
    new = [name for name in data.feature_names if name not in names]
    if new:
        warn(
            f"{data.name}: the features {_listed(new)} were left out: the map was not learnt from "
            "them",
            DataWarning,
        )
    column_of = {name: j for j, name in enumerate(data.feature_names)}
    left_out = tuple(f"{name}: the map was not learnt from it" for name in new)
    return replace(
        data,
        X=data.X[:, [column_of[name] for name in names]],
        feature_names=tuple(names),
        left_out=(*data.left_out, *left_out),
    )


def _listed(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
