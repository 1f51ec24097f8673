"""The law of the reader: whatever a file holds, it is a map or refused with a clear error."""

import warnings

import fuzzing
import numpy as np
import pytest

from drlim import FileError, load

pytest.importorskip("onnxruntime")


@pytest.mark.slow
@pytest.mark.no_cover
def test_ten_thousand_broken_files_are_refused_or_map_without_a_crash_a_hang_or_a_gigabyte(
    tmp_path,
):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X does not have valid feature names")
        counts, grown = fuzzing.run(10_000, seed=0, folder=tmp_path)
    assert counts.total() > 9_500  # the others could not even be written
    ended = fuzzing.total(counts)
    print(f"{counts.total()} broken files: {dict(ended)}; memory grew by {grown:.0f} MB")
    assert min(ended["FileError"], ended["InputError"], ended["a map"]) > 500
    assert grown < 1000


def test_the_same_seed_breaks_files_in_the_same_way():
    first, again = (list(fuzzing.cases(60, seed=1)) for _ in range(2))
    assert first == again
    assert first != list(fuzzing.cases(60, seed=2))


@pytest.mark.parametrize(
    ("description", "tensors", "why"),
    [
        ({"sample_shape": [10**6, 10**6]}, {}, "do not agree"),
        (
            {"sample_shape": [10**7, 10**7], "n_features_in": 10**14},
            {},
            "sample_shape|no such|do",
        ),
        ({"parameters": {"n_components": 2**60}}, {}, "parameters"),
        ({"parameters": {"device": "cuda"}}, {}, "parameters"),
        ({"network": {"name": "mlp", "arguments": {"hidden": [2**39]}}}, {}, "no such|do not fit"),
        ({"network": {"name": "convnet", "arguments": {"depth": 10**9}}}, {}, "at most 32|images"),
        ({"network": {"name": "mlp", "arguments": {"device": "cuda"}}}, {}, "takes no 'device'"),
        ({"network": {"name": "mlp", "arguments": {"hidden": [[1]]}}}, {}, "network"),
        ({"history": [{"loss": "low"}]}, {}, "history"),
        ({"history": [{"loss": 1.0}]}, {}, "history"),
        ({"feature_names_in": ["a"]}, {}, "do not agree"),
        ({"kind": "checkpoint"}, {}, "'checkpoint'"),
        ({}, {"0.scale": np.array(0.0)}, "standardises"),
        ({}, {"0.centre": np.full(5, np.nan)}, "standardises"),
        ({}, {"0.centre": np.zeros(7)}, "standardises"),
        ({}, {f"t{k}": np.zeros(1) for k in range(10_001)}, "10000"),
        ({}, {"1.1.bias": np.zeros((1,) * 9, np.float32)}, "'1.1.bias'"),
        ({}, {"stranger": np.zeros(3)}, "'stranger'"),
    ],
)
def test_a_file_with_the_right_hash_is_still_checked(description, tensors, why, tmp_path):
    from drlim._persistence import read_map, write_map

    was, held = read_map(fuzzing.DATA / "format-1-table.drlim")
    write_map(tmp_path / "altered.drlim", {**was, **description}, {**held, **tensors})
    with pytest.raises((FileError, fuzzing.InputError), match=why):
        load(tmp_path / "altered.drlim")


def test_a_header_that_claims_to_be_huge_is_not_read(tmp_path):
    path = tmp_path / "sparse.drlim"
    with path.open("wb") as file:
        file.write((2**40).to_bytes(8, "little") + b"{}")
        file.truncate(2**41)  # of which the disk holds nothing
    with pytest.raises(FileError, match=r"sparse.drlim"):
        load(path)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(place):
    with pytest.raises(FileError, match=place):
        load(place)


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path):
    import os

    os.mkfifo(tmp_path / "pipe.drlim")
    with pytest.raises(FileError, match=r"pipe.drlim"):
        load(tmp_path / "pipe.drlim")
