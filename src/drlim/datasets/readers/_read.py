"""A user's data: arrays, tables and folders of images become a `Dataset`, or a stream of blocks."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from drlim._checks import check_count
from drlim._errors import DataWarning, FileError, InputError, about, nearest_name, warn
from drlim._files import as_path
from drlim.datasets._dataset import Dataset
from drlim.datasets.readers._convert import random_access
from drlim.datasets.readers._dialect import TableForm
from drlim.datasets.readers._factors import Joined, join, unknown_as_none
from drlim.datasets.readers._h5ad import open_h5ad
from drlim.datasets.readers._image_files import FORMATS
from drlim.datasets.readers._images import Colour, open_folder
from drlim.datasets.readers._npy import open_npy
from drlim.datasets.readers._npz import open_npz
from drlim.datasets.readers._reader import Reader, Say, few, logger
from drlim.datasets.readers._samples import dataset, name_of
from drlim.datasets.readers._tables import ENDINGS as TABLES, open_table
from drlim.datasets.readers._zarr import open_zarr

_ARRAYS = {".npy": open_npy, ".npz": open_npz, ".zarr": open_zarr}

_ROWS = 4096  # of a block, unless a caller gives another number


@dataclass(frozen=True)
class _Options:
    """How a file is read, as `read` says."""

    by: str | None
    columns: Sequence[str] | None
    factor_columns: Sequence[str]
    size: tuple[int, int] | None
    colour: Colour | None
    max_pixels: int | None
    form: TableForm
    skip_bad: bool
    layer: str | None

    def as_json(self) -> dict[str, object]:
        """Return what identifies a conversion made with these options."""
        columns = self.columns and list(self.columns)
        given = {**asdict(self), "columns": columns, "factor_columns": list(self.factor_columns)}
        if self.layer is None:  # as an option that came later, it changes no earlier conversion
            del given["layer"]
        return given


def read(
    path: str | os.PathLike[str],
    *,
    factors: str | os.PathLike[str] | Mapping[str, np.ndarray] | None = None,
    by: str | None = None,
    select: bool = False,
    columns: Sequence[str] | None = None,
    factor_columns: Sequence[str] = (),
    layer: str | None = None,
    size: tuple[int, int] | None = None,
    colour: Colour | None = None,
    max_pixels: int | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_bad: bool = False,
    cache: str | os.PathLike[str] | None = None,
    say: Say | None = None,
) -> Dataset:
    r"""Read samples and their factors, by the path's ending.

    ========================== ==================================================================
    ``.npy``                   an array, as a memory map
    ``.npz``, ``.zarr``        its array ``X``, or its only one of two or more dimensions; arrays
                               of one value per sample are factors
    ``.csv``, ``.parquet``     columns of numbers are the features, the others factors
    ``.h5ad``                  AnnData: X or a `layer`, made dense; the columns of obs are factors
    a folder                   its images in natural order, 2 before 10; if it has folders, the
                               factor ``class`` is the folder of each image
    an image                   this image alone
    ========================== ==================================================================

    Training needs random access. Every format but ``.npy`` is slow at it, so up to 1 GiB is
    decoded into memory, and more is converted once, slice by slice, into a memory-mapped file in
    the cache. It is used again as long as the names, sizes and times of change are the same.

    Images become uint8 of shape (n, h, w) or (n, 3, h, w). If a grey image has 16 bits, all are
    float32 from 0 to 1; images of 16 bits per colour are read with 8. They are turned upright
    by their EXIF orientation, and transparency becomes white. Images of more than 64 megapixels
    (`max_pixels`), damaged ones, those of another format than their ending and those of several
    pictures are refused. Hidden files are skipped; ``left_out`` of the dataset counts files of
    other endings and names links to folders, which are not followed.

    Parameters
    ----------
    path : str or path
        A file, or a folder of images.
    factors : path or mapping of str to array, optional
        A table of factors, CSV or Parquet, or its columns: one row per sample. A table with names
        may have further rows, which are counted.
    by : str, optional
        The column of the table with the samples' names. Images are named by their paths inside
        the folder, whose folders and ending the table may leave out if that is still unique;
        other samples take their names from their own column or array of this name. Upper case,
        leading zeros, backslashes and folders in front may differ where only one sample can be
        meant. None: the column that names the images, or that repeats a factor of the samples
        with a value of its own for each; else the rows are in the order of the samples.
    select : bool, default=False
        Whether to keep only the samples that the table of factors lists.
    columns : sequence of str, optional
        The columns of a table that are the features, in this order. None: all columns of
        numbers.
    factor_columns : sequence of str, default=()
        Columns of numbers of a table that are factors and not features.
    layer : str, optional
        The layer of an ``.h5ad`` file that has the samples, such as ``"counts"``. None: its X.
    size : (int, int), optional
        Height and width in pixels that all images are resized to; needed if they differ.
    colour : {'grey', 'colour'}, optional
        Read all images as grey or as colour. None: grey if all images are.
    max_pixels : int, optional
        How many pixels of an image are decoded at most. None: 64 megapixels, or Pillow's own
        limit if that is smaller. With `size`, a larger JPEG image is decoded at a half, a quarter
        or an eighth of its height and width.
    delimiter : str, optional
        The character between the columns of CSV files, such as ``";"``. None: seen in the file.
    decimal : {'.', ','}, optional
        Their decimal sign. None: seen in the file, and a point where columns are separated by
        commas.
    encoding : str, optional
        Their encoding, such as ``"latin-1"``. None: UTF-8, or UTF-16 with its mark.
    header : bool, optional
        Whether their first line names the columns. None: it does, with a warning if it looks
        like numbers. False: the columns are called ``column1``, ``column2``, ...
    skip_bad : bool, default=False
        Whether to leave out images that are refused; the attribute ``skipped`` of the dataset
        lists them with the reasons.
    cache : path, optional
        The folder for conversions; by default in the user's cache (``DRLIM_CACHE``).
    say : callable, optional
        Called with a line of text at each step that takes long, and for everything that is left
        out or guessed. None: the former are logged, the latter are warnings.

    Returns
    -------
    Dataset
        X of shape (n_samples, n_features) for a table: float64 if a column needs it, as the
        numbers of a CSV file do, otherwise float32. The dtype of an array is kept.

    Raises
    ------
    FileError
        If a file is missing, damaged, dangerous, or of another kind than its ending.
    InputError
        If a value is missing, sizes differ, or a table does not fit the samples.
    MissingExtraError
        If the package that reads this kind of file is not installed.

    Warns
    -----
    DataWarning
        If a part of the file is left out, or its form is guessed, and `say` is None. The attribute
        ``left_out`` of the dataset names what was left out.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
    ...     n = file.write("height,width,species\n1.5,2,cat\n3,4,dog\n")
    ...     file.flush()
    ...     data = read(file.name)
    >>> data.X, data.factors["species"]
    (array([[1.5, 2. ], [3. , 4. ]]), array(['cat', 'dog'], dtype='<U3'))
    """
    doubt, say = _doubt(say), say or logger.info
    path = as_path(path)
    with about("path"):
        options = _Options(
            by,
            columns,
            factor_columns,
            size,
            colour,
            max_pixels,
            TableForm(delimiter, decimal, encoding, header),
            skip_bad,
            layer,
        )
        reader = _open(path, options, () if isinstance(factors, Mapping) else (factors,))
        _announce(reader, doubt, say)
        own = reader.factors()
    names = _names(reader, own, by)
    own, listed = _with_table(reader, own, names, factors, by, select, options.form, doubt)
    own, unknown = unknown_as_none(own)
    for line in unknown:
        doubt(f"{path}: {line}")
    with about("path"):
        X, bad = random_access(reader, options.as_json(), cache, say)
    return dataset(path, reader, X, own, names, bad, listed, say)


def _with_table(
    reader: Reader,
    own: dict[str, np.ndarray],
    names: np.ndarray | None,
    factors: str | os.PathLike[str] | Mapping[str, np.ndarray] | None,
    by: str | None,
    select: bool,
    form: TableForm,
    doubt: Say,
) -> Joined:
    """Return the factors of the file and of the table, and the samples that have them."""
    own = {name: values for name, values in own.items() if name != by}
    if factors is None:
        if select:
            raise InputError(
                "select keeps the samples that a table of factors lists; give the table (factors)",
                argument="select",
            )
        if by is not None and names is None:
            raise InputError(
                f"by is {by!r}, but there is no table of factors to join", argument="by"
            )
        return Joined(own, np.arange(reader.shape[0]))
    is_folder = reader.names is not None and reader.path.is_dir()
    with about("factors"):
        return join(
            own,
            factors,
            by,
            names,
            reader.shape[0],
            folder=reader.path.resolve().name if is_folder else None,
            select=select,
            form=form,
            say=doubt,
        )


def blocks(
    path: str | os.PathLike[str],
    *,
    by: str | None = None,
    columns: Sequence[str] | None = None,
    factor_columns: Sequence[str] = (),
    layer: str | None = None,
    size: tuple[int, int] | None = None,
    colour: Colour | None = None,
    max_pixels: int | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    skip_bad: bool = False,
    rows: int = _ROWS,
    say: Say | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Yield the samples that `read` would read, in order, without holding them all in memory.

    Parameters
    ----------
    path, by, columns, factor_columns, layer, size, colour, max_pixels, delimiter, decimal, \
    encoding, header, skip_bad
        As in `read`; ``by`` names the column or array with the samples' names.
    rows : int, default=4096
        The largest number of samples in a block. Blocks of large samples, the last block, and
        blocks with images left out have fewer.
    say : callable, optional
        Called with a line of text for each image that is left out, and for every other part of
        the file. None: the former are logged, the latter are warnings.

    Yields
    ------
    X : ndarray of shape (at most rows, ...)
    names : ndarray of str of the same length, or None
        The names of the samples, if they have any.

    Raises
    ------
    FileError, InputError, MissingExtraError
        As `read` does, but a bad sample only raises when it is reached.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".npy") as file:
    ...     np.save(file, np.eye(5))
    ...     file.flush()
    ...     [X.shape for X, names in blocks(file.name, rows=2)]
    [(2, 5), (2, 5), (1, 5)]
    """
    check_count(rows, "rows")
    doubt, say = _doubt(say), say or logger.info
    options = _Options(
        by,
        columns,
        factor_columns,
        size,
        colour,
        max_pixels,
        TableForm(delimiter, decimal, encoding, header),
        skip_bad,
        layer,
    )
    reader = _open(as_path(path), options)
    _announce(reader, doubt, say)
    names = _names(reader, reader.factors() if by is not None else {}, by)
    return _named_blocks(reader, names, rows, say)


