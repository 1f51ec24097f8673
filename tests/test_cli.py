"""The command line: it answers at once, and what the user got wrong ends with one message."""

import contextlib
import inspect
import io
import json
import os
import pathlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from bad_input.rows import missing_from

from drlim import __version__, cli
from drlim._progress import search_progress
from drlim.cli import COMMANDS, overview
from drlim.declaration import Declaration

pytestmark = pytest.mark.usefixtures("few_trees")


def drlim(*arguments, **environment):
    """Run the command in a process of its own, as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "drlim", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "COLUMNS": "100", **environment},
        check=False,
    )


def in_folder(folder, *arguments):
    """Run the command in a folder and in this process, which has loaded torch."""
    from drlim.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["drlim", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def test_help_lists_the_commands_and_the_experiments():
    assert "reproduce" in drlim("--help").stdout
    listed = drlim("reproduce", "--help").stdout
    for name in ("loss", "springs", "mnist", "--quick", "--seed", "--out", "--download"):
        assert name in listed


def test_help_loads_nothing_heavy():
    heavy = {"torch", "sklearn", "pydantic", "matplotlib", "numpy", "scipy", "rich", "typer"}
    code = (
        "import sys, drlim.cli\n"
        "sys.argv = ['drlim', '--help']\n"
        "drlim.cli.main()\n"
        f"print('heavy:', *{heavy} & sys.modules.keys())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1].strip() == "heavy:"


def test_the_version_is_that_of_the_package():
    import drlim as package

    assert drlim("--version").stdout.strip() == f"drlim {package.__version__}"


def test_a_run_ends_with_its_claims_and_the_paths_of_what_it_wrote(tmp_path):
    done = in_folder(tmp_path, "reproduce", "loss", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "6 of 6 hold" in done.stdout
    assert str(tmp_path / "run" / "report.html") in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_a_map_is_exported_and_the_largest_difference_is_printed(tmp_path):
    pytest.importorskip("onnxruntime")
    kept = pathlib.Path(__file__).parent / "data" / "format-1-table.drlim"
    done = in_folder(tmp_path, "export", kept, "-o", tmp_path / "map.onnx")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(
        r".*map\.onnx: 512 samples agree .* to \d\.\de-\d\d .*", done.stdout.strip()
    )
    assert not done.stderr
    assert (tmp_path / "map.onnx").is_file()


def test_a_wrong_command_ends_with_a_message_and_exit_code_2():
    # What else a command refuses stands in the tables of bad_input.
    done = drlim("redo")
    assert done.returncode == 2
    assert done.stderr.startswith("drlim: ")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_no_arguments_show_the_help_where_errors_go_and_end_with_2():
    done = drlim()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == drlim("--help").stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_command_and_each_of_its_arguments(name):
    assert f"\n  {name} " in overview()
    done = drlim(name, "--help")
    assert done.returncode == 0
    assert COMMANDS[name].paragraphs()[0] in " ".join(done.stdout.split())
    for argument in COMMANDS[name].arguments:
        option = argument.names[0].startswith("-")
        shown = ", ".join(argument.names) if option else argument.settings["metavar"]
        assert re.search(rf"^  {shown}( |$)", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_arguments_of_a_command_are_the_parameters_of_its_function(name):
    command = COMMANDS[name]
    needed = [a for a in command.arguments if a.settings.get("required")]
    by_place = [a for a in command.arguments if not a.names[0].startswith("-")]
    words = [f"{a.names[-1]}=0" for a in needed] + ["0"] * len(by_place)
    assert list(command.read(words)) == list(inspect.signature(command.function).parameters)


def test_the_commands_that_make_and_use_a_map_stand_before_the_papers_experiments():
    assert next(iter(COMMANDS)) == "fit"
    assert list(COMMANDS)[-1] == "reproduce"


def test_what_stands_for_a_value_is_in_capitals():
    for command in COMMANDS.values():
        for argument in command.arguments:
            if argument.settings.get("action") not in ("store_true", "store_const"):
                assert argument.settings["metavar"].isupper()


def test_a_size_is_one_number_or_height_by_width():
    read = COMMANDS["fit"].read
    assert read(["images", "--size", "64"])["size"] == (64, 64)
    assert read(["images", "--size", "48x64"])["size"] == (48, 64)
    assert read(["images"])["size"] is None


def test_the_defaults_in_the_help_of_fit_are_those_of_the_estimator():
    from drlim import DrLIM, _plan

    by_purpose = (
        DrLIM().n_components,
        _plan.COMPONENTS_FOR_NUMBERS,
        _plan.COMPONENTS_FOR_CLASSES,
    )
    assert DrLIM().max_epochs is None
    said = " ".join(COMMANDS["fit"].page().split())
    for option, default in (
        ("components", "{} to look at, {} for numbers, {} for classes".format(*by_purpose)),
        ("loss", DrLIM().loss),
        ("epochs", "by the number of samples"),
    ):
        row = said.partition(f"--{option} ")[2]
        assert row.partition("[default: ")[2].startswith(f"{default}]")


@pytest.mark.parametrize("width", [40, 60, 96, 200])
def test_help_is_no_wider_than_the_terminal(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    for page in (overview(), *(command.page() for command in COMMANDS.values())):
        assert max(map(len, page.splitlines())) <= min(width, 96)


def test_every_default_is_in_the_help():
    for command in COMMANDS.values():
        said = " ".join(command.page().split())
        for argument in command.arguments:
            if "default" in argument.settings:
                assert f"[default: {argument.settings['default']}" in said


def test_what_follows_an_option_is_its_value_whatever_it_begins_with():
    read = COMMANDS["fit"].read
    assert read(["X.npy", "--seed", "-1", "-o", "-x"])["seed"] == -1
    assert read(["X.npy", "--keep", "--out", "--keep", "-"])["keep"] == ["--out", "-"]
    assert read(["-o", "-x.drlim", "--", "-X.npy"])["out"] == pathlib.Path("-x.drlim")
    assert read(["-ox", "--", "-X.npy"])["declaration"] == pathlib.Path("-X.npy")
    assert read(["--by=a=b", "X.npy", "--skip-bad"])["by"] == "a=b"


def test_the_old_name_of_an_option_works_for_a_release_and_says_so(capsys):
    assert COMMANDS["fit"].read(["X.npy", "--anyway"])["force"] is True
    assert "--force" in capsys.readouterr().err
    assert COMMANDS["fit"].read(["X.npy"])["force"] is False
    assert "--anyway" not in COMMANDS["fit"].page()


def test_an_option_stands_before_between_or_after_what_goes_by_its_place():
    read = COMMANDS["neighbors"].read
    expected = read(["--skip-bad", "-n", "3", "map", "data", "7"])
    assert expected["n"] == 3
    assert read(["map", "--skip-bad", "data", "-n3", "7"]) == expected
    assert read(["map", "data", "7", "-n=3", "--skip-bad"]) == expected


def test_a_reader_that_stops_reading_is_not_an_error():
    code = "import sys, drlim.cli; sys.argv = ['drlim', '--help']; input(); drlim.cli.main()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(b"\n")
    assert (process.returncode, said) == (1, b"")


@pytest.mark.fault("C7")
@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_what_a_stream_cannot_encode_is_escaped_and_the_command_goes_on(encoding, monkeypatch):
    streams = {name: io.TextIOWrapper(io.BytesIO(), encoding) for name in ("stdout", "stderr")}
    for name, stream in streams.items():
        monkeypatch.setattr(sys, name, stream)
    monkeypatch.setattr(cli, "overview", lambda: "R\u00b2 \u2013\n")  # no page of help has them
    for words, name in ((["--help"], "stdout"), (["caf\u00e9"], "stderr")):
        monkeypatch.setattr(sys, "argv", ["drlim", *words])
        with contextlib.suppress(SystemExit):
            cli.main()
        streams[name].flush()
    assert streams["stdout"].buffer.getvalue().startswith(b"R")
    assert b"caf" in streams["stderr"].buffer.getvalue()


@pytest.mark.fault("C7")
def test_a_command_without_any_standard_stream_still_ends_well(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["drlim", "--version"])
    cli.main()
    with search_progress("search") as progress:
        progress(0.5)


def test_altered_data_ends_with_a_message_that_names_the_file(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    for stem in ("train", "t10k"):
        for kind in ("images-idx3", "labels-idx1"):
            (tmp_path / "mnist" / f"{stem}-{kind}-ubyte").write_bytes(b"not MNIST")
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path))
    done = in_folder(tmp_path, "reproduce", "mnist", "--quick", "--out", tmp_path / "run")
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


# A map by declaration, from the first command to the last.


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with data, a declaration, a network, a map learnt from them, and its report."""
    folder = tmp_path_factory.mktemp("project")
    rng = np.random.default_rng(0)
    lamp, pose, _ = (v.ravel() for v in np.meshgrid(range(2), range(4), range(15)))
    X = np.stack([pose + 0.1 * rng.normal(size=120), 2.0 * lamp], axis=1)
    np.save(folder / "X.npy", X)
    np.save(folder / "new.npy", X + 0.01)
    names = [f"s{i}" for i in range(120)]
    rows = [
        f"{n},{a!r},{b!r},p{p},l{q}"
        for n, (a, b), p, q in zip(names, X.tolist(), pose, lamp, strict=True)
    ]
    (folder / "T.csv").write_text("name,u,v,pose,lamp\n" + "\n".join(rows))
    # The same under other names, with other noise: nothing of it was trained on.
    moved = [row.replace(",", "x,", 1).replace(".", ".0", 1) for row in rows]
    (folder / "new.csv").write_text("name,u,v,pose,lamp\n" + "\n".join(moved))
    (folder / "net.py").write_text(
        "from torch import nn\n"
        "def build(shape, n, width):\n"
        "    return nn.Sequential(nn.Linear(shape[0], width), nn.Linear(width, n))\n"
    )
    (folder / "d.toml").write_text(
        "keep = ['pose']\nignore = ['lamp']\n"
        "[data]\npath = 'T.csv'\nby = 'name'\ncolumns = ['u', 'v']\n"
        "[held_out]\nshare = 0.4\n"
        "[map]\nmax_epochs = 5\nnetwork = {builder = 'net:build', width = 3}\n"
    )
    done = drlim("fit", folder / "d.toml", "-o", folder / "map.drlim")
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


