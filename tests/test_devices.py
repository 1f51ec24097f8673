"""The laws of computing elsewhere: another device, the same map, and nothing waited for."""

import numpy as np
import pytest
import torch
from samples import X as X_DOUBLE
from scipy.spatial.distance import pdist

from drlim import DrLIM, SimilarityGraph, _applying, load, losses
from drlim._devices import device_named, to_device
from drlim.exporting import export
from drlim.graphs import neighbors
from drlim.losses import Contrastive
from drlim.losses._build import build_loss
from drlim.losses._forces import Sums, forces
from drlim.pairs import PairSampler
from drlim.training import Callback

X = X_DOUBLE.astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 256, (60, 28, 28)).astype(np.uint8)
GRAPH = neighbors(X, 5)
FAR = SimilarityGraph.from_edges([(0, 9), (3, 50), (7, 41)], 60) - GRAPH
SETTINGS = {"max_epochs": 3, "batch_size": 16, "random_state": 0}

on_a_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a graphics card (CUDA)")


@pytest.fixture
def torch_as_precise_as_the_cpu():
    """Convolve in float32; by itself torch rounds more on some graphics cards."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
@pytest.mark.parametrize("device", [None, "cpu", pytest.param("cuda", marks=on_a_card)])
def test_numbers_come_to_a_device_as_they_are(device, dtype, rng):
    values = rng.integers(0, 2, (7, 3)).astype(dtype)
    for given in (values, values.T, values[::2], values[:0], torch.from_numpy(values)):
        there = to_device(given, device and torch.device(device))
        assert there.device.type == (device or "cpu")
        np.testing.assert_array_equal(there.cpu().numpy(), np.asarray(given))


CASES = [
    (X, {}),
    (X.astype(np.float64), {"loss": "heavy-tailed", "n_dissimilar": 5}),
    (X, {"loss": "logistic", "n_dissimilar": 2, "n_components": 3}),
    (X, {"loss": "double-margin"}),
    (IMAGES, {"network": "lenet"}),
    (IMAGES, {"network": "convnet"}),
]


@on_a_card
@pytest.mark.parametrize("loss", [*losses.LOSSES, lambda margin: OfPoints()])
@pytest.mark.parametrize("apart", [None, FAR])
@pytest.mark.parametrize("n_components", [1, 2, 3])
def test_forces_on_a_card_are_those_on_the_cpu(loss, apart, n_components, rng):
    loss = build_loss(loss, 1.0)
    for batch in PairSampler(GRAPH, 30, dissimilar=apart, n_dissimilar=3).epoch(0):
        Z = torch.from_numpy(rng.normal(size=(len(batch.points), n_components)) / 2)
        here, there = forces(Z, batch, loss, 1.0), forces(Z.cuda(), batch, loss, 1.0)
        torch.testing.assert_close(there.slope.cpu(), here.slope, rtol=1e-6, atol=1e-9)
        for name, one, other in zip(Sums._fields, here.sums, there.sums, strict=True):
            torch.testing.assert_close(other.cpu(), one, rtol=1e-6, atol=1e-9, msg=name)


class OfPoints:
    def of_points(self, Z, left, right, similar):
        return ((Z[left] - Z[right]) ** 2).sum(dim=1) @ (similar.to(Z) - 0.1)


def assert_much_alike(Z, other):
    """Compare distances: rounding grows with every step, and nothing holds a map in its place."""
    assert np.abs(pdist(Z) - pdist(other)).mean() < 0.1 * pdist(other).mean()


@on_a_card
@pytest.mark.usefixtures("torch_as_precise_as_the_cpu")
@pytest.mark.parametrize(("samples", "settings"), CASES)
def test_a_map_learnt_on_a_card_is_much_as_one_learnt_on_the_cpu(samples, settings):
    here, there = (
        DrLIM(**SETTINGS, **settings, device=device).fit(samples, graph=GRAPH)
        for device in ("cpu", "cuda")
    )
    assert next(there.network_.parameters()).is_cuda
    assert here.history_[0].loss == pytest.approx(there.history_[0].loss, rel=1e-2)
    assert_much_alike(there.embedding_, here.embedding_)
    np.testing.assert_allclose(there.transform(samples), there.embedding_, atol=1e-6)


@on_a_card
@pytest.mark.parametrize(("samples", "settings"), CASES)
def test_the_same_seed_gives_the_same_map_to_the_bit_on_a_card(samples, settings):
    first, second = (
        DrLIM(**SETTINGS, **settings, device="cuda").fit_transform(samples, graph=GRAPH)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
    assert not torch.backends.cudnn.deterministic


class Unwaited(Callback):
    """Lets torch raise if, between the first batch of an epoch and its last, it waits."""

    def on_start(self, training):
        self.n_batches = 0

    def on_batch_end(self, step, n_steps):
        n = n_steps // SETTINGS["max_epochs"]
        torch.cuda.set_sync_debug_mode("default" if step % n == 0 else "error")
        self.n_batches += step % n != 0


@pytest.fixture
def unwaited():
    callback = Unwaited()
    yield callback
    torch.cuda.set_sync_debug_mode("default")
    assert callback.n_batches > 2 * SETTINGS["max_epochs"]


def brighter(samples, rng):
    return samples + rng.normal(size=len(samples))[:, None].astype(samples.dtype)


@on_a_card
@pytest.mark.parametrize(
    ("settings", "arguments"),
    [
        ({}, {}),
        ({"loss": "heavy-tailed", "n_dissimilar": 5}, {}),
        ({"loss": lambda margin: Contrastive(margin)}, {}),
        ({"augment": brighter}, {}),
        ({}, {"dissimilar": FAR}),
        ({}, {"weight": np.linspace(1, 2, GRAPH.n_edges)}),
        ({}, {"pinned": (X[:9], np.zeros((9, 2)), 1.0)}),
    ],
)
def test_no_batch_waits_for_the_card(settings, arguments, unwaited):
    settings = {**SETTINGS, **settings, "callbacks": [unwaited], "device": "cuda"}
    map_ = DrLIM(**settings).fit(X, graph=GRAPH, **arguments)
    assert np.isfinite(map_.embedding_).all()


@on_a_card
def test_a_wait_would_be_seen(unwaited):
    class Waits(Callback):
        def on_batch_end(self, step, n_steps):
            float(torch.ones((), device="cuda"))

    with pytest.raises(RuntimeError, match="synchronizing"):
        DrLIM(**SETTINGS, callbacks=[unwaited, Waits()], device="cuda").fit(X, graph=GRAPH)
    unwaited.n_batches = 99


@on_a_card
def test_samples_that_do_not_fit_on_the_card_go_there_a_batch_at_a_time(monkeypatch):
    settings = {**SETTINGS, "device": "cuda"}
    there = DrLIM(**settings).fit_transform(X, graph=GRAPH)
    # Samples larger than the memory of a card would take minutes.
    monkeypatch.setattr(_applying, "_fits", lambda X, device: False)
    np.testing.assert_array_equal(DrLIM(**settings).fit_transform(X, graph=GRAPH), there)


@on_a_card
@pytest.mark.usefixtures("torch_as_precise_as_the_cpu")
@pytest.mark.parametrize("network", ["mlp", "lenet"])
def test_a_row_has_one_point_on_a_card_up_to_rounding_whatever_comes_with_it(network, rng):
    many = rng.integers(0, 256, (20_000, 28, 28)).astype(np.uint8)
    map_ = DrLIM(network=network, max_epochs=0, random_state=0, device="cuda").fit(many[:60])
    Z = map_.transform(many)
    for start, stop in [(0, 1), (7, 9), (8_000, 8_300), (3_000, 19_999)]:
        np.testing.assert_allclose(map_.transform(many[start:stop]), Z[start:stop], atol=1e-5)


@on_a_card
def test_a_map_goes_from_the_card_to_a_file_and_back_to_the_cpu(tmp_path):
    map_ = DrLIM(**SETTINGS, device="cuda").fit(X, graph=GRAPH)
    map_.save(tmp_path / "map.drlim", program=True)
    here = load(tmp_path / "map.drlim")
    assert not next(here.network_.parameters()).is_cuda
    np.testing.assert_allclose(here.transform(X), map_.embedding_, atol=1e-5)
    here.network_.to("cuda")
    np.testing.assert_allclose(here.transform(X), map_.embedding_, atol=1e-6)
    assert export(map_, tmp_path / "map.onnx").max_difference < 1e-5


@on_a_card
def test_a_map_of_the_card_goes_on_there_and_elsewhere():
    first = DrLIM(**SETTINGS, device="cuda").fit(X, graph=GRAPH)
    on, off = (
        DrLIM(**SETTINGS, device=device).fit(X, graph=GRAPH, init=first)
        for device in ("cuda", "cpu")
    )
    assert_much_alike(on.embedding_, off.embedding_)
    untrained = first.untrained()
    assert next(untrained.network_.parameters()).is_cuda
    assert np.abs(untrained.transform(X) - first.embedding_).max() > 0.01
    first.partial_fit(X)
    assert next(first.network_.parameters()).is_cuda


class Interrupt(Callback):
    def on_epoch_end(self, history):
        if len(history) == 2:
            raise KeyboardInterrupt


@on_a_card
def test_a_training_on_the_card_goes_on_from_its_checkpoint(tmp_path):
    settings = {**SETTINGS, "device": "cuda", "network": dropping}
    whole = DrLIM(**settings).fit_transform(X, graph=GRAPH)
    with pytest.raises(KeyboardInterrupt):
        DrLIM(**settings, callbacks=[Interrupt()]).fit(X, graph=GRAPH, checkpoint=tmp_path / "a")
    map_ = DrLIM(**settings).fit(X, graph=GRAPH, checkpoint=tmp_path / "a", resume=True)
    np.testing.assert_array_equal(map_.embedding_, whole)
    map_ = DrLIM(**settings).fit(X, graph=GRAPH, checkpoint=tmp_path / "b", init=map_)
    assert np.isfinite(map_.embedding_).all()


def dropping(sample_shape, n_components):
    """A network that draws numbers of its own, on the card, while it learns."""
    return torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(*sample_shape, n_components))


@on_a_card
def test_the_cards_generator_is_left_as_it_was():
    before = torch.cuda.get_rng_state()
    DrLIM(**{**SETTINGS, "network": dropping}, device="cuda").fit(X, graph=GRAPH)
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize(
    ("sample_shape", "rows"), [((5,), 16_384), ((28, 28), 16_384), ((3, 64, 64), 1_024)]
)
def test_a_card_is_given_more_rows_at_once_of_small_samples(sample_shape, rows):
    network = torch.nn.Linear(5, 2)
    here, there = torch.device("cpu"), torch.device("cuda")
    # How many rows there are at once shows in no result.
    assert _applying._rows_at_once(network, sample_shape, there) == rows
    assert _applying._rows_at_once(network, sample_shape, here) == 512
    assert _applying._rows_at_once(network, (3, 2_000, 2_000), there) == 512


def test_without_a_card_its_switches_are_not_touched(monkeypatch):
    def refuse(self, name, value):
        raise AssertionError(f"{name} was set")

    monkeypatch.setattr(type(torch.backends.cudnn), "__setattr__", refuse)
    DrLIM(**SETTINGS).fit(X, graph=GRAPH)


def test_a_map_is_float32_whatever_torch_makes_of_new_numbers():
    map_ = DrLIM(**SETTINGS).fit(X, graph=GRAPH)
    torch.set_default_dtype(torch.float64)
    try:
        assert map_.transform(X).dtype == np.float32
    finally:
        torch.set_default_dtype(torch.float32)


def test_a_refusal_without_a_word_is_passed_on(monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(ValueError, match="device is 'cuda'"):
        device_named("cuda")


def test_a_card_that_is_not_there_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"device is 'cuda:99'.*give 'cpu', or install .* torch"):
        DrLIM(device="cuda:99").fit(X)


@pytest.mark.parametrize(
    "name", ["gpu", "CUDA", "xla", "mps", "meta", "", "cuda:x", 0, 1, False, 2.5, ["cpu"]]
)
def test_any_other_device_is_refused_with_the_rule(name):
    with pytest.raises(ValueError, match=r"device .*'cpu'.*'cuda'"):
        DrLIM(device=name).fit(X)


@pytest.mark.parametrize("name", [None, "cpu", "cpu:0", torch.device("cpu")])
def test_the_processor_has_several_names(name):
    assert DrLIM(**SETTINGS, device=name).fit(X, graph=GRAPH).embedding_.shape == (60, 2)
