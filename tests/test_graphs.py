"""The laws of the graph: its algebra, exact neighbours, and the relations."""

import copy
import itertools
import pickle
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import example, given, settings, strategies as st

from drlim import DataWarning, InputError, MissingExtraError
from drlim.graphs import (
    SimilarityGraph,
    _approximate,
    _exact,
    _graph,
    _neighbors,
    adjacent,
    copies,
    mutual_neighbors,
    near_values,
    neighbors,
    pairs,
    same,
)
from drlim.graphs._neighbors import nearest_rows

few = settings(max_examples=60, deadline=None)
from_edges = SimilarityGraph.from_edges
N = 6
rows = st.integers(0, N - 1)
edge_lists = st.lists(st.tuples(rows, rows), max_size=20)
graphs = edge_lists.map(lambda edges: from_edges(edges, N))


def matrix(graph):
    """The graph as numpy sees it: a dense symmetric matrix of bool."""
    joined = np.zeros((graph.n_samples, graph.n_samples), bool)
    joined[tuple(graph.edges.T)] = True
    return joined | joined.T


# The graph itself.


@few
@given(edge_lists)
def test_edges_are_canonical_whatever_built_the_graph(edges):
    graph = from_edges(edges, N)
    expected = sorted({(min(pair), max(pair)) for pair in edges if pair[0] != pair[1]})
    assert graph.edges.tolist() == [list(pair) for pair in expected]
    assert graph.edges.dtype == np.int64
    assert graph.edges.shape == (graph.n_edges, 2)
    for dtype in (np.int8, np.uint64):
        assert from_edges(np.array(edges, dtype).reshape(-1, 2), N) == graph
    assert from_edges([pair[::-1] for pair in edges] * 2, N) == graph
    assert from_edges(graph.edges, N) == graph
    one_way = sp.coo_array((np.full(len(edges), 7), np.array(edges, int).reshape(-1, 2).T), (N, N))
    for sparse in (one_way, one_way.T, one_way.tocsr(), one_way.toarray(), graph.to_sparse()):
        assert SimilarityGraph.from_sparse(sparse) == graph


@pytest.mark.parametrize("edges", [3, np.int64(3), [0, 1], [(0, 1, 2)], [[[0, 1]]], "ab"])
@pytest.mark.parametrize("n_samples", [3, np.array([[0, 1], [1, 2]]), [(0, 1)]])
def test_a_graph_is_made_of_pairs_of_rows_and_of_nothing_else(edges, n_samples):
    with pytest.raises(InputError, match="edges"):
        SimilarityGraph(edges, n_samples)
    with pytest.raises(InputError, match="n_samples"):
        SimilarityGraph([(0, 1)], np.array([[0, 1], [1, 2]]))


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("order", ["C", "F", "reversed", "read-only", "a view"])
def test_making_a_graph_leaves_the_callers_arrays_as_they_were(dtype, order):
    edges = np.array([[2, 1], [0, 1], [1, 2], [1, 1]], dtype, order="F" if order == "F" else "C")
    edges = {"reversed": edges[::-1], "a view": np.repeat(edges, 2, axis=0)[::2]}.get(order, edges)
    edges.flags.writeable = order != "read-only"
    before = edges.copy()
    graph = SimilarityGraph(edges, 3)
    assert graph == SimilarityGraph(edges.tolist(), 3) == from_edges(edges, n_samples=3)
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    for use in (same, lambda factor: adjacent(factor, 1), lambda rows: graph.restrict(rows[1:3])):
        use(edges[:, 0])
    assert edges.flags.writeable == (order != "read-only")
    np.testing.assert_array_equal(edges, before)
    if order != "read-only":
        edges[:] = 0
    assert graph.edges.tolist() == [[0, 1], [1, 2]]


def test_an_explicit_zero_of_a_sparse_matrix_is_not_an_edge():
    stored = sp.coo_array(([0.0, -1.0], ([0, 1], [1, 2])), (3, 3))
    assert SimilarityGraph.from_sparse(stored).edges.tolist() == [[1, 2]]


@few
@given(graphs, graphs, graphs)
def test_or_and_and_are_those_of_sets(a, b, c):
    assert a | b == b | a
    assert a & b == b & a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a | a == a & a == a
    assert a & (b | c) == (a & b) | (a & c)
    assert a | (a & b) == a & (a | b) == a


@few
@given(graphs, graphs)
def test_minus_takes_away_just_what_both_have(a, b):
    assert (a - b) & b == a - a == SimilarityGraph.empty(N)
    assert (a - b) | (a & b) == a


@few
@given(graphs, graphs)
def test_the_algebra_is_that_of_the_matrices(a, b):
    A, B = matrix(a), matrix(b)
    through = (A.astype(int) @ B > 0) | (B.astype(int) @ A > 0)
    expected = {"|": A | B, "&": A & B, "-": A & ~B, "@": through & ~np.eye(N, dtype=bool)}
    for sign, graph in {"|": a | b, "&": a & b, "-": a - b, "@": a @ b}.items():
        np.testing.assert_array_equal(matrix(graph), expected[sign], err_msg=sign)


def test_composition_finds_a_pair_however_many_paths_lead_to_it():
    n = 258  # 256 paths join 0 and 1: a count in eight bits would come to nothing
    hub = from_edges([(end, k) for end in (0, 1) for k in range(2, n)], n)
    assert (hub @ hub).has(0, 1)


