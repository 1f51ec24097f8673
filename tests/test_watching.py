"""A training that is watched: the same map, its epochs as they happen, and a replay."""

import contextlib
import json
import re
import sys
import threading

import numpy as np
import pytest
from samples import X

from drlim import Dataset, DrLIM, InputError, cli
from drlim.callbacks import Epoch
from drlim.exploring import Watch
from drlim.exploring._watch import Recording

DATA = Dataset(X, {"side": np.arange(60) % 2}, name="sides")


def learn(*callbacks, max_epochs=6):
    return DrLIM(max_epochs=max_epochs, callbacks=callbacks, random_state=0).fit(X)


def scene_in(folder):
    text = (folder / "scene.js").read_text()
    return json.loads(text.partition("scene = ")[2].removesuffix(";\n"))


def test_a_map_is_the_same_to_the_bit_with_and_without_watching():
    assert np.array_equal(learn(Watch(X, serve=False)).embedding_, learn().embedding_)


def test_the_first_frame_is_the_untrained_network_and_the_last_one_the_map():
    watch = Watch(DATA, serve=False)
    map_ = learn(watch)
    epochs, frames = watch.recording.replay()
    assert np.array_equal(frames[0], map_.untrained().transform(X))
    assert np.array_equal(frames[-1], map_.embedding_)
    assert (epochs[0]["epoch"], epochs[0]["loss"]) == (0, None)
    assert epochs[-1]["epoch"] == 6
    assert epochs[-1]["loss"] == pytest.approx(map_.history_[-1].loss)
    assert len(epochs) == len(frames)


def test_a_second_training_is_recorded_anew():
    watch = Watch(DATA, serve=False)
    learn(watch)
    learn(watch, max_epochs=2)
    assert [epoch["epoch"] for epoch in watch.recording.epochs()] == [1, 2]


def test_a_recording_keeps_its_first_and_last_moments_however_long_it_is():
    recording = Recording()
    recording.add_frame(np.zeros((2, 2), "<f4"), 0)
    for k in range(1, 1000):
        recording.add_frame(np.full((2, 2), k, "<f4"), k)
        recording.add_epoch({"epoch": k, "n_epochs": 999, "loss": 1.0})
    recording.end("done")
    epochs, frames = recording.replay()
    assert len(frames) <= 60
    assert frames[[0, -1], 0, 0].tolist() == [0, 999]
    assert [epoch["epoch"] for epoch in epochs] == frames[:, 0, 0].tolist()
    assert recording.frame(1) is None
    assert recording.frame()[0] == 999


class _SlowTraining:
    """A training in which mapping the shown samples takes half a second."""

    loss = network = device = None
    seconds = 0.0

    def embed(self, samples):
        self.seconds += 0.5
        return np.zeros((len(samples), 2), np.float32)


@pytest.mark.parametrize(("n_watching", "most"), [(0, 0.015), (1, 0.05)])
def test_frames_take_a_small_share_of_the_time(monkeypatch, n_watching, most):
    training, watch, epoch = _SlowTraining(), Watch(DATA, serve=False), Epoch(*[1.0] * 7)
    monkeypatch.setattr("drlim.exploring._watch.perf_counter", lambda: training.seconds)
    watch.on_start(training)
    watch.recording.watching(n_watching)
    for k in range(1, 500):
        training.seconds += 1
        watch.on_epoch_end([epoch] * k)
    n_frames = sum(watch.recording.frame(k) is not None for k in range(100))
    assert 0.5 * most <= 0.5 * n_frames / training.seconds <= most


def test_a_replay_is_a_page_with_a_frame_for_each_epoch_that_it_tells_of(tmp_path):
    watch = Watch(DATA, split=np.arange(60) % 3, serve=False)
    learn(watch)
    watch.export(tmp_path / "page")
    scene = scene_in(tmp_path / "page")
    assert not scene["watch"]["live"]
    assert scene["arrays"]["frames"]["shape"] == [len(scene["watch"]["history"]), 60, 2]
    assert scene["factors"][0]["name"] == "side"
    assert (tmp_path / "page" / "data-frames.js").is_file()


def test_nothing_is_replayed_before_a_training(tmp_path):
    with pytest.raises(InputError, match="recorded"):
        Watch(DATA, serve=False).export(tmp_path / "page")


@pytest.mark.parametrize("split", [[0, 1], [3] * 60])
def test_a_split_that_does_not_fit_is_refused(split):
    with pytest.raises(InputError, match="split"):
        Watch(DATA, split=split, serve=False)


def test_those_who_watch_get_every_epoch_and_then_the_map():
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("uvicorn")
    addresses, events = [], []

    def look(line):
        addresses.append(re.search(r"http\S+", line)[0])
        client = httpx.Client(base_url=addresses[0], timeout=60)

        def listen():
            with client, client.stream("GET", "/api/events") as answer:
                listening.set()
                events.extend(line for line in answer.iter_lines() if line)

        listening = threading.Event()
        thread = threading.Thread(target=listen)
        thread.start()
        threads.append(thread)
        listening.wait(30)

    threads = []
    watch = Watch(DATA, say=look)
    with contextlib.closing(watch):
        map_ = learn(watch)
        threads[0].join(30)
        told = [json.loads(line.partition(": ")[2]) for line in events if line.startswith("data")]
        assert [epoch["epoch"] for epoch in told[:-1]] == [1, 2, 3, 4, 5, 6]
        assert {epoch["n_epochs"] for epoch in told[:-1]} == {6}
        assert events[-2] == "event: done"
        with httpx.Client(base_url=addresses[0], timeout=30) as client:
            newest = np.frombuffer(client.get("/data/frame").content, "<f4").reshape(60, 2)
            assert np.array_equal(newest, map_.embedding_)
            assert client.get("/data/frame", params={"frame": 10**6}).status_code == 404
            refused = client.post("/api/points", headers={"x-shape": "5"}, content=bytes(20))
            assert "being learnt" in refused.json()["detail"]


def test_fit_watch_writes_a_replay_beside_the_map(tmp_path, monkeypatch, capsys):
    pytest.importorskip("uvicorn")
    pytest.importorskip("jinja2")
    monkeypatch.chdir(tmp_path)
    np.savez("sides.npz", X=X, side=np.arange(60) % 2)
    words = ["fit", "sides.npz", "--keep", "side", "--epochs", "2", "--watch"]
    monkeypatch.setattr(sys, "argv", ["drlim", *words])
    monkeypatch.setattr("drlim.exploring._commands._has_screen", lambda: False)
    cli.main()
    said = capsys.readouterr().out
    assert "can be watched at http://127.0.0.1:" in said
    assert "map-learning/index.html" in said
    scene = scene_in(tmp_path / "map-learning")
    assert scene["n_points"] == 60
    assert scene["watch"]["history"][-1]["epoch"] == 2
    assert (tmp_path / "map-report" / "report.html").is_file()
