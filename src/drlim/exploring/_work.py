"""Work beside a server: what takes long runs in threads, and requests for points are batched."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

_Result = TypeVar("_Result")

_MOST_AT_ONCE = 256  # samples of a batch


class Workers:
    """Threads that do not hold up the end of the program, unlike those of an executor."""

    def __init__(self, n: int) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        for _ in range(n):
            threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._jobs.get()()

    async def do(self, function: Callable[[], _Result]) -> _Result:
        """Run a function in one of the threads, and return what it returns."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def job() -> None:
            if future.cancelled():  # it waited longer than its request may take
                return
            try:
                result = function()
            except Exception as error:  # it belongs to whoever waits
                _tell(loop, future, None, error)
            else:
                _tell(loop, future, result, None)

        self._jobs.put(job)
        return await future


class Batches:
    """Maps samples in one thread; those that wait are mapped together.

    A network takes little longer for many samples than for one, and torch is used by one thread
    at a time.
    """

    def __init__(self, transform: Callable[[np.ndarray], np.ndarray]) -> None:
        self.transform = transform
        self._jobs: queue.SimpleQueue[tuple[np.ndarray, Any, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    async def points(self, samples: np.ndarray) -> np.ndarray:
        """Return the points of samples, (n_samples, n_components)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[np.ndarray] = loop.create_future()
        self._jobs.put((samples, loop, future))
        return await future

    def _run(self) -> None:
        while True:
            jobs = [self._jobs.get()]
            while sum(len(samples) for samples, _, _ in jobs) < _MOST_AT_ONCE:
                try:
                    jobs.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            for dtype in {samples.dtype for samples, _, _ in jobs}:
                self._map([job for job in jobs if job[0].dtype == dtype])

    def _map(self, jobs: list[tuple[np.ndarray, Any, Any]]) -> None:
        try:
            points = self.transform(np.concatenate([samples for samples, _, _ in jobs]))
        except Exception as error:  # any error of a sample belongs to who sent it
            if len(jobs) == 1:
                _tell(jobs[0][1], jobs[0][2], None, error)
                return
            for job in jobs:  # one bad sample is no fault of the others
                self._map([job])
            return
        start = 0
        for samples, loop, future in jobs:
            _tell(loop, future, points[start : start + len(samples)], None)
            start += len(samples)


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Any],
    result: Any,
    error: Exception | None,
) -> None:
    def tell() -> None:
        if future.done():  # the visitor has gone
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:  # the server has ended
        return
