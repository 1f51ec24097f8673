"""The command line: ``drlim fit`` and the use of its map, and ``drlim reproduce``.

Nothing heavy is imported until a command needs it, so ``drlim --help`` answers at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drlim._commands import Argument, command, help_page
from drlim._errors import DrlimError, InputError, nearest_name
from drlim._files import check_output, check_output_folder
from drlim._version import __version__
from drlim.experiments import EXPERIMENTS, reproduce

if TYPE_CHECKING:
    from drlim.datasets import Dataset
    from drlim.estimator import DrLIM

__all__ = ["COMMANDS", "main", "overview"]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer >= 1")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        return _positive(height), _positive(width or height)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a size in pixels: give 64, or 48x64 for height x width"
        ) from None


_MAP = Argument("map_file", metavar="MAP", type=Path, help="A map file, written by drlim.")
_DATA = Argument(
    "data", metavar="DATA", type=Path, help="An array, a table, or a folder of images."
)
_FACTORS = Argument(
    "--factors", metavar="TABLE", type=Path, help="A table of factors of DATA, .csv or .parquet."
)
_SELECT = Argument(
    "--select",
    action="store_const",
    const=True,
    group="reading",
    help="Keep only the samples that the table of factors lists.",
)
_SKIP_BAD = Argument(
    "--skip-bad", action="store_true", help="Leave out, and count, files that cannot be read."
)
# How data is read, as the part `data` of a declaration says; an option that is given counts more.
_READING = (
    Argument(
        "--delimiter",
        metavar="SIGN",
        group="reading",
        help="The sign between the columns of CSV files. [default: as the file shows]",
    ),
    Argument(
        "--decimal",
        metavar="SIGN",
        group="reading",
        help="Their decimal sign, a point or a comma.",
    ),
    Argument(
        "--encoding", metavar="NAME", group="reading", help="Their encoding, such as latin-1."
    ),
    Argument(
        "--no-header",
        dest="header",
        action="store_const",
        const=False,
        group="reading",
        help="Their first line is a sample and does not name the columns.",
    ),
    Argument(
        "--max-pixels",
        metavar="N",
        type=_positive,
        group="reading",
        help="The largest image that is decoded, in pixels. [default: 64000000]",
    ),
)
_OF_TEXT = {
    "delimiter": "--delimiter",
    "decimal": "--decimal",
    "encoding": "--encoding",
    "header": "--no-header",
}


def _check_reading(reading: dict[str, Any], data: Path, tables: Iterable[Path | None] = ()) -> None:
    """Refuse options of reading that do not apply to the data or its tables of factors.

    Those that a map's declaration holds are not checked: they are for the data it names.
    """
    from drlim.declaration._read import is_array

    files = [data, *(table for table in tables if table is not None)]
    if reading.get("select") and len(files) == 1:
        raise InputError(
            "--select keeps the samples that a table of factors lists; give the table, --factors"
        )
    if reading["max_pixels"] is not None and is_array(data):
        raise InputError(f"{data} is an array or a table; --max-pixels applies to image files")
    of_text = [option for name, option in _OF_TEXT.items() if reading[name] is not None]
    if of_text and not any(file.suffix.lower() == ".csv" for file in files):
        raise InputError(f"{data} is not a .csv file; {of_text[0]} applies to these only")


_NETWORK = Argument(
    "--network",
    metavar="MODULE:FUNCTION",
    help="The builder of the map's network, if it is one of your own.",
)


@command(
    "fit",
    Argument(
        "declaration",
        metavar="DECLARATION",
        type=Path,
        help="A declaration (.toml), or the data itself: .npy, .npz, .csv, .parquet, .zarr, .h5ad, "
        "or a folder of images.",
    ),
    Argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        default=Path("map.drlim"),
        help="The map's file. [default: %(default)s]",
    ),
    Argument(
        "--report", metavar="FOLDER", type=Path, help="The report's folder. [default: OUT-report]"
    ),
    Argument(
        "--keep",
        metavar="FACTOR",
        action="append",
        help="What should matter: a factor; FACTOR:STEP, FACTOR:STEP:PERIOD or FACTOR::PERIOD; "
        "neighbors:N, neighbors:N:WITHIN or, with :ACROSS behind it, mutual neighbours between "
        "batches, where WITHIN may be empty. Can be given several times.",
    ),
    Argument(
        "--ignore",
        metavar="FACTOR",
        action="append",
        help="What should not matter: a factor, or a transformation as NAME or NAME:LOW:HIGH. Can "
        "be given several times.",
    ),
    Argument(
        "--tolerance",
        metavar="FACTOR:DISTANCE",
        action="append",
        help="How far apart two values of a kept factor of measured numbers still count as equal. "
        "Can be given several times.",
    ),
    Argument(
        "--source",
        metavar="FACTOR",
        help="The factor that names the thing of which there are several samples: those of one "
        "are similar, and held out together.",
    ),
    Argument(
        "--group",
        metavar="FACTOR",
        help="The factor whose values are held out as a whole, such as a patient.",
    ),
    Argument("--factors", metavar="TABLE", type=Path, help="A table of factors, .csv or .parquet."),
    Argument("--by", metavar="COLUMN", help="The column of that table that names the sample."),
    _SELECT,
    Argument(
        "--pairs",
        metavar="TABLE",
        type=Path,
        help="A table of pairs: left, right, similar, weight, reason.",
    ),
    Argument(
        "--size",
        metavar="SIZE",
        type=_size,
        help="Resize images, in pixels: 64 for squares, 48x64 for height x width.",
    ),
    *_READING,
    Argument(
        "--scale",
        metavar="SCALE",
        help="What features are divided by: 'each' by its own deviation, 'one' number for all, or "
        "'none'. [default: each for a table in several units, else one]",
    ),
    Argument(
        "--recipe",
        metavar="NAME",
        help="The settings for a purpose: continuous, labels, verification, clusters or paper. "
        "Other options count more.",
    ),
    Argument(
        "--components",
        metavar="N",
        type=int,
        help="Dimensions of the map. [default: 2 to look at, 8 for numbers, 32 for classes]",
    ),
    Argument(
        "--network",
        metavar="NAME|MODULE:FUNCTION",
        help="The network: the name of one of drlim's, or a builder of your own. [default: by the "
        "shape of a sample]",
    ),
    Argument(
        "--pretrained",
        metavar="NAME",
        help="A pretrained network of photographs with a new head, such as efficientnet-lite0 or "
        "timm:NAME.",
    ),
    Argument("--loss", metavar="NAME", help="The loss. [default: contrastive]"),
    Argument(
        "--epochs",
        metavar="N",
        type=int,
        help="Passes over all similar pairs. [default: by the number of samples]",
    ),
    Argument("--seed", metavar="N", type=int, help="Seed of every random number. [default: 0]"),
    _SKIP_BAD,
    Argument(
        "--force",
        old_name="--anyway",
        action="store_true",
        help="Learn even if no invariance can be promised.",
    ),
    Argument(
        "--checkpoint",
        metavar="FOLDER",
        type=Path,
        help="Save the training to this folder after every epoch.",
    ),
    Argument("--resume", action="store_true", help="Resume the training saved in --checkpoint."),
    Argument(
        "--watch",
        action="store_true",
        help="Show the training on a page while it runs, and write a page that replays it to the "
        "folder OUT-learning.",
    ),
)
def _fit(
    declaration: Path,
    out: Path,
    report: Path | None,
    keep: list[str] | None,
    ignore: list[str] | None,
    tolerance: list[str] | None,
    source: str | None,
    group: str | None,
    factors: Path | None,
    by: str | None,
    reading: dict[str, Any],
    pairs: Path | None,
    size: tuple[int, int] | None,
    scale: str | None,
    recipe: str | None,
    components: int | None,
    network: str | None,
    pretrained: str | None,
    loss: str | None,
    epochs: int | None,
    seed: int | None,
    skip_bad: bool,
    force: bool,
    checkpoint: Path | None,
    resume: bool,
    watch: bool,
) -> None:
    """Learn a map from what should matter and what should not, and write it and its proof."""
    from drlim.declaration import Declaration, run

    if network is not None and pretrained is not None:
        raise InputError("--network and --pretrained both name the network; give one of them")
    is_file = declaration.suffix == ".toml"
    declared = (
        Declaration.read(declaration) if is_file else Declaration(data={"path": declaration})
    ).with_options(
        keep=keep or (),
        ignore=ignore or (),
        tolerance=tolerance or (),
        data={
            "factors": factors,
            "by": by,
            "size": size,
            "scale": scale,
            "source": source,
            "group": group,
            **reading,
        },
        pairs=pairs,
        map={
            "recipe": recipe,
            "n_components": components,
            "network": network if pretrained is None else {"pretrained": pretrained},
            "loss": loss,
            "max_epochs": epochs,
            "random_state": seed,
        },
    )
    if declared.data.path is not None:
        pairs_file = None if declared.pairs is None else declared.pairs.path
        _check_reading(reading, declared.data.path, [declared.data.factors, pairs_file])
    watched = None
    if watch:
        from drlim.exploring._commands import Watched

        watched = Watched(declared, out, skip_bad)
    done = run(
        declared,
        out,
        data=None if watched is None else watched.data,
        callbacks=() if watched is None else (watched.callback,),
        report=report,
        force=force,
        skip_bad=skip_bad,
        checkpoint=checkpoint,
        resume=resume,
        say=print,
        interactive=_held_out_page,
    )
    if watched is not None:
        print(f"\nHow it learnt is shown by {watched.write()}")
    _show_page(done.report[0])


@command(
    "transform",
    _MAP,
    _DATA,
    Argument(
        "-o",
        "--out",
        metavar="FILE",
        type=Path,
        required=True,
        help="The file of the points: .npy, .csv or .parquet.",
    ),
    *_READING,
    _SKIP_BAD,
    _NETWORK,
)
def _transform(
    map_file: Path,
    data: Path,
    out: Path,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Map samples to points, in their order, a block at a time: data may exceed memory."""
    check_output(out, [map_file, data])
    from drlim.datasets import blocks, write_points
    from drlim.declaration import declaration_of, open_map
    from drlim.declaration._read import how_to_read

    _check_reading(reading, data)
    map_ = open_map(map_file, network)
    how = how_to_read(declaration_of(map_).with_options(data=reading), data, map_)
    stream = blocks(data, skip_bad=skip_bad, say=print, **how)
    n = write_points(out, ((map_.transform(X), names) for X, names in stream), map_.n_components)
    print(f"{n:,} points written to {out}")


