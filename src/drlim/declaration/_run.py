"""From a declaration to a map, its proof and its report in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drlim._errors import InputError, MissingExtraError
from drlim._files import as_path, check_output, check_output_folder
from drlim._progress import search_progress
from drlim.callbacks import MetricsFile, PlotEpochs, TensorBoard
from drlim.datasets import Dataset
from drlim.declaration._evidence import Evidence
from drlim.declaration._fit import Fitted, fit
from drlim.declaration._prove import prove
from drlim.declaration._read import read_data
from drlim.declaration._schema import Declaration
from drlim.estimator import DrLIM

if TYPE_CHECKING:
    from drlim.reporting._pages import InteractiveMap


@dataclass(frozen=True)
class Run:
    """What `run` made.

    Attributes
    ----------
    fitted : Fitted
        The map, and the samples it was learnt from and is judged by.
    evidence : Evidence
        The proof, on held-out samples.
    map_file : Path
    report : tuple of Path
        The files of the report, the page first.
    """

    fitted: Fitted
    evidence: Evidence
    map_file: Path
    report: tuple[Path, ...]


def run(
    declaration: Declaration | str | Path,
    out: str | Path = "map.drlim",
    *,
    data: Dataset | None = None,
    report: str | Path | None = None,
    force: bool = False,
    skip_bad: bool = False,
    callbacks: Sequence[Any] = (),
    checkpoint: Path | None = None,
    resume: bool = False,
    say: Callable[[str], None] | None = None,
    interactive: InteractiveMap | None = None,
) -> Run:
    """Learn a map, save it, and prove on held-out samples what it ignores and keeps: ``drlim fit``.

    Parameters
    ----------
    declaration : Declaration or path
        A path is that of a TOML file.
    out : path, default="map.drlim"
        The map's file.
    data : Dataset, optional
        The samples and their factors; None: those at ``declaration.data.path``.
    report : path, optional
        The folder of the report. None: beside the map, ``map-report``.
    force : bool, default=False
        Whether to learn even if the data cannot teach invariance to an ignored factor.
    skip_bad : bool, default=False
        Whether to leave out files that cannot be read.
    callbacks : sequence of drlim.callbacks.Callback
    checkpoint : path, optional
        A folder to which the training is saved after every epoch, to be resumed from.
    resume : bool, default=False
        Whether to resume from there.
    say : callable, optional
        Called with each line of text for the user; with it the progress of training is shown.
    interactive : callable, optional
        Makes the map of the report that can be explored: `drlim.exploring.held_out_page`. None:
        the report has pictures alone.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If the declaration and the data do not fit together; see `drlim.declaration.rules`. If an
        output would replace a file that the declaration names, or lie in its folder of data.
    FileError
        If a file cannot be read or written.
    MissingExtraError
        If a package that the data or the report needs is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> lamp, pose = rng.integers(0, 2, 120), rng.integers(0, 4, 120)
    >>> X = np.stack([pose, 2 * lamp], axis=1) + rng.normal(scale=0.1, size=(120, 2))
    >>> data = Dataset(X, {"lamp": lamp, "pose": pose})
    >>> declaration = Declaration(ignore=["lamp"], keep=["pose"], map={"max_epochs": 2})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = run(declaration, f"{folder}/map.drlim", data=data)
    >>> done.map_file.name, done.report[0].name, len(done.fitted.held_out)
    ('map.drlim', 'report.html', 24)
    """
    # They need matplotlib and jinja2, which are asked for now, not after an hour of training.
    from drlim.declaration._report import write_report
    from drlim.reporting._pages import jinja

    jinja()
    if not isinstance(declaration, Declaration):
        declaration = Declaration.read(declaration)
    out = as_path(out, "out")
    folder = out.with_name(f"{out.stem}-report") if report is None else as_path(report, "report")
    _check_outputs(declaration, out, folder, callbacks, checkpoint)
    if data is None:
        data = read_data(declaration, skip_bad=skip_bad, say=say)
    fitted = fit(
        declaration,
        data,
        force=force,
        say=say,
        callbacks=callbacks,
        checkpoint=checkpoint,
        resume=resume,
    )
    _save(fitted.map, out, say or _ignore)
    if say is not None:
        say(f"\nThe map is in {out}. Measuring it on the held-out samples ...")
    with search_progress("measuring") if say is not None else nullcontext() as progress:
        evidence = prove(
            fitted.map,
            declaration,
            fitted.held_out,
            fitted.learnt,
            fitted.unseen,
            repeats=fitted.repeats,
            progress=progress,
        )
    if say is not None:
        say(f"\n{evidence.text}")  # before the report, which may fail to be written
    written = write_report(
        folder,
        evidence,
        fitted.map,
        declaration,
        rules=fitted.rules,
        force=force,
        interactive=interactive,
    )
    return Run(fitted, evidence, out, tuple(written))


def _save(map_: DrLIM, out: Path, say: Callable[[str], None]) -> None:
    """Save a map; one with a network of the user's own with its program, where there can be one."""
    own = map_._network_description.get("custom")
    if own is None:
        map_.save(out)
        return
    try:
        map_.save(out, program=True)
    except (InputError, MissingExtraError) as error:
        map_.save(out)
        say(f"\nThe map holds the weights of {own} alone, and needs it to be loaded: {error}")
    else:
        say(f"\nThe map holds its network also as a program: it can be used without {own}")


def _ignore(line: str) -> None:
    """Say nothing."""


def _check_outputs(
    declaration: Declaration,
    out: Path,
    report: Path,
    callbacks: Sequence[Any],
    checkpoint: Path | None,
) -> None:
    """Raise before anything is read if an output is an input, or cannot be written."""
    inputs = declaration.inputs
    check_output(out, inputs)
    check_output_folder(report, inputs)
    if out.resolve() == report.resolve():
        raise InputError(f"report is {report}, which is the map's file; give another folder")
    if checkpoint is not None:
        check_output_folder(checkpoint, inputs)
    for callback in callbacks:
        if isinstance(callback, MetricsFile):
            check_output(callback.path, [*inputs, out])
        elif isinstance(callback, TensorBoard | PlotEpochs):
            check_output_folder(callback.folder, inputs)
