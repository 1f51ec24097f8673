"""Bad input to drlim.baselines."""

import numpy as np

from bad_input.rows import IMAGES, X_NAN, X, bad
from drlim.baselines import colour_histograms, embed, fitted_pca, pca

ROWS = {
    "baselines.embed": [
        bad("unknown method", lambda: embed("pcaa", X, X), "'pcaa'", "'pca'"),
        bad("NaN", lambda: embed("pca", X_NAN, X), "X_train", "NaN"),
        bad("no samples", lambda: embed("pca", X[:0], X), "X_train", "(0, 3)"),
        bad("size 1", lambda: embed("pca", X[:1], X), "pca", "1"),
        bad("neighbours >= n", lambda: embed("isomap", X, X, n_neighbors=24), "isomap", "n_neighbors", "24"),
    ],
    "baselines.pca": [
        bad("NaN", lambda: pca(X, X_NAN), "X_test", "NaN"),
        bad("n_components text", lambda: pca(X, X, "two"), "n_components", "'two'"),
    ],
    "baselines.fitted_pca": [
        bad("NaN", lambda: fitted_pca(X_NAN), "X", "NaN"),
        bad("too many", lambda: fitted_pca(X, n_components=9), "n_components", "9"),
        bad("other features", lambda: fitted_pca(X)(X[:, :1]), "3", "1"),
    ],
    "baselines.colour_histograms": [
        bad("grey", lambda: colour_histograms(IMAGES), "images", "(6, 8, 8)"),
        bad("bins 0", lambda: colour_histograms(np.zeros((1, 3, 4, 4)), 0), "n_bins", "0"),
        bad("NaN", lambda: colour_histograms(np.full((1, 3, 4, 4), np.nan)), "images", "NaN"),
    ],
}
