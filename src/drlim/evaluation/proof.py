"""The proof: does a map ignore what it should and keep what it should? A verdict for each factor.

`measure_ignored` and `measure_kept` measure one factor on held-out samples, in the map and in its
references: the samples themselves, PCA, the untrained network. This module judges the numbers,
with the constants below, and words the result for the terminal and the report.

**Ignored.** An ignored factor *holds* if

- the map is not constant,
- the probe that reads most reads no more than chance: the low end of its interval is at most
  `TOLERANCE` above it, and
- there was something to ignore: from one of the references a probe reads the factor clearly, with
  the low end of its interval more than `TOLERANCE` above chance.

Chance is the larger of guessing and of what the same probes read from the kept factors alone,
which no map that keeps them can hide. A factor that no reference shows, or whose interval is wider
than `TOO_WIDE` and reaches beyond chance, is *open*: neither proven nor failed.

**Kept.** A kept factor *holds* if

- the low end of its retention's interval is more than `TOLERANCE` above chance, and
- its retention is at least `ENOUGH` times that of the best reference.

**As a whole.** A constant map fails every factor. The proof holds if no factor fails, at least one
kept factor holds, and at least one ignored factor does where any are declared: a map that loses
what it should keep fails, however invariant it is.
"""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from drlim._deprecated import renamed_names
from drlim.evaluation.invariance import Displacement, Leakage, NumberLeakage
from drlim.evaluation.retention import Retention

if TYPE_CHECKING:
    from drlim.evaluation._measure import (
        is_constant as is_constant,
        measure_ignored as measure_ignored,
        measure_kept as measure_kept,
    )

__all__ = ["Ignored", "Kept", "Proof", "is_constant", "measure_ignored", "measure_kept"]

# The constants of the rules. All are conventions; the reasons give their scale.

# Above chance by more than this is clear: half the width of the 95 % interval of a share of one
# half in 400 samples, as many as are transformed for a proof.
TOLERANCE = 0.05
# Of the interval of what is read. Six probes and ways of reading are tried at most twice over: the
# chance that any of them fails a map without a leak is then at most 6 %, before the tolerance.
CONFIDENCE = 0.99
# Of what the best reference keeps. A few components rarely keep all that hundreds of features show.
ENOUGH = 0.8
# Fewer independent sources than this get a caution: the interval of a share of one half is then
# TOO_WIDE, 0.4, to leave any verdict but "open"; a caution is due from half that width on.
FEW_SOURCES = 20
WIDE, TOO_WIDE = 0.2, 0.4

# The verdicts, and how the line of a factor opens; the verb is "ignore" or "keep".
HOLDS, FAILS, OPEN = "holds", "fails", "open"
_OPENING = {HOLDS: "{verb}s", FAILS: "FAILS to {verb}", OPEN: "open whether it {verb}s"}

# The words in which the terminal and the report show the numbers.
CONSTANT = "the map is constant, so it ignores everything and proves nothing"
NOT_CONCLUDED = "What cannot be concluded"
IGNORED_CAPTION = (
    "What can be read of what should be ignored: by the probe that reads most, cross-validated on "
    "held-out samples so that no source is on both sides, with its 95 % interval (accuracy, or R² "
    "of a number); chance is the larger of guessing and of what the kept factors predict. Orbit "
    "ratio: mean distance between samples that differ in it alone, over that between others."
)
KEPT_CAPTION = (
    "What is kept: R² of a number and balanced accuracy of a class, read from held-out points by "
    "their nearest others; trustworthiness of neighbourhoods; with 95 % intervals."
)


class _Judgement(NamedTuple):
    verdict: str
    reason: str = ""


