"""The laws of an exported map: one file, the same points, any number of samples."""

import functools
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from samples import IMAGES, X, own
from torch import nn

import drlim
from drlim import DrLIM, FileError, InputError, MissingExtraError, export, load, networks

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")


def features():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())


def run(path, samples):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["Z"], {"X": samples.astype(np.float32)})[0]


MAPS = {
    "lenet": (None, IMAGES),
    "mlp": (None, X * 1e3 + 1e4),
    "linear": ("linear", IMAGES),
    "convnet": (functools.partial(networks.convnet, width=8, depth=2), IMAGES[:, None]),
    "backbone": (networks.backbone(features, channels=3), IMAGES),
    "own, with batch normalisation": (own, X),
}


@pytest.mark.parametrize(("network", "samples"), MAPS.values(), ids=MAPS)
def test_any_map_gives_the_same_points_in_onnxruntime(network, samples, tmp_path):
    map_ = DrLIM(3, network=network, max_epochs=1, margin=0.5, random_state=0).fit(samples)
    exported = export(map_, tmp_path / "map.onnx")
    assert 0 <= exported.max_difference <= 1e-5
    print(exported)
    assert f"{exported.max_difference:.1e} of its scale" in str(exported)
    scale = np.maximum(0.5, np.abs(map_.embedding_).max(axis=1, keepdims=True))
    for n in (1, 2, len(samples)):
        Z = run(tmp_path / "map.onnx", samples[:n])
        assert (np.abs(Z - map_.embedding_[:n]) <= 2e-5 * scale[:n]).all()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    map_ = DrLIM(network="linear", max_epochs=1, random_state=0).fit(X)
    map_.save(folder / "map.drlim")
    return folder, export(load(folder / "map.drlim"), folder / "map.onnx")


def test_the_file_names_its_map(exported):
    folder, made = exported
    model = onnx.load(folder / "map.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    with safe_open(folder / "map.drlim", "numpy") as file:
        description = json.loads(file.metadata()["drlim"])
    assert metadata == made.metadata
    assert metadata == {
        "drlim": drlim.__version__,
        "n_components": "2",
        "sample_shape": "5",
        "margin": "1.0",
        "map_sha256": description["sha256"],
    }


def test_it_is_one_file_without_a_trace_of_the_machine(exported):
    folder, made = exported
    assert sorted(path.name for path in folder.iterdir()) == ["map.drlim", "map.onnx"]
    model = onnx.load(folder / "map.onnx")
    assert not any(tensor.external_data for tensor in model.graph.initializer)
    assert b".py" not in made.path.read_bytes()
    (taken,), (given,) = model.graph.input, model.graph.output
    assert (taken.name, given.name) == ("X", "Z")
    assert taken.type.tensor_type.shape.dim[0].dim_param


def test_a_network_that_is_not_the_same_twice_is_not_written(tmp_path):
    class Noisy(nn.Linear):
        def forward(self, X):
            return super().forward(X) + torch.rand_like(X[:, :1])

    # Such a network is not even fitted.
    map_ = DrLIM(network="linear", max_epochs=1, random_state=0).fit(X)
    map_.network_[1] = Noisy(X.shape[1], 2)
    with pytest.raises(InputError, match="1e-05"):
        export(map_, tmp_path / "map.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_made_for_one_number_of_rows_is_refused(tmp_path):
    class Fixed(nn.Linear):
        def forward(self, X):
            return super().forward(X) + torch.zeros(len(X), 1)

    map_ = DrLIM(network=lambda shape, n: Fixed(*shape, n), max_epochs=1, random_state=0).fit(X)
    with pytest.raises(InputError, match="1 samples"):
        export(map_, tmp_path / "map.onnx")


def test_a_network_that_branches_on_values_is_refused_with_a_reason(tmp_path):
    class Branching(nn.Linear):
        def forward(self, X):
            return super().forward(X if float(X.sum()) > 0 else -X)

    map_ = DrLIM(network=lambda shape, n: Branching(*shape, n), max_epochs=1, random_state=0)
    with pytest.raises(InputError, match=r"torch.*ONNX"):
        export(map_.fit(X), tmp_path / "map.onnx")


def test_a_place_that_cannot_be_written_is_refused(exported, tmp_path):
    with pytest.raises(FileError, match=r"map.onnx"):
        export(load(exported[0] / "map.drlim"), tmp_path / "no folder" / "map.onnx")


def test_without_onnx_the_error_says_what_to_install(exported, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match=r"'onnxscript'.*pip install 'drlim\[onnx\]'"):
        export(load(exported[0] / "map.drlim"), tmp_path / "map.onnx")


def test_exporting_leaves_the_map_and_the_globals_as_they_were(exported, untouched_globals):
    map_ = load(exported[0] / "map.drlim")
    before = map_.transform(X)
    export(map_, exported[0] / "again.onnx")
    np.testing.assert_array_equal(map_.transform(X), before)
    assert (exported[0] / "again.onnx").read_bytes() == (exported[0] / "map.onnx").read_bytes()
    (exported[0] / "again.onnx").unlink()


def plain():
    """Features that do not count their images."""
    torch.manual_seed(0)
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.ReLU(), *pooled)


def test_the_file_of_a_pretrained_map_takes_pixels_as_they_were_read(rng, tmp_path):
    images = rng.integers(0, 256, (20, 3, 16, 16), np.uint8)
    save_file(plain().state_dict(), tmp_path / "plain.safetensors")
    network = networks.pretrained(
        tmp_path / "plain.safetensors", module=plain, size=12, mean=127, std=64, cache=False
    )
    map_ = DrLIM(network=network, max_epochs=2, random_state=0).fit(images, [0, 1] * 10)
    exported = export(map_, tmp_path / "map.onnx")
    assert exported.n_checked < 64  # a deep network takes long for each
    assert [file.name for file in tmp_path.glob("*.onnx*")] == ["map.onnx"]
    for n in (1, 20):
        Z = run(tmp_path / "map.onnx", images[:n])
        np.testing.assert_allclose(Z, map_.transform(images[:n]), rtol=1e-4, atol=1e-5)
