"""Bad input to drlim.losses."""

import inspect

import numpy as np
import torch

from bad_input.rows import GRAPH, Z_NAN, Z, bad
from drlim import LabelError
from drlim.losses import (
    Contrastive,
    DoubleMargin,
    HeavyTailed,
    Logistic,
    MetricLearning,
    contrastive_loss,
    distances_among,
    from_metric_learning,
    global_loss,
)
from drlim.losses._build import build_loss
from drlim.losses._springs import check_margin

ROWS = {
    "losses.from_metric_learning": [
        bad("a name", lambda: from_metric_learning("TripletMarginLoss"), "loss", "str"),
    ],
    "losses.MetricLearning": [
        bad("a name", lambda: MetricLearning("TripletMarginLoss"), "loss", "str"),
    ],
    "losses.Contrastive": [
        bad("margin 0", lambda: Contrastive(0), "margin", "0"),
        bad("margin inf", lambda: Contrastive(np.inf), "margin", "inf"),
    ],
    "losses.DoubleMargin": [
        bad("margin 0", lambda: DoubleMargin(0), "margin", "0"),
        bad("margin inf", lambda: DoubleMargin(np.inf), "margin", "inf"),
        bad("inner above 1", lambda: DoubleMargin(1, 2), "inner", "2"),
    ],
    "losses.HeavyTailed": [
        bad("margin 0", lambda: HeavyTailed(0), "margin", "0"),
        bad("margin inf", lambda: HeavyTailed(np.inf), "margin", "inf"),
    ],
    "losses.Logistic": [
        bad("margin 0", lambda: Logistic(0), "margin", "0"),
        bad("margin inf", lambda: Logistic(np.inf), "margin", "inf"),
        bad("no sharpness", lambda: Logistic(1, 0), "sharpness", "0"),
    ],
    "losses._build.build_loss": [
        bad("unknown name", lambda: build_loss("a", 1), "loss", "'a'"),
        bad("None", lambda: build_loss(None, 1), "loss", "None"),
        bad("a builder of an int", lambda: build_loss(lambda m: 3, 1), "loss", "int"),
    ],
    "losses._springs.check_margin": [
        bad("text", lambda: check_margin("a"), "margin", "'a'"),
        bad("True", lambda: check_margin(True), "margin", "True"),
    ],
    "losses.contrastive_loss": [
        bad(
            "shape",
            lambda: contrastive_loss([0.5], [True, False], 1.0),
            "distance",
            "(1,)",
            "similar",
            "(2,)",
        ),
        bad(
            "a label of 2",
            lambda: contrastive_loss([0.5], [2], 1.0),
            "similar",
            "torch.int64",
            error=LabelError,
        ),
        bad("distances of text", lambda: contrastive_loss(["a"], [True], 1.0), "distance", "<U1"),
        bad("negative distance", lambda: contrastive_loss([-1.0], [True], 1.0), "distance", "-1"),
    ],
    "losses.global_loss": [
        bad("huge", lambda: global_loss(Z * 1e200, GRAPH, 1.0), "Z", "2.25e+200"),
        bad("NaN", lambda: global_loss(Z_NAN, GRAPH, 1.0), "Z", "NaN"),
        bad("another length", lambda: global_loss(Z[:3], GRAPH, 1.0), "Z", "(3, 2)", "24"),
        bad("not a graph", lambda: global_loss(Z, "g", 1.0), "graph", "str"),
    ],
    "losses.distances_among": [
        bad("one dimension", lambda: inspect.unwrap(distances_among)(torch.zeros(3)), "Z", "(3,)"),
        bad(
            "wrong dtype",
            lambda: inspect.unwrap(distances_among)(torch.zeros(3, 2, dtype=int)),
            "Z",
            "torch.int64",
        ),
    ],
}
