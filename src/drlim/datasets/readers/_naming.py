"""Which row of a table belongs to which sample, by their names.

What is written otherwise and can mean one sample only is matched, and one line says so.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

from drlim._errors import InputError
from drlim.datasets.readers._reader import Say, few

_MOST_COMPARED = 2000  # rows among which the nearest one is looked for


def naming_column(table: Mapping[str, np.ndarray], names: np.ndarray, folder: str | None) -> str:
    """Return the column of text that names the samples, or "".

    It has a value of its own in each row, and names half of the samples or more, or half of its
    rows are samples.
    """
    lookup = _Lookup([_normal(name) for name in names.tolist()], folder)
    for column, values in table.items():
        if values.dtype.kind == "U" and len(values) and len(np.unique(values)) == len(values):
            matches = [lookup.exact(value) for value in values.tolist()]
            n_named = len({positions[0] for positions in matches if positions})
            if 2 * n_named >= min(len(values), len(names)):
                return column
    return ""


def rows_of(
    names: np.ndarray,
    keys: np.ndarray,
    title: str,
    *,
    folder: str | None,
    select: bool,
    say: Say,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples that a table lists, in their order, and the row of each.

    Parameters
    ----------
    names : ndarray of str of shape (n_samples,)
    keys : ndarray of str of shape (n_rows,)
        What the table calls them.
    title : str
        The table, for messages.
    folder : str or None
        The name of the folder in which the samples are files, whose paths the table may shorten.
    select : bool
        Whether samples without a row are allowed.
    say : callable
        Called with a line for rows that are not used, and for names that are written otherwise.

    Raises
    ------
    InputError
        If a sample has no row or several, or a row fits several samples.
    """
    known = [_normal(name) for name in names.tolist()]
    _check_distinct(known)
    lookup = _Lookup(known, folder)
    row_of: dict[int, int] = {}
    for row, key in enumerate(keys.tolist()):
        matches = lookup.exact(key)
        if len(matches) == 1 and matches[0] in row_of:
            _refuse_repeated(title, keys, row_of, lookup)
        if matches:
            row_of[_only(matches, key, names, title)] = row
    used = set(row_of.values())
    otherwise = {}
    for row, key in enumerate(keys.tolist()):
        matches = [] if row in used else [i for i in lookup.loose(key) if i not in row_of]
        if matches:
            row_of[_only(matches, key, names, title)] = row
            otherwise[key] = str(names[matches[0]])
    if otherwise:
        shown = few(f"{key!r} for {name!r}" for key, name in otherwise.items())
        say(f"{title}: {len(otherwise):,} of its rows name their samples otherwise: {shown}")
    used = set(row_of.values())
    unused = [key for row, key in enumerate(keys.tolist()) if row not in used]
    missing = [name for i, name in enumerate(names.tolist()) if i not in row_of]
    if missing and (not select or not row_of):
        raise InputError(
            f"{title} has no row for the samples {few(map(repr, missing))} ({len(missing):,} in "
            f"all); {_near(missing[0], unused)}; correct the names, or keep only the samples that "
            "it lists (select, --select)"
        )
    if unused:
        say(
            f"{title}: {len(unused):,} of its {len(keys):,} rows are of no sample and were not "
            f"used: {few(map(repr, unused))}"
        )
    listed = np.array(sorted(row_of), np.intp)
    return listed, np.array([row_of[i] for i in listed.tolist()], np.intp)


def _check_distinct(names: Sequence[str]) -> None:
    shared = [name for name, rows in _positions(names).items() if len(rows) > 1]
    if shared:
        raise InputError(
            f"several samples are called {few(map(repr, shared))}; to join by name, give each a "
            "name of its own"
        )


def _refuse_repeated(
    title: str, keys: np.ndarray, row_of: Mapping[int, int], lookup: _Lookup
) -> None:
    matched = [(key, lookup.exact(key)) for key in keys.tolist()]
    counts = _positions([str(matches[0]) for _, matches in matched if len(matches) == 1])
    repeated = [
        key for key, matches in matched if len(matches) == 1 and len(counts[str(matches[0])]) > 1
    ]
    raise InputError(
        f"{title} has several rows for the same sample: {few(map(repr, repeated))} "
        f"({len(repeated):,} in all); leave one each"
    )


def _only(matches: Sequence[int], key: str, names: np.ndarray, title: str) -> int:
    if len(matches) > 1:
        raise InputError(
            f"{title} has a row {key!r}, which matches several samples: "
            f"{few(names[list(matches)])}; write their paths from the folder on"
        )
    return matches[0]


def _near(name: str, unused: Sequence[str]) -> str:
    """Return the row that may be meant, or else some of those that are there."""
    if not unused:
        return "all of its rows are of other samples"
    close = difflib.get_close_matches(name, unused[:_MOST_COMPARED], n=1)
    if close:
        return f"the row nearest to {name!r} is {close[0]!r}"
    return f"its other rows are {few(map(repr, unused))}"


# Spellings


def _without_ending(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).name else name


def _file_name(name: str) -> str:
    return PurePosixPath(name).name


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


# The shorter names that a table may use for a file, the most specific first.
_SHORTER: tuple[Callable[[str], str], ...] = (_without_ending, _file_name, _stem)


def _as_it_is(name: str) -> str:
    return name


def _without_zeros(name: str) -> str:
    return re.sub(r"(?<![0-9.])0+(?=[0-9])", "", name.casefold())


# What may differ between two spellings of one name, the most alike first.
_FOLDS: tuple[Callable[[str], str], ...] = (_as_it_is, str.casefold, _without_zeros)


class _Lookup:
    """The samples of a name, however it is written."""

    def __init__(self, names: Sequence[str], folder: str | None) -> None:
        self._names, self._folder = names, folder
        self._tables: dict[Callable[[str], str], list[dict[str, list[int]]]] = {}

    def exact(self, key: str) -> list[int]:
        """Return the samples of this name; of a file, also without its folder and ending."""
        return self._found(_as_it_is, _normal(key))

    def loose(self, key: str) -> list[int]:
        """Return the samples that a name fits in spite of how it is written."""
        for fold in _FOLDS:
            for spelling in self._spellings(_normal(key)):
                found = self._found(fold, spelling)
                if found:
                    return found
        return []

    def _found(self, fold: Callable[[str], str], name: str) -> list[int]:
        if fold not in self._tables:
            names = [self._names]
            if self._folder is not None:
                names += [[shorten(name) for name in self._names] for shorten in _SHORTER]
            self._tables[fold] = [_positions([fold(name) for name in each]) for each in names]
        name = fold(name)
        return next((table[name] for table in self._tables[fold] if name in table), [])

    def _spellings(self, key: str) -> Iterator[str]:
        yield key.strip()
        if self._folder is None:
            return
        key = key.strip().replace("\\", "/").removeprefix("./")
        yield key
        # From the folder's own name on, wherever it stands: /home/me/faces/a/1.png, faces/a/1.png.
        parts = key.split("/")
        for i, part in enumerate(parts[:-1]):
            if part.casefold() == self._folder.casefold():
                yield "/".join(parts[i + 1 :])


def _positions(names: Sequence[str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        positions.setdefault(name, []).append(i)
    return positions


def _normal(name: str) -> str:
    # Unicode has two forms of an accented letter, and macOS stores file names in the other one.
    return unicodedata.normalize("NFC", name).removeprefix("./")
