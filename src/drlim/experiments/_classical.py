"""Section 1: the older methods beside DrLIM, on the digits and on the shifted digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from drlim import baselines, plotting, recipes
from drlim.datasets import Dataset
from drlim.evaluation import invariance, quality
from drlim.experiments import _digits
from drlim.experiments._run import Options, Result, check_claims
from drlim.experiments._shift_invariant import prior_knowledge
from drlim.graphs import SimilarityGraph, neighbors
from drlim.transforms import shifted_copies

# Metric MDS and Hessian LLE take minutes from 2,000 samples on, so all methods get these.
N_TRAIN, N_TEST = 1200, 600
QUICK_TRAIN, QUICK_TEST = 300, 150
N_NEIGHBORS = 10
MAX_EPOCHS, QUICK_EPOCHS = 30, 5

CLAIMS = (
    (
        "None of them ignores the shift: smallest orbit ratio of the eight, on the samples they "
        "were fitted to",
        "the paper, section 1",
        "smallest orbit ratio",
        ">=",
        0.5,
    ),
    (
        "DrLIM with prior knowledge does, from the same few samples: orbit ratio of held-out "
        "digits",
        "the paper, section 3.3",
        "methods/shifted digits/drlim/orbit_ratio",
        "<=",
        0.3,
    ),
)
CAPTION = (
    "The {what}, {n_train:,} samples to learn from: held-out samples where the method can map a "
    "new one, else the samples it was fitted to (named in its title). Colour and marker show the "
    "digit, which no method was given."
)
TABLE = "The {what}: {n_test:,} held out; a dash where a method cannot map them."


def run(options: Options) -> Result:
    """Map the same samples by every method; measure each on what it can map."""
    train, test = _digits.load(options)
    plain, shifted = _draw(train, test, options)
    options.say(
        f"      of these {len(plain[0]):,} and {len(plain[1]):,}; or {len(shifted[0]):,} and "
        f"{len(shifted[1]):,} shifted copies"
    )
    sets = {"digits": plain, "shifted digits": shifted}
    measured: dict[str, dict[str, dict[str, Any]]] = {}
    figures, captions = {}, {}
    with options.clock("train"):
        graphs = (neighbors(plain[0].X, 5), prior_knowledge(shifted[0]))
        for (what, data), graph in zip(sets.items(), graphs, strict=True):
            name = what.replace(" ", "-")
            captions[name] = CAPTION.format(what=what, n_train=len(data[0]))
            measured[what], maps = _compare(what, *data, graph, options)
            figures[name] = plotting.gallery(maps, label_name="digit", caption=captions[name])
    older = [measured["shifted digits"][method] for method in baselines.METHODS]
    numbers = {"methods": measured}
    smallest = min(method["orbit_ratio_training"] for method in older)
    return Result(
        data=train.name,
        origin=train.origin,
        n_train=len(plain[0]),
        n_test=len(plain[1]),
        claims=check_claims(CLAIMS, {**numbers, "smallest orbit ratio": smallest}),
        numbers=numbers,
        parameters={"n_neighbors": N_NEIGHBORS},
        tables={
            TABLE.format(what=what, n_test=len(data[1])): _table(measured[what])
            for what, data in sets.items()
        },
        figures=figures,
        captions=captions,
        notes=_digits.notes_on(train),
    )


Pair = tuple[Dataset, Dataset]


def _draw(train: Dataset, test: Dataset, options: Options) -> tuple[Pair, Pair]:
    """Draw training and held-out digits, and a fifth as many others with their shifted copies."""
    n_train, n_test = (QUICK_TRAIN, QUICK_TEST) if options.quick else (N_TRAIN, N_TEST)
    rng = np.random.default_rng(options.random_state)

    def some(data: Dataset, n: int) -> Dataset:
        return data.subset(np.sort(rng.choice(len(data), min(n, len(data)), replace=False)))

    plain = some(train, n_train), some(test, n_test)
    few = some(train, n_train // 5), some(test, n_test // 5)
    return plain, (
        shifted_copies(few[0], _digits.SHIFTS),
        shifted_copies(few[1], _digits.SHIFTS),
    )


def _compare(
    what: str, train: Dataset, test: Dataset, graph: SimilarityGraph, options: Options
) -> tuple[dict[str, dict[str, Any]], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Map the samples by every method; return the numbers of each, and its points and labels."""
    measured, maps = {}, {}
    for method in ("drlim", *baselines.METHODS):
        options.say(f"{what}: {method}")
        Z_train, Z_test = _embed(method, train, test, graph, options)
        measured[method] = _measure(train, test, Z_train, Z_test)
        if Z_test is None:
            maps[f"{method}\n(samples it was fitted to)"] = Z_train, train.factors["digit"]
        else:
            maps[method] = Z_test, test.factors["digit"]
    return measured, maps


def _embed(
    method: str, train: Dataset, test: Dataset, graph: SimilarityGraph, options: Options
) -> tuple[np.ndarray, np.ndarray | None]:
    if method != "drlim":
        return baselines.embed(
            method, train.X, test.X, n_neighbors=N_NEIGHBORS, random_state=options.random_state
        )
    map_ = recipes.paper(train.X.shape[1:], random_state=options.random_state)
    map_.set_params(max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS)
    map_.fit(train.X, graph=graph)
    return map_.embedding_, map_.transform(test.X)


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
    rows = [
        [name, *(_shown(numbers.get(key)) for key in keys)] for name, numbers in measured.items()
    ]
    return ["method", *(_COLUMNS[key] for key in keys)], rows


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"