def test_the_rule_for_shifted_digits_says_what_the_paper_says(rng):
    n_sources, n_copies = 8, 5
    n = n_sources * n_copies
    source = np.arange(n) // n_copies  # a row and its four shifted copies
    originals = np.arange(0, n, n_copies)
    nearest = neighbors(rng.normal(size=(n_sources, 3)), 2)
    near = from_edges(originals[nearest.edges], n)
    copy = copies(source)
    graph = near | copy | near @ copy
    for i in range(n):
        for j in range(n):
            both_near = nearest.has(source[i], source[j])
            an_original = i in originals or j in originals
            similar = i != j and (source[i] == source[j] or (both_near and an_original))
            assert graph.has(i, j) == similar, (i, j)
    # An original: its 4 copies, and each of its neighbours with its 4 copies.
    np.testing.assert_array_equal(graph.degree[originals], 4 + 5 * nearest.degree)


@few
@given(graphs)
def test_degree_and_has_and_the_counts_agree_with_the_matrix(graph):
    np.testing.assert_array_equal(graph.degree, matrix(graph).sum(axis=1))
    np.testing.assert_array_equal(graph.to_sparse().toarray(), matrix(graph))
    left, right = np.indices((N, N))
    np.testing.assert_array_equal(graph.has(left, right), matrix(graph))
    assert graph.n_edges == matrix(graph).sum() // 2
    assert graph.n_pairs == 15


@few
@given(graphs)
def test_components_are_what_edges_reach(graph):
    reach = np.linalg.matrix_power(matrix(graph) + np.eye(N), N) > 0
    np.testing.assert_array_equal(graph.components[:, None] == graph.components, reach)
    assert set(graph.components) == set(range(graph.components.max() + 1))


@few
@given(graphs, st.permutations(range(N)), st.integers(0, N))
def test_restricting_renumbers_the_rows_in_the_order_given(graph, order, n_kept):
    kept = np.array(order[:n_kept], int)
    np.testing.assert_array_equal(
        matrix(graph.restrict(kept)), matrix(graph)[kept][:, kept], strict=True
    )
    mask = np.isin(np.arange(N), kept)
    assert graph.restrict(mask) == graph.restrict(np.sort(kept))


@few
@given(graphs, graphs)
def test_equal_graphs_hash_alike_and_survive_copying(a, b):
    assert (a == b) == (a.edges.tolist() == b.edges.tolist())
    for twin in (from_edges(a.edges, N), copy.deepcopy(a), pickle.loads(pickle.dumps(a))):
        assert twin == a
        assert hash(twin) == hash(a)
    assert a != from_edges(a.edges, N + 1)
    assert a != a.edges.tolist()


@pytest.mark.parametrize("name", ["edges", "degree", "components"])
def test_a_graph_cannot_be_changed(name):
    values = getattr(from_edges([(0, 1)], 3), name)
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 2


def test_the_callers_edges_are_neither_changed_nor_kept():
    edges = np.array([[2, 1], [0, 0]])
    graph = from_edges(edges, 3)
    assert edges.tolist() == [[2, 1], [0, 0]]
    edges[:] = 0
    assert graph.edges.tolist() == [[1, 2]]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_empty_and_complete_are_the_two_ends_of_the_algebra(n):
    empty, complete = SimilarityGraph.empty(n), SimilarityGraph.complete(n)
    assert (empty.n_edges, complete.n_edges) == (0, n * (n - 1) // 2)
    assert complete - complete == empty == empty @ complete
    assert complete.degree.tolist() == [n - 1] * n
    assert empty.components.tolist() == list(range(n))


@pytest.mark.parametrize("sign", ["__or__", "__and__", "__sub__", "__matmul__"])
def test_graphs_about_other_samples_do_not_mix(sign):
    combine = getattr(from_edges([(0, 1)], 3), sign)
    with pytest.raises(InputError, match=r"3 samples .* 4"):
        combine(from_edges([(0, 1)], 4))
    with pytest.raises(TypeError, match="list"):
        combine([(0, 1)])


path = from_edges([(0, 1), (1, 2)], 4)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: from_edges([(0, 4)], 4), "row 4"),
        (lambda: from_edges([(-1, 2)], 4), "row -1"),
        (lambda: from_edges([(0, 1, 2)], 4), r"\(1, 3\)"),
        (lambda: from_edges([0, 1], 4), r"\(2,\)"),
        (lambda: from_edges([(0.0, 1.0)], 4), "float64"),
        (lambda: from_edges([], -1), "n_samples is -1"),
        (lambda: from_edges([], 2.0), "n_samples is 2.0"),
        (lambda: SimilarityGraph.from_sparse(np.ones((2, 3))), r"\(2, 3\)"),
        (lambda: path.restrict([0, 0]), "indices"),
        (lambda: path.restrict([0, 4]), "to 4"),
        (lambda: path.restrict([-1]), "-1"),
        (lambda: path.restrict([0.5, 1.5]), "float64"),
        (lambda: path.restrict([True, False]), r"mask.* \(2,\)"),
        (lambda: path.has(0, 6), "6"),
        (lambda: path.has(-1, 0), "-1"),
        (lambda: path.has(0.0, 1.0), "float64"),
    ],
)
def test_rows_and_shapes_that_do_not_exist_are_refused(use, message):
    with pytest.raises(InputError, match=message):
        use()


