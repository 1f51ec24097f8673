"""Bad input to the modules of drlim.evaluation."""

import numpy as np

from bad_input.rows import LABELS, X_NAN, Z_NAN, X, Z, bad
from drlim.evaluation.cylinder import circular_correlation, fit_cylinder
from drlim.evaluation.invariance import displacement, from_kept, leakage, orbit_ratio, orbits
from drlim.evaluation.novelty import Novelty, nearest_distances
from drlim.evaluation.proof import is_constant, measure_ignored, measure_kept
from drlim.evaluation.quality import (
    continuity,
    evenness,
    factor_recovery,
    knn_accuracy,
    leave_one_out_accuracy,
    neighborhood_preservation,
    trustworthiness,
)
from drlim.evaluation.retention import retention
from drlim.evaluation.verification import (
    choose_threshold,
    decide,
    equal_error_rate,
    judge_by,
    mean_average_precision,
    roc,
)

ROWS = {
    "evaluation.novelty.Novelty": [
        bad("no distances", lambda: Novelty([]), "distances", "(0,)"),
        bad("a table", lambda: Novelty([[1.0]]), "distances", "(1, 1)"),
    ],
    "evaluation.novelty.nearest_distances": [
        bad("NaN", lambda: nearest_distances(Z, Z_NAN), "Z", "NaN"),
        bad("points of another map", lambda: nearest_distances(Z, X), "Z_learnt", "2", "3"),
    ],
    "evaluation.quality.trustworthiness": [
        bad("NaN", lambda: trustworthiness(X, Z_NAN), "Z", "NaN"),
        bad("other lengths", lambda: trustworthiness(X, Z[:5]), "X", "Z", "24", "5"),
        bad("neighbours >= n", lambda: trustworthiness(X, Z, 24), "n_neighbors", "24"),
    ],
    "evaluation.quality.continuity": [
        bad("NaN", lambda: continuity(X, Z_NAN), "X", "NaN"),
        bad("other lengths", lambda: continuity(X, Z[:5]), "X", "Z", "24", "5"),
        bad("neighbours >= n", lambda: continuity(X, Z, 24), "n_neighbors", "24"),
    ],
    "evaluation.quality.neighborhood_preservation": [
        bad("NaN", lambda: neighborhood_preservation(X, Z_NAN), "Z", "NaN"),
        bad("other lengths", lambda: neighborhood_preservation(X, Z[:5]), "X", "Z", "24", "5"),
        bad("neighbours >= n", lambda: neighborhood_preservation(X, Z, 24), "n_neighbors", "24"),
    ],
    "evaluation.quality.knn_accuracy": [
        bad("NaN", lambda: knn_accuracy(Z_NAN, LABELS, Z, LABELS), "Z_train", "NaN"),
        bad("too few labels", lambda: knn_accuracy(Z, LABELS[:3], Z, LABELS), "labels_train", "(3,)", "24"),
        bad(
            "too few held-out labels",
            lambda: knn_accuracy(Z, LABELS, Z, LABELS[:3]),
            "labels_test",
            "(3,)",
            "24",
        ),
        bad(
            "points of another map", lambda: knn_accuracy(Z, LABELS, X, LABELS), "Z_train", "Z_test", "2", "3"
        ),
    ],
    "evaluation.quality.leave_one_out_accuracy": [
        bad("size 1", lambda: leave_one_out_accuracy(Z[:1], [1]), "Z", "1"),
        bad("too few labels", lambda: leave_one_out_accuracy(Z, [1]), "labels", "(1,)", "24"),
        bad("NaN", lambda: leave_one_out_accuracy(Z_NAN, LABELS), "Z", "NaN"),
    ],
    "evaluation.quality.factor_recovery": [
        bad("NaN in the factor", lambda: factor_recovery(Z, Z_NAN[:, 0], Z, Z[:, 0]), "factor"),
        bad(
            "neighbours out of range",
            lambda: factor_recovery(Z, Z[:, 0], Z, Z[:, 0], 99),
            "n_neighbors",
            "99",
        ),
        bad("too few labels", lambda: factor_recovery(Z, Z[:3, 0], Z, Z[:, 0]), "factor_train", "(3,)", "24"),
    ],
    "evaluation.quality.evenness": [
        bad("NaN", lambda: evenness(Z_NAN), "Z", "NaN"),
        bad("one dimension", lambda: evenness(Z[:, 0]), "Z", "(24,)"),
    ],
    "evaluation.cylinder.fit_cylinder": [
        bad("shape", lambda: fit_cylinder(Z), "Z", "(24, 2)"),
        bad("NaN", lambda: fit_cylinder(X_NAN), "Z", "NaN"),
        bad("equal", lambda: fit_cylinder(np.ones((9, 3))), "Z", "cylinder"),
    ],
    "evaluation.cylinder.circular_correlation": [
        bad("other lengths", lambda: circular_correlation([1, 2], [1, 2, 3]), "(3,)"),
        bad("NaN", lambda: circular_correlation([1, np.nan], [1, 2]), "NaN"),
        bad("size 0", lambda: circular_correlation([], []), "(0, 1)"),
    ],
    "evaluation.invariance.orbit_ratio": [
        bad("another length", lambda: orbit_ratio(Z, [1]), "source", "(1,)", "24"),
        bad("NaN", lambda: orbit_ratio(Z_NAN, LABELS), "Z", "NaN"),
        bad("one source", lambda: orbit_ratio(Z, np.zeros(24)), "1", "24"),
    ],
    "evaluation.invariance.orbits": [
        bad("none", lambda: orbits({}), "kept"),
        bad("other lengths", lambda: orbits({"a": [1], "b": [1, 2]}), "a", "b", "1", "2"),
        bad("two dimensions", lambda: orbits({"a": [[1, 2]]}), "a"),
    ],
    "evaluation.invariance.leakage": [
        bad("unknown probe", lambda: leakage(Z, LABELS, probe="x"), "probe", "'x'"),
        bad("unknown kind", lambda: leakage(Z, LABELS, kind="x"), "kind", "'x'"),
        bad("NaN", lambda: leakage(Z_NAN, LABELS), "Z", "NaN"),
    ],
    "evaluation.invariance.from_kept": [
        bad("none", lambda: from_kept({}, LABELS), "kept", "factor"),
        bad("another length", lambda: from_kept({"a": [1]}, LABELS), "factor", "(24,)", "1"),
    ],
    "evaluation.invariance.displacement": [
        bad("other lengths", lambda: displacement(Z, [Z], [1, 2]), "moved", "1", "2"),
        bad("shape", lambda: displacement(Z, [X], [1]), "moved", "(24, 3)", "(24, 2)"),
        bad("one sample", lambda: displacement(Z[:1], [Z[:1]], [1]), "moved", "1"),
    ],
    "evaluation.proof.measure_ignored": [
        bad("no map", lambda: measure_ignored("c", {"x": Z}, LABELS), "maps", "x", "'map'"),
        bad("NaN", lambda: measure_ignored("c", {"map": Z_NAN}, LABELS), "maps", "NaN"),
        bad("another length", lambda: measure_ignored("c", {"map": Z}, [1]), "'c'", "1", "24"),
    ],
    "evaluation.proof.measure_kept": [
        bad("no map", lambda: measure_kept("c", {"x": Z}, LABELS), "maps", "x", "'map'"),
        bad(
            "other maps to train on",
            lambda: measure_kept("c", {"map": Z}, LABELS, train={"y": Z}, factor_train=LABELS),
            "maps",
            "train",
            "y",
            "map",
        ),
        bad(
            "train without factor",
            lambda: measure_kept("c", {"map": Z}, LABELS, train={"map": Z}),
            "train",
            "factor_train",
            "None",
        ),
    ],
    "evaluation.proof.is_constant": [
        bad("one dimension", lambda: is_constant([1.0]), "Z", "(1,)"),
        bad("NaN", lambda: is_constant(Z_NAN), "Z", "NaN"),
    ],
    "evaluation.retention.retention": [
        bad("unknown kind", lambda: retention(Z, LABELS, Z, LABELS, kind="x"), "kind", "'x'"),
        bad(
            "points of another map",
            lambda: retention(X, LABELS, Z, LABELS, kind="class"),
            "Z_train",
            "Z_test",
            "3",
            "2",
        ),
        bad("NaN", lambda: retention(Z, LABELS, Z_NAN, LABELS, kind="class"), "Z_test", "NaN"),
    ],
    "evaluation.verification.choose_threshold": [
        bad("rate out of range", lambda: choose_threshold(Z, LABELS, 0), "false_accept_rate", "0"),
        bad("rate text", lambda: choose_threshold(Z, LABELS, "a"), "false_accept_rate", "'a'"),
        bad("rate nan", lambda: choose_threshold(Z, LABELS, np.nan), "false_accept_rate", "nan"),
        bad("unknown by", lambda: choose_threshold(Z, LABELS, 0.1, by="x"), "by", "'x'"),
        bad("too few classes", lambda: choose_threshold(Z, LABELS, 0.1), "3", "by='sample'"),
    ],
    "evaluation.verification.judge_by": [
        bad("two dimensions", lambda: judge_by(Z), "labels", "(24, 2)"),
        bad("no labels", lambda: judge_by([]), "labels", "(0,)"),
    ],
    "evaluation.verification.decide": [
        bad("other lengths", lambda: decide(Z, Z[:3], 1.0), "Z_left", "Z_right", "(24, 2)", "(3, 2)"),
        bad("threshold of text", lambda: decide(Z, Z, "a"), "threshold", "'a'"),
        bad("negative threshold", lambda: decide(Z, Z, -1.0), "threshold", "-1.0"),
    ],
    "evaluation.verification.equal_error_rate": [
        bad("unknown by", lambda: equal_error_rate(Z, LABELS, by="x"), "by", "'x'"),
        bad("one class", lambda: equal_error_rate(Z, LABELS * 0), "Z", "labels", "1"),
        bad("NaN", lambda: equal_error_rate(Z_NAN, LABELS), "Z", "NaN"),
    ],
    "evaluation.verification.roc": [
        bad("n_points 0", lambda: roc(Z, LABELS, n_points=0), "n_points", "0"),
        bad("another length", lambda: roc(Z, [1]), "Z", "labels", "(1,)"),
        bad("NaN", lambda: roc(Z_NAN, LABELS), "Z", "NaN"),
    ],
    "evaluation.verification.mean_average_precision": [
        bad("another length", lambda: mean_average_precision(Z, [1]), "labels", "(1,)", "24"),
        bad("all different", lambda: mean_average_precision(Z, np.arange(24)), "labels", "class"),
        bad("NaN", lambda: mean_average_precision(Z_NAN, LABELS), "Z", "NaN"),
    ],
}
