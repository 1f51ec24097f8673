"""drlim: learn a small, reusable map from what is similar alone.

Each public name is loaded when it is first used, so that ``import drlim`` costs nothing: torch and
scikit-learn take seconds to load, and a command that only prints its help, or code that only
reads a graph, should not pay for them.
"""

from __future__ import annotations

import importlib
import os


def _public_names() -> dict[str, str]:
    """Return the public names and their modules, from the stub that type checkers read."""
    with open(os.path.join(__path__[0], "__init__.pyi"), encoding="utf-8") as stub:
        imports = [line.split() for line in stub if line.startswith("from ")]
    # from MODULE import NAME as NAME
    return {words[-1]: words[1] for words in imports}


_MODULES = _public_names()
__all__ = sorted(_MODULES)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'drlim' has no attribute {name!r}")
    if _MODULES[name] == "drlim":
        return importlib.import_module(f"drlim.{name}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