def _named_blocks(
    reader: Reader, names: np.ndarray | None, rows: int, say: Say
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    start = 0
    for block in reader.blocks(rows):
        n = len(block.X) + len(block.skipped)
        for i, reason in block.skipped.items():
            say(f"left out {name_of(names, i)}: {reason}")
        if len(block.X):
            good = [i for i in range(start, start + n) if i not in block.skipped]
            yield block.X, None if names is None else names[good]
        start += n


def _doubt(say: Say | None) -> Say:
    """Return what is called with what a user must see: `say`, or a warning."""
    return say or (lambda line: warn(line, DataWarning))


def _announce(reader: Reader, doubt: Say, say: Say) -> None:
    for note in reader.notes:
        say(f"{reader.path}: {note}")
    for line in reader.doubts:
        doubt(f"{reader.path}: {line}")
    if reader.left_out:
        doubt(f"{reader.path}: left out {few(reader.left_out, 5)}")


def _names(reader: Reader, own: Mapping[str, np.ndarray], by: str | None) -> np.ndarray | None:
    if reader.names is not None or by is None or by not in own:
        return reader.names
    return own[by].astype(str)


def _what_is_there(path: Path) -> str:
    """Return the end of a message: what a path that does not exist may have meant."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    wanted = path.relative_to(folder).parts[0]
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        names = []
    close = difflib.get_close_matches(wanted, names, n=1)
    if close:
        return f"did you mean {folder / close[0]}?"
    return f"the folder {folder.resolve()} has {few(names, 5) or 'no files'}"


def _open(
    path: Path, options: _Options, others: Iterable[str | os.PathLike[str] | None] = ()
) -> Reader:
    """Open a file or folder; `others` are files that are read with it."""
    ending = path.suffix.lower()
    if not path.exists():
        raise FileError(f"{path} is not there; {_what_is_there(path)}")
    is_folder = (path.is_dir() and ending not in _ARRAYS) or ending in FORMATS
    of_images = {name: getattr(options, name) for name in ("size", "colour", "max_pixels")}
    given = [name for name, value in of_images.items() if value is not None]
    if given and not is_folder:
        raise InputError(
            f"{path} is not a folder of images; {given[0]} applies to images only",
            argument=given[0],
        )
    if options.columns is not None and (is_folder or ending not in TABLES):
        raise InputError(
            f"{path} is not a table; columns apply to {' and '.join(TABLES)} files only",
            argument="columns",
        )
    if options.layer is not None and ending != ".h5ad":
        raise InputError(f"{path} is not an .h5ad file; a layer is a part of one", argument="layer")
    if is_folder:
        used = [Path(other) for other in others if other is not None]
        return open_folder(path, **of_images, skip_bad=options.skip_bad, used=used)
    if ending in TABLES:
        return open_table(
            path,
            options.columns,
            options.by,
            factor_columns=options.factor_columns,
            form=options.form,
        )
    if ending == ".h5ad":
        return open_h5ad(path, options.layer)
    if ending in _ARRAYS:
        return _ARRAYS[ending](path)
    known = nearest_name(ending, [*_ARRAYS, ".h5ad", *TABLES])
    raise InputError(f"{path} ends in {ending!r}; {known}; images, and folders of images")
