"""What a map ignores: known answers for maps that ignore a factor, show it, or show nothing."""

import numpy as np
import pytest

from drlim import InputError, baselines
from drlim.evaluation import _pair_distances, verification
from drlim.evaluation._intervals import wilson_interval
from drlim.evaluation.cylinder import circular_correlation, fit_cylinder
from drlim.evaluation.invariance import PROBES, leakage, orbit_ratio
from drlim.evaluation.verification import (
    choose_threshold,
    decide,
    equal_error_rate,
    judge_by,
    mean_average_precision,
    roc,
)

# Orbits


def test_the_orbit_ratio_is_the_ratio_of_two_mean_distances(rng):
    Z, source = rng.normal(size=(60, 3)), np.repeat(np.arange(12), 5)
    within, between = [], []
    for i in range(60):
        for j in range(i):
            (within if source[i] == source[j] else between).append(np.linalg.norm(Z[i] - Z[j]))
    assert orbit_ratio(Z, source) == pytest.approx(np.mean(within) / np.mean(between))


def test_copies_that_fall_together_have_the_ratio_zero(rng):
    assert orbit_ratio(np.repeat(rng.normal(size=(9, 2)), 4, axis=0), np.repeat(range(9), 4)) < 1e-6


def test_copies_that_are_no_copies_have_a_ratio_of_one(rng):
    assert orbit_ratio(rng.normal(size=(600, 2)), np.repeat(range(120), 5)) == pytest.approx(
        1, abs=0.1
    )


def test_a_constant_map_is_not_called_invariant():
    assert np.isnan(orbit_ratio(np.ones((20, 2)), np.repeat(range(5), 4)))


@pytest.mark.parametrize("source", [np.arange(20), np.zeros(20), np.zeros(7)])
def test_orbits_need_copies_and_more_sources_than_one(source):
    with pytest.raises(InputError):
        orbit_ratio(np.eye(20), source)


# Probes


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_reads_what_the_map_shows_and_not_what_it_ignores(probe, rng):
    Z, factor = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
    hidden = leakage(Z, factor, probe=probe, random_state=0)
    assert hidden.low < hidden.chance + 0.05
    assert hidden.accuracy < 0.45
    shown = leakage(Z + 5 * factor[:, None], factor, probe=probe, random_state=0)
    assert shown.accuracy > 0.95
    assert shown.low <= shown.accuracy <= shown.high


def test_trees_read_what_is_shown_in_a_way_that_no_line_divides(rng):
    Z = rng.normal(size=(400, 2))
    inside = np.linalg.norm(Z, axis=1) < 1.1
    by_line, by_trees, by_neighbors = (
        leakage(Z, inside, probe=p, random_state=0).accuracy for p in PROBES
    )
    assert by_trees > 0.85 > by_line
    assert by_neighbors > 0.85


def test_a_probe_that_has_seen_the_source_would_read_what_is_not_there(rng):
    # Copies of one source have one value: who has seen a copy knows the value, without groups.
    source = np.repeat(np.arange(60), 5)
    Z = np.repeat(rng.normal(size=(60, 40)), 5, axis=0) + 0.01 * rng.normal(size=(300, 40))
    factor = np.repeat(rng.integers(0, 2, 60), 5)
    cheating = leakage(Z, factor, probe="logistic", random_state=0)
    honest = leakage(Z, factor, probe="logistic", groups=source, random_state=0)
    assert cheating.accuracy > honest.accuracy + 0.15
    assert honest.accuracy < 0.7


def test_a_constant_map_leaks_nothing():
    factor = np.arange(100) % 4
    assert leakage(np.ones((100, 2)), factor, random_state=0).accuracy <= 0.3


@pytest.mark.fault("A1")
@pytest.mark.parametrize("probe", PROBES)
def test_a_frequent_value_neither_flatters_nor_hides_what_is_read(probe, rng):
    factor = np.repeat([0, 1], [80, 320])
    hidden = leakage(rng.normal(size=(400, 2)), factor, probe=probe, random_state=0)
    assert hidden.chance == 0.5
    assert abs(hidden.accuracy - 0.5) < 0.12
    shown = leakage(2.5 * factor[:, None] + rng.normal(size=(400, 1)), factor, probe=probe)
    assert shown.accuracy > 0.8


def test_the_same_seed_gives_the_same_leakage(rng):
    Z, factor = rng.normal(size=(200, 2)), rng.integers(0, 3, 200)
    first, second = (leakage(Z, factor, probe="trees", random_state=7) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("factor", "options", "says"),
    [
        (np.zeros(50), {}, "1 values"),
        (np.arange(50), {}, "rarest"),
        (np.zeros(9), {}, "shape"),
        (np.arange(50) % 2, {"probe": "tree"}, "did you mean 'trees'"),
    ],
)
def test_what_cannot_be_probed_is_refused(factor, options, says, rng):
    with pytest.raises(InputError, match=says):
        leakage(rng.normal(size=(50, 2)), factor, **options)


