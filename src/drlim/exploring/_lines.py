"""Lines between samples that differ in one ignored factor alone."""

from __future__ import annotations

import numpy as np

from drlim.evaluation._probes import as_values, is_known
from drlim.exploring._known import Known


def lines_of(known: Known) -> dict[str, np.ndarray]:
    """Return pairs of samples that differ in one ignored factor and in nothing else declared.

    The samples of one source, or without sources those that agree in everything kept, are joined
    in the order of the factor's values. A group with two samples of one value is left out: these
    differ in something that the declaration does not name.

    Returns
    -------
    dict of str to ndarray of shape (n_pairs, 2), int32
        Without factors that join no samples.
    """
    declaration = known.declaration
    ignored = [
        ignore.name
        for ignore in declaration.ignore
        if ignore.transform is None and ignore.name in known.factors
    ]
    source = declaration.data.source
    same = [source] if source else [keep.factor for keep in declaration.keep if keep.factor]
    if not same or not set(same) <= known.factors.keys():
        return {}
    found = {}
    for factor in ignored:
        others = [
            known.factors[name] for name in dict.fromkeys([*same, *ignored]) if name != factor
        ]
        pairs = _joined(known.factors[factor], others)
        if others and len(pairs):
            found[factor] = pairs
    return found


def _joined(factor: np.ndarray, others: list[np.ndarray]) -> np.ndarray:
    """Join the samples that agree in all others, one of each value, in the order of the values."""
    codes = [_codes(values) for values in (*others, factor)]
    order = np.lexsort(codes[::-1])
    group = np.zeros(len(factor), np.int64)
    for code in codes[:-1]:
        group[1:] |= (np.diff(code[order]) != 0).astype(np.int64)
    group = np.cumsum(group)
    value = codes[-1][order]
    repeats = (np.diff(group) == 0) & (np.diff(value) == 0)
    is_bad = np.isin(group, group[1:][repeats])
    joined = (np.diff(group) == 0) & ~is_bad[1:]
    known = np.all([is_known(values[order]) for values in (*others, factor)], axis=0)
    joined &= known[1:] & known[:-1]
    return np.stack([order[:-1][joined], order[1:][joined]], axis=1).astype(np.int32)


def _codes(values: np.ndarray) -> np.ndarray:
    codes: np.ndarray = np.unique(as_values(values), return_inverse=True)[1]
    return codes
