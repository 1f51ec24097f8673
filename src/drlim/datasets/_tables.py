"""Sources that are tables, CSV and Parquet, and tables of what is known of each sample."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError, missing_extra, nearest_name
from drlim._files import as_path
from drlim.datasets._source import Block, Source, few, logger

ENDINGS = (".csv", ".parquet")

# What stands for a missing number in a CSV file. In a column of text only nothing is missing:
# NA may be North America.
_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL")
_CSV_BYTES = 1 << 24  # parsed at a time; a line may not be longer


def open_table(path: Path, columns: Sequence[str] | None, by: str | None) -> Source:
    """Open a table: its columns of features are the samples, and the others are factors."""
    table = _open(path)
    features = _features(table, columns, by)
    others = [name for name in table.kinds if name not in features]
    dtype = np.result_type(np.float32, *(table.dtypes[name] for name in features))

    def slices(rows: int) -> Iterator[Block]:
        start = 0
        for batch in table.batches(features, rows):
            X = np.empty((batch.num_rows, len(features)), dtype)
            with _named(path):
                for j, name in enumerate(features):
                    X[:, j] = _numbers(batch.column(j), table.kinds[name])
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

    return Source(path, (table.n_rows, len(features)), dtype, slices, factors=factors)


def _features(table: _Table, columns: Sequence[str] | None, by: str | None) -> list[str]:
    if columns is None:
        features = [name for name in table.numbers if name != by]
        if not features:
            raise InputError(f"{table.path} has no column of numbers, and features are numbers")
        return features
    if isinstance(columns, str) or not columns or len(set(columns)) < len(columns):
        raise InputError(f"columns is {columns!r}; give a list of different names of columns")
    for name in columns:
        if name not in table.kinds:
            raise InputError(
                f"{table.path} has no column {name!r}; {nearest_name(name, table.kinds)}"
            )
        if table.kinds[name] == "text" or name == by:
            raise InputError(
                f"the column {name!r} of {table.path} holds names and not numbers; features are "
                "numbers"
            )
    return list(columns)


def read_table(
    path: str | os.PathLike[str], *, text: Collection[str] = ()
) -> dict[str, np.ndarray]:
    r"""Read a table of factors or pairs, CSV or Parquet, column by column.

    Parameters
    ----------
    path : str or path
        A file that ends in ``.csv`` or ``.parquet``; the first line of a CSV file names its
        columns.
    text : collection of str, optional
        Columns to be taken as they are written: the name ``007`` stays ``007``.

    Returns
    -------
    dict of str to ndarray of shape (n_rows,)
        Columns of integers as int64, of other numbers as float64, of truth values as bool, and
        everything else, dates too, as str. Where there is nothing a str is empty and a number
        is NaN, for which a column of integers becomes float64. Columns of lists, records or
        bytes are left out.

    Raises
    ------
    FileError
        If the file is missing, or no such table.
    InputError
        If it ends otherwise, two columns have one name, or a truth value is missing.
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
    table = _open(as_path(path))
    return table.read(list(table.kinds), text=text)


@dataclass(frozen=True)
class _Table:
    """A table on the disk, and of which kind each column is: int, float, bool or text."""

    path: Path
    kinds: dict[str, str]
    dtypes: dict[str, np.dtype]  # of all that are no text
    numbers: list[str]  # the features, if nothing else is said
    n_rows: int

    def batches(self, names: Sequence[str], rows: int) -> Iterator[Any]:
        """Go through the columns of these names in order, at most ``rows`` rows at a time."""
        if not names:  # to pyarrow that would mean all
            return
        with _named(self.path):
            if self.path.suffix.lower() == ".csv":
                for batch in _csv_reader(self.path, list(self.kinds), names):
                    for start in range(0, batch.num_rows, rows):
                        yield batch.slice(start, rows)
            else:
                for batch in _parquet_file(self.path).iter_batches(rows, columns=list(names)):
                    yield batch.select(list(names))

    def read(self, names: Sequence[str], *, text: Collection[str]) -> dict[str, np.ndarray]:
        """Read whole columns."""
        parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
        n_read = 0
        for batch in self.batches(names, 1 << 16):
            for name, column in zip(names, batch.columns, strict=True):
                kind = "text" if name in text else self.kinds[name]
                with _named(self.path):
                    values = _text(column) if kind == "text" else _numbers(column, kind)
                if kind == "bool" and np.isnan(values).any():
                    raise InputError(
                        f"{self.path} has nothing in the column {name!r}, row "
                        f"{n_read + np.isnan(values).argmax()} (counted from 0); a truth value "
                        "is true or false"
                    )
                parts[name].append(values)
            n_read += batch.num_rows
        empty = {"int": np.int64, "float": np.float64, "bool": np.bool_, "text": np.str_}
        read = {}
        for name, columns in parts.items():
            kind = "text" if name in text else self.kinds[name]
            joined = np.concatenate([np.empty(0, empty[kind]), *columns])
            read[name] = joined.astype(np.bool_) if kind == "bool" else joined
        return read


