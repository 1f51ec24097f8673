"""Which samples are similar where no graph is given, and whether a given graph fits the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from drlim._errors import DataWarning, InputError, warn
from drlim._labels import labels
from drlim._progress import search_progress
from drlim._scaling import in_unit
from drlim._sparse import Samples
from drlim.graphs import SimilarityGraph, neighbors, same
from drlim.graphs._relations import near_in_values


def is_said(y: Any, n_samples: int) -> bool:
    """Tell whether labels or numbers say of all samples who is similar, without the samples."""
    return y is not None and not labels(y, n_samples)[1].any()


def similar(
    X: Samples,
    y: Any,
    n_neighbors: int,
    standardisation: tuple[np.ndarray, np.ndarray],
    *,
    verbose: bool,
) -> SimilarityGraph:
    """Return the graph of nearest neighbours, or of equal labels; see `DrLIM.fit` for `y`.

    Neighbours are searched for in the unit of the map, by its centre and its unit.
    """
    if y is None:
        return _neighbors(in_unit(X, *standardisation), n_neighbors, verbose)
    y, unknown = labels(y, len(X))
    if type_of_target(y, input_name="y") == "continuous":
        graph, n_values = near_in_values([y], [None])
        warn(
            f"y has real numbers: similar are samples of equal or near values, the {n_values} "
            "nearest of each; choose another number by graph=drlim.graphs.near_values(y, number), "
            "or a distance by graph=drlim.graphs.adjacent(y, distance)",
            DataWarning,
        )
        return graph
    if not unknown.any():
        by_label = same(y)
        _warn_of_few(by_label, len(y), y)
        return by_label
    _warn_of_a_class(y, unknown)
    known = np.flatnonzero(~unknown)
    by_label = SimilarityGraph(known[same(y[known]).edges], len(X))
    _warn_of_few(by_label, len(known), y)
    near = _neighbors(in_unit(X, *standardisation), n_neighbors, verbose)
    both_known = near.edges[~unknown[near.edges].any(axis=1)]
    return by_label | near - SimilarityGraph(both_known, len(X))


def _warn_of_a_class(y: np.ndarray, unknown: np.ndarray) -> None:
    """Warn where -1 looks like a class or a value, and not like the absence of a label."""
    values = np.unique(y[~unknown])
    if values.tolist() == [1] or (len(values) and values[0] < 0):
        warn(
            f"{np.count_nonzero(unknown):,} of the {len(y):,} samples have the label -1, which is "
            f"that of an unlabelled sample; the other labels are {_few(values)}. If -1 is a "
            "class, number the classes from 0: y = np.unique(y, return_inverse=True)[1]",
            DataWarning,
        )


def _warn_of_few(by_label: SimilarityGraph, n_labelled: int, y: np.ndarray) -> None:
    """Warn where so few labels come again that they are rather names or amounts than classes."""
    # Classes of two samples have one similar pair for two samples.
    if by_label.n_edges < n_labelled // 2:
        n_pairs = f"{by_label.n_edges:,} similar pair{'' if by_label.n_edges == 1 else 's'}"
        remedy = "give the class of each sample"
        if y.dtype.kind in "iuf":
            remedy += (
                "; if the labels are amounts, such as ages, give a graph of near values: "
                "graph=drlim.graphs.near_values(y)"
            )
        warn(
            f"y has few equal labels: {n_pairs} among {n_labelled:,} labelled samples, and all "
            f"others are pushed apart; {remedy}",
            DataWarning,
        )


def _few(values: np.ndarray) -> str:
    shown = ", ".join(map(str, values[:5].tolist()))
    return f"{shown}, ..." if len(values) > 5 else shown


def _neighbors(X: Samples, n_neighbors: int, verbose: bool) -> SimilarityGraph:
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
