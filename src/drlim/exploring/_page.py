"""`explore`: the page of a map, from a server on this machine or as a folder."""

from __future__ import annotations

import html
import importlib.util
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drlim._checks import as_array
from drlim._errors import DrlimError, missing_extra
from drlim._files import as_path, check_output_folder
from drlim._progress import search_progress
from drlim.datasets import Dataset
from drlim.declaration import declaration_of, open_map, read_data
from drlim.estimator import DrLIM
from drlim.exploring._answers import Answers
from drlim.exploring._export import as_onnx, check_folder, static, write_folder
from drlim.exploring._known import Known, known_of
from drlim.exploring._proof import proof_of
from drlim.exploring._scene import Scene, scene_of
from drlim.exploring._trails import sliders_for, with_trails

if TYPE_CHECKING:
    from drlim.exploring._server import Server

_N_TRAILS = 32
# Of large images fewer: each is transformed some 25 times for each transformation.
_MOST_TRAIL_NUMBERS = 400_000

Say = Callable[[str], None]


class Page:
    """A page that is open, from a server or a folder.

    In a notebook it shows itself.

    Attributes
    ----------
    url : str
        Its address.
    folder : Path or None
        Where it was written; None: it comes from a server.
    """

    def __init__(self, url: str, folder: Path | None = None, server: Server | None = None) -> None:
        self.url, self.folder, self._server = url, folder, server

    def __repr__(self) -> str:
        return f"Page({self.url!r})"

    def _repr_html_(self) -> str:
        if self._server is None:
            return f'<a href="{html.escape(self.url)}">{html.escape(self.url)}</a>'
        return (
            f'<iframe src="{html.escape(self.url)}" title="The map" width="100%" height="640" '
            'style="border: 1px solid"></iframe>'
        )

    def close(self) -> None:
        """End the server, if there is one."""
        if self._server is not None:
            self._server.close()


def explore(
    map_: DrLIM | str | os.PathLike[str],
    data: Any = None,
    *,
    export: str | os.PathLike[str] | None = None,
    title: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    say: Say | None = None,
) -> Page:
    """Show a map on a page: its points, new samples, what moves them, and the proof.

    Parameters
    ----------
    map_ : DrLIM or path
        Fitted, or the file of a map.
    data : Dataset, array-like or path, optional
        The samples to show; a Dataset has factors, by which points are coloured. None: the learnt
        points that the map's file holds.
    export : path, optional
        A folder to which the page is written as files that open without a server. None: a server
        shows it, on a thread of this program, until `Page.close` or the program's end.
    title : str, optional
        None: the name of the data.
    host : str, default="127.0.0.1"
        The address that the server listens at. Another than this machine's own needs a token,
        which is a part of `Page.url`.
    port : int, default=0
        Its port; 0: a free one.
    say : callable, optional
        Called with each line of text for the user; with it the progress is shown.

    Returns
    -------
    Page

    Raises
    ------
    InputError
        If the samples do not fit the map, there are none to show, or the folder has other files.
    FileError
        If a file cannot be read or written.
    MissingExtraError
        If the extra ``page`` is not installed, and a server is needed.

    Examples
    --------
    >>> import tempfile
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> map_ = DrLIM(max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = explore(map_, X, export=folder)
    ...     (page.folder / "index.html").is_file()
    True
    """
    folder = None if export is None else as_path(export, "export")
    if folder is None:
        check_installed()
    else:
        check_output_folder(folder)
        check_folder(folder)
    if not isinstance(map_, DrLIM):
        map_ = open_map(as_path(map_, "map_"))
    samples = _as_dataset(map_, data, say)
    if folder is not None:
        index = export_page(map_, samples, folder, title=title, say=say)
        return Page(index.resolve().as_uri(), folder)
    server = server_for(map_, samples, host=host, port=port, title=title, framed=True)
    server.start()
    return Page(server.url, server=server)


def _as_dataset(map_: DrLIM, data: Any, say: Say | None) -> Dataset | None:
    if data is None or isinstance(data, Dataset):
        return data
    if isinstance(data, str | os.PathLike):
        return read_data(declaration_of(map_), as_path(data, "data"), map_=map_, say=say)
    names = [str(name) for name in getattr(data, "columns", ())]
    return Dataset(as_array(data, "data"), feature_names=tuple(names))


def check_installed() -> None:
    """Raise MissingExtraError where the packages of the server are not installed."""
    for package in ("fastapi", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise missing_extra(package, "page", "a page from a server")


def server_for(
    map_: DrLIM,
    data: Dataset | None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    title: str | None = None,
    framed: bool = False,
    say: Say | None = None,
) -> Server:
    """Return the server of a map's page, which listens and is not yet run."""
    check_installed()
    from drlim.exploring._server import Server

    known = known_of(map_, data, title)
    scene = scene_of(known)
    (say or _ignore)(scene.description["caption"])
    sliders = sliders_for(known)
    # Any sample can be transformed; these are the first to choose from.
    rows = known.held_out_rows(_N_TRAILS).tolist()
    trails = [{**slider.as_json(), "rows": rows} for slider in sliders.values()]
    scene = scene.with_parts({"mapping": "server", "trails": trails})
    return Server(Answers(known, scene, sliders), host, port, framed=framed)


def export_page(
    map_: DrLIM,
    data: Dataset | None,
    folder: Path,
    *,
    title: str | None = None,
    say: Say | None = None,
) -> Path:
    """Write the page of a map as a folder, and return its ``index.html``."""
    check_folder(folder)
    static("index.html")
    tell = say or _ignore
    known = known_of(map_, data, title)
    scene = scene_of(known)
    tell(scene.description["caption"])
    scene = _with_trails(scene, known, shows=say is not None)
    scene = _with_proof(scene, known, tell, shows=say is not None)
    onnx, why = as_onnx(map_)
    if onnx is None:
        tell(f"New samples cannot be mapped in the folder: {why}")
    scene = scene.with_parts(
        {
            "mapping": None if onnx is None else "onnx",
            "no_mapping": why,
            "onnx": None
            if onnx is None
            else {"shape": list(scene.sample.shape), "dtype": "float32"},
        }
    )
    index = write_folder(folder, scene, onnx)
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    tell(f"The folder has {size:,.0f} MB; it shows the samples and their factors to all who get it")
    return index


def _with_trails(scene: Scene, known: Known, *, shows: bool) -> Scene:
    sliders = sliders_for(known)
    n = max(4, min(_N_TRAILS, _MOST_TRAIL_NUMBERS // int(np.prod(scene.sample.shape) or 1)))
    with search_progress("transforming") if shows else nullcontext() as progress:
        return with_trails(scene, known, sliders, known.held_out_rows(n), progress)


def _with_proof(scene: Scene, known: Known, tell: Say, *, shows: bool) -> Scene:
    try:
        with search_progress("measuring") if shows else nullcontext() as progress:
            return scene.with_parts({"proof": proof_of(known, progress)})
    except DrlimError as error:
        tell(f"The page has no proof: {error}")
        return scene.with_parts({"no_proof": str(error)})


def _ignore(line: str) -> None:
    """Say nothing."""