# Nearest neighbours.


def by_brute_force(X, k, within=None):
    """Each row's k nearest others by exact differences, ties in the order of the rows."""
    X = np.asarray(X, np.float64).reshape(len(X), -1)
    distance = np.square(X[:, None] - X[None]).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    if within is not None:
        distance[within[:, None] != within] = np.inf
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return from_edges(np.stack([np.repeat(np.arange(len(X)), k), nearest.ravel()], axis=1), len(X))


@pytest.mark.parametrize("k", [1, 5, 39])
@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.normal(size=(40, 3)),
        lambda rng: rng.normal(size=(40, 300)).astype(np.float32),
        lambda rng: rng.normal(size=(40, 3)).astype(np.float16),
        lambda rng: rng.normal(size=40),
        lambda rng: rng.integers(0, 256, (40, 12, 12)).astype(np.uint8),
        lambda rng: rng.random((40, 2, 5, 5)),
        lambda rng: rng.random((40, 6)) < 0.5,
        lambda rng: rng.integers(-3, 4, (40, 2)),  # full of ties and duplicates
        lambda rng: rng.normal(size=(40, 3)) + 1e9 * (np.arange(40) < 20)[:, None],
        lambda rng: np.exp(30 * rng.normal(size=(40, 2))),
        lambda rng: np.zeros((40, 0)),
    ],
    ids=lambda make: "",
)
def test_neighbours_are_those_of_brute_force(make, k, rng):
    X = make(rng)
    assert neighbors(X, k) == by_brute_force(X, k)
    assert neighbors(X.tolist(), k) == by_brute_force(X, k)


def test_neighbours_are_the_same_whatever_the_size_of_a_block(rng, monkeypatch):
    X = rng.normal(size=(100, 3))
    whole = neighbors(X, 4)
    for entries in (1, 700, 9_999):
        monkeypatch.setattr(_exact, "BLOCK_ENTRIES", entries)
        assert neighbors(X, 4) == whole


@pytest.mark.parametrize("make", [np.eye, lambda n: np.arange(n) % 2, lambda n: np.zeros((n, 2))])
def test_where_much_is_equally_near_the_candidates_are_thinned_out(make, monkeypatch):
    X = make(120)
    for entries in (30, 700):
        monkeypatch.setattr(_exact, "BLOCK_ENTRIES", entries)
        assert neighbors(X, 3) == by_brute_force(X, 3)


def test_rows_with_the_same_checksum_are_still_distinguished(monkeypatch, rng):
    X = np.repeat(rng.normal(size=(10, 3)), 7, axis=0)[rng.permutation(70)]
    expected = by_brute_force(X, 2)
    # Two rows whose 64-bit checksums collide cannot be found, so all collide.
    monkeypatch.setattr(_neighbors, "_checksums", lambda X: np.zeros(len(X), np.int64))
    assert neighbors(X, 2) == expected


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e-3, 1.0, 1e30, 1e300])
@pytest.mark.parametrize("offset", [0.0, 1e6, -1e6])
def test_turning_moving_and_scaling_change_no_neighbour(scale, offset, rng):
    X = rng.normal(size=(60, 4))
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert neighbors((X @ turn + offset) * scale, 3) == neighbors(X, 3)


def test_equally_near_samples_are_taken_in_the_order_of_their_rows():
    assert neighbors(np.arange(5.0), 1).edges.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4]]
    ring = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]]) * 0.1 + 7
    assert neighbors(ring, 1).edges.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4]]


@pytest.mark.parametrize("k", [3, 5, 8])
def test_duplicates_never_become_self_edges_and_take_no_neighbour_away(k, rng):
    X = np.repeat(rng.normal(size=(20, 3)).astype(np.float32), 6, axis=0)[rng.permutation(120)]
    graph = neighbors(X, k)
    assert (graph.edges[:, 0] < graph.edges[:, 1]).all()
    assert (graph.degree >= k).all()
    assert graph == by_brute_force(X, k)


def test_all_samples_in_one_place_have_neighbours():
    assert (neighbors(np.full((9, 2), 5.0), 3).degree >= 3).all()


def test_a_neighbour_by_either_side_is_one_edge():
    # 2 is the nearest of 3, and 3 is not the nearest of 2.
    graph = neighbors([0.0, 1.0, 1.9, 3.0], 1)
    assert graph.edges.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert graph.has([2, 3], [3, 2]).tolist() == [True, True]
    np.testing.assert_array_equal(graph.to_sparse().toarray(), graph.to_sparse().toarray().T)


def test_within_never_crosses_a_group(rng):
    X, lighting = rng.normal(size=(60, 2)), np.array(["left", "right", "top"])[np.arange(60) % 3]
    graph = neighbors(X, 4, within=lighting)
    left, right = graph.edges.T
    np.testing.assert_array_equal(lighting[left], lighting[right])
    assert graph == by_brute_force(X, 4, lighting)


