"""What the experiments share: claims, results, and the folder that a run is written to."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import util
from pathlib import Path
from typing import Any

from drlim import plotting
from drlim._errors import missing_extra
from drlim._files import whole_folder
from drlim._version import REPORTING, versions
from drlim.estimator import DrLIM
from drlim.losses import GlobalLoss
from drlim.networks import _builders
from drlim.reporting import Claim, Picture, Shown, Viewer, page
from drlim.reporting._json import plain, write_json
from drlim.reporting._machine import machine
from drlim.training import Epoch


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    name: str
    summary: str
    seed: int
    quick: bool
    download: bool
    say: Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """What an experiment computed.

    Attributes
    ----------
    data, origin : str
        What the data is, and where it was found.
    n_train, n_test : int
        How many samples were learnt from and held out.
    seconds : mapping
        How long its parts took.
    claims : sequence of Claim
    numbers : mapping
        Further keys of ``metrics.json``.
    parameters : mapping
        Further keys of ``settings.json``: what the experiment chose.
    tables : mapping of str to (columns, rows)
        Tables for the report, by their captions.
    pictures : sequence of Picture
    viewers : sequence of Viewer
    notes : sequence of str
        What a reader must know to read the numbers rightly.
    map : DrLIM, optional
        The map, if one was learnt.
    """

    data: str
    origin: str
    n_train: int
    n_test: int
    seconds: Mapping[str, float]
    claims: Sequence[Claim]
    numbers: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]] = field(
        default_factory=dict
    )
    pictures: Sequence[Picture] = ()
    viewers: Sequence[Viewer] = ()
    notes: Sequence[str] = ()
    map: DrLIM | None = None


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
class Section:
    """An experiment that was run, in the form in which a report shows it."""

    options: Options
    result: Result
    settings: str
    images: Sequence[Shown]


def check_extras(names: Sequence[str]) -> None:
    """Raise now if a package is missing that an experiment would miss after its training."""
    needed = {"jinja2": "paper"}
    if "cosface" in names:
        needed["pytorch_metric_learning"] = "compare"
    for package, extra in needed.items():
        if util.find_spec(package) is None:
            raise missing_extra(package, extra, f"drlim reproduce {' '.join(names)}")


def run_into(
    out: Path, options: Options, run: Callable[[Options], Result]
) -> tuple[dict[str, Any], Section]:
    """Run an experiment, write its run to `out`, and say what came out."""
    with whole_folder(out, last="metrics.json", what="the run") as folder:
        result = run(options)
        metrics = {
            "experiment": options.name,
            "data": result.data,
            "n_train": result.n_train,
            "n_test": result.n_test,
            "seed": options.seed,
            "quick": options.quick,
            **result.numbers,
            "claims": [claim.as_json() for claim in result.claims],
            "seconds": dict(result.seconds),
        }
        settings = {
            "experiment": options.name,
            "seed": options.seed,
            "quick": options.quick,
            "origin": result.origin,
            **result.parameters,
            "versions": versions(REPORTING),
            "machine": machine(),
        }
        if result.map is not None:
            result.map.save(folder / "map.drlim")
        images = [picture.write(folder) for picture in result.pictures]
        section = Section(options, result, json.dumps(settings, indent=2), images)
        title = f"{options.name}: {options.summary}"
        (folder / "report.html").write_text(report(title, [section]), "utf-8")
        write_json(folder / "settings.json", settings)
        write_json(folder / "metrics.json", metrics)
        written = sorted(file.name for file in folder.iterdir())
    _tell(options, result, [out / name for name in written])
    return plain(metrics), section


def report(title: str, sections: Sequence[Section]) -> str:
    """Return the page that shows experiments, all their claims on top; it fetches nothing."""
    return page(
        "run.html.j2",
        title,
        [viewer for section in sections for viewer in section.result.viewers],
        {
            "sections": sections,
            "no_reproduction": NO_REPRODUCTION if sections[0].options.quick else "",
        },
    )


NO_REPRODUCTION = (
    "Quick: a fraction of the data and of the training. These numbers are no reproduction."
)


def _tell(options: Options, result: Result, written: Sequence[Path]) -> None:
    say = options.say
    if result.claims:
        say(f"\nClaims ({sum(c.holds for c in result.claims)} of {len(result.claims)} hold):")
    for claim in result.claims:
        say(f"  {claim.line}")
    for note in result.notes:
        say(f"Note: {note}")
    if options.quick:
        say(NO_REPRODUCTION)
    say(f"\nWritten to {written[0].parent} in {result.seconds['total']:.0f} s:")
    for file in written:
        say(f"  {file}")


def parameters_of(map_: DrLIM) -> dict[str, Any]:
    """Return the parameters of a map as plain data, for ``settings.json``."""
    parameters: dict[str, Any] = map_.get_params(deep=False)
    if callable(parameters["network"]):
        parameters["network"] = _builders.describe(parameters["network"])
    return parameters


def parts(loss: GlobalLoss) -> dict[str, float]:
    """Return a loss and its parts, as ``metrics.json`` has them."""
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
