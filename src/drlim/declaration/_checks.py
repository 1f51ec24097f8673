"""What is checked before training: that a declaration fits its data, and can be learnt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from drlim._errors import InputError, nearest_name
from drlim.datasets import Dataset
from drlim.declaration._pairs import PairsTable
from drlim.declaration._resolve import Resolved
from drlim.declaration._schema import at
from drlim.graphs import SimilarityGraph
from drlim.transforms import KINDS

# With fewer similar pairs than this across an ignored factor, a map would learn invariance from a
# handful of pairs: none is promised.
LEAST_CROSSING = 0.01


def check_names(resolved: Resolved) -> None:
    """Raise if a name stands for nothing in the data, or for two things that exclude each other."""
    declaration, data = resolved.declaration, resolved.data
    kept = {str(keep.factor): n for n, keep in enumerate(declaration.keep) if keep.factor}
    for n, ignore in enumerate(declaration.ignore):
        where = declaration.where("ignore", n)
        if ignore.name in kept:
            raise InputError(
                f"{where}: {ignore.name!r} is ignored and kept "
                f"({declaration.where('keep', kept[ignore.name])}); remove one of the two"
            )
        if n in resolved.unknown:
            raise InputError(
                f"{where}: there is no factor and no transformation {ignore.name!r}; "
                f"{nearest_name(ignore.name, [*data.factors, *KINDS])}"
                f"{data.why_absent(ignore.name)}"
            )
    nearest = [n for n, keep in enumerate(declaration.keep) if keep.neighbors]
    apart = [n for n, keep in enumerate(declaration.keep) if keep.kind == "number"]
    if nearest and apart:
        raise InputError(
            f"{declaration.where('keep', apart[0])}: {declaration.keep[apart[0]].factor!r} is "
            f"kept as a number, and {declaration.where('keep', nearest[0])} asks for nearest "
            "neighbours, which are searched among equal values: remove one of the two"
        )
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("keep", n), keep.factor) for n, keep in enumerate(declaration.keep)
    ]
    named += [(("keep", n, "within"), keep.within) for n, keep in enumerate(declaration.keep)]
    named += [(("keep", n, "across"), keep.across) for n, keep in enumerate(declaration.keep)]
    named += [(("data", key), getattr(declaration.data, key)) for key in ("source", "group")]
    named += [(("held_out", "unseen", key), key) for key in declaration.held_out.unseen]
    for keys, name in named:
        if name is not None:
            with at(declaration, *keys):
                data.factor(name)


def check_pairs(
    table: PairsTable,
    by_rule: Mapping[str, SimilarityGraph],
    resolved: Resolved,
    rows: np.ndarray,
) -> None:
    """Raise if the table makes a pair dissimilar that a rule, or the table itself, makes similar.

    The table and the graphs are about the given rows of the data.
    """
    declaration, names = resolved.declaration, resolved.data.names
    assert declaration.pairs is not None
    for rule, graph in {**by_rule, "the same table": table.similar}.items():
        both = graph & table.dissimilar
        if both.n_edges:
            left, right = both.edges[0]
            first = [str(rows[i] if names is None else names[rows[i]]) for i in (left, right)]
            reason = table.reasons.get((int(left), int(right)))
            raise InputError(
                f"{declaration.where('pairs', 'path')}: {both.n_edges} "
                f"{'pair is' if both.n_edges == 1 else 'pairs are'} both similar and dissimilar. "
                f"The first is {' and '.join(first)}: dissimilar by {declaration.pairs.path}"
                + (f" ({reason!r})" if reason else "")
                + f", similar by the rule {rule!r}; remove them from the table, or change the rule"
            )


def check_extent(
    similar: SimilarityGraph, dissimilar: SimilarityGraph | None, resolved: Resolved
) -> None:
    """Raise if nothing, or everything, is similar."""
    if not similar.n_edges and not resolved.ignored_changes:
        raise InputError(
            "no two samples are similar by this declaration, so there is nothing to learn from; "
            "give a factor with equal values, a step or a tolerance, or neighbors = 5"
        )
    if similar.n_edges == similar.n_pairs and dissimilar is None:
        raise InputError(
            f"all {similar.n_samples} samples are similar to each other by this declaration, so "
            "the map would be a single point; keep something in which they differ"
        )


def check_crossing(
    resolved: Resolved, learnt: Dataset, similar: SimilarityGraph, crossing: Mapping[str, float]
) -> None:
    """Raise where nothing in the data can teach the invariance that would be promised."""
    for n, name in resolved.ignored_factors.items():
        where = resolved.declaration.where("ignore", n)
        values, code = np.unique(learnt.factor(name), return_inverse=True)
        if len(values) < 2:
            raise InputError(
                f"{where}: {name!r} has only the value {values[0]!r} in the samples to learn from, "
                "so there is nothing to become invariant to; remove it from ignore"
            )
        if crossing[name] < LEAST_CROSSING:
            raise InputError(
                f"{where}: {crossing[name]:.2%} of the similar pairs cross {name!r}, so no "
                "invariance to it can be learnt, and none is promised. Where each kept value "
                "comes with only one value of it, the data is confounded: add samples that "
                "differ in it alone, a source or pairs that join them, or remove it from ignore "
                "(drlim fit --force learns the map, and promises nothing)"
            )
        # A bipartite graph of values and connected parts, with an edge for each sample: values
        # in one component of it are joined by a chain of similar pairs.
        parts = len(values) + similar.components
        both = np.stack([code, parts], axis=1)
        joined = SimilarityGraph.from_edges(both, parts.max() + 1).components[: len(values)]
        if joined.max() > 0:
            apart = [str(value) for value in values[joined != joined[0]][:3]]
            raise InputError(
                f"{where}: no chain of similar pairs leads from {name} {str(values[0])!r} to "
                f"{', '.join(map(repr, apart))}, so the map may keep them apart; add pairs that "
                "join them (drlim fit --force learns the map, and promises nothing)"
            )
