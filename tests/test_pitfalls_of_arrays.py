"""Arrays that are not what they seem: masked, channels last, labels that are no classes."""

import warnings

import numpy as np
import pytest
from samples import X

from drlim import DataWarning, DrLIM, InputError
from drlim.datasets import Dataset
from drlim.evaluation.invariance import leakage, orbits
from drlim.evaluation.retention import retention
from drlim.evaluation.verification import judge_by
from drlim.graphs import neighbors, same
from drlim.networks import default
from drlim.transforms import Augment, change

MASKED = np.ma.masked_greater(X, 1)
LABELS = np.ma.array(np.arange(60) % 3, mask=np.arange(60) == 7)
MAP = {"max_epochs": 0, "random_state": 0}


@pytest.mark.fault("B10")
@pytest.mark.parametrize(
    "use",
    [
        lambda fitted: DrLIM(**MAP).fit(MASKED),
        lambda fitted: DrLIM(**MAP).fit(np.ma.array(X.reshape(60, 5, 1), mask=MASKED.mask)),
        lambda fitted: DrLIM(**MAP).fit(list(MASKED)),
        lambda fitted: DrLIM(**MAP).fit(X, LABELS),
        lambda fitted: fitted.transform(MASKED),
        lambda fitted: neighbors(MASKED, 3),
        lambda fitted: same(LABELS),
        lambda fitted: Dataset(MASKED),
        lambda fitted: Dataset(X, {"class": LABELS}),
        lambda fitted: leakage(MASKED, np.arange(60) % 3),
        lambda fitted: leakage(X, LABELS),
        lambda fitted: retention(X, LABELS, X + 1, np.arange(60) % 3, kind="class"),
        lambda fitted: judge_by(LABELS),
        lambda fitted: orbits({"class": LABELS}),
        lambda fitted: Augment.for_samples([change("noise")], MASKED),
    ],
)
def test_masked_values_are_missing_values(use, fitted):
    with pytest.raises(InputError, match="masked"):
        use(fitted)


@pytest.mark.fault("B10")
def test_an_array_with_a_mask_that_hides_nothing_is_an_array(fitted):
    whole = np.ma.array(X, mask=False)
    np.testing.assert_array_equal(fitted.transform(whole), fitted.transform(X))
    assert type(Dataset(whole).X) is np.ndarray


@pytest.mark.fault("B8")
@pytest.mark.parametrize("n_channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_with_their_channels_last_are_not_taken_silently(n_channels, dtype):
    images = np.random.default_rng(0).integers(0, 9, (12, 24, 20, n_channels)).astype(dtype)
    with pytest.warns(DataWarning, match="moveaxis"):
        DrLIM(**MAP).fit(images)
    with pytest.warns(DataWarning, match="moveaxis"):
        default((24, 20, n_channels))
    for kind in ("shift", "rotation", "scale", "crop", "flip", "blur"):
        with pytest.raises(InputError, match="moveaxis"):
            Augment.for_samples([change(kind)], images)
    Augment.for_samples([change("noise")], images)
    DrLIM(network="mlp", **MAP).fit(images)  # it was chosen for this shape
    first = np.moveaxis(images, -1, 1)
    Augment.for_samples([change("shift")], first)
    DrLIM(**MAP).fit(first)


def warned(y):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        DrLIM(**MAP).fit(X, y)
    return [str(each.message) for each in caught if each.category is DataWarning]


RNG = np.random.default_rng(0)


@pytest.mark.fault("B9")
@pytest.mark.parametrize(
    ("y", "part"),
    [
        (np.where(np.arange(60) % 2, 1, -1), "30 of the 60 samples"),
        (np.where(np.arange(60) % 2, 1.0, -1.0), "30 of the 60 samples"),
        (np.arange(60) % 5 - 2, "12 of the 60 samples"),
        (np.arange(60), "0 similar pairs"),
        ([f"sample {k}" for k in range(60)], "0 similar pairs"),
        (RNG.permutation(200)[:60], "graph=drlim.graphs.near_values"),
        (RNG.integers(18, 98, 60), "graph=drlim.graphs.near_values"),
        (RNG.integers(18, 98, 60).astype(float), "graph=drlim.graphs.near_values"),
        (np.linspace(0, 1, 60) + 0.01, "the 5 nearest"),
    ],
)
def test_labels_that_are_hardly_classes_are_said(y, part):
    (line,) = warned(y)
    assert part in line


@pytest.mark.fault("B9")
@pytest.mark.parametrize(
    "y",
    [
        np.arange(60) % 2,
        np.arange(60) // 2,
        np.where(np.arange(60) < 20, -1, np.arange(60) % 2),
        np.array(["cat", "dog", "owl"])[np.arange(60) % 3],
        np.arange(60) % 2 == 0,
    ],
)
def test_classes_and_numbers_pass_without_a_word(y):
    assert warned(y) == []
