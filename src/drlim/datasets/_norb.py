"""Small NORB: toys on a turntable, from the official files in their binary matrix format.

A file begins with a magic number that names the type of the values, the number of dimensions and
their sizes, of which at least three are written even where there are fewer dimensions; all are
integers of four bytes. The values follow. Everything is little-endian.
"""

from __future__ import annotations

import gzip
import logging
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import numpy as np

from drlim._errors import FileError, InputError, nearest_name
from drlim._files import as_path
from drlim.datasets._dataset import Dataset
from drlim.datasets._store import download as download_files, file_in, places

logger = logging.getLogger("drlim")

MIRRORS = (
    "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    "http://www.cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
)
# SHA-256 of each file as it is offered: TensorFlow Datasets checks its downloads of small NORB
# against the same (tensorflow_datasets/datasets/smallnorb/checksums.tsv).
FILES = {
    "train": {
        "smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat.gz": (
            "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"
        ),
        "smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat.gz": (
            "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"
        ),
        "smallnorb-5x46789x9x18x6x2x96x96-training-info.mat.gz": (
            "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"
        ),
    },
    "test": {
        "smallnorb-5x01235x9x18x6x2x96x96-testing-dat.mat.gz": (
            "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"
        ),
        "smallnorb-5x01235x9x18x6x2x96x96-testing-cat.mat.gz": (
            "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"
        ),
        "smallnorb-5x01235x9x18x6x2x96x96-testing-info.mat.gz": (
            "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"
        ),
    },
}
SHAPE = (24300, 2, 96, 96)  # of each -dat file: samples, cameras, rows, columns
CATEGORIES = ("animal", "human", "airplane", "truck", "car")  # 0 to 4 in the -cat files
INSTANCES = {"train": (4, 6, 7, 8, 9), "test": (0, 1, 2, 3, 5)}

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
_SLICE_BYTES = 1 << 20  # how much of a packed file is unpacked at a time
# Deflate spends at least two bits on 258 bytes: nothing that gzip packs shrinks further.
_GZIP_LIMIT = 1032


class NotFoundError(FileError):
    """Small NORB is in none of the folders, and was not downloaded."""


def norb(
    part: str = "train",
    *,
    category: str | None = "airplane",
    instance: int | None = None,
    camera: int = 0,
    download: bool = False,
) -> Dataset:
    """Load small NORB: grey photographs of toys, 96 x 96 pixels, 0 (black) to 255 (white).

    Each toy stands on a turntable in 972 conditions: 18 azimuths, 9 elevations of the camera, 6
    lightings. The six official files, packed or unpacked, are looked for in ``norb/`` of the
    folder that the environment variable ``DRLIM_DATA`` names, in the user's cache, and, if
    asked, on the network; only the three of one part are needed.

    Parameters
    ----------
    part : {"train", "test"}, default="train"
        The toys 4, 6, 7, 8 and 9, or 0, 1, 2, 3 and 5, of each category.
    category : {"animal", "human", "airplane", "truck", "car"} or None, default="airplane"
        What is shown; "animal" has four legs. None: all five.
    instance : int, optional
        Which toy of the category. None: the five of the part.
    camera : {0, 1}, default=0
        Which of the two cameras, which stand side by side.
    download : bool, default=False
        Whether to try the network (132 MB), where neither folder has the files. What is
        downloaded is checked by its SHA-256.

    Returns
    -------
    Dataset
        X of shape (n, 96, 96), uint8; n is 972 a toy. Factors ``azimuth`` (0 to 340 by 20) and
        ``elevation`` (30 to 70 by 5) in degrees, float; ``lighting`` (0 to 5) and ``instance``,
        int; ``category``, the name, str; and ``source``, the row in the official file. An
        azimuth of 0 is another side of each toy.

    Raises
    ------
    InputError
        If there is no such part, category, instance or camera.
    FileError
        If the files are not found, or are truncated, altered, or something else. Of files that
        were put there by hand the format, the size, the factors and gzip's checksum are checked.
    MissingExtraError
        If a download is asked for and pooch is not installed.

    Notes
    -----
    Y. LeCun, F. J. Huang, L. Bottou, *Learning Methods for Generic Object Recognition with
    Invariance to Pose and Lighting*, CVPR 2004. Packed files are read a slice at a time, so the
    memory it takes is that of X, not of the 448 MB that they hold; it takes seconds, and of
    unpacked files a tenth of one.

    Examples
    --------
    >>> toy = norb("test", category="truck", instance=3)  # doctest: +SKIP
    >>> toy.X.shape  # doctest: +SKIP
    (972, 96, 96)
    """
    _check_choice(part, category, instance, camera)
    (dat, cat, info), origin = _find(part, download)
    number, known = _read_factors(part, cat, info)
    is_wanted = np.ones(len(number), bool)
    if category is not None:
        is_wanted &= number == CATEGORIES.index(category)
    if instance is not None:
        is_wanted &= known[:, 0] == instance
    rows = np.flatnonzero(is_wanted)
    X = _read(dat, ("byte", SHAPE), rows, camera)
    toy, elevation, azimuth, lighting = known[rows].T
    factors = {
        "azimuth": 10.0 * azimuth,
        "elevation": 30.0 + 5.0 * elevation,
        "lighting": lighting,
        "instance": toy,
        "category": np.array(CATEGORIES)[number[rows]],
        "source": rows,
    }
    toys = INSTANCES[part] if instance is None else (instance,)
    name = (
        f"small NORB, {category or 'all categories'}, instance{'s' * (len(toys) > 1)} "
        f"{', '.join(map(str, toys))}, camera {camera}"
    )
    logger.info("%s: %s", name, origin)
    return Dataset(X, factors, name, origin)


