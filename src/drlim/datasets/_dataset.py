"""`Dataset`: samples, what is known of each, and the name of what they are."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from drlim._checks import as_array, is_number
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, generator


@dataclass(frozen=True)
class Dataset:
    """Samples and their factors: one known value a sample for each cause of variation.

    Attributes
    ----------
    X : ndarray of shape (n_samples, ...)
        The samples.
    factors : mapping of str to ndarray of shape (n_samples,)
        The known causes of variation, such as ``digit``, ``shift`` or ``lighting``. By habit
        ``source`` says which original each sample was made from.
    name : str
        What the data is, for reports.
    origin : str
        Where it was found on this machine.
    names : ndarray of str of shape (n_samples,), optional
        What each sample is called, such as the file it was read from.
    skipped : tuple of str
        What was left out because it could not be read, each as ``name: reason``.

    Examples
    --------
    >>> data = Dataset(np.eye(3), {"digit": np.array([4, 9, 4])}, name="toy")
    >>> len(data), data.subset(data.factors["digit"] == 4).X.shape
    (3, (2, 3))
    """

    X: np.ndarray
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)
    name: str = "data"
    origin: str = ""
    names: np.ndarray | None = None
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.X, np.ndarray):
            object.__setattr__(self, "X", as_array(self.X, "X"))
        if self.X.ndim < 1 or self.X.dtype.kind not in "buif":
            raise InputError(
                f"X has the shape {self.X.shape} and the dtype {self.X.dtype}; samples are numbers,"
                " (n_samples, ...)"
            )
        if not isinstance(self.factors, Mapping):
            raise InputError(
                f"factors is a {type(self.factors).__name__}; it must be a mapping of each "
                "factor's name to its values"
            )
        factors = {name: as_array(v, f"the factor {name!r}") for name, v in self.factors.items()}
        for name, values in factors.items():
            if values.shape != (len(self.X),):
                raise InputError(
                    f"the factor {name!r} has the shape {values.shape} and there are "
                    f"{len(self.X)} samples; a factor has one value a sample"
                )
        object.__setattr__(self, "factors", MappingProxyType(factors))
        if self.names is not None:
            names = np.asarray(self.names, dtype=str)
            if names.shape != (len(self.X),):
                raise InputError(
                    f"the names have the shape {names.shape} and there are {len(self.X)} "
                    "samples; each has one name"
                )
            object.__setattr__(self, "names", names)

    def __len__(self) -> int:
        return len(self.X)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.X.shape))
        return f"Dataset({self.name!r}, {shape} {self.X.dtype}, factors: {', '.join(self.factors)})"

    def factor(self, name: str) -> np.ndarray:
        """Return a factor by its name.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        if name not in self.factors:
            raise InputError(f"there is no factor {name!r}; {nearest_name(name, self.factors)}")
        return self.factors[name]

    def subset(self, indices: Any) -> Dataset:
        """Return some of the samples, by row numbers or by a mask, with their factors and names.

        Of a memory map more than 1 GiB is a memory map again: a file without a name, which is
        gone when nobody uses it.
        """
        try:
            some = np.arange(len(self))[indices]
        except (IndexError, TypeError) as error:
            raise InputError(
                f"indices do not choose from {len(self)} samples ({error}); give row numbers, or a "
                "mask of one bool a sample"
            ) from None
        if np.ndim(some) != 1:
            raise InputError("indices choose no list of samples; of one sample, give [row]")
        factors = {name: values[indices] for name, values in self.factors.items()}
        names = None if self.names is None else self.names[indices]
        return Dataset(
            _taken(self.X, indices), factors, self.name, self.origin, names, self.skipped
        )

    def split(
        self, test_size: float = 0.2, *, by: str = "source", random_state: RandomState = None
    ) -> tuple[Dataset, Dataset]:
        """Split into what is learnt from and what is held out, never dividing a source.

        All samples of one source (the shifted copies of one digit, say) go to the same side:
        a copy in the test set of what was trained on would prove nothing.

        Parameters
        ----------
        test_size : float, default=0.2
            The share of the *sources* that is held out, between 0 and 1.
        by : str, default="source"
            The factor that says what must stay together.
        random_state : int, numpy Generator or RandomState, optional

        Returns
        -------
        train, test : Dataset

        Examples
        --------
        >>> data = Dataset(np.eye(4), {"source": np.array([0, 0, 1, 1])})
        >>> train, test = data.split(0.5, random_state=0)
        >>> set(train.factors["source"]) & set(test.factors["source"])
        set()
        """
        if not is_number(test_size) or not 0 < test_size < 1:
            raise InputError(f"test_size is {test_size!r}; it is a share, between 0 and 1")
        sources = np.unique(self.factor(by))
        n_test = round(test_size * len(sources))
        if not 0 < n_test < len(sources):
            raise InputError(
                f"test_size is {test_size!r} and there are {len(sources)} values of {by!r}; "
                "both sides must get at least one"
            )
        held_out = generator(random_state).permutation(sources)[:n_test]
        is_test = np.isin(self.factor(by), held_out)
        return self.subset(~is_test), self.subset(is_test)


_IN_MEMORY, _ROWS = 2**30, 4096


def _taken(X: np.ndarray, indices: Any) -> np.ndarray:
    """Take rows of an array; of a large memory map without holding them all."""
    if not isinstance(X, np.memmap):
        some: np.ndarray = X[indices]
        return some
    rows = np.arange(len(X))[indices]
    n_bytes = len(rows) * X.itemsize * math.prod(X.shape[1:])
    if n_bytes <= _IN_MEMORY:
        return np.array(X[rows])
    with tempfile.TemporaryFile() as file:  # the map outlives its name
        taken = np.memmap(file, X.dtype, "w+", shape=(len(rows), *X.shape[1:]))
    for start in range(0, len(rows), _ROWS):
        taken[start : start + _ROWS] = X[rows[start : start + _ROWS]]
    return taken
