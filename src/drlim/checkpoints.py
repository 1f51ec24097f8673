"""Checkpoints: a folder from which a training that was interrupted can be resumed.

A checkpoint is written like a map, as arrays and JSON, whole or not at all, and replaces the older
of two. So if writing one fails, the newest good one is still there.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch

from drlim._checks import check_count
from drlim._errors import FileError, InputError
from drlim._persistence import read_map, write_map
from drlim._stored import as_stored
from drlim._version import LEARNING, versions
from drlim.networks._builders import name_of

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Where and how often a training is saved; for ``DrLIM.fit(..., checkpoint=)``.

    Parameters
    ----------
    folder : path
        Made if it does not exist. One training at a time can use it.
    every_epochs : int, optional
        Epochs from one checkpoint to the next. None: only `every_minutes` counts.
    every_minutes : float, optional
        Minutes from one checkpoint to the next, which is written at the end of an epoch. With
        both, whichever comes first. The end of the training is always saved.

    Raises
    ------
    InputError
        If a value breaks its rule, or neither is given.

    Examples
    --------
    >>> Checkpoint("runs/digits", every_epochs=None, every_minutes=10).every_minutes
    10
    """

    folder: str | os.PathLike[str]
    every_epochs: int | None = 1
    every_minutes: float | None = None

    def __post_init__(self) -> None:
        n, minutes = self.every_epochs, self.every_minutes
        if not isinstance(self.folder, str | os.PathLike):
            raise InputError(
                f"folder is a {type(self.folder).__name__}; it must be the path of a folder"
            )
        if n is not None:
            check_count(n, "every_epochs")
        if minutes is not None and not (
            isinstance(minutes, Real) and minutes > 0 and math.isfinite(minutes)
        ):
            raise InputError(f"every_minutes is {minutes!r}; it must be a number > 0, or None")
        if n is None and minutes is None:
            raise InputError("every_epochs and every_minutes are both None; give one of them")

    @contextlib.contextmanager
    def _opened(self, fingerprint: dict[str, Any], resume: bool) -> Iterator[_OpenCheckpoint]:
        """Lock the folder for one training and read what it holds.

        Parameters
        ----------
        fingerprint : dict
            Everything that determines the training, as plain data. A checkpoint in the folder
            must have the same.
        resume : bool
            Whether to continue from that checkpoint. If not, it must be of a finished training.

        Raises
        ------
        FileError
            If the folder cannot be used, another process uses it, or no checkpoint in it is good.
        InputError
            If it holds another training, or an unfinished one and `resume` is False.
        """
        folder = Path(self.folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(
                f"{folder} cannot be made ({error.strerror}); give a folder that you may write to"
            ) from None
        with _locked(folder):
            for unfinished in folder.glob(".checkpoint-*"):  # by a process that was killed
                unfinished.unlink(missing_ok=True)
            training = _OpenCheckpoint(self, folder, fingerprint)
            if resume:
                training.find()
            else:
                training.start_anew()
            yield training


class _OpenCheckpoint:
    """The checkpoints of a running training, as `Checkpoint._opened` returns them.

    Attributes
    ----------
    state : dict or None
        The state to resume from: that of the newest good checkpoint.
    chosen : dict or None
        The settings that were chosen before the training, as plain data: those of that
        checkpoint, until a new training sets its own.
    """

    def __init__(self, checkpoint: Checkpoint, folder: Path, fingerprint: dict[str, Any]) -> None:
        self.checkpoint = checkpoint
        self.folder = folder
        self.fingerprint = _plain(fingerprint)
        self.state: dict[str, Any] | None = None
        self.chosen: dict[str, Any] | None = None
        # Two files that are written in turn, so that the newest good one is never overwritten.
        self.slots = [folder / "checkpoint-0.drlim", folder / "checkpoint-1.drlim"]
        self.next_slot = 0
        self.last_time = time.monotonic()

    def find(self) -> None:
        """Read the newest good checkpoint, if there is any."""
        newest = self._newest()
        if newest is None:
            return
        slot, description, tensors = newest
        saved = description["fingerprint"]
        differ = sorted(
            name
            for name in saved.keys() | self.fingerprint.keys()
            if saved.get(name) != self.fingerprint.get(name)
        )
        if differ:
            raise InputError(
                f"{self.folder} holds a checkpoint of another training: "
                + ", ".join(_difference(name, saved, self.fingerprint) for name in differ)
                + "; resume it with what it was made with, or give another folder"
            )
        self.next_slot = 1 - slot
        self.state = _joined(description["state"], tensors)
        self.chosen = description.get("chosen")

    def start_anew(self) -> None:
        """Delete the checkpoints of a finished training, and no others."""
        newest = self._newest()
        if newest is not None and not newest[1]["finished"]:
            raise InputError(
                f"{self.folder} holds a training that was interrupted after epoch "
                f"{newest[1]['n_epochs']}; continue it with resume=True (on the command line "
                "--resume), or delete the folder"
            )
        for slot in self.slots:
            slot.unlink(missing_ok=True)

    def _newest(self) -> tuple[int, dict[str, Any], dict[str, np.ndarray]] | None:
        good, bad = [], None
        for number, slot in enumerate(self.slots):
            if not slot.exists():
                continue
            try:
                description, tensors = read_map(slot)
                if not _is_checkpoint(description):
                    raise FileError(f"{slot} is not a checkpoint; give the training another folder")
                good.append((number, description, tensors))
            except FileError as error:
                bad = error  # the other one may be good
        if not good and bad is not None:
            raise bad
        return max(good, key=lambda entry: entry[1]["n_epochs"], default=None)

    def keep(self, n_epochs: int, finished: bool, state: Callable[[], dict[str, Any]]) -> None:
        """Write a checkpoint after an epoch, if one is due."""
        every, minutes = self.checkpoint.every_epochs, self.checkpoint.every_minutes
        due = (every is not None and n_epochs % every == 0) or (
            minutes is not None and time.monotonic() - self.last_time >= 60 * minutes
        )
        if not (due or finished):
            return
        tensors: dict[str, np.ndarray] = {}
        description = {
            "kind": "checkpoint",
            "n_epochs": n_epochs,
            "finished": finished,
            "fingerprint": self.fingerprint,
            "chosen": self.chosen,
            "state": _parted(state(), "", tensors),
        }
        try:
            write_map(self.slots[self.next_slot], description, tensors)
        except FileError as error:
            raise FileError(
                f"the checkpoint after epoch {n_epochs} was not written "
                f"({error.__cause__ or error}). The one before is still in {self.folder}: make "
                "room, and continue with resume=True"
            ) from error
        self.next_slot = 1 - self.next_slot
        self.last_time = time.monotonic()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the system releases it when the process ends, however it ends."""
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise FileError(
            f"{folder} cannot be written ({error.strerror}); give a folder that you may write to"
        ) from None
    try:
        try:
            _lock(handle)
        except OSError:  # another process holds it
            pid = os.read(handle, 20).decode(errors="replace").strip()
            raise FileError(
                f"{folder} is in use by another training (process {pid or 'unknown'}); wait for "
                "it, or give each training a folder of its own"
            ) from None
        # A full disk must not prevent the lock; the number is only for the message.
        with contextlib.suppress(OSError):
            os.ftruncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_checkpoint(description: dict[str, Any]) -> bool:
    return (
        description.get("kind") == "checkpoint"
        and type(description.get("n_epochs")) is int
        and type(description.get("finished")) is bool
        and isinstance(description.get("fingerprint"), dict)
        and isinstance(description.get("state"), dict)
    )


def _difference(name: str, saved: dict[str, Any], given: dict[str, Any]) -> str:
    was, is_now = (repr(side.get(name)) for side in (saved, given))
    if max(len(was), len(is_now)) > 40:  # such as a SHA-256, which tells a reader nothing
        return f"other {name}"
    return f"{name} was {was} and is {is_now}"


def _plain(value: Any) -> Any:
    """Return data as it is after a round trip through JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


_TENSOR = "tensor"


def _parted(value: Any, path: str, tensors: dict[str, np.ndarray]) -> Any:
    """Separate nested dicts and lists into plain data and `tensors`, which are added by path."""
    if isinstance(value, torch.Tensor):
        tensors[path] = as_stored(path, value)
        return {_TENSOR: path}
    if isinstance(value, dict):
        return {str(key): _parted(entry, f"{path}/{key}", tensors) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_parted(entry, f"{path}/{k}", tensors) for k, entry in enumerate(value)]
    return _plain(value)


def _joined(value: Any, tensors: dict[str, np.ndarray]) -> Any:
    """Put the tensors back in their places."""
    if isinstance(value, dict):
        if list(value) == [_TENSOR]:
            return torch.from_numpy(tensors[value[_TENSOR]])
        return {key: _joined(entry, tensors) for key, entry in value.items()}
    if isinstance(value, list):
        return [_joined(entry, tensors) for entry in value]
    return value


def _fingerprint(parameters: dict[str, Any], arrays: dict[str, Any]) -> dict[str, Any]:
    """Name everything that determines a training, so that no other one is resumed as this one.

    Parameters
    ----------
    parameters : dict
        Plain data and callables, by name. A callable is known by its name.
    arrays : dict
        Arrays and tensors by name, alone or in lists. They are known by their SHA-256.
    """
    return {
        **{name: name_of(v) if callable(v) else v for name, v in parameters.items()},
        **{name: _digested(value) for name, value in arrays.items()},
        **versions(LEARNING),
    }


def _digested(value: Any) -> Any:
    if isinstance(value, list):
        return [_digested(entry) for entry in value]
    if isinstance(value, torch.Tensor):
        value = np.atleast_1d(value.numpy())
    return _digest(value) if isinstance(value, np.ndarray) else value


def _digest(array: np.ndarray) -> str:
    # With dtype and shape: the same bytes can be other samples.
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape}".encode())
    for start in range(0, len(array), 4096):  # samples may be in a file larger than memory
        block = np.ascontiguousarray(array[start : start + 4096])
        digest.update(block.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
