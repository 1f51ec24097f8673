"""The laws of checkpoints: no training is lost, and resuming changes no bit."""

import os
import pathlib
import resource
import subprocess
import sys

import numpy as np
import pytest
from samples import X
from torch import nn

from drlim import DrLIM, FileError, InputError, SimilarityGraph, load
from drlim.checkpoints import Checkpoint
from drlim.training import Callback


def dropping(sample_shape, n_components):
    """A network that draws numbers of its own while it learns."""
    return nn.Sequential(nn.Dropout(0.2), nn.Linear(*sample_shape, n_components))


SETTINGS = {"network": dropping, "max_epochs": 8, "batch_size": 16, "random_state": 3}


class Interrupt(Callback):
    """Ends the process's training as Ctrl-C would, after some epoch."""

    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, history):
        if len(history) == self.after:
            raise KeyboardInterrupt


class Patience(Callback):
    """Ends the training after some epochs of its own count, which a checkpoint must hold."""

    def __init__(self, epochs):
        self.epochs, self.seen = epochs, 0

    def on_epoch_end(self, history):
        self.seen += 1
        return self.seen >= self.epochs

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


def interrupted(folder, after, **changed):
    callbacks = (*changed.pop("callbacks", ()), Interrupt(after))
    with pytest.raises(KeyboardInterrupt):
        DrLIM(**{**SETTINGS, **changed}, callbacks=callbacks).fit(X, checkpoint=folder)


def assert_same(map_, other):
    assert [e.loss for e in map_.history_] == [e.loss for e in other.history_]
    np.testing.assert_array_equal(map_.embedding_, other.embedding_)


@pytest.fixture(scope="module")
def undisturbed():
    return DrLIM(**SETTINGS).fit(X)


@pytest.mark.parametrize("after", [1, 2, 5, 8])
def test_an_interrupted_training_ends_with_the_same_map_to_the_bit(
    after, undisturbed, tmp_path, untouched_globals
):
    interrupted(tmp_path, after)
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True), undisturbed)


def test_a_training_can_be_interrupted_again_and_again(undisturbed, tmp_path):
    interrupted(tmp_path, 2)
    for after in (3, 6):
        map_ = DrLIM(**SETTINGS, callbacks=[Interrupt(after)])
        with pytest.raises(KeyboardInterrupt):
            map_.fit(X, checkpoint=tmp_path, resume=True)
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True), undisturbed)


def test_a_training_whose_length_is_chosen_resumes_with_what_was_chosen(tmp_path):
    settings, labels = {"random_state": 5}, X[:, 0] > 0
    whole = DrLIM(**settings).fit(X, labels)
    assert whole.chosen_.share < 1
    assert len(whole.history_) > 2
    with pytest.raises(KeyboardInterrupt):
        DrLIM(**settings, callbacks=[Interrupt(2)]).fit(X, labels, checkpoint=tmp_path)
    resumed = DrLIM(**settings).fit(X, labels, checkpoint=tmp_path, resume=True)
    assert_same(resumed, whole)
    assert resumed.chosen_ == whole.chosen_


def test_checkpoints_change_nothing(undisturbed, tmp_path):
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path), undisturbed)
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint-0.drlim",
        "checkpoint-1.drlim",
        "lock",
    }


def test_a_finished_training_is_returned_without_another_epoch(undisturbed, tmp_path):
    DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path)
    again = DrLIM(**SETTINGS, callbacks=[Interrupt(1), Interrupt(8)])
    assert_same(again.fit(X, checkpoint=tmp_path, resume=True), undisturbed)


def test_resuming_in_an_empty_folder_begins(undisturbed, tmp_path):
    folder = tmp_path / "new" / "folder"
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=folder, resume=True), undisturbed)


def test_an_unseeded_training_resumes_with_its_own_random_numbers(tmp_path):
    interrupted(tmp_path, 4, random_state=None)
    maps = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for path in tmp_path.glob("*.drlim"):
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
        map_ = DrLIM(**{**SETTINGS, "random_state": None})
        maps.append(map_.fit(X, checkpoint=tmp_path / name, resume=True))
    assert_same(*maps)


def test_checkpoints_are_written_every_few_epochs_or_minutes(tmp_path, undisturbed):
    for k, checkpoint in enumerate(
        [
            Checkpoint(tmp_path / "0", every_epochs=3),
            Checkpoint(tmp_path / "1", every_epochs=None, every_minutes=1e9),
            Checkpoint(tmp_path / "2", every_epochs=None, every_minutes=1e-9),
        ]
    ):
        interrupted(checkpoint, 5)
        n_kept = len(list((tmp_path / str(k)).glob("*.drlim")))
        assert n_kept == (1, 0, 2)[k]
        assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=checkpoint, resume=True), undisturbed)


def test_a_callback_resumes_with_its_state(tmp_path):
    alone = DrLIM(**SETTINGS, callbacks=[Patience(6)]).fit(X)
    assert len(alone.history_) == 6
    interrupted(tmp_path, 4, callbacks=[Patience(6)])
    resumed = DrLIM(**SETTINGS, callbacks=[Patience(6)])
    assert_same(resumed.fit(X, checkpoint=tmp_path, resume=True), alone)
    assert_same(
        DrLIM(**SETTINGS, callbacks=[Patience(6)]).fit(X, checkpoint=tmp_path, resume=True), alone
    )
    with pytest.raises(InputError, match=r"callbacks \['Patience'\].*\[\]"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True)


