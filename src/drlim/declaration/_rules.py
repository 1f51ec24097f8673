"""A declaration and its data become one graph of similarity, each edge knowing its rules."""

from __future__ import annotations

import difflib
import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drlim._deprecated import renamed_arguments
from drlim._errors import InputError, nearest_name
from drlim.datasets import Dataset, read_table
from drlim.declaration._schema import Declaration, Ignore, Keep, at
from drlim.graphs import SimilarityGraph, adjacent, copies, neighbors, pairs, same
from drlim.transforms import GEOMETRIC, KINDS, Augment, Change, change

# Fewer similar pairs than this share across an ignored factor, and what is learnt is the factor's
# absence from a handful of pairs: no invariance is promised.
LEAST_CROSSING = 0.01


@dataclass(frozen=True)
class Rules:
    """Who is similar, who is dissimilar, and which rule says so.

    Attributes
    ----------
    similar : SimilarityGraph
    dissimilar : SimilarityGraph or None
        Explicit dissimilar pairs, where the declaration keeps nothing and so says only of pairs
        what they are; else None: whatever is not similar is dissimilar.
    weight : ndarray of shape (n_drawn,) or None
        What each pair of ``similar | dissimilar`` counts, where the table of pairs says.
    by_rule : mapping of str to SimilarityGraph
        The similar pairs of each rule.
    reasons : mapping of (int, int) to str
        What the table of pairs says of its pairs.
    crossing : mapping of str to float
        The share of similar pairs that cross each ignored factor.
    """

    similar: SimilarityGraph
    dissimilar: SimilarityGraph | None
    weight: np.ndarray | None
    by_rule: Mapping[str, SimilarityGraph]
    reasons: Mapping[tuple[int, int], str]
    crossing: Mapping[str, float]

    def why(self, left: int, right: int) -> list[str]:
        """Return the rules that make two samples similar, given as rows of the graph."""
        said = [rule for rule, graph in self.by_rule.items() if graph.has(left, right)]
        reason = self.reasons.get((min(left, right), max(left, right)))
        return [*said, reason] if reason else said

    def summary(self) -> list[str]:
        """Return what was found, as lines for the user."""
        graph = self.similar
        alone = int((graph.degree == 0).sum())
        n_parts = len(np.unique(graph.components[graph.degree > 0]))
        lines = [f"{graph.n_edges:,} similar pairs among {graph.n_samples:,} samples:"]
        lines += [f"  {rule.n_edges:,} by: {name}" for name, rule in self.by_rule.items()]
        if graph.recall is not None:
            found = math.floor(1e3 * graph.recall) / 10  # never 100 % of all but a few
            lines.append(f"neighbours were searched for approximately: {found}% of them found")
        if self.dissimilar is not None:
            lines.append(f"{self.dissimilar.n_edges:,} pairs are dissimilar, the rest is neither")
        lines += [
            f"{share:.1%} of them cross {name}, which is ignored"
            for name, share in self.crossing.items()
        ]
        lines.append(f"{n_parts:,} connected {'part' if n_parts == 1 else 'parts'}")
        if alone:
            lines.append(
                f"{alone:,} {'sample has' if alone == 1 else 'samples have'} no similar partner: "
                "pushed away by all others, and learnt from in no other way"
            )
        return lines


