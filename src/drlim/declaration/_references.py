"""What a map is compared with: simple maps for everything, and rivals that recognise classes.

The first are measured in all that is declared. The rivals need no training of a network: the cosine
of the samples, that of a pretrained network's features, and shrinkage LDA on either. A map that
recognises classes less well than the best of them is not worth its training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drlim import baselines, networks
from drlim.datasets import Dataset
from drlim.declaration._learnt import comparable
from drlim.declaration._moved import Embedding
from drlim.declaration._recognition import Labelled
from drlim.estimator import DrLIM
from drlim.evaluation._intervals import wilson_interval
from drlim.evaluation._probes import as_values
from drlim.evaluation._words import Answer
from drlim.evaluation.invariance import MOST_FEATURES
from drlim.evaluation.proof import FAILS, HOLDS, NOT_DECIDED
from drlim.networks._features import divided

# The rivals, in words that follow "that of".
RIVALS = {
    "cosine": "the cosine of the samples",
    "features": "the cosine of the pretrained features",
    "lda": "shrinkage LDA on the samples",
    "features-lda": "shrinkage LDA on the pretrained features",
}
_N_NEIGHBORS = 5
# Components that LDA is fitted to.
_LDA_COMPONENTS = 100
# The level of the sign test below which the map is judged worse than a rival.
_BY_CHANCE = 0.05


def embeddings(
    map_: DrLIM, held_out: Dataset, learnt: Dataset | None, seed: int
) -> dict[str, Embedding]:
    """Return the map and its references, each a function of samples.

    Samples and PCA are in the unit of the map, which is a choice of the data and not learnt.
    """
    known = map_._in_unit((held_out if learnt is None else learnt).X)
    n_components = min(map_.n_components, len(known) - 1, int(np.prod(known.shape[1:])))
    pca = baselines.fitted_pca(known, n_components=n_components, random_state=seed)
    samples = _as_few(known, seed)
    untrained = map_.untrained()
    embed: dict[str, Embedding] = {
        "map": lambda X: np.asarray(map_.transform(X)),
        "untrained": lambda X: np.asarray(untrained.transform(X)),
        "pca": lambda X: pca(map_._in_unit(X)),
        "samples": lambda X: samples(map_._in_unit(X)),
    }
    if held_out.X.ndim == 4 and held_out.X.shape[1] == 3:
        embed["colours"] = baselines.colour_histograms
    return embed


def _as_few(X: np.ndarray, seed: int) -> Embedding:
    """Return samples as they are or, if they have many features, their principal components."""
    n_components = min(MOST_FEATURES, len(X))
    if np.prod(X.shape[1:]) > n_components:
        return baselines.fitted_pca(X, n_components=n_components, random_state=seed)
    return lambda X: X.reshape(len(X), -1).astype(np.float32)


def features_of(map_: DrLIM, X: np.ndarray) -> np.ndarray | None:
    """Return the features of a map's frozen body, (n, n_features); None if it has none."""
    if divided(map_.network_) is None:
        return None
    return networks.features(map_.network_, X)


