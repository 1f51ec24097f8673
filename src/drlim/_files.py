"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
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


def check_output(
    path: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str] | None] = ()
) -> Path:
    """Return the path of a file to write, or raise before any work if it must not be written.

    Parameters
    ----------
    path : path
    inputs : iterable of path or None
        Files and folders that the work reads. The output is neither one of them, by whatever
        name or link, nor in one of the folders.

    Raises
    ------
    InputError
        If the file is an input.
    FileError
        If it is a folder, a device or read-only, or its folder cannot be written.
    """
    path = as_path(path)
    _check_no_input(path, inputs)
    target = _target(path)
    try:
        _check_replaceable(target)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as error:
        if isinstance(error, DrlimError):
            raise
        raise _cannot_write(path, error) from None
    return path


def check_output_folder(
    folder: str | os.PathLike[str], inputs: Iterable[str | os.PathLike[str] | None] = ()
) -> Path:
    """Return the path of a folder to write to, or raise as `check_output` does.

    The folder need not exist; nothing is made.
    """
    folder = as_path(folder)
    _check_no_input(folder, inputs)
    existing = _target(folder)
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        if not existing.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"Not a directory: {existing}")
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise FileError(
            f"{folder} cannot be written ({error.strerror or error}); give a folder that you may "
            "write to"
        ) from None
    return folder


def _check_no_input(path: Path, inputs: Iterable[str | os.PathLike[str] | None]) -> None:
    target = _target(path)
    for given in inputs:
        if given is None:
            continue
        read = _target(Path(given))
        both = path.exists() and read.exists()
        if target == read or (both and os.path.samefile(path, read)):  # a hard link also
            raise InputError(
                f"{path} cannot be written: it is the input {os.fspath(given)}, which it would "
                "replace; give another name for the output"
            )
        if read.is_dir() and target.is_relative_to(read):
            raise InputError(
                f"{path} cannot be written: it is in {os.fspath(given)}, whose files are the "
                "input; give a place outside it for the output"
            )


def _target(path: Path) -> Path:
    """Return the file that a path names, after all links."""
    return Path(os.path.realpath(path))


def _check_replaceable(target: Path) -> None:
    """Raise if there is something at a path that a new file must not take the place of."""
    if not target.exists():
        return
    mode = target.stat().st_mode
    if stat.S_ISDIR(mode):
        raise FileError(f"{target} is a folder; give the name of a file in it")
    if not stat.S_ISREG(mode):
        raise FileError(f"{target} is not a regular file; give the name of a file")
    # The mode too: an administrator may write to any file, and has still marked this one.
    if not mode & 0o222 or not os.access(target, os.W_OK):
        raise FileError(f"{target} is read-only; give another name, or make it writable")


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give an empty file to write, which takes the place of ``path`` if nothing goes wrong.

    If the block is left by an error, an old file stays as it was and the new one is removed. A
    link stays a link: the file it points to is replaced.

    Raises
    ------
    FileError
        If the folder does not exist or cannot be written, or the file is read-only.
    """
    path = _target(as_path(path))
    try:
        _check_replaceable(path)
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
    """Give an empty folder to write, whose content moves into ``folder`` if nothing goes wrong.

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
        if (folder / name).is_file():
            _check_replaceable(folder / name)
        (_sync_folder if (new / name).is_dir() else _sync)(new / name)
    try:
        for name in reversed(names):  # the last first
            if os.path.lexists(folder / name):
                os.replace(folder / name, old / name)
        for name in names:
            os.replace(new / name, folder / name)
    except BaseException:
        for name in names:
            if not (new / name).exists() and os.path.lexists(folder / name):
                os.replace(folder / name, new / name)
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
