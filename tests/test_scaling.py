"""The laws of the unit of each feature: inferred or chosen, in the map, and for neighbours."""

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import torch
from samples import IMAGES
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import drlim
from drlim import DrLIM, InputError, _applying, cli, load
from drlim._persistence import read_map, write_map
from drlim._scaling import inferred, standardisation
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove, rules
from drlim.exporting import export
from drlim.graphs import neighbors
from drlim.networks import Standardize, _builders, scaled

pytestmark = pytest.mark.usefixtures("few_trees")

COLOUR = np.random.default_rng(0).normal([[5.0]], [[2.0]], (30, 3, 8, 8))
COLOUR[:, 2] = 100 * COLOUR[:, 2] + 7


@pytest.fixture
def table(rng):
    """Columns in units that differ by up to a million."""
    classes = rng.integers(0, 3, 60)
    return np.float64(classes[:, None] == [0, 1, 2, 0]) + rng.normal(0, 0.1, (60, 4))


def learnt(X, scale=None, y=None, **options):
    network = "linear" if scale is None else scaled("linear", scale)
    return DrLIM(network=network, max_epochs=1, random_state=0, **options).fit(X, y)


# What is inferred


@pytest.mark.parametrize(
    ("name", "scale"), [("digits", "one"), ("wine", "each"), ("breast_cancer", "each")]
)
def test_tables_get_a_unit_for_each_column_and_flattened_images_one(name, scale, rng):
    X = getattr(sklearn.datasets, f"load_{name}")().data
    assert inferred(X).scale == scale
    assert inferred(X[:, rng.permutation(X.shape[1])]) == inferred(X)
    assert inferred(X[rng.permutation(len(X))]) == inferred(X)
    assert inferred(3 * X).scale == scale


def test_columns_of_one_unit_get_one_however_far_their_variances_differ(rng):
    normal = rng.normal(size=(2000, 20))
    bumps = np.exp(-(np.linspace(-3, 3, 100) ** 2)) * rng.normal(size=(50, 1)) + 0.05 * rng.normal(
        size=(50, 100)
    )
    for X in (normal, bumps, normal > 1.5, np.eye(20)[rng.integers(0, 20, 300)]):
        assert inferred(X).scale == "one"


def test_columns_named_by_numbers_are_a_spectrum(rng):
    X = rng.normal(size=(50, 30)) * np.geomspace(1, 1e5, 30)
    wavelengths = [f"{900 + 2.5 * j}" for j in range(30)]
    assert inferred(X).scale == "each"
    assert inferred(X, wavelengths).scale == "one"
    assert inferred(X, [str(j) for j in range(30)]).scale == "each"  # their places, no wavelengths
    assert learnt(pd.DataFrame(X, columns=wavelengths)).scaling_.scale == "one"


def test_bytes_and_images_have_one_unit():
    faint = np.zeros((50, 40), np.uint8)
    faint[::2, 0], faint[::2, 1:] = 255, 1
    assert inferred(faint).scale == "one"
    assert inferred(IMAGES).scale == "one"
    assert inferred(COLOUR[:, :2]).scale == "one"
    assert inferred(COLOUR).scale == "each"  # a channel that is none of the same light


def test_constant_columns_say_nothing_about_units(rng):
    X = np.c_[rng.normal(size=(50, 5)), np.full(50, 1e9), 0.1 * np.full(50, 3) + 0.7]
    X[::2, 6] = np.nextafter(X[::2, 6], 2)
    assert inferred(X).scale == "one"


# What a unit is


def test_each_feature_has_its_mean_as_centre_and_its_deviation_as_unit(rng, monkeypatch):
    X = rng.normal(size=(40, 3)) * [1, 1e6, 1e-200] + [5, -1e6, 0]
    for n_numbers in (_applying._BLOCK_NUMBERS, 9):
        monkeypatch.setattr(_applying, "_BLOCK_NUMBERS", n_numbers)
        centre, unit = standardisation(X, "each")
        np.testing.assert_allclose(centre, X.mean(axis=0), rtol=1e-9)
        np.testing.assert_allclose(unit, [*X[:, :2].std(axis=0), 1e-200 * (1e200 * X[:, 2]).std()])


