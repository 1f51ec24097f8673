"""Pages of samples: what is shown of photographs, spectra and rows, and how much of it."""

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from drlim import DrLIM
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit, write_neighbors
from drlim.reporting._samples import MOST_CARDS, SIDE, SampleDrawer

ODD = '<b>&"'


def plain_map(X):
    return DrLIM(network="linear", n_neighbors=2, max_epochs=0, random_state=0).fit(X)


def pictures(page):
    found = re.findall(r'src="data:image/\w+;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def written(tmp_path, known, query, n=2):
    page = write_neighbors(tmp_path / "near.html", plain_map(known.X), known, query, n)
    return page.read_text("utf-8")


def test_photographs_are_shown_in_colour_with_class_and_distance(rng, tmp_path):
    X = np.zeros((12, 3, 200, 100), np.uint8)
    X[:, 0] = np.linspace(100, 255, 12)[:, None, None]
    names = np.array([f"{ODD}{k}.jpg" for k in range(12)])
    known = Dataset(X, {"class": np.arange(12) // 2}, names=names)
    page = written(tmp_path, known, f"{ODD}3.jpg", 3)
    shown = pictures(page)
    assert len(shown) == 4
    assert {picture.size for picture in shown} == {(SIDE // 2, SIDE)}
    red, green, _ = shown[0].getpixel((40, 80))
    assert abs(red - X[3, 0, 0, 0]) < 12
    assert green < 12
    assert ODD not in page
    text = html.unescape(page)
    assert re.search(r"class 1<br>\d\.\d\d margins away", text)
    assert text.count(f'alt="{ODD}') == 4
    assert "is not known" in text


def test_known_samples_that_were_held_out_are_told_from_learnt_ones(rng, tmp_path):
    X = rng.normal(size=(40, 3))
    data = Dataset(X, {"class": np.arange(40) % 2})
    fitted = fit(Declaration(keep=["class"], map={"max_epochs": 0}), data)
    page = write_neighbors(tmp_path / "near.html", fitted.map, data, "0", 39).read_text("utf-8")
    assert page.count("margins away, not learnt from") in (8, 7)  # of 8, or of the others
    assert page.count("margins away<") + page.count("margins away,") == 39


def test_small_grey_pictures_keep_their_pixels(rng, tmp_path):
    known = Dataset(rng.random((8, 12, 9)))
    page = written(tmp_path, known, "0")
    assert [picture.size for picture in pictures(page)] == [(9, 12)] * 3
    assert page.count('class="small"') == 3


def test_spectra_are_curves_beside_the_one_looked_for(rng, tmp_path):
    known = Dataset(np.sin(np.linspace(0, 9, 200)) + 0.01 * rng.normal(size=(9, 200)))
    page = written(tmp_path, known, "0")
    assert page.count("<svg") == 3
    assert page.count('class="behind"') == 2
    assert "less the mean of all" in page
    assert "nan" not in page


def test_rows_are_numbers_with_names(rng, tmp_path):
    names = [f"{ODD}{k}" for k in range(30)]
    X = rng.normal(size=(9, 30))
    X[0, 7] = 40.0
    page = html.unescape(written(tmp_path, Dataset(X, feature_names=names), "0"))
    assert page.count("<table>") == 3
    assert page.count(f"<td>{ODD}7</td>") == 3
    assert "Of 30 features the 8" in page


def test_a_page_holds_few_pictures_and_counts_the_others(rng, tmp_path):
    known = Dataset(rng.random((20, 12, 9)))
    new = Dataset(rng.random((700, 12, 9)))
    page = written(tmp_path, known, new, 5)
    assert len(pictures(page)) == MOST_CARDS
    assert "100 of 700 samples" in page
    assert "600 are not shown" in page


def test_foreign_samples_come_first(tmp_path):
    rng = np.random.default_rng(0)
    pose = rng.integers(0, 3, 600)
    data = Dataset(np.eye(3)[pose] + 0.1 * rng.normal(size=(600, 3)), {"pose": pose})
    declared = Declaration(keep=["pose"], map={"max_epochs": 1, "network": "linear"})
    fitted = fit(declared, data)
    new = Dataset(np.array([[1.0, 0, 0], [9.0, 9, 0]]), names=["near", "far"])
    page = write_neighbors(tmp_path / "p.html", fitted.map, fitted.learnt, new).read_text("utf-8")
    assert re.findall(r'class="name">(near|far)<', page) == ["far", "near"]
    assert "1 of 2 new samples are foreign" in page
    assert "FOREIGN: " in page
    assert "5 of the 5 nearest are of pose 0" in page


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int16, bool])
def test_pictures_of_any_type_are_drawn(dtype, rng):
    X = (255 * rng.random((4, 3, 60, 60)) > 128) if dtype is bool else 255 * rng.random((4, 60, 60))
    card = SampleDrawer(X.astype(dtype)).card(X[0].astype(dtype), "one")
    assert card.uri.startswith("data:image/jpeg")


def test_samples_of_other_forms_have_a_name_alone(rng):
    card = SampleDrawer(rng.random((4, 5, 2, 3, 3))).card(rng.random((5, 2, 3, 3)), "one", ["a"])
    assert (card.uri, card.curve, card.cells, card.alt) == ("", "", (), "one, a")
