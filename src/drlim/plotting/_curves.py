"""Curves and bars: losses, rates, displacements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np

from drlim._checks import one_each
from drlim.plotting._layout import Figure, check_some, colour_of, marker_of, one_axes


def bars(
    groups: Mapping[str, Sequence[tuple[float, float, float]]],
    names: Sequence[str],
    *,
    ylabel: str,
    title: str,
    caption: str,
    xlabel: str = "rate",
    chance: Sequence[float] | None = None,
) -> Figure:
    """Draw shares, with their intervals, as groups of bars.

    Parameters
    ----------
    groups : mapping of str to sequence of (share, low, high)
        For each group a bar for each of `names`; NaN where there is none. Values below 0, such
        as a negative R², are drawn as 0.
    names : sequence of str
    ylabel, title, caption : str
    xlabel : str, default="rate"
        What the names are.
    chance : sequence of float, optional
        For each name the share expected by chance, drawn as a line across its bars.
    """
    check_some(groups, "groups")
    for label, shares in groups.items():
        one_each(shares, len(names), f"the bars of {label!r}")
    figure, axes = one_axes(caption, height=5.4)
    width = 0.8 / len(groups)
    for k, (label, shares) in enumerate(groups.items()):
        value, low, high = np.asarray(shares, float).T.clip(0)
        place = np.arange(len(names)) + (k - (len(groups) - 1) / 2) * width
        error = np.maximum([value - low, high - value], 0)
        colour = colour_of(k)
        axes.bar(place, value, width * 0.9, yerr=error, capsize=3, color=colour, label=label)
    if chance is not None:
        middle = np.arange(len(names))
        axes.hlines(
            np.maximum(chance, 0),
            middle - 0.45,
            middle + 0.45,
            colors="0.15",
            linestyles="--",
            linewidth=1.4,
            label="chance",
        )
    axes.set(title=title, ylabel=ylabel, xlabel=xlabel, ylim=(0, 1.02))
    axes.set_xticks(range(len(names)), names)
    axes.legend()
    axes.grid(axis="y", alpha=0.25)
    return figure


def displacement_curves(
    strengths: Sequence[float],
    curves: Mapping[str, tuple[Sequence[float], Sequence[float], Sequence[float]]],
    *,
    trained: tuple[float, float] | None,
    strength_name: str,
    title: str,
    caption: str,
) -> Figure:
    """Draw the displacement of points under a transformation against its strength.

    Parameters
    ----------
    strengths : sequence of float
    curves : mapping of str to (mean, low, high), each a sequence of float
        Displacements in the map and in what it is compared with, each in units of its own mean
        distance between two samples.
    trained : (float, float) or None
        The range of strengths that was trained on, shaded.
    strength_name : str
        What the strength is, with its unit.
    title, caption : str
    """
    check_some(curves, "curves")
    for name, curve in curves.items():
        for values in curve:
            one_each(values, len(strengths), f"the curve {name!r}")
    figure, axes = one_axes(caption, height=5.4)
    if trained is not None:
        axes.axvspan(*trained, color="0.9", zorder=0, label="trained on")
    axes.axhline(1, color="0.4", linewidth=1, linestyle=":", label="as far as another sample")
    order = np.argsort(strengths)
    strength = np.asarray(strengths, float)[order]
    for k, (name, curve) in enumerate(curves.items()):
        mean, low, high = (np.asarray(values, float)[order] for values in curve)
        colour = colour_of(k)
        axes.fill_between(strength, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(
            strength,
            mean,
            color=colour,
            marker=marker_of(k),
            markersize=4,
            linewidth=2 if k == 0 else 1.3,
            label=name,
        )
    axes.set(title=title, xlabel=strength_name, ylim=(0, None))
    axes.set_ylabel("displacement (mean distance of two samples = 1)")
    axes.legend()
    axes.grid(alpha=0.25)
    return figure


def roc(
    curves: Mapping[str, tuple[Any, Any]],
    *,
    title: str,
    caption: str,
    wanted: float | None = None,
) -> Figure:
    """Draw receiver operating characteristics: true accepts against false accepts.

    Parameters
    ----------
    curves : mapping of str to (false_accepts, true_accepts), each array-like of shape (n,)
        Rates between 0 and 1. False accepts of 0 are left out of the logarithmic scale.
    title, caption : str
    wanted : float, optional
        The target rate of false accepts, marked by a line.
    """
    check_some(curves, "curves")
    for name, (false_accepts, true_accepts) in curves.items():
        one_each(true_accepts, len(false_accepts), f"the curve {name!r}")
    figure, axes = one_axes(caption, height=5.4)
    styles = ("-", "--", "-.", ":")
    least = 1.0
    for k, (name, (false_accepts, true_accepts)) in enumerate(curves.items()):
        x, y = np.asarray(false_accepts, float), np.asarray(true_accepts, float)
        x, y = x[x > 0], y[x > 0]
        least = min([least, *x])
        axes.plot(
            x,
            y,
            styles[k % len(styles)],
            color=colour_of(k),
            linewidth=2 if k == 0 else 1.5,
            label=name,
        )
    least = min(least, 0.1)
    chance = np.geomspace(least, 1, 100)
    axes.plot(chance, chance, color="0.5", linewidth=1, linestyle=(0, (1, 3)), label="chance")
    if wanted is not None:
        axes.axvline(wanted, color="0.2", linewidth=1, label=f"target: {wanted:.3g}")
    axes.set(title=title, xlabel="false accepts (share of different pairs)", xscale="log")
    axes.set(ylabel="true accepts (share of same pairs)", xlim=(least, 1), ylim=(0, 1.02))
    axes.legend()
    axes.grid(alpha=0.25)
    return figure


def loss_curves(
    when: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    title: str,
    caption: str,
) -> Figure:
    """Draw losses over the epochs or steps of a training.

    Parameters
    ----------
    when : sequence of float
        The epoch (or step) of each value.
    curves : mapping of str to sequence of float
        The values of each curve, by its name.
    xlabel, title, caption : str
    """
    check_some(curves, "curves")
    for name, values in curves.items():
        one_each(values, len(when), f"the curve {name!r}")
    figure, axes = one_axes(caption, height=5.2)
    for k, (name, values) in enumerate(curves.items()):
        axes.plot(
            when,
            values,
            color=colour_of(k),
            marker=marker_of(k),
            markersize=4,
            label=name,
        )
    axes.set(title=title, xlabel=xlabel, ylabel="loss per sample (margin²)", ylim=(0, None))
    if len(when) == 1:
        axes.set_xlim(when[0] - 1, when[0] + 1)
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.legend()
    axes.grid(alpha=0.25)
    return figure
