"""The map file: weights as safetensors, everything else as JSON in the same file.

Nothing is pickled and nothing in the file is run. The description carries a format version
and a SHA-256 of all content, so an altered file is told from a whole one. But whoever alters a
file can write its SHA-256 anew; so what a file says is believed only within limits, each checked
before it costs memory or time.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors, save as join_tensors

from drlim._errors import FileError
from drlim._files import as_path, write_whole

# What is beside the weights, whose names all begin with a number: the fingerprints of the training
# samples, and the network as a program.
ANNOTATIONS = ("declaration", "ignored", "kept")
TRAINED_ON, PROGRAM = "trained_on", "program"

# What an epoch took is no part of the map: the same map must give the same bytes.
TIMES = ("seconds", "pairs_per_second")

FORMAT_VERSION = 1
_KEY = "drlim"

# What the reader takes. A header of 16 MB has room for the history of 50,000 epochs.
MAX_HEADER = 2**24
MAX_CONTAINERS = 500_000
MAX_TENSORS = 10_000
MAX_DIMENSIONS = 8
_DTYPES = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64"}


def write_map(
    path: str | os.PathLike[str], description: dict[str, Any], tensors: dict[str, np.ndarray]
) -> None:
    """Write a map file, whole or not at all; the same map gives the same bytes.

    Parameters
    ----------
    path : path
        The file; by habit it ends in ``.drlim``.
    description : dict
        Plain data (JSON) that says what the tensors are.
    tensors : dict of str to ndarray

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    # safetensors writes an array's memory as it lies; weights in another order (channels last)
    # must first be laid out by their indices.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    metadata = {_KEY: json.dumps(signed(description, tensors), sort_keys=True)}
    write_whole(path, join_tensors(tensors, metadata))


def signed(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the description as it is written: with the format version and the SHA-256 of all."""
    # Numbers that came from numpy are written as plain ones.
    plain = json.dumps(description, default=lambda value: value.tolist())
    described = {**json.loads(plain), "format_version": FORMAT_VERSION}
    described["sha256"] = _digest(described, tensors)
    return described


def read_map(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a map file: its description and its tensors.

    It takes at most a small multiple of the file's own size in memory.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or no map at all.
    """
    path = as_path(path)
    try:
        # Of a pipe or a device nobody knows when it ends, and opening one may wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "no regular file")
        with path.open("rb") as file:
            start, described = _header(path, file)
            content = start + file.read()
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"{path} cannot be read ({getattr(error, 'strerror', error)}); is it the right path?"
        ) from None
    try:
        tensors = parse_tensors(content)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise FileError(f"{path} is truncated or altered ({error}); get it again") from None
    if described.pop("sha256", None) != _digest(described, tensors):
        raise FileError(f"{path} is altered: its content has another SHA-256; get it again")
    return described, tensors


