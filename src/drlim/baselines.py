"""The older methods, to stand beside a learnt map: what they can do with a new sample, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn import decomposition, manifold

from drlim import _checks
from drlim._checks import check_count
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, seed_of


class Method(NamedTuple):
    """One of the older methods.

    Attributes
    ----------
    build : callable
        ``(n_components, n_neighbors, seed) -> a scikit-learn estimator``.
    maps_new_samples : bool
        Whether it can map a sample that it was not fitted to.
    """

    build: Callable[[int, int, int], Any]
    maps_new_samples: bool


def _locally_linear(kind: str) -> Callable[[int, int, int], Any]:
    def build(n_components: int, n_neighbors: int, seed: int) -> Any:
        if kind == "hessian":  # needs more neighbours than its quadratic form has terms
            n_neighbors = max(n_neighbors, n_components * (n_components + 3) // 2 + 1)
        return manifold.LocallyLinearEmbedding(
            n_neighbors=n_neighbors, n_components=n_components, method=kind, random_state=seed
        )

    return build


# Up to this many samples the dense solver is used, which takes seconds and never gives up; the
# sparse one, which larger data needs, fails where the matrix happens to be singular.
_DENSE_UP_TO = 3000


METHODS: dict[str, Method] = {
    "pca": Method(lambda d, k, seed: decomposition.PCA(d, random_state=seed), True),
    "kernel pca": Method(
        lambda d, k, seed: decomposition.KernelPCA(d, kernel="rbf", random_state=seed), True
    ),
    "classical mds": Method(lambda d, k, seed: manifold.ClassicalMDS(d), False),
    "metric mds": Method(
        lambda d, k, seed: manifold.MDS(d, n_init=1, init="classical_mds", random_state=seed),
        False,
    ),
    "isomap": Method(lambda d, k, seed: manifold.Isomap(n_neighbors=k, n_components=d), True),
    "lle": Method(_locally_linear("standard"), True),
    "hessian lle": Method(_locally_linear("hessian"), True),
    "laplacian eigenmaps": Method(
        lambda d, k, seed: manifold.SpectralEmbedding(d, n_neighbors=k, random_state=seed), False
    ),
}


def embed(
    method: str,
    X_train: Any,
    X_test: Any,
    *,
    n_components: int = 2,
    n_neighbors: int = 5,
    random_state: RandomState = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Map by one of the older methods, as scikit-learn has it.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    X_train, X_test : array-like of shape (n, ...)
        Samples; flattened.
    n_components : int, default=2
    n_neighbors : int, default=5
        For the methods that start from a graph of neighbours.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Z_train : ndarray of shape (n, n_components)
    Z_test : ndarray of shape (n, n_components) or None
        None where the method has no way to map a sample that it was not fitted to.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> embed("pca", X, X[:5])[1].shape
    (5, 2)
    >>> embed("classical mds", X, X[:5])[1] is None
    True
    """
    if method not in METHODS:
        raise InputError(f"there is no method {method!r}; {nearest_name(method, METHODS)}")
    train, test = _as_rows(X_train), _as_rows(X_test)
    check_count(n_components, "n_components")
    check_count(n_neighbors, "n_neighbors")
    _check_features(train, test)
    # One unit for all features: no neighbour changes, and the width of kernel PCA's kernel,
    # which is made for features of variance 1, fits samples of any scale.
    unit = float(train.std()) or 1.0
    train, test = train / unit, test / unit
    seed = seed_of(random_state)
    model = METHODS[method].build(n_components, n_neighbors, seed)
    if isinstance(model, manifold.LocallyLinearEmbedding) and len(train) <= _DENSE_UP_TO:
        model.set_params(eigen_solver="dense")
    try:
        Z_train = model.fit_transform(train)
    except ValueError as error:  # each method has its own least number of samples
        raise InputError(
            f"{method} cannot map {train.shape[0]} samples of {train.shape[1]} features with "
            f"n_components={n_components} and n_neighbors={n_neighbors} ({error}); give more "
            "samples, or smaller numbers"
        ) from None
    return Z_train, model.transform(test) if METHODS[method].maps_new_samples else None


def fitted_pca(
    X: Any, n_components: int = 2, random_state: RandomState = None
) -> Callable[[Any], np.ndarray]:
    """Return the map to the principal components of some samples, as a function of samples.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> fitted_pca(X)(X[:5]).shape
    (5, 2)
    """
    rows = _as_rows(X)
    check_count(n_components, "n_components", most=min(rows.shape))
    model = decomposition.PCA(n_components, random_state=seed_of(random_state)).fit(rows)

    def map_(X: Any) -> np.ndarray:
        asked = _as_rows(X)
        _check_features(rows, asked)
        return np.asarray(model.transform(asked))

    return map_


def colour_histograms(images: Any, n_bins: int = 8) -> np.ndarray:
    """Return how often each colour is in each image: what a map that sees colour alone has.

    Parameters
    ----------
    images : array-like of shape (n, 3, height, width)
        uint8, or floats between 0 and 1.
    n_bins : int, default=8
        Parts that each of red, green and blue is divided into.

    Returns
    -------
    ndarray of shape (n, n_bins ** 3), float32
        Shares of the pixels.

    Examples
    --------
    >>> colour_histograms(np.zeros((1, 3, 4, 4)))[0].max()
    np.float32(1.0)
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(
            f"images have the shape {images.shape}; colours are counted in (n, 3, height, width)"
        )
    check_count(n_bins, "n_bins", most=256)
    if not np.isfinite(images).all():
        raise InputError("images have NaN or infinite values; a colour is a number from 0 to 1")
    full = 256 if images.dtype == np.uint8 else 1.0
    levels = np.clip(images.astype(np.float32) * (n_bins / full), 0, n_bins - 1).astype(np.int64)
    codes = (levels * np.array([n_bins**2, n_bins, 1])[:, None, None]).sum(axis=1)
    counts = [np.bincount(code.ravel(), minlength=n_bins**3) for code in codes]
    shares: np.ndarray = np.array(counts, np.float32).reshape(len(images), -1)
    return shares / np.float32(np.prod(images.shape[2:]))


def pca(
    X_train: Any, X_test: Any, n_components: int = 2, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Map by the principal components of the training samples; see `embed`.

    Returns
    -------
    Z_train, Z_test : ndarray of shape (n, n_components)
    """
    Z_train, Z_test = embed(
        "pca", X_train, X_test, n_components=n_components, random_state=random_state
    )
    assert Z_test is not None
    return Z_train, Z_test


def _as_rows(X: Any) -> np.ndarray:
    rows = _checks.as_rows(X, "X")
    return rows.astype(np.float32 if rows.itemsize < 8 else np.float64)


def _check_features(train: np.ndarray, test: np.ndarray) -> None:
    if train.shape[1] != test.shape[1]:
        raise InputError(
            f"the map is fitted to {train.shape[1]} features and the other samples have "
            f"{test.shape[1]}; both must have the same"
        )
