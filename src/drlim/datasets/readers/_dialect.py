"""The form of a CSV file: encoding, delimiter, decimal sign and header, given or seen.

What can be read in one way only is read and noted; what could be read in two is an error that
names the option.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drlim._errors import FileError, InputError

_BYTES, _MOST_BYTES, _ROWS = 1 << 20, 1 << 27, 200  # of the part that is looked at

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_NUMBER = re.compile(r"[+-]?\d+,(\d+)([eE][+-]?\d+)?")
_POINT_NUMBER = re.compile(r"[+-]?[\d,]*\.\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class TableForm:
    """How a CSV file is written; None where the file itself shows it."""

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and (
            not isinstance(self.delimiter, str) or len(self.delimiter) != 1
        ):
            raise InputError(
                f"delimiter is {self.delimiter!r}; it must be one character, such as ';'",
                argument="delimiter",
            )
        if self.decimal not in (None, ".", ","):
            raise InputError(
                f"decimal is {self.decimal!r}; it must be '.' or ','", argument="decimal"
            )
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except (LookupError, TypeError):
                raise InputError(
                    f"encoding is {self.encoding!r}, which Python does not know; such as 'utf-8', "
                    "'latin-1', 'cp1252' or 'utf-16'",
                    argument="encoding",
                ) from None


AS_SHOWN = TableForm()


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is read: `skipped` lines, and then rows with these columns."""

    encoding: str
    delimiter: str
    decimal: str
    names: list[str]
    skipped: int
    notes: tuple[str, ...]
    doubts: tuple[str, ...]


def dialect_of(path: Path, form: TableForm) -> Dialect:
    """Look at the beginning of a CSV file."""
    notes: list[str] = []
    content, is_whole = _beginning(path)
    encoding = form.encoding or _encoding(content)
    if encoding.startswith("utf-16"):
        notes.append("its encoding is UTF-16")
    text = _decoded(path, content, encoding)
    lines = text.splitlines()
    skipped = 0
    delimiter = form.delimiter
    if lines and re.fullmatch(r'"?sep=.?"?', lines[0].strip(), re.IGNORECASE):
        sign = lines[0].strip().strip('"')[4:] or "\t"
        delimiter, skipped = delimiter or sign, 1
    n_comments = _comments(lines[skipped:])
    if n_comments:
        notes.append(f"skipped {n_comments} comment lines before the names of columns")
        skipped += n_comments
    while skipped < len(lines) and not lines[skipped].strip():
        skipped += 1
    rest = "".join(text.splitlines(keepends=True)[skipped:])
    if delimiter is None:
        delimiter = _delimiter(path, rest, is_whole)
    if delimiter != ",":
        notes.append(f"its columns are separated by {_DELIMITERS.get(delimiter, repr(delimiter))}")
    names, rows, n_lines = _rows(rest, delimiter, is_whole)
    decimal = form.decimal or _decimal(path, delimiter, rows)
    if decimal == ",":
        notes.append("its decimal sign is a comma")
    doubts: list[str] = []
    if form.header is False:
        names = [f"column{j + 1}" for j in range(len(names))]
    else:
        skipped += n_lines
        if form.header is None:
            doubts += _looks_like_numbers(names, decimal)
        names = _complete(path, names, rows)
    return Dialect(encoding, delimiter, decimal, names, skipped, tuple(notes), tuple(doubts))


def _beginning(path: Path) -> tuple[bytes, bool]:
    """Return the first bytes of a file, some lines at least, and whether these are all."""
    with path.open("rb") as file:
        content = file.read(_BYTES)
        while content.count(b"\n") + content.count(b"\r") < 3 and len(content) < _MOST_BYTES:
            more = file.read(_BYTES)
            if not more:
                return content, True
            content += more
        return content, not file.read(1)


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if content.startswith(codecs.BOM_UTF8) else "utf-8"