def test_the_interval_of_a_share_contains_it_and_narrows():
    wide, narrow = wilson_interval(3, 10), wilson_interval(300, 1000)
    assert 0 < wide[0] < narrow[0] < 0.3 < narrow[1] < wide[1] < 1
    assert wilson_interval(0, 10)[0] == 0
    assert wilson_interval(10, 10)[1] == pytest.approx(1)


# Cylinders


def cylinder(rng, n=400, radius=3.0, length=6.0, noise=0.05):
    angle, height = rng.uniform(0, 2 * np.pi, n), rng.uniform(0, length, n)
    surface = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return surface @ turn.T + [5, -2, 9] + noise * rng.normal(size=(n, 3)), angle, height


@pytest.mark.parametrize(
    ("radius", "length"), [(3.0, 6.0), (1.0, 12.0), (4.0, 5.0), (6.0, 4.0), (5.0, 10.0)]
)
def test_a_cylinder_is_found_whichever_way_it_lies(radius, length, rng):
    Z, angle, height = cylinder(rng, radius=radius, length=length)
    fitted = fit_cylinder(Z)
    around, along, distance = fitted.coordinates(Z)
    assert fitted.radius == pytest.approx(radius, rel=0.03)
    assert circular_correlation(around, angle) > 0.99
    assert abs(np.corrcoef(along, height)[0, 1]) > 0.99
    assert distance.std() / distance.mean() < 0.1
    np.testing.assert_allclose(fitted.frame @ fitted.frame.T, np.eye(3), atol=1e-9)


def test_angles_that_have_nothing_to_do_with_each_other_do_not_correlate(rng):
    a, b = rng.uniform(0, 2 * np.pi, (2, 2000))
    assert circular_correlation(a, b) < 0.05
    assert circular_correlation(a, a + 1) == pytest.approx(1)
    assert circular_correlation(a, 3 - a) == pytest.approx(1)


@pytest.mark.parametrize("Z", [np.zeros((10, 2)), np.zeros((5, 3)), np.zeros(3)])
def test_points_to_which_no_cylinder_fits_are_refused(Z):
    with pytest.raises(InputError):
        fit_cylinder(Z)


# Verification


def test_classes_that_lie_apart_are_distinguished_and_a_random_map_is_at_chance(rng):
    labels = np.repeat(np.arange(4), 60)
    Z = labels[:, None] * 9.0 + rng.normal(size=(240, 2))
    apart = choose_threshold(Z, labels, 0.01, by="sample", random_state=0)
    assert apart.false_rejects.value < 0.01
    assert apart.equal_error.value < 0.01
    Z = rng.normal(size=(240, 2))
    chance = choose_threshold(Z, labels, 0.1, by="sample", random_state=0)
    assert chance.false_rejects.value == pytest.approx(0.9, abs=0.03)
    assert chance.equal_error.value == pytest.approx(0.5, abs=0.04)


def test_the_threshold_keeps_the_rate_that_was_asked_for_on_samples_it_was_not_chosen_on(rng):
    labels = np.repeat(np.arange(5), 80)
    Z = labels[:, None] * 2.0 + rng.normal(size=(400, 2))
    found = choose_threshold(Z, labels, 0.05, by="sample", random_state=0)
    assert found.false_accepts.value == pytest.approx(0.05, abs=0.02)
    assert found.false_rejects.low <= found.false_rejects.value <= found.false_rejects.high


def test_the_old_name_of_choosing_a_threshold_works_for_a_release_and_warns():
    with pytest.warns(FutureWarning, match="choose_threshold"):
        assert verification.verification is choose_threshold


def test_retrieval_is_perfect_for_classes_apart_and_the_share_of_the_class_at_random(rng):
    labels = np.repeat(np.arange(4), 150)
    assert (
        mean_average_precision(labels[:, None] * 9.0 + rng.normal(size=(600, 1)) / 9, labels) == 1
    )
    assert mean_average_precision(rng.normal(size=(600, 2)), labels) == pytest.approx(
        0.25, abs=0.03
    )


def people(rng, n_people=40, n_samples=6, spread=4.0, d=2):
    labels = np.repeat(np.arange(n_people), n_samples)
    return spread * rng.normal(size=(n_people, d))[labels] + rng.normal(
        size=(len(labels), d)
    ), labels


