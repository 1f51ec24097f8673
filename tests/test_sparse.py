"""Sparse samples: the same graph and map as of their dense array, never dense as a whole."""

import numpy as np
import pytest
import scipy.sparse as sp

from drlim import DrLIM, InputError
from drlim._sparse import SparseRows
from drlim.graphs import neighbors

X = sp.random(300, 40, 0.1, format="csr", random_state=0, dtype=np.float32)
QUICK = {"max_epochs": 2, "random_state": 0}


@pytest.fixture
def largest(monkeypatch):
    """The largest number of rows that were dense at once."""
    seen = [0]
    for kind in (sp.csr_array, sp.csr_matrix, sp.csc_array, sp.csc_matrix, sp.coo_array):
        dense = kind.toarray

        def toarray(self, *args, dense=dense, **kwargs):
            seen.append(self.shape[0] * (self.shape[1] == X.shape[1]))
            return dense(self, *args, **kwargs)

        monkeypatch.setattr(kind, "toarray", toarray)
        if hasattr(kind, "todense"):
            monkeypatch.setattr(kind, "todense", toarray)
    return lambda: max(seen)


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_array, sp.lil_matrix])
@pytest.mark.parametrize("y", [None, np.arange(300) % 3])
def test_a_map_of_sparse_samples_is_that_of_the_dense_ones_to_the_bit(kind, y):
    dense = X.toarray()
    expected = DrLIM(**QUICK).fit(dense, y)
    map_ = DrLIM(**QUICK).fit(kind(X), y)
    np.testing.assert_array_equal(map_.embedding_, expected.embedding_)
    assert map_.graph_ == expected.graph_
    np.testing.assert_array_equal(map_.transform(kind(X[:50])), expected.transform(dense[:50]))
    np.testing.assert_array_equal(map_.transform(dense), map_.embedding_)


def test_sparse_columns_get_a_unit_each_where_they_have_several():
    units = X @ sp.diags_array(np.logspace(-3, 3, 40))
    expected = DrLIM(**QUICK).fit(units.toarray())
    map_ = DrLIM(**QUICK).fit(units)
    assert map_.scaling_.scale == "each"
    assert map_.graph_ == expected.graph_
    np.testing.assert_array_equal(map_.embedding_, expected.embedding_)


def test_sparse_samples_are_never_dense_as_a_whole(largest, monkeypatch):
    monkeypatch.setattr("drlim._applying._BLOCK_NUMBERS", 50 * X.shape[1])
    monkeypatch.setattr("drlim._applying._ROWS", 64)
    monkeypatch.setattr("drlim._assembling._MOST_FOR_COMPONENTS", 100)
    monkeypatch.setattr("drlim.graphs._of_sparse._BLOCK_ENTRIES", 10 * 300)
    map_ = DrLIM(batch_size=16, n_neighbors=3, **QUICK).fit(X)
    map_.transform(X)
    assert 0 < largest() < 150


def test_a_training_of_sparse_samples_is_resumed_with_the_same_samples_only(tmp_path):
    y = np.arange(300) % 3
    DrLIM(**QUICK).fit(X, y, checkpoint=tmp_path)
    again = DrLIM(**QUICK).fit(X.copy(), y, checkpoint=tmp_path, resume=True)
    np.testing.assert_array_equal(again.embedding_, DrLIM(**QUICK).fit(X, y).embedding_)
    with pytest.raises(InputError):
        DrLIM(**QUICK).fit(2 * X, y, checkpoint=tmp_path, resume=True)


@pytest.mark.parametrize("within", [None, np.arange(300) % 2])
def test_neighbours_of_sparse_samples_are_those_of_the_dense_ones(within):
    shares = []
    found = neighbors(X, 4, within=within, progress=shares.append)
    assert found == neighbors(X.toarray(), 4, within=within)
    assert shares == sorted(shares)
    assert neighbors(X.astype(float) * 1e300, 4, within=within) == found


def test_equal_sparse_rows_are_taken_in_their_order():
    same = sp.csr_array(np.ones((6, 2)))
    assert neighbors(same, 2) == neighbors(np.ones((6, 2)), 2)


def test_sparse_samples_that_cannot_be_compared_are_refused():
    for values, words in (([[np.nan, 1], [0, 2]], "finite"), ([[1j, 1], [0, 2]], "complex")):
        with pytest.raises(InputError, match=words):
            neighbors(sp.csr_array(np.array(values)), 1)
    with pytest.raises(InputError, match="n_neighbors is 300"):
        neighbors(X, 300)
    with pytest.raises(InputError, match="approximate"):
        neighbors(X, 3, approximate=True)


def test_sparse_rows_are_the_rows_of_their_array():
    rows, dense = SparseRows(X), X.toarray()
    assert (rows.shape, rows.size, len(rows), rows.dtype) == (
        dense.shape,
        dense.size,
        300,
        dense.dtype,
    )
    for index in (slice(3, 9), np.array([5, 2, 5]), [7]):
        np.testing.assert_array_equal(rows[index], dense[index])
    np.testing.assert_array_equal(rows.some([4, 1])[:], dense[[4, 1]])
