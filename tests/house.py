"""Measure the source: how large its parts are, and where one ``drlim fit`` leads its reader.

``python tests/house.py`` prints a table. Code lines are neither blank, comment nor docstring.
"""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np

import drlim

SOURCE = Path(drlim.__file__).parent
MOST_LINES_OF_A_FILE, MOST_LINES_OF_A_FUNCTION = 400, 60

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_public(path: Path) -> bool:
    """Tell whether a file is a public module: no part of its name has a leading underscore."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return not any(part.startswith("_") and part != "__init__" for part in parts)


def public_names(tree: ast.Module) -> set[str]:
    """Return the names that a module defines or exports without an underscore."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
            if "__all__" in names and isinstance(node.value, ast.List | ast.Tuple):
                items = (item for item in node.value.elts if isinstance(item, ast.Constant))
                names |= {str(item.value) for item in items}
                names.discard("__all__")
    return {name for name in names if not name.startswith("_")}


def code_lines(text: str, tree: ast.Module) -> tuple[set[int], int]:
    """Return the numbers of a file's code lines, and how many lines have a comment."""
    code: set[int] = set()
    n_comments = 0
    skipped = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            n_comments += 1
        elif token.type not in skipped:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            docstring = node.body[0]
            code -= set(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return code, n_comments


def functions(tree: ast.Module) -> Iterator[Function]:
    """Return every function and method of a file."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def entered_during_a_fit() -> list[str]:
    """Fit a small declared map by the command line; return the files entered, in their order.

    A file is entered when one of its functions is called and the call before was to another.
    """
    from drlim import cli

    entered: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            file = frame.f_code.co_filename
            if file.startswith(str(SOURCE)) and entered[-1:] != [file]:
                entered.append(file)

    rng = np.random.default_rng(0)
    pose, lamp = np.arange(120) % 8, np.arange(120) % 3
    X = rng.normal(size=(120, 6)) + pose[:, None] + 3 * lamp[:, None]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        np.savez("data.npz", X=X, pose=pose, lamp=lamp)
        Path("map.toml").write_text(
            'keep = ["pose"]\nignore = ["lamp", { transform = "noise", range = [0, 0.1] }]\n'
            '[data]\npath = "data.npz"\n[map]\nmax_epochs = 2\n'
        )
        sys.argv = ["drlim", "fit", "map.toml"]
        with contextlib.redirect_stdout(io.StringIO()):
            sys.setprofile(watch)
            try:
                cli.main()
            finally:
                sys.setprofile(None)
    return [str(Path(file).relative_to(SOURCE)) for file in entered]


def measure() -> dict[str, object]:
    """Return what the table says, by its rows."""
    n_names, n_code, n_comments = 0, 0, 0
    long_files, long_functions, without_all = [], [], []
    for path in sorted(SOURCE.rglob("*.py")):
        text = path.read_text("utf-8")
        tree = ast.parse(text)
        name = str(path.relative_to(SOURCE))
        code, comments = code_lines(text, tree)
        n_code, n_comments = n_code + len(code), n_comments + comments
        if is_public(path):
            n_names += len(public_names(tree))
            if "__all__" not in text:
                without_all.append(name)
        if text.count("\n") > MOST_LINES_OF_A_FILE:
            long_files.append(f"{name} ({text.count(chr(10))})")
        for function in functions(tree):
            n = len(code & set(range(function.lineno, (function.end_lineno or 0) + 1)))
            if n > MOST_LINES_OF_A_FUNCTION:
                long_functions.append(f"{name}:{function.name} ({n})")
    entered = entered_during_a_fit()
    steps = set(itertools.pairwise(entered))
    back_and_forth = sorted(f"{a} <-> {b}" for a, b in steps if a < b and (b, a) in steps)
    return {
        "files": len(list(SOURCE.rglob("*.py"))),
        "code lines": n_code,
        "comment lines per code line": f"{n_comments / n_code:.1%}",
        "names without underscore in public modules": n_names,
        "public modules without __all__": without_all,
        f"files over {MOST_LINES_OF_A_FILE} lines": long_files,
        f"functions over {MOST_LINES_OF_A_FUNCTION} code lines": long_functions,
        "files entered during drlim fit": len(set(entered)),
        "pairs of files between which it goes back and forth": back_and_forth,
    }


if __name__ == "__main__":
    for row, value in measure().items():
        if isinstance(value, list):
            print(f"{row}: {len(value)}", *value, sep="\n    ")
        else:
            print(f"{row}: {value}")
