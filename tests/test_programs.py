"""The laws of a network as a program: it gives the same points, and is checked before it runs."""

import copy
import pickle

import numpy as np
import pytest
import torch
from samples import X, own
from torch import nn

from drlim import DrLIM, FileError, InputError, MissingExtraError, load
from drlim._onnx import N_ROWS, Program, ProgramError, check
from drlim.networks import _builders

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def straight(*nodes, constants=(), output=(N_ROWS, 2), **changed):
    """A program from X (16, 5) to Z (16, 2)."""
    graph = helper.make_graph(
        list(nodes),
        "program",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, changed.get("input", (N_ROWS, 5)))],
        [helper.make_tensor_value_info("Z", TensorProto.FLOAT, output)],
        list(constants),
    )
    opsets = [helper.make_opsetid(changed.get("domain", ""), changed.get("version", 20))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def array(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


W = array("W", np.ones((5, 2), np.float32))
PRODUCT = helper.make_node("MatMul", ["X", "W"], ["Z"])


def program(model):
    return Program(model.SerializeToString(), (5,), 2, {})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("maps") / "own.drlim"
    map_ = DrLIM(network=own, max_epochs=1, random_state=0).fit(X)
    map_.save(path, program=True)
    return path, map_


def test_a_map_of_ones_own_network_is_loaded_without_its_builder(saved):
    path, map_ = saved
    again = load(path)
    np.testing.assert_allclose(again.transform(X), map_.embedding_, rtol=1e-5, atol=1e-6)
    for n in (1, N_ROWS - 1, N_ROWS + 1):
        np.testing.assert_array_equal(again.transform(X[:n]), again.transform(X)[:n])
    np.testing.assert_array_equal(load(path, network=own).transform(X), map_.embedding_)


def test_a_map_that_runs_as_a_program_cannot_be_fitted(saved):
    again = load(saved[0])
    with pytest.raises(InputError, match="own"):
        again.fit(X)
    with pytest.raises(InputError, match="own"):
        again.untrained()


def test_a_map_with_a_program_is_copied_pickled_and_saved_like_any_other(saved, tmp_path):
    again = load(saved[0])
    Z = again.transform(X)
    for other in (copy.deepcopy(again), pickle.loads(pickle.dumps(again))):
        np.testing.assert_array_equal(other.transform(X), Z)
    again.save(tmp_path / "again.drlim")
    np.testing.assert_array_equal(load(tmp_path / "again.drlim").transform(X), Z)
    kept = load(tmp_path / "again.drlim", network=own)
    np.testing.assert_array_equal(kept.transform(X), saved[1].embedding_)


def test_without_onnxruntime_the_error_says_what_to_install(saved, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"'onnxruntime'.*pip install 'drlim\[onnx\]'"):
        load(saved[0])


def test_a_network_that_draws_numbers_cannot_be_a_program(tmp_path):
    class Noisy(nn.Linear):
        def forward(self, X):
            return super().forward(X) + torch.rand(len(X), 1)

    # Such a network is not even fitted.
    map_ = DrLIM(network="linear", max_epochs=1, random_state=0).fit(X)
    map_.network_[1] = Noisy(5, 2)
    with pytest.raises(InputError, match=r"(?i)random"):
        map_.save(tmp_path / "map.drlim", program=True)
    assert not list(tmp_path.iterdir())


def test_a_straight_program_is_taken():
    Z = program(straight(PRODUCT, constants=[W]))(torch.ones(20, 5))
    np.testing.assert_array_equal(Z, np.full((20, 2), 5, np.float32))


def external():
    weight = array("W", np.ones((5, 2), np.float32))
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="/etc/passwd")
    return weight


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["v", "v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, ()),
            helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("v", TensorProto.FLOAT, (N_ROWS, 2)),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, (N_ROWS, 2)),
        ],
    )
    start = helper.make_node("MatMul", ["X", "W"], ["start"])
    return straight(
        start,
        helper.make_node("Loop", ["n", "true", "start"], ["Z"], body=body),
        constants=[W, array("n", np.int64(2**62)), array("true", np.bool_(True))],
    )


