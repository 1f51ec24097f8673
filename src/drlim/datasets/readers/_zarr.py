"""Zarr arrays and groups: the samples, decoded by whole chunks, and their factors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, missing_extra
from drlim.datasets.readers._arrays import choose_samples, divide, factor_of, naming_damage
from drlim.datasets.readers._reader import Block, Reader


def open_zarr(path: Path) -> Reader:
    """Open a Zarr array, or a group: its array X or its only one, and the factors beside it."""
    try:
        import zarr
    except ImportError:
        raise missing_extra("zarr", "zarr", f"reading {path}") from None
    with naming_damage(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Zarr says of the future of its formats
        node: Any = zarr.open(str(path), mode="r")
        if isinstance(node, zarr.Array):
            arrays, unreadable = {"X": node}, tuple[str, ...]()
        else:
            arrays, unreadable = _arrays_of(node, path)
    chosen = choose_samples(path, {name: array.shape for name, array in arrays.items()})
    array = arrays[chosen]
    _check_codecs(path, array)
    shape, dtype = tuple(array.shape), np.dtype(array.dtype).newbyteorder("=")
    # A whole number of chunks at a time, or each chunk would be decoded again and again.
    chunk = (array.shards or array.chunks)[0]

    def slices(rows: int) -> Iterator[Block]:
        step = -(-rows // chunk) * chunk
        with naming_damage(path):
            for start in range(0, shape[0], step):
                chunks = np.ascontiguousarray(array[start : start + step], dtype)
                for first in range(0, len(chunks), rows):
                    yield Block(chunks[first : first + rows], {})

    others = {name: other for name, other in arrays.items() if name != chosen}
    names, left_out = divide(
        {name: tuple(other.shape) for name, other in others.items()},
        {name: np.dtype(other.dtype) for name, other in others.items()},
        shape[0] if shape else 0,
    )

    def factors() -> dict[str, np.ndarray]:
        known = {}
        with naming_damage(path):
            for name in names:
                _check_codecs(path, others[name])
                known[name] = factor_of(np.asarray(others[name][...]))
        return known

    return Reader(path, shape, dtype, slices, factors=factors, left_out=(*left_out, *unreadable))


def _arrays_of(group: Any, path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arrays of a group by name, and those that cannot be opened, with the reason."""
    try:
        return dict(group.arrays()), ()
    except (ValueError, TypeError, KeyError, NotImplementedError):
        pass  # one of them, and Zarr does not say which
    arrays, unreadable = {}, []
    for name in sorted(each.name for each in path.iterdir() if each.is_dir()):
        try:
            member = group[name]
        except (ValueError, TypeError, KeyError, NotImplementedError) as error:
            unreadable.append(f"{name}: cannot be opened by Zarr ({error})")
            continue
        if hasattr(member, "shape"):
            arrays[name] = member
    return arrays, tuple(unreadable)


def _check_codecs(path: Path, array: Any) -> None:
    """Refuse the codec of Zarr's second format that unpickles what it reads."""
    metadata = array.metadata
    used = [*(getattr(metadata, "filters", None) or ()), getattr(metadata, "compressor", None)]
    if any(getattr(codec, "codec_id", None) == "pickle" for codec in used):
        raise FileError(f"{path} holds pickled objects, and nothing is unpickled")
