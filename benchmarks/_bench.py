"""What the benchmarks share: ratios that are robust to a drifting machine, and the record.

Each benchmark is a module with a function ``run(quick) -> Iterator[Figure]``, listed in
``__main__.MODULES``. ``python -m benchmarks.<module>`` runs one of them and writes its figures
into the same file.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Figure:
    """One number of a benchmark, and its goal.

    `detail` holds what the number was computed from (seconds, sizes).
    """

    name: str
    value: float
    unit: str = "times"
    goal: str = ""  # such as "<= 1.1"
    detail: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None if there is none."""
        if not self.goal:
            return None
        sign, bound = self.goal.split()
        return self.value <= float(bound) if sign == "<=" else self.value >= float(bound)


def seconds(function: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turn(
    functions: dict[str, Callable[[], Any]], repetitions: int, warm_up: int = 2
) -> dict[str, list[float]]:
    """Time functions in turn, so that slow and fast spells of the machine affect all of them."""
    for _ in range(warm_up):
        for function in functions.values():
            function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(repetitions):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return times


def ratio(times: dict[str, list[float]], numerator: str, denominator: str) -> float:
    """Return the median, over the repetitions, of one time divided by the other."""
    pairs = zip(times[numerator], times[denominator], strict=True)
    return statistics.median(a / b for a, b in pairs)


def milliseconds(times: dict[str, list[float]]) -> dict[str, float]:
    """Return the median times in milliseconds, for a figure's `detail`."""
    return {f"{name}_ms": 1e3 * statistics.median(of_name) for name, of_name in times.items()}


def machine() -> dict[str, Any]:
    """Describe the machine of the measurement."""
    import numpy
    import torch

    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_when_written": os.getloadavg()[0],
        "torch_threads": torch.get_num_threads(),
        "mkldnn_capability": torch.backends.cpu.get_cpu_capability(),
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "torch": torch.__version__,
        },
    }


def digits() -> str:
    """Return the name and the origin of the digits that the benchmarks use."""
    from drlim.datasets import mnist

    data = mnist("train")
    return f"{data.name}; found in: {data.origin}"


def record(section: str, run: Callable[[bool], Iterator[Figure]]) -> list[Figure]:
    """Run one benchmark, print each figure at once, and add all to the results file."""
    quick = os.environ.get("QUICK", "") not in ("", "0")
    print(f"\n{section}{' (quick)' if quick else ''}")
    figures = []
    for figure in run(quick):
        goal = "" if figure.met is None else f"goal {figure.goal}{'' if figure.met else ', missed'}"
        print(f"  {figure.name:<76} {figure.value:>10.4g} {figure.unit:<8} {goal}", flush=True)
        figures.append(figure)
    if not figures:
        return figures
    path = results_file()
    path.parent.mkdir(exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {}
    results[section] = {
        "quick": quick,
        "digits": digits(),
        "machine": machine(),
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
    }
    path.write_text(json.dumps(results, indent=2) + "\n")
    return figures


def results_file() -> Path:
    return RESULTS / f"{datetime.date.today()}.json"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), "?")
