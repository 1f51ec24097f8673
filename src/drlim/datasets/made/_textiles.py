"""Synthetic photographs of woven textiles, told apart by motif and weave and not by colour.

A cloth is two sets of threads, warp along v and weft along u; coordinates count threads. A
*draft* is where the warp lies on top, a *motif* where the figure's yarn shows and where the
ground's. Both are small matrices of bool that repeat over the cloth. A tradition is one motif,
one draft and one repeat; everything else is drawn anew for each photograph.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._checks import check_count
from drlim._deprecated import renamed_arguments
from drlim._errors import InputError
from drlim._random import RandomState, keyed_streams
from drlim._types import Bool, Float, Shaped
from drlim.datasets.made._folders import write_classes

_THREADS = 30  # across a photograph, at the mean scale
_OVERSAMPLING = 2
_SMALLEST = 32  # pixels along a side: with fewer, threads cannot be seen


@renamed_arguments(seed="random_state")
def weaves(
    folder: str | os.PathLike[str],
    *,
    n_classes: int = 12,
    n_per_class: int = 30,
    size: int = 64,
    random_state: RandomState = 0,
) -> Path:
    """Write a folder of photographs of woven textiles, one sub-folder per weaving tradition.

    Traditions differ in their motif (stripes, zigzags, lozenges, crosses, checks, teeth, stars,
    keys, hooks), their weave (plain, twill, satin, basket) and the threads per repeat. The first
    nine traditions have nine motifs; the tenth shares its motif with the first and has another
    weave.

    Colour carries no information by construction. The yarns of a photograph, which of them is
    the figure's, the light and the exposure are drawn from one distribution for all traditions;
    every motif covers half of its cloth; and the threads' relief gives every photograph the same
    set of shades, in other places. Rotation, scale, position, perspective, drape, blur and noise
    are drawn anew for each photograph too.

    Parameters
    ----------
    folder : path
        New or empty. The files are ``tradition-01/tradition-01-001.png`` and so on, in colour.
    n_classes : int, default=12
        Traditions, 2 to 72.
    n_per_class : int, default=30
        Photographs per tradition.
    size : int, default=64
        Pixels along a side, at least 32. The part of the cloth that is shown does not change.
    random_state : int, numpy Generator or RandomState, or None, default=0
        Determines the traditions and the photographs. The same int gives the same photographs,
        and asking for more does not change the first ones.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    InputError
        If an argument is outside its range.
    FileError
        If the folder is not empty or cannot be written.
    MissingExtraError
        If Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = weaves(folder, n_classes=2, n_per_class=3, size=32)
    ...     sorted(path.name for path in written.glob("*/*.png"))[:2]
    ['tradition-01-001.png', 'tradition-01-002.png']
    """
    check_count(n_classes, "n_classes", 2)
    check_count(n_per_class, "n_per_class")
    check_count(size, "size", _SMALLEST)
    streams = keyed_streams(random_state)
    most = len(_MOTIFS) * len(_DRAFTS) * len(_REPEATS)
    if n_classes > most:
        raise InputError(
            f"n_classes is {n_classes}; there are {most} different traditions, so give 2 to {most}"
        )

    def photographs() -> Iterator[tuple[str, int, np.ndarray]]:
        for k, tradition in enumerate(_traditions(streams.generator())[:n_classes]):
            for number in range(n_per_class):
                photograph = _photograph(tradition, size, streams.generator(k, number))
                yield f"tradition-{k + 1:02d}", number + 1, photograph

    return write_classes(folder, photographs())


# Traditions


class _Tradition(NamedTuple):
    motif: Bool[np.ndarray, "repeat repeat"]  # True: the figure's yarn
    draft: Bool[np.ndarray, "threads threads"]  # (weft, warp); True: the warp is on top


# A motif as a height over (u, v), both in [0, 1): its higher half is the figure. In the functions,
# a and b are the distances from the middle lines, from 0 to 1.
_Height = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _lozenge(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = abs(2 * u - 1), abs(2 * v - 1)
    return np.cos(2 * np.pi * (a + b))


def _cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = abs(2 * u - 1), abs(2 * v - 1)
    height: np.ndarray = -np.maximum(2 * np.minimum(a, b), np.maximum(a, b))
    return height


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    a, b = abs(2 * u - 1), abs(2 * v - 1)
    height: np.ndarray = -np.minimum(np.maximum(a, b), (a + b) / np.sqrt(2))
    return height


def _from_rows(rows: str) -> _Height:
    cells = np.array([[float(cell) for cell in row] for row in rows.split()])
    n = len(cells)
    return lambda u, v: cells[(v * n).astype(int), (u * n).astype(int)]


_MOTIFS: dict[str, _Height] = {
    "stripe": lambda u, v: np.cos(2 * np.pi * v) + 0.9 * np.cos(6 * np.pi * v),
    "zigzag": lambda u, v: np.cos(2 * np.pi * (v + abs(2 * u - 1) / 2)),
    "lozenge": _lozenge,
    "cross": _cross,
    "check": lambda u, v: (u - 0.5) * (v - 0.5),
    "teeth": lambda u, v: v - abs(2 * u - 1),
    "star": _star,
    "key": _from_rows("111110 100010 101010 101110 100000 100011"),
    "hook": _from_rows("111110 100000 111110 000010 111110 100000"),
}

# Each row of a draft is the row before it, moved on by a step.
_DRAFTS: dict[str, np.ndarray] = {
    "plain": (np.add.outer(np.arange(2), np.arange(2)) % 2) < 1,
    "twill": (np.add.outer(np.arange(4), np.arange(4)) % 4) < 2,
    "satin": (np.add.outer(2 * np.arange(5), np.arange(5)) % 5) < 1,
    "basket": (np.add.outer(np.arange(4) // 2, np.arange(4) // 2) % 2) < 1,
}

_REPEATS = (12, 18)  # threads


def _traditions(random: np.random.Generator) -> list[_Tradition]:
    """List all traditions, in an order of motifs and weaves that is drawn."""
    motifs = [list(_MOTIFS.values())[k] for k in random.permutation(len(_MOTIFS))]
    drafts = [list(_DRAFTS.values())[k] for k in random.permutation(len(_DRAFTS))]
    # 9 motifs and 4 drafts have no common divisor, so running through both meets each pair once.
    return [
        _Tradition(_figure(motifs[k % len(motifs)], repeat), drafts[k % len(drafts)])
        for repeat in _REPEATS
        for k in range(len(motifs) * len(drafts))
    ]


def _figure(height: _Height, repeat: int) -> Bool[np.ndarray, "repeat repeat"]:
    """Return where the figure shows, in a repeat of threads: at exactly half of the crossings."""
    centres = (np.arange(repeat) + 0.5) / repeat
    heights = np.broadcast_to(height(*np.meshgrid(centres, centres)), (repeat, repeat))
    return _ranks(heights) >= repeat * repeat // 2


def _ranks(values: Shaped[np.ndarray, "h w"]) -> Shaped[np.ndarray, "h w"]:
    """Return the rank of each value among all, from 0."""
    # Rounded, so that values equal but for the last bits rank alike on every machine.
    ranks = np.empty(values.size, np.int64)
    ranks[np.argsort(values.round(9), axis=None, kind="stable")] = np.arange(values.size)
    return ranks.reshape(values.shape)


# Photographs


def _photograph(tradition: _Tradition, size: int, random: np.random.Generator) -> np.ndarray:
    """Photograph a cloth of a tradition; all but the cloth is independent of the tradition."""
    n = _OVERSAMPLING * size
    line = (np.arange(n) + 0.5) / n - 0.5
    x, y = np.meshgrid(line, line)  # the photograph is one unit wide
    light = random.uniform(0, 2 * np.pi)
    towards_light = np.cos(light), np.sin(light)

    u, v, fold = _pose(x, y, random)
    relief = _relief(u, v, tradition.draft, towards_light, random)
    shade = 1 + random.uniform(0.25, 0.45) * relief
    shade += random.uniform(0.1, 0.3) * (fold[0] * towards_light[0] + fold[1] * towards_light[1])
    shade += random.uniform(0, 0.3) * (x * towards_light[0] + y * towards_light[1])
    cloth = _yarn(u, v, tradition.motif, random) * shade[..., None]
    return _exposed(cloth, random)


def _pose(
    x: np.ndarray, y: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the threads (u, v) that each pixel sees, and the slopes of the cloth's folds."""
    tilt = random.uniform(-0.2, 0.2, size=2)
    depth = 1 + tilt[0] * x + tilt[1] * y
    x, y = x / depth, y / depth
    slope_x, slope_y = np.zeros_like(x), np.zeros_like(x)
    for _ in range(3):  # long waves, each across its own direction
        wave = random.uniform(-1.5, 1.5, size=2)
        slope = np.cos(2 * np.pi * (wave[0] * x + wave[1] * y) + random.uniform(0, 2 * np.pi))
        slope_x, slope_y = slope_x + wave[0] * slope / 3, slope_y + wave[1] * slope / 3
    drape = random.uniform(0, 0.03)
    angle = np.radians(random.uniform(-30, 30))
    threads = _THREADS * np.exp(random.uniform(-0.2, 0.2))
    x, y = x + drape * slope_x, y + drape * slope_y
    u = threads * (np.cos(angle) * x - np.sin(angle) * y) + random.uniform(0, 180)
    v = threads * (np.sin(angle) * x + np.cos(angle) * y) + random.uniform(0, 180)
    return u, v, (slope_x, slope_y)


