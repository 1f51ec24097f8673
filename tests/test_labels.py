"""Labels of every kind: unknown where they mean unknown, and errors that name the argument."""

import warnings

import numpy as np
import pandas as pd
import pytest

from drlim import DataWarning, DrLIM, InputError, TrainingWarning, graphs
from drlim.evaluation import orbits

X = np.random.default_rng(0).normal(size=(30, 4))
TEXTS = ["a", "b", "c"] * 10
NUMBERS = [0, 1, 2] * 10
UNKNOWN = [3, 7, 11]


def _graph(y):
    return DrLIM(network="linear", max_epochs=0, random_state=0).fit(X, y).graph_


def _put(values, value):
    changed = list(values)
    for k in UNKNOWN:
        changed[k] = value
    return changed


SILENT = {
    "None": _put(TEXTS, None),
    "array with None": np.array(_put(TEXTS, None), object),
    "-1 in a list": _put(TEXTS, -1),
    "whole numbers with None": _put(NUMBERS, None),
    "nullable whole numbers": pd.array(_put(NUMBERS, None), dtype="Int64"),
    "-1": _put(NUMBERS, -1),
}
SAID = {
    "NaN": _put(TEXTS, float("nan")),
    "NA": _put(TEXTS, pd.NA),
    "Categorical": pd.Categorical(_put(TEXTS, np.nan)),
    "Series of Categorical": pd.Series(pd.Categorical(_put(TEXTS, np.nan))),
    "Series with NA": pd.Series(_put(TEXTS, pd.NA)),
    "string with NA": pd.Series(_put(TEXTS, pd.NA), dtype="string"),
    "NaT": pd.to_datetime(_put(["2020-01-01", "2021-01-01", "2022-01-01"] * 10, None)),
}


@pytest.mark.fault("C6")
@pytest.mark.parametrize("y", SILENT.values(), ids=SILENT)
def test_labels_that_say_unknown_are_unknown(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _graph(y) == _graph(_put(NUMBERS, -1))


@pytest.mark.fault("C6")
@pytest.mark.parametrize("y", SAID.values(), ids=SAID)
def test_labels_that_are_missing_are_unknown_and_said(y):
    expected = _graph(_put(NUMBERS, -1))
    with pytest.warns(DataWarning, match="3 missing"):
        assert _graph(y) == expected


REFUSED = {
    "bytes": ([b"a", b"b", b"c"] * 10, "b'a'"),
    "bytes as objects": (np.array([b"a", b"b", b"c"] * 10, object), "b'a'"),
    "all None": ([None] * 30, "None"),
    "several types": (_put(TEXTS, 3), "3"),
    "dicts": ([{}] * 30, "dict"),
    "missing amounts": ([0.5, 1.25, None] * 10, "None"),
    "NaN among amounts": ([0.5, 1.25, np.nan] * 10, "NaN"),
    "nullable amounts": (pd.array([0.5, 1.25, None] * 10, dtype="Float64"), "y has"),
}


@pytest.mark.fault("C6")
@pytest.mark.parametrize(("y", "value"), REFUSED.values(), ids=REFUSED)
def test_labels_that_cannot_be_used_are_refused_by_name(y, value):
    with pytest.raises(InputError, match=value) as refused:
        _graph(y)
    assert str(refused.value).startswith("y has")


@pytest.mark.fault("C6")
def test_the_text_of_minus_one_is_a_class_and_is_named():
    with pytest.warns(DataWarning, match="'-1'"):
        graph = _graph(np.array(_put(TEXTS, "-1")))
    assert graph == graphs.same(_put(TEXTS, "-1"))


@pytest.mark.fault("C6")
@pytest.mark.parametrize(
    "y", [TEXTS, pd.Categorical(TEXTS), np.array(TEXTS), [True, False, True] * 10]
)
def test_known_labels_of_any_type_make_their_classes(y):
    assert _graph(y) == graphs.same(np.asarray(y))


NAMED = {
    "restrict, mask": (lambda: graphs.same(TEXTS).restrict([True] * 3), r"indices.*\(3,\)"),
    "restrict, twice": (lambda: graphs.same(TEXTS).restrict([4, 4]), "indices.*4"),
    "restrict, too large": (lambda: graphs.same(TEXTS).restrict([40]), "indices.*40"),
    "restrict, texts": (lambda: graphs.same(TEXTS).restrict(["a"]), "indices"),
    "within": (lambda: graphs.neighbors(X, 3, within=_put(TEXTS, None)), "within"),
    "orbits, shape": (lambda: orbits({"pose": NUMBERS, "lamp": [[1, 2]]}), r"lamp.*\(1, 2\)"),
    "orbits, length": (lambda: orbits({"pose": NUMBERS, "lamp": [1, 2]}), "lamp"),
}


@pytest.mark.fault("C6")
@pytest.mark.parametrize(("call", "named"), NAMED.values(), ids=NAMED)
def test_an_error_names_the_argument_at_fault(call, named):
    with pytest.raises(InputError, match=named):
        call()


@pytest.mark.fault("C6")
def test_a_loss_that_is_not_finite_points_to_augment():
    def spoil(samples, generator):
        return samples * np.nan

    with pytest.warns(TrainingWarning, match="augment"):
        DrLIM(network="linear", max_epochs=1, random_state=0, augment=spoil).fit(X)
