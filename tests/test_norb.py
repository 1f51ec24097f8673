"""Small NORB: its format is read to the byte, and what is not small NORB is never taken for it."""

import functools
import gzip
import hashlib
import http.server
import itertools
import struct
import threading
import tracemalloc

import numpy as np
import pytest

from drlim import FileError, InputError
from drlim.datasets import _norb, _norb_matrix, airplane, norb, read_matrix

MAGIC = {"uint8": 0x1E3D4C55, "int32": 0x1E3D4C54}
N = 24300
DEAD = "http://127.0.0.1:9/"  # the discard port: refused at once


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No folder of this machine has data, and nothing is downloaded, unless a test says so."""
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_norb, "MIRRORS", (DEAD,))


def header(magic, shape):
    sizes = [*shape, *[1] * (3 - len(shape))]
    return struct.pack(f"<II{len(sizes)}I", magic, len(shape), *sizes)


def matrix(array):
    """Write an array in the format of small NORB, as its makers describe it."""
    values = array.astype(array.dtype.newbyteorder("<"))
    return header(MAGIC[array.dtype.name], array.shape) + values.tobytes()


@functools.cache
def factors(part):
    """The official -cat and -info files, but for the order of the training set's rows."""
    conditions = itertools.product(_norb.INSTANCES[part], range(9), range(0, 36, 2), range(6))
    info = np.repeat(np.array(list(conditions), np.int32), 5, axis=0)
    category = np.tile(np.arange(5, dtype=np.int32), N // 5)
    if part == "train":
        order = np.random.default_rng(4).permutation(N)
        return category[order], info[order]
    return category, info


@functools.cache
def small_set(part, side=4):
    """A set in small NORB's layout with tiny images, which show their row and camera."""
    category, info = factors(part)
    images = np.zeros((N, 2, side, side), np.uint8)
    images[:, :, 0, 0] = np.arange(N)[:, None] % 256
    images[:, :, 0, 1] = np.arange(N)[:, None] // 256
    images[:, 1, 1, 1] = 1
    contents = {"dat": matrix(images), "cat": matrix(category), "info": matrix(info)}
    packed = {kind: gzip.compress(content, 1, mtime=0) for kind, content in contents.items()}
    return {name: packed[name.split("-")[-1].split(".")[0]] for name in _norb.FILES[part]}


@pytest.fixture
def tiny(monkeypatch):
    """Both parts with images of 4 x 4 pixels: the files of each, and their hashes in place."""
    parts = {part: small_set(part) for part in ("train", "test")}
    hashes = {
        part: {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        for part, files in parts.items()
    }
    monkeypatch.setattr(_norb, "SHAPE", (N, 2, 4, 4))
    monkeypatch.setattr(_norb, "FILES", hashes)
    return parts


@pytest.fixture
def folder(tiny, monkeypatch, tmp_path):
    """The folder norb/ in DRLIM_DATA, with both parts."""
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
    write(tmp_path / "data" / "norb", tiny["train"] | tiny["test"])
    return tmp_path / "data" / "norb"


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def file(folder, part, kind):
    return next(folder / name for name in _norb.FILES[part] if f"-{kind}." in name)


def shown_rows(X):
    return X[:, 0, 0] + 256 * X[:, 0, 1].astype(int)


# The format


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4), (5, 2, 3, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_a_matrix_gives_back_what_was_written(tmp_path, monkeypatch, rng, shape, dtype, pack):
    array = rng.integers(0, 256, shape).astype(dtype) - dtype(0 if dtype is np.uint8 else 128)
    (tmp_path / "file").write_bytes(pack(matrix(array)))
    for slice_bytes in (1 << 20, 10):  # all at once, and a few rows at a time
        monkeypatch.setattr(_norb_matrix, "_SLICE_BYTES", slice_bytes)
        read = read_matrix(tmp_path / "file")
        np.testing.assert_array_equal(read, array, strict=True)
        read[0] = 1  # a copy of one's own


def test_the_files_of_these_tests_are_the_official_ones_to_the_byte():
    """The MD5 sums of the unpacked files have been published with several readers of them."""
    category, info = factors("test")
    assert hashlib.md5(matrix(category)).hexdigest() == "fd5120d3f770ad57ebe620eb61a0b633"
    assert hashlib.md5(matrix(info)).hexdigest() == "7c5b871cc69dcadec1bf6a18141f5edc"


WHOLE = matrix(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
PACKED = gzip.compress(WHOLE, mtime=0)
WRONG_FILES = [
    ("nothing", b"", "it begins with nothing"),
    ("a web page", b"<!doctype html><html>404</html>", "not a matrix of small NORB"),
    ("MNIST's format", bytes([0, 0, 8, 3]) + WHOLE, "begins with 00 00 08 03"),
    ("half a magic number", WHOLE[:3], "it begins with 55 4c 3d "),
    ("single precision", header(0x1E3D4C51, (1,)), "a single precision matrix"),
    ("packed", header(0x1E3D4C52, (1,)), "a packed matrix"),
    ("double precision", header(0x1E3D4C53, (1,)), "a double precision matrix"),
    ("short", header(0x1E3D4C56, (1,)), "a short matrix"),
    ("big-endian bytes", struct.pack(">II", 0x1E3D4C55, 1), "a byte matrix written big-endian"),
    ("big-endian integers", struct.pack(">II", 0x1E3D4C54, 1), "integer matrix written big-end"),
    ("no number of dimensions", WHOLE[:6], "truncated: it ends after 6 of the 20 bytes"),
    ("half a header", WHOLE[:13], "truncated: it ends after 13 of the 20 bytes"),
    ("two sizes for two dimensions", header(MAGIC["uint8"], (2, 2))[:16], "truncated: it ends"),
    ("no values", WHOLE[:20], r"truncated: .* in 24 bytes and holds 0;"),
    ("one value short", WHOLE[:-1], r"truncated: .*\(2, 3, 4\) in 24 bytes and holds 23;"),
    ("one value more", WHOLE + b"\0", r"altered: .*\(2, 3, 4\) and holds more"),
    ("one byte of an integer short", matrix(np.ones(3, np.int32))[:-1], "12 bytes and holds 11;"),
    ("no dimension", struct.pack("<5I", MAGIC["uint8"], 0, 1, 1, 1), "altered: it promises 0 dim"),
    ("2**31 dimensions", struct.pack("<II", MAGIC["uint8"], 2**31), "altered: it promises 21474"),
    ("an empty dimension", header(MAGIC["uint8"], (3, 0, 2)), r"altered: .*\(3, 0, 2\)"),
    ("a packed value short", gzip.compress(WHOLE[:-1]), "truncated: .* and holds 23;"),
    ("a packed value more", gzip.compress(WHOLE + b"\0"), "altered: .* and holds more"),
    ("a packed web page", gzip.compress(b"<html>"), "not a matrix of small NORB"),
    ("half a gzip", PACKED[:-12], "truncated or altered"),
    ("half a gzip's header", PACKED[:5], "truncated or altered"),
    ("another checksum", PACKED[:-8] + b"\0" * 8, "truncated or altered"),
    ("an altered gzip", PACKED[:10] + b"\xff" + PACKED[11:], "truncated or altered"),
    ("something behind a gzip", PACKED + b"more", "truncated or altered"),
]


@pytest.mark.parametrize(
    ("content", "says"), [case[1:] for case in WRONG_FILES], ids=[case[0] for case in WRONG_FILES]
)
def test_a_wrong_matrix_is_named_with_what_is_wrong(tmp_path, content, says):
    path = tmp_path / "smallnorb-cat.mat"
    path.write_bytes(content)
    with pytest.raises(FileError, match=says) as caught:
        read_matrix(path)
    assert str(path) in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("whole", [WHOLE, PACKED], ids=["plain", "packed"])
def test_a_file_cut_off_anywhere_is_refused(tmp_path, whole):
    for end in range(len(whole)):
        (tmp_path / "file").write_bytes(whole[:end])
        with pytest.raises(FileError, match=r"truncated|not a matrix"):
            read_matrix(tmp_path / "file")


def test_an_altered_byte_of_a_packed_file_is_refused_or_changes_nothing(tmp_path):
    n_refused = 0
    for place in range(len(PACKED)):
        altered = bytearray(PACKED)
        altered[place] ^= 0x5A
        (tmp_path / "file").write_bytes(altered)
        try:
            read = read_matrix(tmp_path / "file")
        except FileError:
            n_refused += 1
        else:
            assert matrix(read) == WHOLE
    assert n_refused >= len(PACKED) - 6  # the header of gzip has a date and the like


@pytest.mark.parametrize("shape", [(2**31,), (2**31, 2, 96, 96), (2**32 - 1,) * 8])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_an_absurd_shape_takes_no_memory(tmp_path, shape, pack):
    (tmp_path / "file").write_bytes(pack(header(MAGIC["int32"], shape) + b"\1" * 5000))
    tracemalloc.start()
    try:
        with pytest.raises(FileError, match="truncated"):
            read_matrix(tmp_path / "file")
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("path", ["not-there.mat", "."])
def test_a_missing_file_and_a_folder_are_named(tmp_path, path):
    with pytest.raises(FileError, match="cannot be read") as caught:
        read_matrix(tmp_path / path)
    assert str(tmp_path / path) in str(caught.value)


# The set


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("unpacked", [False, True])
def test_the_chosen_rows_and_camera_come_with_their_factors(folder, part, unpacked):
    if unpacked:
        for path in list(folder.iterdir()):
            path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            path.unlink()
    category, info = factors(part)
    toy = _norb.INSTANCES[part][1]
    data = norb(part, category="truck", instance=toy, camera=1)
    source = data.factors["source"]
    np.testing.assert_array_equal(source, np.flatnonzero((category == 3) & (info[:, 0] == toy)))
    np.testing.assert_array_equal(shown_rows(data.X), source)
    assert data.X.dtype == np.uint8
    assert data.X.shape == (972, 4, 4)
    assert (data.X[:, 1, 1] == 1).all()
    assert (norb(part, category="truck", instance=toy).X[:, 1, 1] == 0).all()
    assert set(data.factors["category"]) == {"truck"}
    assert set(data.factors["instance"]) == {toy}
    np.testing.assert_array_equal(data.factors["elevation"], 30.0 + 5.0 * info[source, 1])
    np.testing.assert_array_equal(data.factors["azimuth"], 10.0 * info[source, 2])
    np.testing.assert_array_equal(data.factors["lighting"], info[source, 3])
    assert data.name == f"small NORB, truck, instance {toy}, camera 1"
    assert str(folder) in data.origin


def test_factors_are_in_degrees(folder):
    data = norb("test", category="human", instance=5)
    assert sorted(set(data.factors["azimuth"])) == list(range(0, 360, 20))
    assert sorted(set(data.factors["elevation"])) == list(range(30, 71, 5))
    assert data.factors["azimuth"].dtype == data.factors["elevation"].dtype == np.float64
    assert data.factors["lighting"].dtype.kind == data.factors["instance"].dtype.kind == "i"


def test_without_a_choice_all_toys_come(folder):
    planes = norb()
    assert len(planes) == 5 * 972
    assert sorted(set(planes.factors["instance"])) == [4, 6, 7, 8, 9]
    assert set(planes.factors["category"]) == {"airplane"}
    everything = norb("test", category=None)
    np.testing.assert_array_equal(shown_rows(everything.X), np.arange(N))
    assert set(everything.factors["category"]) == set(_norb.CATEGORIES)
    assert "all categories" in everything.name


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"part": "training"}, "known: test, train; did you mean 'train'"),
        ({"part": 1}, "part is 1; known: test, train"),
        ({"category": "plane"}, "did you mean 'airplane'"),
        ({"category": 2}, "category is 2; known: airplane, animal, car, human, truck"),
        ({"instance": 5}, "has 4, 6, 7, 8, 9; 5 is in the part 'test'"),
        ({"part": "test", "instance": 4}, "has 0, 1, 2, 3, 5; 4 is in the part 'train'"),
        ({"instance": 10}, "instance is 10; the part 'train' has 4, 6, 7, 8, 9$"),
        ({"camera": 2}, "camera is 2; .* 0 or 1"),
        ({"camera": -1}, "camera is -1"),
    ],
)
def test_what_small_norb_does_not_have_is_answered_with_what_it_has(wrong, says):
    with pytest.raises(InputError, match=says):
        norb(**wrong)