def _header(path: Path, file: BinaryIO) -> tuple[bytes, dict[str, Any]]:
    """Read the first part of a file, and what it says; raise before a large one is read whole."""
    # A safetensors file: the length of its header in 8 bytes, the header as JSON, the data.
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    length = int.from_bytes(start, "little")
    try:
        if len(start) < 8 or not 0 < length <= min(size - 8, MAX_HEADER):
            raise ValueError("the header is longer than the file, or than any map's")
        content = file.read(length)
        header = _parsed(content)
        described = _parsed(header.pop("__metadata__")[_KEY].encode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FileError(
            f"{path} is not a map written by drlim, or only the beginning of one"
        ) from None
    version = described.get("format_version")
    if type(version) is not int or version < 1:
        raise FileError(f"{path} does not say which format it has; it is no map that drlim wrote")
    if version > FORMAT_VERSION:
        raise FileError(
            f"{path} has the format {version} and this drlim reads up to "
            f"{FORMAT_VERSION}; update drlim: pip install -U drlim"
        )
    if len(header) > MAX_TENSORS:
        raise FileError(f"{path} has {len(header)} tensors; a map has at most {MAX_TENSORS}")
    for name, tensor in header.items():
        if not _tensor(tensor):
            raise FileError(
                f"{path} has the tensor {name!r:.80}, {tensor!r:.200}, as no map has; it is "
                "altered: get it again"
            )
    return start + content, described


def _parsed(text: bytes) -> dict[str, Any]:
    """Parse JSON that must be one object, of no more parts than a small multiple of its size."""
    if text.count(b"[") + text.count(b"{") > MAX_CONTAINERS:
        raise ValueError("more lists and objects than a map has")
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise TypeError("no object")
    return parsed


def _digest(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode(errors="surrogatepass"))
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


# What the description of a map may say, field by field. It is checked by hand: pydantic would
# take longer to load than the map.


def check_description(path: str | os.PathLike[str], described: dict[str, Any]) -> None:
    """Raise FileError unless the description is one that a map can have: fields, types, ranges."""
    path = os.fspath(path)
    if described.get("kind", "map") != "map":
        raise FileError(
            f"{path} is a {described['kind']!r:.40} and no map; a checkpoint is read by "
            "fit(..., checkpoint=folder, resume=True)"
        )
    for name in _NEEDED:
        if name not in described:
            raise FileError(f"{path} lacks a part of a map: {name!r}; get it again")
    for name, is_right in _FIELDS.items():
        if name in described and not is_right(described[name]):
            raise FileError(
                f"{path} says of the map that its {name} is {described[name]!r:.200}, which no "
                "map has; the file is altered: get it again"
            )
    if described["n_features_in"] != math.prod(described["sample_shape"]) or (
        len(described["feature_names_in"]) not in (0, described["n_features_in"])
    ):
        raise FileError(
            f"{path} speaks of {described['n_features_in']} features, "
            f"{len(described['feature_names_in'])} names and samples of the shape "
            f"{tuple(described['sample_shape'])}, which do not agree; the file is altered: get "
            "it again"
        )


def _count(value: Any, least: int = 0, most: int = 2**53) -> bool:
    return type(value) is int and least <= value <= most


def _sizes(value: Any, least: int = 1) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 1000
        and all(_count(size, least, 2**40) for size in value)
    )


def _number(value: Any) -> bool:
    return type(value) is float or _count(value, -(2**53))


def _positive(value: Any) -> bool:
    return _number(value) and 0 < value < math.inf


def _text(value: Any) -> bool:
    return type(value) is str and len(value) <= 1000


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _table(value: Any, *kinds: Callable[[Any], bool]) -> bool:
    """Tell whether something is an object of which each value is of one of these kinds."""
    return isinstance(value, dict) and all(
        _text(key) and any(kind(entry) for kind in kinds) for key, entry in value.items()
    )


def _custom(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["custom"] and _text(value["custom"])


def _network(value: Any) -> bool:
    return _custom(value) or (
        isinstance(value, dict)
        and set(value) == {"name", "arguments"}
        and _text(value["name"])
        and _table(value["arguments"], _text, _number, _sizes)
    )


def _tensor(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _text(value.get("dtype"))
        and value["dtype"] in _DTYPES
        and _sizes(value.get("shape"), least=0)
        and len(value["shape"]) <= MAX_DIMENSIONS
    )


def _parameters(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in _PARAMETERS and _PARAMETERS[name](entry) for name, entry in value.items()
    )


_PARAMETERS: dict[str, Callable[[Any], bool]] = {
    "n_components": lambda value: _count(value, 1, 2**20),
    "n_neighbors": lambda value: _count(value, 1),
    "margin": _positive,
    "n_dissimilar": lambda value: value == "all" or _positive(value),
    "max_epochs": _count,
    "batch_size": lambda value: _count(value, 1),
    "learning_rate": _positive,
}
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "written_by": _text,
    "versions": lambda value: _table(value, _text),
    "parameters": _parameters,
    "loss": lambda value: _text(value) or _custom(value),
    "network": _network,
    "sample_shape": lambda value: _sizes(value) and 1 <= len(value) <= MAX_DIMENSIONS,
    "preprocessing": lambda value: _table(value, _text),
    "n_features_in": lambda value: _count(value, 1, 2**62),
    "feature_names_in": _texts,
    "graph": lambda value: _table(value, _count),
    "history": lambda value: (
        isinstance(value, list) and all(_table(epoch, _number) for epoch in value)
    ),
    "declaration": lambda value: value is None or isinstance(value, dict),
    "ignored": _texts,
    "kept": _texts,
}
_NEEDED = (
    "parameters",
    "loss",
    "network",
    "sample_shape",
    "n_features_in",
    "feature_names_in",
    "graph",
    "history",
)
