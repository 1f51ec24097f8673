"""What the rows are made of: samples, files in the working folder, and the row itself.

A row states what is wrong, a call, and what the error's message must contain: the value that was
given and the name of its argument, file or key. It never states a sentence, which may be reworded.
"""

import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import numpy as np
from sklearn.exceptions import NotFittedError

from drlim import Dataset, DrLIM, FileError, InputError, cli, graphs

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))
LABELS = np.arange(24) % 3
IMAGES = RNG.integers(0, 256, (6, 8, 8)).astype(np.uint8)
X_NAN = np.where(np.eye(24, 3) > 0, np.nan, X)
Z_NAN = np.where(np.eye(24, 2) > 0, np.nan, Z)
GRAPH = graphs.neighbors(X, 3)
DATA = Dataset(X, {"c": LABELS, "source": np.arange(24)})


class Row(NamedTuple):
    """One case of bad input."""

    what: str
    call: Callable[[], object]
    tokens: tuple[str, ...]
    error: type[BaseException] = InputError


def bad(what, call, *tokens, error=InputError):
    return Row(what, call, tokens, error)


def bad_file(what, call, *tokens):
    return Row(what, call, tokens, FileError)


def not_fitted(what, call, *tokens):
    return Row(what, call, tokens, NotFittedError)


def bad_command(what, arguments, *tokens):
    return Row(what, functools.partial(run, *arguments), tokens, SystemExit)


def missing_from(message, tokens):
    """Return the tokens that do not stand in a message as words or numbers of their own."""
    return [
        token
        for token in tokens
        if not re.search(rf"(?<!\w)(?<!\d\.){re.escape(token)}(?!\w)(?!\.\d)", message)
    ]


# Maps and files. A file's name is relative: each row runs in a working folder of its own.


def run(*arguments):
    """Run a command line in this process; an argument that is a function makes a file."""
    given = [str(each() if callable(each) else each) for each in arguments]
    with mock.patch.object(sys, "argv", ["drlim", *given]):
        cli.main()


@functools.cache
def fitted():
    return DrLIM(max_epochs=1, random_state=0).fit(X)


def folder(name="empty"):
    path = Path(name)
    path.mkdir(exist_ok=True)
    return path


def file(content, name):
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def table(text, name="t.csv"):
    return file(text.encode(), name)


def npy(array, name="a.npy"):
    np.save(name, array)
    return Path(name)


def saved():
    fitted().save("m.drlim")
    return Path("m.drlim")


def truncated():
    return file(saved().read_bytes()[:-9], "part.drlim")


def altered():
    content = bytearray(saved().read_bytes())
    content[-3] ^= 1
    return file(bytes(content), "altered.drlim")