class _Judged(ABC):
    """The verdict of one factor and its words, for what is ignored and what is kept."""

    name: str
    n_sources: int
    n_left_out: int
    _verb: str

    @property
    def verdict(self) -> str:
        """The result: "holds", "fails" or "open"."""
        return self._judgement.verdict

    @property
    def reason(self) -> str:
        """Why it is not proven; empty if it is."""
        return self._judgement.reason

    @property
    def line(self) -> str:
        """The verdict in one line."""
        opening = _OPENING[self.verdict].format(verb=self._verb)
        return f"{opening} {self.name}: {self._numbers()}"

    @cached_property
    def _judgement(self) -> _Judgement:
        return self._judge()

    @property
    @abstractmethod
    def cannot(self) -> list[str]:
        """What cannot be concluded about it, a sentence each."""

    @abstractmethod
    def _judge(self) -> _Judgement: ...

    @abstractmethod
    def _numbers(self) -> str: ...

    def _still_open(self) -> list[str]:
        if self.verdict != OPEN:
            return []
        return [f"Whether the map {self._verb}s {self.name} is open: {self.reason}."]

    def _few_samples(self) -> list[str]:
        cautions = []
        if self.n_sources < FEW_SOURCES:
            cautions.append(
                f"{self.name} was tried on only {self.n_sources} held-out sources: fewer than "
                f"{FEW_SOURCES} say little about others."
            )
        if self.n_left_out:
            cautions.append(
                f"{self.n_left_out} held-out samples were left out for {self.name}: their value is "
                "missing, or too rare to be learnt and tried. The proof says nothing about it."
            )
        return cautions


