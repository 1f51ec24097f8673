"""The proof: known verdicts for maps that ignore, show or lose, and honest intervals."""

import json

import numpy as np
import pytest

from drlim import InputError
from drlim.evaluation import _probes, proof, quality
from drlim.evaluation._intervals import bootstrap, mean_interval, share_interval, wilson_interval
from drlim.evaluation.invariance import (
    NUMBER_PROBES,
    Displacement,
    displacement,
    from_kept,
    leakage,
    orbit_ratio,
    orbits,
)
from drlim.evaluation.proof import CONSTANT, Proof, is_constant, measure_ignored, measure_kept
from drlim.evaluation.retention import retention

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.fixture
def world(rng):
    """Samples that show a pose (an angle and a height), a lighting, and noise."""
    azimuth, height = rng.uniform(0, 360, 600), rng.uniform(0, 5, 600)
    lighting = rng.integers(0, 2, 600)
    around = np.stack([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))], axis=1)
    X = np.column_stack([3 * around, height, 5 * lighting, rng.normal(size=(600, 2))])
    return {"azimuth": azimuth, "height": height, "lighting": lighting, "X": X}


def proof_of(world, Z, **others):
    maps = {"map": Z, "samples": world["X"], **others}
    kept = {name: world[name] for name in ("azimuth", "height")}
    light = measure_ignored(
        "lighting", maps, world["lighting"], kept=kept, periods={"azimuth": 360}, random_state=0
    )
    return Proof(
        ignored=(light,),
        kept=(
            measure_kept("azimuth", maps, world["azimuth"], period=360, random_state=0),
            measure_kept("height", maps, world["height"], random_state=0),
        ),
    )


# Verdicts


def test_a_map_that_shows_the_pose_alone_holds(world):
    proof = proof_of(world, world["X"][:, :3], untrained=world["X"] + 1)
    assert proof.holds
    assert [line.split(":")[0] for line in proof.lines()] == [
        "ignores lighting",
        "keeps azimuth",
        "keeps height",
    ]
    assert "chance 0." in proof.lines()[0]
    assert "R² 1.00" in proof.lines()[1]
    assert proof.ignored[0].read_from == ("samples", "untrained")
    assert json.loads(json.dumps(proof.as_json(), allow_nan=False))["holds"] is True


def test_e4_a_constant_map_fails_every_factor(world):
    proof = proof_of(world, np.full((600, 2), 7.0))
    assert not proof.holds
    assert [entry.verdict for entry in (*proof.ignored, *proof.kept)] == ["fails"] * 3
    assert proof.lines()[0] == f"FAILS to ignore lighting: {CONSTANT}"
    json.dumps(proof.as_json(), allow_nan=False)


def test_a_map_that_shows_what_it_should_ignore_fails(world):
    proof = proof_of(world, world["X"][:, :4])
    assert not proof.holds
    assert proof.lines()[0].startswith("FAILS to ignore lighting: leakage 1.00 (")
    assert proof.kept[0].verdict == "holds"


def test_a_map_that_loses_what_it_should_keep_fails_however_invariant(world, rng):
    proof = proof_of(world, rng.normal(size=(600, 2)))
    assert proof.ignored[0].verdict == "holds"
    assert [entry.verdict for entry in proof.kept] == ["fails", "fails"]
    assert not proof.holds
    assert proof.lines()[1].startswith("FAILS to keep azimuth: R² ")


def test_without_references_what_is_at_chance_is_not_kept_either(rng):
    entry = measure_kept(
        "height", {"map": rng.normal(size=(99, 2))}, np.arange(99.0), random_state=0
    )
    assert entry.verdict == "fails"
    assert entry.line.endswith("not clearly above chance")


def test_one_factor_that_fails_fails_the_proof_whatever_the_others(world):
    good, bad = proof_of(world, world["X"][:, :3]), proof_of(world, world["X"][:, 2:4])
    assert good.holds
    assert not Proof(good.ignored + bad.ignored, good.kept).holds
    assert bad.kept[0].verdict == "fails"
    assert not Proof(good.ignored, good.kept + bad.kept).holds


