"""What the readers of arrays share: which array has the samples, and which are factors."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from drlim._errors import InputError
from drlim.datasets.readers._reader import few, naming

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


def why_no_factor(shape: tuple[int, ...], dtype: np.dtype, n: int) -> str | None:
    """Return why an array is no factor of `n` samples, or None if it is one.

    A factor has one number, bool, date or text for each sample; a single row or column of values
    is read as such.
    """
    if dtype.kind == "O":
        return (
            "holds Python objects, and nothing is unpickled; save it as numbers or as text, with "
            ".astype(str)"
        )
    if dtype.kind not in "biufSUTM":
        return f"has the type {dtype}; a factor holds numbers, truth values or text"
    if shape not in ((n,), (n, 1), (1, n)):
        values = "is a single value" if shape == () else f"has the shape {shape}"
        return f"{values}, and there are {n:,} samples; a factor has one value per sample"
    return None


def divide(
    shapes: Mapping[str, tuple[int, ...]], dtypes: Mapping[str, np.dtype], n: int
) -> tuple[list[str], tuple[str, ...]]:
    """Divide arrays into the factors of `n` samples and those left out, as ``name: reason``."""
    reasons = {name: why_no_factor(shape, dtypes[name], n) for name, shape in shapes.items()}
    return (
        [name for name, reason in reasons.items() if reason is None],
        tuple(f"{name}: {reason}" for name, reason in reasons.items() if reason is not None),
    )


def factor_of(array: np.ndarray) -> np.ndarray:
    """Return a factor, (n,); its text, if it is text or a date, is unicode of a fixed width."""
    values = array.ravel()
    if values.dtype.kind == "M":
        return values.astype(str)
    if values.dtype.kind == "S":
        return np.char.decode(values, "utf-8")
    # numpy has no cast from text of any width to text of the width that the longest needs.
    return np.array(values.tolist(), str) if values.dtype.kind == "T" else values
