"""The progress of a training: a bar in a terminal, lines of text elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from drlim.training import Callback, Epoch


class Progress(Callback):
    """Show how far a training is, its loss, and how many seconds are left.

    In a terminal one bar, redrawn in place; elsewhere a line at the first and last epoch and
    at most one every few seconds, without any control character. To be used as a context
    manager, so that an interrupted training leaves the terminal whole.
    """

    def __init__(
        self, max_epochs: int, stream: TextIO | None = None, seconds_between_lines: float = 5.0
    ) -> None:
        self.max_epochs = max_epochs
        self.stream = sys.stderr if stream is None else stream
        self.seconds_between_lines = seconds_between_lines
        self.start = self.last_line = time.perf_counter()
        self.bar: Any = None
        self.state = "loss -, - inside the margin"

    def __enter__(self) -> Progress:
        if self.stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeRemainingColumn

            self.bar = Bar(
                TextColumn("training"),
                BarColumn(),
                TextColumn("{task.percentage:3.0f} %  {task.fields[state]}"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=Console(file=self.stream),
            )
            self.bar.start()
            self.task = self.bar.add_task("training", total=1.0, state=self.state)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Move the bar."""
        if self.bar is not None:
            self.bar.update(self.task, completed=step / n_steps)

    def on_epoch_end(self, history: Sequence[Epoch]) -> None:
        """Show the numbers of the epoch."""
        epoch, last = len(history), history[-1]
        self.state = (
            f"loss {last.loss:.4g}, {last.active_share:.1%} of dissimilar pairs inside the margin"
        )
        if self.bar is not None:
            self.bar.update(self.task, state=self.state)
            return
        now = time.perf_counter()
        if epoch in (1, self.max_epochs) or now - self.last_line > self.seconds_between_lines:
            self.last_line = now
            left = (now - self.start) / epoch * (self.max_epochs - epoch)
            print(
                f"epoch {epoch}/{self.max_epochs}: {self.state}, {left:.0f} s left",
                file=self.stream,
                flush=True,
            )


@contextmanager
def search_progress(
    what: str, stream: TextIO | None = None, seconds_between_lines: float = 5.0
) -> Iterator[Callable[[float], None]]:
    """Show how far a search is, to whoever waits for it: give it the share that is done.

    In a terminal a bar, which goes when the search is over; elsewhere a line every few seconds,
    and none of a search that is quick.
    """
    stream = sys.stderr if stream is None else stream
    if stream.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeRemainingColumn

        percent = TextColumn("{task.percentage:3.0f} %")
        columns = TextColumn(what), BarColumn(), percent, TimeRemainingColumn(), TextColumn("left")
        with Bar(*columns, console=Console(file=stream), transient=True) as bar:
            task = bar.add_task(what, total=1.0)
            yield lambda share: bar.update(task, completed=share)
        return
    start = last_line = time.perf_counter()

    def line(share: float) -> None:
        nonlocal last_line
        now = time.perf_counter()
        if share > 0 and now - last_line > seconds_between_lines:
            last_line = now
            left = (now - start) * (1 / share - 1)
            print(f"{what}: {share:.0%}, {left:.0f} s left", file=stream, flush=True)

    yield line