OWN = ("--network", "net:build")


def in_project(project, *arguments):
    return in_folder(project[0], *arguments)


def test_fit_shows_what_it_found_and_writes_a_map_and_its_report(project):
    folder, said = project
    assert "120 x 2 float64" in said
    assert "72 to learn from, 48 held out" in said
    assert "by: near in pose" in said
    assert re.search(r"\d+\.\d% of them cross lamp, which is ignored", said)
    assert "keeps pose: balanced accuracy" in said
    assert "What cannot be concluded:" in said
    assert (folder / "map-report" / "report.html").is_file()
    assert f"The report is {folder / 'map-report' / 'report.html'}" in said


def the_map(folder, monkeypatch):
    from drlim.declaration import open_map

    monkeypatch.chdir(folder)
    return open_map(folder / "map.drlim", "net:build")


@pytest.mark.parametrize("ending", ["npy", "csv", "parquet"])
def test_transform_writes_the_points_in_the_order_of_the_samples(ending, project, monkeypatch):
    from drlim.datasets import read_table

    folder, _ = project
    done = in_project(project, "transform", "map.drlim", "T.csv", "-o", f"Z.{ending}", *OWN)
    assert done.returncode == 0, done.stderr
    assert f"120 points written to Z.{ending}" in done.stdout
    Z = the_map(folder, monkeypatch).transform(np.load(folder / "X.npy"))
    if ending == "npy":
        np.testing.assert_array_equal(np.load(folder / "Z.npy"), Z)
    else:
        table = read_table(folder / f"Z.{ending}")
        assert table["name"].tolist() == [f"s{i}" for i in range(120)]
        np.testing.assert_allclose(np.stack([table["map1"], table["map2"]], axis=1), Z, rtol=1e-6)


