"""Ignore and keep: declare what should not matter, get a map, and the proof.

A `Declaration` states where the data is, what should be ignored and what should be kept. `rules`
turns it and the data into one graph of similarity, checked; `fit` learns the map; `prove` measures
on held-out samples what the map ignores and what it keeps. `run` does all of this and writes a
report.
"""

import importlib
from typing import TYPE_CHECKING

from drlim._deprecated import renamed_names

if TYPE_CHECKING:
    from drlim.declaration._evidence import Evidence as Evidence
    from drlim.declaration._fit import Fitted as Fitted, fit as fit
    from drlim.declaration._nearest import Neighbor as Neighbor, nearest as nearest
    from drlim.declaration._neighbors_page import write_neighbors as write_neighbors
    from drlim.declaration._prove import prove as prove
    from drlim.declaration._read import read_data as read_data
    from drlim.declaration._recognition import Recognition as Recognition
    from drlim.declaration._report import write_report as write_report
    from drlim.declaration._rules import Rules as Rules, rules as rules
    from drlim.declaration._run import Run as Run, run as run
    from drlim.declaration._schema import (
        Data as Data,
        Declaration as Declaration,
        HeldOut as HeldOut,
        Ignore as Ignore,
        Keep as Keep,
        Map as Map,
        Pairs as Pairs,
    )
    from drlim.declaration._split import split as split
    from drlim.declaration._unusual import Unusual as Unusual, how_unusual as how_unusual
    from drlim.declaration._use import (
        Verified as Verified,
        declaration_of as declaration_of,
        open_map as open_map,
        verify as verify,
    )

# A part is imported when it is used: to use a map takes neither what learns one nor what draws.
_HOMES = {
    "_evidence": ("Evidence",),
    "_fit": ("Fitted", "fit"),
    "_nearest": ("Neighbor", "nearest"),
    "_neighbors_page": ("write_neighbors",),
    "_prove": ("prove",),
    "_read": ("read_data",),
    "_recognition": ("Recognition",),
    "_report": ("write_report",),
    "_rules": ("Rules", "rules"),
    "_run": ("Run", "run"),
    "_schema": ("Data", "Declaration", "HeldOut", "Ignore", "Keep", "Map", "Pairs"),
    "_split": ("split",),
    "_unusual": ("Unusual", "how_unusual"),
    "_use": ("Verified", "declaration_of", "open_map", "verify"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [*_HOME]

_renamed = renamed_names(__name__, {"declared_by": "declaration_of", "load": "read_data"})


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    return _renamed(name)


def __dir__() -> list[str]:
    return sorted(__all__)
