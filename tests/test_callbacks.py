"""The laws of callbacks, and of starting from a map: what ends a training, and what stays."""

import copy
import inspect
import json
import sys
import types

import numpy as np
import pytest

from drlim import DrLIM, FileError, InputError, MissingExtraError, SimilarityGraph
from drlim.callbacks import (
    Callback,
    EarlyStopping,
    MetricsFile,
    PlotEpochs,
    TensorBoard,
    Training,
)
from drlim.graphs import neighbors
from drlim.losses import global_loss
from drlim.training import Pinned

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
LEARNT, HELD_OUT = X[:60], X[60:]
GRAPH = neighbors(HELD_OUT, 3)
SETTINGS = {
    "n_dissimilar": "all",
    "network": "paper_mlp",
    "batch_size": 16,
    "learning_rate": 4e-3,
    "random_state": 0,
}
FAST = {**SETTINGS, "learning_rate": 0.05}


class Stop(Callback):
    def __init__(self, after):
        self.after = after

    def on_epoch_end(self, history):
        if len(history) == self.after:
            raise KeyboardInterrupt


# Early stopping.


def test_the_weights_of_the_best_epoch_on_held_out_pairs_are_kept():
    stop = EarlyStopping(HELD_OUT, GRAPH, patience=3)
    map_ = DrLIM(max_epochs=60, callbacks=[stop], **FAST).fit(LEARNT)
    assert len(map_.history_) == len(stop.losses_) < 60
    assert stop.best_epoch_ == 1 + int(np.argmin(stop.losses_))
    assert len(stop.losses_) - stop.best_epoch_ == 3
    best = global_loss(map_.transform(HELD_OUT), GRAPH, 1.0).total / len(HELD_OUT)
    assert best == pytest.approx(min(stop.losses_), rel=1e-4)  # a single batch has all pairs


def test_early_stopping_resumes_from_a_checkpoint(tmp_path):
    def fit(*more, **arguments):
        stop = EarlyStopping(HELD_OUT, GRAPH, patience=3)
        map_ = DrLIM(max_epochs=60, callbacks=[stop, *more], **FAST)
        return map_.fit(LEARNT, **arguments), stop

    alone, stop = fit()
    with pytest.raises(KeyboardInterrupt):
        fit(Stop(len(stop.losses_) - 1), checkpoint=tmp_path)
    resumed, again = fit(checkpoint=tmp_path, resume=True)
    assert (again.losses_, again.best_epoch_) == (stop.losses_, stop.best_epoch_)
    np.testing.assert_array_equal(resumed.embedding_, alone.embedding_)


def test_early_stopping_changes_no_step():
    stop = EarlyStopping(HELD_OUT, GRAPH, patience=100)
    maps = [DrLIM(max_epochs=4, callbacks=c, **SETTINGS).fit(LEARNT) for c in ([stop], [])]
    assert [e.loss for e in maps[0].history_] == [e.loss for e in maps[1].history_]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"patience": 0}, "patience is 0"),
        ({"patience": True}, "patience is True"),
        ({"gain": 1.0}, "gain is 1.0"),
        ({"graph": SimilarityGraph.empty(3)}, "3 samples.*20"),
        ({"n_dissimilar": "few"}, "n_dissimilar is 'few'"),
    ],
)
def test_wrong_arguments_of_early_stopping_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        EarlyStopping(**{"X": HELD_OUT, "graph": GRAPH, **wrong})


# Numbers and pictures.


def test_metrics_are_a_line_of_json_an_epoch_also_after_an_interruption(tmp_path):
    path = tmp_path / "metrics.jsonl"
    settings = {"max_epochs": 5, "callbacks": [MetricsFile(path)], **SETTINGS}
    map_ = DrLIM(**settings).fit(X)
    alone = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in alone] == [1, 2, 3, 4, 5]
    assert [line["loss"] for line in alone] == [epoch.loss for epoch in map_.history_]
    settings["callbacks"] = [MetricsFile(path), Stop(4)]
    with pytest.raises(KeyboardInterrupt):
        DrLIM(**settings).fit(X, checkpoint=tmp_path / "kept")
    settings["callbacks"] = [MetricsFile(path)]
    DrLIM(**settings).fit(X, checkpoint=tmp_path / "kept", resume=True)
    again = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["loss"] for line in again] == [line["loss"] for line in alone]


def test_a_number_that_is_not_finite_is_null(tmp_path):
    path = tmp_path / "metrics.jsonl"
    pair = SimilarityGraph.from_edges([(0, 1)], 2)  # no dissimilar pair, so no share of them
    DrLIM(max_epochs=1, callbacks=[MetricsFile(path)], **SETTINGS).fit(X[:2], graph=pair)
    assert json.loads(path.read_text())["active_share"] is None


