"""Using a map: opening it, and whether two samples are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drlim._errors import FileError, InputError
from drlim._persistence import read_map
from drlim._values import equals_any
from drlim.datasets import Dataset
from drlim.datasets._dataset import check_known
from drlim.declaration._features import by_name
from drlim.declaration._fingerprints import left_out, trained_on
from drlim.declaration._learnt import (
    Learnt,
    belonging,
    is_of_learnt_source,
    learnt_by,
    was_learnt,
)
from drlim.declaration._nearest import name_of, row_of
from drlim.declaration._networks import imported, with_arguments
from drlim.declaration._resolve import resolve
from drlim.declaration._schema import Declaration
from drlim.estimator import DrLIM
from drlim.evaluation._probes import as_values
from drlim.evaluation.verification import Rate, Threshold, _choose_as_judged, decide
from drlim.loading import load


def declaration_of(map_: DrLIM, *, needed: bool = False) -> Declaration:
    """Return the declaration that a map was learnt from.

    Parameters
    ----------
    map_ : DrLIM
    needed : bool, default=False
        Whether a map without a declaration is an error; else an empty declaration is returned.

    Returns
    -------
    Declaration

    Raises
    ------
    InputError
        If it is needed and there is none.
    FileError
        If this version of drlim cannot read it.

    Examples
    --------
    >>> map_ = DrLIM(max_epochs=0).fit(np.eye(8))
    >>> declaration_of(map_) == Declaration()
    True
    """
    if map_.declaration_ is None:
        if needed:
            raise InputError(
                "the map was learnt without a declaration of what it should ignore and keep; learn "
                "it with drlim fit, or measure it with drlim.evaluation"
            )
        return Declaration()
    return _declared(map_.declaration_)


def open_map(path: Path, network: str | None = None) -> DrLIM:
    """Read a map whose network may be one of your own.

    Parameters
    ----------
    path : path
    network : str, optional
        Its builder, ``module:function``, imported from the current folder if the module is there.
        It gets the arguments that the map's declaration gives it.

    Returns
    -------
    DrLIM

    Raises
    ------
    FileError
        If the file is not a map.
    InputError
        If the builder cannot be imported, or its network does not fit the weights.
    """
    if network is None:
        return load(path)
    builder = imported(network, Path())
    plain = read_map(path)[0].get("declaration")
    table = None if plain is None else _declared(plain).map.network
    try:
        if isinstance(table, Mapping):
            builder = with_arguments(builder, table)
        return load(path, network=builder)
    except (TypeError, InputError) as error:
        raise InputError(f"{network} does not build the map's network: {error}") from None


def _declared(plain: Any) -> Declaration:
    try:
        return Declaration(**plain)
    except (InputError, TypeError) as error:
        raise FileError(
            f"the map holds a declaration that cannot be read ({error}); if a newer drlim wrote "
            "it, update: pip install -U drlim"
        ) from None


@dataclass(frozen=True)
class Verified:
    """A threshold for same or different, and its answer for a pair.

    Attributes
    ----------
    factor : str
        The factor in which samples are the same.
    n : int
        The number of samples on which the threshold was chosen and, in folds, tried.
    n_values : int
        The number of classes among them.
    by : {"class", "sample", "all"}
        What is never on both sides when the threshold is chosen and tried; "all": there were too
        few samples to set some apart.
    threshold : Threshold
    n_known : int
        The number of samples that were left out because the map was trained on them.
    pair : tuple of (str, str, float, bool) or None
        The names of the two samples, their distance, and whether they are the same.
    learnt : bool or None
        Whether the map learnt from these classes, from other samples; None if its file does not
        say.
    n_others : int
        The number of samples that were left out because their classes were learnt, where these
        were not, or the other way round.
    unseen : str or None
        The other factors of which these samples have values that were held out as a whole, such
        as a new instrument.
    n_apart : int
        The number of samples that were left out because they differ from these in that, or are of
        a source that was learnt from.
    """

    factor: str
    n: int
    n_values: int
    by: str
    threshold: Threshold
    n_known: int
    pair: tuple[str, str, float, bool] | None
    learnt: bool | None = None
    n_others: int = 0
    unseen: str | None = None
    n_apart: int = 0

    def lines(self) -> list[str]:
        """Return it as lines for the user."""
        threshold = self.threshold
        which = {None: "", True: ", which the map learnt from", False: ", which it never saw"}
        new = f", with values of {self.unseen} that were held out as a whole" if self.unseen else ""
        lines = [
            f"{self.n:,} samples of {self.n_values:,} classes of {self.factor}"
            f"{which[self.learnt]}{new}"
        ]
        if self.n_apart:
            lines.append(
                f"{self.n_apart:,} samples were left out: they have "
                + (
                    "values that the map learnt from, or their source was learnt from"
                    if self.unseen
                    else "values of other factors that were held out as a whole"
                )
            )
        if self.n_others:
            others = "that it never saw" if self.learnt else "that the map learnt from"
            lines.append(f"{self.n_others:,} samples of classes {others} were left out")
        if self.learnt is None:
            lines.append("whether the map learnt from these classes is not known")
        if self.n_known:
            lines.append(left_out(self.n_known))
        lines += [
            f"same if nearer than {threshold.distance:.4g}",
            f"of different pairs {_share(threshold.false_accepts)} are accepted as the same "
            f"(wanted: {threshold.false_accept_rate:.2%})",
            f"of pairs that are the same {_share(threshold.false_rejects)} are rejected",
            f"equal error rate {_share(threshold.equal_error)}",
            _TRIED_ON[self.by],
        ]
        if self.by != "class" and self.learnt is False:
            lines.append(
                f"{self.n_values} classes are too few to set some apart: of others the rates may "
                "differ by more than these intervals say"
            )
        n_different, rate = threshold.false_accepts.n, threshold.false_accept_rate
        if self.by == "all" and n_different * rate < 1:
            lines.append(
                f"{n_different} different pairs cannot show a rate of {rate:.4%}: the threshold "
                "accepts none of them"
            )
        if self.pair is not None:
            left, right, distance, is_same = self.pair
            answer = "the same" if is_same else "different"
            lines.append(f"{left} and {right}: {answer}, {distance:.4g} apart")
        return lines


_TRIED_ON = {
    "class": "the threshold was tried on other classes than it was chosen on",
    "sample": "the threshold was tried on other samples of the same classes than it was chosen on",
    "all": "too few samples to set some apart: the threshold was tried on the samples that it was "
    "chosen on, and will decide others wrongly more often",
}


def verify(
    map_: DrLIM,
    declaration: Declaration,
    data: Dataset,
    false_accept_rate: float = 0.01,
    *,
    same: str | None = None,
    pair: Sequence[str] | None = None,
) -> Verified:
    """Choose a threshold for same or different on samples that were not trained on.

    Parameters
    ----------
    map_ : DrLIM
    declaration : Declaration
    data : Dataset
        Samples with the factor in which they are the same; those trained on are left out. Where
        there are four classes that the map never saw, with two samples of each, the threshold is
        chosen and tried on such classes alone, and else on samples of the classes it learnt from.
        Samples of these with values of another factor that were held out as a whole
        (`HeldOut.unseen`), such as a new instrument, are judged alone where they are of four
        classes, and else left out. Where there are too few to set some apart, the threshold is
        tried on those it was chosen on. With a declared source or group, pairs of one are not
        counted.
    false_accept_rate : float, default=0.01
        The share of different pairs that may be taken for the same.
    same : str, optional
        That factor. None: the first kept factor, or ``class``.
    pair : (str, str), optional
        Two samples, by name or row, to compare.

    Returns
    -------
    Verified

    Raises
    ------
    InputError
        If the map was trained on all of the samples, they lack the factor, or there are no two
        classes or no two samples of one.

    Examples
    --------
    >>> who = np.arange(60) % 6
    >>> data = Dataset(np.eye(6)[who], {"class": who})
    >>> map_ = DrLIM(max_epochs=0, random_state=0).fit(data.X)
    >>> verified = verify(map_, Declaration(), data, 0.1, pair=("0", "6"))
    >>> verified.by, verified.pair[3]
    ('class', True)
    """
    kept = [keep.factor for keep in declaration.keep if keep.factor]
    factor = same or next(iter(kept), "class")
    check_known(data, factor)
    labels = data.factor(factor)
    data = by_name(map_, data)
    fresh = ~trained_on(map_, data)
    Z = np.asarray(map_.transform(data.X))
    learnt = was_learnt(map_, factor, labels)
    some, is_learnt = _which(labels, fresh, learnt)
    before, unseen = some, None
    if is_learnt is not False:
        some, unseen = _apart(declaration, data, factor, some, learnt_by(map_))
    groups = resolve(declaration, data).groups if _has_groups(declaration, data) else None
    threshold = _choose_as_judged(
        {"map": Z[some]},
        labels[some],
        false_accept_rate,
        labels_learnt=labels[~fresh] if is_learnt is None else labels[some & bool(is_learnt)],
        groups=None if groups is None else groups[some],
        random_state=declaration.map.random_state,
    )["map"]
    answer = None
    if pair is not None:
        left, right = (row_of(data, name) for name in pair)
        distance = float(np.linalg.norm(Z[left] - Z[right]))
        is_same = bool(decide(Z[[left]], Z[[right]], threshold)[0])
        answer = (name_of(data, left), name_of(data, right), distance, is_same)
    return Verified(
        factor=factor,
        n=int(some.sum()),
        n_values=len(np.unique(labels[some])),
        by=threshold.by,
        threshold=threshold,
        n_known=int((~fresh).sum()),
        pair=answer,
        learnt=is_learnt,
        n_others=int((fresh & ~before).sum()),
        unseen=unseen,
        n_apart=int((before & ~some).sum()),
    )


def _has_groups(declaration: Declaration, data: Dataset) -> bool:
    """Tell whether the data has the source and the group that are declared."""
    names = belonging(declaration)
    return bool(names) and all(name in data.factors for name in names)


def _apart(
    declaration: Declaration, data: Dataset, factor: str, some: np.ndarray, learnt: Learnt | None
) -> tuple[np.ndarray, str | None]:
    """Choose between samples whose other factors were all learnt from, and all others.

    The two are never mixed: a map may tell classes apart less well on an instrument that it never
    saw. As for classes, the harder question counts where there are samples to answer it.
    """
    names, new = [], np.zeros(len(data), bool)
    for name, values in declaration.held_out.unseen.items():
        if name != factor and name in data.factors:
            is_new = some & equals_any(data.factor(name), values)
            names += [name] * bool(is_new.any())
            new |= is_new
    if not new.any():
        return some, None
    # Of a source that was learnt from, the map knows the class.
    fresh = new & ~is_of_learnt_source(declaration, data, learnt)
    labels = data.factor(factor)
    known = some & ~new
    if _can_be_judged(labels[fresh]) or (_has_pairs(labels[fresh]) and not known.any()):
        return fresh, " and ".join(names)
    return (known, None) if known.any() else (new, " and ".join(names))


def _which(
    labels: np.ndarray, fresh: np.ndarray, learnt: np.ndarray | None
) -> tuple[np.ndarray, bool | None]:
    """Choose the samples for a threshold, and tell whether their classes were learnt."""
    if learnt is None:
        return fresh, None
    # New samples of known classes are more easily told apart than classes never seen, so the two
    # are never mixed. The harder question counts where there are samples to answer it.
    unseen, known = fresh & ~learnt, fresh & learnt
    if _can_be_judged(labels[unseen]):
        return unseen, False
    if _has_pairs(labels[known]) or (known.any() and not _has_pairs(labels[unseen])):
        return known, True
    return unseen, False


def _has_pairs(labels: np.ndarray) -> bool:
    """Tell whether there are two classes, and two samples of one."""
    return 2 <= len(np.unique(as_values(labels))) < len(labels)


def _can_be_judged(labels: np.ndarray) -> bool:
    """Tell whether there are enough classes, with pairs among them, to choose and try on."""
    counts = np.unique(as_values(labels), return_counts=True)[1]
    return len(counts) >= 4 and int((counts >= 2).sum()) >= 4


def _share(rate: Rate) -> str:
    return f"{rate.value:.2%} ({rate.low:.2%} to {rate.high:.2%})"
