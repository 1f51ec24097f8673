"""The laws of the loop: the springs move the map, it ends, and it warns of what went wrong."""

import dataclasses
import io
import itertools
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from drlim import TrainingWarning
from drlim._history import Tally
from drlim._progress import search_progress
from drlim._training_progress import Progress
from drlim._training_run import learning_schedule
from drlim.graphs import SimilarityGraph
from drlim.losses import Contrastive, distances_among, global_loss
from drlim.losses._forces import forces
from drlim.networks import linear
from drlim.networks._builders import build
from drlim.pairs import PairSampler
from drlim.training import Callback, Epoch, train

RING = SimilarityGraph.from_edges([(k, (k + 1) % 12) for k in range(12)], 12)


def free_points(n, d=2):
    """A network that can give each of n samples, the rows of `one_hot(n)`, any point."""
    return build(linear, (n,), d, seed=0)


def one_hot(n):
    return np.eye(n, dtype=np.float32)


def run(network, graph, *, margin=1.0, batch_size=64, loss=None, seed=0, **changed):
    settings = {"max_epochs": 60, "learning_rate": 0.05, "margin": margin, **changed}
    return train(
        network,
        loss or Contrastive(margin),
        PairSampler(graph, batch_size),
        one_hot(graph.n_samples).__getitem__,
        random_state=seed,
        **settings,
    )


def points(network, n):
    with torch.no_grad():
        return network(torch.from_numpy(one_hot(n))).numpy()


def spread(network, n):
    return torch.pdist(torch.from_numpy(points(network, n)))


class Snapshots(Callback):
    """Keeps the weights of each epoch."""

    def __init__(self, network):
        self.network, self.weights = network, []

    def on_epoch_end(self, history):
        vector = nn.utils.parameters_to_vector(self.network.parameters())
        self.weights.append(vector.detach().clone())


# What the springs do.


def test_training_on_similar_pairs_only_draws_them_together():
    network = free_points(6)
    before = spread(network, 6)
    run(network, SimilarityGraph.complete(6), margin=1e-3)
    assert spread(network, 6).max() < 0.1 * before.mean()


def test_training_on_dissimilar_pairs_only_drives_them_out_of_the_margin():
    network = free_points(3)
    assert spread(network, 3).max() < 3
    run(network, SimilarityGraph.empty(3), margin=4.0, max_epochs=300)
    assert spread(network, 3).min() > 3.99


def test_dissimilar_pairs_farther_than_the_margin_are_left_where_they_are():
    network = free_points(3)
    before = points(network, 3)
    run(network, SimilarityGraph.empty(3), margin=0.9 * spread(network, 3).min().item())
    np.testing.assert_array_equal(points(network, 3), before)


def test_training_lowers_the_loss_over_all_pairs():
    network = free_points(12)
    before = global_loss(points(network, 12), RING, 2.0)
    run(network, RING, margin=2.0, batch_size=4)
    after = global_loss(points(network, 12), RING, 2.0)
    assert after.total < 0.8 * before.total


def test_the_learning_rate_rises_from_above_zero_and_falls_to_zero():
    rate = [learning_schedule(k / 1000) for k in range(1001)]
    top = int(np.argmax(rate))
    assert 0 < rate[0] < 0.1
    assert 0.99 < max(rate) <= 1
    assert 0 < top < 100
    assert (np.diff(rate[: top + 1]) > 0).all()
    assert (np.diff(rate[top:]) < 0).all()
    assert rate[-1] == 0


# What it leaves behind.


