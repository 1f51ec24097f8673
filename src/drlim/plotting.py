"""Pictures of maps, losses and springs: arrays in, a matplotlib figure out.

No global state: figures are made without pyplot, so nothing has to be closed and no backend is
chosen. Colours are those of Okabe and Ito, which people with any kind of colour vision can tell
apart. A figure's caption says what it shows and what was held out.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

import numpy as np

from drlim._checks import as_array, as_rows, check_count, is_number, one_each
from drlim._errors import InputError, missing_extra

try:
    import matplotlib as mpl
    import matplotlib.image
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure
except ImportError:
    raise missing_extra("matplotlib", "plot", "drlim.plotting") from None

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SIMILAR, DISSIMILAR = COLOURS[0], COLOURS[1]
_MARKERS = "o^sDvPX*"


def render(figure: Figure, file_format: str) -> bytes:
    """Return a figure as the bytes of a file, "png" or "svg"; the same figure, the same bytes."""
    if file_format not in ("png", "svg"):
        raise InputError(f"file_format is {file_format!r}; it must be 'png' or 'svg'")
    metadata: dict[str, Any] = {"Software": None} if file_format == "png" else {"Date": None}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "drlim"}):
        figure.savefig(buffer, format=file_format, dpi=150, metadata=metadata)
    return buffer.getvalue()


def scatter(
    Z: Any, labels: Any, *, label_name: str, title: str, caption: str, unit: str = "margins"
) -> Figure:
    """Draw a 2-D map, a point a sample, coloured and marked by a label.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
        The embedding.
    labels : array-like of shape (n_samples,)
        A label a sample, of at most eight values.
    label_name : str
        What the labels are, for the legend.
    title, caption : str
    """
    Z, labels = _points(Z, labels)
    figure, axes = _one_axes(caption)
    for k, value in enumerate(np.unique(labels)):
        of_label = labels == value
        axes.scatter(
            Z[of_label, 0],
            Z[of_label, 1],
            s=9,
            alpha=0.75,
            linewidths=0,
            color=COLOURS[k % len(COLOURS)],
            marker=_MARKERS[k % len(_MARKERS)],
            label=f"{label_name} {value} ({of_label.sum():,})",
        )
    axes.legend(loc="best", markerscale=2, framealpha=0.9)
    _dress_map(axes, title, unit)
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
    """Draw a 2-D map, coloured by any factor: of few values as `scatter`, else by a scale.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
        The embedding.
    values : array-like of shape (n_samples,)
        Numbers, which have a scale, or names; of many names colours and markers repeat.
    value_name : str
        What the factor is, with its unit.
    title, caption : str
    cyclic : bool
        Whether the factor closes on itself, as an angle does.
    unit : str
        Of the map.
    """
    Z, values = _points(Z, values)
    names = np.unique(values)
    if len(names) <= len(COLOURS):
        return scatter(Z, values, label_name=value_name, title=title, caption=caption, unit=unit)
    figure, axes = _one_axes(caption)
    if values.dtype.kind in "iuf":
        points = axes.scatter(
            Z[:, 0], Z[:, 1], c=values, s=9, linewidths=0, cmap="twilight" if cyclic else "viridis"
        )
        figure.colorbar(points, ax=axes, label=value_name, shrink=0.85)
    else:
        for k, name in enumerate(names):
            of_name = values == name
            axes.scatter(
                Z[of_name, 0],
                Z[of_name, 1],
                s=12,
                alpha=0.8,
                linewidths=0,
                color=COLOURS[k % len(COLOURS)],
                marker=_MARKERS[(k + k // len(COLOURS)) % len(_MARKERS)],
                label=str(name),
            )
        if len(names) <= _MOST_LABELS:
            axes.legend(title=value_name, fontsize=7, ncols=2, framealpha=0.9)
    _dress_map(axes, title, unit)
    return figure


def thumbnails(
    Z: Any,
    images: Any,
    labels: Any,
    *,
    label_name: str,
    title: str,
    caption: str,
) -> Figure:
    """Draw a 2-D map with the samples' own pictures, as many as fit without overlap.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 2)
    images : array-like of shape (n_samples, height, width)
        Ink is bright, as in MNIST; it is drawn on white, in the colour of the label.
    labels : array-like of shape (n_samples,), or None
        None: the pictures are grey photographs, shown as they are.
    label_name, title, caption : str
    """
    Z, known = _points(Z, np.zeros(len(Z)) if labels is None else labels)
    images = _pictures(images, len(Z))
    low, span = _square(Z)
    values, code = np.unique([] if labels is None else known, return_inverse=True)
    colours = None if labels is None else [COLOURS[k % len(COLOURS)] for k in code]
    canvas = _contact_sheet((Z - low) / span, images, colours, size=1600, tile=40)
    figure, axes = _one_axes(caption)
    extent = (low[0], low[0] + span, low[1], low[1] + span)
    axes.imshow(canvas, extent=extent, interpolation="antialiased")
    for k, value in enumerate(values):
        axes.plot([], [], "s", color=COLOURS[k % len(COLOURS)], label=f"{label_name} {value}")
    if labels is not None:
        axes.legend(loc="best", framealpha=0.9)
    _dress_map(axes, title)
    return figure


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
    """Draw a 3-D map under five viewing angles: as points, and as the samples' own pictures.

    Parameters
    ----------
    Z : array-like of shape (n_samples, 3)
        The embedding, turned so that its third axis points upwards.
    values : array-like of shape (n_samples,)
        A factor, for the colour of the points.
    images : array-like of shape (n_samples, height, width)
        Grey pictures.
    value_name : str
        What the factor is, with its unit.
    cyclic : bool
        Whether the factor closes on itself, as an angle does.
    caption : str
    """
    Z, values = _points(Z, values, 3)
    images = _pictures(images, len(Z))
    Z = Z - Z.mean(axis=0)
    angles = ((0, 90), (0, 0), (60, 0), (120, 0), (30, 35))  # around, above; degrees
    figure = Figure(figsize=(16, 7.4), layout="constrained")
    panels = figure.subplots(2, len(angles))
    half = 1.08 * float(np.linalg.norm(Z, axis=1).max() or 1.0)
    for column, (around, above) in zip(panels.T, angles, strict=True):
        seen = Z @ _camera(around, above).T
        order = np.argsort(seen[:, 2])  # the nearest last, over the others
        points = column[0].scatter(
            seen[order, 0],
            seen[order, 1],
            c=values[order],
            s=14,
            linewidths=0,
            cmap="twilight" if cyclic else "viridis",
        )
        sheet = _contact_sheet(
            (seen[:, :2] / half + 1) / 2, images, None, size=760, tile=38, depth=seen[:, 2]
        )
        column[1].imshow(sheet, extent=(-half, half, -half, half), interpolation="antialiased")
        where = "from above" if above == 90 else f"around {around}°, above {above}°"
        column[0].set_title(where, fontsize=10)
        for axes in column:
            axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
            axes.set_xlabel(unit)
            axes.grid(alpha=0.2)
    for axes in panels[:, 0]:
        axes.set_ylabel(unit)
    figure.colorbar(points, ax=panels[0], label=value_name, shrink=0.85)
    _caption(figure, caption)
    return figure


def _camera(around: float, above: float) -> np.ndarray:
    """Return the rows right, up and towards the viewer of a camera; degrees."""
    a, e = np.radians([around, above])
    right = np.array([np.cos(a), np.sin(a), 0.0])
    towards = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
    return np.stack([right, np.cross(towards, right), towards])


def _square(Z: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the lower corner and the side of the smallest square around points of the plane."""
    side = max(float(np.ptp(Z, axis=0).max()), 1e-12)
    return Z.min(axis=0) - (side - np.ptp(Z, axis=0)) / 2, side


