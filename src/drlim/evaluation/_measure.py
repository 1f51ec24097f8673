"""Measure what a map ignores and keeps, beside its references; `drlim.evaluation.proof` judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from drlim._checks import as_array, as_rows
from drlim._errors import InputError
from drlim._random import RandomState, generator, seed_of
from drlim._values import alike, is_in
from drlim.evaluation._probes import (
    MOST_SAMPLES,
    N_FOLDS,
    NUMBER_PROBES,
    PROBES,
    as_values,
    check_groups,
    is_known,
    kind_of,
    kinds_of,
)
from drlim.evaluation.invariance import (
    Displacement,
    Leakage,
    NumberLeakage,
    from_kept,
    leakage,
    orbit_ratio,
    orbits,
)
from drlim.evaluation.proof import CONFIDENCE, Ignored, Kept
from drlim.evaluation.retention import Retention, retention


def measure_ignored(
    name: str,
    maps: Mapping[str, Any],
    factor: Any,
    *,
    train: Mapping[str, Any] | None = None,
    factor_train: Any = None,
    kept: Mapping[str, Any] | None = None,
    kept_train: Mapping[str, Any] | None = None,
    periods: Mapping[str, float] | None = None,
    kind: str | None = None,
    groups: Any = None,
    orbit: Any = None,
    displacement: Mapping[str, Displacement] | None = None,
    trained_range: tuple[float, float] | None = None,
    random_state: RandomState = None,
) -> Ignored:
    """Measure whether a map ignores a factor, beside its references.

    Parameters
    ----------
    name : str
        The factor's name.
    maps : mapping of str to array-like of shape (n_samples, ...)
        Held-out points of "map", and of its references by their names, such as "samples", "pca"
        and "untrained". For a transformation these are the points of transformed copies.
    factor : array-like of shape (n_samples,)
        What should be ignored; for a transformation, its strength or its name. Samples whose
        value is None or NaN are left out.
    train : mapping of str to array-like of shape (n_train, ...), optional
        Points under the same names of the samples that the map was learnt from, from which
        held-out ones are read as well: a user would meet a leak there.
    factor_train : array-like of shape (n_train,), optional
    kept : mapping of str to array-like of shape (n_samples,), optional
        What should be kept. What the kept factors predict of the ignored one counts as chance.
    kept_train : mapping of str to array-like of shape (n_train,), optional
        The kept factors of the samples that the map was learnt from.
    periods : mapping of str to float, optional
        The period of each factor, ignored or kept, that is cyclic.
    kind : {"class", "number"}, optional
        How the factor is read. By default a number if it has a period or more than 20 values, and
        a class otherwise; more than 20 numbers that mostly come again are probed in both ways,
        and the worse counts.
    groups : array-like of shape (n_samples,), optional
        The source of each sample, where there are copies.
    orbit : array-like of shape (n_samples,), optional
        Samples of one orbit differ in what is ignored alone. By default the groups, and without
        them the samples that agree in all kept factors.
    displacement : mapping of str to Displacement, optional
        How far copies move in "map" and its references. A transformation is ignored only if its
        copies stay nearer together in the map than in the best of the references.
    trained_range : (float, float), optional
        The strengths between which `displacement` counts: those that the map was trained on.
    random_state : int, numpy Generator or RandomState, optional
        For the probes, and for which groups are probed if there are more than 2,000 samples.

    Returns
    -------
    Ignored

    Raises
    ------
    InputError
        If `maps` has no "map", the arrays do not have one finite row for each sample, or only
        one of `train` and `factor_train` is given.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pose, light = rng.normal(size=1000), rng.integers(0, 3, 1000)
    >>> maps = {"map": pose[:, None], "samples": np.stack([pose, light], axis=1)}
    >>> measure_ignored("light", maps, light, random_state=0).verdict
    'holds'
    """
    points, n = _points(maps)
    factor, kept, periods = as_array(factor, "factor"), dict(kept or {}), periods or {}
    _check_lengths(n, {name: factor, **kept})
    sources = check_groups(groups, n)
    if orbit is None and groups is not None:
        orbit = sources
    elif orbit is None and kept:
        orbit = orbits(kept)
    seed = seed_of(random_state)
    drawn = _choose(factor, sources, seed)
    learnt = _learnt(train, factor_train, kept_train, points, seed)
    # Of many names a few held-out samples show each once, which looks like a number.
    given = factor if learnt is None else np.concatenate(alike(factor, learnt.factor))
    kinds = (kind,) if kind else kinds_of(given, periods.get(name))
    readings = [
        _reading(each, drawn, factor, sources, known)
        for each in kinds
        for known in ((None,) if learnt is None else (None, learnt))
    ]
    readable = [reading for reading in readings if not reading.why]
    part = drawn._replace(used=np.any([r.rows for r in readable or readings], axis=0))
    leaks, of_kept = _read(
        readable, points, kept, factor, name=name, periods=periods, sources=sources, seed=seed
    )
    return Ignored(
        name=name,
        leakage=leaks,
        orbit_ratio={
            other: None
            if orbit is None
            else _orbit_ratio(Z[part.drawn], np.asarray(orbit)[part.drawn])
            for other, Z in points.items()
        },
        from_kept=of_kept,
        constant=is_constant(points["map"]),
        n_sources=len(np.unique(sources[part.used])),
        tried=_range_of(factor[part.used], kinds[-1]),
        n_left_out=part.n_left_out,
        why="" if readable else readings[0].why,
        displacement=dict(displacement or {}),
        trained_range=trained_range,
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
        The factor's name.
    maps : mapping of str to array-like of shape (n_samples, ...)
        Held-out points of "map", and of its references by their names.
    factor : array-like of shape (n_samples,)
        What should be kept. For `kind` "neighbors" the features in which samples are near,
        (n_samples, ...); a reference that is these features is left out, as it keeps them by
        definition. For neighbours within a group, such as one lighting, give its samples alone.
    train : mapping of str to array-like of shape (n_train, ...), optional
        Training points under the same names, from which held-out ones are read. Without them
        held-out points are read from each other.
    factor_train : array-like of shape (n_train,), optional
    kind : {"class", "number", "neighbors"}, optional
        By default a class or a number, as in `measure_ignored`.
    period : float, optional
        The period of a cyclic number.
    groups : array-like of shape (n_samples,), optional
        The source of each sample, where there are copies.
    n_neighbors : int, default=5
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    Kept

    Raises
    ------
    InputError
        If `maps` has no "map", the arrays do not have one finite row for each sample, or only
        one of `train` and `factor_train` is given.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pose = rng.normal(size=300)
    >>> measure_kept("pose", {"map": pose[:, None]}, pose, random_state=0).verdict
    'holds'
    """
    points, n = _points(maps)
    factor = as_array(factor, "factor")
    _check_lengths(n, {name: factor})
    if train is not None:
        _check_train(train, points)
    if train is not None and factor_train is None and kind != "neighbors":
        raise InputError("train has points and factor_train is None; give both, or neither")
    sources = check_groups(groups, n)
    seed = seed_of(random_state)
    if kind == "neighbors":
        train = factor_train = None
        factor = as_rows(factor, "factor")
        points = {k: Z for k, Z in points.items() if k == "map" or not np.array_equal(Z, factor)}
        part = _choose(np.zeros(n), sources, seed)
        why = _why_no_neighbors(int(part.used.sum()), n_neighbors)
    else:
        kind = kind or kind_of(factor, period)
        part = _choose(factor, sources, seed)
        if kind == "class" and train is not None:
            part = part.of_values(factor, as_array(factor_train, "factor_train"))
        elif kind == "class":
            part = part.without_rare(factor, sources)
        why = _why_unreadable(factor[part.used], sources[part.used], 2)

    def measure(kind: str, linear: bool = False) -> dict[str, Retention]:
        return {
            other: retention(
                None if train is None else train[other],
                factor_train,
                Z[part.used],
                factor[part.used],
                kind=kind,
                period=period,
                groups=sources[part.used],
                n_neighbors=n_neighbors,
                linear=linear,
                random_state=seed,
            )
            for other, Z in points.items()
        }

    return Kept(
        name=name,
        retention={} if why else measure(kind),
        preservation=measure("preservation") if kind == "neighbors" and not why else {},
        constant=is_constant(points["map"]),
        n_sources=len(np.unique(sources[part.used])),
        n_left_out=part.n_left_out,
        why=why,
        linear={} if why or kind == "neighbors" else measure(kind, linear=True),
    )


