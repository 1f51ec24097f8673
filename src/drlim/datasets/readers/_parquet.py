"""Parquet files: the kind of each column is written in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drlim.datasets.readers._columns import Table, check_names


def open_parquet(path: Path) -> Table:
    """Read the schema; columns of lists, records or bytes are left out."""
    import pyarrow.types

    file = _open(path)
    check_names(path, file.schema_arrow.names)
    kinds: dict[str, str] = {}
    dtypes: dict[str, np.dtype] = {}
    indices, categories = _pandas_says(file.schema_arrow)
    no_features = {*indices, *categories}
    unused = {name for name in indices if name.startswith("__index")}
    left_out = [f"{name}: the index of a pandas table" for name in sorted(unused)]
    for field in file.schema_arrow:
        kind = _kind(field.type)
        if kind is None:
            left_out.append(f"{field.name}: has the type {field.type}, neither a number nor a text")
            continue
        kinds[field.name] = kind
        if pyarrow.types.is_dictionary(field.type):
            no_features.add(field.name)
        if kind != "text":
            is_decimal = pyarrow.types.is_decimal(field.type)
            dtypes[field.name] = np.dtype("f8" if is_decimal else field.type.to_pandas_dtype())

    def batches(names: Sequence[str], rows: int) -> Iterator[Any]:
        for batch in _open(path).iter_batches(rows, columns=list(names)):
            yield batch.select(list(names))

    return Table(
        path,
        kinds,
        dtypes,
        file.metadata.num_rows,
        batches,
        left_out=tuple(left_out),
        no_features=frozenset(no_features),
        unused=frozenset(unused),
    )


def _open(path: Path) -> Any:
    import pyarrow.parquet

    # Without a buffer of this kind a whole group of rows would be held, and some files are one.
    return pyarrow.parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)


def _pandas_says(schema: Any) -> tuple[list[str], list[str]]:
    """Return the columns that pandas wrote as the index of its table, and as categories."""
    try:
        described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        indices = [name for name in described.get("index_columns", []) if isinstance(name, str)]
        categories = [
            column["field_name"]
            for column in described.get("columns", [])
            if column["pandas_type"] == "categorical"
        ]
    except (ValueError, AttributeError, TypeError, KeyError):
        return [], []
    return [name for name in indices if name in schema.names], categories


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
    times = (is_a.is_date, is_a.is_time, is_a.is_timestamp)
    return "text" if any(is_one(arrow_type) for is_one in texts + times) else None
