"""`Augment`: changes applied anew to each sample of each batch during training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._checks import as_array
from drlim._errors import InputError
from drlim.transforms._apply import apply_steps, step
from drlim.transforms._change import Change, change
from drlim.transforms._kinds import GEOMETRIC, ZEROS, check_fits


@dataclass(frozen=True)
class Augment:
    """Changes drawn anew for each sample: the argument `augment` of `drlim.DrLIM`.

    Geometric changes are applied first and as one; the others follow in the order of the list.

    Parameters
    ----------
    changes : sequence of Change
    feature_mean, feature_scale : sequence of float, optional
        For vectors, the value of a dropped feature and the unit of its noise, which
        `for_samples` computes. None: 0 and 1, for standardised features.

    Raises
    ------
    InputError
        If an item is not a `Change`, or the geometric changes differ in `outside`.

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
        for item in changes:
            if not isinstance(item, Change):
                raise InputError(f"changes contains {item!r}; each item must be made by `change`")
        object.__setattr__(self, "changes", tuple(changes))  # the dataclass is frozen
        if len(self._outside) > 1:
            raise InputError(
                f"the geometric changes have outside {' and '.join(sorted(self._outside))}; they "
                "are applied as one, so give the same to all of them"
            )
        for name, values in (("feature_mean", feature_mean), ("feature_scale", feature_scale)):
            try:
                plain = None if values is None else tuple(np.asarray(values, dtype=float).tolist())
            except (TypeError, ValueError):
                raise InputError(f"{name} is {values!r}; give one number per feature") from None
            object.__setattr__(self, name, plain)

    @classmethod
    def for_samples(cls, changes: Sequence[Change], X: np.ndarray) -> Augment:
        """Make an `Augment` for given samples, with the mean and deviation of their features.

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
            If a change cannot be applied to such samples.

        Examples
        --------
        >>> Augment.for_samples([change("noise")], np.array([[1.0, 5.0], [3.0, 5.0]]))
        Augment(changes=(Change(kind='noise', ...),), feature_mean=(2.0, 5.0),
                feature_scale=(1.0, 0.0))
        """
        augment = cls(changes)
        X = as_array(X, "X")
        for each in augment.changes:
            check_fits(each.kind, X.shape)
        if X.ndim != 2 or not len(X):
            return augment
        return cls(changes, X.mean(axis=0, dtype=float), X.std(axis=0, dtype=float))

    def __call__(self, samples: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Change a batch.

        Parameters
        ----------
        samples : ndarray of shape (n, ...)
            They are not modified.
        generator : numpy.random.Generator
            The same state gives the same result.

        Returns
        -------
        ndarray, of the same shape and dtype

        Examples
        --------
        >>> augment = Augment([change("brightness", values=[0.1])])
        >>> augment(np.zeros((3, 1, 1)), np.random.default_rng(0)).ravel()
        array([0.1, 0.1, 0.1])
        """
        samples = as_array(samples, "samples")
        n = len(samples)
        # All strengths are drawn first, then the noise of each change: an order that seeds rely on.
        steps = [step(c.kind, c.along, c.draw(n, generator), n) for c in self.changes]
        mean, scale = (
            None if values is None else np.array(values)
            for values in (self.feature_mean, self.feature_scale)
        )
        return apply_steps(steps, samples, generator, mean, scale, *self._outside)

    @property
    def _outside(self) -> set[str]:
        """The values of `outside` of the geometric changes: at most one after construction."""
        return {each.outside for each in self.changes if each.kind in GEOMETRIC}

    def as_json(self) -> dict[str, Any]:
        """Return plain data from which `from_json` makes an equal object.

        Examples
        --------
        >>> Augment([change("flip")]).as_json()["changes"]
        [{'kind': 'flip', 'along': 'horizontal'}]
        """
        return {
            "changes": [_plain(each) for each in self.changes],
            "feature_mean": None if self.feature_mean is None else list(self.feature_mean),
            "feature_scale": None if self.feature_scale is None else list(self.feature_scale),
        }

    @classmethod
    def from_json(cls, description: Mapping[str, Any]) -> Augment:
        """Make an `Augment` from what `as_json` returned.

        Raises
        ------
        InputError
            If the description is of another kind.

        Examples
        --------
        >>> augment = Augment([change("scale"), change("shift", values=[-3, 3])])
        >>> Augment.from_json(augment.as_json()) == augment
        True
        """
        try:
            changes = [change(**plain) for plain in description["changes"]]
            return cls(changes, description["feature_mean"], description["feature_scale"])
        except (KeyError, TypeError) as error:
            raise InputError(
                f"description does not describe an Augment ({error}); pass what `as_json` returned"
            ) from error


def changed(
    augment: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    samples: np.ndarray,
    generator: np.random.Generator,
) -> np.ndarray:
    """Return samples as an `Augment`, or a function of the user's own, changes them.

    Raises
    ------
    InputError
        If it returns something else than the samples changed.
    """
    found = np.asarray(augment(samples, generator))
    if found.shape != samples.shape or found.dtype.kind not in "buif":
        raise InputError(
            f"augment returned {found.dtype} of the shape {found.shape} for samples of "
            f"{samples.shape}; it must return the samples changed, in the same shape and order"
        )
    return found


def _plain(change_: Change) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": change_.kind}
    if change_.kind != "flip" and change_.values is not None:
        plain["values"] = list(change_.values)
    elif change_.kind != "flip":
        plain["range"] = [change_.low, change_.high]
    if change_.along is not None:
        plain["along"] = change_.along
    if change_.outside != ZEROS:
        plain["outside"] = change_.outside
    return plain
