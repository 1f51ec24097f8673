"""Figures of maps: points in the plane or in space, coloured by a factor or as their images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from drlim.plotting._layout import (
    COLOURS,
    Figure,
    check_pictures,
    check_points,
    check_some,
    colour_of,
    label_map,
    label_text,
    one_axes,
    scatter_labels,
    scatter_values,
    widen_if_flat,
    write_caption,
)
from drlim.plotting._sheets import contact_sheet


def scatter(
    Z: Any, labels: Any, *, label_name: str, title: str, caption: str, unit: str = "margins"
) -> Figure:
    """Draw a 2-D map as points, with a colour and a marker for each label.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
        The embedding.
    labels : array-like of shape (n_samples,)
        A label for each sample; up to 64 labels differ in colour or marker.
    label_name : str
        What the labels are, for the legend.
    title, caption : str
    unit : str, default="margins"
        Of the axes.
    """
    Z, labels = check_points(Z, labels)
    figure, axes = one_axes(caption)
    scatter_labels(
        axes,
        Z,
        labels,
        size=_size(len(Z)),
        alpha=0.75,
        linewidths=0,
        name=lambda label, n: f"{label_name} {label} ({n:,})",
    )
    axes.legend(loc="best", markerscale=2 if _size(len(Z)) < 20 else 1, framealpha=0.9)
    label_map(axes, title, unit)
    return figure


_MOST_LABELS = 24  # classes that a legend still names


def coloured(
    Z: Any,
    values: Any,
    *,
    value_name: str,
    title: str,
    caption: str,
    cyclic: bool = False,
    unit: str = "margins",
) -> Figure:
    """Draw a 2-D map, coloured by any factor: by `scatter` for few values, else by a scale.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
        The embedding.
    values : array-like of shape (n_samples,)
        Numbers, which have a scale, or names. Beyond 64 names the looks repeat, and a legend
        lists up to 24.
    value_name : str
        What the factor is, with its unit.
    title, caption : str
    cyclic : bool, default=False
        Whether the factor closes on itself, as an angle does.
    unit : str, default="margins"
        Of the axes.
    """
    Z, values = check_points(Z, values)
    names = np.unique(values)
    if len(names) <= len(COLOURS):
        return scatter(Z, values, label_name=value_name, title=title, caption=caption, unit=unit)
    figure, axes = one_axes(caption)
    if values.dtype.kind in "iuf":
        points = scatter_values(axes, Z, values, size=_size(len(Z)), cyclic=cyclic)
        figure.colorbar(points, ax=axes, label=value_name, shrink=0.85)
    else:
        scatter_labels(axes, Z, values, size=_size(len(Z)), alpha=0.8, linewidths=0)
        if len(names) <= _MOST_LABELS:
            axes.legend(title=value_name, fontsize=7, ncols=2, framealpha=0.9)
    label_map(axes, title, unit)
    return figure


def _size(n: int) -> float:
    """Return the area of a marker, in square points: larger where there are few."""
    return float(np.clip(3000 / n, 9, 45))


def thumbnails(
    Z: Any,
    images: Any,
    labels: Any,
    *,
    label_name: str,
    title: str,
    caption: str,
) -> Figure:
    """Draw a 2-D map as the samples' own images, as many as fit without overlap.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
    images : array-like of shape (n_samples, height, width) or (n_samples, height, width, 3)
        Bright ink, as in MNIST, which is drawn on white, in the colour of the label; or
        photographs, which alone may be in colour.
    labels : array-like of shape (n_samples,), or None
        If None, the pictures are photographs and drawn as they are, in colour larger if they are
        few.
    label_name, title, caption : str
    """
    Z, known = check_points(Z, np.zeros(len(Z)) if labels is None else labels)
    images = check_pictures(images, len(Z), in_colour=labels is None)
    low, span = _square(Z)
    tile = 40
    if images.ndim == 4:  # about four cells for each photograph
        tile = int(np.clip(_SHEET / (2 * np.sqrt(len(images))), tile, _MOST_TILE))
    values, code = np.unique([] if labels is None else known, return_inverse=True)
    colours = None if labels is None else [colour_of(k) for k in code]
    canvas = contact_sheet((Z - low) / span, images, colours, size=_SHEET, tile=tile)
    figure, axes = one_axes(caption)
    extent = (low[0], low[0] + span, low[1], low[1] + span)
    axes.imshow(canvas, extent=extent, interpolation="antialiased")
    label_map(axes, title)
    if labels is not None:
        names = [f"{label_name} {label_text(value)}" for value in values]
        squares = [axes.plot([], [], "s", color=colour_of(k))[0] for k in range(len(values))]
        # Beside the axes: matplotlib does not see the images, and would cover them.
        figure.legend(squares, names, loc="outside right upper")
    return figure


_SHEET, _MOST_TILE = 1600, 160  # pixels on a side of all thumbnails, and of one at most


def views(
    Z: Any,
    values: Any,
    images: Any,
    *,
    value_name: str,
    cyclic: bool,
    caption: str,
    unit: str = "margins",
) -> Figure:
    """Draw a 3-D map from five viewing angles, as points and as the samples' own images.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 3)
        The embedding; its third axis points upwards.
    values : array-like of shape (n_samples,)
        A numeric factor, for the colour of the points.
    images : array-like of shape (n_samples, height, width)
        Grey pictures.
    value_name : str
        What the factor is, with its unit.
    cyclic : bool
        Whether the factor closes on itself, as an angle does.
    caption : str
    unit : str, default="margins"
        Of the axes.
    """
    Z, values = check_points(Z, values, 3)
    images = check_pictures(images, len(Z))
    Z = Z - Z.mean(axis=0)
    angles = ((0, 90), (0, 0), (60, 0), (120, 0), (30, 35))  # around, above; degrees
    figure = Figure(figsize=(16, 7.4), layout="constrained")
    panels = figure.subplots(2, len(angles))
    half = 1.08 * float(np.linalg.norm(Z, axis=1).max() or 1.0)
    for column, (around, above) in zip(panels.T, angles, strict=True):
        seen = Z @ camera(around, above).T
        order = np.argsort(seen[:, 2])  # the nearest last, over the others
        points = scatter_values(column[0], seen[order], values[order], size=14, cyclic=cyclic)
        sheet = contact_sheet(
            (seen[:, :2] / half + 1) / 2, images, None, size=760, tile=38, depth=seen[:, 2]
        )
        column[1].imshow(sheet, extent=(-half, half, -half, half), interpolation="antialiased")
        where = "from above" if above == 90 else f"around {around:g}°, above {above:g}°"
        column[0].set_title(where, fontsize=10)
        for axes in column:
            axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
            axes.set_xlabel(unit)
            axes.grid(alpha=0.2)
    for axes in panels[:, 0]:
        axes.set_ylabel(unit)
    figure.colorbar(points, ax=panels[0], label=value_name, shrink=0.85)
    write_caption(figure, caption)
    return figure


def gallery(
    maps: Mapping[str, tuple[np.ndarray, np.ndarray]], *, label_name: str, caption: str
) -> Figure:
    """Draw several 2-D maps side by side, each on its own scale.

    Parameters
    ----------
    maps : mapping of str to (points of shape (n, 2), labels of shape (n,))
        By the title of each.
    label_name, caption : str
    """
    check_some(maps, "maps")
    maps = {name: check_points(*of_map) for name, of_map in maps.items()}
    columns = min(len(maps), 3)
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(11 / 3 * columns, 3.7 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (title, (Z, labels)) in zip(panels, maps.items(), strict=False):
        scatter_labels(
            axes,
            Z,
            labels,
            size=7,
            alpha=0.7,
            linewidths=0,
            name=lambda label, n: f"{label_name} {label}",
        )
        widen_if_flat(axes, Z)
        axes.set_title(title, fontsize=10)
        axes.set(xlabel="map 1 (own unit)", ylabel="map 2 (own unit)")
        axes.tick_params(labelsize=7)
    panels[0].legend(markerscale=2, fontsize=8)
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    write_caption(figure, caption)
    return figure


def camera(around: float, above: float) -> np.ndarray:
    """Return the directions right, up and towards the viewer of a camera, as rows.

    Parameters
    ----------
    around, above : float
        Where the camera stands, in degrees.
    """
    a, e = np.radians([around, above])
    right = np.array([np.cos(a), np.sin(a), 0.0])
    towards = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
    return np.stack([right, np.cross(towards, right), towards])


def _square(Z: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the lower left corner and the side of the smallest square around 2-D points."""
    side = max(float(np.ptp(Z, axis=0).max()), 1e-12)
    return Z.min(axis=0) - (side - np.ptp(Z, axis=0)) / 2, side
