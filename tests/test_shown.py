"""What a report says in words, and shows of single samples."""

import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, prove, write_report
from drlim.declaration._readings import MOST_MISTAKES, read_classes
from drlim.evaluation._words import in_words
from drlim.evaluation.novelty import Novelty
from drlim.evaluation.proof import measure_ignored, measure_kept

pytestmark = pytest.mark.usefixtures("few_trees")

DECLARED = Declaration(
    keep=["class"], held_out={"share": 0.4}, map={"max_epochs": 2, "network": "linear"}
)


def photographs(n, seed=0):
    """Photographs of three colours, and noise by which some are taken for others."""
    rng = np.random.default_rng(seed)
    colour = rng.integers(0, 3, n)
    X = rng.integers(0, 120, (n, 3, 50, 50))
    X[np.arange(n), colour] += (60 * rng.random(n)).astype(int)[:, None, None]
    names = [f"photo {k}" for k in range(n)]
    return Dataset(X.astype(np.uint8), {"class": np.array(["a<b", "c", "d"])[colour]}, names=names)


@pytest.fixture(scope="module")
def fitted():
    return fit(DECLARED, photographs(120))


@pytest.fixture(scope="module")
def page(fitted, tmp_path_factory):
    evidence = prove(fitted.map, DECLARED, fitted.held_out, fitted.learnt)
    folder = tmp_path_factory.mktemp("report") / "of"
    write_report(folder, evidence, fitted.map, DECLARED)
    text = (folder / "report.html").read_text("utf-8")
    return evidence, text, json.loads((folder / "proof.json").read_text())


# Reading classes.


def test_a_mistake_is_paired_with_the_nearest_learnt_sample_of_the_class_it_was_taken_for():
    learnt = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 10.0, 10.1, 10.2, 10.3, 10.4])[:, None]
    classes = np.repeat(["near", "far"], 5)
    Z = np.array([0.05, 9.0, 6.0, 1.0])[:, None]
    labels = np.array(["near", "near", "near", "new"])
    reading = read_classes("class", learnt, classes, Z, labels, np.arange(3))
    assert reading.classes.tolist() == ["far", "near"]
    assert reading.table.tolist() == [[0, 0], [2, 1]]
    assert reading.rows[reading.mistakes].tolist() == [1, 2]
    assert learnt[reading.taken_for[reading.mistakes]].tolist() == [[10.0], [10.0]]
    assert reading.distance[1] == pytest.approx(1.0)
    assert reading.own_distance[1] == pytest.approx(8.6)
    assert reading.confusions() == ["near is taken for far: 2 of 3"]
    assert reading.sentence().startswith("1 of 3")


def test_too_few_learnt_samples_read_nothing():
    Z, labels = np.zeros((4, 1)), np.zeros(4)
    assert read_classes("class", Z, labels, Z, labels, np.arange(4)) is None
    assert read_classes("class", np.zeros((9, 1)), np.zeros(9), Z, labels, np.arange(0)) is None


def test_what_is_read_is_the_accuracy_of_the_recognition(page):
    evidence, _, found = page
    (reading,) = evidence.readings
    accuracy = 1 - len(reading.mistakes) / len(reading.rows)
    assert accuracy == pytest.approx(evidence.recognition[0].knn_accuracy["map"])
    assert reading.table.sum() == len(reading.rows) == len(evidence.held_out)
    assert found["readings"][0]["table"] == reading.table.tolist()


# The page.


def test_words_come_before_measures(page):
    evidence, text, found = page
    shown = html.unescape(text)
    answer, *_ = evidence.answers
    assert answer.question == "Is class read from the map?"
    assert shown.index(answer.answer) < shown.index(evidence.proof.headline)
    assert answer.at_best in shown
    assert "Only 48 held-out sources" in answer.at_best
    assert found["answers"][0]["question"] == answer.question


