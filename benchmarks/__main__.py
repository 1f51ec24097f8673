"""Run all benchmarks (``make bench``), or those that are named: ``python -m benchmarks engine``."""

from __future__ import annotations

import importlib
import sys

from benchmarks._bench import RESULTS, record

MODULES = ("engine", "network", "quality", "scale", "card", "peers")

if __name__ == "__main__":
    for name in sys.argv[1:] or MODULES:
        record(name, importlib.import_module(f"benchmarks.{name}").run)
    print(f"\nwritten to {RESULTS}")