@pytest.mark.parametrize(
    ("X", "k", "within", "message"),
    [
        (np.zeros((5, 2)), 0, None, "n_neighbors is 0"),
        (np.zeros((5, 2)), -1, None, "n_neighbors is -1"),
        (np.zeros((5, 2)), 1.5, None, "n_neighbors is 1.5"),
        (np.zeros((5, 2)), 5, None, "n_neighbors is 5 .* n_neighbors <= 4"),
        (np.zeros((1, 2)), 1, None, "n_neighbors is 1 .* 1 samples"),
        (np.zeros((0, 2)), 1, None, "0 samples"),
        (np.zeros((4, 2)), 2, [0, 0, 1, 1], "2 samples"),
        (np.zeros((4, 2)), 1, [0, 0], r"within .* \(2,\)"),
        ([[0.0], [np.nan]], 1, None, "NaN"),
        ([[0.0], [-np.inf]], 1, None, "NaN"),
        (np.array([["a"], ["b"]], object), 1, None, "object"),
        (np.array(["a", "b"]), 1, None, "<U1"),
        (3.0, 1, None, r"\(\)"),
    ],
)
def test_samples_without_neighbours_are_refused(X, k, within, message):
    with pytest.raises(InputError, match=message):
        neighbors(X, k, within=within)


def test_the_callers_samples_are_left_as_they_were(rng):
    X = rng.normal(size=(20, 2))
    before = X.copy()
    neighbors(X, 2)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_the_memory_of_neighbours_stays_far_below_all_pairs(offset, rng, monkeypatch):
    n = 6000
    X = rng.normal(size=(n, 2)) + offset
    monkeypatch.setattr(_exact, "BLOCK_ENTRIES", 2**18)
    tracemalloc.start()
    neighbors(X, 3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * n**2 / 10  # a tenth of one float32 matrix of all pairs


@pytest.mark.parametrize("approximate", [False, True])
def test_a_search_reports_its_progress(approximate, rng, monkeypatch):
    if approximate:
        pytest.importorskip("faiss")
    X = rng.normal(size=(500, 3))
    monkeypatch.setattr(_exact, "BLOCK_ENTRIES", 300)
    monkeypatch.setattr(_approximate, "_BLOCK_ENTRIES", 300)
    group = np.repeat([0, 1], [200, 300])
    for within in (None, group):
        shares = []
        graph = neighbors(X, 3, within=within, approximate=approximate, progress=shares.append)
        assert graph == neighbors(X, 3, within=within, approximate=approximate)
        assert len(shares) > 8
        assert np.all(np.diff([0, *shares]) >= 0)
        assert shares[-1] == pytest.approx(1)
    assert any(abs(share - 0.4) < 1e-9 for share in shares)  # the first group is done


# Approximate neighbours.


def share_found(X, k):
    """The share of the exact edges that an approximate search finds."""
    exact = neighbors(X, k)
    return (exact & neighbors(X, k, approximate=True)).n_edges / exact.n_edges


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: rng.normal(size=(2000, 20)),
        lambda rng: rng.normal(size=(2000, 3)).astype(np.float32) + 1e4,
        lambda rng: rng.normal(size=(2000, 3)) * 1e200,
        lambda rng: rng.normal(size=(2000, 3)).astype(np.float32) * 1e-30,
        lambda rng: rng.integers(0, 256, (2000, 6, 5)).astype(np.uint8),
        # Squared distances of up to twice the largest int32: 255 in a longer or shorter part.
        lambda rng: np.uint8(255) * (np.arange(72_000) < rng.integers(72_000, size=(60, 1))),
        lambda rng: rng.integers(-99, 99, (2000, 9)).astype(np.int8),
        lambda rng: np.repeat(rng.normal(size=(200, 5)), 10, axis=0),
        lambda rng: np.concatenate([rng.normal(size=(1000, 4)), rng.normal(size=(1000, 4)) + 1e3]),
        lambda rng: np.empty((20, 0)),
    ],
    ids=[
        "floats",
        "far off",
        "huge",
        "tiny",
        "bytes",
        "long",
        "signed bytes",
        "copies",
        "clusters",
        "nothing",
    ],
)
def test_an_approximate_search_finds_most_neighbours(make, rng):
    pytest.importorskip("faiss")
    X = make(rng)
    graph, recall = neighbors(X, 5, approximate=True, return_recall=True)
    assert share_found(X, 5) > 0.97
    assert recall is None or recall > 0.97
    assert graph.degree.min() >= 5


@pytest.mark.filterwarnings("ignore:the approximate search found")
def test_an_approximate_search_finds_the_same_with_any_number_of_threads(rng, monkeypatch):
    faiss = pytest.importorskip("faiss")
    X = rng.normal(size=(5000, 50))
    monkeypatch.setattr(_approximate, "_LINKS", 4)  # so few that what is found depends on them
    before, graphs = faiss.omp_get_max_threads(), []
    try:
        for n_threads in (1, 2, 4):
            faiss.omp_set_num_threads(n_threads)
            graphs.append(neighbors(X, 5, approximate=True))
    finally:
        faiss.omp_set_num_threads(before)
    assert graphs[0] == graphs[1] == graphs[2]


def test_the_recall_of_an_approximate_search_is_what_it_found(rng, monkeypatch):
    pytest.importorskip("faiss")
    X = rng.normal(size=(3000, 200)).astype(np.float32)
    for name, value in {"_LINKS": 4, "_BUILD_WIDTH": 8, "_DOUBLINGS": 1, "_SAMPLED": 3000}.items():
        monkeypatch.setattr(_approximate, name, value)
    with pytest.warns(DataWarning, match="approximate=False"):
        recall = neighbors(X, 5, approximate=True, return_recall=True)[1]
    with warnings.catch_warnings(action="ignore"):
        nearly = nearest_rows(X, 5, True)[0]
    exact = nearest_rows(X, 5)[0]
    both = [len(np.intersect1d(a, b)) for a, b in zip(exact, nearly, strict=True)]
    assert recall == pytest.approx(np.mean(both) / 5)
    assert recall < 0.9


