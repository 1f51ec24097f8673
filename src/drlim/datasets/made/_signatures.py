"""Synthetic signatures: a writer is a random model of strokes, a signature a deformed copy of it.

A stroke is a curve of the pen over time t from 0 to 1: a straight line from one point to another
plus sines, with frequencies, amplitudes and phases that are the writer's own; a writer's flourish
is a cubic Bezier curve. Coordinates: the signature is one unit wide, x to the right and y down.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._checks import check_count
from drlim._deprecated import renamed_arguments
from drlim._random import RandomState, keyed_streams
from drlim._types import Float
from drlim.datasets.made._folders import write_classes

_SMALLEST = 16  # pixels along a side: with fewer, strokes run into one another


@renamed_arguments(seed="random_state")
def signatures(
    folder: str | os.PathLike[str],
    *,
    n_writers: int = 30,
    n_per_writer: int = 20,
    height: int = 48,
    width: int = 96,
    random_state: RandomState = 0,
) -> Path:
    """Write a folder of signatures in grey, dark ink on white, one sub-folder per writer.

    A writer is a few strokes with frequencies, loops and a slant of their own. A signature is a
    copy of the writer's strokes with small changes of amplitude and phase, another speed,
    position, size and slant, a smooth deformation, and another pen.

    Parameters
    ----------
    folder : path
        New or empty. The files are ``writer-01/writer-01-001.png`` and so on.
    n_writers : int, default=30
        At least 2.
    n_per_writer : int, default=20
        Signatures per writer.
    height, width : int, default=48 and 96
        Pixels, at least 16 each.
    random_state : int, numpy Generator or RandomState, or None, default=0
        The same int gives the same signatures, and asking for more does not change the first
        ones.

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
    ...     written = signatures(folder, n_writers=2, n_per_writer=3)
    ...     sorted(path.name for path in written.glob("*/*.png"))[:2]
    ['writer-01-001.png', 'writer-01-002.png']
    """
    check_count(n_writers, "n_writers", 2)
    check_count(n_per_writer, "n_per_writer")
    check_count(height, "height", _SMALLEST)
    check_count(width, "width", _SMALLEST)
    streams = keyed_streams(random_state)

    def pages() -> Iterator[tuple[str, int, np.ndarray]]:
        for k in range(n_writers):
            writer = _writer(streams.generator(k))
            for number in range(n_per_writer):
                page = _signature(writer, height, width, streams.generator(k, number))
                yield f"writer-{k + 1:02d}", number + 1, page

    return write_classes(folder, pages())


class _Stroke(NamedTuple):
    start: Float[np.ndarray, "2"]
    end: Float[np.ndarray, "2"]
    frequency: Float[np.ndarray, "2 waves"]  # periods in the stroke's time, along x and y
    amplitude: Float[np.ndarray, "2 waves"]
    phase: Float[np.ndarray, "2 waves"]


class _Writer(NamedTuple):
    strokes: list[_Stroke]
    flourish: Float[np.ndarray, "4 2"] | None  # the control points of a Bezier curve
    slant: float
    size: float


def _writer(random: np.random.Generator) -> _Writer:
    """Draw a writer: two to four strokes side by side, and in half of the cases a flourish."""
    n_strokes = random.integers(2, 5)
    edges = np.concatenate([[0], np.cumsum(random.uniform(0.5, 1.5, size=n_strokes))])
    edges = 0.8 * edges / edges[-1] - 0.4
    strokes = []
    for left, right in itertools.pairwise(edges):
        width = right - left
        amplitudes = random.uniform(0.04, 0.12, size=2) * [1.0, 0.4]
        base = random.uniform(3, 16) * width + 0.5  # wide strokes have more letters
        strokes.append(
            _Stroke(
                start=np.array([left, random.uniform(-0.08, 0.08)]),
                end=np.array([right - 0.2 * width, random.uniform(-0.08, 0.08)]),
                frequency=base * np.array([[1, 2], [1, random.uniform(0.3, 0.7)]]),
                amplitude=np.stack([amplitudes * random.uniform(0.2, 1.0), amplitudes]),
                phase=random.uniform(0, 2 * np.pi, size=(2, 2)),
            )
        )
    flourish = None
    if random.integers(2):
        points = random.uniform(-0.5, 0.5, size=(4, 2)) * [0.9, 0.3] + [0, 0.12]
        flourish = points[np.argsort(points[:, 0])[random.permutation([0, 2, 1, 3])]]
    return _Writer(strokes, flourish, random.uniform(-0.2, 0.7), random.uniform(0.85, 1.1))


def _signature(writer: _Writer, height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Draw one signature of a writer: dark ink on white, uint8."""
    scale = min(width, 2 * height)
    t = np.linspace(0, 1, 10 * scale)  # dense enough that the longest stroke has no gap
    paths = [_path(stroke, t, random) for stroke in writer.strokes]
    if writer.flourish is not None:
        paths.append(_bezier(writer.flourish + random.normal(0, 0.015, size=(4, 2)), t))
    points = _deformed(np.concatenate(paths), writer, random)
    pixels = points * scale + [width / 2, height / 2]

    # A line is thinner where the pen is fast, and each signature has another pen.
    pen = scale / 96 * random.uniform(1.1, 2.0)
    speed = np.hypot(*np.gradient(pixels.reshape(len(paths), -1, 2), axis=1).T).T
    relative = speed / speed.mean(axis=1, keepdims=True)
    radius = pen / 2 * np.clip(1.25 - 0.35 * relative, 0.6, 1.2).ravel()
    ink = random.uniform(0.65, 1.0) * _inked(pixels, radius, height, width)
    paper = 1 - ink + random.normal(0, 0.01, size=ink.shape)
    return np.round(255 * np.clip(paper, 0, 1)).astype(np.uint8)


