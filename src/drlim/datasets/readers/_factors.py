"""What is known of each sample, joined to the samples by their names or by row."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from drlim._errors import InputError, nearest_name
from drlim.datasets.readers._reader import few
from drlim.datasets.readers._tables import read_table


def join(
    own: Mapping[str, np.ndarray],
    given: str | os.PathLike[str] | Mapping[str, np.ndarray],
    by: str | None,
    names: np.ndarray | None,
    n: int,
    *,
    are_files: bool = False,
) -> dict[str, np.ndarray]:
    """Add the factors that were given, one row a sample, to those that the data came with.

    Parameters
    ----------
    own : mapping of str to ndarray of shape (n,)
    given : path or mapping of str to ndarray
        A table, CSV or Parquet, or its columns.
    by : str or None
        The column with the samples' names; None to join by row.
    names : ndarray of str of shape (n,) or None
        The samples' names.
    n : int
        How many samples there are.
    are_files : bool, default=False
        Whether the names are paths, of which a table may leave out the folder and the ending.
    """
    if isinstance(given, Mapping):
        title, table = "factors", {name: np.asarray(values) for name, values in given.items()}
        for name, values in table.items():
            if values.ndim != 1:
                raise InputError(
                    f"the factor {name!r} has the shape {values.shape}; a factor has one value a "
                    "sample"
                )
    else:
        title = str(given)
        table = read_table(Path(given), text=() if by is None else (by,))
    if by is None:
        for name, values in table.items():
            if len(values) != n:
                raise InputError(
                    f"{title} has {len(values):,} rows (of {name!r}) and there are {n:,} samples; "
                    "without `by` each sample has its row, in the same order"
                )
        rows = np.arange(n)
    else:
        if by not in table:
            raise InputError(f"{title} has no column {by!r}; {nearest_name(by, table)}")
        if names is None:
            raise InputError(
                f"by is {by!r} and the samples have no names; leave out `by` to join by row, or "
                f"give the samples a column {by!r}"
            )
        rows = _rows_of(names, table.pop(by).astype(str), title, are_files)
    joined = dict(own)
    for name, values in table.items():
        values = values[rows]
        if name in own and not _are_equal(own[name], values):
            i = int(np.argmax(own[name].astype(str) != values.astype(str)))
            raise InputError(
                f"{title} has the factor {name!r}, which the samples have already, with other "
                f"values: {values[i]} and {own[name][i]} of the sample "
                f"{i if names is None else names[i]}; rename it"
            )
        joined.setdefault(name, values)
    return joined


def check_known(factors: Mapping[str, np.ndarray], names: np.ndarray | None) -> None:
    """Raise if a value is missing: who is similar to whom cannot be said without it."""
    for name, values in factors.items():
        if values.dtype.kind == "f":
            is_missing = np.isnan(values)
        elif values.dtype.kind in "OUT":
            is_missing = np.array([v is None or v == "" or v != v for v in values], bool)
        else:
            continue
        if is_missing.any():
            i = int(is_missing.argmax())
            raise InputError(
                f"the factor {name!r} has no value in row {i} (counted from 0)"
                f"{'' if names is None else f', of the sample {names[i]}'}, "
                f"{is_missing.sum():,} in all; a factor is known of every sample: fill it in, or "
                "leave out the samples or the factor"
            )


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one == other).all() or (one.astype(str) == other.astype(str)).all())


# By name


def _file_name(name: str) -> str:
    return PurePosixPath(name).name


def _without_ending(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


# What a table may call a sample, the fullest first.
_SHORTER: tuple[Callable[[str], str], ...] = (_without_ending, _file_name, _stem)


def _rows_of(names: np.ndarray, keys: np.ndarray, title: str, are_files: bool) -> np.ndarray:
    """Return the row of the table that belongs to each sample, for all of both."""
    known = [_normal(name) for name in names.tolist()]
    callable_by = [_places(known)]
    shared = [known[places[0]] for places in callable_by[0].values() if len(places) > 1]
    if shared:
        raise InputError(
            f"more samples than one are called {few(map(repr, shared))}; to join by name each "
            "needs a name of its own"
        )
    if are_files:
        callable_by += [_places([shorter(name) for name in known]) for shorter in _SHORTER]
    row_of: dict[int, int] = {}
    strangers, twice = [], []
    for row, key in enumerate(keys.tolist()):
        fitting = next(
            (places[_normal(key)] for places in callable_by if _normal(key) in places), []
        )
        if not fitting:
            strangers.append(key)
        elif len(fitting) > 1:
            raise InputError(
                f"{title} has a row {key!r}, and so may several samples be called: "
                f"{few(names[fitting])}; write the path from the folder on"
            )
        elif fitting[0] in row_of:
            twice.append(key)
        else:
            row_of[fitting[0]] = row
    without = [name for i, name in enumerate(names.tolist()) if i not in row_of]
    for whose, rule in (
        (twice, "more than one row of {} is of the same sample: {} ({:,} in all); leave one"),
        (without, "samples without a row in {}: {} ({:,} in all); add their rows, or remove them"),
        (
            strangers,
            "rows of {} without a sample: {} ({:,} in all); remove them, or add the samples",
        ),
    ):
        if whose:
            raise InputError(rule.format(title, few(map(repr, whose)), len(whose)))
    return np.array([row_of[i] for i in range(len(names))], np.intp)


def _places(known: list[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for i, name in enumerate(known):
        places.setdefault(name, []).append(i)
    return places


def _normal(name: str) -> str:
    # One letter with an accent can be written in two ways, and macOS writes the other one.
    return unicodedata.normalize("NFC", name).removeprefix("./")
