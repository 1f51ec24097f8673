"""The command line: it answers at once, and what the user got wrong ends with one message."""

import os
import pathlib
import re
import subprocess
import sys

import pytest


def drlim(*arguments, **environment):
    """Run the command in a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "drlim.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "100", **environment},
        check=False,
    )


def test_help_lists_the_commands_and_the_experiments():
    assert "reproduce" in drlim("--help").stdout
    listed = drlim("reproduce", "--help").stdout
    for name in ("loss", "springs", "mnist", "--quick", "--seed", "--out", "--download"):
        assert name in listed


def test_help_loads_nothing_heavy():
    code = (
        "import sys, drlim.cli\n"
        "print([name for name in ('torch', 'sklearn', 'pydantic', 'matplotlib', 'numpy', 'rich')"
        " if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_the_version_is_that_of_the_package():
    import drlim as package

    assert drlim("--version").stdout.strip() == f"drlim {package.__version__}"


def test_a_run_ends_with_its_claims_and_the_paths_of_what_it_wrote(tmp_path):
    done = drlim("reproduce", "loss", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 hold" in done.stdout
    assert str(tmp_path / "run" / "report.html") in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_a_map_is_exported_and_the_largest_difference_is_said(tmp_path):
    pytest.importorskip("onnxruntime")
    kept = pathlib.Path(__file__).parent / "data" / "format-1-table.drlim"
    done = drlim("export", kept, "-o", tmp_path / "map.onnx")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r".*map\.onnx: 512 samples agree .* to \d\.\de-\d\d .*", done.stdout.strip()
    )
    assert not done.stderr
    assert (tmp_path / "map.onnx").is_file()


WRONG = [
    (["export", "missing.drlim"], "missing.drlim cannot be read"),
    (["export", __file__], "is not a map written by drlim"),
    (["export"], "MAP"),
    (["reproduce", "spring"], "did you mean 'springs'"),
    (["reproduce", "loss", "--seed", "-1"], "seed"),
    (["reproduce", "loss", "--seed", "one"], "seed"),
    (["reproduce", "loss", "--out", "/dev/null/run"], "--out"),
    (["reproduce"], "name"),
    (["reproduce", "loss", "--fast"], "--fast"),
    (["redo"], "redo"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[" ".join(case[0]) for case in WRONG])
def test_a_wrong_command_ends_with_a_message_and_exit_code_2(arguments, says):
    done = drlim(*arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_altered_data_ends_with_a_message_that_names_the_file(tmp_path):
    (tmp_path / "mnist").mkdir()
    for stem in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (tmp_path / "mnist" / f"{stem}-{kind}-ubyte").write_bytes(b"not MNIST")
    done = drlim(
        "reproduce", "mnist", "--quick", "--out", tmp_path / "run", DRLIM_DATA=str(tmp_path)
    )
    assert done.returncode == 2
    assert "train-images-idx3-ubyte" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_interrupt_ends_quietly_and_leaves_no_run(tmp_path):
    code = (
        "import drlim.experiments._springs as springs, drlim.cli, sys\n"
        "def interrupt(*a, **k): raise KeyboardInterrupt\n"
        "springs.relax = interrupt\n"
        f"sys.argv = ['drlim', 'reproduce', 'springs', '--out', {str(tmp_path / 'run')!r}]\n"
        "drlim.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
