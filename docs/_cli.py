"""Write ``cli.md``, the page of the command line, from the commands themselves: ``make cli``."""

from __future__ import annotations

from pathlib import Path

from typer.main import get_command
from typer.testing import CliRunner

from drlim.cli import app

PATH = Path(__file__).with_name("cli.md")

_OPENING = """\
# The command line

What the commands say of themselves. [Ignore and keep](declare.md) says what a declaration holds.
A command ends with 0, or with 2 and one message that names what was given, the rule and the
remedy; one that was stopped (Ctrl-C) ends with 130. `make cli` writes this page anew.
"""


def page() -> str:
    """Return the page: the help of ``drlim`` and of each command, as it is printed."""
    commands = get_command(app).commands
    parts = [_OPENING, _help()]
    for name in commands:
        parts += [f"## drlim {name}\n", _help(name)]
    return "\n".join(parts)


def _help(*command: str) -> str:
    # The width of the terminal is no part of the page.
    said = CliRunner().invoke(app, [*command, "--help"], prog_name="drlim", terminal_width=96)
    lines = [line.rstrip() for line in said.output.strip().splitlines()]
    return "\n".join(["```text", *lines, "```", ""])


if __name__ == "__main__":
    PATH.write_text(page())
