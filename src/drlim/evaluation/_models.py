"""Probes: small models that try to read a factor from points.

Apart from `_probes`, since scikit-learn's models take long to import.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim._errors import InputError, nearest_name
from drlim.evaluation._probes import MOST_FEATURES, NUMBER_PROBES, PROBES

_N_TREES = 30
# Neighbours that vote, as in what is measured of what is kept.
_N_NEIGHBORS = 5


def probe_model(name: str, kind: str, n_features: int, n_train: int, seed: int) -> Any:
    """Build the probe of that name for classes or for numbers."""
    known = PROBES if kind == "class" else NUMBER_PROBES
    if name not in known:
        raise InputError(f"probe is {name!r}; {nearest_name(name, known)}")
    most = min(MOST_FEATURES, n_train)
    reduce = [PCA(most, random_state=seed)] if n_features > most else []
    if name == "neighbors":
        # Neighbours are near in the map's own units, so nothing is standardised.
        of = EvenNeighbors if kind == "class" else KNeighborsRegressor
        return make_pipeline(*reduce, of(min(_N_NEIGHBORS, n_train)))
    if name == "logistic":
        even = LogisticRegression(max_iter=1000, class_weight="balanced")
        return make_pipeline(*reduce, StandardScaler(), even)
    if name == "ridge":
        return make_pipeline(*reduce, StandardScaler(), RidgeCV(np.logspace(-3, 3, 7)))
    if kind == "class":
        forest = ExtraTreesClassifier(
            _N_TREES, min_samples_leaf=3, class_weight="balanced", random_state=seed
        )
        return make_pipeline(*reduce, forest)
    # Shallow boosted trees: they read what no plane separates, and stay fast. A regression must
    # give the amount and not only the side, so it needs larger steps than a vote.
    trees = GradientBoostingRegressor(
        n_estimators=_N_TREES, max_depth=3, max_features=0.3, learning_rate=0.3, random_state=seed
    )
    return make_pipeline(*reduce, MultiOutputRegressor(trees))


class EvenNeighbors(KNeighborsClassifier):  # type: ignore[misc]  # scikit-learn is untyped
    """Nearest neighbours whose votes count the less, the more frequent their value is."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return for each row the value with the most votes for its frequency."""
        frequency = np.bincount(self._y.ravel(), minlength=len(self.classes_))
        return self.classes_[np.argmax(self.predict_proba(X) / frequency, axis=1)]
