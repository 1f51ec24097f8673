"""Random access to any reader: its samples in memory, or in a memory map kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from drlim._errors import FileError
from drlim._files import whole_folder
from drlim._progress import Pace
from drlim.datasets._store import cache_folder
from drlim.datasets.readers._npy import write_npy
from drlim.datasets.readers._reader import Block, Reader, Say

# Samples of up to this many bytes are read into memory; more are converted to a memory map.
IN_MEMORY_BYTES = 1 << 30

_ROWS = 4096  # read at a time

# The version of the conversion. Raise it when other values come out, or a cache would go on
# giving the old ones.
_VERSION = 1

_REMEDY = "choose another place with DRLIM_CACHE"


def random_access(
    reader: Reader, options: object, cache: str | os.PathLike[str] | None, say: Say
) -> tuple[np.ndarray, dict[int, str]]:
    """Return all samples that can be read, and why the others cannot, by row.

    `options` are the choices that made the reader: other options are another conversion.
    """
    if reader.array is not None:
        return reader.array, {}
    if reader.n_bytes <= IN_MEMORY_BYTES:
        return _decoded(reader, say)
    return _mapped(reader, options, cache, say)


def _decoded(reader: Reader, say: Say) -> tuple[np.ndarray, dict[int, str]]:
    X, n, bad = np.empty(reader.shape, reader.dtype), 0, {}
    for block in _blocks(reader, say):
        X[n : n + len(block.X)] = block.X
        n += len(block.X)
        bad.update(block.skipped)
    return X[:n], bad


def _blocks(reader: Reader, say: Say) -> Iterator[Block]:
    """Read all samples, and say how many are read every few seconds."""
    n, pace = 0, Pace()
    for block in reader.blocks(_ROWS):
        yield block
        n += len(block.X) + len(block.skipped)
        if pace.is_due():
            say(f"{reader.path}: {n:,} of {reader.shape[0]:,} samples read")


def _mapped(
    reader: Reader, options: object, cache: str | os.PathLike[str] | None, say: Say
) -> tuple[np.ndarray, dict[int, str]]:
    """Return the memory map of the samples, converting them if the cache does not have it."""
    # Another version, another file or other options are another conversion.
    content = json.dumps([_VERSION, _fingerprint(reader.path), options])
    key = hashlib.sha256(content.encode()).hexdigest()
    parent = cache_folder() / "converted" if cache is None else Path(cache)
    folder = parent / key
    if not _is_whole(folder, reader):
        _check_room(reader, parent)
        say(
            f"{reader.path} is converted once into a memory map of "
            f"{reader.n_bytes / 2**30:,.1f} GiB, in {folder}"
        )
        _convert(reader, folder, say)
    return _load(folder)


def _check_room(reader: Reader, parent: Path) -> None:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(parent).free
    except OSError as error:
        raise FileError(
            f"{reader.path} cannot be converted in {parent} ({error.strerror or error}); {_REMEDY}"
        ) from error
    if free < reader.n_bytes:
        raise FileError(
            f"{parent} has {free / 2**30:,.1f} GiB left, and {reader.path} needs "
            f"{reader.n_bytes / 2**30:,.1f} to be converted; make room, or {_REMEDY}"
        )


def _convert(reader: Reader, folder: Path, say: Say) -> None:
    bad: dict[int, str] = {}

    def samples() -> Iterator[np.ndarray]:
        for block in _blocks(reader, say):
            bad.update(block.skipped)
            yield block.X

    what = f"the conversion of {reader.path}"
    with whole_folder(folder, last="X.npy", what=what, remedy=_REMEDY) as temporary:
        with (temporary / "X.npy").open("wb") as file:
            write_npy(file, samples(), reader.shape[1:], reader.dtype)
        (temporary / "skipped.json").write_text(json.dumps(list(bad.items())))


def _load(folder: Path) -> tuple[np.ndarray, dict[int, str]]:
    X = np.load(folder / "X.npy", mmap_mode="r", allow_pickle=False)
    return X, dict(json.loads((folder / "skipped.json").read_text()))


def _is_whole(folder: Path, reader: Reader) -> bool:
    try:
        X, bad = _load(folder)
    except (OSError, ValueError):
        return False
    shape = (reader.shape[0] - len(bad), *reader.shape[1:])
    return (X.shape, X.dtype) == (shape, reader.dtype)


def _fingerprint(path: Path) -> list[tuple[str, int, int]]:
    """Return the path, size and time of change of a file, or of all files in a folder."""
    path = path.resolve()
    files = [path]
    if path.is_dir():
        files = sorted(Path(parent, name) for parent, _, names in os.walk(path) for name in names)
    found = [(file, file.stat()) for file in files if file.exists()]
    return [(str(file), status.st_size, status.st_mtime_ns) for file, status in found]
