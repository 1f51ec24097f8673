"""`Change`: one transformation with its range, and the strengths at which to measure it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from drlim._checks import as_array, check_count
from drlim._errors import InputError, nearest_name
from drlim.transforms._apply import apply_steps, step
from drlim.transforms._kinds import GEOMETRIC, KINDS, OUTSIDE, ZEROS, known_kind


@dataclass(frozen=True)
class Change:
    """A transformation of samples with the range of its strength; make one with `change`.

    Attributes
    ----------
    kind : str
        One of the kinds in the table of `drlim.transforms`.
    low, high : float or None
        The range that strengths are drawn from.
    values : tuple of float or None
        Or the strengths themselves, including the one that does nothing.
    along : str or None
        "horizontal" or "vertical", for a shift or a flip; also "both" for a shift.
    outside : str
        The content outside an image: "zeros", "edge" or "mirror".

    Examples
    --------
    >>> turn = change("rotation", range=(-20, 20))
    >>> turn.identity, turn.apply(np.eye(3)[None], 180, np.random.default_rng(0)).shape
    (0.0, (1, 3, 3))
    """

    kind: str
    low: float | None
    high: float | None
    values: tuple[float, ...] | None
    along: str | None
    outside: str = ZEROS

    def __post_init__(self) -> None:
        known_kind(self.kind)

    @property
    def identity(self) -> float:
        """The strength that does nothing: 1 for multiplicative kinds, otherwise 0."""
        return float(KINDS[self.kind].identity)

    @property
    def name(self) -> str:
        """The name of its factor: the kind, with the direction if that is not horizontal."""
        return self.kind if self.along in (None, "horizontal") else f"{self.kind}_{self.along}"

    def draw(self, n: int, generator: np.random.Generator) -> np.ndarray:
        """Draw the strengths of n samples.

        Listed values are equally likely. A range is drawn from uniformly, for multiplicative
        kinds in the logarithm; a shift whose range has whole ends is drawn in whole pixels.

        Parameters
        ----------
        n : int
        generator : numpy.random.Generator

        Returns
        -------
        ndarray of shape (n,), float64

        Examples
        --------
        >>> change("shift", range=(1, 1)).draw(2, np.random.default_rng(0))
        array([1., 1.])
        """
        if self.values is not None:
            return generator.choice(np.array(self.values), n)
        low, high = _ends(self)
        if _is_whole_shift(self):
            return generator.integers(int(low), int(high), n, endpoint=True).astype(float)
        if KINDS[self.kind].is_multiplicative:
            # In the logarithm, so that halving is as likely as doubling.
            drawn = np.exp(generator.uniform(math.log(low), math.log(high), n))
            return drawn.clip(low, high)  # exp(log(x)) can differ from x in the last bit
        return generator.uniform(low, high, n)

    def apply(
        self,
        samples: np.ndarray,
        strength: Any,
        generator: np.random.Generator,
        *,
        feature_mean: np.ndarray | None = None,
        feature_scale: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return changed samples, each by its own strength.

        Parameters
        ----------
        samples : ndarray
            Images ``(n, height, width)`` or ``(n, channels, height, width)``, or vectors
            ``(n, features)`` for noise and dropout. They are not modified.
        strength : float or array of shape (n,)
            In the unit of the kind; `identity` leaves a sample exactly as it is.
        generator : numpy.random.Generator
            Draws the noise, the dropped pixels, the place of a crop and the direction of a shift
            along both.
        feature_mean, feature_scale : ndarray of shape (n_features,), optional
            For vectors, the value of a dropped feature and the unit of noise. None: 0 and 1, for
            standardised features.

        Returns
        -------
        ndarray, of the same shape and dtype

        Raises
        ------
        InputError
            If the change cannot be applied to such samples, or a strength is not allowed.
        MissingExtraError
            If kornia is needed and not installed.

        Examples
        --------
        >>> grey = np.full((1, 2, 2), 100, dtype=np.uint8)
        >>> change("brightness").apply(grey, 0.1, np.random.default_rng(0))[0, 0]
        array([126, 126], dtype=uint8)
        """
        samples = as_array(samples, "samples")
        steps = [step(self.kind, self.along, strength, len(samples))]
        return apply_steps(steps, samples, generator, feature_mean, feature_scale, self.outside)


