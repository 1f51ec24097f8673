"""The benchmark of real data: every method learns from the same samples and is measured alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks import real
from benchmarks.real._measures import equal_error_rate, share_read
from benchmarks.real._sets import SETS, Fold
from benchmarks.real._table import Row


@pytest.fixture(autouse=True)
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REAL_CACHE", str(tmp_path))
    return tmp_path


def test_a_quick_run_measures_drlim_beside_its_rivals(
    kept_in: Path, capsys: pytest.CaptureFixture[str]
):
    page = kept_in / "page.md"
    figures = list(real.run(True, ["wine"], methods=["pca", "lda", "drlim"], page=page))
    assert [figure.name.split(":")[0] for figure in figures] == ["wine, EER", "wine, 5-NN", "wine"]
    assert "| drlim, declared" in page.read_text("utf-8")
    assert "<!--" not in page.read_text("utf-8")
    assert all(np.isfinite(figure.value) for figure in figures)
    assert "drlim, declared" in capsys.readouterr().out
    # A rival is measured once for the same samples, drlim in every run.
    file = next(kept_in.glob("wine/*/quick-pca.json"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"measures": {"EER": 0.0}}))
    again = list(real.run(True, ["wine"], methods=["drlim"]))
    assert set(again[0].detail["means"]) == {"pca", "lda", "drlim"}
    assert again[0].detail["means"]["pca"][0] == 0


def test_a_method_of_fewer_splits_is_left_out(kept_in: Path, capsys: pytest.CaptureFixture[str]):
    list(real.run(False, ["wine"], n_splits=1, methods=["pca"]))
    list(real.run(False, ["wine"], n_splits=2, methods=["lda"]))
    assert "PCA, 32 is left out, 1 of 2 splits are kept" in capsys.readouterr().out


def test_no_sample_is_both_learnt_and_held_out():
    fold = Fold.of(SETS["wine"](0), 0)
    rows = np.concatenate(fold.rows)
    assert len(np.unique(rows)) == len(rows) == len(fold.problem.data)


def test_points_that_separate_the_classes_have_no_error():
    labels = np.repeat([0, 1, 2], 5)
    assert equal_error_rate(labels[:, None] * 10.0 + np.arange(15)[:, None] / 99, labels) == 0
    mixed = np.random.default_rng(0).normal(size=(300, 2))
    assert equal_error_rate(mixed, np.arange(300) % 3) == pytest.approx(0.5, abs=0.02)


def test_a_number_is_read_by_the_better_of_a_line_and_neighbours():
    x = np.linspace(-1, 1, 101)[:, None]
    assert share_read(x, x, x[1::7] + 0.001, x[1::7] + 0.001) > 0.999
    assert share_read(x, x**2, x[1::7], x[1::7] ** 2) > 0.95


def test_ranks_share_a_place_and_know_which_way_is_better():
    row = Row("a set", "5-NN", {"pca": (0.9, 0.01), "lda": (0.9, 0.02), "drlim": (0.95, 0.03)})
    assert row.ranks() == {"drlim": 1, "pca": 2.5, "lda": 2.5}
    assert row.behind("drlim") == pytest.approx(-0.05)
    assert Row("a set", "EER", row.means).ranks()["drlim"] == 3