def test_reading_a_packed_file_takes_little_memory(monkeypatch, tmp_path):
    side = 32
    monkeypatch.setattr(_norb, "SHAPE", (N, 2, side, side))
    write(tmp_path / "cache" / "norb", small_set("train", side))
    small_set.cache_clear()
    tracemalloc.start()
    try:
        data = norb("train", instance=7)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(shown_rows(data.X), data.factors["source"])
    assert peak < 8e6 < N * 2 * side * side / 6


# Where it is found


def test_the_folder_of_the_environment_comes_before_the_cache(folder, tiny, monkeypatch, tmp_path):
    write(tmp_path / "cache" / "norb", tiny["train"])
    assert "DRLIM_DATA" in norb(instance=4).origin
    monkeypatch.delenv("DRLIM_DATA")
    assert "the cache" in norb(instance=4).origin


def test_one_part_is_enough(tiny, tmp_path):
    write(tmp_path / "cache" / "norb", tiny["test"])
    assert len(norb("test")) == 5 * 972
    with pytest.raises(FileError, match="'train' is in none of"):
        norb("train")


def test_the_error_names_the_folders_searched_and_the_stand_in(monkeypatch, tmp_path):
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
    with pytest.raises(FileError, match=r"drlim\.datasets\.airplane\(\)") as caught:
        norb()
    assert str(tmp_path / "data" / "norb") in str(caught.value)
    assert str(tmp_path / "cache" / "norb") in str(caught.value)
    assert "download=True" in str(caught.value)