@renamed_arguments(anyway="force")
def rules(
    declaration: Declaration,
    data: Dataset,
    rows: np.ndarray | None = None,
    *,
    force: bool = False,
    progress: Callable[[float], object] | None = None,
) -> Rules:
    """Combine what a declaration says of the samples that are learnt from, and check it.

    Similar is what is near in everything that is kept (`Keep`), and of the factors that have a
    step at most one may differ by it, as in the paper's rule for the airplane. Samples of one
    source are similar too, and so are those of one source with what is near another of it:
    ``near | copy | near @ copy``. Pairs of the table come on top.

    Parameters
    ----------
    declaration : Declaration
    data : Dataset
        All samples, with all factors that the declaration names.
    rows : ndarray of int, optional
        The samples that are learnt from, which the graphs are about; None: all.
    force : bool, default=False
        Whether an ignored factor that too few similar pairs cross is let pass.
    progress : callable, optional
        Is told the share of a search for neighbours that is done, from time to time.

    Raises
    ------
    InputError
        If a factor is missing, or both ignored and kept; a pair is both similar and dissimilar;
        nothing, or everything, is similar; or too few similar pairs cross an ignored factor.
    """
    _check_factors(declaration, data)
    rows = np.arange(len(data)) if rows is None else rows
    changes_ignored(declaration, data)  # raises where one cannot be made to such samples
    table = None
    if declaration.pairs is not None:
        with at(declaration, "pairs", "path"):
            table = _Table.read(declaration.pairs.path, data)
    learnt = data.subset(rows)
    by_rule: dict[str, SimilarityGraph] = {}
    if declaration.keep:
        by_rule[_sentence(declaration)] = _near(declaration, learnt, progress)
    if declaration.data.source:
        near = next(iter(by_rule.values()), SimilarityGraph.empty(len(rows)))
        copy = copies(learnt.factor(declaration.data.source))
        by_rule[f"of one {declaration.data.source}"] = copy
        if near.n_edges:
            by_rule[f"near another of its {declaration.data.source}"] = (near @ copy) - near - copy
    if table is not None:
        table = table.restrict(rows)
        _check_pairs(table, by_rule, declaration, data, rows)
        by_rule["the table of pairs"] = table.similar
    similar = SimilarityGraph.empty(len(rows))
    for graph in by_rule.values():
        similar = similar | graph
    explicit = table is not None and not declaration.keep and table.dissimilar.n_edges > 0
    dissimilar = table.dissimilar if table is not None and explicit else None
    _check_extent(similar, dissimilar, declaration, data)
    crossing = {
        name: _share_crossing(similar, learnt.factor(name))
        for name in factors_ignored(declaration, data)
    }
    if not force:
        _check_crossing(declaration, learnt, similar, crossing)
    drawn = similar if dissimilar is None else similar | dissimilar
    return Rules(
        similar=similar,
        dissimilar=dissimilar,
        weight=None if table is None else table.weights(drawn),
        by_rule=by_rule,
        reasons={} if table is None else table.reasons,
        crossing=crossing,
    )


def factors_ignored(declaration: Declaration, data: Dataset) -> list[str]:
    """Return the ignored things that are factors of the data, in their order."""
    return [
        ignore.name
        for ignore in declaration.ignore
        if ignore.transform is None and ignore.name in data.factors
    ]


def changes_ignored(declaration: Declaration, data: Dataset) -> list[Change]:
    """Return the ignored things that are transformations, in their order.

    Raises
    ------
    InputError
        If one is not known, or cannot be made to such samples.
    """
    return [change for _, change in _ignored_changes(declaration, data)]


def copies_ignored(declaration: Declaration, data: Dataset) -> list[tuple[Change, float]]:
    """Return those of listed values, of which copies are made, and what two copies count."""
    return [
        (change, ignore.weight or 1.0)
        for ignore, change in _ignored_changes(declaration, data)
        if change.values is not None
    ]


def _ignored_changes(declaration: Declaration, data: Dataset) -> list[tuple[Ignore, Change]]:
    found = []
    for n, ignore in enumerate(declaration.ignore):
        if ignore.transform or (ignore.factor not in data.factors and ignore.factor in KINDS):
            with at(declaration, "ignore", n):
                made = change(
                    ignore.name,
                    range=ignore.range,
                    values=ignore.values,
                    along=ignore.along,
                    outside=declaration.data.outside if ignore.name in GEOMETRIC else None,
                )
                Augment.for_samples([made], data.X[:2])
                found.append((ignore, made))
    return found


