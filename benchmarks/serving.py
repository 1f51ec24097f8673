"""The server of a page under a load from a second process, and a training that is watched.

``python -m benchmarks.serving``.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from benchmarks._bench import Figure, in_turn, milliseconds, ratio, record, seconds
from drlim import Dataset, DrLIM, explore
from drlim.datasets import mnist
from drlim.exploring import Watch


def run(quick: bool) -> Iterator[Figure]:
    digits = mnist("test")
    X = digits.X[: 1000 if quick else 10_000]
    map_ = DrLIM(max_epochs=1, n_neighbors=5, random_state=0).fit(X[:1000])
    yield from _served(map_, X, 200 if quick else 1000)
    yield from _watched(X[: 500 if quick else 2000], 5)


def _served(map_: DrLIM, X: np.ndarray, n: int) -> Iterator[Figure]:
    one = np.asarray(X[:1], np.float32)
    map_.transform(one)
    alone = n / seconds(lambda: [map_.transform(one) for _ in range(n)])
    page = explore(map_, Dataset(X))
    try:
        for n_clients in (1, 16, 50):
            words = [sys.executable, "-m", "benchmarks.serving", page.url, str(n), str(n_clients)]
            asked = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
            yield Figure(
                f"throughput, {n_clients} asking at once : bare transform, one at a time",
                asked["per_second"] / alone,
                detail={**asked, "bare_per_second": alone},
            )
            yield Figure(f"99 % of answers, {n_clients} asking at once", asked["p99_ms"], "ms")
    finally:
        page.close()


def _watched(X: np.ndarray, repetitions: int) -> Iterator[Figure]:
    def learn(*callbacks: Watch) -> None:
        DrLIM(max_epochs=8, n_neighbors=5, callbacks=callbacks, random_state=0).fit(X)

    def looked_at() -> None:
        watch = Watch(X, say=lambda line: _look(watch.url or ""))
        learn(watch)
        watch.close()

    ways: dict[str, Callable[[], object]] = {
        "plain": learn,
        "alone": lambda: learn(Watch(X, serve=False)),
        "looked_at": looked_at,
    }
    times = in_turn(ways, repetitions, warm_up=1)
    for name, words, goal in (
        ("alone", "nobody looks", "<= 1.03"),
        ("looked_at", "one page is open", "<= 1.1"),
    ):
        detail = milliseconds(times)
        yield Figure(
            f"a training, {words} : the same", ratio(times, name, "plain"), "times", goal, detail
        )


def _look(url: str) -> None:
    """Let a second process follow the training as a page does."""
    subprocess.Popen([sys.executable, "-m", "benchmarks.serving", url], stderr=subprocess.DEVNULL)


def follow(url: str) -> None:
    """Read the events of a training, and the points at each of them."""
    address = url.removeprefix("http://").strip("/")
    events, frames = (http.client.HTTPConnection(address) for _ in range(2))
    events.request("GET", "/api/events")
    answer = events.getresponse()
    while line := answer.readline():
        if line.startswith(b"data"):
            frames.request("GET", "/data/frame")
            frames.getresponse().read()


def ask(url: str, n: int, n_clients: int) -> dict[str, float]:
    """Ask for the points of digits, several at once; return how many a second, and how fast."""
    X = np.asarray(mnist("test").X[:1000], "<f4")
    headers = {"content-type": "application/octet-stream", "x-shape": "28,28"}

    def client(number: int) -> list[float]:
        connection = http.client.HTTPConnection(url.removeprefix("http://").strip("/"))
        times = []
        for k in range(n // n_clients):
            start = time.perf_counter()
            sample = X[(number * 37 + k) % len(X)].tobytes()
            connection.request("POST", "/api/embed?n=5", sample, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            times.append(time.perf_counter() - start)
        return times

    start = time.perf_counter()
    with ThreadPoolExecutor(n_clients) as clients:
        times = np.concatenate(list(clients.map(client, range(n_clients))))
    return {
        "per_second": len(times) / (time.perf_counter() - start),
        "p50_ms": 1e3 * float(np.quantile(times, 0.5)),
        "p99_ms": 1e3 * float(np.quantile(times, 0.99)),
    }


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
    elif len(sys.argv) == 2:
        follow(sys.argv[1])
    else:
        record("serving", run)
