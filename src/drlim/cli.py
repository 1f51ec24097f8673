"""The command line: ``drlim reproduce NAME`` and what else there is.

Nothing heavy is imported until a command needs it, so ``drlim --help`` answers at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

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


@app.command("export", help="Write a map as ONNX, checked against the map in onnxruntime.")
def _export(
    map_file: Annotated[Path, typer.Argument(metavar="MAP", help="A map, such as map.drlim.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The file.", show_default="MAP.onnx")
    ] = None,
) -> None:
    from drlim.estimator import load
    from drlim.exporting import export

    exported = export(load(map_file), out or map_file.with_suffix(".onnx"))
    print(exported)


def main() -> None:
    """Run the command line; what the user got wrong ends with one message and exit code 2."""
    try:
        app()
    except DrlimError as error:
        print(f"drlim: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print("drlim: interrupted; what was unfinished was not written", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
