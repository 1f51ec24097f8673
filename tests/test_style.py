"""Whether the background tells the class, of photographs in which it does and does not."""

import numpy as np
import pytest

from drlim import DrLIM
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove
from drlim.declaration._saliency import moved_by_covering, share_of_border
from drlim.declaration._style import is_photographs, style_of

DECLARED = Declaration(
    keep=["class"], held_out={"share": 0.4}, map={"max_epochs": 1, "network": "linear"}
)


def photographs(where, n=160):
    """A mark of one of two brightnesses, in the middle or at the border of noise."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, n)
    X = rng.normal(128, 30, (n, 3, 32, 32))
    if where == "middle":  # its two halves cancel in the mean and in the deviation
        X[:, :, 8:16, 8:24] += (50 * (2 * kind - 1))[:, None, None, None]
        X[:, :, 16:24, 8:24] -= (50 * (2 * kind - 1))[:, None, None, None]
    else:
        X[:, :, :4] += (90 * kind)[:, None, None, None]
    return Dataset(X.clip(0, 255).astype(np.uint8), {"class": np.array(["a", "b"])[kind]})


@pytest.mark.parametrize(
    ("where", "verdict", "opening"), [("middle", "holds", "No: "), ("border", "fails", "Yes: ")]
)
def test_the_background_is_said_to_tell_the_class_where_it_does(where, verdict, opening):
    fitted = fit(DECLARED, photographs(where))
    for learnt in (fitted.learnt, None):
        evidence = prove(fitted.map, DECLARED, fitted.held_out, learnt)
        (style,) = evidence.style
        assert style.verdict == verdict
        assert style.answer.answer.startswith(opening)
        assert set(style.as_json()["read"]) == {"map", "borders", "tone"}
    assert str(style.answer) in evidence.text
    assert style.answer in evidence.answers


def test_what_is_in_the_middle_changes_no_border(rng):
    X = rng.random((3, 3, 40, 48))
    other = X.copy()
    other[:, :, 5:35, 6:42] = 0
    np.testing.assert_array_equal(style_of(X)["borders"], style_of(other)["borders"])
    assert not np.allclose(style_of(X)["tone"], style_of(other)["tone"])
    X[:, :, -1, -1] += 9
    assert (style_of(X)["borders"] != style_of(other)["borders"]).any()


@pytest.mark.parametrize(
    ("shape", "are"),
    [((2, 32, 32), True), ((2, 3, 20, 32), True), ((2, 8, 8), False), ((2, 300), False)],
)
def test_only_images_with_room_for_borders_are_photographs(shape, are):
    assert is_photographs(np.zeros(shape)) == are


@pytest.mark.parametrize("shape", [(32, 32), (3, 32, 40)])
def test_a_map_of_the_middle_is_moved_by_covering_the_middle(shape, rng):
    X = rng.normal(size=(40, *shape)).astype(np.float32)
    X[..., :8, :] = X[..., -8:, :] = X[..., :, :8] = X[..., :, -8:] = 0
    map_ = DrLIM(network="linear", n_neighbors=3, max_epochs=0, random_state=0).fit(X)
    moved = moved_by_covering(map_, X[0])
    assert moved.shape == (5, 5)
    assert moved[2, 2] > 0
    assert share_of_border(moved) < 0.5
    assert np.isnan(share_of_border(0 * moved))