def rivals(
    learnt: Mapping[str, np.ndarray] | None, labels: np.ndarray | None, seed: int
) -> Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]:
    """Return a function from points of "samples" and "features" to points of each rival.

    Parameters
    ----------
    learnt : mapping of str to ndarray of shape (n_learnt, ...), optional
        Points of the learnt samples, to which LDA is fitted.
    labels : ndarray of shape (n_learnt,), optional
        Their classes, all known.
    seed : int
    """
    models = {}
    if learnt is not None and labels is not None:
        for kind, name in (("samples", "lda"), ("features", "features-lda")):
            model = _lda(learnt[kind], labels, seed) if kind in learnt else None
            if model is not None:
                models[kind, name] = model

    def seen(points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = {"cosine": _directions(points["samples"])}
        if "features" in points:
            found["features"] = _directions(points["features"])
        fitted = {name: m.transform(points[k]) for (k, name), m in models.items() if k in points}
        return {**found, **fitted}

    return seen


def _directions(X: np.ndarray) -> np.ndarray:
    """Return rows of length 1: their distances then order pairs as their cosines do."""
    length = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(length > 0, length, 1)


def _lda(X: np.ndarray, labels: np.ndarray, seed: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.pipeline import make_pipeline

    labels = as_values(labels)
    n_classes = len(np.unique(labels))
    n_components = min(_LDA_COMPONENTS, X.shape[1], len(X) - n_classes)
    if n_classes < 2 or n_components < 1 or not X.std():
        return None
    model = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
    try:
        return make_pipeline(PCA(n_components, random_state=seed), model).fit(X, labels)
    except (ValueError, np.linalg.LinAlgError):  # components without spread
        return None


@dataclass(frozen=True)
class Worth:
    """Whether a map recognises a class at least as well as the best rival.

    Attributes
    ----------
    factor, who : str
        As in `Recognition`.
    right : mapping of str to float
        The share of samples whose class is voted for by their 5 nearest: learnt ones or, for
        classes never seen, the others; of "map" and each rival.
    best : str
        The rival with the largest share.
    n : int
    n_map_alone, n_best_alone : int
        Samples that the map alone recognises, and that the best rival alone does.
    chance : float
        The share of the most frequent class: that of guessing.
    """

    factor: str
    who: str
    right: Mapping[str, float]
    best: str
    n: int
    n_map_alone: int
    n_best_alone: int
    chance: float = 0.0

    @property
    def verdict(self) -> str:
        """The result: "holds" if the map is level or better, "fails" if it is clearly worse.

        A map that recognises no more than guessing would is not decided, level or not.
        """
        if self.n_map_alone >= self.n_best_alone:
            return HOLDS if self._is_above_chance else NOT_DECIDED
        from scipy.stats import binom

        # Of the samples that one alone recognises, each would be the map's as likely as not.
        by_chance = binom.cdf(self.n_map_alone, self.n_map_alone + self.n_best_alone, 0.5)
        return FAILS if by_chance <= _BY_CHANCE else NOT_DECIDED

    @property
    def _is_above_chance(self) -> bool:
        return wilson_interval(self.right["map"] * self.n, self.n)[0] > self.chance

    @property
    def answer(self) -> Answer:
        """The question, and its answer in words."""
        ours, theirs = self.right["map"], self.right[self.best]
        level = ", level with" if f"{ours:.2f}" == f"{theirs:.2f}" else "; in"
        who = self.who if "samples" in self.who else f"samples of {self.who}"
        numbers = (
            f"{ours:.2f} of {self.n:,} {who} are recognised by their 5 nearest{level} "
            f"{RIVALS[self.best]} ({theirs:.2f})"
        )
        below = "; it is below, by no more than chance brings among so few"
        if not self._is_above_chance:
            below = f"; guessing reaches {self.chance:.2f}"
        opening, rest = {
            HOLDS: ("Yes", ""),
            FAILS: ("No", "; use that instead, or learn from more samples"),
            NOT_DECIDED: ("Not decided", below),
        }[self.verdict]
        among = "" if self.who == "held-out samples" else f", of {self.who}"
        question = f"Is the map worth learning to recognise {self.factor}{among}?"
        return Answer(question, f"{opening}: {numbers}{rest}.", "", self.verdict)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "verdict": self.verdict, "sentence": str(self.answer)}


def worth(factor: str, who: str, samples: Labelled, train: Labelled | None) -> Worth | None:
    """Compare a map with its rivals on the samples of one class; None if there are no rivals.

    Parameters
    ----------
    factor, who : str
        As in `Recognition`.
    samples : Labelled
        Points of "map" and of each rival.
    train : Labelled, optional
        Those of the learnt samples. None: each sample is recognised by the others.
    """
    names = [name for name in RIVALS if name in samples.points]
    if train is not None:
        names = [name for name in names if name in train.points]
    if not names or len(samples.labels) < 2:
        return None
    right = {name: _right(name, samples, train) for name in ("map", *names)}
    shares = {name: float(rows.mean()) for name, rows in right.items()}
    best = max(names, key=lambda name: shares[name])
    ours, theirs = right["map"], right[best]
    return Worth(
        factor,
        who,
        shares,
        best,
        len(ours),
        int((ours & ~theirs).sum()),
        int((theirs & ~ours).sum()),
        float(np.unique(as_values(samples.labels), return_counts=True)[1].max() / len(ours)),
    )


def _right(name: str, samples: Labelled, train: Labelled | None) -> np.ndarray:
    """Return which samples are recognised by the vote of their nearest, (n,) of bool."""
    from sklearn.neighbors import NearestNeighbors

    Z, labels = samples.points[name], as_values(samples.labels)
    known, of_known = Z, labels
    if train is not None:
        known = train.points[name]
        labels, of_known = map(as_values, comparable(samples.labels, train.labels))
    values, codes = np.unique(of_known, return_inverse=True)
    n = min(_N_NEIGHBORS, len(known) - (train is None))
    nearest = NearestNeighbors(n_neighbors=n).fit(known)
    rows = nearest.kneighbors(None if train is None else Z, return_distance=False)
    votes = np.apply_along_axis(np.bincount, 1, codes[rows], minlength=len(values))
    right: np.ndarray = values[votes.argmax(axis=1)] == labels
    return right