def test_a_map_that_keeps_much_less_than_the_samples_fails_and_says_which_keeps_more(world, rng):
    around = world["X"][:, :2] / 3
    maps = {"map": around + 0.8 * rng.normal(size=(600, 2)), "samples": around}
    entry = measure_kept("azimuth", maps, world["azimuth"], period=360, random_state=0)
    assert entry.retention["map"].low > 0.05
    assert entry.verdict == "fails"
    assert entry.best == "samples"
    assert "best reference: the samples, 1.00" in entry.line


def test_where_there_is_nothing_to_ignore_nothing_is_proven(world, rng):
    hidden = measure_ignored(
        "mood", {"map": world["X"], "samples": world["X"]}, rng.integers(0, 2, 600), random_state=0
    )
    assert hidden.verdict == "not decided"
    assert "nothing to ignore: it cannot be read from the samples either" in hidden.line
    assert not Proof((hidden,), proof_of(world, world["X"][:, :3]).kept).holds


def test_e7_what_was_compared_with_nothing_is_not_decided(world):
    entry = measure_ignored(
        "lighting", {"map": world["X"][:, :3]}, world["lighting"], random_state=0
    )
    assert entry.verdict == "not decided"
    assert "compared with nothing" in entry.reason


def test_e5_what_the_architecture_ignores_is_not_credited_to_training(world):
    Z, X, lighting = world["X"][:, :3], world["X"], world["lighting"]

    def cannot(**others):
        maps = {"map": Z, "samples": X, **others}
        entry = measure_ignored("lighting", maps, lighting, random_state=0)
        assert entry.verdict == "holds"
        return " ".join(Proof((entry,), ()).cannot)

    assert "untrained" not in cannot(untrained=X + 1)
    assert "untrained network hides lighting as well" in cannot(untrained=2 * Z)
    assert "lighting was not compared with the untrained network" in cannot()


def test_e3_the_orbit_ratio_is_in_the_verdict(rng):
    source, shift = np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)
    still = rng.normal(size=(40, 2))[source]
    moving = np.column_stack([still, 3 * shift])
    maps = {"map": still + 1e-3 * rng.normal(size=(200, 2)), "samples": moving}
    entry = measure_ignored("shift", maps, shift, groups=source, random_state=0)
    assert entry.verdict == "holds"
    assert entry.orbit_ratio["map"] < 0.01 < entry.orbit_ratio["samples"]
    assert entry.line.endswith("orbit ratio 0.00")
    assert entry.n_sources == 40


def test_e2_held_out_points_that_are_the_training_points_are_refused(world):
    Z, height = world["X"][:, :3], world["height"]
    with pytest.raises(InputError, match="Z_train"):
        measure_kept("height", {"map": Z}, height, train={"map": Z}, factor_train=height)
    apart = measure_kept(
        "height", {"map": Z[:90]}, height[:90], train={"map": Z[90:]}, factor_train=height[90:]
    )
    assert apart.verdict == "holds"


def test_confounded_data_is_reported_and_not_blamed_on_the_map(rng):
    kind = np.arange(200) % 2
    light = np.where(rng.random(200) < 0.9, kind, 1 - kind)
    Z = 4.0 * kind[:, None] + rng.normal(size=(200, 1))
    X = np.column_stack([Z, 4.0 * light])
    entry = measure_ignored(
        "light", {"map": Z, "samples": X}, light, kept={"kind": kind}, random_state=0
    )
    assert entry.worst.value > 0.8
    assert entry.chance == pytest.approx(np.mean(light == kind), abs=0.01)
    assert entry.confounded
    assert entry.verdict == "holds"
    assert any(
        "light is confounded with what is kept" in said for said in Proof((entry,), ()).cannot
    )
    alone = measure_ignored("light", {"map": Z, "samples": X}, light, random_state=0)
    assert alone.verdict == "fails"


def test_where_each_class_has_its_own_light_nothing_can_be_promised(rng):
    kind = np.arange(120) % 3
    X = 5.0 * kind[:, None] + rng.normal(size=(120, 1))
    entry = measure_ignored(
        "light", {"map": X, "samples": X}, kind, kept={"kind": kind}, random_state=0
    )
    assert entry.verdict == "not decided"
    assert entry.reason.endswith("beyond what is kept")


