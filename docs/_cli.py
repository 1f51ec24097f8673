"""Write ``cli.md``, the page of the command line, from the commands themselves: ``make cli``."""

from __future__ import annotations

from pathlib import Path

from drlim._commands import WIDTH
from drlim.cli import COMMANDS, overview

PATH = Path(__file__).with_name("cli.md")

_OPENING = """\
# The command line

What the commands say of themselves. [Ignore and keep](declare.md) says what a declaration holds.
A command ends with 0, or with 2 and one message that names what was given, the rule and the
remedy; one that was stopped (Ctrl-C) ends with 130. `make cli` writes this page anew.
"""


def page() -> str:
    """Return the page: the help of ``drlim`` and of each command, as a wide terminal shows it."""
    parts = [_OPENING, _block(overview(WIDTH))]
    for name, command in COMMANDS.items():
        parts += [f"## drlim {name}\n", _block(command.page(WIDTH))]
    return "\n".join(parts)


def _block(text: str) -> str:
    return f"```text\n{text}```\n"


if __name__ == "__main__":
    PATH.write_text(page())
