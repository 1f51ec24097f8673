"""Take the pictures of the page for the documentation, in the distribution's Chromium.

``make screens`` learns a small map of shifted digits, and opens its page and that of the airplane.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from sklearn.datasets import load_digits

import drlim
from drlim.declaration import Declaration, fit

HERE = Path(__file__).parent
OUT = HERE / "_static"
sys.path.insert(0, str(HERE))

POINT = """row => {
  const map = drlim.map, [x, y] = map.pixelOfRow(row), box = map.element.getBoundingClientRect();
  return [box.left + x / map.ratio, box.top + y / map.ratio];
}"""


def digits(folder: Path) -> Path:
    """Learn a map that ignores a shift by up to two pixels, and write its page."""
    bunch = load_digits()
    X = np.pad(bunch.images * 255 / 16, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    data = drlim.Dataset(X, {"digit": bunch.target}, name="digits")
    shift = {"transform": "shift", "range": [-2, 2]}
    rules = Declaration(keep=["digit"], ignore=[shift], map={"n_components": 2})
    map_ = fit(rules, data, force=True).map
    drlim.explore(map_, data, export=folder, title="Handwritten digits")
    return folder / "index.html"


def airplane() -> Path:
    """Write the page of the airplane's map, as the first page of the documentation does."""
    import _page

    _page._write(None)
    return HERE / "_pages" / "airplane" / "index.html"


def take(page: Page, name: str) -> None:
    """Write what the page looks like now."""
    page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256).save(OUT / name, optimize=True)


def near(page: Page) -> None:
    """Come near enough for thumbnails, and point at a sample."""
    page.get_by_label("thumbnails").select_option("spread")
    row = page.evaluate("() => drlim.map.rowInTheMiddle()")
    page.mouse.move(*page.evaluate(POINT, row))
    take(page, "page-map.png")


def trail(page: Page) -> None:
    """Shift a digit."""
    page.get_by_role("tab", name="Ignores").click()
    slider = page.get_by_label("strength")
    slider.focus()
    for _ in range(2):
        slider.press("ArrowRight")
    take(page, "page-trail.png")


def lines(page: Page) -> None:
    """Show the views of the airplane, and join those that differ in the lamp alone."""
    take(page, "page-airplane.png")
    page.get_by_role("tab", name="Ignores").click()
    page.get_by_role("button", name="lighting").click()
    take(page, "page-lines.png")


def main() -> None:
    """Take all pictures."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        shown = [
            (digits(Path(folder) / "digits"), "light", near),
            (Path(folder) / "digits" / "index.html", "light", trail),
            (airplane(), "dark", lines),
        ]
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for index, colours, act in shown:
            settings: dict[str, Any] = {"color_scheme": colours, "reduced_motion": "reduce"}
            page = browser.new_page(viewport={"width": 1200, "height": 720}, **settings)
            page.goto(index.as_uri())
            page.wait_for_selector(".map")
            act(page)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