@pytest.mark.parametrize("kind", ["dat", "cat", "info"])
def test_a_file_that_lacks_in_a_folder_of_ones_own_is_named(folder, kind):
    file(folder, "train", kind).unlink()
    for load in (norb, airplane):
        with pytest.raises(FileError, match=f"lacks smallnorb-.*-training-{kind}.mat.gz of"):
            load()
    assert len(norb("test")) == 5 * 972


OTHER_SETS = [
    ("dat", np.zeros((N, 2, 4, 5), np.uint8), r"kind byte and the shape \(24300, 2, 4, 5\), and"),
    ("dat", np.zeros((N, 2, 4, 4), np.int32), r"kind integer and the shape \(24300, 2, 4, 4\), "),
    ("cat", np.zeros(29160, np.int32), r"kind integer and the shape \(29160,\), and"),
    ("info", np.zeros((N, 10), np.int32), r"kind integer and the shape \(24300, 10\), and"),
]


@pytest.mark.parametrize(("kind", "array", "says"), OTHER_SETS)
def test_a_file_of_another_set_is_refused(folder, kind, array, says):
    path = file(folder, "train", kind)
    path.write_bytes(gzip.compress(matrix(array), 1))
    with pytest.raises(FileError, match=says) as caught:
        norb()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("category", 5, "the category 5, and there are 0, 1, 2, 3, 4;"),
        (0, 5, "the instance 5, and there are 4, 6, 7, 8, 9;"),
        (1, 9, "the elevation 9"),
        (2, 35, "the azimuth 35"),
        (3, -1, "the lighting -1"),
    ],
)
def test_factors_that_small_norb_does_not_have_are_refused(folder, column, value, says):
    category, info = (values.copy() for values in factors("train"))
    if column == "category":
        category[100] = value
    else:
        info[100, column] = value
    file(folder, "train", "cat").write_bytes(matrix(category))
    file(folder, "train", "info").write_bytes(matrix(info))
    with pytest.raises(FileError, match=says):
        norb()


