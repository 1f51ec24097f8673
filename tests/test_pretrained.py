"""Pretrained networks: what they are given, and features that are computed once."""

import json
import shutil
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

from drlim import DrLIM, _onnx, load, networks
from drlim._errors import DataWarning, FileError, InputError, MissingExtraError
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove
from drlim.graphs import SimilarityGraph, neighbors
from drlim.networks import _builders, _hubs, _pretrained
from drlim.networks._features import kept_features
from drlim.networks._pixels import Preprocess, Preprocessing
from drlim.training import Callback, Selection
from drlim.transforms import Augment, change

PIXELS = {"size": 12, "mean": 127, "std": 64}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("drlim.networks._features._stores", {})
    _pretrained._loaded_once.cache_clear()
    return tmp_path / "cache" / "features"


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (20, 3, 16, 16), np.uint8)


LABELS = [0, 1] * 10


class Tiny(nn.Module):
    n_images = 0

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.BatchNorm2d(4))
        self.fc = nn.Linear(4, 10)

    def forward(self, X):
        Tiny.n_images += len(X)
        return self.fc(self.layers(X).mean(dim=(2, 3)))


def features():
    torch.manual_seed(0)
    tiny = Tiny()
    tiny.fc = nn.Identity()
    return tiny


@pytest.fixture
def weights(tmp_path):
    save_file(features().state_dict(), tmp_path / "tiny.safetensors")
    return tmp_path / "tiny.safetensors"


def tiny(weights, **options):
    return networks.pretrained(weights, module=features, **{**PIXELS, **options})


def fitted(network, X, y=LABELS, **options):
    return DrLIM(network=network, max_epochs=2, random_state=0, **options).fit(X, y)


# Pixels


@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(20, 30), (9, 8)])
def test_images_are_resized_cropped_and_normalised_as_torch_does_it(kind, shape, rng):
    pixels = Preprocessing((8, 8), (10,), kind, (120.0, 110.0, 100.0), (60.0, 50.0, 40.0))
    X = torch.from_numpy(rng.integers(0, 256, (2, 3, *shape)).astype(np.float32))
    by = 10 / min(shape)
    size = tuple(int(by * side) for side in shape)
    normal = (X - torch.tensor(pixels.mean).view(3, 1, 1)) / torch.tensor(pixels.std).view(3, 1, 1)
    resized = F.interpolate(normal, size, mode=kind, antialias=True)
    top, left = ((side - 8) // 2 for side in size)
    expected = resized[:, :, top : top + 8, left : left + 8]
    torch.testing.assert_close(Preprocess(pixels, *shape)(X), expected, rtol=1e-5, atol=1e-5)


def test_a_small_image_is_put_in_the_middle_of_zeros():
    pixels = Preprocessing((6, 6), (4,), "bilinear", (0.0,) * 3, (1.0,) * 3)
    made = Preprocess(pixels, 4, 4)(torch.ones(1, 3, 4, 4))
    assert made[0, 0].sum() == 16
    assert made[0, 0, 1:5, 1:5].eq(1).all()


@pytest.mark.parametrize("shape", [(16, 16), (1, 16, 16)])
def test_grey_images_are_images_whose_colours_are_equal(shape, weights, rng):
    grey = rng.integers(0, 256, (4, *shape), np.uint8)
    colour = np.repeat(grey.reshape(4, 1, 16, 16), 3, axis=1)
    network = tiny(weights, cache=False)
    found, expected = networks.features(network, grey), networks.features(network, colour)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(networks.features(network, grey.astype(np.float64)), found)


def test_samples_that_are_no_images_are_refused(weights):
    with pytest.raises(InputError, match="5"):
        networks.features(tiny(weights), np.zeros((20, 5)))


def test_pixels_from_0_to_1_are_warned_of(weights, images):
    with pytest.warns(DataWarning, match="255"):
        fitted(tiny(weights, cache=False), images / 255)


# By name


def test_a_pretrained_network_takes_one_line_and_its_map_needs_it_no_more(
    images, tmp_path, monkeypatch
):
    map_ = fitted(networks.pretrained("efficientnet-lite0"), images)
    assert map_.scaling_.scale == "none"
    np.testing.assert_array_equal(map_.transform(images), map_.embedding_)
    map_.save(tmp_path / "map.drlim")
    monkeypatch.setattr(_pretrained, "_loaded", None)
    again = load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.transform(images), map_.embedding_)
    untrained = again.untrained()
    np.testing.assert_array_equal(
        networks.features(untrained.network_, images), networks.features(map_.network_, images)
    )
    later = DrLIM(network=again.network, max_epochs=1).fit(images, LABELS, init=again)
    assert np.isfinite(later.embedding_).all()
    arguments = again._network_description["arguments"]
    assert arguments["size"] == [224, 224]
    assert arguments["std"] == [128, 128, 128]
    assert "cache" not in arguments