def _near(
    declaration: Declaration, data: Dataset, progress: Callable[[float], object] | None
) -> SimilarityGraph:
    """Return the pairs that are near in everything that is kept."""
    kept = {n: keep for n, keep in enumerate(declaration.keep) if keep.factor is not None}
    nearest = {n: keep for n, keep in enumerate(declaration.keep) if n not in kept}
    if nearest:
        graphs = []
        for number, (n, keep) in enumerate(nearest.items()):
            names = [str(other.factor) for other in kept.values()]
            names += [keep.within] if keep.within else []
            within = _agreeing(data, names) if names else None
            with at(declaration, "keep", n):
                k = int(keep.neighbors or 0)
                told = functools.partial(_tell, progress, number, len(nearest))
                graphs.append(neighbors(data.X, k, within=within, progress=told))
        return functools.reduce(operator.or_, graphs)
    equal, beside = {}, {}
    for n, keep in kept.items():
        factor = data.factor(str(keep.factor))
        with at(declaration, "keep", n):
            equal[n] = same(factor)
            if keep.tolerance is not None:
                equal[n] = equal[n] | adjacent(factor, keep.tolerance)
            if keep.step is not None:
                beside[n] = adjacent(factor, keep.step, period=keep.period)
    near = functools.reduce(operator.and_, equal.values())
    for n, graph in beside.items():
        others = [equal[other] for other in equal if other != n]
        near = near | functools.reduce(operator.and_, others, graph)
    return near


def _tell(
    progress: Callable[[float], object] | None, number: int, n_searches: int, share: float
) -> None:
    """Tell of a share of one search as the share of all that it is."""
    if progress is not None:
        progress((number + share) / n_searches)


def _agreeing(data: Dataset, names: Sequence[str]) -> np.ndarray:
    """Return groups of samples that agree in all of some factors, as numbers."""
    codes = [np.unique(data.factor(name), return_inverse=True)[1] for name in names]
    together = np.unique(np.stack(codes, axis=1), axis=0, return_inverse=True)[1]
    return np.asarray(together).ravel()


def _described(keep: Keep) -> str:
    details = [
        f"{word} {value:g}"
        for word, value in (
            ("step", keep.step),
            ("period", keep.period),
            ("tolerance", keep.tolerance),
        )
        if value is not None
    ]
    details += [f"within {keep.within}"] if keep.within else []
    return keep.name + (f" ({', '.join(details)})" if details else "")


def _sentence(declaration: Declaration) -> str:
    return "near in " + " and ".join(_described(keep) for keep in declaration.keep)


@dataclass(frozen=True)
class _Table:
    """The table of pairs, in row numbers."""

    similar: SimilarityGraph
    dissimilar: SimilarityGraph
    edges: np.ndarray
    weight: np.ndarray | None
    reason: np.ndarray | None

    @classmethod
    def read(cls, path: Path, data: Dataset) -> _Table:
        table = read_table(path)
        for column in ("left", "right"):
            if column not in table:
                raise InputError(
                    f"{path} has no column {column!r}; a table of pairs has the columns left and "
                    f"right, and may have similar, weight and reason; it has: {', '.join(table)}"
                )
        left, right = (_rows(table[side], data, f"{path}, {side}") for side in ("left", "right"))
        similar = _bools(table.get("similar", np.ones(len(left), bool)), path)
        weight = table.get("weight")
        if weight is not None:
            numbers = weight.dtype.kind in "iuf"
            bad = ~(np.isfinite(weight) & (weight > 0)) if numbers else np.ones(len(weight), bool)
            if bad.any():
                raise InputError(
                    f"{path} has the weight {str(weight[bad][0])!r}; a weight must be a finite "
                    "number > 0: leave out a pair that is worth nothing"
                )
        return cls(
            similar=pairs(left[similar], right[similar], len(data)),
            dissimilar=pairs(left[~similar], right[~similar], len(data)),
            edges=np.sort(np.stack([left, right], axis=1), axis=1),
            weight=weight,
            reason=table.get("reason"),
        )

    @property
    def reasons(self) -> dict[tuple[int, int], str]:
        """What the table says of its pairs."""
        if self.reason is None:
            return {}
        return {
            (int(i), int(j)): str(reason)
            for (i, j), reason in zip(self.edges, self.reason, strict=True)
            if str(reason)
        }

    def restrict(self, rows: np.ndarray) -> _Table:
        """Return the pairs among some of the samples, renumbered."""
        place = np.full(self.similar.n_samples, -1)
        place[rows] = np.arange(len(rows))
        edges = place[self.edges]
        inside = (edges >= 0).all(axis=1)
        return _Table(
            self.similar.restrict(rows),
            self.dissimilar.restrict(rows),
            np.sort(edges[inside], axis=1),
            None if self.weight is None else self.weight[inside],
            None if self.reason is None else self.reason[inside],
        )

    def weights(self, drawn: SimilarityGraph) -> np.ndarray | None:
        """Return what each of some pairs counts: as the table says, else 1."""
        if self.weight is None:
            return None
        n = drawn.n_samples
        keys, mine = drawn.edges @ [n, 1], self.edges @ [n, 1]
        weight = np.ones(len(keys))
        there = np.isin(mine, keys)  # a dissimilar pair of a table beside rules is not drawn
        weight[np.searchsorted(keys, mine[there])] = self.weight[there]
        return weight


