"""Whatever array comes in: an error of drlim's own or finite numbers of the right shape.

Never a change of what came in. Arrays are small and of every kind that people have: of no, one, two
or three samples, all equal, of one feature, tiny or huge, narrow, strided, read-only, on disk.
"""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from drlim import DataWarning, DrLIM, DrlimError, SimilarityGraph, TrainingWarning
from drlim.evaluation import invariance, quality, verification
from drlim.graphs import neighbors
from drlim.losses import global_loss
from drlim.pairs import PairSampler

few = settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

KINDS = ("<f8", ">f8", "f4", "f2", "i8", ">i4", "u1", "i1", "u8", "?")
LAYOUTS = {
    "as it is": lambda X: X,
    "Fortran order": np.asfortranarray,
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every other feature": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "transposed": lambda X: X.T.copy().T,
    "unaligned": lambda X: (
        np.frombuffer(b"x" + X.tobytes(), np.uint8)[1:].view(X.dtype).reshape(X.shape)
    ),
}


@st.composite
def samples(draw, least=0):
    """An array of samples, read-only, and how it came about."""
    n = draw(st.sampled_from([k for k in (0, 1, 2, 3, 7, 40) if k >= least]))
    d = draw(st.sampled_from([1, 2, 5]))
    X = np.random.default_rng(draw(st.integers(0, 9))).normal(size=(n, d))
    if draw(st.booleans()):
        X[:, 0] = 1  # a constant feature
    if draw(st.integers(0, 3)) == 0:
        X[:] = X[:1]  # all samples equal
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    scale = draw(st.sampled_from([1.0, 1e-30, 1e30]))
    if kind.kind in "iub":
        X = np.rint(3 * np.abs(X)).astype(kind)
    else:
        largest = float(np.finfo(kind).max) / 16
        X = np.clip(X * scale, -largest, largest).astype(kind)
    X = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](X)
    X.flags.writeable = False
    return X


@pytest.fixture(autouse=True)
def _what_drlim_warns_of():
    """Equal samples and a map that collapses are said; nothing else may be."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        warnings.simplefilter("ignore", TrainingWarning)
        yield


def finite(call, *arrays):
    """Return what a call gives, or None for an error of drlim's; what goes in stays as it is."""
    before = [array.tobytes() for array in arrays]
    try:
        return call()
    except DrlimError:
        return None
    finally:
        assert [array.tobytes() for array in arrays] == before


def learnt(X, n_neighbors=1):
    map_ = DrLIM(n_neighbors=n_neighbors, max_epochs=1, network="linear", random_state=0)
    return map_.fit(X)


@few
@given(X=samples(), n_neighbors=st.sampled_from([1, 2, 3, 39]))
def test_a_map_is_finite_or_there_is_none(X, n_neighbors):
    map_ = finite(lambda: learnt(X, n_neighbors), X)
    assert (map_ is None) == (len(X) < 2 or n_neighbors >= len(X))
    if map_ is not None:
        assert map_.embedding_.shape == (len(X), 2)
        assert np.isfinite(map_.embedding_).all()
        Z = finite(lambda: map_.transform(X), X)
        np.testing.assert_array_equal(Z, map_.embedding_)


@few
@given(X=samples(), other=samples())
def test_other_samples_have_finite_points_or_none(X, other):
    map_ = finite(lambda: learnt(X), X)
    if map_ is None:
        return
    Z = finite(lambda: map_.transform(other), other)
    largest = np.abs(X.astype(float)).max()
    alike = other.shape[1:] == X.shape[1:] and len(other) > 0
    if alike and largest > 1e-35 and np.abs(other.astype(float)).max() <= largest:
        # Nothing of that size is refused, unless all that was learnt from was one sample.
        # Samples that differ by less than any float's square count as equal.
        assert Z is not None or not (np.ptp(X.astype(float), axis=0) > 1e-150).any()
    if Z is not None:
        assert Z.shape == (len(other), 2)
        assert np.isfinite(Z).all()


@few
@given(X=samples(), n_neighbors=st.sampled_from([1, 2, 3, 6, 39, 40]))
def test_each_sample_has_its_nearest_neighbours_or_there_are_too_few(X, n_neighbors):
    graph = finite(lambda: neighbors(X, n_neighbors), X)
    assert (graph is None) == (n_neighbors >= len(X))
    if graph is not None:
        assert graph.n_samples == len(X)
        assert graph.degree.min() >= n_neighbors