def _decoded(path: Path, content: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        around = content[max(0, error.start - 10) : error.start + 10].decode("latin-1")
        shown = around.splitlines()[0] if around.splitlines() else around
        raise FileError(
            f"{path} cannot be read as {encoding}: line {line} has other bytes (as Latin-1 it "
            f"reads {shown!r}); give its encoding, such as encoding='latin-1' (--encoding latin-1)"
        ) from None


def is_comment(line: str) -> bool:
    """Tell whether a line of a CSV file is a comment, if it is no row of values."""
    return line.lstrip().startswith("#")


def _comments(lines: Sequence[str]) -> int:
    """Return how many lines at the beginning are comments, and not the names of columns."""
    n = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    if not n:
        return 0
    # "# x, y" above numbers names the columns; above other names, it is a comment.
    counts = {d: (lines[n - 1].count(d), lines[n].count(d)) for d in _DELIMITERS}
    names_columns = any(above == below > 0 for above, below in counts.values())
    fields = re.split(r"[,;\t|]", lines[n])
    is_number = any(_NUMBER.fullmatch(field.strip()) for field in fields)
    return n - 1 if names_columns and is_number else n


def _delimiter(path: Path, text: str, is_whole: bool) -> str:
    fitting = {}
    for sign in _DELIMITERS:
        names, rows, _ = _rows(text, sign, is_whole)
        widths = {len(row) for row in rows if row}
        fitting[sign] = len(names) > 1 and widths <= {len(names), len(names) + 1}
        if sign == "," and len(names) > 1 and (not rows or fitting[sign]):
            return sign
    others = [sign for sign in _DELIMITERS if sign != "," and fitting[sign]]
    if len(others) > 1:
        raise InputError(
            f"{path} could be separated by {' or by '.join(_DELIMITERS[sign] for sign in others)}; "
            "give the delimiter, such as delimiter=';' (--delimiter ';')",
            argument="delimiter",
        )
    return others[0] if others else ","


def _rows(text: str, delimiter: str, is_whole: bool) -> tuple[list[str], list[list[str]], int]:
    """Return the first row, some of the others, and how many lines the first one takes."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    first = next(reader, [])
    n_lines = reader.line_num
    rows = [row for row, _ in zip(reader, range(_ROWS), strict=False)]
    if not is_whole and len(rows) < _ROWS:  # the last one may be cut
        rows = rows[:-1]
    rows = [row for row in rows if row and not (is_comment(row[0]) and len(row) < len(first))]
    return first, rows, n_lines


def _decimal(path: Path, delimiter: str, rows: Sequence[Sequence[str]]) -> str:
    if delimiter == ",":
        return "."
    fields = [field.strip() for row in rows for field in row if "," in field or "." in field]
    commas = [match for match in map(_COMMA_NUMBER.fullmatch, fields) if match]
    if not commas or any(_POINT_NUMBER.fullmatch(field) for field in fields):
        return "."
    if all(len(match[1]) == 3 and not match[0].lstrip("+-").startswith("0") for match in commas):
        raise InputError(
            f"{path} has numbers such as {commas[0][0]!r}, in which the comma may be a decimal "
            "sign or group thousands; give decimal=',' (--decimal ,), or write them without it",
            argument="decimal",
        )
    return ","


def _looks_like_numbers(names: Sequence[str], decimal: str) -> list[str]:
    """Return a line if the first line looks like a sample; spectra are named by numbers too."""
    numbers = [name for name in names if _NUMBER.fullmatch(name.strip().replace(decimal, "."))]
    if 2 * len(numbers) < len(names) or not numbers:
        return []
    shown = ", ".join(numbers[:3]) + (", ..." if len(numbers) > 3 else "")
    return [
        f"its first line looks like numbers ({shown}) and was taken as the names of its columns; "
        "if it is a sample, give header=False (--no-header); if it is right, header=True"
    ]


def _complete(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a name for each column, of which one may end each row with a comma."""
    widths = {len(row) for row in rows}
    if widths == {len(names) + 1}:
        if any(row[-1] for row in rows):
            raise FileError(
                f"{path} names {len(names)} columns in its first line, and its rows have "
                f"{len(names) + 1} values; name the first column too, if it holds the names of "
                "rows"
            )
        names = [*names, ""]
    return [name if name.strip() else f"Unnamed: {j}" for j, name in enumerate(names)]
