"""What the experiments share: options, claims, results, and the folder of a run."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from drlim import plotting
from drlim._errors import missing_extra
from drlim._files import whole_folder
from drlim._version import REPORTING, versions
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.losses import GlobalLoss
from drlim.networks import _builders
from drlim.reporting import Claim, Picture, Shown, Viewer, page
from drlim.reporting._json import plain, write_json
from drlim.reporting._machine import machine
from drlim.reporting._pages import InteractiveMap
from drlim.training import Epoch

QUICK_IS_NO_REPRODUCTION = (
    "Quick: a fraction of the data and of the training. These numbers are no reproduction."
)


class Clock:
    """Times the parts of an experiment.

    Examples
    --------
    >>> clock = Clock()
    >>> with clock("graph"):
    ...     pass
    >>> sorted(clock.seconds())
    ['graph', 'total']
    """

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.parts: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.parts[part] = time.perf_counter() - start

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each part so far, and in total."""
        total = time.perf_counter() - self.start
        return {part: round(t, 3) for part, t in {**self.parts, "total": total}.items()}


@dataclass(frozen=True)
class Options:
    """What the user asked for, and the clock of the run."""

    name: str
    summary: str
    random_state: int
    quick: bool
    download: bool
    say: Callable[[str], None]
    clock: Clock = field(default_factory=Clock)
    interactive: InteractiveMap | None = None


# A claim before it is measured: the sentence, its citation, the path of the number that tests it
# ("quality/slant_r2", names and positions), the sign, and the bound.
ClaimRow = tuple[str, str, str, str, float]


def check_claims(rows: Sequence[ClaimRow], numbers: Mapping[str, Any]) -> list[Claim]:
    """Give each claim of a table its number.

    Examples
    --------
    >>> rows = [("It is small", "the paper", "losses/1", "<=", 0.5)]
    >>> check_claims(rows, {"losses": [0.9, 0.2]})[0].holds
    True
    """
    return [
        Claim(sentence, citation, _number_at(path, numbers), bound, sign)
        for sentence, citation, path, sign, bound in rows
    ]


def _number_at(path: str, numbers: Any) -> float:
    for key in path.split("/"):
        numbers = numbers[int(key) if isinstance(numbers, Sequence) else key]
    return float(numbers)


@dataclass(frozen=True)
class Result:
    """What an experiment computed.

    Attributes
    ----------
    data, origin : str
        What the data is, and where it was found.
    n_train, n_test : int
        The numbers of training and of held-out samples.
    claims : sequence of Claim
    numbers : mapping
        Further keys of ``metrics.json``.
    parameters : mapping
        Further keys of ``settings.json``: what the experiment chose.
    tables : mapping of str to (columns, rows)
        Tables for the report, by their captions.
    figures, captions : mapping of str to Figure, and to str
        By the names of the figures' files.
    viewers : sequence of Viewer
    notes : sequence of str
        What a reader must know to interpret the numbers.
    map : DrLIM, optional
        The map, if one was learnt.
    held_out : Dataset, optional
        Samples to look at on the map, none of which was learnt from.
    """

    data: str
    origin: str
    n_train: int
    n_test: int
    claims: Sequence[Claim]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = field(
        default_factory=dict
    )
    figures: Mapping[str, plotting.Figure] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    viewers: Sequence[Viewer] = ()
    notes: Sequence[str] = ()
    map: DrLIM | None = None
    held_out: Dataset | None = None


@dataclass(frozen=True)
class Section:
    """A finished experiment, as a report shows it."""

    options: Options
    result: Result
    seconds: Mapping[str, float]
    settings: str
    images: Sequence[Shown]
    interactive: str = ""  # the map, to explore, as the HTML of a page


def check_extras(names: Sequence[str]) -> None:
    """Raise now if a package is missing that an experiment would need after its training."""
    needed = {"jinja2": "paper"}
    if "cosface" in names:
        needed["pytorch_metric_learning"] = "compare"
    for package, extra in needed.items():
        if util.find_spec(package) is None:
            raise missing_extra(package, extra, f"drlim reproduce {' '.join(names)}")


