"""Kept classes: how well they are recognised, beside rivals, and how each sample is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from drlim._values import equals_any
from drlim.datasets import Dataset
from drlim.declaration._learnt import among, comparable, was_learnt
from drlim.declaration._measured import Measured
from drlim.declaration._readings import Reading, read_classes
from drlim.declaration._recognition import Labelled, Recognition, recognise
from drlim.declaration._references import Worth, features_of, rivals, worth
from drlim.estimator import DrLIM
from drlim.evaluation._probes import is_known


class Classes(NamedTuple):
    """A kept class, and what is known of the samples it was learnt from.

    `learnt` are these samples, where they are at hand; `seen` are the classes of those among the
    samples that were given.
    """

    map_: DrLIM
    factor: str
    learnt: Dataset | None
    seen: np.ndarray

    def is_learnt(self, part: Measured) -> np.ndarray | None:
        """Return which samples are of a class that was learnt; None if that is not known."""
        labels = part.data.factor(self.factor)
        if self.learnt is not None:
            return among(labels, self.learnt.factor(self.factor))
        return was_learnt(self.map_, self.factor, labels)


class ClassParts(NamedTuple):
    """Samples whose classes are judged, as a map and its references see them.

    Attributes
    ----------
    held_out : Measured
    unseen : Measured or None
    features : mapping of str to ndarray
        Of "held_out", "unseen" and "learnt": the features of the map's frozen body; empty if it
        has none.
    """

    held_out: Measured
    unseen: Measured | None
    features: Mapping[str, np.ndarray]

    @classmethod
    def of(
        cls, map_: DrLIM, held_out: Measured, unseen: Measured | None, learnt: Dataset | None
    ) -> ClassParts:
        """Return the parts, with features only where there is a class to judge."""
        features = {}
        parts = {"held_out": held_out.data, "unseen": unseen and unseen.data, "learnt": learnt}
        for name, data in parts.items():
            found = None
            if data is not None and held_out.resolved.kept_classes:
                found = features_of(map_, data.X)
            if found is not None:
                features[name] = found
        return cls(held_out, unseen, features)

    def with_features(self, name: str, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the points of a part, and its features if there are any."""
        return {**points, **({"features": self.features[name]} if name in self.features else {})}


def judge_classes(
    classes: Classes, parts: ClassParts
) -> Iterator[tuple[Recognition, Worth | None]]:
    """Measure how well classes are recognised: those that were learnt from, and all others."""
    factor, measured, unseen = classes.factor, parts.held_out, parts.unseen
    train = _learnt_classes(factor, parts)
    seen = rivals(
        None if train is None or "samples" not in train.points else train.points,
        None if train is None else train.labels,
        measured.seed,
    )
    if train is not None:
        # The file of a map holds the learnt points of the map alone.
        rival = seen(train.points) if "samples" in train.points else {}
        train = Labelled({**_plain(train.points), **rival}, train.labels)

    def labelled(part: Measured, name: str) -> Labelled:
        rows = parts.with_features(name, part.points)
        labels = part.data.factor(factor)
        return Labelled({**part.points, **seen(rows)}, labels, part.resolved.groups)

    samples, is_learnt = labelled(measured, "held_out"), classes.is_learnt(measured)
    labels_known = samples.labels
    if is_learnt is None:
        is_learnt, labels_known = np.ones(len(samples.labels), bool), classes.seen
    never_seen = samples.some(~is_learnt)
    judged = [("held-out samples", samples.some(is_learnt), train, labels_known)]
    if unseen is not None:
        there, is_learnt = labelled(unseen, "unseen"), classes.is_learnt(unseen)
        held_out = unseen.resolved.declaration.held_out.unseen
        if is_learnt is None:
            is_learnt = ~equals_any(there.labels, held_out.get(factor, ()))
        names = ", ".join(n for n in held_out if n != factor and n in unseen.data.factors)
        known = there.some(is_learnt & ~unseen.is_shared)
        who = f"samples of values never seen ({names})"
        judged.append((who, known, train, known.labels))
        never_seen += there.some(~is_learnt)
    judged.append(("classes never seen", never_seen, None, np.array([])))
    for who, some, learnt, known_labels in judged:
        if some.has_pairs:
            recognition = recognise(factor, who, some, learnt, known_labels, measured.seed)
            yield recognition, worth(factor, who, some, learnt)


def _plain(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: Z for name, Z in points.items() if name != "features"}


def readings(measured: Measured) -> Iterator[Reading]:
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


def _learnt_classes(factor: str, parts: ClassParts) -> Labelled | None:
    """Return the points that were learnt from, and their classes; None if they are not known."""
    learnt = parts.held_out.learnt
    if learnt is None or factor not in learnt.factors:
        return None
    labels = learnt.factors[factor]
    points = parts.with_features("learnt", learnt.points)
    return Labelled(points, labels).some(is_known(labels))
