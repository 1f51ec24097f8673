"""The worked examples, run small: their claims hold, and their declarations are what they say."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit

FIRST = 2  # of several starts
ROOT = Path(__file__).parents[1]
EXAMPLES = (
    "shifted_digits",
    "airplane",
    "textiles",
    "weaves",
    "instruments",
    "unseen_digits",
    "signatures",
)


@pytest.fixture(params=EXAMPLES)
def example(request, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module(f"examples.{request.param}")


@pytest.mark.no_cover
@pytest.mark.usefixtures("few_trees")
def test_all_claims_of_an_example_hold_on_small_data(example):
    claims, evidence, figures = example.run(0, quick=True)
    assert len(claims) >= 4
    assert [claim.line for claim in claims if not claim.holds] == []
    assert figures
    assert "fails" not in {entry.verdict for entry in evidence.proof.kept}


def test_the_declaration_of_an_example_is_a_file_that_drlim_reads(example, tmp_path):
    file = tmp_path / "declaration.toml"
    file.write_text(example.DECLARATION, "utf-8")
    declaration = Declaration.read(file)
    assert declaration.keep
    assert declaration.ignore or declaration.map.network  # what a pretrained network ignores
    assert declaration.data.path.parent == tmp_path


def test_every_example_has_a_page_that_shows_its_declaration_and_is_run_by_the_command(
    example, monkeypatch
):
    name = example.__name__.removeprefix("examples.")
    page = (ROOT / "docs" / "examples" / f"{name}.md").read_text("utf-8")
    assert example.DECLARATION.strip() in page
    assert name in importlib.import_module("examples.__main__").NAMES


def test_features_of_ones_own_stand_under_the_map_of_a_declaration(tmp_path, rng):
    (tmp_path / "my_features.py").write_text(
        "from torch import nn\n"
        "from drlim.networks import backbone\n"
        "def features():\n"
        "    return nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU())\n"
        "build = backbone(features, channels=3)\n"
    )
    (tmp_path / "own.toml").write_text(
        'keep = ["class"]\n[map]\nnetwork = { builder = "my_features:build" }\nmax_epochs = 2\n'
    )
    labels = np.repeat(["twill", "satin"], 12)
    images = rng.integers(0, 256, (24, 12, 12)).astype(np.uint8)
    try:
        fitted = fit(Declaration.read(tmp_path / "own.toml"), Dataset(images, {"class": labels}))
        untrained = fitted.map.untrained()
    finally:
        sys.modules.pop("my_features", None)
    learnt, first = (map_.network_[1] for map_ in (fitted.map, untrained))
    kept = [name for name, weight in learnt[0].named_parameters()]
    assert kept
    assert all(not weight.requires_grad for weight in learnt[0].parameters())
    for before, after in zip(first[0].parameters(), learnt[0].parameters(), strict=True):
        np.testing.assert_array_equal(before.detach().numpy(), after.detach().numpy())
    assert any(
        (before != after).any()
        for before, after in zip(first[1].parameters(), learnt[1].parameters(), strict=True)
    )


def test_of_several_starts_the_one_with_the_smallest_loss_is_kept(rng):
    pose = rng.integers(0, 4, 60)
    data = Dataset(np.stack([pose, rng.normal(size=60)], axis=1), {"pose": pose})
    settings = {"max_epochs": 2, "random_state": FIRST}
    fitted = fit(Declaration(keep=["pose"], map={**settings, "n_starts": 3}), data)
    losses = []
    for start in range(3):
        one = clone(fitted.map).set_params(random_state=FIRST + start)
        one.fit(fitted.learnt.X, graph=fitted.rules.similar)
        losses.append(one.history_[-1].loss)
    assert 0 < np.argmin(losses) < 2  # or always taking the first, or the last, would do
    assert fitted.map.random_state == FIRST + np.argmin(losses)
    np.testing.assert_array_equal(
        fitted.map.embedding_,
        clone(fitted.map).fit(fitted.learnt.X, graph=fitted.rules.similar).embedding_,
    )