@pytest.mark.parametrize(
    "name", ["timm:resnet", "torchvision:resnet", "transformers:vit", "open_clip:ViT/laion"]
)
def test_a_missing_package_is_named_before_any_work(name, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(MissingExtraError, match=name.partition(":")[0]):
        networks.pretrained(name)


def test_a_package_that_cannot_be_imported_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match="timm"):
        networks.features(networks.pretrained("timm:resnet"), np.zeros((2, 8, 8)))


class FakeTimm(types.ModuleType):
    """As timm 1.0 answers."""

    def create_model(self, name, pretrained, num_classes):
        assert num_classes == 0
        torch.manual_seed(int(pretrained))
        module = Tiny()
        module.fc = nn.Identity()
        module.pretrained_cfg = {
            "architecture": "tiny",
            "input_size": (3, 14, 14),
            "crop_pct": 0.875,
            "interpolation": "bicubic",
            "mean": (0.5, 0.5, 0.5),
            "std": (0.25, 0.25, 0.25),
        }
        return module


class FakeModels(types.ModuleType):
    """As torchvision.models answers."""

    def get_model_weights(self, name):
        said = types.SimpleNamespace(
            crop_size=[14],
            resize_size=[16],
            interpolation=types.SimpleNamespace(value="bilinear"),
            mean=[0.5] * 3,
            std=[0.25] * 3,
        )
        return types.SimpleNamespace(DEFAULT=types.SimpleNamespace(transforms=lambda: said))

    def list_models(self, module):
        return ["tiny"]

    def get_model(self, name, weights):
        torch.manual_seed(0 if weights is None else 1)
        return Tiny()


class FakeClip(types.ModuleType):
    """As open_clip answers."""

    def create_model(self, name, pretrained=None):
        torch.manual_seed(0 if pretrained is None else 1)
        visual = Tiny()
        visual.fc = nn.Linear(4, 5)
        return types.SimpleNamespace(visual=visual)

    def get_model_preprocess_cfg(self, model):
        return {
            "size": (14, 14),
            "interpolation": "bicubic",
            "resize_mode": "shortest",
            "mean": (0.5,) * 3,
            "std": (0.25,) * 3,
        }

    def list_pretrained(self):
        return [("tiny", "laion")]


@pytest.mark.parametrize(
    ("name", "package", "fake", "resize", "n_features"),
    [
        ("timm:tiny.in1k", "timm", FakeTimm, [16], 4),
        ("torchvision:tiny", "torchvision.models", FakeModels, [16], 4),
        ("open_clip:tiny/laion", "open_clip", FakeClip, [14], 5),
    ],
)
def test_a_hub_is_asked_once_for_weights_and_never_for_a_map(
    name, package, fake, resize, n_features, images, tmp_path, monkeypatch, capsys
):
    for part in (package.partition(".")[0], package):
        monkeypatch.setitem(sys.modules, part, fake(part))
    map_ = fitted(networks.pretrained(name), images)
    assert name in capsys.readouterr().err  # never silently
    assert networks.features(map_.network_, images).shape == (20, n_features)
    map_.save(tmp_path / "map.drlim")
    assert not capsys.readouterr().err
    monkeypatch.setattr(_pretrained, "_loaded", None)
    again = load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.transform(images), map_.embedding_)
    arguments = again._network_description["arguments"]
    assert (arguments["size"], arguments["resize"]) == ([14, 14], resize)
    assert arguments["mean"] == [127.5] * 3


