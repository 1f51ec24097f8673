"""`Dataset`: samples with their factors, their names, and where they come from."""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from drlim._checks import as_array, is_number
from drlim._errors import DataWarning, InputError, nearest_name, warn
from drlim._random import RandomState, generator


@dataclass(frozen=True)
class Dataset:
    """Samples and their factors: one known value per sample for each cause of variation.

    Attributes
    ----------
    X : ndarray of shape (n_samples, ...)
        The samples.
    factors : mapping of str to ndarray of shape (n_samples,)
        The known causes of variation, such as ``digit``, ``shift`` or ``lighting``. By
        convention ``source`` says which original each sample was made from.
    name : str
        A title of the data, for reports.
    origin : str
        Where the data was found on this machine.
    names : ndarray of str of shape (n_samples,), optional
        The name of each sample, such as the file it was read from.
    skipped : tuple of str
        The samples that were left out because they could not be read, as ``name: reason``.
    feature_names : tuple of str
        The names of the features, such as the columns of a table; empty if they have none.
    left_out : tuple of str
        What the file holds and the dataset does not, as ``name: reason``: arrays and columns that
        are neither samples nor factors, files that are not images.

    Raises
    ------
    InputError
        If X is not an array of numbers, or a factor or the names have another length.

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
    feature_names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.X, np.ndarray) or np.ma.isMaskedArray(self.X):
            object.__setattr__(self, "X", as_array(self.X, "X"))
        if self.X.ndim < 1 or self.X.dtype.kind not in "buif":
            raise InputError(
                f"X has the shape {self.X.shape} and the dtype {self.X.dtype}; it must be an array "
                "of numbers, (n_samples, ...)"
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
                    f"{len(self.X)} samples; a factor has one value per sample"
                )
        object.__setattr__(self, "factors", MappingProxyType(factors))  # the dataclass is frozen
        if self.names is not None:
            names = as_array(self.names, "names").astype(str)
            if names.shape != (len(self.X),):
                raise InputError(
                    f"the names have the shape {names.shape} and there are {len(self.X)} "
                    "samples; give one name per sample"
                )
            object.__setattr__(self, "names", names)
        feature_names = tuple(map(str, self.feature_names))
        if feature_names and self.X.shape[1:] != (len(feature_names),):
            raise InputError(
                f"there are {len(feature_names)} names of features and X has the shape "
                f"{self.X.shape}; give one name per column"
            )
        object.__setattr__(self, "feature_names", feature_names)

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
            If there is no factor of that name.

        Examples
        --------
        >>> Dataset(np.eye(2), {"digit": np.array([4, 9])}).factor("digit")
        array([4, 9])
        """
        if name not in self.factors:
            raise InputError(
                f"there is no factor {name!r}; {nearest_name(name, self.factors)}"
                f"{self.why_absent(name)}"
            )
        return self.factors[name]

    def why_absent(self, name: str) -> str:
        """Return the end of a message: why a part of the data of that name was left out, or "".

        Examples
        --------
        >>> Dataset(np.eye(2), left_out=("pose: 3 values for 2 samples",)).why_absent("pose")
        '; pose was left out of the data: 3 values for 2 samples'
        """
        reasons = [line for line in self.left_out if line.startswith(f"{name}: ")]
        return "".join(
            f"; {name} was left out of the data: {line.removeprefix(f'{name}: ')}"
            for line in reasons
        )

    def subset(self, indices: Any) -> Dataset:
        """Return some of the samples, by row numbers or by a mask, with their factors and names.

        More than 1 GiB of a memory map is a memory map again: a temporary file, which the system
        removes when it is no longer used.

        Parameters
        ----------
        indices : array of int or of bool
            Row numbers, or a mask of shape (n_samples,).

        Returns
        -------
        Dataset

        Raises
        ------
        InputError
            If the indices do not select a list of samples.

        Examples
        --------
        >>> Dataset(np.eye(3)).subset([2, 0]).X
        array([[0., 0., 1.],
               [1., 0., 0.]])
        """
        try:
            some = np.arange(len(self))[indices]
        except (IndexError, TypeError) as error:
            raise InputError(
                f"indices do not select from {len(self)} samples ({error}); give row numbers, or a "
                "mask of one bool per sample"
            ) from None
        if np.ndim(some) != 1:
            raise InputError("indices select a single sample; give a list, such as [row]")
        factors = {name: values[indices] for name, values in self.factors.items()}
        names = None if self.names is None else self.names[indices]
        X = rows_of(self.X, indices)
        return replace(self, X=X, factors=factors, names=names)

    def split(
        self, test_size: float = 0.2, *, by: str = "source", random_state: RandomState = None
    ) -> tuple[Dataset, Dataset]:
        """Split into a training and a test set, never dividing a source.

        All samples of one source (the shifted copies of one digit, say) go to the same side:
        testing on a copy of a training sample would prove nothing. Copies of several sources are
        not looked for, only counted: `drlim.declaration.fit` keeps identical samples, and nearly
        identical images, on one side.

        Parameters
        ----------
        test_size : float, default=0.2
            The share of the *sources* in the test set, between 0 and 1.
        by : str, default="source"
            The factor whose equal values stay together.
        random_state : int, numpy Generator or RandomState, optional

        Returns
        -------
        train, test : Dataset

        Raises
        ------
        InputError
            If the share is outside (0, 1), one side would be empty, or there is no such factor.

        Warns
        -----
        DataWarning
            If samples of the test set are in the training set too, byte for byte; not looked for
            in more than 1 GiB of samples.

        Examples
        --------
        >>> data = Dataset(np.eye(4), {"source": np.array([0, 0, 1, 1])})
        >>> train, test = data.split(0.5, random_state=0)
        >>> set(train.factors["source"]) & set(test.factors["source"])
        set()
        """
        if not is_number(test_size) or not 0 < test_size < 1:
            raise InputError(f"test_size is {test_size!r}; it must be a share between 0 and 1")
        check_known(self, by)
        sources = np.unique(self.factor(by))
        n_test = round(test_size * len(sources))
        if not 0 < n_test < len(sources):
            raise InputError(
                f"test_size is {test_size!r} and there are {len(sources)} values of {by!r}; "
                "each side must get at least one"
            )
        held_out = generator(random_state).permutation(sources)[:n_test]
        is_test = np.isin(self.factor(by), held_out)
        _warn_of_repeats(self.X, is_test)
        return self.subset(~is_test), self.subset(is_test)


