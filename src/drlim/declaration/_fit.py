"""From a declaration to a map: read, hold out, combine the rules, learn."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drlim import losses, networks
from drlim._errors import FileError, InputError, nearest_name
from drlim._progress import search_progress
from drlim._random import generator
from drlim.datasets import Dataset, read
from drlim.declaration._model import Data, Declaration, at
from drlim.declaration._rules import Rules, changes_ignored, copies_ignored, rules
from drlim.estimator import DrLIM
from drlim.graphs import SimilarityGraph
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


def fit(
    declaration: Declaration,
    data: Dataset | None = None,
    *,
    anyway: bool = False,
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
        data = load(declaration, say=say)
    tell(f"Data: {data!r}")
    parts = split(declaration, data)
    tell(
        f"      {len(parts.learnt):,} to learn from, {len(parts.held_out):,} held out"
        + (f", {len(parts.unseen):,} of values never seen" if len(parts.unseen) else "")
    )
    searching = say is not None and any(keep.neighbors for keep in declaration.keep)
    with search_progress("nearest neighbours") if searching else nullcontext() as progress:
        known = rules(declaration, data, parts.learnt, anyway=anyway, progress=progress)
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
    map_.declaration_ = _as_read(declaration, learnt.X).as_json()
    map_.trained_on_ = fingerprints(learnt.X)
    return Fitted(
        map_,
        known,
        learnt,
        data.subset(parts.held_out),
        data.subset(parts.unseen) if len(parts.unseen) else None,
    )


def load(
    declaration: Declaration,
    path: Path | None = None,
    *,
    factors: Path | None = None,
    skip_bad: bool = False,
    say: Callable[[str], None] | None = None,
) -> Dataset:
    """Read the declared data, or other data in the way that the declaration says.

    Parameters
    ----------
    declaration : Declaration
    path : path, optional
        Other data, such as new photographs. None: the declared data.
    factors : path, optional
        Its table of factors.
    skip_bad : bool
        Whether files that cannot be read are left out (also if the declaration says so).
    say : callable, optional
    """
    declared = declaration.data
    if path is None and declared.path is not None:
        try:
            declared_data = load(
                declaration, declared.path, factors=declared.factors, skip_bad=skip_bad, say=say
            )
        except (FileError, InputError) as error:
            with at(declaration, "data", *_named_in(str(error), declared)):
                raise
        return declared_data
    if path is None:
        raise InputError(
            f"{declaration.where('data')}: the declaration names no data; give data.path, or in "
            "Python the samples: drlim.declaration.fit(declaration, data)"
        )
    return read(
        path,
        factors=factors,
        skip_bad=skip_bad or declared.skip_bad,
        say=say,
        **how_to_read(declaration, path),
    )


def how_to_read(declaration: Declaration, path: Path) -> dict[str, Any]:
    """Return the options of `drlim.datasets.read` that the declaration gives to such data.

    What is said of images is of no matter to arrays of them, which a map takes as well.
    """
    declared = declaration.data
    other = path != declared.path
    is_array = path.suffix.lower() in (".npy", ".npz", ".zarr", ".csv", ".parquet")
    of_images = not (other and is_array)
    of_tables = not (other and path.suffix.lower() not in (".csv", ".parquet"))
    return {
        "by": declared.by,
        "columns": declared.columns if of_tables else None,
        "size": declared.size if of_images else None,
        "colour": declared.colour if of_images else None,
    }


def _as_read(declaration: Declaration, X: np.ndarray) -> Declaration:
    """Return the declaration with the size and colours that a folder's images turned out to have.

    A single photograph must be read as those that were learnt from, be it grey or of another size.
    """
    path = declaration.data.path
    if path is None or not path.is_dir() or path.suffix.lower() == ".zarr":
        return declaration
    size = tuple(map(int, X.shape[-2:]))
    read_as = {"size": size, "colour": "colour" if X.ndim == 4 else "grey"}
    return declaration.model_copy(update={"data": declaration.data.model_copy(update=read_as)})


def _named_in(message: str, declared: Data) -> tuple[str, ...]:
    """Find the key whose value an error is about, if it names one."""
    values = {
        "by": [repr(declared.by)],
        "columns": map(repr, declared.columns or ()),
        "factors": [str(declared.factors)],
        "path": [str(declared.path)],
    }
    named = (key for key, texts in values.items() if any(text in message for text in texts))
    return tuple(named)[:1]


class Parts(NamedTuple):
    """Rows that are learnt from, held out at random, and held out for their values."""

    learnt: np.ndarray
    held_out: np.ndarray
    unseen: np.ndarray


def split(declaration: Declaration, data: Dataset) -> Parts:
    """Divide samples into those that are learnt from and those that are not, by source.

    What belongs together (a group, a source, else a sample) is never on both sides.
    """
    is_unseen = np.zeros(len(data), bool)
    for name, values in declaration.held_out.unseen.items():
        factor = data.factor(name)
        missing = [value for value in values if value not in factor.tolist()]
        if missing:
            raise InputError(
                f"{declaration.where('held_out', 'unseen', name)}: no sample has {name} "
                f"{missing[0]!r}; {nearest_name(str(missing[0]), map(str, np.unique(factor)))}"
            )
        is_unseen |= np.isin(factor, list(values))
    rest = np.flatnonzero(~is_unseen)
    groups = together(declaration, data)
    of_group = rest if groups is None else groups[rest]
    sources: np.ndarray = np.unique(of_group)
    n_held_out = round(declaration.held_out.share * len(sources))
    if not 0 < n_held_out < len(sources):
        by = [name for name in (declaration.data.source, declaration.data.group) if name]
        what = f"sets of one {' or '.join(by)}" if by else "samples"
        raise InputError(
            f"{declaration.where('held_out', 'share')}: {declaration.held_out.share:g} of "
            f"{len(sources)} {what} is {n_held_out} to hold out; both sides must get at "
            "least one: give more data, or another share"
        )
    rng = generator(declaration.map.random_state)
    held_out = np.isin(of_group, rng.permutation(sources)[:n_held_out])
    return Parts(rest[~held_out], rest[held_out], np.flatnonzero(is_unseen))


def together(declaration: Declaration, data: Dataset) -> np.ndarray | None:
    """Return which samples must stay together, numbered: of one source or of one group.

    None if neither is declared. Where the samples of one source are in two groups, these stay
    together too.
    """
    names = [name for name in (declaration.data.source, declaration.data.group) if name]
    if not names:
        return None
    codes = [np.unique(data.factor(name), return_inverse=True)[1] for name in names]
    first, last = codes[0], codes[-1] + (codes[0].max() + 1) * (len(names) - 1)
    joined = SimilarityGraph.from_edges(np.stack([first, last], axis=1), int(last.max()) + 1)
    return np.asarray(joined.components[first])


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
    declared["network"] = _network(declaration, X.shape[1:])
    with at(declaration, "map", "loss"):
        losses.build(declared["loss"], declared["margin"])
    if max_epochs is not None:
        declared["max_epochs"] = max_epochs
    augment = Augment.for_samples(drawn_anew, X) if drawn_anew else None
    return DrLIM(**declared, augment=augment, verbose=verbose)


def fingerprints(X: np.ndarray) -> np.ndarray:
    """Return a number for each sample that another sample has by rare chance only; sorted.

    They let a report leave out what a map was trained on.

    Returns
    -------
    ndarray of shape (n_samples,), uint64
    """
    return np.sort(_marks(X))


def is_known(X: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell of each sample whether its fingerprint is among some; ndarray of bool, (n_samples,)."""
    return np.isin(_marks(X), known)


