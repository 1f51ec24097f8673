"""Declared maps: what is declared reaches training, and the proof is about other samples."""

import copy
import hashlib
import html
import io
import json
import re
import sys

import numpy as np
import pytest

import drlim
from drlim import DataWarning, DrlimError, FileError, InputError, load
from drlim._persistence import read_map, write_map
from drlim.datasets import Dataset, weaves
from drlim.declaration import (
    Declaration,
    declaration_of,
    fit,
    nearest,
    open_map,
    prove,
    read_data,
    rules,
    run,
    verify,
    write_report,
)
from drlim.declaration._fingerprints import fingerprints, is_known
from drlim.declaration._fit import map_parameters
from drlim.declaration._purpose import purpose_of
from drlim.declaration._report import tables
from drlim.declaration._resolve import resolve
from drlim.estimator import DrLIM
from drlim.graphs import SimilarityGraph, same
from drlim.networks import _builders
from drlim.transforms import Augment, change

pytestmark = pytest.mark.usefixtures("few_trees")

ODD = '<b>&"'  # a factor that a careless page would take for markup


def measurements(n_each=16, seed=0):
    """Five poses under three lamps, in two features, and a third of noise."""
    rng = np.random.default_rng(seed)
    lamp, pose, _ = (v.ravel() for v in np.meshgrid(range(3), range(5), range(n_each)))
    X = np.stack([pose + 0.1 * rng.normal(size=len(lamp)), 2.0 * lamp, rng.normal(size=len(lamp))])
    return Dataset(X.T, {ODD: lamp, "pose": pose}, name="measurements")


DECLARED = Declaration(
    ignore=[ODD],
    keep=["pose"],
    held_out={"share": 0.4, "unseen": {"pose": [4]}},
    map={"max_epochs": 6, "network": "linear", "learning_rate": 0.01},
)


@pytest.fixture(scope="module")
def fitted():
    return fit(DECLARED, measurements())


@pytest.fixture(scope="module")
def evidence(fitted):
    return prove(fitted.map, DECLARED, fitted.held_out, fitted.learnt, fitted.unseen)


@pytest.fixture
def given(monkeypatch):
    """What `DrLIM.fit` was given, by name."""
    seen = {}
    fit_ = DrLIM.fit

    def spy(self, X, y=None, **others):
        seen.update(X=X, y=y, **others)
        return fit_(self, X, y, **others)

    # A map keeps neither the weights of its pairs nor what was to be changed at random.
    monkeypatch.setattr(DrLIM, "fit", spy)
    return seen


QUICK = {"max_epochs": 1, "network": "linear"}


# From a declaration to a map.


def test_what_is_learnt_from_is_what_was_not_held_out(fitted):
    whole = measurements()
    assert len(fitted.learnt) + len(fitted.held_out) + len(fitted.unseen) == len(whole)
    assert (fitted.unseen.factor("pose") == 4).all()
    assert len(fitted.unseen) == 48
    assert len(fitted.held_out) == round(0.4 * 192)
    rows = {sample.tobytes() for sample in fitted.learnt.X}
    assert not rows & {sample.tobytes() for sample in fitted.held_out.X}
    assert fitted.map.graph_ == fitted.rules.similar == same(fitted.learnt.factor("pose"))
    assert len(fitted.map.embedding_) == len(fitted.learnt)


def test_a_sample_that_nothing_is_held_out_for_has_no_unseen_part():
    declared = Declaration(ignore=[ODD], keep=["pose"], map=QUICK)
    assert fit(declared, measurements(4)).unseen is None


def test_the_declared_parameters_are_those_of_the_map():
    parameters = {
        "n_components": 3,
        "margin": 2.0,
        "n_dissimilar": 1.5,
        "max_epochs": 1,
        "batch_size": 32,
        "learning_rate": 0.01,
        "random_state": 7,
    }
    declared = Declaration(keep=["pose"], map=parameters)
    data = measurements(2)
    resolved = resolve(declared, data)
    found = map_parameters(resolved, data.X, purpose_of(resolved, data))
    assert found == parameters | {"network": None}


def test_a_parameter_that_is_not_declared_is_that_of_the_estimator():
    map_ = fit(Declaration(keep=["pose"], map=QUICK), measurements(4)).map
    for name in ("margin", "n_dissimilar", "loss", "batch_size", "learning_rate"):
        assert getattr(map_, name) == getattr(DrLIM(), name)
    assert map_.random_state == 0  # a declared map is always repeatable


