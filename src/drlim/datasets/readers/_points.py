"""Writing the points of a map: block by block, in constant memory, whole or not at all."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import InputError, missing_extra, nearest_name
from drlim._files import as_path, whole
from drlim.datasets.readers._npy import write_npy

_ENDINGS = (".npy", ".csv", ".parquet")

Points = tuple[np.ndarray, np.ndarray | None]


def write_points(path: str | os.PathLike[str], blocks: Iterable[Points], n_components: int) -> int:
    """Write points of a map to a file by its ending, ``.npy``, ``.csv`` or ``.parquet``.

    Only one block is held in memory. The file appears when everything is written; if anything
    goes wrong before, an old file of that name stays as it was.

    Parameters
    ----------
    path : str or path
    blocks : iterable of (Z, names)
        Z of shape (n, n_components), float; names, n str or None, as `blocks` yields them.
    n_components : int
        The number of columns of Z.

    Returns
    -------
    int
        The number of points written. A table has the columns ``map1``, ``map2``, ..., after
        ``name`` if the points have names; a ``.npy`` file holds no names.

    Raises
    ------
    FileError
        If the file cannot be written.
    InputError
        If the path ends otherwise, or a block has another shape.
    MissingExtraError
        If the file is a table and pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     n = write_points(f"{folder}/Z.npy", [(np.zeros((2, 3)), None)] * 2, 3)
    ...     n, np.load(f"{folder}/Z.npy").shape
    (4, (4, 3))
    """
    path = as_path(path)
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise InputError(f"{path} ends in {ending!r}; {nearest_name(ending, _ENDINGS)}")
    checked = _checked(blocks, n_components)
    # The first block decides the dtype, and whether the table has a column of names.
    first = next(checked, (np.empty((0, n_components), np.float32), None))
    checked = itertools.chain([first], checked)
    with whole(path) as temporary:
        if ending == ".npy":
            with temporary.open("wb") as file:
                points = (Z for Z, _ in checked)
                return write_npy(file, points, (n_components,), first[0].dtype)
        return _write_table(temporary, ending, first, checked)


def _checked(blocks: Iterable[Points], n_components: int) -> Iterator[Points]:
    for Z, names in blocks:
        Z = np.asarray(Z)
        if Z.ndim != 2 or Z.shape[1] != n_components or Z.dtype.kind != "f":
            raise InputError(
                f"a block of points is {Z.dtype} of the shape {Z.shape}; it must be float and of "
                f"the shape (n, {n_components})"
            )
        if names is not None and len(names) != len(Z):
            raise InputError(
                f"a block has {len(Z):,} points and {len(names):,} names; give one name per point"
            )
        yield Z, names


def _write_table(path: Path, ending: str, first: Points, blocks: Iterable[Points]) -> int:
    try:
        import pyarrow as pa
    except ImportError:
        raise missing_extra("pyarrow", "tables", f"writing a {ending} file") from None
    Z, names = first
    titles = [f"map{j + 1}" for j in range(Z.shape[1])]
    fields = [(title, pa.from_numpy_dtype(Z.dtype)) for title in titles]
    if names is not None:
        fields.insert(0, ("name", pa.string()))
    schema = pa.schema(fields)
    n = 0
    with _writer(path, ending, schema) as writer:
        for points, point_names in blocks:
            if (point_names is None) != (names is None):
                raise InputError(
                    "some blocks of points have names and some do not; name all or none"
                )
            columns = [points[:, j].astype(Z.dtype) for j in range(points.shape[1])]
            if point_names is not None:
                columns.insert(0, np.asarray(point_names).tolist())
            arrays = [
                pa.array(column, type=kind)
                for column, (_, kind) in zip(columns, fields, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            n += len(points)
    return n


def _writer(path: Path, ending: str, schema: Any) -> Any:
    if ending == ".csv":
        from pyarrow import csv

        return csv.CSVWriter(path, schema)
    from pyarrow import parquet

    return parquet.ParquetWriter(path, schema)
