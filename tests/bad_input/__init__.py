"""Bad input, in tables: where it enters, what is wrong with it, and what the error must name.

A module of this package holds the rows of the module of drlim that it is named after: a dictionary
ROWS of entry points, each with its rows. ``rows`` holds what rows are made of.
"""

from bad_input import (
    baselines,
    callbacks,
    cli,
    datasets,
    declaration,
    estimator,
    evaluation,
    experiments,
    graphs,
    losses,
    networks,
    pairs,
    persistence,
    plotting,
    recipes,
    training,
    transforms,
)

ROOMS = (
    baselines,
    callbacks,
    cli,
    datasets,
    declaration,
    estimator,
    evaluation,
    experiments,
    graphs,
    losses,
    networks,
    pairs,
    persistence,
    plotting,
    recipes,
    training,
    transforms,
)