def test_weights_must_be_named_where_there_are_several(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", FakeClip("open_clip"))
    with pytest.raises(InputError, match="laion"):
        networks.features(networks.pretrained("open_clip:tiny"), np.zeros((2, 8, 8)))


@pytest.mark.parametrize("name", ["torchvision:tiny_detector", "timm:tiny"])
def test_a_network_that_its_package_does_not_know_is_named(name, monkeypatch):
    def create_model(*_, **__):
        raise RuntimeError("Unknown model")

    for part in ("torchvision", "torchvision.models"):
        monkeypatch.setitem(sys.modules, part, FakeModels(part))
    monkeypatch.setitem(sys.modules, "timm", types.SimpleNamespace(create_model=create_model))
    with pytest.raises(InputError, match=name.partition(":")[2]):
        networks.features(networks.pretrained(name), np.zeros((2, 8, 8)))


def test_a_network_that_was_frozen_in_one_fit_learns_in_the_next(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", FakeTimm("timm"))
    networks.pretrained("timm:tiny")((3, 16, 16), 2)
    learning = networks.pretrained("timm:tiny", freeze=False)((3, 16, 16), 2)
    assert all(weight.requires_grad for weight in learning.parameters())


@pytest.mark.parametrize("architecture", ["hf-hub:someone/model", "local-dir:/somewhere"])
def test_a_map_cannot_name_an_architecture_elsewhere(architecture, monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", FakeTimm("timm"))
    with pytest.raises(InputError, match="architecture"):
        _hubs.LOADERS["timm"].build(architecture)


@pytest.mark.parametrize(
    "described",
    [
        {"model_type": "timm_wrapper", "architecture": "hf-hub:someone/model"},
        {"model_type": "detr", "backbone": "someone/model", "use_pretrained_backbone": True},
        {"model_type": "dpt", "part": {"model_type": "timm_backbone"}},
        [],
    ],
)
def test_a_map_cannot_name_a_part_of_transformers_elsewhere(described, monkeypatch):
    config = types.SimpleNamespace(for_model=lambda **_: pytest.fail("it was built"))
    fake = types.SimpleNamespace(AutoConfig=config)
    monkeypatch.setitem(sys.modules, "transformers", fake)
    with pytest.raises(InputError, match="transformers"):
        _hubs.LOADERS["transformers"].build(json.dumps(described))


def test_the_processor_of_transformers_is_read():
    found = _hubs._of_processor(
        {
            "size": {"shortest_edge": 256},
            "crop_size": {"height": 224, "width": 224},
            "do_center_crop": True,
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
            "rescale_factor": 1 / 255,
            "resample": 3,
        }
    )
    expected = Preprocessing((224, 224), (256,), "bicubic", (127.5,) * 3, (127.5,) * 3)
    assert (found.size, found.resize, found.interpolation) == ((224, 224), (256,), "bicubic")
    np.testing.assert_allclose(found.mean, expected.mean)
    assert _hubs._of_processor({"size": {"height": 30, "width": 20}}).resize == (30, 20)


# Files


def test_a_module_of_the_users_own_stays_as_it_is(weights):
    shared = features()
    nn.init.zeros_(shared.layers[0].weight)
    for make in (
        networks.backbone(lambda: shared, weights=weights),
        networks.pretrained(weights, module=lambda: shared, **PIXELS),
    ):
        make((3, 16, 16), 2)
        assert not shared.layers[0].weight.any()
        assert shared.layers[0].weight.requires_grad


def test_weights_of_a_file_are_those_of_the_map(weights, images, tmp_path):
    map_ = fitted(tiny(weights), images)
    map_.save(tmp_path / "map.drlim")
    weights.unlink()
    again = load(tmp_path / "map.drlim", network=tiny(weights))
    np.testing.assert_array_equal(again.transform(images), map_.embedding_)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {"state_dict": state}])
def test_a_file_of_torch_is_read_without_running_code(wrap, weights, images, tmp_path):
    path = tmp_path / "tiny.pth"
    torch.save(wrap(features().state_dict()), path)
    found = networks.features(tiny(path), images)
    np.testing.assert_array_equal(found, networks.features(tiny(weights), images))
    torch.save(features(), path)  # a pickled module
    with pytest.raises(FileError, match=r"tiny\.pth"):
        networks.features(tiny(path), images)


def test_a_network_that_does_not_describe_itself_needs_its_pixels(weights, images):
    with pytest.raises(InputError, match="size=, std="):
        fitted(networks.pretrained(weights, module=features, mean=127), images)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("resnet", {}, "efficientnet-lite0"),
        ("weights.pth", {}, "module"),
        ("efficientnet-lite0", {"module": features}, "module"),
        ("efficientnet-lite0", {"size": 0}, "size"),
        ("efficientnet-lite0", {"interpolation": "best"}, "bicubic"),
        ("efficientnet-lite0", {"std": 0}, "std"),
        ("efficientnet-lite0", {"copies": 0}, "copies"),
        ("efficientnet-lite0", {"cache": 1}, "cache"),
        ("weights.pth", {"module": "nowhere:function"}, "nowhere"),
    ],
)
def test_what_is_wrong_with_a_name_is_told_at_once(name, options, words):
    with pytest.raises(InputError, match=words):
        networks.pretrained(name, **options)


