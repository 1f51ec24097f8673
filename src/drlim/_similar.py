"""Which samples are similar where no graph is given, and whether a given graph fits the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from drlim._checks import as_array
from drlim._errors import InputError
from drlim._progress import search_progress
from drlim.graphs import SimilarityGraph, neighbors, same


def similar(X: np.ndarray, y: Any, n_neighbors: int, *, verbose: bool) -> SimilarityGraph:
    """Return the graph of nearest neighbours, or of equal labels; see `DrLIM.fit` for `y`."""
    if y is None:
        return _neighbors(X, n_neighbors, verbose)
    y = as_array(y, "y")
    if y.shape != (len(X),):
        raise InputError(
            f"y has the shape {y.shape} and X has {len(X)} samples; y must have one label per "
            "sample, (n_samples,)"
        )
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InputError("y has NaN or infinite values; the label of an unlabelled sample is -1")
    if type_of_target(y, input_name="y") == "continuous":
        return _neighbors(y[:, None], n_neighbors, verbose)
    unknown = y == -1
    if not unknown.any():
        return same(y)
    known = np.flatnonzero(~unknown)
    by_label = SimilarityGraph(known[same(y[known]).edges], len(X))
    near = _neighbors(X, n_neighbors, verbose)
    both_known = near.edges[~unknown[near.edges].any(axis=1)]
    return by_label | near - SimilarityGraph(both_known, len(X))


def _neighbors(X: np.ndarray, n_neighbors: int, verbose: bool) -> SimilarityGraph:
    if not verbose:
        return neighbors(X, n_neighbors)
    with search_progress("nearest neighbours") as progress:
        return neighbors(X, n_neighbors, progress=progress)


def check_graph(graph: Any, n_samples: int, name: str) -> SimilarityGraph:
    """Return a graph that is about these samples, or raise InputError."""
    if not isinstance(graph, SimilarityGraph):
        raise InputError(
            f"{name} is a {type(graph).__name__}; it must be a drlim.SimilarityGraph, see "
            "SimilarityGraph.from_edges and from_sparse"
        )
    if graph.n_samples != n_samples:
        raise InputError(
            f"{name} is about {graph.n_samples} samples and X has {n_samples}; both must be "
            "about the same samples"
        )
    return graph
