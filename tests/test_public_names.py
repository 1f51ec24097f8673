"""The laws of the public names: each is there, says what it is, and costs only what it needs."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pytest

import drlim

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(drlim.__path__, "drlim.")
    if not any(part.startswith("_") for part in info.name.split("."))
)


def public_members(kind):
    """The public methods and properties of a class that were written here."""
    for name, value in vars(kind).items():
        value = getattr(value, "__func__", value)  # of a class method
        value = value.fget if isinstance(value, property) else value
        value = value.func if isinstance(value, cached_property) else value
        written_here = str(getattr(value, "__module__", "")).startswith("drlim")
        if not name.startswith("_") and written_here and callable(value):
            yield name, value


@pytest.mark.parametrize("name", drlim.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert inspect.getdoc(getattr(drlim, name))


def test_type_checkers_see_each_public_name_under_the_module_that_has_it():
    stub = ast.parse(Path(drlim.__file__).with_suffix(".pyi").read_text())
    homes = {name.asname: part.module for part in stub.body for name in part.names}
    assert homes.keys() == set(drlim.__all__)
    for name, home in homes.items():
        module = importlib.import_module(home)
        assert getattr(drlim, name) is getattr(module, name), name


def test_what_dir_shows_is_each_public_name_once():
    assert dir(drlim) == sorted(set(drlim.__all__))
    assert len(drlim.__all__) == len(set(drlim.__all__))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'drlim' has no attribute 'DrLim'"):
        _ = drlim.DrLim


@pytest.mark.parametrize("name", MODULES)
def test_every_public_module_lists_its_names_and_each_is_there_and_documented(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert len(module.__all__) == len(set(module.__all__))
    for title in module.__all__:
        value = getattr(module, title)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f"{name}.{title}"
        if inspect.isclass(value):
            for member, function in public_members(value):
                assert function.__doc__, f"{name}.{title}.{member}"


@pytest.mark.parametrize("name", MODULES)
def test_what_a_public_module_defines_and_does_not_list_has_an_underscore(name):
    module = importlib.import_module(name)
    defined = {
        title
        for title, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value)) and value.__module__ == name
    }
    assert {title for title in defined if not title.startswith("_")} <= {*module.__all__}


@pytest.mark.parametrize(
    ("statement", "too_heavy"),
    [
        ("import drlim", "numpy scipy torch sklearn pydantic matplotlib rich"),
        ("import drlim.cli", "numpy scipy torch sklearn pydantic matplotlib rich typer"),
        ("import drlim; dir(drlim); drlim.__version__", "numpy scipy torch sklearn matplotlib"),
        ("import drlim.graphs", "torch sklearn pydantic matplotlib"),
        ("import drlim; drlim.SimilarityGraph.empty(3)", "torch sklearn pydantic matplotlib"),
        ("import drlim.datasets", "torch sklearn pydantic matplotlib"),
        ("import drlim.pairs", "torch sklearn pydantic matplotlib"),
        ("from drlim import DrLIM", "pydantic matplotlib rich"),
        ("import drlim, numpy; drlim.DrLIM(max_epochs=1).fit(numpy.eye(9))", "torch._dynamo rich"),
        ("from drlim import Declaration", "matplotlib jinja2 kornia"),
        ("import drlim.evaluation", "torch sklearn pydantic matplotlib"),
        ("import drlim.evaluation.proof", "torch pydantic matplotlib"),
        ("from drlim.evaluation import measure_kept, roc", "torch pydantic matplotlib"),
    ],
)
def test_an_import_or_a_training_loads_only_what_it_needs(statement, too_heavy):
    code = f"{statement}\nimport sys\nprint(*{set(too_heavy.split())} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
