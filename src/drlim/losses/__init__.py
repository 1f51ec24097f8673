"""The contrastive loss: two springs, each a function of a distance.

The paper's eq. 2 is the sum over pairs of one of two partial losses: for similar pairs one that
rises with their distance, for dissimilar pairs one that falls. Here the two are the *attraction*
and the *repulsion* of a `PairLoss`. Eq. 4, `Contrastive`, is the default and the reference:

====================  ==================================  ===============================
pair                  loss                                force on the distance D
====================  ==================================  ===============================
similar               1/2 D^2                             D, pulling together
dissimilar, D < m     1/2 (m - D)^2                       m - D, pushing apart
dissimilar, D >= m    0                                   none
====================  ==================================  ===============================

`LOSSES` holds all pairs of partial losses by name. With d = D / m, the distance in margins:

=================  =======================  =============================
name               similar pair             dissimilar pair
=================  =======================  =============================
"contrastive"      1/2 D^2                  1/2 max(0, m - D)^2
"double-margin"    1/2 max(0, D - r)^2      1/2 max(0, m - D)^2
"heavy-tailed"     log(1 + d^2)             log((1 + d^2) / d^2), softened
"logistic"         log(1 + e^(k (d - 1)))   log(1 + e^(k (1 - d)))
=================  =======================  =============================

A loss sees distances only. Three functions compute it over pairs:

- `drlim.losses._forces.forces` is what training calls: the loss of a batch over all its pairs and
  the force on each point, in blocks, from the closed forms of the forces (`Springs`);
- `distances_among` and `contrastive_loss` are the same in differentiable form, pair by pair, for
  loops of your own and as the reference of the tests; training never calls them;
- `global_loss` is eq. 1 with eq. 4 over all pairs of the data, exactly.
"""

from drlim.losses._distances import contrastive_loss, distances_among
from drlim.losses._global import GlobalLoss, global_loss
from drlim.losses._points import MetricLearning, PointLoss, from_metric_learning
from drlim.losses._springs import (
    LOSSES,
    Contrastive,
    DoubleMargin,
    HeavyTailed,
    Logistic,
    PairLoss,
    Springs,
)

__all__ = [
    "LOSSES",
    "Contrastive",
    "DoubleMargin",
    "GlobalLoss",
    "HeavyTailed",
    "Logistic",
    "MetricLearning",
    "PairLoss",
    "PointLoss",
    "Springs",
    "contrastive_loss",
    "distances_among",
    "from_metric_learning",
    "global_loss",
]
