"""How the documentation runs the worked examples: on small data, with the figures they return."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def quick(gallery_conf: Mapping[str, Any], script: Mapping[str, Any]) -> list[str]:
    """Return the arguments that an example is run with."""
    return ["--quick"]


def scrape(block: Any, block_vars: Mapping[str, Any], gallery_conf: Mapping[str, Any]) -> str:
    """Write the figures that the example named ``figures``, once, and return their reST."""
    from sphinx_gallery.scrapers import figure_rst

    from drlim.plotting import render

    paths = []
    for figure in block_vars["example_globals"].pop("figures", ()):
        path = Path(next(block_vars["image_path_iterator"]))
        path.write_bytes(render(figure, "png"))
        paths.append(str(path))
    return str(figure_rst(paths, gallery_conf["src_dir"]))


def _get_sg_image_scraper() -> Any:
    return scrape