@few
@given(Z=samples(), margin=st.sampled_from([1.0, 1e-30, 1e30]))
def test_a_global_loss_is_that_of_all_pairs_one_by_one(Z, margin):
    graph = SimilarityGraph.from_edges(np.arange(len(Z) // 2 * 2).reshape(-1, 2), len(Z))
    loss = finite(lambda: global_loss(Z, graph, margin), Z)
    largest = np.abs(Z.astype(float)).max(initial=0)
    assert (loss is None) == (largest * max(1, 1 / margin) > 1e150)
    if loss is None:
        return
    left, right = np.triu_indices(len(Z), 1)
    distance = np.sqrt(np.square(Z[left].astype(float) - Z[right].astype(float)).sum(axis=1))
    similar = graph.has(left, right)
    near = distance[similar] ** 2 / 2
    apart = np.maximum(margin - distance[~similar], 0) ** 2 / 2
    assert loss.attraction == pytest.approx(sum(near), rel=1e-9)
    assert loss.repulsion == pytest.approx(sum(apart), rel=1e-6, abs=1e-9 * margin**2)


@few
@given(
    n=st.sampled_from([0, 1, 2, 3, 9]),
    n_edges=st.integers(0, 9),
    batch_size=st.sampled_from([1, 2, 100]),
    n_copies=st.sampled_from([1, 2]),
    seed=st.integers(0, 9),
)
def test_every_edge_is_drawn_once_whatever_the_graph(n, n_edges, batch_size, n_copies, seed):
    edges = np.random.default_rng(seed).integers(0, max(n, 1), (n_edges if n else 0, 2))
    graph = SimilarityGraph.from_edges(edges, n)
    sampler = finite(lambda: PairSampler(graph, batch_size, n_copies=n_copies), edges)
    assert (sampler is None) == (n == 0)
    if sampler is not None:
        batches = list(sampler.epoch(seed))
        assert {int(i) for batch in batches for i in batch.points} == set(range(n))
        for batch in batches:
            assert np.isfinite(batch.weight).all()
            assert len(batch.weight) == len(batch.points) * (len(batch.points) - 1) // 2


MEASURES = {
    "trustworthiness": (lambda Z: quality.trustworthiness(Z, Z, 1), (0, 1)),
    "continuity": (lambda Z: quality.continuity(Z, Z, 1), (0, 1)),
    "preservation": (lambda Z: quality.neighborhood_preservation(Z, Z, 1), (0, 1)),
    "accuracy": (lambda Z: quality.leave_one_out_accuracy(Z, np.arange(len(Z)) % 2, 1), (0, 1)),
    "orbit ratio": (lambda Z: invariance.orbit_ratio(Z, np.arange(len(Z)) // 2), (0, np.inf)),
    "evenness": (quality.evenness, (0, np.inf)),
    "precision": (
        lambda Z: verification.mean_average_precision(Z, np.arange(len(Z)) % 2),
        (0, 1),
    ),
    "equal error": (
        lambda Z: verification.equal_error_rate(Z, np.arange(len(Z)) % 2, random_state=0).value,
        (0, 1),
    ),
}


@pytest.mark.parametrize("name", sorted(MEASURES))
@few
@given(Z=samples())
def test_a_measure_is_in_its_range_or_there_is_none(name, Z):
    measure, (low, high) = MEASURES[name]
    value = finite(lambda: measure(Z), Z)
    if value is not None:
        assert isinstance(value, float)
        # Not a number is what is documented for a map that is one point, or spans no area.
        degenerate = name in ("orbit ratio", "evenness")
        assert low <= value <= high or (degenerate and np.isnan(value))


@pytest.mark.parametrize("kind", ["f4", ">f8", "u1", "f2"])
@pytest.mark.parametrize("shape", [(40, 3), (12, 28, 28)])
def test_a_read_only_file_is_learnt_from_and_mapped_without_a_word(kind, shape, tmp_path, rng):
    np.save(tmp_path / "X.npy", rng.integers(0, 99, shape).astype(kind))
    before = (tmp_path / "X.npy").read_bytes()
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    map_ = DrLIM(max_epochs=1, random_state=0).fit(X)
    assert np.isfinite(map_.transform(X)).all()
    assert neighbors(X, 5) == map_.graph_
    assert (tmp_path / "X.npy").read_bytes() == before
