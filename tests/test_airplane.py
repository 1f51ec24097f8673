"""The rendered airplane: the conditions of small NORB, nothing clipped, poses that differ."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from drlim import InputError, graphs
from drlim.datasets import _airplane, _norb, airplane, render_airplane
from drlim.datasets.made import _airplane_renderer
from drlim.datasets.made._airplane_renderer import (
    AZIMUTHS,
    ELEVATIONS,
    N_LIGHTINGS,
    airplane_views,
)

GRID = (len(AZIMUTHS), len(ELEVATIONS), N_LIGHTINGS)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No folder of this machine has data, and nothing is downloaded, unless a test says so."""
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_norb, "MIRRORS", ("http://127.0.0.1:9/",))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The dataset, drawn once for this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DRLIM_DATA", raising=False)
        patch.setenv("DRLIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        return airplane()


@pytest.fixture(scope="module")
def views(data):
    """All views, on the grid (azimuth, elevation, lighting, row, column)."""
    return data.X.reshape(*GRID, 96, 96)


@pytest.fixture(scope="module")
def vectors(views):
    """All views as vectors, on the grid (azimuth, elevation, lighting, pixel)."""
    return views.reshape(*GRID, -1).astype(np.float32)


@pytest.fixture
def drawing(monkeypatch, data):
    """What is drawn in place of the renderer, which takes seconds, and how often it was."""
    drawing = SimpleNamespace(X=data.X, times=0)

    def draw():
        drawing.times += 1
        return (drawing.X,)

    monkeypatch.setattr(_airplane, "airplane_views", draw)
    return drawing


def distance(a, b):
    return np.sqrt(((a - b) ** 2).sum(axis=-1))


def pairwise(points):
    """Return the matrix of Euclidean distances, with infinity on its diagonal."""
    squares = (points**2).sum(axis=1)
    result = np.sqrt(np.maximum(squares[:, None] + squares - 2.0 * points @ points.T, 0.0))
    np.fill_diagonal(result, np.inf)
    return result


# The dataset


def test_the_stand_in_says_what_it_is_and_has_the_conditions_of_norb(data):
    assert data.name == "rendered airplane (stand-in for NORB)"
    assert "small NORB was not found" in data.origin
    assert data.X.shape == (972, 96, 96)
    assert data.X.dtype == np.uint8
    conditions = itertools.product(range(0, 360, 20), range(30, 71, 5), range(6))
    found = (data.factors[name] for name in ("azimuth", "elevation", "lighting"))
    assert list(zip(*found, strict=True)) == list(conditions)
    assert [data.factors[name].dtype.kind for name in ("azimuth", "elevation")] == ["f", "f"]
    assert data.factors["source"].tolist() == list(range(972))


def test_a_pose_is_one_pair_of_azimuth_and_elevation(data):
    pairs = list(zip(data.factors["azimuth"], data.factors["elevation"], strict=True))
    triples = set(zip(data.factors["pose"].tolist(), pairs, strict=True))
    assert len(triples) == len(set(pairs)) == len(set(data.factors["pose"])) == 162


def test_the_factors_express_the_relations_of_the_paper(data):
    azimuth, elevation = data.factors["azimuth"], data.factors["elevation"]
    turned = graphs.adjacent(azimuth, 20, period=360) & graphs.same(elevation)
    tilted = graphs.adjacent(elevation, 5) & graphs.same(azimuth)
    graph = turned | tilted | graphs.same(data.factors["pose"])
    # 12 views one turn away, 6 or 12 one tilt away, 5 of the same pose under other lightings
    assert sorted(set(graph.degree)) == [23, 29]


def test_all_views_are_different(data):
    assert len({view.tobytes() for view in data.X}) == 972


def test_a_second_call_draws_nothing_and_gives_the_same(drawing, data, tmp_path):
    cached = tmp_path / "cache" / "airplane" / "rendered-v1.npy"
    assert str(cached) in airplane().origin
    again = airplane()
    assert drawing.times == 1
    np.testing.assert_array_equal(again.X, data.X, strict=True)
    np.testing.assert_array_equal(np.load(cached), data.X)  # an ordinary .npy for anyone else
    assert [path.name for path in cached.parent.iterdir()] == [cached.name]
    again.X[:] = 0  # a copy of one's own
    np.testing.assert_array_equal(airplane().X, data.X)


def flip(content):
    return content[:5000] + bytes([content[5000] ^ 1]) + content[5001:]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"\0\0\0\0",
        lambda content: content[:-1],
        lambda content: content[:100],
        flip,
        lambda content: b"<html>" + _airplane._checksum(b"<html>"),
    ],
    ids=["empty", "zeros", "a byte short", "the header only", "a bit flipped", "another file"],
)
def test_a_damaged_cache_is_drawn_again_and_replaced(drawing, data, tmp_path, damage):
    airplane()
    cached = tmp_path / "cache" / "airplane" / "rendered-v1.npy"
    whole = cached.read_bytes()
    cached.write_bytes(damage(whole))
    np.testing.assert_array_equal(airplane().X, data.X, strict=True)
    assert cached.read_bytes() == whole
    assert drawing.times == 2


