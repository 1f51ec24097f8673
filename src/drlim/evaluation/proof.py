"""The proof: does a map ignore what it should and keep what it should? A verdict for each factor.

`measure_ignored` and `measure_kept` measure one factor on held-out samples, in the map and in its
references: the samples themselves, PCA, the untrained network. This module judges the numbers,
with the constants below, and words the result for the terminal and the report.

Each verdict is "holds", "fails" or "not decided". Of what is left above chance, reading a tenth is
the *tolerance*: `TOLERANCE` times (1 - chance).

**Ignored.** A class is read by balanced accuracy, a number by R², by three probes (linear, trees,
nearest neighbours), each cross-validated on held-out samples and, where learnt ones are given,
trained on these. Chance is guessing, or what the same probes read from the kept factors alone,
where that is clearly more: no map that keeps them can hide it. An ignored factor *fails* if

- the map is constant, or
- the low end of the interval of any probe is more than the tolerance above chance, or
- it is a transformation, and within the range that was trained its copies move clearly farther
  than in the reference in which they move least, and more than `STILL`.

It *holds* if

- the high end of every probe is less than `HIDDEN` (or two tolerances) above chance,
- there was something to ignore: from one of the references a probe reads it clearly, and
- it is a transformation whose copies move less than in every reference, or less than `STILL`.

**Kept.** It is read by the nearest neighbours and by a linear model, and the better one counts. A
kept factor *fails* if its interval ends within the tolerance of chance, or below `ENOUGH` of what
the best reference keeps above chance. It *holds* if the interval begins beyond the tolerance, and
the value is `ENOUGH` of the best reference.

**As a whole.** The proof fails if a factor fails: a map that loses what it should keep fails,
however invariant it is. It holds if every factor holds and something is kept. Otherwise it is not
decided: "holds" would be read as said of all that was declared.
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

# The constants of the rules; benchmarks/calibration.py measures how often they mislead.

# Of what is left above chance. Less is of no use to who wants to read the factor: 0.55 for a class
# of two values, an R² of 0.1.
TOLERANCE = 0.1
# A leak that must not pass: a probe reads this much above chance, and with a chance above one half
# two tolerances. The interval must exclude it.
HIDDEN = 0.1
# Of the interval of what is read: each end errs once in a hundred. To hold, every probe must end
# below, so a leak passes no more often than that. To fail, one of six to twelve readings is enough,
# but it must clear the tolerance as well.
CONFIDENCE = 0.98
# Copies that move less than this, in mean distances between two samples, stay together, even if a
# reference moves less: a twentieth is about what noise in the last epoch moves points.
STILL = 0.05
# Of what the best reference keeps above chance. A few components rarely keep all that hundreds of
# features show.
ENOUGH = 0.8
# Fewer independent sources than this get a caution: the interval of a share of one half is then
# wider than 0.4. A caution is due to a factor that holds from half that width on.
FEW_SOURCES = 20
WIDE = 0.2

# The verdicts, and how the line of a factor opens; the verb is "ignore" or "keep".
HOLDS, FAILS, NOT_DECIDED = "holds", "fails", "not decided"
_OPENING = {
    HOLDS: "{verb}s",
    FAILS: "FAILS to {verb}",
    NOT_DECIDED: "not decided whether it {verb}s",
}
_HEADLINE = {
    HOLDS: "The proof holds",
    FAILS: "The proof fails",
    NOT_DECIDED: "The proof is not decided",
}

# The words in which the terminal and the report show the numbers.
CONSTANT = "the map is constant, so it ignores everything and proves nothing"
NOT_CONCLUDED = "What cannot be concluded"
IGNORED_CAPTION = (
    "What can be read of what should be ignored: by the probe that reads most, trained on the "
    "learnt samples or cross-validated on held-out ones so that no source is on both sides, with "
    "its 98 % interval (balanced accuracy, or R² of a number); chance is the larger of guessing "
    "and of what the kept factors predict. Orbit ratio: mean distance between samples that differ "
    "in it alone, over that between others."
)
KEPT_CAPTION = (
    "What is kept: R² of a number and balanced accuracy of a class, read from points by their "
    "nearest others and by a linear model; trustworthiness of neighbourhoods; with 95 % intervals."
)


_THE = {
    "samples": "the samples",
    "pca": "PCA",
    "untrained": "the untrained network",
    "colours": "colours alone",
}
_PROBES = {
    "logistic": "logistic regressions",
    "ridge": "ridge regressions",
    "trees": "trees",
    "neighbors": "nearest neighbours",
}
# What to try where a reference keeps more than the map.
_REMEDIES = {
    "untrained": "learning lost it; check which similar pairs differ in it, or train for fewer "
    "epochs",
    "samples": "try more components, more epochs, or a network that fits the samples",
}


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
        """The result: "holds", "fails" or "not decided"."""
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

    @property
    @abstractmethod
    def worse(self) -> list[str]:
        """Where learning made the map worse than a reference, and what to try, a sentence each."""

    def _undecided(self) -> list[str]:
        if self.verdict != NOT_DECIDED:
            return []
        return [f"Whether the map {self._verb}s {self.name} is not decided: {self.reason}."]

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
        How far copies move, for "map" and each reference, where that was measured.
    trained_range : (float, float), optional
        The strengths between which it was trained. None: all that were measured.
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
    trained_range: tuple[float, float] | None = None

    _verb = "ignore"

    @property
    def worst(self) -> Leakage | NumberLeakage | None:
        """The reading of the map that is farthest above its chance."""
        return self.most_read("map")

    def most_read(self, name: str) -> Leakage | NumberLeakage | None:
        """Return the reading of a map or reference that is farthest above its chance."""
        return max(self.leakage.get(name, ()), key=self._share_above, default=None)

    @property
    def chance(self) -> float:
        """What can be read without the map: by guessing, or from the kept factors alone."""
        return math.nan if self.worst is None else self._chance(self.worst)[0]

    @property
    def confounded(self) -> bool:
        """Whether the kept factors predict it, clearly better than guessing."""
        return bool(self._predicting)

    @property
    def _predicting(self) -> list[Leakage | NumberLeakage]:
        return [leak for leak in self.from_kept if leak.low > leak.chance + _tolerance(leak.chance)]

    def _chance(self, read: Leakage | NumberLeakage) -> tuple[float, float]:
        """Return the chance of a reading, and the high end of its interval."""
        same = [leak for leak in self._predicting if type(leak) is type(read)]
        best = max(same, key=lambda leak: leak.value, default=None)
        if best is None or best.value <= read.chance:
            return read.chance, read.chance
        return best.value, best.high

    def _share_above(self, read: Leakage | NumberLeakage) -> float:
        chance, _ = self._chance(read)
        return (read.value - chance) / max(1 - chance, 1e-9)

    def _is_clear(self, read: Leakage | NumberLeakage) -> bool:
        # What is read from the map and from the kept factors errs on the same samples, so the high
        # end of chance is compared.
        _, chance = self._chance(read)
        return read.low > chance + _tolerance(chance)

    def _is_hidden(self, read: Leakage | NumberLeakage) -> bool:
        chance, high = self._chance(read)
        return read.high < high + min(HIDDEN, 2 * _tolerance(chance))

    @property
    def read_from(self) -> tuple[str, ...]:
        """The references from which it is clearly read."""
        return tuple(name for name in self.leakage if name != "map" and self._shows(name))

    def _shows(self, name: str) -> bool:
        return any(self._is_clear(leak) for leak in self.leakage.get(name, ()))

    def moved(self, name: str) -> tuple[float, float, float]:
        """Return how far copies move in a map or reference, within the range that was trained.

        Returns
        -------
        mean, low, high : float
            Means over the strengths, in mean distances between two samples; NaN if it was not
            measured.
        """
        curve = self.displacement.get(name)
        if curve is None:
            return math.nan, math.nan, math.nan
        least, most = self.trained_range or (-math.inf, math.inf)
        inside = [i for i, at in enumerate(curve.strengths) if least <= at <= most]
        inside = inside or list(range(len(curve.strengths)))
        mean, low, high = (
            sum(values[i] for i in inside) / len(inside)
            for values in (curve.mean, curve.low, curve.high)
        )
        return mean, low, high

    @property
    def stillest(self) -> str | None:
        """The reference in which copies move least: the samples, PCA or the untrained network."""
        # Histograms of colours do not see most transformations, and keep nothing else.
        moved = {name: self.moved(name)[0] for name in ("samples", "pca", "untrained")}
        moved = {name: mean for name, mean in moved.items() if not math.isnan(mean)}
        return min(moved, key=lambda name: moved[name]) if moved else None

    def _judge(self) -> _Judgement:
        worst = self.worst
        if self.constant:
            return _Judgement(FAILS, CONSTANT)
        if worst is None:
            return _Judgement(NOT_DECIDED, self.why)
        if self._shows("map"):
            return _Judgement(FAILS, f"{_by(worst)} read it from the map")
        moves = self._judge_moves()
        if moves.verdict == FAILS:
            return moves
        if len(self.leakage) == 1:
            return _Judgement(
                NOT_DECIDED,
                "it was compared with nothing, so there may have been nothing to ignore",
            )
        if not self.read_from:
            beyond = " beyond what is kept" if self.confounded else ""
            return _Judgement(
                NOT_DECIDED, f"nothing to ignore: it cannot be read from the samples either{beyond}"
            )
        shown = [leak for leak in self.leakage["map"] if not self._is_hidden(leak)]
        if shown:
            high = max(leak.high for leak in shown)
            return _Judgement(
                NOT_DECIDED, f"too few held-out samples: a leakage of {high:.2f} cannot be excluded"
            )
        return moves

    def _judge_moves(self) -> _Judgement:
        """Judge how far copies move, beside the reference in which they move least."""
        best = self.stillest
        mean, low, high = self.moved("map")
        if best is None or math.isnan(mean) or high < STILL:
            return _Judgement(HOLDS)
        least, _, most = self.moved(best)
        numbers = f"copies move {mean:.2f}, in {_THE[best]} {least:.2f}"
        if low > max(most, STILL):
            return _Judgement(FAILS, numbers)
        if high >= least:
            return _Judgement(NOT_DECIDED, numbers)
        return _Judgement(HOLDS)

    def _numbers(self) -> str:
        worst = self.worst
        if worst is None or self.constant:
            return self.reason
        measure = "R² " if isinstance(worst, NumberLeakage) else ""
        interval = f" ({worst.low:.2f} to {worst.high:.2f})"
        numbers = f"leakage {measure}{worst.value:.2f}{interval}, chance {self.chance:.2f}"
        if self.confounded:
            numbers += " (the kept factors predict as much)"
        ratio = self.orbit_ratio.get("map")
        if ratio is not None:
            numbers += f"; orbit ratio {ratio:.2f}"
        return numbers + (f"; {self.reason}" if self.reason else "")

    @property
    def worse(self) -> list[str]:
        """Where learning made the map worse than a reference, and what to try, a sentence each."""
        worst, untrained = self.worst, self.most_read("untrained")
        if worst is None or untrained is None or self.constant:
            return []
        if worst.low <= untrained.high or type(worst) is not type(untrained):
            return []
        return [
            f"The map shows more of {self.name} than the untrained network ({worst.value:.2f} "
            f"against {untrained.value:.2f}): learning brought it in. Check that similar pairs "
            f"cross {self.name}, and that what is kept does not follow from it."
        ]

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded about it, a sentence each."""
        name, worst, cautions = self.name, self.worst, self._undecided()
        if worst is None:
            return cautions
        cautions += self._few_samples()
        if self.confounded:
            predicted = max(leak.value for leak in self._predicting)
            cautions.append(
                f"{name} is confounded with what is kept: the kept factors alone predict it with "
                f"{predicted:.2f}, guessing with {worst.chance:.2f}. No map that keeps them can "
                "hide that much of it, and none fails for it."
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
            "moved": {
                name: None if math.isnan(mean) else mean
                for name, mean in ((name, self.moved(name)[0]) for name in self.displacement)
            },
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
    linear : mapping of str to Retention
        What a linear model reads (logistic or ridge regression) of a class or a number, where
        `retention` is what the nearest neighbours read.
    anew : Kept, optional
        The same samples read from each other, by cross-validation. It is given where the learnt
        samples are known as points of the map alone, so that the references cannot be read through
        them: map and references are then compared here.
    """

    name: str
    retention: Mapping[str, Retention]
    preservation: Mapping[str, Retention]
    constant: bool
    n_sources: int
    n_left_out: int = 0
    why: str = ""
    linear: Mapping[str, Retention] = field(default_factory=dict)
    anew: Kept | None = None

    _verb = "keep"

    @property
    def best(self) -> str | None:
        """The reference that keeps most of it."""
        if self.anew is not None:
            return self.anew.best
        others = {name: self.better(name).value for name in self.retention if name != "map"}
        return max(others, key=lambda name: others[name]) if others else None

    @property
    def _compared(self) -> Kept:
        """Where map and references were read in one way."""
        return self if self.anew is None else self.anew

    def better(self, name: str) -> Retention:
        """Return the better of what neighbours and a linear model read from a map or reference."""
        near, linear = self.retention[name], self.linear.get(name)
        return near if linear is None or linear.value <= near.value else linear

    def _judge(self) -> _Judgement:
        if self.constant:
            return _Judgement(FAILS, "the map is constant, so it keeps nothing")
        if "map" not in self.retention:
            return _Judgement(NOT_DECIDED, self.why)
        kept = self.better("map")
        if kept.value <= kept.chance or kept.high <= kept.chance + _tolerance(kept.chance):
            return _Judgement(FAILS, "not clearly above chance")
        enough, beside = -math.inf, kept
        if self.best is not None:
            most, beside = self._compared.better(self.best), self._compared.better("map")
            enough = most.chance + ENOUGH * (most.value - most.chance)
        if beside.high < enough:
            return _Judgement(FAILS, f"much less than {_the(self.best)}")
        if kept.low <= kept.chance + _tolerance(kept.chance):
            return _Judgement(NOT_DECIDED, "too few held-out samples to tell it from chance")
        if beside.value < enough:
            return _Judgement(NOT_DECIDED, f"it may be much less than {_the(self.best)}")
        return _Judgement(HOLDS)

    def _numbers(self) -> str:
        if "map" not in self.retention or self.constant:
            return self.reason
        kept, linear = self.retention["map"], self.linear.get("map")
        numbers = f"{kept.measure} {kept.value:.2f} ({kept.low:.2f} to {kept.high:.2f})"
        numbers += f", chance {kept.chance:.2f}" if kept.chance else ""
        if linear is not None:
            numbers += f"; linear {linear.value:.2f}"
        if self.anew is not None:
            numbers += ", both through the learnt points"
            if "map" in self.anew.retention:
                numbers += f"; {self.anew.better('map').value:.2f} from these samples alone"
        if self.best is not None:
            most = self._compared.better(self.best)
            numbers += f"; best reference: {_the(self.best)}, {most.value:.2f}"
            numbers += " linear" if most is self._compared.linear.get(self.best) else ""
        return numbers + (f"; {self.reason}" if self.reason else "")

    @property
    def worse(self) -> list[str]:
        """Where learning made the map worse than a reference, and what to try, a sentence each."""
        if self.anew is not None:
            return self.anew.worse
        if "map" not in self.retention or self.constant:
            return []
        kept, found = self.better("map"), []
        for name, remedy in _REMEDIES.items():
            if name in self.retention and self.better(name).low > kept.high:
                found.append(
                    f"The map keeps less of {self.name} than {_THE[name]} ({kept.value:.2f} "
                    f"against {self.better(name).value:.2f}): {remedy}."
                )
        return found

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded about it, a sentence each."""
        name, kept, cautions = self.name, self.retention.get("map"), self._undecided()
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
            "linear": {name: kept.as_json() for name, kept in self.linear.items()},
            "best": self.best,
            "preservation": {name: kept.as_json() for name, kept in self.preservation.items()},
            "constant": self.constant,
            "n_sources": self.n_sources,
            "n_left_out": self.n_left_out,
            "anew": None if self.anew is None else self.anew.as_json(),
        }


