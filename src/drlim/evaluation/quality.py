"""How well a map keeps what it should: neighbourhoods, classes, factors.

All functions take arrays, so that a network, PCA and the samples themselves are measured alike.
Those that read something from a map take a training and a test part: what is read from held-out
points is learnt from others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from sklearn.utils.multiclass import type_of_target

from drlim._checks import as_rows, check_count, one_each
from drlim._errors import InputError
from drlim.evaluation._neighborhoods import share_kept_of_each, trust_of_each

__all__ = [
    "continuity",
    "evenness",
    "factor_recovery",
    "knn_accuracy",
    "leave_one_out_accuracy",
    "neighborhood_preservation",
    "trustworthiness",
]


def trustworthiness(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Measure how far neighbours in the map are neighbours in the samples (Venna & Kaski 2001).

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The samples; flattened.
    Z : array-like of shape (n_samples, n_components)
        Their embedding.
    n_neighbors : int, default=5
        Fewer than half the samples.

    Returns
    -------
    float
        1 if all nearest neighbours in the map are nearest neighbours in the samples; about 0.5
        for a random map.

    Raises
    ------
    InputError
        If the arrays do not have one finite row for each sample, or there are too few of them.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> trustworthiness(X, X)
    1.0
    """
    X, Z = _check_both(X, Z, n_neighbors)
    return float(trust_of_each(X, Z, n_neighbors).mean())


