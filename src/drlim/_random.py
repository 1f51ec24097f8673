"""One ``random_state`` becomes independent streams of random numbers.

Each part of a fit that draws numbers has a stream of its own, so that a change in one (a
network with one layer more) does not shift the numbers of another (the order of the pairs).
No global seed is read or set.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from drlim._errors import InputError

RandomState = int | np.integer | np.random.Generator | np.random.RandomState | None


@dataclass(frozen=True)
class Streams:
    """The independent random streams of one fit.

    Attributes
    ----------
    init : int
        Seed for the network's first weights.
    pairs : numpy.random.Generator
        Draws the order of the edges.
    batches : numpy.random.Generator
        Draws the augmentation of the samples in a batch.
    layers : int
        Seed for the layers that draw numbers while the network trains (dropout).
    pins : numpy.random.Generator
        Draws which of the pinned samples enter a step.
    selection : int
        Seed for the choice of settings on samples set aside.
    """

    init: int
    pairs: np.random.Generator
    batches: np.random.Generator
    layers: int
    pins: np.random.Generator
    selection: int

    # The generators, whose state a checkpoint stores; the others are single numbers.
    drawn: ClassVar[tuple[str, ...]] = ("pairs", "batches", "pins")


def streams(random_state: RandomState | Streams) -> Streams:
    """Make the streams of one fit from one ``random_state``, as scikit-learn understands it.

    Parameters
    ----------
    random_state : int, numpy Generator or RandomState, or None
        An int gives the same streams each time. A generator is advanced by one draw, so it
        gives other streams the next time. None takes entropy from the operating system.

    Raises
    ------
    InputError
        If it is a negative int or of another type.

    Examples
    --------
    >>> streams(0).pairs.integers(10) == streams(0).pairs.integers(10)
    np.True_
    """
    if isinstance(random_state, Streams):
        return random_state
    # A further stream must be spawned last: it leaves the numbers of the others as they are.
    seeds = np.random.SeedSequence(_entropy(random_state)).spawn(6)
    init, pairs, batches, layers, pins, selection = seeds
    return Streams(
        init=int(init.generate_state(1)[0]),
        pairs=np.random.default_rng(pairs),
        batches=np.random.default_rng(batches),
        layers=int(layers.generate_state(1)[0]),
        pins=np.random.default_rng(pins),
        selection=int(selection.generate_state(1)[0]),
    )


def seed_of(random_state: RandomState) -> int:
    """Make one seed from ``random_state``, for what is measured: probes, folds, PCA, bootstraps.

    It has the value of `Streams.init`, which only a network's weights are drawn from; a
    measurement has no network, so the two never meet.

    Examples
    --------
    >>> seed_of(0) == streams(0).init
    True
    """
    (first,) = np.random.SeedSequence(_entropy(random_state)).spawn(1)
    return int(first.generate_state(1)[0])


def generator(random_state: RandomState) -> np.random.Generator:
    """Make one generator from ``random_state``, for a function that draws from one stream only."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    return np.random.default_rng(_entropy(random_state))


@dataclass(frozen=True)
class KeyedStreams:
    """One stream for each of many things, the same however many of them there are.

    Attributes
    ----------
    seed : int
        Where all of them begin.

    Examples
    --------
    >>> photographs = keyed_streams(5)
    >>> photographs.generator(3, 1).integers(1000, size=4)
    array([177, 197, 664,  81])
    """

    seed: int

    def generator(self, *key: int) -> np.random.Generator:
        """Return the generator of one of them, by its number or numbers."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def keyed_streams(random_state: RandomState) -> KeyedStreams:
    """Make streams that are identified by numbers; an int is their seed."""
    entropy = _entropy(random_state)
    return KeyedStreams(secrets.randbits(128) if entropy is None else entropy)


def _entropy(random_state: RandomState) -> int | None:
    if random_state is None:
        return None
    # One draw advances a generator, so two fits with the same generator are different.
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**32))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, 2**32, dtype=np.uint32))
    if isinstance(random_state, int | np.integer) and random_state >= 0:
        return int(random_state)
    raise InputError(
        f"random_state is {random_state!r}; it must be None, an int >= 0, or a numpy Generator "
        "or RandomState"
    )
