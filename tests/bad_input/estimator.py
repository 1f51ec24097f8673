"""Bad input to drlim.DrLIM and to drlim.training."""

import numpy as np
from torch import nn

from bad_input.rows import GRAPH, X_NAN, X, Z, bad, fitted, not_fitted
from drlim import DrLIM, TrainingWarning, losses, training
from drlim.pairs import PairSampler


def train(**parts):
    parts = {"max_epochs": 1, "learning_rate": 0.1, "margin": 1.0, "random_state": 0, **parts}
    sampler, loss = PairSampler(GRAPH, 8), losses.Contrastive()
    training.train(nn.Linear(3, 2), loss, sampler, lambda rows: X[rows].astype(np.float32), **parts)


ROWS = {
    "training.train": [
        bad(
            "augment returns another shape",
            lambda: train(augment=lambda s, g: s[:1]),
            "augment",
            "(1, 3)",
            "(12, 3)",
        ),
    ],
    "estimator.DrLIM.transform": [
        not_fitted("unfitted", lambda: DrLIM().transform(X), "DrLIM"),
        bad("NaN", lambda: fitted().transform(X_NAN), "X", "NaN"),
        bad("size 0", lambda: fitted().transform(X[:0]), "(0, 3)"),
        bad("one dimension", lambda: fitted().transform(X[0]), "1D"),
        bad("other features", lambda: fitted().transform(X[:, :2]), "X", "2", "3"),
        bad("huge", lambda: fitted().transform(np.full((2, 3), 1e300)), "0"),
        bad("ragged", lambda: fitted().transform([[1, 2, 3], [1]]), "(2,)"),
    ],
    "estimator.DrLIM.fit": [
        bad("None", lambda: DrLIM().fit(None), "None"),
        bad("ragged", lambda: DrLIM().fit([[1, 2], [1]]), "(2,)"),
        bad("y of None", lambda: DrLIM(max_epochs=1).fit(X, [None] * 24), "y", "None"),
        bad("another length for weight", lambda: DrLIM(max_epochs=1).fit(X, weight=[1]), "weight", "(1,)"),
        bad("init of int", lambda: DrLIM(max_epochs=1).fit(X, init=3), "init", "int"),
        not_fitted("init unfitted", lambda: DrLIM(max_epochs=1).fit(X, init=DrLIM()), "DrLIM"),
        bad(
            "init of another shape",
            lambda: DrLIM(max_epochs=1).fit(X[:, :2], init=fitted()),
            "init",
            "(2,)",
        ),
        bad("pinned to an int", lambda: DrLIM(max_epochs=1).fit(X, pinned=3), "pinned"),
        bad(
            "pinned to other lengths",
            lambda: DrLIM(max_epochs=1).fit(X, pinned=(X, Z[:3], 1)),
            "Z_pinned",
            "(3, 2)",
            "(24, 2)",
        ),
        bad(
            "negative weight of pinned", lambda: DrLIM(max_epochs=1).fit(X, pinned=(X, Z, -1)), "pinned", "-1"
        ),
        bad(
            "augment returns another shape",
            lambda: DrLIM(max_epochs=1, augment=lambda s, g: s[:1]).fit(X),
            "augment",
            "(1, 3)",
        ),
        bad(
            "augment returns None",
            lambda: DrLIM(max_epochs=1, augment=lambda s, g: None).fit(X),
            "augment",
            "()",
        ),
        bad(
            "a builder of one argument",
            lambda: DrLIM(max_epochs=1, network=lambda s: 3).fit(X),
            "network",
            "sample_shape",
        ),
        bad(
            "components beyond memory",
            lambda: DrLIM(max_epochs=1, n_components=10**12).fit(X),
            "n_components=1000000000000",
        ),
        bad("contradictory graphs", lambda: DrLIM().fit(X, graph=GRAPH, dissimilar=GRAPH), "52", "(0, 1)"),
        bad("one sample", lambda: DrLIM().fit(X[:1]), "1"),
        bad("two samples", lambda: DrLIM().fit(X[:2]), "n_neighbors", "5", "2"),
        bad("NaN", lambda: DrLIM().fit(X_NAN), "X", "NaN"),
        bad(
            "huge learning rate",
            lambda: DrLIM(learning_rate=1e30, max_epochs=3).fit(X),
            "learning_rate",
            error=TrainingWarning,
        ),
        bad(
            "augment gives NaN",
            lambda: DrLIM(max_epochs=2, augment=lambda samples, generator: samples * np.nan).fit(X),
            "nan",
            error=TrainingWarning,
        ),
    ],
    "estimator.DrLIM.partial_fit": [
        bad("other features", lambda: fitted().partial_fit(X[:, :2]), "X", "2", "3"),
        bad("NaN", lambda: DrLIM().partial_fit(X_NAN), "X", "NaN"),
    ],
    "estimator.DrLIM.fit_transform": [
        bad("size 1", lambda: DrLIM().fit_transform(X[:1]), "1"),
    ],
    "estimator.DrLIM.untrained": [
        not_fitted("not fitted", lambda: DrLIM().untrained(), "DrLIM"),
    ],
    "estimator.DrLIM.set_params": [
        bad(
            "unknown argument of the network",
            lambda: DrLIM(network="mlp").set_params(network__depth=3),
            "'mlp'",
            "'depth'",
        ),
        bad(
            "an argument of no network yet",
            lambda: DrLIM().set_params(network__hidden=(3,)),
            "network",
            "None",
            "hidden",
        ),
        bad(
            "unknown network",
            lambda: DrLIM(network="mpl").set_params(network__hidden=(3,)),
            "network",
            "'mpl'",
            "'mlp'",
        ),
    ],
}