def _relief(
    u: np.ndarray,
    v: np.ndarray,
    draft: np.ndarray,
    towards_light: tuple[float, float],
    random: np.random.Generator,
) -> Float[np.ndarray, "h w"]:
    """Return the brightness of the threads' relief, uniform from -1 to 1.

    Weaves with long floats have fewer dark gaps; ranks give every weave the same shades.
    """
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    across_warp, across_weft = u - i - 0.5, v - j - 0.5
    period = len(draft)
    warp_on_top = draft[j % period, i % period]
    across = np.where(warp_on_top, across_warp, across_weft)
    along = np.where(warp_on_top, across_weft, across_warp)
    stays_up = np.where(  # whether the thread on top is on top at the next crossing too
        warp_on_top,
        draft[(j + np.sign(across_weft).astype(int)) % period, i % period],
        ~draft[j % period, (i + np.sign(across_warp).astype(int)) % period],
    )
    roundness = -2 * across**2 - np.where(stays_up, 0, 3 * along**2)
    slant = np.where(warp_on_top, towards_light[0], towards_light[1]) * across
    sheen = random.uniform(0.2, 0.4) * random.choice([-1, 1]) * np.where(warp_on_top, 1, -1)
    # From a stream of its own: the number of pixels must not change what is drawn after this.
    fibre = random.spawn(1)[0].normal(0, 0.05, size=u.shape)
    ranks = _ranks(roundness + slant + sheen + fibre)
    return 2 * ranks / (ranks.size - 1) - 1


