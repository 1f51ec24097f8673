"""Figures of maps, losses and forces: arrays in, a matplotlib figure out.

Figures are made without pyplot, so there is no global state, nothing to close and no backend to
choose. The colours are those of Okabe and Ito, which can be told apart with any kind of colour
vision. Each figure carries its caption, which says what is shown and what was held out.
"""

from __future__ import annotations

# First: where matplotlib is missing, it says how to install it.
from drlim.plotting._layout import COLOURS, Figure, render

# isort: split
from drlim.plotting._curves import bars, displacement_curves, loss_curves, roc
from drlim.plotting._maps import coloured, gallery, scatter, thumbnails, views
from drlim.plotting._paper import partial_losses, relaxation, spring_forces

__all__ = [
    "COLOURS",
    "Figure",
    "bars",
    "coloured",
    "displacement_curves",
    "gallery",
    "loss_curves",
    "partial_losses",
    "relaxation",
    "render",
    "roc",
    "scatter",
    "spring_forces",
    "thumbnails",
    "views",
]
