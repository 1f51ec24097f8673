"""The older methods, to stand beside a learnt map: what they can do with a new sample, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from drlim._random import RandomState, streams


def pca(
    X_train: Any, X_test: Any, n_components: int = 2, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Map by principal components of the training samples.

    Parameters
    ----------
    X_train, X_test : array-like of shape (n, ...)
        Samples; flattened.
    n_components : int, default=2
    random_state : int, numpy Generator or RandomState, optional
        The solver for many features is a randomised one.

    Returns
    -------
    Z_train, Z_test : ndarray of shape (n, n_components)

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> pca(X, X[:5], 2)[1].shape
    (5, 2)
    """
    X_train, X_test = (
        np.asarray(X, np.float32 if np.asarray(X).itemsize < 8 else np.float64).reshape(len(X), -1)
        for X in (X_train, X_test)
    )
    model = PCA(n_components, random_state=streams(random_state).init).fit(X_train)
    return model.transform(X_train), model.transform(X_test)
