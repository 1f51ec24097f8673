"""The proof: does a map ignore what it should and keep what it should? A verdict for each factor.

Everything is measured on held-out samples, of the map and beside it of its references: the
samples themselves, PCA, the untrained network. The rules:

An *ignored* factor **holds** if the probe that reads most reads no more than chance, that is,
the low end of its interval is at most `TOLERANCE` above it; if the map is not constant; and if
there was something to ignore, that is, a probe reads the factor clearly (low end more than
`TOLERANCE` above chance) from one of the references. Chance is the larger of guessing and of
what the same probes read from the kept factors alone, which no map that keeps them can hide. A
factor that no reference shows, or whose interval is wider than `TOO_WIDE`, is left **open**:
neither proven nor failed.

A *kept* factor **holds** if the low end of its retention's interval is more than `TOLERANCE`
above chance, and the retention is at least `ENOUGH` times that of the best reference.

A constant map **fails** every factor. The proof holds as a whole if no factor fails, and of the
ignored as of the kept ones at least one holds: a map that loses what it should keep fails,
however invariant.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

TOLERANCE = 0.05
ENOUGH = 0.8
WIDE, TOO_WIDE = 0.2, 0.4
FEW_SOURCES = 20
CONSTANT = "the map is constant, so it ignores everything and proves nothing"


@dataclass(frozen=True)
class Ignored:
    """What was measured of one ignored factor, and the verdict.

    Attributes
    ----------
    name : str
    leakage : mapping of str to tuple of Leakage or NumberLeakage
        Of "map" and each reference, one a probe.
    orbit_ratio : mapping of str to float or None
        None where no two held-out samples differ in what is ignored alone, or the map is
        constant.
    from_kept : tuple of Leakage or NumberLeakage
        What the same probes read from the kept factors alone.
    constant : bool
        Whether the map is.
    n_sources : int
        How many independent held-out groups there were.
    tried : str
        The values on which it was tried.
    n_left_out : int
        Samples that were left out, since their value is in too few groups to be learnt and
        tried, or missing.
    why : str
        Why it could not be measured; empty if it could.
    displacement : mapping of str to Displacement
        How far it holds, where that was measured.
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

    @property
    def worst(self) -> Leakage | NumberLeakage | None:
        """The probe that reads most off the map."""
        return max(self.leakage.get("map", ()), key=lambda leak: leak.value, default=None)

    @property
    def chance(self) -> float:
        """What can be read without the map: by guessing, or from the kept factors alone."""
        return max(self._chances(), default=math.nan)

    @property
    def confounded(self) -> bool:
        """Whether the kept factors tell it, clearly more than guessing does."""
        return any(leak.value > leak.chance + TOLERANCE for leak in self.from_kept)

    @property
    def read_from(self) -> tuple[str, ...]:
        """The references from which it is clearly read."""
        return tuple(name for name in self.leakage if name != "map" and self._shows(name))

    @property
    def verdict(self) -> str:
        """What is found: "holds", "fails" or "open"."""
        return self._judge()[0]

    @property
    def reason(self) -> str:
        """Why it is not proven; empty if it is."""
        return self._judge()[1]

    @property
    def line(self) -> str:
        """The verdict in one line."""
        verdict, reason = self._judge()
        if self.worst is None or self.constant:
            numbers = reason
        else:
            guess = f"chance {self.chance:.2f}"
            guess += " (what is kept tells as much)" if self.confounded else ""
            sure = f" ({self.worst.low:.2f} to {self.worst.high:.2f})" if verdict != "holds" else ""
            of = "R² " if isinstance(self.worst, NumberLeakage) else ""
            numbers = f"leakage {of}{self.worst.value:.2f}{sure}, {guess}"
            ratio = self.orbit_ratio.get("map")
            numbers += "" if ratio is None else f"; orbit ratio {ratio:.2f}"
            numbers += f"; {reason}" if verdict == "open" else ""
        opening = {
            "holds": "ignores",
            "fails": "FAILS to ignore",
            "open": "open whether it ignores",
        }
        return f"{opening[verdict]} {self.name}: {numbers}"

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

    def _chances(self) -> list[float]:
        guessed = [leak.chance for leak in self.leakage.get("map", ())]
        return guessed + [leak.value for leak in self.from_kept] if guessed else []

    def _shows(self, name: str) -> bool:
        return any(leak.low > self.chance + TOLERANCE for leak in self.leakage.get(name, ()))

    def _judge(self) -> tuple[str, str]:
        worst = self.worst
        if self.constant:
            return "fails", CONSTANT
        if worst is None:
            return "open", self.why
        if self._shows("map"):
            return "fails", "a probe reads it from the map"
        if len(self.leakage) == 1:
            return "open", "it was compared with nothing, so there may have been nothing to ignore"
        if not self.read_from:
            beyond = " beyond what is kept" if self.confounded else ""
            return "open", f"nothing to ignore: it cannot be read from the samples either{beyond}"
        if worst.high - worst.low > TOO_WIDE and worst.high > self.chance + TOLERANCE:
            return "open", "too few held-out samples: the interval is too wide to tell"
        return "holds", ""


