"""Bad input is refused in words that help; the package bad_input holds the cases, in tables.

A message names the value, the rule and the remedy, and never comes from a library underneath.
"""

import importlib
import os
import pkgutil
from unittest import mock

import pytest
from bad_input import ROOMS
from bad_input.cli import numbers
from bad_input.rows import missing_from, run

import drlim
from drlim import FileError, cli

TABLE = [(entry, row) for room in ROOMS for entry, rows in room.ROWS.items() for row in rows]


@pytest.fixture(autouse=True)
def _working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=f"{entry}: {row.what}") for entry, row in TABLE]
)
def test_bad_input_is_refused_with_its_value_and_the_name_of_its_argument(row, capsys):
    if issubclass(row.error, Warning):
        with pytest.warns(row.error) as warned:
            row.call()
        assert not missing_from(str(warned[0].message), row.tokens)
        return
    with pytest.raises(row.error) as caught:
        row.call()
    assert type(caught.value) is row.error or row.error is FileError
    message = str(caught.value)
    if row.error is SystemExit:
        assert caught.value.code == 2
        message = capsys.readouterr().err
        assert message.startswith("drlim: ")
        assert message.count("\n") == 1
    assert not missing_from(message, row.tokens), message


def test_every_row_stands_in_the_tables_once_and_says_what_its_error_must_name():
    assert len({(entry, row.what) for entry, row in TABLE}) == len(TABLE)
    assert all(row.tokens and all(row.tokens) for _, row in TABLE)


@pytest.mark.parametrize(
    ("message", "token"),
    [("n is 10", "1"), ("n is 0.5", "0"), ("n is 0.5", "5"), ("n is -1", "n_samples")],
)
def test_a_value_is_not_found_inside_another_word_or_number(message, token):
    assert missing_from(message, [token]) == [token]


def test_an_interrupt_ends_with_one_sentence_and_no_file(capsys):
    interrupt = mock.patch("drlim._plan.train", side_effect=KeyboardInterrupt)
    with interrupt, pytest.raises(SystemExit) as ended:
        run("fit", numbers, "--keep", "neighbors:2")
    assert ended.value.code == 130
    message = capsys.readouterr().err
    assert message.startswith("drlim: interrupted")
    assert message.count("\n") == 1
    assert os.listdir() == ["x.npy"]


# Everything public is in the tables, or cannot be given bad input.

_RECORD = "a record of results, which drlim makes itself"
_INSIDE = "drlim calls it, with what it has checked before"
NOTHING_TO_REFUSE = {
    "baselines.Method": _RECORD,
    "datasets.airplane": "takes only whether to download",
    "declaration.Evidence": _RECORD,
    "declaration.Fitted": _RECORD,
    "declaration.Neighbor": _RECORD,
    "declaration.Recognition": _RECORD,
    "declaration.Rules": _RECORD,
    "declaration.Run": _RECORD,
    "declaration.Unusual": _RECORD,
    "declaration.Verified": _RECORD,
    "evaluation.cylinder.Cylinder": _RECORD,
    "evaluation.invariance.Displacement": _RECORD,
    "evaluation.invariance.Leakage": _RECORD,
    "evaluation.invariance.NumberLeakage": _RECORD,
    "evaluation.proof.Ignored": _RECORD,
    "evaluation.proof.Kept": _RECORD,
    "evaluation.proof.Proof": _RECORD,
    "evaluation.retention.Retention": _RECORD,
    "evaluation.verification.Rate": _RECORD,
    "evaluation.verification.Threshold": _RECORD,
    "exporting.Exported": _RECORD,
    "losses.GlobalLoss": _RECORD,
    "losses.PairLoss": "a protocol, which has no content",
    "losses.Springs": "a protocol, which has no content",
    "losses.PointLoss": "a protocol, which has no content",
    "networks.AlignedLinear": "torch's own layer with torch's own messages",
    "networks.AlongComponents": "torch's own container with torch's own messages",
    "networks.LinearPath": _INSIDE,
    "networks.default": _INSIDE,
    "pairs.Batch": _RECORD,
    "training.Callback": "does nothing; its heirs have rows of their own",
    "training.Epoch": _RECORD,
    "training.Pinned": _RECORD,
    "training.Training": _RECORD,
}


def public():
    """Yield the name of every public function and class, and of every command, with itself."""
    for info in pkgutil.walk_packages(drlim.__path__, "drlim."):
        home = info.name.removeprefix("drlim.")
        if any(part.startswith("_") for part in home.split(".")):
            continue
        if home.split(".")[0] not in {*drlim.__all__, "estimator", "exporting", "loading"}:
            continue
        module = importlib.import_module(info.name)
        listed = getattr(module, "__all__", None)
        # Some modules import a part when it is asked for.
        for name in vars(module) if listed is None else listed:
            value = getattr(module, name)
            inside = str(getattr(value, "__module__", ""))
            here = inside == info.name or listed is not None
            if here and not name.startswith("_") and callable(value) and "drlim" in inside:
                yield f"{home}.{name}", value
    yield from ((f"cli.{name}", command) for name, command in cli.COMMANDS.items())


def test_everything_public_is_in_the_tables_or_takes_nothing_that_could_be_wrong():
    entries = {entry for entry, _ in TABLE}
    names = dict(public())
    # What two modules export is one thing, and enough under one of its names.
    covered = {
        id(value)
        for name, value in names.items()
        if any(f"{e}.".startswith(f"{name}.") for e in entries)
    }
    harmless = {id(names[name]) for name in NOTHING_TO_REFUSE}
    assert not covered & harmless
    assert {name for name, value in names.items() if id(value) not in covered | harmless} == set()
