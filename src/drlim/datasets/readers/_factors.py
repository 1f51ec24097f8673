"""Factors from a table, joined to the samples by their names or by row."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError, nearest_name
from drlim.datasets.readers._dialect import AS_SHOWN, TableForm
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
    form: TableForm = AS_SHOWN,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Add the factors of a table, one row per sample, to those that the data holds itself.

    Parameters
    ----------
    own : mapping of str to ndarray of shape (n,)
    given : path or mapping of str to ndarray
        A table, CSV or Parquet, or its columns.
    by : str or None
        The column with the samples' names. None: by row.
    names : ndarray of str of shape (n,) or None
        The samples' names.
    n : int
        The number of samples.
    are_files : bool, default=False
        Whether the names are paths, whose folder and ending the table may leave out.
    form : TableForm, optional
        How a CSV file is written, where the file does not show it.
    say : callable, optional
        Called with a line for what is left out or doubtful. None: a warning.
    """
    if isinstance(given, Mapping):
        title, table = (
            "factors",
            {name: as_array(values, f"the factor {name!r}") for name, values in given.items()},
        )
        for name, values in table.items():
            if values.ndim != 1:
                raise InputError(
                    f"the factor {name!r} has the shape {values.shape}; a factor has one value "
                    "per sample"
                )
    else:
        title = str(given)
        text = () if by is None else (by,)
        table = read_table(Path(given), text=text, form=form, say=say)
        if by is None and names is not None:
            by = _naming_column(table, names, are_files)
            if by is not None and say is not None:
                say(f"{title}: its column {by!r} names the samples, and its rows are joined by it")
    if by is None:
        for name, values in table.items():
            if len(values) != n:
                raise InputError(
                    f"{title} has {len(values):,} rows (in {name!r}) and there are {n:,} samples; "
                    "without `by`, give one row per sample, in the same order"
                )
        rows = np.arange(n)
    else:
        if by not in table:
            raise InputError(
                f"{title} has no column {by!r}; {nearest_name(by, table)}", argument="by"
            )
        if names is None:
            raise InputError(
                f"by is {by!r} and the samples have no names; leave out `by` to join by row, or "
                f"give the samples a column {by!r}",
                argument="by",
            )
        rows = _rows_of(names, table.pop(by).astype(str), title, are_files)
    joined = dict(own)
    for name, values in table.items():
        values = values[rows]
        if name in own and not _are_equal(own[name], values):
            i = int(np.argmax(own[name].astype(str) != values.astype(str)))
            raise InputError(
                f"{title} has the factor {name!r}, which the samples already have with other "
                f"values: {values[i]} and {own[name][i]} for the sample "
                f"{i if names is None else names[i]}; rename it"
            )
        joined.setdefault(name, values)
    return joined


# What programs write for a value that is not known: R, pandas, numpy and Python.
_UNKNOWN = ("", "NA", "N/A", "n/a", "NaN", "nan", "None", "null", "NULL", "<NA>", "NaT")


def unknown_as_none(
    factors: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return factors in which unknown text is None, and a line for each with unknown values.

    Unknown numbers stay NaN.
    """
    known: dict[str, np.ndarray] = {}
    lines = []
    for name, values in factors.items():
        known[name] = values
        if values.dtype.kind == "f":
            is_unknown = np.isnan(values)
            held, written = "NaN", ["nan"]
        elif values.dtype.kind in "OUT":
            as_text = np.array(
                ["" if value is None or value != value else str(value) for value in values], str
            )
            is_unknown = np.isin(np.char.strip(as_text), _UNKNOWN)
            held, written = "None", sorted(set(as_text[is_unknown].tolist()))
        else:
            continue
        if is_unknown.any():
            if held == "None":
                known[name] = values.astype(object)
                known[name][is_unknown] = None
            lines.append(
                f"the factor {name!r} has {is_unknown.sum():,} unknown values "
                f"({', '.join(repr(each) for each in written)}; the first in row "
                f"{int(is_unknown.argmax())}, counted from 0), held as {held}"
            )
    return known, lines


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    # As text too, because a table may write 1 where the samples hold "1".
    return bool((one == other).all() or (one.astype(str) == other.astype(str)).all())


# Joining by name


def _file_name(name: str) -> str:
    return PurePosixPath(name).name


def _without_ending(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


# The shorter names that a table may use for a file, the most specific first.
_SHORTER: tuple[Callable[[str], str], ...] = (_without_ending, _file_name, _stem)


def _naming_column(
    table: Mapping[str, np.ndarray], names: np.ndarray, are_files: bool
) -> str | None:
    """Return the column of a table that names most of the samples, if there is one."""
    known = {_normal(name) for name in names.tolist()}
    if are_files:
        known |= {shorten(name) for name in known for shorten in _SHORTER}
    for column, values in table.items():
        if values.dtype.kind == "U" and len(values) and len(np.unique(values)) == len(values):
            n_known = sum(_normal(value) in known for value in values.tolist())
            if 2 * n_known >= len(values):
                return column
    return None


def _rows_of(names: np.ndarray, keys: np.ndarray, title: str, are_files: bool) -> np.ndarray:
    """Return the row of the table that belongs to each sample: one row per sample, none left."""
    known = [_normal(name) for name in names.tolist()]
    lookups = [_positions(known)]
    shared = [known[positions[0]] for positions in lookups[0].values() if len(positions) > 1]
    if shared:
        raise InputError(
            f"several samples are called {few(map(repr, shared))}; to join by name, give each a "
            "name of its own"
        )
    if are_files:
        lookups += [_positions([shorten(name) for name in known]) for shorten in _SHORTER]
    row_of: dict[int, int] = {}
    unknown, repeated = [], []
    for row, key in enumerate(keys.tolist()):
        name = _normal(key)
        matches = next((positions[name] for positions in lookups if name in positions), [])
        if not matches:
            unknown.append(key)
        elif len(matches) > 1:
            raise InputError(
                f"{title} has a row {key!r}, which matches several samples: "
                f"{few(names[matches])}; write their paths from the folder on"
            )
        elif matches[0] in row_of:
            repeated.append(key)
        else:
            row_of[matches[0]] = row
    missing = [name for i, name in enumerate(names.tolist()) if i not in row_of]
    for keys_at_fault, message in (
        (repeated, "{} has several rows for the same sample: {} ({:,} in all); leave one each"),
        (
            missing,
            "{} has no row for the samples {} ({:,} in all); add rows, or remove the samples",
        ),
        (
            unknown,
            "{} has rows without a sample: {} ({:,} in all); remove them, or add the samples",
        ),
    ):
        if keys_at_fault:
            listed = few(map(repr, keys_at_fault))
            raise InputError(message.format(title, listed, len(keys_at_fault)))
    return np.array([row_of[i] for i in range(len(names))], np.intp)


def _positions(names: list[str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        positions.setdefault(name, []).append(i)
    return positions


def _normal(name: str) -> str:
    # Unicode has two forms of an accented letter, and macOS stores file names in the other one.
    return unicodedata.normalize("NFC", name).removeprefix("./")
