"""Whether a map is worth its training: beside rivals that recognise classes without one."""

import numpy as np
import pytest
import torch
from torch import nn

from drlim import DrLIM
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove
from drlim.declaration._recognition import Labelled
from drlim.declaration._references import RIVALS, features_of, rivals, worth
from drlim.networks import backbone


def body():
    layer = nn.Conv2d(3, 5, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-1, 1, layer.weight.numel()).reshape_as(layer.weight))
    return nn.Sequential(layer, nn.Flatten())


def labelled(rng, n, **noise):
    """Points of classes, in each map with the noise given."""
    labels = np.arange(n) % 3
    points = {name: np.eye(3)[labels] + s * rng.normal(size=(n, 3)) for name, s in noise.items()}
    return Labelled(points, labels)


@pytest.mark.parametrize(
    ("noise", "n", "verdict", "opening"),
    [
        ({"map": 0.1, "cosine": 0.6, "lda": 5.0}, 300, "holds", "Yes: 1.00 of 300"),
        ({"map": 0.1, "cosine": 0.1}, 30, "holds", "Yes: 1.00 of 30"),
        ({"map": 5.0, "features": 0.1}, 300, "fails", "No: 0."),
        ({"map": 0.7, "features": 0.45}, 12, "not decided", "Not decided: 0."),
        ({"map": 9.0, "cosine": 9.0}, 60, "not decided", "Not decided: 0."),
    ],
)
def test_a_map_below_the_best_rival_is_not_worth_its_training(noise, n, verdict, opening):
    rng = np.random.default_rng(4)
    found = worth(
        "class", "held-out samples", labelled(rng, n, **noise), labelled(rng, 90, **noise)
    )
    assert found.verdict == verdict
    assert found.answer.answer.startswith(opening)
    assert RIVALS[found.best] in found.answer.answer
    assert found.right[found.best] == max(v for k, v in found.right.items() if k != "map")
    assert found.as_json()["verdict"] == verdict
    assert str(found.answer) == found.as_json()["sentence"]


@pytest.mark.parametrize("dtype", [float, object, np.uint8])
def test_classes_that_are_numbers_are_the_same_in_any_dtype(dtype, rng):
    samples, train = labelled(rng, 60, map=0.1, cosine=0.1), labelled(rng, 60, map=0.1, cosine=0.1)
    others = Labelled(samples.points, samples.labels.astype(dtype))
    for pair in ((others, train), (train, others)):
        assert worth("class", "held-out samples", *pair).right == {"map": 1.0, "cosine": 1.0}


def test_classes_never_seen_are_recognised_by_each_other(rng):
    samples = labelled(rng, 60, map=0.1, cosine=0.1)
    assert worth("class", "classes never seen", samples, None).right == {"map": 1.0, "cosine": 1.0}
    only = Labelled({"map": samples.points["map"]}, samples.labels)
    assert worth("class", "classes never seen", only, None) is None


def test_rivals_are_compared_only_where_they_are_read_as_the_map_is(rng):
    samples = labelled(rng, 60, map=0.1, cosine=0.1)
    train = Labelled({"map": samples.points["map"]}, samples.labels)
    assert worth("class", "held-out samples", samples, train) is None


def test_the_features_are_those_of_the_frozen_body_of_a_map(rng):
    X = rng.integers(0, 256, (20, 3, 6, 6)).astype(np.uint8)
    map_ = DrLIM(network=backbone(body), n_components=2, max_epochs=1, random_state=0).fit(X)
    centre, scale = (map_.network_[0].get_buffer(name).numpy() for name in ("centre", "scale"))
    expected = body()(torch.from_numpy(((X - centre) / scale).astype(np.float32)))
    np.testing.assert_allclose(features_of(map_, X), expected.detach(), atol=1e-5)
    free = DrLIM(network=backbone(body, freeze=False), max_epochs=1).fit(X)
    assert features_of(free, X) is None
    assert features_of(DrLIM(network="linear", max_epochs=0).fit(X), X) is None


def test_rivals_use_cosines_and_labels(rng):
    labels = np.arange(60) % 2
    X = rng.normal(size=(60, 40))
    X[:, 3] += 4 * labels
    points = rivals({"samples": X, "features": 2 * X}, labels, 0)({"samples": X, "features": 3 * X})
    assert set(points) == set(RIVALS)
    np.testing.assert_allclose(np.linalg.norm(points["cosine"], axis=1), 1)
    np.testing.assert_allclose(points["cosine"], points["features"])
    apart = np.abs(np.diff([points["lda"][labels == k].mean() for k in (0, 1)]))
    assert apart > 2.5 * points["lda"][labels == 0].std()
    assert set(rivals(None, None, 0)({"samples": X})) == {"cosine"}
    assert set(rivals({"samples": 0 * X}, labels, 0)({"samples": X})) == {"cosine"}


def test_a_report_says_whether_a_map_on_a_pretrained_network_is_worth_it(rng):
    kind = np.arange(90) % 3
    X = rng.integers(0, 60, (90, 3, 6, 6))
    X[np.arange(90), kind] += 150
    data = Dataset(X.astype(np.uint8), {"class": kind})
    declared = Declaration(
        keep=["class"], held_out={"share": 0.3, "unseen": {"class": [2]}}, map={"max_epochs": 1}
    )
    fitted = fit(declared, data)
    mapped = DrLIM(network=backbone(body), n_components=2, max_epochs=0, random_state=0)
    mapped.fit(fitted.learnt.X)
    evidence = prove(mapped, declared, fitted.held_out, fitted.learnt, fitted.unseen)
    assert [each.who for each in evidence.worth] == ["held-out samples", "classes never seen"]
    assert set(evidence.recognition[0].knn_accuracy) >= {"features", "features-lda", "cosine"}
    assert evidence.worth[0].right["features-lda"] > 0.9
    question = "Is the map worth learning to recognise class?"
    asked = [answer.question for answer in evidence.answers]
    assert asked[-2:] == [question, f"{question[:-1]}, of classes never seen?"]
    assert question in evidence.text
    assert evidence.as_json()["worth"][0]["factor"] == "class"
    plain = prove(fitted.map, declared, fitted.held_out, fitted.learnt, fitted.unseen)
    assert set(plain.worth[0].right) == {"map", "cosine", "lda"}
