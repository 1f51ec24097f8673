"""Older methods and simple features as baselines for a learnt map, for new samples too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn import decomposition, manifold

from drlim import _checks
from drlim._checks import as_array, check_count
from drlim._errors import InputError, nearest_name
from drlim._random import RandomState, seed_of

__all__ = ["METHODS", "Method", "colour_histograms", "embed", "fitted_pca", "pca"]


class Method(NamedTuple):
    """A dimensionality reduction of scikit-learn.

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
        if kind == "hessian":
            # Each neighbourhood must determine a quadratic form in n_components variables.
            n_neighbors = max(n_neighbors, n_components * (n_components + 3) // 2 + 1)
        return manifold.LocallyLinearEmbedding(
            n_neighbors=n_neighbors, n_components=n_components, method=kind, random_state=seed
        )

    return build


# Up to this many samples the dense solver takes seconds, and it always converges; the sparse one,
# which more samples need, fails on singular matrices.
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
    """Map samples by one of scikit-learn's methods.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    X_train, X_test : array-like of shape (n, ...)
        Samples; flattened.
    n_components : int, default=2
    n_neighbors : int, default=5
        For the methods that start from a graph of neighbours; "hessian lle" takes as many as it
        needs.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Z_train : ndarray of shape (n, n_components)
    Z_test : ndarray of shape (n, n_components) or None
        None where the method cannot map a sample that it was not fitted to.

    Raises
    ------
    InputError
        If the method is not known, or cannot map so few samples with these numbers.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> embed("pca", X, X[:5])[1].shape
    (5, 2)
    >>> embed("classical mds", X, X[:5])[1] is None
    True
    """
    if method not in METHODS:
        raise InputError(f"method is {method!r}; {nearest_name(method, METHODS)}")
    train, test = _as_rows(X_train, "X_train"), _as_rows(X_test, "X_test")
    check_count(n_components, "n_components")
    check_count(n_neighbors, "n_neighbors")
    _check_features(train, test)
    # One unit for all features changes no neighbour, and makes kernel PCA's default width, which
    # suits features of variance 1, fit samples of any scale.
    unit = float(train.std()) or 1.0
    train, test = train / unit, test / unit
    seed = seed_of(random_state)
    model = METHODS[method].build(n_components, n_neighbors, seed)
    if isinstance(model, manifold.LocallyLinearEmbedding) and len(train) <= _DENSE_UP_TO:
        model.set_params(eigen_solver="dense")
    try:
        Z_train = model.fit_transform(train)
    except ValueError as error:  # each method needs another least number of samples
        raise InputError(
            f"{method} cannot map {train.shape[0]} samples of {train.shape[1]} features with "
            f"n_components={n_components} and n_neighbors={n_neighbors} ({error}); give more "
            "samples, or smaller numbers"
        ) from None
    return Z_train, model.transform(test) if METHODS[method].maps_new_samples else None


def fitted_pca(
    X: Any, n_components: int = 2, random_state: RandomState = None
) -> Callable[[Any], np.ndarray]:
    """Fit PCA to samples, and return it as a function that maps samples.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        Samples; flattened.
    n_components : int, default=2
    random_state : int, numpy Generator or RandomState, optional
        For the randomized solver, which scikit-learn uses on large samples.

    Returns
    -------
    callable
        Samples, (n, ...), to points, ndarray of shape (n, n_components).

    Raises
    ------
    InputError
        If there are fewer samples or features than components.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> fitted_pca(X)(X[:5]).shape
    (5, 2)
    """
    rows = _as_rows(X, "X")
    check_count(n_components, "n_components", most=min(rows.shape))
    model = decomposition.PCA(n_components, random_state=seed_of(random_state)).fit(rows)

    def map_(X: Any) -> np.ndarray:
        new = _as_rows(X, "X")
        _check_features(rows, new)
        return np.asarray(model.transform(new))

    return map_


def colour_histograms(images: Any, n_bins: int = 8) -> np.ndarray:
    """Return the colour histogram of each image: what a map that sees only colours can know.

    Parameters
    ----------
    images : array-like of shape (n, 3, height, width)
        uint8, or floats between 0 and 1.
    n_bins : int, default=8
        Bins for each of red, green and blue.

    Returns
    -------
    ndarray of shape (n, n_bins ** 3), float32
        Shares of the pixels.

    Raises
    ------
    InputError
        If the images are not RGB, or not finite.

    Examples
    --------
    >>> colour_histograms(np.zeros((1, 3, 4, 4)))[0].max()
    np.float32(1.0)
    """
    images = as_array(images, "images")
    if images.ndim != 4 or images.shape[1] != 3:
        raise InputError(
            f"images has the shape {images.shape}; colours are counted in images of shape "
            "(n, 3, height, width)"
        )
    check_count(n_bins, "n_bins", most=256)
    if not np.isfinite(images).all():
        raise InputError("images has NaN or infinite values; fill them in, with 0 to 1")
    full = 256 if images.dtype == np.uint8 else 1.0
    levels = np.clip(images.astype(np.float32) * (n_bins / full), 0, n_bins - 1).astype(np.int64)
    codes = (levels * np.array([n_bins**2, n_bins, 1])[:, None, None]).sum(axis=1)
    counts = [np.bincount(code.ravel(), minlength=n_bins**3) for code in codes]
    shares: np.ndarray = np.array(counts, np.float32).reshape(len(images), -1)
    return shares / np.float32(np.prod(images.shape[2:]))


def pca(
    X_train: Any, X_test: Any, n_components: int = 2, random_state: RandomState = None
) -> tuple[np.ndarray, np.ndarray]:
    """Map by the principal components of the training samples, as `embed` does.

    Parameters
    ----------
    X_train, X_test : array-like of shape (n, ...)
        Samples; flattened.
    n_components : int, default=2
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Z_train, Z_test : ndarray of shape (n, n_components)

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(20, 4))
    >>> pca(X, X[:5])[1].shape
    (5, 2)
    """
    Z_train, Z_test = embed(
        "pca", X_train, X_test, n_components=n_components, random_state=random_state
    )
    assert Z_test is not None
    return Z_train, Z_test


def _as_rows(X: Any, name: str) -> np.ndarray:
    rows = _checks.as_rows(X, name)
    return rows.astype(np.float32 if rows.itemsize < 8 else np.float64)


def _check_features(train: np.ndarray, test: np.ndarray) -> None:
    if train.shape[1] != test.shape[1]:
        raise InputError(
            f"the training samples have {train.shape[1]} features and the others {test.shape[1]}; "
            "both must have the same"
        )
