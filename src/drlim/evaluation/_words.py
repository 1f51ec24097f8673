"""The verdicts of a proof in words for a reader who knows no measures: a question and its answer.

The measures follow in the lines of `drlim.evaluation.proof`, which owns the rules.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from drlim.evaluation._intervals import wilson_interval
from drlim.evaluation.invariance import Leakage
from drlim.evaluation.proof import (
    FAILS,
    HIDDEN,
    HOLDS,
    TOLERANCE,
    Ignored,
    Kept,
)
from drlim.evaluation.retention import MEASURES

# Of the normal distribution: the ends of the 98 % interval, each of which errs once in a hundred.
_Z = 2.326
# Fewer sources than this get the sentence of what they can show at best: if all were read rightly,
# the interval would begin below 0.95.
_FEW = 73


@dataclass(frozen=True)
class Answer:
    """A question about one declared thing, and what the proof answers.

    Attributes
    ----------
    question : str
    answer : str
        One sentence, or two.
    at_best : str
        What so few held-out samples could show at best; empty where they are many.
    verdict : str
        That of the proof.
    """

    question: str
    answer: str
    at_best: str
    verdict: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.question, self.answer, self.at_best)))


def in_words(entry: Ignored | Kept) -> Answer:
    """Return the question that a declared thing asks, and the answer of the proof.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.evaluation.proof import measure_kept
    >>> pose = np.arange(300) % 3
    >>> Z = np.eye(3)[pose] + np.random.default_rng(0).normal(scale=0.1, size=(300, 3))
    >>> print(in_words(measure_kept("pose", {"map": Z, "samples": Z}, pose, random_state=0)))
    Is pose read from the map? Yes: 1.00 of the held-out samples are read rightly; guessing, 0.33.
    """
    return _of_ignored(entry) if isinstance(entry, Ignored) else _of_kept(entry)


def _of_ignored(entry: Ignored) -> Answer:
    question = f"Can {entry.name} still be told from the map?"
    worst = entry.worst
    if entry.constant:
        answer = "No, and nothing else can: the map is constant."
    elif worst is None:
        answer = f"Not decided: {entry.reason}."
    else:
        is_class = isinstance(worst, Leakage)
        if is_class:
            read = (
                f"{worst.value:.2f} of the held-out samples are told rightly, and without the map "
                f"{entry.chance:.2f}"
            )
        else:
            read = f"a model reads it with R² {worst.value:.2f} (0: not at all, 1: exactly)"
        opening = {HOLDS: "No", FAILS: "Yes"}.get(entry.verdict, "Not decided")
        why = "" if entry.verdict == HOLDS or "read it from" in entry.reason else entry.reason
        answer = f"{opening}: {read}{'; ' if why else ''}{why}."
    return Answer(question, answer, _hidden_at_best(entry), entry.verdict)


def _hidden_at_best(entry: Ignored) -> str:
    worst = entry.worst
    if entry.verdict in (HOLDS, FAILS) or not isinstance(worst, Leakage):
        return ""
    chance, n = worst.chance, entry.n_sources
    hidden = min(HIDDEN, 2 * TOLERANCE * (1 - chance))
    excluded = wilson_interval(chance * n, n, _Z)[1] - chance
    if excluded < hidden:
        return ""
    # Twice the half-width: what is read varies too.
    needed = math.ceil((2 * _Z) ** 2 * chance * (1 - chance) / hidden**2 / 10) * 10
    return (
        f"{n} held-out sources cannot exclude that {excluded:.2f} more than by guessing is told; "
        f"about {needed:,} could."
    )


def _of_kept(entry: Kept) -> Answer:
    kept = entry.retention.get("map")
    is_near = kept is not None and kept.measure == MEASURES["neighbors"]
    question = f"Is {entry.name} read from the map?"
    if is_near:
        question = "Are samples that are near each other near in the map?"
    opening = {HOLDS: "Yes", FAILS: "No"}.get(entry.verdict, "Not decided")
    if kept is None or entry.constant:
        return Answer(question, f"{opening}: {entry.reason}.", "", entry.verdict)
    value = entry.better("map").value
    if kept.measure == MEASURES["class"]:
        read = f"{value:.2f} of the held-out samples are read rightly; guessing, {kept.chance:.2f}"
    elif is_near:
        read = f"trustworthiness {value:.2f}; of points in random order, {kept.chance:.2f}"
    else:
        read = f"it is read with R² {value:.2f} (0: not at all, 1: exactly)"
    why = f"; {entry.reason}" if entry.reason else ""
    at_best = ""
    if kept.measure == MEASURES["class"] and entry.n_sources < _FEW:
        n = entry.n_sources
        at_best = (
            f"Only {n} held-out sources: even if all were read rightly, the share among others "
            f"could be as low as {wilson_interval(n, n)[0]:.2f}."
        )
    return Answer(question, f"{opening}: {read}{why}.", at_best, entry.verdict)
