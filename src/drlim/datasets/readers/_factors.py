"""Factors from a table, joined to the samples by their names or by row."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError, nearest_name
from drlim.datasets.readers._dialect import AS_SHOWN, TableForm
from drlim.datasets.readers._naming import naming_column, rows_of
from drlim.datasets.readers._reader import Say, few
from drlim.datasets.readers._tables import read_table


class Joined(NamedTuple):
    """Factors, and the rows of the samples that have them."""

    factors: dict[str, np.ndarray]
    listed: np.ndarray


def join(
    own: Mapping[str, np.ndarray],
    given: str | os.PathLike[str] | Mapping[str, np.ndarray],
    by: str | None,
    names: np.ndarray | None,
    n: int,
    *,
    folder: str | None = None,
    select: bool = False,
    form: TableForm = AS_SHOWN,
    say: Say,
) -> Joined:
    """Add the factors of a table to those that the data holds itself.

    Parameters
    ----------
    own : mapping of str to ndarray of shape (n,)
    given : path or mapping of str to ndarray
        A table, CSV or Parquet, or its columns.
    by : str or None
        The column with the samples' names. None: a column that names them, or else by row.
    names : ndarray of str of shape (n,) or None
        The samples' names.
    n : int
        The number of samples.
    folder : str, optional
        The name of the folder in which the samples are files, whose paths the table may shorten.
    select : bool, default=False
        Whether to keep only the samples that the table lists.
    form : TableForm, optional
        How a CSV file is written, where the file does not show it.
    say : callable
        Called with a line for what is left out or doubtful.
    """
    title, table = _table(given, by, form, say)
    rows = listed = np.arange(n)
    key = _key(table, own, by, names, folder)
    if key is None:
        _check_by_row(title, table, n, select)
    else:
        column, names = key
        listed, rows = rows_of(
            names,
            table.pop(column).astype(str),
            title,
            folder=folder,
            select=select,
            say=say,
        )
        if by is None and not np.array_equal(rows, np.arange(n)):
            say(f"{title}: its column {column!r} names the samples, and its rows are joined by it")
        if len(listed) < n:
            left = np.setdiff1d(np.arange(n), listed)
            say(f"{title} does not list {len(left):,} samples, left out: {few(names[left])}")
    joined = {name: values[listed] for name, values in own.items()}
    for name, values in table.items():
        values = values[rows]
        if name in joined and not _are_equal(joined[name], values):
            i = int(np.argmax(joined[name].astype(str) != values.astype(str)))
            sample = listed[i] if names is None else names[listed[i]]
            raise differing(title, name, values[i], joined[name][i], sample)
        joined.setdefault(name, values)
    return Joined(joined, listed)


def _table(
    given: str | os.PathLike[str] | Mapping[str, np.ndarray],
    by: str | None,
    form: TableForm,
    say: Say,
) -> tuple[str, dict[str, np.ndarray]]:
    """Return what a table is called in messages, and its columns."""
    if not isinstance(given, Mapping):
        text = () if by is None else (by,)
        table = read_table(Path(given), text=text, form=form, say=say)
        return str(given), table
    table = {name: as_array(values, f"the factor {name!r}") for name, values in given.items()}
    for name, values in table.items():
        if values.ndim != 1:
            raise InputError(
                f"the factor {name!r} has the shape {values.shape}; a factor has one value per "
                "sample"
            )
    return "factors", table


def _key(
    table: Mapping[str, np.ndarray],
    own: Mapping[str, np.ndarray],
    by: str | None,
    names: np.ndarray | None,
    folder: str | None,
) -> tuple[str, np.ndarray] | None:
    """Return the column of a table that names the samples, and their names; None: there is none."""
    if by is not None:
        if by not in table:
            raise InputError(
                f"the table of factors has no column {by!r}; {nearest_name(by, table)}",
                argument="by",
            )
        if names is None:
            raise InputError(
                f"by is {by!r} and the samples have no names; leave out `by` to join by row, or "
                f"give the samples a column {by!r}",
                argument="by",
            )
        return by, names
    if names is not None:
        column = naming_column(table, names, folder)
        return (column, names) if column else None
    for name, values in own.items():
        if values.dtype.kind not in "USiu" or len(np.unique(values)) < max(len(values), 2):
            continue
        text = values.astype(str)
        shared = table.get(name)
        if shared is not None and len(np.unique(shared.astype(str))) == len(shared):
            return name, text
        column = naming_column(table, text, folder) if values.dtype.kind == "U" else ""
        if column:
            return column, text
    return None


def _check_by_row(title: str, table: Mapping[str, np.ndarray], n: int, select: bool) -> None:
    if select:
        raise InputError(
            f"select keeps the samples that {title} lists, and none of its columns names them: "
            f"{few(table, 8)}; give the column (by, --by)",
            argument="by",
        )
    for name, values in table.items():
        if len(values) != n:
            raise InputError(
                f"{title} has {len(values):,} rows (in {name!r}) and there are {n:,} samples; "
                "without `by`, give one row per sample, in the same order"
            )


def differing(title: str, name: str, one: object, other: object, sample: object) -> InputError:
    """Return the error for a factor that the samples have with other values."""
    return InputError(
        f"{title} has the factor {name!r}, which the samples already have with other values: "
        f"{one} and {other} for the sample {sample}; if its rows are in another order, give the "
        "column that names the samples (by), else rename it"
    )


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