@dataclass(frozen=True)
class Proof:
    """What a map ignores and keeps, factor by factor, and what cannot be concluded.

    Attributes
    ----------
    ignored : tuple of Ignored
    kept : tuple of Kept
    unseen : tuple of Kept
        What is kept of samples with values that were held out as a whole, such as those of an
        instrument that is new to the map. They count as the others do.
    remarks : tuple of str
        Further sentences on what cannot be concluded, such as how the data was chosen.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.evaluation.proof import measure_ignored, measure_kept
    >>> rng = np.random.default_rng(0)
    >>> pose, light = rng.normal(size=1000), rng.integers(0, 3, 1000)
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
    unseen: tuple[Kept, ...] = ()

    @property
    def entries(self) -> tuple[Ignored | Kept, ...]:
        """All that was measured, in the order of the lines."""
        return (*self.ignored, *self.kept, *self.unseen)

    @property
    def outcome(self) -> str:
        """The result as a whole: "holds", "fails" or "not decided"."""
        verdicts = [entry.verdict for entry in self.entries]
        if FAILS in verdicts:
            return FAILS
        return HOLDS if self.kept and NOT_DECIDED not in verdicts else NOT_DECIDED

    @property
    def holds(self) -> bool:
        """Whether every factor holds, and something is kept."""
        return self.outcome == HOLDS

    @property
    def headline(self) -> str:
        """The result as a whole, in a sentence without its full stop."""
        outcome = self.outcome
        because = [e.name for e in self.entries if e.verdict == outcome]
        names = "" if outcome == HOLDS or not because else f": {', '.join(because)}"
        return f"{_HEADLINE[outcome]}{names}"

    @property
    def worse(self) -> list[str]:
        """Where learning made the map worse than a reference, and what to try, a sentence each."""
        return [
            sentence
            for entry in (*self.kept, *self.unseen, *self.ignored)
            for sentence in entry.worse
        ]

    def lines(self) -> list[str]:
        """Return the verdicts, a line for each factor."""
        return [entry.line for entry in self.entries]

    @property
    def cannot(self) -> list[str]:
        """What cannot be concluded, a sentence each."""
        cautions = [caution for entry in self.entries for caution in entry.cannot]
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
        first = [f"{self.headline}.", *self.worse, ""]
        verdicts = [f"  {line}" for line in self.lines()]
        cautions = [f"  - {caution}" for caution in self.cannot]
        if cautions:
            cautions = ["", f"{NOT_CONCLUDED}:", *cautions]
        return "\n".join([*first, *verdicts, *cautions])

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "holds": self.holds,
            "outcome": self.outcome,
            "headline": self.headline,
            "worse": self.worse,
            "lines": self.lines(),
            "ignored": [entry.as_json() for entry in self.ignored],
            "kept": [entry.as_json() for entry in self.kept],
            "unseen": [entry.as_json() for entry in self.unseen],
            "cannot": self.cannot,
        }


def _the(name: str | None) -> str:
    return _THE.get(str(name), str(name))


def _tolerance(chance: float) -> float:
    return TOLERANCE * (1 - chance)


def _by(read: Leakage | NumberLeakage) -> str:
    """Name a probe and what it was trained on, as the subject of a sentence in the plural."""
    return f"{_PROBES[read.probe]} of {read.trained_on} samples"


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