def test_the_page_shows_photographs_with_a_text_each_and_escapes_them(page):
    evidence, text, _ = page
    n_pairs = min(len(evidence.readings[0].mistakes), MOST_MISTAKES)
    assert n_pairs > 0
    pictures = re.findall(r'<img src="data:image/jpeg[^"]*" alt="([^"]*)"', text)
    assert len(pictures) == 2 * n_pairs + 8 * 6 + 4
    assert text.count("<rect") == 4 * 25
    assert all(alt.startswith("photo ") for alt in pictures)
    assert "a<b" not in text
    assert text.count('class="card wrong"') >= n_pairs
    assert 'class="own"' in text


def test_new_data_is_judged_and_shown_without_the_learnt_photographs(fitted, tmp_path):
    new = photographs(60, seed=1)
    red = np.zeros((5, 3, 50, 50), np.uint8)
    red[:, 0] = 255
    odd = Dataset(red, {"class": new.factor("class")[:5]}, names=[f"odd {k}" for k in range(5)])
    both = Dataset(
        np.concatenate([new.X, odd.X]),
        {"class": np.concatenate([new.factor("class"), odd.factor("class")])},
        names=np.concatenate([new.names, odd.names]),
    )
    evidence = prove(fitted.map, DECLARED, both)
    assert evidence.unusual.judged[-5:].tolist() == ["perhaps foreign"] * 5
    assert "none can be called foreign" in evidence.text
    write_report(tmp_path / "r", evidence, fitted.map, DECLARED)
    text = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "a learnt sample" in text
    assert "the learnt ones nearest to each" not in text


def test_classes_never_seen_are_compared_with_held_out_samples():
    declared = Declaration(
        keep=["class"],
        held_out={"share": 0.3, "unseen": {"class": ["d"]}},
        map={"max_epochs": 1, "network": "linear"},
    )
    fitted = fit(declared, photographs(90))
    evidence = prove(fitted.map, declared, fitted.held_out, fitted.learnt, fitted.unseen)
    assert evidence.unusual is None
    assert not any("most samples of a kind" in line for line in evidence.unusual_lines)
    many = replace(evidence.unusual_unseen, novelty=Novelty(np.linspace(0, 1, 200)))
    weak = replace(evidence, unusual_unseen=many)
    assert "most samples of a kind" in weak.unusual_lines[-1]
    assert len(evidence.unusual_unseen.names) == len(fitted.unseen)
    assert any(line.startswith("Of values never seen: ") for line in evidence.unusual_lines)


# The words.


def answer_of(kind, shows, n=600):
    rng = np.random.default_rng(0)
    factor = rng.integers(0, 2, n) if kind != "number" else rng.normal(size=n)
    noise = rng.normal(size=(n, 2))
    Z = noise if not shows else np.stack([factor + 0.01 * noise[:, 0], noise[:, 1]], axis=1)
    X = np.stack([factor, noise[:, 0]], axis=1)
    if kind == "kept":
        return in_words(measure_kept("light", {"map": Z, "samples": X}, factor, random_state=0))
    return in_words(measure_ignored("light", {"map": Z, "samples": X}, factor, random_state=0))


@pytest.mark.parametrize(
    ("kind", "shows", "n", "opening"),
    [
        ("class", False, 1500, "No: "),
        ("class", True, 300, "Yes: "),
        ("class", False, 60, "Not decided: "),
        ("number", True, 300, "Yes: a model reads it with R² 1.00"),
        ("kept", True, 300, "Yes: 1.00"),
        ("kept", False, 300, "No: 0."),
    ],
)
def test_the_answer_opens_with_the_verdict(kind, shows, n, opening):
    answer = answer_of(kind, shows, n)
    assert answer.answer.startswith(opening)
    words = ("Is light read", "Can light still be told")
    assert answer.question.startswith(words[kind != "kept"])


def test_small_sets_get_small_claims():
    few, many = answer_of("class", False, 60), answer_of("class", False, 1500)
    assert re.search(r"60 held-out sources cannot exclude that 0\.1\d", few.at_best)
    assert "about 550 could" in few.at_best
    assert many.at_best == ""
    assert "as low as 0.89" in answer_of("kept", True, 30).at_best
    assert answer_of("kept", True, 300).at_best == ""
