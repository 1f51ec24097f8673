"""Small NORB's binary matrix format.

A file begins with a magic number that names the type of the values, the number of dimensions and
their sizes, of which at least three are written even where there are fewer dimensions; all are
integers of four bytes. The values follow. Everything is little-endian.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from drlim._errors import FileError
from drlim._files import as_path

_KINDS = {
    0x1E3D4C51: "single precision",
    0x1E3D4C52: "packed",
    0x1E3D4C53: "double precision",
    0x1E3D4C54: "integer",
    0x1E3D4C55: "byte",
    0x1E3D4C56: "short",
}
_DTYPES: dict[str, np.dtype] = {"integer": np.dtype("<i4"), "byte": np.dtype("u1")}
_MOST_DIMENSIONS = 8
_SLICE_BYTES = 1 << 20  # unpacked at a time
# Deflate spends at least two bits on 258 bytes, so a gzipped file holds at most this many times
# its own size.
_GZIP_LIMIT = 1032


class _Header(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    n_bytes: int  # of the header itself

    @property
    def dtype(self) -> np.dtype:
        return _DTYPES[self.kind]

    @property
    def promised(self) -> int:
        """The number of bytes of the values, by the header."""
        return self.dtype.itemsize * math.prod(self.shape)


def read_matrix(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a file in small NORB's binary matrix format, of bytes or integers, plain or gzipped.

    Parameters
    ----------
    path : str or path
        A file such as ``smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat.gz``.

    Returns
    -------
    ndarray of uint8 or int32
        With the dimensions that the file's header gives.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered or of another kind; the message says which.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix="-dat.mat") as file:
    ...     n = file.write(bytes.fromhex("554c3d1e 01000000 02000000 01000000 01000000 0709"))
    ...     file.flush()
    ...     read_matrix(file.name)
    array([7, 9], dtype=uint8)
    """
    return read_expected(as_path(path))


def read_expected(
    path: Path,
    expected: tuple[str, tuple[int, ...]] | None = None,
    rows: np.ndarray | None = None,
    camera: int | None = None,
) -> np.ndarray:
    """Read a matrix, or only one camera of some of its rows.

    Parameters
    ----------
    path : pathlib.Path
    expected : (str, tuple of int), optional
        The kind and the shape that the file must have.
    rows : ndarray of int, optional
        In increasing order.
    camera : int, optional
    """
    with _open(path) as (stream, is_gzipped):
        header = _read_header(path, stream)
        if expected is not None and expected != (header.kind, header.shape):
            raise FileError(
                f"{path} is a matrix of the kind {header.kind} and the shape {header.shape}, and "
                f"small NORB's file of that name has the kind {expected[0]} and the shape "
                f"{expected[1]}; is it of another set? Put the official file there"
            )
        # Before any memory is taken: a header can promise more than there is.
        size = path.stat().st_size
        held = size * _GZIP_LIMIT if is_gzipped else size - header.n_bytes
        if held < header.promised:
            raise _truncated(path, header, f"{'at most ' * is_gzipped}{held:,}")
        if is_gzipped:
            return _unpack(path, stream, header, rows, camera)
        if held > header.promised:
            raise _altered(path, header)
        matrix: np.ndarray = np.memmap(path, header.dtype, "r", header.n_bytes, header.shape)
        native = header.dtype.newbyteorder("=")
        if rows is None:
            return np.array(matrix, native)
        return matrix[rows, camera].astype(native, copy=False)


def _unpack(
    path: Path,
    stream: BinaryIO,
    header: _Header,
    rows: np.ndarray | None,
    camera: int | None,
) -> np.ndarray:
    """Read the values of a gzipped file slice by slice, keeping only the rows and the camera."""
    n, *sample = header.shape
    n_kept, kept_shape = (n, sample) if rows is None else (len(rows), sample[1:])
    kept = np.empty((n_kept, *kept_shape), header.dtype.newbyteorder("="))
    sample_bytes = header.dtype.itemsize * math.prod(sample)
    step = max(_SLICE_BYTES // sample_bytes, 1)
    for start in range(0, n, step):
        stop = min(start + step, n)
        content = stream.read((stop - start) * sample_bytes)
        if len(content) < (stop - start) * sample_bytes:
            raise _truncated(path, header, f"{start * sample_bytes + len(content):,}")
        values = np.frombuffer(content, header.dtype).reshape(-1, *sample)
        if rows is None:
            kept[start:stop] = values
        else:
            first, last = np.searchsorted(rows, (start, stop))
            kept[first:last] = values[rows[first:last] - start, camera]
    if stream.read(1):  # at the end of the stream gzip also compares its checksum
        raise _altered(path, header)
    return kept


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """Open a file that may be gzipped, and name it in errors while it is read."""
    try:
        with path.open("rb") as file:
            is_gzipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if is_gzipped:
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield cast(BinaryIO, unpacked), True
            else:
                yield file, False
    except FileError:
        raise
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FileError(
            f"{path} is truncated or altered ({error}); delete it and get it again"
        ) from None
    except OSError as error:
        raise FileError(
            f"{path} cannot be read ({error.strerror}); is it the right path?"
        ) from None


def _read_header(path: Path, stream: BinaryIO) -> _Header:
    magic = stream.read(4)
    kind = _KINDS.get(int.from_bytes(magic, "little"))
    if kind is None:
        big_endian = _KINDS.get(int.from_bytes(magic, "big"))
        if big_endian is not None:
            raise FileError(
                f"{path} is a {big_endian} matrix written big-endian, and small NORB's files are "
                "little-endian; get the official file"
            )
        raise FileError(
            f"{path} is not a matrix of small NORB: it begins with {magic.hex(' ') or 'nothing'} "
            "instead of 55 4c 3d 1e or 54 4c 3d 1e; is it another file, or an error page from a "
            "server?"
        )
    if kind not in _DTYPES:
        raise FileError(
            f"{path} is a {kind} matrix, and small NORB has byte and integer matrices; is it "
            "of another set?"
        )
    content = magic + stream.read(4)
    n_dimensions = int.from_bytes(content[4:], "little")
    if len(content) == 8 and not 1 <= n_dimensions <= _MOST_DIMENSIONS:
        raise FileError(
            f"{path} is altered: it promises {n_dimensions} dimensions, and 1 to "
            f"{_MOST_DIMENSIONS} are allowed; delete it and get it again"
        )
    n_bytes = 8 + 4 * max(n_dimensions, 3)
    content += stream.read(n_bytes - len(content))
    if len(content) < n_bytes:
        raise FileError(
            f"{path} is truncated: it ends after {len(content)} of the {n_bytes} bytes of its "
            "header; delete it and get it again"
        )
    shape = tuple(np.frombuffer(content, "<u4", n_dimensions, 8).tolist())
    if 0 in shape:
        raise FileError(
            f"{path} is altered: it promises the shape {shape}; delete it and get it again"
        )
    return _Header(kind, shape, n_bytes)


def _truncated(path: Path, header: _Header, held: str) -> FileError:
    return FileError(
        f"{path} is truncated: it promises the shape {header.shape} in {header.promised:,} bytes "
        f"and holds {held}; delete it and get it again"
    )


def _altered(path: Path, header: _Header) -> FileError:
    return FileError(
        f"{path} is altered: it promises the shape {header.shape} and holds more; delete it and "
        "get it again"
    )