def test_a_fit_says_what_it_found(capsys):
    lines = []
    declared = Declaration(ignore=[ODD], keep=["pose"], map=QUICK)
    fit(declared, measurements(4), say=lines.append)
    text = "\n".join(lines)
    assert "60 x 3 float64" in text
    assert "48 to learn from, 12 held out" in text
    assert f"cross {ODD}, which is ignored" in text
    assert "values never seen" not in text
    assert "epoch" in capsys.readouterr().err
    fit(declared, measurements(4))
    assert capsys.readouterr() == ("", "")
    fit(declared.model_copy(update={"held_out": DECLARED.held_out}), measurements(4), say=print)
    assert ", 12 of values never seen" in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_search_for_neighbours_that_are_kept_is_shown_to_who_waits_for_it(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    declared = Declaration(keep=[{"neighbors": 3}], map=QUICK)
    for say, shown in ((print, True), (None, False)):
        monkeypatch.setattr(sys, "stderr", stream := Terminal())
        fit(declared, measurements(4), say=say)
        assert ("nearest neighbours" in stream.getvalue()) == shown
    two = Declaration(keep=[{"neighbors": 3, "within": ODD}, {"neighbors": 3, "within": "pose"}])
    for either in (declared, two):
        shares = []
        rules(either, measurements(4), progress=shares.append)
        assert shares == sorted(shares)
        assert shares[-1] == 1
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    fit(Declaration(keep=["pose"], map=QUICK), measurements(4), say=print)
    assert "nearest neighbours" not in stream.getvalue()  # there is no such search


def test_confounded_data_is_learnt_from_only_by_force():
    lamp = np.repeat([0, 1], 20)
    data = Dataset(np.random.default_rng(0).normal(size=(40, 2)), {"lamp": lamp, "class": lamp})
    declared = Declaration(ignore=["lamp"], keep=["class"], map=QUICK)
    with pytest.raises(InputError, match="confounded"):
        fit(declared, data)
    assert len(fit(declared, data, force=True).map.embedding_) == 32


def test_callbacks_are_called():
    from drlim.training import Callback

    class Count(Callback):
        n = 0

        def on_epoch_end(self, history):
            self.n += 1

    count = Count()
    declared = Declaration(keep=["pose"], map={**QUICK, "max_epochs": 2})
    fit(declared, measurements(4), callbacks=[count])
    assert count.n == 2


def test_random_transformations_reach_training_and_change_no_sample(given):
    data = measurements(4)
    change_ = {"transform": "noise", "range": [0, 0.3]}
    done = fit(Declaration(keep=["pose"], ignore=[change_], map=QUICK), data)
    assert done.map.augment == Augment.for_samples([change("noise", range=(0, 0.3))], done.learnt.X)
    assert given["graph"] == done.rules.similar
    np.testing.assert_array_equal(given["X"], done.learnt.X)


def test_what_lies_outside_images_is_declared_once_for_all_that_move():
    declared = Declaration(
        data={"outside": "edge"},
        ignore=[{"transform": "scale"}, {"transform": "blur"}, {"transform": "shift"}],
        keep=["word"],
    )
    changes = resolve(declared, Dataset(np.ones((3, 8, 8)))).drawn_anew
    assert [one.outside for one in changes] == ["edge", "zeros", "edge"]


def test_an_ignored_name_is_a_factor_where_the_data_has_one_and_else_a_transformation():
    data = measurements(4)
    with_factor = Dataset(data.X, {**data.factors, "noise": np.arange(len(data)) % 2})
    declared = Declaration(keep=["pose"], ignore=["noise"], map=QUICK)
    assert fit(declared, data).map.augment is not None
    done = fit(declared, with_factor)
    assert done.map.augment is None
    assert list(done.rules.crossing) == ["noise"]


def test_no_pair_need_be_similar_where_a_transformation_is_ignored(given):
    data = Dataset(np.random.default_rng(0).normal(size=(20, 3)))
    done = fit(Declaration(ignore=["noise"], map=QUICK), data)
    assert given["graph"].n_edges == 0
    assert done.map.augment is not None


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    kind = np.arange(24) % 3
    X = np.zeros((24, 8, 8), np.uint8)
    X[np.arange(24), 2 + kind, 3] = 200
    return Dataset(X + rng.integers(0, 20, X.shape).astype(np.uint8), {"class": kind})


def test_listed_values_make_copies_before_training(given, images):
    shift = {"transform": "shift", "values": [-1, 1]}
    bright = {"transform": "brightness", "values": [0.1]}
    declared = Declaration(keep=["class"], ignore=[shift, "blur", bright], map=QUICK)
    done = fit(declared, images)
    n = len(done.learnt)
    assert n == 19
    assert given["X"].shape == (6 * n, 8, 8)
    np.testing.assert_array_equal(given["X"][:n], done.learnt.X)
    np.testing.assert_array_equal(given["X"][n : 2 * n, :, :-1], done.learnt.X[:, :, 1:])
    assert given["graph"] == done.rules.similar.copied(3).copied(2)
    assert given["weight"] is given["dissimilar"] is None
    assert [c.kind for c in done.map.augment.changes] == ["blur"]
    # Copies are no samples of their own: a report that met one of them would not know it.
    assert len(done.map.trained_on_) == n


def test_copies_of_weighted_and_of_dissimilar_pairs(given, images, tmp_path):
    lines = ["left,right,similar,weight"]
    lines += [f"{i},{i + 3},true,{i + 2}" for i in range(20)]
    lines += [f"{i},{i + 1},false,{i + 100}" for i in range(20)]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    declared = Declaration(
        pairs=str(tmp_path / "pairs.csv"),
        ignore=[{"transform": "shift", "values": [1]}],
        map=QUICK,
    )
    done = fit(declared, images)
    n, known = len(done.learnt), done.rules
    graph, dissimilar = given["graph"], given["dissimilar"]
    assert graph == known.similar.copied(2)
    assert all(graph.has(np.arange(n), np.arange(n, 2 * n)))  # copies of one sample
    assert (graph & dissimilar).n_edges == 0
    assert dissimilar.n_edges == 4 * known.dissimilar.n_edges
    drawn = (known.similar | known.dissimilar).edges.tolist()
    counts = dict(zip(map(tuple, drawn), known.weight, strict=True))
    spread = (graph | dissimilar).edges % n
    for (i, j), weight in zip(np.sort(spread, axis=1).tolist(), given["weight"], strict=True):
        assert weight == (1 if i == j else counts[i, j])


def test_copies_of_weighted_pairs_beside_a_rule(given, images, tmp_path):
    (tmp_path / "pairs.csv").write_text("left,right,weight\n0,3,4\n1,4,5\n2,5,6\n0,1,7\n6,9,8\n")
    declared = Declaration(
        keep=["class"],
        pairs=str(tmp_path / "pairs.csv"),
        ignore=[{"transform": "shift", "values": [1, 2]}],
        map=QUICK,
    )
    done = fit(declared, images)
    assert given["graph"] == done.rules.similar.copied(3)
    assert given["dissimilar"] is None
    total = done.rules.weight.sum()
    assert len(given["weight"]) == 9 * done.rules.similar.n_edges + 3 * len(done.learnt)
    assert given["weight"].sum() == 9 * total + 3 * len(done.learnt)


def test_copies_of_one_sample_count_what_their_transformation_says(given, images, tmp_path):
    (tmp_path / "pairs.csv").write_text("left,right,weight\n0,3,4\n1,4,5\n2,5,6\n")
    declared = Declaration(
        keep=["class"],
        pairs=str(tmp_path / "pairs.csv"),
        ignore=[
            {"transform": "shift", "values": [1, 2], "weight": 3},
            {"transform": "brightness", "values": [0.1], "weight": 0.5},
        ],
        map=QUICK,
    )
    done = fit(declared, images)
    n, known = len(done.learnt), done.rules
    counts = dict(zip(map(tuple, known.similar.edges.tolist()), known.weight, strict=True))
    for edge, weight in zip(given["graph"].edges.tolist(), given["weight"], strict=True):
        (light, other_light), (shift, other_shift) = np.divmod(edge, 3 * n)
        i, j = sorted((shift % n, other_shift % n))
        if i != j:
            assert weight == counts[i, j]
        elif shift != other_shift:
            assert weight == 3
        else:
            assert light != other_light
            assert weight == 0.5


# Networks.

BUILDER = """
from torch import nn
def build(sample_shape, n_components, width=3):
    return nn.Sequential(nn.Linear(sample_shape[0], width), nn.Linear(width, n_components))
"""


def learnt_with(network, folder):
    (folder / "d.toml").write_text(
        f"keep = ['pose']\n[map]\nn_components = 2\nmax_epochs = 1\nnetwork = {network}"
    )
    return fit(Declaration.read(folder / "d.toml"), measurements(4)).map


NETWORKS = {
    "a name": ("'linear'", 3 * 2),
    "a table": ("{name = 'paper_mlp', hidden = [5]}", 3 * 5 + 5 + 5 * 2 + 2),
    "one of the user's own": ("{builder = 'own_builder:build'}", 3 * 3 + 3 + 3 * 2 + 2),
    "with arguments": ("{builder = 'own_builder:build', width = 7}", 3 * 7 + 7 + 7 * 2 + 2),
    "of a package": ("{builder = 'drlim.networks:linear'}", 3 * 2),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_network_is_a_name_a_table_or_a_builder_beside_the_declaration(case, tmp_path):
    network, n_weights = NETWORKS[case]
    (tmp_path / "own_builder.py").write_text(BUILDER)
    map_ = learnt_with(network, tmp_path)
    weights = sum(p.numel() for p in map_.network_.parameters())
    assert weights in (n_weights, n_weights + 2)  # a linear map may have an offset


def test_without_a_network_it_is_the_default_one():
    declared = Declaration(keep=["pose"], map={"max_epochs": 0})
    data = measurements(2)
    resolved = resolve(declared, data)
    found = map_parameters(resolved, data.X, purpose_of(resolved, data))
    assert found["network"] is None


WRONG_NETWORKS = {
    "no such name": ("'lenett'", "'lenett'.*'lenet'"),
    "no such name in a table": ("{name = 'convnt'}", "'convnt'.*'convnet'"),
    "no name": ("{width = 3}", "None.*'module:function'"),
    "no such argument": ("{name = 'mlp', hiden = [3]}", "'mlp'.*'hiden'.*'hidden'"),
    "a wrong argument": ("{name = 'mlp', hidden = ['many']}", "'many'"),
    "other samples": ("'lenet'", "image"),
    "no such module": ("{builder = 'none_such:build'}", "'none_such:build'"),
    "no such function": ("{builder = 'own_builder:biuld'}", "'own_builder:biuld'"),
    "no function": ("{builder = 'own_builder'}", "'own_builder'"),
    "no network": ("{builder = 'own_builder:nothing'}", "the network builder gave a int"),
}


@pytest.mark.parametrize("case", WRONG_NETWORKS)
def test_a_network_that_cannot_be_built_is_refused_with_key_and_line(case, tmp_path):
    network, says = WRONG_NETWORKS[case]
    more = "\ndef nothing(sample_shape, n_components): return 3\n"
    (tmp_path / "own_builder.py").write_text(BUILDER + more)
    with pytest.raises(InputError, match=rf"line 5, map.network: .*{says}"):
        learnt_with(network, tmp_path)


def test_an_unknown_loss_is_refused_with_its_key():
    declared = Declaration(keep=["pose"], map={**QUICK, "loss": "contrastiv"})
    with pytest.raises(InputError, match=r"map.loss: .*'contrastiv'.*'contrastive'"):
        fit(declared, measurements(4))


# Data of every kind.


def test_arrays_with_a_table_of_factors_and_tables_give_one_map(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    data = measurements(4)
    lamp, pose = data.factors.values()
    np.save(tmp_path / "X.npy", data.X)
    lines = [f"{a},{b}" for a, b in zip(lamp, pose, strict=True)]
    (tmp_path / "f.csv").write_text("lamp,pose\n" + "\n".join(lines))
    columns = {f"x{j}": data.X[:, j] for j in range(3)}
    kinds = {"lamp": [f"l{v}" for v in lamp], "pose": [f"p{v}" for v in pose]}
    parquet.write_table(pa.table(columns | kinds), tmp_path / "t.parquet")
    parts = {"ignore": ["lamp"], "keep": ["pose"], "map": QUICK}
    of_array = Declaration(**parts, data={"path": "X.npy", "factors": "f.csv"}).beside(tmp_path)
    of_table = Declaration(**parts, data={"path": "t.parquet"}).beside(tmp_path)
    one, other = fit(of_array), fit(of_table)
    assert one.rules.similar == other.rules.similar
    np.testing.assert_array_equal(one.map.transform(data.X), other.map.transform(data.X))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Two woven traditions, fourteen photographs each, and two files that are none."""
    folder = weaves(tmp_path_factory.mktemp("weaves"), n_classes=2, n_per_class=14, size=32)
    (folder / "tradition-01" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (folder / "tradition-02" / "no<i>text.jpg").write_text("nothing")
    return folder


PHOTOGRAPHS = {
    "ignore": [{"transform": "flip"}],
    "keep": ["class"],
    "held_out": {"share": 0.4},
    "map": {
        "n_components": 2,
        "max_epochs": 2,
        "batch_size": 32,
        "network": {"name": "convnet", "width": 4},
    },
}


@pytest.fixture(scope="module")
def woven(photographs):
    declared = Declaration(**PHOTOGRAPHS, data={"path": photographs, "skip_bad": True})
    done = fit(declared)
    return declared, done, prove(done.map, declared, done.held_out, done.learnt)


def test_a_file_that_is_not_an_image_ends_a_fit_unless_it_may_be_left_out(photographs):
    declared = Declaration(**PHOTOGRAPHS, data={"path": photographs})
    with pytest.raises(FileError, match=r"data.path: .*broken.png"):
        read_data(declared)
    assert len(read_data(declared, skip_bad=True)) == 28


def test_a_folder_of_images_is_learnt_from_and_what_was_left_out_is_reported(woven):
    _, done, evidence = woven
    assert len(done.learnt) == 17
    assert done.learnt.X.shape[1:] == (3, 32, 32)
    assert len(done.held_out.skipped) == 2
    assert evidence.as_json()["skipped"] == list(done.held_out.skipped)
    assert any("2 files could not be read" in said for said in evidence.proof.cannot)


def test_new_images_are_read_as_those_that_were_learnt_from(woven, tmp_path):
    from PIL import Image

    _, done, _ = woven
    declared = declaration_of(done.map)
    assert (declared.data.size, declared.data.colour) == ((32, 32), "colour")
    Image.fromarray(np.full((48, 40), 90, np.uint8)).save(tmp_path / "grey.png")
    grey = read_data(declared, tmp_path / "grey.png")
    assert grey.X.shape == (1, 3, 32, 32)
    assert done.map.transform(grey.X).shape == (1, 2)
    np.save(tmp_path / "X.npy", done.held_out.X)  # of an array there is nothing to resize
    np.testing.assert_array_equal(read_data(declared, tmp_path / "X.npy").X, done.held_out.X)


def test_colour_images_stand_beside_their_colours_alone(woven):
    _, _, evidence = woven
    maps = {"map", "untrained", "pca", "samples", "colours"}
    assert set(evidence.points) == maps
    assert set(evidence.recognition[0].knn_accuracy) == maps | {"cosine", "lda"}
    for curve in evidence.curves["flip"][1].values():
        assert curve.mean[0] == pytest.approx(0, abs=1e-6)
    flip = evidence.proof.ignored[0]
    assert flip.name == "flip"
    assert flip.displacement == evidence.curves["flip"][1]
    assert set(flip.displacement) == set(flip.orbit_ratio) == maps
    # A picture and its mirror image have the same colours, and other pixels.
    assert flip.displacement["colours"].mean[-1] == 0
    assert flip.displacement["samples"].mean[-1] > 0.1


# The proof.


def test_a_trained_map_is_proven_beside_its_references(evidence):
    # So few held-out samples decide little of what is ignored.
    assert evidence.proof.outcome != "fails", evidence.proof.lines()
    assert evidence.proof.kept[0].verdict == "holds"
    assert [entry.name for entry in evidence.proof.ignored] == [ODD]
    assert [entry.name for entry in evidence.proof.kept] == ["pose"]
    for entry in evidence.proof.ignored:
        assert set(entry.leakage) == {"map", "untrained", "pca", "samples"}
        assert "samples" in entry.read_from
    assert set(evidence.proof.kept[0].retention) == {"map", "untrained", "pca", "samples"}


def test_the_references_are_what_they_are_called(evidence, fitted):
    np.testing.assert_array_equal(evidence.points["map"], fitted.map.transform(fitted.held_out.X))
    np.testing.assert_allclose(evidence.points["samples"], fitted.held_out.X, rtol=1e-6)
    untrained = fitted.map.untrained().transform(fitted.held_out.X)
    np.testing.assert_array_equal(evidence.points["untrained"], untrained)
    centred = fitted.learnt.X - fitted.learnt.X.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][: fitted.map.n_components]
    expected = (fitted.held_out.X - fitted.learnt.X.mean(axis=0)) @ axes.T
    np.testing.assert_allclose(np.abs(evidence.points["pca"]), np.abs(expected), atol=1e-4)


def test_large_samples_are_measured_by_their_first_components(woven):
    _, _, evidence = woven
    # As many as there are samples to find them from, 50 at the most.
    assert evidence.points["samples"].shape == (11, 17)
    assert all("Samples are their first" in caption for caption in tables(evidence))


def test_small_samples_are_measured_as_they_are(evidence):
    assert not any("principal components" in caption for caption in tables(evidence))


def test_a_constant_map_fails(fitted):
    map_ = copy.copy(fitted.map)
    map_.network_ = copy.deepcopy(fitted.map.network_)
    for parameter in list(map_.network_.parameters())[-2:]:
        parameter.data.zero_()
    evidence = prove(map_, DECLARED, fitted.held_out, fitted.learnt)
    assert not evidence.proof.holds
    assert {entry.verdict for entry in evidence.proof.ignored} == {"fails"}
    assert {entry.verdict for entry in evidence.proof.kept} == {"fails"}


def test_a_map_that_ignores_nothing_fails(fitted):
    map_ = DrLIM(network="linear", n_components=3, max_epochs=0).fit(fitted.learnt.X)
    evidence = prove(map_, DECLARED, fitted.held_out, fitted.learnt)
    assert [entry.verdict for entry in evidence.proof.ignored] == ["fails"]


def test_samples_that_were_trained_on_are_left_out(fitted):
    whole = measurements()
    evidence = prove(fitted.map, DECLARED, whole)
    assert evidence.n_known == len(fitted.learnt)
    assert len(evidence.held_out) == len(fitted.held_out)
    assert evidence.as_json()["n_left_out_as_trained_on"] == len(fitted.learnt)
    assert any(f"{len(fitted.learnt)} of the samples were" in s for s in evidence.proof.cannot)
    assert any("by cross-validation among these" in said for said in evidence.proof.cannot)


def test_what_was_trained_on_alone_proves_nothing(fitted):
    with pytest.raises(InputError, match="all 115 samples"):
        prove(fitted.map, DECLARED, fitted.learnt)
    with pytest.raises(InputError, match="all 115 samples"):
        verify(fitted.map, DECLARED, fitted.learnt)


def test_classes_never_seen_are_reported_on_their_own(evidence, fitted):
    held_out, unseen = evidence.recognition
    assert (held_out.who, unseen.who) == ("held-out samples", "classes never seen")
    assert (held_out.n, unseen.n) == (len(fitted.held_out), 48)
    assert held_out.knn_accuracy["map"] > 0.9
    assert set(held_out.verification) == set(held_out.knn_accuracy)
    assert not unseen.verification  # one class alone: there is no other to take it for
    assert json.dumps(evidence.as_json()["recognition"][0]["knn_accuracy"])


def test_several_classes_never_seen_are_distinguished_by_thresholds_of_other_classes():
    data = measurements(10)
    rng = np.random.default_rng(1)
    word = np.array([f"w{k}" for k in data.factor("pose") + 5 * rng.integers(0, 2, len(data))])
    data = Dataset(data.X, {"lamp": data.factor(ODD), "word": word})
    declared = Declaration(
        ignore=["lamp"],
        keep=["word"],
        held_out={"unseen": {"word": ["w0", "w6", "w2", "w8"]}},
        map=QUICK,
    )
    done = fit(declared, data)
    unseen = prove(done.map, declared, done.held_out, done.learnt, done.unseen).recognition[1]
    assert unseen.verification["map"].false_accepts.n > 0
    assert 0 < unseen.mean_average_precision["map"] <= 1


def test_where_classes_have_few_samples_thresholds_are_tried_on_other_classes():
    code = np.repeat(np.arange(16), 9)
    word = np.array([f"w{k}" for k in code])
    X = np.eye(16)[code] + 0.1 * np.random.default_rng(0).normal(size=(144, 16))
    declared = Declaration(keep=["word"], held_out={"share": 0.25}, map=QUICK)
    done = fit(declared, Dataset(X, {"word": word}))
    assert np.unique(done.held_out.factor("word"), return_counts=True)[1].min() == 1
    (verified,) = prove(done.map, declared, done.held_out, done.learnt).recognition
    assert {name: one.by for name, one in verified.verification.items()} == dict.fromkeys(
        verified.knn_accuracy, "class"
    )


def test_a_map_that_was_saved_proves_the_same(fitted, tmp_path):
    fitted.map.save(tmp_path / "map.drlim")
    again = drlim.load(tmp_path / "map.drlim")
    assert declaration_of(again).as_json() == DECLARED.as_json()
    np.testing.assert_array_equal(again.trained_on_, fingerprints(fitted.learnt.X))
    one, other = (prove(map_, DECLARED, measurements()) for map_ in (fitted.map, again))
    of_one, of_other = one.as_json(), other.as_json()
    assert of_one["n_left_out_as_trained_on"] == of_other["n_left_out_as_trained_on"] == 115

    def of_map(found):
        return [entry["leakage"]["map"] for entry in found["ignored"]] + [
            entry["retention"]["map"] for entry in found["kept"]
        ]

    assert of_map(of_one) == of_map(of_other)


def test_numbers_and_neighbours_that_are_kept_are_measured_as_what_they_are():
    rng = np.random.default_rng(0)
    angle, lamp = rng.integers(0, 18, 200) * 20, rng.integers(0, 2, 200)
    X = np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle)), lamp / 2], axis=1)
    data = Dataset(X + 0.02 * rng.normal(size=X.shape), {"angle": angle, "lamp": lamp})
    declared = Declaration(
        ignore=["lamp"], keep=[{"factor": "angle", "step": 20, "period": 360}], map=QUICK
    )
    done = fit(declared, data)
    evidence = prove(done.map, declared, done.held_out, done.learnt)
    assert evidence.proof.kept[0].retention["samples"].measure == "R²"
    assert evidence.proof.kept[0].retention["samples"].value > 0.9
    assert not evidence.recognition
    near = Declaration(keep=[{"neighbors": 3, "within": "lamp"}], map=QUICK)
    done = fit(near, data)
    evidence = prove(done.map, near, done.held_out, done.learnt)
    kept = evidence.proof.kept[0]
    assert set(kept.retention) == {"map", "untrained", "pca"}
    counts = np.bincount(done.held_out.factor("lamp"))
    assert kept.n_sources == counts.max()  # of the larger of the two lamps


def test_an_ignored_factor_that_new_data_lacks_is_named_as_not_measured(fitted):
    data = measurements(8, seed=3)
    evidence = prove(fitted.map, DECLARED, Dataset(data.X, {"pose": data.factor("pose")}))
    assert not evidence.proof.ignored
    assert any(ODD in sentence for sentence in evidence.proof.cannot)


def test_sources_are_whole_in_the_proof():
    data = measurements(8)
    specimen = np.arange(len(data)) % 40
    data = Dataset(data.X, {**data.factors, "specimen": specimen})
    declared = Declaration(ignore=[ODD], keep=["pose"], data={"source": "specimen"}, map=QUICK)
    done = fit(declared, data)
    evidence = prove(done.map, declared, done.held_out, done.learnt)
    assert evidence.proof.ignored[0].n_sources == 8
    assert evidence.proof.kept[0].n_sources == 8


# Fingerprints.


def test_a_fingerprint_is_of_the_sample_and_not_of_its_place():
    X = np.random.default_rng(0).integers(0, 256, (50, 4, 4)).astype(np.uint8)
    known = fingerprints(X[:30])
    assert known.dtype == np.uint64
    assert (np.diff(known.astype(float)) > 0).all()
    np.testing.assert_array_equal(fingerprints(X[29::-1]), known)
    np.testing.assert_array_equal(is_known(X, known), np.arange(50) < 30)
    np.testing.assert_array_equal(is_known(X[::-1][::2], known), (np.arange(50) < 30)[::-1][::2])
    assert not is_known(X[:30] + np.uint8(1), known).any()
    assert len(fingerprints(X[:0])) == 0
    columns = np.asfortranarray(X.reshape(50, 16))
    np.testing.assert_array_equal(fingerprints(columns[:30]), known)


def written_with_ten_digits(X):
    text = io.StringIO()
    np.savetxt(text, X.reshape(len(X), -1), fmt="%.10g")
    return np.loadtxt(io.StringIO(text.getvalue()), ndmin=2)


SAME_NUMBERS = {
    "single floats": lambda X: X.astype(np.float32),
    "ten digits of a table": written_with_ten_digits,
    "another byte order": lambda X: X.astype(">f8"),
    "columns first in memory": np.asfortranarray,
    "every second row of a larger array": lambda X: np.repeat(X, 2, axis=0)[::2],
    "flattened": lambda X: X.reshape(len(X), -1),
}


@pytest.mark.fault("A7")
@pytest.mark.parametrize("way", SAME_NUMBERS)
@pytest.mark.parametrize("shape", [(1,), (4,), (700,), (28, 28)])
@pytest.mark.parametrize("scale", [1e-50, 1e-3, 1, 1e6, 1e60])
def test_a_sample_is_recognised_by_its_numbers_however_they_are_stored(way, shape, scale):
    if way == "single floats" and not 1e-30 < scale < 1e30:
        pytest.skip("single floats cannot hold these numbers")
    X = scale * np.random.default_rng(0).normal(size=(200, *shape))
    known = fingerprints(X[:100])
    np.testing.assert_array_equal(is_known(SAME_NUMBERS[way](X), known), np.arange(200) < 100)
    if way != "ten digits of a table":
        np.testing.assert_array_equal(fingerprints(SAME_NUMBERS[way](X[:100])), known)


@pytest.mark.fault("A7")
@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "i8", "f4", "f8"])
def test_whole_numbers_are_recognised_in_every_dtype(dtype):
    X = np.random.default_rng(0).integers(0, 100, (50, 6))
    np.testing.assert_array_equal(fingerprints(X.astype(dtype)), fingerprints(X))
    assert len(np.unique(fingerprints(np.arange(100_000.0)[:, None]))) == 100_000


@pytest.mark.fault("A7")
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1"])
def test_the_fingerprints_of_earlier_versions_are_recognised(dtype):
    X = np.random.default_rng(0).integers(0, 100, (50, 6)).astype(dtype)
    old = [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in X[:30]]
    known = np.sort(np.frombuffer(b"".join(old), "<u8").astype(np.uint64))
    for given in (X, X.astype(f">{dtype}"), X.astype("f8" if dtype == "f4" else dtype)):
        np.testing.assert_array_equal(is_known(given, known), np.arange(50) < 30)


@pytest.mark.fault("A7")
def test_samples_that_were_trained_on_are_left_out_in_another_dtype(fitted):
    whole = measurements()
    for X in (whole.X.astype(np.float32), written_with_ten_digits(whole.X)):
        evidence = prove(fitted.map, DECLARED, Dataset(X, whole.factors))
        assert evidence.n_known == len(fitted.learnt)
        assert verify(fitted.map, DECLARED, Dataset(X, whole.factors)).n_known == 115


# The page.


@pytest.fixture(scope="module")
def page(fitted, evidence, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new"
    written = write_report(folder, evidence, fitted.map, DECLARED, rules=fitted.rules)
    return written, (folder / "report.html").read_text("utf-8")


def test_the_page_shows_verdicts_tables_pictures_and_what_cannot_be_concluded(page, evidence):
    _, text = page
    shown = html.unescape(text)
    for line in [evidence.proof.headline, *evidence.proof.lines(), *evidence.proof.cannot]:
        assert line in shown
    for caption, (columns, rows) in tables(evidence).items():
        for said in (caption, *columns, *(cell for row in rows for cell in row)):
            assert said in shown
    for name in ("the map", "untrained network", "PCA", "samples"):
        assert f"pose: {name}" in shown
    assert text.count("<img src=") == 2
    assert "similar pairs among 115 samples" in shown
    assert "none of which was learnt from" in shown
    assert "--force" not in shown
    assert "files left out" not in shown


def test_the_page_fetches_nothing(page):
    _, text = page
    for address in re.findall(r"""(?:src|href)\s*=\s*["']?([^"'>\s]*)""", text):
        assert re.match(r"data:image/(png|jpeg);base64,", address)
    assert not re.search(r"https?://|@import|url\(", text)


def test_everything_on_the_page_is_escaped(page, woven, tmp_path):
    _, text = page
    assert "<b>" not in text
    assert html.escape(ODD) in text or "&lt;b&gt;&amp;&#34;" in text
    declared, done, evidence = woven
    write_report(tmp_path, evidence, done.map, declared, force=True)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "<i>" not in text
    assert "2 files left out" in text
    assert "no&lt;i&gt;text.jpg" in text
    assert "broken.png" in text
    assert "Learnt with --force" in text
    assert "displacement-flip.png" in {path.name for path in tmp_path.iterdir()}


def test_the_report_is_the_files_it_names(page, evidence):
    written, _ = page
    assert written[0].name == "report.html"
    assert all(path.stat().st_size for path in written)
    assert {path.name for path in written} == {path.name for path in written[0].parent.iterdir()}
    numbers = json.loads(written[1].read_text())
    assert numbers["holds"] is evidence.proof.holds
    assert numbers["outcome"] == evidence.proof.outcome
    assert numbers["lines"] == evidence.proof.lines()
    assert numbers["declaration"] == json.loads(json.dumps(DECLARED.as_json()))
    assert numbers["epochs"] == 6
    assert numbers["versions"]["drlim"] == drlim.__version__


@pytest.mark.parametrize("n_components", [1, 3, 5])
def test_a_map_of_any_dimension_has_a_report(n_components, images, tmp_path):
    declared = Declaration(
        keep=["class"],
        held_out={"share": 0.5},
        map={**QUICK, "n_components": n_components},
    )
    done = fit(declared, images)
    evidence = prove(done.map, declared, done.held_out, done.learnt)
    write_report(tmp_path, evidence, done.map, declared)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert ("<canvas" in text) == (n_components == 3)
    says = {1: "the second axis is empty", 3: "directions of 3", 5: "directions of 5"}
    assert says[n_components] in text
    assert "Nothing" not in text or "similar" not in text.split("Nothing")[0][-5:]


def test_a_report_that_cannot_be_written_is_an_error(fitted, evidence, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file"):
        write_report(tmp_path / "file" / "report", evidence, fitted.map, DECLARED)


@pytest.mark.fault("A8")
@pytest.mark.fault("B6")
def test_a_report_names_repeated_samples_and_what_was_left_out(fitted, tmp_path):
    data = measurements(8)
    rows = np.concatenate([np.arange(len(data)), [0, 1, 2]])
    pose = data.factor("pose")[rows]
    pose[-3:] += 1
    lamp = data.factor(ODD)[rows]
    data = Dataset(data.X[rows], {ODD: lamp, "pose": pose}, left_out=("hue: <3> values",))
    with pytest.warns(DataWarning):
        done = run(DECLARED, tmp_path / "map.drlim", data=data)
    new = measurements(4, seed=9)
    twice = Dataset(np.tile(new.X, (2, 1)), {k: np.tile(v, 2) for k, v in new.factors.items()})
    of_new = prove(fitted.map, DECLARED, twice)
    for evidence, n in ((done.evidence, 6), (of_new, 120)):
        write_report(tmp_path / str(n), evidence, fitted.map, DECLARED)
        shown = html.unescape((tmp_path / str(n) / "report.html").read_text("utf-8"))
        found = json.loads((tmp_path / str(n) / "proof.json").read_text())
        assert found["repeats"] == list(evidence.repeats)
        assert f"{n} samples are identical to others" in evidence.repeats[0]
        assert all(line in shown for line in evidence.repeats)
    assert any("3 groups of identical samples contradict" in line for line in done.fitted.repeats)
    shown = html.unescape(done.report[0].read_text("utf-8"))
    assert all(line in shown for line in (*done.fitted.repeats, "hue: <3> values"))
    assert json.loads(done.report[1].read_text())["left_out"] == ["hue: <3> values"]


def test_copies_are_read_through_transformed_learnt_samples_too(woven):
    _, _, evidence = woven
    (ignored,) = [e for e in evidence.proof.ignored if e.name in evidence.curves]
    for leaks in ignored.leakage.values():
        assert [leak.trained_on for leak in leaks] == ["held-out"] * 3 + ["learnt"] * 3


@pytest.fixture(params=["a picture", "the page", "the numbers"])
def interrupted(request, monkeypatch, fitted, evidence):
    """Write a report that an interrupt ends where it writes its last picture or something later."""
    from drlim.declaration import _report

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    # An interrupt comes at one moment; no argument of write_report chooses it.
    if request.param == "a picture":
        write = _report.Picture.write
        drawn = []

        def once(picture, folder):
            drawn.append(picture)
            return write(picture, folder) if len(drawn) == 1 else interrupt()

        monkeypatch.setattr(_report.Picture, "write", once)
    else:
        name = {"the page": "page", "the numbers": "write_json"}[request.param]
        monkeypatch.setattr(_report, name, interrupt)

    def write_into(folder):
        with pytest.raises(KeyboardInterrupt):
            write_report(folder, evidence, fitted.map, DECLARED)

    return write_into


def test_an_interrupted_report_leaves_nothing(interrupted, tmp_path):
    interrupted(tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_an_interrupted_report_leaves_the_one_before_it_as_it_was(interrupted, page, tmp_path):
    names = {path.name for path in page[0]}
    for name in names:
        (tmp_path / name).write_text("before")
    interrupted(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        names, "before"
    )


# What a map is used for.


def test_a_map_without_a_declaration_has_an_empty_one_or_none():
    map_ = DrLIM(max_epochs=0, network="linear").fit(measurements(2).X)
    assert declaration_of(map_) == Declaration()
    with pytest.raises(InputError, match="declaration"):
        declaration_of(map_, needed=True)


@pytest.mark.parametrize(
    "plain", [{"kep": ["a"]}, {"keep": [{"step": 3}]}, ["keep"], "keep"], ids=repr
)
def test_a_declaration_from_elsewhere_that_makes_no_sense_is_an_error_of_the_file(
    plain, fitted, tmp_path
):
    path = tmp_path / "map.drlim"
    fitted.map.save(path)
    description, tensors = read_map(path)
    write_map(path, {**description, "declaration": plain}, tensors)
    # A reader refuses what is not a table; a declaration refuses a table with other keys.
    with pytest.raises(FileError, match="declaration"):
        declaration_of(drlim.load(path))


def test_a_map_with_a_network_of_the_users_own_is_opened_with_its_builder(tmp_path, monkeypatch):
    (tmp_path / "own_net.py").write_text(BUILDER)
    (tmp_path / "other_net.py").write_text("def build(shape): return 3\n")
    map_ = learnt_with("{builder = 'own_net:build', width = 7}", tmp_path)
    map_.save(tmp_path / "map.drlim")
    monkeypatch.chdir(tmp_path)
    X = measurements(2).X
    again = open_map(tmp_path / "map.drlim", "own_net:build")  # with the width of before
    np.testing.assert_array_equal(again.transform(X), map_.transform(X))
    with pytest.raises(InputError, match=r"own_net\.build.*--network"):
        open_map(tmp_path / "map.drlim")
    with pytest.raises(InputError, match="'none_such:build' cannot be imported"):
        open_map(tmp_path / "map.drlim", "none_such:build")
    with pytest.raises(InputError, match="other_net:build"):
        open_map(tmp_path / "map.drlim", "other_net:build")


def test_a_map_of_drlims_own_is_opened_as_it_is(fitted, tmp_path):
    fitted.map.save(tmp_path / "map.drlim")
    X = fitted.held_out.X
    again = open_map(tmp_path / "map.drlim")
    np.testing.assert_array_equal(again.transform(X), fitted.map.transform(X))
    assert _builders.describe(again.network) == _builders.describe(fitted.map.network)


def test_the_nearest_known_samples_are_those_of_the_map(fitted):
    known, asked = fitted.learnt, fitted.held_out.subset([0, 5])
    found = nearest(fitted.map, known, asked, 3)
    Z, z = fitted.map.transform(known.X), fitted.map.transform(asked.X)
    distance = np.linalg.norm(Z[None] - z[:, None], axis=2)
    assert [f.sample for f in found] == ["0", "0", "0", "1", "1", "1"]
    expected = np.sort(distance, axis=1)[:, :3].ravel()
    np.testing.assert_allclose([f.distance for f in found], expected, rtol=1e-5)
    rows = [int(f.neighbor) for f in found]
    np.testing.assert_allclose(distance[np.repeat([0, 1], 3), rows], expected, rtol=1e-5)


def test_a_known_sample_is_not_its_own_neighbour(fitted):
    data = fitted.held_out
    named = Dataset(data.X, names=np.array([f"s{row}" for row in range(len(data))]))
    by_name, by_row = (nearest(fitted.map, named, asked, 4) for asked in ("s7", "7"))
    assert by_name == by_row
    assert [f.sample for f in by_name] == ["s7"] * 4
    assert "s7" not in [f.neighbor for f in by_name]
    twin = Dataset(np.concatenate([data.X[:3], data.X[:3]]))
    first = nearest(fitted.map, twin, "1", 1)[0]
    assert (first.neighbor, first.distance) == ("4", 0)


def test_the_old_name_of_the_query_works_for_a_release_and_warns(fitted):
    with pytest.warns(FutureWarning, match="query"):
        assert nearest(fitted.map, fitted.learnt, asked="0", n=1) == nearest(
            fitted.map, fitted.learnt, "0", 1
        )


@pytest.mark.parametrize(
    ("asked", "n", "says"),
    [
        ("s99", 1, "'s99'.*did you mean"),
        ("10", 1, "'10'"),
        ("-1", 1, "'-1'"),
        ("s1", 10, "n is 10"),
        ("s1", 0, "n is 0"),
    ],
)
def test_a_neighbour_that_is_not_there_is_an_error(asked, n, says, fitted):
    data = Dataset(fitted.learnt.X[:10], names=np.array([f"s{row}" for row in range(10)]))
    with pytest.raises(InputError, match=says):
        nearest(fitted.map, data, asked, n)


def test_a_threshold_is_chosen_on_what_was_not_trained_on(fitted):
    whole = measurements()
    verified = verify(fitted.map, DECLARED, whole, 0.05, pair=("0", "1"))
    assert verified.factor == "pose"
    assert (verified.n, verified.n_known, verified.n_values, verified.by) == (77, 115, 4, "sample")
    assert (verified.learnt, verified.n_others) == (True, 48)
    *_, distance, is_same = verified.pair
    Z = fitted.map.transform(whole.X)
    assert distance == pytest.approx(np.linalg.norm(Z[0] - Z[1]))
    assert is_same == (distance < verified.threshold.distance)
    text = "\n".join(verified.lines())
    assert "77 samples of 4 classes of pose, which the map learnt from" in text
    assert "115 of the samples were left out" in text
    assert "48 samples of classes that it never saw" in text
    assert "(wanted: 5.00%)" in text
    assert "other samples of the same classes" in text
    assert f"0 and 1: {'the same' if is_same else 'different'}" in text


def test_of_many_classes_a_threshold_is_tried_on_others(fitted):
    whole = measurements(8, seed=5)
    many = Dataset(whole.X, {"who": np.arange(len(whole)) // 8})
    verified = verify(fitted.map, Declaration(), many, 0.1, same="who")
    assert (verified.n_values, verified.by, verified.n_known, verified.pair) == (
        15,
        "class",
        0,
        None,
    )
    assert "other classes" in "\n".join(verified.lines())
    with pytest.raises(InputError, match="no factor 'class'; known: who"):
        verify(fitted.map, Declaration(), many)


@pytest.mark.parametrize("n_classes", [4, 5, 12])
@pytest.mark.parametrize("known", [True, False])
def test_a_report_and_a_verification_divide_the_same_samples_in_the_same_way(
    n_classes, known, fitted
):
    rng = np.random.default_rng(3)
    pose = np.arange(12 * n_classes) % n_classes
    X = np.column_stack([pose + 0.1 * rng.normal(size=len(pose)), rng.normal(size=(len(pose), 2))])
    data = Dataset(X, {ODD: rng.integers(0, 3, len(pose)), "pose": pose})
    if known:
        old = fitted.learnt
        data = Dataset(
            np.vstack([old.X, X]),
            {name: np.concatenate([old.factor(name), data.factor(name)]) for name in (ODD, "pose")},
        )
    of_report, *of_unseen = prove(fitted.map, DECLARED, data).recognition
    of_verify = verify(fitted.map, DECLARED, data)
    never_seen = n_classes - 4
    assert (of_report.who, of_report.n_classes) == ("held-out samples", 4)
    assert [(one.who, one.n_classes) for one in of_unseen] == [
        ("classes never seen", never_seen)
    ] * (never_seen > 0)
    assert of_verify.learnt == (never_seen < 4)
    judged = of_report if of_verify.learnt else of_unseen[0]
    assert (of_verify.n, of_verify.n_values) == (judged.n, judged.n_classes)
    assert judged.verification["map"].by == of_verify.by
    assert of_verify.by == ("sample" if of_verify.learnt else "class")


@pytest.fixture(scope="module")
def people():
    """Ten people, of whom a map learnt from six, and new samples of all."""
    rng = np.random.default_rng(0)
    who = np.arange(400) % 10
    X = rng.normal(size=(10, 8))[who] + 0.3 * rng.normal(size=(400, 8))
    data = Dataset(X, {"who": np.array([f"p{n}" for n in who])})
    declared = Declaration(
        keep=["who"], held_out={"unseen": {"who": ["p6", "p7", "p8", "p9"]}}, map=QUICK
    )
    return declared, data, fit(declared, data)


@pytest.mark.fault("A3")
@pytest.mark.parametrize("saved", [True, False])
def test_known_and_unseen_classes_are_never_mixed_in_a_report_or_a_threshold(
    people, saved, tmp_path
):
    declared, data, done = people
    map_ = done.map
    if saved:
        map_.save(tmp_path / "map.drlim")
        map_ = drlim.load(tmp_path / "map.drlim")
    of_fit = prove(map_, declared, done.held_out, done.learnt, done.unseen).recognition
    of_report = prove(map_, declared, data).recognition
    for known, unseen in (of_fit, of_report):
        assert (known.who, known.n, known.n_classes) == ("held-out samples", 48, 6)
        assert (unseen.who, unseen.n, unseen.n_classes) == ("classes never seen", 160, 4)
    assert of_fit[1].verification["map"] == of_report[1].verification["map"]
    captions = list(tables(prove(map_, declared, data)))
    assert any("who: 160 samples of 4 classes never seen" in caption for caption in captions)
    assert any("who: 48 held-out samples of 6 classes" in caption for caption in captions)
    verified = verify(map_, declared, data, 0.05)
    assert (verified.n, verified.n_values, verified.learnt) == (160, 4, False)
    assert (verified.n_known, verified.n_others, verified.by) == (192, 48, "class")
    of_known = verify(map_, declared, done.held_out, 0.05)
    assert (of_known.n, of_known.n_others, of_known.learnt) == (48, 0, True)


def test_samples_of_a_new_instrument_are_never_mixed_with_others(tmp_path):
    rng = np.random.default_rng(0)
    who, instrument = np.arange(480) % 8, np.array(["A", "B", "C"])[np.arange(480) // 160]
    X = rng.normal(size=(8, 6))[who] + 0.2 * rng.normal(size=(480, 6))
    X[instrument == "C"] += rng.normal(size=6)
    data = Dataset(X, {"who": who, "instrument": instrument})
    declared = Declaration(keep=["who"], held_out={"unseen": {"instrument": ["C"]}}, map=QUICK)
    done = fit(declared, data)
    verified = verify(done.map, declared, data, 0.05)
    assert (verified.n, verified.unseen, verified.n_apart) == (160, "instrument", 64)
    text = "\n".join(verified.lines())
    assert "instrument that were held out as a whole" in text
    assert "64 samples were left out" in text
    of_report = prove(done.map, declared, data).recognition[1]
    assert (of_report.n, of_report.who) == (160, "samples of values never seen (instrument)")
    few = data.subset(np.flatnonzero((instrument != "C") | (who < 2)))  # too few to be judged alone
    of_few = verify(done.map, declared, few, 0.05)
    assert (of_few.n, of_few.unseen, of_few.n_apart) == (64, None, 40)


def test_pairs_of_one_sheet_do_not_count_as_the_same_hand():
    rng = np.random.default_rng(0)
    hand, sheet = np.repeat(np.arange(8), 12), np.repeat(np.arange(24), 4)
    X = rng.normal(size=(8, 6))[hand] + rng.normal(size=(24, 6))[sheet]
    X = X + 0.01 * rng.normal(size=X.shape)
    data = Dataset(X, {"hand": hand, "sheet": sheet})
    map_ = drlim.DrLIM(network="linear", max_epochs=0, random_state=0).fit(rng.normal(size=(30, 6)))
    by_sheet = Declaration(keep=["hand"], data={"group": "sheet"})
    alone, mixed = (
        verify(map_, one, data, 0.05).threshold for one in (by_sheet, Declaration(keep=["hand"]))
    )
    assert alone.false_rejects.n == 8 * 3 * 16 < mixed.false_rejects.n
    assert alone.equal_error.value > mixed.equal_error.value
    # where each class is one source, its pairs are all there are
    of_sheets = verify(map_, by_sheet, data, 0.05, same="sheet").threshold
    assert of_sheets.false_rejects.n == 24 * 6


def test_a_report_recognises_known_classes_by_the_learnt_points_of_the_file(people):
    declared, _, done = people
    of_fit = prove(done.map, declared, done.held_out, done.learnt).recognition[0].knn_accuracy
    few = done.held_out.subset(  # one or two of each person, too few to recognise one another
        [row for row, n in enumerate(_of_its_kind(done.held_out.factor("who"))) if n < 2]
    )
    of_few = prove(done.map, declared, few).recognition[0].knn_accuracy
    of_report = prove(done.map, declared, done.held_out).recognition[0].knn_accuracy
    assert of_report["map"] == of_fit["map"]
    captions = [
        " ".join(tables(prove(done.map, declared, done.held_out, learnt)))
        for learnt in (done.learnt, None)
    ]
    assert ["which its file holds" in caption for caption in captions] == [False, True]
    assert of_few["map"] > 0.9 > 0.5 > of_few["samples"]


def test_known_classes_are_recognised_where_they_are_numbers_once_and_texts_another_time(rng):
    who = np.arange(60) % 3
    X = np.eye(3)[who] + 0.1 * rng.normal(size=(60, 3))
    declared = Declaration(keep=["who"], map=QUICK)
    for learnt, new in ((who, who.astype(str)), (who.astype(str), who)):
        done = fit(declared, Dataset(X[:45], {"who": learnt[:45]}))
        (found,) = prove(done.map, declared, Dataset(X[45:], {"who": new[45:]})).recognition
        assert found.knn_accuracy["map"] == 1


def _of_its_kind(values):
    """How many equal values stand before each."""
    return [int((values[:row] == value).sum()) for row, value in enumerate(values)]


@pytest.mark.fault("A3")
def test_a_map_of_an_earlier_version_says_that_it_is_not_known_which_classes_it_learnt(people):
    declared, data, done = people
    old = copy.copy(done.map)
    old.annotations_ = {k: v for k, v in old.annotations_.items() if k != "learnt_values"}
    evidence = prove(old, declared, data)
    of_known, of_unseen = evidence.recognition  # the declaration says who was held out
    assert (of_known.n, of_unseen.n, of_unseen.who) == (48, 160, "classes never seen")
    assert any("who" in line and "not known" in line for line in evidence.proof.cannot)
    verified = verify(old, declared, data, 0.05)
    assert (verified.n, verified.learnt) == (208, None)
    assert "not known" in "\n".join(verified.lines())


@pytest.mark.fault("D")
@pytest.mark.parametrize(
    ("pose", "rate"),
    [
        ([0, 0, 1, 1], 0.01),
        ([0, 0, 1], 0.01),
        ([0, 0, 0, 1, 1, 1, 2, 2, 3, 3], 0.001),
        (np.arange(40) % 4, 0.0001),
        (np.arange(20) % 2, 0.01),
    ],
)
def test_few_samples_are_verified_with_an_interval_that_says_so(pose, rate, fitted):
    pose = np.array(pose)
    rng = np.random.default_rng(4)
    X = np.column_stack([pose + 0.1 * rng.normal(size=len(pose)), rng.normal(size=(len(pose), 2))])
    verified = verify(fitted.map, DECLARED, Dataset(X, {ODD: pose % 3, "pose": pose}), rate)
    threshold = verified.threshold
    n_same = sum(n * (n - 1) // 2 for n in np.bincount(pose))
    n_different = len(pose) * (len(pose) - 1) // 2 - n_same
    assert (verified.by, verified.n) == ("all", len(pose))
    assert (threshold.false_rejects.n, threshold.false_accepts.n) == (n_same, n_different)
    for share in (threshold.false_accepts, threshold.false_rejects, threshold.equal_error):
        assert 0 <= share.low <= share.value <= share.high <= 1
        assert share.high - share.low > 0.02
    text = "\n".join(verified.lines())
    assert "tried on the samples that it was chosen on" in text
    few = n_different * rate < 1
    assert few == (f"{n_different} different pairs cannot show a rate of" in text)
    assert not few or threshold.false_accepts.value == 0


@pytest.mark.fault("D")
def test_a_report_of_few_samples_gives_error_rates_and_says_what_they_are(fitted):
    data = measurements(1, seed=8)
    data = data.subset(np.isin(data.factor("pose"), [0, 1]))
    evidence = prove(fitted.map, DECLARED, data)
    assert {one.by for one in evidence.recognition[0].verification.values()} == {"all"}
    assert any("the samples that it was chosen on" in caption for caption in tables(evidence))


def test_every_wrong_use_is_a_drlim_error(fitted):
    with pytest.raises(DrlimError, match="no factor 'pose'"):
        prove(fitted.map, DECLARED, Dataset(measurements(3, seed=9).X))


def test_rules_of_a_fit_say_why(fitted):
    i, j = fitted.rules.similar.edges[0]
    assert fitted.rules.why(i, j) == ["near in pose"]
    assert isinstance(fitted.rules.similar, SimilarityGraph)
    assert rules(DECLARED, fitted.learnt).similar == fitted.rules.similar


# Everything in one call.


def test_a_run_learns_saves_proves_and_reports(tmp_path, capsys):
    lines = []
    done = run(DECLARED, tmp_path / "m.drlim", data=measurements(), say=lines.append)
    capsys.readouterr()
    assert done.map_file == tmp_path / "m.drlim"
    assert done.report[0] == tmp_path / "m-report" / "report.html"
    assert all(path.is_file() for path in (done.map_file, *done.report))
    assert len(done.evidence.held_out) == len(done.fitted.held_out)
    X = done.fitted.held_out.X
    np.testing.assert_array_equal(
        drlim.load(done.map_file).transform(X), done.fitted.map.transform(X)
    )
    assert any(str(done.map_file) in line for line in lines)


def test_a_run_of_a_file_reads_the_data_that_it_names(tmp_path):
    data = measurements(4)
    np.savez(tmp_path / "data.npz", X=data.X, pose=data.factor("pose"))
    (tmp_path / "d.toml").write_text(
        "keep = ['pose']\ndata.path = 'data.npz'\nmap = {max_epochs = 1, network = 'linear'}"
    )
    done = run(tmp_path / "d.toml", tmp_path / "m.drlim", report=tmp_path / "here")
    assert len(done.fitted.learnt) + len(done.fitted.held_out) == len(data)
    assert done.report[0] == tmp_path / "here" / "report.html"


def test_a_run_that_cannot_save_its_map_does_not_begin(tmp_path, given):
    with pytest.raises(FileError, match="nowhere"):
        run(DECLARED, tmp_path / "nowhere" / "m.drlim", data=measurements())
    assert not given


# Features by name


@pytest.mark.fault("B2")
def test_features_are_known_by_name_from_the_data_to_the_exported_map(tmp_path, recwarn):
    pytest.importorskip("onnx")
    from drlim.exporting import export

    given = measurements(4)
    named = Dataset(given.X, given.factors, feature_names=("a", "b", "c"))
    map_ = fit(DECLARED, named).map
    map_.save(tmp_path / "m.drlim")
    again = load(tmp_path / "m.drlim")
    assert list(again.feature_names_in_) == ["a", "b", "c"]
    exported = export(again, tmp_path / "m.onnx")
    assert json.loads(exported.metadata["feature_names"]) == ["a", "b", "c"]
    turned = Dataset(given.X[:, [2, 0, 1]], given.factors, feature_names=("c", "a", "b"))
    expected = nearest(map_, named, "0", 3)
    assert nearest(map_, turned, "0", 3) == expected
    assert nearest(map_, turned, turned.subset([0]), 1)[0].distance == 0
    assert not recwarn.list
    more = np.hstack([turned.X, np.ones((len(given), 1))])
    wide = Dataset(more, given.factors, feature_names=("c", "a", "b", "id"))
    with pytest.warns(DataWarning, match="id"):
        assert nearest(map_, wide, "0", 3) == expected
    lacking = Dataset(given.X[:, :2], given.factors, feature_names=("a", "c"))
    with pytest.raises(InputError, match=r"lacks 'b'.*'a', 'c'"):
        nearest(map_, lacking, "0", 3)


def test_the_measuring_of_a_proof_reports_its_share():
    rng = np.random.default_rng(0)
    lamp, pose = rng.integers(0, 2, 60), rng.integers(0, 3, 60)
    samples = np.stack([pose, lamp], axis=1) + rng.normal(scale=0.1, size=(60, 2))
    data = Dataset(samples, {"lamp": lamp, "pose": pose})
    declaration = Declaration(ignore=["lamp"], keep=["pose"], map={"max_epochs": 1})
    shares = []
    fitted = fit(declaration, data)
    prove(fitted.map, declaration, fitted.held_out, fitted.learnt, progress=shares.append)
    assert shares == [0.5, 1.0]
