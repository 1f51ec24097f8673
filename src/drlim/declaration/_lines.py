"""The line of each key of a TOML text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class TomlText:
    """A TOML text, and the line of each of its keys.

    Attributes
    ----------
    name : str
        How messages name it: the path of a file.
    content : str
        Empty for what is declared in Python.
    """

    name: str
    content: str = ""

    def where(self, keys: tuple[str | int, ...]) -> str:
        """Return the name, the line, if there is one, and the key, for messages."""
        key = ".".join(f"[{part}]" if isinstance(part, int) else part for part in keys)
        key = key.replace(".[", "[")
        line = self._line(keys)
        parts = (self.name, f"line {line}" if line else "", key)
        return ", ".join(part for part in parts if part)

    def _line(self, keys: tuple[str | int, ...]) -> int | None:
        """Return the line of a key or, if it is not in the text, of the table it belongs to."""
        ends = range(len(keys), 0, -1)
        return next((self._lines[keys[:n]] for n in ends if keys[:n] in self._lines), None)

    @cached_property
    def _lines(self) -> dict[tuple[str | int, ...], int]:
        return _Reader(self.content).found


# A comment, a string of one of four kinds, the end of a line, punctuation, or anything else.
_TOKEN = re.compile(
    r"""\#[^\n]*|\"{3}(?:\\.|.)*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'"""
    r"""|\n|[\[\]{},=.]|[^\s\[\]{},=.#"']+""",
    re.DOTALL,
)


class _Reader:
    """Finds the line of each key and item of a text that is known to be valid TOML.

    tomllib reports no positions.
    """

    def __init__(self, content: str) -> None:
        self.found: dict[tuple[str | int, ...], int] = {}
        self._tokens = [
            (match.group(), content.count("\n", 0, match.start()) + 1)
            for match in _TOKEN.finditer(content)
            if not match.group().startswith("#")
        ]
        self._at = 0
        table: tuple[str | int, ...] = ()
        n_tables: dict[tuple[str | int, ...], int] = {}
        while self._at < len(self._tokens):
            if self._sign == "\n":
                self._at += 1
            elif self._sign == "[":
                line = self._line
                is_item = self._tokens[self._at + 1][0] == "["
                self._at += 1 + is_item
                *outer, last = self._names()
                self._at += 1 + is_item
                table = ()
                for part in outer:  # in the last of an array of tables
                    table = (*table, part)
                    self.found.setdefault(table, line)
                    if table in n_tables:
                        table = (*table, n_tables[table] - 1)
                table = (*table, last)
                self.found.setdefault(table, line)
                if is_item:
                    n_tables[table] = n_tables.get(table, 0) + 1
                    table = (*table, n_tables[table] - 1)
                    self.found[table] = line
            else:
                self._pair(table)

    @property
    def _sign(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else "\n"

    @property
    def _line(self) -> int:
        return self._tokens[self._at][1]

    def _names(self) -> list[str]:
        """Read a key: names, with dots between them."""
        names = []
        while True:
            names.append(self._sign.strip("\"'"))
            self._at += 1
            if self._sign != ".":
                return names
            self._at += 1

    def _pair(self, table: tuple[str | int, ...]) -> None:
        line = self._line
        for name in self._names():
            table = (*table, name)
            self.found.setdefault(table, line)
        self._at += 1  # the =
        self._value(table)

    def _value(self, keys: tuple[str | int, ...]) -> None:
        if self._sign not in "[{":
            while self._sign not in ("\n", ",", "]", "}"):
                self._at += 1
            return
        closing = "]" if self._sign == "[" else "}"
        self._at += 1
        n = 0
        while self._sign != closing:
            if self._sign in ("\n", ","):
                self._at += 1
            elif closing == "}":
                self._pair(keys)
            else:
                self.found[(*keys, n)] = self._line
                self._value((*keys, n))
                n += 1
        self._at += 1
