"""The law of the formats: a map that some drlim wrote is read by every later one."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from drlim import InputError, load
from drlim._persistence import FORMAT_VERSION, read_map, write_map

DATA = Path(__file__).parent / "data"
KEPT = sorted(DATA.glob("*.drlim"))


def samples(n, *shape):
    count = np.arange(n * int(np.prod(shape)))
    return (count * 7919 % 1009 / 1009).reshape(n, *shape)


TABLE = samples(40, 5)
LIT = np.column_stack([np.arange(60) // 3 % 5, np.arange(60) % 3, samples(60, 1)])
SAMPLES = {
    "table": TABLE,
    "images": (samples(20, 10, 10) * 255).astype(np.uint8),
    "declared": LIT,
    "program": TABLE,
}


def test_files_of_every_format_are_kept():
    expected = {
        f"format-{version}-{name}" for version in range(1, FORMAT_VERSION + 1) for name in SAMPLES
    }
    assert {path.stem for path in KEPT} == expected
    assert sum(path.stat().st_size for path in KEPT) < 200_000


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_map_gives_the_points_that_it_gave_when_it_was_written(path):
    Z = load(path).transform(SAMPLES[path.stem.split("-")[2]])
    np.testing.assert_allclose(Z, np.load(path.with_suffix(".npy")), atol=1e-5)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_map_is_written_again_byte_for_byte(path, tmp_path):
    load(path).save(tmp_path / "again.drlim")
    (was, tensors), (now, _) = read_map(path), read_map(tmp_path / "again.drlim")
    # Which versions wrote the file changes, and a later drlim may measure more of an epoch.
    for before, after in zip(was["history"], now["history"], strict=True):
        assert before.items() <= after.items()
    changing = {name: now[name] for name in ("versions", "written_by", "history")}
    write_map(tmp_path / "expected.drlim", {**was, **changing}, tensors)
    assert (tmp_path / "again.drlim").read_bytes() == (tmp_path / "expected.drlim").read_bytes()


def test_a_declared_map_says_what_it_ignores_and_keeps():
    description, _ = read_map(DATA / "format-1-declared.drlim")
    assert (description["ignored"], description["kept"]) == (["lamp"], ["pose"])


def test_the_map_with_a_program_maps_without_its_network_and_cannot_be_fitted():
    map_ = load(DATA / "format-1-program.drlim")
    with pytest.raises(InputError, match=r"own"):
        map_.fit(TABLE)


def test_the_kept_samples_are_those_that_the_files_were_made_for():
    spec = importlib.util.spec_from_file_location("make", DATA / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    np.testing.assert_array_equal(make.samples(40, 5), TABLE)
