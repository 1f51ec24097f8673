"""The map file: weights as safetensors, everything else as JSON in the same file.

Nothing is pickled and nothing in the file is run. The description has a format version and a
SHA-256 of all content, by which a damaged file is recognised. Someone who alters a file on purpose
can also replace the SHA-256, so the content is accepted only within limits, each of which is
checked before it costs memory or time.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors, save as join_tensors

from drlim._errors import FileError
from drlim._files import as_path, write_whole

FORMAT_VERSION = 1
_KEY = "drlim"

# Limits of what is read. A header of 16 MB has room for the history of 50,000 epochs.
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
        The file, by convention ``*.drlim``.
    description : dict
        Plain data (JSON) that describes the tensors.
    tensors : dict of str to ndarray

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    write_whole(path, as_bytes(description, tensors))


def as_bytes(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> bytes:
    """Return the content of a map file."""
    # safetensors writes the memory of an array as it is; weights in another memory order (channels
    # last) must first be put in C order.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    metadata = {_KEY: json.dumps(signed(description, tensors), sort_keys=True)}
    return join_tensors(tensors, metadata)


def signed(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the description as it is written: with the format version and a SHA-256."""
    # Numbers from numpy are written as plain ones.
    plain = json.dumps(description, default=lambda value: value.tolist())
    described = {**json.loads(plain), "format_version": FORMAT_VERSION}
    described["sha256"] = _digest(described, tensors)
    return described


def read_map(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a map file: its description and its tensors.

    It needs at most a small multiple of the file's size in memory.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or not a map.
    """
    path = as_path(path)
    try:
        # Pipes and devices have no known length, and opening one may block for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "not a regular file")
        with path.open("rb") as file:
            return read_stream(path, file, os.fstat(file.fileno()).st_size)
    except (OSError, ValueError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"{path} cannot be read ({getattr(error, 'strerror', error)}); is it the right path?"
        ) from None


def read_stream(
    path: Path, file: BinaryIO, size: int
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a map from an open file of `size` bytes; see `read_map`."""
    start, described = _header(path, file, size)
    content = start + file.read()
    try:
        tensors = parse_tensors(content)
    except (SafetensorError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise FileError(f"{path} is truncated or altered ({error}); get it again") from None
    if described.pop("sha256", None) != _digest(described, tensors):
        raise FileError(f"{path} is altered: its content has another SHA-256; get it again")
    return described, tensors


def _header(path: Path, file: BinaryIO, size: int) -> tuple[bytes, dict[str, Any]]:
    """Read the header of a file and its description, before the rest is read."""
    # A safetensors file: the length of its header in 8 bytes, the header as JSON, the data.
    start = file.read(8)
    length = int.from_bytes(start, "little")
    try:
        if len(start) < 8 or not 0 < length <= min(size - 8, MAX_HEADER):
            raise ValueError("the header is longer than the file, or than that of any map")
        content = file.read(length)
        header = _parsed(content)
        described = _parsed(header.pop("__metadata__")[_KEY].encode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise FileError(
            f"{path} is not a map written by drlim, or only the beginning of one"
        ) from None
    version = described.get("format_version")
    if type(version) is not int or version < 1:
        raise FileError(f"{path} does not name its format; it is not a map written by drlim")
    if version > FORMAT_VERSION:
        raise FileError(
            f"{path} has the format {version} and this drlim reads up to "
            f"{FORMAT_VERSION}; update drlim: pip install -U drlim"
        )
    if len(header) > MAX_TENSORS:
        raise FileError(f"{path} has {len(header)} tensors; a map has at most {MAX_TENSORS}")
    for name, tensor in header.items():
        if not _is_tensor(tensor):
            raise FileError(
                f"{path} has the tensor {name!r:.80}, {tensor!r:.200}, which no map has; the file "
                "is altered: get it again"
            )
    return start + content, described


def _parsed(text: bytes) -> dict[str, Any]:
    """Parse JSON that must be one object, with a bounded number of lists and objects."""
    if text.count(b"[") + text.count(b"{") > MAX_CONTAINERS:
        raise ValueError("more lists and objects than a map has")
    parsed = json.loads(text)
    if not isinstance(parsed, dict):
        raise TypeError("not an object")
    return parsed


def _digest(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode(errors="surrogatepass"))
        digest.update(np.ascontiguousarray(tensor).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def is_count(value: Any, least: int = 0, most: int = 2**53) -> bool:
    """Tell whether a parsed value is an int in a range."""
    return type(value) is int and least <= value <= most


def is_shape(value: Any, least: int = 1) -> bool:
    """Tell whether a parsed value is a short list of sizes."""
    return (
        isinstance(value, list)
        and len(value) <= 1000
        and all(is_count(size, least, 2**40) for size in value)
    )


def is_text(value: Any) -> bool:
    """Tell whether a parsed value is a short text."""
    return type(value) is str and len(value) <= 1000


def _is_tensor(value: Any) -> bool:
    """Tell whether a header's entry describes a tensor that a map can have."""
    return (
        isinstance(value, dict)
        and is_text(value.get("dtype"))
        and value["dtype"] in _DTYPES
        and is_shape(value.get("shape"), least=0)
        and len(value["shape"]) <= MAX_DIMENSIONS
    )
