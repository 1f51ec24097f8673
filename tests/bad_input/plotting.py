"""Bad input to drlim.plotting."""

import numpy as np

from bad_input.rows import GRAPH, IMAGES, LABELS, RNG, X, Z, bad
from drlim.plotting import (
    bars,
    coloured,
    displacement_curves,
    gallery,
    loss_curves,
    partial_losses,
    relaxation,
    render,
    roc,
    scatter,
    spring_forces,
    thumbnails,
    views,
)

WORDS = {"title": "", "caption": ""}
VIEW = {"value_name": "a", "cyclic": False, "caption": ""}

ROWS = {
    "plotting.scatter": [
        bad("too few labels", lambda: scatter(Z, [1], label_name="a", **WORDS), "(1,)", "24"),
        bad("one dimension", lambda: scatter(Z[:, 0], LABELS, label_name="a", **WORDS), "Z", "(24,)"),
        bad(
            "five components",
            lambda: scatter(RNG.normal(size=(24, 5)), LABELS, label_name="a", **WORDS),
            "Z",
            "5",
            "2",
        ),
    ],
    "plotting.coloured": [
        bad("too few labels", lambda: coloured(Z, [1], value_name="a", **WORDS), "(1,)", "24"),
        bad("one component", lambda: coloured(Z[:, :1], LABELS, value_name="a", **WORDS), "Z", "1", "2"),
    ],
    "plotting.thumbnails": [
        bad(
            "fewer images",
            lambda: thumbnails(Z, IMAGES, LABELS, label_name="a", **WORDS),
            "images",
            "(6, 8, 8)",
            "24",
        ),
        bad(
            "vectors, no images",
            lambda: thumbnails(Z, X, LABELS, label_name="a", **WORDS),
            "images",
            "(24, 3)",
        ),
    ],
    "plotting.views": [
        bad("two components", lambda: views(Z, LABELS, np.zeros((24, 3, 3)), **VIEW), "Z", "2", "3"),
        bad("another length", lambda: views(X, [1], np.zeros((24, 3, 3)), **VIEW), "(1,)", "24"),
    ],
    "plotting.gallery": [
        bad("none", lambda: gallery({}, label_name="a", caption=""), "maps"),
        bad(
            "another length",
            lambda: gallery({"a": (Z, LABELS[:2])}, label_name="a", caption=""),
            "(2,)",
            "24",
        ),
    ],
    "plotting.bars": [
        bad("none", lambda: bars({}, [], ylabel="", **WORDS), "groups"),
        bad(
            "another length",
            lambda: bars({"a": [(1, 1, 1)]}, ["x", "y"], ylabel="", **WORDS),
            "'a'",
            "(1, 3)",
            "2",
        ),
    ],
    "plotting.displacement_curves": [
        bad(
            "another length",
            lambda: displacement_curves(
                [1], {"a": ([1, 2], [1, 2], [1, 2])}, trained=None, strength_name="", **WORDS
            ),
            "'a'",
            "(2,)",
            "1",
        ),
    ],
    "plotting.roc": [
        bad("another length", lambda: roc({"a": ([1], [1, 2])}, **WORDS), "'a'", "(2,)", "1"),
        bad("none", lambda: roc({}, **WORDS), "curves"),
    ],
    "plotting.loss_curves": [
        bad(
            "another length", lambda: loss_curves([1], {"a": [1, 2]}, xlabel="", **WORDS), "'a'", "(2,)", "1"
        ),
    ],
    "plotting.partial_losses": [
        bad("margin 0", lambda: partial_losses(abs, abs, 0, caption=""), "margin", "0"),
    ],
    "plotting.spring_forces": [
        bad("negative margin", lambda: spring_forces(-1, caption=""), "margin", "-1"),
    ],
    "plotting.relaxation": [
        bad("none", lambda: relaxation([], GRAPH.edges, LABELS, caption=""), "series"),
        bad(
            "another length",
            lambda: relaxation([("a", Z[:3])], GRAPH.edges, LABELS, caption=""),
            "(24,)",
            "3",
        ),
    ],
    "plotting.render": [
        bad("unknown format", lambda: render(spring_forces(1, caption=""), "xyz"), "file_format", "'xyz'"),
    ],
}