def test_each_channel_of_images_has_a_centre_and_a_unit():
    centre, unit = standardisation(COLOUR, "each")
    assert centre.shape == unit.shape == (3, 1, 1)
    np.testing.assert_allclose(unit.ravel(), COLOUR.std(axis=(0, 2, 3)))
    assert standardisation(np.moveaxis(COLOUR, 1, -1), "each")[0].shape == (1, 1, 3)
    for X in (IMAGES, IMAGES[:, None]):
        assert standardisation(X, "each")[1].size == 1


def test_a_constant_feature_has_the_unit_1_and_does_not_blow_up(rng):
    X = np.c_[rng.normal(size=50), np.full(50, 0.1), np.full(50, 1e20)]
    X[::2, 2] = np.nextafter(1e20, 1e21)
    centre, unit = standardisation(X, "each")
    assert unit[1] == 1
    assert np.abs((X - centre) / unit)[:, 1:].max() < 1e-9


@pytest.mark.parametrize("units", [[4.0, 0.5, 2.0**20, 2.0**-30], [7.0, 1e-5, 1e6, 0.3]])
def test_no_unit_of_a_column_changes_the_map(table, units):
    """To the bit for powers of two; otherwise but for rounding."""
    here, there = (learnt(X, "each") for X in (table, table * units))
    exact = np.log2(units) % 1 == 0
    assert here.graph_ == there.graph_
    np.testing.assert_allclose(
        there.embedding_, here.embedding_, rtol=0, atol=0 if exact.all() else 1e-4
    )
    assert learnt(table * units, "one").graph_ != here.graph_


def test_none_leaves_samples_as_they_are(table):
    standardize = learnt(table, "none").network_[0]
    np.testing.assert_array_equal(
        standardize(torch.from_numpy(table)).numpy(), table.astype(np.float32)
    )