def test_a_place_that_cannot_be_written_ends_the_training_with_a_reason(tmp_path):
    for callback in (
        MetricsFile(tmp_path / "no" / "m.jsonl"),
        PlotEpochs("/dev/null/p", X, X[:, 0]),
    ):
        with pytest.raises(FileError, match="cannot be"):
            DrLIM(max_epochs=1, callbacks=[callback], **SETTINGS).fit(X)


def test_tensorboard_gets_each_number_under_its_name(monkeypatch, tmp_path):
    logged = []

    class SummaryWriter:
        def __init__(self, folder):
            assert folder == str(tmp_path)

        def add_scalar(self, name, value, epoch):
            logged.append((name, value, epoch))

        def close(self):
            logged.append("closed")

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    map_ = DrLIM(max_epochs=2, callbacks=[TensorBoard(tmp_path)], **SETTINGS).fit(X)
    assert ("loss", map_.history_[1].loss, 2) in logged
    assert logged[-1] == "closed"


def test_without_tensorboard_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match="pip install tensorboard"):
        DrLIM(max_epochs=1, callbacks=[TensorBoard(tmp_path)], **SETTINGS).fit(X)


def test_a_picture_is_drawn_every_few_epochs(tmp_path):
    pytest.importorskip("matplotlib")
    plot = PlotEpochs(tmp_path / "new", HELD_OUT, HELD_OUT[:, 0] > 0, every=2)
    DrLIM(max_epochs=5, callbacks=[plot], **SETTINGS).fit(LEARNT)
    pictures = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert pictures == ["epoch-0002.png", "epoch-0004.png"]
    with pytest.raises(InputError, match="3 components"):
        DrLIM(3, max_epochs=2, callbacks=[plot], **SETTINGS).fit(LEARNT)
    with pytest.raises(InputError, match="every is 0"):
        PlotEpochs(tmp_path, X, X[:, 0], every=0)
    with pytest.raises(InputError, match=r"labels .*\(2,\).*80"):
        PlotEpochs(tmp_path, X, [1, 2])


# Starting from a map.


@pytest.fixture(scope="module")
def first():
    return DrLIM(max_epochs=30, **SETTINGS).fit(LEARNT)


def test_a_map_starts_from_the_weights_and_the_unit_of_another(first):
    before = first.transform(X)
    still = DrLIM(max_epochs=0, **SETTINGS).fit(X * 3 + 1, init=first)
    np.testing.assert_array_equal(still.transform(X), before)
    on = DrLIM(max_epochs=2, **SETTINGS).fit(X, init=first)
    assert on.history_[0].loss < 0.7 * DrLIM(max_epochs=2, **SETTINGS).fit(X).history_[0].loss
    np.testing.assert_array_equal(first.transform(X), before)  # the other is not touched


def moved(map_, first):
    return np.linalg.norm(map_.transform(LEARNT) - first.transform(LEARNT), axis=1)


def test_pinned_samples_stay_within_a_tenth_of_the_margin_while_new_ones_are_learnt(first):
    new = RNG.normal([2, 0, 0, 0], size=(60, 4))
    pinned = (LEARNT, first.embedding_, 100.0)
    settings = {"max_epochs": 12, **SETTINGS}
    free = DrLIM(**settings).fit(new, init=first)
    held = DrLIM(**settings).fit(new, init=first, pinned=pinned)
    firm = DrLIM(**settings).fit(new, init=first, pinned=(*pinned[:2], 1e4))
    print(*(np.sqrt(np.mean(moved(m, first) ** 2)) for m in (free, held, firm)))
    assert np.sqrt(np.mean(moved(free, first) ** 2)) > 0.3
    assert np.sqrt(np.mean(moved(held, first) ** 2)) < 0.1
    assert moved(firm, first).mean() < moved(held, first).mean() < moved(free, first).mean()
    assert held.history_[-1].loss < held.history_[0].loss
    assert 0 < held.history_[-1].pinned < held.history_[-1].loss


def test_pinned_is_a_record_or_its_three_parts(first):
    parts = (LEARNT, first.embedding_, 100.0)
    settings = {"max_epochs": 1, **SETTINGS}
    maps = [DrLIM(**settings).fit(X, init=first, pinned=p) for p in (parts, Pinned(*parts))]
    np.testing.assert_array_equal(maps[0].embedding_, maps[1].embedding_)


