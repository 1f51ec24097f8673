"""The results of every set, split and method, kept in files of their own.

The rivals do not change while drlim does: what was measured for the same samples is not measured
again.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from benchmarks.real._measures import measured
from benchmarks.real._methods import Method, points_of
from benchmarks.real._sets import Fold, cache

# Of the points of one method for one split, in seconds.
LIMIT = 60 * float(os.environ.get("MINUTES", "10"))


@dataclass(frozen=True)
class Result:
    """What one method reached on one split.

    `seconds` are those of the clock, `processor_seconds` those of all threads; both without the
    measures. `failed` is None, or the reason why the method gave no points.
    """

    measures: dict[str, float] = field(default_factory=dict)
    seconds: float = float("nan")
    processor_seconds: float = float("nan")
    failed: str = ""


def _processor_seconds() -> float:
    """Return what this process and those that it started and ended have used."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def kept(name: str, fold: Fold, method: str, quick: bool) -> Result | None:
    """Return the result that was kept of a method for the same samples, if there is one."""
    path = _path(name, fold, method, quick)
    return Result(**json.loads(path.read_text())) if path.exists() else None


def result_of(name: str, fold: Fold, method: str, how: Method, quick: bool) -> Result:
    """Fit a method, measure its points, and keep the result."""
    start, used = time.perf_counter(), _processor_seconds()
    try:
        with _limited(LIMIT):
            points = points_of(how, fold, quick)
        seconds, used = time.perf_counter() - start, _processor_seconds() - used
        result = Result(measured(fold, points), seconds, used)
    except Exception as error:  # a method that fails is a row of the table
        seconds, used = time.perf_counter() - start, _processor_seconds() - used
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        result = Result(seconds=seconds, processor_seconds=used, failed=reason)
        if not isinstance(error, TimeoutError):  # it may be mended before the next run
            return result
    path = _path(name, fold, method, quick)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(result)))
    return result


def _path(name: str, fold: Fold, method: str, quick: bool) -> Path:
    rows = hashlib.sha256(b"/".join(part.tobytes() for part in fold.rows)).hexdigest()[:8]
    kind = "quick-" if quick else ""
    return cache() / name / f"{fold.split}-{rows}" / f"{kind}{method}.json"


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in a block that takes longer than this number of seconds."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