def test_a_scale_is_refused_because_the_network_has_its_own():
    with pytest.raises(InputError, match="each"):
        networks.scaled(networks.pretrained("efficientnet-lite0"), "each")


def test_an_onnx_file_gives_features_and_is_kept_in_the_map(images, tmp_path):
    path = tmp_path / "tiny.onnx"
    module = features().eval()
    path.write_bytes(_onnx.write(module, (3, 12, 12)))
    network = networks.pretrained(f"onnx:{path}", mean=127, std=64)
    map_ = fitted(network, images)
    expected = networks.features(
        networks.backbone(lambda: nn.Sequential(_scaled_by(12), module)), images
    )
    np.testing.assert_allclose(networks.features(network, images), expected, atol=1e-5)
    assert not any(module.training for module in map_.network_.modules())
    map_.save(tmp_path / "map.drlim")
    path.write_bytes(_onnx.write(nn.Sequential(module, nn.Tanh()), (3, 12, 12)))
    assert np.abs(networks.features(network, images)).max() <= 1
    path.unlink()
    _pretrained._loaded_once.cache_clear()
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(images), map_.embedding_)


def _scaled_by(size):
    pixels = Preprocessing((size, size), (size,), "bilinear", (127.0,) * 3, (64.0,) * 3)
    return Preprocess(pixels, 16, 16)


# Features are computed once


def counted(make):
    before = Tiny.n_images
    made = make()
    return made, Tiny.n_images - before


def test_a_fit_computes_features_once_and_the_next_one_not_at_all(weights, images, monkeypatch):
    first, n_first = counted(lambda: fitted(tiny(weights), images))
    second, n_second = counted(lambda: fitted(tiny(weights), images))
    # The images in blocks of 8, one sample to know the network by, and two to see that it works.
    assert n_first <= 24 + 8 + 4
    assert n_second <= 4
    np.testing.assert_array_equal(first.embedding_, second.embedding_)
    # In another process, one sample is compared.
    monkeypatch.setattr("drlim.networks._features._stores", {})
    third, n_third = counted(lambda: fitted(tiny(weights), images))
    assert n_third <= 8 + 4
    np.testing.assert_array_equal(first.embedding_, third.embedding_)


def test_without_a_cache_nothing_is_written_and_the_map_is_the_same(weights, images, cache):
    without = fitted(tiny(weights, cache=False), images)
    assert not cache.exists()
    np.testing.assert_array_equal(without.embedding_, fitted(tiny(weights), images).embedding_)


def test_a_frozen_backbone_learns_as_if_it_were_computed_in_each_step(images):
    def whole(sample_shape, n_components):
        built = networks.backbone(features)(sample_shape, n_components)
        return nn.Sequential(nn.Identity(), built)  # in which no frozen part is recognised

    map_, n_images = counted(lambda: fitted(networks.backbone(features), images))
    assert n_images <= 24 + 4
    # The other one starts at random.
    assert np.isfinite(fitted(whole, images).embedding_).all()
    np.testing.assert_array_equal(map_.transform(images), map_.embedding_)
    np.testing.assert_allclose(
        map_.network_(torch.from_numpy(images)).detach().numpy(), map_.embedding_, atol=1e-4
    )


def test_a_transform_takes_known_features_and_keeps_none(weights, images, cache, rng):
    map_ = fitted(tiny(weights), images)
    _, n_known = counted(lambda: map_.transform(images[:7]))
    others = rng.integers(0, 256, (5, 3, 16, 16), np.uint8)
    files = len(list(cache.rglob("*.features")))
    _, n_others = counted(lambda: map_.transform(others))
    assert (n_known, n_others) == (0, 8)
    assert len(list(cache.rglob("*.features"))) == files
    with kept_features():
        map_.transform(others)
    assert counted(lambda: map_.transform(others))[1] == 0


