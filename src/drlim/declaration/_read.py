"""Reading data as a declaration says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError
from drlim._files import as_path
from drlim.datasets import Dataset, read
from drlim.declaration._features import names_known_by
from drlim.declaration._schema import Data, Declaration, at
from drlim.estimator import DrLIM


def read_data(
    declaration: Declaration,
    path: Path | None = None,
    *,
    factors: Path | None = None,
    skip_bad: bool = False,
    map_: DrLIM | None = None,
    say: Callable[[str], None] | None = None,
) -> Dataset:
    r"""Read the declared data, or other data in the way that the declaration says.

    Parameters
    ----------
    declaration : Declaration
    path : path, optional
        Other data, such as new photographs. None: the declared data.
    factors : path, optional
        The table of factors of the other data.
    skip_bad : bool, default=False
        Whether to leave out files that cannot be read, also where the declaration does not.
    map_ : DrLIM, optional
        The map that the samples are for. The columns of a table are then read by the names that
        the map knows, in its order; further columns of numbers are factors.
    say : callable, optional
        Called with a line of text at each step that takes long, and for everything that is left
        out or guessed. None: the latter are warnings.

    Returns
    -------
    Dataset

    Raises
    ------
    FileError
        If a file is missing or damaged.
    InputError
        If the declaration names no data, or an option does not fit the data.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     n = file.write("height,width,species\n1.5,2,cat\n3,4,dog\n")
    ...     file.flush()
    ...     read_data(Declaration(data={"path": file.name, "columns": ["width"]})).X.tolist()
    [[2.0], [4.0]]
    """
    declared = declaration.data
    if path is not None:
        return _read(declaration, as_path(path), factors, skip_bad, map_, say)
    if declared.path is None:
        raise InputError(
            f"{declaration.where('data')}: the declaration names no data; give data.path, or in "
            "Python the samples: drlim.declaration.fit(declaration, data)"
        )
    try:
        return _read(declaration, declared.path, declared.factors, skip_bad, map_, say)
    except (FileError, InputError) as error:
        keys = [error.argument] if error.argument in Data.model_fields else []
        with at(declaration, "data", *keys):
            raise


def _read(
    declaration: Declaration,
    path: Path,
    factors: Path | None,
    skip_bad: bool,
    map_: DrLIM | None,
    say: Callable[[str], None] | None,
) -> Dataset:
    return read(
        path,
        factors=factors,
        select=declaration.data.select and (factors is not None or declaration.is_of(path)),
        skip_bad=skip_bad or declaration.data.skip_bad,
        say=say,
        **how_to_read(declaration, path, map_),
    )


def how_to_read(declaration: Declaration, path: Path, map_: DrLIM | None = None) -> dict[str, Any]:
    """Return the options of `drlim.datasets.read` for data of this kind, for a map.

    Size and colour do not apply to arrays of images, which a map takes as well.
    """
    is_table = path.suffix.lower() in (".csv", ".parquet")
    declared = declaration.data
    other = not declaration.is_of(path)
    of_images = not (other and is_array(path))
    columns: Sequence[str] | None = declared.columns if is_table or not other else None
    if is_table:
        columns = names_known_by(map_) or columns
    return {
        "by": declared.by,
        "columns": columns,
        "factor_columns": declaration.named_factors,
        **{key: getattr(declared, key) for key in ("delimiter", "decimal", "encoding", "header")},
        "layer": declared.layer if path.suffix.lower() == ".h5ad" or not other else None,
        "size": declared.size if of_images else None,
        "colour": declared.colour if of_images else None,
        "max_pixels": declared.max_pixels if of_images else None,
    }


def is_array(path: Path) -> bool:
    """Return whether a path is of an array or a table, and not of images."""
    return path.suffix.lower() in (".npy", ".npz", ".zarr", ".h5ad", ".csv", ".parquet")


def as_read(declaration: Declaration, X: np.ndarray) -> Declaration:
    """Return the declaration with the size and colour of the images that were read.

    A single photograph is then read like the training images, even if it is grey or of another
    size.
    """
    path = declaration.data.path
    if path is None or not path.is_dir() or path.suffix.lower() == ".zarr":
        return declaration
    size = tuple(map(int, X.shape[-2:]))
    read_as = {"size": size, "colour": "colour" if X.ndim == 4 else "grey"}
    return declaration.model_copy(update={"data": declaration.data.model_copy(update=read_as)})
