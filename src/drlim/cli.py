"""The command line: ``drlim fit`` and what is done with its map, and ``drlim reproduce``.

Nothing heavy is imported until a command needs it, so ``drlim --help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from drlim._errors import DrlimError
from drlim._version import __version__
from drlim.experiments import EXPERIMENTS, reproduce

app = typer.Typer(
    name="drlim",
    help="Learn a small, reusable map from what is similar alone, and prove what it ignores.",
    add_completion=False,
    no_args_is_help=True,
    # Rich is not needed to print help, and takes longer to load than all the rest.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


_INTERRUPTED = 130  # how typer ends a command that Ctrl-C has stopped


def _version(wanted: bool) -> None:
    if wanted:
        print(f"drlim {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


_MapFile = Annotated[Path, typer.Argument(metavar="MAP", help="A map, written by drlim.")]
_DataPath = Annotated[
    Path, typer.Argument(metavar="DATA", help="An array, a table, or a folder of images.")
]
_SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out, and count, files that cannot be read.")
]
_Network = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION", help="The network's builder, where it is one of your own."
    ),
]
_Factors = Annotated[
    Path | None, typer.Option(help="A table of factors of DATA, .csv or .parquet.")
]

_LISTED = "\n\n".join(f"{name}: {summary}" for name, (_, summary) in EXPERIMENTS.items())


@app.command(
    "reproduce",
    help=f"Run an experiment of the paper and write its numbers, figures, report and map.\n\n"
    f"The experiments:\n\n{_LISTED}\n\nall: every one of them, and one report of all.",
)
def _reproduce(
    name: Annotated[str, typer.Argument(help="Which experiment.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to.", show_default="runs/NAME")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides every random number.")] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="A fraction of it, in seconds: no reproduction.")
    ] = False,
    download: Annotated[
        bool, typer.Option("--download", help="Download data that is not on this machine.")
    ] = False,
) -> None:
    reproduce(name, out, seed=seed, quick=quick, download=download)


@app.command("fit")
def _fit(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DECLARATION",
            help="A declaration (.toml), or the data itself: .npy, .npz, .csv, .parquet, .zarr, or "
            "a folder of images.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The map's file.")] = Path("map.drlim"),
    report: Annotated[
        Path | None, typer.Option(help="Folder of the report.", show_default="OUT-report")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            help="What should matter: a factor; FACTOR:STEP or FACTOR:STEP:PERIOD; neighbors:N or "
            "neighbors:N:WITHIN. Can be given several times."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            help="What should not: a factor, or a transformation as NAME or NAME:LOW:HIGH. Can be "
            "given several times."
        ),
    ] = None,
    factors: Annotated[
        Path | None, typer.Option(help="A table of factors, .csv or .parquet.")
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="The column of that table that names the sample.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="A table of pairs: left, right, similar, weight, reason.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Resize images to squares of so many pixels.")
    ] = None,
    components: Annotated[
        int | None, typer.Option(help="Dimensions of the map.", show_default="2")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Decides every random number.", show_default="0")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out, and count, files that cannot be read.")
    ] = False,
    anyway: Annotated[
        bool,
        typer.Option("--anyway", help="Learn even where no invariance can be promised."),
    ] = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Keep the training in this folder after every epoch."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with the training kept in --checkpoint."),
    ] = False,
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
    data = declared.load(declaration, skip_bad=skip_bad, say=print)
    fitted = declared.fit(
        declaration, data, anyway=anyway, say=print, checkpoint=checkpoint, resume=resume
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
        anyway=anyway,
    )
    _tell_proof(evidence, written[0])


@app.command("transform")
def _transform(
    map_file: _MapFile,
    data: _DataPath,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Where to: .npy, .csv or .parquet by its ending.")
    ],
    skip_bad: _SkipBad = False,
    network: _Network = None,
) -> None:
    """Map samples, in their order, a block at a time; as many as there are."""
    from drlim.datasets import blocks, write_points
    from drlim.declaration import declared_by, how_to_read, open_map

    map_ = open_map(map_file, network)
    stream = blocks(data, skip_bad=skip_bad, say=print, **how_to_read(declared_by(map_), data))
    n = write_points(out, ((map_.transform(X), names) for X, names in stream), map_.n_components)
    print(f"{n:,} points written to {out}")


@app.command("report")
def _report(
    map_file: _MapFile,
    data: _DataPath,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder.", show_default="MAP-report")
    ] = None,
    factors: _Factors = None,
    skip_bad: _SkipBad = False,
    network: _Network = None,
) -> None:
    """Prove, on data that was not trained on, what the map ignores and what it keeps.

    Samples that the map was trained on are recognised and left out.
    """
    from drlim import declaration as declared

    map_ = declared.open_map(map_file, network)
    declaration = declared.declared_by(map_, needed=True)
    samples = declared.load(declaration, data, factors=factors, skip_bad=skip_bad, say=print)
    evidence = declared.prove(map_, declaration, samples)
    folder = out or map_file.with_name(f"{map_file.stem}-report")
    _tell_proof(evidence, declared.write_report(folder, evidence, map_, declaration)[0])


@app.command("neighbors")
def _neighbors(
    map_file: _MapFile,
    data: _DataPath,
    query: Annotated[
        str,
        typer.Argument(
            help="What to look for: the name or row of a sample of DATA, or other data (an image, "
            "a folder, an array)."
        ),
    ],
    n: Annotated[int, typer.Option("-n", help="How many.", min=1)] = 5,
    skip_bad: _SkipBad = False,
    network: _Network = None,
) -> None:
    """Find the known samples that lie nearest to a new one in the map, with their distances."""
    from drlim.declaration import declared_by, load, nearest, open_map

    map_ = open_map(map_file, network)
    declaration = declared_by(map_)
    known = load(declaration, data, skip_bad=skip_bad, say=print)
    asked = load(declaration, Path(query)) if Path(query).exists() else query
    print(f"{'sample':<32} {'nearest':<32} distance (margins)")
    for found in nearest(map_, known, asked, n):
        print(f"{found.sample:<32} {found.neighbor:<32} {found.distance / map_.margin:.4f}")


@app.command("verify")
def _verify(
    map_file: _MapFile,
    data: _DataPath,
    same: Annotated[
        str | None,
        typer.Option(
            help="The factor that says who is the same.", show_default="the kept class, or 'class'"
        ),
    ] = None,
    false_accept_rate: Annotated[
        float, typer.Option(help="The share of different pairs that may pass as the same.")
    ] = 0.01,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Two samples of DATA, by name or row: are they the same?"),
    ] = None,
    factors: _Factors = None,
    skip_bad: _SkipBad = False,
    network: _Network = None,
) -> None:
    """Same or different? Choose a threshold on data not trained on, and say what it is worth."""
    from drlim import declaration as declared

    map_ = declared.open_map(map_file, network)
    declaration = declared.declared_by(map_)
    samples = declared.load(declaration, data, factors=factors, skip_bad=skip_bad, say=print)
    told = declared.verify(map_, declaration, samples, false_accept_rate, same=same, pair=pair)
    for line in told.lines():
        print(line)


def _tell_proof(evidence: Any, page: Path) -> None:
    print()
    for line in evidence.proof.lines():
        print(f"  {line}")
    print(f"\nThe proof {'holds' if evidence.proof.holds else 'does not hold'}; it cannot tell:")
    for sentence in evidence.proof.cannot:
        print(f"  - {sentence}")
    print(f"\n{page} shows it")


@app.command("export", help="Write a map as ONNX, checked against the map in onnxruntime.")
def _export(
    map_file: Annotated[Path, typer.Argument(metavar="MAP", help="A map, such as map.drlim.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file.", show_default="MAP.onnx")
    ] = None,
    network: _Network = None,
) -> None:
    from drlim.declaration import open_map
    from drlim.exporting import export

    exported = export(open_map(map_file, network), out or map_file.with_suffix(".onnx"))
    print(exported)


def main() -> None:
    """Run the command line; what the user got wrong ends with one message and exit code 2."""
    try:
        app(prog_name="drlim")
    except DrlimError as error:
        print(f"drlim: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print("drlim: interrupted; what was unfinished was not written", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