def test_e1_a_threshold_is_measured_on_people_it_was_not_chosen_on(rng):
    # Two kinds of people: those of one lie ten times as far apart as those of the other.
    Z, labels = people(rng, n_people=24)
    crowd = labels < 12
    Z[crowd] /= 10
    found = choose_threshold(Z, labels, 0.2, random_state=0)
    assert found.false_accepts.low < 0.2 < found.false_accepts.high
    assert found.n_classes == 24
    # What is reported is not what the chosen threshold does to the pairs it was chosen on.
    left, right = np.triu_indices(len(Z), 1)
    different = labels[left] != labels[right]
    accepted = decide(Z[left], Z[right], found)
    assert accepted[different].mean() == pytest.approx(0.2, abs=1e-3)
    assert found.false_accepts.value != pytest.approx(0.2, abs=1e-3)


def test_by_class_no_class_is_on_both_sides_and_each_side_has_two():
    labels = np.repeat(np.arange(11), 3)
    for others, part in verification._folds(labels, "class", 5, 0, None):
        assert not set(labels[others]) & set(labels[part])
        assert len(set(labels[part])) >= 2


def test_the_equal_error_rate_of_two_known_gaussians_is_known(rng):
    # On a line at 0 and at s, same pairs are N(0, 2) and different ones N(s, 2) apart, in size.
    from scipy.optimize import brentq
    from scipy.stats import norm

    s, spread = 4.0, np.sqrt(2)
    labels = np.repeat([0, 1], 300)
    Z = s * labels[:, None] + rng.normal(size=(600, 1))

    def rejects(t):
        return 2 * norm.sf(t / spread)

    def accepts(t):
        return norm.cdf((t - s) / spread) - norm.cdf((-t - s) / spread)

    known = rejects(brentq(lambda t: rejects(t) - accepts(t), 0, s))
    found = equal_error_rate(Z, labels, by="sample", random_state=0)
    assert found.value == pytest.approx(known, abs=0.015)
    assert found.low < known < found.high
    assert found.n == 600 * 599 // 2


def test_the_equal_error_rate_is_a_half_for_a_map_that_knows_nothing_and_zero_for_a_perfect_one():
    labels = np.repeat(np.arange(10), 5)
    assert equal_error_rate(np.ones((50, 2)), labels, random_state=0).value == 0.5
    perfect = equal_error_rate(labels[:, None].astype(float), labels, random_state=0)
    assert perfect.value == perfect.low == 0 < perfect.high


def test_few_people_make_a_wider_interval_than_their_samples_alone(rng):
    Z, labels = people(rng, n_people=8, n_samples=20)
    by_sample, by_class = (
        equal_error_rate(Z, labels, by=by, random_state=0) for by in ("sample", "class")
    )
    assert by_class.value == by_sample.value
    assert by_class.high - by_class.low > 1.5 * (by_sample.high - by_sample.low)


def test_the_interval_for_new_people_covers_what_new_people_get():
    truth = np.mean(
        [equal_error_rate(*people(np.random.default_rng(99), 400, 3), random_state=0).value]
    )
    covered = []
    for seed in range(25):
        found = equal_error_rate(*people(np.random.default_rng(seed), 25, 4), random_state=0)
        covered.append(found.low < truth < found.high)
    assert np.mean(covered) >= 0.8


def test_pairs_that_are_drawn_are_of_the_kind_they_are_called_and_evenly_spread(rng):
    labels = rng.permutation(np.repeat(np.arange(4), [2, 30, 10, 8]))
    rows = np.arange(50.0)[:, None]
    every = _pair_distances.pair_distances(rows, labels, rng)
    assert len(every.distance) == 50 * 49 // 2
    drawn = _pair_distances.pair_distances(rows, labels, rng, most=400)
    assert np.array_equal(labels[drawn.left] == labels[drawn.right], drawn.same)
    assert drawn.same.sum() == (~drawn.same).sum() == 400
    assert (drawn.left != drawn.right).all()
    np.testing.assert_array_equal(drawn.distance, np.abs(drawn.left - drawn.right))
    few = _pair_distances.pair_distances(rows, labels, rng, most=100)
    met = np.bincount(labels[few.left[few.same]], minlength=4)
    assert met[1] > 60  # 435 of 509 pairs of one class are of the second


def test_pairs_of_parts_are_put_together_under_the_numbers_of_the_whole(rng):
    labels, rows = np.arange(12) // 2, np.arange(12.0)[:, None]
    parts = np.arange(6), np.arange(6, 12)
    tried = [
        _pair_distances.pair_distances(rows[p], labels[p], rng).renumbered(p).beyond(0.5)
        for p in parts
    ]
    pairs = _pair_distances.PairDistances.concatenated(tried)
    assert {*pairs.left, *pairs.right} == set(range(12))
    assert np.array_equal(labels[pairs.left] == labels[pairs.right], pairs.same)
    np.testing.assert_array_equal(pairs.distance, np.abs(pairs.left - pairs.right) - 0.5)


