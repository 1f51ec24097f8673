"""A user's data: every kind is read in order, what is wrong is named, and nothing is half done."""

import io
import json
import os
import pickle
import struct
import sys
import tracemalloc
import warnings
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse
import zarr
from PIL import Image, features

from drlim import Dataset, DataWarning, FileError, InputError, MissingExtraError
from drlim._progress import Pace
from drlim.datasets import blocks, read, read_table, write_points
from drlim.datasets.readers import _convert, _csv, _reader
from drlim.transforms import shifted_copies


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """Nothing is converted into the cache of the user who runs the tests."""
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "converted"


@pytest.fixture
def folder(tmp_path):
    """Names that people use: with spaces and accents."""
    folder = tmp_path / "my data é 漢"
    folder.mkdir()
    return folder


def save_image(path, pixels, mode=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(pixels))
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def image_folder(folder, rng, names=("b/2.png", "b/10.png", "a/x y.png"), shape=(5, 4)):
    pixels = {name: rng.integers(0, 256, shape).astype(np.uint8) for name in names}
    for name, values in pixels.items():
        save_image(folder / name, values)
    return pixels


def streamed(path, **options):
    got = list(blocks(path, **options))
    return np.concatenate([X for X, _ in got]), [
        name for _, names in got if names is not None for name in names
    ]


# Every kind


def save_npy(path, X):
    np.save(path, X)


def npy(X):
    file = io.BytesIO()
    np.save(file, X)
    return file.getvalue()


def save_npz(path, X):
    np.savez_compressed(path, X)


def save_zarr(path, X):
    zarr.create_array(str(path), data=X, chunks=(7, *X.shape[1:]))


def save_csv(path, X):
    rows = [",".join(f"f{j}" for j in range(X.shape[1]))]
    rows += [",".join(repr(float(value)) for value in row) for row in X]
    path.write_text("\n".join(rows) + "\n")


def save_parquet(path, X):
    pq.write_table(pa.table({f"f{j}": X[:, j] for j in range(X.shape[1])}), path, row_group_size=9)


SAVERS = {
    ".npy": save_npy,
    ".npz": save_npz,
    ".zarr": save_zarr,
    ".csv": save_csv,
    ".parquet": save_parquet,
}


@pytest.mark.parametrize("ending", SAVERS)
def test_every_kind_gives_back_the_samples_in_order_whole_and_in_blocks(ending, folder, rng):
    X, path = rng.normal(size=(50, 3)), folder / f"the samples{ending}"
    SAVERS[ending](path, X)
    data = read(path)
    np.testing.assert_array_equal(data.X, X)
    assert data.X.dtype == X.dtype
    assert (data.name, data.origin) == (path.name, str(path))
    for rows in (1, 8, 4096):
        got = [block for block, names in blocks(path, rows=rows)]
        assert max(map(len, got)) <= rows
        np.testing.assert_array_equal(np.concatenate(got), X)


@pytest.mark.parametrize("ending", [".npy", ".npz", ".zarr"])
@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "?", ">f8"])
def test_an_array_keeps_its_values_and_its_type_in_the_order_of_this_machine(
    ending, dtype, folder, rng
):
    X, path = rng.integers(0, 2, (20, 4, 3)).astype(dtype), folder / f"X{ending}"
    SAVERS[ending](path, X)
    for got in (read(path).X, streamed(path)[0]):
        np.testing.assert_array_equal(got, X)
        assert got.dtype == X.dtype.newbyteorder("=")
        assert got.dtype.isnative


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_an_array_in_the_order_of_fortran_is_read_by_rows(ending, folder, rng):
    X = np.asfortranarray(rng.normal(size=(20, 4)))
    SAVERS[ending](folder / f"X{ending}", X)
    data = read(folder / f"X{ending}")
    np.testing.assert_array_equal(data.X, X)
    assert data.X.flags.c_contiguous
    np.testing.assert_array_equal(streamed(folder / f"X{ending}", rows=3)[0], X)


def test_an_npy_is_mapped_and_not_loaded(folder):
    np.save(folder / "X.npy", np.zeros((10, 2)))
    assert isinstance(read(folder / "X.npy").X, np.memmap)


def test_a_stream_holds_no_more_than_its_blocks(folder, monkeypatch):
    monkeypatch.setattr(_reader, "SLICE_BYTES", 1 << 16)
    X = np.zeros((2000, 40, 25))  # 16 MB
    np.savez_compressed(folder / "X.npz", X)
    save_zarr(folder / "X.zarr", X)
    pq.write_table(pa.table({f"f{j}": X[:, j, 0] for j in range(40)}), folder / "X.parquet")
    for path in folder.iterdir():
        for _ in blocks(path):  # the modules it needs are loaded
            break
        tracemalloc.start()
        assert sum(len(block) for block, _ in blocks(path)) == 2000
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4e6, path


def test_large_samples_come_in_smaller_blocks(folder, monkeypatch):
    monkeypatch.setattr(_reader, "SLICE_BYTES", 100)
    np.save(folder / "X.npy", np.zeros((10, 5)))
    assert [len(X) for X, _ in blocks(folder / "X.npy")] == [2] * 5


@pytest.mark.parametrize("name", ["X.txt", "X", "X.h5", "X.npyy"])
def test_an_unknown_ending_is_answered_with_what_is_known(name, folder):
    (folder / name).write_text("1 2 3")
    with pytest.raises(InputError, match=r"known: .csv, .h5ad, .npy, .npz, .*.zarr.*folders"):
        read(folder / name)


@pytest.mark.parametrize("ending", ["", *SAVERS])
def test_a_missing_file_is_named(ending, folder):
    with pytest.raises(FileError, match="my data é 漢/nothing"):
        read(folder / f"nothing{ending}")


