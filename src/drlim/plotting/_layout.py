"""What all figures share: colours, axes, captions, and the checks of what is drawn."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sized
from typing import Any

import numpy as np

from drlim._checks import as_array, as_rows, is_number, one_each
from drlim._errors import InputError, missing_extra

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure as Figure
except ImportError:
    raise missing_extra("matplotlib", "plot", "drlim.plotting") from None

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
SIMILAR, DISSIMILAR = COLOURS[0], COLOURS[1]
PALE = COLOURS[7]  # points of this colour have an outline, to be seen on white
OUTLINE = "0.4"
MARKERS = "o^sDvPX*"


def render(figure: Figure, file_format: str) -> bytes:
    """Return a figure as the bytes of a file; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
    file_format : {"png", "svg"}

    Raises
    ------
    InputError
        If the format is neither.
    """
    if file_format not in ("png", "svg"):
        raise InputError(f"file_format is {file_format!r}; it must be 'png' or 'svg'")
    metadata: dict[str, Any] = {"Software": None} if file_format == "png" else {"Date": None}
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "drlim"}):
        figure.savefig(buffer, format=file_format, dpi=150, metadata=metadata)
    return buffer.getvalue()


def colour_of(k: int) -> str:
    """Return the colour of the k-th label; colours repeat after eight."""
    return COLOURS[k % len(COLOURS)]


def marker_of(k: int) -> str:
    """Return the marker of the k-th label, so that 64 labels differ in colour or in marker."""
    return MARKERS[(k + k // len(COLOURS)) % len(MARKERS)]


def scatter_labels(
    axes: Axes,
    Z: np.ndarray,
    labels: np.ndarray,
    *,
    size: float,
    alpha: float | None = None,
    linewidths: float | None = None,
    zorder: float = 1,
    name: Callable[[str, int], str] = lambda label, n: label,
) -> None:
    """Draw the points of each label in its own colour and marker.

    Parameters
    ----------
    axes : Axes
    Z : ndarray of shape (n, 2)
    labels : ndarray of shape (n,)
    size, alpha, linewidths, zorder : float
        Of the markers, as in ``axes.scatter``.
    name : callable
        From a label and the number of its points to the entry of the legend.
    """
    for k, value in enumerate(np.unique(labels)):
        points = Z[labels == value]
        is_pale = colour_of(k) == PALE
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=size,
            alpha=alpha,
            linewidths=0.3 if is_pale else linewidths,
            zorder=zorder,
            facecolors=colour_of(k),
            edgecolors=OUTLINE if is_pale else colour_of(k),
            marker=marker_of(k),
            label=name(label_text(value), len(points)),
        )


def label_text(label: Any) -> str:
    """Return a label as text, without the rounding errors of a float."""
    return f"{label:g}" if isinstance(label, float | np.floating) else str(label)


def scatter_values(
    axes: Axes, Z: np.ndarray, values: np.ndarray, *, size: float, cyclic: bool
) -> PathCollection:
    """Draw points coloured by a number, in the order in which they are given.

    The scale of a factor that closes on itself is almost white at its ends, so its points have
    an outline.
    """
    return axes.scatter(
        Z[:, 0],
        Z[:, 1],
        c=values,
        s=size,
        cmap="twilight" if cyclic else "viridis",
        linewidths=0.3 if cyclic else 0,
        edgecolors=OUTLINE if cyclic else None,
    )


def widen_if_flat(axes: Axes, Z: np.ndarray) -> None:
    """Give axes a readable range where all points have one coordinate up to rounding."""
    middle, spread = Z.mean(axis=0), np.ptp(Z, axis=0)
    half = np.maximum(abs(middle), 1e-6)
    if spread[0] < 1e-6 * half[0]:
        axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    if spread[1] < 1e-6 * half[1]:
        axes.set_ylim(middle[1] - half[1], middle[1] + half[1])


def one_axes(caption: str, height: float = 8.2) -> tuple[Figure, Axes]:
    """Return a figure of one plot with its caption below it; the height is in inches."""
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    write_caption(figure, caption)
    return figure, axes


def write_caption(figure: Figure, caption: str) -> None:
    """Write a caption at the lower edge of a figure and make room for it."""
    width = int(figure.get_figwidth() * 13)
    lines = textwrap.wrap(caption, width)
    size = 9
    height = (len(lines) + 1) * size * 1.35 / 72 / figure.get_figheight()
    figure.set_layout_engine("constrained", rect=(0, height, 1, 0.98 - height))
    figure.text(0.02, 0.008, "\n".join(lines), fontsize=size, va="bottom", ha="left", color="0.2")


def label_map(axes: Axes, title: str, unit: str = "margins") -> None:
    """Give the axes of a 2-D map their title, labels and equal scales."""
    axes.set(title=title, xlabel=f"map 1 ({unit})", ylabel=f"map 2 ({unit})", aspect="equal")
    axes.grid(alpha=0.2)


def check_points(Z: Any, values: Any, n_components: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a map that can be drawn, and one value for each."""
    Z = as_rows(Z, "Z")
    if Z.shape[1] != n_components:
        raise InputError(
            f"Z has {Z.shape[1]} components and this figure draws {n_components}; learn a map with "
            f"n_components={n_components}, or give {n_components} of its columns"
        )
    return Z, one_each(values, len(Z), "the values of the points")


def check_pictures(images: Any, n: int | None, *, in_colour: bool = False) -> np.ndarray:
    """Return grey images, (n_samples, height, width), or photographs in colour too, as floats."""
    images = as_array(images, "images")
    colour = in_colour and images.ndim == 4 and images.shape[-1] == 3
    if not (images.ndim == 3 or colour) or not images.size or images.dtype.kind not in "buif":
        raise InputError(
            f"images have the shape {images.shape} and the dtype {images.dtype}; they must be grey "
            f"images of shape (n_samples, height, width){', or RGB ones' if in_colour else ''}"
        )
    one_each(images, len(images) if n is None else n, "images")
    pictures: np.ndarray = images.astype(float)
    return pictures


def check_some(what: Sized, name: str) -> None:
    """Raise if there is nothing to draw."""
    if not len(what):
        raise InputError(f"{name} is empty; there is nothing to draw")


def check_margin(margin: Any) -> None:
    """Raise if a margin is not a finite number above 0."""
    if not is_number(margin) or margin <= 0:
        raise InputError(f"margin is {margin!r}; it must be a finite number > 0")
