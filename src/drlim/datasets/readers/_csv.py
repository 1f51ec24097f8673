"""CSV files: the kind of each column is what fits all of its values."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drlim.datasets.readers._columns import Table, check_names, fits, present

_BYTES = 1 << 24  # parsed at a time; a line may not be longer

# Numbers in a CSV file have no width: they are read as the widest.
_WIDEST = {"int": np.dtype(np.int64), "float": np.dtype(np.float64), "bool": np.dtype(np.bool_)}


def open_csv(path: Path) -> Table:
    """Read the whole file once for its kinds: its first lines say little of the others."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        names = next(csv.reader(file), [])
    check_names(path, names)
    possible = {name: ["int", "float", "bool"] for name in names}
    is_empty = dict.fromkeys(names, True)
    n_rows = 0
    for batch in _batches(path, names, names):
        n_rows += batch.num_rows
        for name, column in zip(names, batch.columns, strict=True):
            if possible[name]:
                values = present(column)
                is_empty[name] &= values.null_count == len(values)
                possible[name] = [kind for kind in possible[name] if fits(values, kind)]
    kinds = {
        name: possible[name][0] if possible[name] and not is_empty[name] else "text"
        for name in names
    }
    dtypes = {name: _WIDEST[kind] for name, kind in kinds.items() if kind != "text"}

    def batches(wanted: Sequence[str], rows: int) -> Iterator[Any]:
        for batch in _batches(path, names, wanted):
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)

    return Table(path, kinds, dtypes, n_rows, batches)


def _batches(path: Path, names: Sequence[str], wanted: Sequence[str]) -> Any:
    """Read columns as text: what pyarrow guesses from the first block binds all others."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    return arrow_csv.open_csv(
        path,
        arrow_csv.ReadOptions(block_size=_BYTES),
        arrow_csv.ParseOptions(newlines_in_values=True),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), include_columns=list(wanted)
        ),
    )
