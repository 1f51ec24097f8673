"""The errors that drlim raises, and its warnings.

A message names the value that was given, the rule it breaks and the remedy. Everything that
drlim raises on purpose is a `DrlimError`, so one ``except`` catches it; each is also the
built-in error that a caller who does not know drlim would look for.
"""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class DrlimError(Exception):
    """The base class of every error that drlim raises on purpose.

    Attributes
    ----------
    argument : str or None
        The name of the argument at fault, where the error knows it.
    """

    def __init__(self, *args: object, argument: str | None = None) -> None:
        super().__init__(*args)
        self.argument = argument


class InputError(DrlimError, ValueError):
    """An argument breaks a rule."""


class LabelError(DrlimError, TypeError):
    """The labels of pairs can be read in two ways: 1 as similar, or as the paper's dissimilar."""


class FileError(DrlimError, OSError):
    """A file is missing, truncated, altered, or of another kind than expected."""


class MissingExtraError(DrlimError, ImportError):
    """An optional dependency is needed but not installed."""


class TrainingWarning(UserWarning):
    """Training went wrong: the map collapsed, or the loss is not finite."""


class DataWarning(UserWarning):
    """The data can be used, but probably not for what the user wants."""


@contextmanager
def about(argument: str) -> Iterator[None]:
    """Name the argument at fault in the errors of a block that do not name one themselves."""
    try:
        yield
    except DrlimError as error:
        error.argument = error.argument or argument
        raise


def warn(message: str, category: type[Warning]) -> None:
    """Warn, with the user's line that led here as the place of the warning."""
    frame, stacklevel = sys._getframe(1), 2
    # scikit-learn stands between the two in pipelines, and around `fit_transform`.
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] in ("drlim", "sklearn"):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)


def nearest_name(name: object, known: Iterable[str]) -> str:
    """List the known names and, if one is close, suggest it: "known: a, b; did you mean 'a'?"."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"known: {', '.join(known) or 'none'}{hint}"


def missing_extra(package: str, extra: str, needed_for: str) -> MissingExtraError:
    """Return the error that names the extra to install."""
    return MissingExtraError(
        f"{needed_for} needs the package {package!r}, which is not installed: "
        f"pip install 'drlim[{extra}]'"
    )