@dataclass(frozen=True)
class Kept:
    """What was measured of one kept factor, and the verdict.

    Attributes
    ----------
    name : str
    retention : mapping of str to Retention
        Of "map" and each reference.
    preservation : mapping of str to Retention
        Where neighbourhoods are kept, the share of neighbours kept; it is told and not judged.
    constant : bool
        Whether the map is.
    n_sources : int
        How many independent held-out groups there were.
    n_left_out : int
        Samples that were left out, since their value is too rare to be read, or missing.
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

    @property
    def best(self) -> str | None:
        """The reference that keeps most of it."""
        others = {name: kept.value for name, kept in self.retention.items() if name != "map"}
        return max(others, key=lambda name: others[name]) if others else None

    @property
    def verdict(self) -> str:
        """What is found: "holds", "fails" or "open"."""
        return self._judge()[0]

    @property
    def reason(self) -> str:
        """Why it is not proven; empty if it is."""
        return self._judge()[1]

    @property
    def line(self) -> str:
        """The verdict in one line."""
        verdict, reason = self._judge()
        numbers, kept = reason, self.retention.get("map")
        if kept is not None and not self.constant:
            numbers = f"{kept.measure} {kept.value:.2f} ({kept.low:.2f} to {kept.high:.2f})"
            numbers += f", chance {kept.chance:.2f}" if kept.chance else ""
            numbers += f"; {reason}" if reason else ""
        return f"{_opening(verdict, 'keep')} {self.name}: {numbers}"

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

    def _judge(self) -> tuple[str, str]:
        if self.constant:
            return "fails", "the map is constant, so it keeps nothing"
        kept = self.retention.get("map")
        if kept is None:
            return "open", self.why
        if not kept.low > kept.chance + TOLERANCE:
            return "fails", "not clearly above chance"
        best = self.best
        if best is not None and kept.value < ENOUGH * self.retention[best].value:
            return "fails", f"{best} keeps {self.retention[best].value:.2f}"
        return "holds", ""


def _opening(verdict: str, verb: str) -> str:
    openings = {"holds": f"{verb}s", "fails": f"FAILS to {verb}"}
    return openings.get(verdict, f"open whether it {verb}s")


def not_of_ignored(entry: Ignored) -> list[str]:
    """Say what cannot be concluded of an ignored factor."""
    name, worst, said = entry.name, entry.worst, []
    if entry.verdict == "open":
        said.append(f"Whether the map ignores {name} is open: {entry.reason}.")
    if worst is None:
        return said
    said += _not_of_samples(entry)
    if entry.confounded:
        told = max(leak.value for leak in entry.from_kept)
        said.append(
            f"{name} is confounded with what is kept, which tells it by itself "
            f"({told:.2f}, guessing {worst.chance:.2f}): that much of it no map that keeps them "
            "can hide, and none is blamed for it."
        )
    if WIDE < worst.high - worst.low and entry.verdict == "holds":
        said.append(
            f"The interval of what is read of {name} is wide: {worst.high:.2f} cannot be excluded."
        )
    if "untrained" not in entry.leakage:
        said.append(
            f"{name} was not compared with the untrained network: its architecture may ignore "
            "it without any training."
        )
    elif entry.verdict == "holds" and "untrained" not in entry.read_from:
        said.append(
            f"The untrained network hides {name} as well: that is its architecture's doing, and "
            "not shown to be training's."
        )
    said.append(f"{name} outside {entry.tried} was not tried.")
    return said


def not_of_kept(entry: Kept) -> list[str]:
    """Say what cannot be concluded of a kept factor."""
    name, kept, said = entry.name, entry.retention.get("map"), []
    if entry.verdict == "open":
        said.append(f"Whether the map keeps {name} is open: {entry.reason}.")
    if kept is None:
        return said
    said += _not_of_samples(entry)
    if kept.high - kept.low > WIDE:
        said.append(
            f"The interval of what is kept of {name} is wide: {kept.low:.2f} to {kept.high:.2f}."
        )
    if entry.best is None:
        said.append(f"{name} was compared with nothing: other maps may keep more of it.")
    return said


def _not_of_samples(entry: Ignored | Kept) -> list[str]:
    said = []
    if entry.n_sources < FEW_SOURCES:
        said.append(
            f"{entry.name} was tried on {entry.n_sources} held-out sources only: fewer than "
            f"{FEW_SOURCES} say little about others."
        )
    if entry.n_left_out:
        said.append(
            f"{entry.n_left_out} held-out samples were left out for {entry.name}: their value is "
            "missing or too rare to be learnt and tried, and nothing is said of it."
        )
    return said


@dataclass(frozen=True)
class Proof:
    """What a map ignores and keeps, factor by factor, and what cannot be concluded.

    Attributes
    ----------
    ignored : tuple of Ignored
    kept : tuple of Kept
    remarks : tuple of str
        Further sentences of what cannot be concluded, of whoever chose the data.

    Examples
    --------
    >>> from drlim.evaluation.proof import measure_ignored, measure_kept
    >>> import numpy as np
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
        proven = "holds" in kept and ("holds" in ignored or not ignored)
        return proven and "fails" not in ignored + kept

    def lines(self) -> list[str]:
        """Say the verdicts, a line a factor."""
        return [entry.line for entry in self.ignored] + [entry.line for entry in self.kept]

    @property
    def cannot(self) -> list[str]:
        """Say what cannot be concluded, a sentence each."""
        said = [sentence for entry in self.ignored for sentence in not_of_ignored(entry)]
        said += [sentence for entry in self.kept for sentence in not_of_kept(entry)]
        if not self.kept:
            said.append("Nothing was declared as kept, so a map that lost everything would pass.")
        probes = {leak.probe for e in self.ignored for leak in e.leakage.get("map", ())}
        if probes:
            said.append(
                f"Only the probes {', '.join(sorted(probes))} were tried; another might read more."
            )
        return [*said, *self.remarks]

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