def test_the_files_of_one_part_are_not_taken_for_the_other(folder):
    for kind in ("dat", "cat", "info"):
        file(folder, "test", kind).replace(file(folder, "train", kind))
    with pytest.raises(FileError, match=r"'train'.*instance 0"):
        norb("train")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A server on loopback that offers a folder; the folder and its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_download_takes_one_part_from_mirror_to_mirror_into_the_cache(
    monkeypatch, mirror, tiny, tmp_path
):
    offered, address = mirror
    write(offered, tiny["train"] | tiny["test"])
    monkeypatch.setattr(_norb, "MIRRORS", (DEAD, address))
    assert "downloaded" in norb("test", download=True).origin
    assert {path.name for path in (tmp_path / "cache" / "norb").iterdir()} == set(tiny["test"])
    assert "the cache" in norb("test").origin
    assert "small NORB, airplane, instance 4" in airplane(download=True).name


def test_a_download_that_broke_off_is_taken_up_again(monkeypatch, mirror, tiny, tmp_path):
    offered, address = mirror
    write(offered, tiny["train"])
    (name, content), *_ = tiny["train"].items()
    write(tmp_path / "cache" / "norb", {name: content})
    with pytest.raises(FileError, match="lacks"):
        norb("train")
    monkeypatch.setattr(_norb, "MIRRORS", (address,))
    assert len(norb("train", download=True)) == 5 * 972


