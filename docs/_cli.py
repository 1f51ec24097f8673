"""Write ``cli.md``, the page of the command line, from the commands themselves: ``make cli``."""

from __future__ import annotations

from pathlib import Path

from drlim._commands import WIDTH
from drlim.cli import COMMANDS, overview

PATH = Path(__file__).with_name("cli.md")

_OPENING = """\
# The command line

The help of each command. [Ignore and keep](declare.md) describes declarations. The exit code is 0
on success; 2 after an error, with one message that names the value given, the rule and the remedy;
130 after Ctrl-C. `make cli` regenerates this page.
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