def change(
    kind: str,
    range: Sequence[float] | None = None,  # noqa: A002
    values: Sequence[float] | None = None,
    along: str | None = None,
    outside: str | None = None,
) -> Change:
    """Declare a transformation with the range of its strength or a list of values.

    Parameters
    ----------
    kind : str
        One of the kinds in the table of `drlim.transforms`, which also lists the units, the
        allowed strengths and the default range.
    range : (low, high), optional
        The range that strengths are drawn from. None, without `values`: the default range.
    values : sequence of float, optional
        The only strengths. The one that does nothing is put first if it is not listed.
    along : str, optional
        "horizontal" (the default) or "vertical", for a shift or a flip. A shift may also go
        along "both": by its strength along one axis, drawn at random, and by any part of it
        along the other.
    outside : str, optional
        The content outside the image, for a geometric change: "zeros" (the default), its "edge"
        pixels repeated, or its "mirror" image. Choose what continues the picture: the edge for
        white paper, the mirror for a texture. Zeros round a photograph show how it was turned,
        and a map has to learn to ignore them.

    Returns
    -------
    Change

    Raises
    ------
    InputError
        If there is no such kind, or the range, a value, `along` or `outside` is not allowed
        for it.

    Examples
    --------
    >>> change("shift", values=[-3, 3]).values
    (0.0, -3.0, 3.0)
    >>> change("flip", along="vertical").name
    'flip_vertical'
    >>> change("rotate")
    Traceback (most recent call last):
    drlim._errors.InputError: there is no change 'rotate'; ... did you mean 'rotation'?
    """
    known = known_kind(kind)
    along = _checked_along(kind, along)
    outside = _checked_outside(kind, outside)
    if range is not None and values is not None:
        raise InputError(f"the change {kind!r} has both a range and values; give only one of them")
    if kind == "flip":
        if range is not None or values is not None:
            raise InputError(
                "the change 'flip' takes no range or values: it happens with probability 1/2"
            )
        return Change(kind, None, None, (0.0, 1.0), along, outside)
    if values is not None:
        listed = _numbers(kind, "values", values)
        if not listed:
            raise InputError(f"values of {kind!r} is empty; list the strengths, or give a range")
        if len(set(listed)) < len(listed):
            raise InputError(f"values of {kind!r} is {values!r}; list each value once")
        if known.identity not in listed:
            listed = (float(known.identity), *listed)
        return Change(kind, None, None, listed, along, outside)
    ends = _numbers(kind, "range", known.default if range is None else range)
    if len(ends) != 2:
        raise InputError(
            f"range of {kind!r} is {range!r}; it must be two numbers, (low, high); list more as "
            "values"
        )
    low, high = ends
    if low > high:
        raise InputError(f"range of {kind!r} is {range!r}; give the lower end first")
    return Change(kind, low, high, None, along, outside)


def _checked_along(kind: str, along: str | None) -> str | None:
    directions = KINDS[kind].along
    if not directions:
        if along is None:
            return None
        raise InputError(
            f"along is {along!r}, and the change {kind!r} has no direction; leave `along` out"
        )
    if along is None:
        return directions[0]
    if along not in directions:
        raise InputError(
            f"along is {along!r} for the change {kind!r}; {nearest_name(str(along), directions)}"
        )
    return along


def _checked_outside(kind: str, outside: str | None) -> str:
    if outside is None:
        return ZEROS
    if kind not in GEOMETRIC:
        raise InputError(
            f"outside is {outside!r}, and the change {kind!r} is not geometric; leave `outside` out"
        )
    if outside not in OUTSIDE:
        raise InputError(f"outside is {outside!r}; {nearest_name(str(outside), OUTSIDE)}")
    return outside


