"""CSV files: the kind of each column is what fits all of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import InputError
from drlim.datasets.readers._columns import Table, check_names, fits, present
from drlim.datasets.readers._dialect import Dialect, TableForm, dialect_of

_BYTES = 1 << 24  # parsed at a time; a line may not be longer

# Numbers in a CSV file have no width: they are read as the widest.
_WIDEST = {"int": np.dtype(np.int64), "float": np.dtype(np.float64), "bool": np.dtype(np.bool_)}

_INTEGER = r"^-?[0-9]+$"
_NUMBER = r"(?i)^([+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?)$"
# What people and programs write into a column of numbers: limits of detection, percentages,
# grouped thousands, decimal commas, typographic minus signs, errors of spreadsheets, no value.
_LIKE_NUMBER = (
    r"(?i)^([<>≤≥~≈=]{0,2}\s*[+\-−–]?[0-9.,'\s]*[0-9](e[+\-−]?[0-9]+)?\s*%?"
    r"|[<>]?\s*(lod|loq|dl|mdl|lld|bdl|bql)|n\.?\s?d\.?|[-–—.?*]+|#[a-z/0]+[!?]?"
    r"|none|missing|unknown|<na>|na|nat|null|nil)$"
)
_NEARLY_ALL = 0.9


@dataclass
class _Column:
    """What is known of a column so far."""

    possible: list[str] = field(default_factory=lambda: ["int", "float", "bool"])
    n_present: int = 0
    n_numbers: int = 0
    n_like: int = 0
    first_other: tuple[int, str] | None = None  # the row and the cell


def open_csv(path: Path, form: TableForm) -> Table:
    """Read the whole file once for its kinds: its first lines say little of the others."""
    dialect = dialect_of(path, form)
    names = dialect.names
    try:
        check_names(path, names)
    except InputError as error:
        doubt = f"; {dialect.doubts[0]}" if dialect.doubts else ""
        raise InputError(f"{error}{doubt}") from None
    columns = [_Column() for _ in names]
    n_rows = 0
    for batch in _batches(path, dialect, names):
        if batch.num_rows:
            _look_at(batch, columns, n_rows, dialect.decimal)
        n_rows += batch.num_rows
    kinds = {
        name: column.possible[0] if column.possible and column.n_present else "text"
        for name, column in zip(names, columns, strict=True)
    }
    dtypes = {name: _WIDEST[kind] for name, kind in kinds.items() if kind != "text"}

    def batches(wanted: Sequence[str], rows: int) -> Iterator[Any]:
        for batch in _batches(path, dialect, wanted):
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)

    suspects = {
        name: _suspicion(column, dialect.decimal)
        for name, column in zip(names, columns, strict=True)
        if kinds[name] == "text"
    }
    unnamed = {
        name: "has no name" + ("" if column.n_present else " and no values")
        for name, column in zip(names, columns, strict=True)
        if re.fullmatch(r"Unnamed: [0-9]+", name)
    }
    return Table(
        path,
        kinds,
        dtypes,
        n_rows,
        batches,
        tuple(f"{name}: {reason}, as the index of a table" for name, reason in unnamed.items()),
        no_features=frozenset(unnamed),
        unused=frozenset(unnamed),
        suspects={name: words for name, words in suspects.items() if words},
        spoiled=frozenset(
            name
            for name, column in zip(names, columns, strict=True)
            if column.n_like == column.n_present - column.n_numbers
        ),
        decimal=dialect.decimal,
        notes=dialect.notes,
        doubts=dialect.doubts,
    )


def _batches(path: Path, dialect: Dialect, wanted: Sequence[str]) -> Any:
    """Read columns as text: what pyarrow guesses from the first block binds all others."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = dialect.names
    encoding = "utf8" if dialect.encoding in ("utf-8", "utf-8-sig") else dialect.encoding
    return arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(
            block_size=_BYTES, column_names=names, skip_rows=dialect.skipped, encoding=encoding
        ),
        arrow_csv.ParseOptions(newlines_in_values=True, delimiter=dialect.delimiter),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=list(wanted)
        ),
    )


def _look_at(batch: Any, columns: Sequence[_Column], start: int, decimal: str) -> None:
    """Reduce the possible kinds of each column to those that fit a batch of rows."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # All columns one after the other are one array: tables may have tens of thousands of columns.
    n = batch.num_rows
    values = present(pa.concat_arrays(batch.columns), decimal)
    is_present = np.logical_not(pc.is_null(values)).reshape(-1, n)
    is_integer = pc.fill_null(pc.match_substring_regex(values, _INTEGER), True)
    all_integers = [bool(column.all()) for column in np.asarray(is_integer).reshape(-1, n)]
    n_present = [int(column.sum()) for column in is_present]

    def fitting(kind: str, among: Sequence[int]) -> set[int]:
        """Return which columns fit; a range that does not fit as a whole is halved."""
        if not among:
            return set()
        if among[-1] - among[0] == len(among) - 1:
            cells = values.slice(among[0] * n, len(among) * n)
        else:
            cells = pa.concat_arrays([values.slice(j * n, n) for j in among])
        if fits(cells, kind):
            return set(among)
        if len(among) == 1:
            return set()
        half = len(among) // 2
        return fitting(kind, among[:half]) | fitting(kind, among[half:])

    for kind in ("int", "float", "bool"):
        possible = [j for j, column in enumerate(columns) if kind in column.possible]
        if kind == "int":
            tried = [j for j in possible if all_integers[j]]
        elif kind == "bool":
            tried = [j for j in possible if "float" not in columns[j].possible or not n_present[j]]
        else:
            tried = possible
        fit = fitting(kind, tried)
        for j in possible:
            if j not in fit:
                columns[j].possible.remove(kind)
    for j, column in enumerate(columns):
        column.n_present += n_present[j]
        if "float" in column.possible:
            column.n_numbers += n_present[j]
        elif n_present[j]:
            _count_numbers(values.slice(j * n, n), column, start)


def _count_numbers(values: Any, column: _Column, start: int) -> None:
    import pyarrow.compute as pc

    is_number = pc.match_substring_regex(values, _NUMBER)
    is_other = np.asarray(pc.fill_null(pc.invert(is_number), False))
    column.n_numbers += int(pc.sum(is_number).as_py() or 0)
    others = values.filter(is_other)
    column.n_like += int(pc.sum(pc.match_substring_regex(others, _LIKE_NUMBER)).as_py() or 0)
    if column.first_other is None and len(others):
        row = int(np.argmax(is_other))
        column.first_other = (start + row, values[row].as_py())


def _suspicion(column: _Column, decimal: str) -> str | None:
    """Return what is wrong with a column of text that is nearly all numbers; None for names."""
    n_others = column.n_present - column.n_numbers
    if not column.n_numbers or not n_others or column.first_other is None:
        return None
    all_like = column.n_like == n_others
    if not all_like and column.n_numbers < _NEARLY_ALL * column.n_present:
        return None
    row, cell = column.first_other
    if re.fullmatch(r"[+-]?[0-9]+[.,][0-9]+", cell):
        sign = "," if decimal == "." else "."
        remedy = f"if {sign!r} is its decimal sign, give decimal={sign!r} (--decimal {sign})"
    elif "%" in cell:
        remedy = "write percentages as numbers"
    elif "−" in cell or "–" in cell:
        remedy = "write the minus sign as -"
    else:
        remedy = "correct it, or leave the cell empty where there is no value"
    more = f" ({n_others:,} such cells)" if n_others > 1 else ""
    return (
        f"{cell!r} in row {row} (counted from 0){more}, and {column.n_numbers:,} numbers: {remedy}"
    )