def _check_choice(part: str, category: str | None, instance: int | None, camera: int) -> None:
    if part not in FILES:
        raise InputError(f"part is {part!r}; {nearest_name(str(part), FILES)}")
    if category is not None and category not in CATEGORIES:
        raise InputError(
            f"category is {category!r}; {nearest_name(str(category), CATEGORIES)}; or give None "
            "for all"
        )
    if instance is not None and instance not in INSTANCES[part]:
        elsewhere = [other for other, toys in INSTANCES.items() if instance in toys]
        hint = f"; {instance!r} is in the part {elsewhere[0]!r}" if elsewhere else ""
        raise InputError(
            f"instance is {instance!r}; the part {part!r} has "
            f"{', '.join(map(str, INSTANCES[part]))}{hint}"
        )
    if camera not in range(SHAPE[1]):
        raise InputError(f"camera is {camera!r}; there are two, so give 0 or 1")


def _find(part: str, download: bool) -> tuple[list[Path], str]:
    """Return the -dat, -cat and -info file of a part, and where they were found."""
    for place, folder in places("norb"):
        files = {name: file_in(folder, name) for name in FILES[part]}
        found = [file for file in files.values() if file is not None]
        if len(found) == len(files):
            return found, f"{place}, {folder}"
        # Asked for again, a part of the set in the cache is a download that broke off.
        if found and not (download and place == "the cache"):
            missing = [name for name, file in files.items() if file is None]
            raise FileError(
                f"{folder} lacks {', '.join(missing)} of the three files of small NORB's part "
                f"{part!r}; put them there, or remove the others"
            )
    why = "and download=True was not asked for"
    if download:
        try:
            folder = download_files("norb", FILES[part], MIRRORS)
            return [folder / name for name in FILES[part]], f"downloaded to {folder}"
        except FileError as error:
            why = f"and the download failed: {error}"
    raise NotFoundError(
        f"small NORB's part {part!r} is in none of "
        f"{', '.join(str(folder) for _, folder in places('norb'))}, {why}; put the files from "
        f"{MIRRORS[0]} there, or take drlim.datasets.airplane(), which renders a stand-in"
    )


