"""Fingerprints of samples, by which a map recognises what it was trained on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import partial

import numpy as np

from drlim._applying import blocks
from drlim._errors import InputError
from drlim.datasets import Dataset
from drlim.declaration._features import by_name
from drlim.estimator import DrLIM


def fingerprints(X: np.ndarray) -> np.ndarray:
    """Return a 64-bit hash of each sample, sorted.

    Returns
    -------
    ndarray of shape (n_samples,), uint64
    """
    return np.sort(hashes(X))


def is_known(X: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return a mask of the samples whose fingerprints are among the given ones."""
    found = np.isin(hashes(X), known)
    if X.dtype.kind == "f" and X.itemsize > 4:
        # A digit that was lost may have moved a feature across a boundary of rounding.
        for nudge in (1 + _LOST, 1 - _LOST):
            found |= np.isin(hashes(X, nudge), known)
    if found.any() or not len(known):
        return found
    # Maps of earlier versions have hashes of the bytes, in the dtype that the samples had.
    for dtype in dict.fromkeys([X.dtype.newbyteorder("="), np.dtype("f4"), np.dtype("f8")]):
        with np.errstate(over="ignore"):
            found |= np.isin(_digests(X, partial(np.asarray, dtype=dtype)), known)
    return found


def hashes(X: np.ndarray, nudge: float = 1.0) -> np.ndarray:
    """Return a 64-bit hash of the numbers of each sample, times `nudge`.

    The same numbers have the same hash in any dtype, byte order, memory order and shape. Written
    with ten digits they nearly always have it, and else with one of two nudges. Two samples whose
    features all agree to four digits (with few features: to six) may have the same hash too.

    Returns
    -------
    ndarray of shape (n_samples,), uint64

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(3, 5))
    >>> bool((hashes(X) == hashes(X.astype(np.float32))).all())
    True
    """
    n_features = max(math.prod(X.shape[1:]), 1)
    # All features must be rounded alike. The more there are, the more often one of them lies so
    # near a boundary that its eleventh digit decides, and the coarser the steps must be.
    n_bits = min(max(24 - n_features.bit_length(), _FEWEST_BITS), _MOST_BITS)
    return _digests(X, lambda block: _rounded(block.astype(np.float64) * nudge, n_bits))


# Significant bits that are compared: 13 are four decimal digits, 20 are six.
_FEWEST_BITS, _MOST_BITS = 13, 20
_LOST = 1e-9  # what ten decimal digits may lose, relative, and as much again


def _rounded(X: np.ndarray, n_bits: int) -> np.ndarray:
    """Round numbers to some significant bits, by way of single floats where these can hold them."""
    with np.errstate(over="ignore", under="ignore"):
        single = X.astype(np.float32)
    lost = ~np.isfinite(single) | ((np.abs(single) < np.finfo(np.float32).tiny) & (X != 0))
    fraction, exponent = np.frexp(np.where(lost, X, single.astype(np.float64)))
    rounded = np.rint(np.ldexp(fraction, n_bits))
    return np.ldexp(rounded, exponent - n_bits).astype("<f8") + 0.0  # -0.0 becomes 0.0


def _digests(X: np.ndarray, prepared: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    digests = (
        hashlib.blake2b(sample.tobytes(), digest_size=8).digest()
        for block in blocks(X)
        for sample in prepared(block)
    )
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


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


def learnt_of(map_: DrLIM, data: Dataset) -> Dataset:
    """Return the samples that a map was trained on, recognised by their fingerprints.

    Raises
    ------
    InputError
        If there are fewer than two.
    """
    data = by_name(map_, data)
    known = map_.trained_on_
    rows = np.zeros(len(data), bool) if known is None else is_known(data.X, known)
    if rows.sum() < 2:
        raise InputError(
            f"the map was trained on {rows.sum()} of the {len(data):,} samples of {data.name}; "
            "give the data that it was learnt from (--known)"
        )
    return data.subset(rows)


def left_out(n: int) -> str:
    """Return the words for samples that were left out of a measurement."""
    return f"{n:,} of the samples were left out: the map was trained on them"
