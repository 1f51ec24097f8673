"""Ignore and keep: declare what should not matter, get a map, and the proof.

A `Declaration` states where the data is, what should be ignored and what should be kept. `rules`
turns it and the data into one graph of similarity, checked; `fit` learns the map; `prove` measures
on held-out samples what the map ignores and what it keeps. `run` does all of this and writes a
report.
"""

from typing import TYPE_CHECKING

from drlim._deprecated import renamed_names
from drlim.declaration._fit import Fitted, fit
from drlim.declaration._prove import Evidence, prove
from drlim.declaration._read import read_data
from drlim.declaration._rules import Rules, rules
from drlim.declaration._run import Run, run
from drlim.declaration._schema import (
    Data,
    Declaration,
    HeldOut,
    Ignore,
    Keep,
    Map,
    Pairs,
)
from drlim.declaration._split import split
from drlim.declaration._use import Neighbor, Verified, declaration_of, nearest, open_map, verify

if TYPE_CHECKING:
    from drlim.declaration._recognition import Recognition
from drlim.declaration._report import write_report

__all__ = [
    "Data",
    "Declaration",
    "Evidence",
    "Fitted",
    "HeldOut",
    "Ignore",
    "Keep",
    "Map",
    "Neighbor",
    "Pairs",
    "Recognition",
    "Rules",
    "Run",
    "Verified",
    "declaration_of",
    "fit",
    "nearest",
    "open_map",
    "prove",
    "read_data",
    "rules",
    "run",
    "split",
    "verify",
    "write_report",
]


_renamed = renamed_names(__name__, {"declared_by": "declaration_of", "load": "read_data"})


def __getattr__(name: str) -> object:
    if name == "write_report":  # it draws; a map is learnt and used without matplotlib
        from drlim.declaration._report import write_report

        return write_report
    return _renamed(name)
