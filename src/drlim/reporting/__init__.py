"""What a report is made of: pictures, a map to turn by hand, and the page that holds them.

A page is one file that opens from disk and fetches nothing. It takes arrays and tables,
whoever made them.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np

from drlim import plotting
from drlim._errors import missing_extra
from drlim._version import __version__


@dataclass(frozen=True)
class Shown:
    """A picture as a page shows it.

    Attributes
    ----------
    source : str
        The picture itself, as an address that needs no file.
    caption : str
    is_wide : bool
        Whether it takes the width of the page.
    """

    source: str
    caption: str
    is_wide: bool


@dataclass(frozen=True)
class Picture:
    """A figure and the name of its files."""

    stem: str
    figure: plotting.Figure
    caption: str

    def write(self, folder: Path) -> Shown:
        """Write the figure as PNG and SVG, and return it as a page shows it."""
        png = plotting.render(self.figure, "png")
        (folder / f"{self.stem}.png").write_bytes(png)
        (folder / f"{self.stem}.svg").write_bytes(plotting.render(self.figure, "svg"))
        encoded = base64.b64encode(png).decode()
        return Shown(
            f"data:image/png;base64,{encoded}", self.caption, self.figure.get_figwidth() > 12
        )


@dataclass(frozen=True)
class Viewer:
    """A 3-D map for the report, to be turned by hand.

    Attributes
    ----------
    caption : str
    Z : ndarray of shape (n, 3)
    factors : mapping of str to ndarray of shape (n,)
        What the points can be coloured by.
    images : ndarray of shape (n, height, width)
        What a point shows when it is pointed at.
    """

    caption: str
    Z: np.ndarray
    factors: Mapping[str, np.ndarray]
    images: np.ndarray

    COLUMNS = 18

    def as_json(self) -> str:
        """Return everything that the page needs, as text of a script."""
        centred = self.Z - self.Z.mean(axis=0)
        scaled = centred / (np.linalg.norm(centred, axis=1).max() or 1.0)
        sheet = base64.b64encode(plotting.sprite_sheet(self.images, self.COLUMNS)).decode()
        return json.dumps(
            {
                "points": scaled.round(4).tolist(),
                "factors": {name: values.tolist() for name, values in self.factors.items()},
                "columns": self.COLUMNS,
                "tile": list(self.images.shape[1:]),
                "sheet": f"data:image/png;base64,{sheet}",
            }
        )


def page(template: str, title: str, viewers: Sequence[Viewer], parts: Mapping[str, Any]) -> str:
    """Fill a template of this folder; everything in it is escaped.

    Parameters
    ----------
    template : str
        "run.html.j2" or "proof.html.j2".
    title : str
    viewers : sequence of Viewer
        Those on the page, if any: they need a script.
    parts : mapping of str to anything
        What else the template names.
    """
    try:
        import jinja2
    except ImportError:
        raise missing_extra("jinja2", "report", "a report") from None
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("drlim.reporting", ""),
    )
    here = resources.files("drlim.reporting")
    script = here.joinpath("viewer.js").read_text("utf-8") if viewers else ""
    return environment.get_template(template).render(
        title=title, viewers=viewers, script=script, **parts
    )


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain data; a number that is none (what a constant map gives) becomes null."""
    path.write_text(json.dumps(plain(content), indent=2, allow_nan=False) + "\n", "utf-8")


def plain(content: Any) -> Any:
    """Return data as JSON has it: no arrays, no numpy numbers, null for what is no number."""
    if isinstance(content, Mapping):
        return {str(key): plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [plain(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return None if isinstance(content, float) and not math.isfinite(content) else content


def versions() -> dict[str, str]:
    """Return the versions that the numbers depend on."""
    packages = ("numpy", "scipy", "scikit-learn", "torch")
    return {
        "drlim": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def machine() -> dict[str, Any]:
    """Say what the machine is: system, processor, its cores, and torch's threads."""
    import torch

    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
    }
