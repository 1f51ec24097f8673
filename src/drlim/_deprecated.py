"""Old names that keep working for one release, with a warning that gives the new one."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def warn_renamed(old: str, new: str, *, stacklevel: int = 3) -> None:
    """Warn that an old name is used; `stacklevel` leads to the line that uses it."""
    warnings.warn(renamed(old, new), FutureWarning, stacklevel=stacklevel)


def renamed(old: str, new: str) -> str:
    """Return the sentence that says so."""
    return f"{old} is now called {new}; the old name will stop working in the next release"


def renamed_names(module: str, names: Mapping[str, str]) -> Callable[[str], object]:
    """Return a module's ``__getattr__``, which finds old names through their new ones.

    Parameters
    ----------
    module : str
        The module's own name, ``__name__``.
    names : mapping of str to str
        Old name to new name. A new name in another module is written in full,
        ``drlim.other.name``.

    Examples
    --------
    >>> find = renamed_names("drlim.graphs", {"is_neighbor": "neighbors"})
    >>> import pytest
    >>> with pytest.warns(FutureWarning, match="is_neighbor is now called neighbors"):
    ...     find("is_neighbor").__name__
    'neighbors'
    """

    def find(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warn_renamed(name, names[name])
        home, _, new = names[name].rpartition(".")
        return getattr(importlib.import_module(home or module), new)

    return find


def renamed_arguments(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function take arguments by their old names too: ``old="new"``.

    Raises
    ------
    TypeError
        When the function is called with both names of one argument.

    Examples
    --------
    >>> @renamed_arguments(seed="random_state")
    ... def draw(random_state=0):
    ...     return random_state
    >>> import pytest
    >>> with pytest.warns(FutureWarning, match="seed is now called random_state"):
    ...     draw(seed=3)
    3
    """

    def renaming(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{function.__name__}() got both {new} and its old name {old}")
                warn_renamed(old, new)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return called

    return renaming
