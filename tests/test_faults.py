"""Every fault that was found once has a test, marked with the number of its row."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
# The list of known faults: A the proof, B data, C state, D messages and habits.
ROWS = [
    f"{part}{n}" for part, last in (("A", 12), ("B", 13), ("C", 13)) for n in range(1, last + 1)
]
ROWS.append("D")


def marked_rows():
    """Return the lines with the mark of each row, as ``file:line``."""
    found = {}
    for path in sorted(TESTS.glob("test_*.py")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for row in re.findall(r"\bmark\.fault\(\"(\w+)\"\)", line):
                found.setdefault(row, []).append(f"{path.name}:{number}")
    return found


MARKED = marked_rows()


def test_marks_name_rows_that_there_are():
    assert set(MARKED) <= set(ROWS)
    assert len(ROWS) == 39


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test(row, record_property):
    record_property("tests", MARKED.get(row, []))
    assert row in MARKED, f"no test is marked with fault({row!r})"


def test_the_rows_without_a_test_are_counted(capsys):
    lacking = [row for row in ROWS if row not in MARKED]
    with capsys.disabled():
        print(f"\n{len(ROWS) - len(lacking)} of {len(ROWS)} known faults have a test", end="")
        print(f"; none yet: {', '.join(lacking)}" if lacking else "", end=" ")
    assert not lacking