def _rows(named: np.ndarray, data: Dataset, where: str) -> np.ndarray:
    """Return the rows of samples that are given by number or by name."""
    if not len(named):
        return np.empty(0, np.int64)
    if named.dtype.kind in "iu":
        outside = (named < 0) | (named >= len(data))
        if outside.any():
            raise InputError(
                f"{where} names row {named[outside][0]}; the data has the rows 0 to {len(data) - 1}"
            )
        return named.astype(np.int64)
    if data.names is None:
        raise InputError(
            f"{where} names a sample {str(named[0])!r}, and the data has no names; give row "
            "numbers, or data with names (a folder of images)"
        )
    place = {str(name): row for row, name in enumerate(data.names)}
    unknown = [str(name) for name in named if str(name) not in place]
    if unknown:
        raise InputError(
            f"{where} names {unknown[0]!r}, and there is no such sample; "
            f"{_close(unknown[0], place)}"
        )
    return np.array([place[str(name)] for name in named], np.int64)


def _close(name: str, known: Iterable[str]) -> str:
    """Say what was likely meant, where there are too many names to list."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "names are paths in the folder, with /"


def _bools(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype == bool:
        return values
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    read = [words.get(str(value).strip().lower()) for value in values]
    if None in read:
        raise InputError(
            f"{path} has {str(values[read.index(None)])!r} in the column similar; it must be "
            "true or false"
        )
    return np.array(read, bool)


def _check_factors(declaration: Declaration, data: Dataset) -> None:
    kept = {str(keep.factor): n for n, keep in enumerate(declaration.keep) if keep.factor}
    for n, ignore in enumerate(declaration.ignore):
        where = declaration.where("ignore", n)
        if ignore.name in kept:
            raise InputError(
                f"{where}: {ignore.name!r} is ignored and kept "
                f"({declaration.where('keep', kept[ignore.name])}); it can be one only"
            )
        if ignore.factor and ignore.factor not in {*data.factors, *KINDS}:
            raise InputError(
                f"{where}: there is no factor and no transformation {ignore.factor!r}; "
                f"{nearest_name(ignore.factor, [*data.factors, *KINDS])}"
            )
    nearest = [n for n, keep in enumerate(declaration.keep) if keep.neighbors]
    apart = [n for n, keep in enumerate(declaration.keep) if keep.step or keep.tolerance]
    if nearest and apart:
        raise InputError(
            f"{declaration.where('keep', apart[0])}: {declaration.keep[apart[0]].factor!r} has a "
            f"step or a tolerance, and {declaration.where('keep', nearest[0])} asks for nearest "
            "neighbours, which are looked for among equal values: take out one of the two"
        )
    named: list[tuple[tuple[str | int, ...], str | None]] = [
        (("keep", n), keep.factor) for n, keep in enumerate(declaration.keep)
    ]
    named += [(("keep", n, "within"), keep.within) for n, keep in enumerate(declaration.keep)]
    named += [(("data", key), getattr(declaration.data, key)) for key in ("source", "group")]
    named += [(("held_out", "unseen", key), key) for key in declaration.held_out.unseen]
    for keys, name in named:
        if name is not None and name not in data.factors:
            raise InputError(
                f"{declaration.where(*keys)}: there is no factor {name!r}; "
                f"{nearest_name(name, data.factors)}"
            )
    if not (declaration.keep or declaration.pairs or declaration.data.source or declaration.ignore):
        raise InputError(
            "the declaration keeps nothing and ignores nothing; say what should matter, such as "
            "keep = ['class'], and what should not"
        )


def _check_pairs(
    table: _Table,
    by_rule: Mapping[str, SimilarityGraph],
    declaration: Declaration,
    data: Dataset,
    rows: np.ndarray,
) -> None:
    """Raise if the table makes a pair dissimilar that it, or a rule, makes similar."""
    assert declaration.pairs is not None
    for rule, graph in {**by_rule, "the same table": table.similar}.items():
        both = graph & table.dissimilar
        if both.n_edges:
            first = rows[both.edges[0]]
            names = [str(row if data.names is None else data.names[row]) for row in first]
            raise InputError(
                f"{declaration.where('pairs', 'path')}: {both.n_edges} "
                f"{'pair is' if both.n_edges == 1 else 'pairs are'} both similar and dissimilar, "
                f"the first is "
                f"{' and '.join(names)}: dissimilar by {declaration.pairs.path}, similar by the "
                f"rule {rule!r}; take them out of the table, or change the rule"
            )


def _check_extent(
    similar: SimilarityGraph,
    dissimilar: SimilarityGraph | None,
    declaration: Declaration,
    data: Dataset,
) -> None:
    if not similar.n_edges and not changes_ignored(declaration, data):
        raise InputError(
            "no two samples are similar by this declaration, so there is nothing to learn from; "
            "give a factor with equal values, a step or a tolerance, or neighbors = 5"
        )
    if similar.n_edges == similar.n_pairs and dissimilar is None:
        raise InputError(
            f"all {similar.n_samples} samples are similar to each other by this declaration, so "
            "the map would be one point; keep something in which they differ"
        )


def _share_crossing(similar: SimilarityGraph, factor: np.ndarray) -> float:
    if similar.groups is not None and similar.n_edges:
        return 1 - (similar & same(factor)).n_edges / similar.n_edges
    left, right = similar.edges.T
    return float(np.mean(factor[left] != factor[right])) if similar.n_edges else 0.0


def _check_crossing(
    declaration: Declaration,
    data: Dataset,
    similar: SimilarityGraph,
    crossing: Mapping[str, float],
) -> None:
    """Raise where invariance would be promised that nothing in the data can teach."""
    for n, ignore in enumerate(declaration.ignore):
        if ignore.name not in crossing:
            continue
        where, share = declaration.where("ignore", n), crossing[ignore.name]
        values, code = np.unique(data.factor(ignore.name), return_inverse=True)
        if len(values) < 2:
            raise InputError(
                f"{where}: {ignore.name!r} has the one value {values[0]!r} in all samples that are "
                "learnt from; there is nothing to become invariant to: do not list it"
            )
        if share < LEAST_CROSSING:
            raise InputError(
                f"{where}: {share:.2%} of the similar pairs cross {ignore.name!r}, so no "
                "invariance to it can be learnt, and none is promised. Where each kept value "
                "comes with one value of it only, the data is confounded: add samples that "
                "differ in it alone, a source or pairs that join them, or drop it from ignore "
                "(drlim fit --force learns the map, and promises nothing)"
            )
        # A value and a connected part of the graph are joined by each sample that is of both.
        parts = len(values) + similar.components
        both = np.stack([code, parts], axis=1)
        joined = SimilarityGraph.from_edges(both, parts.max() + 1).components[: len(values)]
        if joined.max() > 0:
            apart = [str(value) for value in values[joined != joined[0]][:3]]
            raise InputError(
                f"{where}: no similar pairs lead from {ignore.name} {str(values[0])!r} to "
                f"{', '.join(map(repr, apart))}, however far round, so the map may keep them "
                "apart; add pairs that join them (drlim fit --force promises nothing)"
            )
