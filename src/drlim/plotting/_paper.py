"""The figures of the paper that need no data: the losses, the springs, and points at rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np

from drlim.plotting._layout import (
    DISSIMILAR,
    SIMILAR,
    Figure,
    check_margin,
    check_points,
    check_some,
    scatter_labels,
    write_caption,
)


def partial_losses(
    attraction: Callable[[np.ndarray], np.ndarray],
    repulsion: Callable[[np.ndarray], np.ndarray],
    margin: float,
    *,
    caption: str,
) -> Figure:
    """Draw the two partial losses, and their forces, against the distance (the paper's figure 1).

    Parameters
    ----------
    attraction, repulsion : callable
        From an array of distances to the array of their losses.
    margin : float
    caption : str
    """
    check_margin(margin)
    figure = Figure(figsize=(10, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    distance = np.linspace(0, 1.5 * margin, 301)
    for name, loss, colour, style in (
        ("similar: $L_S$", attraction, SIMILAR, "-"),
        ("dissimilar: $L_D$", repulsion, DISSIMILAR, "--"),
    ):
        value = loss(distance)
        left.plot(distance, value, style, color=colour, label=name, linewidth=2)
        right.plot(
            distance, np.gradient(value, distance), style, color=colour, label=name, linewidth=2
        )
    for axes, ylabel in ((left, "loss"), (right, "slope (positive pulls, negative pushes)")):
        axes.axvline(margin, color="0.5", linewidth=1, linestyle=":")
        axes.text(
            margin, 0.97, " margin m", transform=axes.get_xaxis_transform(), va="top", color="0.35"
        )
        axes.axhline(0, color="0.7", linewidth=0.8)
        axes.set(xlabel="distance D in the map", ylabel=ylabel)
        axes.legend(loc="upper left", bbox_to_anchor=(0.02, 0.9))
        axes.grid(alpha=0.25)
    write_caption(figure, caption)
    return figure


def spring_forces(margin: float, *, caption: str) -> Figure:
    """Draw the forces of the two springs (the paper's figure 2).

    Arrows show the force of eq. 4 on free points around a fixed point in the middle.

    Parameters
    ----------
    margin : float
    caption : str
    """
    check_margin(margin)
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    for axes, name, colour in zip(
        figure.subplots(1, 2),
        ("similar: the spring pulls, by D", "dissimilar: the spring pushes, by m − D"),
        (SIMILAR, DISSIMILAR),
        strict=True,
    ):
        for radius in margin * np.array([0.3, 0.6, 0.9, 1.2]):
            points = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
            outwards = -radius if colour == SIMILAR else max(margin - radius, 0.0)
            force = outwards * points / radius * 0.25
            axes.plot(*points.T, "o", color=colour, markersize=4)
            if outwards:
                axes.quiver(
                    *points.T,
                    *force.T,
                    angles="xy",
                    scale_units="xy",
                    scale=1,
                    color=colour,
                    width=0.006,
                )
        axes.plot(0, 0, "ko", markersize=7)
        axes.add_patch(mpl.patches.Circle((0, 0), margin, fill=False, linestyle=":", color="0.5"))
        # Between two rays of arrows.
        axes.text(0.73 * margin, -0.73 * margin, "margin m", va="top", color="0.35")
        axes.set(title=name, xlabel="map 1 (margins)", ylabel="map 2 (margins)", aspect="equal")
        axes.set(xlim=(-1.45 * margin, 1.45 * margin), ylim=(-1.45 * margin, 1.45 * margin))
    write_caption(figure, caption)
    return figure


def relaxation(
    series: Sequence[tuple[str, np.ndarray]],
    edges: np.ndarray,
    groups: np.ndarray,
    *,
    caption: str,
) -> Figure:
    """Draw free points at several steps of their relaxation (the paper's figures 2 and 3).

    Parameters
    ----------
    series : sequence of (str, ndarray of shape (n, 2))
        For each panel its title and the points.
    edges : ndarray of shape (n_edges, 2)
        The similar pairs, drawn as springs.
    groups : ndarray of shape (n,)
        The connected group of each point, for its colour and marker.
    caption : str
    """
    check_some(series, "series")
    for _, Z in series:
        check_points(Z, groups)
    rows = -(-len(series) // 3)
    figure = Figure(figsize=(10, 3.6 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (name, Z) in zip(panels, series, strict=False):
        springs = mpl.collections.LineCollection(Z[edges], colors="0.7", linewidths=0.6, zorder=1)
        axes.add_collection(springs)
        scatter_labels(axes, Z, groups, size=22, zorder=2)
        axes.set(title=name, aspect="equal")
        axes.grid(alpha=0.25)
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    for axes in panels[-3:]:
        axes.set_xlabel("map 1 (margins)")
    for axes in panels[::3]:
        axes.set_ylabel("map 2 (margins)")
    write_caption(figure, caption)
    return figure
