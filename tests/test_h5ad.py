"""AnnData files: X or a layer, dense or sparse, with the columns of obs as factors."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp

from drlim import FileError, InputError, MissingExtraError
from drlim.datasets import blocks, read
from drlim.declaration import Declaration, read_data

COUNTS = np.arange(60).reshape(20, 3) % 7 * (np.arange(60).reshape(20, 3) % 2)
CELLS = [f"cell-{n}" for n in range(20)]
GENES = ["ABC1", "DEF2", "GHI3"]


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py")


@pytest.fixture
def write(h5py, tmp_path):
    """Write a file in the layout of anndata 0.8 and newer."""

    def write(encoding="array", **more):
        path = tmp_path / "cells.h5ad"
        text = h5py.string_dtype()
        with h5py.File(path, "w") as file:
            place(file, "X", COUNTS.astype(np.float32), encoding)
            place(file, "layers/counts", COUNTS.astype(np.int32) + 100, "array")
            file["obsm/X_pca"] = np.zeros((20, 2))
            for name, index in (("obs", CELLS), ("var", GENES)):
                group = file.create_group(name)
                group.attrs["_index"] = "_index"
                group.create_dataset("_index", data=more.get(name, index), dtype=text)
            file["obs/n_counts"] = COUNTS.sum(axis=1)
            file["obs/batch/categories"] = np.array(["a", "b"], text)
            file["obs/batch/codes"] = np.arange(20, dtype=np.int8) % 2
            file["obs/type/categories"] = np.array(["T", "B"], text)
            file["obs/type/codes"] = np.where(np.arange(20) == 3, -1, 0).astype(np.int8)
            file["obs/odd/values"] = np.zeros(20)
        return path

    return write


def place(file, name, X, encoding):
    if encoding == "array":
        file[name] = X
        return
    X = {"csr_matrix": sp.csr_array, "csc_matrix": sp.csc_array}.get(encoding, sp.csr_array)(X)
    group = file.create_group(name)
    group.attrs["encoding-type"] = encoding
    group.attrs["shape"] = X.shape
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(X, part)


@pytest.mark.parametrize("encoding", ["array", "csr_matrix", "csc_matrix"])
def test_x_is_read_with_its_names_and_the_columns_of_obs(write, encoding):
    said = []
    data = read(write(encoding), say=said.append)
    np.testing.assert_array_equal(data.X, COUNTS)
    assert data.X.dtype == np.float32
    assert data.names.tolist() == CELLS
    assert list(data.feature_names) == GENES
    assert data.factors["batch"].tolist() == ["a", "b"] * 10
    np.testing.assert_array_equal(data.factors["n_counts"], COUNTS.sum(axis=1))
    assert data.factors["type"].tolist()[2:5] == ["T", None, "T"]
    left_out = "\n".join(data.left_out)
    assert all(part in left_out for part in ("layers/counts", "obsm/X_pca", "obs/odd"))
    assert any("left out" in line for line in said)


@pytest.mark.parametrize("encoding", ["array", "csr_matrix", "csc_matrix"])
def test_it_is_read_slice_by_slice(write, encoding):
    read_ = list(blocks(write(encoding), rows=6, say=lambda line: None))
    assert [len(X) for X, _ in read_] == [6, 6, 6, 2]
    np.testing.assert_array_equal(np.concatenate([X for X, _ in read_]), COUNTS)
    assert np.concatenate([names for _, names in read_]).tolist() == CELLS


def test_a_layer_takes_the_place_of_x(write):
    path = write("csr_matrix")
    declaration = Declaration(data={"path": path, "layer": "counts"}, keep=["type"])
    data = read_data(declaration, say=lambda line: None)
    np.testing.assert_array_equal(data.X, COUNTS + 100)
    with pytest.raises(InputError, match=r"data\.layer.*'count'.*counts"):
        read_data(Declaration(data={"path": path, "layer": "count"}, keep=["type"]))


def test_a_layer_belongs_to_such_a_file_only(tmp_path):
    np.save(tmp_path / "X.npy", np.eye(3))
    with pytest.raises(InputError, match="layer"):
        read(tmp_path / "X.npy", layer="counts")


def test_names_of_features_that_are_not_unique_are_left_out_with_a_line(write):
    said = []
    data = read(write(var=["A", "A", "B"]), say=said.append)
    assert data.feature_names == ()
    assert any("not unique" in line for line in said)


def test_a_file_without_x_or_of_another_kind_is_refused(write, h5py, tmp_path):
    path = write()
    with h5py.File(path, "a") as file:
        del file["X"]
    with pytest.raises(InputError, match="counts"):
        read(path)
    with pytest.raises(FileError, match="'other'"):
        read(write("other"))
    with h5py.File(path, "w") as file:
        file["matrix"] = np.eye(3)
    with pytest.raises(FileError, match="matrix"):
        read(path)
    path.write_bytes(b"no HDF5")
    with pytest.raises(FileError, match=r"cells\.h5ad"):
        read(path)


def test_the_missing_package_is_named_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "cells.h5ad").write_bytes(b"")
    with pytest.raises(MissingExtraError, match=r"drlim\[h5ad\]"):
        read(tmp_path / "cells.h5ad")
