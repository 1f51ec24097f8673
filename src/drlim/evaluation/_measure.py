"""Measure what a map ignores and keeps, beside its references; `drlim.evaluation.proof` judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drlim._errors import InputError
from drlim._random import RandomState, generator, seed_of
from drlim.evaluation._probes import as_values, check_groups, kind_of
from drlim.evaluation.invariance import (
    MOST_SAMPLES,
    NUMBER_PROBES,
    PROBES,
    Displacement,
    Leakage,
    NumberLeakage,
    from_kept,
    leakage,
    orbit_ratio,
    orbits,
)
from drlim.evaluation.proof import Ignored, Kept
from drlim.evaluation.quality import as_rows
from drlim.evaluation.retention import Retention, retention

N_FOLDS = 5


def measure_ignored(
    name: str,
    maps: Mapping[str, Any],
    factor: Any,
    *,
    kept: Mapping[str, Any] | None = None,
    periods: Mapping[str, float] | None = None,
    kind: str | None = None,
    groups: Any = None,
    orbit: Any = None,
    displacement: Mapping[str, Displacement] | None = None,
    random_state: RandomState = None,
) -> Ignored:
    """Measure whether a map ignores a factor, beside its references.

    Parameters
    ----------
    name : str
        What the factor is called.
    maps : mapping of str to array-like of shape (n_samples, ...)
        Held-out points: of "map", and of its references by their names, such as "samples",
        "pca" and "untrained". For a transformation these are the points of transformed copies.
    factor : array-like of shape (n_samples,)
        What should be ignored; for a transformation its strength, or which it was.
    kept : mapping of str to array-like of shape (n_samples,), optional
        What should be kept: what it tells of the factor is no fault of the map.
    periods : mapping of str to float, optional
        The period of each factor, this or a kept one, that begins again.
    kind : {"class", "number"}, optional
        Otherwise by its values, as `drlim.evaluation.invariance` counts them: a number if there
        are more than 20, or it has a period.
    groups : array-like of shape (n_samples,), optional
        The source of each sample, where there are copies.
    orbit : array-like of shape (n_samples,), optional
        Which samples differ in what is ignored alone; by default the groups, and without them
        those that agree in all that is kept.
    displacement : mapping of str to Displacement, optional
        How far it holds, to go with it.
    random_state : int, numpy Generator or RandomState, optional
        For the probes, and of more than 2,000 samples for which groups are probed.

    Returns
    -------
    Ignored
    """
    points, n = _points(maps)
    factor, kept, periods = np.asarray(factor), dict(kept or {}), periods or {}
    period = periods.get(name)
    _check_length(n, {name: factor, **kept})
    sources = check_groups(groups, n)
    if orbit is None and groups is not None:
        orbit = sources
    elif orbit is None and kept:
        orbit = orbits(kept)
    seed = seed_of(random_state)
    known = _known(factor)
    chosen = _drawn(known, sources, seed)
    kind = kind or ("number" if period is not None else kind_of(factor[known]))
    common = _common(chosen, factor, sources) if kind == "class" else chosen
    probes = PROBES if kind == "class" else NUMBER_PROBES
    options: dict[str, Any] = {
        "kind": kind,
        "period": period,
        "groups": sources[common],
        "n_folds": N_FOLDS,
        "random_state": seed,
    }
    leaks: dict[str, tuple[Leakage | NumberLeakage, ...]] = {}
    of_kept: tuple[Leakage | NumberLeakage, ...] = ()
    why = _why_unreadable(factor[common], sources[common], N_FOLDS)
    if not why:
        leaks = {
            other: tuple(leakage(Z[common], factor[common], probe=p, **options) for p in probes)
            for other, Z in points.items()
        }
    if not why and kept:
        part = {other: np.asarray(values)[common] for other, values in kept.items()}
        of_kept = tuple(
            from_kept(part, factor[common], periods=periods, probe=p, **options) for p in probes
        )
    return Ignored(
        name=name,
        leakage=leaks,
        orbit_ratio={
            other: _orbit_ratio(Z[chosen], None if orbit is None else np.asarray(orbit)[chosen])
            for other, Z in points.items()
        },
        from_kept=of_kept,
        constant=is_constant(points["map"]),
        n_sources=len(np.unique(sources[common])),
        tried=_range_of(factor[common], kind),
        n_left_out=int((~known).sum() + (chosen & ~common).sum()),
        why=why,
        displacement=dict(displacement or {}),
    )


def measure_kept(
    name: str,
    maps: Mapping[str, Any],
    factor: Any,
    *,
    train: Mapping[str, Any] | None = None,
    factor_train: Any = None,
    kind: str | None = None,
    period: float | None = None,
    groups: Any = None,
    n_neighbors: int = 5,
    random_state: RandomState = None,
) -> Kept:
    """Measure whether a map keeps a factor, or neighbourhoods, beside its references.

    Parameters
    ----------
    name : str
        What the factor is called.
    maps : mapping of str to array-like of shape (n_samples, ...)
        Held-out points: of "map", and of its references by their names.
    factor : array-like of shape (n_samples,)
        What should be kept; for `kind` "neighbors" the features in which samples are near,
        (n_samples, ...). A reference that is these features is left out: it keeps them by
        definition. For neighbours within a group, such as one lighting, give the samples of one.
    train : mapping of str to array-like of shape (n_train, ...), optional
        Training points under the same names, from which held-out ones are read; without them
        held-out points are read from each other.
    factor_train : array-like of shape (n_train,), optional
    kind : {"class", "number", "neighbors"}, optional
        Otherwise by the values of the factor, as in `measure_ignored`.
    period : float, optional
        After which a number begins again.
    groups : array-like of shape (n_samples,), optional
        The source of each sample, where there are copies.
    n_neighbors : int, default=5
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Kept
    """
    points, n = _points(maps)
    factor = np.asarray(factor)
    _check_length(n, {name: factor})
    if train is not None and set(points) - set(train):
        raise InputError(
            f"train has {', '.join(train)} and maps has {', '.join(points)}; there must be "
            "training points of each map, or none at all"
        )
    if train is not None and factor_train is None and kind != "neighbors":
        raise InputError("train has points and factor_train is None; give both, or neither")
    sources = check_groups(groups, n)
    seed = seed_of(random_state)
    of_space = kind == "neighbors"
    known = np.ones(n, bool) if of_space else _known(factor)
    common = chosen = _drawn(known, sources, seed)
    kind = kind or ("number" if period is not None else kind_of(factor[known]))
    if of_space:
        features = as_rows(factor)
        points = {k: Z for k, Z in points.items() if k == "map" or not np.array_equal(Z, features)}
        few = f"{chosen.sum()} held-out samples are too few for {n_neighbors} neighbours"
        why = "" if 1 <= n_neighbors < chosen.sum() / 2 else few
    else:
        if kind == "class" and train is not None:
            common = chosen & np.isin(as_values(factor), as_values(np.asarray(factor_train)))
        elif kind == "class":
            common = _common(chosen, factor, sources)
        why = _why_unreadable(factor[common], sources[common], 2)

    def measure(kind: str) -> dict[str, Retention]:
        return {
            other: retention(
                None if train is None or of_space else train[other],
                factor_train,
                Z[common],
                factor[common],
                kind=kind,
                period=period,
                groups=sources[common],
                n_neighbors=n_neighbors,
                random_state=seed,
            )
            for other, Z in points.items()
        }

    return Kept(
        name=name,
        retention={} if why else measure(kind),
        preservation=measure("preservation") if of_space and not why else {},
        constant=is_constant(points["map"]),
        n_sources=len(np.unique(sources[common])),
        n_left_out=int((~known).sum() + (chosen & ~common).sum()),
        why=why,
    )


def is_constant(Z: Any) -> bool:
    """Tell whether all points are one, to the precision of single floats.

    Examples
    --------
    >>> is_constant([[1.0, 2.0], [1.0, 2.0]]), is_constant([[1e-9], [2e-9]])
    (True, False)
    """
    rows = as_rows(Z)
    return bool(np.ptp(rows, axis=0).max() <= 1e-6 * np.abs(rows).max())


def _points(maps: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], int]:
    if "map" not in maps:
        raise InputError(f"maps has {', '.join(maps) or 'nothing'}; one must be called 'map'")
    points = {name: as_rows(Z) for name, Z in maps.items()}
    n = len(points["map"])
    for name, Z in points.items():
        if len(Z) != n or not np.isfinite(Z).all():
            raise InputError(
                f"{name!r} has {len(Z)} points and the map {n}; each must have a point of finite "
                "numbers for each held-out sample"
            )
    return points, n


def _check_length(n: int, factors: Mapping[str, Any]) -> None:
    for name, factor in factors.items():
        if len(np.asarray(factor)) != n:
            raise InputError(
                f"{name!r} has {len(np.asarray(factor))} values and there are {n} held-out "
                "samples; a factor has one value a sample"
            )


def _known(factor: np.ndarray) -> np.ndarray:
    """Tell of which samples the factor is known."""
    if factor.dtype.kind == "f":
        return np.asarray(np.isfinite(factor))
    if factor.dtype.kind == "O":
        return np.array([value is not None and value == value for value in factor], bool)
    return np.ones(len(factor), bool)


def _drawn(known: np.ndarray, sources: np.ndarray, seed: int) -> np.ndarray:
    """Draw whole sources until there are enough samples to measure, of those that are known."""
    if known.sum() <= MOST_SAMPLES:
        return known
    names, source = np.unique(sources, return_inverse=True)
    order = generator(seed).permutation(len(names))
    size = np.bincount(source, weights=known)[order]
    some = order[: max(2 * N_FOLDS, int((np.cumsum(size) <= MOST_SAMPLES).sum()))]
    return np.asarray(known & np.isin(source, some))


def _common(chosen: np.ndarray, factor: np.ndarray, sources: np.ndarray) -> np.ndarray:
    """Leave out samples whose value is in fewer sources than there are folds."""
    value = np.unique(as_values(factor), return_inverse=True)[1]
    source = np.unique(sources, return_inverse=True)[1]
    met = np.unique(np.stack([value, source])[:, chosen], axis=1)[0]
    return np.asarray(chosen & (np.bincount(met, minlength=value.max() + 1)[value] >= N_FOLDS))


def _why_unreadable(factor: np.ndarray, sources: np.ndarray, n_sources: int) -> str:
    if len(np.unique(as_values(factor))) < 2:
        return "fewer than two of its values are in enough held-out sources to be told apart"
    if len(np.unique(sources)) < n_sources:
        return f"it needs {n_sources} held-out sources or more to be learnt and tried on others"
    return ""


def _orbit_ratio(Z: np.ndarray, orbit: np.ndarray | None) -> float | None:
    if orbit is None or not 1 < len(np.unique(orbit)) < len(orbit):
        return None
    ratio = orbit_ratio(Z, orbit)
    return None if np.isnan(ratio) else ratio


def _range_of(factor: np.ndarray, kind: str) -> str:
    if not len(factor):
        return "nothing"
    if kind == "number":
        return f"{factor.min():g} to {factor.max():g}"
    form = "{:g}" if factor.dtype.kind == "f" else "{}"
    values = [form.format(value) for value in np.unique(as_values(factor))]
    more = f" and {len(values) - 8} more" if len(values) > 8 else ""
    return ", ".join(values[:8]) + more