class Spy(nn.Module):
    """Notes, each time it is applied, whether it is training."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, X):
        self.seen.append(self.training)
        return X


def test_dropout_stays_active_in_every_epoch_though_a_callback_looks_at_the_map():
    network = nn.Sequential(spy := Spy(), free_points(12))

    class Look(Callback):
        def on_epoch_end(self, history):
            network.eval()

    run(network, RING, max_epochs=4, batch_size=6, callbacks=[Look()])
    assert spy.seen == [True] * 8


@pytest.mark.parametrize("mode", [True, False])
def test_training_leaves_the_network_in_evaluation_mode(mode):
    network = nn.Sequential(free_points(12), nn.Dropout()).train(mode)
    run(network, RING, max_epochs=2)
    assert not any(module.training for module in network.modules())


def test_the_weights_of_the_best_epoch_are_kept():
    network = free_points(12)

    class Spoil(Callback):
        def on_epoch_end(self, history):
            if len(history) == 3:
                network[-1].weight.data *= 50

    snapshots = Snapshots(network)
    history = run(network, RING, max_epochs=5, callbacks=[snapshots, Spoil()])
    best = int(np.argmin([epoch.loss for epoch in history]))
    assert best == 2
    kept = nn.utils.parameters_to_vector(network.parameters())
    assert torch.equal(kept, snapshots.weights[2])


@pytest.mark.parametrize("max_epochs", [0, 1, 3])
def test_training_ends_after_max_epochs(max_epochs):
    assert len(run(free_points(12), RING, max_epochs=max_epochs)) == max_epochs


def test_callbacks_see_every_batch_and_epoch_and_may_end_the_training():
    calls = []

    class Recorder(Callback):
        def on_batch_end(self, step, n_steps):
            calls.append((step, n_steps))

        def on_epoch_end(self, history):
            calls.append(len(history))
            return len(history) == 2

    history = run(free_points(12), RING, max_epochs=9, batch_size=6, callbacks=[Recorder()])
    assert len(history) == 2
    assert calls == [(1, 18), (2, 18), 1, (3, 18), (4, 18), 2]


def test_a_callback_that_does_nothing_changes_nothing():
    plain, watched = free_points(12), free_points(12)
    run(plain, RING, max_epochs=2)
    run(watched, RING, max_epochs=2, callbacks=[Callback()])
    np.testing.assert_array_equal(points(plain, 12), points(watched, 12))


@pytest.mark.parametrize("margin", [0.3, 1.0, 5.0])
def test_the_history_holds_the_true_numbers_of_the_map(margin):
    network = free_points(12)
    (epoch,) = run(network, RING, margin=margin, max_epochs=1, learning_rate=1e-30)
    exact = global_loss(points(network, 12), RING, margin) / 12
    distance = spread(network, 12).numpy()
    dissimilar = distance[~RING.has(*np.triu_indices(12, 1))]
    assert epoch.attraction == pytest.approx(exact.attraction, rel=1e-5)
    assert epoch.repulsion == pytest.approx(exact.repulsion, rel=1e-5)
    assert epoch.loss == epoch.attraction + epoch.repulsion
    assert epoch.active_share == pytest.approx((dissimilar < margin).mean())
    assert epoch.mean_distance == pytest.approx(distance.mean(), rel=1e-5)
    assert epoch.seconds > 0
    assert epoch.pairs_per_second == pytest.approx(66 / epoch.seconds)


def test_the_history_is_the_mean_of_its_batches_and_on_average_the_loss_over_all_pairs():
    network = free_points(12)
    history = run(network, RING, batch_size=4, max_epochs=120, learning_rate=1e-30)
    exact = global_loss(points(network, 12), RING, 1.0) / 12
    for part in ("attraction", "repulsion"):
        seen = np.mean([getattr(epoch, part) for epoch in history])
        assert seen == pytest.approx(getattr(exact, part), rel=0.05)
    for epoch in history:
        assert epoch.loss == pytest.approx(epoch.attraction + epoch.repulsion)


def test_without_dissimilar_pairs_no_share_of_them_is_active():
    (epoch,) = run(free_points(4), SimilarityGraph.complete(4), max_epochs=1, margin=1e-3)
    assert math.isnan(epoch.active_share)
    assert epoch.repulsion == 0


@pytest.mark.usefixtures("untouched_globals")
def test_another_seed_draws_the_edges_in_another_order():
    def trained(seed):
        network = free_points(12)
        run(network, RING, max_epochs=1, batch_size=3, seed=seed)
        return points(network, 12)

    np.testing.assert_array_equal(trained(0), trained(0))
    assert (trained(0) != trained(1)).any()


@pytest.mark.usefixtures("untouched_globals")
def test_layers_that_draw_numbers_are_repeatable():
    def trained(seed):
        network = nn.Sequential(nn.Dropout(0.5), free_points(12))
        run(network, RING, max_epochs=3, seed=seed)
        return points(network, 12)

    np.testing.assert_array_equal(trained(0), trained(0))
    assert (trained(0) != trained(1)).any()


@pytest.mark.usefixtures("untouched_globals")
def test_augment_gets_each_batch_and_a_generator_and_its_draws_are_repeatable():
    def trained(seed):
        drawn = []

        def augment(samples, generator):
            drawn.append((samples.shape[1:], generator.random()))
            return samples[:, ::-1]  # a view that runs backwards must do

        network = free_points(12)
        run(network, RING, max_epochs=2, batch_size=6, augment=augment, seed=seed)
        return points(network, 12).tolist(), drawn

    assert trained(0) == trained(0)
    assert trained(0) != trained(1)
    _, drawn = trained(0)
    assert [shape for shape, _ in drawn] == [(12,)] * 4
    assert len({number for _, number in drawn}) == 4


def test_what_augment_draws_shifts_no_pair():
    orders = []
    for n_draws in (0, 5):
        seen = []

        def augment(samples, generator, seen=seen, n_draws=n_draws):
            seen.append(samples.argmax(axis=1).tolist())
            generator.random(n_draws)
            return samples

        run(free_points(12), RING, max_epochs=2, batch_size=3, augment=augment)
        orders.append(seen)
    assert orders[0] == orders[1]


# The alarm.


def test_a_collapse_is_warned_of_once_with_a_remedy():
    with pytest.warns(TrainingWarning) as caught:
        run(free_points(6), SimilarityGraph.complete(6), max_epochs=200)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "collapse" in message
    assert "n_dissimilar" in message


def test_a_warning_is_placed_at_the_users_line():
    code = """
