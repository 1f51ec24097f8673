"""What a declared map ignores and keeps, measured on held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from drlim import networks
from drlim._values import equals_any
from drlim.datasets import Dataset
from drlim.declaration._classes import Classes, ClassParts, judge_classes, readings
from drlim.declaration._evidence import Evidence
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import left_out, trained_on
from drlim.declaration._learnt import Learnt, comparable, learnt_by, was_learnt
from drlim.declaration._measured import Measured
from drlim.declaration._moved import measure_change
from drlim.declaration._near import agreeing
from drlim.declaration._recognition import Recognition
from drlim.declaration._references import Worth, embeddings
from drlim.declaration._repeats import find_repeats
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration, Keep
from drlim.declaration._style import styles
from drlim.declaration._unusual import Unusual, judged_by_points
from drlim.estimator import DrLIM
from drlim.evaluation._probes import as_values, is_known
from drlim.evaluation.invariance import Displacement
from drlim.evaluation.proof import (
    Ignored,
    Kept,
    Proof,
    is_constant,
    measure_ignored,
    measure_kept,
)
from drlim.networks._features import kept_features
from drlim.networks._pretrained import is_frozen
from drlim.transforms import Change

# Classes that are named where no sample of them was held out.
_MOST_NAMED = 5


@kept_features()
def prove(
    map_: DrLIM,
    declaration: Declaration,
    held_out: Dataset,
    learnt: Dataset | None = None,
    unseen: Dataset | None = None,
    *,
    repeats: Sequence[str] | None = None,
    progress: Callable[[float], object] | None = None,
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
        are fitted to held-out samples, by cross-validation, and what is kept is read through the
        learnt points that the map's file holds.
    unseen : Dataset, optional
        Samples with values that were held out as a whole (`HeldOut.unseen`). What is kept of
        them is read through the learnt samples and judged on its own. None, and no `learnt`:
        those among `held_out` that have such a value.
    repeats : sequence of str, optional
        What was found of samples that repeat others (`Fitted.repeats`). None: they are searched
        for among `held_out`.
    progress : callable, optional
        Called with the share of what is ignored and kept that has been measured.

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
    learnt = None if learnt is None else by_name(map_, learnt)
    seen = trained_on(map_, held_out)
    given, held_out = held_out, held_out.subset(~seen) if seen.any() else held_out
    if unseen is None:
        held_out, unseen = _apart(declaration, held_out)
    else:
        unseen = by_name(map_, unseen)
    resolved = resolve(declaration, held_out)
    seed = declaration.map.random_state
    embed = embeddings(map_, held_out, learnt, seed)
    known = learnt_by(map_)
    if learnt is not None:
        points = {name: embedding(learnt.X) for name, embedding in embed.items()}
        known = Learnt(points, learnt.factors)
    measured = Measured(
        resolved, {name: embedding(held_out.X) for name, embedding in embed.items()}, known
    )
    n_parts = len(declaration.ignore) + len(declaration.keep)
    shown = _Shares(progress, n_parts)
    ignored = [shown.after(part) for part in _ignored_factors(measured, learnt)]
    curves: dict[str, tuple[Change, Mapping[str, Displacement]]] = {}
    for change in resolved.ignored_changes.values():
        found, moved = measure_change(
            change, embed, held_out.X, seed, None if learnt is None else learnt.X
        )
        ignored.append(shown.after(found))
        curves[change.name] = change, moved
    beside = None
    if unseen is not None:
        points = {name: embedding(unseen.X) for name, embedding in embed.items()}
        beside = Measured(resolve(declaration, unseen), points, known)
    parts = ClassParts.of(map_, measured, beside, learnt)
    judged: list[tuple[Recognition, Worth | None]] = []
    for factor in resolved.kept_classes:
        classes = Classes(map_, factor, learnt, given.factor(factor)[seen])
        judged += judge_classes(classes, parts)
    proof = Proof(
        ignored=tuple(ignored),
        kept=tuple(shown.after(_kept(keep, measured, map_)) for keep in resolved.declaration.keep),
        unseen=() if beside is None else tuple(_kept_there(beside)),
        remarks=tuple(_remarks(map_, measured, beside, learnt, int(seen.sum()))),
    )
    if repeats is None:
        repeats = list(find_repeats(resolve(declaration, given)).lines_of_new())
    return Evidence(
        proof,
        tuple(recognition for recognition, _ in judged),
        held_out,
        measured.points,
        curves,
        int(seen.sum()),
        tuple(repeats),
        learnt=learnt,
        known=known,
        readings=tuple(readings(measured)),
        worth=tuple(worth for _, worth in judged if worth is not None),
        style=tuple(styles(measured, learnt)),
        unusual=_unusual(map_, measured),
        unusual_unseen=(
            None if beside is None else judged_by_points(map_, beside.data, beside.points["map"])
        ),
    )


def _apart(declaration: Declaration, data: Dataset) -> tuple[Dataset, Dataset | None]:
    """Divide new samples into those of values that were held out as a whole, and the others."""
    is_unseen = np.zeros(len(data), bool)
    for name, values in declaration.held_out.unseen.items():
        if name in data.factors:
            is_unseen |= equals_any(data.factor(name), values)
    if not is_unseen.any() or is_unseen.all():
        return data, None
    return data.subset(~is_unseen), data.subset(is_unseen)


_Part = TypeVar("_Part")


class _Shares:
    """Tells the share of the parts that have been measured, each when it is done."""

    def __init__(self, progress: Callable[[float], object] | None, n_parts: int) -> None:
        self.progress, self.n_parts, self.n_done = progress, n_parts, 0

    def after(self, part: _Part) -> _Part:
        """Count a part, and return it."""
        self.n_done += 1
        if self.progress is not None:
            self.progress(self.n_done / self.n_parts)
        return part


def _ignored_factors(measured: Measured, learnt: Dataset | None) -> Iterator[Ignored]:
    """Measure the ignored factors; where the learnt samples are at hand, read through them too."""
    resolved = measured.resolved
    train = factor_train = kept_train = None
    if learnt is not None and measured.learnt is not None:
        train = measured.learnt.points
        kept_train = {kept: learnt.factor(kept) for kept in resolved.kept_factors}
    for place, name in resolved.ignored_factors.items():
        if learnt is not None:
            factor_train = learnt.factor(name)
        yield measure_ignored(
            name,
            measured.points,
            measured.data.factor(name),
            train=train,
            factor_train=factor_train,
            kept=resolved.kept_factors,
            kept_train=kept_train,
            kind=resolved.declaration.ignore[place].kind,
            periods=resolved.kept_periods,
            groups=resolved.groups,
            orbit=resolved.sources,
            random_state=measured.seed,
        )


def _searched(map_: DrLIM, X: np.ndarray) -> np.ndarray:
    """Return what the nearest neighbours of a declaration are searched for in."""
    if is_frozen(map_._builder):
        return networks.features(map_.network_, X)
    return map_._in_unit(X)


def _kept(keep: Keep, measured: Measured, map_: DrLIM) -> Kept:
    if keep.factor is not None:
        return _kept_factor(keep, keep.factor, measured)
    data, groups = measured.data, measured.resolved.groups
    rows = np.arange(len(data))
    within = [name for name in (keep.within, keep.across) if name]
    if within:  # neighbours are meant within a group: the largest one is measured
        group = agreeing(data, within)
        rows = np.flatnonzero(group == np.argmax(np.bincount(group)))
    # Near is defined by the samples, so they are no reference here.
    return measure_kept(
        keep.name,
        {name: Z[rows] for name, Z in measured.points.items() if name != "samples"},
        _searched(map_, data.X[rows]),
        kind=keep.kind,
        n_neighbors=int(keep.neighbors or 0),
        groups=None if groups is None else groups[rows],
        random_state=measured.seed,
    )


def _kept_factor(
    keep: Keep, factor: str, measured: Measured, name: str = "", rows: np.ndarray | None = None
) -> Kept:
    """Measure a factor, through the learnt points where they are known.

    Samples whose source was learnt from are then left out: its other measurements, whose values
    are known, would give the answer.
    """
    name, learnt = name or factor, measured.learnt
    rows = np.ones(len(measured.data), bool) if rows is None else rows
    through = learnt is not None and factor in learnt.factors
    if through:
        rows = rows & ~measured.is_shared
    points = {other: Z[rows] for other, Z in measured.points.items()}
    if not rows.any():
        why = (
            f"every sample is of a {measured.belonging} that was learnt from, "
            "and its learnt samples would give the answer"
        )
        whole = is_constant(measured.points["map"])
        return Kept(name, {}, {}, constant=whole, n_sources=0, why=why)
    values, groups = measured.data.factor(factor)[rows], measured.resolved.groups
    options: dict[str, Any] = {
        "kind": keep.kind,
        "period": keep.period,
        "groups": None if groups is None else groups[rows],
        "random_state": measured.seed,
    }
    if learnt is None or not through:
        return measure_kept(name, points, values, **options)
    some = is_known(learnt.factors[factor])
    values, factor_train = comparable(values, learnt.factors[factor][some])
    read = {other: Z for other, Z in points.items() if other in learnt.points}
    train = {other: learnt.points[other][some] for other in read}
    found = measure_kept(name, read, values, train=train, factor_train=factor_train, **options)
    if len(read) == len(points):
        return found
    return replace(found, anew=measure_kept(name, points, values, **options))


def _kept_there(unseen: Measured) -> Iterator[Kept]:
    """Measure what is kept of samples with values that were held out as a whole, by factor."""
    declaration = unseen.resolved.declaration
    for group, values in declaration.held_out.unseen.items():
        if group not in unseen.data.factors:
            continue
        rows = equals_any(unseen.data.factor(group), values)
        if not rows.any():
            continue
        few = ", ".join(map(str, values[:3])) + (", ..." if len(values) > 3 else "")
        for keep in declaration.keep:
            # Classes that were never learnt cannot be read; they are told apart (`recognise`).
            if keep.factor is not None and not (keep.factor == group and keep.kind == "class"):
                name = f"{keep.factor} of unseen {group} {few}"
                yield _kept_factor(keep, keep.factor, unseen, name, rows)


def _unusual(map_: DrLIM, measured: Measured) -> Unusual | None:
    """Return how unusual samples are; None if it is by them that the map's file judges."""
    unusual = judged_by_points(map_, measured.data, measured.points["map"])
    if unusual is None or np.isin(unusual.novelty.distances, unusual.distances).mean() > 0.5:
        return None
    return unusual


