"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drlim._errors import DrlimError, FileError, InputError


def as_path(path: Any, what: str = "the path") -> Path:
    """Return a path, or say that it is none."""
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise InputError(f"{what} is {path!r:.80}; it must be the name of a file or a folder")
    return Path(path)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part of it.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written.
    """
    with whole(path) as temporary:
        temporary.write_bytes(content)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise now if a file could not be written later, after an hour of training."""
    path = as_path(path)
    if path.is_dir():
        raise FileError(f"{path} is a folder; give the name of a file in it")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise FileError(
            f"{path} cannot be written ({error.strerror or error}); give a file in a folder that "
            "exists and that you may write to"
        ) from None


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give an empty file to write, which takes the place of ``path`` if nothing goes wrong.

    It lies in the same folder. If the block is left by an error nothing of it stays behind.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written.
    """
    path = as_path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            yield Path(name)
            with open(name, "rb") as file:
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, DrlimError):  # of what was to be written: it says what is wrong
            raise
        raise FileError(
            f"{path} cannot be written ({error.strerror or error}); give a file in a folder that "
            "exists and that you may write to"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Let the new name, too, outlive a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
