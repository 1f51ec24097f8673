"""What a map ignores of a transformation, measured on transformed copies of held-out samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from drlim._random import seed_of
from drlim.evaluation.invariance import Displacement, displacement
from drlim.evaluation.proof import Ignored, measure_ignored
from drlim.transforms import Augment, Change, beyond, levels

Embedding = Callable[[np.ndarray], np.ndarray]

# Each sample is transformed many times, and probes of more than a few thousand take minutes.
_MOST_TRANSFORMED = 400


def measure_change(
    change: Change,
    embed: Mapping[str, Embedding],
    X: np.ndarray,
    seed: int,
    X_learnt: np.ndarray | None = None,
) -> tuple[Ignored, dict[str, Displacement]]:
    """Measure an ignored transformation on transformed copies of held-out samples.

    Parameters
    ----------
    change : Change
    embed : mapping of str to callable
        The map and its references.
    X : ndarray of shape (n_samples, ...)
        The held-out samples, of which at most 400 are transformed.
    seed : int
    X_learnt : ndarray of shape (n_learnt, ...), optional
        The samples that were learnt from. Probes are trained on copies of them as well.

    Returns
    -------
    Ignored
    dict of str to Displacement
        How far points move, against the strength.
    """
    rng = np.random.default_rng(seed_of(seed))
    # For vectors: the unit of noise, and the value of a dropped feature.
    unit = Augment.for_samples([change], X)
    mean, scale = (
        None if values is None else np.array(values)
        for values in (unit.feature_mean, unit.feature_scale)
    )
    held_out = X[np.sort(rng.permutation(len(X))[:_MOST_TRANSFORMED])]

    def changed(samples: np.ndarray, strength: float) -> np.ndarray:
        return change.apply(samples, strength, rng, feature_mean=mean, feature_scale=scale)

    tried = levels(change)
    copies = [changed(held_out, level) for level in tried]
    strengths, inside = beyond(change)
    farther = [changed(held_out, strength) for strength in strengths]
    curves = {
        name: displacement(
            embedding(held_out),
            [embedding(copy) for copy in farther],
            strengths.tolist(),
            random_state=seed,
        )
        for name, embedding in embed.items()
    }
    train = factor_train = None
    if X_learnt is not None:
        known = X_learnt[np.sort(rng.permutation(len(X_learnt))[:_MOST_TRANSFORMED])]
        train = _embedded([changed(known, level) for level in tried], embed)
        factor_train = np.repeat(tried, len(known))
    found = measure_ignored(
        change.name,
        _embedded(copies, embed),
        np.repeat(tried, len(held_out)),
        train=train,
        factor_train=factor_train,
        kind="class",
        groups=np.tile(np.arange(len(held_out)), len(tried)),
        displacement=curves,
        trained_range=(float(strengths[inside].min()), float(strengths[inside].max())),
        random_state=seed,
    )
    return found, curves


def _embedded(copies: list[np.ndarray], embed: Mapping[str, Embedding]) -> dict[str, np.ndarray]:
    return {
        name: np.concatenate([embedding(copy) for copy in copies])
        for name, embedding in embed.items()
    }