@command(
    "report",
    _MAP,
    _DATA,
    Argument(
        "-o",
        "--out",
        metavar="FOLDER",
        type=Path,
        help="The report's folder. [default: MAP-report]",
    ),
    Argument(
        "--known",
        metavar="KNOWN",
        type=Path,
        help="The data that the map was learnt from, to read new samples through and to show them "
        "beside it.",
    ),
    _FACTORS,
    _SELECT,
    *_READING,
    _SKIP_BAD,
    _NETWORK,
)
def _report(
    map_file: Path,
    data: Path,
    out: Path | None,
    known: Path | None,
    factors: Path | None,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Prove on new data what a map ignores and what it keeps.

    Samples that the map was trained on are recognised and left out.
    """
    folder = out or map_file.with_name(f"{map_file.stem}-report")
    check_output_folder(folder, [map_file, data, factors, known])
    from drlim import declaration as declared
    from drlim.declaration._fingerprints import learnt_of

    _check_reading(reading, data, [factors])
    map_ = declared.open_map(map_file, network)
    declaration = declared.declaration_of(map_, needed=True).with_options(data=reading)
    samples = declared.read_data(
        declaration, data, factors=factors, skip_bad=skip_bad, map_=map_, say=print
    )
    learnt = None
    if known is not None:
        of_known = declaration.data.factors if declaration.is_of(known) else factors
        learnt = declared.read_data(
            declaration, known, factors=of_known, skip_bad=skip_bad, map_=map_, say=print
        )
        learnt = learnt_of(map_, learnt)
    evidence = declared.prove(map_, declaration, samples, learnt)
    print(f"\n{evidence.text}")  # before the report, which may fail to be written
    written = declared.write_report(folder, evidence, map_, declaration, interactive=_held_out_page)
    _show_page(written[0])


def _held_out_page(map_: DrLIM, held_out: Dataset) -> str:
    """Return the page of a report in which the map can be explored."""
    from drlim.exploring import held_out_page

    return held_out_page(map_, held_out)


def _say_aside(line: str) -> None:
    """Print a line beside the output, which a program may read."""
    print(line, file=sys.stderr)


def _show_page(page: Path) -> None:
    print(f"\nThe report is {page}")


@command(
    "neighbors",
    _MAP,
    _DATA,
    Argument(
        "query",
        metavar="QUERY",
        help="What to look for: the name or row of a sample of DATA, or other data (an image, "
        "a folder, an array).",
    ),
    Argument("-n", metavar="N", type=_positive, default=5, help="How many. [default: %(default)s]"),
    Argument(
        "--html",
        metavar="FILE",
        type=Path,
        help="Write a page that shows them: photographs, curves, or rows of numbers.",
    ),
    _FACTORS,
    *_READING,
    _SKIP_BAD,
    _NETWORK,
)
def _neighbors(
    map_file: Path,
    data: Path,
    query: str,
    n: int,
    html: Path | None,
    factors: Path | None,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Find the known samples nearest to a sample in the map, with their distances.

    A sample that lies farther from what was learnt than 99 % of at least 99 held-out samples is
    called foreign; that one is not called so does not make it known.
    """
    if html is not None:
        check_output(html, [map_file, data, factors, Path(query)])
    from drlim.declaration import declaration_of, open_map, read_data
    from drlim.declaration._nearest import find_nearest, is_sample
    from drlim.declaration._unusual import NOT_KNOWN, judged_by_points

    if not Path(query).exists():  # else the options may be for it
        _check_reading(reading, data, [factors])
    map_ = open_map(map_file, network)
    declaration = declaration_of(map_).with_options(data=reading)
    if html is not None and factors is None and declaration.is_of(data):
        factors = declaration.data.factors
    known = read_data(
        declaration, data, factors=factors, skip_bad=skip_bad, map_=map_, say=_say_aside
    )
    sought: Dataset | str = query
    # A known sample comes first: the answer must not depend on the files of the working folder.
    if not is_sample(known, query) and Path(query).exists():
        sought = read_data(declaration, Path(query), map_=map_, say=_say_aside)
    found = find_nearest(map_, known, sought, n)
    print(f"{'sample':<32} {'nearest':<32} distance (margins)")
    for each in found.neighbors():
        print(f"{each.sample:<32} {each.neighbor:<32} {each.distance / map_.margin:.4f}")
    unusual = judged_by_points(map_, found.query, found.points)
    for line in [NOT_KNOWN] if unusual is None else unusual.lines():
        _say_aside(line)
    if html is not None:
        from drlim.declaration._neighbors_page import write_page

        _say_aside(f"The page is {write_page(html, map_, found)}")


@command(
    "verify",
    _MAP,
    _DATA,
    Argument(
        "--same",
        metavar="FACTOR",
        help="The factor in which samples are the same. [default: the kept class, or 'class']",
    ),
    Argument(
        "--false-accept-rate",
        metavar="RATE",
        type=float,
        default=0.01,
        help="The share of different pairs that may pass as the same. [default: %(default)s]",
    ),
    Argument(
        "--pair",
        metavar="SAMPLE",
        nargs=2,
        help="Two samples of DATA, by name or row: are they the same?",
    ),
    _FACTORS,
    _SELECT,
    *_READING,
    _SKIP_BAD,
    _NETWORK,
)
def _verify(
    map_file: Path,
    data: Path,
    same: str | None,
    false_accept_rate: float,
    pair: list[str] | None,
    factors: Path | None,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Choose a threshold for same or different on new data, and measure its error rates.

    Samples that the map was trained on are recognised and left out.
    """
    from drlim import declaration as declared

    _check_reading(reading, data, [factors])
    map_ = declared.open_map(map_file, network)
    declaration = declared.declaration_of(map_).with_options(data=reading)
    samples = declared.read_data(
        declaration, data, factors=factors, skip_bad=skip_bad, map_=map_, say=print
    )
    verified = declared.verify(map_, declaration, samples, false_accept_rate, same=same, pair=pair)
    print("\n".join(verified.lines()))


_SHOWN = Argument(
    "data",
    metavar="DATA",
    type=Path,
    nargs="?",
    help="The samples to show. [default: the data that the map was learnt from, where it is "
    "there, else the learnt points in the map's file]",
)
_ADDRESS = (
    Argument(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        help="The address to listen at. Another than this machine's own needs the token that is "
        "then printed. [default: %(default)s]",
    ),
    Argument(
        "--port",
        metavar="N",
        type=int,
        default=0,
        help="The port; 0 is a free one. [default: %(default)s]",
    ),
)


@command(
    "explore",
    _MAP,
    _SHOWN,
    Argument(
        "--export",
        metavar="FOLDER",
        type=Path,
        help="Write the page to this folder, as files that open without a server, and end.",
    ),
    *_ADDRESS,
    _FACTORS,
    _SELECT,
    *_READING,
    _SKIP_BAD,
    _NETWORK,
)
def _explore(
    map_file: Path,
    data: Path | None,
    export: Path | None,
    host: str,
    port: int,
    factors: Path | None,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Show a map on a page in the browser: its points, new samples, and what moves them.

    The page comes from a server on this machine, until Ctrl-C. With --export it is written as a
    folder that needs none.
    """
    if export is not None:
        check_output_folder(export, [map_file, data, factors])
    from drlim.exploring._commands import open_page

    reading = {"factors": factors, "skip_bad": skip_bad, **reading}
    open_page(map_file, data, reading, network, export=export, host=host, port=port, opens=True)


@command("serve", _MAP, _SHOWN, *_ADDRESS, _FACTORS, _SELECT, *_READING, _SKIP_BAD, _NETWORK)
def _serve(
    map_file: Path,
    data: Path | None,
    host: str,
    port: int,
    factors: Path | None,
    reading: dict[str, Any],
    skip_bad: bool,
    network: str | None,
) -> None:
    """Serve a map and its page to other programs, until Ctrl-C; /api lists what they can ask.

    It is what `drlim explore` does, without opening a browser.
    """
    from drlim.exploring._commands import open_page

    reading = {"factors": factors, "skip_bad": skip_bad, **reading}
    open_page(map_file, data, reading, network, host=host, port=port, opens=False)


@command(
    "export",
    _MAP,
    Argument("-o", "--out", metavar="FILE", type=Path, help="The file. [default: MAP.onnx]"),
    _NETWORK,
)
def _export(map_file: Path, out: Path | None, network: str | None) -> None:
    """Write a map as ONNX, checked against the map in onnxruntime."""
    out = check_output(out or map_file.with_suffix(".onnx"), [map_file])
    from drlim.declaration import open_map
    from drlim.exporting import export

    exported = export(open_map(map_file, network), out)
    print(exported)


@command(
    "reproduce",
    Argument("name", metavar="NAME", help="Which experiment."),
    Argument("--out", metavar="FOLDER", type=Path, help="The run's folder. [default: runs/NAME]"),
    Argument(
        "--seed",
        metavar="N",
        type=int,
        default=0,
        help="Seed of every random number. [default: %(default)s]",
    ),
    Argument(
        "--quick",
        action="store_true",
        help="A small version that takes seconds and reproduces nothing.",
    ),
    Argument("--download", action="store_true", help="Download data that is not on this machine."),
    lists={
        "Experiments": [
            *((name, summary) for name, (_, summary) in EXPERIMENTS.items()),
            ("all", "every one of them, with one report"),
        ]
    },
)
def _reproduce(name: str, out: Path | None, seed: int, quick: bool, download: bool) -> None:
    """Run an experiment of the paper and write its numbers, figures, report and map."""
    reproduce(
        name,
        out,
        random_state=seed,
        quick=quick,
        download=download,
        interactive=_held_out_page,
    )


COMMANDS = {
    each.name: each
    for each in (
        _fit,
        _transform,
        _report,
        _neighbors,
        _verify,
        _explore,
        _serve,
        _export,
        _reproduce,
    )
}

_OPTIONS = {"--version": "Print the version.", "--help": "Show this message and exit."}


def overview(width: int | None = None) -> str:
    """Return the help of ``drlim``; without a width, as wide as the terminal."""
    return help_page(
        "drlim [OPTIONS] COMMAND [ARGS]...",
        ["Learn a small, reusable map from what is similar alone, and prove what it ignores."],
        {
            "Options": list(_OPTIONS.items()),
            "Commands": [(name, each.paragraphs()[0]) for name, each in COMMANDS.items()],
        },
        width,
    )


def _run(words: list[str]) -> None:
    match words:
        case []:
            print(overview(), end="", file=sys.stderr)
            sys.exit(2)
        case ["--version", *_]:
            print(f"drlim {__version__}")
        case ["--help", *_]:
            print(overview(), end="")
        case [name, *rest] if name in COMMANDS:
            COMMANDS[name].run(rest)
        case [name, *_]:
            kind, known = ("option", _OPTIONS) if name.startswith("-") else ("command", COMMANDS)
            raise InputError(f"there is no {kind} {name!r}; {nearest_name(name, known)}")


def main() -> None:
    """Run the command line; an error of the user ends with one message and exit code 2."""
    _escape_what_cannot_be_encoded()
    try:
        _run(sys.argv[1:])
        if sys.stdout is not None:  # None: the process was started without it
            sys.stdout.flush()
    except DrlimError as error:
        print(f"drlim: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("drlim: interrupted; what was unfinished was not written", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of the output has closed it, as `head` does. Python would complain when it
        # flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _escape_what_cannot_be_encoded() -> None:
    """Let a stream escape a character that it lacks: no training should end at the sign of R²."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
