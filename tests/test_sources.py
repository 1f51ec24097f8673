"""Factors that look like an undeclared source: one thing measured several times."""

import numpy as np
import pytest

from drlim import Dataset, DataWarning, Declaration
from drlim.declaration import fit
from drlim.declaration._resolve import resolve
from drlim.declaration._sources import likely_sources

THING, SESSION = np.indices((40, 2)).reshape(2, -1)
COUNTRY = THING % 4
X = np.random.default_rng(0).normal(size=(80, 3))


def lines(declaration, **factors):
    return list(likely_sources(resolve(declaration, Dataset(X, factors))))


def declared(**parts):
    return Declaration(keep=["country"], ignore=["session"], **parts)


def test_things_that_were_measured_twice_are_named():
    [line] = lines(declared(), country=COUNTRY, session=SESSION, thing=THING)
    assert "thing" in line
    assert "40" in line


@pytest.mark.parametrize("part", ["source", "group"])
def test_where_a_source_is_declared_none_is_named(part):
    declaration = declared(data={part: "thing"})
    assert not lines(declaration, country=COUNTRY, session=SESSION, thing=THING)


@pytest.mark.parametrize(
    "other",
    [np.arange(80), np.roll(THING, 1), COUNTRY, np.repeat([0, 1], 40), THING + np.nan],
    ids=["one sample each", "other countries", "what is kept", "two halves", "unknown"],
)
def test_other_factors_are_no_sources(other):
    assert not lines(declared(), country=COUNTRY, session=SESSION, other=other)


def test_a_fit_says_it_before_it_learns():
    data = Dataset(X, {"country": COUNTRY, "session": SESSION, "thing": THING})
    with pytest.warns(DataWarning, match="thing"):
        fitted = fit(declared(map={"max_epochs": 0}), data, force=True)
    assert any("thing" in line for line in fitted.repeats)
