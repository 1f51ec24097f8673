"""Tables, CSV and Parquet: as samples, or column by column as factors or pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from drlim._errors import DataWarning, InputError, about, missing_extra, nearest_name, warn
from drlim._files import as_path
from drlim.datasets.readers._columns import Table, naming_damage, numbers
from drlim.datasets.readers._csv import open_csv
from drlim.datasets.readers._dialect import AS_SHOWN, TableForm
from drlim.datasets.readers._parquet import open_parquet
from drlim.datasets.readers._reader import Block, Reader, few

ENDINGS = (".csv", ".parquet")


def open_table(
    path: Path,
    columns: Sequence[str] | None,
    by: str | None,
    *,
    factor_columns: Collection[str] = (),
    form: TableForm = AS_SHOWN,
) -> Reader:
    """Open a table: its columns of features are the samples, and the others are factors.

    `factor_columns` are factors also where they are numbers.
    """
    table = _open(path, form)
    named = {*factor_columns, *(() if by is None else (by,))}
    features = _features(table, columns, by, named)
    are_features = set(features)
    others = [
        name
        for name in table.kinds
        if name not in are_features and (name not in table.unused or name in named)
    ]
    left_out = [line for line in table.left_out if line.split(": ")[0] not in {*features, *named}]
    # One dtype for all features: float32, unless a column of integers or float64 needs more.
    dtype = np.result_type(np.float32, *(table.dtypes[name] for name in features))

    def slices(rows: int) -> Iterator[Block]:
        start = 0
        for X in _numbers(table, features, rows, dtype):
            if not np.isfinite(X).all():
                i, j = np.argwhere(~np.isfinite(X))[0]
                raise InputError(
                    f"{path} has {'nothing' if np.isnan(X[i, j]) else X[i, j]} in the column "
                    f"{features[j]!r}, row {start + i} (counted from 0); features are finite "
                    "numbers: fill it in, or leave out the row or the column"
                )
            start += len(X)
            yield Block(X, {})

    def factors() -> dict[str, np.ndarray]:
        return table.read(others, text=() if by is None else (by,))

    return Reader(
        path,
        (table.n_rows, len(features)),
        dtype,
        slices,
        factors=factors,
        feature_names=tuple(features),
        left_out=tuple(left_out),
        notes=(*table.notes, _taken(features, [name for name in others if name != by])),
        doubts=(*table.doubts, *_as_text(table, others)),
    )


def _numbers(
    table: Table, features: Sequence[str], rows: int, dtype: np.dtype
) -> Iterator[np.ndarray]:
    """Read columns of numbers as one array, at most ``rows`` rows at a time."""
    import pyarrow as pa

    are_floats = "bool" not in map(table.kinds.get, features)
    if table.floats_of is not None and are_floats:
        for values in table.floats_of(features, rows):
            yield np.ascontiguousarray(values, dtype)
        return
    is_csv = table.path.suffix.lower() == ".csv"
    for batch in table.batches(features, rows):
        X = np.empty((batch.num_rows, len(features)), dtype)
        with naming_damage(table.path):
            if is_csv and are_floats:
                # All columns at once: there may be tens of thousands of them.
                column = pa.concat_arrays(batch.columns)
                values = numbers(column, "float", table.decimal)
                X[:] = values.reshape(len(features), batch.num_rows).T
            else:
                for j, name in enumerate(features):
                    X[:, j] = numbers(batch.column(j), table.kinds[name])
        yield X


def _as_text(table: Table, factors: Collection[str]) -> list[str]:
    """Return a line for each factor that is read as text and is nearly all numbers."""
    return [
        f"the factor {name!r} is read as text: {words}"
        for name, words in table.suspects.items()
        if name in factors and name in table.spoiled
    ]


def _taken(features: Sequence[str], others: Sequence[str]) -> str:
    beside = f"; not features: {few(others, 6)}" if others else ""
    return f"{len(features):,} features: {few(features, 6)}{beside}"


def _features(
    table: Table, columns: Sequence[str] | None, by: str | None, named: Collection[str]
) -> list[str]:
    if columns is None:
        features = [name for name in table.numbers if name not in named]
        for name, words in table.suspects.items():
            if name not in named:
                raise InputError(
                    f"the column {name!r} of {table.path} has {words}; if it names classes, "
                    "declare it (keep, ignore, factor_columns), or give data.columns, the features"
                )
        if not features:
            there = few((f"{name} ({kind})" for name, kind in table.kinds.items()), 8)
            raise InputError(
                f"{table.path} has no column of numbers that could be a feature; its columns are "
                f"{there or 'of kinds that are not read'}"
            )
        return features
    with about("columns"):
        if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
            raise InputError(f"columns is {columns!r}; give a list of different column names")
        missing = [name for name in columns if name not in table.kinds]
        if missing:
            known = [name for name in table.kinds if name not in set(columns)]
            raise InputError(
                f"{table.path} has no column {few(map(repr, missing), 8)}, of the {len(columns)} "
                f"that are the features; of its other columns, {_nearest(missing[0], known)}"
                + _why_absent(missing[0], table.left_out)
            )
        for name in columns:
            if name in table.suspects:
                raise InputError(f"the column {name!r} of {table.path} has {table.suspects[name]}")
            if table.kinds[name] == "text" or name == by:
                raise InputError(
                    f"the column {name!r} of {table.path} holds names and not numbers; features "
                    "are numbers"
                )
    return list(columns)


def _nearest(name: str, known: Sequence[str], most: int = 20) -> str:
    return nearest_name(name, known) if len(known) <= most else f"known: {few(known, most)}"


def _why_absent(name: str, left_out: Sequence[str]) -> str:
    reasons = [line for line in left_out if line.startswith(f"{name}: ")]
    return f"; left out: {reasons[0]}" if reasons else ""


def read_table(
    path: str | os.PathLike[str],
    *,
    text: Collection[str] = (),
    form: TableForm = AS_SHOWN,
    say: Callable[[str], None] | None = None,
) -> dict[str, np.ndarray]:
    r"""Read a table of factors or pairs, CSV or Parquet, column by column.

    Parameters
    ----------
    path : str or path
        A file that ends in ``.csv`` or ``.parquet``; the first line of a CSV file names its
        columns.
    text : collection of str, optional
        Columns to read as text: the name ``007`` stays ``007``.
    form : TableForm, optional
        How a CSV file is written, where the file does not show it.
    say : callable, optional
        Called with a line for what is left out or doubtful. None: a warning.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
        Columns of integers as int64, of other numbers as float64, of truth values as bool, and
        everything else, dates too, as str. A missing value is an empty str or NaN, for which a
        column of integers becomes float64. Columns of lists, records or bytes are left out.

    Raises
    ------
    FileError
        If the file is missing, damaged, or not such a table.
    InputError
        If the path ends otherwise, two columns have one name, or a truth value is missing.
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     n = file.write("file,azimuth\na.png,20\nb.png,40\n")
    ...     file.flush()
    ...     read_table(file.name)
    {'file': array(['a.png', 'b.png'], dtype='<U5'), 'azimuth': array([20, 40])}
    """
    table = _open(as_path(path), form)
    used = [name for name in table.kinds if name not in table.unused or name in text]
    doubts = [*table.doubts, *_as_text(table, [name for name in used if name not in text])]
    if table.left_out:
        doubts.append(f"left out {few(table.left_out, 5)}")
    for line in doubts:
        if say is None:
            warn(f"{table.path}: {line}", DataWarning)
        else:
            say(f"{table.path}: {line}")
    return table.read(used, text=text)


def _open(path: Path, form: TableForm) -> Table:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise missing_extra("pyarrow", "tables", f"reading {path}") from None
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InputError(f"{path} ends in {path.suffix!r}; a table ends in {' or '.join(ENDINGS)}")
    with naming_damage(path):
        return open_csv(path, form) if ending == ".csv" else open_parquet(path)
