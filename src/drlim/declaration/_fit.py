"""From a declaration to a map: hold out, combine the rules, learn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drlim import networks
from drlim._deprecated import renamed_arguments
from drlim._errors import DataWarning, InputError, warn
from drlim._plan import N_DISSIMILAR_OF_NEIGHBORS
from drlim._progress import search_progress
from drlim._scaling import Scaling, scaling_for
from drlim.datasets import Dataset
from drlim.declaration._checks import check_names
from drlim.declaration._fingerprints import fingerprints
from drlim.declaration._learnt import learnt_points, learnt_values
from drlim.declaration._networks import declared_network
from drlim.declaration._purpose import Purpose, purpose_of, recipe_of
from drlim.declaration._read import as_read, read_data
from drlim.declaration._repeats import find_repeats
from drlim.declaration._resolve import Resolved, resolve
from drlim.declaration._rules import Rules, combine
from drlim.declaration._schema import Declaration, at
from drlim.declaration._sources import likely_sources
from drlim.declaration._split import divide
from drlim.declaration._unusual import held_out_distances
from drlim.estimator import DrLIM
from drlim.graphs import SimilarityGraph
from drlim.losses._build import build_loss
from drlim.networks import _builders
from drlim.networks._features import kept_features
from drlim.networks._pretrained import is_frozen
from drlim.training import Selection
from drlim.transforms import Augment, copies


@dataclass(frozen=True)
class Fitted:
    """A map, what it was learnt from, and what it is judged by.

    Attributes
    ----------
    map : DrLIM
    rules : Rules
        Who was similar to whom, and why.
    learnt : Dataset
        The samples that were learnt from, without the copies made of them.
    held_out : Dataset
        The samples that were held out at random, by source.
    unseen : Dataset or None
        The samples that were held out because of their values (`HeldOut.unseen`).
    repeats : tuple of str
        A line for each thing found of samples that repeat others, of their labels, and of factors
        that look like an undeclared source.
    """

    map: DrLIM
    rules: Rules
    learnt: Dataset
    held_out: Dataset
    unseen: Dataset | None
    repeats: tuple[str, ...] = ()


@renamed_arguments(anyway="force")
@kept_features()
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
    """Learn the map that a declaration describes.

    Parameters
    ----------
    declaration : Declaration
    data : Dataset, optional
        The samples and their factors; None: those at ``declaration.data.path``.
    force : bool, default=False
        Whether to learn even if the data cannot teach invariance to an ignored factor.
    say : callable, optional
        Called with each line of text for the user; with it the progress of training is shown.
    callbacks : sequence of drlim.callbacks.Callback
    checkpoint : path, optional
        A folder to which the training is saved after every epoch, to be resumed from.
    resume : bool, default=False
        Whether to resume from there; the map is the same to the bit as without the interruption.

    Returns
    -------
    Fitted

    Raises
    ------
    InputError
        If the declaration and the data do not fit together; see `drlim.declaration.rules`.
    FileError
        If a file cannot be read.

    Warns
    -----
    DataWarning
        Without `say`: if samples are identical, or as images nearly so, and if such samples
        contradict each other in what is kept. If numbers are kept without step and tolerance,
        the similar pairs fall into more parts than what is kept explains, or a sample has no
        similar partner.

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
    resolved = resolve(declaration, data)
    check_names(resolved)
    repeats = find_repeats(resolved)
    parts, kept_together, grouped = divide(resolved, repeats)
    tell(
        f"      {len(parts.learnt):,} to learn from, {len(parts.held_out):,} held out"
        + (f", {len(parts.unseen):,} of values never seen" if len(parts.unseen) else "")
    )
    repeated = (*repeats.lines(kept_together), *likely_sources(resolved))
    for line in repeated:
        if say is None:
            warn(line, DataWarning)
        else:
            say(f"      {line}")
    learnt = data.subset(parts.learnt)
    purpose = purpose_of(resolved, learnt)
    parameters = map_parameters(resolved, learnt.X, purpose)
    scaling = _scaling(declaration, parameters, learnt)
    tell(f"      {scaling}")
    tell(f"      {purpose.n_components} dimensions, {purpose.reason}")
    if purpose.new_classes is not None:
        together = np.unique(learnt.factor(purpose.new_classes), return_inverse=True)[1]
    else:
        together = grouped[parts.learnt]
    searching = say is not None and any(keep.neighbors for keep in declaration.keep)
    with search_progress("nearest neighbours") if searching else nullcontext() as progress:
        known = combine(resolved, parts.learnt, learnt, force=force, progress=progress)
    for line in known.summary():
        tell(f"      {line}")
    if say is None:
        for line in (*([known.chosen] if known.chosen else []), *known.faults):
            warn(line, DataWarning)
    best = _best_start(
        declaration,
        parameters,
        _with_copies(resolved, known, learnt, together),
        say=say,
        callbacks=callbacks,
        checkpoint=checkpoint,
        resume=resume,
    )
    best.scaling_ = scaling  # with its reason, where the declaration gave none
    held_out = data.subset(parts.held_out)
    best.annotations_ = _annotations(best, resolved, learnt, parts.learnt, held_out)
    if data.feature_names:
        best.feature_names_in_ = np.array(data.feature_names, dtype=object)
    return Fitted(
        best,
        known,
        learnt,
        held_out,
        data.subset(parts.unseen) if len(parts.unseen) else None,
        repeated,
    )