def large(op):
    """A program that first makes an array of 4 terabytes."""
    many = array("many", np.array([2**20, 2**20], np.int64))
    one = array("one", np.ones((1, 1), np.float32))
    made = (
        helper.make_node("Expand", ["one", "many"], ["big"])
        if op == "Expand"
        else helper.make_node("ConstantOfShape", ["many"], ["big"])
    )
    mean = helper.make_node("ReduceMean", ["big"], ["small"], keepdims=0)
    product = helper.make_node("MatMul", ["X", "W"], ["Y"])
    add = helper.make_node("Add", ["Y", "small"], ["Z"])
    return straight(made, mean, product, add, constants=[W, many, one])


def unknown_size():
    """A program in which the values of X decide how large an array is."""
    nonzero = helper.make_node("NonZero", ["X"], ["where"])
    cast = helper.make_node("Cast", ["where"], ["float"], to=TensorProto.FLOAT)
    mean = helper.make_node("ReduceMean", ["float"], ["small"], keepdims=0)
    product = helper.make_node("MatMul", ["X", "W"], ["Y"])
    return straight(
        nonzero, cast, mean, product, helper.make_node("Add", ["Y", "small"], ["Z"]), constants=[W]
    )


REFUSED = {
    "another file": lambda: straight(PRODUCT, constants=[external()]),
    "'Loop'": loop,
    "'Expand'": lambda: large("Expand"),
    "'ConstantOfShape'": lambda: large("ConstantOfShape"),
    "'NonZero'": unknown_size,
    "com.microsoft": lambda: straight(PRODUCT, constants=[W], domain="com.microsoft"),
    "'RandomUniformLike'": lambda: straight(
        helper.make_node("MatMul", ["X", "W"], ["Y"]),
        helper.make_node("RandomUniformLike", ["Y"], ["Z"]),
        constants=[W],
    ),
    r"\[16, 6\]": lambda: straight(PRODUCT, constants=[W], input=(N_ROWS, 6)),
    "2 components": lambda: straight(PRODUCT, constants=[W], output=(N_ROWS, 3)),
    "MatMul": lambda: straight(PRODUCT, constants=[array("W", np.ones((7, 2), np.float32))]),
}


@pytest.mark.parametrize(("why", "model"), REFUSED.items(), ids=list(REFUSED))
def test_a_program_that_could_do_harm_is_not_run(why, model, monkeypatch):
    # That a program is refused before it runs shows in no result.
    monkeypatch.setattr("drlim._onnx.session", lambda content: pytest.fail("it was run"))
    with pytest.raises(ProgramError, match=why):
        program(model())


def test_a_program_has_a_largest_size(monkeypatch):
    content = straight(PRODUCT, constants=[W]).SerializeToString()
    monkeypatch.setattr("drlim._onnx.MAX_BYTES", len(content) - 1)
    with pytest.raises(ProgramError, match=str(len(content))):
        check(content, (5,), 2)
    monkeypatch.undo()
    monkeypatch.setattr("drlim._onnx.MAX_NODES", 0)
    with pytest.raises(ProgramError, match="1 operations"):
        check(content, (5,), 2)


def test_a_program_is_refused_for_one_reason_whether_it_is_saved_or_loaded(
    saved, tmp_path, monkeypatch
):
    monkeypatch.setattr("drlim._onnx.MAX_NODES", 0)
    with pytest.raises(InputError, match="more than 0") as refused:
        saved[1].save(tmp_path / "map.drlim", program=True)
    assert "get the file" not in str(refused.value)
    with pytest.raises(FileError, match=f"(?s){saved[0].name} .*more than 0"):
        load(saved[0])


def test_what_is_not_onnx_is_refused():
    with pytest.raises(ProgramError):
        Program(b"\xff" * 50, (5,), 2, {})


def test_only_drlims_own_networks_are_built_from_what_a_file_says():
    assert _builders.from_description({"custom": "os.system"}) is None
