"""Whether only the directions of samples count, where the network is not given.

The lengths of samples say little in some data, such as features of a pretrained network or images
under several lights, and then the angle between two samples tells the same from different better
than their distance. The pairs of the training samples say which it is, before anything is learnt.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from scipy.stats import rankdata
from torch import nn

from drlim._sparse import Samples
from drlim._types import Bool
from drlim.graphs import SimilarityGraph
from drlim.networks import Builder, _pretrained, mlp, sphere
from drlim.networks._builders import Scaled, is_left_open
from drlim.networks._layers import OnSphere

# With fewer features, or in fewer dimensions, a length is too much to lose.
_LEAST_FEATURES, _LEAST_COMPONENTS = 64, 8

# The wrongly ordered pairs that angles may have, as a share of those that distances have. Features
# of photographs have 0.54, spectra of oils 0.82 and digits of 8 x 8 pixels 0.81; the digits are
# learnt by angles as well, not better. Nothing is decided for images: faces (0.63) gain, views
# of objects (0.66) do not.
_MOST_WRONG = 0.75

# With fewer wrongly ordered pairs, distances do.
_FEW_WRONG = 0.01

# Samples, evenly spread over all, whose pairs are compared.
_MOST_SAMPLES = 1_000


def by_direction(
    network: Any,
    builder: Builder,
    X: Samples,
    graph: SimilarityGraph | None,
    dissimilar: SimilarityGraph | None,
    n_components: int,
    standardisation: tuple[np.ndarray, np.ndarray],
    *,
    start: nn.Sequential | None,
    verbose: bool,
) -> Builder:
    """Return the builder of a network of directions where those tell classes apart better.

    The features of a pretrained network are compared by their directions without being asked.

    Parameters
    ----------
    network : None, str or callable
        What the user gave; nothing is decided but for None, and for the head of a pretrained one.
    builder : callable
        The builder that the samples' shape chose.
    X, graph, dissimilar
        The samples and their pairs; nothing is decided unless the similar ones are of classes.
    n_components : int
    standardisation : tuple of ndarray
        The centre and the unit of the samples.
    start : nn.Sequential, optional
        The network of another map, whose weights are taken over: of directions if that one is.
    verbose : bool
        Whether to say what was decided.
    """
    chosen = builder.network if isinstance(builder, Scaled) else builder
    on_sphere = _pretrained.by_direction(chosen)
    if on_sphere is None and is_left_open(network) and chosen is mlp:
        on_sphere = sphere
    if on_sphere is None:
        return builder
    if isinstance(builder, Scaled):
        on_sphere = Scaled(on_sphere, builder.scale)
    if start is not None:
        is_on_sphere = any(isinstance(layer, OnSphere) for layer in start.modules())
        return on_sphere if is_on_sphere else builder
    if graph is None or graph.groups is None or n_components < _LEAST_COMPONENTS:
        return builder
    if chosen is not mlp:
        return on_sphere
    if X.ndim != 2 or X.shape[1] < _LEAST_FEATURES:
        return builder
    found = _wrongly_ordered(X, graph, dissimilar, standardisation)
    if found is None or found[0] < _FEW_WRONG or found[1] > _MOST_WRONG * found[0]:
        return builder
    if verbose:
        by_distance, by_angle = found
        print(
            "network 'sphere': only the direction of a sample counts (by their angles, "
            f"{by_angle:.1%} of pairs of similar and dissimilar samples are in the wrong order; by "
            f"their distances, {by_distance:.1%})",
            file=sys.stderr,
        )
    return on_sphere


def _wrongly_ordered(
    X: Samples,
    graph: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    standardisation: tuple[np.ndarray, np.ndarray],
) -> tuple[float, float] | None:
    """Return how often a dissimilar pair is nearer than a similar one: by distance, by angle."""
    centre, unit = standardisation
    rows = np.unique(np.linspace(0, len(X) - 1, min(len(X), _MOST_SAMPLES), dtype=int))
    samples = ((np.asarray(X[rows], np.float64) - centre) / unit).astype(np.float32)
    products = samples.reshape(len(rows), -1) @ samples.reshape(len(rows), -1).T
    left, right = np.triu_indices(len(rows), 1)
    similar = graph.has(rows[left], rows[right])
    if dissimilar is not None:
        known = similar | dissimilar.has(rows[left], rows[right])
        left, right, similar = left[known], right[known], similar[known]
    if similar.all() or not similar.any():
        return None
    squares = products.diagonal().astype(np.float64)
    lengths = np.sqrt(np.where(squares > 0, squares, 1))
    across = products[left, right].astype(np.float64)
    return (
        1 - share_in_order(squares[left] + squares[right] - 2 * across, similar),
        1 - share_in_order(-across / (lengths[left] * lengths[right]), similar),
    )


def share_in_order(distances: np.ndarray, similar: Bool[np.ndarray, " n_pairs"]) -> float:
    """Return how often a similar pair is nearer than a dissimilar one: the area under the ROC."""
    if not np.isfinite(distances).all():
        return 0.0
    ranks = rankdata(distances)
    n_similar, n_dissimilar = int(similar.sum()), int((~similar).sum())
    above = ranks[~similar].sum() - n_dissimilar * (n_dissimilar + 1) / 2
    return float(above / (n_similar * n_dissimilar))