CHAIN = SimilarityGraph.from_edges([(k, k + 1) for k in range(59)], 60)


@pytest.mark.parametrize(
    ("parameters", "fit", "difference"),
    [
        ({"learning_rate": 0.1}, {}, "learning_rate was None and is 0.1"),
        ({"max_epochs": 9}, {}, "max_epochs was 8 and is 9"),
        ({"random_state": 4}, {}, "random_state was 3 and is 4"),
        ({"network": "mlp"}, {}, "network"),
        ({"augment": lambda X, rng: X}, {}, "augment was None"),
        ({}, {"X": X + 1e-12}, "other samples"),
        ({}, {"X": X.astype(np.float32)}, "other samples"),
        ({}, {"graph": CHAIN}, "other graph"),
        ({}, {"weight": True}, "weight"),
    ],
)
def test_another_training_is_not_resumed(parameters, fit, difference, tmp_path):
    interrupted(tmp_path, 2)
    arguments = {"X": X, **fit}
    if "weight" in arguments:
        arguments["weight"] = np.ones(DrLIM(max_epochs=0).fit(X).graph_.n_edges)
    with pytest.raises(InputError, match=difference):
        DrLIM(**{**SETTINGS, **parameters}).fit(**arguments, checkpoint=tmp_path, resume=True)


def test_a_checkpoint_of_another_version_is_refused(tmp_path, monkeypatch):
    interrupted(tmp_path, 2)
    # The checkpoint of another version; its file is signed, so it cannot be edited.
    monkeypatch.setattr("drlim._version.__version__", "9.9")
    with pytest.raises(InputError, match=r"drlim .*'9\.9'"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True)


def test_an_unfinished_training_is_not_written_over(tmp_path, undisturbed):
    interrupted(tmp_path, 3)
    with pytest.raises(InputError, match=r"epoch 2.*resume=True"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path)
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True), undisturbed)
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path), undisturbed)  # a finished one is


def test_a_damaged_newest_checkpoint_leaves_the_one_before(tmp_path, undisturbed):
    interrupted(tmp_path, 4)
    newest = max(tmp_path.glob("*.drlim"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes()[:-100])
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True), undisturbed)


def test_a_folder_without_a_good_checkpoint_is_refused(tmp_path):
    (tmp_path / "checkpoint-0.drlim").write_bytes(b"no checkpoint")
    with pytest.raises(FileError, match=r"checkpoint-0.drlim"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True)
    DrLIM(**SETTINGS).fit(X).save(tmp_path / "checkpoint-0.drlim")
    with pytest.raises(FileError, match=r"checkpoint-0.drlim"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True)


def test_a_checkpoint_is_not_a_map(tmp_path):
    interrupted(tmp_path, 2)
    with pytest.raises(FileError, match="'checkpoint'"):
        load(tmp_path / "checkpoint-0.drlim")


# What the machine may do.


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, undisturbed, monkeypatch):
    import drlim.checkpoints as module

    write, written = module.write_map, []

    def full(path, *rest):
        if len(written) == 3:
            limits = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
            try:
                return write(path, *rest)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        written.append(path)
        return write(path, *rest)

    # The disk is full at the fourth checkpoint and not before.
    monkeypatch.setattr(module, "write_map", full)
    with pytest.raises(FileError, match=r"epoch 4.*resume=True"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path)
    monkeypatch.undo()
    assert {path.name for path in tmp_path.iterdir()} == {
        "checkpoint-0.drlim",
        "checkpoint-1.drlim",
        "lock",
    }
    assert_same(DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True), undisturbed)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match=str(tmp_path / "file")):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path / "file")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("drlim.checkpoints.os.open", refuse)
    with pytest.raises(FileError, match="Permission denied"):
        DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path)


def test_two_trainings_cannot_use_one_folder(tmp_path):
    class Second(Callback):
        def on_epoch_end(self, history):
            with pytest.raises(FileError, match=str(os.getpid())):
                DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path, resume=True)
            return True

    DrLIM(**SETTINGS, callbacks=[Second()]).fit(X, checkpoint=tmp_path)
    DrLIM(**SETTINGS).fit(X, checkpoint=tmp_path)  # the lock went with the first


@pytest.mark.parametrize(
    "wrong",
    [
        {"folder": 3},
        {"folder": "a", "every_epochs": 0},
        {"folder": "a", "every_epochs": True},
        {"folder": "a", "every_minutes": -1.0},
        {"folder": "a", "every_minutes": float("nan")},
        {"folder": "a", "every_epochs": None},
    ],
)
def test_wrong_arguments_of_a_checkpoint_are_refused(wrong):
    with pytest.raises(InputError, match=r"folder.* int|every_"):
        Checkpoint(**wrong)


def test_resuming_needs_a_folder():
    with pytest.raises(InputError, match=r"resume=True.*checkpoint="):
        DrLIM(**SETTINGS).fit(X, resume=True)


@pytest.mark.slow
def test_fifty_kills_at_random_moments_change_no_bit(tmp_path):
    script = pathlib.Path(__file__).parent / "killing.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, "50"], capture_output=True, text=True, check=False
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "after 50 kills in all: the same bits" in done.stdout