def test_an_interrupted_computation_is_resumed(weights, images, monkeypatch):
    monkeypatch.setattr("drlim.networks._features._BLOCK", 8)
    original, n_calls = Tiny.forward, []

    def interrupted(self, X):
        n_calls.append(len(X))
        if len(n_calls) == 5:
            raise KeyboardInterrupt
        return original(self, X)

    monkeypatch.setattr(Tiny, "forward", interrupted)
    with pytest.raises(KeyboardInterrupt):
        networks.features(tiny(weights), images)
    _, n_images = counted(lambda: networks.features(tiny(weights), images))
    assert n_images <= 8 + 2  # what was left, and to find the number of features


def test_other_weights_have_other_features(weights, images, tmp_path):
    other = features()
    nn.init.normal_(other.layers[0].weight)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    found = networks.features(tiny(weights), images)
    assert not np.allclose(found, networks.features(tiny(tmp_path / "other.safetensors"), images))
    assert not np.allclose(found, networks.features(tiny(weights, std=65), images))


@pytest.mark.parametrize("is_new_process", [False, True])
def test_a_network_whose_code_has_changed_gets_new_features(
    is_new_process, weights, images, monkeypatch
):
    found = networks.features(tiny(weights), images)
    original = Tiny.forward
    monkeypatch.setattr(Tiny, "forward", lambda self, X: 2 * original(self, X))
    if is_new_process:
        monkeypatch.setattr("drlim.networks._features._stores", {})
    np.testing.assert_allclose(networks.features(tiny(weights), images), 2 * found, rtol=1e-6)


def test_the_same_numbers_have_the_same_features_in_any_byte_order(weights, rng):
    X = rng.integers(0, 256, (4, 3, 16, 16)).astype("<u2")
    found = networks.features(tiny(weights), X)
    np.testing.assert_array_equal(networks.features(tiny(weights), X.astype(">u2")), found)
    assert not np.allclose(networks.features(tiny(weights), X.byteswap()), found)


def test_weights_that_are_changed_through_their_data_have_other_features(weights, images):
    map_ = fitted(tiny(weights), images)
    before = map_.transform(images)
    next(map_.network_[1][0].parameters()).data.mul_(2)
    assert not np.allclose(map_.transform(images), before)


def test_numbers_of_numpy_are_numbers(weights, images):
    found = networks.features(tiny(weights), images)
    as_arrays = {"size": np.int64(12), "mean": np.full(3, 127), "std": np.float32(64)}
    np.testing.assert_array_equal(networks.features(tiny(weights, **as_arrays), images), found)
    assert networks.features(tiny(weights), images[:0]).shape == (0, found.shape[1])


def test_a_damaged_file_of_features_is_not_read(weights, images, cache, monkeypatch):
    found = networks.features(tiny(weights), images)
    for path in cache.rglob("*.features"):
        path.write_bytes(path.read_bytes()[:-10])
    monkeypatch.setattr("drlim.networks._features._stores", {})
    np.testing.assert_array_equal(networks.features(tiny(weights), images), found)


def test_without_labels_the_nearest_in_features_are_similar(weights, images):
    network = tiny(weights)
    map_ = fitted(network, images, y=None)
    assert map_.graph_ == neighbors(networks.features(network, images), 5)


# Changes to be ignored


def test_changed_copies_are_made_once_and_found_again_in_any_split(weights, images):
    changes = Augment([change("brightness", range=(-0.1, 0.1))])
    network = tiny(weights, copies=3)
    first, n_first = counted(lambda: fitted(network, images, augment=changes))
    again, n_again = counted(lambda: fitted(network, images, augment=changes))
    _, n_part = counted(lambda: fitted(network, images[4:], LABELS[4:], augment=changes))
    assert n_first <= 24 + 64 + 8 + 4
    assert n_again <= 4
    assert n_part <= 4
    np.testing.assert_array_equal(first.embedding_, again.embedding_)
    np.testing.assert_array_equal(first.transform(images), first.embedding_)


def test_a_change_of_the_users_own_is_made_again_and_its_features_are_found(weights, images):
    def darker(samples, rng):
        return samples // rng.integers(1, 5)

    first, _ = counted(lambda: fitted(tiny(weights), images, augment=darker))
    again, n_again = counted(lambda: fitted(tiny(weights), images, augment=darker))
    assert n_again <= 4
    np.testing.assert_array_equal(first.embedding_, again.embedding_)


