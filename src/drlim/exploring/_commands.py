"""``drlim explore`` and ``drlim serve``: what the commands do, behind their options."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError
from drlim._files import check_output_folder
from drlim.datasets import Dataset
from drlim.declaration import Declaration, declaration_of, open_map, read_data, split
from drlim.estimator import DrLIM
from drlim.exploring._export import check_folder
from drlim.exploring._page import check_installed, export_page, server_for
from drlim.exploring._watch import Watch
from drlim.reporting._pages import jinja


def open_page(
    map_file: Path,
    data: Path | None,
    reading: Mapping[str, Any],
    network: str | None,
    *,
    export: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    opens: bool = True,
) -> None:
    """Write the page of a map to a folder, or serve it until the program is interrupted.

    Parameters
    ----------
    map_file, data : path
    reading : mapping of str to anything
        How the data is read: parts of `drlim.declaration.Data`.
    network : str, optional
    export : path, optional
        A folder; None: serve.
    host, port
        Where to listen.
    opens : bool
        Whether to open a browser.
    """
    # Before the map and the data are read, which may take minutes.
    if export is None:
        check_installed()
    else:
        check_folder(export)
    map_ = open_map(map_file, network)
    samples = _samples(map_, data, reading)
    if export is not None:
        index = export_page(map_, samples, export, title=map_file.stem, say=print)
        print(f"\nThe page is {index}")
        return
    server = server_for(map_, samples, host=host, port=port, title=map_file.stem, say=print)
    print(f"\nThe page is {server.url} (Ctrl-C ends it)", flush=True)
    if opens and _has_screen():
        threading.Timer(0.5, webbrowser.open, [server.url]).start()
    try:
        server.run()
    except KeyboardInterrupt:
        print("\nThe page is closed", flush=True)
        sys.stderr.flush()
        # At its end Python takes torch apart, for a second or more. There is nothing to put away.
        os._exit(0)


class Watched:
    """A training of ``drlim fit --watch``: its samples, who watches it, and its replay.

    Parameters
    ----------
    declaration : Declaration
    out : path
        The file of the map.
    skip_bad : bool
    """

    def __init__(self, declaration: Declaration, out: Path, skip_bad: bool) -> None:
        # What a fit needs is asked for before the data is read, as without a page.
        check_installed()
        jinja()
        self.folder = out.with_name(f"{out.stem}-learning")
        check_output_folder(self.folder, declaration.inputs)
        check_folder(self.folder)
        self.data = read_data(declaration, skip_bad=skip_bad, say=print)
        codes = np.zeros(len(self.data), np.uint8)
        for code, rows in enumerate(split(declaration, self.data)):
            codes[rows] = code
        self.callback = Watch(
            self.data, declaration=declaration, split=codes, title=out.stem, say=self._say
        )

    def write(self) -> Path:
        """Write the replay, and return its page."""
        return self.callback.export(self.folder)

    def _say(self, line: str) -> None:
        print(line, flush=True)
        if self.callback.url is not None and _has_screen():
            webbrowser.open(self.callback.url)


def _samples(map_: DrLIM, data: Path | None, reading: Mapping[str, Any]) -> Dataset | None:
    options = dict(reading)
    factors, skip_bad = options.pop("factors"), options.pop("skip_bad")
    declaration = declaration_of(map_).with_options(data=options)
    if data is not None:
        return read_data(
            declaration, data, factors=factors, skip_bad=skip_bad, map_=map_, say=print
        )
    if declaration.data.path is None:
        return None
    try:
        return read_data(declaration, skip_bad=skip_bad, map_=map_, say=print)
    except FileError as error:  # the map may have come without its data
        print(
            f"drlim: {error}; only the learnt points in the map's file are shown", file=sys.stderr
        )
        return None


def _has_screen() -> bool:
    """Tell whether a browser would open a window, and not take over the terminal."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
