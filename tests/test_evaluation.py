"""Quality: known answers for maps that are known to be good, bad, torn or even."""

import re

import numpy as np
import pytest
from sklearn import manifold

from drlim import InputError, baselines, evaluation
from drlim.evaluation import quality


@pytest.mark.parametrize("name", evaluation.__all__)
def test_every_measure_is_found_in_the_package_and_in_its_module(name):
    found = getattr(evaluation, name)
    if name in evaluation._MODULES:
        assert found.__name__ == f"drlim.evaluation.{name}"
        return
    homes = [getattr(evaluation, home) for home in evaluation._MODULES]
    assert any(name in home.__all__ and getattr(home, name) is found for home in homes)
    assert name in dir(evaluation)


def test_a_measure_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="trustiness"):
        _ = evaluation.trustiness


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


@pytest.mark.parametrize("k", [1, 5, 20])
def test_trustworthiness_is_that_of_scikit_learn(k, plane, rng):
    X = rng.normal(size=(120, 6))
    expected = manifold.trustworthiness(X, plane, n_neighbors=k)
    assert quality.trustworthiness(X, plane, k) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES[:2])
def test_a_tie_between_neighbours_is_not_an_error(measure, rng):
    grid = rng.integers(0, 4, (90, 3)).astype(float)
    assert measure(grid, 2 * grid, 7) == 1


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


def test_a_label_is_voted_for_by_the_others_and_not_by_itself():
    points, labels = np.array([[0.0], [0.1], [0.2], [9.0]]), np.array(list("aaab"))
    assert quality.leave_one_out_accuracy(points, labels, 1) == 0.75  # b has no other b
    assert quality.leave_one_out_accuracy(points, list("abab"), 3) == 0
    assert quality.leave_one_out_accuracy(np.zeros((4, 2)), list("aaaa")) == 1  # of three others


def test_random_labels_are_predicted_no_better_than_by_chance(rng):
    labels = rng.integers(0, 4, 1000)
    assert quality.leave_one_out_accuracy(rng.normal(size=(1000, 2)), labels) < 0.3
    assert quality.leave_one_out_accuracy(labels[:, None] + 0.0, labels) == 1


def test_a_single_point_has_no_others():
    with pytest.raises(InputError, match="1 point"):
        quality.leave_one_out_accuracy([[0.0]], ["a"])


def test_fitted_pca_is_the_pca_of_what_it_was_fitted_to(rng):
    X = rng.normal(size=(50, 2, 3)) * np.arange(1, 4)
    axes = baselines.fitted_pca(X, n_components=2, random_state=0)
    expected = baselines.pca(X, X[:7], 2)[1]
    found = axes(X[:7])
    # `pca` has its own unit for all features.
    np.testing.assert_allclose(found, expected * (found[0, 0] / expected[0, 0]), rtol=1e-4)
    np.testing.assert_allclose(axes(X).mean(axis=0), 0, atol=1e-5)
    assert axes((255 * np.abs(X[:1])).astype(np.uint8)).shape == (1, 2)


def test_colours_are_counted_whatever_their_place(rng):
    images = rng.integers(0, 256, (5, 3, 6, 7)).astype(np.uint8)
    counts = baselines.colour_histograms(images)
    assert counts.shape == (5, 512)
    np.testing.assert_allclose(counts.sum(axis=1), 1, rtol=1e-6)
    shuffled = images.reshape(5, 3, 42)[:, :, rng.permutation(42)].reshape(images.shape)
    np.testing.assert_array_equal(baselines.colour_histograms(shuffled), counts)
    np.testing.assert_allclose(baselines.colour_histograms(images / 255), counts, atol=0.03)


def test_a_colour_has_its_place_in_the_histogram():
    image = np.zeros((1, 3, 2, 2), np.uint8)
    image[0, :, 0, 0] = 255, 128, 0
    counts = baselines.colour_histograms(image, n_bins=2)[0]
    assert counts.tolist() == [0.75, 0, 0, 0, 0, 0, 0.25, 0]


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 1, 8, 8), (2, 8)])
def test_grey_images_have_no_colours(shape):
    with pytest.raises(InputError, match=re.escape(str(shape))):
        baselines.colour_histograms(np.zeros(shape))
