"""The laws of applying a map: it changes nothing, and a row gives one point, always."""

import copy
import functools
import pickle
import random
import threading

import numpy as np
import pytest
import torch
from torch import nn

from drlim import DrLIM, export, load, networks

RNG = np.random.default_rng(1)
TABLE = RNG.normal(size=(600, 5))
IMAGES = RNG.integers(0, 256, (300, 28, 28)).astype(np.uint8)


def noisy(sample_shape, n_components):
    """A network whose layers draw numbers, and mix rows, while they learn."""
    return nn.Sequential(
        nn.Linear(*sample_shape, 7), nn.BatchNorm1d(7), nn.Dropout(), nn.Linear(7, n_components)
    )


MAPS = {
    "mlp": ("mlp", TABLE),
    "default": (None, TABLE.astype(np.float32)),
    "lenet": ("lenet", IMAGES),
    "convnet": (functools.partial(networks.convnet, width=8, depth=2), IMAGES),
    "own": (noisy, TABLE),
}


@pytest.fixture(scope="module", params=MAPS)
def a_map(request):
    network, X = MAPS[request.param]
    return DrLIM(network=network, max_epochs=1, random_state=0).fit(X[:64]), X


def bits(map_):
    """All that a map holds, in a form that can be compared."""
    plain = {
        name: value
        for name, value in vars(map_).items()
        if isinstance(value, int | float | str | tuple | list | dict | type(None))
    }
    weights = {
        name: tensor.numpy().tobytes() for name, tensor in map_.network_.state_dict().items()
    }
    training = [module.training for module in map_.network_.modules()]
    return repr(plain), weights, training, map_.embedding_.tobytes()


def equal(got, expected, map_):
    """Require the same bits of drlim's networks; torch's own layers may round by a row's place."""
    tolerance = 1e-6 if map_.network is noisy else 0
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


def test_transform_changes_neither_the_map_nor_the_samples_nor_the_global_state(
    a_map, untouched_globals
):
    map_, X = a_map
    before, samples = bits(map_), X.copy()
    threads, grad = torch.get_num_threads(), torch.is_grad_enabled()
    dtype, errors = torch.get_default_dtype(), np.geterr()
    state = random.getstate()
    first = map_.transform(X)
    np.testing.assert_array_equal(map_.transform(X), first)
    assert bits(map_) == before
    np.testing.assert_array_equal(X, samples)
    assert (torch.get_num_threads(), torch.is_grad_enabled()) == (threads, grad)
    assert (torch.get_default_dtype(), np.geterr()) == (dtype, errors)
    assert random.getstate() == state


def test_samples_that_must_not_be_written_to_are_taken(a_map):
    map_, X = a_map
    locked = X.copy()
    locked.flags.writeable = False
    np.testing.assert_array_equal(map_.transform(locked), map_.transform(X))
    equal(map_.transform(X[::-1])[::-1], map_.transform(X), map_)


def test_a_row_gives_the_same_point_alone_in_any_batch_and_in_any_order(a_map):
    map_, X = a_map
    Z = map_.transform(X)
    for row in (0, 1, 255, 256, len(X) - 1):
        equal(map_.transform(X[row : row + 1])[0], Z[row], map_)
    for n in (2, 63, 257):
        equal(map_.transform(X[-n:]), Z[-n:], map_)
    order = RNG.permutation(len(X))
    equal(map_.transform(X[order]), Z[order], map_)


def test_sixteen_threads_at_once_get_the_same_points(a_map):
    map_, X = a_map
    Z = map_.transform(X)
    together, answers = threading.Barrier(16), {}

    def apply(number):
        together.wait()
        rows = slice(0, len(X) - 5 * number)
        answers[number] = [(map_.transform(X[rows]), Z[rows]) for _ in range(3)]

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == list(range(16))
    for pairs in answers.values():
        for got, expected in pairs:
            equal(got, expected, map_)


def test_threads_that_find_the_map_in_training_mode_do_not_disturb_each_other(a_map):
    map_, X = a_map
    Z = map_.transform(X[:50])
    other = copy.deepcopy(map_)
    other.network_.train()
    wrong = []

    def apply():
        for _ in range(20):
            if not np.array_equal(other.transform(X[:50]), Z):
                wrong.append(1)

    threads = [threading.Thread(target=apply) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_map_that_was_saved_copied_or_pickled_gives_the_same_points(a_map, tmp_path):
    map_, X = a_map
    Z = map_.transform(X)
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim", network=noisy if map_.network is noisy else None)
    for other in (again, copy.deepcopy(map_), pickle.loads(pickle.dumps(map_))):
        np.testing.assert_array_equal(other.transform(X), Z)


def test_in_onnx_a_row_gives_the_same_point_to_a_hundred_thousandth_of_the_margin(a_map, tmp_path):
    ort = pytest.importorskip("onnxruntime")
    map_, X = a_map
    exported = export(map_, tmp_path / "map.onnx")
    session = ort.InferenceSession(exported.path, providers=["CPUExecutionProvider"])
    Z = session.run(None, {"X": X.astype(np.float32)})[0]
    np.testing.assert_allclose(Z, map_.transform(X), atol=1e-5 * map_.margin)


def test_the_program_of_a_map_gives_sixteen_threads_the_same_points(tmp_path):
    pytest.importorskip("onnxruntime")
    map_ = DrLIM(network=noisy, max_epochs=1, random_state=0).fit(TABLE[:64])
    map_.save(tmp_path / "map.drlim", program=True)
    again = load(tmp_path / "map.drlim")
    Z, answers = again.transform(TABLE), []
    threads = [
        threading.Thread(target=lambda: answers.append(again.transform(TABLE))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 16
    for got in answers:
        np.testing.assert_array_equal(got, Z)
