"""What is kept of new samples is read through those that were learnt from."""

import copy
import json

import numpy as np
import pytest

import drlim
from drlim import FileError
from drlim._persistence import read_map, write_map
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove

pytestmark = pytest.mark.usefixtures("few_trees")


def spectra(first=0, instruments=("mp5", "mp6", "m5"), seed=0, n=60):
    """Specimens on instruments, all of which but the first two show moisture turned round."""
    rng = np.random.default_rng(seed)
    moisture = rng.normal(size=n)
    parts = []
    for place, name in enumerate(instruments):
        turned = -1 if name not in ("mp5", "mp6") else 1
        X = np.stack([turned * moisture, np.full(n, 0.3 * place)], axis=1)
        parts.append(X + 0.1 * rng.normal(size=(n, 2)))
    return Dataset(
        np.concatenate(parts),
        {
            "moisture": np.tile(moisture, len(instruments)),
            "grade": np.tile(np.where(moisture > 0, "wet", "dry"), len(instruments)),
            "specimen": np.tile(first + np.arange(n), len(instruments)),
            "instrument": np.repeat(instruments, n),
        },
    )


DECLARED = Declaration(
    keep=[{"factor": "moisture", "tolerance": 0.7}],
    data={"source": "specimen"},
    held_out={"share": 0.4, "unseen": {"instrument": ["m5"]}},
    map={"network": "linear", "max_epochs": 3},
)
GRADED = Declaration(
    keep=["grade"],
    data={"source": "specimen"},
    held_out={"share": 0.4, "unseen": {"instrument": ["m5"]}},
    map={"network": "linear", "max_epochs": 3},
)


@pytest.fixture(scope="module")
def fitted():
    return fit(DECLARED, spectra())


@pytest.fixture(scope="module")
def graded():
    return fit(GRADED, spectra())


def proof_of(done, declared):
    return prove(done.map, declared, done.held_out, done.learnt, done.unseen)


@pytest.mark.fault("A5")
def test_a_number_of_an_unseen_instrument_is_read_through_the_learnt_ones(fitted):
    proof = proof_of(fitted, DECLARED).proof
    (known,), (unseen,) = proof.kept, proof.unseen
    assert known.retention["map"].value > 0.5
    assert unseen.better("map").value < 0
    assert (unseen.verdict, proof.outcome) == ("fails", "fails")
    assert "moisture of unseen instrument m5" in unseen.name
    assert unseen.name in proof.headline
    assert any(unseen.name in line for line in proof.lines())
    assert proof.as_json()["unseen"][0]["name"] == unseen.name
    assert set(unseen.retention) == {"map", "untrained", "pca", "samples"}


@pytest.mark.fault("A5")
def test_a_specimen_that_was_learnt_from_elsewhere_is_no_unseen_one(fitted):
    proof = proof_of(fitted, DECLARED).proof
    assert (len(fitted.unseen), proof.unseen[0].n_sources) == (60, 24)
    assert len(np.unique(fitted.held_out.factor("specimen"))) == 24
    assert any("36 of 60" in line and "specimen" in line for line in proof.cannot)
    some = np.isin(fitted.unseen.factor("specimen"), fitted.learnt.factor("specimen"))
    proof = prove(
        fitted.map, DECLARED, fitted.held_out, fitted.learnt, fitted.unseen.subset(some)
    ).proof
    assert proof.unseen[0].verdict == "not decided"
    assert "specimen" in proof.unseen[0].reason


@pytest.mark.fault("A5")
def test_a_class_of_an_unseen_instrument_is_no_class_never_seen(graded):
    evidence = proof_of(graded, GRADED)
    assert evidence.proof.unseen[0].retention["map"].value < 0.45
    known, unseen = evidence.recognition
    assert (known.who, known.n) == ("held-out samples", len(graded.held_out))
    assert (unseen.who, unseen.n, unseen.n_classes) == (
        "samples of values never seen (instrument)",
        24,
        2,
    )
    assert unseen.knn_accuracy["map"] < 0.3
    assert known.knn_accuracy["map"] > 0.7


@pytest.mark.fault("A5")
def test_a_report_keeps_the_unseen_instrument_apart_too(fitted):
    evidence = prove(fitted.map, DECLARED, spectra())
    assert len(evidence.held_out) == len(fitted.held_out)
    assert evidence.proof.kept[0].retention["map"].value > 0.5
    assert evidence.proof.unseen[0].n_sources == 24
    assert evidence.proof.unseen[0].better("map").value < 0