@pytest.mark.fault("B2")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_table_is_read_by_the_names_that_the_map_knows(ending, project, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder, _ = project
    X = np.load(folder / "X.npy")
    columns = {"extra": np.arange(120), "v": X[:, 1], "name": np.arange(120), "u": X[:, 0]}
    if ending == "csv":
        rows = zip(*(values.tolist() for values in columns.values()), strict=True)
        lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
        (folder / "other.csv").write_text("\n".join(lines))
    else:
        pq.write_table(pa.table(columns), folder / "other.parquet")
    done = in_project(project, "transform", "map.drlim", f"other.{ending}", "-o", "Z.npy", *OWN)
    assert done.returncode == 0, done.stderr
    assert "2 features: u, v; not features: extra" in done.stdout
    map_ = the_map(folder, monkeypatch)
    assert list(map_.feature_names_in_) == ["u", "v"]
    np.testing.assert_array_equal(np.load(folder / "Z.npy"), map_.transform(X))


@pytest.mark.fault("B2")
@pytest.mark.parametrize("command", ["transform", "report", "verify", "neighbors"])
def test_a_table_without_a_feature_of_the_map_is_refused_by_name(command, project):
    folder, _ = project
    (folder / "renamed.csv").write_text("name,pose,lamp,U,v\na,p0,l0,1,2\nb,p1,l1,2,3\n")
    rest = {"transform": ("-o", "Z.npy"), "neighbors": ("0",)}.get(command, ())
    done = in_project(project, command, "map.drlim", "renamed.csv", *rest, *OWN)
    assert done.returncode == 2
    assert "'u'" in done.stderr
    assert "U" in done.stderr


@pytest.mark.fault("D")
@pytest.mark.parametrize("command", ["transform", "report", "verify", "neighbors"])
def test_how_a_csv_file_is_written_is_said_to_every_command_that_reads_data(command, project):
    folder, _ = project
    content = (folder / "new.csv").read_text().replace(",", "~").replace(".", ",")
    (folder / "odd.csv").write_bytes(content.replace("p0", "pé").encode("cp1252"))
    rest = {"transform": ("-o", "Z.npy"), "neighbors": ("0",), "report": ("-o", "odd")}
    form = ("--delimiter", "~", "--decimal", ",", "--encoding", "cp1252")
    words = (command, "map.drlim", "odd.csv", *rest.get(command, ()), *OWN)
    assert in_project(project, *words).returncode == 2
    done = in_project(project, *words, *form)
    assert done.returncode == 0, done.stderr
    content = "\n".join(content.splitlines()[1:])
    (folder / "odd.csv").write_bytes(content.encode())
    # Without names the features that the map was learnt from are missing.
    done = in_project(project, *words, *form[:4], "--no-header")
    assert done.returncode == 2
    assert "column1" in done.stderr


@pytest.mark.fault("D")
@pytest.mark.parametrize("command", ["report", "verify"])
def test_select_keeps_the_samples_that_a_table_lists(command, project):
    folder, _ = project
    rows = (folder / "new.csv").read_text().splitlines()
    (folder / "more.csv").write_text(
        "\n".join(["name,shift", *(f"{r.split(',')[0]},1" for r in rows[1:101])])
    )
    words = (command, "map.drlim", "new.csv", "--factors", "more.csv", *OWN)
    done = in_project(project, *words)
    assert done.returncode == 2
    assert "--select" in done.stderr
    done = in_project(project, *words, "--select")
    assert done.returncode == 0, done.stderr
    assert "does not list 20 samples" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("report", "map.drlim", "new.csv", "--select"),
        ("verify", "map.drlim", "new.csv", "--select"),
        ("report", "map.drlim", "new.csv", "--max-pixels", "9"),
        ("transform", "map.drlim", "new.csv", "-o", "z.npy", "--max-pixels", "9"),
        ("neighbors", "map.drlim", "new.csv", "0", "--max-pixels", "9"),
        ("transform", "map.drlim", "new.npy", "-o", "z.npy", "--delimiter", ";"),
        ("fit", "new.npy", "--keep", "neighbors:5", "--no-header"),
    ],
)
def test_an_option_of_reading_that_does_not_apply_to_the_data_is_refused(words, project):
    folder, _ = project
    np.save(folder / "new.npy", np.zeros((20, 2)))
    done = in_project(project, *words)
    assert done.returncode == 2
    option = next(word for word in words if word.startswith("--") and word != "--keep")
    assert option in done.stderr
    assert not (folder / "z.npy").exists()