class Colour(nn.Module):
    def forward(self, X):
        return X.mean(dim=(2, 3))


def test_a_map_learns_to_ignore_the_change_of_the_copies(rng):
    X = np.broadcast_to(rng.integers(60, 180, (40, 3, 1, 1)), (40, 3, 8, 8)).astype(np.uint8)
    network = networks.backbone(lambda: nn.Sequential(Colour(), nn.Linear(3, 3)))
    map_ = DrLIM(
        network=network,
        augment=Augment([change("brightness", range=(-0.2, 0.2))]),
        max_epochs=150,
        learning_rate=0.02,
        n_dissimilar=1.0,
        random_state=0,
    ).fit(X, graph=SimilarityGraph.empty(40))

    def moved(map_):
        Z = map_.transform(X)
        return np.linalg.norm(map_.transform(X + 40) - Z, axis=1).mean() / Z.std()

    assert moved(map_) < moved(map_.untrained()) / 3


def test_the_arguments_of_a_pretrained_network_are_parameters_of_the_map(weights):
    map_ = DrLIM(network=tiny(weights)).set_params(network__hidden=(8,))
    assert map_.get_params()["network__hidden"] == (8,)
    assert _builders.scaling_of(map_.network).scale == "none"


# Declared


def declared(weights, **parts):
    table = {"pretrained": weights.name, "module": "tiny_features:features", **PIXELS}
    (weights.parent / "tiny_features.py").write_text("from test_pretrained import features\n")
    rule = {"keep": ["kind"], "map": {"network": table, "max_epochs": 2}}
    return Declaration(**{**rule, **parts}).beside(weights.parent)


def test_a_second_declared_run_computes_no_features(weights, rng, tmp_path):
    X = rng.integers(0, 256, (60, 3, 16, 16), np.uint8)
    data = Dataset(X, {"kind": np.repeat([0, 1, 2], 20)})
    declaration = declared(weights, ignore=[{"transform": "brightness", "range": (-0.1, 0.1)}])

    def learnt():
        fitted = fit(declaration, data)
        evidence = prove(fitted.map, declaration, fitted.held_out, fitted.learnt)
        return fitted.map, evidence

    (first, before), _ = counted(learnt)
    (again, after), n_images = counted(learnt)
    assert n_images <= 3 * 4  # to see that the network works
    np.testing.assert_array_equal(first.embedding_, again.embedding_)
    assert before.as_json() == after.as_json()
    assert first.scaling_.scale == "none"


def test_neighbours_that_are_kept_are_those_of_the_features(weights):
    data = few()
    declaration = declared(weights, keep=[{"neighbors": 3}])
    fitted = fit(declaration, data)
    found = networks.features(tiny(weights), fitted.learnt.X)
    assert fitted.rules.similar == neighbors(found, 3)
    proof = prove(fitted.map, declaration, fitted.held_out, fitted.learnt).proof
    assert proof.kept[0].name == "3 nearest neighbours"


def test_an_argument_that_no_pretrained_network_takes_is_named():
    table = {"pretrained": "efficientnet-lite0", "sizes": 3}
    with pytest.raises(InputError, match="'size'"):
        fit(Declaration(keep=["kind"], map={"network": table}), few())


def test_a_scale_is_refused_in_a_declaration(weights):
    with pytest.raises(InputError, match="each"):
        fit(declared(weights, data={"scale": "each"}), few())


def few():
    X = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 16), np.uint8)
    return Dataset(X, {"kind": np.array(LABELS)})


# Fine-tuning


