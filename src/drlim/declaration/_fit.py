"""From a declaration to a map: hold out, combine the rules, learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from drlim._deprecated import renamed_arguments
from drlim._progress import search_progress
from drlim.datasets import Dataset
from drlim.declaration._fingerprints import fingerprints
from drlim.declaration._networks import declared_network
from drlim.declaration._read import as_read, read_data
from drlim.declaration._rules import Rules, changes_ignored, copies_ignored, rules
from drlim.declaration._schema import Declaration, at
from drlim.declaration._split import split
from drlim.estimator import DrLIM
from drlim.graphs import SimilarityGraph
from drlim.losses._build import build_loss
from drlim.transforms import Augment, Change, copies


@dataclass(frozen=True)
class Fitted:
    """A map, and what it was learnt from and is to be judged by.

    Attributes
    ----------
    map : DrLIM
    rules : Rules
        Who was similar to whom, and why.
    learnt : Dataset
        What was learnt from, before any copy was made of it.
    held_out : Dataset
        What was held out at random, by source.
    unseen : Dataset or None
        What was held out because of its values (`HeldOut.unseen`).
    """

    map: DrLIM
    rules: Rules
    learnt: Dataset
    held_out: Dataset
    unseen: Dataset | None


@renamed_arguments(anyway="force")
def fit(
    declaration: Declaration,
    data: Dataset | None = None,
    *,
    force: bool = False,
    say: Callable[[str], None] | None = None,
    callbacks: Sequence[Any] = (),
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Fitted:
    """Learn the map that a declaration asks for.

    Parameters
    ----------
    declaration : Declaration
    data : Dataset, optional
        The samples and their factors; None: those at ``declaration.data.path``.
    anyway : bool, default=False
        Whether to learn even where an ignored factor cannot be learnt to be ignored.
    say : callable, optional
        Is given each line of text for the user; with it the progress of training is shown.
    callbacks : sequence of drlim.training.Callback
    checkpoint : path, optional
        A folder in which the training is kept after every epoch, so that it outlives its process.
    resume : bool, default=False
        Whether to go on from there; the map is the same to the bit as without the interruption.

    Returns
    -------
    Fitted

    Raises
    ------
    InputError
        If the declaration and the data do not fit together; see `drlim.declaration.rules`.
    FileError
        If a file cannot be read.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> lamp, pose = rng.integers(0, 3, 90), rng.integers(0, 5, 90)
    >>> X = np.stack([pose, lamp, rng.normal(size=90)], axis=1)
    >>> declaration = Declaration(ignore=["lamp"], keep=["pose"], map={"max_epochs": 2})
    >>> fitted = fit(declaration, Dataset(X, {"lamp": lamp, "pose": pose}))
    >>> len(fitted.learnt), len(fitted.held_out)
    (72, 18)
    """
    tell = say or (lambda line: None)
    if data is None:
        data = read_data(declaration, say=say)
    tell(f"Data: {data!r}")
    parts = split(declaration, data)
    tell(
        f"      {len(parts.learnt):,} to learn from, {len(parts.held_out):,} held out"
        + (f", {len(parts.unseen):,} of values never seen" if len(parts.unseen) else "")
    )
    searching = say is not None and any(keep.neighbors for keep in declaration.keep)
    with search_progress("nearest neighbours") if searching else nullcontext() as progress:
        known = rules(declaration, data, parts.learnt, force=force, progress=progress)
    for line in known.summary():
        tell(f"      {line}")
    learnt = data.subset(parts.learnt)
    drawn_anew = [each for each in changes_ignored(declaration, data) if each.values is None]
    samples, similar, dissimilar, weight = (
        learnt,
        known.similar,
        known.dissimilar,
        known.weight,
    )
    for change, counts in copies_ignored(declaration, data):
        n = len(samples)
        samples = copies(samples, change)
        n_copies = len(samples) // n
        drawn = similar if dissimilar is None else similar | dissimilar
        similar = similar.copied(n_copies)
        if dissimilar is not None:  # copies of one sample never are
            of_one = SimilarityGraph.empty(n).copied(n_copies)
            dissimilar = dissimilar.copied(n_copies) - of_one
        if weight is not None or counts != 1:
            weight = _weight_of_copies(weight, counts, drawn, drawn.copied(n_copies))
    starts = []
    for start in range(declaration.map.n_starts):
        if declaration.map.n_starts > 1:
            tell(f"Start {start + 1} of {declaration.map.n_starts}")
        one = estimator(declaration, drawn_anew, learnt.X, verbose=int(say is not None))
        one.set_params(
            callbacks=tuple(callbacks), random_state=declaration.map.random_state + start
        )
        one.fit(
            samples.X,
            graph=similar,
            dissimilar=dissimilar,
            weight=weight,
            checkpoint=checkpoint and checkpoint / f"start-{start + 1}",
            resume=resume,
        )
        starts.append(one)
    map_ = min(starts, key=_final_loss)
    map_.annotations_ = {
        "declaration": as_read(declaration, learnt.X).as_json(),
        "ignored": [part.name for part in declaration.ignore],
        "kept": [part.name for part in declaration.keep],
        "trained_on": fingerprints(learnt.X),
    }
    return Fitted(
        map_,
        known,
        learnt,
        data.subset(parts.held_out),
        data.subset(parts.unseen) if len(parts.unseen) else None,
    )


def estimator(
    declaration: Declaration,
    drawn_anew: Sequence[Change],
    X: np.ndarray,
    *,
    verbose: int = 0,
    max_epochs: int | None = None,
) -> DrLIM:
    """Return the estimator that a declaration describes, to be fitted.

    Parameters
    ----------
    declaration : Declaration
    drawn_anew : sequence of Change
        The transformations that are drawn anew for each sample of a batch.
    X : ndarray
        The samples, by which those of vectors know their unit.
    verbose : int
    max_epochs : int, optional
        Another number than the declared one; 0 for the untrained network.
    """
    declared = declaration.map.model_dump(exclude={"n_starts"})
    declared["network"] = declared_network(declaration, X.shape[1:])
    with at(declaration, "map", "loss"):
        build_loss(declared["loss"], declared["margin"])
    if max_epochs is not None:
        declared["max_epochs"] = max_epochs
    augment = Augment.for_samples(drawn_anew, X) if drawn_anew else None
    return DrLIM(**declared, augment=augment, verbose=verbose)


def _final_loss(map_: DrLIM) -> float:
    """Return the loss of the last epoch; infinite where it is not a number, or there was none."""
    loss = map_.history_[-1].loss if map_.history_ else np.inf
    return float(loss) if np.isfinite(loss) else np.inf


def _weight_of_copies(
    weight: np.ndarray | None, counts: float, drawn: SimilarityGraph, copied: SimilarityGraph
) -> np.ndarray:
    """Give two copies of one sample what they count, and others what their samples do."""
    left, right = (copied.edges % drawn.n_samples).T
    of_one = left == right
    spread = np.where(of_one, counts, 1.0)
    if weight is not None:
        spread[~of_one] = weight[drawn.place(left[~of_one], right[~of_one])]
    return spread
