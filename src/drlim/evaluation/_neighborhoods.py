"""Neighbourhoods of the samples and of their map, compared sample by sample."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors

# How many rows of the distance matrix are in memory at a time.
_BLOCK = 512


def trust_of_each(X: np.ndarray, Z: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Return what each sample adds to trustworthiness, which is their mean: (n_samples,).

    1 - 2 / (k (2n - 3k - 1)) sum(max(rank - k, 0)), over the sample's k nearest in the map, with
    their ranks among its neighbours in the samples (Venna & Kaski 2001, eq. 2). The rank is one
    more than the number of samples that are strictly nearer, so a tie is no error.
    """
    n, nearest = len(X), _nearest(Z, n_neighbors)
    excess = np.zeros(n)
    for start in range(0, n, _BLOCK):
        here = np.arange(start, min(start + _BLOCK, n))
        distance = pairwise_distances(X[here], X)
        distance[np.arange(len(here)), here] = np.inf
        for neighbor in nearest[here].T:
            to_neighbor = distance[np.arange(len(here)), neighbor][:, None]
            rank = (distance < to_neighbor).sum(axis=1) + 1
            excess[here] += np.maximum(rank - n_neighbors, 0)
    return 1 - excess * 2 / (n_neighbors * (2 * n - 3 * n_neighbors - 1))


def share_kept_of_each(X: np.ndarray, Z: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Return the share of each sample's nearest that are its nearest in the map: (n_samples,)."""
    of_samples, of_map = _nearest(X, n_neighbors), _nearest(Z, n_neighbors)
    return (of_samples[:, :, None] == of_map[:, None]).any(axis=2).mean(axis=1)


def _nearest(Z: np.ndarray, n_neighbors: int) -> np.ndarray:
    return NearestNeighbors(n_neighbors=n_neighbors).fit(Z).kneighbors(return_distance=False)
