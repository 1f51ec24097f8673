"""The same samples give the same points, from any format and dtype that holds them."""

import numpy as np
import pandas as pd
import pytest
import zarr
from hypothesis import HealthCheck, given, settings, strategies as st

from drlim import DrLIM
from drlim.datasets import read

NAMES = ["a", "b", "c"]
# Whole numbers up to 100, so that every dtype holds them.
SAMPLES = np.random.default_rng(0).integers(0, 100, size=(24, 3))
DTYPES = ["u1", "i2", "u4", "i8", "f2", "f4", "f8", ">f4", ">i4"]


@pytest.fixture(scope="module")
def map_():
    frame = pd.DataFrame(SAMPLES.astype(float), columns=NAMES)
    return DrLIM(network="linear", max_epochs=1, random_state=0).fit(frame)


def _csv(folder, X):
    pd.DataFrame(X.astype(X.dtype.newbyteorder("=")), columns=NAMES).to_csv(
        folder / "x.csv", index=False
    )
    return folder / "x.csv"


def _parquet(folder, X):
    X = X.astype(X.dtype.newbyteorder("="))
    pd.DataFrame(X, columns=NAMES).to_parquet(folder / "x.parquet", index=False)
    return folder / "x.parquet"


def _npy(folder, X):
    np.save(folder / "x.npy", X)
    return folder / "x.npy"


def _npz(folder, X):
    np.savez(folder / "x.npz", X=X)
    return folder / "x.npz"


def _zarr(folder, X):
    zarr.create_array(str(folder / "x.zarr"), data=X, overwrite=True)
    return folder / "x.zarr"


FORMATS = {"csv": _csv, "parquet": _parquet, "npy": _npy, "npz": _npz, "zarr": _zarr}


@pytest.mark.fault("C2")
@pytest.mark.filterwarnings("ignore::drlim.DataWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS)
def test_a_table_gives_the_same_points_in_any_format_and_dtype(write, dtype, map_, tmp_path):
    data = read(write(tmp_path, SAMPLES.astype(dtype)))
    np.testing.assert_allclose(map_.transform(data.X), map_.embedding_, rtol=1e-5, atol=1e-5)


@pytest.mark.fault("B2")
@pytest.mark.filterwarnings("ignore::drlim.DataWarning")
@given(order=st.permutations(range(3)), rows=st.permutations(range(24)))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_in_any_order_give_the_same_points(ending, order, rows, map_, tmp_path):
    frame = pd.DataFrame(SAMPLES.astype(float), columns=NAMES).iloc[list(rows), list(order)]
    path = tmp_path / f"x.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    data = read(path, columns=NAMES)
    np.testing.assert_allclose(map_.transform(data.X), map_.embedding_[list(rows)], rtol=1e-6)
