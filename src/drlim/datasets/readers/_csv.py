"""CSV files: the kind of each column is what fits all of its values."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drlim._errors import InputError
from drlim.datasets.readers._columns import Table, as_kind, check_names, present
from drlim.datasets.readers._dialect import Dialect, TableForm, dialect_of, is_comment
from drlim.datasets.readers._reader import few

_BYTES = 1 << 25  # parsed at a time; a line may not be longer
_KEPT_BYTES = 1 << 28  # of parsed text

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


class _Parsed(NamedTuple):
    """Some rows: as text, and as numbers, (n_columns, n_rows), NaN in columns of text."""

    texts: Any
    floats: np.ndarray


def open_csv(path: Path, form: TableForm) -> Table:
    """Read the whole file once for its kinds: its first lines say little of the others."""
    dialect = dialect_of(path, form)
    names = dialect.names
    try:
        check_names(path, names)
    except InputError as error:
        doubt = f"; {dialect.doubts[0]}" if dialect.doubts else ""
        raise InputError(f"{error}{doubt}") from None
    columns = {name: _Column() for name in names}
    comments: list[str] = []
    n_rows, parsed = _look_at_all(path, dialect, list(columns.values()), comments)
    kinds = {
        name: column.possible[0] if column.possible and column.n_present else "text"
        for name, column in columns.items()
    }
    suspects = {
        name: _suspicion(column, dialect.decimal)
        for name, column in columns.items()
        if kinds[name] == "text"
    }
    unnamed = {
        name: "has no name" + ("" if column.n_present else " and no values")
        for name, column in columns.items()
        if re.fullmatch(r"Unnamed: [0-9]+", name)
    }
    return Table(
        path,
        kinds,
        {name: _WIDEST[kind] for name, kind in kinds.items() if kind != "text"},
        n_rows,
        functools.partial(_texts, path, dialect, parsed),
        None if parsed is None else functools.partial(_floats, names, parsed),
        left_out=tuple(f"{name}: {why}, as the index of a table" for name, why in unnamed.items()),
        no_features=frozenset(unnamed),
        unused=frozenset(unnamed),
        suspects={name: words for name, words in suspects.items() if words},
        spoiled=frozenset(
            name
            for name, column in columns.items()
            if column.n_like == column.n_present - column.n_numbers
        ),
        decimal=dialect.decimal,
        notes=(*dialect.notes, *_skipped(comments)),
        doubts=dialect.doubts,
    )


def _look_at_all(
    path: Path, dialect: Dialect, columns: Sequence[_Column], comments: list[str]
) -> tuple[int, list[_Parsed] | None]:
    """Return the number of rows, and the rows themselves unless they are too large to keep."""
    parsed: list[_Parsed] | None = []
    n_rows = n_bytes = 0
    for batch in _batches(path, dialect, dialect.names, comments):
        if not batch.num_rows:
            continue
        floats = _look_at(batch, columns, n_rows, dialect.decimal)
        n_rows += batch.num_rows
        n_bytes += batch.nbytes + floats.nbytes
        if n_bytes > _KEPT_BYTES:
            parsed = None
        elif parsed is not None:
            parsed.append(_Parsed(batch, floats))
    return n_rows, parsed


def _texts(
    path: Path,
    dialect: Dialect,
    parsed: Sequence[_Parsed] | None,
    wanted: Sequence[str],
    rows: int,
) -> Iterator[Any]:
    """Read columns as text, at most ``rows`` rows at a time."""
    if parsed is None:
        batches = _batches(path, dialect, wanted, [])
    else:
        batches = (part.texts.select(list(wanted)) for part in parsed)
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _floats(
    names: Sequence[str], parsed: Sequence[_Parsed], wanted: Sequence[str], rows: int
) -> Iterator[np.ndarray]:
    """Read columns of numbers as float64, (at most ``rows`` rows, n_columns)."""
    position = {name: j for j, name in enumerate(names)}
    some = [position[name] for name in wanted]
    for part in parsed:
        floats = part.floats[some]
        for start in range(0, floats.shape[1], rows):
            yield floats[:, start : start + rows].T


def _skipped(comments: Sequence[str]) -> tuple[str, ...]:
    if not comments:
        return ()
    return (f"skipped {len(comments):,} comment lines among its rows: {few(comments, 2)}",)


def _batches(path: Path, dialect: Dialect, wanted: Sequence[str], comments: list[str]) -> Any:
    """Read columns as text: what pyarrow guesses from the first block binds all others.

    Comment lines among the rows are added to `comments`.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names = dialect.names

    def skip(row: Any) -> str:
        if not is_comment(row.text):
            return "error"
        comments.append(row.text.strip())
        return "skip"

    encoding = "utf8" if dialect.encoding in ("utf-8", "utf-8-sig") else dialect.encoding
    return arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(
            block_size=_BYTES, column_names=names, skip_rows=dialect.skipped, encoding=encoding
        ),
        arrow_csv.ParseOptions(
            newlines_in_values=True, delimiter=dialect.delimiter, invalid_row_handler=skip
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=list(wanted)
        ),
    )


def _look_at(batch: Any, columns: Sequence[_Column], start: int, decimal: str) -> np.ndarray:
    """Reduce the possible kinds of each column to those that fit a batch of rows.

    Returns
    -------
    ndarray of shape (n_columns, n_rows)
        The numbers; NaN in a column that holds others than numbers.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    # All columns one after the other are one array: tables may have tens of thousands of columns.
    n = batch.num_rows
    values = present(pa.concat_arrays(batch.columns), decimal)
    is_present = np.asarray(pc.is_valid(values)).reshape(-1, n)
    n_present = is_present.sum(axis=1).tolist()
    floats = np.full((len(columns), n), np.nan)

    def cells(some: Sequence[int]) -> Any:
        if some[-1] - some[0] == len(some) - 1:
            return values.slice(some[0] * n, len(some) * n)
        return pa.concat_arrays([values.slice(j * n, n) for j in some])

    def fitting(kind: str, among: Sequence[int]) -> set[int]:
        """Return which columns fit; a range that does not fit as a whole is halved."""
        if not among:
            return set()
        parsed = as_kind(cells(among), kind)
        if parsed is not None:
            if kind == "float":
                floats[among] = parsed.to_numpy(zero_copy_only=False).reshape(-1, n)
            return set(among)
        if len(among) == 1:
            return set()
        half = len(among) // 2
        return fitting(kind, among[:half]) | fitting(kind, among[half:])

    for kind in ("int", "float", "bool"):
        possible = [j for j, column in enumerate(columns) if kind in column.possible]
        if kind == "int":
            # The first row rules out nearly all columns of measurements.
            first = values.take(pa.array(np.arange(0, len(values), n)))
            may_be = _is_integer(first)
            tried = _all_integers(cells, [j for j in possible if may_be[j]], n)
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
    return floats


def _all_integers(cells: Callable[[Sequence[int]], Any], among: Sequence[int], n: int) -> list[int]:
    """Return the columns in which every number is written as an integer."""
    if not among:
        return []
    are_all = np.logical_and.reduce(_is_integer(cells(among)).reshape(-1, n), axis=1)
    return [j for j, all_are in zip(among, are_all, strict=True) if all_are]


def _is_integer(values: Any) -> np.ndarray:
    """Tell which cells are integers, or missing."""
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(pc.match_substring_regex(values, _INTEGER), True))


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
