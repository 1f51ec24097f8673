"""How well a map keeps what it should: neighbourhoods, classes, factors.

All functions take arrays and know nothing of how the map was made, so that a network, PCA and
the samples themselves are measured alike. Those that read something from a map take a training
and a test part: what is read from held-out points is learnt from others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from sklearn.utils.multiclass import type_of_target

from drlim import _checks
from drlim._checks import check_count, one_each
from drlim._errors import InputError
from drlim.evaluation._neighborhoods import share_kept_of_each, trust_of_each


def trustworthiness(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Tell how far neighbours in the map are neighbours in the samples (Venna, Kaski 2001).

    Parameters
    ----------
    X : array-like of shape (n_samples, ...)
        The samples; flattened.
    Z : array-like of shape (n_samples, n_components)
        Their embedding.
    n_neighbors : int, default=5
        How many neighbours, fewer than half the samples.

    Returns
    -------
    float
        1 if every one of the nearest in the map is among the nearest in the samples; about 0.5
        for a map at random.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> trustworthiness(X, X)
    1.0
    """
    X, Z = as_rows(X), as_rows(Z)
    _check_both(X, Z, n_neighbors)
    return float(trust_of_each(X, Z, n_neighbors).mean())


def continuity(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Tell how far neighbours in the samples are neighbours in the map (Venna, Kaski 2001).

    Trustworthiness with the two spaces exchanged: it falls when the map tears apart.
    """
    return trustworthiness(Z, X, n_neighbors)


def neighborhood_preservation(X: Any, Z: Any, n_neighbors: int = 5) -> float:
    """Return the share of each sample's nearest neighbours that are its nearest in the map too.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> neighborhood_preservation(X, -2 * X)
    1.0
    """
    X, Z = as_rows(X), as_rows(Z)
    _check_both(X, Z, n_neighbors)
    return float(share_kept_of_each(X, Z, n_neighbors).mean())


def knn_accuracy(
    Z_train: Any, labels_train: Any, Z_test: Any, labels_test: Any, n_neighbors: int = 5
) -> float:
    """Return the share of held-out points whose label their nearest training points vote for.

    Examples
    --------
    >>> knn_accuracy([[0.0], [0.1], [5.0], [5.1]], list("aabb"), [[0.2], [4.9]], list("ab"), 1)
    1.0
    """
    known, labels = _known(Z_train, labels_train, n_neighbors)
    asked, truth = _asked(Z_test, labels_test, known)
    if "continuous" in type_of_target(labels):
        raise InputError(
            "labels_train has numbers that are no classes; read them by factor_recovery, or round "
            "them"
        )
    return float(KNeighborsClassifier(n_neighbors).fit(known, labels).score(asked, truth))


def leave_one_out_accuracy(Z: Any, labels: Any, n_neighbors: int = 5) -> float:
    """Return the share of points whose label the nearest *other* points vote for.

    Examples
    --------
    >>> leave_one_out_accuracy([[0.0], [0.1], [5.0], [5.1]], list("aabb"), 1)
    1.0
    """
    rows = as_rows(Z)
    labels = one_each(labels, len(rows), "labels")
    check_count(n_neighbors, "n_neighbors")
    if len(rows) < 2:
        raise InputError(f"there is {len(rows)} point; it needs others to be told by")
    values, code = np.unique(labels, return_inverse=True)
    nearest = NearestNeighbors(n_neighbors=min(n_neighbors, len(rows) - 1)).fit(rows)
    votes = code[nearest.kneighbors(return_distance=False)]  # without the point itself
    counts = np.apply_along_axis(np.bincount, 1, votes, minlength=len(values))
    return float(np.mean(counts.argmax(axis=1) == code))


def factor_recovery(
    Z_train: Any, factor_train: Any, Z_test: Any, factor_test: Any, n_neighbors: int = 20
) -> float:
    """Return R² of a factor read off held-out points, as the mean of their nearest training points.

    Parameters
    ----------
    Z_train, Z_test : array-like of shape (n, n_components)
    factor_train, factor_test : array-like of shape (n,) or (n, n_outputs)
        For a factor that closes on itself give its sine and cosine; R² is then their mean.
    n_neighbors : int, default=20

    Returns
    -------
    float
        1 if the map tells the factor exactly, 0 if it tells nothing, and less if it misleads.

    Examples
    --------
    >>> Z = np.linspace(0, 1, 100)[:, None]
    >>> round(factor_recovery(Z, 3 * Z[:, 0], Z, 3 * Z[:, 0], n_neighbors=2), 2)
    1.0
    """
    known, factor = _known(Z_train, factor_train, n_neighbors)
    asked, truth = _asked(Z_test, factor_test, known)
    for values in (factor, truth):
        if values.dtype.kind not in "buif" or not np.isfinite(values).all():
            raise InputError(
                "the factor has values that are not finite numbers; leave those samples out"
            )
    return float(KNeighborsRegressor(n_neighbors).fit(known, factor).score(asked, truth))


def evenness(Z: Any) -> float:
    """Tell how evenly a map is covered: the index of Clark and Evans (1954).

    The mean distance to the nearest other point, over what it would be were the points
    scattered at random in the same area (the convex hull of the map).

    Returns
    -------
    float
        1 for points at random; less where they clump, 0 if all have a twin; more where they
        keep apart, 2.15 at most (a triangular lattice, in two dimensions). NaN if the points
        span no area.

    Examples
    --------
    >>> grid = np.stack(np.meshgrid(range(20), range(20)), -1).reshape(-1, 2)
    >>> round(evenness(grid), 1)
    2.1
    """
    Z = as_rows(Z)
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


def as_rows(X: Any) -> np.ndarray:
    """Return samples as rows of floats: flattened, and differences of bytes do not wrap round."""
    return _checks.as_rows(X, "the array")


def _known(Z: Any, values: Any, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return training points and what is known of them, enough for so many neighbours."""
    rows = as_rows(Z)
    check_count(n_neighbors, "n_neighbors", most=len(rows))
    return rows, one_each(values, len(rows), "what is known of the training points")


def _asked(Z: Any, values: Any, like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return held-out points of the same map, and the truth about them."""
    rows = as_rows(Z)
    if rows.shape[1] != like.shape[1]:
        raise InputError(
            f"training points have {like.shape[1]} components and held-out ones {rows.shape[1]}; "
            "both must be of one map"
        )
    return rows, one_each(values, len(rows), "the truth about the held-out points")


def _check_both(X: np.ndarray, Z: np.ndarray, n_neighbors: int) -> None:
    if len(X) != len(Z):
        raise InputError(f"there are {len(X)} samples and {len(Z)} points; a point a sample")
    check_count(n_neighbors, "n_neighbors")
    if n_neighbors >= len(X) / 2:
        raise InputError(
            f"n_neighbors is {n_neighbors} and there are {len(X)} samples; it must be at least 1 "
            "and less than half of them"
        )