def _contact_sheet(
    place: np.ndarray,
    images: np.ndarray,
    colours: Sequence[str] | None,
    *,
    size: int,
    tile: int,
    depth: np.ndarray | None = None,
) -> np.ndarray:
    """Lay out pictures on a square sheet, one for each cell of a grid that has any.

    ``place`` is in units of the sheet, from its lower left corner. With colours, pictures are
    ink of that colour on white; without, grey photographs. Of those in one cell the nearest to
    its middle is shown, or with ``depth`` the one in front.
    """
    cells = size // tile
    cell = np.clip((place * cells).astype(int), 0, cells - 1)
    rank = np.linalg.norm(place * cells - cell - 0.5, axis=1) if depth is None else -depth
    order = np.lexsort((rank, cell[:, 1], cell[:, 0]))
    _, first = np.unique(cell[order], axis=0, return_index=True)
    longest = max(images.shape[1:])
    step, zoom = max(1, -(-longest // (tile - 2))), max(1, (tile - 2) // longest)
    sheet = np.ones((size, size, 3))
    for k in order[first]:
        light = images[k, ::step, ::step] / (images.max() or 1.0)
        light = np.kron(light, np.ones((zoom, zoom)))[..., None]
        if colours is None:
            picture = np.repeat(light, 3, axis=2)
        else:
            picture = 1 - light * (1 - np.array(mpl.colors.to_rgb(colours[k])))
        height, width = picture.shape[:2]
        top = size - (cell[k, 1] + 1) * tile + (tile - height) // 2
        left = cell[k, 0] * tile + (tile - width) // 2
        sheet[top : top + height, left : left + width] = picture
    return sheet


def gallery(
    maps: Mapping[str, tuple[np.ndarray, np.ndarray]], *, label_name: str, caption: str
) -> Figure:
    """Draw several 2-D maps side by side, each in its own unit.

    Parameters
    ----------
    maps : mapping of str to (points of shape (n, 2), labels of shape (n,))
        By the title of each.
    label_name, caption : str
    """
    _check_some(maps, "maps")
    maps = {name: _points(*of_map) for name, of_map in maps.items()}
    rows = -(-len(maps) // 3)
    figure = Figure(figsize=(11, 3.7 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False).ravel()
    for axes, (title, (Z, labels)) in zip(panels, maps.items(), strict=False):
        for k, value in enumerate(np.unique(labels)):
            axes.scatter(
                Z[labels == value, 0],
                Z[labels == value, 1],
                s=7,
                alpha=0.7,
                linewidths=0,
                color=COLOURS[k % len(COLOURS)],
                marker=_MARKERS[k % len(_MARKERS)],
                label=f"{label_name} {value}",
            )
        axes.set_title(title, fontsize=10)
        axes.set(xlabel="map 1 (own unit)", ylabel="map 2 (own unit)")
        axes.tick_params(labelsize=7)
    panels[0].legend(markerscale=2, fontsize=8)
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    _caption(figure, caption)
    return figure


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
        A bar of each group for each of `names`; not a number where there is none. A share less
        than 0, such as the R² of a probe that misleads, is cut off at 0.
    names : sequence of str
    ylabel, title, caption : str
    xlabel : str, default="rate"
        What the names are.
    chance : sequence of float, optional
        For each name the share that comes by itself, drawn as a line across its bars.
    """
    _check_some(groups, "groups")
    for label, shares in groups.items():
        one_each(shares, len(names), f"what {label!r} has of each of the names")
    figure, axes = _one_axes(caption, height=5.4)
    width = 0.8 / len(groups)
    for k, (label, shares) in enumerate(groups.items()):
        value, low, high = np.asarray(shares, float).T.clip(0)
        place = np.arange(len(names)) + (k - (len(groups) - 1) / 2) * width
        error = np.maximum([value - low, high - value], 0)
        colour = COLOURS[k % len(COLOURS)]
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
    """Draw how far a transformation moves points, against its strength.

    Parameters
    ----------
    strengths : sequence of float
    curves : mapping of str to (mean, low, high), each a sequence of float
        Of the map and of what it is compared with, in units of the mean distance between two
        samples of each.
    trained : (float, float) or None
        The strengths that the map met in training, shaded.
    strength_name : str
        What the strength is, with its unit.
    title, caption : str
    """
    _check_some(curves, "curves")
    for name, curve in curves.items():
        for values in curve:
            one_each(values, len(strengths), f"the curve {name!r}")
    figure, axes = _one_axes(caption, height=5.4)
    if trained is not None:
        axes.axvspan(*trained, color="0.9", zorder=0, label="met in training")
    axes.axhline(1, color="0.4", linewidth=1, linestyle=":", label="as far as another sample")
    order = np.argsort(strengths)
    strength = np.asarray(strengths, float)[order]
    for k, (name, curve) in enumerate(curves.items()):
        mean, low, high = (np.asarray(values, float)[order] for values in curve)
        colour = COLOURS[k % len(COLOURS)]
        axes.fill_between(strength, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(
            strength,
            mean,
            color=colour,
            marker=_MARKERS[k % len(_MARKERS)],
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
        The false accepts, on a logarithmic scale, where they are more than 0.
    title, caption : str
    wanted : float, optional
        The rate of false accepts that was asked for, marked.
    """
    _check_some(curves, "curves")
    for name, (false_accepts, true_accepts) in curves.items():
        one_each(true_accepts, len(false_accepts), f"the curve {name!r}")
    figure, axes = _one_axes(caption, height=5.4)
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
            color=COLOURS[k % len(COLOURS)],
            linewidth=2 if k == 0 else 1.5,
            label=name,
        )
    least = min(least, 0.1)
    chance = np.geomspace(least, 1, 100)
    axes.plot(chance, chance, color="0.5", linewidth=1, linestyle=(0, (1, 3)), label="chance")
    if wanted is not None:
        axes.axvline(wanted, color="0.2", linewidth=1, label=f"asked for: {wanted:.3g}")
    axes.set(title=title, xlabel="false accepts (share of different pairs)", xscale="log")
    axes.set(ylabel="true accepts (share of same pairs)", xlim=(least, 1), ylim=(0, 1.02))
    axes.legend()
    axes.grid(alpha=0.25)
    return figure


def sprite_sheet(images: Any, columns: int) -> bytes:
    """Lay out grey pictures in rows, in their order, as one PNG.

    Parameters
    ----------
    images : array-like of shape (n_samples, height, width)
        Grey, of any unit; 0 is black and the largest value of all is white.
    columns : int
        Pictures in a row.
    """
    images = _pictures(images, None)
    check_count(columns, "columns")
    n, height, width = images.shape
    rows = -(-n // columns)
    cells = np.zeros((rows * columns, height, width))
    cells[:n] = images / (images.max() or 1.0)
    sheet = cells.reshape(rows, columns, height, width).swapaxes(1, 2)
    buffer = io.BytesIO()
    pixels = sheet.reshape(rows * height, columns * width)
    mpl.image.imsave(buffer, pixels, cmap="gray", vmin=0, vmax=1, format="png")
    return buffer.getvalue()


def loss_curves(
    when: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    title: str,
    caption: str,
) -> Figure:
    """Draw losses as they fall.

    Parameters
    ----------
    when : sequence of float
        The epoch (or step) of each value.
    curves : mapping of str to sequence of float
        Name of the curve to its values.
    xlabel, title, caption : str
    """
    _check_some(curves, "curves")
    for name, values in curves.items():
        one_each(values, len(when), f"the curve {name!r}")
    figure, axes = _one_axes(caption, height=5.2)
    for k, (name, values) in enumerate(curves.items()):
        axes.plot(
            when,
            values,
            color=COLOURS[k],
            marker=_MARKERS[k],
            markersize=4,
            label=name,
        )
    axes.set(title=title, xlabel=xlabel, ylabel="loss per sample (margin²)", ylim=(0, None))
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    axes.legend()
    axes.grid(alpha=0.25)
    return figure


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
        Distances to losses, arrays of one shape.
    margin : float
    caption : str
    """
    _check_margin(margin)
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
        axes.annotate(" margin m", (margin, axes.get_ylim()[1]), va="top", color="0.35")
        axes.axhline(0, color="0.7", linewidth=0.8)
        axes.set(xlabel="distance D in the map", ylabel=ylabel)
        axes.legend(loc="upper left", bbox_to_anchor=(0.02, 0.9))
        axes.grid(alpha=0.25)
    _caption(figure, caption)
    return figure


def spring_forces(margin: float, *, caption: str) -> Figure:
    """Draw what the two springs do to a point (the paper's figure 2).

    Arrows show the force of eq. 4 on free points around one point in the middle.
    """
    _check_margin(margin)
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
        axes.annotate("margin m", (0, margin), ha="center", va="bottom", color="0.35")
        axes.set(title=name, xlabel="map 1 (margins)", ylabel="map 2 (margins)", aspect="equal")
        axes.set(xlim=(-1.45 * margin, 1.45 * margin), ylim=(-1.45 * margin, 1.45 * margin))
    _caption(figure, caption)
    return figure


def relaxation(
    series: Sequence[tuple[str, np.ndarray]],
    edges: np.ndarray,
    groups: np.ndarray,
    *,
    caption: str,
) -> Figure:
    """Draw free points relaxing, as a series of pictures (the paper's figures 2 and 3).

    Parameters
    ----------
    series : sequence of (str, ndarray of shape (n, 2))
        What each picture is called, and where the points are; at most eight.
    edges : ndarray of shape (n_edges, 2)
        The similar pairs, drawn as springs.
    groups : ndarray of shape (n,)
        Which connected group each point is of, for its colour.
    caption : str
    """
    _check_some(series, "series")
    for _, Z in series:
        _points(Z, groups)
    rows = -(-len(series) // 3)
    figure = Figure(figsize=(10, 3.6 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, 3, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (name, Z) in zip(panels, series, strict=False):
        springs = mpl.collections.LineCollection(Z[edges], colors="0.7", linewidths=0.6, zorder=1)
        axes.add_collection(springs)
        for k, group in enumerate(np.unique(groups)):
            of_group = groups == group
            axes.scatter(
                *Z[of_group].T,
                s=22,
                color=COLOURS[k % len(COLOURS)],
                marker=_MARKERS[k % len(_MARKERS)],
                zorder=2,
            )
        axes.set(title=name, aspect="equal")
        axes.grid(alpha=0.25)
    for axes in panels[len(series) :]:
        axes.set_visible(False)
    for axes in panels[-3:]:
        axes.set_xlabel("map 1 (margins)")
    for axes in panels[::3]:
        axes.set_ylabel("map 2 (margins)")
    _caption(figure, caption)
    return figure


def _points(Z: Any, values: Any, n_components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a map that can be drawn, and one value each."""
    Z = as_rows(Z, "Z")
    if Z.shape[1] != n_components:
        raise InputError(
            f"Z has {Z.shape[1]} components and this picture has {n_components}; learn a map of "
            f"n_components={n_components}, or give that many of its columns"
        )
    return Z, one_each(values, len(Z), "what is drawn of the points")


def _pictures(images: Any, n: int | None) -> np.ndarray:
    images = as_array(images, "images")
    if images.ndim != 3 or not images.size or images.dtype.kind not in "buif":
        raise InputError(
            f"images have the shape {images.shape} and the dtype {images.dtype}; pictures are "
            "grey, (n_samples, height, width)"
        )
    one_each(images, len(images) if n is None else n, "images")
    pictures: np.ndarray = images.astype(float)
    return pictures


def _check_some(what: Sized, name: str) -> None:
    if not len(what):
        raise InputError(f"{name} is empty; there is nothing to draw")


def _check_margin(margin: Any) -> None:
    if not is_number(margin) or margin <= 0:
        raise InputError(f"margin is {margin!r}; it must be a finite number > 0")


def _one_axes(caption: str, height: float = 8.2) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    _caption(figure, caption)
    return figure, axes


def _caption(figure: Figure, caption: str) -> None:
    # As the figure's own lower title, so that the layout makes room for it.
    width = int(figure.get_figwidth() * 13)
    lines = textwrap.wrap(caption, width)
    size = 9
    height = (len(lines) + 1) * size * 1.35 / 72 / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, height, 1, 0.98 - height))
    figure.text(0.02, 0.008, "\n".join(lines), fontsize=size, va="bottom", ha="left", color="0.2")


def _dress_map(axes: Axes, title: str, unit: str = "margins") -> None:
    axes.set(title=title, xlabel=f"map 1 ({unit})", ylabel=f"map 2 ({unit})", aspect="equal")
    axes.grid(alpha=0.2)