@pytest.mark.fault("A6")
@pytest.mark.parametrize("saved", [True, False])
def test_what_is_kept_of_new_data_is_read_through_the_learnt_points(fitted, saved, tmp_path):
    map_ = fitted.map
    if saved:
        map_.save(tmp_path / "map.drlim")
        map_ = drlim.load(tmp_path / "map.drlim")
    other = prove(map_, DECLARED, spectra(100, ("m7",), seed=1))
    (kept,) = other.proof.kept
    assert kept.better("map").value < 0
    assert kept.anew.better("map").value > 0.8
    assert (kept.verdict, kept.best) == ("fails", kept.anew.best)
    assert "through the learnt points" in kept.line
    assert json.dumps(other.as_json()["kept"][0]["anew"]["retention"]["samples"])
    same = prove(map_, DECLARED, spectra(100, ("mp5",), seed=1))
    (kept,) = same.proof.kept
    assert kept.better("map").value > 0.5
    assert f"{len(fitted.learnt)} learnt points" in "\n".join(same.proof.cannot)


@pytest.mark.fault("A6")
def test_a_class_of_texts_and_of_numbers_is_read_through_the_learnt_points(graded, tmp_path):
    graded.map.save(tmp_path / "map.drlim")
    map_ = drlim.load(tmp_path / "map.drlim")
    assert set(map_.annotations_["learnt_names"]["grade"]) == {"dry", "wet"}
    turned = prove(map_, GRADED, spectra(100, ("m7",), seed=1)).proof.kept[0]
    assert (turned.verdict, turned.better("map").value < 0.3) == ("fails", True)
    right = prove(map_, GRADED, spectra(100, ("mp6",), seed=1)).proof.kept[0]
    assert right.better("map").value > 0.7


@pytest.mark.fault("A6")
def test_new_samples_of_a_learnt_source_are_left_out_of_what_is_kept(fitted):
    proof = prove(fitted.map, DECLARED, spectra(30, ("m7",), seed=1)).proof
    n_learnt = np.isin(np.arange(30, 90), fitted.learnt.factor("specimen")).sum()
    assert proof.kept[0].n_sources == 60 - n_learnt
    assert any(f"{n_learnt} of 60" in line for line in proof.cannot)


@pytest.mark.fault("A6")
def test_a_map_of_an_earlier_version_says_that_the_learnt_reading_is_not_known(fitted):
    old = copy.copy(fitted.map)
    old.annotations_ = {k: v for k, v in old.annotations_.items() if not k.startswith("learnt_")}
    proof = prove(old, DECLARED, spectra(100, ("m7",), seed=1)).proof
    assert proof.kept[0].anew is None
    assert any("not known" in line and "learnt from" in line for line in proof.cannot)


def test_the_points_in_a_maps_file_are_few_and_those_of_the_map(fitted, tmp_path, monkeypatch):
    points = fitted.map.annotations_["learnt_points"]
    np.testing.assert_array_equal(points, fitted.map.transform(fitted.learnt.X))
    monkeypatch.setattr("drlim.declaration._learnt._MOST_POINTS", 7)
    few = fit(DECLARED, spectra()).map
    few.save(tmp_path / "few.drlim")
    annotations = drlim.load(tmp_path / "few.drlim").annotations_
    assert annotations["learnt_points"].shape == (7, 2)
    assert {len(values) for values in annotations["learnt_factors"].values()} == {7}
    # Beside the points (7 x 2 of 4 bytes) are two factors of numbers, and names of tensors.
    old = copy.copy(few)
    old.annotations_ = {k: v for k, v in few.annotations_.items() if not k.startswith("learnt_p")}
    del old.annotations_["learnt_factors"], old.annotations_["learnt_names"]
    old.save(tmp_path / "old.drlim")
    grown = (tmp_path / "few.drlim").stat().st_size - (tmp_path / "old.drlim").stat().st_size
    assert grown < 7 * (2 * 4 + 2 * 8) + 600


@pytest.mark.parametrize(
    "change",
    [
        {"learnt_points": None},
        {"learnt_points": np.zeros((108, 3), np.float32)},
        {"learnt_points": np.full((72, 2), np.nan, np.float32)},
        {"learnt_factors.grade": np.full(72, 2, np.int32)},
        {"learnt_factors.grade": np.zeros(71, np.int32)},
        {"learnt_factors.grade": None},
    ],
)
def test_altered_learnt_points_are_refused(graded, change, tmp_path):
    assert len(graded.learnt) == 72
    graded.map.save(tmp_path / "map.drlim")
    description, tensors = read_map(tmp_path / "map.drlim")
    tensors = {k: v for k, v in {**tensors, **change}.items() if v is not None}
    write_map(tmp_path / "altered.drlim", description, tensors)
    with pytest.raises(FileError):
        drlim.load(tmp_path / "altered.drlim")
