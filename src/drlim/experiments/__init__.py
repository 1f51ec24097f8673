"""The paper's experiments, each one command: ``drlim reproduce NAME``.

An experiment computes a `Result`; `reproduce` writes it as a *run*, a folder that holds its
numbers, settings, figures, report and map.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from drlim._errors import DrlimError, InputError, nearest_name
from drlim._files import whole_folder

# Name: module, and what it shows. Modules are imported when they are run: each needs torch.
EXPERIMENTS = {
    "loss": ("_loss", "figure 1: the two partial losses against the distance"),
    "springs": ("_springs", "figures 2 and 3: the forces, and free points coming to rest"),
    "mnist": ("_mnist", "figure 4: the map of handwritten 4s and 9s, held-out digits"),
    "shifts": ("_shifts", "figure 5: shifted digits, neighbours in pixel space and no more"),
    "shifts-lle": ("_shifts_lle", "figure 6: LLE on the shifted digits"),
    "shift-invariant": ("_shift_invariant", "figure 7: shifted digits, with prior knowledge"),
    "norb": ("_norb", "figure 8: an airplane's pose, whatever the lighting: a cylinder"),
    "norb-lle": ("_norb_lle", "figure 9: LLE on the airplane"),
    "classical": ("_classical", "section 1: the older methods beside DrLIM"),
    "cosface": ("_cosface", "class labels: the contrastive loss beside CosFace"),
}
ALL = "all"


def reproduce(
    name: str,
    out: Path | str | None = None,
    *,
    seed: int = 0,
    quick: bool = False,
    download: bool = False,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run one experiment of the paper, or all, and write its run.

    Parameters
    ----------
    name : str
        One of `EXPERIMENTS`, or "all".
    out : path, optional
        The folder of the run, made if it is not there. None: ``runs/NAME``. For "all", each
        experiment has a folder in it, beside one report of them together.
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
    if name not in EXPERIMENTS and name != ALL:
        raise InputError(
            f"there is no experiment {name!r}; {nearest_name(name, [*EXPERIMENTS, ALL])}"
        )
    from drlim._checks import check_count
    from drlim.experiments import _run
    from drlim.reporting._json import write_json

    check_count(seed, "seed", 0)

    def run(one: str, folder: Path) -> tuple[dict[str, Any], _run.Section]:
        module, summary = EXPERIMENTS[one]
        experiment = importlib.import_module(f"drlim.experiments.{module}")
        options = _run.Options(one, summary, seed, quick, download, say)
        return _run.run_into(folder, options, experiment.run)

    _run.check_extras([name] if name != ALL else [*EXPERIMENTS])
    out = Path(out or Path("runs") / name)
    if name != ALL:
        return run(name, out)[0]
    with whole_folder(out, last="metrics.json", what="the run") as folder:
        runs, failures = {}, {}
        for number, one in enumerate(EXPERIMENTS, start=1):
            say(f"\n== {one} ({number} of {len(EXPERIMENTS)}): {EXPERIMENTS[one][1]}")
            try:
                runs[one] = run(one, out / one)
            except DrlimError as error:  # the others are still worth having
                failures[one] = str(error)
                say(f"FAILED {one}: {error}")
        if not runs:
            raise DrlimError(f"no experiment could be run: {failures}")
        together: dict[str, Any] = {
            "experiment": ALL,
            "seed": seed,
            "quick": quick,
            "claims": [
                {"experiment": one, **claim}
                for one, (metrics, _) in runs.items()
                for claim in metrics["claims"]
            ],
            "failures": failures,
            "seconds": {one: metrics["seconds"]["total"] for one, (metrics, _) in runs.items()},
        }
        together["seconds"]["total"] = round(sum(together["seconds"].values()), 3)
        page = _run.report(
            "Every experiment of the paper", [section for _, section in runs.values()]
        )
        (folder / "report.html").write_text(page, "utf-8")
        write_json(folder / "metrics.json", together)
    held = sum(claim["holds"] for claim in together["claims"])
    say(f"\n{held} of {len(together['claims'])} claims hold; {out / 'report.html'} shows all")
    return together
