"""Pages: one HTML file that opens from disk and fetches nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from drlim import plotting
from drlim._errors import missing_extra
from drlim.reporting._viewer import Viewer

if TYPE_CHECKING:
    from drlim.datasets import Dataset
    from drlim.estimator import DrLIM

# A map and held-out samples become a page in which the map can be explored, as HTML.
InteractiveMap = Callable[["DrLIM", "Dataset"], str]


@dataclass(frozen=True)
class Shown:
    """A picture as a page shows it.

    Attributes
    ----------
    uri : str
        The picture itself, as a data URI.
    caption : str
    is_wide : bool
        Whether it takes the whole width of the page.
    """

    uri: str
    caption: str
    is_wide: bool


@dataclass(frozen=True)
class Picture:
    """A figure and its files.

    Attributes
    ----------
    stem : str
        The name of the files, without the ending.
    figure : Figure
    caption : str
    """

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


def jinja() -> ModuleType:
    """Return jinja2, or raise MissingExtraError where it is not installed."""
    try:
        import jinja2
    except ImportError:
        raise missing_extra("jinja2", "report", "a report") from None
    return jinja2


def page(template: str, title: str, viewers: Sequence[Viewer], parts: Mapping[str, Any]) -> str:
    """Return a page as HTML: one of drlim's templates, filled in; all text is escaped.

    Parameters
    ----------
    template : str
        "run.html.j2", "proof.html.j2" or "neighbors.html.j2".
    title : str
    viewers : sequence of Viewer
        The 3-D maps on the page; the page has a script only if there are any.
    parts : mapping of str to anything
        The other variables of the template.

    Raises
    ------
    MissingExtraError
        If jinja2 is not installed.
    """
    jinja2 = jinja()
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.PackageLoader("drlim.reporting", ""),
    )
    here = resources.files("drlim.reporting")
    script = here.joinpath("viewer.js").read_text("utf-8") if viewers else ""
    html: str = environment.get_template(template).render(
        title=title, viewers=viewers, script=script, **parts
    )
    return html