def run_into(
    out: Path, options: Options, run: Callable[[Options], Result]
) -> tuple[dict[str, Any], Section]:
    """Run an experiment, write its run to `out`, and print what it found."""
    with whole_folder(out, last="metrics.json", what="the run") as folder:
        result = run(options)
        seconds = options.clock.seconds()
        metrics = _metrics(options, result, seconds)
        settings = _settings(options, result)
        if result.map is not None:
            result.map.save(folder / "map.drlim")
        if result.held_out is not None:
            arrays = {"X": result.held_out.X, **result.held_out.factors}
            np.savez_compressed(folder / "held_out.npz", **arrays)  # type: ignore[arg-type]  # numpy types **arrays as allow_pickle
        images = [
            Picture(name, figure, result.captions[name]).write(folder)
            for name, figure in result.figures.items()
        ]
        shown = ""
        if options.interactive and result.map is not None and result.held_out is not None:
            shown = options.interactive(result.map, result.held_out)
        text = json.dumps(settings, indent=2)
        section = Section(options, result, seconds, text, images, shown)
        title = f"{options.name}: {options.summary}"
        (folder / "report.html").write_text(report(title, [section]), "utf-8")
        write_json(folder / "settings.json", settings)
        write_json(folder / "metrics.json", metrics)
        written = sorted(file.name for file in folder.iterdir())
    _print_summary(section, [out / name for name in written])
    return plain(metrics), section


def _metrics(options: Options, result: Result, seconds: Mapping[str, float]) -> dict[str, Any]:
    return {
        "experiment": options.name,
        "data": result.data,
        "n_train": result.n_train,
        "n_test": result.n_test,
        "seed": options.random_state,
        "quick": options.quick,
        **result.numbers,
        "claims": [claim.as_json() for claim in result.claims],
        "seconds": dict(seconds),
    }


def _settings(options: Options, result: Result) -> dict[str, Any]:
    return {
        "experiment": options.name,
        "seed": options.random_state,
        "quick": options.quick,
        "origin": result.origin,
        **result.parameters,
        "versions": versions(REPORTING),
        "machine": machine(),
    }


def report(title: str, sections: Sequence[Section]) -> str:
    """Return the page that shows experiments, all their claims first; it fetches nothing."""
    return page(
        "run.html.j2",
        title,
        [
            viewer
            for section in sections
            for viewer in section.result.viewers
            if not section.interactive
        ],
        {
            "sections": sections,
            "no_reproduction": QUICK_IS_NO_REPRODUCTION if sections[0].options.quick else "",
        },
    )


def _print_summary(section: Section, written: Sequence[Path]) -> None:
    say, result = section.options.say, section.result
    if result.claims:
        say(f"\nClaims ({sum(c.holds for c in result.claims)} of {len(result.claims)} hold):")
    for claim in result.claims:
        say(f"  {claim.line}")
    for note in result.notes:
        say(f"Note: {note}")
    if section.options.quick:
        say(QUICK_IS_NO_REPRODUCTION)
    say(f"\nWritten to {written[0].parent} in {section.seconds['total']:.0f} s:")
    for file in written:
        say(f"  {file}")
    if result.map is not None and result.held_out is not None:
        folder = written[0].parent
        # As `make demo` runs it, it is in no folder of the shell's search path.
        drlim = "drlim" if shutil.which("drlim") else os.path.relpath(sys.argv[0])
        say(f"Look at it: {drlim} explore {folder / 'map.drlim'} {folder / 'held_out.npz'}")


def parameters_of(map_: DrLIM) -> dict[str, Any]:
    """Return the parameters of a map as plain data, for ``settings.json``."""
    parameters: dict[str, Any] = map_.get_params(deep=False)
    if callable(parameters["network"]):
        parameters["network"] = _builders.describe(parameters["network"])
    return parameters


def parts(loss: GlobalLoss) -> dict[str, float]:
    """Return a loss and its two parts, as ``metrics.json`` stores them."""
    return {"total": loss.total, "attraction": loss.attraction, "repulsion": loss.repulsion}


def training_curves(history: Sequence[Epoch], caption: str) -> plotting.Figure:
    """Draw the loss of a training and its two parts over the epochs."""
    return plotting.loss_curves(
        range(1, len(history) + 1),
        {
            part: [getattr(epoch, part) for epoch in history]
            for part in ("loss", "attraction", "repulsion")
        },
        xlabel="epoch",
        title="The loss while training",
        caption=caption,
    )