@pytest.mark.usefixtures("drawing")
def test_a_cache_that_cannot_be_written_is_not_an_error(data, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = airplane()
    assert "not kept" in found.origin
    np.testing.assert_array_equal(found.X, data.X)


def test_a_new_version_of_the_drawing_does_not_take_the_old_pictures(drawing, monkeypatch, data):
    airplane()
    monkeypatch.setattr(_airplane, "VERSION", 2)
    drawing.X = data.X + 1
    np.testing.assert_array_equal(airplane().X, data.X + 1)


@pytest.mark.usefixtures("drawing")
def test_what_stands_in_and_why_is_logged(caplog):
    caplog.set_level("INFO", "drlim")
    assert "stand-in" in airplane(download=True).name
    levels = {record.levelname: record.getMessage() for record in caplog.records}
    assert "the download failed" in levels["WARNING"]
    assert "rendered airplane (stand-in for NORB)" in levels["INFO"]


# One view


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"azimuth": np.nan}, "azimuth is nan"),
        ({"azimuth": np.inf}, "azimuth is inf"),
        ({"elevation": 0}, "elevation is 0"),
        ({"elevation": -30}, "elevation is -30"),
        ({"elevation": 90.5}, "elevation is 90.5"),
        ({"elevation": np.nan}, "elevation is nan"),
        ({"lighting": -1}, "lighting is -1"),
        ({"lighting": 6}, "lighting is 6"),
        ({"lighting": 1.5}, "lighting is 1.5"),
        ({"size": 7}, "size is 7"),
        ({"size": 12.5}, "size is 12.5"),
    ],
)
def test_a_view_that_cannot_be_drawn_is_refused(wrong, says):
    with pytest.raises(InputError, match=says):
        render_airplane(**{"azimuth": 20, "elevation": 45, "lighting": 0} | wrong)


def test_all_views_are_refused_in_a_size_that_shows_nothing():
    with pytest.raises(InputError, match="size is 4"):
        airplane_views(4)


def test_all_views_come_in_the_size_asked_for_with_their_conditions(monkeypatch, data):
    def render(azimuth, elevations, lightings, size):
        return np.full((len(elevations), len(lightings), size, size), azimuth / 20, np.uint8)

    # The real pictures are tested above; these say which view each of them should be.
    monkeypatch.setattr(_airplane_renderer, "_render", render)
    images, azimuth, elevation, lighting = airplane_views(size=8)
    assert images.shape == (972, 8, 8)
    np.testing.assert_array_equal(images[:, 0, 0] * 20.0, azimuth)
    for name, values in (("azimuth", azimuth), ("elevation", elevation), ("lighting", lighting)):
        np.testing.assert_array_equal(values, data.factors[name], strict=True)


@pytest.mark.parametrize("index", [(0, 0, 0), (7, 4, 3), (17, 8, 5)])
def test_one_view_is_the_same_drawn_alone(views, index):
    azimuth, elevation, lighting = index
    alone = render_airplane(AZIMUTHS[azimuth], ELEVATIONS[elevation], lighting)
    np.testing.assert_array_equal(alone, views[index])


def test_from_straight_above_a_view_is_drawn_too():
    assert render_airplane(0, 90, 4, size=32).std() > 10


def test_size_changes_the_resolution_only():
    large = render_airplane(40.0, 50.0, 4, size=192).reshape(96, 2, 96, 2).mean(axis=(1, 3))
    assert np.abs(large - render_airplane(40.0, 50.0, 4)).mean() < 2.0