def test_rare_values_are_left_out_and_counted(world):
    lighting = world["lighting"].astype(object)
    lighting[:4], lighting[4:6] = "dusk", None
    entry = measure_ignored(
        "lighting", {"map": world["X"][:, :3], "samples": world["X"]}, lighting, random_state=0
    )
    assert entry.n_left_out == 6
    assert entry.verdict == "holds"
    assert entry.tried == "0, 1"
    assert any("6 held-out samples were left out" in said for said in Proof((entry,), ()).cannot)


def test_what_cannot_be_measured_at_all_says_why(rng):
    Z = rng.normal(size=(30, 2))
    one = measure_ignored("light", {"map": Z, "samples": Z}, np.zeros(30), random_state=0)
    assert (one.verdict, one.worst) == ("not decided", None)
    assert "fewer than two of its values" in one.line
    names = [str(i) for i in range(30)]
    each = measure_kept("name", {"map": Z}, names, random_state=0)
    assert each.verdict == "not decided"
    assert any(
        "Whether the map keeps name is not decided" in s for s in Proof((one,), (each,)).cannot
    )
    few = measure_kept("place", {"map": Z[:9]}, Z[:9], kind="neighbors", random_state=0)
    assert "too few for 5 neighbours" in few.line


def test_an_interval_that_is_too_wide_decides_nothing(rng):
    factor = np.arange(14) % 2
    maps = {"map": rng.normal(size=(14, 1)), "samples": 9.0 * factor[:, None]}
    entry = measure_ignored("light", maps, factor, random_state=0)
    assert entry.verdict == "not decided"
    assert "too few held-out samples" in entry.reason


def test_what_cannot_be_concluded_names_few_sources_probes_and_the_range(world):
    part = {name: values[:15] for name, values in world.items()}
    said = " ".join(proof_of(part, part["X"][:, :3]).cannot)
    for words in (
        "Only the probes logistic, neighbors, trees were tried",
        "height was tried on only 15 held-out sources",
    ):
        assert words in said
    outside = proof_of(world, world["X"][:, :3]).cannot
    assert "lighting outside 0, 1 was not tried." in outside
    assert any("Nothing was declared as kept" in sentence for sentence in Proof((), ()).cannot)
    assert Proof((), (), remarks=("the sea was rough.",)).cannot[-1] == "the sea was rough."
    assert not Proof((), ()).holds


def test_computed_values_are_printed_with_the_digits_that_matter(rng):
    strength = np.repeat([-0.2, -0.1, 0.0, 0.30000000000000004 - 0.2, 0.2], 20)
    maps = {"map": rng.normal(size=(100, 2)), "samples": strength[:, None]}
    entry = measure_ignored("brightness", maps, strength, kind="class", random_state=0)
    assert entry.tried == "-0.2, -0.1, 0, 0.1, 0.2"
    with pytest.raises(InputError, match=r"strength 0\.1 "):
        displacement(np.eye(3), [np.eye(2)], [0.30000000000000004 - 0.2])


def test_neighbours_are_kept_where_the_map_is_the_plane_of_the_samples(rng):
    X = np.column_stack([rng.normal(size=(150, 2)), 0.01 * rng.normal(size=(150, 3))])
    good = measure_kept(
        "place",
        {"map": X[:, :2], "samples": X, "pca": X[:, 1:]},
        X,
        kind="neighbors",
        random_state=0,
    )
    assert good.verdict == "holds"
    assert set(good.retention) == {"map", "pca"}  # the samples keep themselves by definition
    assert good.preservation["map"].value > 0.9
    assert measure_kept(
        "place", {"map": rng.permutation(X)}, X, kind="neighbors", random_state=0
    ).verdict == ("fails")


