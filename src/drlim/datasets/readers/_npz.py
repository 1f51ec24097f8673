"""Arrays in ``.npz`` files: the samples, unpacked slice by slice, and their factors."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from drlim._errors import FileError, InputError
from drlim.datasets.readers._arrays import choose_samples, divide, factor_of, naming_damage
from drlim.datasets.readers._npy import from_array
from drlim.datasets.readers._reader import Block, Reader


class _Header(NamedTuple):
    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype


def open_npz(path: Path) -> Reader:
    """Open a ``.npz`` file: the array X, or its only one, and the factors beside it."""
    entries, headers = _members(path)
    chosen = choose_samples(path, {name: header.shape for name, header in headers.items()})
    shape, is_fortran, dtype = headers[chosen]
    if dtype.hasobject:
        raise FileError(f"{path} holds Python objects in {chosen}, and nothing is unpickled")

    others = {name: header for name, header in headers.items() if name != chosen}
    names, left_out = divide(
        {name: header.shape for name, header in others.items()},
        {name: header.dtype for name, header in others.items()},
        shape[0] if shape else 0,
    )

    def factors() -> dict[str, np.ndarray]:
        with naming_damage(path), np.load(path, allow_pickle=False) as arrays:
            return {name: factor_of(arrays[name]) for name in names}

    if is_fortran and len(shape) > 1:  # a sample is scattered over the entry: read it whole
        with naming_damage(path), np.load(path, allow_pickle=False) as arrays:
            whole = from_array(path, np.ascontiguousarray(arrays[chosen]))
        return Reader(path, shape, whole.dtype, whole.slices, factors=factors, left_out=left_out)

    def slices(rows: int) -> Iterator[Block]:
        sample_bytes = dtype.itemsize * math.prod(shape[1:])
        with (
            naming_damage(path),
            zipfile.ZipFile(path) as archive,
            archive.open(entries[chosen]) as stream,
        ):
            _read_header(path, stream, entries[chosen].file_size)
            for start in range(0, shape[0], rows):
                n = min(rows, shape[0] - start)
                content = stream.read(n * sample_bytes)
                if len(content) < n * sample_bytes:
                    raise FileError(f"{path} is truncated: {chosen} ends after {start:,} samples")
                block = np.frombuffer(content, dtype).reshape(n, *shape[1:])
                yield Block(block.astype(dtype.newbyteorder("=")), {})

    native = dtype.newbyteorder("=")
    return Reader(path, shape, native, slices, factors=factors, left_out=left_out)


def _members(path: Path) -> tuple[dict[str, zipfile.ZipInfo], dict[str, _Header]]:
    """Return the archive's entries that are arrays, and what the header of each promises."""
    with naming_damage(path), zipfile.ZipFile(path) as archive:
        entries = {
            entry.filename.removesuffix(".npy"): entry
            for entry in archive.infolist()
            if entry.filename.endswith(".npy")
        }
        # As scipy.sparse.save_npz writes it.
        if {"format", "shape", "data"} <= entries.keys():
            raise InputError(
                f"{path} is a sparse matrix of scipy, and sparse matrices are not supported; "
                "reduce it with sklearn.decomposition.TruncatedSVD, or make it dense with "
                ".toarray(), and save the result with numpy.save"
            )
        headers = {}
        for name, entry in entries.items():
            with archive.open(entry) as stream:
                headers[name] = _read_header(path, stream, entry.file_size)
    return entries, headers


def _read_header(path: Path, stream: IO[bytes], size: int) -> _Header:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        header = np.lib.format.read_array_header_2_0(stream)
    else:
        raise FileError(
            f"{path} has an array of the format {version}; the formats 1.0 and 2.0 are supported"
        )
    shape, is_fortran, dtype = header
    # Before any memory is taken: a header can promise more than there is.
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > size:
        raise FileError(f"{path} is altered: it promises the shape {shape} in {size:,} bytes")
    return _Header(shape, is_fortran, dtype)
