"""What the readers of arrays share: which array has the samples, and which are factors."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from drlim._errors import InputError
from drlim.datasets.readers._reader import few, logger, naming

# What numpy, zipfile and Zarr raise at a damaged file.
_DAMAGE = (
    OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, NotImplementedError,
    SyntaxError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


def naming_damage(path: Path) -> AbstractContextManager[None]:
    """Turn what a damaged file of arrays raises into a `FileError` that names the file."""
    return naming(path, *_DAMAGE)


def choose_samples(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return the name of the array with the samples."""
    candidates = [name for name, shape in shapes.items() if len(shape) > 1] or list(shapes)
    if "X" in shapes:
        return "X"
    if len(candidates) == 1:
        return candidates[0]
    raise InputError(
        f"{path} holds {len(shapes)} arrays ({few(shapes) or 'none'}), and none is called X; call "
        "the array of samples X"
    )


def is_factor(path: Path, name: str, shape: tuple[int, ...], dtype: np.dtype, n: int) -> bool:
    """Tell whether an array is a factor of `n` samples: one number, bool or text for each."""
    if shape == (n,) and dtype.kind in "biufSUT":
        return True
    logger.info("%s: %s (%s, shape %s) is not a factor", path, name, dtype, shape)
    return False


def plain_text(values: np.ndarray) -> np.ndarray:
    """Return a factor whose text, if it is text, is unicode of a fixed width."""
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    return values.astype(str) if values.dtype.kind == "T" else values
