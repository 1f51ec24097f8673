"""Features of a frozen network, computed once for each sample, and kept.

A frozen network gives a sample the same features in every epoch, in every fit and in every
measurement. They are computed in small blocks of one fixed size, so that a sample's features do not
depend on how many others there are, and kept on disk by what they follow from: the sample, the
network's weights and its preprocessing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._applying import evaluated, numbers, points_of
from drlim._devices import device_of, is_card, to_device
from drlim._errors import InputError
from drlim._progress import search_progress
from drlim._sparse import Samples
from drlim._torch_state import torch_defaults
from drlim.datasets._store import cache_folder
from drlim.networks import _builders
from drlim.networks._backbone import Backbone
from drlim.networks._feature_store import FeatureStore, key_of, keys_of
from drlim.networks._layers import Builder, Standardize

# Samples that pass through the network at once: few, whose activations stay in the cache.
_ROWS, _ROWS_ON_A_CARD = 8, 64

# Samples whose features are looked for, and written, together.
_BLOCK = 128

# Features that need more memory than this are in a file, and read as they are needed.
_MOST_BYTES = 2**28

# Whether features that a transform computes are written too, not only those of a fit.
_keeps: ContextVar[bool] = ContextVar("keeps features", default=False)


@contextlib.contextmanager
def kept_features() -> Iterator[None]:
    """Keep the features of all samples that are mapped, where many maps of them are compared."""
    token = _keeps.set(True)
    try:
        yield
    finally:
        _keeps.reset(token)


def features(
    network: Builder | nn.Module, X: Any, *, cache: bool | None = None, verbose: bool = False
) -> np.ndarray:
    """Return the features of images by a pretrained network, without a head.

    Parameters
    ----------
    network : callable or nn.Module
        `pretrained` or `backbone`, or the ``network_`` of a map with one of these; frozen.
    X : ndarray of shape (n_samples, ...)
    cache : bool, optional
        Whether to keep them on disk. None: as the network was told.
    verbose : bool, default=False
        Whether to show the progress.

    Returns
    -------
    ndarray of shape (n_samples, n_features), float32
        Of very many samples a memory map.

    Raises
    ------
    InputError
        If the network has no frozen part.

    Examples
    --------
    >>> from drlim.networks import pretrained
    >>> images = np.random.default_rng(0).integers(0, 256, (3, 40, 40), np.uint8)
    >>> features(pretrained("efficientnet-lite0"), images, cache=False).shape
    (3, 1280)
    """
    X = np.asarray(X)
    if not isinstance(network, nn.Module):
        builder = _builders.resolve(network, X.shape[1:])
        built = _builders.build(builder, X.shape[1:], 1, seed=0)
        network = nn.Sequential(Standardize(0.0, 1.0), built)
    parts = divided(network)
    if parts is None:
        raise InputError(
            "the network has no frozen part, so it has no features of its own; give "
            "drlim.networks.pretrained(name), or the network_ of a map that was learnt with it"
        )
    with torch_defaults():
        return frozen_features(parts[0], X, verbose=verbose, keep=cache)


def divided(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential] | None:
    """Divide a map's network into its frozen part and its head; None if nothing is frozen."""
    if not isinstance(network, nn.Sequential) or len(network) != 2:
        return None
    standardize, built = network
    if not isinstance(built, nn.Sequential) or len(built) != 2:
        return None
    body, head = built
    if not isinstance(body, Backbone) or not body.is_frozen:
        return None
    unit = Standardize(0.0, 1.0).to(device_of(standardize))
    return nn.Sequential(standardize, body), nn.Sequential(unit, head)


def mapped(network: nn.Module, X: Samples, n_components: int) -> np.ndarray:
    """Return the points of samples, (n, n_components), through features that are known."""
    parts = divided(network)
    if parts is None or not isinstance(X, np.ndarray):
        return points_of(network, X, n_components)
    with torch_defaults():
        found = frozen_features(parts[0], X, keep=None if _keeps.get() else False, looks=True)
    return points_of(parts[1], found, n_components)


def frozen_features(
    frozen: nn.Sequential,
    X: np.ndarray,
    *,
    verbose: bool = False,
    keep: bool | None = None,
    looks: bool = False,
) -> np.ndarray:
    """Return the features of samples, (n, n_features) float32; see `features`.

    Parameters
    ----------
    frozen : nn.Sequential
        What `divided` gives.
    X : ndarray of shape (n, ...)
    verbose : bool
    keep : bool, optional
        Whether to write them. None: as the network was told.
    looks : bool
        Whether to look for known ones even if none are written.
    """
    found = FeaturesAtWork(frozen, X.shape[1:], keep=keep, looks=looks)
    with found.shown(len(X), verbose):
        return found.of(len(X), lambda rows: (keys_of(X[rows]), lambda of: X[rows][of]))


# Row numbers to the keys of these samples, and a function from places among them to the samples.
_Source = Callable[[slice], tuple[list[bytes], Callable[[np.ndarray], np.ndarray]]]


