"""Where a map looks: how far the point of a photograph moves when a part of it is covered."""

from __future__ import annotations

import numpy as np

from drlim.estimator import DrLIM

# Cells on a side; the 16 outer ones of 25 are the border, 64 % of the picture.
N_CELLS = 5


def moved_by_covering(map_: DrLIM, image: np.ndarray) -> np.ndarray:
    """Return how far a photograph's point moves when each cell gets the photograph's mean colour.

    Parameters
    ----------
    map_ : DrLIM
    image : ndarray of shape (height, width) or (channels, height, width)

    Returns
    -------
    ndarray of shape (5, 5)
        In margins.
    """
    height, width = image.shape[-2:]
    rows, columns = (np.linspace(0, n, N_CELLS + 1).round().astype(int) for n in (height, width))
    colour = image.mean(axis=(-2, -1), keepdims=True).astype(image.dtype)
    covered = np.repeat(image[None], N_CELLS**2 + 1, axis=0)
    for k in range(N_CELLS**2):
        i, j = divmod(k, N_CELLS)
        covered[k, ..., rows[i] : rows[i + 1], columns[j] : columns[j + 1]] = colour
    Z = np.asarray(map_.transform(covered))
    distances: np.ndarray = np.linalg.norm(Z[:-1] - Z[-1], axis=1) / map_.margin
    return distances.reshape(N_CELLS, N_CELLS)


def share_of_border(moved: np.ndarray) -> float:
    """Return the share of the movement that is due to the outer cells; NaN if nothing moves."""
    inner = moved[1:-1, 1:-1].sum()
    return float(1 - inner / moved.sum()) if moved.sum() else float("nan")
