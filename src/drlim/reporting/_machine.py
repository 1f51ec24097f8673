"""What the numbers of a report depend on: versions and machine."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from drlim._version import __version__


def versions() -> dict[str, str]:
    """Return the versions that the numbers depend on."""
    packages = ("numpy", "scipy", "scikit-learn", "torch")
    return {
        "drlim": __version__,
        "python": platform.python_version(),
        **{package: metadata.version(package) for package in packages},
    }


def machine() -> dict[str, Any]:
    """Say what the machine is: system, processor, its cores, and torch's threads."""
    import torch

    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor,
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
    }
