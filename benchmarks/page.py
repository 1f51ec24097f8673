"""What a redraw of the page costs, in headless Chromium on one core: ``python -m benchmarks.page``.

The time on the clock depends on what else the machine does; the processor time of the page's main
thread, which draws all points, hardly does. A map of more points than a picture can hold in 45 ms
is drawn in part while it moves, and whole when it rests.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import page_scenes

REDRAW = """async (moves) => {
  const map = drlim.map, before = map.redraws, start = performance.now();
  map.camera.pan(3, 0);
  if (moves) map.moved(); else map.redraw();
  await new Promise((done) => {
    const look = () => (map.redraws > before ? done() : requestAnimationFrame(look));
    look();
  });
  return performance.now() - start;
}"""


def main() -> None:
    """Measure two sizes, flat and solid."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    print("milliseconds a redraw, 1200 x 800 pixels, one core: median (least) of ten")
    print(f"{'points':>9}  {'view':<5} {'processor':>14} {'clock':>14} {'while it moves':>16}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for n in (100_000, 1_000_000):
            for k, view in ((2, "2-D"), (3, "3-D")):
                made = page_scenes.many(Path(folder) / f"{n}-{k}", n, k)
                page = browser.new_page(viewport={"width": 1200, "height": 800})
                page.goto((made / "index.html").as_uri())
                page.wait_for_function("() => window.drlim && drlim.map && drlim.map.redraws > 0")
                costs = [_cost(page, moves=False) for _ in range(11)][1:]
                moving = [_cost(page, moves=True)[0] for _ in range(6)][1:]
                parts = (_words(c[0] for c in costs), _words(c[1] for c in costs), _words(moving))
                print(
                    f"{n:>9,}  {view:<5} {parts[0]:>14} {parts[1]:>14} {parts[2]:>16}", flush=True
                )
                page.close()
        browser.close()


def _cost(page: Page, *, moves: bool) -> tuple[float, float]:
    """Return the milliseconds of the main thread, and on the clock, of one redraw."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _used(session)
    clock = page.evaluate(REDRAW, moves)
    after = _used(session)
    session.detach()
    return after - before, float(clock)


def _used(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(1000.0 * each["value"] for each in metrics if each["name"] == "TaskDuration")


def _words(values: Iterable[float]) -> str:
    found = sorted(values)
    return f"{statistics.median(found):.0f} ({found[0]:.0f})"


if __name__ == "__main__":
    main()
