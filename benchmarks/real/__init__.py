"""A stranger's data: drlim as a newcomer runs it, beside what is simple, on the same samples.

``python -m benchmarks real`` runs all sets that are there, ``python -m benchmarks real umist wine``
some; ``--splits 2`` runs fewer splits than five, ``--methods drlim loop`` only these methods,
beside the kept results of the others. The results of drlim are measured anew in each run, those
of the rivals only where there is none for the same samples, or with ``--fresh``. They are kept in
the folder REAL_CACHE, or ``real-cache`` in the folder for temporary files. ``--page FILE`` writes
the tables to a page. ``MINUTES`` limits the time of one method on one split (10).
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks._bench import Figure, machine, record
from benchmarks.real._methods import METHODS
from benchmarks.real._results import Result, kept, result_of
from benchmarks.real._sets import QUICK, SETS, Fold, MissingError
from benchmarks.real._table import rows_of, summary_of, table_of

N_SPLITS = 5
SMALL = 2000  # Samples up to which the default may take 30 s; above, 3 minutes.
PAGE = Path(__file__).with_name("page.md")  # the text around the tables

SetResults = dict[str, list[Result]]


def run(
    quick: bool,
    names: Sequence[str] = (),
    *,
    n_splits: int = N_SPLITS,
    methods: Sequence[str] = (),
    fresh: bool = False,
    page: Path | None = None,
) -> Iterator[Figure]:
    """Print a table for each set; yield how far drlim is behind the best rival in each row."""
    names = names or (QUICK if quick else tuple(SETS))
    results: dict[str, SetResults] = {}
    for name in names:
        try:
            results[name] = _of_set(name, 1 if quick else n_splits, methods, fresh, quick)
        except MissingError as missing:
            print(f"\n  {name} is left out: {missing}", flush=True)
            continue
        print(f"\n{name}: {SETS[name].__doc__}\n\n{table_of(name, results)}\n", flush=True)
    if not results:
        return
    print(summary_of(results) + "\n", flush=True)
    if page is not None:
        page.write_text(_page(results, n_splits), "utf-8")
    yield from _figures(results, quick)


def _figures(results: dict[str, SetResults], quick: bool) -> Iterator[Figure]:
    """Yield how far drlim's default is behind the best rival in each row, and its times."""
    for row in rows_of(results):
        behind = row.behind("drlim")
        if behind is not None:
            goal = "" if quick else f"<= {row.error('drlim'):.6f}"
            title = f"{row.set_name}, {row.measure}: behind {METHODS[row.best_rival or ''].title}"
            yield Figure(title, behind, "", goal, {"means": dict(row.means)})
    for name, methods in results.items():
        if "drlim" in methods:
            most = max(result.seconds for result in methods["drlim"])
            limit = 30 if len(SETS[name](0).data) <= SMALL else 180
            yield Figure(f"{name}: drlim", most, "s", "" if quick else f"<= {limit}")


def _of_set(
    name: str, n_splits: int, methods: Sequence[str], fresh: bool, quick: bool
) -> SetResults:
    """Return the results, a split each, of the methods that are kept or asked for."""
    results: SetResults = {}
    for split in range(n_splits):
        fold = Fold.of(SETS[name](split), split)
        if split and fold.problem.large:
            break
        for key, method in METHODS.items():
            if not method.suits(fold.problem):
                continue
            asked = not methods or key in methods
            anew = asked and (fresh or method.ours)
            result = None if anew else kept(name, fold, key, quick)
            if result is None and asked:
                result = result_of(name, fold, key, method, quick)
            if result is not None:
                results.setdefault(key, []).append(result)
    most = max(map(len, results.values()), default=0)
    for key in [key for key, found in results.items() if len(found) < most]:
        # Some splits are easier than others, so its means could not be compared.
        n = len(results.pop(key))
        print(f"\n  {name}: {METHODS[key].title} is left out, {n} of {most} splits are kept")
    return {key: results[key] for key in METHODS if key in results}


def _page(results: dict[str, SetResults], n_splits: int) -> str:
    """Return the tables as a page of the documentation."""
    tables = [
        f"### {name}\n\n{SETS[name].__doc__}\n\n{table_of(name, results)}" for name in results
    ]
    found = machine()
    measured = (
        f"Measured on {datetime.date.today()}: {n_splits} splits, {found['processor']}, "
        f"{found['cores']} cores, torch {found['versions']['torch']}."
    )
    text = PAGE.read_text("utf-8")
    parts = {"measured": measured, "summary": summary_of(results), "sets": "\n\n".join(tables)}
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def main(arguments: Sequence[str]) -> list[Figure]:
    """Run with the arguments of the command line, and record the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks real", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"sets: {', '.join(SETS)}")
    parser.add_argument("--splits", type=int, default=N_SPLITS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=())
    parser.add_argument("--fresh", action="store_true", help="measure the rivals anew, too")
    parser.add_argument("--page", type=Path, help="the page to write")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(SETS):
        parser.error(f"there is no set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    return record(
        "real",
        lambda quick: run(
            quick,
            given.names,
            n_splits=given.splits,
            methods=given.methods,
            fresh=given.fresh,
            page=given.page,
        ),
    )