def test_of_many_samples_whole_sources_are_drawn(rng):
    source = np.repeat(np.arange(900), 3)
    Z = rng.normal(size=(900, 1))[source]
    entry = measure_kept("place", {"map": Z}, Z[:, 0], groups=source, random_state=0)
    assert 1995 <= entry.retention["map"].n <= 2000
    assert entry.retention["map"].n == 3 * entry.n_sources
    assert entry.n_left_out == 0


def test_the_same_seed_gives_the_same_proof_and_moves_no_global_generator(world, untouched_globals):
    first, second = (proof_of(world, world["X"][:, :3]).as_json() for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("maps", "says"),
    [
        ({"samples": np.eye(6)}, "must be called 'map'"),
        ({"map": np.eye(6), "pca": np.eye(5)}, "'pca' has 5 points"),
        ({"map": np.full((6, 2), np.nan)}, "finite"),
        ({"map": np.eye(7)}, "7"),
    ],
)
def test_maps_that_do_not_fit_their_factor_are_refused(maps, says):
    for measure in (measure_ignored, measure_kept):
        with pytest.raises(InputError, match=says):
            measure("light", maps, np.arange(6) % 2)


def test_e6_a_collapsed_map_is_constant_whatever_its_place_and_not_because_it_is_small(rng):
    assert is_constant(np.zeros((5, 2)))
    assert is_constant(3 + 1e-9 * rng.normal(size=(5, 2)))
    assert not is_constant(1e-12 * rng.normal(size=(5, 2)))


# Leakage of numbers


@pytest.mark.parametrize("probe", NUMBER_PROBES)
def test_a_number_is_read_where_it_is_shown_and_not_where_it_is_hidden(probe, rng):
    number = rng.normal(size=300)
    options = {"kind": "number", "probe": probe, "random_state": 0}
    shown = leakage(number[:, None] + 0.1 * rng.normal(size=(300, 1)), number, **options)
    hidden = leakage(rng.normal(size=(300, 2)), number, **options)
    assert shown.r2 > 0.9
    assert shown.low <= shown.r2 <= shown.high
    assert hidden.low <= hidden.chance == 0
    assert hidden.r2 < 0.1
    assert set(shown.as_json()) == {"probe", "r2", "low", "high", "chance", "n", "trained_on"}


@pytest.mark.parametrize("probe", NUMBER_PROBES)
def test_an_angle_is_read_across_the_place_where_it_begins_again(probe, rng):
    angle = rng.uniform(-40, 40, 300) % 360
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    options = {"kind": "number", "probe": probe, "period": 360, "random_state": 0}
    both = leakage(np.column_stack([cosine, sine]), angle, **options)
    cosine_alone = leakage(cosine[:, None], angle, **options)
    assert both.r2 > 0.95
    assert cosine_alone.r2 < 0.6  # it does not tell left from right


def test_trees_read_a_number_that_no_plane_shows(rng):
    Z = rng.normal(size=(400, 2))
    ridge, trees, neighbors = (
        leakage(Z, np.abs(Z[:, 0]), kind="number", probe=p, random_state=0).r2
        for p in NUMBER_PROBES
    )
    assert trees > 0.8 > 0.1 > ridge
    assert neighbors > 0.8


@pytest.mark.parametrize(
    ("factor", "options", "says"),
    [
        (np.zeros(50), {"kind": "number", "probe": "ridge"}, "same value"),
        (np.arange(50), {"kind": "number", "probe": "logistic"}, "logistic"),
        (np.arange(50), {"kind": "numbers"}, "did you mean 'number'"),
        (np.full(50, np.nan), {"kind": "number", "probe": "ridge"}, "finite"),
        (np.arange(50) % 2, {"groups": np.arange(9)}, "groups has the shape"),
        (np.arange(50) % 2, {"groups": np.arange(50) % 3}, "3 groups"),
    ],
)
def test_what_cannot_be_read_is_refused(factor, options, says, rng):
    with pytest.raises(InputError, match=says):
        leakage(rng.normal(size=(50, 2)), factor, **options)


def test_few_samples_of_many_features_are_probed_on_fewer_components(rng):
    factor = np.arange(20) % 2
    assert leakage(9 * factor[:, None] + rng.normal(size=(20, 80)), factor, random_state=0).n == 20


