"""What a command is: a function, what it takes, what its help says, and how its words are read.

The words are read by argparse. It differs in three things: an option takes the word after it as
its value whatever it begins with, help has a layout of its own, and errors are drlim's.
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

WIDTH = 96  # of help, at most: longer lines are hard to read

Table = Sequence[tuple[str, str]]


class Argument:
    """One thing that a command takes: names and settings, as for argparse's ``add_argument``.

    `old_name` is an option's name of the last release, which still works and warns.
    """

    def __init__(self, *names: str, old_name: str | None = None, **settings: Any) -> None:
        self.names, self.old_name, self.settings = names, old_name, settings


_HELP = Argument("--help", action="help", help="Show this message and exit.")


class Command(NamedTuple):
    """A function, whose docstring is its help and whose parameters are the arguments by name."""

    name: str
    function: Callable[..., None]
    arguments: tuple[Argument, ...]
    lists: Mapping[str, Table]

    def run(self, words: Sequence[str]) -> None:
        """Do what the words after the name of the command ask for."""
        self.function(**self.read(words))

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the parameters that the words give to the function."""
        parser = _Parser(self)
        return vars(parser.parse_args(parser.bound(words)))

    def page(self, width: int | None = None) -> str:
        """Return the page of help; without a width, as wide as the terminal."""
        return _Parser(self).format_help(width)

    def paragraphs(self) -> list[str]:
        """Return what the command says of itself; the first paragraph says it in short."""
        return [" ".join(each.split()) for each in (self.function.__doc__ or "").split("\n\n")]


def command(
    name: str, *arguments: Argument, lists: Mapping[str, Table] | None = None
) -> Callable[[Callable[..., None]], Command]:
    """Make the function below a command; `lists` are tables for its help, by their titles."""
    return lambda function: Command(name, function, arguments, lists or {})


def help_page(
    usage: str, says: Iterable[str], tables: Mapping[str, Table], width: int | None = None
) -> str:
    """Return a page of help: how it is used, what it says of itself, and its tables."""
    width = width or min(shutil.get_terminal_size().columns, WIDTH)
    parts = [_filled(f"Usage: {usage}", "", " " * 7, width)]
    parts += [_filled(paragraph, "  ", "  ", width) for paragraph in says]
    for title, rows in tables.items():
        if rows:
            parts.append("\n".join([f"{title}:", *_columns(rows, width)]))
    return "\n\n".join(parts) + "\n"


def _columns(rows: Table, width: int) -> Iterable[str]:
    indent = min(max(len(name) for name, _ in rows) + 4, width // 2)
    for name, says in rows:
        start = f"  {name}"
        if len(start) + 2 > indent:  # too long to stand beside what is said of it
            yield start
            start = ""
        yield _filled(says, start.ljust(indent), " " * indent, width)


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
        """Bind each option to its value, which may begin with "-"; refuse one that is not known."""
        options = {name: action for action in self.actions for name in action.option_strings}
        bound: list[str] = []
        rest = iter(words)
        for word in rest:
            if word == "--":  # what comes after it is no option
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
        by_place = [action for action in self.actions if not action.option_strings]
        options = [action for action in self.actions if action.option_strings]
        return help_page(
            " ".join([self.prog, "[OPTIONS]", *(str(action.metavar) for action in by_place)]),
            self.command.paragraphs(),
            {
                **self.command.lists,
                "Arguments": [_row(action) for action in by_place],
                "Options": [_row(action) for action in options],
            },
            width,
        )

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; {self.prog} --help says what it takes")


def _row(action: argparse.Action) -> tuple[str, str]:
    kind = action.metavar if action.option_strings else None
    kind = kind or f"<{getattr(action.type or str, '__name__', '').lower()}>"
    values = 1 if action.nargs is None else int(action.nargs)  # a flag takes none
    name = ", ".join(action.option_strings) or str(action.metavar)
    says = str(action.help) % {"default": action.default}
    return " ".join([name, *[str(kind)] * values]), says + " [required]" * action.required
