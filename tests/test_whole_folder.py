"""A folder that is written whole: all of its files are replaced, or none of them."""

import os

import pytest

from drlim import FileError
from drlim._files import whole_folder

NAMES = ["a", "b", "last", "z"]


def write(folder, text, names=NAMES):
    with whole_folder(folder, last="last", what="the report") as scratch:
        for name in names:
            (scratch / name).write_text(text)


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_its_files_take_the_places_of_those_of_their_names_and_leave_the_others(tmp_path):
    (tmp_path / "other").write_text("mine")
    write(tmp_path, "before")
    write(tmp_path, "after", ["a", "last", "new"])
    kept = {"other": "mine", "b": "before", "z": "before"}
    assert contents(tmp_path) == {**kept, **dict.fromkeys(["a", "last", "new"], "after")}


@pytest.fixture(params=["before a move", "after a move"])
def interrupt_at(request, monkeypatch):
    """Let an interrupt arrive at the n-th move of a file."""

    def set_up(n):
        move, moves = os.replace, []

        def interrupted(*paths):
            moves.append(paths)
            if len(moves) != n or request.param == "after a move":
                move(*paths)
            if len(moves) == n:
                raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupted)

    return set_up


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_an_interrupt_while_files_are_moved_leaves_no_new_folder(n, interrupt_at, tmp_path):
    interrupt_at(n)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "folder", "new")
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_an_interrupt_while_files_are_moved_leaves_the_old_folder_as_it_was(
    n, interrupt_at, tmp_path
):
    write(tmp_path, "before", ["a", "b", "last"])
    interrupt_at(n)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, "after")
    assert contents(tmp_path) == dict.fromkeys(["a", "b", "last"], "before")


def test_the_last_file_never_stands_beside_files_of_another_writing(tmp_path, monkeypatch):
    write(tmp_path, "before")
    move = os.replace

    def watched(*paths):
        move(*paths)
        here = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
        assert "last" not in here or len(set(here.values())) == 1

    monkeypatch.setattr(os, "replace", watched)
    write(tmp_path, "after")
    assert contents(tmp_path) == dict.fromkeys(NAMES, "after")


def test_a_folder_in_the_place_of_a_file_stays_and_is_named(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine").write_text("mine")
    with pytest.raises(FileError, match="b is"):
        write(tmp_path, "after")
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert contents(tmp_path / "b") == {"mine": "mine"}


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="file/folder"):
        write(tmp_path / "file" / "folder", "after")
