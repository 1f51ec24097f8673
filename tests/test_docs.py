"""The laws of the documentation: what it shows runs, what it links to is there, nothing is lost."""

import importlib
import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path
from unittest.mock import MagicMock

import pytest

import drlim
from drlim.cli import COMMANDS
from drlim.experiments import EXPERIMENTS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = ("_build", "_pages", "gallery", "generated")  # when the documentation is built

PAGES = [
    page for page in sorted(DOCS.rglob("*.md")) if not set(MADE) & {p.name for p in page.parents}
]
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks_of(path):
    """Return each code block of a page: its language, and its text."""
    return re.findall(r"^```(.*?)\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


BLOCKS = [
    pytest.param(language, text, id=f"{name_of(path)}-{n}")
    for path in TEXTS
    for n, (language, text) in enumerate(blocks_of(path))
]


def of(*languages):
    return [block for block in BLOCKS if block.values[0] in languages]


def commands_in(text):
    """Return the words of each command of a block: a line that begins with a program's name."""
    for line in text.replace("\\\n", " ").splitlines():
        program = line.partition(" ")[0].removeprefix(".venv/bin/")
        if program in ("drlim", "make", "python", "pip"):
            yield [program, *shlex.split(line, comments=True)[1:]]


def parse(command, arguments):
    """Read a command line of drlim as drlim would, without running it."""
    if arguments[0].startswith("-"):
        assert arguments in (["--help"], ["--version"])
        return
    assert arguments[0] in COMMANDS, f"there is no drlim {arguments[0]}"
    given = COMMANDS[arguments[0]].read(arguments[1:])
    if arguments[0] == "reproduce":
        assert given["name"] in [*EXPERIMENTS, "all"]


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_block_is_of_a_kind_that_is_tried(path):
    kinds = {language.partition(" ")[0] for language, _ in blocks_of(path)}
    assert kinds <= {"python", "toml", "", "text", "{toctree}", "{include}", "{eval-rst}", "{raw}"}


@pytest.mark.parametrize(("language", "text"), of("python"))
def test_every_python_block_runs(language, text, monkeypatch):
    if text.startswith(">>> "):  # as a doctest of its page, which a blank line must end
        assert text.endswith("\n\n")
        return
    # A module of the reader's own, which may need another: a stand-in is enough to run it.
    for name in re.findall(r"^from (my_\w+) import", text, re.MULTILINE):
        monkeypatch.setitem(sys.modules, name, MagicMock())
    exec(compile(text, "a block of the documentation", "exec"), {})


@pytest.mark.parametrize(("language", "text"), of("toml"))
def test_every_toml_block_is_a_declaration(language, text):
    drlim.Declaration(**tomllib.loads(text))


@pytest.mark.parametrize(("language", "text"), of(""))
def test_every_command_that_is_shown_can_be_given(language, text):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for program, *arguments in commands_in(text):
        if program == "drlim":
            parse(program, arguments)
        elif program == "make":
            assert arguments[0] in targets
        elif program == "pip":
            named = re.fullmatch(r"(?:drlim|\.)(?:\[(.*)\])?", arguments[-1])
            assert named, f"{arguments[-1]} is not drlim"
            assert set((named[1] or "report").split(",")) <= extras.keys()
        else:
            assert arguments[0] == "-m"
            assert importlib.util.find_spec(arguments[1]), arguments[1]


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_command_in_a_sentence_is_there(path):
    prose = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for target in re.findall(r"`make (\w+)[^`]*`", prose):
        assert target in targets
    for said in re.findall(r"`drlim (\w[^`]*)`", prose):
        name, *rest = shlex.split(said)
        known = {option for argument in COMMANDS[name].arguments for option in argument.names}
        assert {word for word in rest if re.match(r"-+[a-z]", word)} <= known | {"--help"}


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_link_between_pages_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"\w+://", target):
            continue
        there = (path.parent / target.partition("#")[0]).resolve()
        if there.parent.name == "gallery":  # made of the examples, when the documentation is built
            there = (ROOT / "examples" / there.name).with_suffix(".py")
        assert there.exists(), target


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_fraction_has_braces_without_which_it_becomes_another(path):
    assert not re.findall(r"\\[dt]?frac(?!\{).*", path.read_text())


