"""Commands of the command line: a function, its arguments and its help.

Words are read by argparse, with three differences: an option takes the next word as its value
even if it begins with "-", help has its own layout, and errors are drlim's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from drlim._deprecated import renamed
from drlim._errors import InputError, nearest_name

WIDTH = 96  # of help at most: longer lines are hard to read

Table = Sequence[tuple[str, str]]


class Argument:
    """An argument or option of a command: names and settings of argparse's ``add_argument``.

    `old_name` is the option's name in the last release, which still works and warns. `group` is
    the parameter of the function that is a dict of this and other options, by their names.
    """

    def __init__(
        self, *names: str, old_name: str | None = None, group: str | None = None, **settings: Any
    ) -> None:
        self.names, self.old_name, self.group, self.settings = names, old_name, group, settings


_HELP = Argument("--help", action="help", help="Show this message and exit.")


class Command(NamedTuple):
    """A function: its docstring is the help of the command, its parameters are the arguments."""

    name: str
    function: Callable[..., None]
    arguments: tuple[Argument, ...]
    lists: Mapping[str, Table]

    def run(self, words: Sequence[str]) -> None:
        """Run the command with the words that follow its name."""
        self.function(**self.read(words))

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the parameters of the function for these words."""
        parser = _Parser(self)
        given = vars(parser.parse_args(parser.bound(words)))
        values: dict[str, Any] = {}
        for argument, action in zip(self.arguments, parser.actions, strict=False):
            into = values if argument.group is None else values.setdefault(argument.group, {})
            into[action.dest] = given[action.dest]
        return values

    def page(self, width: int | None = None) -> str:
        """Return the page of help; without a width, as wide as the terminal."""
        return _Parser(self).format_help(width)

    def paragraphs(self) -> list[str]:
        """Return the paragraphs of the docstring; the first is a summary."""
        return [" ".join(each.split()) for each in (self.function.__doc__ or "").split("\n\n")]


def command(
    name: str, *arguments: Argument, lists: Mapping[str, Table] | None = None
) -> Callable[[Callable[..., None]], Command]:
    """Make a function a command; `lists` are further tables of its help, by their titles."""
    return lambda function: Command(name, function, arguments, lists or {})


def help_page(
    usage: str, paragraphs: Iterable[str], tables: Mapping[str, Table], width: int | None = None
) -> str:
    """Return a page of help: the usage, paragraphs of text, and tables."""
    width = width or min(shutil.get_terminal_size().columns, WIDTH)
    parts = [_filled(f"Usage: {usage}", "", " " * 7, width)]
    parts += [_filled(paragraph, "  ", "  ", width) for paragraph in paragraphs]
    for title, rows in tables.items():
        if rows:
            parts.append("\n".join([f"{title}:", *_columns(rows, width)]))
    return "\n\n".join(parts) + "\n"


def _columns(rows: Table, width: int) -> Iterable[str]:
    indent = min(max(len(name) for name, _ in rows) + 4, width // 2)
    for name, text in rows:
        start = f"  {name}"
        if len(start) + 2 > indent:  # too long for the first column
            yield start
            start = ""
        yield _filled(text, start.ljust(indent), " " * indent, width)


def _filled(text: str, first: str, others: str, width: int) -> str:
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=first,
        subsequent_indent=others,
        break_on_hyphens=False,
        break_long_words=False,
    )


class _Parser(argparse.ArgumentParser):
    def __init__(self, command: Command) -> None:
        super().__init__(f"drlim {command.name}", add_help=False, allow_abbrev=False)
        self.command = command
        self.actions = [
            self.add_argument(*argument.names, **argument.settings)
            for argument in (*command.arguments, _HELP)
        ]
        self.renamed = {
            each.old_name: each.names[-1] for each in command.arguments if each.old_name
        }

    def bound(self, words: Iterable[str]) -> list[str]:
        """Write each option as ``--name=value``, and refuse unknown ones."""
        options = {name: action for action in self.actions for name in action.option_strings}
        bound: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":  # only positional arguments follow
                return [*bound, word, *rest]
            name = word.partition("=")[0] if word.startswith("--") else word[:2]
            if name in self.renamed:
                print(f"drlim: {renamed(name, self.renamed[name])}", file=sys.stderr)
                word = self.renamed[name] + word.removeprefix(name)
                name = self.renamed[name]
            if name.startswith("-") and name != "-" and name not in options:
                raise InputError(
                    f"{self.command.name} has no option {name!r}; {nearest_name(name, options)}"
                )
            takes_one = word in options and options[word].nargs is None
            value = next(rest, None) if takes_one else None
            bound.append(word if value is None else f"{word}={value}")
        return bound

    def format_help(self, width: int | None = None) -> str:
        positional = [action for action in self.actions if not action.option_strings]
        options = [action for action in self.actions if action.option_strings]
        return help_page(
            " ".join([self.prog, "[OPTIONS]", *(_placed(action) for action in positional)]),
            self.command.paragraphs(),
            {
                **self.command.lists,
                "Arguments": [_row(action) for action in positional],
                "Options": [_row(action) for action in options],
            },
            width,
        )

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see {self.prog} --help")


def _placed(action: argparse.Action) -> str:
    """Return an argument as it stands in the usage."""
    return f"[{action.metavar}]" if action.nargs == "?" else str(action.metavar)


def _row(action: argparse.Action) -> tuple[str, str]:
    name = ", ".join(action.option_strings) or str(action.metavar)
    n_values = 1 if action.nargs in (None, "?") else int(action.nargs)  # a flag has none
    values = [str(action.metavar)] * n_values if action.option_strings else []
    text = str(action.help) % {"default": action.default}
    return " ".join([name, *values]), text + " [required]" * action.required
