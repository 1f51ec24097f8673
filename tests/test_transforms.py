"""Changes of samples: known answers, and the laws that hold for every kind."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays

from drlim import Dataset, DrLIM, InputError, MissingExtraError
from drlim.transforms import (
    Augment,
    beyond,
    change,
    copies,
    levels,
    shift,
    shifted_copies,
)
from drlim.transforms._kinds import KINDS

FOR_VECTORS = [kind for kind in KINDS if KINDS[kind].for_vectors]
EVERY_CHANGE = [change(kind, along=way) for kind in KINDS for way in KINDS[kind].along or (None,)]
every_kind = pytest.mark.parametrize("kind", KINDS)
every_change = pytest.mark.parametrize("one", EVERY_CHANGE, ids=lambda one: one.name)


def colours(rng, n=6, dtype=np.float32, size=(9, 8)):
    pixels = rng.random((n, 3, *size))
    whole = np.issubdtype(dtype, np.integer)
    return (pixels * np.iinfo(dtype).max).astype(dtype) if whole else pixels.astype(dtype)


def made(kind, samples, strength, seed=0, along=None):
    return change(kind, along=along).apply(samples, strength, np.random.default_rng(seed))


# Known answers: geometry


@pytest.mark.parametrize(("along", "way"), [("horizontal", "right"), ("vertical", "down")])
@pytest.mark.parametrize("by", [3, -2, 0, 40])
def test_a_shift_by_whole_pixels_is_shift(along, way, by):
    images = np.arange(60, dtype=np.uint8).reshape(2, 5, 6)
    np.testing.assert_array_equal(
        made("shift", images, by, along=along), shift(images, **{way: by})
    )


def test_half_a_pixel_is_the_mean_of_two_neighbours_and_zero_comes_in():
    images = np.array([[[4.0, 8.0, 16.0]] * 3])
    np.testing.assert_allclose(made("shift", images, 0.5)[0, 1], [2, 6, 12])


def test_a_shift_along_both_goes_its_whole_strength_one_way_and_no_further_the_other(rng):
    images = np.zeros((400, 1, 21, 21), dtype=np.uint8)
    images[..., 10, 10] = 1
    moved = made("shift", images, 3, along="both")
    to = np.argwhere(moved)[:, 2:] - 10
    assert len(to) == 400
    assert (np.abs(to).max(axis=1) == 3).all()
    assert {tuple(place) for place in to} == {
        (y, x) for y in range(-3, 4) for x in range(-3, 4) if max(abs(y), abs(x)) == 3
    }


def test_parts_of_a_pixel_along_both_stay_inside_the_square_of_the_strength():
    images = np.zeros((100, 21, 21))
    images[:, 10, 10] = 1
    moved = made("shift", images, 2.5, along="both")
    where = np.arange(21) - 10
    across, down = moved.sum(axis=1) @ where, moved.sum(axis=2) @ where
    np.testing.assert_allclose(np.maximum(abs(across), abs(down)), 2.5, atol=1e-5)
    assert len(np.unique(np.minimum(abs(across), abs(down)).round(3))) > 50


@pytest.mark.parametrize("quarters", [1, 2, 3, -1])
@pytest.mark.parametrize("size", [8, 9])
def test_a_quarter_turn_is_rot90_counter_clockwise(quarters, size, rng):
    images = colours(rng, size=(size, size), dtype=np.uint8)
    turned = np.rot90(images, quarters, axes=(-2, -1))
    np.testing.assert_array_equal(made("rotation", images, 90 * quarters), turned)


def test_a_rotation_brings_zeros_into_the_corners_and_leaves_the_centre():
    turned = made("rotation", np.ones((1, 9, 9)), 45)[0]
    assert turned[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(turned[3:6, 3:6], 1)


def test_scale_2_keeps_the_centre_pixel_and_doubles_the_distance_to_it():
    images = np.zeros((1, 9, 9), dtype=np.float32)
    images[0, 4, 4], images[0, 3, 6] = 1, 0.5
    larger = made("scale", images, 2)[0]
    assert larger[4, 4] == pytest.approx(1)
    assert larger[2, 8] == pytest.approx(0.5)
    np.testing.assert_allclose(made("scale", larger[None], 0.5)[0, 3, 6], 0.5, atol=1e-6)


def test_scale_a_half_brings_zeros_in_all_round():
    smaller = made("scale", np.ones((1, 1, 8, 8)), 0.5)[0, 0]
    np.testing.assert_allclose(smaller[2:6, 2:6], 1)
    assert smaller.sum() == pytest.approx(16)


def test_a_crop_is_a_window_at_a_random_place_resized_to_the_whole():
    ramp = np.tile(np.arange(101.0), (200, 101, 1))
    cropped = made("crop", ramp, 0.4)
    left, right = cropped[:, 50, 0], cropped[:, 50, -1]
    np.testing.assert_allclose(right - left, 40, atol=1e-3)
    assert left.min() >= 0
    assert right.max() <= 100
    assert left.min() < 3
    assert right.max() > 97
    down = made("crop", ramp.transpose(0, 2, 1), 0.4)[:, 0, 50]
    assert abs(np.corrcoef(left, down)[0, 1]) < 0.25


@pytest.mark.parametrize(("along", "axis"), [("horizontal", -1), ("vertical", -2)])
def test_a_flip_mirrors_the_samples_whose_strength_is_1(along, axis, rng):
    images = colours(rng, n=2)
    flipped = made("flip", images, [0, 1], along=along)
    np.testing.assert_array_equal(flipped[0], images[0])
    np.testing.assert_array_equal(flipped[1], np.flip(images[1], axis))


def test_geometric_changes_in_one_list_are_one_move_in_the_order_of_the_list(rng):
    images = colours(rng, size=(7, 7), dtype=np.uint8)
    turn, push = change("rotation", range=(90, 90)), change("shift", range=(2, 2))
    expected = shift(np.rot90(images, axes=(-2, -1)), right=2)
    np.testing.assert_array_equal(Augment([turn, push])(images, rng), expected)
    expected = np.rot90(shift(images, right=2), axes=(-2, -1))
    np.testing.assert_array_equal(Augment([push, turn])(images, rng), expected)
    # As one: what leaves the image on the way is not lost.
    out, back = (change("shift", range=(by, by)) for by in (6, -6))
    np.testing.assert_array_equal(Augment([out, back])(images, rng), images)


@pytest.mark.parametrize(
    ("outside", "moved", "far"),
    [
        ("zeros", [0, 0, 4, 8, 16], [0, 0, 0, 0, 0]),
        ("edge", [4, 4, 4, 8, 16], [4, 4, 4, 4, 4]),
        ("mirror", [16, 8, 4, 8, 16], [8, 4, 8, 16, 32]),  # 17 is 1 after two periods of 8
    ],
)
@pytest.mark.parametrize("along", ["horizontal", "vertical"])
def test_what_lies_outside_an_image_comes_in_where_it_ends(outside, moved, far, along):
    row = np.array([4.0, 8, 16, 32, 64])
    images = np.tile(row, (1, 5, 1))
    images = images if along == "horizontal" else images.swapaxes(-1, -2)
    for by, expected in ((2, moved), (17, far)):
        made_ = change("shift", along=along, outside=outside).apply(images, by, _seeded())
        line = made_[0, 2] if along == "horizontal" else made_[0, :, 2]
        np.testing.assert_array_equal(line, expected)
        # A move by almost as much is interpolated, by other code, from the same pixels.
        nearly = change("shift", along=along, outside=outside).apply(images, by - 1e-6, _seeded())
        np.testing.assert_allclose(nearly, made_, atol=1e-3)


@pytest.mark.parametrize("outside", ["edge", "mirror"])
@pytest.mark.parametrize(("kind", "strength"), [("rotation", 40), ("scale", 0.3), ("shift", 2.5)])
def test_an_image_of_one_colour_that_goes_on_outside_cannot_be_moved(outside, kind, strength):
    plain = np.full((2, 3, 8, 9), 200, np.uint8)
    one = change(kind, outside=outside)
    np.testing.assert_array_equal(one.apply(plain, strength, _seeded()), plain)
    np.testing.assert_array_equal(
        Augment([one, change("crop", outside=outside)])(plain, _seeded()), plain
    )


# Known answers: light and colour


def test_brightness_adds_a_share_of_full_scale():
    grey = np.array([[[0, 100, 250]]], dtype=np.uint8)
    assert made("brightness", grey, 0.1).tolist() == [[[26, 126, 255]]]
    assert made("brightness", grey, -0.5).tolist() == [[[0, 0, 122]]]
    deep = np.array([[[0, 30_000]]], dtype=np.uint16)
    assert made("brightness", deep, 0.1).tolist() == [[[6554, 36554]]]
    np.testing.assert_allclose(made("brightness", np.array([[[0.5, 1.0]]]), 0.1), [[[0.6, 1.1]]])


def test_contrast_stretches_about_the_images_own_mean(rng):
    images = colours(rng, dtype=np.float64)
    stretched = made("contrast", images, 2)
    mean = images.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(stretched.mean(axis=(1, 2, 3)), mean)
    np.testing.assert_allclose(stretched[3] - mean[3], 2 * (images[3] - mean[3]))


def test_gamma_is_a_power_of_the_share_of_full_scale():
    assert made("gamma", np.array([[[0, 128, 255]]], np.uint8), 2).tolist() == [[[0, 64, 255]]]
    np.testing.assert_allclose(
        made("gamma", np.array([[[0.25, 1.0, -0.25]]]), 0.5), [[[0.5, 1, -0.5]]]
    )


def test_a_third_of_a_turn_makes_red_green_and_green_blue():
    red_and_green = np.array([[[255, 20]], [[0, 200]], [[0, 20]]], dtype=np.uint8)[None]
    turned = made("colour", red_and_green, 120)
    assert turned[0, :, 0, 0].tolist() == [0, 255, 0]
    assert turned[0, :, 0, 1].tolist() == [20, 20, 200]


def test_hues_are_turned_as_kornia_turns_them(rng):
    import torch
    from kornia import enhance

    images, degrees = colours(rng, n=50, dtype=np.float64), rng.uniform(-180, 180, 50)
    images[0, 1] = images[0, 2]  # two channels that tie, in any order
    expected = enhance.adjust_hue(torch.tensor(images), torch.tensor(np.deg2rad(degrees)))
    np.testing.assert_allclose(made("colour", images, degrees), expected.numpy(), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_full_turn_of_the_hue_or_of_the_image_is_the_identity(dtype, rng):
    images = colours(rng, dtype=dtype)
    for kind in ("colour", "rotation"):
        for turn in (360, -360):
            np.testing.assert_array_equal(made(kind, images, turn), images)


def test_grey_has_no_hue_and_no_saturation(rng):
    grey = np.repeat(rng.random((4, 1, 5, 5)), 3, axis=1)
    for kind, strength in (("colour", 77), ("saturation", 1.9)):
        np.testing.assert_allclose(made(kind, grey, strength), grey)


def test_saturation_goes_to_and_from_the_pixels_grey(rng):
    images = colours(rng, dtype=np.float64)
    grey = np.tensordot([0.299, 0.587, 0.114], images, (0, 1))[:, None]
    np.testing.assert_allclose(made("saturation", images, 0), np.broadcast_to(grey, images.shape))
    np.testing.assert_allclose(made("saturation", images, 2) - grey, 2 * (images - grey))


# Known answers: sharpness, noise, what is missing


def test_a_blur_is_a_gaussian_that_keeps_the_mean():
    images = np.zeros((2, 41, 41))
    images[:, 20, 20] = 1
    blurred = made("blur", images, [1.5, 3])
    where = np.arange(41) - 20
    for image, sigma in zip(blurred, (1.5, 3), strict=True):
        assert image.sum() == pytest.approx(1)
        assert image.sum(axis=0) @ where**2 == pytest.approx(sigma**2, rel=0.01)
        assert image.sum(axis=1) @ where**2 == pytest.approx(sigma**2, rel=0.01)
    np.testing.assert_allclose(made("blur", np.ones((1, 4, 3)), 9), 1, rtol=1e-6)


def test_a_blur_has_its_own_radius_beside_a_wider_one():
    images = np.zeros((2, 41, 41))
    images[:, 20, 20] = 1
    reach = (made("blur", images, [0.5, 3]) > 0).any(axis=1).sum(axis=1)
    assert reach.tolist() == [2 * 2 + 1, 2 * 12 + 1]


def test_noise_has_its_standard_deviation_as_a_share_of_full_scale():
    grey = np.full((2, 3, 60, 60), 128, dtype=np.uint8)
    noisy = made("noise", grey, [0.05, 0.1]).astype(float)
    assert noisy[0].std() == pytest.approx(0.05 * 255, rel=0.03)
    assert noisy[1].std() == pytest.approx(0.1 * 255, rel=0.03)
    assert noisy[1].mean() == pytest.approx(128, abs=1)


def test_noise_of_vectors_is_in_the_unit_of_each_features_deviation(rng):
    X = rng.normal(size=(4000, 3)) * [1, 10, 0] + [0, 5, 7]
    augment = Augment.for_samples([change("noise", range=(0.3, 0.3))], X)
    added = augment(X, rng) - X
    np.testing.assert_allclose(added.std(axis=0), [0.3, 3, 0], rtol=0.05)


def test_dropout_of_vectors_puts_the_mean_in_place_of_its_share_of_features(rng):
    X = rng.normal(size=(500, 40)) + np.arange(40)
    augment = Augment.for_samples([change("dropout", range=(0.3, 0.3))], X)
    after = augment(X, rng)
    dropped = after != X
    assert dropped.mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(after[dropped], np.broadcast_to(X.mean(axis=0), X.shape)[dropped])


def test_features_are_standardised_where_nothing_was_learnt(rng):
    X = np.full((200, 50), 9.0)
    assert set(np.unique(made("dropout", X, 0.5))) == {0, 9}
    assert (made("noise", X, 2) - X).std() == pytest.approx(2, rel=0.03)


def test_dropout_of_images_puts_0_in_whole_pixels():
    after = made("dropout", np.full((50, 3, 10, 10), 200, dtype=np.uint8), 0.25)
    black = (after == 0).all(axis=1)
    assert black.mean() == pytest.approx(0.25, abs=0.02)
    assert (after.transpose(0, 2, 3, 1)[~black] == 200).all()


# Laws

numbers = {
    np.dtype(np.uint8): st.integers(0, 255),
    np.dtype(np.uint16): st.integers(0, 65535),
    np.dtype(np.float32): st.floats(-4, 4, width=32),
    np.dtype(np.float64): st.floats(-4, 4),
}


@st.composite
def batches(draw):
    dtype = draw(st.sampled_from(sorted(numbers, key=str)))
    channels = draw(st.sampled_from([(), (1,), (2,), (3,)]))
    size = draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    shape = (draw(st.integers(0, 3)), *channels, *size)
    return draw(arrays.arrays(dtype, shape, elements=numbers[dtype]))


def fits(one, images):
    return not KINDS[one.kind].needs_colour or (images.ndim == 4 and images.shape[1] == 3)


@settings(max_examples=60, deadline=None)
@given(batches(), st.sampled_from(EVERY_CHANGE), st.integers(0, 9))
def test_the_identity_strength_is_exactly_the_identity(images, one, seed):
    if fits(one, images):
        after = one.apply(images, one.identity, np.random.default_rng(seed))
        np.testing.assert_array_equal(after, images)
        assert after.dtype == images.dtype


@settings(max_examples=100, deadline=None)
@given(batches(), st.lists(st.sampled_from(EVERY_CHANGE), max_size=4), st.integers(0, 9))
def test_shape_and_dtype_are_kept_and_nothing_becomes_nan(images, changes, seed):
    changes = [one for one in changes if fits(one, images)]
    images.flags.writeable = False
    before = images.copy()
    after = Augment(changes)(images, np.random.default_rng(seed))
    assert (after.shape, after.dtype) == (images.shape, images.dtype)
    assert np.isfinite(after).all()
    assert not np.shares_memory(after, images)
    np.testing.assert_array_equal(images, before)


@every_change
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_a_sample_at_the_identity_stays_exact_beside_one_that_is_changed(one, dtype, rng):
    images = colours(rng, n=2, dtype=dtype)
    strength = [one.identity, 1 if one.kind == "flip" else 0.5]
    after = one.apply(images, strength, rng)
    np.testing.assert_array_equal(after[0], images[0])
    assert not np.array_equal(after[1], images[1])


@every_change
def test_a_sample_becomes_the_same_whatever_is_beside_it(one, rng):
    images, others = colours(rng), colours(rng)
    strengths, other = one.draw(6, rng), one.draw(6, rng)
    others[2], other[2] = images[2], strengths[2]
    a, b = (
        one.apply(X, s, np.random.default_rng(4)) for X, s in ((images, strengths), (others, other))
    )
    np.testing.assert_allclose(a[2], b[2], atol=1e-6)
    assert not np.allclose(a[0], b[0])


@every_change
def test_the_first_of_a_batch_becomes_what_it_becomes_alone(one, rng):
    images, strengths = colours(rng), one.draw(6, rng)
    alone = one.apply(images[:1], strengths[:1], np.random.default_rng(4))
    np.testing.assert_allclose(
        alone, one.apply(images, strengths, np.random.default_rng(4))[:1], atol=1e-6
    )


def test_the_same_seed_gives_the_same_and_global_generators_stay_untouched(rng, untouched_globals):
    images, augment = colours(rng), Augment(EVERY_CHANGE)
    a, b, other = (augment(images, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, other)


@every_change
def test_views_that_are_reversed_transposed_or_read_only_come_out_as_their_copies_do(one, rng):
    images = colours(rng, size=(8, 8))
    view = images[::-1, ::-1].transpose(0, 1, 3, 2)[:, :, ::2]
    view.flags.writeable = False
    a, b = (one.apply(X, one.draw(6, g), g) for X in (view, view.copy()) for g in [_seeded()])
    np.testing.assert_array_equal(a, b)


def _seeded():
    return np.random.default_rng(8)


def test_every_sample_has_its_own_draw(rng):
    images = np.repeat(colours(rng, n=1), 8, axis=0)
    for one in EVERY_CHANGE:
        after = Augment([one])(images, rng)
        assert len(np.unique(after.reshape(8, -1), axis=0)) > 1, one.name


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("shape", [(9, 8), (1, 9, 8), (3, 9, 8)])
def test_batches_of_none_and_of_one(n, shape, rng):
    changes = [one for one in EVERY_CHANGE if not KINDS[one.kind].needs_colour or shape[0] == 3]
    assert Augment(changes)(np.ones((n, *shape), np.uint8), rng).shape == (n, *shape)
    vectors = Augment([change(kind) for kind in FOR_VECTORS])(np.ones((n, 4)), rng)
    assert vectors.shape == (n, 4)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_vectors_keep_their_dtype_and_the_identity(dtype, rng):
    X = rng.normal(size=(5, 7)).astype(dtype)
    augment = Augment.for_samples([change(kind) for kind in FOR_VECTORS], X)
    assert augment(X, rng).dtype == dtype
    for kind in FOR_VECTORS:
        np.testing.assert_array_equal(made(kind, X, 0), X)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, bool])
def test_whole_moves_need_no_full_scale(dtype):
    images = np.eye(4)[None].astype(dtype)
    moved = Augment([change("flip"), change("shift", values=[2])])(images, np.random.default_rng(1))
    assert moved.dtype == dtype


@every_kind
def test_draws_stay_in_the_range_and_fill_it(kind, rng):
    one = change(kind)
    drawn = one.draw(2000, rng)
    ends = levels(one)[[0, -1]]
    assert drawn.min() >= ends[0]
    assert drawn.max() <= ends[1]
    np.testing.assert_allclose([drawn.min(), drawn.max()], ends, atol=0.01 * np.ptp(ends))


def test_draws_of_a_factor_are_even_in_its_logarithm(rng):
    assert np.log(change("scale", range=(0.25, 4)).draw(9000, rng)).mean() == pytest.approx(
        0, abs=0.03
    )


def test_a_shift_with_whole_ends_is_drawn_in_whole_pixels_and_another_is_not(rng):
    assert set(change("shift", range=(-1, 2)).draw(200, rng)) == {-1, 0, 1, 2}
    assert len(set(change("shift", range=(-1.5, 2)).draw(200, rng))) == 200


def test_listed_values_are_drawn_with_what_does_nothing_among_them(rng):
    one = change("scale", values=[0.5, 2])
    assert one.values == (1, 0.5, 2)
    assert set(one.draw(100, rng)) == {1, 0.5, 2}


# Augment


def test_an_augment_is_what_drlim_takes(rng):
    X = colours(rng, n=24, dtype=np.uint8)
    augment = Augment.for_samples([change("flip"), change("brightness")], X)
    fitted = DrLIM(network="linear", max_epochs=1, augment=augment, random_state=0).fit(X)
    assert np.isfinite(fitted.embedding_).all()


def test_an_augment_is_stored_as_plain_data_and_comes_back(rng):
    for X in (rng.normal(size=(9, 4)), colours(rng)):
        changes = [change("noise"), change("dropout", values=[0.5])]
        if X.ndim > 2:
            changes += EVERY_CHANGE
            edge = Augment([change("scale", outside="edge")])
            assert Augment.from_json(json.loads(json.dumps(edge.as_json()))) == edge
        augment = Augment.for_samples(changes, X)
        again = Augment.from_json(json.loads(json.dumps(augment.as_json())))
        assert again == augment
        np.testing.assert_array_equal(again(X, _seeded()), augment(X, _seeded()))


def test_an_augment_of_nothing_is_the_identity(rng):
    images = colours(rng)
    np.testing.assert_array_equal(Augment([])(images, rng), images)


def test_changes_of_pixels_are_made_in_the_order_of_the_list(rng):
    images = np.full((1, 2, 2), 0.25)
    power, lighter = change("gamma", range=(0.5, 0.5)), change("brightness", range=(0.5, 0.5))
    np.testing.assert_allclose(Augment([power, lighter])(images, rng), 1)
    np.testing.assert_allclose(Augment([lighter, power])(images, rng), 0.75**0.5)


# Copies


def test_copies_are_the_samples_and_one_copy_at_each_value(rng):
    data = Dataset(colours(rng, n=3), {"kind": np.array(list("abc"))}, "weaves", "here")
    turned = copies(data, change("rotation", values=[90, 22.5]))
    assert (turned.name, turned.origin) == ("weaves", "here")
    assert turned.factors["rotation"].tolist() == [0, 0, 0, 90, 90, 90, 22.5, 22.5, 22.5]
    assert turned.factors["source"].tolist() == [0, 1, 2] * 3
    assert turned.factors["kind"].tolist() == list("abc") * 3
    np.testing.assert_array_equal(turned.X[:3], data.X)
    np.testing.assert_array_equal(turned.X[6:], made("rotation", data.X, 22.5))


@pytest.mark.parametrize(
    ("along", "name"),
    [(None, "shift"), ("vertical", "shift_vertical"), ("both", "shift_both")],
)
def test_the_factor_is_named_by_the_kind_and_its_way(along, name):
    data = Dataset(np.ones((2, 4, 4)))
    assert name in copies(data, change("shift", values=[1], along=along)).factors


def test_copies_of_copies_keep_their_first_source():
    data = Dataset(np.ones((2, 4, 4)), {"source": np.array([7, 8])})
    once = copies(data, change("flip"))
    twice = copies(once, change("scale", values=[2]))
    assert twice.factors["flip"].tolist() == [0, 0, 1, 1] * 2
    assert twice.factors["source"].tolist() == [7, 8] * 4


def test_copies_left_to_chance_are_repeated_by_their_seed(rng):
    data = Dataset(rng.normal(size=(30, 4)) * [1, 1, 1, 100])
    noise = change("noise", values=[0.1])
    a, b, other = (copies(data, noise, random_state=seed).X for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, other)
    assert (a[30:] - data.X)[:, 3].std() == pytest.approx(10, rel=0.5)


def test_shifted_copies_are_as_they_have_always_been(rng):
    data = Dataset(rng.random((2, 5, 5)).astype(np.float32), {"source": np.array([4, 6])})
    for shifts in ([-3, 3], [3, 0], []):
        by = shifts if 0 in shifts else [0, *shifts]
        shifted = shifted_copies(data, shifts)
        np.testing.assert_array_equal(
            shifted.X, np.concatenate([shift(data.X, right=one) for one in by])
        )
        assert shifted.factors["shift"].tolist() == np.repeat(by, 2).tolist()
        assert shifted.factors["shift"].dtype == int
        assert shifted.factors["source"].tolist() == [4, 6] * len(by)


# Strengths to measure at


def test_levels_are_spread_over_the_range():
    assert levels(change("rotation", range=(-20, 20)), 3).tolist() == [-20, 0, 20]
    np.testing.assert_allclose(levels(change("scale", range=(0.25, 4))), [0.25, 0.5, 1, 2, 4])
    assert levels(change("shift", range=(-1, 1))).tolist() == [-1, 0, 1]
    assert levels(change("shift", range=(-1, 1.5)), 3).tolist() == [-1, 0.25, 1.5]
    assert levels(change("blur", values=[3, 1])).tolist() == [0, 3, 1]
    assert levels(change("flip")).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("one", "n", "strengths", "inside"),
    [
        (change("rotation", range=(-10, 20)), 5, [0, 10, 20, 30, 40], 3),
        (change("rotation", range=(-20, 10)), 5, [0, -10, -20, -30, -40], 3),
        (change("rotation", range=(-120, 120)), 3, [0, 90, 180], 2),
        (change("shift", range=(-2, 2)), 9, [0, 1, 2, 3, 4], 3),
        (change("shift", values=[3]), 3, [0, 3, 6], 2),
        (change("scale", range=(0.5, 2)), 5, [1, 2**0.5, 2, 2**1.5, 4], 3),
        (change("scale", range=(0.25, 2)), 3, [1, 0.25, 0.0625], 2),
        (change("crop", range=(0.5, 1)), 3, [1, 0.5, 0.25], 2),
        (change("dropout", range=(0, 0.6)), 3, [0, 0.5, 1], 2),
        (change("saturation", range=(0, 2)), 5, [1, 1.5, 2, 2.5, 3], 3),
        (change("flip"), 9, [0, 1], 2),
        (change("blur", range=(0, 0)), 9, [0], 1),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_beyond_goes_from_nothing_to_twice_the_range(one, n, strengths, inside):
    at, within = beyond(one, n)
    np.testing.assert_allclose(at, strengths)
    assert within.tolist() == [True] * inside + [False] * (len(strengths) - inside)


@every_kind
def test_every_strength_to_measure_at_is_allowed(kind, rng):
    one, images = change(kind), colours(rng, n=1)
    for strength in (*levels(one), *beyond(one)[0]):
        one.apply(images, strength, rng)


@every_kind
def test_nine_strengths_hold_the_end_of_the_range_and_it_is_inside(kind):
    at, within = beyond(change(kind))
    assert at[0] == change(kind).identity
    assert within[np.isclose(at, levels(change(kind))[-1])].all()


# Errors


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"kind": "rotate"}, "no change 'rotate'.*did you mean 'rotation'"),
        ({"kind": None}, "no change None"),
        ({"kind": "scale", "range": (2, 0.5)}, r"range.*\(2, 0.5\)"),
        ({"kind": "scale", "range": (0, 2)}, "range.* 0; .*from 0.01 to 100"),
        ({"kind": "crop", "values": [1.5]}, "values.* 1.5; .*from 0.01 to 1"),
        ({"kind": "shift", "range": (0, np.inf)}, "range.* inf; .*finite"),
        ({"kind": "blur", "range": (0, np.nan)}, "range.* nan; "),
        ({"kind": "blur", "range": 3}, "range of 'blur' is 3; "),
        ({"kind": "blur", "range": "13"}, "range.*'13'"),
        ({"kind": "blur", "range": (True, 2)}, "range.* True; "),
        ({"kind": "blur", "range": (0, "2")}, "range.* '2'; "),
        ({"kind": "blur", "range": (1, 2, 3)}, r"range.*\(1, 2, 3\)"),
        ({"kind": "blur", "values": []}, "empty"),
        ({"kind": "blur", "values": [1, 1.0]}, r"values.*\[1, 1.0\]"),
        ({"kind": "blur", "range": (0, 1), "values": [1]}, "both a range and values"),
        ({"kind": "flip", "range": (0, 1)}, "no range or values"),
        ({"kind": "flip", "values": [1]}, "no range or values"),
        ({"kind": "flip", "along": "both"}, "'both' for the change 'flip'; known: horizontal"),
        ({"kind": "shift", "along": "vertica"}, "did you mean 'vertical'"),
        ({"kind": "blur", "along": "vertical"}, "along.*'blur'"),
        ({"kind": "blur", "outside": "edge"}, "outside.*'blur'"),
        ({"kind": "scale", "outside": "miror"}, "'miror'.*did you mean 'mirror'"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(declared, message):
    with pytest.raises(InputError, match=message):
        change(**declared)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - set(FOR_VECTORS)))
def test_a_change_of_images_refuses_vectors(kind, rng):
    with pytest.raises(InputError, match=r"5 features.*dropout.*noise"):
        made(kind, np.ones((2, 5)), change(kind).identity)
    with pytest.raises(InputError, match="needs images"):
        Augment.for_samples([change(kind)], np.ones((2, 5)))


@pytest.mark.parametrize("kind", ["colour", "saturation"])
@pytest.mark.parametrize("shape", [(2, 5, 5), (2, 1, 5, 5), (2, 5, 5, 3)])
def test_a_change_of_colour_refuses_images_without_three_channels(kind, shape):
    with pytest.raises(InputError, match=kind):
        Augment([change(kind)])(np.ones(shape), np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(2,), (2, 3, 4, 5, 6)])
def test_samples_of_an_unknown_shape_are_refused(shape):
    with pytest.raises(InputError, match=re.escape(str(shape))):
        made("noise", np.ones(shape), 0)


@pytest.mark.parametrize(
    ("kind", "strength", "message"),
    [
        ("scale", 0, " 0; .* from 0.01 to 100"),
        ("blur", [1, -1], " -1; "),
        ("noise", np.nan, " nan; "),
        ("shift", np.inf, " inf; .*finite"),
        ("flip", 0.5, "must be 0 or 1"),
        ("blur", [1, 1, 1], r"has the shape \(3,\) and there are 2 samples"),
    ],
)
def test_a_strength_that_is_not_allowed_is_refused(kind, strength, message):
    with pytest.raises(InputError, match=message):
        made(kind, np.ones((2, 5, 5)), strength)


@pytest.mark.parametrize("dtype", [np.int64, bool])
def test_a_dtype_without_full_scale_is_refused(dtype):
    with pytest.raises(InputError, match=rf"{dtype.__name__}.*uint8"):
        made("brightness", np.ones((2, 5, 5), dtype), 0.1)
    with pytest.raises(InputError, match=r"X.astype\(np.float32\)"):
        made("noise", np.ones((2, 5), dtype), 0.1)


def test_features_that_were_learnt_elsewhere_are_refused(rng):
    augment = Augment.for_samples([change("noise")], np.ones((3, 4)))
    with pytest.raises(InputError, match=r"feature_mean .*\(4,\) .*5 features"):
        augment(np.ones((3, 5)), rng)


def test_an_augment_is_made_of_changes():
    with pytest.raises(InputError, match=r"changes.* 'shift'"):
        Augment(["shift"])


def test_geometric_changes_of_one_list_must_agree_on_what_lies_outside():
    with pytest.raises(InputError, match=r"edge.*zeros"):
        Augment([change("shift"), change("noise"), change("scale", outside="edge")])


@pytest.mark.parametrize(
    "description", [{}, {"changes": [{"kind": "blur", "extent": 3}]}, {"changes": 3}]
)
def test_a_description_of_something_else_is_refused(description):
    with pytest.raises(InputError, match="as_json"):
        Augment.from_json({"feature_mean": None, "feature_scale": None} | description)


def test_copies_need_listed_values_and_a_name_that_is_free():
    data = Dataset(np.ones((2, 4, 4)), {"scale": np.zeros(2)})
    with pytest.raises(InputError, match="range -15 to 15"):
        copies(data, change("rotation"))
    with pytest.raises(InputError, match="factor 'scale'"):
        copies(data, change("scale", values=[2]))


@pytest.mark.parametrize("n", [1, 2.5, True])
def test_a_spread_has_two_ends(n):
    for spread in (levels, beyond):
        with pytest.raises(InputError, match="an integer >= 2"):
            spread(change("blur"), n)


@pytest.mark.parametrize(("kind", "strength"), [("rotation", 10), ("blur", 1)])
def test_without_kornia_the_error_names_the_extra(kind, strength, monkeypatch):
    for module in ("kornia.geometry.transform", "kornia.filters"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"drlim\[images\]"):
        made(kind, np.ones((1, 5, 5)), strength)


def test_neither_torch_nor_kornia_is_loaded_before_it_is_needed():
    code = """
import sys, numpy as np
from drlim.transforms import Augment, change
needs_none = "shift flip brightness contrast gamma colour saturation noise dropout".split()
Augment([change(kind) for kind in needs_none])(np.ones((2, 3, 8, 8)), np.random.default_rng(0))
print(*{"torch", "kornia"} & sys.modules.keys())
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
