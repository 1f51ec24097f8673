"""Tables of the results: means and standard errors, and who is ahead."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.real._measures import MEASURES
from benchmarks.real._methods import METHODS
from benchmarks.real._results import Result

SECONDS = "processor s"


@dataclass(frozen=True)
class Row:
    """One measure of one set: the mean and the standard error of each method.

    A method that failed on a split has infinite means of the worse kind.
    """

    set_name: str
    measure: str
    means: Mapping[str, tuple[float, float]]

    @property
    def _sign(self) -> int:
        return -1 if MEASURES[self.measure] else 1

    @property
    def best_rival(self) -> str | None:
        rivals = [name for name in self.means if not METHODS[name].ours]
        return min(rivals, key=lambda name: self._sign * self.means[name][0], default=None)

    def behind(self, name: str) -> float | None:
        """Return by how much a method is behind the best rival; negative if it is ahead."""
        best = self.best_rival
        if best is None or name not in self.means:
            return None
        return self._sign * (self.means[name][0] - self.means[best][0])

    def error(self, name: str) -> float:
        """Return the larger of the standard errors of a method and of the best rival."""
        return max(self.means[each][1] for each in (name, self.best_rival or name))

    def ranks(self) -> dict[str, float]:
        """Return the rank of each method, 1 for the best; equal ones share the mean of theirs."""
        values = {name: round(self._sign * mean, 6) for name, (mean, _) in self.means.items()}
        return {
            name: 1
            + sum(v < value for v in values.values())
            + (sum(v == value for v in values.values()) - 1) / 2
            for name, value in values.items()
        }


Results = Mapping[str, Mapping[str, Sequence[Result]]]  # of each set and method, a split each


def rows_of(results: Results) -> list[Row]:
    """Return a row for each measure of each set."""
    rows = []
    for set_name, methods in results.items():
        found = {m for splits in methods.values() for r in splits for m in r.measures}
        for measure in (m for m in MEASURES if m in found):
            worst = -math.inf if MEASURES[measure] else math.inf
            means = {
                name: mean_and_error([r.measures.get(measure, worst) for r in splits])
                for name, splits in methods.items()
            }
            rows.append(Row(set_name, measure, means))
    return rows


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error, 0 for a single value."""
    mean = statistics.fmean(values)
    if len(values) < 2 or not math.isfinite(mean):
        return mean, 0.0
    return mean, statistics.stdev(values) / math.sqrt(len(values))


def table_of(set_name: str, results: Results) -> str:
    """Return the Markdown table of one set: a line for each method, the best rival bold."""
    methods, rows = results[set_name], rows_of({set_name: results[set_name]})
    head = ["method", *(row.measure for row in rows), SECONDS]
    lines = [head, ["---"] * len(head)]
    for name, splits in methods.items():
        line = [METHODS[name].title]
        for row in rows:
            mean, error = row.means[name]
            text = f"{mean:.3f} ± {error:.3f}" if math.isfinite(mean) else "–"
            line.append(f"**{text}**" if name == row.best_rival else text)
        seconds = statistics.fmean(result.processor_seconds for result in splits)
        line.append(f"{seconds:.1f}")
        if failed := next((result.failed for result in splits if result.failed), ""):
            line[-1] += f" ({failed[:80]})"
        lines.append(line)
    return markdown(lines)


def summary_of(results: Results) -> str:
    """Return where drlim stands: beside the best rival in each row, and by its mean rank."""
    rows, ours = rows_of(results), [name for name in _names(results) if METHODS[name].ours]
    titles = [METHODS[name].title for name in ours]
    lines = [["set", "measure", "best rival", "", *titles]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        if (best := row.best_rival) is None:
            continue
        line = [row.set_name, row.measure, METHODS[best].title, f"{row.means[best][0]:.3f}"]
        lines.append(line + [_standing(row, name) for name in ours])
    counts = [_count(rows, name) for name in ours]
    return "\n\n".join([markdown(lines), *counts, _ranks(results, rows)])


def _count(rows: Sequence[Row], name: str) -> str:
    behind = [(row.behind(name), row.error(name)) for row in rows if row.behind(name) is not None]
    met = sum(by <= error for by, error in behind if by is not None)
    return (
        f"{METHODS[name].title}: {met} of {len(behind)} rows within one standard error of the best "
        "rival, or ahead of it."
    )


def _standing(row: Row, name: str) -> str:
    behind = row.behind(name)
    if behind is None:
        return ""
    if not math.isfinite(behind):
        return "failed"
    met = "yes" if behind <= row.error(name) else "**no**"
    return f"{row.means[name][0]:.3f} ± {row.error(name):.3f} {met}"


def _ranks(results: Results, rows: Sequence[Row]) -> str:
    lines = [["method", "mean rank", "rows", f"{SECONDS}, all sets"], ["---"] * 4]
    found = []
    for name in _names(results):
        ranks = [row.ranks()[name] for row in rows if name in row.means]
        seconds = sum(
            statistics.fmean(result.processor_seconds for result in methods[name])
            for methods in results.values()
            if name in methods
        )
        if ranks:
            found.append((statistics.fmean(ranks), name, len(ranks), seconds))
    for mean, name, n, seconds in sorted(found):
        lines.append([METHODS[name].title, f"{mean:.2f}", str(n), f"{seconds:.1f}"])
    return markdown(lines)


def _names(results: Results) -> list[str]:
    return [name for name in METHODS if any(name in methods for methods in results.values())]


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
        for line in lines
    )