def test_report_proves_a_map_on_what_it_was_not_trained_on(project):
    folder, _ = project
    done = in_project(project, "report", "map.drlim", "T.csv", "-o", "proof", *OWN)
    assert done.returncode == 0, done.stderr
    assert "72 of the samples were left out: the map was trained on them" in done.stdout
    assert "keeps pose" in done.stdout
    assert (folder / "proof" / "report.html").is_file()


def test_a_report_on_new_data_shows_the_known_samples_that_the_map_learnt_from(project):
    known = ("report", "map.drlim", "new.csv", "--known", "T.csv", "-o", "beside", *OWN)
    done = in_project(project, *known)
    assert done.returncode == 0, done.stderr
    page = (project[0] / "beside" / "report.html").read_text("utf-8")
    assert "the learnt ones nearest to each" in page
    assert "Is the map worth learning to recognise pose?" in done.stdout
    strange = in_project(project, *known[:4], "new.csv", "-o", "odd", *OWN)
    assert (strange.returncode, "--known" in strange.stderr) == (2, True)


def test_the_data_of_a_declaration_is_known_however_its_path_is_written(project):
    folder, _ = project
    declared = Declaration.read(folder / "d.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "sub").mkdir(exist_ok=True)
        for path in ("T.csv", "sub/../T.csv", folder / "T.csv"):
            assert declared.is_of(pathlib.Path(path))
    assert not declared.is_of(folder / "new.csv")
    assert not Declaration().is_of(folder / "T.csv")


@pytest.mark.parametrize("query", ["s7", "7"])
def test_neighbors_of_a_known_sample_are_listed_with_their_distances(query, project):
    done = in_project(project, "neighbors", "map.drlim", "T.csv", query, "-n", "3", *OWN)
    assert done.returncode == 0, done.stderr
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == ["sample", "nearest", "distance", "(margins)"]
    assert [line.split()[0] for line in lines] == ["s7"] * 3
    distances = [float(line.split()[2]) for line in lines]
    assert distances == sorted(distances)
    assert all("s7" != line.split()[1] for line in lines)


@pytest.mark.fault("C12")
def test_a_query_is_a_known_sample_before_it_is_a_path(project):
    (project[0] / "s7").mkdir(exist_ok=True)
    (project[0] / "7").write_text("not data")
    for query in ("s7", "7"):
        done = in_project(project, "neighbors", "map.drlim", "T.csv", query, "-n", "1", *OWN)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[1].split()[0] == "s7"


@pytest.mark.fault("C12")
@pytest.mark.parametrize("query", ["\u00b2", "-1", " 1", "1_0", "120"])
def test_a_query_that_is_neither_a_name_nor_a_row_ends_with_one_line(query, project):
    done = in_project(project, "neighbors", "map.drlim", "T.csv", query, *OWN)
    assert done.returncode == 2
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("drlim: ")]
    assert repr(query) in error
    assert "Traceback" not in done.stderr


