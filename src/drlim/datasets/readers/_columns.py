"""Columns of a table: their kinds, and their values as arrays. CSV and Parquet share this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError
from drlim.datasets.readers._reader import few, naming

# What stands for a missing number in a CSV file. In a column of text only an empty field is
# missing: NA may be North America.
_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL")

_EMPTY = {"int": np.int64, "float": np.float64, "bool": np.bool_, "text": np.str_}


@dataclass(frozen=True)
class Table:
    """A table on the disk, and the kind of each column: int, float, bool or text."""

    path: Path
    kinds: dict[str, str]
    dtypes: dict[str, np.dtype]  # of the columns that are not text
    n_rows: int
    batches_of: Callable[[Sequence[str], int], Iterator[Any]]
    # Columns of numbers as float64, (at most n rows, n_columns), where they are in memory.
    floats_of: Callable[[Sequence[str], int], Iterator[np.ndarray]] | None = None
    left_out: tuple[str, ...] = ()  # columns that are not read, as ``name: reason``
    no_features: frozenset[str] = frozenset()  # columns of numbers that name or count rows
    unused: frozenset[str] = frozenset()  # those that are no factors either
    suspects: Mapping[str, str] = field(default_factory=dict)  # text that is nearly all numbers
    spoiled: frozenset[str] = frozenset()  # those in which no cell is a word
    decimal: str = "."
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def numbers(self) -> list[str]:
        """The columns of numbers, which are the features unless columns are chosen."""
        return [
            name
            for name, kind in self.kinds.items()
            if kind in ("int", "float") and name not in self.no_features
        ]

    def batches(self, names: Sequence[str], rows: int) -> Iterator[Any]:
        """Read the columns of these names in order, at most ``rows`` rows at a time."""
        if not names:  # which pyarrow takes for all of them
            return
        with naming_damage(self.path):
            yield from self.batches_of(names, rows)

    def read(self, names: Sequence[str], *, text: Collection[str]) -> dict[str, np.ndarray]:
        """Read whole columns."""
        kinds = {name: "text" if name in text else self.kinds[name] for name in names}
        parts: dict[str, list[np.ndarray]] = {
            name: [np.empty(0, _EMPTY[kind])] for name, kind in kinds.items()
        }
        n_read = 0
        for batch in self.batches(names, 1 << 16):
            for (name, kind), column in zip(kinds.items(), batch.columns, strict=True):
                with naming_damage(self.path):
                    if kind == "text":
                        values = texts(column)
                    else:
                        values = numbers(column, kind, self.decimal)
                if kind == "bool" and np.isnan(values).any():
                    raise InputError(
                        f"{self.path} has nothing in the column {name!r}, row "
                        f"{n_read + np.isnan(values).argmax()} (counted from 0); a truth value "
                        "is true or false"
                    )
                parts[name].append(values)
            n_read += batch.num_rows
        columns = {name: np.concatenate(values) for name, values in parts.items()}
        return {
            name: values.astype(np.bool_) if kinds[name] == "bool" else values
            for name, values in columns.items()
        }


def naming_damage(path: Path) -> AbstractContextManager[None]:
    """Turn what a damaged table raises into a `FileError` that names the file."""
    import csv

    import pyarrow as pa

    return naming(path, pa.ArrowException, OSError, UnicodeDecodeError, csv.Error)


def check_names(path: Path, names: Sequence[str]) -> None:
    """Raise unless each column has a name of its own."""
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise InputError(f"{path} has two columns called {few(map(repr, repeated))}; rename one")
    if not names:
        raise FileError(f"{path} has no columns: its first line names them")


# Values


def numbers(column: Any, kind: str, decimal: str = ".") -> np.ndarray:
    """Return int64, float64, or bool; with NaN, as float64, where something is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _decoded(column)
    if pa.types.is_string(column.type):
        column = _parsed(present(column, decimal), kind)
    column = pc.cast(column, {"int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}[kind])
    if column.null_count and kind == "bool":
        column = pc.cast(column, pa.int8())
    return column.to_numpy(zero_copy_only=False)


def texts(column: Any) -> np.ndarray:
    """Return str, empty where something is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = pc.fill_null(pc.cast(_decoded(column), pa.string()), "")
    return np.array(filled.to_pylist(), dtype=np.str_)


def present(column: Any, decimal: str = ".") -> Any:
    """Return trimmed text with decimal points, null where a number is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    if decimal != ".":
        trimmed = pc.replace_substring(trimmed, decimal, ".")
    missing = pc.is_in(trimmed, value_set=pa.array(_MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), trimmed)


def as_kind(values: Any, kind: str) -> Any | None:
    """Return text as values of a kind, or None if some of it cannot be read so."""
    import pyarrow as pa

    try:
        return _parsed(values, kind)
    except pa.ArrowInvalid:
        return None


def _parsed(values: Any, kind: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind != "bool":
        return pc.cast(values, pa.int64() if kind == "int" else pa.float64())
    lower = pc.utf8_lower(values)
    if not pc.all(pc.is_in(lower, value_set=pa.array(["true", "false", None]))).as_py():
        raise pa.ArrowInvalid("neither true nor false")
    return pc.equal(lower, "true")


def _decoded(column: Any) -> Any:
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
