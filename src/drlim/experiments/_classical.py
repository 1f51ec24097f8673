"""Section 1: the older methods beside DrLIM, on the digits and on the shifted digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from drlim import baselines, plotting
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.evaluation import invariance, quality
from drlim.experiments import _digits
from drlim.experiments._run import Clock, Options, Result
from drlim.experiments._shift_invariant import prior_knowledge
from drlim.graphs import SimilarityGraph, neighbors
from drlim.reporting import Claim, Picture
from drlim.transforms import shifted_copies

# Metric MDS and Hessian LLE take minutes from 2,000 samples on, so all methods get these.
N_TRAIN, N_TEST = 1200, 600
QUICK_TRAIN, QUICK_TEST = 300, 150
N_NEIGHBORS = 10
MAX_EPOCHS, QUICK_EPOCHS = 30, 5


def run(options: Options) -> Result:
    """Map the same samples by every method; measure each on what it can map."""
    clock = Clock()
    train, test = _digits.load(options)
    n_train, n_test = (QUICK_TRAIN, QUICK_TEST) if options.quick else (N_TRAIN, N_TEST)
    rng = np.random.default_rng(options.seed)

    def some(data: Dataset, n: int) -> Dataset:
        return data.subset(np.sort(rng.choice(len(data), min(n, len(data)), replace=False)))

    plain = some(train, n_train), some(test, n_test)
    shifted = tuple(
        shifted_copies(some(data, n // 5), _digits.SHIFTS)
        for data, n in ((train, n_train), (test, n_test))
    )
    options.say(
        f"      of these {len(plain[0]):,} and {len(plain[1]):,}; or {len(shifted[0]):,} and "
        f"{len(shifted[1]):,} shifted copies"
    )
    measured: dict[str, dict[str, dict[str, Any]]] = {}
    drawn: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    with clock("train"):
        for what, (learnt, held_out), graph in (
            ("digits", plain, neighbors(plain[0].X, 5)),
            ("shifted digits", shifted, prior_knowledge(shifted[0])),
        ):
            measured[what] = {}
            for method in ("drlim", *baselines.METHODS):
                options.say(f"{what}: {method}")
                Z_train, Z_test = _embed(method, learnt, held_out, graph, options)
                measured[what][method] = _measure(learnt, held_out, Z_train, Z_test)
                drawn[f"{what}, {method}"] = (
                    (Z_train, learnt.factors["digit"])
                    if Z_test is None
                    else (Z_test, held_out.factors["digit"])
                )
    older = {name: measured["shifted digits"][name] for name in baselines.METHODS}
    cannot = [name for name, method in baselines.METHODS.items() if not method.maps_new_samples]
    claims = [
        Claim(
            "None of them ignores the shift: smallest orbit ratio of the eight, on the samples "
            "they were fitted to",
            "the paper, section 1",
            min(numbers["orbit_ratio_training"] for numbers in older.values()),
            0.5,
            ">=",
        ),
        Claim(
            "DrLIM with prior knowledge does, from the same few samples: orbit ratio of held-out "
            "digits",
            "the paper, section 3.3",
            measured["shifted digits"]["drlim"]["orbit_ratio"],
            0.3,
            "<=",
        ),
    ]
    caption = {
        what: f"The {what}, {len(data[0]):,} samples to learn from: held-out ones where the "
        "method can map a new sample, else the samples it was fitted to (in its title). Colour "
        "shows the digit, which no method knew."
        for what, data in (("digits", plain), ("shifted digits", shifted))
    }
    pictures = [
        Picture(
            what.replace(" ", "-"),
            plotting.gallery(
                {
                    f"{name.partition(', ')[2]}{_fitted_only(name, cannot)}": points
                    for name, points in drawn.items()
                    if name.startswith(f"{what}, ")
                },
                label_name="digit",
                caption=caption[what],
            ),
            caption[what],
        )
        for what in measured
    ]
    return Result(
        data=train.name,
        origin=train.origin,
        n_train=len(plain[0]),
        n_test=len(plain[1]),
        seconds=clock.seconds(),
        claims=claims,
        numbers={"methods": measured},
        parameters={"n_neighbors": N_NEIGHBORS},
        tables={
            f"The {what}: {len(data[1]):,} held out; a dash where a method cannot map them.": (
                _table(measured[what])
            )
            for what, data in (("digits", plain), ("shifted digits", shifted))
        },
        pictures=pictures,
        notes=_digits.notes(train),
    )


def _fitted_only(name: str, cannot: list[str]) -> str:
    return "\n(samples it was fitted to)" if name.partition(", ")[2] in cannot else ""


def _embed(
    method: str, train: Dataset, test: Dataset, graph: SimilarityGraph, options: Options
) -> tuple[np.ndarray, np.ndarray | None]:
    if method != "drlim":
        return baselines.embed(
            method, train.X, test.X, n_neighbors=N_NEIGHBORS, random_state=options.seed
        )
    map_ = DrLIM(
        network="lenet",
        max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS,
        random_state=options.seed,
    ).fit(train.X, graph=graph)
    return map_.embedding_, np.asarray(map_.transform(test.X))


def _measure(
    train: Dataset, test: Dataset, Z_train: np.ndarray, Z_test: np.ndarray | None
) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "maps_new_samples": Z_test is not None,
        "trustworthiness_5_training": quality.trustworthiness(train.X, Z_train),
    }
    is_shifted = "shift" in train.factors
    if is_shifted:
        numbers["orbit_ratio_training"] = invariance.orbit_ratio(Z_train, train.factors["source"])
    if Z_test is None:
        return numbers
    numbers |= _digits.measure(train, test, Z_train, Z_test)
    if is_shifted:
        numbers["orbit_ratio"] = invariance.orbit_ratio(Z_test, test.factors["source"])
        numbers["shift_accuracy"] = quality.knn_accuracy(
            Z_train, train.factors["shift"], Z_test, test.factors["shift"]
        )
    return numbers


_COLUMNS = {
    "maps_new_samples": "maps new samples",
    "trustworthiness_5_training": "trustworthiness at 5, training",
    "trustworthiness_5": "held out",
    "slant_r2": "slant, R²",
    "knn_accuracy": "digit, 5-NN",
    "orbit_ratio_training": "orbit ratio, training",
    "orbit_ratio": "held out",
    "shift_accuracy": "shift, 5-NN",
}


def _table(measured: dict[str, dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    keys = [key for key in _COLUMNS if any(key in numbers for numbers in measured.values())]

    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return "–" if value is None or math.isnan(value) else f"{value:.3f}"

    rows = [
        [name, *(shown(numbers.get(key)) for key in keys)] for name, numbers in measured.items()
    ]
    return ["method", *(_COLUMNS[key] for key in keys)], rows
