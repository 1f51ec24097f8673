"""Factors that look like the source of samples, and were not declared as such."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drlim.declaration._resolve import Resolved
from drlim.evaluation._probes import as_values, is_known

# A source has samples under several conditions: two or more each, but not very many.
_MOST_OF_ONE = 20
_FEWEST_SOURCES = 10


def likely_sources(resolved: Resolved) -> Iterator[str]:
    """Give a line for each factor that seems to say which samples show one thing.

    Each of its values comes several times, and samples of one value agree in all that is kept,
    which does not determine the value. Where a source or a group is declared, there are none.
    """
    declaration, data = resolved.declaration, resolved.data
    if declaration.data.source or declaration.data.group or not resolved.kept_factors:
        return
    kept = [_codes(data.factor(name)) for name in resolved.kept_factors]
    determined = len(np.unique(np.stack(kept, axis=1), axis=0))
    is_measured = any(keep.is_measured or keep.tolerance for keep in declaration.keep)
    used = set(declaration.named_factors)
    for name, values in data.factors.items():
        if name in used or not is_known(values).all():
            continue
        codes = _codes(values)
        n_of_each = np.bincount(codes)
        if not (
            len(n_of_each) >= _FEWEST_SOURCES
            and n_of_each.min() >= 2
            and n_of_each.max() <= _MOST_OF_ONE
            and (is_measured or determined < len(n_of_each))
        ):
            continue
        pairs = np.stack([codes, *kept], axis=1)
        if len(np.unique(pairs, axis=0)) == len(n_of_each):
            yield (
                f"each of the {len(n_of_each):,} values of {name} has {n_of_each.min()} or more "
                f"samples, which agree in {', '.join(resolved.kept_factors)}: if they show one "
                f"thing each, give --source {name} (data.source); without it a held-out sample "
                "may show a thing that was learnt from, and the proof is better than the map"
            )


def _codes(values: np.ndarray) -> np.ndarray:
    codes: np.ndarray = np.unique(as_values(values), return_inverse=True)[1]
    return codes
