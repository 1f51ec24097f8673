"""Fingerprints of samples, by which a map knows what it was trained on."""

from __future__ import annotations

import hashlib

import numpy as np


def fingerprints(X: np.ndarray) -> np.ndarray:
    """Return a number for each sample that another sample has by rare chance only; sorted.

    They let a report leave out what a map was trained on.

    Returns
    -------
    ndarray of shape (n_samples,), uint64
    """
    return np.sort(_marks(X))


def is_known(X: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell of each sample whether its fingerprint is among some; ndarray of bool, (n_samples,)."""
    return np.isin(_marks(X), known)


def _marks(X: np.ndarray) -> np.ndarray:
    digests = (hashlib.blake2b(sample.tobytes(), digest_size=8).digest() for sample in X)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