def _warn_of_repeats(X: np.ndarray, is_test: np.ndarray) -> None:
    """Warn of test samples whose bytes are those of a training sample."""
    if X.nbytes > _IN_MEMORY:
        return
    known = {_digest(sample) for sample in X[~is_test]}
    n_repeated = sum(_digest(sample) in known for sample in X[is_test])
    if n_repeated:
        warn(
            f"{n_repeated:,} of {int(is_test.sum()):,} test samples are identical to training "
            "samples of other sources and prove nothing; give identical samples one source, or "
            "use drlim.declaration.fit, which keeps them on one side",
            DataWarning,
        )


def _digest(sample: np.ndarray) -> bytes:
    return hashlib.blake2b(sample.tobytes(), digest_size=16).digest()


def check_known(data: Dataset, name: str) -> None:
    """Raise if a factor lacks a value where every sample needs one."""
    values = data.factor(name)
    if values.dtype.kind not in "fO":
        return
    is_unknown = np.array([value is None or value != value for value in values.tolist()], bool)
    if is_unknown.any():
        i = int(is_unknown.argmax())
        raise InputError(
            f"the factor {name!r} has no value in row {i} (counted from 0)"
            f"{'' if data.names is None else f', of the sample {data.names[i]}'}, "
            f"{is_unknown.sum():,} in all; every sample needs a value: fill it in, or leave out "
            "the samples or the factor"
        )


_IN_MEMORY, _ROWS = 2**30, 4096


def rows_of(X: np.ndarray, indices: Any) -> np.ndarray:
    """Return rows of an array; many rows of a memory map are copied to another, block by block."""
    if not isinstance(X, np.memmap):
        return X[indices]
    rows = np.arange(len(X))[indices]
    n_bytes = len(rows) * X.itemsize * math.prod(X.shape[1:])
    if n_bytes <= _IN_MEMORY:
        return np.array(X[rows])
    with tempfile.TemporaryFile() as file:  # the map stays valid when the file has no name
        copied = np.memmap(file, X.dtype, "w+", shape=(len(rows), *X.shape[1:]))
    for start in range(0, len(rows), _ROWS):
        copied[start : start + _ROWS] = X[rows[start : start + _ROWS]]
    return copied
