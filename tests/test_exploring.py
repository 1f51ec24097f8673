"""What the page of a map shows: points, factors, thumbnails, trails, lines; and its folder."""

import base64
import io
import json
import re

import numpy as np
import pytest
from samples import IMAGES, X

import drlim
from drlim import Dataset, Declaration, DrLIM, InputError
from drlim.declaration import declaration_of, fit, prove, write_report
from drlim.exploring import held_out_page
from drlim.exploring._known import known_of
from drlim.exploring._lines import lines_of
from drlim.exploring._scene import scene_of
from drlim.exploring._sprites import Grey, png, sheets_of
from drlim.exploring._trails import sliders_for, strengths_of, trail_of
from drlim.transforms import change


@pytest.fixture(scope="module")
def lamps():
    """A declared map: four poses under three lamps, ten of each, and one pose never seen."""
    rng = np.random.default_rng(0)
    pose, lamp, thing = (values.ravel() for values in np.meshgrid(range(4), range(3), range(10)))
    samples = np.eye(4)[pose] + lamp[:, None] + rng.normal(scale=0.01, size=(120, 4))
    data = Dataset(samples, {"pose": pose, "lamp": lamp, "thing": thing * 4 + pose})
    declaration = Declaration(
        ignore=["lamp"],
        keep=["pose"],
        data={"source": "thing"},
        held_out={"unseen": {"pose": [3]}},
        map={"max_epochs": 1},
    )
    return fit(declaration, data).map, data


def received(folder, name):
    """Return what the page receives from a file of an exported folder."""
    text = (folder / f"data-{name.replace('/', '-')}.js").read_text()
    said, encoded = re.fullmatch(r'drlim\.receive\("(.*)", "(.*)"\);\n', text).groups()
    assert said == name
    return base64.b64decode(encoded)


def scene_in(folder):
    text = (folder / "scene.js").read_text()
    return json.loads(text.partition("scene = ")[2].removesuffix(";\n"))


def test_points_are_those_of_the_map_and_each_is_told_from_the_others_by_what_was_learnt(lamps):
    map_, data = lamps
    known = known_of(map_, data)
    assert np.array_equal(known.points, map_.transform(data.X))
    parts = drlim.declaration.split(known.declaration, data)
    for code, rows in enumerate(parts):
        assert np.array_equal(np.flatnonzero(known.split == code), rows)


def test_samples_of_which_none_was_learnt_from_are_new(lamps):
    map_, data = lamps
    known = known_of(map_, Dataset(data.X[:5] + 1))
    assert [known.split_names[code] for code in known.split] == ["new"] * 5


def test_a_map_that_does_not_say_what_it_was_learnt_from_claims_nothing(fitted, tmp_path):
    fitted.save(tmp_path / "map.drlim")
    known = known_of(drlim.load(tmp_path / "map.drlim"), Dataset(X))
    assert known.split_names == ("not known",)
    assert scene_of(known).description["unusual"] is None


def test_a_map_shows_the_points_that_its_file_holds_where_there_are_no_samples(lamps):
    known = known_of(lamps[0], None)
    assert len(known) == (known_of(*lamps).split == 0).sum()
    assert not sliders_for(known)


def test_lines_join_samples_that_differ_in_the_ignored_factor_alone(lamps):
    pairs = lines_of(known_of(*lamps))["lamp"]
    thing, lamp = lamps[1].factors["thing"], lamps[1].factors["lamp"]
    assert len(pairs) == 40 * 2
    assert (thing[pairs[:, 0]] == thing[pairs[:, 1]]).all()
    assert (lamp[pairs[:, 0]] + 1 == lamp[pairs[:, 1]]).all()


