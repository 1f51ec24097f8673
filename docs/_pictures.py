"""Draw the pictures of the README and of the first page from the maps of three experiments.

``make pictures`` runs the experiments and this script. Each picture shows held-out samples alone.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import drlim
from drlim.experiments import _airplane, _digits
from drlim.experiments._run import Options
from drlim.plotting import render
from drlim.plotting._layout import colour_of
from drlim.plotting._maps import _square, camera
from drlim.plotting._sheets import contact_sheet

OUT = Path(__file__).parent / "_static"
SIDE, TILE = 960, 32  # of a sheet of digits, and of a digit on it, in pixels
N_FRAMES, MILLISECONDS = 48, 90


def options(name: str) -> Options:
    """Return the options of the full experiment."""
    return Options(name, "", random_state=0, quick=False, download=True, say=lambda line: None)


def digits(runs: Path) -> None:
    """Write figure 4: held-out 4s and 9s at their points."""
    _, held_out = _digits.load(options("mnist"))
    Z = drlim.load(runs / "mnist" / "map.drlim").transform(held_out.X)
    _save(_sheet(Z, held_out.X, held_out.factors["digit"]), "digits.png")


def shifted(runs: Path) -> None:
    """Write figures 5 and 7 side by side: shifted digits without and with prior knowledge."""
    _, held_out = _digits.load_shifted(options("shifts"))
    sheets = []
    for run in ("shifts", "shift-invariant"):
        Z = drlim.load(runs / run / "map.drlim").transform(held_out.X)
        sheets.append(_sheet(Z, held_out.X, held_out.factors["shift"]))
    gap = np.full((SIDE, 3 * TILE, 3), 255, np.uint8)
    sheet = np.concatenate([sheets[0], gap, sheets[1]], axis=1)
    inked = np.flatnonzero((sheet < 255).any(axis=(1, 2)))
    _save(sheet[inked[0] : inked[-1] + 1], "shifted.png")


def cylinder(runs: Path) -> None:
    """Write figure 8 as a turning picture: the azimuth around, the elevation along."""
    views = _airplane.load(options("norb"))
    map_ = drlim.load(runs / "norb" / "map.drlim")
    images = views.data.X
    Z = _airplane.upright(map_.transform(images[views.train]), map_.transform(images[views.test]))
    Z = Z - Z.mean(axis=0)
    azimuth = views.held_out("azimuth")
    colours = mpl.colormaps["twilight_shifted"](azimuth / 360)
    half = 1.05 * float(np.linalg.norm(Z, axis=1).max())
    frames = []
    for around in np.arange(N_FRAMES) * 360 / N_FRAMES:
        seen = Z @ camera(around, 25).T
        order = np.argsort(seen[:, 2])
        figure = Figure(figsize=(2.4, 2.4))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.scatter(
            *seen[order, :2].T,
            s=9 + 6 * seen[order, 2] / half,
            c=colours[order],
            edgecolors="white",
            linewidths=0.2,
        )
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.axis("off")
        frames.append(Image.open(io.BytesIO(render(figure, "png"))).convert("RGB"))
    frames[0].save(
        OUT / "cylinder.webp",
        save_all=True,
        append_images=frames[1:],
        duration=MILLISECONDS,
        loop=0,
        quality=60,
        method=6,
    )


def _sheet(Z: np.ndarray, images: np.ndarray, values: np.ndarray) -> np.ndarray:
    low, span = _square(Z)
    _, code = np.unique(values, return_inverse=True)
    sheet = contact_sheet(
        (Z - low) / span, images, [colour_of(k) for k in code], size=SIDE, tile=TILE
    )
    return (255 * np.clip(sheet, 0, 1)).round().astype(np.uint8)


def _save(sheet: np.ndarray, name: str) -> None:
    Image.fromarray(sheet).quantize(64).save(OUT / name, optimize=True)


PICTURES: tuple[Callable[[Path], None], ...] = (digits, shifted, cylinder)

if __name__ == "__main__":
    for picture in PICTURES:
        picture(Path(sys.argv[1]))