def _numbers(kind: str, name: str, given: Any) -> tuple[float, ...]:
    if isinstance(given, str) or not isinstance(given, Sequence | np.ndarray):
        raise InputError(f"{name} of {kind!r} is {given!r}; it must be a list of numbers")
    known = KINDS[kind]
    numbers = []
    for number in given:
        if isinstance(number, bool | np.bool_) or not isinstance(number, Real):
            raise InputError(
                f"{name} of {kind!r} contains {number!r}; it must be a list of numbers"
            )
        numbers.append(float(number))
        if not known.allows(numbers[-1]):
            raise InputError(
                f"{name} of {kind!r} contains {number!r}; strengths must be {known.rule}"
            )
    return tuple(numbers)


def levels(change: Change, n: int = 5) -> np.ndarray:
    """Return the strengths at which to measure: spread over the range, or the listed values.

    Parameters
    ----------
    change : Change
    n : int, default=5
        The number of strengths, at least 2; a shift in whole pixels may have fewer. Ignored for
        listed values.

    Returns
    -------
    ndarray of shape (at most n,)
        In increasing order for a range; listed values in their own order.

    Raises
    ------
    InputError
        If `change` is not a `Change`, or `n` is less than 2.

    Examples
    --------
    >>> levels(change("rotation", range=(-20, 20)))
    array([-20., -10.,   0.,  10.,  20.])
    """
    if _checked(change).values is not None:
        return np.array(change.values)
    return _spread(change, *_ends(change), n)


def beyond(change: Change, n: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Return strengths from the identity to twice the range, to measure how far invariance holds.

    They go towards the end of the range that is further from the identity. For multiplicative
    kinds, twice a factor of 2 is a factor of 4. They end at the limits of the kind, and at half
    a turn.

    Parameters
    ----------
    change : Change
    n : int, default=9
        The number of strengths, at least 2; a shift in whole pixels may have fewer, and a flip
        has 2.

    Returns
    -------
    strengths : ndarray of shape (at most n,)
        The first is the identity, the last twice the end of the range.
    inside : ndarray of bool
        Which of them are inside the range, or between the smallest and largest listed value.

    Raises
    ------
    InputError
        If `change` is not a `Change`, or `n` is less than 2.

    Examples
    --------
    >>> beyond(change("rotation", range=(-10, 20)), n=5)
    (array([ 0., 10., 20., 30., 40.]), array([ True,  True,  True, False, False]))
    """
    kind, (low, high), identity = KINDS[_checked(change).kind], _ends(change), change.identity
    if kind.is_multiplicative:
        far = low**2 if -math.log(low) > math.log(high) else high**2
    else:
        far = 2 * (low if identity - low > high - identity else high) - identity
    most = 180.0 if kind.is_angle else kind.most
    least = -180.0 if kind.is_angle else kind.least
    strengths = _spread(change, identity, min(max(far, least), most), n)
    # The ends of the range are inside, also when spreading rounds them.
    tolerance = 1e-9 * max(abs(low), abs(high))
    return strengths, (strengths >= low - tolerance) & (strengths <= high + tolerance)


def _checked(change: Any) -> Change:
    if not isinstance(change, Change):
        raise InputError(f"change is {change!r}; it must be made by drlim.transforms.change(...)")
    return change


def _spread(change: Change, start: float, end: float, n: int) -> np.ndarray:
    check_count(n, "n", 2)
    spread = np.geomspace if KINDS[change.kind].is_multiplicative else np.linspace
    strengths = spread(start, end, n)
    if _is_whole_shift(change) or change.kind == "flip":
        strengths = np.rint(strengths)
    return np.array(list(dict.fromkeys(strengths.tolist())))  # without repeats, in this order


def _ends(change: Change) -> tuple[float, float]:
    if change.values is not None:
        return min(change.values), max(change.values)
    assert change.low is not None
    assert change.high is not None
    return change.low, change.high


def _is_whole_shift(change: Change) -> bool:
    """Return whether the change is a shift in whole pixels."""
    return change.kind == "shift" and all(end.is_integer() for end in _ends(change))
