"""Features on disk, each found by the content of its sample.

A folder holds the features of one network, preprocessing included, in files that are written whole
and never changed: so several processes can use it at once, and what an interrupted one has
computed is kept.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from drlim._errors import DataWarning, FileError, warn
from drlim._files import write_whole

_ENDING = ".features"
_KEY_BYTES = 16


class FeatureStore:
    """The features of samples by one network.

    Parameters
    ----------
    folder : Path
        It is made when features are added.
    n_features : int
    """

    def __init__(self, folder: Path, n_features: int) -> None:
        self.folder, self.n_features = folder, n_features
        self._starts: dict[str, int] = {}  # where the numbers begin in each file
        self._places: dict[bytes, tuple[str, int]] = {}
        self._lock = threading.Lock()
        self._is_writable = True

    def take(self, keys: Sequence[bytes], into: np.ndarray) -> np.ndarray:
        """Copy known features into an array, (n, n_features); return which rows were known."""
        self._look()
        known = np.zeros(len(keys), bool)
        rows: dict[str, list[tuple[int, int]]] = {}
        for row, key in enumerate(keys):
            if (place := self._places.get(key)) is not None:
                rows.setdefault(place[0], []).append((row, place[1]))
                known[row] = True
        for name, pairs in rows.items():
            to, of = np.array(pairs).T
            try:
                numbers = np.fromfile(self.folder / name, "<f4", offset=self._starts[name])
            except OSError:  # removed meanwhile
                known[to] = False
                continue
            into[to] = numbers.reshape(-1, self.n_features)[of]
        return known

    def add(self, keys: Sequence[bytes], features: np.ndarray) -> None:
        """Write the features of some samples; where that fails, warn once and go on without."""
        if not self._is_writable or not len(keys):
            return
        content = b"".join(keys)
        name = hashlib.blake2b(content, digest_size=16).hexdigest() + _ENDING
        header = np.array([len(keys), self.n_features], "<i8").tobytes()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(self.folder / name, header + content + features.astype("<f4").tobytes())
        except (OSError, FileError) as error:
            self._is_writable = False
            warn(f"features are not kept on disk ({error})", DataWarning)

    def _look(self) -> None:
        """Read the keys of files that have come since."""
        with self._lock:
            try:
                found = sorted(path.name for path in self.folder.iterdir())
            except OSError:
                return
            for name in found:
                if name.endswith(_ENDING) and name not in self._starts:
                    self._open(name)

    def _open(self, name: str) -> None:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                n, n_features = np.frombuffer(file.read(16), "<i8").tolist()
                start = 16 + n * _KEY_BYTES
                size = path.stat().st_size
                if n_features != self.n_features or size != start + 4 * n * n_features:
                    return
                content = file.read(n * _KEY_BYTES)
        except (OSError, ValueError):  # removed meanwhile, or not such a file
            return
        self._starts[name] = start
        for row in range(n):
            key = content[row * _KEY_BYTES : (row + 1) * _KEY_BYTES]
            self._places.setdefault(key, (name, row))


def key_of(*parts: bytes) -> bytes:
    """Return a short name of some content, the same in every process."""
    digest = hashlib.blake2b(digest_size=_KEY_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def keys_of(X: np.ndarray) -> list[bytes]:
    """Return the name of each sample by its content, (n_samples,)."""
    kind = X.dtype.newbyteorder("<")
    return [key_of(kind.str.encode(), row.astype(kind).tobytes()) for row in X]