def is_constant(Z: Any) -> bool:
    """Tell whether all points are equal, to the precision of single floats.

    Parameters
    ----------
    Z : array-like of shape (n_samples, ...)

    Returns
    -------
    bool

    Examples
    --------
    >>> is_constant([[1.0, 2.0], [1.0, 2.0]]), is_constant([[1e-9], [2e-9]])
    (True, False)
    """
    rows = as_rows(Z, "Z")
    return bool(np.ptp(rows, axis=0).max() <= 1e-6 * np.abs(rows).max())


def _points(maps: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], int]:
    if "map" not in maps:
        raise InputError(f"maps has {', '.join(maps) or 'nothing'}; one must be called 'map'")
    points = {name: as_rows(Z, f"maps[{name!r}]") for name, Z in maps.items()}
    n = len(points["map"])
    for name, Z in points.items():
        if len(Z) != n:
            raise InputError(
                f"{name!r} has {len(Z)} points and the map {n}; each must have a point for each "
                "held-out sample"
            )
    return points, n


def _check_lengths(n: int, factors: Mapping[str, Any]) -> None:
    for name, factor in factors.items():
        if len(np.asarray(factor)) != n:
            raise InputError(
                f"{name!r} has {len(np.asarray(factor))} values and there are {n} held-out "
                "samples; a factor has one value for each sample"
            )


