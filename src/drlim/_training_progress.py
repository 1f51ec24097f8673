"""The progress of a training, as a callback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from drlim._progress import SECONDS_BETWEEN_LINES, Pace, progress_bar
from drlim.training import Callback, Epoch


class Progress(Callback):
    """Show how far a training is, its loss, and how many seconds are left.

    In a terminal one bar, redrawn in place; elsewhere a line at the first and last epoch and
    at most one every few seconds, without any control character. To be used as a context
    manager, so that an interrupted training leaves the terminal whole.
    """

    def __init__(
        self,
        max_epochs: int,
        stream: TextIO | None = None,
        seconds_between_lines: float = SECONDS_BETWEEN_LINES,
    ) -> None:
        self.max_epochs = max_epochs
        self.stream = stream or sys.stderr  # None if the process was started without it
        self.pace = Pace(seconds_between_lines)
        self.bar: Any = None
        self.state = "loss -, - inside the margin"

    def __enter__(self) -> Progress:
        if self.stream is not None and self.stream.isatty():
            self.bar = progress_bar(self.stream, "training", "  {task.fields[state]}")
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
        elif self.pace.is_due(force=epoch in (1, self.max_epochs)):
            left = self.pace.seconds_left(epoch / self.max_epochs)
            print(
                f"epoch {epoch}/{self.max_epochs}: {self.state}, {left:.0f} s left",
                file=self.stream,
                flush=True,
            )