BINARY = (".drlim", ".png", ".pyc", ".webp")


def test_the_documentation_is_whole_without_a_network():
    made_of = [DOCS / "conf.py", *DOCS.glob("_*/**/*.*"), *PAGES]
    texts = {
        path: path.read_text()
        for path in made_of
        if not set(MADE) & set(path.parts) and path.suffix not in BINARY
    }
    assert DOCS / "_static" / "custom.css" in texts
    for path, text in texts.items():
        assert not re.search(r"mathjax|<script|<img|url\(|@import", text), name_of(path)


def test_every_page_is_in_a_table_of_contents():
    listed = {DOCS / "index.md"}
    for page in PAGES:
        for language, text in blocks_of(page):
            if language == "{toctree}":
                entries = [line for line in text.split() if not line.startswith(":")]
                listed |= {(page.parent / f"{entry}.md").resolve() for entry in entries}
    assert set(PAGES) <= listed


def reference():
    text = (DOCS / "reference" / "index.md").read_text()
    return re.findall(r"^   (drlim[\w.]+)$", text, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(set(drlim.__all__) - {"__version__"}))
def test_every_public_name_is_in_the_reference(name):
    assert f"drlim.{name}" in reference()


def test_every_public_module_is_in_the_reference_and_each_entry_is_there():
    modules = {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "src" / "drlim").rglob("*.py")
        if not any(part.startswith("_") for part in path.with_suffix("").parts[-2:-1])
        and (path.stem == "__init__" or not path.stem.startswith("_"))
    } - {"drlim"}
    # A module with an empty __all__ offers its names elsewhere.
    modules = {name for name in modules if getattr(importlib.import_module(name), "__all__", True)}
    assert modules <= set(reference())
    assert len(reference()) == len(set(reference()))
    for entry in reference():
        module, _, name = entry.rpartition(".")
        assert hasattr(importlib.import_module(module), name) or importlib.import_module(entry)


def test_the_cli_page_is_what_the_commands_say():
    spec = importlib.util.spec_from_file_location("_cli", DOCS / "_cli.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PATH.read_text() == module.page(), "stale: make cli writes it anew"


def contributing(heading):
    """Return the text of CONTRIBUTING.md from a heading of the second level to the next."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def rows_of(text):
    """Return the cells of each row of the tables in a text."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith("| ...")
    ]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


SOURCE = ROOT / "src" / "drlim"
MAP, _, PLACES = contributing("Where things are").partition("\n### ")


def test_the_map_of_the_source_names_what_is_there():
    named = {path for row in rows_of(MAP) for path in quoted(row[0])}
    assert {path for path in named if not (SOURCE / path).exists()} == set()
    top = {
        path.name + "/" * path.is_dir()
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert top - named == {"__init__.py", "_version.py"}


@pytest.mark.parametrize("row", rows_of(PLACES), ids=lambda row: row[0])
def test_what_is_looked_for_is_where_the_table_says(row):
    _, places, names = row
    paths = [SOURCE / path for path in quoted(places)]
    assert paths
    assert [path for path in paths if not path.exists()] == []
    files = [file for path in paths for file in ([path] if path.is_file() else path.glob("*.py"))]
    text = "\n".join(file.read_text() for file in files)
    for name in quoted(names):
        assert re.search(rf"^ *(def|class) {name}\b|^{name}\b.* = ", text, re.MULTILINE), name


def test_each_word_has_one_meaning():
    words = [word for row in rows_of(contributing("Words"))[1:] for word in row[0].split(", ")]
    assert len(words) == len(set(words)) > 20
