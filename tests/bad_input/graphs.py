"""Bad input to drlim.graphs."""

import numpy as np
import scipy.sparse as sp

from bad_input.rows import GRAPH, X_NAN, X, Z, bad
from drlim import SimilarityGraph
from drlim.graphs import (
    adjacent,
    copies,
    mutual_neighbors,
    near_values,
    neighbors,
    pairs,
    same,
)

ROWS = {
    "graphs.neighbors": [
        bad("NaN", lambda: neighbors(X_NAN, 2), "X", "NaN"),
        bad("neighbours out of range", lambda: neighbors(X, 24), "n_neighbors", "24"),
        bad("True for a number", lambda: neighbors(X, True), "n_neighbors", "True"),
        bad("half a neighbour", lambda: neighbors(X, 2.0), "n_neighbors", "2.0"),
        bad("texts", lambda: neighbors([["a"]], 1), "X", "<U1"),
        bad("ragged", lambda: neighbors([[1], [1, 2]], 1), "X", "(2,)"),
        bad("size 0", lambda: neighbors([], 1), "n_neighbors", "1", "0"),
        bad("scalar", lambda: neighbors(3, 1), "X", "()"),
        bad("another length for within", lambda: neighbors(X, 1, within=[1]), "within", "(1,)"),
        bad("within groups of one", lambda: neighbors(X, 5, within=np.arange(24)), "n_neighbors", "5", "1"),
        bad(
            "within groups of NaN",
            lambda: neighbors(X, 2, within=np.where(np.arange(24) < 12, np.nan, 1)),
            "n_neighbors",
            "2",
            "0",
        ),
    ],
    "graphs.mutual_neighbors": [
        bad("one group", lambda: mutual_neighbors(X, np.zeros(24), 2), "groups"),
        bad("another length", lambda: mutual_neighbors(X, [1, 2], 2), "groups", "(2,)"),
        bad(
            "no neighbour",
            lambda: mutual_neighbors(X, np.arange(24) % 2, 0),
            "n_neighbors",
            "0",
        ),
    ],
    "graphs.near_values": [
        bad("texts", lambda: near_values(["a", "b"]), "factor", "<U1"),
        bad("NaN", lambda: near_values([1.0, np.nan]), "factor", "NaN"),
        bad("no value", lambda: near_values(np.arange(24.0), 0), "n_values", "0"),
        bad("period 0", lambda: near_values(np.arange(24.0), period=0), "period", "0"),
    ],
    "graphs.same": [
        bad("two dimensions", lambda: same(Z), "factor", "(24, 2)"),
        bad("NaN", lambda: same([1, np.nan]), "factor", "NaN"),
        bad("None mixed", lambda: same([1, None, "a"]), "factor", "'NoneType'"),
    ],
    "graphs.copies": [
        bad("two dimensions", lambda: copies(Z), "factor", "(24, 2)"),
    ],
    "graphs.adjacent": [
        bad("texts", lambda: adjacent(["a", "b"], 1), "factor", "<U1"),
        bad("step 0", lambda: adjacent([1, 2], 0), "step", "0"),
        bad("step text", lambda: adjacent([1, 2], "a"), "step", "'a'"),
    ],
    "graphs.pairs": [
        bad("other lengths", lambda: pairs([1], [1, 2], 3), "left", "(1,)", "right", "(2,)"),
        bad("a sample with itself", lambda: pairs([1], [1], 3), "1"),
        bad("beyond", lambda: pairs([1], [7], 3), "edges", "7", "n_samples"),
    ],
    "graphs.SimilarityGraph.from_edges": [
        bad("beyond", lambda: SimilarityGraph.from_edges([(0, 9)], 3), "edges", "9", "n_samples"),
        bad("negative", lambda: SimilarityGraph.from_edges([(0, -1)], 3), "edges", "-1", "n_samples"),
        bad("rows of float", lambda: SimilarityGraph.from_edges([(0, 1.5)], 3), "edges", "float64"),
        bad("huge", lambda: SimilarityGraph.from_edges([(0, 1)], 2**40), "n_samples", "1099511627776"),
    ],
    "graphs.SimilarityGraph.from_sparse": [
        bad("not square", lambda: SimilarityGraph.from_sparse(sp.csr_array((2, 3))), "(2, 3)"),
        bad("a text", lambda: SimilarityGraph.from_sparse("a"), "str"),
    ],
    "graphs.SimilarityGraph.empty": [
        bad("negative", lambda: SimilarityGraph.empty(-1), "n_samples", "-1"),
    ],
    "graphs.SimilarityGraph.complete": [
        bad("texts", lambda: SimilarityGraph.complete("3"), "n_samples", "'3'"),
    ],
    "graphs.SimilarityGraph.has": [
        bad("beyond", lambda: GRAPH.has([99], [0]), "rows", "99", "23"),
        bad("rows of float", lambda: GRAPH.has([0.5], [0]), "rows", "float64"),
        bad("other lengths", lambda: GRAPH.has([0, 1], [0, 1, 2]), "left", "(2,)", "right", "(3,)"),
    ],
    "graphs.SimilarityGraph.place": [
        bad("beyond", lambda: GRAPH.place([99], [0]), "rows", "99", "23"),
    ],
    "graphs.SimilarityGraph.restrict": [
        bad("beyond", lambda: GRAPH.restrict([99]), "rows", "99", "23"),
        bad("one row twice", lambda: GRAPH.restrict([1, 1]), "indices"),
        bad("mask of another length", lambda: GRAPH.restrict([True]), "mask", "(1,)", "24"),
    ],
    "graphs.SimilarityGraph.edges_at": [
        bad("an edge beyond", lambda: GRAPH.edges_at([10**9]), "1000000000", "51"),
    ],
    "graphs.SimilarityGraph.copied": [
        bad("0", lambda: GRAPH.copied(0), "n_copies", "0"),
    ],
    "graphs.SimilarityGraph.__or__": [
        bad("another size", lambda: GRAPH | SimilarityGraph.empty(3), "24", "3"),
    ],
    "graphs.SimilarityGraph.__and__": [
        bad("an int", lambda: GRAPH & 3, "SimilarityGraph", "int", error=TypeError),
    ],
    "graphs.SimilarityGraph.__setattr__": [
        bad(
            "an attribute that is set",
            lambda: setattr(GRAPH, "a", 3),
            "SimilarityGraph",
            "'a'",
            error=AttributeError,
        ),
    ],
}