def _scaling(declaration: Declaration, parameters: dict[str, Any], learnt: Dataset) -> Scaling:
    """Return the unit of each feature, and give it to the network unless it has its own."""
    own = _builders.own_scaling(parameters["network"])
    if own is not None and declaration.data.scale is None:
        return own
    scaling = scaling_for(learnt.X, declaration.data.scale, learnt.feature_names)
    with at(declaration, "data", "scale"):
        parameters["network"] = networks.scaled(parameters["network"], scaling.scale)
    return scaling


def _annotations(
    map_: DrLIM, resolved: Resolved, learnt: Dataset, rows: np.ndarray, held_out: Dataset
) -> dict[str, Any]:
    """Return what a map's file tells of its declaration and of the samples that it learnt from."""
    declaration = resolved.declaration
    learnt_from = learnt_points(map_, declaration, learnt)
    points = learnt_from["learnt_points"]
    return {
        "declaration": as_read(declaration, learnt.X).as_json(),
        "ignored": [part.name for part in declaration.ignore],
        "kept": [part.name for part in declaration.keep],
        "learnt_values": learnt_values(resolved, rows),
        "trained_on": fingerprints(learnt.X),
        "held_out_distances": held_out_distances(map_, declaration, points, held_out),
        **learnt_from,
    }


def _best_start(
    declaration: Declaration,
    parameters: Mapping[str, Any],
    training: _Training,
    *,
    say: Callable[[str], None] | None,
    callbacks: Sequence[Any],
    checkpoint: Path | None,
    resume: bool,
) -> DrLIM:
    """Learn a map from each of the initial weights, and return the one with the smallest loss."""
    starts = []
    for start in range(declaration.map.n_starts):
        if say is not None and declaration.map.n_starts > 1:
            say(f"Start {start + 1} of {declaration.map.n_starts}")
        map_ = DrLIM(**parameters, callbacks=tuple(callbacks), verbose=int(say is not None))
        map_.set_params(random_state=declaration.map.random_state + start)
        map_.fit(
            training.X,
            graph=training.similar,
            dissimilar=training.dissimilar,
            weight=training.weight,
            checkpoint=checkpoint and checkpoint / f"start-{start + 1}",
            resume=resume,
            groups=training.groups,
        )
        if say is not None and map_.chosen_ is not None and map_.chosen_.share:
            say(f"      {map_.chosen_.in_words()}")
        starts.append(map_)
    return min(starts, key=_final_loss)