def test_a_download_with_another_hash_is_refused_and_not_kept(monkeypatch, mirror, tiny, tmp_path):
    offered, address = mirror
    write(offered, tiny["train"])
    file(offered, "train", "dat").write_bytes(gzip.compress(b"something else"))
    monkeypatch.setattr(_norb, "MIRRORS", (address,))
    with pytest.raises(FileError, match=r"dat\.mat\.gz") as caught:
        norb("train", download=True)
    assert "drlim.datasets.airplane()" in str(caught.value)
    assert not file(tmp_path / "cache" / "norb", "train", "dat").exists()


# The paper's airplane, where it is the real one


def test_the_real_airplane_is_put_in_order(folder, caplog):
    caplog.set_level("INFO", "drlim")
    data = airplane()
    assert data.name == "small NORB, airplane, instance 4, camera 0"
    assert str(folder) in data.origin
    assert data.name in caplog.text
    category, info = factors("train")
    rows = shown_rows(data.X)
    assert (category[rows] == 2).all()
    np.testing.assert_array_equal(info[rows, 0], 4)
    np.testing.assert_array_equal(info[rows, 1] * 5 + 30, data.factors["elevation"])
    np.testing.assert_array_equal(info[rows, 2] * 10, data.factors["azimuth"])
    np.testing.assert_array_equal(info[rows, 3], data.factors["lighting"])
    conditions = itertools.product(range(0, 360, 20), range(30, 71, 5), range(6))
    found = (data.factors[name] for name in ("azimuth", "elevation", "lighting"))
    assert list(zip(*found, strict=True)) == list(conditions)


def test_a_condition_that_is_there_twice_is_refused(folder):
    category, info = (values.copy() for values in factors("train"))
    row = np.flatnonzero((category == 2) & (info[:, 0] == 4) & (info[:, 3] == 1))[7]
    info[row, 3] = 2
    file(folder, "train", "info").write_bytes(matrix(info))
    with pytest.raises(FileError, match="972"):
        airplane()


def test_a_damaged_real_airplane_is_never_replaced_by_the_rendered_one(folder):
    path = file(folder, "train", "dat")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileError, match="truncated"):
        airplane()