def _path(
    stroke: _Stroke, t: Float[np.ndarray, " points"], random: np.random.Generator
) -> Float[np.ndarray, "points 2"]:
    """Return the path of a stroke, with small random changes, at an uneven speed."""
    t = t + random.uniform(-0.04, 0.04) * np.sin(np.pi * t) ** 2
    t = t + random.uniform(-0.015, 0.015) * np.sin(2 * np.pi * t)
    shape = stroke.amplitude.shape
    amplitude = stroke.amplitude * np.exp(random.normal(0, 0.12, size=shape))
    phase = stroke.phase + random.normal(0, 0.15, size=shape)
    angle = 2 * np.pi * stroke.frequency[..., None] * t + phase[..., None]
    waves = (amplitude[..., None] * np.sin(angle)).sum(axis=1)
    ends = np.stack([stroke.start, stroke.end]) + random.normal(0, 0.01, size=(2, 2))
    return (1 - t)[:, None] * ends[0] + t[:, None] * ends[1] + waves.T


def _bezier(
    points: Float[np.ndarray, "4 2"], t: Float[np.ndarray, " points"]
) -> Float[np.ndarray, "points 2"]:
    t = t[:, None]
    a, b, c, d = points
    return (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d


def _deformed(
    points: Float[np.ndarray, "points 2"], writer: _Writer, random: np.random.Generator
) -> Float[np.ndarray, "points 2"]:
    """Bend, slant, scale, rotate and move the points, as a hand does."""
    for _ in range(2):  # a smooth deformation: long waves over the page
        wave, phase = random.uniform(-1, 1, size=2), random.uniform(0, 2 * np.pi)
        bend = np.sin(2 * np.pi * points @ wave + phase)
        points = points + bend[:, None] * random.normal(0, 0.015, size=2)
    slant = writer.slant + random.normal(0, 0.08)
    angle = np.radians(random.normal(0, 3))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = writer.size * np.exp(random.normal(0, 0.06)) * np.exp(random.normal(0, 0.04, size=2))
    moved = (points @ np.array([[1, 0], [-slant, 1]]) * size) @ turn.T
    return moved + random.normal(0, 0.02, size=2)


def _inked(
    pixels: Float[np.ndarray, "points 2"],
    radius: Float[np.ndarray, " points"],
    height: int,
    width: int,
) -> Float[np.ndarray, "height width"]:
    """Return the share of each pixel that ink covers: discs along the path of the pen."""
    reach = int(np.ceil(radius.max())) + 1
    offsets = np.arange(-reach, reach + 1)
    corner = np.floor(pixels).astype(int)
    columns = corner[:, 0, None, None] + offsets[None, None, :]
    rows = corner[:, 1, None, None] + offsets[None, :, None]
    distance = np.hypot(
        columns + 0.5 - pixels[:, 0, None, None], rows + 0.5 - pixels[:, 1, None, None]
    )
    cover = np.clip(radius[:, None, None] + 0.5 - distance, 0, 1)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    ink = np.zeros(height * width)
    np.maximum.at(ink, (rows * width + columns)[inside], cover[inside])
    return ink.reshape(height, width)
