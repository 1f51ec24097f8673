"""Fingerprints of samples, by which a map recognises what it was trained on."""

from __future__ import annotations

import hashlib

import numpy as np

from drlim._errors import InputError
from drlim.datasets import Dataset
from drlim.estimator import DrLIM


def fingerprints(X: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of each sample, sorted.

    Returns
    -------
    ndarray of shape (n_samples,), uint64
    """
    return np.sort(_hashes(X))


def is_known(X: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return a mask of the samples whose fingerprints are among the given ones."""
    return np.isin(_hashes(X), known)


def trained_on(map_: DrLIM, data: Dataset) -> np.ndarray:
    """Return which samples a map was trained on, and so cannot be judged by.

    Raises
    ------
    InputError
        If it was trained on all of them.
    """
    known = map_.trained_on_
    seen = np.zeros(len(data), bool) if known is None else is_known(data.X, known)
    if len(data) and seen.all():
        raise InputError(
            f"the map was trained on all {len(data)} samples, which prove nothing about it; give "
            "samples that it was not trained on"
        )
    return seen


def left_out(n: int) -> str:
    """Return the words for samples that were left out of a measurement."""
    return f"{n:,} of the samples were left out: the map was trained on them"


def _hashes(X: np.ndarray) -> np.ndarray:
    digests = (hashlib.blake2b(sample.tobytes(), digest_size=8).digest() for sample in X)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