class Blocks(nn.Module):
    """As a network of stages: a stem, blocks in lists, and a last layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2)
        self.stages = nn.ModuleList(nn.Sequential(block(), block()) for _ in range(2))
        self.norm = nn.BatchNorm2d(4)

    def forward(self, X):
        X = self.stem(X)
        for stage in self.stages:
            for each in stage:
                X = X + each["norm"](each["conv"](X)).relu()
        return self.norm(X).mean(dim=(2, 3))


def block():
    return nn.ModuleDict({"conv": nn.Conv2d(4, 4, 3, padding=1), "norm": nn.BatchNorm2d(4)})


def moved(map_):
    """The weights of the pretrained network that are no longer its own."""
    now, first = map_.network_[1][0], map_.untrained().network_[1][0]
    return {
        name.removeprefix("module.")
        for (name, weight), (_, before) in zip(
            now.named_parameters(), first.named_parameters(), strict=True
        )
        if not torch.equal(weight, before)
    }


@pytest.mark.parametrize(("freeze", "first"), [(1, 3), (3, 1), (4, 0)])
def test_the_last_blocks_learn_and_what_follows_them(freeze, first, images):
    found = moved(fitted(networks.backbone(Blocks, freeze=freeze), images))
    blocks = [f"stages.{stage}.{place}.conv.weight" for stage in range(2) for place in range(2)]
    assert {name for name in found if "conv.weight" in name} == set(blocks[first:])
    assert "stem.weight" not in found
    assert "norm.weight" in found


def test_freezing_nothing_lets_all_learn_and_freezing_no_block_is_freezing_all(images):
    assert "stem.weight" in moved(fitted(networks.backbone(Blocks, freeze=False), images))
    assert not moved(fitted(networks.backbone(Blocks, freeze=0), images))


def test_more_blocks_than_there_are_is_an_error_that_names_their_number(images):
    with pytest.raises(InputError, match="4 blocks"):
        fitted(networks.backbone(Blocks, freeze=9), images)


def test_the_blocks_of_efficientnet_are_its_sixteen():
    network = networks.pretrained("efficientnet-lite0", freeze=2)((32, 32), 2)
    learning = {name for name, weight in network[0].named_parameters() if weight.requires_grad}
    assert any("_blocks.14." in name for name in learning)
    assert any("_conv_head" in name for name in learning)
    assert not any("_blocks.13." in name for name in learning)


class Watched(Callback):
    """How far the first layer of the pretrained network has moved, after each step."""

    def __init__(self):
        self.moved = []

    def on_start(self, training):
        self.weight = training.network[1][0].module.stem.weight
        self.first = self.weight.detach().clone()

    def on_batch_end(self, step, n_steps):
        self.moved.append(float((self.weight - self.first).detach().abs().max()))


def test_what_is_pretrained_learns_later_and_more_slowly(images):
    moves = {}
    for rate in (1.0, 0.1):
        watched = Watched()
        network = networks.backbone(Blocks, freeze=False, rate=rate, warm_up=0.5)
        map_ = DrLIM(
            network=network, max_epochs=20, batch_size=30, random_state=0, callbacks=[watched]
        )
        map_.fit(images, LABELS)
        half = len(watched.moved) // 2
        assert max(watched.moved[: half - 1]) == 0
        moves[rate] = max(watched.moved)
    assert 0 < moves[0.1] < 0.2 * moves[1.0]


def test_the_length_of_fine_tuning_is_chosen_where_that_is_asked_for(images):
    network = networks.backbone(Blocks, freeze=1)
    asked = DrLIM(network=network, max_epochs=Selection(pulls=(1.0,)), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # these photographs show nothing
        assert asked.fit(images, LABELS).chosen_ is not None
    assert DrLIM(network=network, random_state=0).fit(images, LABELS).chosen_ is None


@pytest.mark.parametrize(
    ("option", "value"), [("freeze", -1), ("freeze", "head"), ("rate", 0), ("warm_up", 1)]
)
def test_a_wrong_option_of_fine_tuning_is_named(option, value):
    with pytest.raises(InputError, match=option):
        networks.pretrained("efficientnet-lite0", **{option: value})


def test_a_fine_tuned_map_is_saved_and_read(images, tmp_path):
    network = networks.pretrained("efficientnet-lite0", freeze=1)
    map_ = DrLIM(network=network, max_epochs=1, batch_size=4, random_state=0)
    map_.fit(images[:6], [0, 1] * 3).save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim")
    np.testing.assert_allclose(again.transform(images[:6]), map_.embedding_, atol=1e-5)
    assert again.get_params()["network__freeze"] == 1


def test_a_vision_model_of_transformers_is_read_from_its_folder(images, tmp_path):
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=16,
        patch_size=8,
    )
    # Without a layer of pooling, which would be random.
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(tmp_path / "vit")
    (tmp_path / "vit" / "preprocessor_config.json").write_text('{"size": 16, "resample": 3}')
    map_ = fitted(networks.pretrained(f"transformers:{tmp_path / 'vit'}"), images)
    map_.save(tmp_path / "map.drlim")
    shutil.rmtree(tmp_path / "vit")
    _pretrained._loaded.cache_clear()
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(images), map_.embedding_)