def _check_train(train: Mapping[str, Any], maps: Mapping[str, Any]) -> None:
    if set(maps) - set(train):
        raise InputError(
            f"train has {', '.join(train)} and maps has {', '.join(maps)}; there must be training "
            "points of each map, or none at all"
        )


class _Part(NamedTuple):
    """Which held-out samples are measured, each (n_samples,) of bool."""

    known: np.ndarray
    drawn: np.ndarray
    used: np.ndarray

    @property
    def n_left_out(self) -> int:
        """Count the samples without a value, and those whose value is too rare."""
        return int((~self.known).sum() + (self.drawn & ~self.used).sum())

    def without_rare(self, factor: np.ndarray, sources: np.ndarray) -> _Part:
        """Leave out samples whose value is in fewer sources than there are folds."""
        value = np.unique(as_values(factor), return_inverse=True)[1]
        source = np.unique(sources, return_inverse=True)[1]
        met = np.unique(np.stack([value, source])[:, self.drawn], axis=1)[0]
        n_sources = np.bincount(met, minlength=value.max() + 1)
        return self._replace(used=self.drawn & (n_sources[value] >= N_FOLDS))

    def of_values(self, factor: np.ndarray, factor_train: np.ndarray) -> _Part:
        """Leave out samples whose value does not occur in training."""
        return self._replace(used=self.drawn & is_in(as_values(factor), as_values(factor_train)))


def _choose(factor: np.ndarray, sources: np.ndarray, seed: int) -> _Part:
    """Choose the samples with a value, and of many of them whole sources at random."""
    known = is_known(factor)
    if known.sum() <= MOST_SAMPLES:
        return _Part(known, known, known)
    names, source = np.unique(sources, return_inverse=True)
    order = generator(seed).permutation(len(names))
    size = np.bincount(source, weights=known)[order]
    # However large the sources are, there must be two for each fold.
    some = order[: max(2 * N_FOLDS, int((np.cumsum(size) <= MOST_SAMPLES).sum()))]
    drawn = known & np.isin(source, some)
    return _Part(known, drawn, drawn)


class _Learnt(NamedTuple):
    """Samples that the map was learnt from: their points by map, their factor, what is kept."""

    points: Mapping[str, np.ndarray]
    factor: np.ndarray
    kept: Mapping[str, np.ndarray] | None


