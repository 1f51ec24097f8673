"""The progress of a training, as a callback."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from drlim._progress import SECONDS_BETWEEN_LINES, Pace, progress_bar
from drlim.training import Callback, Epoch

# Batches that are timed before the length of a training is estimated; the first is slower.
_WARM_UP = 5


class Progress(Callback):
    """Show how long a training takes, how far it is, its loss, and how many seconds are left.

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
        self.seconds_between_lines = seconds_between_lines
        self.bar: Any = None
        self.begin("epoch", max_epochs)

    def begin(self, label: str, max_epochs: int, n_steps: int | None = None) -> None:
        """Show another training from now on; of `n_steps`, say how long they take."""
        self.label, self.max_epochs, self.n_steps = label, max_epochs, n_steps
        self.n_timed = 0
        self.pace = Pace(self.seconds_between_lines)
        self.state = "loss -, - inside the margin"
        if self.bar is not None:
            self.bar.reset(self.task, total=1.0, state=self.state, label=self._what)

    def __enter__(self) -> Progress:
        if self.stream is not None and self.stream.isatty():
            self.bar = progress_bar(self.stream, "{task.fields[label]}", "  {task.fields[state]}")
            self.bar.start()
            self.task = self.bar.add_task("", total=1.0, state=self.state, label=self._what)
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    @property
    def _what(self) -> str:
        return "training" if self.label == "epoch" else self.label

    def on_batch_end(self, step: int, n_steps: int) -> None:
        """Move the bar; within a long epoch, write a line."""
        if self.n_steps is not None:
            self._time(self.n_steps)
        if self.bar is not None:
            self.bar.update(self.task, completed=step / n_steps)
        elif self.pace.is_due():
            left = self.pace.seconds_left(step / n_steps)
            self._write(f"{self._what}: {step / n_steps:.0%}, {self.state}, {left:.0f} s left")

    def _time(self, n_steps: int) -> None:
        if self.n_timed == 1:
            self.timed_since = time.perf_counter()
        if self.n_timed == _WARM_UP + 1:
            seconds = n_steps * (time.perf_counter() - self.timed_since) / _WARM_UP
            self._write(
                f"training: {n_steps:,} steps, about {max(seconds, 1):.0f} s; max_epochs "
                "(--epochs) sets another length"
            )
            self.n_steps = None
        self.n_timed += 1

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
            self._write(f"{self.label} {epoch}/{self.max_epochs}: {self.state}, {left:.0f} s left")

    def _write(self, line: str) -> None:
        if self.bar is not None:
            self.bar.console.print(line, highlight=False)
        else:
            print(line, file=self.stream, flush=True)
