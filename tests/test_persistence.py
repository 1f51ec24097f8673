"""The laws of the map file: the same numbers back, whole or refused, and nothing in it is run."""

import ast
import json
import os
import pathlib
import re
import shutil
from functools import partial

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save
from samples import IMAGES, X, own
from torch import nn

import drlim
from drlim import DrLIM, FileError, InputError, load, networks
from drlim._persistence import FORMAT_VERSION, read_map, write_map
from drlim.losses import Contrastive


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small map, its file, and what it says of the samples."""
    path = tmp_path_factory.mktemp("maps") / "small.drlim"
    map_ = DrLIM(network="linear", max_epochs=1, random_state=0).fit(X)
    map_.save(path)
    return path, map_.transform(X)


@pytest.mark.parametrize(
    ("network", "samples"),
    [
        (None, X),
        (None, IMAGES),
        ("lenet", IMAGES[:, None]),
        ("mlp", X),
        ("mlp", IMAGES),
        ("linear", X.astype(np.float32)),
        (partial(networks.mlp, hidden=(4, 3), activation="gelu"), X),
        (partial(networks.mlp, hidden=np.array([4])), X),
        (partial(partial(networks.lenet, activation="relu")), IMAGES),
    ],
)
def test_a_map_that_was_saved_and_loaded_gives_the_same_numbers_to_the_bit(
    network, samples, tmp_path
):
    map_ = DrLIM(n_components=3, network=network, max_epochs=1, random_state=0).fit(samples)
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.transform(samples), map_.embedding_)
    assert str(again.network_) == str(map_.network_)
    assert not any(module.training for module in again.network_.modules())


def test_everything_that_describes_a_map_travels_with_it(tmp_path):
    parameters = {
        "n_components": np.int64(3),
        "n_neighbors": 4,
        "margin": np.float32(0.5),
        "n_dissimilar": 12.5,
        "max_epochs": 2,
        "batch_size": 16,
        "learning_rate": 1e-3,
    }
    map_ = DrLIM(**parameters, random_state=0).fit(pd.DataFrame(X, columns=list("abcde")))
    map_.save(tmp_path / "map.drlim")
    again = load(str(tmp_path / "map.drlim"))
    assert {name: again.get_params()[name] for name in parameters} == parameters
    assert again.loss == "contrastive"
    assert (again.sample_shape_, again.n_features_in_) == ((5,), 5)
    assert list(again.feature_names_in_) == list("abcde")
    assert list(again.get_feature_names_out()) == ["drlim0", "drlim1", "drlim2"]
    assert [epoch.loss for epoch in again.history_] == [epoch.loss for epoch in map_.history_]


def test_annotations_travel_with_the_map_and_are_forgotten_when_it_learns_anew(tmp_path):
    map_ = DrLIM(network="linear", max_epochs=0, random_state=0).fit(X)
    assert (map_.annotations_, map_.declaration_, map_.trained_on_) == ({}, None, None)
    seen = np.arange(3, dtype=np.uint64)
    map_.annotations_ = {"declaration": {"any": ["plain", 1]}, "kept": ["pose"], "trained_on": seen}
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.annotations_.pop("trained_on"), seen)
    assert again.annotations_ == {"declaration": {"any": ["plain", 1]}, "kept": ["pose"]}
    assert again.declaration_ == {"any": ["plain", 1]}
    assert map_.fit(X).annotations_ == {}
    map_.annotations_ = {"colour": "red"}
    with pytest.raises(InputError, match="'colour'"):
        map_.save(tmp_path / "map.drlim")


@pytest.mark.parametrize("samples", [X, IMAGES])
def test_the_same_map_gives_the_same_bytes(samples, tmp_path):
    for name in ("a", "b"):
        DrLIM(max_epochs=1, random_state=0).fit(samples).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_raw_samples_give_the_same_point_after_loading(dtype, tmp_path):
    map_ = DrLIM(max_epochs=1, random_state=0).fit(IMAGES)
    map_.save(tmp_path / "map.drlim")
    Z = load(tmp_path / "map.drlim").transform(IMAGES.astype(dtype))
    np.testing.assert_allclose(Z, map_.embedding_, atol=1e-5)


def test_a_custom_network_is_loaded_with_its_builder(tmp_path):
    map_ = DrLIM(network=own, max_epochs=1, random_state=0).fit(X)
    map_.save(tmp_path / "map.drlim")
    with pytest.raises(InputError, match=r"\.own; .*network="):
        load(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim", network=own)
    np.testing.assert_array_equal(again.transform(X), map_.embedding_)


def test_a_map_learnt_with_another_loss_still_maps(tmp_path):
    map_ = DrLIM(loss=lambda margin: Contrastive(margin), max_epochs=1, random_state=0).fit(X)
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(X), map_.embedding_)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("mlp", "small.drlim"),
        (partial(networks.mlp, hidden=(3,)), "small.drlim"),
        (own, "small.drlim"),
        ("mpl", "'mpl'.*'mlp'"),
        (nn.Linear(5, 2), "network.*Linear"),
        (lambda shape, n: None, "nn.Module"),
    ],
)
def test_a_builder_of_another_network_is_refused(network, message, saved):
    with pytest.raises(InputError, match=message):
        load(saved[0], network=network)


def test_what_a_builder_raises_is_not_blamed_on_the_file(saved):
    with pytest.raises(KeyError, match="my own mistake"):
        load(saved[0], network=lambda shape, n: {}["my own mistake"])


# Files that are not maps, or no longer.


def test_a_truncated_file_is_refused(saved, tmp_path):
    whole, path = saved[0].read_bytes(), tmp_path / "part.drlim"
    for length in [*range(0, len(whole), 50), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(FileError, match=r"part.drlim"):
            load(path)


def test_an_altered_byte_is_found_or_makes_no_difference(saved, tmp_path, rng):
    whole, path = saved[0].read_bytes(), tmp_path / "altered.drlim"
    refused = 0
    for place in rng.integers(0, len(whole), 300):
        altered = bytearray(whole)
        altered[place] ^= rng.integers(1, 256)
        path.write_bytes(altered)
        try:
            Z = load(path).transform(X)
        except (FileError, InputError):
            refused += 1
        else:
            np.testing.assert_array_equal(Z, saved[1])
    assert refused > 250


def test_bytes_that_are_added_are_found(saved, tmp_path):
    path = tmp_path / "longer.drlim"
    path.write_bytes(saved[0].read_bytes() + b"\0")
    with pytest.raises(FileError, match=r"longer.drlim"):
        load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"notes on the map, in plain words\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(64),
        b"PK\x03\x04" + bytes(64),
        b"\x80\x04\x95" + bytes(64),  # how a pickle begins
        b"\xff" * 100,
        b"\2\0\0\0\0\0\0\0{}",
        b"\2\0\0\0\0\0\0\0[]",
        b"\4\0\0\0\0\0\0\0null",
        save({"weights": np.zeros(3, np.float32)}),
        save({"weights": np.zeros(3, np.float32)}, {"other": "tool"}),
        save({}, {"drlim": "[]"}),
        save({}, {"drlim": "{}"}),
        save({}, {"drlim": "no json"}),
        save({}, {"drlim": '{"format_version": "1"}'}),
        save({}, {"drlim": '{"format_version": 1}'}),
        save({}, {"drlim": "[" * 100_000}),
    ],
    ids=range(17),
)
def test_a_file_that_is_not_a_map_is_refused(content, tmp_path):
    path = tmp_path / "other.file"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"other\.file"):
        load(path)


@pytest.mark.parametrize("missing", ["network", "sample_shape", "parameters", "history", "loss"])
def test_a_map_that_lacks_a_part_is_refused(missing, saved, tmp_path):
    description, tensors = read_map(saved[0])
    del description[missing]
    write_map(tmp_path / "part.drlim", description, tensors)
    with pytest.raises(FileError, match=f"'{missing}'"):
        load(tmp_path / "part.drlim")


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"missing.drlim"):
        load(tmp_path / "missing.drlim")
    with pytest.raises(FileError, match=tmp_path.name):
        load(tmp_path)
    with pytest.raises(OSError, match=tmp_path.name):  # for callers who do not know drlim
        load(tmp_path)


def test_a_newer_format_asks_for_a_newer_drlim(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(drlim._persistence, "FORMAT_VERSION", FORMAT_VERSION + 1)
    write_map(tmp_path / "newer.drlim", *read_map(saved[0]))
    monkeypatch.undo()
    with pytest.raises(FileError, match=r"newer\.drlim .*2.*1.*pip install"):
        load(tmp_path / "newer.drlim")


# Writing.


def test_a_place_that_cannot_be_written_is_refused(saved, tmp_path, monkeypatch):
    map_ = load(saved[0])
    (tmp_path / "file").write_text("in the way")
    for path in (tmp_path / "no folder" / "map.drlim", tmp_path / "file" / "map.drlim", tmp_path):
        with pytest.raises(FileError, match=re.escape(str(path))):
            map_.save(path)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(FileError, match=r"map\.drlim .*Permission denied"):
        map_.save(tmp_path / "map.drlim")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["os.replace", "os.fsync", "os.chmod"])
def test_an_interrupted_write_leaves_the_old_file_whole_and_nothing_else(
    step, saved, tmp_path, monkeypatch
):
    shutil.copy(saved[0], tmp_path / "map.drlim")
    map_ = DrLIM(max_epochs=1, random_state=1).fit(X)

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(step, interrupt)
        with pytest.raises(KeyboardInterrupt):
            map_.save(tmp_path / "map.drlim")
    assert os.listdir(tmp_path) == ["map.drlim"]
    assert (tmp_path / "map.drlim").read_bytes() == saved[0].read_bytes()
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(X), map_.embedding_)


def test_a_file_gets_the_rights_that_the_user_asks_for(saved, tmp_path):
    mask = os.umask(0o027)
    try:
        load(saved[0]).save(tmp_path / "map.drlim")
    finally:
        os.umask(mask)
    assert (tmp_path / "map.drlim").stat().st_mode & 0o777 == 0o640


# Nothing in a file is run.


def test_a_file_is_numbers_and_json(saved):
    content = saved[0].read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    description = json.loads(header.pop("__metadata__")["drlim"])
    assert description["format_version"] == FORMAT_VERSION
    assert {tensor["dtype"] for tensor in header.values()} <= {"F32", "F64", "I64"}


def test_no_source_file_can_unpickle():
    for path in pathlib.Path(drlim.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
                names.add((getattr(node, "module", None) or "").split(".")[0])
                assert not names & {"pickle", "cPickle", "dill", "joblib", "marshal"}, path
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert given.get("weights_only") == "True", path
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", path
