"""`Reader`: the samples of a file of any kind, read in order and slice by slice."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._errors import DrlimError, FileError, InputError

logger = logging.getLogger("drlim")

Say = Callable[[str], None]

# No slice is larger, however many rows are asked for: so reading takes the same memory for
# photographs as for short vectors.
SLICE_BYTES = 1 << 26

_NUMBERS = "biuf"  # kinds of dtype: bool, integers, floats


class Block(NamedTuple):
    """The samples of one slice, and why some of its rows could not be read.

    The keys of `skipped` are row numbers in the whole file.
    """

    X: np.ndarray
    skipped: dict[int, str]


def _no_factors() -> dict[str, np.ndarray]:
    return {}


@dataclass(frozen=True)
class Reader:
    """Samples that can be read in order, any number of times.

    Attributes
    ----------
    path : pathlib.Path
        Where they are, for messages.
    shape : tuple of int
        The shape of all samples, ``(n_samples, ...)``, including those that cannot be read.
    dtype : numpy.dtype
    slices : callable
        ``slices(rows)`` reads all samples in order, at most ``rows`` at a time.
    array : ndarray, optional
        The samples themselves, where random access to them is cheap.
    names : ndarray of str, optional
        The names of all samples.
    factors : callable
        ``factors()`` reads the factors that the file holds.
    feature_names : tuple of str
        The names of the features, if they have any.
    left_out : tuple of str
        What the file holds and is not read, as ``name: reason``.
    notes : tuple of str
        How the file was read, for the user to check.
    doubts : tuple of str
        What was guessed and may be wrong.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    slices: Callable[[int], Iterator[Block]]
    array: np.ndarray | None = None
    names: np.ndarray | None = None
    factors: Callable[[], dict[str, np.ndarray]] = _no_factors
    feature_names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.dtype.kind not in _NUMBERS:
            raise FileError(
                f"{self.path} holds an array of the type {self.dtype}; samples are bools, "
                "integers or floats"
            )
        if len(self.shape) < 2:
            raise InputError(
                f"{self.path} holds an array of the shape {self.shape}; samples have the shape "
                "(n_samples, n_features), or more dimensions; a single feature is (n_samples, 1)"
            )
        if 0 in self.shape:
            raise InputError(f"{self.path} has no samples: the shape of its array is {self.shape}")

    def blocks(self, rows: int) -> Iterator[Block]:
        """Read all samples in order, at most ``rows`` at a time, fewer if they are large."""
        return self.slices(max(1, min(rows, SLICE_BYTES // (self.n_bytes // self.shape[0]))))

    @property
    def n_bytes(self) -> int:
        """The size of all samples, decoded."""
        return math.prod(self.shape) * self.dtype.itemsize


def few(values: Iterable[object], most: int = 3) -> str:
    """List the first few of some values, and how many more there are."""
    values = list(values)
    listed = ", ".join(str(value) for value in values[:most])
    return f"{listed} and {len(values) - most:,} more" if len(values) > most else listed


@contextmanager
def naming(path: Path, *errors: type[Exception]) -> Iterator[None]:
    """Turn any of these errors into a `FileError` that names the file and the reason."""
    try:
        yield
    except DrlimError:
        raise
    except errors as error:
        if isinstance(error, FileNotFoundError) and not path.exists():
            raise FileError(f"{path} is not there; is it the right path?") from None
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if "pickle" in reason or "Python objects" in reason:
            reason = "it holds Python objects, and nothing is unpickled"
        raise FileError(
            f"{path} cannot be read: it is truncated, altered, or not a {path.suffix} file "
            f"({reason})"
        ) from error
