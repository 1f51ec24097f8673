"""How often the proof misleads: false "holds" at a known leak, false "fails" without one.

Maps are built, not learnt: points of four components that say nothing of a factor, moved by so much
along its value that the nearest neighbours read a known amount. A *weak* leak is one that they read
0.1 above chance, in balanced accuracy; a *strong* one, 0.3. A fifth of the samples is held out.

``python -m benchmarks calibration`` prints the table of docs/proof.md, each row at once;
QUICK=1 makes fewer maps.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from benchmarks._bench import Figure, record
from drlim.evaluation._intervals import wilson_interval
from drlim.evaluation.invariance import Leakage
from drlim.evaluation.proof import measure_ignored

_LEAKS = {"none": 0.0, "weak": 0.1, "strong": 0.3}
_SIZES = (200, 5000)
_N_COMPONENTS = 4
_REPETITIONS, _QUICK = 100, 4
_REPETITIONS_OF_MANY = 25  # 40 values of 5,000 samples take longest
# The samples show the factor, so that there is something to ignore.
_SHOWN = Leakage("logistic", 1.0, 0.9, 1.0, 0.0, 100)


class Case(NamedTuple):
    """One kind of map.

    `frequent` is the share of the first value; None: all are alike.
    """

    n: int
    n_values: int
    frequent: float | None
    ids: str
    leak: str


def cases() -> list[Case]:
    """Return all kinds of maps: names that are numbers make a difference for many values alone."""
    factors = [
        (2, None, "text"),
        (2, 0.8, "text"),
        (40, None, "text"),
        (40, None, "integers"),
        (40, 0.8, "integers"),
    ]
    return [
        Case(n, *factor, leak) for leak, n, factor in itertools.product(_LEAKS, _SIZES, factors)
    ]


def points(case: Case, size: float, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and the number of each one's value, moved along the value by `size`."""
    rng = np.random.default_rng(seed)
    k = case.n_values
    # Shares of all values but the first are alike.
    rest = 1.0 if case.frequent is None else (1 - case.frequent) * k / (k - 1)
    share = np.full(k, rest / k)
    share[0] = 1 - share[1:].sum()
    value = rng.permutation(
        np.repeat(np.arange(k), np.diff(np.round(n * np.cumsum([0, *share])).astype(int)))
    )
    centres = rng.normal(size=(k, _N_COMPONENTS))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    if k == 2:  # two directions drawn at random may nearly agree, and such a map would hide it
        centres[1] = -centres[0]
    return rng.normal(size=(n, _N_COMPONENTS)) + size * centres[value], value


def read_by_neighbors(case: Case, size: float) -> float:
    """Return how much above chance five nearest neighbours read, in balanced accuracy."""
    found = []
    for seed in range(3 if case.n > 1000 else 40):
        Z, value = points(case, size, 2 * case.n, 1000 + seed)
        read = KNeighborsClassifier(5).fit(Z[: case.n], value[: case.n]).predict(Z[case.n :])
        found.append(balanced_accuracy_score(value[case.n :], read, adjusted=False))
    return float(np.mean(found)) - 1 / case.n_values


@cache
def size_of(case: Case) -> float:
    """Find, by halving, how far points must move for a leak."""
    wanted = _LEAKS[case.leak]
    if not wanted:
        return 0.0
    low, high = 0.0, 8.0
    for _ in range(10):
        middle = (low + high) / 2
        low, high = (middle, high) if read_by_neighbors(case, middle) < wanted else (low, middle)
    return high


def verdict(case: Case, size: float, seed: int) -> str:
    """Judge one map."""
    Z, value = points(case, size, case.n, seed)
    rng = np.random.default_rng(seed)
    ids = rng.permutation(1000)[: case.n_values][value]
    factor = ids.astype(str) if case.ids == "text" else ids
    held = np.arange(case.n) < case.n // 5
    entry = measure_ignored(
        "factor",
        {"map": Z[held]},
        factor[held],
        train={"map": Z[~held]},
        factor_train=factor[~held],
        random_state=seed,
    )
    return replace(entry, leakage={**entry.leakage, "samples": (_SHOWN,)}).verdict


def verdicts(case: Case, n_maps: int) -> Counter[str]:
    """Count the verdicts on maps of one kind."""
    size = size_of(case)
    return Counter(verdict(case, size, seed) for seed in range(n_maps))


def run(quick: bool) -> Iterator[Figure]:
    """Count the verdicts on all kinds of maps."""
    kinds = cases()
    counts = []
    print("| leak | samples | held out | values | ids | maps | holds | not decided | fails |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case in kinds:
        many = case.n == max(_SIZES) and case.n_values > 2
        n_maps = _QUICK if quick else _REPETITIONS_OF_MANY if many else _REPETITIONS
        count = verdicts(case, n_maps)
        counts.append(count)
        values = f"{case.n_values}{'' if case.frequent is None else ', one of 80 %'}"
        sizes = f"{case.leak} | {case.n:,} | {case.n // 5:,} | {values} | {case.ids}"
        shares = " | ".join(str(count[verdict]) for verdict in ("holds", "not decided", "fails"))
        print(f"| {sizes} | {sum(count.values())} | {shares} |", flush=True)
    for name, leak, wrong, goal in (
        ("a weak leak holds", "weak", "holds", "<= 0.01"),
        ("a strong leak holds", "strong", "holds", "<= 0.01"),
        ("no leak fails", "none", "fails", "<= 0.05"),
    ):
        some = [count for case, count in zip(kinds, counts, strict=True) if case.leak == leak]
        total = sum(sum(count.values()) for count in some)
        found = sum(count[wrong] for count in some)
        low, high = wilson_interval(found, total)
        detail = {"maps": total, "of them": found, "low": low, "high": high}
        print(f"  {name}: {found} of {total}, 95 % interval {low:.2%} to {high:.2%}")
        yield Figure(name, found / total, "share", goal, detail)


if __name__ == "__main__":
    record("calibration", run)