@pytest.mark.parametrize("kept", ["number", "angle", "class"])
def test_what_is_kept_tells_what_follows_from_it_and_nothing_else(kept, rng):
    number = rng.uniform(0, 360, 300)
    factors = {
        "number": number,
        "angle": number,
        "class": np.array(["a", "b", "c"])[(number // 120).astype(int)],
    }
    follows = number > 240
    periods = {"angle": 360.0}
    given = {kept: factors[kept]}
    read = from_kept(given, follows, periods=periods, probe="trees", random_state=0)
    assert read.value > 0.97
    other = from_kept(given, rng.integers(0, 2, 300), periods=periods, random_state=0)
    assert other.low < other.chance + 0.05


# Intervals


def test_copies_of_a_source_do_not_make_an_interval_narrower(rng):
    right = np.repeat(rng.random(50) < 0.7, 10)
    low, high = share_interval(right, np.repeat(np.arange(50), 10), np.random.default_rng(0))
    once = wilson_interval(int(right[::10].sum()), 50)
    copied = wilson_interval(int(right.sum()), 500)
    assert high - low > 2 * (copied[1] - copied[0])
    assert high - low == pytest.approx(once[1] - once[0], rel=0.15)
    assert low < right.mean() < high


def test_leakage_of_copies_has_the_interval_of_their_sources(rng):
    source = np.repeat(np.arange(60), 5)
    Z = rng.normal(size=(60, 2))[source] + 1e-3 * rng.normal(size=(300, 2))
    factor = (rng.integers(0, 2, 60))[source]
    alone = leakage(Z, factor, random_state=0)
    leak = leakage(Z, factor, groups=source, random_state=0)
    assert alone.high - alone.low < 0.7 * (leak.high - leak.low)
    about = wilson_interval(round(alone.accuracy * 300), 300)
    assert (alone.low, alone.high) == pytest.approx(about, abs=0.01)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(40), 6)
        values = 2 + rng.normal(size=40)[groups] + rng.normal(size=len(groups))
        low, high = mean_interval(values, groups, rng)
        covered.append(low < 2 < high)
    assert 0.85 <= np.mean(covered) <= 1


def test_where_all_are_right_the_interval_still_has_a_width():
    groups = np.repeat(np.arange(12), 4)
    low, high = share_interval(np.ones(48, bool), groups, np.random.default_rng(0))
    assert (low, high) == wilson_interval(12, 12)
    assert low < 0.8


def test_the_bootstrap_draws_groups_with_replacement():
    low, high = bootstrap(
        np.arange(200.0)[:, None], lambda s: s[:, 0] / 200, np.random.default_rng(0)
    )
    error = 1.96 * np.arange(200).std() / np.sqrt(200)
    assert low == pytest.approx(99.5 - error, abs=1.5)
    assert high == pytest.approx(99.5 + error, abs=1.5)


# Retention


def test_r2_is_that_of_factor_recovery(rng):
    train, test = rng.uniform(size=(300, 2)), rng.uniform(size=(100, 2))
    kept = retention(train, train[:, 0], test, test[:, 0], kind="number", random_state=0)
    assert kept.value == pytest.approx(
        quality.factor_recovery(train, train[:, 0], test, test[:, 0], 5)
    )
    assert kept.low < kept.value < kept.high


def test_an_angle_is_kept_across_the_place_where_it_begins_again(rng):
    angle = rng.uniform(0, 360, 400)
    around = np.stack([np.sin(np.radians(angle)), np.cos(np.radians(angle))], axis=1)
    train, test = slice(0, 300), slice(300, 400)
    kept = retention(
        around[train], angle[train], around[test], angle[test], kind="number", period=360
    )
    as_line = retention(around[train], angle[train], around[test], angle[test], kind="number")
    assert kept.value == pytest.approx(
        quality.factor_recovery(around[train], around[train], around[test], around[test], 5)
    )
    assert 1 - kept.value < 0.1 * (1 - as_line.value)


def test_balanced_accuracy_is_not_flattered_by_a_frequent_class(rng):
    labels = np.repeat([0, 1], [180, 20])
    kept = retention(None, None, rng.normal(size=(200, 2)), labels, kind="class", random_state=0)
    assert kept.chance == 0.5
    assert kept.value < 0.65
    apart = labels[:, None] * 9 + rng.normal(size=(200, 1))
    perfect = retention(None, None, apart, labels, kind="class", random_state=0)
    assert perfect.value == pytest.approx(1)
    assert perfect.high == pytest.approx(1)
    assert 0.95 < perfect.low < 1


def test_without_a_training_part_no_group_is_read_from_itself(rng):
    source = np.repeat(np.arange(60), 5)
    Z = rng.normal(size=(60, 3))[source] + 1e-3 * rng.normal(size=(300, 3))
    labels = rng.integers(0, 2, 60)[source]
    cheating = retention(None, None, Z, labels, kind="class", random_state=0)
    honest = retention(None, None, Z, labels, kind="class", groups=source, random_state=0)
    assert cheating.value > 0.9
    assert honest.value < 0.7


def test_neighbourhoods_are_measured_as_in_quality_and_chance_is_a_random_deal(rng):
    X = rng.normal(size=(100, 4))
    Z = X[:, :2]
    trust = retention(None, None, Z, X, kind="neighbors", random_state=0)
    kept = retention(None, None, Z, X, kind="preservation", random_state=0)
    assert trust.value == pytest.approx(quality.trustworthiness(X, Z, 5))
    assert kept.value == pytest.approx(quality.neighborhood_preservation(X, Z, 5))
    assert trust.chance == pytest.approx(0.5, abs=0.08)
    assert kept.chance == pytest.approx(5 / 99, abs=0.04)


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        ((None, None, np.eye(9), np.arange(9)), {"kind": "classes"}, "did you mean 'class'"),
        ((None, None, np.eye(9), np.zeros(9)), {"kind": "number"}, "same value"),
        ((None, None, np.eye(9), np.zeros(9)), {"kind": "class"}, "same value"),
        ((None, None, np.eye(9), np.arange(9)), {"kind": "class"}, "in one sample only"),
        ((np.eye(8), np.zeros(8), np.eye(9), np.ones(9)), {"kind": "class"}, "components"),
        ((np.eye(9)[:8], np.zeros(8), np.eye(9), np.ones(9)), {"kind": "class"}, "no value"),
        ((None, None, np.eye(9), np.eye(9)), {"kind": "neighbors"}, "n_neighbors is 5"),
        (
            (None, None, np.eye(9), np.arange(9)),
            {"kind": "number", "groups": np.zeros(9)},
            "of one group",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(arguments, options, says):
    with pytest.raises(InputError, match=says):
        retention(*arguments, **options)


# Orbits and displacement


def test_an_orbit_is_what_agrees_in_all_that_is_kept(rng):
    azimuth, lighting = np.repeat(np.arange(30), 4), np.tile(np.arange(4), 30)
    orbit = orbits({"azimuth": azimuth, "elevation": (azimuth % 2).astype(str)})
    assert len(np.unique(orbit)) == 30
    assert orbit_ratio(np.column_stack([azimuth, 1e-3 * lighting]), orbit) < 1e-3
    for bad in ({}, {"a": [1, 2], "b": [1]}):
        with pytest.raises(InputError):
            orbits(bad)


def test_displacement_is_in_units_of_the_maps_own_scale(rng):
    Z = rng.normal(size=(80, 2))
    scale = np.mean([np.linalg.norm(a - b) for i, a in enumerate(Z) for b in Z[:i]])
    for unit in (1.0, 1000.0):
        curve = displacement(unit * Z, [unit * Z, unit * (Z + np.array([scale / 2, 0]))], [0, 3])
        assert curve.mean == pytest.approx((0, 0.5))
        assert curve.low == pytest.approx(curve.mean)  # all move alike
    assert isinstance(curve, Displacement)
    assert curve.strengths == (0.0, 3.0)


def test_the_displacement_of_a_constant_map_is_not_a_number():
    curve = displacement(np.ones((9, 2)), [np.ones((9, 2))], [1], random_state=0)
    assert np.isnan(curve.mean[0])
    assert curve.as_json()["mean"] == [None]


@pytest.mark.parametrize(
    ("moved", "strengths"), [([np.eye(9)], [1, 2]), ([], []), ([np.eye(9)[:5]], [1])]
)
def test_each_strength_has_a_moved_point_for_each_sample(moved, strengths):
    with pytest.raises(InputError):
        displacement(np.eye(9), moved, strengths)


@pytest.mark.parametrize(("old", "new"), [("ignores", measure_ignored), ("keeps", measure_kept)])
def test_the_old_names_of_measuring_work_for_a_release_and_warn(old, new):
    with pytest.warns(FutureWarning, match=old):
        assert getattr(proof, old) is new
    with pytest.raises(AttributeError, match="keep"):
        _ = proof.keep


# What a frequent value, a number or distance could hide


@pytest.mark.fault("A1")
def test_a_leak_that_a_majority_hides_and_only_learnt_neighbours_show_fails(rng):
    n = 1200
    place = rng.integers(0, 120, n)
    value = rng.random(120) < 0.22
    Z = rng.normal(scale=10, size=(120, 2))[place] + 0.01 * rng.normal(size=(n, 2))
    factor = np.where(value[place], "led", "bulb")
    entry = measure_ignored(
        "protocol",
        {"map": Z[900:], "samples": Z[900:]},
        factor[900:],
        train={"map": Z[:900], "samples": Z[:900]},
        factor_train=factor[:900],
        random_state=0,
    )
    assert entry.chance == 0.5
    assert entry.verdict == "fails"
    assert {leak.trained_on for leak in entry.leakage["map"]} == {"held-out", "learnt"}
    assert {leak.probe for leak in entry.leakage["map"]} == set(_probes.PROBES)
    assert entry.worst.value > 0.9


@pytest.mark.fault("A2")
@pytest.mark.parametrize("form", [int, float, str, "float32"])
def test_names_that_are_numbers_are_probed_as_the_names_they_are(form, rng):
    person = rng.permutation(np.repeat(rng.permutation(1000)[:40], 12))
    Z = rng.permutation(np.linspace(-3, 3, 1000))[person][:, None]
    Z = Z + 0.02 * rng.normal(size=Z.shape)
    entry = measure_ignored("person", {"map": Z, "samples": Z}, person.astype(form), random_state=0)
    assert entry.verdict == "fails"


@pytest.mark.fault("A2")
def test_the_kind_that_is_said_counts(rng):
    age = rng.integers(20, 60, 400)
    maps = {"map": rng.normal(size=(400, 2)), "samples": age[:, None]}
    for kind in ("class", "number"):
        entry = measure_ignored("age", maps, age, kind=kind, random_state=0)
        assert all(("r2" in leak.as_json()) == (kind == "number") for leak in entry.leakage["map"])
    both = measure_ignored("age", maps, age, random_state=0).leakage["map"]
    assert {"r2" in leak.as_json() for leak in both} == {True, False}


def test_only_one_of_train_and_its_factor_is_refused(rng):
    Z = rng.normal(size=(40, 2))
    for given in ({"train": {"map": Z + 1}}, {"factor_train": np.arange(40) % 2}):
        with pytest.raises(InputError, match="train"):
            measure_ignored("light", {"map": Z}, np.arange(40) % 2, **given)


def curves_of(**means):
    """Displacement in each map at the strengths 0 to 4, of which those to 2 were trained."""
    return {
        name: Displacement(
            tuple(map(float, range(5))),
            tuple(mean * i for i in range(5)),
            tuple((mean - 0.02) * i for i in range(5)),
            tuple((mean + 0.02) * i for i in range(5)),
            100,
        )
        for name, mean in means.items()
    }


def turned(rng, **means):
    source, angle = np.repeat(np.arange(160), 5), np.tile(np.arange(5), 160)
    still = rng.normal(size=(160, 2))[source] + 0.1 * rng.normal(size=(800, 2))
    maps = {"map": still, "samples": np.column_stack([still, 3 * angle])}
    return measure_ignored(
        "rotation",
        maps,
        angle,
        groups=source,
        displacement=curves_of(**means),
        trained_range=(0, 2),
        random_state=0,
    )


@pytest.mark.fault("A4")
def test_a_transformation_that_moves_the_map_more_than_the_best_reference_is_not_ignored(rng):
    far = turned(rng, map=0.76, samples=0.29, untrained=0.56)
    assert far.verdict == "fails"
    assert far.stillest == "samples"
    assert "0.76" in far.line
    assert "the samples 0.29" in far.line
    assert json.loads(json.dumps(far.as_json()))["moved"]["map"] == pytest.approx(0.76)
    near = turned(rng, map=0.2, samples=0.29, untrained=0.56)
    assert near.verdict == "holds"
    unclear = turned(rng, map=0.28, samples=0.29, untrained=0.56)
    assert unclear.verdict == "not decided"


@pytest.mark.fault("A4")
def test_colours_that_see_no_turn_are_no_measure_and_copies_that_stay_together_are_ignored(rng):
    assert turned(rng, map=0.1, samples=0.29, colours=0.0).verdict == "holds"
    assert turned(rng, map=0.02, samples=0.29, untrained=0.001).verdict == "holds"


@pytest.mark.fault("A10")
def test_what_is_kept_is_read_linearly_too_and_the_best_reference_is_named_when_it_holds(rng):
    labels = rng.integers(0, 3, 400)
    X = np.column_stack([1.5 * np.eye(3)[labels], 0.1 * rng.normal(size=(400, 3))])
    X = X + 0.4 * rng.normal(size=X.shape)
    maps = {"map": X[:, :3], "samples": X, "pca": X[:, :2]}
    entry = measure_kept("country", maps, labels, random_state=0)
    assert entry.verdict == "holds"
    assert set(entry.linear) == set(maps)
    assert f"best reference: {proof._the(entry.best)}" in entry.line
    assert set(entry.as_json()["linear"]) == set(maps)


@pytest.mark.fault("A10")
def test_a_map_that_learning_made_worse_says_so_first_and_what_to_try(rng):
    labels = rng.integers(0, 2, 500)
    clear = 4.0 * labels[:, None] + rng.normal(size=(500, 1))
    blurred = 1.9 * labels[:, None] + rng.normal(size=(500, 1))
    entry = measure_kept(
        "country", {"map": blurred, "samples": clear, "untrained": clear}, labels, random_state=0
    )
    whole = Proof((), (entry,))
    assert len(whole.worse) == 2
    assert all(
        "country" in sentence and "try" in sentence.replace("train", "try")
        for sentence in whole.worse
    )
    shown = str(whole).splitlines()
    assert shown[1:3] == whole.worse == whole.as_json()["worse"]
    assert not Proof((), (measure_kept("c", {"map": clear, "samples": clear}, labels),)).worse


@pytest.mark.fault("A11")
def test_a_proof_has_three_outcomes_and_says_which_factors_decide(world, rng):
    good = proof_of(world, world["X"][:, :3])
    mood = measure_ignored(
        "mood", {"map": world["X"], "samples": world["X"]}, rng.integers(0, 2, 600), random_state=0
    )
    unclear, bad = Proof((*good.ignored, mood), good.kept), proof_of(world, world["X"][:, :4])
    assert [p.outcome for p in (good, unclear, bad)] == ["holds", "not decided", "fails"]
    assert [p.holds for p in (good, unclear, bad)] == [True, False, False]
    for whole in (good, unclear, bad):
        assert str(whole).splitlines()[0] == f"{whole.headline}."
        assert whole.as_json()["outcome"] == whole.outcome
        assert whole.as_json()["headline"] == whole.headline
    assert "mood" in unclear.headline
    assert "lighting" in bad.headline


@pytest.mark.fault("A11")
def test_a_heading_is_not_shown_with_nothing_under_it(world):
    kept = proof_of(world, world["X"][:, :3]).kept
    assert not Proof((), kept).cannot
    assert str(Proof((), kept)).splitlines()[-1] == f"  {kept[-1].line}"
