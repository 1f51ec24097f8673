"""The dataset that is read: the samples that could be read and that the table of factors lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from drlim._errors import FileError, about
from drlim.datasets._dataset import Dataset, rows_of
from drlim.datasets.readers._factors import differing
from drlim.datasets.readers._reader import Reader, Say, few


def dataset(
    path: Path,
    reader: Reader,
    X: np.ndarray,
    factors: dict[str, np.ndarray],
    names: np.ndarray | None,
    bad: Mapping[int, str],
    listed: np.ndarray,
    say: Say,
) -> Dataset:
    """Return the samples that could be read, with their factors and names.

    The factors are those of the `listed` samples; X has those that are not `bad`, and `names` are
    of all.
    """
    skipped = tuple(f"{name_of(names, i)}: {bad[i]}" for i in sorted(bad))
    if bad:
        say(f"{path}: {len(bad):,} of {reader.shape[0]:,} files were left out")
        if not len(X):
            raise FileError(f"{path} has no image that can be read: {few(skipped)}")
    n = reader.shape[0]
    left_out = list(reader.left_out)
    if len(listed) < n:
        left_out.append(f"samples: {n - len(listed):,} that the table of factors does not list")
    good = np.setdiff1d(listed, list(bad))
    if len(good) < n:
        X = rows_of(X, np.searchsorted(np.setdiff1d(np.arange(n), list(bad)), good))
        kept = np.searchsorted(listed, good)
        factors = {name: values[kept] for name, values in factors.items()}
        names = None if names is None else names[good]
    data = Dataset(
        X,
        factors,
        path.name,
        str(path),
        names,
        skipped,
        feature_names=reader.feature_names,
        left_out=tuple(left_out),
    )
    with about("factors"):
        _check_features_named_as_factors(data)
    return data


def _check_features_named_as_factors(data: Dataset) -> None:
    """Raise if a column of the table of factors is a feature with other values: rows are mixed."""
    for name in set(data.feature_names) & set(data.factors):
        values, feature = data.factors[name], data.X[:, data.feature_names.index(name)]
        if values.dtype.kind not in "iuf":
            continue
        is_other = (values.astype(feature.dtype) != feature) & ~np.isnan(values)
        if is_other.any():
            i = int(is_other.argmax())
            sample = i if data.names is None else data.names[i]
            raise differing("the table of factors", name, values[i], feature[i], sample)


def name_of(names: np.ndarray | None, i: int) -> str:
    """Return the name of a sample, or its row number where it has none."""
    return f"sample {i}" if names is None else str(names[i])
