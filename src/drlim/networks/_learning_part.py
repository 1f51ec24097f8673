"""What of a network learns, and what it is given: samples, or features of a frozen part."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._devices import is_card
from drlim._sparse import Samples
from drlim._version import __version__
from drlim.networks._backbone import Backbone
from drlim.networks._feature_store import key_of, keys_of
from drlim.networks._features import FeaturesAtWork, divided, frozen_features
from drlim.networks._layers import Standardize
from drlim.transforms import Augment
from drlim.transforms._augment import changed

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class LearningPart:
    """What of a map's network learns, and what it is given.

    Attributes
    ----------
    network : nn.Sequential
        The whole network, or the head of one whose other part is frozen.
    X : ndarray, SparseRows or FeatureCopies, of n samples
        The samples, or their features.
    originals : ndarray or SparseRows
        The same without any changed copies.
    frozen : nn.Sequential or None
        What makes features of samples.
    """

    network: nn.Sequential
    X: Any
    originals: Any
    frozen: nn.Sequential | None = None

    @property
    def is_head(self) -> bool:
        """Whether a part is frozen, and only the head learns."""
        return self.frozen is not None

    @property
    def unit(self) -> tuple[np.ndarray, np.ndarray]:
        """The centre and the unit by which its network standardises what it is given."""
        standardize = self.network[0]
        assert isinstance(standardize, Standardize)
        return standardize.numbers

    def features(self, X: np.ndarray) -> np.ndarray:
        """Return the features of further samples."""
        assert self.frozen is not None
        return frozen_features(self.frozen, X)


def learning_part(
    network: nn.Sequential, X: Samples, change: Change | None, *, verbose: bool
) -> LearningPart:
    """Return what of a network learns, and the features of samples if the rest is frozen.

    Parameters
    ----------
    network : nn.Sequential
        A standardisation and a network.
    X : ndarray of shape (n_samples, ...)
    change : callable, optional
        How samples are changed at random; copies of each are then made.
    verbose : bool
    """
    parts = divided(network)
    if parts is None or not isinstance(X, np.ndarray):
        return LearningPart(network, X, X)
    frozen, head = parts
    if change is None:
        found = frozen_features(frozen, X, verbose=verbose)
        return LearningPart(head, found, found, frozen)
    copies = copied_features(frozen, X, change, verbose=verbose)
    return LearningPart(head, copies, copies.originals, frozen)


class FeatureCopies:
    """Features of samples that are changed at random: of each sample, and of its changed copies.

    Wherever a sample is drawn, the features of one of its copies, chosen at random, stand for it.

    Parameters
    ----------
    originals : ndarray of shape (n, n_features)
    copies : ndarray of shape (n_copies, n, n_features)
    rows : ndarray of int, optional
        The samples that this is about. None: all.
    """

    def __init__(
        self, originals: np.ndarray, copies: np.ndarray, rows: np.ndarray | None = None
    ) -> None:
        self.originals, self.copies = originals, copies
        self.rows = np.arange(len(originals)) if rows is None else rows

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of samples, and of their features."""
        return (len(self.rows), *self.originals.shape[1:])

    @property
    def ndim(self) -> int:
        """As of an array of features."""
        return len(self.shape)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> FeatureCopies:
        """Return a part of the samples."""
        return FeatureCopies(self.originals, self.copies, self.rows[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return the features of one copy of each sample, always the same one."""
        return np.asarray(self.copies[self.rows % len(self.copies), self.rows], dtype)

    def drawn(
        self, rng: np.random.Generator, device: torch.device
    ) -> Callable[[np.ndarray], np.ndarray | Tensor]:
        """Return a function from row numbers to the features of copies drawn for them."""
        copies: Any = self.copies
        if is_card(device):
            copies = torch.from_numpy(np.asarray(copies)).to(device)

        def fetch(rows: np.ndarray) -> Any:
            return copies[rng.integers(len(self.copies), size=len(rows)), self.rows[rows]]

        return fetch


def copied_features(
    frozen: nn.Sequential, X: np.ndarray, change: Change, *, verbose: bool = False
) -> FeatureCopies:
    """Return the features of samples and of their changed copies.

    Each copy of a sample is drawn from a seed that follows from the sample and the copy's number,
    so that later fits find its features, whatever other samples they have.
    """
    body = frozen[1]
    assert isinstance(body, Backbone)
    n, n_copies = len(X), body.n_copies
    found = FeaturesAtWork(frozen, X.shape[1:], keep=None)
    with found.shown(n * (n_copies + 1), verbose):
        originals = found.of(n, lambda rows: (keys_of(X[rows]), lambda of: X[rows][of]))
        # Of a change of the user's own, nothing says what it does: its copies are made again.
        name = _name_of_change(change)

        def copies(rows: slice) -> tuple[list[bytes], Callable[[np.ndarray], np.ndarray]]:
            places = np.arange(rows.start, rows.stop)
            samples = X[places % n]
            keys = [
                key_of(key, str(number).encode(), name or b"")
                for key, number in zip(keys_of(samples), places // n, strict=True)
            ]

            def make(of: np.ndarray) -> np.ndarray:
                return np.concatenate(
                    [changed(change, samples[k : k + 1], _generator(keys[k])) for k in of]
                )

            if name is not None:
                return keys, make
            made = make(np.arange(len(keys)))
            return keys_of(made), lambda of: made[of]

        made = found.of(n * n_copies, copies)
    return FeatureCopies(originals, made.reshape(n_copies, n, -1))


def _generator(key: bytes) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(key, "little"))


def _name_of_change(change: Change) -> bytes | None:
    """Return what a change does, in this version, as text; None for one of the user's own."""
    if not isinstance(change, Augment):
        return None
    return json.dumps([__version__, change.as_json()], sort_keys=True).encode()
