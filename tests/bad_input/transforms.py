"""Bad input to drlim.transforms."""

from bad_input.rows import DATA, IMAGES, RNG, X, bad
from drlim import Dataset
from drlim.transforms import Augment, Change, beyond, change, copies, levels, shift, shifted_copies

ROWS = {
    "transforms.change": [
        bad("unknown kind", lambda: change("rotate"), "'rotate'", "'rotation'"),
        bad("range of three", lambda: change("shift", range=(1, 2, 3)), "range", "'shift'", "(1, 2, 3)"),
        bad("range reversed", lambda: change("shift", range=(3, 1)), "range", "'shift'", "(3, 1)"),
    ],
    "transforms.Change": [
        bad(
            "unknown kind",
            lambda: Change("rotate", 0.0, 1.0, None, None).draw(3, RNG),
            "'rotate'",
            "'rotation'",
        ),
    ],
    "transforms.Change.apply": [
        bad("vectors, no images", lambda: change("rotation").apply(X, 3.0, RNG), "'rotation'", "3"),
        bad("strength", lambda: change("rotation").apply(IMAGES, [1, 2], RNG), "'rotation'", "(2,)", "6"),
    ],
    "transforms.Augment": [
        bad("not a change", lambda: Augment(["shift"]), "changes", "'shift'"),
        bad("not a list", lambda: Augment(3), "changes", "int"),
        bad("mean text", lambda: Augment([change("noise")], feature_mean="a"), "feature_mean", "'a'"),
    ],
    "transforms.levels": [
        bad("out of range", lambda: levels(change("rotation"), 1), "n", "1"),
        bad("not a change", lambda: levels("rotation"), "'rotation'"),
    ],
    "transforms.beyond": [
        bad("out of range", lambda: beyond(change("rotation"), 0), "n", "0"),
        bad("not a change", lambda: beyond("rotation"), "'rotation'"),
    ],
    "transforms.copies": [
        bad("a range, not values", lambda: copies(Dataset(IMAGES), change("shift")), "'shift'", "-3", "3"),
        bad("vectors, no images", lambda: copies(DATA, change("shift", values=[1])), "'shift'", "3"),
        bad(
            "made twice",
            lambda: copies(copies(Dataset(IMAGES), change("shift", values=[1])), change("shift", values=[1])),
            "'shift'",
        ),
    ],
    "transforms.shifted_copies": [
        bad("vectors, no images", lambda: shifted_copies(DATA, [1]), "'shift'", "3"),
        bad("half a pixel", lambda: shifted_copies(Dataset(IMAGES), [0.5]), "shifts", "[0.5]"),
        bad("texts", lambda: shifted_copies(Dataset(IMAGES), "ab"), "shifts", "'ab'"),
    ],
    "transforms.shift": [
        bad("one dimension", lambda: shift([1, 2]), "images", "(2,)"),
        bad("half a pixel", lambda: shift(IMAGES, 1.5), "right", "1.5"),
        bad("texts", lambda: shift(IMAGES, "a"), "right", "'a'"),
    ],
}