def continuity(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Measure how far neighbours in the samples are neighbours in the map (Venna & Kaski 2001).

    It is `trustworthiness` with the two spaces exchanged, and falls where the map tears
    neighbourhoods apart. Parameters, value and errors are the same.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> continuity(X, X)
    1.0
    """
    return trustworthiness(Z, X, n_neighbors)


def neighborhood_preservation(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Return the share of each sample's nearest neighbours that are its nearest in the map too.

    It is the mean over the samples; parameters and errors are those of `trustworthiness`.

    Returns
    -------
    float
        1 if all neighbours are kept; about k / n for a random map of n samples.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> neighborhood_preservation(X, -2 * X)
    1.0
    """
    X, Z = _check_both(X, Z, n_neighbors)
    return float(share_kept_of_each(X, Z, n_neighbors).mean())


def knn_accuracy(
    Z_train: Any, labels_train: Any, Z_test: Any, labels_test: Any, n_neighbors: int = 5
) -> float:
    """Return the share of held-out points whose label their nearest training points vote for.

    Parameters
    ----------
    Z_train, Z_test : array-like of shape (n, n_components)
    labels_train, labels_test : array-like of shape (n,)
    n_neighbors : int, default=5

    Returns
    -------
    float
        The accuracy, from 0 to 1.

    Raises
    ------
    InputError
        If points and labels differ in number, or the labels are continuous numbers.

    Examples
    --------
    >>> knn_accuracy([[0.0], [0.1], [5.0], [5.1]], list("aabb"), [[0.2], [4.9]], list("ab"), 1)
    1.0
    """
    known, labels = _train_part(Z_train, labels_train, "labels_train", n_neighbors)
    asked, truth = _test_part(Z_test, labels_test, "labels_test", known)
    if "continuous" in type_of_target(labels):
        raise InputError(
            "labels_train has continuous numbers, not classes; use factor_recovery, or round them"
        )
    return float(KNeighborsClassifier(n_neighbors).fit(known, labels).score(asked, truth))


def leave_one_out_accuracy(Z: Any, labels: Any, n_neighbors: int = 5) -> float:
    """Return the share of points whose label the nearest *other* points vote for.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
    labels : array-like of shape (n_samples,)
    n_neighbors : int, default=5
        All others, where there are fewer.

    Returns
    -------
    float
        The accuracy, from 0 to 1.

    Raises
    ------
    InputError
        If there are fewer than two points, or points and labels differ in number.

    Examples
    --------
    >>> leave_one_out_accuracy([[0.0], [0.1], [5.0], [5.1]], list("aabb"), 1)
    1.0
    """
    rows = as_rows(Z, "Z")
    labels = one_each(labels, len(rows), "labels")
    check_count(n_neighbors, "n_neighbors")
    if len(rows) < 2:
        raise InputError(f"Z has {len(rows)} point; each needs others to vote for its label")
    values, code = np.unique(labels, return_inverse=True)
    nearest = NearestNeighbors(n_neighbors=min(n_neighbors, len(rows) - 1)).fit(rows)
    votes = code[nearest.kneighbors(return_distance=False)]  # without the point itself
    counts = np.apply_along_axis(np.bincount, 1, votes, minlength=len(values))
    return float(np.mean(counts.argmax(axis=1) == code))


def factor_recovery(
    Z_train: Any, factor_train: Any, Z_test: Any, factor_test: Any, n_neighbors: int = 20
) -> float:
    """Return R² of a factor read from held-out points, as the mean of the nearest training points.

    Parameters
    ----------
    Z_train, Z_test : array-like of shape (n, n_components)
    factor_train, factor_test : array-like of shape (n,) or (n, n_outputs)
        For a cyclic factor give its sine and cosine; R² is then the mean of both.
    n_neighbors : int, default=20

    Returns
    -------
    float
        1 if the factor is read exactly, 0 if no better than by its mean, and negative if worse.

    Raises
    ------
    InputError
        If points and values differ in number, or the factor has values that are not finite.

    Examples
    --------
    >>> Z = np.linspace(0, 1, 100)[:, None]
    >>> round(factor_recovery(Z, 3 * Z[:, 0], Z, 3 * Z[:, 0], n_neighbors=2), 2)
    1.0
    """
    known, factor = _train_part(Z_train, factor_train, "factor_train", n_neighbors)
    asked, truth = _test_part(Z_test, factor_test, "factor_test", known)
    for values in (factor, truth):
        if values.dtype.kind not in "buif" or not np.isfinite(values).all():
            raise InputError(
                "the factor has values that are not finite numbers; leave those samples out"
            )
    return float(KNeighborsRegressor(n_neighbors).fit(known, factor).score(asked, truth))


def evenness(Z: Any) -> float:
    """Measure how evenly the points cover their map: the index of Clark & Evans (1954).

    It is the mean distance to the nearest other point, over its expectation for points scattered
    at random in the same area, the convex hull of the map.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)

    Returns
    -------
    float
        1 for random points; less where they clump, 0 if each coincides with another; more where
        they keep apart, in two dimensions at most 2.15 (a triangular lattice). NaN if the points
        span no area.

    Examples
    --------
    >>> grid = np.stack(np.meshgrid(range(20), range(20)), -1).reshape(-1, 2)
    >>> round(evenness(grid), 1)
    2.1
    """
    Z = as_rows(Z, "Z")
    n, d = Z.shape
    try:
        volume = float(np.ptp(Z)) if d == 1 else float(ConvexHull(Z).volume)
    except (QhullError, ValueError):
        return math.nan
    if not volume:
        return math.nan
    nearest = NearestNeighbors(n_neighbors=1).fit(Z).kneighbors()[0].mean()
    # Expected for a Poisson process of n points in that volume: Gamma(1 + 1/d) times the radius
    # of the ball that holds one point.
    ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1)
    expected = math.gamma(1 + 1 / d) * (volume / (n * ball)) ** (1 / d)
    return float(nearest / expected)


def _train_part(Z: Any, values: Any, name: str, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return training points and their values, of at least `n_neighbors` samples."""
    rows = as_rows(Z, "Z_train")
    check_count(n_neighbors, "n_neighbors", most=len(rows))
    return rows, one_each(values, len(rows), name)


def _test_part(Z: Any, values: Any, name: str, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return held-out points of the same map as the training points, and their true values."""
    rows = as_rows(Z, "Z_test")
    if rows.shape[1] != train.shape[1]:
        raise InputError(
            f"Z_train has {train.shape[1]} components and Z_test {rows.shape[1]}; both must be "
            "points of one map"
        )
    return rows, one_each(values, len(rows), name)


def _check_both(X: Any, Z: Any, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return samples and points as rows, of more than twice as many samples as neighbours."""
    X, Z = as_rows(X, "X"), as_rows(Z, "Z")
    if len(X) != len(Z):
        raise InputError(f"X has {len(X)} samples and Z {len(Z)} points; each sample needs a point")
    check_count(n_neighbors, "n_neighbors")
    # Beyond half the samples the worst map would have a negative trustworthiness.
    if n_neighbors >= len(X) / 2:
        raise InputError(
            f"n_neighbors is {n_neighbors} and there are {len(X)} samples; it must be less than "
            "half of them"
        )
    return X, Z
