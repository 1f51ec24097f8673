"""`Augment`: changes made anew to each sample of each batch, while a map is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._errors import InputError
from drlim.transforms._apply import apply_steps, step
from drlim.transforms._change import Change, change
from drlim.transforms._kinds import GEOMETRIC, ZEROS, check_fits


@dataclass(frozen=True)
class Augment:
    """Changes drawn anew for each sample: what `drlim.DrLIM` takes as `augment`.

    Geometric changes are made first and as one; the others follow in the order of the list.

    Parameters
    ----------
    changes : sequence of Change
    feature_mean, feature_scale : sequence of float, optional
        Of vectors, what a dropped feature becomes and the unit of its noise, as `for_samples`
        learns them; None for standardised features: 0 and 1.

    Examples
    --------
    >>> augment = Augment([change("shift"), change("flip")])
    >>> augment(np.ones((5, 8, 8)), np.random.default_rng(0)).shape
    (5, 8, 8)
    """

    changes: tuple[Change, ...]
    feature_mean: tuple[float, ...] | None = None
    feature_scale: tuple[float, ...] | None = None

    def __init__(
        self,
        changes: Sequence[Change],
        feature_mean: Sequence[float] | np.ndarray | None = None,
        feature_scale: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        if not isinstance(changes, Sequence):
            raise InputError(f"changes is a {type(changes).__name__}; it must be a list of changes")
        for one in changes:
            if not isinstance(one, Change):
                raise InputError(f"changes has {one!r}; each must be a Change, made by `change`")
        object.__setattr__(self, "changes", tuple(changes))
        if len(self._outside) > 1:
            raise InputError(
                f"the geometric changes have outside {' and '.join(sorted(self._outside))}; they "
                "are made as one, so give all of them the same"
            )
        for name, values in (("feature_mean", feature_mean), ("feature_scale", feature_scale)):
            try:
                plain = None if values is None else tuple(np.asarray(values, dtype=float).tolist())
            except (TypeError, ValueError):
                raise InputError(f"{name} is {values!r}; it must have a number a feature") from None
            object.__setattr__(self, name, plain)

    @classmethod
    def for_samples(cls, changes: Sequence[Change], X: np.ndarray) -> Augment:
        """Make one for samples like these: checked, and with the features' mean and deviation.

        Parameters
        ----------
        changes : sequence of Change
        X : ndarray of shape (n_samples, ...)
            The training samples.

        Returns
        -------
        Augment

        Raises
        ------
        InputError
            If a change cannot be made to such samples.

        Examples
        --------
        >>> Augment.for_samples([change("noise")], np.array([[1.0, 5.0], [3.0, 5.0]]))
        Augment(changes=(Change(kind='noise', ...),), feature_mean=(2.0, 5.0),
                feature_scale=(1.0, 0.0))
        """
        augment = cls(changes)
        X = np.asarray(X)
        for one in augment.changes:
            check_fits(one.kind, X.shape)
        if X.ndim != 2 or not len(X):
            return augment
        return cls(changes, X.mean(axis=0, dtype=float), X.std(axis=0, dtype=float))

    def __call__(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Change a batch; the same generator gives the same result."""
        samples = np.asarray(samples)
        n = len(samples)
        steps = [step(c.kind, c.along, c.draw(n, generator), n) for c in self.changes]
        mean, scale = (
            None if values is None else np.array(values)
            for values in (self.feature_mean, self.feature_scale)
        )
        return apply_steps(steps, samples, generator, mean, scale, *self._outside)

    @property
    def _outside(self) -> set[str]:
        """What lies outside an image, by each geometric change: one answer, or none."""
        return {one.outside for one in self.changes if one.kind in GEOMETRIC}

    def as_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` makes the same again."""
        return {
            "changes": [_plain(one) for one in self.changes],
            "feature_mean": None if self.feature_mean is None else list(self.feature_mean),
            "feature_scale": None if self.feature_scale is None else list(self.feature_scale),
        }

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Augment:
        """Make one from what `as_json` returned.

        Raises
        ------
        InputError
            If it is something else.

        Examples
        --------
        >>> augment = Augment([change("scale"), change("shift", values=[-3, 3])])
        >>> Augment.from_json(augment.as_json()) == augment
        True
        """
        try:
            changes = [change(**one) for one in description["changes"]]
            return cls(changes, description["feature_mean"], description["feature_scale"])
        except (KeyError, TypeError) as error:
            raise InputError(
                f"this is no description of an Augment ({error}); pass what `as_json` returned"
            ) from error


def _plain(one: Change) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": one.kind}
    if one.kind != "flip" and one.values is not None:
        plain["values"] = list(one.values)
    elif one.kind != "flip":
        plain["range"] = [one.low, one.high]
    if one.along is not None:
        plain["along"] = one.along
    if one.outside != ZEROS:
        plain["outside"] = one.outside
    return plain
