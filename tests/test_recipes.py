"""Recipes: settings for a purpose, which a user can name, read and change."""

import ast
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import nn

import drlim
from drlim import Dataset, Declaration, DrLIM, InputError, cli, recipes
from drlim.declaration import fit
from drlim.declaration._fit import map_parameters
from drlim.declaration._purpose import purpose_of
from drlim.declaration._resolve import resolve
from drlim.estimator import DrLIM as Estimator
from drlim.experiments import _mnist, _norb
from drlim.networks import Deform, deforming_mlp, linear
from drlim.training import Selection

SHAPES = {"vectors": (12,), "digits": (28, 28), "photographs": (3, 16, 20)}
RNG = np.random.default_rng(0)
Y = np.arange(48) % 4
X = RNG.normal(size=(48, 12)) + 3 * np.eye(12)[Y]
IMAGES = RNG.integers(0, 256, (40, 28, 28)).astype(np.uint8)


def every(n_samples=48, sample_shape=(12,), random_state=0):
    return {
        name: recipes.named(name, n_samples, sample_shape, random_state=random_state)
        for name in recipes.NAMES
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", recipes.NAMES)
def test_a_recipe_is_an_unfitted_map(name, shape):
    map_ = recipes.named(name, 48, shape)
    assert type(map_) is DrLIM
    assert vars(map_).keys() == DrLIM().get_params(deep=False).keys()
    with pytest.raises(NotFittedError):
        map_.transform(np.zeros((2, *shape)))


def test_a_recipe_computes_nothing(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("a recipe computes")

    monkeypatch.setattr(nn.Module, "__init__", fail)
    monkeypatch.setattr(Estimator, "fit", fail)
    state = torch.get_rng_state()
    for shape in SHAPES.values():
        every(10**9, shape)
    assert torch.equal(torch.get_rng_state(), state)


def test_every_recipe_has_its_function_and_is_what_it_returns():
    assert set(recipes.__all__) == {"NAMES", "named", *recipes.NAMES}
    called = {
        "paper": recipes.paper((12,), random_state=0),
        "continuous": recipes.continuous((12,), random_state=0),
        "labels": recipes.labels((12,), random_state=0),
        "verification": recipes.verification((12,), random_state=0),
        "clusters": recipes.clusters(48, (12,), random_state=0),
    }
    for name, map_ in every().items():
        assert repr(map_.get_params()) == repr(called[name].get_params()), name


@pytest.mark.parametrize("name", recipes.NAMES)
def test_a_recipe_can_be_copied_read_and_changed(name):
    map_ = every()[name]
    for copied in (clone(map_), pickle.loads(pickle.dumps(map_))):
        assert repr(copied.get_params()) == repr(map_.get_params())
    changed = clone(map_).set_params(n_components=5, batch_size=7)
    assert (changed.n_components, changed.batch_size) == (5, 7)


@pytest.mark.parametrize("name", recipes.NAMES)
def test_the_map_of_a_recipe_survives_its_file_and_repeats_to_the_bit(name, tmp_path):
    short = {} if name in ("verification", "clusters") else {"max_epochs": 1}
    first = every()[name].set_params(**short).fit(X, Y)
    again = clone(first).fit(X, Y)
    first.save(tmp_path / "map.drlim")
    read = drlim.load(tmp_path / "map.drlim")
    assert np.array_equal(first.embedding_, again.embedding_)
    assert np.array_equal(read.transform(X), first.transform(X))
    kept = read.get_params(deep=False)
    for key in ("n_components", "n_neighbors", "n_dissimilar", "loss", "batch_size"):
        assert kept[key] == getattr(first, key), key


@pytest.mark.parametrize(
    ("sample_shape", "experiment"), [((28, 28), _mnist), ((96, 96), _norb)], ids=["mnist", "norb"]
)
def test_the_settings_of_the_paper_are_those_of_the_experiments(sample_shape, experiment):
    map_ = recipes.paper(sample_shape)
    assert map_.max_epochs == experiment.MAX_EPOCHS
    assert map_.margin == 1
    assert map_.loss == "contrastive"
    assert map_.n_dissimilar == "all"


def test_no_experiment_sets_up_a_map_of_its_own():
    for file in Path(_mnist.__file__).parent.glob("*.py"):
        calls = [node for node in ast.walk(ast.parse(file.read_text())) if type(node) is ast.Call]
        assert "DrLIM" not in [getattr(call.func, "id", None) for call in calls], file.name


def test_no_map_of_classes_or_numbers_has_more_dimensions_than_the_samples():
    for name in ("continuous", "labels", "verification"):
        assert recipes.named(name, 48, (3,)).n_components == 3
        assert recipes.named(name, 48, (50, 50)).n_components > 3


def test_verification_sets_whole_identities_aside():
    chosen = recipes.verification((12,)).max_epochs
    assert isinstance(chosen, Selection)
    assert chosen.by == "labels"
    # All 12 samples of one identity, and some of the 36 of the others.
    n_aside = recipes.verification((12,), random_state=0).fit(X, Y).chosen_.n_aside
    assert 12 < n_aside <= 24


@pytest.mark.parametrize("n_samples", [2, 100, 1_500, 6_000, 29_999, 30_000, 10**6])
def test_few_samples_of_clusters_get_more_epochs(n_samples):
    few, many = (recipes.clusters(n, (28, 28)).max_epochs * n for n in (n_samples, 2 * n_samples))
    assert few >= min(6_000, 4 * n_samples)
    assert many >= few / 2


def test_the_layers_of_clusters_suit_images_and_vectors():
    assert recipes.clusters(600, (28, 28)).network == "deforming_mlp"
    arguments = recipes.clusters(600, (12,)).get_params()
    assert arguments["network__hidden"] == 5 * (256,)


@pytest.mark.parametrize("shape", [(), 5, (0,), (28, -1), "28"])
@pytest.mark.parametrize("name", recipes.NAMES)
def test_a_shape_that_is_none_is_an_error(name, shape):
    with pytest.raises(InputError, match="sample_shape"):
        recipes.named(name, 48, shape)


def test_a_recipe_that_is_not_there_is_an_error_with_the_nearest_name():
    with pytest.raises(InputError, match="clusters"):
        recipes.named("cluster", 48, (12,))
    with pytest.raises(InputError, match="n_samples is 1"):
        recipes.clusters(1, (12,))


# Declared, and on the command line


def declared(X=X, **map_):
    data = Dataset(X, {"class": np.arange(len(X)) % 4})
    declaration = Declaration(keep=["class"], map=map_)
    resolved = resolve(declaration, data)
    purpose = purpose_of(resolved, data)
    return map_parameters(resolved, data.X, purpose), purpose


@pytest.mark.parametrize("name", recipes.NAMES)
def test_a_declared_recipe_has_the_parameters_of_the_one_that_is_called(name):
    parameters, purpose = declared(recipe=name)
    called = recipes.named(name, len(X), (12,), random_state=0)
    assert repr(DrLIM(**parameters).get_params()) == repr(called.get_params())
    assert purpose.n_components == called.n_components


def test_what_else_is_declared_counts_more_than_the_recipe():
    parameters, purpose = declared(
        IMAGES, recipe="clusters", n_components=3, network="linear", max_epochs=7, random_state=5
    )
    assert purpose.n_components == 3
    assert DrLIM(**parameters).network is linear
    expected = recipes.clusters(len(IMAGES), (28, 28), random_state=5).get_params(deep=False)
    expected |= {"n_components": 3, "max_epochs": 7, "network": linear}
    assert repr(DrLIM(**parameters).get_params(deep=False)) == repr(expected)


def test_a_declared_verification_sets_kept_classes_aside():
    assert declared(recipe="verification")[1].new_classes == "class"
    assert declared(recipe="labels")[1].new_classes is None


def test_a_declared_recipe_learns_and_its_map_says_so():
    data = Dataset(X, {"class": Y})
    declaration = Declaration(keep=["class"], map={"recipe": "labels", "max_epochs": 3})
    map_ = fit(declaration, data).map
    assert map_.n_components == 12
    assert map_.declaration_["map"]["recipe"] == "labels"


def test_a_declared_recipe_that_is_not_there_is_an_error_with_its_place():
    with pytest.raises(InputError, match=r"map.recipe.*'cluster'.*clusters"):
        Declaration(map={"recipe": "cluster"})


def test_the_command_line_names_a_recipe(monkeypatch):
    given = []

    def run(declaration, *_, **__):
        given.append(declaration)
        raise InputError("far enough")

    monkeypatch.setattr("drlim.declaration.run", run)
    words = ["drlim", "fit", "here.npy", "--recipe", "labels", "--components", "5"]
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(SystemExit):
        cli.main()
    assert (given[0].map.recipe, given[0].map.n_components) == ("labels", 5)


# The deformations of clusters


@pytest.mark.parametrize("shape", [(9, 12), (3, 9, 12)], ids=["grey", "colour"])
def test_images_are_deformed_in_training_and_by_as_much_as_the_strength(shape):
    # Each pixel is its own place from left to right, from -1 to 1, as the change counts.
    X = torch.linspace(-11 / 12, 11 / 12, 12).expand(200, *shape)
    layer = Deform(0.06)
    moved = (layer.train()(X) - X).abs()
    assert 0.03 < moved.max() < 3 * 0.06
    assert torch.equal(layer.eval()(X), X)
    assert torch.allclose(Deform(0)(X), X, atol=1e-6)


def test_the_channels_of_an_image_are_deformed_alike():
    X = torch.rand(5, 1, 9, 12).expand(5, 3, 9, 12)
    deformed = Deform(0.2)(X)
    assert torch.equal(deformed[:, 0], deformed[:, 2])


@pytest.mark.parametrize("strength", [-0.1, np.nan, "much"])
def test_a_strength_that_is_none_is_an_error(strength):
    with pytest.raises(InputError, match="strength"):
        Deform(strength)


def test_only_images_can_be_deformed():
    with pytest.raises(InputError, match=r"\(12,\)"):
        deforming_mlp((12,), 2)


def test_a_map_that_deforms_images_is_read_and_exported_without_code(tmp_path):
    map_ = recipes.clusters(len(IMAGES), (28, 28), random_state=0).set_params(max_epochs=20)
    Z = map_.fit(IMAGES).embedding_
    map_.save(tmp_path / "map.drlim")
    read = drlim.load(tmp_path / "map.drlim")
    assert np.array_equal(read.transform(IMAGES), Z)
    assert read.untrained().get_params()["network__strength"] == 0.06
    drlim.export(map_, tmp_path / "map.onnx")


@pytest.mark.parametrize("start", ["random", "components"])
def test_deformations_are_the_same_for_a_seed_and_leave_the_callers_numbers(start):
    map_ = DrLIM(network="deforming_mlp", max_epochs=1, random_state=3)
    map_.set_params(network__hidden=(8,), network__start=start)
    first = map_.fit(IMAGES).embedding_
    state = torch.get_rng_state()
    torch.rand(1)
    assert np.array_equal(clone(map_).fit(IMAGES).embedding_, first)
    torch.set_rng_state(state)
    clone(map_).fit(IMAGES)
    assert torch.equal(torch.get_rng_state(), state)
