"""How unusual new samples are: what is called foreign, and what a map file holds of it."""

import copy

import numpy as np
import pytest

import drlim
from drlim._errors import FileError, InputError
from drlim._persistence import read_map, write_map
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, how_unusual
from drlim.evaluation.novelty import FOREIGN_SHARE, Novelty, nearest_distances

DECLARED = Declaration(
    keep=["pose"], held_out={"share": 0.4}, map={"max_epochs": 3, "network": "linear"}
)


def poses(n, seed=0):
    rng = np.random.default_rng(seed)
    pose = rng.integers(0, 3, n)
    return Dataset(np.eye(4)[pose] + rng.normal(scale=0.1, size=(n, 4)), {"pose": pose})


@pytest.fixture(scope="module")
def fitted():
    return fit(DECLARED, poses(600))


def test_of_samples_like_the_held_out_ones_at_most_the_share_is_foreign(rng):
    shares = []
    for _ in range(300):
        novelty = Novelty(rng.gamma(2, size=150))
        shares.append(np.mean(novelty.judge(rng.gamma(2, size=50)) == "foreign"))
    assert 0.2 * FOREIGN_SHARE < np.mean(shares) < 1.3 * FOREIGN_SHARE


@pytest.mark.parametrize(("n", "judged"), [(98, "perhaps foreign"), (99, "foreign")])
def test_fewer_than_99_held_out_samples_call_nothing_foreign(n, judged):
    novelty = Novelty(np.linspace(0, 1, n))
    assert novelty.judge([2.0, 0.5]).tolist() == [judged, "known"]
    assert novelty.can_show == (judged == "foreign")


def test_the_order_and_the_unit_of_the_distances_change_nothing(rng):
    held_out, new = rng.gamma(2, size=200), rng.gamma(4, size=50)
    judged = Novelty(held_out).judge(new)
    assert (Novelty(rng.permutation(held_out)).judge(new) == judged).all()
    assert (Novelty(7 * held_out).judge(7 * new) == judged).all()
    assert {"known", "foreign"} == set(judged.tolist())


def test_distances_without_a_finite_number_each_are_refused():
    for wrong in ([], [np.nan], np.zeros((2, 2))):
        with pytest.raises(InputError, match="distances"):
            Novelty(wrong)
    with pytest.raises(InputError, match="components"):
        nearest_distances(np.zeros((2, 2)), np.zeros((2, 3)))


def test_a_map_calls_samples_of_another_kind_foreign_after_it_was_saved(fitted, tmp_path):
    fitted.map.save(tmp_path / "map.drlim")
    for map_ in (fitted.map, drlim.load(tmp_path / "map.drlim")):
        assert len(map_.annotations_["held_out_distances"]) == 240
        like = how_unusual(map_, poses(500, seed=1))
        assert like.n_foreign <= 20
        far = poses(20, seed=2)
        other = how_unusual(map_, Dataset(5 * far.X, names=[f"new {k}" for k in range(20)]))
        assert other.n_foreign == 20
        assert other.lines()[0].startswith("new ")
        assert "20 of 20 new samples are foreign" in other.lines()[-1]
        assert other.as_json()["n_foreign"] == 20


def test_a_sample_that_was_learnt_from_is_said_to_be(fitted):
    both = Dataset(np.concatenate([fitted.learnt.X[:1], 9 * fitted.learnt.X[:1]]))
    unusual = how_unusual(fitted.map, both)
    assert unusual.judged.tolist() == ["learnt from", "foreign"]
    assert "1 of 1 new samples" in unusual.summary()


def test_the_foreign_samples_are_listed_without_the_known_ones(fitted):
    some = poses(3, seed=4)
    mixed = Dataset(np.concatenate([some.X, 9 * some.X[:1]]), names=["a", "b", "c", "far"])
    assert [line.partition(":")[0] for line in how_unusual(fitted.map, mixed).foreign_lines()] == [
        "far"
    ]


def test_a_map_that_keeps_neighbours_alone_tells_it_too():
    declared = Declaration(keep=[{"neighbors": 3}], map={"max_epochs": 1, "network": "linear"})
    map_ = fit(declared, poses(600)).map
    assert how_unusual(map_, Dataset(9 * poses(5).X)).n_foreign == 5


def test_the_map_of_an_earlier_version_tells_nothing(fitted):
    old = copy.copy(fitted.map)
    old.annotations_ = {k: v for k, v in old.annotations_.items() if k != "held_out_distances"}
    assert how_unusual(old, poses(5)) is None


@pytest.mark.parametrize("distances", [[-1.0], ["far"], [None], 3, {"a": 1.0}])
def test_altered_distances_are_refused(fitted, distances, tmp_path):
    fitted.map.save(tmp_path / "map.drlim")
    description, tensors = read_map(tmp_path / "map.drlim")
    description["held_out_distances"] = distances
    write_map(tmp_path / "altered.drlim", description, tensors)
    with pytest.raises(FileError, match="held_out_distances"):
        drlim.load(tmp_path / "altered.drlim")
