"""Read data in the way that a declaration says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError
from drlim.datasets import Dataset, read
from drlim.declaration._schema import Data, Declaration, at


def read_data(
    declaration: Declaration,
    path: Path | None = None,
    *,
    factors: Path | None = None,
    skip_bad: bool = False,
    say: Callable[[str], None] | None = None,
) -> Dataset:
    """Read the declared data, or other data in the way that the declaration says.

    Parameters
    ----------
    declaration : Declaration
    path : path, optional
        Other data, such as new photographs. None: the declared data.
    factors : path, optional
        Its table of factors.
    skip_bad : bool
        Whether files that cannot be read are left out (also if the declaration says so).
    say : callable, optional
    """
    declared = declaration.data
    if path is None and declared.path is not None:
        try:
            declared_data = read_data(
                declaration, declared.path, factors=declared.factors, skip_bad=skip_bad, say=say
            )
        except (FileError, InputError) as error:
            with at(declaration, "data", *_named_in(str(error), declared)):
                raise
        return declared_data
    if path is None:
        raise InputError(
            f"{declaration.where('data')}: the declaration names no data; give data.path, or in "
            "Python the samples: drlim.declaration.fit(declaration, data)"
        )
    return read(
        path,
        factors=factors,
        skip_bad=skip_bad or declared.skip_bad,
        say=say,
        **how_to_read(declaration, path),
    )


def how_to_read(declaration: Declaration, path: Path) -> dict[str, Any]:
    """Return the options of `drlim.datasets.read` that the declaration gives to such data.

    What is said of images is of no matter to arrays of them, which a map takes as well.
    """
    declared = declaration.data
    other = path != declared.path
    is_array = path.suffix.lower() in (".npy", ".npz", ".zarr", ".csv", ".parquet")
    of_images = not (other and is_array)
    of_tables = not (other and path.suffix.lower() not in (".csv", ".parquet"))
    return {
        "by": declared.by,
        "columns": declared.columns if of_tables else None,
        "size": declared.size if of_images else None,
        "colour": declared.colour if of_images else None,
    }


def as_read(declaration: Declaration, X: np.ndarray) -> Declaration:
    """Return the declaration with the size and colours that a folder's images turned out to have.

    A single photograph must be read as those that were learnt from, be it grey or of another size.
    """
    path = declaration.data.path
    if path is None or not path.is_dir() or path.suffix.lower() == ".zarr":
        return declaration
    size = tuple(map(int, X.shape[-2:]))
    read_as = {"size": size, "colour": "colour" if X.ndim == 4 else "grey"}
    return declaration.model_copy(update={"data": declaration.data.model_copy(update=read_as)})


def _named_in(message: str, declared: Data) -> tuple[str, ...]:
    """Find the key whose value an error is about, if it names one."""
    values = {
        "by": [repr(declared.by)],
        "columns": map(repr, declared.columns or ()),
        "factors": [str(declared.factors)],
        "path": [str(declared.path)],
    }
    named = (key for key, texts in values.items() if any(text in message for text in texts))
    return tuple(named)[:1]