def _marks(X: np.ndarray) -> np.ndarray:
    digests = (hashlib.blake2b(sample.tobytes(), digest_size=8).digest() for sample in X)
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)


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


def _network(declaration: Declaration, sample_shape: tuple[int, ...]) -> Any:
    """Turn the declared network (None, a name, a table) into what `DrLIM` takes, and try it."""
    declared = declaration.map.network
    if declared is None:
        return None
    table = declared if isinstance(declared, Mapping) else {"name": declared}
    with at(declaration, "map", "network"):
        if "builder" in table:
            builder = imported(str(table["builder"]), declaration.folder)
        elif table.get("name") in networks.BUILDERS:
            builder = networks.BUILDERS[str(table["name"])]
        else:
            raise InputError(
                f"there is no network {table.get('name')!r}; "
                f"{nearest_name(str(table.get('name')), networks.BUILDERS)}, or "
                "builder = 'module:function' for one of your own"
            )
        builder = with_arguments(builder, table)
        try:
            networks.build(builder, sample_shape, declaration.map.n_components, seed=0)
        except (TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"the network cannot be built: {error}") from None
    return builder


def with_arguments(builder: Callable[..., Any], table: Mapping[str, Any]) -> Callable[..., Any]:
    """Give a builder what else a declared network's table says."""
    arguments = {key: value for key, value in table.items() if key not in ("name", "builder")}
    return networks.with_arguments(builder, arguments) if arguments else builder


def imported(name: str, folder: Path) -> Callable[..., Any]:
    """Import ``module:function``, from a folder if the module is there.

    Raises
    ------
    InputError
        If it cannot be imported.
    """
    module_name, _, function = name.partition(":")
    file = folder / f"{module_name}.py"
    try:
        if file.is_file():
            spec = importlib.util.spec_from_file_location(module_name, file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(module_name)
        builder: Callable[..., Any] = getattr(module, function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{name!r} cannot be imported ({error}); write 'module:function', where module.py "
            f"lies in {folder} or is installed"
        ) from None
    return builder