def _untried(resolved: Resolved, learnt: Dataset) -> Iterator[str]:
    """Name the kept classes that were learnt and of which no sample was held out."""
    for factor in resolved.kept_classes:
        known = learnt.factor(factor)
        values = np.unique(as_values(known[is_known(known)]))
        untried = values[~np.isin(values, as_values(resolved.data.factor(factor)))]
        if len(untried):
            names = ", ".join(map(str, untried[:_MOST_NAMED].tolist()))
            more = f" and {len(untried) - _MOST_NAMED} more" if len(untried) > _MOST_NAMED else ""
            yield (
                f"No held-out sample is of {factor} {names}{more}, so the proof says nothing about "
                "how well the map keeps it."
            )


def _remarks(
    map_: DrLIM,
    measured: Measured,
    unseen: Measured | None,
    learnt: Dataset | None,
    n_known: int,
) -> Iterator[str]:
    """Give sentences on what limits the proof, beside its measurements."""
    resolved = measured.resolved
    for name in resolved.unknown.values():
        yield f"{name} should be ignored and was not measured: the data has no factor of this name."
    if n_known:
        yield f"{left_out(n_known)}, so they prove nothing about it."
    skipped = resolved.data.skipped
    if skipped:
        yield (
            f"{len(skipped):,} files could not be read and were left out; what is wrong with them "
            "may be related to what they show."
        )
    for part, which in ((measured, "samples"), (unseen, "samples of values never seen")):
        if part is not None and resolved.kept_factors and part.is_shared.any():
            yield (
                f"{int(part.is_shared.sum()):,} of {len(part.data):,} {which} were left out of "
                f"what is kept: they are of a {part.belonging} that was learnt from under other "
                "conditions, and its learnt samples would give the answer."
            )
    if learnt is not None:
        yield from _untried(resolved, learnt)
        return
    if measured.learnt is not None and resolved.kept_factors:
        n = len(measured.learnt.points["map"])
        yield (
            f"What is kept, and known classes, are read through {n:,} learnt points, which the "
            "map's file holds. What is ignored, and the references, are read from held-out samples "
            "by cross-validation among these, and PCA is fitted to them: the file does not hold "
            "the training samples."
        )
    else:
        yield (
            "Factors are read from held-out samples by cross-validation among these, and PCA is "
            "fitted to them: the map's file does not hold the training samples."
        )
        if resolved.kept_factors:
            yield (
                "Whether what is kept can be read through the samples that were learnt from is not "
                "known: the map's file, of an earlier version of drlim, does not hold their points."
            )
    for factor in resolved.kept_classes:
        if was_learnt(map_, factor, measured.data.factor(factor)) is None:
            yield (
                f"Whether the map learnt from these classes of {factor} is not known, as its file "
                "does not say; classes that it never saw may be told apart less well."
            )