def _yarn(
    u: np.ndarray, v: np.ndarray, motif: np.ndarray, random: np.random.Generator
) -> Float[np.ndarray, "h w 3"]:
    """Return the colour of the yarn on top: the figure's or the ground's, in one or two dyes."""
    repeat = len(motif)
    i, j = np.floor(u).astype(int), np.floor(v).astype(int)
    figure = motif[j % repeat, i % repeat]
    if random.integers(2):
        figure = ~figure
    dyes = np.stack([_dyes(0.15, 0.40, random), _dyes(0.6, 0.85, random)])
    return dyes[figure.astype(int), (j // repeat) % 2]


def _dyes(darkest: float, lightest: float, random: np.random.Generator) -> np.ndarray:
    """Draw the dyes of two rows of a motif, (2, 3), which are equal with probability 1/2."""
    dyes = random.uniform(0, 1, size=(2, 3))
    dyes += random.uniform(darkest, lightest, size=(2, 1)) - dyes.mean(axis=1, keepdims=True)
    if random.integers(2):
        dyes[1] = dyes[0]
    return dyes.clip(0.03, 1)


def _exposed(cloth: Float[np.ndarray, "h w 3"], random: np.random.Generator) -> np.ndarray:
    """Turn the light from a cloth into a photograph: colour of the lamp, blur, exposure, noise."""
    lamp = np.exp(random.normal(0, 0.12, size=3))
    k = _OVERSAMPLING
    blurred = _blurred(cloth, k * random.uniform(0.2, 0.6))
    n = len(cloth) // k
    image = blurred.reshape(n, k, n, k, 3).mean(axis=(1, 3)) * lamp * random.uniform(0.65, 1.15)
    image = np.clip(image, 0, 1) ** np.exp(random.uniform(-0.25, 0.25))
    image = image + random.normal(0, random.uniform(0.01, 0.03), size=image.shape)
    return np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian whose standard deviation is in pixels; borders are mirrored."""
    radius = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    n, m = image.shape[:2]
    padded = np.pad(image, [(radius, radius), (radius, radius), (0, 0)], mode="reflect")
    padded = sum(weight * padded[k : k + n] for k, weight in enumerate(kernel))
    blurred: np.ndarray = sum(weight * padded[:, k : k + m] for k, weight in enumerate(kernel))
    return blurred
