"""Bad input to drlim.datasets."""

import numpy as np

from bad_input.rows import DATA, IMAGES, LABELS, X, Z, bad, bad_file, file, folder, npy, table
from drlim import Dataset
from drlim.datasets import (
    blocks,
    instruments,
    mnist,
    norb,
    read,
    read_idx,
    read_matrix,
    read_table,
    render_airplane,
    signatures,
    weaves,
    write_points,
)


def images():
    from PIL import Image

    Image.fromarray(IMAGES[0]).save(folder() / "a.png")
    return folder()


ROWS = {
    "datasets.render_airplane": [
        bad("NaN", lambda: render_airplane(np.nan, 30, 0), "azimuth", "nan"),
        bad("unknown lighting", lambda: render_airplane(0, 30, 9), "lighting", "9"),
        bad("size 0", lambda: render_airplane(0, 30, 0, size=0), "size", "0"),
    ],
    "datasets.Dataset": [
        bad("factor length", lambda: Dataset(X, {"a": [1]}), "'a'", "(1,)", "24"),
        bad("other lengths", lambda: Dataset(X, names=["a"]), "names", "(1,)", "24"),
        bad("scalar", lambda: Dataset(3), "X", "()"),
    ],
    "datasets.Dataset.factor": [
        bad("unknown", lambda: DATA.factor("digit"), "'digit'", "c"),
    ],
    "datasets.Dataset.split": [
        bad("size out of range", lambda: DATA.split(1.5), "test_size", "1.5"),
        bad("size text", lambda: DATA.split("a"), "test_size", "'a'"),
        bad("NaN", lambda: DATA.split(np.nan), "test_size", "nan"),
    ],
    "datasets.Dataset.subset": [
        bad("beyond", lambda: DATA.subset([99]), "indices", "99"),
        bad("an int", lambda: DATA.subset(3), "indices"),
    ],
    "datasets.read": [
        bad_file("missing file", lambda: read("no.npy"), "no.npy"),
        bad("number", lambda: read(3), "path", "3"),
        bad_file("object array", lambda: read(npy(np.array([{}], object))), "a.npy"),
        bad("unknown ending", lambda: read(file(b"hello", "b.xyz")), "b.xyz", "'.xyz'"),
        bad("zero rows", lambda: read(npy(X[:0])), "a.npy", "(0, 3)"),
        bad("scalar npy", lambda: read(npy(np.array(3.0))), "a.npy", "()"),
        bad("empty folder", lambda: read(folder()), "empty", ".png"),
        bad_file("bad image", lambda: read(file(b"no image", "d/a.png").parent), "a.png", "skip_bad"),
        bad_file("csv ragged", lambda: read(table("a,b\n1,2\n3\n")), "t.csv"),
        bad("csv text", lambda: read(table("a,b\nx,y\n")), "t.csv"),
        bad_file("csv empty", lambda: read(table("")), "t.csv"),
        bad("no such column", lambda: read(table("a,b\n1,2\n"), columns=["c"]), "t.csv", "'c'"),
        bad("factors short", lambda: read(npy(X), factors=table("c\n1\n2\n")), "t.csv", "2", "24"),
        bad("unknown column", lambda: read(npy(X), factors={"c": LABELS}, by="z"), "factors", "'z'"),
        bad("a size for an array", lambda: read(npy(IMAGES), size=(0, 3)), "a.npy", "size"),
        bad("size out of range", lambda: read(images(), size=(0, 3)), "size", "(0, 3)"),
        bad("a NUL in the name", lambda: read("a\x00b.npy"), "path", r"'a\x00b.npy'"),
    ],
    "datasets.blocks": [
        bad_file("missing file", lambda: list(blocks("no.npy")), "no.npy"),
        bad("rows 0", lambda: list(blocks(npy(X), rows=0)), "rows", "0"),
        bad("rows text", lambda: list(blocks(npy(X), rows="a")), "rows", "'a'"),
    ],
    "datasets.read_table": [
        bad_file("missing file", lambda: read_table("no.csv"), "no.csv"),
        bad_file("wrong file", lambda: read_table(file(b"\xff\xfe\x00", "n.parquet")), "n.parquet"),
        bad("duplicate", lambda: read_table(table("a,a\n1,2\n")), "t.csv", "'a'"),
    ],
    "datasets.write_points": [
        bad("a folder", lambda: write_points(folder(), [(Z, None)], 2), "empty", "''"),
        bad("ending", lambda: write_points("a.xls", [(Z, None)], 2), "a.xls", "'.xls'"),
        bad_file(
            "under a file",
            lambda: write_points(npy(X) / "a.npy", [(Z, None)], 2),
            "a.npy/a.npy",
            "Not a directory",
        ),
    ],
    "datasets.instruments": [
        bad("no samples", lambda: instruments(n_samples=0), "n_samples", "0"),
        bad("negative seed", lambda: instruments(random_state=-1), "random_state", "-1"),
        bad("no features", lambda: instruments(n_features=0), "n_features", "0"),
    ],
    "datasets.signatures": [
        bad("one writer too few", lambda: signatures("a", n_writers=0), "n_writers", "0"),
        bad_file(
            "not empty", lambda: signatures(file(b"", "full/x").parent, n_writers=2, n_per_writer=2), "full"
        ),
        bad_file(
            "under a file",
            lambda: signatures(file(b"", "x") / "y", n_writers=2, n_per_writer=2),
            "x/y",
            "Not a directory",
        ),
    ],
    "datasets.weaves": [
        bad("no classes", lambda: weaves("a", n_classes=0), "n_classes", "0"),
        bad_file(
            "under a file",
            lambda: weaves(file(b"", "x") / "y", n_classes=2, n_per_class=2),
            "x/y",
            "Not a directory",
        ),
        bad("size out of range", lambda: weaves("a", n_classes=2, n_per_class=2, size=0), "size", "0"),
    ],
    "datasets.mnist": [
        bad("unknown part", lambda: mnist("all"), "part", "'all'"),
        bad("no such digit", lambda: mnist("test", digits=[12]), "digits", "12"),
        bad("no digits", lambda: mnist("test", digits=[]), "digits", "[]"),
    ],
    "datasets.read_idx": [
        bad_file("missing file", lambda: read_idx("no.idx"), "no.idx", "No such file or directory"),
        bad_file("wrong file", lambda: read_idx(file(b"abc", "a.idx")), "a.idx", "61 62 63"),
        bad_file("a folder", lambda: read_idx(folder()), "empty", "Is a directory"),
    ],
    "datasets.read_matrix": [
        bad_file("missing file", lambda: read_matrix("no.mat"), "no.mat", "No such file or directory"),
        bad_file("wrong file", lambda: read_matrix(file(b"abc", "a.mat")), "a.mat", "61 62 63"),
    ],
    "datasets.norb": [
        bad("unknown part", lambda: norb("x"), "part", "'x'"),
        bad("unknown category", lambda: norb(category="cat"), "category", "'cat'", "'car'"),
        bad("unknown instance", lambda: norb(instance=11), "instance", "11"),
    ],
}
