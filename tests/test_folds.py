"""The folds of a cross-validation: whole groups, and the same for all maps that are compared."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from drlim.evaluation._folds import folds_of


@pytest.mark.parametrize("kind", ["class", "number"])
@pytest.mark.parametrize("names", [np.arange(30), np.array([f"s{k}" for k in range(30)])])
def test_folds_are_those_of_scikit_learn_whatever_the_names_of_groups_and_values(kind, names, rng):
    group = rng.integers(0, 30, 200)
    factor = rng.integers(0, 3, 200) if kind == "class" else rng.normal(size=200)
    of_sklearn = (StratifiedGroupKFold if kind == "class" else GroupKFold)(
        4, shuffle=True, random_state=5
    )
    expected = list(of_sklearn.split(factor, factor, names[group]))
    values = np.array(["no", "perhaps", "yes"])[factor] if kind == "class" else factor
    for _ in range(2):
        found = folds_of(values, kind, names[group], 4, 5)
        assert len(found) == len(expected) == 4
        for fold, other in zip(found, expected, strict=True):
            for rows, others in zip(fold, other, strict=True):
                np.testing.assert_array_equal(rows, others)


def test_folds_depend_on_the_seed_and_cannot_be_changed_by_who_uses_them():
    factor, group = np.arange(40) % 2, np.arange(40)
    first = folds_of(factor, "class", group, 5, 0)
    assert any(
        (a[1] != b[1]).any()
        for a, b in zip(first, folds_of(factor, "class", group, 5, 1), strict=True)
    )
    with pytest.raises(ValueError, match="read-only"):
        first[0][0][:] = 0