def map_parameters(resolved: Resolved, X: np.ndarray, purpose: Purpose) -> dict[str, Any]:
    """Return the parameters of `DrLIM` that a declaration gives, its network and loss tried.

    Parameters
    ----------
    resolved : Resolved
    X : ndarray of shape (n_samples, ...)
        The samples that are learnt from; of vectors, they give the unit of noise.
    purpose : Purpose
        What the map is for, which gives what neither the declaration nor its recipe sets.
    """
    declaration = resolved.declaration
    declared = declaration.map.model_dump(exclude={"n_starts", "recipe"}, exclude_none=True)
    network = declared_network(declaration)
    if network is not None:
        declared["network"] = network
    parameters: dict[str, Any] = {"n_components": purpose.n_components, "network": None}
    if all(keep.neighbors for keep in declaration.keep) and declaration.keep:
        parameters["n_dissimilar"] = N_DISSIMILAR_OF_NEIGHBORS
    if resolved.copied:  # a change that is to be ignored is not one to start from
        parameters["network"] = networks.default(X.shape[1:])
    parameters |= _recipe_parameters(declaration, X) | declared
    # On features of changed copies, pairs set aside show what a change does to the map.
    has_changes_only = len(resolved.drawn_anew) == len(declaration.ignore)
    is_open = has_changes_only and is_frozen(parameters["network"])
    if declaration.ignore and not is_open and parameters.get("max_epochs") is None:
        # What rewards pairs set aside is not what makes a map ignore a factor: that takes long,
        # and leads away from the start. So nothing is chosen, and all of the training is run.
        parameters["max_epochs"] = Selection(share=0, pulls=(0.0,))
    elif purpose.new_classes and parameters.get("max_epochs") is None:
        # Classes never seen can gain from a map that stays much nearer to its start.
        parameters["max_epochs"] = Selection(pulls=(1.0, 8.0, 40.0))
    map_ = DrLIM(**parameters)
    with at(declaration, "map", "loss"):
        build_loss(map_.loss, map_.margin)
    if network is not None:
        with at(declaration, "map", "network"):
            try:
                _builders.build(network, X.shape[1:], map_.n_components, seed=0)
            except (TypeError, ValueError, RuntimeError) as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"the network cannot be built: {error}") from None
    if resolved.drawn_anew:
        parameters["augment"] = Augment.for_samples(resolved.drawn_anew, X)
    return parameters


def _recipe_parameters(declaration: Declaration, X: np.ndarray) -> dict[str, Any]:
    """Return the parameters of the declared recipe, without those of how a map is run."""
    recipe = recipe_of(declaration, X)
    parameters = {} if recipe is None else recipe.get_params(deep=False)
    return {name: parameters[name] for name in parameters if name not in ("callbacks", "verbose")}


class _Training(NamedTuple):
    """The samples of a training, copies included, the pairs among them, and what stays together."""

    X: np.ndarray
    similar: SimilarityGraph
    dissimilar: SimilarityGraph | None
    weight: np.ndarray | None
    groups: np.ndarray


def _with_copies(
    resolved: Resolved, known: Rules, learnt: Dataset, groups: np.ndarray
) -> _Training:
    """Add the copies that ignored transformations with listed values ask for."""
    samples, similar, dissimilar, weight = (
        learnt,
        known.similar,
        known.dissimilar,
        known.weight,
    )
    for change, copy_weight in resolved.copied:
        n = len(samples)
        samples = copies(samples, change)
        n_copies = len(samples) // n
        drawn = similar if dissimilar is None else similar | dissimilar
        similar = similar.copied(n_copies)
        if dissimilar is not None:  # two copies of one sample never are
            of_one_sample = SimilarityGraph.empty(n).copied(n_copies)
            dissimilar = dissimilar.copied(n_copies) - of_one_sample
        if weight is not None or copy_weight != 1:
            weight = _weight_of_copies(weight, copy_weight, drawn, drawn.copied(n_copies))
    groups = np.tile(groups, len(samples) // len(learnt))
    return _Training(samples.X, similar, dissimilar, weight, groups)


def _weight_of_copies(
    weight: np.ndarray | None, copy_weight: float, drawn: SimilarityGraph, copied: SimilarityGraph
) -> np.ndarray:
    """Give two copies of one sample their own weight, and other pairs that of their samples."""
    left, right = (copied.edges % drawn.n_samples).T
    of_one_sample = left == right
    spread = np.where(of_one_sample, copy_weight, 1.0)
    if weight is not None:
        others = ~of_one_sample
        spread[others] = weight[drawn.place(left[others], right[others])]
    return spread


def _final_loss(map_: DrLIM) -> float:
    """Return the loss of the last epoch; infinite where it is not a number, or there was none."""
    # An estimate: the exact sum over all pairs would cost more than an epoch, and knows no weights.
    loss = map_.history_[-1].loss if map_.history_ else np.inf
    return float(loss) if np.isfinite(loss) else np.inf