import warnings, numpy as np
from drlim import DrLIM
X, map_ = np.ones((9, 3)), DrLIM(max_epochs=2, network="linear")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    map_.fit(X)
    map_.fit_transform(X)
    map_.partial_fit(X)
print(*[(each.category.__name__, each.filename, each.lineno) for each in caught], sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        f"('{category}', '<string>', {line})"
        for line in (7, 8, 9)
        for category in ("DataWarning", "TrainingWarning")
    ]


@pytest.mark.parametrize("margin", [1e-3, 1.0, 1e3])
def test_a_healthy_run_raises_no_alarm_in_any_unit(margin):
    network = free_points(12)
    network[-1].weight.data *= margin
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(network, RING, margin=margin, learning_rate=0.05 * margin)


def test_a_young_map_may_be_small():
    network = free_points(12)
    network[-1].weight.data *= 1e-3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = run(network, RING, batch_size=6)
    assert history[0].mean_distance < 0.05


class FailsLater(Contrastive):
    """Eq. 4, until it has been asked a few times."""

    count = itertools.count()

    def attraction(self, distance):
        return super().attraction(distance) * (1.0 if next(self.count) < 6 else math.nan)


@pytest.mark.parametrize(
    ("loss", "learning_rate", "n_epochs"), [(None, 1e38, 1), (FailsLater(), 0.05, 4)]
)
def test_a_loss_that_is_not_finite_ends_the_training_with_the_best_weights(
    loss, learning_rate, n_epochs
):
    network = free_points(12)
    snapshots = Snapshots(network)
    snapshots.on_epoch_end([])
    with pytest.warns(TrainingWarning, match=r"loss is (nan|inf).*learning_rate"):
        history = run(
            network,
            RING,
            loss=loss,
            learning_rate=learning_rate,
            batch_size=6,
            callbacks=[snapshots],
        )
    assert len(history) == n_epochs
    assert not math.isfinite(history[-1].loss)
    kept = nn.utils.parameters_to_vector(network.parameters())
    assert torch.isfinite(kept).all()
    best = np.argmin([np.inf, *(epoch.loss for epoch in history[:-1])])  # 0: the first weights
    assert torch.equal(kept, snapshots.weights[best])


