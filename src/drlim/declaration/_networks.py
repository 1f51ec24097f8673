"""The network that a declaration names, or that is imported from a module of the user's own."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from drlim import networks
from drlim._errors import InputError, nearest_name
from drlim.declaration._schema import Declaration, at
from drlim.networks import _builders


def declared_network(declaration: Declaration) -> Callable[..., Any] | None:
    """Return the builder of the declared network; None where the samples' shape chooses it."""
    declared = declaration.map.network
    if declared is None:
        return None
    if isinstance(declared, str):
        table: Mapping[str, Any] = {"builder" if ":" in declared else "name": declared}
    else:
        table = declared
    with at(declaration, "map", "network"):
        if "pretrained" in table:
            return _pretrained(table, declaration.folder)
        if "builder" in table:
            builder = imported(str(table["builder"]), declaration.folder)
        elif table.get("name") in _builders.BUILDERS:
            builder = _builders.BUILDERS[str(table["name"])]
        else:
            raise InputError(
                f"there is no network {table.get('name')!r}; "
                f"{nearest_name(str(table.get('name')), _builders.BUILDERS)}, or "
                "'module:function' for a builder of your own"
            )
        return with_arguments(builder, _placed(table, declaration.folder))


def _pretrained(table: Mapping[str, Any], folder: Path) -> Callable[..., Any]:
    """Return the builder of a pretrained network; files are looked for in a folder."""
    arguments = {key: value for key, value in table.items() if key != "pretrained"}
    known = list(inspect.signature(networks.pretrained).parameters)[1:]
    for key in arguments:
        if key not in known:
            raise InputError(f"a pretrained network takes no {key!r}; {nearest_name(key, known)}")
    name = str(table["pretrained"])
    kind, colon, file = name.rpartition(":")
    if kind in ("", "onnx") and (folder / file).is_file():
        name = f"{kind}{colon}{folder / file}"
    if isinstance(module := arguments.get("module"), str):
        arguments["module"] = imported(module, folder)
    return networks.pretrained(name, **arguments)


def _placed(table: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """Return the table with the path of its weights, which is relative to the declaration."""
    weights = table.get("weights")
    if isinstance(weights, str) and (folder / weights).is_file():
        return {**table, "weights": str(folder / weights)}
    return table


def with_arguments(builder: Callable[..., Any], table: Mapping[str, Any]) -> Callable[..., Any]:
    """Fix the arguments of a builder that stand in the table of a declared network."""
    arguments = {key: value for key, value in table.items() if key not in ("name", "builder")}
    declared = networks.with_arguments(builder, arguments) if arguments else builder
    if isinstance(declared, _builders.Scaled):
        raise InputError("the unit of each feature is declared with the data: data.scale")
    return declared


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let a module import the files beside it, as Python lets a script do."""
    beside = str(folder.resolve())
    sys.path.insert(0, beside)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(beside)


def imported(name: str, folder: Path) -> Callable[..., Any]:
    """Import ``module:function``, from a folder if the module is there.

    Raises
    ------
    InputError
        If it cannot be imported.
    """
    module_name, _, function = name.partition(":")
    file = folder / f"{module_name}.py"
    try:
        with _importable(folder):
            if file.is_file():
                spec = importlib.util.spec_from_file_location(module_name, file)
                assert spec is not None
                assert spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                sys.modules[module_name] = module
                spec.loader.exec_module(module)
            else:
                module = importlib.import_module(module_name)
        return getattr(module, function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{name!r} cannot be imported ({error}); give 'module:function', where module.py is "
            f"in {folder} or installed"
        ) from None
