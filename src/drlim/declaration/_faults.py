"""What hinders learning from a graph: parts that nothing explains, samples without a partner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from drlim.datasets import Dataset
from drlim.declaration._near import agreeing
from drlim.declaration._resolve import Resolved
from drlim.graphs import SimilarityGraph
from drlim.graphs._relations import MOST_STEPS, Gaps

_MOST_NAMED = 3  # values

# Few of the samples may lie in other parts than the largest: a number's outlying values do.
_FEW = 0.1


def faults(
    resolved: Resolved, learnt: Dataset, similar: SimilarityGraph, gaps: Mapping[str, Gaps]
) -> Iterator[str]:
    """Give a line for each fault, with its cause and remedy."""
    causes = list(_causes(resolved, gaps))
    declaration = resolved.declaration
    if declaration.keep:
        classes = [*resolved.kept_classes, *{k.within for k in declaration.keep if k.within}]
        n_explained = len(np.unique(agreeing(learnt, classes))) if classes else 1
        sizes = np.sort(np.bincount(similar.components[similar.degree > 0]))[::-1]
        n_parts = int((sizes > 0).sum())
        apart = sizes[n_explained:].sum() > _FEW * sizes.sum()
        # Neighbours fall into the clusters of the samples; parts of a sample or two are none.
        least = 2 * (1 + max(keep.neighbors or 0 for keep in declaration.keep))
        of_clusters = least > 2 and sizes.sum() >= least * n_parts
        if n_parts > n_explained and apart and not of_clusters:
            yield (
                f"the similar pairs fall into {n_parts:,} parts, where what is kept explains "
                f"{n_explained:,}, and parts are pushed apart: {_joined(causes)}"
            )
    alone = similar.degree == 0
    n_alone = int(alone.sum())
    # The copies of an ignored transformation are partners of each other.
    if n_alone and not resolved.ignored_changes:
        rare = list(_rare_classes(resolved, learnt, alone))
        yield (
            f"{n_alone:,} {'sample has' if n_alone == 1 else 'samples have'} no similar partner "
            f"and can only be pushed away from the others: {_joined([*rare, *causes])}"
        )


def _causes(resolved: Resolved, gaps: Mapping[str, Gaps]) -> Iterator[str]:
    """Give what may be too narrow in a declaration, and its remedy."""
    for keep in resolved.declaration.keep:
        n_open = gaps[keep.name].n_open if keep.name in gaps else 0
        if n_open:
            yield (
                f"{keep.name} has {n_open:,} {'gap' if n_open == 1 else 'gaps'} wider than "
                f"{MOST_STEPS} steps; give a larger step than {keep.step:g}, or samples between"
            )
        elif keep.step is not None:
            yield f"give a larger step of {keep.name} than {keep.step:g}"
        elif keep.tolerance is not None:
            yield f"give a larger tolerance of {keep.name} than {keep.tolerance:g}"
        elif keep.is_measured:
            yield f"the values of {keep.name} lie in groups; give a tolerance that joins them"
        elif keep.neighbors is not None:
            yield f"give more neighbors than {keep.neighbors}"


def _rare_classes(resolved: Resolved, learnt: Dataset, alone: np.ndarray) -> Iterator[str]:
    """Give the classes of which there is one sample, and the remedy."""
    for name in resolved.kept_classes:
        values, place, counts = np.unique(
            learnt.factor(name), return_inverse=True, return_counts=True
        )
        rare = values[np.unique(place[alone & (counts[place] == 1)])].tolist()
        if rare:
            named = ", ".join(map(repr, rare[:_MOST_NAMED])) + (
                f" and {len(rare) - _MOST_NAMED:,} more" if len(rare) > _MOST_NAMED else ""
            )
            yield f"there is one sample of {name} {named}; add others of it, or leave it out"


def _joined(causes: list[str]) -> str:
    return "; ".join(causes or ["give pairs that join them, or a source"])
