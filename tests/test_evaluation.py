"""Quality: known answers for maps that are known to be good, bad, torn or even."""

import numpy as np
import pytest

from drlim import baselines
from drlim._errors import InputError
from drlim.evaluation import quality


@pytest.fixture
def plane(rng):
    return rng.normal(size=(120, 2))


MEASURES = [quality.trustworthiness, quality.continuity, quality.neighborhood_preservation]


@pytest.mark.parametrize("measure", MEASURES)
def test_a_map_that_moves_turns_and_scales_is_perfect(measure, plane):
    turned = 3 * plane @ np.array([[0, 1], [-1, 0]]) + 7
    assert measure(plane, turned) == pytest.approx(1)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_random_map_is_far_from_perfect(measure, plane, rng):
    assert measure(plane, rng.permutation(plane)) < 0.65


def test_trustworthiness_falls_when_far_points_are_folded_together(plane):
    folded = np.abs(plane)
    assert quality.trustworthiness(plane, folded) < 0.9
    assert quality.trustworthiness(plane, folded) < quality.continuity(plane, folded)


def test_continuity_falls_when_the_map_is_torn(plane):
    torn = plane + 100 * np.sign(plane)
    assert quality.continuity(plane, torn) < 0.99
    assert quality.continuity(plane, torn) < quality.trustworthiness(plane, torn)


def test_bytes_are_measured_like_the_numbers_they_stand_for(rng):
    images = rng.integers(0, 256, (60, 4, 4)).astype(np.uint8)
    Z = rng.normal(size=(60, 2))
    for measure in MEASURES:
        assert measure(images, Z) == measure(images.astype(float), Z)


def test_a_factor_that_the_map_has_is_recovered_and_another_is_not(rng):
    train, test = rng.uniform(size=(500, 2)), rng.uniform(size=(200, 2))
    assert quality.factor_recovery(train, train[:, 0], test, test[:, 0]) > 0.95
    assert quality.factor_recovery(train, rng.normal(size=500), test, rng.normal(size=200)) < 0.1


def test_a_constant_map_recovers_nothing(rng):
    factor = rng.normal(size=100)
    assert quality.factor_recovery(np.zeros((100, 2)), factor, np.zeros((100, 2)), factor) < 0.05
    assert quality.knn_accuracy(
        np.zeros((100, 2)), np.arange(100) % 4, np.zeros((40, 2)), np.arange(40) % 4
    ) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [
        (lambda rng: rng.uniform(size=(2000, 2)), 0.95, 1.1),
        (lambda rng: np.repeat(rng.uniform(size=(50, 2)), 2, axis=0), 0, 0),
        (lambda rng: rng.uniform(size=(2000, 3)), 0.95, 1.2),
        (lambda rng: rng.normal(size=(20, 2))[rng.integers(0, 20, 900)] * [1, 1], 0, 0.1),
    ],
    ids=["at random", "twins", "at random in 3-D", "clumps"],
)
def test_evenness_is_one_at_random_and_zero_for_clumps(points, low, high, rng):
    assert low <= quality.evenness(points(rng)) <= high


def test_evenness_of_a_line_in_the_plane_is_not_a_number():
    assert np.isnan(quality.evenness(np.stack([np.arange(9.0), np.arange(9.0)], axis=1)))


@pytest.mark.parametrize(
    ("X", "Z", "k"),
    [
        (np.eye(10), np.eye(9), 2),
        (np.eye(10), np.eye(10), 5),
        (np.eye(10), np.eye(10), 0),
        (np.arange(10), np.eye(10), 2),
    ],
    ids=["other lengths", "too many neighbours", "no neighbours", "no rows"],
)
def test_what_cannot_be_measured_is_refused(X, Z, k):
    with pytest.raises(InputError):
        quality.trustworthiness(X, Z, k)


def test_pca_maps_new_samples_as_it_maps_the_old(rng):
    X = rng.normal(size=(50, 6)) * [9, 5, 1, 1, 1, 1]
    Z_train, Z_test = baselines.pca(X, X[:7], 2)
    np.testing.assert_allclose(Z_test, Z_train[:7])
    assert abs(np.corrcoef(Z_train[:, 0], X[:, 0])[0, 1]) > 0.9