def test_neighbors_of_a_file_are_of_each_of_its_samples(project):
    done = in_project(project, "neighbors", "map.drlim", "T.csv", "new.csv", "-n", "1", *OWN)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [line[0] for line in lines] == [f"s{i}x" for i in range(120)]


def test_neighbors_are_shown_on_a_page_and_said_to_be_unusual_or_not(project):
    near = ("neighbors", "map.drlim", "T.csv", "new.csv", "--html", "near.html", *OWN)
    done = in_project(project, *near)
    assert done.returncode == 0, done.stderr
    assert "held-out samples" in done.stderr
    assert "The page is near.html" in done.stderr
    page = (project[0] / "near.html").read_text("utf-8")
    assert "120 samples, each with the 5 nearest" in page or "of 120 samples" in page
    assert "pose p0" in page
    refused = in_project(project, *near[:4], "--html", "T.csv", *OWN)
    assert (refused.returncode, "T.csv" in refused.stderr) == (2, True)


def test_verify_chooses_a_threshold_and_answers_a_pair(project):
    asked = ("--false-accept-rate", "0.1", "--pair", "s0", "s119", *OWN)
    done = in_project(project, "verify", "map.drlim", "T.csv", *asked)
    assert done.returncode == 0, done.stderr
    assert "48 samples of 4 classes of pose" in done.stdout
    assert "72 of the samples were left out: the map was trained on them" in done.stdout
    assert "(wanted: 10.00%)" in done.stdout
    assert re.search(r"s0 and s119: different, \d", done.stdout)


