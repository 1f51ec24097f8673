"""`Source`: the samples of a file, whatever its kind, gone through in order and in slices."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._errors import FileError, InputError

logger = logging.getLogger("drlim")

Say = Callable[[str], None]

# No slice is larger, however many rows are asked for: so reading takes the same memory for
# photographs as for short vectors.
SLICE_BYTES = 1 << 26

_NUMBERS = "biuf"  # kinds of dtype: bool, integers, floats


class Block(NamedTuple):
    """The samples of one slice, and the rows of it that could not be read, with the reasons."""

    X: np.ndarray
    skipped: dict[int, str]


def _no_factors() -> dict[str, np.ndarray]:
    return {}


@dataclass(frozen=True)
class Source:
    """Samples that can be gone through in order as often as one likes.

    Attributes
    ----------
    path : pathlib.Path
        Where they are, for messages.
    shape : tuple of int
        Of all samples, ``(n_samples, ...)``, those that will turn out bad included.
    dtype : numpy.dtype
    slices : callable
        ``slices(rows)`` goes through all samples in order, at most ``rows`` at a time.
    array : ndarray, optional
        The samples themselves, where reading them at random costs nothing.
    names : ndarray of str, optional
        Of all samples.
    factors : callable
        ``factors()`` reads what the file knows of each sample.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype
    slices: Callable[[int], Iterator[Block]]
    array: np.ndarray | None = None
    names: np.ndarray | None = None
    factors: Callable[[], dict[str, np.ndarray]] = _no_factors

    def __post_init__(self) -> None:
        if self.dtype.kind not in _NUMBERS:
            raise FileError(
                f"{self.path} holds an array of the type {self.dtype}; samples are bools, "
                "integers or floats"
            )
        if len(self.shape) < 2:
            raise InputError(
                f"{self.path} holds an array of the shape {self.shape}; samples have the shape "
                "(n_samples, n_features), or more dimensions: of a single feature, (n_samples, 1)"
            )
        if 0 in self.shape:
            raise InputError(f"{self.path} has no samples: the shape of its array is {self.shape}")

    def blocks(self, rows: int) -> Iterator[Block]:
        """Go through all samples in order, at most ``rows`` at a time, fewer if they are large."""
        return self.slices(max(1, min(rows, SLICE_BYTES // (self.n_bytes // self.shape[0]))))

    @property
    def n_bytes(self) -> int:
        """Of all samples, decoded."""
        return math.prod(self.shape) * self.dtype.itemsize


def few(values: Iterable[object], most: int = 3) -> str:
    """Write the first few of some values, and how many more there are."""
    values = list(values)
    listed = ", ".join(str(value) for value in values[:most])
    return f"{listed} and {len(values) - most:,} more" if len(values) > most else listed
