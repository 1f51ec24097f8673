"""Sources that hold arrays: ``.npy``, ``.npz`` and Zarr. Nothing is ever unpickled."""

from __future__ import annotations

import math
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from drlim._errors import DrlimError, FileError, InputError, missing_extra
from drlim.datasets._source import Block, Source, few, logger


def open_npy(path: Path) -> Source:
    """Open a ``.npy`` file as a memory map."""
    with _named(path):
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    return _from_array(path, array)


def _from_array(path: Path, array: np.ndarray) -> Source:
    dtype = array.dtype.newbyteorder("=")

    def slices(rows: int) -> Iterator[Block]:
        for start in range(0, len(array), rows):
            yield Block(np.array(array[start : start + rows], dtype, order="C"), {})

    # One sample of an array in Fortran's order is scattered over the whole file, and torch
    # takes no foreign byte order: such arrays are converted, as other slow sources are.
    is_ready = array.flags.c_contiguous and array.dtype.isnative
    return Source(path, array.shape, dtype, slices, array if is_ready else None)


# .npz


def open_npz(path: Path) -> Source:
    """Open a ``.npz`` file: the array X, or its only one, and the factors beside it."""
    with _named(path), zipfile.ZipFile(path) as archive:
        entries = {
            entry.filename.removesuffix(".npy"): entry
            for entry in archive.infolist()
            if entry.filename.endswith(".npy")
        }
        # As scipy.sparse.save_npz writes it.
        if {"format", "shape", "data"} <= entries.keys():
            raise InputError(
                f"{path} is a sparse matrix of scipy, and sparse matrices are not taken; reduce "
                "it with sklearn.decomposition.TruncatedSVD, or make it dense with .toarray(), "
                "and save the result with numpy.save"
            )
        headers = {}
        for name, entry in entries.items():
            with archive.open(entry) as stream:
                headers[name] = _header(path, stream, entry.file_size)
    chosen = _choose(path, {name: shape for name, (shape, _, _) in headers.items()})
    shape, is_fortran, dtype = headers[chosen]
    if dtype.hasobject:
        raise FileError(f"{path} holds Python objects in {chosen}, and nothing is unpickled")

    def factors() -> dict[str, np.ndarray]:
        with _named(path), np.load(path, allow_pickle=False) as arrays:
            return {
                name: _plain(arrays[name])
                for name, (other, _, kind) in headers.items()
                if name != chosen and _is_factor(path, name, other, kind, shape[0])
            }

    if is_fortran and len(shape) > 1:
        with _named(path), np.load(path, allow_pickle=False) as arrays:
            whole = _from_array(path, np.ascontiguousarray(arrays[chosen]))
        return Source(path, shape, whole.dtype, whole.slices, factors=factors)

    def slices(rows: int) -> Iterator[Block]:
        sample = dtype.itemsize * math.prod(shape[1:])
        with (
            _named(path),
            zipfile.ZipFile(path) as archive,
            archive.open(entries[chosen]) as stream,
        ):
            _header(path, stream, entries[chosen].file_size)
            for start in range(0, shape[0], rows):
                n = min(rows, shape[0] - start)
                content = stream.read(n * sample)
                if len(content) < n * sample:
                    raise FileError(f"{path} is truncated: {chosen} ends after {start:,} samples")
                block = np.frombuffer(content, dtype).reshape(n, *shape[1:])
                yield Block(block.astype(dtype.newbyteorder("=")), {})

    return Source(path, shape, dtype.newbyteorder("="), slices, factors=factors)


def _header(path: Path, stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        header = np.lib.format.read_array_header_2_0(stream)
    else:
        raise FileError(f"{path} has an array of the format {version}, and 1.0 and 2.0 are read")
    shape, is_fortran, dtype = header
    # Before any memory is taken: a header can promise more than there is.
    if not dtype.hasobject and math.prod(shape) * dtype.itemsize > size:
        raise FileError(f"{path} is altered: it promises the shape {shape} in {size:,} bytes")
    return shape, is_fortran, dtype


# Zarr


def open_zarr(path: Path) -> Source:
    """Open a Zarr array, or a group: its array X or its only one, and the factors beside it."""
    try:
        import zarr
    except ImportError:
        raise missing_extra("zarr", "zarr", f"reading {path}") from None
    with _named(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Zarr says of the future of its formats
        node: Any = zarr.open(str(path), mode="r")
        arrays = {"X": node} if isinstance(node, zarr.Array) else dict(node.arrays())
    chosen = _choose(path, {name: array.shape for name, array in arrays.items()})
    array = arrays[chosen]
    _check_codecs(path, array)
    shape, dtype = tuple(array.shape), np.dtype(array.dtype).newbyteorder("=")
    # A whole number of chunks at a time, or each chunk would be decoded again and again.
    chunk = (array.shards or array.chunks)[0]

    def slices(rows: int) -> Iterator[Block]:
        step = -(-rows // chunk) * chunk
        with _named(path):
            for start in range(0, shape[0], step):
                chunks = np.ascontiguousarray(array[start : start + step], dtype)
                for first in range(0, len(chunks), rows):
                    yield Block(chunks[first : first + rows], {})

    def factors() -> dict[str, np.ndarray]:
        known = {}
        with _named(path):
            for name, other in arrays.items():
                kind = np.dtype(other.dtype)
                if name != chosen and _is_factor(path, name, other.shape, kind, shape[0]):
                    _check_codecs(path, other)
                    known[name] = _plain(np.asarray(other[:]))
        return known

    return Source(path, shape, dtype, slices, factors=factors)


def _check_codecs(path: Path, array: Any) -> None:
    """Refuse the codec of Zarr's second format that unpickles what it reads."""
    metadata = array.metadata
    used = [*(getattr(metadata, "filters", None) or ()), getattr(metadata, "compressor", None)]
    if any(getattr(codec, "codec_id", None) == "pickle" for codec in used):
        raise FileError(f"{path} holds pickled objects, and nothing is unpickled")


# What they share


def _choose(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return the name of the array with the samples."""
    candidates = [name for name, shape in shapes.items() if len(shape) > 1] or list(shapes)
    if "X" in shapes:
        return "X"
    if len(candidates) == 1:
        return candidates[0]
    raise InputError(
        f"{path} holds {len(shapes)} arrays ({few(shapes) or 'none'}), and which are the samples "
        "is not said; call them X"
    )


def _is_factor(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype, n: int) -> bool:
    if shape == (n,) and dtype.kind in "biufSUT":
        return True
    logger.info("%s: %s is no factor: of %s, of the shape %s", path, name, dtype, shape)
    return False


def _plain(values: np.ndarray) -> np.ndarray:
    """Return a factor whose text, if it is text, is unicode of a fixed width."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    return values.astype(str) if values.dtype.kind == "T" else values


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in whatever goes wrong while it is read."""
    try:
        yield
    except DrlimError:
        raise
    except (
        OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, NotImplementedError,
        SyntaxError, zlib.error, zipfile.BadZipFile,
    ) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if "pickle" in reason or "Python objects" in reason:
            reason = "it holds Python objects, and nothing is unpickled"
        raise FileError(
            f"{path} cannot be read: it is truncated, altered or no {path.suffix} ({reason})"
        ) from error
