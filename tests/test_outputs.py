"""No output replaces an input: a command that would is refused before it reads or trains."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from samples import X

from drlim import FileError, InputError, cli, load
from drlim._files import check_output, check_output_folder, whole_folder, write_whole
from drlim.callbacks import MetricsFile, PlotEpochs
from drlim.checkpoints import Checkpoint
from drlim.datasets import Dataset
from drlim.declaration import Declaration, run
from drlim.exporting import export

pytestmark = pytest.mark.fault("B1")
KEPT = Path(__file__).parent / "data" / "format-1-table.drlim"


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """A folder with every kind of input, and the bytes of all of them."""
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    np.savez("x.npz", X=X)
    shutil.copy(KEPT, "m.drlim")
    Path("f.csv").write_text("lamp\n" + "1\n2\n" * 30)
    Path("p.csv").write_text("left,right\n0,1\n")
    Path("d.toml").write_text('pairs = "p.csv"\n[data]\npath = "X.npy"\nfactors = "f.csv"\n')
    Path("photos").mkdir()
    Path("photos/1.png").write_bytes(b"damaged: it must not be read")
    Path("link").symlink_to("X.npy")
    Path("d.link").symlink_to("d.toml")
    os.link("X.npy", "hard")
    Path("f").symlink_to("photos", target_is_directory=True)
    return contents(tmp_path)


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "fit x.npz -o x.npz",
        "fit x.npz -o ./photos/../x.npz",
        "fit X.npy -o link",
        "fit X.npy -o hard",
        "fit link -o X.npy",
        "fit link -o link",
        "fit d.toml -o d.toml",
        "fit d.toml -o d.link",
        "fit d.toml -o X.npy",
        "fit d.toml -o f.csv",
        "fit d.toml -o p.csv",
        "fit X.npy --factors f.csv -o f.csv",
        "fit X.npy --pairs p.csv -o p.csv",
        "fit photos -o photos",
        "fit photos -o photos/1.png",
        "fit photos -o map.drlim --report photos",
        "fit photos -o map.drlim --report photos/report",
        "fit photos -o map.drlim --report f",
        "fit photos -o map.drlim --report f/report",
        "fit photos -o map.drlim --report X.npy",
        "fit photos -o map.drlim --report map.drlim",
        "fit photos -o map.drlim --checkpoint photos",
        "fit photos -o map.drlim --checkpoint photos/../f",
        "transform m.drlim X.npy -o X.npy",
        "transform m.drlim X.npy -o link",
        "transform m.drlim X.npy -o hard",
        "transform m.drlim X.npy -o m.drlim",
        "transform m.drlim photos -o photos/points.csv",
        "transform missing.drlim X.npy -o X.npy",
        "report m.drlim photos -o photos",
        "report m.drlim photos -o f",
        "report m.drlim X.npy --factors f.csv -o f.csv",
        "export m.drlim -o m.drlim",
        "export m.drlim -o ./m.drlim",
        "export m.drlim -o X.drlim",
    ],
)
def test_a_command_refuses_an_output_that_is_an_input(words, inputs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["drlim", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    named = next(word for word in reversed(words.split()) if not word.startswith("-"))
    assert Path(named).name in said.err
    assert "damaged" not in said.err
    assert not said.out
    assert contents(tmp_path) == inputs


@pytest.mark.parametrize("words", ["fit X.npy -o {}", "transform m.drlim X.npy -o {}"])
@pytest.mark.parametrize("name", ["marked.npy", "to-marked.npy", "/dev/null"])
def test_a_read_only_file_and_a_device_are_left_alone(words, name, inputs, monkeypatch, capsys):
    Path("marked.npy").write_bytes(b"mine")
    Path("marked.npy").chmod(0o444)
    Path("to-marked.npy").symlink_to("marked.npy")
    monkeypatch.setattr(sys, "argv", ["drlim", *words.format(name).split()])
    with pytest.raises(SystemExit):
        cli.main()
    assert Path(name).name.removeprefix("to-") in capsys.readouterr().err
    assert Path("marked.npy").read_bytes() == b"mine"
    assert Path("/dev/null").is_char_device()


def test_run_refuses_the_same_from_python(inputs, tmp_path):
    declared = Declaration.read("d.toml")
    small = Dataset(X)
    for outputs in (
        {"out": "d.toml"},
        {"out": "X.npy"},
        {"report": "X.npy"},
        {"checkpoint": Path("p.csv")},
        {"callbacks": [MetricsFile("f.csv")]},
        {"out": "map.drlim", "callbacks": [MetricsFile("map.drlim")]},
    ):
        with pytest.raises((InputError, FileError)):
            run(declared, data=small, **outputs)
    of_photos = Declaration(data={"path": "photos"})
    with pytest.raises(InputError, match="photos"):
        run(of_photos, data=small, callbacks=[PlotEpochs("photos/epochs", X, X[:, 0])])
    assert contents(tmp_path) == inputs


def test_weights_and_the_module_of_a_builder_are_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def build(): ...\n")
    Path("w.safetensors").write_bytes(b"weights")
    network = {"builder": "mine:build", "weights": "w.safetensors"}
    for out in ("mine.py", "w.safetensors"):
        with pytest.raises(InputError, match=out):
            run(Declaration(map={"network": network}), out, data=Dataset(X))
    with pytest.raises(InputError, match=r"mine\.py"):
        run(Declaration(map={"network": "mine:build"}), "mine.py", data=Dataset(X))


def test_a_file_written_through_a_link_leaves_the_link(tmp_path, fitted):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    write_whole(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"
    fitted.save(link)
    assert link.is_symlink()
    assert load(target).n_components == fitted.n_components


def test_save_and_export_respect_read_only(tmp_path, fitted):
    marked = tmp_path / "marked.drlim"
    marked.write_bytes(b"mine")
    marked.chmod(0o400)
    for write in (fitted.save, lambda path: export(fitted, path)):
        with pytest.raises(FileError, match="read-only"):
            write(marked)
    with (
        pytest.raises(FileError, match="read-only"),
        whole_folder(tmp_path, last=marked.name, what="the report") as scratch,
    ):
        (scratch / marked.name).write_text("another")
    assert marked.read_bytes() == b"mine"


def test_other_outputs_are_accepted_and_nothing_is_made(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "X.npy").write_bytes(b"")
    given = [tmp_path / "photos", tmp_path / "X.npy", None, tmp_path / "missing"]
    check_output(tmp_path / "photos.npy", given)
    check_output_folder(tmp_path / "photos-report" / "deep", given)
    check_output_folder(tmp_path, given)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["X.npy", "photos"]
    with pytest.raises(FileError, match="missing"):
        check_output(tmp_path / "missing" / "Z.npy")


def test_a_checkpoint_may_be_resumed_in_its_folder(tmp_path):
    folder = tmp_path / "run"
    declared = Declaration(keep=[{"neighbors": 3}], map={"max_epochs": 1})
    assert Checkpoint(folder).folder == folder
    for resume in (False, True):
        run(declared, tmp_path / "m.drlim", data=Dataset(X), checkpoint=folder, resume=resume)


def test_an_experiment_is_not_written_into_published_data(tmp_path, monkeypatch):
    from drlim.experiments import reproduce

    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))
    for folder in ("data/mnist", "data/norb/run", "cache/mnist"):
        (tmp_path / folder).mkdir(parents=True)
        with pytest.raises(InputError, match=folder.split("/")[1]):
            reproduce("loss", tmp_path / folder, quick=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
