"""The map file: weights as safetensors, everything else as JSON in the same file.

Nothing is pickled and nothing in the file is run. The description carries a format version
and a SHA-256 of all content, so an altered file is told from a whole one.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors, save as join_tensors

from drlim._errors import FileError
from drlim._files import write_whole

FORMAT_VERSION = 1
_KEY = "drlim"


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
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    # Numbers that came from numpy are written as plain ones.
    plain = json.dumps(description, default=lambda value: value.tolist())
    described = {**json.loads(plain), "format_version": FORMAT_VERSION}
    described["sha256"] = _digest(described, tensors)
    metadata = {_KEY: json.dumps(described, sort_keys=True)}
    write_whole(path, join_tensors(tensors, metadata))


def read_map(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read a map file: its description and its tensors.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or no map at all.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be read ({error.strerror}); is it the right path?"
        ) from None
    described = _described(path, content)
    version = described.get("format_version")
    if not isinstance(version, int):
        raise FileError(f"{path} does not say which format it has; it is no map that drlim wrote")
    if version > FORMAT_VERSION:
        raise FileError(
            f"{path} has the format {version} and this drlim reads up to "
            f"{FORMAT_VERSION}; update drlim: pip install -U drlim"
        )
    try:
        tensors = parse_tensors(content)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise FileError(f"{path} is truncated or altered ({error}); get it again") from None
    if described.pop("sha256", None) != _digest(described, tensors):
        raise FileError(f"{path} is altered: its content has another SHA-256; get it again")
    return described, tensors


def _described(path: Path, content: bytes) -> dict[str, Any]:
    # A safetensors file: the length of its header in 8 bytes, the header as JSON, the data.
    length = int.from_bytes(content[:8], "little")
    try:
        if 8 + length > len(content):
            raise ValueError("the header is longer than the file")
        described = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][_KEY])
        if not isinstance(described, dict):
            raise TypeError("the description is no object")
    except (ValueError, TypeError, KeyError, RecursionError):
        raise FileError(
            f"{path} is not a map written by drlim, or only the beginning of one"
        ) from None
    return described


def _digest(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
