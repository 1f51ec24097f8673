"""Run all benchmarks (``make bench``) or some: ``python -m benchmarks engine``.

``python -m benchmarks real`` takes arguments of its own; see `benchmarks.real`.
"""

from __future__ import annotations

import importlib
import os
import sys

from benchmarks._bench import digits, record, results_file

MODULES = ("engine", "network", "quality", "scale", "card", "peers", "real", "calibration")

if __name__ == "__main__":
    if sys.argv[1:2] == ["real"]:
        from benchmarks import real

        sys.exit(0 if real.main(sys.argv[2:]) else 1)
    names = sys.argv[1:] or MODULES
    if unknown := set(names) - set(MODULES):
        sys.exit(
            f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(MODULES)}"
        )
    print(f"Digits: {digits()}")
    print("a : b is the time of a divided by the time of b.")
    figures = []
    for name in names:
        figures += record(name, importlib.import_module(f"benchmarks.{name}").run)
    met = [figure.met for figure in figures if figure.met is not None]
    print(f"\n{sum(met)} of {len(met)} goals met; docs/performance.md explains the others")
    print(f"Load of the machine: {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores")
    print(f"Written to {results_file()}")