@pytest.mark.parametrize("ending", SAVERS)
@pytest.mark.parametrize("damage", ["empty", "page", "half"])
def test_a_damaged_file_is_named(ending, damage, folder, rng):
    path = folder / f"X{ending}"
    if ending == ".zarr":
        SAVERS[ending](path, rng.normal(size=(50, 3)))
        victim = path / ("zarr.json" if damage != "half" else "c/3/0")
    else:
        SAVERS[ending](path, rng.normal(size=(50, 3)))
        victim = path
    content = victim.read_bytes()
    html = b'<!doctype html><html lang="en"><p>Not found, "sorry\n'
    victim.write_bytes({"empty": b"", "page": html, "half": content[: len(content) // 2]}[damage])
    if (ending, damage) == (".csv", "half"):
        victim.write_bytes(content[: content.rindex(b",")])  # the last row is short
    with pytest.raises((FileError, InputError)) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("X", "says"),
    [
        (np.array(["a", "b"]), "type <U1"),
        (np.zeros((3, 2), complex), "type complex128"),
        (np.zeros(5), r"\(n_samples, 1\)"),
        (np.zeros(()), "n_samples"),
        (np.zeros((0, 4)), "no samples"),
        (np.zeros((4, 0)), "no samples"),
        (np.array([[{}]], object), "nothing is unpickled"),
    ],
)
@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_an_array_that_cannot_be_samples_is_refused(X, says, ending, folder):
    SAVERS[ending](folder / f"X{ending}", X)
    with pytest.raises((FileError, InputError), match=says):
        read(folder / f"X{ending}")


class Bomb:
    """Unpickling this would make a folder."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("ending", [".npy", ".npz"])
def test_nothing_is_unpickled(ending, folder):
    SAVERS[ending](folder / f"X{ending}", np.array([[Bomb(folder / "harm")]], object))
    with pytest.raises(FileError, match="unpickled"):
        read(folder / f"X{ending}")
    assert not (folder / "harm").exists()


@pytest.mark.parametrize(
    "place",
    [
        {"filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]},
        {"filters": [{"id": "vlen-utf8"}], "compressor": {"id": "pickle"}},
    ],
)
def test_a_zarr_codec_that_unpickles_is_refused(place, folder):
    group = zarr.open_group(str(folder / "d.zarr"), mode="w", zarr_format=2)
    group.create_array("X", data=np.ones((4, 2)))
    group.create_array("label", data=np.arange(4))
    described = json.loads((folder / "d.zarr/label/.zarray").read_text())
    described |= {"dtype": "|O", "fill_value": "", "compressor": None, **place}
    (folder / "d.zarr/label/.zarray").write_text(json.dumps(described))
    (folder / "d.zarr/label/0").write_bytes(pickle.dumps(Bomb(folder / "harm")))
    with pytest.raises(FileError, match="holds pickled objects"):
        read(folder / "d.zarr")
    assert not (folder / "harm").exists()


def test_names_in_a_zarr_group_are_text(folder):
    group = zarr.open_group(str(folder / "d.zarr"), mode="w", zarr_format=2)
    group.create_array("X", data=np.ones((2, 2)))
    group.create_array("label", data=np.array(["a", "bc"]))
    assert read(folder / "d.zarr").factors["label"].tolist() == ["a", "bc"]


# Several arrays in one file


def test_an_npz_has_its_samples_in_x_and_its_factors_beside_it(folder, rng):
    X, label = rng.normal(size=(6, 2, 2)), np.array([b"a", b"b"] * 3)
    np.savez(folder / "d.npz", label=label, X=X, angle=np.arange(6), other=np.eye(6), n=6)
    with pytest.warns(DataWarning, match="other.*n: "):
        data = read(folder / "d.npz")
    np.testing.assert_array_equal(data.X, X)
    assert {name: v.tolist() for name, v in data.factors.items()} == {
        "label": ["a", "b"] * 3,
        "angle": list(range(6)),
    }


def test_a_zarr_group_is_read_as_an_npz_is(folder, rng):
    X = rng.normal(size=(6, 2))
    group = zarr.open_group(str(folder / "d.zarr"), mode="w")
    group.create_array("X", data=X)
    group.create_array("angle", data=np.arange(6))
    group.create_array("short", data=np.arange(5))
    with pytest.warns(DataWarning, match="short"):
        data = read(folder / "d.zarr")
    np.testing.assert_array_equal(data.X, X)
    assert {name: v.tolist() for name, v in data.factors.items()} == {"angle": list(range(6))}


@pytest.mark.fault("B6")
@pytest.mark.parametrize("kind", ["npz", "zarr"])
def test_an_array_that_is_no_factor_is_named_with_the_reason(kind, folder):
    arrays = {
        "X": np.eye(4),
        "column": np.arange(4).reshape(4, 1),
        "row": np.array([["a", "b", "a", "b"]]),
        "day": np.array(["2024-01-01", "2024-01-02"] * 2, "M8[D]"),
        "short": np.arange(3),
        "table": np.ones((4, 2)),
        "wave": np.ones(4, complex),
    }
    if kind == "npz":
        arrays["pose"] = np.array(["a", "b", None, "c"], dtype=object)
        np.savez(folder / "d.npz", **arrays)
    else:
        group = zarr.open_group(str(folder / "d.zarr"), mode="w", zarr_format=2)
        for name, values in arrays.items():
            group.create_array(name, data=values)
    with pytest.warns(DataWarning, match="left out"):
        data = read(folder / f"d.{kind}")
    assert data.factors["column"].tolist() == [0, 1, 2, 3]
    assert data.factors["row"].tolist() == ["a", "b", "a", "b"]
    assert data.factors["day"].tolist() == ["2024-01-01", "2024-01-02"] * 2
    left_out = {"short", "table", "wave"} | ({"pose"} if kind == "npz" else set())
    assert {line.split(":")[0] for line in data.left_out} == left_out
    assert data.subset([1, 2]).left_out == data.left_out
    with pytest.raises(InputError, match=r"no factor 'short'.*\(3,\).*4 samples"):
        data.factor("short")
    said = []
    read(folder / f"d.{kind}", say=said.append)
    assert [line for line in said if "short" in line]


def test_the_only_array_of_two_dimensions_needs_no_name(folder):
    np.savez(folder / "d.npz", pixels=np.eye(3), label=np.arange(3))
    assert read(folder / "d.npz").X.shape == (3, 3)


def test_two_arrays_that_could_be_the_samples_are_not_guessed_between(folder):
    np.savez(folder / "d.npz", train=np.eye(3), test=np.eye(3))
    with pytest.raises(InputError, match="train, test"):
        read(folder / "d.npz")
    zarr.open_group(str(folder / "d.zarr"), mode="w")
    with pytest.raises(InputError, match="none"):
        read(folder / "d.zarr")


def test_a_sparse_matrix_is_answered_with_what_to_do(folder):
    scipy.sparse.save_npz(folder / "s.npz", scipy.sparse.eye_array(5, format="csr"))
    with pytest.raises(InputError, match=r"TruncatedSVD.*toarray"):
        read(folder / "s.npz")


def test_an_npz_that_promises_more_than_it_holds_takes_no_memory(folder):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 10)}
    )
    with zipfile.ZipFile(folder / "d.npz", "w") as archive:
        archive.writestr("X.npy", header.getvalue())
    with pytest.raises(FileError, match="promises the shape"):
        read(folder / "d.npz")


# Tables


def test_columns_of_numbers_are_features_and_the_others_factors(folder):
    table = pa.table(
        {
            "a": pa.array([1.5, 2], pa.float32()),
            "kind": ["x", "y"],
            "b": pa.array([3, 4], pa.int16()),
            "is_new": [True, False],
            "tool": pa.array(["p", "q"]).dictionary_encode(),
            "day": pa.array([0, 1], pa.date32()),
            "list": [[1], [2]],
        }
    )
    pq.write_table(table, folder / "t.parquet")
    with pytest.warns(DataWarning, match="list"):
        data = read(folder / "t.parquet")
    assert data.feature_names == ("a", "b")
    assert data.X.tolist() == [[1.5, 3], [2, 4]]
    assert data.X.dtype == np.float32
    assert {name: values.tolist() for name, values in data.factors.items()} == {
        "kind": ["x", "y"],
        "is_new": [True, False],
        "tool": ["p", "q"],
        "day": ["1970-01-01", "1970-01-02"],
    }


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        (pa.float16(), np.float32),
        (pa.float32(), np.float32),
        (pa.float64(), np.float64),
        (pa.uint8(), np.float32),
        (pa.int64(), np.float64),
        (pa.decimal128(12, 2), np.float64),
    ],
)
def test_features_have_the_precision_that_their_columns_need(kind, dtype, folder):
    values = (
        pa.array(np.array([1, 2], np.float16))
        if kind == pa.float16()
        else pa.array([1, 2], pa.int32())
    )
    pq.write_table(pa.table({"a": values.cast(kind)}), folder / "t.parquet")
    X = read(folder / "t.parquet").X
    assert X.dtype == dtype
    assert X.tolist() == [[1], [2]]


def test_named_columns_are_the_features_in_this_order_and_the_others_factors(folder):
    (folder / "t.csv").write_text("a,b,c,ok\n1,2,3,true\n4,5,6,false\n")
    data = read(folder / "t.csv", columns=["c", "ok", "a"])
    assert data.X.tolist() == [[3, 1, 1], [6, 0, 4]]
    assert {name: values.tolist() for name, values in data.factors.items()} == {"b": [2, 5]}
    assert streamed(folder / "t.csv", columns=["c", "a"])[0].tolist() == [[3, 1], [6, 4]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (["heigth"], "did you mean 'height'"),
        (["species"], "'species'.*features are numbers"),
        (["height", "height"], "different"),
        ("height", "give a list"),
        ([], "give a list"),
    ],
)
def test_columns_that_cannot_be_features_are_refused(columns, says, folder):
    (folder / "t.csv").write_text("height,species\n1,cat\n")
    with pytest.raises(InputError, match=says):
        read(folder / "t.csv", columns=columns)


@pytest.mark.parametrize(
    ("line", "value"), [("3,,x", "nothing"), ("3,NaN,x", "nothing"), ("3,inf,x", "inf")]
)
def test_a_missing_feature_is_named_by_column_and_row(line, value, folder, monkeypatch):
    monkeypatch.setattr(_csv, "_BYTES", 64)
    (folder / "t.csv").write_text("a,b,c\n" + "1,2.5,x\n" * 40 + line + "\n")
    with pytest.raises(InputError, match=f"{value} in the column 'b', row 40"):
        read(folder / "t.csv")
    with pytest.raises(InputError, match="row 40"):
        list(blocks(folder / "t.csv", rows=7))


def test_a_missing_feature_of_a_parquet_file_is_named_too(folder):
    pq.write_table(pa.table({"a": [1, 2, 3], "b": [1, None, 3]}), folder / "t.parquet")
    with pytest.raises(InputError, match="column 'b', row 1 "):
        read(folder / "t.parquet")


SPOILT = ["<LOD", "#DIV/0!", "-", "5%", '"1,5"', "\N{MINUS SIGN}3", "1 200", "n.d.", "3O"]


@pytest.mark.fault("B3")
@pytest.mark.parametrize("cell", SPOILT)
def test_a_cell_that_spoils_a_column_of_numbers_is_named(cell, folder):
    rows = [f"{i},{i / 2},k{i % 2}" for i in range(20)]
    rows[7] = f"7,{cell},k1"
    (folder / "t.csv").write_text("a,b,kind\n" + "\n".join(rows), "utf-8")
    with pytest.raises(InputError, match=r"'b'.*row 7.*19 numbers") as caught:
        read(folder / "t.csv")
    assert repr(cell.strip('"')) in str(caught.value)
    with pytest.raises(InputError, match=r"'b'.*row 7"):
        read(folder / "t.csv", columns=["a", "b"])
    said = []
    data = read(folder / "t.csv", factor_columns=["b"], say=said.append)
    assert data.feature_names == ("a",)
    assert any("'b' is read as text" in line for line in said) == (cell != "3O")


@pytest.mark.fault("B5")
def test_an_index_and_a_category_of_a_table_are_no_features(folder):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": [1.0, 2, 3], "lamp": pd.Categorical([3, 1, 3])})
    frame.index = [5, 7, 8]
    frame.to_parquet(folder / "t.parquet")
    frame.set_index(pd.Index([5, 7, 8], name="specimen")).to_parquet(folder / "named.parquet")
    frame[["x"]].to_csv(folder / "t.csv")
    with pytest.warns(DataWarning, match="index"):
        data = read(folder / "t.parquet")
    assert data.feature_names == ("x",)
    assert data.factors["lamp"].tolist() == [3, 1, 3]
    assert "__index_level_0__" in data.left_out[0]
    named = read(folder / "named.parquet")
    assert (named.feature_names, named.factors["specimen"].tolist()) == (("x",), [5, 7, 8])
    with pytest.warns(DataWarning, match="Unnamed: 0"):
        assert read(folder / "t.csv").feature_names == ("x",)


@pytest.mark.fault("B5")
def test_the_features_that_are_taken_are_listed_and_named_factors_are_not_among_them(folder):
    (folder / "t.csv").write_text("a,b,lamp,kind\n1,2,0,x\n3,4,1,y\n")
    said = []
    data = read(folder / "t.csv", factor_columns=["lamp"], say=said.append)
    assert data.feature_names == ("a", "b")
    assert data.factors["lamp"].tolist() == [0, 1]
    assert any("2 features: a, b; not features: lamp, kind" in line for line in said)


@pytest.mark.fault("B7")
def test_a_first_line_of_numbers_is_doubted(folder):
    (folder / "t.csv").write_text("400,402.5\n1,2\n3,4\n")
    with pytest.warns(DataWarning, match=r"400, 402.5.*header=False"):
        data = read(folder / "t.csv")
    assert (data.feature_names, len(data)) == (("400", "402.5"), 2)
    assert read(folder / "t.csv", header=True).X.tolist() == [[1, 2], [3, 4]]
    data = read(folder / "t.csv", header=False)
    assert (data.feature_names, len(data)) == (("column1", "column2"), 3)
    (folder / "twice.csv").write_text("1,1\n2,3\n")
    with pytest.raises(InputError, match=r"header=False"):
        read(folder / "twice.csv")


FORMS = {
    "semicolons and decimal commas": ("x;y;k\n1,5;2;a\n-3,25;4;b\n", "utf-8"),
    "tabs": ("x\ty\tk\n1.5\t2\ta\n-3.25\t4\tb\n", "utf-8"),
    "a line of the separator": ("sep=;\nx;y;k\n1.5;2;a\n-3.25;4;b\n", "utf-8"),
    "comments": ("# by hand\n# twice, I think\nx,y,k\n1.5,2,a\n-3.25,4,b\n", "utf-8"),
    "utf-16": ("x,y,k\n1.5,2,a\n-3.25,4,b\n", "utf-16"),
    "lines of windows": ("x,y,k\r\n1.5,2,a\r\n-3.25,4,b\r\n", "utf-8-sig"),
    "commas at the ends of rows": ("x,y,k\n1.5,2,a,\n-3.25,4,b,\n", "utf-8"),
    "commas at the ends of lines": ("x,y,k,\n1.5,2,a,\n-3.25,4,b,\n", "utf-8"),
}


@pytest.mark.fault("D")
@pytest.mark.parametrize("form", FORMS)
def test_a_csv_file_is_read_in_the_form_it_shows(form, folder):
    text, encoding = FORMS[form]
    (folder / "t.csv").write_bytes(text.encode(encoding))
    data = read(folder / "t.csv", say=lambda line: None)
    assert data.X.tolist() == [[1.5, 2], [-3.25, 4]]
    assert data.feature_names == ("x", "y")
    assert {name: v.tolist() for name, v in data.factors.items()} == {"k": ["a", "b"]}


@pytest.mark.fault("D")
def test_a_csv_file_that_can_be_read_in_two_ways_is_refused_with_the_option(folder):
    path = folder / "t.csv"
    path.write_text("x;y\n1,234;1\n5,678;2\n")
    with pytest.raises(InputError, match=r"'1,234'.*decimal=','"):
        read(path)
    assert read(path, decimal=",").X.tolist() == [[1.234, 1], [5.678, 2]]
    path.write_bytes("x,größe\n1,2\n3,4\n".encode("latin-1"))
    with pytest.raises(FileError, match=r"line 1.*größe.*--encoding latin-1"):
        read(path)
    assert read(path, encoding="latin-1").feature_names == ("x", "größe")
    path.write_text("x;y|z\n1;2|3\n4;5|6\n")
    with pytest.raises(InputError, match="--delimiter"):
        read(path)
    path.write_text("x,y\nr1,1,2\nr2,3,4\n")
    with pytest.raises(FileError, match=r"2 columns.*3 values"):
        read(path)


@pytest.mark.fault("D")
@pytest.mark.parametrize("option", [{"delimiter": "ab"}, {"decimal": ";"}, {"encoding": "utf-9"}])
def test_a_form_that_no_csv_file_has_is_refused(option, folder):
    (folder / "t.csv").write_text("x\n1\n2\n")
    with pytest.raises(InputError, match=next(iter(option))):
        read(folder / "t.csv", **option)


def test_what_a_csv_column_is_does_not_hang_on_its_first_lines(folder, monkeypatch):
    monkeypatch.setattr(_csv, "_BYTES", 64)
    lines = ["1,1,true,1,"] * 50 + ["2,2.5,false,two,", "3,3,yes,3,"]
    (folder / "t.csv").write_text("int,float,truth,text,none\n" + "\n".join(lines))
    table = read_table(folder / "t.csv")
    assert {name: values.dtype.kind for name, values in table.items()} == {
        "int": "i",
        "float": "f",
        "truth": "U",
        "text": "U",
        "none": "U",
    }
    assert table["int"].tolist() == [1] * 50 + [2, 3]
    assert table["float"][-2:].tolist() == [2.5, 3]
    assert table["text"][-3:].tolist() == ["1", "two", "3"]


@pytest.mark.fault("D")
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("comment", ["# run 2", "  #", "# a, b, c, d, e", "#;;"])
def test_comment_lines_among_the_rows_of_a_table_are_skipped_and_counted(sign, comment, folder):
    rows = ["u,v,w,kind", "1,2.5,3,a", "4,5,6,b", "7,8,9,a"]
    rows = [row.replace(",", sign) for row in rows]
    comment = comment.replace(",", ";") if sign != ";" else comment.replace(";", ",")
    (folder / "t.csv").write_text("\n".join([*rows[:2], comment, rows[2], comment, rows[3]]))
    said = []
    data = read(folder / "t.csv", say=said.append)
    assert data.X.tolist() == [[1, 2.5, 3], [4, 5, 6], [7, 8, 9]]
    assert data.factors["kind"].tolist() == ["a", "b", "a"]
    assert sum("2 comment lines" in line for line in said) == 1
    X, _ = streamed(folder / "t.csv", rows=2, say=said.append)
    np.testing.assert_array_equal(X, data.X)


@pytest.mark.fault("D")
def test_messages_list_what_is_there(folder):
    (folder / "spectra.csv").write_text("name,kind\na,b\n")
    with pytest.raises(InputError, match=r"no column of numbers.*name \(text\), kind \(text\)"):
        read(folder / "spectra.csv")
    with pytest.raises(FileError, match=r"spectrum.csv is not there.*spectra.csv"):
        read(folder / "spectrum.csv")
    with pytest.raises(FileError, match=r"x.npz is not there.*has spectra.csv"):
        read(folder / "deeper" / "x.npz")


@pytest.mark.fault("D")
def test_a_line_with_too_few_values_is_no_comment(folder):
    (folder / "t.csv").write_text("u,v\n1,2\nnote: here it rained\n3,4\n")
    with pytest.raises(FileError, match="rained"):
        read(folder / "t.csv")


def test_a_large_csv_file_is_parsed_again_and_gives_the_same(folder, monkeypatch, rng):
    X = rng.normal(size=(50, 3))
    save_csv(folder / "t.csv", X)
    monkeypatch.setattr(_csv, "_KEPT_BYTES", 100)
    np.testing.assert_array_equal(read(folder / "t.csv", columns=["f2", "f0"]).X, X[:, [2, 0]])


def test_a_table_gives_integers_floats_truth_values_and_text(folder):
    columns = {
        "n": [1, -2],
        "x": [0.5, 2.0],
        "ok": [True, False],
        "text": ["a, b", 'say "é"\nhere'],
        "gap": [1, None],
        "note": ["", "NA"],
    }
    pq.write_table(pa.table(columns), folder / "t.parquet")
    (folder / "t.csv").write_text(
        '\ufeffn,x,ok,text,gap,note\n1, 0.5 ,true,"a, b",1,\n-2,2,False,"say ""é""\nhere",,NA\n',
        encoding="utf-8",
    )
    for ending in ("csv", "parquet"):
        table = read_table(folder / f"t.{ending}")
        assert list(table) == list(columns)
        assert [table[name].dtype.kind for name in table] == list("ifbUfU")
        assert table["n"].dtype == np.int64
        np.testing.assert_array_equal(table["gap"], [1, np.nan])
        for name in ("n", "x", "ok", "text", "note"):
            assert table[name].tolist() == columns[name]


def test_a_value_of_several_lines_may_lie_anywhere(folder, monkeypatch):
    monkeypatch.setattr(_csv, "_BYTES", 64)
    lines = [f'{i},"first\nsecond {i}"' for i in range(30)]
    (folder / "t.csv").write_text("n,text\n" + "\n".join(lines))
    table = read_table(folder / "t.csv")
    assert table["n"].tolist() == list(range(30))
    assert table["text"].tolist() == [f"first\nsecond {i}" for i in range(30)]


def test_a_name_of_digits_stays_as_it_is_written(folder):
    (folder / "t.csv").write_text("name,n\n007,1\n08,2\n")
    assert read_table(folder / "t.csv")["name"].tolist() == [7, 8]
    assert read_table(folder / "t.csv", text=["name"])["name"].tolist() == ["007", "08"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b,a\n1,2,3\n", "two columns called 'a'"),
        ("a,b\n1\n", "Expected 2 columns"),
        ('ok\ntrue\n""\n', "nothing in the column 'ok', row 1"),
        ("", "no columns"),
    ],
)
def test_a_table_that_cannot_be_read_is_named_with_what_is_wrong(content, says, folder):
    (folder / "t.csv").write_text(content)
    with pytest.raises((FileError, InputError), match=says):
        read_table(folder / "t.csv")


def test_a_table_in_another_encoding_or_with_another_ending_is_refused(folder):
    (folder / "t.csv").write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(FileError, match="utf-8"):
        read_table(folder / "t.csv")
    (folder / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"ends in '.xlsx'.*\.csv or \.parquet"):
        read_table(folder / "t.xlsx")


def test_a_table_without_numbers_has_no_samples(folder):
    (folder / "t.csv").write_text("a,b\nx,y\n")
    with pytest.raises(InputError, match=r"t\.csv"):
        read(folder / "t.csv")


# Factors


@pytest.fixture
def four(folder):
    np.save(folder / "X.npy", np.arange(8.0).reshape(4, 2))
    return folder / "X.npy"


def test_factors_are_joined_by_row_from_a_table_or_a_mapping(four, folder):
    (folder / "f.csv").write_text("light,angle\nsun,20\nlamp,40\nsun,60\nlamp,80\n")
    from_file = read(four, factors=folder / "f.csv")
    from_mapping = read(four, factors=read_table(folder / "f.csv"))
    for data in (from_file, from_mapping):
        assert data.factors["light"].tolist() == ["sun", "lamp", "sun", "lamp"]
        assert data.factors["angle"].tolist() == [20, 40, 60, 80]


def test_a_table_of_another_length_is_refused_with_both_counts(four):
    with pytest.raises(InputError, match=r"3 rows.*4 samples"):
        read(four, factors={"light": np.arange(3)})


@pytest.mark.fault("B13")
@pytest.mark.parametrize("value", ["NA", "NaN", "None", "", " ", "NaT", None, np.nan])
def test_an_unknown_value_of_text_is_no_class_of_its_own(four, value):
    values = np.array(["a", "b", value, "a"], dtype=object if value is None else None)
    with pytest.warns(DataWarning, match="'light' has 1 unknown value.*row 2.*None"):
        data = read(four, factors={"light": values})
    assert data.factors["light"].tolist() == ["a", "b", None, "a"]
    with pytest.raises(InputError, match=r"'light' has no value in row 2"):
        data.split(by="light")


@pytest.mark.fault("B13")
def test_unknown_numbers_and_dates_of_a_table_are_counted(folder):
    day = pa.array(["2024-01-01", None, "2024-01-03"])
    table = {"x": [1.0, 2, 3], "day": day, "dose": ["1", "2", "NA"]}
    pq.write_table(pa.table(table), folder / "t.parquet")
    (folder / "f.csv").write_text("age\n1\nNA\n3\n")
    said = []
    data = read(folder / "t.parquet", factors=folder / "f.csv", say=said.append)
    assert data.factors["day"].tolist() == ["2024-01-01", None, "2024-01-03"]
    assert data.factors["dose"].tolist() == ["1", "2", None]
    assert np.isnan(data.factors["age"]).tolist() == [False, True, False]
    assert sum("1 unknown" in line for line in said) == 3


def test_a_factor_has_one_value_a_sample(four):
    with pytest.raises(InputError, match="one value"):
        read(four, factors={"light": np.zeros((4, 2))})


def test_factors_are_joined_by_the_names_of_images_however_they_are_ordered(folder, rng):
    image_folder(folder, rng)
    (folder / "f.csv").write_text("angle,file\n20,b/10.png\n40,a/x y.png\n60,./b/2.png\n")
    data = read(folder, factors=folder / "f.csv", by="file")
    assert data.names.tolist() == ["a/x y.png", "b/2.png", "b/10.png"]
    assert data.factors["angle"].tolist() == [40, 60, 20]
    assert data.factors["class"].tolist() == ["a", "b", "b"]
    assert "file" not in data.factors


@pytest.mark.parametrize("written", ["{0}/{1}.png", "{0}/{1}", "{1}.png", "{1}"])
def test_a_table_may_leave_out_the_folder_and_the_ending(written, folder, rng):
    image_folder(folder, rng, ["a/007.png", "b/08.png"])
    lines = [written.format("b", "08") + ",8", written.format("a", "007") + ",7"]
    (folder / "f.csv").write_text("file,n\n" + "\n".join(lines))
    assert read(folder, factors=folder / "f.csv", by="file").factors["n"].tolist() == [7, 8]


@pytest.mark.fault("B4")
@pytest.mark.parametrize("written", ["{0}/{1}.png", "{1}.png", "{1}"])
def test_a_table_that_names_the_images_is_joined_by_the_names_and_never_by_row(
    written, folder, rng
):
    image_folder(folder / "i", rng, ("a/1.png", "a/2.png", "b/3.png"))
    files = [written.format(*parts) for parts in (("b", "n3"), ("a", "n1"), ("a", "n2"))]
    for n, old in ((1, "a/1.png"), (2, "a/2.png"), (3, "b/3.png")):
        (folder / "i" / old).rename(folder / "i" / old.replace(str(n), f"n{n}"))
    rows = [f"{light},{file}" for file, light in zip(files, (3, 1, 2), strict=True)]
    (folder / "t.csv").write_text("light,photo\n" + "\n".join(rows))
    said = []
    data = read(folder / "i", factors=folder / "t.csv", say=said.append)
    assert data.factors["light"].tolist() == [1, 2, 3]
    assert any("'photo' names the samples" in line for line in said)
    (folder / "t.csv").write_text("light,photo\n" + "\n".join([*rows[:2], "2,other.png"]))
    with pytest.raises(InputError, match="n2"):
        read(folder / "i", factors=folder / "t.csv", say=said.append)


def test_an_accent_is_the_same_letter_however_it_is_written(folder, rng):
    image_folder(folder, rng, ["caf\u00e9.png"])
    data = read(
        folder, factors={"file": np.array(["cafe\u0301.png"]), "n": np.array([1])}, by="file"
    )
    assert data.factors["n"].tolist() == [1]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["a/1.png", "a/2.png"], "no row.*'b/1.png'"),
        (["a/1.png", "a/2.png", "b/1.png", "2.png"], "several rows.*'2.png'"),
        (["1.png", "a/2.png", "b/1.png"], "'1.png'.*a/1.png, b/1.png"),
    ],
)  # fmt: skip
def test_rows_and_samples_that_do_not_fit_are_named(files, says, folder, rng):
    image_folder(folder, rng, ["a/1.png", "a/2.png", "b/1.png"])
    table = {"file": np.array(files), "n": np.arange(len(files))}
    with pytest.raises(InputError, match=says):
        read(folder, factors=table, by="file")


@pytest.mark.fault("D")
def test_rows_of_a_table_that_are_of_no_sample_are_counted(folder, rng):
    image_folder(folder, rng, ["1.png", "2.png"])
    table = {"file": np.array(["x", "2", "y.png", "1"]), "n": np.arange(4)}
    with pytest.warns(DataWarning, match=r"2 of its 4 rows.*not used: 'x', 'y.png'"):
        data = read(folder, factors=table, by="file")
    assert data.factors["n"].tolist() == [3, 1]


@pytest.mark.fault("D")
@pytest.mark.parametrize("by", ["file", None])
def test_select_keeps_only_the_samples_that_the_table_lists(by, folder, rng):
    pixels = image_folder(folder, rng, ["a/1.png", "a/2.png", "b/3.png", "b/4.png"])
    (folder / "b/3.png").write_bytes(b"")
    table = {"file": np.array(["4", "3", "1"]), "n": np.array([40, 30, 10])}
    with pytest.raises(InputError, match=r"no row.*'a/2.png'.*select"):
        read(folder, factors=table, by="file", skip_bad=True)
    said = []
    data = read(folder, factors=table, by=by, skip_bad=True, select=True, say=said.append)
    assert data.names.tolist() == ["a/1.png", "b/4.png"]
    assert data.factors["n"].tolist() == [10, 40]
    assert data.factors["class"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(data.X, [pixels["a/1.png"], pixels["b/4.png"]])
    assert any("does not list 1 samples, left out: a/2.png" in line for line in said)
    assert data.left_out == ("samples: 1 that the table of factors does not list",)
    with pytest.raises(InputError, match="'x'"):
        read(folder, factors={"f": np.array(["x"])}, by="f", select=True, skip_bad=True)


@pytest.mark.fault("D")
def test_select_needs_a_table_with_names(four, folder, rng):
    with pytest.raises(InputError, match="select"):
        read(four, select=True)
    with pytest.raises(InputError, match=r"select.*light.*by"):
        read(four, factors={"light": np.arange(4)}, select=True)


@pytest.mark.fault("D")
@pytest.mark.parametrize(
    "files",
    [
        ["faces/b/Ann_02.png", "faces/a/bob_1.png"],
        ["/home/me/faces/b/Ann_02.png", "/home/me/faces/a/bob_1.png"],
        ["b\\Ann_02.png", ".\\a\\bob_1.png"],
        ["C:\\me\\faces\\b\\Ann_02.png", "faces\\a\\bob_1"],
        ["b/ann_02.PNG", "A/Bob_1.png"],
        ["ANN_02", "BOB_1"],
        ["Ann_2.png", "bob_001"],
        ["b/Ann_002.png ", "a/bob_01.png"],
    ],
)
@pytest.mark.parametrize("by", ["file", None])
def test_names_written_otherwise_are_matched_where_one_sample_alone_can_be_meant(
    files, by, folder, rng
):
    image_folder(folder / "faces", rng, ["a/bob_1.png", "b/Ann_02.png"])
    said = []
    (folder / "t.csv").write_text("file,n\n" + "\n".join(f"{f},{i}" for i, f in enumerate(files)))
    if by is None and not set(files) & {"b/Ann_02.png", "a/bob_1.png"}:
        by = "file"  # without it, half of the names must be as they are
    data = read(folder / "faces", factors=folder / "t.csv", by=by, say=said.append)
    assert data.factors["n"].tolist() == [1, 0]
    assert any("otherwise" in line and repr(files[0]) in line for line in said)


@pytest.mark.fault("D")
def test_a_name_that_fits_several_samples_is_not_guessed_and_the_nearest_row_is_shown(folder, rng):
    image_folder(folder, rng, ["2.png", "02.png", "c.png"])
    table = {"file": np.array(["002", "2", "02", "c"]), "n": np.arange(4)}
    with pytest.warns(DataWarning, match="'002'"):
        assert read(folder, factors=table, by="file").factors["n"].tolist() == [2, 1, 3]
    table = {"file": np.array(["002", "c"]), "n": np.arange(2)}
    with pytest.raises(InputError, match="'002', which matches several"):
        read(folder, factors=table, by="file")
    table = {"file": np.array(["2", "02", "see.png", "cc.png"]), "n": np.arange(4)}
    with pytest.raises(InputError, match=r"no row.*'c.png'.*nearest.*'cc.png'"):
        read(folder, factors=table, by="file")
    table["file"][2:] = ["dog", "cow"]
    with pytest.raises(InputError, match=r"no row.*'c.png'.*'dog', 'cow'"):
        read(folder, factors=table, by="file")


@pytest.mark.fault("B4")
@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
@pytest.mark.parametrize("column", ["id", "specimen"])
def test_a_table_that_shares_a_naming_column_is_joined_by_it(kind, column, folder):
    ids, X = np.array(["s1", "s2", "s3"]), np.arange(6.0).reshape(3, 2)
    if kind == "npz":
        np.savez(folder / "x.npz", X=X, id=ids)
    elif kind == "parquet":
        pq.write_table(pa.table({"id": ids, "u": X[:, 0], "v": X[:, 1]}), folder / "x.parquet")
    else:
        (folder / "x.csv").write_text("id,u,v\ns1,0,1\ns2,2,3\ns3,4,5\n")
    (folder / "t.csv").write_text(f"light,{column}\n30,s3\n10,s1\n20,s2\n")
    with pytest.warns(DataWarning, match=repr(column)):
        data = read(folder / f"x.{kind}", factors=folder / "t.csv")
    assert data.factors["light"].tolist() == [10, 20, 30]
    np.testing.assert_array_equal(data.X, X)
    table = {column: ids[[2, 0, 1]], "light": np.array([30, 10, 20])}
    with pytest.warns(DataWarning, match=repr(column)):
        data = read(folder / f"x.{kind}", factors=table)
    assert data.factors["light"].tolist() == [10, 20, 30]
    (folder / "t.csv").write_text(f"light,{column}\n10,s1\n20,s2\n30,s3\n")
    assert read(folder / f"x.{kind}", factors=folder / "t.csv").factors["light"][2] == 30


@pytest.mark.fault("B4")
def test_whole_numbers_that_name_the_samples_are_joined_by_or_refused(folder):
    np.savez(folder / "x.npz", X=np.eye(3), id=np.array([7, 8, 9]))
    (folder / "t.csv").write_text("light,id\n30,9\n10,7\n20,8\n")
    with pytest.warns(DataWarning, match="'id'"):
        assert read(folder / "x.npz", factors=folder / "t.csv").factors["light"].tolist() == [
            10, 20, 30,
        ]  # fmt: skip
    # In a table, whole numbers are a feature.
    (folder / "x.csv").write_text("id,u\n7,0\n8,2\n9,4\n")
    with pytest.raises(InputError, match=r"'id'.*9 and 7.*0.*by"):
        read(folder / "x.csv", factors=folder / "t.csv")
    assert read(folder / "x.csv", factors=folder / "t.csv", by="id").factors["light"][0] == 10
    (folder / "t.csv").write_text("light,id\n10,7\n20,8\n30,9\n")
    assert read(folder / "x.csv", factors=folder / "t.csv").factors["light"][0] == 10


def test_a_name_is_needed_to_join_by_name(four, folder):
    with pytest.raises(InputError, match="names"):
        read(four, factors={"file": np.arange(4)}, by="file")
    with pytest.raises(InputError, match="'file'"):
        read(four, factors={"file": np.arange(4)}, by="fiel")
    with pytest.raises(InputError, match="factors"):
        read(four, by="file")


def test_a_factor_that_is_there_already_must_agree(folder, rng):
    image_folder(folder, rng)
    assert read(folder, factors={"class": np.array(["a", "b", "b"])}).factors["class"][0] == "a"
    with pytest.raises(InputError, match=r"'class'.*c and b .* b/10.png"):
        read(folder, factors={"class": np.array(["a", "b", "c"])})


def test_the_samples_of_a_table_take_their_names_from_a_column(folder):
    (folder / "t.csv").write_text("id,a,b\n003,1,2\n001,3,4\n")
    (folder / "f.csv").write_text("id,kind\n001,x\n003,y\n")
    data = read(folder / "t.csv", factors=folder / "f.csv", by="id")
    assert data.X.tolist() == [[1, 2], [3, 4]]
    assert data.names.tolist() == ["003", "001"]
    assert data.factors["kind"].tolist() == ["y", "x"]
    assert list(data.factors) == ["kind"]
    X, names = streamed(folder / "t.csv", by="id", rows=1)
    assert (X.tolist(), names) == ([[1, 2], [3, 4]], ["003", "001"])


def test_two_samples_of_one_name_cannot_be_joined_by_it(folder):
    (folder / "t.csv").write_text("id,a\nx,1\nx,2\n")
    with pytest.raises(InputError, match="called 'x'"):
        read(folder / "t.csv", factors={"id": np.array(["x"])}, by="id")


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("X.npy", {"columns": ["a"]}, "columns"),
        ("X.npy", {"size": (2, 2)}, "size"),
        ("t.csv", {"colour": "grey"}, "colour"),
        ("", {"columns": ["a"]}, "columns"),
        ("", {"colour": "gray"}, "'gray'"),
        ("", {"size": 64}, "such as"),
        ("", {"size": (0, 4)}, "such as"),
        ("", {"size": (2.5, 4)}, "such as"),
        ("", {"size": (10**5, 10**5)}, "at most"),
    ],
)
def test_an_option_that_does_not_apply_or_is_out_of_range_is_refused(
    name, options, says, folder, rng, four
):
    (folder / "t.csv").write_text("a\n1\n")
    image_folder(folder, rng)
    with pytest.raises(InputError, match=says):
        read(folder / name, **options)
    with pytest.raises(InputError, match=says):
        blocks(folder / name, **options)


# Images


def test_a_folder_of_images_is_read_in_its_natural_order_with_its_folders_as_classes(folder, rng):
    pixels = image_folder(folder, rng, ["c10/1.png", "c2/10.png", "c2/9.png", "c2/deep/1.PNG"])
    data = read(folder)
    order = ["c2/9.png", "c2/10.png", "c2/deep/1.PNG", "c10/1.png"]
    assert data.names.tolist() == order
    assert data.factors["class"].tolist() == ["c2", "c2", "c2/deep", "c10"]
    np.testing.assert_array_equal(data.X, np.stack([pixels[name] for name in order]))
    X, names = streamed(folder, rows=3)
    np.testing.assert_array_equal(X, data.X)
    assert names == order


def test_images_beside_each_other_have_no_class(folder, rng):
    image_folder(folder, rng, ["1.png", "2.png"])
    assert dict(read(folder).factors) == {}


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "gif", "webp", "jpg", "jpeg"])
def test_every_format_is_read(ending, folder):
    ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    save_image(folder / f"x.{ending}", ramp, **({"lossless": True} if ending == "webp" else {}))
    X = read(folder, colour="grey").X
    assert (X.shape, X.dtype) == ((1, 24, 24), np.uint8)
    np.testing.assert_allclose(X[0], ramp, atol=6 if ending in ("jpg", "jpeg") else 1)


def test_images_are_grey_if_all_are_and_otherwise_in_colour(folder, rng):
    grey, red = np.full((2, 3), 100, np.uint8), np.full((2, 3, 3), [200, 0, 0])
    save_image(folder / "1.png", grey)
    assert read(folder).X.shape == (1, 2, 3)
    np.testing.assert_array_equal(read(folder, colour="colour").X, np.full((1, 3, 2, 3), 100))
    save_image(folder / "2.png", red.astype(np.uint8))
    X = read(folder).X
    assert (X.shape, X.dtype) == ((2, 3, 2, 3), np.uint8)
    assert X[:, :, 0, 0].tolist() == [[100] * 3, [200, 0, 0]]
    assert read(folder, colour="grey").X[:, 0, 0].tolist() == [100, 60]  # 0.299 x 200


def test_palettes_bits_and_printers_colours_are_converted(folder):
    red = np.full((2, 3, 3), [204, 0, 0], np.uint8)
    save_image(folder / "palette.png", red, "P")
    save_image(folder / "printer.tif", red, "CMYK")
    save_image(folder / "bits.png", np.full((2, 3), 255, np.uint8), "1")
    X = read(folder).X
    assert X[:, :, 1, 1].tolist() == [[255] * 3, [204, 0, 0], [204, 0, 0]]


def test_a_grey_palette_is_grey(folder):
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8)).convert("P")
    image.putpalette([9, 9, 9, 80, 80, 80, 255, 255, 255])
    image.save(folder / "x.png")
    assert read(folder).X.tolist() == [[[9, 80, 255]]]


def test_what_is_transparent_is_laid_on_white(folder):
    half = np.zeros((1, 3, 4), np.uint8)
    half[0, :, 3] = [0, 128, 255]
    save_image(folder / "1.png", half)
    save_image(folder / "2.png", np.array([[[0, 0], [0, 128], [0, 255]]], np.uint8))
    image = Image.fromarray(np.array([[0, 7, 7]], np.uint8))
    image.save(folder / "3.png", transparency=0)
    assert read(folder, colour="grey").X[:, 0].tolist() == [[255, 127, 0]] * 2 + [[255, 7, 7]]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_become_fractions_and_take_eight_bits_with_them(ending, folder):
    deep = np.array([[0, 257, 65535]], np.uint16)
    save_image(folder / f"1.{ending}", deep)
    X = read(folder).X
    assert (X.dtype, X.shape) == (np.float32, (1, 1, 3))
    np.testing.assert_allclose(X[0], deep / 65535, rtol=1e-6)
    save_image(folder / "2.png", np.array([[0, 1, 255]], np.uint8))
    np.testing.assert_allclose(read(folder).X, np.stack([deep, deep]) / 65535, rtol=1e-6)
    assert read(folder, colour="colour").X.shape == (2, 3, 1, 3)


@pytest.mark.parametrize("ending", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_upright_whichever_way_the_camera_was_held(ending, orientation, folder):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 250  # bright at the top left, and wider than high
    upright[8:, :8] = 120
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    undo |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    image = Image.fromarray(upright)
    if orientation > 1:
        image = image.transpose(Image.Transpose[undo[orientation]])
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(folder / f"x.{ending}", exif=exif, **({"quality": 95} if ending == "jpg" else {}))
    X = read(folder, colour="grey").X
    assert X.shape == (1, 16, 24)
    np.testing.assert_allclose(X[0].astype(int), upright, atol=20)


def test_images_of_different_sizes_need_a_size(folder, rng):
    save_image(folder / "1.png", np.full((4, 6), 50, np.uint8))
    save_image(folder / "2.png", np.full((8, 8), 90, np.uint8))
    says = r"1.png is 4 pixels high and 6 wide and 2.png 8 and 8.*size = \[4, 6\]"
    with pytest.raises(InputError, match=says):
        read(folder)
    X = read(folder, size=(3, 5)).X
    assert (X.shape, X.dtype) == ((2, 3, 5), np.uint8)
    assert (X[0] == 50).all()
    assert (X[1] == 90).all()


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_finer_than_a_pixel_is_averaged_and_does_not_alias(deep, folder):
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    save_image(folder / "x.png", stripes.astype(np.uint16) * 257 if deep else stripes)
    X = read(folder, size=(7, 7)).X / (1 if deep else 255)
    np.testing.assert_allclose(X[0, :, 1:-1], 0.5, atol=0.07)
    assert X.max() <= 1
    assert X.min() >= 0


# Images from anywhere


def chunk(kind, content):
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png_claiming(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)


def encoded(pixels, **options):
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(file, **options)
    return file.getvalue()


NOISE = np.random.default_rng(5).integers(0, 256, (40, 40, 3)).astype(np.uint8)
FRAMES = [Image.fromarray(np.full((40, 40), grey, np.uint8)) for grey in (0, 99, 200)]


def animated(ending):
    file = io.BytesIO()
    FRAMES[0].save(file, ending, save_all=True, append_images=FRAMES[1:])
    return file.getvalue()


BAD_IMAGES = {
    "an enormous claim": ("x.png", png_claiming(50_000, 50_000), "claims to be"),
    "a large claim": ("x.png", png_claiming(9_000, 9_000), "9,000 x 9,000"),
    "a claim that Pillow warns of": ("x.png", png_claiming(10_000, 10_000), "claims to be"),
    "half a jpeg": ("x.jpg", encoded(NOISE, format="JPEG")[:900], "truncated"),
    "half a png": ("x.png", encoded(NOISE, format="PNG")[:900], "truncated"),
    "half a webp": ("x.webp", encoded(NOISE, format="WEBP")[:300], "x.webp"),
    "half a gif": ("x.gif", encoded(NOISE, format="GIF")[:900], "truncated"),
    "half a tiff": ("x.tif", encoded(NOISE, format="TIFF")[:900], "x.tif"),
    "a header alone": ("x.png", encoded(NOISE, format="PNG")[:30], "x.png"),
    "a web page": ("x.png", b"<!doctype html><html>404</html>", "not an image"),
    "nothing": ("x.jpg", b"", "empty"),
    "another format": ("x.png", encoded(NOISE, format="JPEG"), "a JPEG image.*ends in .png"),
    "an unknown format": ("x.png", encoded(NOISE, format="TGA"), "not an image"),
    "a portable pixmap": ("x.png", encoded(NOISE, format="PPM"), "a PPM image.*ends in .png"),
    "half a portable pixmap": ("x.ppm", encoded(NOISE, format="PPM")[:900], "x.ppm"),
    "a moving gif": ("x.gif", animated("GIF"), "several pictures"),
    "a moving png": ("x.png", animated("PNG"), "several pictures"),
    "a moving webp": ("x.webp", animated("WEBP"), "several pictures"),
    "pages of a tiff": ("x.tif", animated("TIFF"), "several pictures"),
    "floats": ("x.tif", encoded(np.zeros((40, 40), np.float32), format="TIFF"), "numpy.save"),
    "a damaged png": (
        "x.png",
        encoded(NOISE, format="PNG").replace(b"IDAT", b"IDAX"),
        "x.png",
    ),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_a_bad_image_is_refused_by_name_or_left_out_and_listed(case, folder):
    name, content, says = BAD_IMAGES[case]
    for good in ("a.png", "z.png"):
        save_image(folder / good, NOISE)
    (folder / name).write_bytes(content)
    with pytest.raises(FileError, match=says) as caught:
        read(folder)
    assert str(folder / name) in str(caught.value)
    assert "--skip-bad" in str(caught.value)
    with pytest.raises(FileError, match=name):
        list(blocks(folder))
    data = read(folder, skip_bad=True)
    assert data.names.tolist() == ["a.png", "z.png"]
    np.testing.assert_array_equal(data.X, [np.moveaxis(NOISE, -1, 0)] * 2)
    assert len(data.skipped) == 1
    assert data.skipped[0].startswith(f"{name}: ")
    said = []
    X, names = streamed(folder, skip_bad=True, rows=1, say=said.append)
    assert (len(X), names) == (2, ["a.png", "z.png"])
    assert [line for line in said if line.startswith(f"left out {name}: ")]


def test_an_enormous_image_takes_no_memory_and_pillows_own_limit_stays_as_it_was(folder):
    before = Image.MAX_IMAGE_PIXELS
    (folder / "x.png").write_bytes(png_claiming(50_000, 50_000))
    save_image(folder / "y.png", NOISE)
    read(folder, skip_bad=True)
    tracemalloc.start()
    read(folder, skip_bad=True)
    assert tracemalloc.get_traced_memory()[1] < 2e6
    tracemalloc.stop()
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.fault("D")
def test_a_large_photograph_is_decoded_reduced_where_a_size_is_wanted(folder, monkeypatch):
    half = np.zeros((400, 600), np.uint8)
    half[:, 300:] = 200
    save_image(folder / "x.jpg", half, quality=95)
    with pytest.raises(FileError, match=r"400 x 600.*at most 100,000.*max_pixels.*size"):
        read(folder, max_pixels=100_000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)
    sizes = []
    decode = Image.Image.resize
    monkeypatch.setattr(
        Image.Image,
        "resize",
        lambda image, *args, **more: sizes.append(image.size) or decode(image, *args, **more),
    )
    for limit in (100_000, None):
        X = read(folder, size=(4, 6), max_pixels=limit).X
        assert X.shape == (1, 4, 6)
        np.testing.assert_allclose(X[0], np.tile([0, 0, 25, 175, 200, 200], (4, 1)), atol=12)
    assert sizes == [(300, 200), (150, 100)]  # no smaller than the limit asks for
    assert Image.MAX_IMAGE_PIXELS == 50_000
    with pytest.raises(FileError, match="400 x 600"):
        read(folder, size=(210, 310), max_pixels=100_000)  # its reduction has fewer pixels


@pytest.mark.fault("D")
@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
def test_the_limit_of_pixels_can_be_raised_and_lowered(ending, folder, monkeypatch):
    save_image(folder / f"x.{ending}", NOISE, **({"progressive": True} if ending == "jpg" else {}))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)  # Pillow itself warns, and refuses 1400
    if ending == "tif":
        with pytest.raises(FileError, match="MAX_IMAGE_PIXELS = 700"):
            read(folder, max_pixels=1600)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 900)
    assert read(folder, max_pixels=1600).X.shape == (1, 3, 40, 40)
    for size in (None, (4, 4)):  # they cannot be decoded in part
        with pytest.raises(FileError, match=r"40 x 40.*at most 1,599.*max_pixels"):
            read(folder, max_pixels=1599, size=size)
    for wrong in (0, 2.5, "many"):
        with pytest.raises(InputError, match="max_pixels"):
            read(folder, max_pixels=wrong)
    np.save(folder / "X.npy", np.eye(3))
    with pytest.raises(InputError, match="max_pixels"):
        read(folder / "X.npy", max_pixels=9)


def test_our_own_limit_holds_where_pillows_was_switched_off(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    (folder / "x.png").write_bytes(png_claiming(50_000, 50_000))
    with pytest.raises(FileError, match=r"50,000 x 50,000.*at most 64,000,000"):
        read(folder)


def test_a_stricter_limit_in_pillow_holds_too(folder, monkeypatch):
    save_image(folder / "x.png", NOISE)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(FileError, match="at most 1,000"):
        read(folder)


def test_reading_images_leaves_the_filters_of_warnings_alone(folder, rng):
    image_folder(folder, rng)
    before = list(warnings.filters)
    for _ in blocks(folder, rows=1):
        assert list(warnings.filters) == before


def test_factors_belong_to_their_images_whichever_are_left_out(folder):
    for name in ("c/1.png", "c/3.png", "d/4.png"):
        save_image(folder / name, NOISE)
    (folder / "c/2.png").write_bytes(b"")
    (folder / "d/5.png").write_bytes(encoded(NOISE, format="PNG")[:900])
    by_row = read(folder, factors={"n": np.arange(1, 6)}, skip_bad=True)
    table = {"file": np.array([f"{n}.png" for n in (5, 4, 3, 2, 1)]), "n": np.arange(5, 0, -1)}
    by_name = read(folder, factors=table, by="file", skip_bad=True)
    for data in (by_row, by_name):
        assert data.factors["n"].tolist() == [1, 3, 4]
        assert data.factors["class"].tolist() == ["c", "c", "d"]
        assert [line.split(":")[0] for line in data.skipped] == ["c/2.png", "d/5.png"]


def test_a_photograph_with_previews_beside_it_is_a_photograph(folder):
    file = io.BytesIO()
    picture = Image.fromarray(NOISE)
    picture.save(file, "MPO", save_all=True, append_images=[picture.resize((8, 8))])
    (folder / "x.jpg").write_bytes(file.getvalue())
    assert read(folder).X.shape == (1, 3, 40, 40)


@pytest.mark.fault("B12")
def test_files_that_are_no_samples_are_counted_by_ending_and_linked_folders_named(folder, rng):
    image_folder(folder / "i", rng, ["a/1.png", ".thumbs/2.png", "a/.3.png"])
    image_folder(folder / "elsewhere", rng, ["4.png"])
    for name in ("readme.txt", "a/more.TXT", "a/x.csv", "a/LICENSE"):
        (folder / "i" / name).write_text("hello")
    (folder / "i/b").symlink_to(folder / "elsewhere", target_is_directory=True)
    (folder / "i/a/up").symlink_to("..", target_is_directory=True)
    said = []
    data = read(folder / "i", say=said.append)
    assert data.names.tolist() == ["a/1.png"]
    reasons = dict(line.split(": ") for line in data.left_out)
    assert set(reasons) == {".txt", ".csv", "files without an ending", "b", "a/up"}
    assert reasons[".txt"].startswith("2 files")
    assert "link" in reasons["b"]
    assert len(said) == 1
    assert all(part in said[0] for part in (".txt", ".csv", "b", "a/up"))
    with pytest.warns(DataWarning, match=r"\.txt"):
        read(folder / "i")
    with pytest.warns(DataWarning, match=r"\.txt"):
        streamed(folder / "i")


@pytest.mark.fault("B12")
@pytest.mark.parametrize(("ending", "of"), [("jfif", "JPEG"), ("pgm", "PPM"), ("pnm", "PPM")])
def test_more_endings_of_grey_images_are_read(ending, of, folder):
    ramp = np.tile(np.arange(0, 240, 10, dtype=np.uint8), (24, 1))
    save_image(folder / f"x.{ending}", ramp, format=of)
    X = read(folder).X
    assert (X.shape, X.dtype) == ((1, 24, 24), np.uint8)
    np.testing.assert_allclose(X[0], ramp, atol=6 if of == "JPEG" else 0)


@pytest.mark.fault("B12")
def test_portable_bitmaps_and_pixmaps_are_read_as_text_or_bytes_with_8_or_16_bits(folder):
    (folder / "1.pbm").write_text("P1\n2 1\n0 1\n")
    (folder / "2.pgm").write_text("P2\n2 1\n255\n0 51\n")
    assert read(folder).X.tolist() == [[[255, 0]], [[0, 51]]]
    (folder / "3.pgm").write_bytes(b"P5\n2 1\n65535\n" + bytes([0, 0, 51, 51]))
    X = read(folder).X
    assert X.dtype == np.float32
    np.testing.assert_allclose(X, [[[1, 0]], [[0, 0.2]], [[0, 0.2]]])
    (folder / "4.ppm").write_bytes(b"P6\n2 1\n255\n" + bytes([9, 8, 7, 0, 0, 0]))
    (folder / "3.pgm").unlink()
    assert read(folder).X[2].tolist() == [[[9, 0]], [[8, 0]], [[7, 0]]]


@pytest.mark.fault("B12")
def test_photographs_of_telephones_are_read_or_the_package_is_named(folder, rng, monkeypatch):
    image_folder(folder, rng, ["1.png"], (16, 16))
    (folder / "2.heic").write_bytes(b"not opened")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.warns(DataWarning, match=r"\.heic.*pillow-heif.*drlim\[heic\]"):
        data = read(folder)
    assert data.names.tolist() == ["1.png"]
    (folder / "1.png").unlink()
    for path in (folder, folder / "2.heic"):
        with pytest.raises(MissingExtraError, match=r"drlim\[heic\]"):
            read(path)


@pytest.mark.fault("B12")
@pytest.mark.parametrize("ending", ["heic", "heif", "avif"])
def test_heic_and_avif_images_are_read_like_the_others(ending, folder):
    if ending == "avif":
        if not features.check("avif"):
            pytest.skip("this Pillow reads no AVIF")
    else:
        pytest.importorskip("pillow_heif").register_heif_opener()
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))
    Image.fromarray(ramp).convert("RGB").save(
        folder / f"x.{ending}", "AVIF" if ending == "avif" else "HEIF", quality=95
    )
    X = read(folder, colour="grey").X
    assert (X.shape, X.dtype) == ((1, 64, 64), np.uint8)
    np.testing.assert_allclose(X[0].astype(int), ramp, atol=12)
    (folder / f"y.{ending}").write_bytes((folder / f"x.{ending}").read_bytes()[:-99])
    data = read(folder, skip_bad=True)
    assert data.names.tolist() == [f"x.{ending}"]


@pytest.mark.fault("D")
def test_two_folders_of_one_name_are_two_classes_and_one_line_says_so(folder, rng):
    image_folder(folder, rng, ["train/cat/1.png", "val/cat/1.png", "val/dog/2.png"])
    with pytest.warns(DataWarning, match="train/cat and val/cat are different classes"):
        data = read(folder)
    assert sorted(set(data.factors["class"])) == ["train/cat", "val/cat", "val/dog"]
    said = []
    streamed(folder, say=said.append)
    assert len(said) == 1
    assert read(folder / "val").factors["class"].tolist() == ["cat", "dog"]


def test_a_pipe_and_a_link_to_nowhere_are_bad_images_and_are_not_waited_for(folder, rng):
    image_folder(folder, rng, ["1.png"])
    os.mkfifo(folder / "2.png")
    (folder / "3.png").symlink_to(folder / "nowhere")
    assert [line.split(":")[0] for line in read(folder, skip_bad=True).skipped] == [
        "2.png",
        "3.png",
    ]


def test_a_file_name_that_is_not_utf_8_is_escaped(folder, rng):
    save_image(folder / os.fsdecode(b"caf\xe9.png"), NOISE)
    assert read(folder).names.tolist() == ["caf\\xe9.png"]


def test_a_folder_without_images_is_refused(folder):
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"no images.*\.txt.*1 file.*\.png"):
        read(folder)
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(encoded(NOISE, format="PNG")[:900])
    (folder / "notes.txt").unlink()
    with pytest.raises(FileError, match="no image that can be read"):
        read(folder, skip_bad=True)
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"")
    with pytest.raises(FileError, match=r"1\.png"):
        read(folder, skip_bad=True)


# Larger than memory


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(_convert, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(_reader, "SLICE_BYTES", 200)


@pytest.mark.parametrize("ending", [".npz", ".zarr", ".csv", ".parquet"])
def test_what_is_large_is_converted_once_to_a_memory_map(ending, folder, rng, little_memory, cache):
    X, path = rng.normal(size=(60, 3)), folder / f"X{ending}"
    SAVERS[ending](path, X)
    said = []
    first, second = (read(path, say=said.append) for _ in range(2))
    for data in (first, second):
        assert isinstance(data.X, np.memmap)
        np.testing.assert_array_equal(data.X, X)
    assert len([line for line in said if "converted once" in line]) == 1
    assert len(list(cache.iterdir())) == 1


def test_a_source_that_changes_is_converted_again(folder, rng, little_memory, cache):
    path = folder / "X.npz"
    for n in (60, 61):
        X = rng.normal(size=(n, 3))
        save_npz(path, X)
        np.testing.assert_array_equal(read(path).X, X)
    assert len(list(cache.iterdir())) == 2


def test_other_options_are_another_conversion(folder, rng, little_memory):
    image_folder(folder / "i", rng, shape=(9, 9))
    assert read(folder / "i").X.shape == (3, 9, 9)
    assert read(folder / "i", size=(8, 8)).X.shape == (3, 8, 8)
    assert read(folder / "i", size=(8, 8), colour="colour").X.shape == (3, 3, 8, 8)


def test_other_columns_are_another_conversion_of_the_same_shape(folder, rng, little_memory):
    X = rng.normal(size=(60, 3))
    save_csv(folder / "X.csv", X)
    np.testing.assert_array_equal(read(folder / "X.csv", columns=["f0", "f1"]).X, X[:, :2])
    np.testing.assert_array_equal(read(folder / "X.csv", columns=["f2", "f1"]).X, X[:, [2, 1]])


@pytest.mark.parametrize("damage", [lambda content: content[:500], lambda _: npy(np.eye(2))])
def test_a_damaged_conversion_is_made_again(damage, folder, rng, little_memory, cache):
    X = rng.normal(size=(60, 3))
    save_npz(folder / "X.npz", X)
    read(folder / "X.npz")
    (converted,) = cache.glob("*/X.npy")
    converted.write_bytes(damage(converted.read_bytes()))
    np.testing.assert_array_equal(read(folder / "X.npz").X, X)
    assert len(list(cache.iterdir())) == 1


def test_the_cache_may_be_elsewhere(folder, rng, little_memory, cache):
    save_npz(folder / "X.npz", rng.normal(size=(60, 3)))
    read(folder / "X.npz", cache=folder / "elsewhere")
    assert len(list((folder / "elsewhere").glob("*/X.npy"))) == 1
    assert not cache.exists()


def test_images_that_are_left_out_are_left_out_the_next_time(folder, little_memory):
    for name in ("1.png", "3.png", "4.png"):
        save_image(folder / "i" / name, NOISE)
    (folder / "i/2.png").write_bytes(encoded(NOISE, format="PNG")[:900])
    first, second = (read(folder / "i", skip_bad=True) for _ in range(2))
    assert first.names.tolist() == second.names.tolist() == ["1.png", "3.png", "4.png"]
    assert first.skipped == second.skipped
    np.testing.assert_array_equal(second.X, [np.moveaxis(NOISE, -1, 0)] * 3)


@pytest.mark.parametrize("error", [KeyboardInterrupt, FileError("no")])
def test_an_interrupted_conversion_leaves_nothing_behind(
    error, folder, rng, little_memory, cache, monkeypatch
):
    def broken(reader, say):
        yield _reader.Block(np.zeros((2, 3)), {})
        raise error

    save_npz(folder / "X.npz", rng.normal(size=(60, 3)))
    monkeypatch.setattr(_convert, "_blocks", broken)
    with pytest.raises((KeyboardInterrupt, FileError)):
        read(folder / "X.npz")
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_or_is_full_is_named(
    folder, rng, little_memory, monkeypatch
):
    save_npz(folder / "X.npz", rng.normal(size=(60, 3)))
    (folder / "file").write_text("")
    with pytest.raises(FileError, match="DRLIM_CACHE"):
        read(folder / "X.npz", cache=folder / "file")
    usage = _convert.shutil.disk_usage("/")
    monkeypatch.setattr(_convert.shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(FileError, match="make room"):
        read(folder / "X.npz")


def test_a_long_reading_says_how_far_it_is(folder, rng, monkeypatch):
    monkeypatch.setattr(_convert, "Pace", lambda: Pace(-1))
    save_npz(folder / "X.npz", rng.normal(size=(60, 3)))
    said = []
    read(folder / "X.npz", say=said.append)
    assert said == [f"{folder / 'X.npz'}: 60 of 60 samples read"]


# Points


def point_blocks(rng, named=True, n_components=2):
    names = np.array(["a/1.png", "b, c.png", 'say "é"', "4", "5"])
    Z = rng.normal(size=(5, n_components)).astype(np.float32)
    cuts = (slice(0, 2), slice(2, 2), slice(2, 5))
    return Z, names, [(Z[cut], names[cut] if named else None) for cut in cuts]


@pytest.mark.parametrize("ending", [".npy", ".csv", ".parquet"])
@pytest.mark.parametrize("named", [True, False])
def test_points_are_written_in_order_and_read_back(ending, named, folder, rng):
    Z, names, parts = point_blocks(rng, named)
    path = folder / f"the map{ending}"
    assert write_points(path, iter(parts), 2) == 5
    assert oct(path.stat().st_mode & 0o777) == oct(0o666 & ~umask())
    if ending == ".npy":
        np.testing.assert_array_equal(np.load(path), Z)
        assert np.load(path).dtype == np.float32
        return
    table = read_table(path, text=["name"])
    assert list(table) == ["name", "map1", "map2"][not named :]
    np.testing.assert_array_equal(np.column_stack([table["map1"], table["map2"]]).astype("f4"), Z)
    if named:
        assert table["name"].tolist() == names.tolist()
    np.testing.assert_array_equal(read(path, columns=["map1", "map2"]).X.astype("f4"), Z)


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_what_blocks_gives_is_what_write_points_takes(folder, rng):
    image_folder(folder / "i", rng)
    points = ((X.mean(axis=2)[:, :2] / 255, names) for X, names in blocks(folder / "i", rows=2))
    write_points(folder / "Z.csv", points, 2)
    assert read_table(folder / "Z.csv")["name"].tolist() == read(folder / "i").names.tolist()


def test_any_number_of_points_fits_the_header_that_was_written_first(folder):
    for n in (0, 1, 123_456):
        write_points(folder / "Z.npy", [(np.zeros((n, 1)), None)], 1)
        assert np.load(folder / "Z.npy").shape == (n, 1)


@pytest.mark.parametrize("ending", [".npy", ".csv", ".parquet"])
def test_no_blocks_are_a_file_without_points(ending, folder):
    assert write_points(folder / f"Z{ending}", [], 2) == 0
    if ending != ".npy":
        assert [len(column) for column in read_table(folder / f"Z{ending}").values()] == [0, 0]


@pytest.mark.parametrize("ending", [".npy", ".csv", ".parquet"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, FileError("3.png is truncated")])
def test_an_interrupted_writing_leaves_the_old_file_and_nothing_else(ending, error, folder, rng):
    def broken():
        yield from point_blocks(rng)[2]
        raise error

    path = folder / f"Z{ending}"
    path.write_text("old")
    with pytest.raises((KeyboardInterrupt, FileError)) as caught:
        write_points(path, broken(), 2)
    if isinstance(error, FileError):
        assert caught.value is error
    assert path.read_text() == "old"
    assert [file.name for file in folder.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([(np.zeros((2, 3)), None)], r"\(2, 3\).*\(n, 2\)"),
        ([(np.zeros((2, 2), int), None)], "int64"),
        ([(np.zeros((2, 2)), ["a"])], "2 points and 1 names"),
        ([(np.zeros((1, 2)), ["a"]), (np.zeros((1, 2)), None)], "names"),
    ],
)
def test_points_of_another_shape_are_refused(parts, says, folder):
    with pytest.raises(InputError, match=says):
        write_points(folder / "Z.csv", parts, 2)
    assert list(folder.iterdir()) == []


def test_points_go_to_a_known_ending_in_a_folder_that_exists(folder):
    with pytest.raises(InputError, match=r"known: .csv, .npy, .parquet"):
        write_points(folder / "Z.txt", [], 2)
    with pytest.raises(FileError, match="folder that exists"):
        write_points(folder / "no" / "Z.npy", [], 2)


# What is missing, and what a dataset carries along


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [("t.csv", "pyarrow", "tables"), ("X.zarr", "zarr", "zarr"), ("i", "PIL", "images")],
)
def test_a_missing_package_is_answered_with_its_extra(name, package, extra, folder, monkeypatch):
    (folder / "t.csv").write_text("a\n1\n")
    (folder / "X.zarr").mkdir()
    save_image(folder / "i/1.png", NOISE)
    monkeypatch.setitem(__import__("sys").modules, package, None)
    if package == "PIL":
        monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    with pytest.raises(MissingExtraError, match=rf"drlim\[{extra}\]"):
        read(folder / name)


def test_names_and_what_was_left_out_travel_with_the_samples():
    data = Dataset(
        np.arange(36.0).reshape(4, 3, 3),
        {"source": np.arange(4)},
        names=np.array(["a", "b", "c", "d"]),
        skipped=("e: is empty",),
    )
    assert data.subset([2, 0]).names.tolist() == ["c", "a"]
    assert shifted_copies(data, [1]).names.tolist() == ["a", "b", "c", "d"] * 2
    train, test = data.split(0.5, random_state=0)
    assert sorted([*train.names, *test.names]) == ["a", "b", "c", "d"]
    for part in (data.subset([1]), shifted_copies(data, [1]), train, test):
        assert part.skipped == ("e: is empty",)
    assert Dataset(np.eye(2)).subset([0]).names is None


def test_each_sample_has_one_name():
    with pytest.raises(InputError, match="one name"):
        Dataset(np.eye(3), names=np.array(["a"]))


@pytest.mark.fault("C10")
def test_text_of_zarrs_third_format_is_a_factor_and_what_cannot_be_opened_is_named(tmp_path):
    path = tmp_path / "x.zarr"
    group = zarr.open_group(str(path), mode="w", zarr_format=3)
    texts = np.array(["a", "long text"] * 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Zarr says that its text is of no fixed specification
        group.create_array("X", data=np.arange(60.0).reshape(20, 3))
        group.create_array("fixed", data=texts)
        group.create_array("strings", shape=(20,), dtype=str)[:] = texts.astype(object)
        group.create_array("records", data=np.zeros(20, [("a", "f4")]))
        group.create_array("odd", data=np.zeros(20))
    described = json.loads((path / "odd" / "zarr.json").read_text())
    (path / "odd" / "zarr.json").write_text(json.dumps({**described, "data_type": "of_mine"}))
    with pytest.warns(DataWarning, match="odd"):
        data = read(path)
    for name in ("fixed", "strings"):
        assert data.factors[name].dtype.kind == "U"
        assert data.factors[name].tolist() == texts.tolist()
    assert sorted(line.partition(":")[0] for line in data.left_out) == ["odd", "records"]
    np.testing.assert_array_equal(data.X, np.arange(60.0).reshape(20, 3))
