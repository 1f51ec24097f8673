"""Recipes: a configured, unfitted `drlim.DrLIM` for each purpose of a map.

A recipe computes nothing: it sets parameters that depend on the shape or the number of samples,
and every one of them can be changed with ``set_params``. They differ in what makes samples
similar, and what the map is for:

================  ===========================================  ================================
recipe            similar are                                  the map is for
================  ===========================================  ================================
`paper`           as in the paper's experiments                comparison with the paper
`continuous`      near values of numbers, such as a pose       reading them from the map
`labels`          samples of one class                         these classes in new samples
`verification`    samples of one identity                      same or different, of identities
                                                               that were never learnt
`clusters`        nearest neighbours                           a picture of unlabelled classes
================  ===========================================  ================================

A declaration names one as ``[map] recipe = "clusters"``, and the command line as ``drlim fit
--recipe clusters``; other keys of ``[map]`` count more than the recipe.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from drlim import networks
from drlim._checks import check_count
from drlim._errors import InputError, nearest_name
from drlim._plan import COMPONENTS_FOR_CLASSES, COMPONENTS_FOR_NUMBERS
from drlim._random import RandomState
from drlim.estimator import DrLIM
from drlim.training import Selection

__all__ = ["NAMES", "clusters", "continuous", "labels", "named", "paper", "verification"]

NAMES = ("paper", "continuous", "labels", "verification", "clusters")


def paper(sample_shape: Sequence[int], *, random_state: RandomState = None) -> DrLIM:
    """Return the map of the paper's experiments: eq. 4 over all pairs, from random weights.

    For images of 28 x 28 that of its figure 4: the convolutional network of figure 3, two
    dimensions, 12 epochs over the pairs of five neighbours. For anything else that of its figure
    8: 20 hidden units, three dimensions, 40 epochs. The paper states neither lengths nor rates;
    they are those of ``drlim reproduce``.

    Parameters
    ----------
    sample_shape : sequence of int
        The shape of a sample, ``X.shape[1:]``.
    random_state : int, numpy Generator or RandomState, optional

    Returns
    -------
    DrLIM
        Unfitted.

    Raises
    ------
    InputError
        If the shape is none.

    References
    ----------
    Hadsell, Chopra, LeCun: Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.

    Examples
    --------
    >>> map_ = paper((28, 28))
    >>> map_.network, map_.n_dissimilar, map_.max_epochs
    ('lenet', 'all', 12)
    """
    if _shape(sample_shape) in ((28, 28), (1, 28, 28)):
        n_components, network, max_epochs, learning_rate = 2, "lenet", 12, 4e-3
    else:
        n_components, network, max_epochs, learning_rate = 3, "paper_mlp", 40, 5e-3
    return DrLIM(
        n_components=n_components,
        n_neighbors=5,
        n_dissimilar="all",
        network=network,
        max_epochs=max_epochs,
        batch_size=64,
        learning_rate=learning_rate,
        random_state=random_state,
    )


def continuous(sample_shape: Sequence[int], *, random_state: RandomState = None) -> DrLIM:
    """Return a map for factors that run on, such as a concentration or a pose.

    Give `DrLIM.fit` the numbers as `y`, or a graph of near values
    (`drlim.graphs.near_values`, `drlim.graphs.adjacent`, `drlim.graphs.within`).

    Parameters
    ----------
    sample_shape, random_state
        As for `paper`.

    Returns
    -------
    DrLIM
        Unfitted: eq. 4, at most 8 dimensions, a length that follows from the samples.

    Raises
    ------
    InputError
        If the shape is none.

    Examples
    --------
    >>> continuous((700,)).n_components, continuous((5,)).n_components
    (8, 5)
    """
    return DrLIM(
        n_components=_at_most(COMPONENTS_FOR_NUMBERS, sample_shape),
        n_dissimilar=10,
        random_state=random_state,
    )


def labels(sample_shape: Sequence[int], *, random_state: RandomState = None) -> DrLIM:
    """Return a map for classes that are known, to recognise them in new samples.

    Give `DrLIM.fit` the labels as `y`. For classes or identities that are not among them, use
    `verification`.

    Parameters
    ----------
    sample_shape, random_state
        As for `paper`.

    Returns
    -------
    DrLIM
        Unfitted: eq. 4, at most 32 dimensions, ten dissimilar pairs for a similar one, the length
        chosen on samples set aside.

    Raises
    ------
    InputError
        If the shape is none.

    Examples
    --------
    >>> map_ = labels((28, 28), random_state=0)
    >>> map_.n_components, map_.n_dissimilar, map_.max_epochs is None
    (32, 10, True)
    """
    return DrLIM(
        n_components=_at_most(COMPONENTS_FOR_CLASSES, sample_shape),
        n_dissimilar=10,
        random_state=random_state,
    )


def verification(sample_shape: Sequence[int], *, random_state: RandomState = None) -> DrLIM:
    """Return a map that tells same from different, of identities that it has never seen.

    Give `DrLIM.fit` the identities as `y`, or a graph and the identities as `groups`. The length
    and the pull to the start are those that were best on identities that were set aside.

    Parameters
    ----------
    sample_shape, random_state
        As for `paper`.

    Returns
    -------
    DrLIM
        Unfitted: as `labels`, but what is set aside are whole identities.

    Raises
    ------
    InputError
        If the shape is none.

    Examples
    --------
    >>> verification((112, 92)).max_epochs.by
    'labels'
    """
    return labels(sample_shape, random_state=random_state).set_params(
        max_epochs=Selection(by="labels", pulls=(1.0, 8.0, 40.0))
    )


def clusters(
    n_samples: int, sample_shape: Sequence[int], *, random_state: RandomState = None
) -> DrLIM:
    """Return a map that separates classes that nobody labelled, for looking at them.

    Heavy-tailed forces as in t-SNE and UMAP, between 15 nearest neighbours and five dissimilar
    pairs for each similar one; five layers of 256 units, before which images are deformed
    slightly (`drlim.networks.Deform`).

    Parameters
    ----------
    n_samples : int
        The number of samples to learn from, >= 2, which decides the number of epochs.
    sample_shape, random_state
        As for `paper`.

    Returns
    -------
    DrLIM
        Unfitted: two dimensions.

    Raises
    ------
    InputError
        If the number is below 2, or the shape is none.

    Examples
    --------
    >>> map_ = clusters(6_000, (28, 28))
    >>> map_.loss, map_.network, map_.max_epochs
    ('heavy-tailed', 'deforming_mlp', 4)
    """
    check_count(n_samples, "n_samples", 2)
    network: str | networks.Builder = "deforming_mlp"
    if len(_shape(sample_shape)) == 1:
        arguments = {"hidden": 5 * (256,), "activation": "gelu", "start": "random"}
        network = networks.with_arguments("mlp", arguments)
    if n_samples < 30_000:
        # Four epochs of 6,000 samples; fewer samples get as many batches as 1,500 of them.
        max_epochs = 4 * max(1, math.ceil(1_500 / n_samples))
        batch_size, learning_rate = 96, 1.3e-3
    else:  # one epoch of 60,000 samples has more batches than four of 6,000
        max_epochs, batch_size, learning_rate = 1, 64, 1e-3
    return DrLIM(
        n_components=2,
        n_neighbors=15,
        n_dissimilar=5,
        loss="heavy-tailed",
        network=network,
        max_epochs=max_epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        random_state=random_state,
    )


def named(
    name: str, n_samples: int, sample_shape: Sequence[int], *, random_state: RandomState = None
) -> DrLIM:
    """Return what the recipe of a name returns.

    Parameters
    ----------
    name : {"paper", "continuous", "labels", "verification", "clusters"}
    n_samples : int
        The number of samples to learn from.
    sample_shape, random_state
        As for `paper`.

    Returns
    -------
    DrLIM
        Unfitted.

    Raises
    ------
    InputError
        If there is no such recipe, or as the recipe itself.

    Examples
    --------
    >>> named("labels", 500, (64,)).n_components
    32
    """
    if name == "clusters":
        return clusters(n_samples, sample_shape, random_state=random_state)
    recipes = {
        "paper": paper,
        "continuous": continuous,
        "labels": labels,
        "verification": verification,
    }
    if name not in recipes:
        raise InputError(f"there is no recipe {name!r}; {nearest_name(str(name), NAMES)}")
    return recipes[name](sample_shape, random_state=random_state)


def _shape(sample_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of a sample as a tuple, checked."""
    if not isinstance(sample_shape, Sequence) or not len(sample_shape):
        raise InputError(
            f"sample_shape is {sample_shape!r}; it must be the shape of a sample, X.shape[1:]"
        )
    for length in sample_shape:
        check_count(length, "a length in sample_shape", 1)
    return tuple(sample_shape)


def _at_most(n_components: int, sample_shape: Sequence[int]) -> int:
    """Return a number of dimensions, or that of the features if they are fewer."""
    return min(n_components, math.prod(_shape(sample_shape)))