@pytest.mark.parametrize("k", [5, 200])
def test_a_search_that_finds_too_little_looks_wider(k, rng, monkeypatch):
    pytest.importorskip("faiss")
    X = rng.normal(size=(1500, 50)).astype(np.float32)
    monkeypatch.setattr(_approximate, "_LINKS", 4)
    found = []
    for doublings in (1, 4):
        monkeypatch.setattr(_approximate, "_DOUBLINGS", doublings)
        with warnings.catch_warnings(action="ignore"):
            found.append(neighbors(X, k, approximate=True, return_recall=True)[1])
    assert found[0] + 0.01 < found[1]


def test_rows_too_close_to_tell_apart_do_not_count_as_found(rng):
    pytest.importorskip("faiss")
    # Two clusters so small and so far apart that no matrix product sees who is near in them.
    X = np.repeat([[-1.0, 0.0], [1.0, 0.0]], 500, axis=0) + 3e-9 * rng.normal(size=(1000, 2))
    with pytest.warns(DataWarning, match="approximate=False"):
        assert neighbors(X, 15, approximate=True, return_recall=True)[1] < 0.5


def test_rows_to_which_no_way_leads_are_compared_with_all(rng, monkeypatch):
    X = rng.normal(size=(2000, 4))
    monkeypatch.setattr(_approximate, "_BLOCK_ENTRIES", 200_000)

    # No samples are known that the index of faiss never reaches.
    class Lost:
        def search(self, rows, k):
            return None, np.full((len(rows), k), -1)

    rows = _approximate._Rows(X)
    nearest = _approximate._search(Lost(), rows, np.arange(300), 400)
    np.testing.assert_array_equal(nearest, nearest_rows(X, 400)[0][:300])  # the nearest first