def test_standardize_takes_a_unit_for_each_feature_or_one_for_all(rng):
    X = torch.from_numpy(rng.normal(size=(5, 3)))
    each = Standardize(np.ones(3), np.array([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(each(X), ((X - 1) / torch.tensor([1.0, 2.0, 4.0])).float())
    assert Standardize(np.ones(3), 2.0).scale.shape == ()
    for scale in (np.ones(2), np.array([1.0, 0.0, 1.0]), np.array([1.0, np.nan, 1.0])):
        with pytest.raises(InputError, match="scale"):
            Standardize(np.ones(3), scale)


# One unit for the map and for who is near


def test_neighbours_are_searched_for_in_the_maps_unit(table):
    X = table * [1, 1e4, 1, 1]
    assert learnt(X).graph_ == neighbors((X - X.mean(axis=0)) / X.std(axis=0), 5)
    assert learnt(X, "one").graph_ == learnt(X, "none").graph_ == neighbors(X, 5)
    y = np.where(np.arange(60) < 30, -1, np.arange(60) % 2)
    assert learnt(X, y=y).graph_ == learnt(X * [1, 2, 4, 8], y=y).graph_


def test_another_pass_keeps_the_unit(table):
    map_ = learnt(table * [1, 1e4, 1, 1])
    unit = map_.network_[0].scale.clone()
    for again in (
        map_.partial_fit(table),
        DrLIM(network="linear", max_epochs=1).fit(table, init=map_),
    ):
        assert again.scaling_.scale == "each"
        assert torch.equal(again.network_[0].scale, unit)
    with pytest.raises(InputError, match="'one'"):
        DrLIM(network=scaled("linear", "one"), max_epochs=1).fit(table, init=map_)


# The choice


def test_the_choice_travels_with_the_network(table):
    map_ = DrLIM(network=scaled("mlp", "each"), max_epochs=1, random_state=0)
    assert map_.get_params()["network__scale"] == "each"
    assert clone(map_).get_params()["network__scale"] == "each"
    map_.set_params(network__hidden=(8,), network__scale="none")
    assert {**map_.get_params()}.items() >= {
        "network__hidden": (8,),
        "network__scale": "none",
    }.items()
    assert map_.fit(table).scaling_.scale == "none"
    assert map_.scaling_.given
    search = GridSearchCV(
        DrLIM(max_epochs=0, random_state=0),
        {"network__scale": ["each", "one"]},
        scoring=lambda map_, X, y=None: float(map_.scaling_.scale == "each"),
        cv=2,
    )
    assert search.fit(table).best_params_ == {"network__scale": "each"}


def test_the_shape_of_the_samples_still_chooses_the_network(table):
    plain, given = (
        DrLIM(network=network, max_epochs=1, random_state=0).fit(table)
        for network in (None, scaled(None, "one"))
    )
    np.testing.assert_array_equal(plain.embedding_, given.embedding_)
    assert scaled(scaled("mlp", "each"), "one") == scaled("mlp", "one")


def test_a_builder_of_ones_own_may_have_an_argument_of_that_name(table):
    def build(shape, n_components, scale=1.0):
        return torch.nn.Linear(*shape, n_components)

    map_ = DrLIM(network=build, max_epochs=0).set_params(network__scale=3.0)
    assert map_.get_params()["network__scale"] == 3.0
    assert map_.fit(table).scaling_.scale == "one"


def test_a_scale_that_there_is_not_is_an_error():
    for choose in (
        lambda: scaled("mlp", "eech"),
        lambda: DrLIM().set_params(network__scale="eech"),
        lambda: standardisation(np.eye(3), "eech"),
    ):
        with pytest.raises(InputError, match=r"'eech'.*'each'"):
            choose()
    with pytest.raises(InputError, match="hidden"):
        DrLIM().set_params(network__scale="each", network__hidden=(3,))


def test_a_map_says_its_unit(table, capsys):
    map_ = learnt(table * [1, 1e4, 1, 1], verbose=1)
    assert str(map_.scaling_) in capsys.readouterr().err
    assert not map_.scaling_.given
    assert "each" in str(map_.scaling_)


# The file


@pytest.mark.parametrize("scale", [None, "each", "one", "none"])
def test_the_unit_is_in_the_maps_file(table, scale, tmp_path):
    X = table * [1, 1e4, 1, 1]
    map_ = learnt(X, scale)
    map_.save(tmp_path / "map.drlim")
    again = load(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.transform(X), map_.embedding_)
    assert again.scaling_ == map_.scaling_
    chosen = _builders.scaling_of(again.network)
    assert (chosen and chosen.scale) == scale
    again.save(tmp_path / "again.drlim")
    assert (tmp_path / "again.drlim").read_bytes() == (tmp_path / "map.drlim").read_bytes()


def test_channels_of_one_unit_each_are_read_back(tmp_path):
    map_ = DrLIM(network=scaled("convnet", "each"), max_epochs=0, random_state=0).fit(COLOUR)
    map_.save(tmp_path / "map.drlim")
    np.testing.assert_array_equal(load(tmp_path / "map.drlim").transform(COLOUR), map_.embedding_)


def test_an_exported_map_has_its_units(table, tmp_path):
    pytest.importorskip("onnxruntime")
    map_ = learnt(table * [1, 1e4, 1e-3, 1], "each")
    assert export(map_, tmp_path / "map.onnx").max_difference < 1e-5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", np.ones(3)),
        ("scale", np.array([1.0, 1.0, 0.0, 1.0])),
        ("scale", np.array([1.0, 1.0, np.inf, 1.0])),
        ("centre", np.zeros((4, 1))),
    ],
)
def test_a_unit_that_no_map_has_is_refused(table, name, value, tmp_path):
    learnt(table, "each").save(tmp_path / "map.drlim")
    description, tensors = read_map(tmp_path / "map.drlim")
    write_map(tmp_path / "other.drlim", description, {**tensors, f"0.{name}": value})
    with pytest.raises(OSError, match="altered"):
        load(tmp_path / "other.drlim")


def test_a_file_of_before_has_one_unit(table, tmp_path):
    map_ = learnt(table, "one")
    map_.save(tmp_path / "map.drlim")
    description, tensors = read_map(tmp_path / "map.drlim")
    del description["scaling"]
    write_map(tmp_path / "old.drlim", description, tensors)
    again = load(tmp_path / "old.drlim")
    np.testing.assert_array_equal(again.transform(table), map_.embedding_)
    assert again.scaling_ is None
    assert again.partial_fit(table).scaling_.scale == "one"


# What is declared


def in_units(rng, units):
    """Samples of two poses and two lamps, in three columns, of which the last means nothing."""
    lamp, pose = np.arange(80) % 2, np.arange(80) // 2 % 2
    X = np.stack([pose + 0.1 * rng.normal(size=80), lamp, rng.normal(size=80)], axis=1)
    return Dataset(X * units, {"lamp": lamp, "pose": pose})


def declared(scale=None, **parts):
    data = {} if scale is None else {"scale": scale}
    return Declaration(data=data, map={"max_epochs": 1, "network": "linear"}, **parts)


def test_a_declared_map_has_its_unit_from_the_table_or_from_the_declaration(rng, tmp_path):
    data, lines = in_units(rng, [1, 1, 1e5]), []
    fitted = fit(declared(keep=["pose"], ignore=["lamp"]), data, say=lines.append)
    assert fitted.map.scaling_.scale == "each"
    assert f"      {fitted.map.scaling_}" in lines
    fitted.map.save(tmp_path / "map.drlim")
    assert load(tmp_path / "map.drlim").scaling_ == fitted.map.scaling_
    given = fit(declared("one", keep=["pose"], ignore=["lamp"]), data).map
    assert (given.scaling_.scale, given.scaling_.given) == ("one", True)
    assert given.declaration_["data"] == {"scale": "one"}


def test_kept_neighbours_are_searched_for_in_the_maps_unit(rng):
    keep = declared(keep=[{"neighbors": 3}])
    there = in_units(np.random.default_rng(0), [1, 2.0**20, 2.0**-9])
    here = in_units(np.random.default_rng(0), [1, 1, 1])
    each = declared("each", keep=[{"neighbors": 3}])
    assert rules(keep, there).similar == rules(each, here).similar
    assert rules(keep, here).similar == neighbors(here.X, 3)
    assert rules(declared("one", keep=[{"neighbors": 3}]), there).similar == neighbors(there.X, 3)


def test_a_proof_compares_with_samples_in_the_maps_unit():
    """The column in the largest unit means nothing, and in one unit it would hide the pose."""
    evidence = []
    for units in ([1, 1, 1], [1, 1, 2.0**17]):
        data = in_units(np.random.default_rng(0), units)
        declaration = declared("each", keep=["pose"], ignore=["lamp"])
        fitted = fit(declaration, data)
        evidence.append(
            prove(fitted.map, declaration, fitted.held_out, fitted.learnt, fitted.unseen)
        )
    here, there = evidence
    for name in ("map", "samples", "pca"):
        np.testing.assert_allclose(there.points[name], here.points[name], atol=1e-5)
    assert there.proof.kept == here.proof.kept


def test_the_unit_is_declared_in_one_place(rng):
    network = {"name": "linear", "scale": "each"}
    with pytest.raises(InputError, match=r"data\.scale"):
        fit(Declaration(keep=["pose"], map={"network": network}), in_units(rng, [1, 1, 1]))
    with pytest.raises(InputError, match="'eech'"):
        Declaration(data={"scale": "eech"})


def test_the_command_line_takes_the_unit(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(drlim.declaration, "run", lambda declared, *_, **__: seen.append(declared))
    words = ["fit", str(tmp_path / "X.npy"), "--keep", "pose", "--scale", "each"]
    monkeypatch.setattr("sys.argv", ["drlim", *words])
    with pytest.raises(AttributeError):  # nothing was learnt
        cli.main()
    assert seen[0].data.scale == "each"