# The progress.

EPOCH = Epoch(0.25, 0.125, 0.125, 0.04, 1.5, 0.1, 1e6)


def show_three_epochs(stream, **settings):
    with Progress(3, stream, **settings) as progress:
        for epoch in (1, 2, 3):
            progress.on_batch_end(epoch, 3)
            progress.on_epoch_end([EPOCH] * epoch)


def test_outside_a_terminal_the_first_and_last_epoch_are_plain_lines():
    stream = io.StringIO()
    show_three_epochs(stream)
    first, last = stream.getvalue().splitlines()
    assert first.startswith("epoch 1/3: loss 0.25, 4.0% of dissimilar pairs inside the margin, ")
    assert last.startswith("epoch 3/3: ")
    assert last.endswith(" 0 s left")
    assert stream.getvalue().replace("\n", "").isprintable()


def test_outside_a_terminal_a_long_training_has_a_line_now_and_then():
    stream = io.StringIO()
    show_three_epochs(stream, seconds_between_lines=-1)
    assert stream.getvalue().count("epoch") == 3


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_a_bar_is_redrawn_in_place(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    show_three_epochs(stream)
    assert "\x1b[" in stream.getvalue()
    assert "100 %" in stream.getvalue()
    assert "loss 0.25, 4.0% of dissimilar pairs" in stream.getvalue()


def test_an_interrupted_training_gives_the_cursor_back(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt), Progress(3, stream):
        raise KeyboardInterrupt
    hidden, shown = stream.getvalue().rfind("\x1b[?25l"), stream.getvalue().rfind("\x1b[?25h")
    assert 0 <= hidden < shown


def search_in_four_steps(stream, **settings):
    with search_progress("nearest neighbours", stream, **settings) as progress:
        for step in range(5):
            progress(step / 4)


def test_outside_a_terminal_a_quick_search_has_no_line():
    stream = io.StringIO()
    search_in_four_steps(stream)
    assert stream.getvalue() == ""


def test_outside_a_terminal_a_long_search_has_plain_lines():
    stream = io.StringIO()
    search_in_four_steps(stream, seconds_between_lines=-1)
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"nearest neighbours: {percent}%" for percent in (25, 50, 75, 100)
    ]
    assert lines[-1].endswith(" 0 s left")


def test_in_a_terminal_a_search_has_a_bar_while_it_lasts(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    search_in_four_steps(stream)
    shown = stream.getvalue()
    assert "nearest neighbours" in shown
    assert shown.rfind("\x1b[2K") > shown.rfind("nearest neighbours")  # and then it is wiped out
    assert 0 <= shown.rfind("\x1b[?25l") < shown.rfind("\x1b[?25h")


def test_the_progress_may_be_given_to_train_like_any_callback():
    stream = io.StringIO()
    with Progress(2, stream) as progress:
        run(free_points(12), RING, max_epochs=2, callbacks=[progress])
    assert stream.getvalue().count("inside the margin") == 2


def test_an_epoch_is_a_record_that_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        EPOCH.loss = 0.0


def test_the_mean_distance_counts_all_pairs_alike_whatever_the_balance(rng):
    graph = SimilarityGraph.from_edges([(i, i + 1) for i in range(29)], 30)
    Z = torch.from_numpy(rng.normal(size=(30, 2)))
    true_mean = distances_among(Z).mean().item()
    for n_dissimilar in ("all", 0.1):
        sampler = PairSampler(graph, 29, n_dissimilar=n_dissimilar)
        tally = Tally(None, sampler)
        (batch,) = sampler.epoch(0)
        tally.add(batch, forces(Z, batch, Contrastive(1.0), 1.0))
        assert tally.epoch().mean_distance == pytest.approx(true_mean, rel=1e-5)