def test_drawn_pairs_give_the_rates_of_all_pairs(rng, monkeypatch):
    Z, labels = people(rng)
    every = equal_error_rate(Z, labels, random_state=0).value
    few = _pair_distances.pair_distances

    def draw(rows, labels, rng):
        return few(rows, labels, rng, most=500)

    monkeypatch.setattr("drlim.evaluation.verification.pair_distances", draw)
    found = equal_error_rate(Z, labels, random_state=0)
    assert found.n == 1000
    assert found.value == pytest.approx(every, abs=0.05)


def test_the_characteristic_rises_from_one_pair_to_all_and_lies_above_chance(rng):
    Z, labels = people(rng)
    false_accepts, true_accepts = roc(Z, labels, random_state=0)
    assert (np.diff(false_accepts) >= 0).all()
    assert (np.diff(true_accepts) >= 0).all()
    assert false_accepts[-1] == true_accepts[-1] == 1
    assert np.mean(true_accepts - false_accepts) > 0.1


@pytest.mark.parametrize(
    ("labels", "rate", "options", "says"),
    [
        (np.arange(60) // 20, 0.1, {}, "four classes"),
        (np.arange(60) // 3, 0.1, {"by": "sample"}, "four points of each"),
        (np.arange(60) // 3, 0.1, {"by": "person"}, "person"),
        (np.arange(60) // 3, 1.5, {}, "a share"),
        (np.arange(60) // 3, 0.1, {"n_folds": 1}, "n_folds"),
        (np.arange(60) // 3, 1e-5, {}, "ask for a larger rate"),
        (np.zeros(60), 0.1, {}, "two classes or more"),
        (np.arange(60), 0.1, {}, "two points of one"),
    ],
)
def test_a_threshold_that_cannot_be_chosen_is_refused(labels, rate, options, says, rng):
    with pytest.raises(InputError, match=says):
        choose_threshold(rng.normal(size=(60, 2)), labels, rate, **options)


@pytest.mark.parametrize(
    ("n_classes", "n_each", "learnt", "by"),
    [
        (9, 9, (), "class"),
        (9, 9, [99], "class"),
        (9, 9, [8, 99], "sample"),
        (4, 3, (), "class"),
        (4, 3, [0], "class"),
        (3, 4, (), "sample"),
        (3, 3, (), "all"),
    ],
)
def test_new_classes_are_judged_by_class_and_known_ones_by_sample(n_classes, n_each, learnt, by):
    labels = np.repeat(np.arange(n_classes), n_each)
    assert judge_by(labels, learnt) == by
    assert judge_by(labels.astype(str).astype(object), list(map(str, learnt))) == by


@pytest.mark.parametrize("learnt", [(), [0]])
@pytest.mark.parametrize(("n_classes", "n_each"), [(4, 2), (4, 4), (3, 4), (2, 5), (9, 3), (3, 3)])
def test_a_threshold_can_be_chosen_as_it_is_judged(n_classes, n_each, learnt, rng):
    labels = np.repeat(np.arange(n_classes), n_each)
    by = judge_by(labels, learnt)
    assert choose_threshold(rng.normal(size=(len(labels), 2)), labels, 0.3, by=by).by == by


def test_points_to_decide_on_come_in_pairs():
    with pytest.raises(InputError, match="partner"):
        decide(np.eye(3), np.eye(2), 1.0)


# The older methods


@pytest.mark.parametrize("method", baselines.METHODS)
def test_every_older_method_maps_and_says_whether_it_can_map_a_new_sample(method, rng):
    X = rng.normal(size=(150, 6)) * [9, 5, 1, 1, 1, 1]
    Z, Z_new = baselines.embed(method, X, X[:7] + 0.01, random_state=0)
    assert Z.shape == (150, 2)
    assert np.isfinite(Z).all()
    if baselines.METHODS[method].maps_new_samples:
        assert Z_new.shape == (7, 2)
        span = np.linalg.norm(Z.std(axis=0))
        assert np.linalg.norm(Z_new - Z[:7], axis=1).mean() < 0.5 * span
    else:
        assert Z_new is None


@pytest.mark.parametrize("method", ["pca", "kernel pca", "isomap", "lle"])
def test_the_unit_of_the_samples_changes_no_neighbourhood_of_an_older_map(method, rng):
    X = rng.normal(size=(100, 5))
    first, second = (
        baselines.embed(method, unit * X, X[:2], random_state=0)[0] for unit in (1, 255)
    )
    scale = np.linalg.norm(first) / np.linalg.norm(second)
    np.testing.assert_allclose(
        np.abs(first), np.abs(second) * scale, atol=1e-3 * np.abs(first).max()
    )


def test_an_unknown_older_method_is_answered_with_the_nearest_name():
    with pytest.raises(InputError, match="'isomap'"):
        baselines.embed("iso map", np.eye(9), np.eye(9))
