"""What a declared map ignores and keeps, measured on held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from drlim import baselines
from drlim._values import equals_any
from drlim.datasets import Dataset
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import left_out, trained_on
from drlim.declaration._learnt import (
    Learnt,
    among,
    belonging,
    comparable,
    is_of_learnt_source,
    learnt_by,
    was_learnt,
)
from drlim.declaration._moved import Embedding, measure_change
from drlim.declaration._near import agreeing
from drlim.declaration._readings import Reading, read_classes
from drlim.declaration._recognition import Labelled, Recognition, recognise
from drlim.declaration._repeats import find_repeats
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration, Keep
from drlim.declaration._unusual import Unusual, how_unusual
from drlim.estimator import DrLIM
from drlim.evaluation._probes import is_known
from drlim.evaluation._words import Answer, in_words
from drlim.evaluation.invariance import MOST_FEATURES, Displacement
from drlim.evaluation.proof import (
    Ignored,
    Kept,
    Proof,
    is_constant,
    measure_ignored,
    measure_kept,
)
from drlim.networks._features import kept_features
from drlim.transforms import Change


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
    repeats : tuple of str
        A line for each thing found of samples that repeat others, and of their labels.
    learnt : Dataset or None
        The samples that were learnt from, where they are at hand.
    known : Learnt or None
        Their points, as far as they are known.
    readings : tuple of Reading
        How each kept class is read from each held-out sample, through the learnt points.
    unusual : Unusual or None
        How unusual the samples are, where they are not those that the map's file knows.
    unusual_unseen : Unusual or None
        The same of samples with values that were held out as a whole.
    """

    proof: Proof
    recognition: tuple[Recognition, ...]
    held_out: Dataset
    points: Mapping[str, np.ndarray]
    curves: Mapping[str, tuple[Change, Mapping[str, Displacement]]] = field(default_factory=dict)
    n_known: int = 0
    repeats: tuple[str, ...] = ()
    learnt: Dataset | None = None
    known: Learnt | None = None
    readings: tuple[Reading, ...] = ()
    unusual: Unusual | None = None
    unusual_unseen: Unusual | None = None

    @property
    def answers(self) -> list[Answer]:
        """What was declared, as questions with their answers."""
        return [in_words(entry) for entry in self.proof.entries]

    @property
    def text(self) -> str:
        """The proof as text, and what is said of single samples."""
        return "\n".join(
            [str(self.proof), *(["", *self.unusual_lines] if self.unusual_lines else [])]
        )

    @property
    def unusual_lines(self) -> list[str]:
        """How many samples are foreign, a sentence for each part."""
        lines = [] if self.unusual is None else [self.unusual.summary()]
        if self.unusual_unseen is not None:
            lines.append(f"Of values never seen: {self.unusual_unseen.summary()}")
        return lines

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
            "left_out": list(self.held_out.left_out),
            "repeats": list(self.repeats),
            "answers": [asdict(answer) for answer in self.answers],
            "readings": [reading.as_json() for reading in self.readings],
            "unusual": None if self.unusual is None else self.unusual.as_json(),
            "unusual_unseen": (
                None if self.unusual_unseen is None else self.unusual_unseen.as_json()
            ),
        }


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
    seen = trained_on(map_, held_out)
    given, held_out = held_out, held_out.subset(~seen) if seen.any() else held_out
    if unseen is None:
        held_out, unseen = _apart(declaration, held_out)
    else:
        unseen = by_name(map_, unseen)
    resolved = resolve(declaration, held_out)
    seed = declaration.map.random_state
    embed = _embeddings(map_, held_out, learnt, seed)
    known = learnt_by(map_)
    if learnt is not None:
        points = {name: embedding(learnt.X) for name, embedding in embed.items()}
        known = Learnt(points, learnt.factors)
    measured = _Measured(
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
        beside = _Measured(resolve(declaration, unseen), points, known)
    recognition: list[Recognition] = []
    for factor in resolved.kept_classes:
        classes = _Classes(map_, factor, learnt, given.factor(factor)[seen])
        recognition += _recognitions(classes, measured, beside)
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
        tuple(recognition),
        held_out,
        measured.points,
        curves,
        int(seen.sum()),
        tuple(repeats),
        learnt,
        known,
        tuple(_readings(measured)),
        _unusual(map_, held_out),
        None if unseen is None else how_unusual(map_, unseen),
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


class _Measured(NamedTuple):
    """Samples that are measured, their points by map, and what is known of those learnt from."""

    resolved: Resolved
    points: Mapping[str, np.ndarray]
    learnt: Learnt | None

    @property
    def data(self) -> Dataset:
        return self.resolved.data

    @property
    def seed(self) -> int:
        return self.resolved.declaration.map.random_state

    @property
    def is_shared(self) -> np.ndarray:
        """The samples whose source or group was learnt from under other conditions."""
        return is_of_learnt_source(self.resolved.declaration, self.data, self.learnt)

    @property
    def belonging(self) -> str:
        """The words for what belongs together: the source, the group, or both."""
        return " or ".join(belonging(self.resolved.declaration))

    def labelled(self, factor: str) -> Labelled:
        return Labelled(self.points, self.data.factor(factor))


def _embeddings(
    map_: DrLIM, held_out: Dataset, learnt: Dataset | None, seed: int
) -> dict[str, Embedding]:
    """Return the map and its references, each a function of samples.

    Samples and PCA are in the unit of the map, which is a choice of the data and not learnt.
    """
    known = map_._in_unit((held_out if learnt is None else learnt).X)
    n_components = min(map_.n_components, len(known) - 1, int(np.prod(known.shape[1:])))
    pca = baselines.fitted_pca(known, n_components=n_components, random_state=seed)
    samples = _as_few(known, seed)
    untrained = map_.untrained()
    embed: dict[str, Embedding] = {
        "map": lambda X: np.asarray(map_.transform(X)),
        "untrained": lambda X: np.asarray(untrained.transform(X)),
        "pca": lambda X: pca(map_._in_unit(X)),
        "samples": lambda X: samples(map_._in_unit(X)),
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


def _ignored_factors(measured: _Measured, learnt: Dataset | None) -> Iterator[Ignored]:
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


def _kept(keep: Keep, measured: _Measured, map_: DrLIM) -> Kept:
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
        map_._in_unit(data.X[rows]),
        kind=keep.kind,
        n_neighbors=int(keep.neighbors or 0),
        groups=None if groups is None else groups[rows],
        random_state=measured.seed,
    )


def _kept_factor(
    keep: Keep, factor: str, measured: _Measured, name: str = "", rows: np.ndarray | None = None
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


def _kept_there(unseen: _Measured) -> Iterator[Kept]:
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


class _Classes(NamedTuple):
    """A kept class, and what is known of the samples it was learnt from.

    `learnt` are these samples, where they are at hand; `seen` are the classes of those among the
    samples that were given.
    """

    map_: DrLIM
    factor: str
    learnt: Dataset | None
    seen: np.ndarray

    def is_learnt(self, part: _Measured) -> np.ndarray | None:
        """Return which samples are of a class that was learnt; None if that is not known."""
        labels = part.data.factor(self.factor)
        if self.learnt is not None:
            return among(labels, self.learnt.factor(self.factor))
        return was_learnt(self.map_, self.factor, labels)


def _recognitions(
    classes: _Classes, measured: _Measured, unseen: _Measured | None
) -> Iterator[Recognition]:
    """Measure how well classes are recognised: those that were learnt from, and all others."""
    factor, train = classes.factor, _learnt_classes(classes.factor, measured)
    samples, is_learnt = measured.labelled(factor), classes.is_learnt(measured)
    labels_known = samples.labels
    if is_learnt is None:
        is_learnt, labels_known = np.ones(len(samples.labels), bool), classes.seen
    never_seen = samples.some(~is_learnt)
    parts = [("held-out samples", samples.some(is_learnt), train, labels_known)]
    if unseen is not None:
        there, is_learnt = unseen.labelled(factor), classes.is_learnt(unseen)
        held_out = unseen.resolved.declaration.held_out.unseen
        if is_learnt is None:
            is_learnt = ~equals_any(there.labels, held_out.get(factor, ()))
        names = ", ".join(n for n in held_out if n != factor and n in unseen.data.factors)
        known = there.some(is_learnt & ~unseen.is_shared)
        who = f"samples of values never seen ({names})"
        parts.append((who, known, train, known.labels))
        never_seen += there.some(~is_learnt)
    parts.append(("classes never seen", never_seen, None, np.array([])))
    for who, some, known_points, known_labels in parts:
        if some.has_pairs:
            yield recognise(factor, who, some, known_points, known_labels, measured.seed)


def _readings(measured: _Measured) -> Iterator[Reading]:
    """Read each kept class of the held-out samples through the learnt points of the map."""
    for factor in measured.resolved.kept_classes:
        if measured.learnt is None or factor not in measured.learnt.factors:
            continue
        labels, learnt = comparable(measured.data.factor(factor), measured.learnt.factors[factor])
        some = np.flatnonzero(is_known(learnt))
        is_read = is_known(labels) & among(labels, learnt[some]) & ~measured.is_shared
        reading = read_classes(
            factor,
            measured.learnt.points["map"][some],
            learnt[some],
            measured.points["map"],
            labels,
            np.flatnonzero(is_read),
        )
        if reading is not None:
            yield replace(reading, taken_for=some[reading.taken_for])


def _unusual(map_: DrLIM, held_out: Dataset) -> Unusual | None:
    """Return how unusual samples are; None if it is by them that the map's file judges."""
    unusual = how_unusual(map_, held_out)
    if unusual is None or np.isin(unusual.novelty.distances, unusual.distances).mean() > 0.5:
        return None
    return unusual


def _learnt_classes(factor: str, measured: _Measured) -> Labelled | None:
    """Return the points that were learnt from, and their classes; None if they are not known."""
    learnt = measured.learnt
    if learnt is None or factor not in learnt.factors:
        return None
    labels = learnt.factors[factor]
    return Labelled(learnt.points, labels).some(is_known(labels))


def _remarks(
    map_: DrLIM,
    measured: _Measured,
    unseen: _Measured | None,
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