def test_short_options_declare_without_a_file(project):
    folder, _ = project
    pose = [f"{i % 4},{i // 60}" for i in range(120)]
    (folder / "f.csv").write_text("turn,lamp\n" + "\n".join(pose))
    options = ("--keep", "turn:1:4", "--ignore", "noise:0:0.1", "--factors", "f.csv")
    learning = ("--components", "1", "--epochs", "1", "--loss", "logistic", "--seed", "3")
    more = ("--network", "linear", "-o", "short.drlim", "--report", "short")
    done = in_project(project, "fit", "X.npy", *options, *learning, *more)
    assert done.returncode == 0, done.stderr
    assert "near in turn (step 1, period 4)" in done.stdout
    numbers = json.loads((folder / "short" / "proof.json").read_text())
    assert numbers["declaration"]["map"] == {
        "n_components": 1,
        "network": "linear",
        "loss": "logistic",
        "max_epochs": 1,
        "random_state": 3,
    }
    assert numbers["declaration"]["ignore"] == [{"transform": "noise", "range": [0, 0.1]}]


def test_a_network_of_the_users_own_is_named_on_the_command_line(project):
    folder, _ = project
    (folder / "wide.py").write_text(
        "from torch import nn\ndef build(shape, n): return nn.Linear(shape[0], n)\n"
    )
    own = ("--network", "wide:build")
    options = ("--keep", "neighbors:3", "--epochs", "1", "-o", "wide.drlim")
    done = in_project(project, "fit", "X.npy", *options, *own)
    assert done.returncode == 0, done.stderr
    done = in_project(project, "transform", "wide.drlim", "X.npy", "-o", "W.npy", *own)
    assert done.returncode == 0, done.stderr
    assert np.load(folder / "W.npy").shape == (120, 2)