def _learnt(
    train: Mapping[str, Any] | None,
    factor_train: Any,
    kept_train: Mapping[str, Any] | None,
    points: Mapping[str, np.ndarray],
    seed: int,
) -> _Learnt | None:
    """Return the learnt samples with a value, and of many of them some at random."""
    if (train is None) != (factor_train is None):
        raise InputError("only one of train and factor_train is given; give both, or neither")
    if train is None:
        return None
    _check_train(train, points)
    factor = as_array(factor_train, "factor_train")
    known = {other: as_rows(train[other], f"train[{other!r}]") for other in points}
    for other, Z in known.items():
        if len(Z) != len(factor):
            raise InputError(
                f"factor_train has {len(factor)} values and train[{other!r}] {len(Z)} points; "
                "each learnt sample needs both"
            )
    rows = np.flatnonzero(is_known(factor))
    rows = np.sort(generator(seed).permutation(rows)[:MOST_SAMPLES])
    return _Learnt(
        {other: Z[rows] for other, Z in known.items()},
        factor[rows],
        None
        if kept_train is None
        else {other: np.asarray(values)[rows] for other, values in kept_train.items()},
    )


class _Reading(NamedTuple):
    """One way to read a factor: the kind, which held-out samples, from which learnt ones."""

    kind: str
    rows: np.ndarray
    learnt: _Learnt | None
    why: str  # it cannot be read; empty if it can


def _reading(
    kind: str, drawn: _Part, factor: np.ndarray, sources: np.ndarray, learnt: _Learnt | None
) -> _Reading:
    part = drawn
    if kind == "class" and learnt is None:
        part = drawn.without_rare(factor, sources)
    elif kind == "class" and learnt is not None:
        part = drawn.of_values(factor, learnt.factor)
    n_sources = N_FOLDS if learnt is None else 2
    why = _why_unreadable(factor[part.used], sources[part.used], n_sources)
    if not why and learnt is not None and len(np.unique(as_values(learnt.factor))) < 2:
        why = "fewer than two of its values are in the learnt samples"
    return _Reading(kind, part.used, learnt, why)


_Leaks = tuple[Leakage | NumberLeakage, ...]


def _read(
    readings: list[_Reading],
    points: Mapping[str, np.ndarray],
    kept: Mapping[str, np.ndarray],
    factor: np.ndarray,
    *,
    name: str,
    periods: Mapping[str, float],
    sources: np.ndarray,
    seed: int,
) -> tuple[dict[str, _Leaks], _Leaks]:
    """Read the factor by each probe from the points of each map, and from what is kept."""
    leaks: dict[str, _Leaks] = {}
    of_kept: _Leaks = ()
    for kind, rows, learnt, _ in readings:
        options: dict[str, Any] = {
            "kind": kind,
            "period": periods.get(name),
            "groups": sources[rows],
            "factor_train": None if learnt is None else learnt.factor,
            "confidence": CONFIDENCE,
            "random_state": seed,
        }
        probes = PROBES if kind == "class" else NUMBER_PROBES
        for other, Z in points.items():
            known = None if learnt is None else learnt.points[other]
            leaks[other] = leaks.get(other, ()) + tuple(
                leakage(Z[rows], factor[rows], probe=probe, Z_train=known, **options)
                for probe in probes
            )
        if kept and (learnt is None or learnt.kept is not None):
            some = {other: np.asarray(values)[rows] for other, values in kept.items()}
            of_kept += tuple(
                from_kept(
                    some,
                    factor[rows],
                    periods=periods,
                    probe=probe,
                    kept_train=None if learnt is None else learnt.kept,
                    **options,
                )
                for probe in probes
            )
    return leaks, of_kept


def _why_unreadable(factor: np.ndarray, sources: np.ndarray, n_sources: int) -> str:
    if len(np.unique(as_values(factor))) < 2:
        return "fewer than two of its values are in enough held-out sources"
    if len(np.unique(sources)) < n_sources:
        return f"it needs {n_sources} held-out sources or more to be learnt and tried on others"
    return ""


def _why_no_neighbors(n: int, n_neighbors: int) -> str:
    if 1 <= n_neighbors < n / 2:
        return ""
    return f"{n} held-out samples are too few for {n_neighbors} neighbours"


def _orbit_ratio(Z: np.ndarray, orbit: np.ndarray) -> float | None:
    if not 1 < len(np.unique(orbit)) < len(orbit):
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
