"""How far something is: a bar in a terminal, at most one line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

SECONDS_BETWEEN_LINES = 5.0


class Pace:
    """Say when the next line of text is due: not more often than every few seconds.

    Examples
    --------
    >>> Pace(60).is_due(), Pace(60).is_due(force=True)
    (False, True)
    """

    def __init__(self, seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self.seconds = seconds
        self.start = self.last = time.perf_counter()

    def is_due(self, *, force: bool = False) -> bool:
        """Tell whether a line is due, or write one anyway with ``force``; the next waits again."""
        now = time.perf_counter()
        if not force and now - self.last <= self.seconds:
            return False
        self.last = now
        return True

    def seconds_left(self, share: float) -> float:
        """Estimate the time left from the share that is done, greater than 0."""
        return (time.perf_counter() - self.start) * (1 / share - 1)


def progress_bar(stream: TextIO, name: str, detail: str = "", *, transient: bool = False) -> Any:
    """Return a bar of rich with a percentage, a detail and the time left.

    `detail` is in rich's format; it may use fields of the bar's task.
    """
    from rich.console import Console  # loaded only where a bar is drawn
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn(name),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %" + detail),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(file=stream),
        transient=transient,
    )


@contextmanager
def search_progress(
    name: str, stream: TextIO | None = None, seconds_between_lines: float = SECONDS_BETWEEN_LINES
) -> Iterator[Callable[[float], None]]:
    """Show how far a search is: give the function it returns the share that is done, 0 to 1.

    In a terminal a bar, which disappears when the search is over; elsewhere a line every few
    seconds, and none for a search that is quick.
    """
    stream = stream or sys.stderr
    if stream is not None and stream.isatty():
        with progress_bar(stream, name, transient=True) as bar:
            task = bar.add_task(name, total=1.0)
            yield lambda share: bar.update(task, completed=share)
        return
    pace = Pace(seconds_between_lines)

    def line(share: float) -> None:
        if share > 0 and pace.is_due():
            left = pace.seconds_left(share)
            print(f"{name}: {share:.0%}, {left:.0f} s left", file=stream, flush=True)

    yield line
