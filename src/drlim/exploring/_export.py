"""The page as a folder of static files, which opens from disk and fetches nothing."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from drlim._errors import DrlimError, FileError, InputError
from drlim._files import whole_folder
from drlim.estimator import DrLIM
from drlim.exploring._scene import Scene
from drlim.exporting import export as export_onnx

PAGE = "index.html"
_SCENE = "scene.js"
# The page's own files, and those that only a page with a map in it loads.
_FILES = (PAGE, "page.js", "page.css", "LICENSES.txt")
_RUNTIME = "ort.js"
_WASM = "ort.wasm"


def static(name: str) -> Traversable:
    """Return a file of the page.

    Raises
    ------
    FileError
        If it is missing from the installation.
    """
    file = resources.files("drlim.exploring").joinpath("static", name)
    if not file.is_file():
        raise FileError(
            f"the file {name} of the page is missing from this installation of drlim; install it "
            "again"
        )
    return file


def check_folder(folder: Path) -> None:
    """Raise if a folder has files that are no exported page: these are never replaced."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _SCENE).is_file():
        raise InputError(
            f"{folder} has files and is no exported page; give a new or an empty folder",
            argument="export",
        )


def write_folder(folder: Path, scene: Scene, onnx: bytes | None) -> Path:
    """Write a page as a folder, whole or not at all, and return its ``index.html``.

    Parameters
    ----------
    folder : path
        A new or an empty one, or an earlier export.
    scene : Scene
    onnx : bytes, optional
        The map, as ONNX, with which the page maps new samples.
    """
    check_folder(folder)
    with whole_folder(folder, last=PAGE, what="the page") as scratch:
        for name, content in _files_of(scene, onnx):
            (scratch / name).write_bytes(content)
    return folder / PAGE


def _files_of(scene: Scene, onnx: bytes | None) -> Iterator[tuple[str, bytes]]:
    for name in _FILES:
        yield name, static(name).read_bytes()
    yield _SCENE, script_of_scene(scene.description)
    yield from data_scripts(scene)
    if onnx is not None:
        yield _RUNTIME, static(_RUNTIME).read_bytes()
        yield f"{_WASM}.js", _received(_WASM, static(_WASM).read_bytes())
        yield "map.onnx.js", _received("map.onnx", onnx)


def data_scripts(scene: Scene) -> Iterator[tuple[str, bytes]]:
    """Return the scripts that give a page its arrays and pictures, by the names of their files."""
    for name, array in scene.arrays.items():
        yield _data_file(name), _received(name, array.tobytes())
    for name, picture in scene.pictures.items():
        yield _data_file(name), _received(name, picture)
    if scene.names is not None:
        yield _data_file("names"), _received("names", json.dumps(scene.names).encode())


def script_of_scene(description: dict[str, Any]) -> bytes:
    """Return the script by which a page in a folder finds its scene."""
    content = json.dumps(description, allow_nan=False)
    return f"(window.drlim = window.drlim || {{}}).scene = {content};\n".encode()


def _data_file(name: str) -> str:
    return f"data-{name.replace('/', '-')}.js"


def _received(name: str, content: bytes) -> bytes:
    # A page that is opened from disk may load scripts, but no other files.
    encoded = base64.b64encode(content).decode()
    return f"drlim.receive({json.dumps(name)}, {json.dumps(encoded)});\n".encode()


def as_onnx(map_: DrLIM) -> tuple[bytes | None, str | None]:
    """Return a map as ONNX, or None and the reason why there is none."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.onnx"
        try:
            for name in (_RUNTIME, _WASM):
                static(name)
            export_onnx(map_, path)
        except DrlimError as error:
            return None, str(error)
        return path.read_bytes(), None