@pytest.mark.parametrize("d", [1, 40])
def test_the_memory_of_an_approximate_search_is_bounded(d, rng, monkeypatch):
    pytest.importorskip("faiss")
    n = 8_000
    X = rng.normal(size=(n, d))
    monkeypatch.setattr(_approximate, "_BLOCK_ENTRIES", 2**15)
    tracemalloc.start()
    _approximate.nearest_nearly(X, 3, lambda share: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * n * 8 / 2  # half of the sample's distances to all rows


def test_many_samples_are_searched_for_approximately_and_few_exactly(rng, monkeypatch):
    X = rng.normal(size=(400, 5))
    # A search of 100,000 rows takes minutes; what it is asked for is seen at once.
    monkeypatch.setattr(_neighbors, "_MANY_ROWS", 300)
    monkeypatch.setattr(_approximate, "is_installed", lambda: True)
    asked = []
    monkeypatch.setattr(
        _approximate,
        "nearest_nearly",
        lambda X, k, progress: asked.append(len(X)) or (nearest_rows(X, k)[0], 0.95),
    )

    def recall(X, **settings):
        return neighbors(X, 3, **settings, return_recall=True)[1]

    assert recall(X[:300]) is None
    assert recall(X, approximate=False) is None
    assert not asked
    assert recall(X) == 0.95
    # 300 of one group exactly, and 400 of another not.
    group = np.repeat([0, 1], [300, 400])
    mixed = recall(np.concatenate([X[:300], X]), within=group)
    assert mixed == pytest.approx((300 + 0.95 * 400) / 700)
    assert asked == [400, 400]


@pytest.mark.parametrize("approximate", ["hnsw", "no", 0, 0.99])
def test_a_search_is_approximate_or_not(approximate):
    with pytest.raises(InputError, match="approximate"):
        neighbors(np.eye(3), 1, approximate=approximate)


def test_without_the_extra_a_search_among_many_samples_is_exact_and_warns(rng, monkeypatch):
    X = rng.normal(size=(400, 5))
    monkeypatch.setattr(_neighbors, "_MANY_ROWS", 300)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.warns(DataWarning, match=r"400 samples.*drlim\[ann\]"):
        assert neighbors(X, 3) == by_brute_force(X, 3)
    assert neighbors(X, 3, approximate=False) == by_brute_force(X, 3)  # and no warning
    with pytest.raises(MissingExtraError, match=r"drlim\[ann\]"):
        neighbors(X, 3, approximate=True)


def test_the_recall_of_a_graph_works_for_one_release_and_warns(monkeypatch):
    monkeypatch.setattr(_neighbors, "nearest_rows", lambda X, k, *_: (nearest_rows(X, k)[0], 0.95))
    graph, recall = neighbors(np.eye(4), 2, return_recall=True)
    assert recall == 0.95
    with pytest.warns(FutureWarning, match="return_recall=True"):
        assert graph.recall == 0.95
    with pytest.warns(FutureWarning, match="return_recall=True"):
        assert (graph & graph).recall is None


def test_the_representation_of_a_graph_has_the_form_of_its_constructor():
    assert repr(from_edges([(0, 1)], 2)) == "SimilarityGraph(<1 edges>, n_samples=2)"


# Mutual neighbours between groups.


@few
@given(st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_mutual_neighbours_are_among_the_nearest_of_each_other_in_the_other_group(k, seed, parted):
    rng = np.random.default_rng(seed)
    X, group, part = rng.normal(size=(24, 2)), rng.permutation(np.arange(24) % 3), np.arange(24) % 2
    distance = np.linalg.norm(X[:, None] - X, axis=2)
    expected = np.zeros((24, 24), bool)
    for i, j in itertools.combinations(range(24), 2):
        here, there = group == group[i], group == group[j]
        if parted:
            here, there = here & (part == part[i]), there & (part == part[j])
        if group[i] == group[j] or (parted and part[i] != part[j]):
            continue
        near = (distance[i, there] < distance[i, j]).sum() < k
        back = (distance[j, here] < distance[i, j]).sum() < k
        expected[i, j] = expected[j, i] = near and back
    shares = []
    within = part if parted else None
    graph = mutual_neighbors(X, group, k, within=within, progress=shares.append)
    np.testing.assert_array_equal(matrix(graph), expected)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    moved = mutual_neighbors(X * 1e200 + 1e200, group, k, within=within)
    assert moved.n_samples == 24


def test_mutual_neighbours_need_two_groups():
    for groups in (["a"] * 4, ["a", "b"]):
        with pytest.raises(InputError, match="groups"):
            mutual_neighbors(np.eye(4), groups, 1)


# Relations.

factors = st.lists(st.integers(-3, 9), max_size=12)


@few
@given(factors)
def test_same_joins_equal_values(factor):
    factor = np.array(factor, int)
    np.testing.assert_array_equal(
        matrix(same(factor)), (factor[:, None] == factor) & ~np.eye(len(factor), dtype=bool)
    )
    assert copies(factor) == same(factor) == same(factor.astype(str)) == same(factor / 7)


@few
@given(factors, st.integers(1, 4), st.none() | st.integers(5, 8))
def test_adjacent_joins_values_no_farther_than_a_step(factor, step, period):
    factor = np.array(factor, int)
    gap = np.abs(factor[:, None] - factor)
    if period is not None:
        gap = np.minimum(gap % period, -gap % period)
    expected = (gap > 0) & (gap <= step)
    graph = adjacent(factor, step, period=period, most_steps=1)
    np.testing.assert_array_equal(matrix(graph), expected)


@few
@given(factors, st.integers(1, 3), st.none() | st.integers(5, 16), st.integers(1, 4))
def test_a_gap_is_bridged_from_the_nearest_value_on_either_side(factor, step, period, most_steps):
    factor = np.array(factor, int)
    gap = factor - factor[:, None]
    if period is not None:
        gap = gap % period
    above = np.where(gap > 0, gap, 10**6)
    nearest = above == above.min(axis=1, initial=10**6, keepdims=True)
    widest = most_steps * step if period is None else min(most_steps * step, period / 2)
    bridged = (gap > 0) & nearest & (gap <= widest)
    around = np.abs(gap) if period is None else np.minimum(gap, -gap % period)
    expected = (around > 0) & (around <= step) | bridged | bridged.T
    graph = adjacent(factor, step, period=period, most_steps=most_steps)
    np.testing.assert_array_equal(matrix(graph), expected)


@pytest.mark.parametrize("turns", [0.0, 1.0, -3.0])
def test_missing_values_do_not_cut_a_ring(turns, rng):
    azimuth = np.delete(np.arange(0, 360, 5.0), [0, 7, 8, 30, 31, 32, 33])
    azimuth[::2] += 360 * turns
    graph = adjacent(azimuth, 5, period=360)
    assert (graph.degree == 2).all()
    assert set(graph.components) == {0}
    assert len(set(adjacent(azimuth, 5, period=360, most_steps=1).components)) == 3


def test_a_gap_wider_than_the_most_steps_stays_open():
    assert adjacent([0, 1, 6], 1).n_edges == 2
    assert adjacent([0, 1, 7], 1).n_edges == 1
    assert adjacent([0, 1, 7], 1, most_steps=6).n_edges == 2
    # The longer way around a circle is no neighbourhood.
    assert adjacent([0, 60, 120], 60, period=360).n_edges == 2


def test_what_is_present_is_decided_within_a_group():
    azimuth, thing = np.array([0, 5, 10, 0, 10, 40]), np.array([0, 0, 0, 1, 1, 1])
    assert adjacent(azimuth, 5, within=thing).edges.tolist() == [[0, 1], [1, 2], [3, 4]]
    within = adjacent(azimuth, 5, within=thing, most_steps=1)
    assert within == adjacent(azimuth, 5, most_steps=1) & same(thing)


@few
@given(st.lists(st.integers(-40, 40), min_size=1, max_size=12), st.integers(1, 4))
@example([0, 0, 0, 0, 0, 2, 11, 18, -18, 19], 3)
def test_near_values_are_equal_or_among_the_nearest_of_one_of_the_two(factor, n_values):
    factor = np.array(factor) ** 3 / 7  # without two at one distance, but for their signs
    values = np.unique(factor)
    gap = np.abs(values[:, None] - values)
    reach = np.sort(gap, axis=1)[:, min(n_values, len(values) - 1)]
    near = gap <= np.maximum(reach[:, None], reach)
    strictly = gap < np.maximum(reach[:, None], reach)
    place = np.searchsorted(values, factor)
    found = matrix(near_values(factor, n_values)) | np.eye(len(factor), dtype=bool)
    assert not (found & ~near[np.ix_(place, place)]).any()  # of equally near ones, some may miss
    assert not (strictly[np.ix_(place, place)] & ~found).any()
    above = np.abs(factor)  # without ties, which rounding breaks one way or the other
    assert near_values(3 * above - 5, n_values).n_edges == near_values(above, n_values).n_edges


def test_near_values_close_around_a_period_and_stay_within_a_group():
    angle = np.array([0.5, 100.0, 355.0, 720.5, 110.0])
    assert near_values(angle, 1, period=360).edges.tolist() == [[0, 2], [0, 3], [1, 4], [2, 3]]
    site = np.array([0, 0, 0, 1, 1])
    assert near_values(angle, 1, within=site).edges.tolist() == [[0, 1], [1, 2], [3, 4]]
    assert near_values([1.5, 1.5]).n_edges == 1
    assert near_values([1.5]).n_edges == 0


@pytest.mark.parametrize(("n", "n_values"), [(8, 2), (30, 5), (400, 20), (4000, 50)])
def test_near_values_are_a_twentieth_between_five_and_fifty(n, n_values, rng):
    factor = rng.uniform(size=n)
    assert near_values(factor) == near_values(factor, n_values)


def test_a_cyclic_factor_closes():
    azimuth = [0, 20, 40, 320, 340]
    assert adjacent(azimuth, 20).edges.tolist() == [[0, 1], [1, 2], [3, 4]]
    closed = adjacent(azimuth, 20, period=360)
    assert closed.edges.tolist() == [[0, 1], [0, 4], [1, 2], [3, 4]]
    assert closed == adjacent(np.array(azimuth) + 360 * np.arange(5), 20, period=360)


def test_a_step_reaches_its_own_length_in_spite_of_rounding():
    assert adjacent(np.arange(10) * 0.1, 0.1).n_edges == 9
    assert adjacent(np.arange(10, dtype=np.uint8)[::-1], 1).n_edges == 9


def test_a_table_of_pairs_is_read_pair_by_pair():
    assert pairs([3, 0, 0], [1, 2, 2], n_samples=4).edges.tolist() == [[0, 2], [1, 3]]
    assert pairs([], [], n_samples=4) == SimilarityGraph.empty(4)


n_azimuths, n_elevations, n_lightings = 18, 9, 6
azimuth, elevation, lighting = (
    factor.ravel() for factor in np.indices((n_azimuths, n_elevations, n_lightings))
)


@pytest.mark.parametrize(
    ("graph", "degree"),
    [
        (same(azimuth), n_elevations * n_lightings - 1),
        (same(azimuth) & same(elevation), n_lightings - 1),
        (adjacent(azimuth * 20, 20, period=360), 2 * n_elevations * n_lightings),
        (adjacent(azimuth * 20, 40, period=360), 4 * n_elevations * n_lightings),
        (adjacent(elevation * 5, 5), (1 + np.isin(elevation, range(1, 8))) * 18 * 6),
        (copies(np.arange(972) // 5), np.where(np.arange(972) < 970, 4, 1)),
        (pairs(np.arange(971), np.arange(1, 972), 972), 1 + np.isin(np.arange(972), range(1, 971))),
    ],
)
def test_every_relation_has_its_expected_degree(graph, degree):
    np.testing.assert_array_equal(graph.degree, np.broadcast_to(degree, 972))


def test_the_rule_for_the_airplane_ignores_the_lighting():
    turned = adjacent(azimuth * 20, 20, period=360) & same(elevation)
    tilted = adjacent(30 + elevation * 5, 5) & same(azimuth)
    graph = turned | tilted | (same(azimuth) & same(elevation))
    # 2 azimuths beside it and 2 elevations (1 at either end), each in 6 lightings; and the other
    # 5 lightings of its own pose.
    at_an_end = np.isin(elevation, [0, 8])
    np.testing.assert_array_equal(graph.degree, np.where(at_an_end, 12 + 6 + 5, 12 + 12 + 5))
    assert set(graph.components) == {0}
    relit = np.argsort(lighting, kind="stable")  # which lighting is which makes no difference
    assert graph.restrict(relit).n_edges == graph.n_edges


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda: same([[0, 1]]), r"\(1, 2\)"),
        (lambda: same([0.0, np.nan]), "NaN"),
        (lambda: adjacent(["a", "b"], 1), "<U1"),
        (lambda: adjacent([True, False], 1), "bool"),
        (lambda: adjacent([0.0, np.inf], 1), "finite"),
        (lambda: adjacent([0, 1], 0), "step is 0"),
        (lambda: adjacent([0, 1], np.nan), "step is nan"),
        (lambda: adjacent([0, 1], 2, period=2), "period is 2"),
        (lambda: near_values(["a", "b"]), "<U1"),
        (lambda: near_values([0.5, 1.5], 0), "n_values is 0"),
        (lambda: near_values([0.5, 1.5], period=0), "period is 0"),
        (lambda: adjacent([0, 1], 1, most_steps=0), "most_steps is 0"),
        (lambda: adjacent([0, 1], 1, within=[0]), r"\(1,\)"),
        (lambda: pairs([0, 1], [1, 1], 2), "sample 1"),
        (lambda: pairs([0], [1, 2], 3), r"\(1,\) .*\(2,\)"),
        (lambda: pairs([0], [3], 3), "row 3"),
    ],
)
def test_factors_and_tables_that_make_no_relation_are_refused(use, message):
    with pytest.raises(InputError, match=message):
        use()


# Copies of every sample.


@few
@given(graphs, st.integers(1, 4))
def test_copies_are_similar_to_each_other_and_to_all_copies_of_what_is_similar(graph, n_copies):
    copied = graph.copied(n_copies)
    assert copied.n_samples == N * n_copies
    original = np.arange(N * n_copies) % N
    left, right = np.triu_indices(N * n_copies, 1)
    alike = graph.has(original[left], original[right]) | (original[left] == original[right])
    np.testing.assert_array_equal(copied.has(left, right), alike)
    assert copied.restrict(np.arange(N)) == graph


@few
@given(graphs)
def test_copying_once_changes_nothing_and_copying_twice_is_copying_more(graph):
    assert graph.copied(1) == graph
    assert graph.copied(2).copied(3) == graph.copied(6)


@pytest.mark.parametrize("n_copies", [0, -1, 1.5, "2", None])
def test_a_number_of_copies_is_a_whole_one(n_copies):
    with pytest.raises(InputError, match="n_copies"):
        SimilarityGraph.empty(2).copied(n_copies)


# Graphs of groups, whose edges are not written out.

groupings = st.lists(st.integers(0, 3), min_size=N, max_size=N)


@few
@given(groupings, groupings, edge_lists, st.permutations(range(N)), st.integers(0, N))
def test_a_graph_of_groups_is_what_its_edges_are(y, other, edges, order, n_kept):
    def kept_apart():  # anew each time, so that nothing is written out before it is asked for
        return same(y)

    written = from_edges([(i, j) for i in range(N) for j in range(i) if y[i] == y[j]], N)
    assert written.groups is None
    grouped = kept_apart()
    assert grouped.n_edges == written.n_edges
    np.testing.assert_array_equal(grouped.degree, written.degree)
    np.testing.assert_array_equal(grouped.components, written.components)
    np.testing.assert_array_equal(kept_apart().edges, written.edges)
    np.testing.assert_array_equal(kept_apart().edges_at(np.arange(written.n_edges)), written.edges)
    np.testing.assert_array_equal(written.edges_at(np.arange(written.n_edges)), written.edges)
    left, right = np.indices((N, N))
    np.testing.assert_array_equal(grouped.has(left, right), written.has(left, right))
    np.testing.assert_array_equal(grouped.place(left, right), written.place(left, right))
    assert grouped.restrict(order[:n_kept]) == written.restrict(order[:n_kept])
    assert grouped.copied(3) == written.copied(3)
    assert "_keys" not in vars(grouped)
    assert grouped == written == kept_apart()
    assert hash(grouped) == hash(written)
    np.testing.assert_array_equal(matrix(kept_apart()), matrix(written))
    for second in (same(other), from_edges(edges, N), SimilarityGraph.empty(N)):
        plain = from_edges(second.edges, N)
        for sign in ("__or__", "__and__", "__sub__", "__matmul__"):
            expected = getattr(written, sign)(plain)
            assert getattr(kept_apart(), sign)(second) == expected
            expected = getattr(plain, sign)(written)
            assert getattr(second, sign)(kept_apart()) == expected
        assert (kept_apart() == second) == (written == plain)


def test_groups_have_the_same_numbers_whatever_their_values_are_called():
    assert same(["b", "a", "b", "c"]).groups.tolist() == [0, 1, 0, 2]
    assert same([7, 9, 7, 8]) == same(["x", "a", "x", "b"])
    with pytest.raises(ValueError, match="read-only"):
        same([1, 1]).groups[0] = 1


def test_a_relation_of_large_classes_costs_no_memory_for_its_edges(rng):
    y, lamp = rng.integers(0, 10, (2, 60_000))
    tracemalloc.start()
    graph = same(y)
    both = graph & same(lamp)
    assert 170e6 < graph.n_edges < 190e6
    assert 0.09 < both.n_edges / graph.n_edges < 0.11
    assert graph.restrict(np.arange(0, 60_000, 2)).degree.max() < 3_300
    assert graph.copied(2).has(0, 60_000)
    left, right = graph.edges_at(rng.integers(0, graph.n_edges, 100)).T
    assert (y[left] == y[right]).all()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6


def test_many_edges_are_written_out_with_a_warning(monkeypatch):
    monkeypatch.setattr(_graph, "_MANY_EDGES", 2)
    monkeypatch.setattr(_graph, "_BLOCK_EDGES", 2)
    assert same([1, 1, 2, 2]).edges.tolist() == [[0, 1], [2, 3]]
    with pytest.warns(DataWarning, match="3 edges"):
        edges = same([1, 1, 1]).edges
    assert edges.tolist() == [[0, 1], [0, 2], [1, 2]]


@pytest.mark.parametrize("places", [[3], [-1], [0.5], ["a"]])
def test_a_place_at_which_no_edge_stands_is_refused(places):
    with pytest.raises(InputError, match="places"):
        same([1, 1, 1]).edges_at(places)
