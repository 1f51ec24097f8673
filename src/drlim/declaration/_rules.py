"""A declaration and its data become one graph of similarity, and each pair knows its rules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from drlim._deprecated import renamed_arguments
from drlim._errors import InputError
from drlim.datasets import Dataset
from drlim.declaration._checks import check_crossing, check_extent, check_names, check_pairs
from drlim.declaration._faults import faults
from drlim.declaration._near import Near, near_in_all, sentence
from drlim.declaration._pairs import PairsTable
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._schema import Declaration, at
from drlim.graphs import SimilarityGraph, copies, same
from drlim.graphs._relations import MOST_STEPS, Gaps

_TABLE = "the table of pairs"
_MOST_REASONS = 5  # in a summary


@dataclass(frozen=True)
class Rules:
    """Who is similar, who is dissimilar, and by which rule.

    Attributes
    ----------
    similar : SimilarityGraph
    dissimilar : SimilarityGraph or None
        The dissimilar pairs of the table, where nothing is kept, so that only the table says what
        is dissimilar; else None: all that is not similar is dissimilar.
    weight : ndarray of shape (n_drawn,) or None
        The weight of each pair of ``similar | dissimilar``, where the table of pairs has weights,
        or where pairs of one source weigh more than others; None: all weigh the same.
    by_rule : mapping of str to SimilarityGraph
        The similar pairs of each rule.
    reasons : mapping of (int, int) to str
        The reasons that the table of pairs gives for its pairs.
    crossing : mapping of str to float
        The share of similar pairs that cross each ignored factor.
    recall : float or None
        The share of nearest neighbours that approximate searches found, the least of several;
        None if all were found exactly.
    n_judged : int or None
        The number of pairs in the table of pairs; None without a table.
    n_lost : int
        Those of them that are not used, because a sample of the pair is held out.
    source_weight : float
        The weight of a pair of one source, where any other similar pair has 1.

    Examples
    --------
    >>> data = Dataset(np.eye(4), {"pose": np.array([0, 0, 1, 1])})
    >>> found = rules(Declaration(keep=["pose"]), data)
    >>> found.similar.edges.tolist(), found.why(0, 1)
    ([[0, 1], [2, 3]], ['near in pose'])
    """

    similar: SimilarityGraph
    dissimilar: SimilarityGraph | None
    weight: np.ndarray | None
    by_rule: Mapping[str, SimilarityGraph]
    reasons: Mapping[tuple[int, int], str]
    crossing: Mapping[str, float]
    recall: float | None = None
    n_judged: int | None = None
    n_lost: int = 0
    gaps: Mapping[str, Gaps] = field(default_factory=dict)
    chosen: str | None = None
    faults: tuple[str, ...] = ()
    source_weight: float = 1.0

    def why(self, left: int, right: int) -> list[str]:
        """Return the rules that make two samples similar, and the reason that the table gives.

        Parameters
        ----------
        left, right : int
            Rows of the samples that are learnt from.
        """
        found = [rule for rule, graph in self.by_rule.items() if graph.has(left, right)]
        reason = self.reasons.get((min(left, right), max(left, right)))
        return [*found, reason] if reason else found

    def summary(self) -> list[str]:
        """Return what was found, as lines for the user."""
        graph = self.similar
        n_parts = len(np.unique(graph.components[graph.degree > 0]))
        lines = [f"{graph.n_edges:,} similar pairs among {graph.n_samples:,} samples:"]
        for name, rule in self.by_rule.items():
            lines.append(f"  {rule.n_edges:,} by: {name}")
            if name == _TABLE:
                lines += self._reasons_among(rule)
        if self.n_lost:
            lines.append(
                f"{(self.n_judged or 0) - self.n_lost:,} of the {self.n_judged:,} pairs of the "
                f"table are used; {self.n_lost:,} are not, as one of their samples is held out"
            )
        if self.chosen:
            lines.append(self.chosen)
        if self.source_weight > 1:
            lines.append(
                f"each pair of one source weighs {self.source_weight:.3g}, so that together they "
                "weigh as much as all other similar pairs: they differ in what is ignored alone"
            )
        for name, gaps in self.gaps.items():
            if gaps.n_bridged:
                lines.append(
                    f"{gaps.n_bridged:,} {'gap' if gaps.n_bridged == 1 else 'gaps'} in {name} "
                    f"bridged, the widest of {gaps.widest:g}: a missing value is stepped over, "
                    f"up to {MOST_STEPS} steps"
                )
        if self.recall is not None:
            found = math.floor(1e3 * self.recall) / 10  # never 100 % of all but a few
            lines.append(f"neighbours were searched for approximately: {found}% of them found")
        if self.dissimilar is not None:
            lines.append(f"{self.dissimilar.n_edges:,} pairs are dissimilar, all others neither")
            lines += self._reasons_among(self.dissimilar)
        lines += [
            f"{share:.1%} of them cross {name}, which is ignored"
            for name, share in self.crossing.items()
        ]
        lines.append(f"{n_parts:,} connected {'part' if n_parts == 1 else 'parts'}")
        return [*lines, *self.faults]

    def _reasons_among(self, graph: SimilarityGraph) -> Iterator[str]:
        """Count the reasons of the table for some pairs, the most frequent first."""
        counts = Counter(reason for pair, reason in self.reasons.items() if graph.has(*pair))
        for reason, n in counts.most_common(_MOST_REASONS):
            yield f"    {n:,} for: {reason}"
        if len(counts) > _MOST_REASONS:
            yield f"    and {len(counts) - _MOST_REASONS:,} other reasons"


@renamed_arguments(anyway="force")
def rules(
    declaration: Declaration,
    data: Dataset,
    rows: np.ndarray | None = None,
    *,
    force: bool = False,
    progress: Callable[[float], object] | None = None,
) -> Rules:
    """Combine the rules of a declaration for the samples that are learnt from, and check them.

    Similar is what is near in everything that is kept (`Keep`); of the factors that have a step,
    at most one may differ by it, as in the paper's rule for the airplane. Samples of one source
    are similar too, and a sample and what is near another sample of its source:
    ``near | copy | near @ copy``. The pairs of the table are added to these.

    Parameters
    ----------
    declaration : Declaration
    data : Dataset
        All samples, with all factors that the declaration names.
    rows : ndarray of int, optional
        The samples that are learnt from, which the graphs are about; None: all.
    force : bool, default=False
        Whether to accept an ignored factor that too few similar pairs cross.
    progress : callable, optional
        Called with the share of a search for neighbours that is done, from time to time.

    Returns
    -------
    Rules

    Raises
    ------
    InputError
        If a factor is missing, or both ignored and kept; a pair is both similar and dissimilar;
        nothing, or everything, is similar; or too few similar pairs cross an ignored factor.
    """
    resolved = resolve(declaration, data)
    check_names(resolved)
    rows = np.arange(len(data)) if rows is None else rows
    return combine(resolved, rows, data.subset(rows), force=force, progress=progress)


def combine(
    resolved: Resolved,
    rows: np.ndarray,
    learnt: Dataset,
    *,
    force: bool,
    progress: Callable[[float], object] | None,
) -> Rules:
    """Do what `rules` does, with names that were checked and the samples of those rows."""
    declaration = resolved.declaration
    if not (declaration.keep or declaration.pairs or declaration.data.source or declaration.ignore):
        raise InputError(
            "the declaration keeps nothing and ignores nothing; give at least one of them, such as "
            "keep = ['class']"
        )
    table, n_judged = None, None
    if declaration.pairs is not None:
        with at(declaration, "pairs", "path"):
            table = PairsTable.read(declaration.pairs.path, resolved.data)
            n_judged = len(table.edges)
            table = table.restrict(rows)
    by_rule, kept = _by_rule(declaration, learnt, progress)
    if table is not None:
        check_pairs(table, by_rule, resolved, rows)
        by_rule[_TABLE] = table.similar
    similar = SimilarityGraph.empty(len(rows))
    for graph in by_rule.values():
        similar = similar | graph
    explicit = table is not None and not declaration.keep and table.dissimilar.n_edges > 0
    dissimilar = table.dissimilar if table is not None and explicit else None
    check_extent(similar, dissimilar, resolved)
    crossing = {
        name: _share_crossing(similar, learnt.factor(name))
        for name in resolved.ignored_factors.values()
    }
    if not force:
        check_crossing(resolved, learnt, similar, crossing)
    drawn = similar if dissimilar is None else similar | dissimilar
    weight, source_weight = None if table is None else table.weights(drawn), 1.0
    if table is None and declaration.data.source and declaration.ignore:
        copy = copies(learnt.factor(declaration.data.source))
        weight, source_weight = _balanced(similar, copy)
    return Rules(
        similar=similar,
        dissimilar=dissimilar,
        weight=weight,
        source_weight=source_weight,
        by_rule=by_rule,
        reasons={} if table is None else table.reasons,
        crossing=crossing,
        recall=kept.recall,
        gaps=kept.gaps,
        chosen=kept.chosen,
        faults=tuple(faults(resolved, learnt, similar, kept.gaps)),
        n_judged=n_judged,
        n_lost=0 if table is None or n_judged is None else n_judged - len(table.edges),
    )


def _by_rule(
    declaration: Declaration, learnt: Dataset, progress: Callable[[float], object] | None
) -> tuple[dict[str, SimilarityGraph], Near]:
    """Return the similar pairs by rule, without the table's, and what is near by what is kept."""
    by_rule: dict[str, SimilarityGraph] = {}
    kept = Near(SimilarityGraph.empty(len(learnt)), None, {})
    if declaration.keep:
        kept = near_in_all(declaration, learnt, progress)
        by_rule[sentence(declaration)] = kept.graph
    if declaration.data.source:
        near = kept.graph
        copy = copies(learnt.factor(declaration.data.source))
        by_rule[f"of one {declaration.data.source}"] = copy
        if near.n_edges:
            by_rule[f"near another of its {declaration.data.source}"] = (near @ copy) - near - copy
    return by_rule, kept


def _balanced(similar: SimilarityGraph, copy: SimilarityGraph) -> tuple[np.ndarray | None, float]:
    """Let pairs of one source weigh together as much as all other similar pairs.

    Two samples of one source differ in nothing but what is ignored, so these pairs teach to
    ignore it; among the many pairs that are near in what is kept they would count for little.
    """
    n_others = similar.n_edges - copy.n_edges
    if not 0 < copy.n_edges < n_others or similar.n_edges > _MOST_WEIGHED:
        return None, 1.0
    source_weight = n_others / copy.n_edges
    return np.where(copy.has(*similar.edges.T), source_weight, 1.0), source_weight


# Weights are written out, one for each pair: 80 MB.
_MOST_WEIGHED = 10_000_000


def _share_crossing(similar: SimilarityGraph, factor: np.ndarray) -> float:
    if similar.groups is not None and similar.n_edges:  # without writing out the pairs
        return 1 - (similar & same(factor)).n_edges / similar.n_edges
    left, right = similar.edges.T
    return float(np.mean(factor[left] != factor[right])) if similar.n_edges else 0.0