@dataclass(frozen=True)
class Ignored(_Judged):
    """The measurements of one ignored factor, and the verdict.

    Attributes
    ----------
    name : str
    leakage : mapping of str to tuple of Leakage or NumberLeakage
        For "map" and each reference, one for each probe.
    orbit_ratio : mapping of str to float or None
        None where no two held-out samples differ in what is ignored alone, or the map is
        constant.
    from_kept : tuple of Leakage or NumberLeakage
        What the same probes read from the kept factors alone.
    constant : bool
        Whether the map is constant.
    n_sources : int
        The number of independent held-out groups.
    tried : str
        The values on which it was tried.
    n_left_out : int
        Samples that were left out, because their value is missing or in too few groups to be
        learnt and tried.
    why : str
        Why it could not be measured; empty if it could.
    displacement : mapping of str to Displacement
        How far the invariance holds, where that was measured.
    """

    name: str
    leakage: Mapping[str, tuple[Leakage | NumberLeakage, ...]]
    orbit_ratio: Mapping[str, float | None]
    from_kept: tuple[Leakage | NumberLeakage, ...]
    constant: bool
    n_sources: int
    tried: str
    n_left_out: int = 0
    why: str = ""
    displacement: Mapping[str, Displacement] = field(default_factory=dict)

    _verb = "ignore"

    @property
    def worst(self) -> Leakage | NumberLeakage | None:
        """The probe that reads most from the map."""
        return max(self.leakage.get("map", ()), key=lambda leak: leak.value, default=None)

    @property
    def chance(self) -> float:
        """What can be read without the map: by guessing, or from the kept factors alone."""
        if self.worst is None:
            return math.nan
        guessed = [leak.chance for leak in self.leakage["map"]]
        return max(guessed + [leak.value for leak in self.from_kept])

    @property
    def confounded(self) -> bool:
        """Whether the kept factors predict it, clearly better than guessing."""
        return any(leak.value > leak.chance + TOLERANCE for leak in self.from_kept)

    @property
    def read_from(self) -> tuple[str, ...]:
        """The references from which it is clearly read."""
        return tuple(name for name in self.leakage if name != "map" and self._shows(name))

    def _shows(self, name: str) -> bool:
        return any(leak.low > self.chance + TOLERANCE for leak in self.leakage.get(name, ()))

    def _judge(self) -> _Judgement:
        worst = self.worst
        if self.constant:
            return _Judgement(FAILS, CONSTANT)
        if worst is None:
            return _Judgement(OPEN, self.why)
        if self._shows("map"):
            return _Judgement(FAILS, "a probe reads it from the map")
        if len(self.leakage) == 1:
            return _Judgement(
                OPEN, "it was compared with nothing, so there may have been nothing to ignore"
            )
        if not self.read_from:
            beyond = " beyond what is kept" if self.confounded else ""
            return _Judgement(
                OPEN, f"nothing to ignore: it cannot be read from the samples either{beyond}"
            )
        if worst.high - worst.low > TOO_WIDE and worst.high > self.chance + TOLERANCE:
            return _Judgement(OPEN, "too few held-out samples: the interval is too wide to tell")
        return _Judgement(HOLDS)

    def _numbers(self) -> str:
        worst, verdict = self.worst, self.verdict
        if worst is None or self.constant:
            return self.reason
        measure = "R² " if isinstance(worst, NumberLeakage) else ""
        interval = f" ({worst.low:.2f} to {worst.high:.2f})" if verdict != HOLDS else ""
        numbers = f"leakage {measure}{worst.value:.2f}{interval}, chance {self.chance:.2f}"
        if self.confounded:
            numbers += " (the kept factors predict as much)"
        ratio = self.orbit_ratio.get("map")
        if ratio is not None:
            numbers += f"; orbit ratio {ratio:.2f}"
        return numbers + (f"; {self.reason}" if verdict == OPEN else "")

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded about it, a sentence each."""
        name, worst, cautions = self.name, self.worst, self._still_open()
        if worst is None:
            return cautions
        cautions += self._few_samples()
        if self.confounded:
            predicted = max(leak.value for leak in self.from_kept)
            cautions.append(
                f"{name} is confounded with what is kept: the kept factors alone predict it with "
                f"{predicted:.2f}, guessing with {worst.chance:.2f}. No map that keeps them can "
                "hide that much of it, and none fails for it."
            )
        if worst.high - worst.low > WIDE and self.verdict == HOLDS:
            cautions.append(
                f"The interval of what is read of {name} is wide: {worst.high:.2f} cannot be "
                "excluded."
            )
        if "untrained" not in self.leakage:
            cautions.append(
                f"{name} was not compared with the untrained network: its architecture may ignore "
                "it without any training."
            )
        elif self.verdict == HOLDS and "untrained" not in self.read_from:
            cautions.append(
                f"The untrained network hides {name} as well: its architecture does that, and "
                "training has not been shown to."
            )
        cautions.append(f"{name} outside {self.tried} was not tried.")
        return cautions

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "line": self.line,
            "chance": None if math.isnan(self.chance) else self.chance,
            "leakage": {m: [leak.as_json() for leak in all_] for m, all_ in self.leakage.items()},
            "orbit_ratio": dict(self.orbit_ratio),
            "from_kept": [leak.as_json() for leak in self.from_kept],
            "constant": self.constant,
            "n_sources": self.n_sources,
            "tried": self.tried,
            "n_left_out": self.n_left_out,
            "displacement": {name: curve.as_json() for name, curve in self.displacement.items()},
        }


@dataclass(frozen=True)
class Kept(_Judged):
    """The measurements of one kept factor, and the verdict.

    Attributes
    ----------
    name : str
    retention : mapping of str to Retention
        For "map" and each reference.
    preservation : mapping of str to Retention
        Where neighbourhoods are kept, the share of neighbours kept; it is reported, not judged.
    constant : bool
        Whether the map is constant.
    n_sources : int
        The number of independent held-out groups.
    n_left_out : int
        Samples that were left out, because their value is missing or too rare to be read.
    why : str
        Why it could not be measured; empty if it could.
    """

    name: str
    retention: Mapping[str, Retention]
    preservation: Mapping[str, Retention]
    constant: bool
    n_sources: int
    n_left_out: int = 0
    why: str = ""

    _verb = "keep"

    @property
    def best(self) -> str | None:
        """The reference that keeps most of it."""
        others = {name: kept.value for name, kept in self.retention.items() if name != "map"}
        return max(others, key=lambda name: others[name]) if others else None

    def _judge(self) -> _Judgement:
        if self.constant:
            return _Judgement(FAILS, "the map is constant, so it keeps nothing")
        kept = self.retention.get("map")
        if kept is None:
            return _Judgement(OPEN, self.why)
        if not kept.low > kept.chance + TOLERANCE:
            return _Judgement(FAILS, "not clearly above chance")
        best = self.best
        if best is not None and kept.value < ENOUGH * self.retention[best].value:
            return _Judgement(FAILS, f"{best} keeps {self.retention[best].value:.2f}")
        return _Judgement(HOLDS)

    def _numbers(self) -> str:
        kept = self.retention.get("map")
        if kept is None or self.constant:
            return self.reason
        numbers = f"{kept.measure} {kept.value:.2f} ({kept.low:.2f} to {kept.high:.2f})"
        numbers += f", chance {kept.chance:.2f}" if kept.chance else ""
        return numbers + (f"; {self.reason}" if self.reason else "")

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded about it, a sentence each."""
        name, kept, cautions = self.name, self.retention.get("map"), self._still_open()
        if kept is None:
            return cautions
        cautions += self._few_samples()
        if kept.high - kept.low > WIDE:
            cautions.append(
                f"The interval of what is kept of {name} is wide: {kept.low:.2f} to "
                f"{kept.high:.2f}."
            )
        if self.best is None:
            cautions.append(f"{name} was compared with nothing: other maps may keep more of it.")
        return cautions

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "line": self.line,
            "retention": {name: kept.as_json() for name, kept in self.retention.items()},
            "preservation": {name: kept.as_json() for name, kept in self.preservation.items()},
            "constant": self.constant,
            "n_sources": self.n_sources,
            "n_left_out": self.n_left_out,
        }


