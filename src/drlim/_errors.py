"""What drlim raises, and what it warns of.

A message names the value that was given, the rule it breaks and the remedy. Everything that
drlim raises on purpose is a `DrlimError`, so one ``except`` catches it; each is also the
built-in error that a caller who does not know drlim would look for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DrlimError(Exception):
    """The root of everything that drlim raises on purpose."""


class InputError(DrlimError, ValueError):
    """A value that was given breaks a rule."""


class LabelError(DrlimError, TypeError):
    """`similar` is something that can be read in two ways."""


class FileError(DrlimError, OSError):
    """A file is missing, truncated, altered, or not what it should be."""


class MissingExtraError(DrlimError, ImportError):
    """An optional dependency is needed and not installed."""


class TrainingWarning(UserWarning):
    """Training went wrong in a way that the map shows: it collapsed, or the loss is not finite."""


class DataWarning(UserWarning):
    """The data can be used, but not for what the user most likely wants."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names what is known and, if there is one, what was likely meant."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"known: {', '.join(known) or 'none'}{hint}"


def missing_extra(package: str, extra: str, needed_for: str) -> MissingExtraError:
    """Return the error that says which extra to install."""
    return MissingExtraError(
        f"{needed_for} needs the package {package!r}, which is not installed: "
        f"pip install 'drlim[{extra}]'"
    )