def test_fit_transform_takes_what_fit_takes_and_gives_its_embedding(first, tmp_path):
    parameters = [inspect.signature(f).parameters for f in (DrLIM.fit, DrLIM.fit_transform)]
    assert list(parameters[0]) == list(parameters[1])
    settings = {"max_epochs": 1, **SETTINGS}
    given = {"init": first, "pinned": (LEARNT, first.embedding_, 10.0), "checkpoint": tmp_path}
    Z = DrLIM(**settings).fit_transform(X, **given)
    np.testing.assert_array_equal(DrLIM(**settings).fit(X, **given).embedding_, Z)


@pytest.mark.parametrize("dtype", [">f4", ">f8", ">u2", np.int64, bool, np.uint8, np.longdouble])
def test_samples_are_held_whatever_their_numbers_are(dtype, rng):
    samples = rng.integers(0, 2, (60, 5)).astype(dtype)
    settings = {"max_epochs": 1, "random_state": 0}
    plain = samples.astype(np.float64)
    first = DrLIM(**settings).fit(samples, pinned=(samples, np.zeros((60, 2)), 1.0))
    again = DrLIM(**settings).fit(plain, pinned=(plain, np.zeros((60, 2)), 1.0))
    np.testing.assert_allclose(first.embedding_, again.embedding_, atol=1e-3)
    np.testing.assert_allclose(
        Training(first.network_, first.loss).embed(samples), first.embedding_, atol=1e-6
    )


def test_many_pinned_samples_are_drawn_from_and_resume_to_the_bit(first, tmp_path):
    pinned = (np.tile(LEARNT, (3, 1)), np.tile(first.embedding_, (3, 1)), 10)
    settings = {"max_epochs": 4, **SETTINGS}
    alone = DrLIM(**settings).fit(HELD_OUT, init=first, pinned=pinned)
    with pytest.raises(KeyboardInterrupt):
        DrLIM(**settings, callbacks=[Stop(3)]).fit(
            HELD_OUT, init=first, pinned=pinned, checkpoint=tmp_path
        )
    with pytest.raises(InputError, match="pinned"):
        DrLIM(**settings).fit(HELD_OUT, init=first, checkpoint=tmp_path, resume=True)
    resumed = DrLIM(**settings).fit(
        HELD_OUT, init=first, pinned=pinned, checkpoint=tmp_path, resume=True
    )
    np.testing.assert_array_equal(resumed.embedding_, alone.embedding_)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"init": "digits.drlim"}, "init.* str"),
        ({"pinned": 3}, "pinned.* int"),
        ({"pinned": (X, np.zeros((3, 2)), 1.0)}, r"Z_pinned .*\(3, 2\).*\(80, 2\)"),
        ({"pinned": (X, np.full((80, 2), np.nan), 1.0)}, "Z_pinned.*NaN"),
        ({"pinned": (X, np.zeros((80, 2)), 0)}, "weight of pinned.* 0"),
        ({"pinned": (X[:, :3], np.zeros((80, 2)), 1)}, "3 features"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(arguments, words):
    with pytest.raises(InputError, match=words):
        DrLIM(max_epochs=1, **SETTINGS).fit(X, **arguments)


def test_a_map_of_another_network_or_shape_is_refused(first):
    with pytest.raises(InputError, match="init"):
        DrLIM(3, max_epochs=1, **SETTINGS).fit(X, init=first)
    with pytest.raises(InputError, match=r"init .*\(4,\).*\(2, 2\)"):
        DrLIM(max_epochs=1, **SETTINGS).fit(X.reshape(-1, 2, 2), init=first)


def test_partial_fit_is_one_more_pass_from_where_the_map_stands(first):
    map_ = DrLIM(max_epochs=20, **SETTINGS).partial_fit(LEARNT)
    losses = [map_.partial_fit(LEARNT).history_[-1].loss for _ in range(5)]
    assert len(map_.history_) == 6
    assert map_.max_epochs == 20
    assert losses[-1] < 0.9 * map_.history_[0].loss
    assert map_.embedding_.shape == (60, 2)
    with pytest.raises(ValueError, match=r"3 features.*4"):
        map_.partial_fit(X[:, :3])


def test_a_partial_fit_that_is_interrupted_leaves_the_map_as_it_was(first):
    map_ = copy.deepcopy(first).set_params(callbacks=[Stop(1)])
    before = dict(vars(map_))
    with pytest.raises(KeyboardInterrupt):
        map_.partial_fit(X)
    assert vars(map_) == before
    np.testing.assert_array_equal(map_.transform(LEARNT), first.embedding_)


def test_a_map_can_start_from_itself(first):
    other = DrLIM(max_epochs=2, **SETTINGS).fit(X, init=first)
    again = DrLIM(max_epochs=30, **SETTINGS).fit(LEARNT)
    again.set_params(max_epochs=2).fit(X, init=again)
    np.testing.assert_array_equal(again.embedding_, other.embedding_)