def _open(path: Path) -> _Table:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise missing_extra("pyarrow", "tables", f"reading {path}") from None
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"{path} ends in {path.suffix!r}; a table ends in {' or '.join(ENDINGS)}")
    with _named(path):
        return _open_csv(path) if path.suffix.lower() == ".csv" else _open_parquet(path)


# Parquet


def _open_parquet(path: Path) -> _Table:
    import pyarrow.types

    file = _parquet_file(path)
    _check_names(path, file.schema_arrow.names)
    kinds: dict[str, str] = {}
    dtypes: dict[str, np.dtype] = {}
    for field in file.schema_arrow:
        kind = _kind(field.type)
        if kind is None:
            logger.info("%s: the column %r is left out: %s", path, field.name, field.type)
            continue
        kinds[field.name] = kind
        if kind != "text":
            is_decimal = pyarrow.types.is_decimal(field.type)
            dtypes[field.name] = np.dtype("f8" if is_decimal else field.type.to_pandas_dtype())
    numbers = [name for name, kind in kinds.items() if kind in ("int", "float")]
    return _Table(path, kinds, dtypes, numbers, file.metadata.num_rows)


def _kind(arrow_type: Any) -> str | None:
    import pyarrow.types as is_a

    if is_a.is_dictionary(arrow_type):
        return _kind(arrow_type.value_type)
    if is_a.is_boolean(arrow_type):
        return "bool"
    if is_a.is_integer(arrow_type):
        return "int"
    if is_a.is_floating(arrow_type) or is_a.is_decimal(arrow_type):
        return "float"
    texts = (is_a.is_string, is_a.is_large_string, is_a.is_string_view)
    moments = (is_a.is_date, is_a.is_time, is_a.is_timestamp)
    return "text" if any(is_one(arrow_type) for is_one in texts + moments) else None


def _parquet_file(path: Path) -> Any:
    import pyarrow.parquet

    # Without a buffer of this kind a whole group of rows would be held, and some files are one.
    return pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)


# CSV


def _open_csv(path: Path) -> _Table:
    """Go through the file once: what its first lines look like says little of the others."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    _check_names(path, names)
    possible = {name: ["int", "float", "bool"] for name in names}
    is_empty = dict.fromkeys(names, True)
    n_rows = 0
    for batch in _csv_reader(path, names, names):
        n_rows += batch.num_rows
        for name, column in zip(names, batch.columns, strict=True):
            if possible[name]:
                values = _present(column)
                is_empty[name] &= values.null_count == len(values)
                possible[name] = [kind for kind in possible[name] if _fits(values, kind)]
    # Numbers in a CSV file have no width: they are read as the widest.
    kinds = {
        name: possible[name][0] if possible[name] and not is_empty[name] else "text"
        for name in names
    }
    widest = {"int": np.dtype(np.int64), "float": np.dtype(np.float64), "bool": np.dtype(np.bool_)}
    dtypes = {name: widest[kind] for name, kind in kinds.items() if kind != "text"}
    numbers = [name for name, kind in kinds.items() if kind in ("int", "float")]
    return _Table(path, kinds, dtypes, numbers, n_rows)


def _csv_reader(path: Path, names: Sequence[str], wanted: Sequence[str]) -> Any:
    """Read all columns as text: what pyarrow guesses from the first block binds all others."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(block_size=_CSV_BYTES),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=list(wanted)
        ),
    )


def _present(column: Any) -> Any:
    """Return trimmed text, null where a number is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(trimmed, value_set=pa.array(_MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)


def _fits(values: Any, kind: str) -> bool:
    import pyarrow as pa

    try:
        _parsed(values, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _parsed(values: Any, kind: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind != "bool":
        return pc.cast(values, pa.int64() if kind == "int" else pa.float64())
    lower = pc.utf8_lower(values)
    if not pc.all(pc.is_in(lower, value_set=pa.array(["true", "false", None]))).as_py():
        raise pa.ArrowInvalid("neither true nor false")
    return pc.equal(lower, "true")


# Columns


def _numbers(column: Any, kind: str) -> np.ndarray:
    """Return int64, float64, or bool; with NaN, as float64, where something is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _decoded(column)
    if pa.types.is_string(column.type):
        column = _parsed(_present(column), kind)
    target = {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}[kind]
    column = pc.cast(column, target)
    if column.null_count and kind == "bool":
        column = pc.cast(column, pa.int8())
    values: np.ndarray = column.to_numpy(zero_copy_only=False)
    return values


def _text(column: Any) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    written = pc.fill_null(pc.cast(_decoded(column), pa.string()), "")
    return np.array(written.to_pylist(), dtype=np.str_)


def _decoded(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _check_names(path: Path, names: Sequence[str]) -> None:
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise InputError(f"{path} has two columns called {few(map(repr, twice))}; rename one")
    if not names:
        raise FileError(f"{path} has no columns: its first line names them")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    import pyarrow as pa

    try:
        yield
    except (FileError, InputError):
        raise
    except FileNotFoundError:
        raise FileError(f"{path} is not there; is it the right path?") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise FileError(
            f"{path} cannot be read as a table: it is truncated, altered or no "
            f"{path.suffix} ({reason})"
        ) from None