# In a project; what a command refuses without one stands in the tables of bad_input.
MISUSED = {
    "no data": (["fit", "none.npy", "--keep", "a"], "data.path", "none.npy"),
    "an unknown key": (["fit", "bad.toml"], "bad.toml", "line 3", "data.pth"),
    "an unknown factor": (["fit", "T.csv", "--keep", "poze"], "keep[0]", "'poze'", "'pose'"),
    "nowhere to write": (["fit", "d.toml", "-o", "none/map.drlim"], "none/map.drlim"),
    "no builder": (["report", "map.drlim", "new.csv", "-o", "r"], "--network"),
    "no module": (
        ["transform", "map.drlim", "T.csv", "-o", "Z.npy", "--network", "nat:build"],
        "'nat:build'",
    ),
    "another ending": (["transform", "map.drlim", "T.csv", "-o", "Z.txt", *OWN], "'.txt'"),
    "other features": (["transform", "map.drlim", "f3.csv", "-o", "Z.npy", *OWN], "f3.csv", "'v'"),
    "no neighbour": (["neighbors", "map.drlim", "T.csv", "s777", *OWN], "'s777'"),
    "no such pair": (["verify", "map.drlim", "T.csv", "--pair", "s0", "s777", *OWN], "'s777'"),
    "no such factor": (["verify", "map.drlim", "T.csv", "--same", "who", *OWN], "'who'"),
    "no factors": (["report", "map.drlim", "bare.csv", *OWN], "'pose'"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_a_misuse_of_a_map_ends_with_one_line_and_exit_code_2(case, project):
    folder, _ = project
    (folder / "bad.toml").write_text("keep = ['pose']\n[data]\npth = 'T.csv'\n")
    (folder / "f3.csv").write_text("name,u,w\na,1,2\nb,3,4\n")
    (folder / "bare.csv").write_text("name,u,v\na,1,2\nb,3,4\n")
    arguments, *tokens = MISUSED[case]
    done = in_project(project, *arguments)
    assert done.returncode == 2, done.stdout
    assert not missing_from(done.stderr, tokens), done.stderr
    # Before it may stand how a table was read, where the output itself is a table.
    *notes, last = done.stderr.splitlines()
    assert last.startswith("drlim: ")
    assert not any(note.startswith("drlim: ") for note in notes)
    assert not (folder / "Z.txt").exists()


def test_a_map_learnt_without_a_declaration_is_used_and_not_reported_on(tmp_path):
    from drlim import DrLIM

    X = np.random.default_rng(0).normal(size=(20, 3))
    np.save(tmp_path / "X.npy", X)
    map_ = DrLIM(max_epochs=1, network="linear", random_state=0).fit(X)
    map_.save(tmp_path / "map.drlim")
    done = in_project([tmp_path], "transform", "map.drlim", "X.npy", "-o", "Z.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.load(tmp_path / "Z.npy"), map_.transform(X))
    done = in_project([tmp_path], "report", "map.drlim", "X.npy")
    assert done.returncode == 2
    assert "declaration" in done.stderr


@pytest.mark.parametrize("command", ["fit", "transform", "report", "neighbors", "verify"])
def test_the_help_of_a_command_answers_at_once(command):
    code = (
        "import sys, drlim.cli\n"
        f"sys.argv = ['drlim', {command!r}, '--help']\n"
        "try: drlim.cli.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'sklearn', 'matplotlib', 'numpy', 'rich', 'typer'}\n"
        "print('heavy:', *heavy & sys.modules.keys())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "Usage" in answer.stdout
    assert "--skip-bad" in answer.stdout
    assert answer.stdout.splitlines()[-1].strip() == "heavy:"


def without(package, monkeypatch):
    """Make a package of reports absent, and forget the modules that have loaded it."""
    holders = (package, "drlim.plotting", "drlim.reporting", "drlim.declaration._report")
    for name in list(sys.modules):
        if any(name == held or name.startswith(f"{held}.") for held in holders):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("drlim.plotting", raising=False)  # `from drlim import` looks here first
    monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.fault("C8")
@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_what_a_report_needs_is_asked_for_before_the_training(package, project, monkeypatch):
    without(package, monkeypatch)
    done = in_project(project, "fit", "d.toml", "-o", f"no-{package}.drlim")
    assert done.returncode == 2
    assert package in done.stderr
    assert "Data:" not in done.stdout
    assert not (project[0] / f"no-{package}.drlim").exists()


@pytest.mark.fault("C8")
@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_proof_is_printed_where_its_report_cannot_be_drawn(package, project, monkeypatch):
    without(package, monkeypatch)
    done = in_project(project, "report", "map.drlim", "new.csv", "-o", f"no-{package}", *OWN)
    assert done.returncode == 2
    assert "The proof" in done.stdout
    assert package in done.stderr
    assert f"drlim[{'plot' if package == 'matplotlib' else 'report'}]" in done.stderr


def test_python_m_drlim_is_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["drlim", "--version"])
    with contextlib.suppress(SystemExit):
        runpy.run_module("drlim", run_name="__main__")
    assert __version__ in capsys.readouterr().out
