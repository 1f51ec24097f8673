"""AnnData in ``.h5ad`` files: X or a layer, dense or sparse, and the factors of the cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from drlim._errors import FileError, InputError, missing_extra, nearest_name
from drlim.datasets.readers._arrays import factor_of, naming_damage, why_no_factor
from drlim.datasets.readers._reader import Block, Reader

# What an AnnData holds beside the samples and their factors.
_OTHERS = ("layers", "obsm", "obsp", "raw", "uns", "varm", "varp")


def open_h5ad(path: Path, layer: str | None = None) -> Reader:
    """Open an ``.h5ad`` file: X or a layer, the columns of obs as factors, the names of both."""
    h5py = _load_h5py(path)
    with naming_damage(path), h5py.File(path, "r") as file:
        key = _key_of(path, file, layer)
        shape, dtype = _shape_and_dtype(path, file[key])
        names = _index(path, file, "obs")
        feature_names = _index(path, file, "var")
        columns = [name for name in file["obs"] if name != file["obs"].attrs.get("_index")]
        held = {name: _column(file["obs"][name]) for name in columns if name != "__categories"}
        left_out = [
            f"{name}/{part}: neither the samples nor a factor"
            for name in _OTHERS
            for part in file.get(name, ())
            if f"{name}/{part}" != key
        ]
    known = {}
    for name, values in held.items():
        reason = "has an encoding that is not read" if values is None else None
        if values is not None and values.dtype.kind != "O":
            reason = why_no_factor(values.shape, values.dtype, shape[0])
        if reason is None and values is not None:
            known[name] = values if values.dtype.kind == "O" else factor_of(values)
        else:
            left_out.append(f"obs/{name}: {reason}")
    doubts: tuple[str, ...] = ()
    if len(set(feature_names)) < len(feature_names):
        doubts = ("the names of the features are not unique, and are left out",)
        feature_names = ()

    def slices(rows: int) -> Iterator[Block]:
        with naming_damage(path), h5py.File(path, "r") as file:
            node = file[key]
            read = _Sparse(node) if isinstance(node, h5py.Group) else node
            for start in range(0, shape[0], rows):
                yield Block(np.ascontiguousarray(read[start : start + rows], dtype), {})

    return Reader(
        path,
        shape,
        dtype,
        slices,
        names=np.array(names),
        factors=lambda: dict(known),
        feature_names=feature_names,
        left_out=tuple(left_out),
        doubts=doubts,
    )


def _load_h5py(path: Path) -> Any:
    try:
        import h5py
    except ImportError:
        raise missing_extra("h5py", "h5ad", f"reading {path}") from None
    return h5py


def _key_of(path: Path, file: Any, layer: str | None) -> str:
    """Return where the samples are in the file."""
    if not {"obs", "var"} <= set(file) or not all(hasattr(file[k], "keys") for k in ("obs", "var")):
        raise FileError(
            f"{path} is no AnnData file as anndata 0.7 or newer writes it (its parts: "
            f"{', '.join(file) or 'none'}); read it with anndata and write it again"
        )
    layers = list(file.get("layers", ()))
    if layer is not None and layer not in layers:
        raise InputError(
            f"{path} has no layer {layer!r}; {nearest_name(layer, layers)}", argument="layer"
        )
    if layer is None and "X" not in file:
        raise InputError(
            f"{path} has no X; give one of its layers: {', '.join(layers) or 'it has none'}",
            argument="layer",
        )
    return "X" if layer is None else f"layers/{layer}"


def _shape_and_dtype(path: Path, node: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    if not hasattr(node, "keys"):
        return tuple(node.shape), np.dtype(node.dtype).newbyteorder("=")
    kind = _text(node.attrs.get("encoding-type", ""))
    if kind not in ("csr_matrix", "csc_matrix"):
        raise FileError(
            f"{path} holds samples in the encoding {kind!r}; dense, csr_matrix and csc_matrix are "
            "read: write them with one of these"
        )
    shape = tuple(int(length) for length in node.attrs["shape"])
    return shape, np.dtype(node["data"].dtype).newbyteorder("=")


class _Sparse:
    """A sparse matrix of a file, of which slices of rows are made dense."""

    def __init__(self, node: Any) -> None:
        self.node, self.shape = node, tuple(int(n) for n in node.attrs["shape"])
        self.pointers = node["indptr"][...]
        self.whole: Any = None
        if _text(node.attrs["encoding-type"]) == "csc_matrix":  # a row is scattered over the file
            parts = node["data"][...], node["indices"][...], self.pointers
            self.whole = sp.csc_array(parts, self.shape).tocsr()

    def __getitem__(self, rows: slice) -> np.ndarray:
        if self.whole is not None:
            return _dense(self.whole[rows])
        pointers = self.pointers[rows.start : min(rows.stop, self.shape[0]) + 1]
        some = slice(int(pointers[0]), int(pointers[-1]))
        parts = self.node["data"][some], self.node["indices"][some], pointers - pointers[0]
        return _dense(sp.csr_array(parts, (len(pointers) - 1, self.shape[1])))


def _dense(rows: Any) -> np.ndarray:
    return np.asarray(rows.toarray())


def _index(path: Path, file: Any, name: str) -> tuple[str, ...]:
    """Return the names of the cells (obs) or of the features (var)."""
    key = _text(file[name].attrs.get("_index", "_index"))
    if key not in file[name]:
        raise FileError(f"{path} has no names in {name} ({key!r}); write it again with anndata")
    return tuple(map(str, _values(file[name][key]).tolist()))


def _column(node: Any) -> np.ndarray | None:
    """Return a column of obs, with None where a value is missing; None for one that is not read."""
    if not hasattr(node, "keys"):
        return _values(node)
    if {"categories", "codes"} <= set(node):
        categories, codes = _values(node["categories"]), node["codes"][...]
        values = categories[codes] if len(categories) else np.full(len(codes), "")
        missing = codes < 0
    elif {"values", "mask"} <= set(node):
        values, missing = _values(node["values"]), node["mask"][...].astype(bool)
    else:
        return None
    if missing.any():
        values = values.astype(object)
        values[missing] = None
    return values


def _values(node: Any) -> np.ndarray:
    values = node.asstr()[...] if node.dtype.kind == "O" else node[...]
    return np.asarray(values).astype(str) if values.dtype.kind == "O" else values


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
