"""The paper's experiments, each one command: ``drlim reproduce NAME``.

An experiment computes a `Result`; `reproduce` writes it as a *run*, a folder that holds its
numbers, settings, figures, report and map.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drlim._errors import InputError, nearest_name

# Name: module, and what it shows. Modules are imported when they are run: each needs torch.
EXPERIMENTS = {
    "loss": ("_loss", "figure 1: the two partial losses against the distance"),
    "springs": ("_springs", "figures 2 and 3: the forces, and free points coming to rest"),
    "mnist": ("_mnist", "figure 4: the map of handwritten 4s and 9s, held-out digits"),
    "shifts": ("_shifts", "figure 5: shifted digits, neighbours in pixel space and no more"),
    "shift-invariant": ("_shift_invariant", "figure 7: shifted digits, with prior knowledge"),
}


def reproduce(
    name: str,
    out: Path | str | None = None,
    *,
    seed: int = 0,
    quick: bool = False,
    download: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run one experiment of the paper and write its run.

    Parameters
    ----------
    name : str
        One of `EXPERIMENTS`.
    out : path, optional
        The folder of the run, made if it is not there. None: ``runs/NAME``.
    seed : int, default=0
        Decides every random number.
    quick : bool, default=False
        A fraction of the data and training, to see that it works: no reproduction.
    download : bool, default=False
        Whether data that is not on this machine may be downloaded.
    say : callable, default=print
        Is given each line of text for the user.

    Returns
    -------
    dict
        What was written to ``metrics.json``.

    Raises
    ------
    InputError
        If there is no such experiment, or a value breaks its rule.
    FileError
        If the folder cannot be written, or data cannot be read.
    """
    if name not in EXPERIMENTS:
        raise InputError(f"there is no experiment {name!r}; {nearest_name(name, EXPERIMENTS)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}; it must be an integer >= 0")
    from drlim.experiments._run import Options, writing

    module = importlib.import_module(f"drlim.experiments.{EXPERIMENTS[name][0]}")
    options = Options(name, EXPERIMENTS[name][1], seed, quick, download, say)
    with writing(Path(out or Path("runs") / name)) as write:
        return write(options, module.run(options))
