"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from drlim._errors import DrlimError, FileError, InputError


def as_path(path: Any, what: str = "the path") -> Path:
    """Return a `Path`, or raise if the value cannot be the name of a file."""
    if not isinstance(path, str | os.PathLike) or "\0" in os.fspath(path):
        raise InputError(f"{what} is {path!r:.80}; it must be the name of a file or a folder")
    return Path(path)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never part of it.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written.
    """
    with whole(path) as temporary:
        temporary.write_bytes(content)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise before a long training if its result could not be written."""
    path = as_path(path)
    if path.is_dir():
        raise FileError(f"{path} is a folder; give the name of a file in it")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise _cannot_write(path, error) from None


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give an empty file to write, which takes the place of ``path`` if nothing goes wrong.

    If the block is left by an error, an old file stays as it was and the new one is removed.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written.
    """
    path = as_path(path)
    try:
        # In the same folder, because a move between file systems is not atomic.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            yield Path(name)
            _sync(Path(name))
            os.chmod(name, 0o666 & ~_umask())  # mkstemp makes a file that only its owner reads
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        if isinstance(error, DrlimError):  # from the block: it names its own cause
            raise
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> FileError:
    return FileError(
        f"{path} cannot be written ({error.strerror or error}); give a file in a folder that "
        "exists and that you may write to"
    )


@contextmanager
def whole_folder(
    folder: Path, *, last: str, what: str, remedy: str = "give a folder that you may write to"
) -> Iterator[Path]:
    """Give an empty folder to write, whose files move into ``folder`` if nothing goes wrong.

    If the block is left by an error or an interrupt, ``folder`` is as it was before, or is not
    made at all. Files of other names in it are left alone.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    last : str
        The file that readers look for. It is removed before the others are replaced and moved
        after them, so that it never stands beside files of another writing, even after a crash.
    what : str
        What is written, for errors: "the report".
    remedy : str
        What to do where it cannot be written, for errors.

    Raises
    ------
    FileError
        If the folder cannot be written.
    """
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".unfinished-"))
        try:
            new, old = scratch / "new", scratch / "old"
            new.mkdir()
            old.mkdir()
            yield new
            _replace_all(folder, new, old, last)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
            if is_new:
                with suppress(OSError):
                    folder.rmdir()  # fails, as it should, if the files are in it
    except OSError as error:
        if isinstance(error, DrlimError):
            raise
        raise FileError(
            f"{what} cannot be written to {folder} ({error.strerror or error}); {remedy}"
        ) from error


def _replace_all(folder: Path, new: Path, old: Path, last: str) -> None:
    """Move the files of `new` into `folder` and those they replace into `old`: all, or none."""
    names = sorted((file.name for file in new.iterdir()), key=lambda name: name == last)
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(errno.EISDIR, f"{name} is a folder")
        _sync(new / name)
    try:
        for name in reversed(names):  # the last first
            if os.path.lexists(folder / name):
                os.replace(folder / name, old / name)
        for name in names:
            os.replace(new / name, folder / name)
    except BaseException:
        for name in names:
            if not (new / name).exists():
                (folder / name).unlink(missing_ok=True)
            if os.path.lexists(old / name):
                os.replace(old / name, folder / name)
        raise
    _sync_folder(folder)


def _sync(path: Path) -> None:
    """Wait until the content is on the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _umask() -> int:
    mask = os.umask(0)  # it can be read only by setting it
    os.umask(mask)
    return mask
