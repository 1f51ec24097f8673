"""What a declaration means for the data at hand: decided here, for learning, proof and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drlim._values import are_measured
from drlim.datasets import Dataset
from drlim.datasets._dataset import check_known
from drlim.declaration._schema import Declaration, at
from drlim.graphs import SimilarityGraph
from drlim.transforms import GEOMETRIC, KINDS, Augment, Change, change


@dataclass(frozen=True)
class Resolved:
    """A declaration, read against data.

    Attributes
    ----------
    declaration : Declaration
        With the kind of what is kept, where it does not state it and the data decides.
    data : Dataset
    ignored_factors : mapping of int to str
        The ignored names that are factors of the data, by their place in the declaration.
    ignored_changes : mapping of int to Change
        Those that are transformations.
    unknown : mapping of int to str
        Those that are neither.
    """

    declaration: Declaration
    data: Dataset
    ignored_factors: Mapping[int, str]
    ignored_changes: Mapping[int, Change]
    unknown: Mapping[int, str]

    @property
    def drawn_anew(self) -> list[Change]:
        """The transformations that are drawn anew for each sample of a batch."""
        return [change for change in self.ignored_changes.values() if change.values is None]

    @property
    def copied(self) -> list[tuple[Change, float]]:
        """Those of which copies are made before training, and the weight of two copies."""
        return [
            (change, self.declaration.ignore[n].weight or 1.0)
            for n, change in self.ignored_changes.items()
            if change.values is not None
        ]

    @property
    def kept_factors(self) -> dict[str, np.ndarray]:
        """The values of each factor that is kept."""
        names = (keep.factor for keep in self.declaration.keep)
        return {name: self.data.factor(name) for name in names if name}

    @property
    def kept_periods(self) -> dict[str, float]:
        """The periods of those that are angles."""
        return {k.factor: k.period for k in self.declaration.keep if k.factor and k.period}

    @property
    def kept_classes(self) -> list[str]:
        """The names of those that are classes."""
        return [k.factor for k in self.declaration.keep if k.factor and k.kind == "class"]

    @property
    def sources(self) -> np.ndarray | None:
        """The source of each sample, if the declaration names the factor."""
        name = self.declaration.data.source
        return self.data.factor(name) if name else None

    @cached_property
    def groups(self) -> np.ndarray | None:
        """Which samples are held out together, numbered: those of one source or of one group.

        None if neither is declared. If the samples of one source are in two groups, both groups
        are one.
        """
        declared = self.declaration.data
        names = [name for name in (declared.source, declared.group) if name]
        if not names:
            return None
        codes = [np.unique(self.data.factor(name), return_inverse=True)[1] for name in names]
        first, last = codes[0], codes[-1] + (codes[0].max() + 1) * (len(names) - 1)
        joined = SimilarityGraph.from_edges(np.stack([first, last], axis=1), int(last.max()) + 1)
        return joined.components[first]


def resolve(declaration: Declaration, data: Dataset) -> Resolved:
    """Read a declaration against data.

    An ignored name is a factor where the data has one of that name, else a transformation.

    Raises
    ------
    InputError
        If an ignored transformation is not known, or does not apply to such samples.
    """
    factors, changes, unknown = {}, {}, {}
    for n, ignore in enumerate(declaration.ignore):
        if ignore.transform is None and ignore.name in data.factors:
            factors[n] = ignore.name
        elif ignore.transform is None and ignore.name not in KINDS:
            unknown[n] = ignore.name
        else:
            with at(declaration, "ignore", n):
                changes[n] = change(
                    ignore.name,
                    range=ignore.range,
                    values=ignore.values,
                    along=ignore.along,
                    outside=declaration.data.outside if ignore.name in GEOMETRIC else None,
                )
                Augment.for_samples([changes[n]], data.X[:2])
    for name in {*factors.values(), *declaration.named_factors}:
        if name in data.factors:
            check_known(data, name)
    return Resolved(_with_kinds(declaration, data), data, factors, changes, unknown)


def _with_kinds(declaration: Declaration, data: Dataset) -> Declaration:
    """Return the declaration in which kept factors of measured numbers are numbers."""
    kept = tuple(
        keep.model_copy(update={"stated_kind": "number"})
        if keep.factor in data.factors
        and keep.stated_kind is None
        and keep.kind == "class"
        and (keep.period or are_measured(data.factor(str(keep.factor))))
        else keep
        for keep in declaration.keep
    )
    return (
        declaration if kept == declaration.keep else declaration.model_copy(update={"keep": kept})
    )
