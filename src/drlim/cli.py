"""The command line: ``drlim fit`` and what is done with its map, and ``drlim reproduce``.

Nothing heavy is imported until a command needs it, so ``drlim --help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from drlim._commands import Argument, command, help_page
from drlim._errors import DrlimError, InputError, nearest_name
from drlim._version import __version__
from drlim.experiments import EXPERIMENTS, reproduce

_MAP = Argument("map_file", metavar="MAP", type=Path, help="A map, written by drlim.")
_DATA = Argument(
    "data", metavar="DATA", type=Path, help="An array, a table, or a folder of images."
)
_FACTORS = Argument("--factors", type=Path, help="A table of factors of DATA, .csv or .parquet.")
_SKIP_BAD = Argument(
    "--skip-bad", action="store_true", help="Leave out, and count, files that cannot be read."
)
_NETWORK = Argument(
    "--network",
    metavar="MODULE:FUNCTION",
    help="The network's builder, where it is one of your own.",
)


@command(
    "reproduce",
    Argument("name", metavar="name", help="Which experiment."),
    Argument("--out", type=Path, help="Folder to write to. [default: runs/NAME]"),
    Argument(
        "--seed", type=int, default=0, help="Decides every random number. [default: %(default)s]"
    ),
    Argument("--quick", action="store_true", help="A fraction of it, in seconds: no reproduction."),
    Argument("--download", action="store_true", help="Download data that is not on this machine."),
    lists={
        "The experiments": [
            *((name, summary) for name, (_, summary) in EXPERIMENTS.items()),
            ("all", "every one of them, and one report of all"),
        ]
    },
)
def _reproduce(name: str, out: Path | None, seed: int, quick: bool, download: bool) -> None:
    """Run an experiment of the paper and write its numbers, figures, report and map."""
    reproduce(name, out, random_state=seed, quick=quick, download=download)


@command(
    "fit",
    Argument(
        "source",
        metavar="DECLARATION",
        type=Path,
        help="A declaration (.toml), or the data itself: .npy, .npz, .csv, .parquet, .zarr, or "
        "a folder of images.",
    ),
    Argument(
        "-o",
        "--out",
        type=Path,
        default=Path("map.drlim"),
        help="The map's file. [default: %(default)s]",
    ),
    Argument("--report", type=Path, help="Folder of the report. [default: OUT-report]"),
    Argument(
        "--keep",
        action="append",
        help="What should matter: a factor; FACTOR:STEP or FACTOR:STEP:PERIOD; neighbors:N or "
        "neighbors:N:WITHIN. Can be given several times.",
    ),
    Argument(
        "--ignore",
        action="append",
        help="What should not: a factor, or a transformation as NAME or NAME:LOW:HIGH. Can be "
        "given several times.",
    ),
    Argument("--factors", type=Path, help="A table of factors, .csv or .parquet."),
    Argument("--by", help="The column of that table that names the sample."),
    Argument("--pairs", type=Path, help="A table of pairs: left, right, similar, weight, reason."),
    Argument("--size", type=int, help="Resize images to squares of so many pixels."),
    Argument("--components", type=int, help="Dimensions of the map. [default: 2]"),
    Argument("--seed", type=int, help="Decides every random number. [default: 0]"),
    _SKIP_BAD,
    Argument(
        "--force",
        old_name="--anyway",
        action="store_true",
        help="Learn even where no invariance can be promised.",
    ),
    Argument("--checkpoint", type=Path, help="Keep the training in this folder after every epoch."),
    Argument("--resume", action="store_true", help="Go on with the training kept in --checkpoint."),
)
def _fit(
    source: Path,
    out: Path,
    report: Path | None,
    keep: list[str] | None,
    ignore: list[str] | None,
    factors: Path | None,
    by: str | None,
    pairs: Path | None,
    size: int | None,
    components: int | None,
    seed: int | None,
    skip_bad: bool,
    force: bool,
    checkpoint: Path | None,
    resume: bool,
) -> None:
    """Learn a map from what should matter and what should not, and write it and the proof."""
    from drlim import declaration as declared
    from drlim._files import check_writable

    if source.suffix == ".toml":
        declaration = declared.Declaration.read(source)
    else:
        declaration = declared.Declaration(data={"path": source})
    declaration = declaration.with_options(
        keep=keep or (),
        ignore=ignore or (),
        data={"factors": factors, "by": by, "size": size and (size, size)},
        pairs=pairs,
        map={"n_components": components, "random_state": seed},
    )
    check_writable(out)
    data = declared.read_data(declaration, skip_bad=skip_bad, say=print)
    fitted = declared.fit(
        declaration, data, force=force, say=print, checkpoint=checkpoint, resume=resume
    )
    fitted.map.save(out)
    print(f"\nThe map is in {out}. Measuring it on what was held out ...")
    evidence = declared.prove(
        fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen
    )
    written = declared.write_report(
        report or out.with_name(f"{out.stem}-report"),
        evidence,
        fitted.map,
        declaration,
        rules=fitted.rules,
        force=force,
    )
    _tell_proof(evidence, written[0])


@command(
    "transform",
    _MAP,
    _DATA,
    Argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="Where to: .npy, .csv or .parquet by its ending.",
    ),
    _SKIP_BAD,
    _NETWORK,
)
def _transform(map_file: Path, data: Path, out: Path, skip_bad: bool, network: str | None) -> None:
    """Map samples, in their order, a block at a time; as many as there are."""
    from drlim.datasets import blocks, write_points
    from drlim.declaration import declaration_of, open_map
    from drlim.declaration._read import how_to_read

    map_ = open_map(map_file, network)
    stream = blocks(data, skip_bad=skip_bad, say=print, **how_to_read(declaration_of(map_), data))
    n = write_points(out, ((map_.transform(X), names) for X, names in stream), map_.n_components)
    print(f"{n:,} points written to {out}")


@command(
    "report",
    _MAP,
    _DATA,
    Argument("-o", "--out", type=Path, help="Folder. [default: MAP-report]"),
    _FACTORS,
    _SKIP_BAD,
    _NETWORK,
)
def _report(
    map_file: Path,
    data: Path,
    out: Path | None,
    factors: Path | None,
    skip_bad: bool,
    network: str | None,
) -> None:
    """Prove, on data that was not trained on, what the map ignores and what it keeps.

    Samples that the map was trained on are recognised and left out.
    """
    from drlim import declaration as declared

    map_ = declared.open_map(map_file, network)
    declaration = declared.declaration_of(map_, needed=True)
    samples = declared.read_data(declaration, data, factors=factors, skip_bad=skip_bad, say=print)
    evidence = declared.prove(map_, declaration, samples)
    folder = out or map_file.with_name(f"{map_file.stem}-report")
    _tell_proof(evidence, declared.write_report(folder, evidence, map_, declaration)[0])


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no integer >= 1")
    return int(text)


@command(
    "neighbors",
    _MAP,
    _DATA,
    Argument(
        "query",
        metavar="query",
        help="What to look for: the name or row of a sample of DATA, or other data (an image, "
        "a folder, an array).",
    ),
    Argument(
        "-n",
        metavar="<int>",
        type=_positive,
        default=5,
        help="How many. [default: %(default)s; x>=1]",
    ),
    _SKIP_BAD,
    _NETWORK,
)
def _neighbors(
    map_file: Path, data: Path, query: str, n: int, skip_bad: bool, network: str | None
) -> None:
    """Find the known samples that lie nearest to a new one in the map, with their distances."""
    from drlim.declaration import declaration_of, nearest, open_map, read_data

    map_ = open_map(map_file, network)
    declaration = declaration_of(map_)
    known = read_data(declaration, data, skip_bad=skip_bad, say=print)
    asked = read_data(declaration, Path(query)) if Path(query).exists() else query
    print(f"{'sample':<32} {'nearest':<32} distance (margins)")
    for found in nearest(map_, known, asked, n):
        print(f"{found.sample:<32} {found.neighbor:<32} {found.distance / map_.margin:.4f}")


@command(
    "verify",
    _MAP,
    _DATA,
    Argument(
        "--same",
        help="The factor that says who is the same. [default: the kept class, or 'class']",
    ),
    Argument(
        "--false-accept-rate",
        type=float,
        default=0.01,
        help="The share of different pairs that may pass as the same. [default: %(default)s]",
    ),
    Argument("--pair", nargs=2, help="Two samples of DATA, by name or row: are they the same?"),
    _FACTORS,
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
    skip_bad: bool,
    network: str | None,
) -> None:
    """Same or different? Choose a threshold on data not trained on, and say what it is worth."""
    from drlim import declaration as declared

    map_ = declared.open_map(map_file, network)
    declaration = declared.declaration_of(map_)
    samples = declared.read_data(declaration, data, factors=factors, skip_bad=skip_bad, say=print)
    told = declared.verify(map_, declaration, samples, false_accept_rate, same=same, pair=pair)
    for line in told.lines():
        print(line)


def _tell_proof(evidence: Any, page: Path) -> None:
    print(f"\n{evidence.proof}\n\n{page} shows it")


@command(
    "export",
    Argument("map_file", metavar="MAP", type=Path, help="A map, such as map.drlim."),
    Argument("-o", "--out", type=Path, help="The file. [default: MAP.onnx]"),
    _NETWORK,
)
def _export(map_file: Path, out: Path | None, network: str | None) -> None:
    """Write a map as ONNX, checked against the map in onnxruntime."""
    from drlim.declaration import open_map
    from drlim.exporting import export

    exported = export(open_map(map_file, network), out or map_file.with_suffix(".onnx"))
    print(exported)


COMMANDS = {
    each.name: each
    for each in (_reproduce, _fit, _transform, _report, _neighbors, _verify, _export)
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
    """Run the command line; what the user got wrong ends with one message and exit code 2."""
    try:
        _run(sys.argv[1:])
        sys.stdout.flush()
    except DrlimError as error:
        print(f"drlim: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("drlim: interrupted; what was unfinished was not written", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Who read what is printed has closed it, as `head` does: nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