class FeaturesAtWork:
    """A frozen network at work: what it knows, what it computes, and how far it is."""

    def __init__(
        self,
        frozen: nn.Sequential,
        sample_shape: tuple[int, ...],
        *,
        keep: bool | None,
        looks: bool = False,
    ) -> None:
        body = frozen[1]
        assert isinstance(body, Backbone)
        self.network = evaluated(frozen)
        self.device = device_of(frozen)
        self.sample_shape = sample_shape
        self.keeps = bool(body.cache) if keep is None else keep
        self.store: FeatureStore | None = None
        if self.keeps or (looks and body.cache):
            self.store = _store_of(frozen, self._applied, sample_shape, body.cache)
        self.n_known = self.n_done = self.n_all = 0
        self.progress: Callable[[float], object] = lambda share: None

    @contextlib.contextmanager
    def shown(self, n_all: int, verbose: bool) -> Iterator[None]:
        """Show the progress over this many samples, and say how many were known."""
        self.n_all = max(n_all, 1)
        with search_progress("features") if verbose else contextlib.nullcontext() as progress:
            if progress is not None:
                self.progress = progress
            yield
        if verbose:
            known = ""
            if self.store is not None:
                known = f", {self.n_known:,} of them known from {self.store.folder}"
            print(f"Features of {n_all:,} images{known}", file=sys.stderr)

    def of(self, n: int, source: _Source) -> np.ndarray:
        """Return the features of samples, (n, n_features), those that are not known computed."""
        found: np.ndarray | None = None
        for start in range(0, n, _BLOCK):
            rows = slice(start, min(start + _BLOCK, n))
            keys, samples = source(rows)
            block: np.ndarray | None = None
            missing = np.arange(len(keys))
            if self.store is not None:
                block = np.empty((len(keys), self.store.n_features), np.float32)
                known = self.store.take(keys, block)
                missing = np.flatnonzero(~known)
                self.n_known += int(known.sum())
            if len(missing):
                made = self._applied(samples(missing))
                block = np.empty((len(keys), made.shape[1]), np.float32) if block is None else block
                block[missing] = made
                if self.store is not None and self.keeps:
                    self.store.add([keys[k] for k in missing], made)
            assert block is not None
            if found is None:
                found = _array(n, block.shape[1])
            found[rows] = block
            self.n_done += len(keys)
            self.progress(self.n_done / self.n_all)
        if found is None:
            one = np.zeros((1, *self.sample_shape), np.float32)
            return np.empty((0, self._applied(one).shape[1]), np.float32)
        return found

    def _applied(self, X: np.ndarray) -> np.ndarray:
        """Return the features of samples, in blocks filled up with zeros to one size."""
        most = _ROWS_ON_A_CARD if is_card(self.device) else _ROWS
        made = []
        with torch.inference_mode():
            for start in range(0, len(X), most):
                rows = numbers(np.array(X[start : start + most]))
                filler = np.zeros((most - len(rows), *rows.shape[1:]), rows.dtype)
                block = to_device(np.concatenate([rows, filler]), self.device)
                made.append(self.network(block)[: len(rows)].float().cpu().numpy())
        return np.concatenate(made)


def _array(n: int, n_features: int) -> np.ndarray:
    """Return an array for features, in a file if it is large."""
    if 4 * n * n_features <= _MOST_BYTES:
        return np.empty((n, n_features), np.float32)
    # The file has no name any more, and ends with the last array that refers to it.
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(n, n_features))


_stores: dict[tuple[Path, str, frozenset[Any]], FeatureStore] = {}
_keys: weakref.WeakKeyDictionary[nn.Module, tuple[Any, str]] = weakref.WeakKeyDictionary()


def _store_of(
    frozen: nn.Sequential,
    apply: Callable[[np.ndarray], np.ndarray],
    sample_shape: tuple[int, ...],
    cache: bool | str | os.PathLike[str],
) -> FeatureStore:
    """Return where the features of a network are kept, after a comparison with what is there.

    The weights and the text of a network do not say all that it computes: a function may have been
    changed since. So the features of one sample are compared, once in a process for the same code.
    """
    place = cache_folder() / "features" if isinstance(cache, bool) else Path(cache)
    key = _key_of(frozen, sample_shape)
    known = place, key, _code_of(frozen)
    if known not in _stores:
        rng = np.random.default_rng(0)
        probe = apply(rng.integers(0, 256, (1, *sample_shape)).astype(np.float32))
        for number in range(1, 1000):
            folder = place / (key if number == 1 else f"{key}-{number}")
            store = FeatureStore(folder, probe.shape[1])
            first = np.empty_like(probe)
            if not store.take([_PROBE], first).any():
                _stores[known] = store
                store.add([_PROBE], probe)
                break
            unit = float(np.abs(probe).max(initial=0)) or 1.0
            if np.allclose(first, probe, rtol=0, atol=1e-4 * unit):
                _stores[known] = store
                break
    return _stores[known]


def _code_of(network: nn.Module) -> frozenset[Any]:
    """Return the code of a network's modules, which a user may write anew in a notebook."""
    kinds = {type(module) for module in network.modules()}
    return frozenset((kind, getattr(kind.forward, "__code__", None)) for kind in kinds)


_PROBE = key_of(b"probe")


def _key_of(frozen: nn.Sequential, sample_shape: Sequence[int]) -> str:
    """Return a name that follows from all that a network computes with."""
    tensors = [*frozen.parameters(), *frozen.buffers()]
    version = (tuple(sample_shape), [_state_of(tensor) for tensor in tensors])
    body = frozen[1]
    if (known := _keys.get(body)) is not None and known[0] == version:
        return known[1]
    digest = hashlib.sha256(repr((list(sample_shape), repr(frozen))).encode())
    for tensor in tensors:
        digest.update(str((tensor.dtype, tuple(tensor.shape))).encode())
        array = tensor.detach().cpu().contiguous().view(-1)
        digest.update(array.view(torch.uint8).numpy().tobytes())
    key = digest.hexdigest()[:32]
    _keys[body] = version, key
    return key


def _state_of(tensor: Tensor) -> tuple[float, ...]:
    """Return numbers that change with a tensor; reading all its bytes would take ten times as long.

    A tensor counts its changes in place, but not those through its `data`.
    """
    values = tensor.detach()
    sums = [values.sum(dtype=torch.float64)]
    if values.is_floating_point():
        sums.append(torch.linalg.vector_norm(values, dtype=torch.float64))
    return (id(tensor), tensor._version, *map(float, sums))