def test_a_full_turn_comes_back():
    start, turned = render_airplane(20.0, 45.0, 0, 48), render_airplane(380.0, 45.0, 0, 48)
    assert (start != turned).mean() < 0.01


# What the views are good for


def test_lightings_are_further_apart_than_neighbouring_azimuths(vectors):
    pairs = itertools.combinations(range(N_LIGHTINGS), 2)
    between_lightings = np.mean([distance(vectors[:, :, i], vectors[:, :, j]) for i, j in pairs])
    between_azimuths = distance(vectors, np.roll(vectors, 1, axis=0)).mean()
    assert between_lightings > 1.3 * between_azimuths  # measured: 1.62


def test_the_nearest_view_under_the_same_lighting_is_an_adjacent_pose(vectors):
    for lighting in range(N_LIGHTINGS):
        nearest = pairwise(vectors[:, :, lighting].reshape(162, -1)).argmin(axis=1)
        azimuth, elevation = np.divmod(np.arange(162), 9)
        turns = (nearest // 9 - azimuth) % 18
        steps = np.minimum(turns, 18 - turns) + np.abs(nearest % 9 - elevation)
        assert (steps == 1).all()  # measured: 972 of 972


def test_the_airplane_turned_by_half_is_further_than_its_neighbours(vectors):
    adjacent = []
    azimuth = np.arange(len(AZIMUTHS))
    for elevation, lighting in itertools.product(range(9), range(N_LIGHTINGS)):
        distances = pairwise(vectors[:, elevation, lighting])
        turns = np.abs(distances.argmin(axis=1) - azimuth)
        adjacent.append(np.isin(turns, (1, 17)))
        neighbours = np.minimum(distances[azimuth, azimuth - 1], distances[azimuth - 1, azimuth])
        assert (distances[azimuth, azimuth - 9] > neighbours).all()
    assert np.mean(adjacent) > 0.98  # measured: 970 of 972


def test_nothing_is_clipped(views):
    """The border shows the ground alone: it does not change as the airplane turns."""
    changes = (views != views[:1]).any(axis=0)
    for margin in (changes[..., :3, :], changes[..., -3:, :], changes[..., :3], changes[..., -3:]):
        assert not margin.any()
    assert changes.any(axis=(-1, -2)).all()


def test_grey_levels_are_not_saturated(views):
    assert (views == 255).mean(axis=(0, 1, 3, 4)).max() < 0.01
    assert views.min() > 0


def test_the_shadow_is_cast_away_from_the_lamp(views):
    """The darkened ground lies to the right of a lamp on the left, and the other way round."""
    poses = views[:, 8, [1, 5]].swapaxes(0, 1)  # (lamp on the right or left, azimuth, ...)
    darkened = poses < 0.6 * np.median(poses, axis=(1, 2, 3), keepdims=True)
    columns = (darkened * np.arange(96)).sum(axis=(1, 2, 3)) / darkened.sum(axis=(1, 2, 3))
    assert columns[0] < 47.0 < 48.0 < columns[1]


def test_the_pictures_have_not_changed(views):
    """Means over a 4 x 4 grid of one view to each lighting, stored."""
    corner = [views[3 * k, k + 2, k].reshape(4, 24, 4, 24).mean(axis=(1, 3)) for k in range(6)]
    np.testing.assert_allclose(np.reshape(corner, (6, 16)), STORED, atol=1.0)


STORED = np.array(
    [
        [98, 93, 87, 80, 115, 108, 141, 98, 130, 110, 105, 84, 135, 124, 111, 99],
        [60, 65, 72, 74, 63, 88, 124, 84, 67, 52, 86, 92, 70, 78, 86, 94],
        [146, 147, 128, 114, 135, 174, 147, 107, 118, 96, 52, 94, 100, 97, 86, 85],
        [49, 54, 59, 62, 48, 70, 52, 58, 33, 40, 37, 52, 39, 40, 44, 46],
        [116, 118, 116, 116, 122, 165, 103, 122, 126, 179, 167, 126, 127, 128, 130, 127],
        [93, 87, 84, 80, 96, 80, 105, 78, 97, 123, 115, 80, 94, 89, 85, 79],
    ]
)
