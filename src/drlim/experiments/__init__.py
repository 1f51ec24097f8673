"""The paper's experiments, each one command: ``drlim reproduce NAME``.

An experiment computes its numbers and figures; `reproduce` writes them as a *run*, a folder that
holds numbers, settings, figures, a report and the map.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drlim._deprecated import renamed_arguments
from drlim._errors import DrlimError, InputError, nearest_name
from drlim._files import whole_folder

if TYPE_CHECKING:
    from drlim.experiments._run import Options, Section
    from drlim.reporting._pages import InteractiveMap

__all__ = ["EXPERIMENTS", "reproduce"]

# Name: module, and what it shows. A module is imported when it is run, since each needs torch.
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


@renamed_arguments(seed="random_state")
def reproduce(
    name: str,
    out: Path | str | None = None,
    *,
    random_state: int = 0,
    quick: bool = False,
    download: bool = False,
    say: Callable[[str], None] = print,
    interactive: InteractiveMap | None = None,
) -> dict[str, Any]:
    """Run one experiment of the paper, or all, and write its run.

    Parameters
    ----------
    name : str
        One of `EXPERIMENTS`, or "all".
    out : path, optional
        The folder of the run, made if it does not exist; by default ``runs/NAME``. For "all",
        each experiment has a folder in it, beside one report of all of them.
    random_state : int, default=0
        Decides every random number.
    quick : bool, default=False
        Use a fraction of the data and training, to see that it works: no reproduction.
    download : bool, default=False
        Whether data that is not on this machine may be downloaded.
    say : callable, default=print
        Is given each line of text for the user.
    interactive : callable, optional
        Makes the map of the report that can be explored: `drlim.exploring.held_out_page`. None:
        the report has pictures alone.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    InputError
        If there is no such experiment, `random_state` is not an integer >= 0, or `out` is in a
        folder of published data.
    FileError
        If the folder cannot be written, or data cannot be read.
    MissingExtraError
        If a package is missing that the experiment needs.
    """
    if name not in EXPERIMENTS and name != ALL:
        raise InputError(
            f"there is no experiment {name!r}; {nearest_name(name, [*EXPERIMENTS, ALL])}"
        )
    from drlim._checks import check_count
    from drlim._files import check_output_folder
    from drlim.datasets._store import places
    from drlim.experiments import _run

    check_count(random_state, "random_state (--seed)", 0)
    _run.check_extras([name] if name != ALL else [*EXPERIMENTS])

    def options(experiment: str) -> Options:
        summary = EXPERIMENTS[experiment][1]
        return _run.Options(
            experiment, summary, random_state, quick, download, say, interactive=interactive
        )

    out = check_output_folder(
        out or Path("runs") / name,
        [folder for collection in ("mnist", "norb") for _, folder in places(collection)],
    )
    if name == ALL:
        return _run_all(out, options)
    return _run_one(out, options(name))[0]


def _run_one(out: Path, options: Options) -> tuple[dict[str, Any], Section]:
    from drlim.experiments import _run

    module, _ = EXPERIMENTS[options.name]
    experiment = importlib.import_module(f"drlim.experiments.{module}")
    return _run.run_into(out, options, experiment.run)


def _run_all(out: Path, options: Callable[[str], Options]) -> dict[str, Any]:
    """Run every experiment into a folder of its own; an experiment that fails is named."""
    from drlim.experiments import _run
    from drlim.reporting._json import write_json

    runs, failures = {}, {}
    with whole_folder(out, last="metrics.json", what="the run") as folder:
        for number, name in enumerate(EXPERIMENTS, start=1):
            asked = options(name)
            asked.say(f"\n== {name} ({number} of {len(EXPERIMENTS)}): {asked.summary}")
            try:
                runs[name] = _run_one(out / name, asked)
            except DrlimError as error:  # the others are still worth having
                failures[name] = str(error)
                asked.say(f"FAILED {name}: {error}")
        if not runs:
            raise DrlimError(f"no experiment could be run: {failures}")
        metrics = _together({name: run for name, (run, _) in runs.items()}, failures)
        sections = [section for _, section in runs.values()]
        page = _run.report("Every experiment of the paper", sections)
        (folder / "report.html").write_text(page, "utf-8")
        write_json(folder / "metrics.json", metrics)
    n_held = sum(claim["holds"] for claim in metrics["claims"])
    asked.say(f"\n{n_held} of {len(metrics['claims'])} claims hold; {out / 'report.html'}")
    return metrics


def _together(runs: dict[str, dict[str, Any]], failures: dict[str, str]) -> dict[str, Any]:
    """Return the ``metrics.json`` of all experiments."""
    first = next(iter(runs.values()))
    seconds = {name: run["seconds"]["total"] for name, run in runs.items()}
    return {
        "experiment": ALL,
        "seed": first["seed"],
        "quick": first["quick"],
        "claims": [
            {"experiment": name, **claim} for name, run in runs.items() for claim in run["claims"]
        ],
        "failures": failures,
        "seconds": {**seconds, "total": round(sum(seconds.values()), 3)},
    }
