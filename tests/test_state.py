"""Fits, transforms and saves depend on no state of the process, and change none of it."""

import contextlib

import numpy as np
import pytest
import torch
from sklearn.base import clone

from drlim import DrLIM, InputError, load
from drlim.training import Callback

SAMPLES = np.random.default_rng(0).normal(size=(30, 4))
SETTINGS = {"network": "linear", "max_epochs": 1, "random_state": 0}


@contextlib.contextmanager
def _double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def _less_precise_products():
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


STATES = {
    "double": _double_by_default,
    "meta device": lambda: torch.device("meta"),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "precision of products": _less_precise_products,
}


def _state():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_float32_matmul_precision(),
    )


@pytest.mark.fault("C2")
@pytest.mark.parametrize("network", ["linear", "mlp"])
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_map_does_not_depend_on_what_the_caller_made_torchs_default(state, network, tmp_path):
    map_ = DrLIM(**SETTINGS).set_params(network=network)
    expected = clone(map_).fit(SAMPLES)
    expected.save(tmp_path / "expected.drlim")
    with state():
        before = _state()
        map_.fit(SAMPLES)
        map_.save(tmp_path / "map.drlim")
        points = load(tmp_path / "map.drlim").transform(SAMPLES)
        untrained = map_.untrained().transform(SAMPLES)
        again = clone(map_).partial_fit(SAMPLES).partial_fit(SAMPLES)
        assert _state() == before
    assert (tmp_path / "map.drlim").read_bytes() == (tmp_path / "expected.drlim").read_bytes()
    np.testing.assert_array_equal(points, expected.transform(SAMPLES))
    np.testing.assert_array_equal(untrained, expected.untrained().transform(SAMPLES))
    other = clone(map_).partial_fit(SAMPLES).partial_fit(SAMPLES)
    np.testing.assert_array_equal(again.embedding_, other.embedding_)


class _Stops(Callback):
    def __init__(self, error):
        self.error = error

    def on_batch_end(self, step, n_steps):
        raise self.error


FAILURES = {
    "interrupt": ({"callbacks": [_Stops(KeyboardInterrupt())]}, {}, KeyboardInterrupt),
    "error in training": ({"callbacks": [_Stops(RuntimeError("stop"))]}, {}, RuntimeError),
    "graph": ({}, {"graph": "none"}, InputError),
    "device": ({"device": "nowhere"}, {}, InputError),
    "loss": ({"loss": "nothing"}, {}, InputError),
    "pinned": ({}, {"pinned": 3}, InputError),
    "network": ({"network": lambda shape, n: torch.nn.Linear(7, 7)}, {}, Exception),
}


@pytest.mark.fault("C3")
@pytest.mark.parametrize(("changed", "arguments", "kind"), FAILURES.values(), ids=FAILURES)
def test_a_fit_that_ends_early_leaves_the_estimator_as_it_was(changed, arguments, kind):
    other = np.random.default_rng(1).normal(size=(20, 3))
    unfitted = DrLIM(**{**SETTINGS, **changed})
    fitted = DrLIM(**SETTINGS).fit(SAMPLES)
    points = fitted.transform(SAMPLES)
    fitted.set_params(**changed)
    for map_ in (unfitted, fitted):
        before = dict(vars(map_))
        with pytest.raises(kind):
            map_.fit(other, **arguments)
        assert vars(map_) == before
    np.testing.assert_array_equal(fitted.transform(SAMPLES), points)


@pytest.mark.fault("C3")
@pytest.mark.parametrize(
    "changed",
    [{"n_components": 3}, {"margin": -1.0}, {"n_dissimilar": "many"}, {"max_epochs": -1}],
)
def test_a_map_whose_parameters_no_longer_fit_it_is_not_saved(changed, tmp_path):
    map_ = DrLIM(**SETTINGS).fit(SAMPLES)
    points = map_.transform(SAMPLES)
    map_.set_params(**changed)
    with pytest.raises(InputError, match=str(next(iter(changed.values())))):
        map_.save(tmp_path / "map.drlim")
    assert not (tmp_path / "map.drlim").exists()
    np.testing.assert_array_equal(map_.transform(SAMPLES), points)
