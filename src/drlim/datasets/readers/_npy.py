"""Arrays in ``.npy`` files: read through a memory map, written block by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from drlim.datasets.readers._arrays import naming_damage
from drlim.datasets.readers._reader import Block, Reader


def open_npy(path: Path) -> Reader:
    """Open a ``.npy`` file as a memory map."""
    with naming_damage(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    return from_array(path, array)


def from_array(path: Path, array: np.ndarray) -> Reader:
    """Make a reader of an array, in memory or mapped."""
    dtype = array.dtype.newbyteorder("=")

    def slices(rows: int) -> Iterator[Block]:
        for start in range(0, len(array), rows):
            yield Block(np.array(array[start : start + rows], dtype, order="C"), {})

    # One sample of an array in Fortran's order is scattered over the whole file, and torch
    # takes no foreign byte order: such arrays are converted, as other slow sources are.
    is_ready = array.flags.c_contiguous and array.dtype.isnative
    return Reader(path, array.shape, dtype, slices, array if is_ready else None)


def write_npy(
    file: BinaryIO, blocks: Iterable[np.ndarray], sample_shape: tuple[int, ...], dtype: np.dtype
) -> int:
    """Write blocks of samples one after the other as one array, and return their number.

    The number of samples is known at the end; numpy pads the header so that the first axis can
    grow to any length.
    """
    dtype = dtype.newbyteorder("=")
    n = 0
    _write_header(file, (n, *sample_shape), dtype)
    begin = file.tell()
    for block in blocks:
        file.write(np.ascontiguousarray(block, dtype).data)
        n += len(block)
    file.seek(0)
    _write_header(file, (n, *sample_shape), dtype)
    assert file.tell() == begin  # or the first samples would be written over
    return n


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype) -> None:
    header = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
