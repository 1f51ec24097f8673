"""What a declared map ignores and keeps, measured on held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from drlim import baselines
from drlim._errors import InputError
from drlim._random import seed_of
from drlim.datasets import Dataset
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import left_out, trained_on
from drlim.declaration._learnt import among, was_learnt
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration, Keep
from drlim.estimator import DrLIM
from drlim.evaluation import quality
from drlim.evaluation._probes import as_values
from drlim.evaluation.invariance import MOST_FEATURES, Displacement, displacement
from drlim.evaluation.proof import Ignored, Kept, Proof, measure_ignored, measure_kept
from drlim.evaluation.verification import (
    Threshold,
    choose_threshold,
    judge_by,
    mean_average_precision,
)
from drlim.transforms import Augment, Change, beyond, levels

FALSE_ACCEPT_RATE = 0.01
# Each sample is transformed many times, and probes of more than a few thousand take minutes.
_MOST_TRANSFORMED = 400


@dataclass(frozen=True)
class Recognition:
    """How well classes are recognised in a map and in its references.

    Attributes
    ----------
    factor : str
        The factor with the classes.
    who : str
        Which samples were measured: held-out samples of classes that were learnt from ("held-out
        samples"; also where that is not known), or samples of "classes never seen".
    n, n_classes : int
        The number of samples, and of their classes.
    knn_accuracy : mapping of str to float
        The share of samples that their five nearest neighbours classify correctly: neighbours
        among the samples that were learnt from or, for classes never seen, among the others.
    mean_average_precision : mapping of str to float
        The mean average precision of retrieving the samples of the same class.
    verification : mapping of str to Threshold
        Same or different, at a threshold chosen on other samples or classes (see
        `drlim.evaluation.verification.judge_by`) for 1 % of false accepts; empty if there are too
        few.
    """

    factor: str
    who: str
    n: int
    knn_accuracy: Mapping[str, float]
    mean_average_precision: Mapping[str, float]
    verification: Mapping[str, Threshold]
    n_classes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Evidence:
    """The proof, and the further measurements of a report.

    Attributes
    ----------
    proof : Proof
    recognition : tuple of Recognition
        For each kept class, one of held-out samples of classes that were learnt from and one of
        classes never seen, where there are two samples of one such class.
    held_out : Dataset
        The samples that were measured.
    points : mapping of str to ndarray of shape (n_samples, ...)
        Held-out points of the map and of its references.
    curves : mapping of str to (Change, mapping of str to Displacement)
        How far points move, against the strength of each ignored transformation.
    n_known : int
        The number of samples that were left out because the map was trained on them.
    """

    proof: Proof
    recognition: tuple[Recognition, ...]
    held_out: Dataset
    points: Mapping[str, np.ndarray]
    curves: Mapping[str, tuple[Change, Mapping[str, Displacement]]] = field(default_factory=dict)
    n_known: int = 0

    @property
    def ignored_factors(self) -> list[str]:
        """The ignored names that are factors of the data, not transformations."""
        return [entry.name for entry in self.proof.ignored if entry.name not in self.curves]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return {
            **self.proof.as_json(),
            "recognition": [recognition.as_json() for recognition in self.recognition],
            "n_held_out": len(self.held_out),
            "n_left_out_as_trained_on": self.n_known,
            "skipped": list(self.held_out.skipped),
        }


def prove(
    map_: DrLIM,
    declaration: Declaration,
    held_out: Dataset,
    learnt: Dataset | None = None,
    unseen: Dataset | None = None,
) -> Evidence:
    """Measure what a map ignores and keeps, and compare samples, PCA and the untrained network.

    Parameters
    ----------
    map_ : DrLIM
        The fitted map.
    declaration : Declaration
        What it should ignore and keep.
    held_out : Dataset
        Samples with their factors. Those that the map was trained on are left out; their
        fingerprints are in the map.
    learnt : Dataset, optional
        The samples that the map was learnt from, to which probes and PCA are fitted. None: they
        are fitted to held-out samples, by cross-validation.
    unseen : Dataset, optional
        Samples of classes that were held out as a whole.

    Returns
    -------
    Evidence

    Raises
    ------
    InputError
        If the map was trained on all of the samples, or a factor is missing.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pose = rng.integers(0, 3, 90)
    >>> X = np.eye(3)[pose] + rng.normal(scale=0.1, size=(90, 3))
    >>> map_ = DrLIM(network="linear", max_epochs=5, random_state=0).fit(X[:60], pose[:60])
    >>> held_out = Dataset(X[60:], {"pose": pose[60:]})
    >>> [kept] = prove(map_, Declaration(keep=["pose"]), held_out).proof.kept
    >>> kept.verdict
    'holds'
    """
    held_out = by_name(map_, held_out)
    seen = trained_on(map_, held_out)
    given, held_out = held_out, held_out.subset(~seen) if seen.any() else held_out
    resolved = resolve(declaration, held_out)
    seed = declaration.map.random_state
    embed = _embeddings(map_, held_out, learnt, seed)
    points = {name: embedding(held_out.X) for name, embedding in embed.items()}
    train = None
    if learnt is not None:
        train = {name: embedding(learnt.X) for name, embedding in embed.items()}
    ignored = [
        measure_ignored(
            name,
            points,
            held_out.factor(name),
            train=train,
            factor_train=None if learnt is None else learnt.factor(name),
            kept=resolved.kept_factors,
            kept_train=None
            if learnt is None
            else {kept: learnt.factor(kept) for kept in resolved.kept_factors},
            kind=declaration.ignore[place].kind,
            periods=resolved.kept_periods,
            groups=resolved.groups,
            orbit=resolved.sources,
            random_state=seed,
        )
        for place, name in resolved.ignored_factors.items()
    ]
    curves: dict[str, tuple[Change, Mapping[str, Displacement]]] = {}
    for change in resolved.ignored_changes.values():
        found, moved = _transformed(change, embed, held_out, seed)
        ignored.append(found)
        curves[change.name] = change, moved
    recognition: list[Recognition] = []
    unknown: list[str] = []
    for factor in resolved.kept_classes:
        labels, all_points = held_out.factor(factor), points
        if unseen is not None:
            labels, all_points = _with_unseen(held_out, points, unseen, embed, factor)
        if learnt is None:
            labels_learnt = given.factor(factor)[seen]
            is_learnt = was_learnt(map_, factor, labels)
        else:
            labels_learnt = learnt.factor(factor)
            is_learnt = among(labels, labels_learnt)
        if is_learnt is None:
            unknown.append(factor)
        recognition += _recognitions(
            factor, labels, all_points, train, labels_learnt, is_learnt, seed
        )
    proof = Proof(
        ignored=tuple(ignored),
        kept=tuple(_kept(keep, points, train, resolved, learnt) for keep in declaration.keep),
        remarks=(
            *_remarks(resolved, learnt, int(seen.sum())),
            *(
                f"Whether the map learnt from these classes of {factor} is not known, as its file "
                "does not say; classes that it never saw may be told apart less well."
                for factor in unknown
            ),
        ),
    )
    return Evidence(proof, tuple(recognition), held_out, points, curves, int(seen.sum()))


Embedding = Callable[[np.ndarray], np.ndarray]


def _embeddings(
    map_: DrLIM, held_out: Dataset, learnt: Dataset | None, seed: int
) -> dict[str, Embedding]:
    """Return the map and its references, each a function of samples."""
    known = held_out if learnt is None else learnt
    n_components = min(map_.n_components, len(known) - 1, int(np.prod(known.X.shape[1:])))
    pca = baselines.fitted_pca(known.X, n_components=n_components, random_state=seed)
    untrained = map_.untrained()
    embed: dict[str, Embedding] = {
        "map": lambda X: np.asarray(map_.transform(X)),
        "untrained": lambda X: np.asarray(untrained.transform(X)),
        "pca": pca,
        "samples": _as_few(known.X, seed),
    }
    if held_out.X.ndim == 4 and held_out.X.shape[1] == 3:
        embed["colours"] = baselines.colour_histograms
    return embed


def _as_few(X: np.ndarray, seed: int) -> Embedding:
    """Return samples as they are or, if they have many features, their principal components."""
    n_components = min(MOST_FEATURES, len(X))
    if np.prod(X.shape[1:]) > n_components:
        return baselines.fitted_pca(X, n_components=n_components, random_state=seed)
    return lambda X: X.reshape(len(X), -1).astype(np.float32)


def _transformed(
    change: Change, embed: Mapping[str, Embedding], held_out: Dataset, seed: int
) -> tuple[Ignored, dict[str, Displacement]]:
    """Measure an ignored transformation on transformed copies of held-out samples."""
    rng = np.random.default_rng(seed_of(seed))
    some = np.sort(rng.permutation(len(held_out))[:_MOST_TRANSFORMED])
    X, n = held_out.X[some], len(some)
    tried = levels(change)
    # For vectors: the unit of noise, and the value of a dropped feature.
    unit = Augment.for_samples([change], held_out.X)
    mean, scale = (
        None if values is None else np.array(values)
        for values in (unit.feature_mean, unit.feature_scale)
    )

    def changed(strength: float) -> np.ndarray:
        return change.apply(X, strength, rng, feature_mean=mean, feature_scale=scale)

    copies = [changed(level) for level in tried]
    strengths, inside = beyond(change)
    farther = [changed(strength) for strength in strengths]
    points, curves = {}, {}
    for name, embedding in embed.items():
        points[name] = np.concatenate([embedding(copy) for copy in copies])
        curves[name] = displacement(
            embedding(X),
            [embedding(copy) for copy in farther],
            strengths.tolist(),
            random_state=seed,
        )
    found = measure_ignored(
        change.name,
        points,
        np.repeat(tried, n),
        kind="class",
        groups=np.tile(np.arange(n), len(tried)),
        displacement=curves,
        trained_range=(float(strengths[inside].min()), float(strengths[inside].max())),
        random_state=seed,
    )
    return found, curves


def _kept(
    keep: Keep,
    points: Mapping[str, np.ndarray],
    train: Mapping[str, np.ndarray] | None,
    resolved: Resolved,
    learnt: Dataset | None,
) -> Kept:
    held_out, groups = resolved.data, resolved.groups
    seed = resolved.declaration.map.random_state
    if keep.factor is not None:
        return measure_kept(
            keep.factor,
            points,
            held_out.factor(keep.factor),
            train=train,
            factor_train=None if learnt is None else learnt.factor(keep.factor),
            kind=keep.kind,
            period=keep.period,
            groups=groups,
            random_state=seed,
        )
    rows = np.arange(len(held_out))
    if keep.within:  # neighbours are meant within a group: the largest one is measured
        values, counts = np.unique(held_out.factor(keep.within), return_counts=True)
        rows = np.flatnonzero(held_out.factor(keep.within) == values[np.argmax(counts)])
    # Near is defined by the samples, so they are no reference here.
    return measure_kept(
        keep.name,
        {name: Z[rows] for name, Z in points.items() if name != "samples"},
        held_out.X[rows],
        kind=keep.kind,
        n_neighbors=int(keep.neighbors or 0),
        groups=None if groups is None else groups[rows],
        random_state=seed,
    )


def _with_unseen(
    held_out: Dataset,
    points: Mapping[str, np.ndarray],
    unseen: Dataset,
    embed: Mapping[str, Embedding],
    factor: str,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the labels and the points of held-out samples and of those of unseen values."""
    labels = np.concatenate([held_out.factor(factor), unseen.factor(factor)])
    return labels, {
        name: np.concatenate([points[name], embedding(unseen.X)])
        for name, embedding in embed.items()
    }


def _recognitions(
    factor: str,
    labels: np.ndarray,
    points: Mapping[str, np.ndarray],
    train: Mapping[str, np.ndarray] | None,
    labels_learnt: np.ndarray,
    is_learnt: np.ndarray | None,
    seed: int,
) -> list[Recognition]:
    """Measure how well classes are recognised: those that were learnt from, and all others."""
    if is_learnt is None:
        is_learnt, judged = np.ones(len(labels), bool), labels_learnt
    else:
        judged = labels
    found = []
    for some, who in ((is_learnt, "held-out samples"), (~is_learnt, "classes never seen")):
        values = as_values(labels[some])
        if len(np.unique(values)) == len(values):  # no two of one class: nothing to recognise
            continue
        learnt = some is is_learnt
        found.append(
            _recognition(
                factor,
                {name: Z[some] for name, Z in points.items()},
                labels[some],
                train if learnt else None,
                labels_learnt,
                judged if learnt else np.array([]),
                who,
                seed,
            )
        )
    return found


def _recognition(
    factor: str,
    points: Mapping[str, np.ndarray],
    labels: np.ndarray,
    train: Mapping[str, np.ndarray] | None,
    labels_train: np.ndarray,
    labels_known: np.ndarray,
    who: str,
    seed: int,
) -> Recognition:
    """Measure how well a class is recognised from training points, or from the other samples."""
    if train is None:
        accuracy = {name: quality.leave_one_out_accuracy(Z, labels) for name, Z in points.items()}
    else:
        accuracy = {
            name: quality.knn_accuracy(train[name], labels_train, Z, labels)
            for name, Z in points.items()
        }
    counts = np.unique(as_values(labels), return_counts=True)[1]
    by = judge_by(labels, labels_known)
    thresholds = {}
    if len(counts) >= 2 and counts.max() >= 2:
        for name, Z in points.items():
            try:
                thresholds[name] = choose_threshold(
                    Z, labels, FALSE_ACCEPT_RATE, by=by, random_state=seed
                )
            except InputError:  # too few samples of a class to choose and to try on others
                thresholds.clear()
                break
    return Recognition(
        factor=factor,
        who=who,
        n=len(labels),
        knn_accuracy=accuracy,
        mean_average_precision={n: mean_average_precision(Z, labels) for n, Z in points.items()},
        verification=thresholds,
        n_classes=len(counts),
    )


def _remarks(resolved: Resolved, learnt: Dataset | None, n_known: int) -> list[str]:
    """Return sentences on what limits the proof, beside its measurements."""
    remarks = [
        f"{name} should be ignored and was not measured: the data has no factor of this name."
        for name in resolved.unknown.values()
    ]
    if n_known:
        remarks.append(f"{left_out(n_known)}, so they prove nothing about it.")
    skipped = resolved.data.skipped
    if skipped:
        remarks.append(
            f"{len(skipped):,} files could not be read and were left out; what is wrong with them "
            "may be related to what they show."
        )
    if learnt is None:
        remarks.append(
            "Factors are read from held-out samples by cross-validation among these, and PCA is "
            "fitted to them: the map's file does not hold the training samples."
        )
    return remarks
