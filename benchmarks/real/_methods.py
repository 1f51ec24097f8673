"""The methods: what is simple, the plain loop, other libraries, and drlim."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from benchmarks.real import _peers
from benchmarks.real._sets import Fold, Problem
from drlim import DrLIM, declaration, recipes

N_COMPONENTS = 32  # of PCA, NCA, the plain loop and other libraries, where there are as many
Points = Sequence[np.ndarray]


class Method(NamedTuple):
    """A method: what it does, and for which problems it is made."""

    title: str
    points: Callable[[Fold, bool], Points]  # (fold, quick) -> points of learnt, held out, unseen
    suits: Callable[[Problem], bool] = lambda problem: True
    ours: bool = False


def vectors(fold: Fold) -> list[np.ndarray]:
    """Return the samples of each part as rows of numbers; z-scores if their units differ."""
    rows = []
    for part in fold.parts:
        X = part.X.reshape(len(part), math.prod(part.X.shape[1:]))
        rows.append(X / np.float32(255) if X.dtype == np.uint8 else X.astype(np.float64))
    return _standardised(rows) if fold.problem.different_units else rows


def _standardised(rows: list[np.ndarray]) -> list[np.ndarray]:
    scaler = StandardScaler().fit(rows[0])
    return [scaler.transform(X) if len(X) else X for X in rows]


def centred(fold: Fold) -> list[np.ndarray]:
    """Return the samples less the mean of their condition, such as the instrument.

    The mean is that of the learnt samples, or for a condition that was not learnt, its own. Unlike
    the other methods this must know the condition of every new sample.
    """
    rows, name = vectors(fold), str(fold.problem.condition)
    factors = [part.factor(name) for part in fold.parts]
    result = []
    for X, factor in zip(rows, factors, strict=True):
        X = X.copy()
        for value in np.unique(factor):
            learnt = factors[0] == value
            mean = rows[0][learnt] if learnt.any() else X[factor == value]
            X[factor == value] -= mean.mean(axis=0)
        result.append(X)
    return result


def _directions(fold: Fold, quick: bool) -> Points:
    """Return samples of length 1: their distances then order pairs as their cosines do."""
    return [X / np.linalg.norm(X, axis=1, keepdims=True) for X in vectors(fold)]


def by_model(
    make: Callable[[Fold, int], Any], rows: Callable[[Fold], list[np.ndarray]] = vectors
) -> Callable[[Fold, bool], Points]:
    """Return a method that fits a scikit-learn model, which `make` gives for a rank."""

    def points(fold: Fold, quick: bool) -> Points:
        parts = rows(fold)
        # Centring takes a dimension for each value.
        name = fold.problem.condition
        n_means = len(np.unique(fold.learnt.factor(name))) if name else 1
        rank = min(len(parts[0]) - n_means, parts[0].shape[1])
        model = make(fold, rank).fit(parts[0], fold.kept(fold.learnt))
        return [np.asarray(model.transform(X)) if len(X) else np.empty((0, 1)) for X in parts]

    return points


def _pca(fold: Fold, rank: int) -> Any:
    return PCA(min(N_COMPONENTS, rank), random_state=fold.split)


def _lda(fold: Fold, rank: int) -> Any:
    discriminant = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
    return make_pipeline(PCA(min(100, rank), random_state=fold.split), discriminant)


def _nca(fold: Fold, rank: int) -> Any:
    learner = NeighborhoodComponentsAnalysis(
        min(N_COMPONENTS, rank), max_iter=100, random_state=fold.split
    )
    return make_pipeline(PCA(min(100, rank), random_state=fold.split), learner)


def _pls(fold: Fold, rank: int) -> Any:
    name = fold.problem.source
    groups = fold.learnt.factor(name) if name else np.arange(len(fold.learnt))
    folds = list(GroupKFold(5).split(groups, groups=groups))
    numbers = [n for n in (1, 2, 3, 4, 6, 8, 10, 12, 15, 20) if n <= rank]
    model = PLSRegression(scale=fold.problem.different_units)
    return _Best(GridSearchCV(model, {"n_components": numbers}, cv=folds))


class _Best:
    """A search whose best model is used."""

    def __init__(self, search: GridSearchCV) -> None:
        self.search = search

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        return self.search.fit(X, y.astype(np.float64)).best_estimator_


def plain_loop(fold: Fold, quick: bool) -> Points:
    """Train an MLP 256-256 with eq. 4: 300 steps of Adam at 0.001, all samples in every step.

    At most 2,000 samples, drawn anew for each step, so that a step takes at most 0.2 s.
    """
    rows = [torch.as_tensor(X, dtype=torch.float32) for X in _standardised(vectors(fold))]
    X = rows[0]
    torch.manual_seed(fold.split)
    network = nn.Sequential(
        *(nn.Linear(X.shape[1], 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()),
        nn.Linear(256, N_COMPONENTS),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    n = min(len(X), 2000)
    for _ in range(20 if quick else 300):
        batch = torch.arange(n) if n == len(X) else torch.randperm(len(X))[:n]
        similar = _similar(fold, batch.numpy())
        Z = network(X[batch])
        D = torch.pdist(Z)
        pull, push = D[similar], (1 - D[~similar]).clamp(min=0)
        # All dissimilar pairs together weigh as much as ten for each similar one.
        loss = (pull**2).mean() / 2 + 10 * (push**2).mean() / 2
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
        optimizer.step()
    with torch.no_grad():
        return [network(X).numpy() for X in rows]


def _similar(fold: Fold, rows: np.ndarray) -> torch.Tensor:
    """Tell which pairs among some learnt samples are similar, in the order of `torch.pdist`."""
    problem = fold.problem
    left, right = np.triu_indices(len(rows), 1)
    kept = fold.kept(fold.learnt)[rows]
    if problem.kind == "class":
        similar = kept[left] == kept[right]
    else:
        apart = np.abs(kept[left].astype(float) - kept[right])
        if problem.kind == "ring":
            apart = np.minimum(apart, 360 - apart)
            near = 2 * problem.rule["step"]  # across a view that is held out
        else:
            near = kept.std() / 10
        similar = apart <= near
    if problem.source:
        source = fold.learnt.factor(problem.source)[rows]
        similar |= source[left] == source[right]
    return torch.as_tensor(similar)


def _by_peer(name: str) -> Callable[[Fold, bool], Points]:
    """Return a method of another library, from standardised samples."""

    def points(fold: Fold, quick: bool) -> Points:
        rows, y = _standardised(vectors(fold)), fold.kept(fold.learnt)
        y = y.astype(np.float32) if fold.problem.kind == "number" else y
        n_components = min(N_COMPONENTS, rows[0].shape[1])
        return _peers.points(name, rows, y, n_components, fold.split, quick)

    return points


def _peer_suits(name: str) -> Callable[[Problem], bool]:
    return lambda p: _peers.is_installed(name) and p.kind != "ring" and not p.large


def _declared(fold: Fold, quick: bool) -> Points:
    """Fit a declaration that says what is kept, ignored and of one source, and nothing else."""
    problem = fold.problem
    settings = {"max_epochs": 1} if quick else {}
    fitted = declaration.fit(problem.declared(fold.split, **settings), problem.data)
    return _transformed(fitted.map, fold)


def _labelled(fold: Fold, quick: bool) -> Points:
    """Fit samples and the values of the kept factor."""
    map_ = DrLIM(random_state=fold.split)
    if quick:
        map_.set_params(max_epochs=1)
    return _transformed(map_.fit(fold.learnt.X, fold.kept(fold.learnt)), fold)


def _by_recipe(fold: Fold, quick: bool) -> Points:
    """Fit the recipe for what is kept; with classes never seen, that for verification."""
    problem, learnt = fold.problem, fold.learnt
    name = "continuous" if problem.kind != "class" else "labels"
    if problem.keep in problem.unseen:
        name = "verification"
    map_ = recipes.named(name, len(learnt), learnt.X.shape[1:], random_state=fold.split)
    if quick:
        map_.set_params(max_epochs=1)
    known = declaration.rules(problem.declared(fold.split), problem.data, fold.rows[0])
    together = problem.keep if name == "verification" else problem.source
    groups = learnt.factor(together) if together else None
    return _transformed(map_.fit(learnt.X, graph=known.similar, groups=groups), fold)


def _transformed(map_: DrLIM, fold: Fold) -> Points:
    empty = np.empty((0, map_.n_components))
    return [map_.transform(part.X) if len(part) else empty for part in fold.parts]


def _of_classes(problem: Problem) -> bool:
    return problem.kind == "class"


def _of_numbers(problem: Problem) -> bool:
    return problem.kind == "number"


def _small(problem: Problem) -> bool:
    return problem.kind == "class" and not problem.large


METHODS = {
    "samples": Method("samples", lambda fold, quick: vectors(fold), lambda p: not p.large),
    "cosine": Method("samples, cosine", _directions, lambda p: p.cosine),
    "pca": Method(f"PCA, {N_COMPONENTS}", by_model(_pca)),
    "lda": Method("PCA, 100 + shrinkage LDA", by_model(_lda), _of_classes),
    "nca": Method("NCA", by_model(_nca), _small),
    "pls": Method("PLS", by_model(_pls), _of_numbers),
    "centred": Method("centred", lambda fold, quick: centred(fold), lambda p: bool(p.condition)),
    "centred-lda": Method(
        "centred, PCA, 100 + shrinkage LDA",
        by_model(_lda, centred),
        lambda p: bool(p.condition) and p.kind == "class",
    ),
    "centred-pls": Method(
        "centred, PLS", by_model(_pls, centred), lambda p: bool(p.condition) and p.kind == "number"
    ),
    "loop": Method("plain loop", plain_loop),
    "ivis": Method("ivis", _by_peer("ivis"), _peer_suits("ivis")),
    "umap": Method("ParametricUMAP", _by_peer("umap"), _peer_suits("umap")),
    "drlim": Method("drlim, declared", _declared, ours=True),
    "drlim-xy": Method("drlim, fit(X, y)", _labelled, ours=True),
    "recipe": Method("drlim, by recipe", _by_recipe, ours=True),
}


def points_of(method: Method, fold: Fold, quick: bool) -> Points:
    """Return the points of a method, without the warnings of its training."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return method.points(fold, quick)
