"""Fits with one seed give one map in any thread, and leave the generators of the process alone."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from drlim import DrLIM, InputError
from drlim.training import Callback

SAMPLES = np.random.default_rng(0).normal(size=(40, 5))
GREYS = np.random.default_rng(1).random((30, 12, 12), dtype=np.float32)


class _Noisy(nn.Module):
    """A layer of the user's own that draws while it trains."""

    def forward(self, X):
        return X + 0.1 * torch.randn_like(X) if self.training else X


def _with_dropout(shape, n):
    return nn.Sequential(nn.Linear(*shape, 16), nn.Dropout(0.5), _Noisy(), nn.Linear(16, n))


def _augmented(samples, generator):
    return samples + 0.1 * torch.randn(samples.shape).numpy()


MAPS = {
    "dense": (SAMPLES, {"network": "mlp"}),
    "images": (GREYS, {"network": "convnet"}),
    "dropout": (SAMPLES, {"network": _with_dropout}),
    "augment by torch": (SAMPLES, {"network": "linear", "augment": _augmented}),
}


def _map(settings):
    return DrLIM(max_epochs=2, batch_size=16, random_state=0, **settings)


def _in_threads(function, n):
    with ThreadPoolExecutor(n) as pool:
        return [each.result() for each in [pool.submit(function) for _ in range(5)]]


@pytest.mark.fault("C1")
@pytest.mark.parametrize("n_threads", [2, 4])
@pytest.mark.parametrize("name", MAPS)
def test_fits_in_threads_give_the_map_of_the_seed(name, n_threads, untouched_globals):
    X, settings = MAPS[name]
    expected = _map(settings).fit(X)
    for map_ in _in_threads(lambda: _map(settings).fit(X), n_threads):
        np.testing.assert_array_equal(map_.embedding_, expected.embedding_)
        np.testing.assert_array_equal(map_.transform(X[:3]), expected.transform(X[:3]))
        np.testing.assert_array_equal(
            map_.untrained().transform(X[:3]), expected.untrained().transform(X[:3])
        )


@pytest.mark.fault("C1")
def test_joblibs_threads_give_the_map_of_the_seed(untouched_globals):
    map_ = _map({"network": _with_dropout})
    expected = clone(map_).fit_transform(SAMPLES)
    jobs = [joblib.delayed(clone(map_).fit_transform)(SAMPLES) for _ in range(5)]
    for points in joblib.Parallel(n_jobs=3, backend="threading")(jobs):
        np.testing.assert_array_equal(points, expected)


@pytest.mark.fault("C1")
def test_callbacks_draw_from_the_generator_of_the_caller():
    class Draws(Callback):
        def __init__(self):
            self.drawn = []

        def on_epoch_end(self, history):
            self.drawn.append(float(torch.rand(1)))

    expected = _map({"network": _with_dropout}).fit(SAMPLES).embedding_
    callback = Draws()
    torch.manual_seed(3)
    map_ = _map({"network": _with_dropout, "callbacks": [callback]}).fit(SAMPLES)
    torch.manual_seed(3)
    assert callback.drawn == [float(torch.rand(1)) for _ in callback.drawn]
    np.testing.assert_array_equal(map_.embedding_, expected)


class _AlwaysNoisy(nn.Module):
    def __init__(self, shape, n):
        super().__init__()
        self.layer = nn.Linear(*shape, n)

    def forward(self, X):
        return nn.functional.dropout(self.layer(X), 0.5)


@pytest.mark.fault("C1")
def test_a_network_that_draws_when_it_is_applied_is_refused(untouched_globals):
    with pytest.raises(InputError, match="random"):
        _map({"network": _AlwaysNoisy}).fit(SAMPLES)


def _anomaly(on):
    torch.autograd.set_detect_anomaly(on)


# Checks that a caller may ask torch for: they stay on, and change no number.
CHECKS = {
    "deterministic": torch.use_deterministic_algorithms,
    "anomaly": _anomaly,
}


@pytest.mark.fault("C1")
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("switch", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("name", ["dense", "images", "dropout"])
def test_checks_that_the_caller_asks_for_change_no_number(switch, name):
    X, settings = MAPS[name]
    expected = _map(settings).fit(X)
    switch(True)
    try:
        found = _map(settings).fit(X)
        points = found.transform(X)
        assert torch.are_deterministic_algorithms_enabled() or torch.is_anomaly_enabled()
    finally:
        switch(False)
    np.testing.assert_array_equal(found.embedding_, expected.embedding_)
    np.testing.assert_array_equal(points, expected.embedding_)


@pytest.mark.fault("C1")
def test_smallest_numbers_are_kept_whatever_the_processor_does_for_the_caller():
    tiny = SAMPLES * 1e-310
    fit = partial(_map({"network": "linear"}).fit_transform, tiny)
    expected = fit()
    torch.set_flush_denormal(True)
    try:
        found = fit()
        assert float(torch.tensor(1e-310, dtype=torch.float64) * 1) == 0
    finally:
        torch.set_flush_denormal(False)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.fault("C1")
@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="torch before 2.9")
def test_a_precision_set_by_torchs_newer_switch_changes_no_map():
    expected = _map({"network": "convnet"}).fit(GREYS).embedding_
    earlier = torch.backends.fp32_precision
    # Torch's older switch, which another test may have set, sets the parts; they then stay.
    torch.backends.mkldnn.matmul.fp32_precision = "none"
    torch.backends.mkldnn.conv.fp32_precision = "none"
    torch.backends.fp32_precision = "tf32"
    try:
        found = _map({"network": "convnet"}).fit(GREYS).embedding_
        assert torch.backends.fp32_precision == "tf32"
        assert torch.backends.mkldnn.matmul.fp32_precision == "tf32"
    finally:
        torch.backends.fp32_precision = earlier
        torch.backends.mkldnn.matmul.fp32_precision = "none"
        torch.backends.mkldnn.conv.fp32_precision = "none"
        torch.backends.mkldnn.rnn.fp32_precision = "none"
        torch.backends.cuda.matmul.fp32_precision = "none"
    np.testing.assert_array_equal(found, expected)
