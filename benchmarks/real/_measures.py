"""What the points of a method are worth, measured alike for all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.real._sets import Fold

SEEN, UNSEEN = "EER", "EER, unseen"
ACCURACY, R2, R2_UNSEEN = "5-NN", "R²", "R², unseen"
LEAK = "leak"
# Whether more is better.
MEASURES = {SEEN: False, UNSEEN: False, ACCURACY: True, R2: True, R2_UNSEEN: True, LEAK: False}
_N_NEIGHBORS = 5


def measured(fold: Fold, points: Sequence[np.ndarray]) -> dict[str, float]:
    """Return the measures of the points of the learnt, held-out and unseen samples."""
    learnt, held_out, unseen = (np.asarray(Z, np.float64) for Z in points)
    if not all(np.isfinite(Z).all() for Z in (learnt, held_out, unseen)):
        raise ValueError("points are not finite")
    problem = fold.problem
    truth = [fold.kept(part) for part in fold.parts]
    found = {}
    if problem.kind == "class":
        if not problem.large:
            found[SEEN] = equal_error_rate(held_out, truth[1])
        if len(unseen):
            found[UNSEEN] = equal_error_rate(unseen, truth[2])
        reader = KNeighborsClassifier(_N_NEIGHBORS).fit(learnt, truth[0])
        found[ACCURACY] = float((reader.predict(held_out) == truth[1]).mean())
    else:
        numbers = [_numbers(values, problem.kind) for values in truth]
        found[R2] = share_read(learnt, numbers[0], held_out, numbers[1])
        if len(unseen):
            found[R2_UNSEEN] = share_read(learnt, numbers[0], unseen, numbers[2])
    if problem.ignore:
        found[LEAK] = leak(fold, learnt, held_out)
    return found


def equal_error_rate(Z: np.ndarray, labels: np.ndarray) -> float:
    """Return the error rate of all pairs at the distance where both kinds are equal."""
    left, right = np.triu_indices(len(Z), 1)
    same = labels[left] == labels[right]
    order = np.argsort(pdist(Z), kind="stable")
    same = same[order]
    false_accepts = np.cumsum(~same) / max((~same).sum(), 1)
    false_rejects = 1 - np.cumsum(same) / max(same.sum(), 1)
    at = int(np.argmin(np.abs(false_accepts - false_rejects)))
    return float((false_accepts[at] + false_rejects[at]) / 2)


def share_read(Z: np.ndarray, y: np.ndarray, Z_new: np.ndarray, y_new: np.ndarray) -> float:
    """Return R² of the better of a ridge regression and 5 nearest neighbours."""
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-6, 4, 21)))
    read = [
        reader.fit(Z, y).predict(Z_new).reshape(y_new.shape)
        for reader in (ridge, KNeighborsRegressor(_N_NEIGHBORS))
    ]
    spread = ((y_new - y_new.mean(axis=0)) ** 2).sum()
    return max(float(1 - ((y_new - values) ** 2).sum() / spread) for values in read)


def leak(fold: Fold, learnt: np.ndarray, held_out: np.ndarray) -> float:
    """Return the balanced accuracy of the better of two probes of the ignored factor.

    They learn from the learnt points and four fifths of the held-out ones, by source. A value below
    chance counts as chance.
    """
    problem = fold.problem
    factor = [part.factor(str(problem.ignore)) for part in (fold.learnt, fold.held_out)]
    source = fold.held_out.factor(str(problem.source))
    probes = (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        KNeighborsClassifier(_N_NEIGHBORS),
    )
    read = np.empty((len(probes), len(held_out)), factor[1].dtype)
    n_folds = min(5, len(np.unique(source)))
    for train, test in GroupKFold(n_folds).split(held_out, groups=source):
        Z, values = np.vstack([learnt, held_out[train]]), np.r_[factor[0], factor[1][train]]
        for row, probe in zip(read, probes, strict=True):
            row[test] = probe.fit(Z, values).predict(held_out[test])
    chance = 1 / len(np.unique(factor[1]))
    return max(chance, *(float(balanced_accuracy_score(factor[1], row)) for row in read))


def _numbers(values: np.ndarray, kind: str) -> np.ndarray:
    """Return numbers as a column, and those of a ring as cosine and sine."""
    if kind == "number":
        return values.astype(np.float64)[:, None]
    angle = np.deg2rad(values.astype(np.float64))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