@dataclass(frozen=True)
class Proof:
    """What a map ignores and keeps, factor by factor, and what cannot be concluded.

    Attributes
    ----------
    ignored : tuple of Ignored
    kept : tuple of Kept
    remarks : tuple of str
        Further sentences on what cannot be concluded, such as how the data was chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.evaluation.proof import measure_ignored, measure_kept
    >>> rng = np.random.default_rng(0)
    >>> pose, light = rng.normal(size=300), rng.integers(0, 3, 300)
    >>> X = np.stack([pose, light], axis=1)
    >>> maps = {"map": X[:, :1], "samples": X}
    >>> proof = Proof(
    ...     ignored=(
    ...         measure_ignored("light", maps, light, kept={"pose": pose}, random_state=0),
    ...     ),
    ...     kept=(measure_kept("pose", maps, pose, random_state=0),),
    ... )
    >>> proof.holds, [entry.verdict for entry in (*proof.ignored, *proof.kept)]
    (True, ['holds', 'holds'])
    """

    ignored: tuple[Ignored, ...]
    kept: tuple[Kept, ...]
    remarks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing fails, and something ignored and something kept is proven."""
        ignored = [entry.verdict for entry in self.ignored]
        kept = [entry.verdict for entry in self.kept]
        proven = HOLDS in kept and (HOLDS in ignored or not ignored)
        return proven and FAILS not in ignored + kept

    @property
    def headline(self) -> str:
        """The result as a whole, in a sentence without its full stop."""
        return "The proof holds" if self.holds else "The proof does not hold"

    def lines(self) -> list[str]:
        """Return the verdicts, a line for each factor."""
        return [entry.line for entry in (*self.ignored, *self.kept)]

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded, a sentence each."""
        cautions = [caution for entry in (*self.ignored, *self.kept) for caution in entry.cannot]
        if not self.kept:
            cautions.append(
                "Nothing was declared as kept, so a map that lost everything would pass."
            )
        probes = {leak.probe for e in self.ignored for leak in e.leakage.get("map", ())}
        if probes:
            cautions.append(
                f"Only the probes {', '.join(sorted(probes))} were tried; another might read more."
            )
        return [*cautions, *self.remarks]

    def __str__(self) -> str:
        verdicts = [f"  {line}" for line in self.lines()]
        cautions = [f"  - {caution}" for caution in self.cannot]
        return "\n".join([*verdicts, "", f"{self.headline}. {NOT_CONCLUDED}:", *cautions])

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "holds": self.holds,
            "lines": self.lines(),
            "ignored": [entry.as_json() for entry in self.ignored],
            "kept": [entry.as_json() for entry in self.kept],
            "cannot": self.cannot,
        }


# The functions that measure return the records of this module, so they stand above it and are
# found by name: an import here would be a cycle.
_MEASURE = "drlim.evaluation._measure"
_MEASURING = ("is_constant", "measure_ignored", "measure_kept")
_renamed = renamed_names(
    __name__,
    {"ignores": f"{_MEASURE}.measure_ignored", "keeps": f"{_MEASURE}.measure_kept"},
)


def __getattr__(name: str) -> Any:
    if name in _MEASURING:
        return getattr(importlib.import_module(_MEASURE), name)
    return _renamed(name)


def __dir__() -> list[str]:
    return sorted(__all__)
