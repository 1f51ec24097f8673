"""The two partial losses of the paper's eq. 2, each a function of a distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from drlim._checks import is_number
from drlim._errors import InputError


@runtime_checkable
class PairLoss(Protocol):
    """The general form of the loss (the paper's eq. 2): two functions of a distance.

    Each method takes distances of any shape and returns one value each, in the same shape. The
    first must rise with the distance and the second must fall.
    """

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S: what a similar pair at this distance costs."""
        ...

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D: what a dissimilar pair at this distance costs."""
        ...


@runtime_checkable
class Springs(PairLoss, Protocol):
    """A loss with its forces in closed form, as all of drlim's, so that none is differentiated.

    Each method takes distances of any shape and returns one force each, in the same shape. A
    class that changes an inherited loss must define its force too, or set it to None
    (``push = None``); `DrLIM` checks that they agree.
    """

    def pull(self, distance: Tensor) -> Tensor:
        """dL_S / dD: the force that pulls a similar pair at this distance together."""
        ...

    def push(self, distance: Tensor) -> Tensor:
        """-dL_D / dD: the force that pushes a dissimilar pair at this distance apart."""
        ...


def check_margin(margin: float) -> None:
    """Raise unless the margin is a number > 0."""
    if (
        isinstance(margin, bool)
        or not isinstance(margin, Real)
        or not (margin > 0 and np.isfinite(margin))
    ):
        raise InputError(
            f"margin is {margin!r}; it must be a finite number > 0: it is the map's unit of "
            "length, so 1.0 suits any data"
        )


@dataclass(frozen=True)
class Contrastive:
    """The paper's partial losses (eq. 4): springs that always pull, or push within the margin.

    Parameters
    ----------
    margin : float
        The radius within which dissimilar points repel each other, > 0: the map's unit of
        length.

    Examples
    --------
    >>> spring = Contrastive(margin=1.0)
    >>> spring.attraction(torch.tensor([0.0, 0.5, 2.0]))
    tensor([0.0000, 0.1250, 2.0000])
    >>> spring.repulsion(torch.tensor([0.0, 0.5, 2.0]))
    tensor([0.5000, 0.1250, 0.0000])
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_margin(self.margin)

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = 1/2 D^2."""
        return distance.square() / 2

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = 1/2 max(0, m - D)^2."""
        return torch.relu(self.margin - distance).square() / 2

    def pull(self, distance: Tensor) -> Tensor:
        """D (the paper's eq. 6): a spring of rest length 0."""
        return distance

    def push(self, distance: Tensor) -> Tensor:
        """max(0, m - D) (the paper's eq. 9)."""
        return torch.relu(self.margin - distance)


@dataclass(frozen=True)
class DoubleMargin:
    """Eq. 4 without attraction inside an inner radius r.

    Similar points need not coincide, so the differences between them may stay in the map.

    ====================  ==================================  ===============================
    pair                  loss                                force on the distance D
    ====================  ==================================  ===============================
    similar, D > r        1/2 (D - r)^2                       D - r, pulling together
    similar, D <= r       0                                   none
    dissimilar            as eq. 4                            max(0, m - D), pushing apart
    ====================  ==================================  ===============================

    Parameters
    ----------
    margin : float
        The radius within which dissimilar points repel each other, > 0.
    inner : float
        The radius r within which similar points do not attract, in margins: 0 <= inner <= 1.
        With 0 this is eq. 4.

    Raises
    ------
    InputError
        If a value breaks its rule.

    Examples
    --------
    >>> spring = DoubleMargin(margin=1.0, inner=0.25)
    >>> spring.attraction(torch.tensor([0.0, 0.25, 0.75]))
    tensor([0.0000, 0.0000, 0.1250])
    """

    margin: float = 1.0
    inner: float = 0.2

    def __post_init__(self) -> None:
        check_margin(self.margin)
        if not is_number(self.inner) or not 0 <= self.inner <= 1:
            raise InputError(
                f"inner is {self.inner!r}; it is a share of the margin and must be from 0 to 1: "
                "above 1, similar pairs would rest farther apart than dissimilar ones"
            )

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = 1/2 max(0, D - r)^2."""
        return torch.relu(distance - self.inner * self.margin).square() / 2

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = 1/2 max(0, m - D)^2."""
        return torch.relu(self.margin - distance).square() / 2

    def pull(self, distance: Tensor) -> Tensor:
        """max(0, D - r)."""
        return torch.relu(distance - self.inner * self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """max(0, m - D)."""
        return torch.relu(self.margin - distance)


@dataclass(frozen=True)
class HeavyTailed:
    """Forces that reach far and fade, so that clusters separate with empty space between them.

    The cross-entropy of the heavy-tailed similarity 1 / (1 + d^2), with d = D / m, as in t-SNE
    (van der Maaten, Hinton 2008) and UMAP (McInnes, Healy, Melville 2018). Far similar pairs are
    pulled less than nearer ones, so a wrong neighbour does little harm.

    ====================  ==================================  ===============================
    pair                  loss                                force on d
    ====================  ==================================  ===============================
    similar               log(1 + d^2)                        2 d / (1 + d^2), pulling
    dissimilar            log((1 + d^2) / (s + d^2))          2 d (1 - s) / ((1 + d^2) (s + d^2)),
                                                              pushing
    ====================  ==================================  ===============================

    With s = 0 the loss and the force of two dissimilar points in one place would be infinite.
    The softening s = 0.001 (that of UMAP) makes both finite: the loss at D = 0 is
    log 1000 = 6.9, and the force rises from 0 there to 32 at 0.03 margins. From a tenth of a
    margin on, it is within a tenth of the force without softening.

    Parameters
    ----------
    margin : float
        The map's unit of length, > 0. The repulsion does not end there, but both forces on a
        pair at this distance have the size 1.

    Examples
    --------
    >>> HeavyTailed(margin=2.0).attraction(torch.tensor([0.0, 2.0]))
    tensor([0.0000, 0.6931])
    >>> HeavyTailed(margin=2.0).repulsion(torch.tensor([0.0, 2.0]))
    tensor([6.9078, 0.6921])
    """

    margin: float = 1.0

    SOFTENING: ClassVar[float] = 1e-3

    def __post_init__(self) -> None:
        check_margin(self.margin)

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = log(1 + d^2)."""
        return torch.log1p((distance / self.margin).square())

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = log((1 + d^2) / (s + d^2)), as log(1 + (1 - s) / (s + d^2))."""
        squared = (distance / self.margin).square()
        return torch.log1p((1 - self.SOFTENING) / (self.SOFTENING + squared))

    def pull(self, distance: Tensor) -> Tensor:
        """2 d / (1 + d^2), per margin."""
        d = distance / self.margin
        return d / (1 + d.square()) * (2 / self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """2 d (1 - s) / ((1 + d^2) (s + d^2)), per margin."""
        d = distance / self.margin
        squared = d.square()
        fading = (1 + squared).mul_(self.SOFTENING + squared)
        return d.div_(fading).mul_(2 * (1 - self.SOFTENING) / self.margin)


@dataclass(frozen=True)
class Logistic:
    """A soft decision at the margin: nearer is similar, farther is dissimilar.

    The logistic loss of classifying a pair as similar or dissimilar by d = D / m.

    ====================  ==================================  ===============================
    pair                  loss                                force on d
    ====================  ==================================  ===============================
    similar               log(1 + e^(k (d - 1)))              k / (1 + e^(k (1 - d))), pulling
    dissimilar            log(1 + e^(k (1 - d)))              k / (1 + e^(k (d - 1))), pushing
    ====================  ==================================  ===============================

    No force vanishes at any distance, and none exceeds k.

    Parameters
    ----------
    margin : float
        The distance at which a pair counts as similar or dissimilar alike, > 0.
    sharpness : float
        k > 0: the larger, the narrower the transition around the margin.

    Raises
    ------
    InputError
        If a value breaks its rule.

    Examples
    --------
    >>> Logistic(margin=2.0).attraction(torch.tensor([2.0]))
    tensor([0.6931])
    """

    margin: float = 1.0
    sharpness: float = 5.0

    def __post_init__(self) -> None:
        check_margin(self.margin)
        if not is_number(self.sharpness) or self.sharpness <= 0:
            raise InputError(f"sharpness is {self.sharpness!r}; it must be a finite number > 0")

    def attraction(self, distance: Tensor) -> Tensor:
        """L_S = log(1 + e^(k (d - 1)))."""
        return functional.softplus(self.sharpness * (distance / self.margin - 1))

    def repulsion(self, distance: Tensor) -> Tensor:
        """L_D = log(1 + e^(k (1 - d)))."""
        return functional.softplus(self.sharpness * (1 - distance / self.margin))

    def pull(self, distance: Tensor) -> Tensor:
        """Sharpness k over 1 + e^(k (1 - d)), per margin."""
        k = self.sharpness
        return torch.sigmoid(k * (distance / self.margin - 1)) * (k / self.margin)

    def push(self, distance: Tensor) -> Tensor:
        """Sharpness k over 1 + e^(k (d - 1)), per margin."""
        k = self.sharpness
        return torch.sigmoid(k * (1 - distance / self.margin)) * (k / self.margin)


LOSSES: dict[str, Callable[[float], PairLoss]] = {
    "contrastive": Contrastive,
    "double-margin": DoubleMargin,
    "heavy-tailed": HeavyTailed,
    "logistic": Logistic,
}