def test_samples_of_an_unknown_source_are_not_joined():
    declaration = Declaration(
        ignore=["lamp"], keep=["pose"], data={"source": "thing"}, map={"max_epochs": 0}
    )
    thing = np.arange(60) // 2.0
    data = Dataset(X, {"thing": thing, "lamp": np.arange(60) % 2, "pose": np.arange(60) // 2 % 5})
    map_ = fit(declaration, data).map
    assert len(lines_of(known_of(map_, data))["lamp"]) == 30
    thing[[0, 3]] = np.nan  # they differ in the lamp
    unknown = Dataset(X, {**data.factors, "thing": thing})
    assert len(lines_of(known_of(map_, unknown))["lamp"]) == 28


def test_two_samples_of_one_value_are_not_joined_as_something_else_tells_them_apart(lamps):
    map_, data = lamps
    twice = Dataset(np.tile(data.X, (2, 1)), {k: np.tile(v, 2) for k, v in data.factors.items()})
    assert lines_of(known_of(map_, twice)) == {}


@pytest.mark.parametrize(
    ("values", "kind", "codes"),
    [
        (np.array(["b", "a", "b"]), "class", [1, 0, 1]),
        (np.array(["b", None, "a"], object), "class", [1, -1, 0]),
        (np.array([2.0, np.nan, 2.0]), "class", [0, -1, 0]),
        (np.array([1, 4, 4]), "class", [0, 1, 1]),
    ],
)
def test_a_factor_becomes_codes_and_missing_values_stay_missing(fitted, values, kind, codes):
    scene = scene_of(known_of(fitted, Dataset(X[:3], {"factor": values})))
    [factor] = scene.description["factors"]
    assert factor["kind"] == kind
    assert scene.arrays["factor/0"].tolist() == codes


@pytest.mark.parametrize(("step", "kind"), [(20, "number"), (1, "class")])
def test_more_than_ten_numbers_in_equal_steps_are_shown_in_their_order(fitted, step, kind):
    factor = np.arange(60) % 12 * step  # of more values, a sample of 60 has too few of each
    scene = scene_of(known_of(fitted, Dataset(X, {"factor": factor})))
    assert scene.description["factors"][0]["kind"] == kind


def test_a_cyclic_factor_keeps_its_period():
    azimuth = np.arange(60) % 12 * 30
    declaration = Declaration(
        keep=[{"factor": "azimuth", "step": 30, "period": 360}], map={"max_epochs": 0}
    )
    data = Dataset(X, {"azimuth": azimuth})
    scene = scene_of(known_of(fit(declaration, data).map, data))
    [factor] = scene.description["factors"]
    assert (factor["kind"], factor["period"], factor["role"]) == ("cyclic", 360, "kept")


@pytest.mark.parametrize(
    ("shape", "names", "kind"),
    [
        ((9, 9), (), "image"),
        ((3, 9, 9), (), "image"),
        ((40,), (), "curve"),
        ((5,), (), "row"),
        ((5,), ("400", "410", "420", "430", "440"), "curve"),
        ((3,), ("height", "width", "weight"), "row"),
    ],
)
def test_a_sample_is_an_image_a_curve_or_a_row(rng, shape, names, kind):
    data = Dataset(rng.random((20, *shape)), feature_names=names)
    map_ = DrLIM(network="linear", max_epochs=0, random_state=0).fit(data.X)
    assert scene_of(known_of(map_, data)).sample.kind == kind


def test_a_thumbnail_shows_its_own_image(rng):
    images = pytest.importorskip("PIL.Image")
    X = rng.integers(0, 256, (10, 3, 6, 8), dtype=np.uint8)
    sheets = sheets_of(X, Grey(0, 255), rng)
    sheet = np.asarray(images.open(io.BytesIO(sheets.files[0])))
    (width, height), columns = sheets.tile, sheets.columns
    for k in range(10):
        top, left = k // columns * height, k % columns * width
        tile = sheet[top : top + height, left : left + width]
        assert np.array_equal(tile, np.moveaxis(X[k], 0, -1))


def test_a_large_image_becomes_a_thumbnail_with_the_mean_of_its_pixels(rng):
    image = np.kron(rng.integers(0, 256, (64, 32)), np.ones((4, 4)))[None]
    sheets = sheets_of(image.astype(np.uint8), Grey(0, 255), rng)
    assert sheets.tile == (32, 64)
    assert sheets.files[0] == png(image[0, ::4, ::4, None].astype(np.uint8))


def test_strengths_go_to_both_sides_of_what_was_trained_and_hold_its_ends():
    strengths = strengths_of(change("rotation", range=(-10, 30)))
    assert {-10, 0, 30} <= {*strengths.tolist()}
    assert (strengths[0], strengths[-1]) == (-20, 60)
    assert (np.diff(strengths) > 0).all()


def test_a_trail_begins_at_the_point_of_the_sample_and_follows_its_copies(rng):
    data = Dataset(IMAGES)
    map_ = DrLIM(network="linear", max_epochs=0, random_state=0).fit(IMAGES)
    known = known_of(map_, data)
    shift = sliders_for(known)["shift"]
    assert not shift.declared
    trail = trail_of(shift, IMAGES[4], map_, typical=2.0)
    still = shift.strengths.tolist().index(0)
    assert trail.moved[still] == 0
    assert np.array_equal(trail.points[still], map_.transform(IMAGES[4:5])[0])
    right = shift.strengths.tolist().index(2)
    assert np.array_equal(trail.copies[right][:, 2:], IMAGES[4][:, :-2])
    far = np.linalg.norm(trail.points[right] - trail.points[still])
    assert trail.moved[right] == pytest.approx(far / 2)


def test_an_exported_folder_has_all_that_its_description_names(lamps, tmp_path):
    map_, data = lamps
    page = drlim.explore(map_, data, export=tmp_path / "page")
    scene = scene_in(page.folder)
    for name, stored in scene["arrays"].items():
        array = np.frombuffer(received(page.folder, name), stored["dtype"])
        assert array.size == np.prod(stored["shape"])
    points = np.frombuffer(received(page.folder, "points"), "<f4").reshape(len(data), -1)
    assert np.array_equal(points, map_.transform(data.X))
    assert scene["proof"]["n_held_out"] == (known_of(map_, data).split > 0).sum() - 30
    assert {trail["name"] for trail in scene["trails"]} == {"noise"}
    assert page.url.endswith("/page/index.html")


def test_an_export_replaces_an_earlier_one_and_no_other_folder(fitted, tmp_path):
    for _ in range(2):
        drlim.explore(fitted, X, export=tmp_path / "page")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "index.html").write_text("mine")
    with pytest.raises(InputError, match="own"):
        drlim.explore(fitted, X, export=tmp_path / "own")
    assert (tmp_path / "own" / "index.html").read_text() == "mine"


def test_a_folder_says_why_it_has_no_proof(fitted, tmp_path):
    scene = scene_in(drlim.explore(fitted, X, export=tmp_path / "page").folder)
    assert scene["proof"] is None
    assert "declaration" in scene["no_proof"]


def test_names_of_samples_and_factors_cannot_end_the_script(fitted, tmp_path):
    name = '</script><b>\u2028"'
    data = Dataset(X[:2], {name: np.array([name, "b"])}, names=np.array([name, "two"]))
    folder = drlim.explore(fitted, data, export=tmp_path / "page", title=name).folder
    text = (folder / "scene.js").read_text()
    assert text.isascii()
    assert scene_in(folder)["factors"][0]["name"] == name
    assert json.loads(received(folder, "names")) == [name, "two"]


def test_a_page_in_one_file_holds_what_is_held_out_and_no_text_ends_its_scripts(fitted):
    name = "</script><b>"
    data = Dataset(X[:4], {name: np.array([name, "b", "b", "b"])})
    text = held_out_page(fitted, data)
    scene = json.loads(re.search(r"scene = (.*);\n", text)[1])
    assert scene["n_points"] == 4
    assert scene["caption"].startswith("4 samples: 4 held out")
    assert scene["factors"][0]["name"] == name
    received = set(re.findall(r'drlim\.receive\("(.*?)"', text))
    assert received == scene["arrays"].keys()
    assert text.count("<script") == text.count("</script") == 2 + len(received)


def test_many_held_out_samples_become_a_part_of_them(fitted, monkeypatch):
    monkeypatch.setattr("drlim.exploring._one_file._MOST_SAMPLES", 10)
    assert '"n_points": 10' in held_out_page(fitted, Dataset(X))


def test_a_report_shows_the_map_to_explore_where_it_is_asked_for(lamps, tmp_path):
    pytest.importorskip("jinja2")
    map_, data = lamps
    declaration = declaration_of(map_)
    evidence = prove(map_, declaration, data)
    for interactive, n in ((None, 0), (held_out_page, 1)):
        write_report(tmp_path, evidence, map_, declaration, interactive=interactive)
        assert (tmp_path / "report.html").read_text().count("<iframe srcdoc=") == n


def test_data_without_samples_is_refused(fitted):
    with pytest.raises(InputError, match="no samples"):
        known_of(fitted, Dataset(X[:0]))
    with pytest.raises(InputError, match="no learnt points"):
        known_of(fitted, None)