def _read_factors(part: str, cat: Path, info: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the category (n,) and instance, elevation, azimuth and lighting (n, 4), as int64."""
    category = _read(cat, ("integer", SHAPE[:1])).astype(np.int64)
    known = _read(info, ("integer", (SHAPE[0], 4))).astype(np.int64)
    columns = {
        "category": (cat, category, range(5)),
        "instance": (info, known[:, 0], INSTANCES[part]),
        "elevation": (info, known[:, 1], range(9)),
        "azimuth": (info, known[:, 2], range(0, 36, 2)),
        "lighting": (info, known[:, 3], range(6)),
    }
    for name, (path, values, allowed) in columns.items():
        strange = np.setdiff1d(values, allowed)
        if len(strange):
            raise FileError(
                f"{path} is altered, or not of small NORB's part {part!r}: it has the {name} "
                f"{strange[0]}, and there are {', '.join(map(str, allowed))}; delete it and get "
                "it again"
            )
    return category, known


# The format


class _Header(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    n_bytes: int  # of the header itself

    @property
    def dtype(self) -> np.dtype:
        return _DTYPES[self.kind]

    @property
    def promised(self) -> int:
        """How many bytes of values are to follow."""
        return self.dtype.itemsize * math.prod(self.shape)


def read_matrix(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a file in small NORB's binary matrix format, of bytes or integers, plain or gzipped.

    Parameters
    ----------
    path : str or path
        Such as ``smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat.gz``.

    Returns
    -------
    ndarray of uint8 or int32
        Of as many dimensions as the file says.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered or foreign; the message says which.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix="-dat.mat") as file:
    ...     n = file.write(bytes.fromhex("554c3d1e 01000000 02000000 01000000 01000000 0709"))
    ...     file.flush()
    ...     read_matrix(file.name)
    array([7, 9], dtype=uint8)
    """
    return _read(as_path(path))


def _read(
    path: Path,
    expected: tuple[str, tuple[int, ...]] | None = None,
    rows: np.ndarray | None = None,
    camera: int | None = None,
) -> np.ndarray:
    """Read a matrix, or only one camera of some rows (in increasing order) of it.

    ``expected`` is the kind and the shape that the file must have.
    """
    with _open(path) as (stream, is_packed):
        header = _read_header(path, stream)
        if expected is not None and expected != (header.kind, header.shape):
            raise FileError(
                f"{path} is a matrix of the kind {header.kind} and the shape {header.shape}, and "
                f"small NORB's file of that name of the kind {expected[0]} and the shape "
                f"{expected[1]}; is it of another set? Put the official file there"
            )
        # Before any memory is taken: a header can promise more than there is.
        size = path.stat().st_size
        held = size * _GZIP_LIMIT if is_packed else size - header.n_bytes
        if held < header.promised:
            raise _truncated(path, header, f"{'at most ' * is_packed}{held:,}")
        if is_packed:
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
    """Read the values of a gzipped file a slice at a time, keeping what is wanted."""
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
    if stream.read(1):  # at the end of the stream gzip compares its checksum, too
        raise _altered(path, header)
    return kept


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, bool]]:
    """Open a file that may be gzipped, and name it in whatever goes wrong while it is read."""
    try:
        with path.open("rb") as file:
            is_packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if is_packed:
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
        twin = _KINDS.get(int.from_bytes(magic, "big"))
        if twin is not None:
            raise FileError(
                f"{path} is a {twin} matrix written big-endian, and small NORB's files are "
                "little-endian; get the official file"
            )
        raise FileError(
            f"{path} is no matrix of small NORB: it begins with {magic.hex(' ') or 'nothing'}, "
            "and such a file with 55 4c 3d 1e or 54 4c 3d 1e; is it another file, or a page that "
            "a server sent in its place?"
        )
    if kind not in _DTYPES:
        raise FileError(
            f"{path} is a {kind} matrix, and small NORB's are byte and integer matrices; is it "
            "of another set?"
        )
    content = magic + stream.read(4)
    n_dimensions = int.from_bytes(content[4:], "little")
    if len(content) == 8 and not 1 <= n_dimensions <= _MOST_DIMENSIONS:
        raise FileError(
            f"{path} is altered: it promises {n_dimensions} dimensions, and may have 1 to "
            f"{_MOST_DIMENSIONS}; delete it and get it again"
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
