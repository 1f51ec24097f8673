"""Samples as a page shows them: photographs in colour, spectra as curves, rows as numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from drlim._errors import missing_extra

# The longer side of an embedded picture, in pixels: large enough to recognise a photograph, and
# about 6 kB as JPEG. A page of `MOST_CARDS` pictures has about 4 MB.
SIDE = 160
MOST_CARDS = 600
# Smaller pictures are enlarged pixel by pixel: smoothing would blur a digit of 28 pixels.
_SMALL = 48
# More features than this, without names of their own, are drawn as a curve.
_FEW_FEATURES = 24
_MOST_CELLS = 8
# Points of a curve, and the size of its drawing.
_POINTS, _WIDTH, _HEIGHT = 160, 160, 100
# Samples from which the range of a drawing is taken.
_MOST_ROWS = 500


@dataclass(frozen=True)
class Card:
    """A sample on a page: a picture, a curve or a row of numbers, with lines of text.

    Attributes
    ----------
    name : str
    lines : tuple of str
        Below the name, such as its class and its distance.
    mark : {"", "right", "wrong", "foreign"}
        How the card is framed.
    alt : str
        What a reader who does not see it is told.
    uri : str
        The picture as a data URI; empty for other samples.
    is_small : bool
        Whether the picture has few pixels.
    curve, behind : str
        The curve of the sample, and that of another one to compare it with, as SVG paths.
    cells : tuple of (str, str)
        Names and values of features.
    heat : tuple of tuple of float
        Over the picture, rows of cells: from 0, nothing, to 1.
    """

    name: str
    lines: tuple[str, ...]
    mark: str
    alt: str
    uri: str = ""
    is_small: bool = False
    curve: str = ""
    behind: str = ""
    cells: tuple[tuple[str, str], ...] = ()
    heat: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Strip:
    """A sample beside others that it is compared with.

    Attributes
    ----------
    first : Card
    others : tuple of Card
    sentence : str
        Above them.
    """

    first: Card
    others: tuple[Card, ...]
    sentence: str = ""


class SampleDrawer:
    """Draws the samples of one set of data alike, as cards.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
        Samples that give the range of brightness, or of the curves.
    feature_names : sequence of str
    """

    def __init__(self, X: np.ndarray, feature_names: Sequence[str] = ()) -> None:
        step = max(1, len(X) // _MOST_ROWS)
        some = np.asarray(X[::step])
        self.kind = _kind_of(X.shape, feature_names)
        self.names = list(feature_names) or [str(j) for j in range(int(np.prod(X.shape[1:])))]
        self.shape = X.shape[1:]
        self.is_bytes = X.dtype == np.uint8
        self.mean, self.deviation = np.zeros(()), np.ones(())
        self.low, self.high = _range_of(some)
        self.is_deviation = False
        if self.kind in ("curve", "row"):
            self.mean = some.astype(np.float64).mean(axis=0)
            self.deviation = some.astype(np.float64).std(axis=0)
            # Spectra of one kind look alike; what tells them apart is seen beside their mean.
            alike = self.deviation.mean() < _ALIKE * self.mean.std()
            self.is_deviation = bool(self.kind == "curve" and alike)
            if self.is_deviation:
                self.low, self.high = _range_of(some - self.mean)

    @property
    def how(self) -> str:
        """How the samples are drawn, in a sentence."""
        if self.kind == "picture":
            height, width = self.shape[-2:]
            return f"Pictures as the map sees them: {width} x {height} pixels."
        if self.kind == "curve":
            less = "less the mean of all" if self.is_deviation else "as they are"
            return f"Curves: samples {less}; dashed: the sample that they are compared with."
        if len(self.names) > _MOST_CELLS:
            return (
                f"Of {len(self.names):,} features the {_MOST_CELLS} in which the sample that is "
                "compared differs most from the mean."
            )
        return ""

    def card(
        self,
        sample: np.ndarray,
        name: str,
        lines: Sequence[str] = (),
        *,
        mark: str = "",
        beside: np.ndarray | None = None,
    ) -> Card:
        """Draw a sample, if it is to be compared with another one beside that.

        Parameters
        ----------
        sample : ndarray of shape sample_shape
        name : str
        lines : sequence of str
        mark : str
        beside : ndarray of shape sample_shape, optional
        """
        alt = ", ".join([name, *lines])
        if self.kind == "picture":
            uri = _picture(self._as_bytes(sample))
            is_small = max(self.shape[-2:]) <= _SMALL
            return Card(name, tuple(lines), mark, alt, uri=uri, is_small=is_small)
        if self.kind == "curve":
            behind = "" if beside is None else self._path(beside)
            return Card(name, tuple(lines), mark, alt, curve=self._path(sample), behind=behind)
        cells = self._cells(sample, sample if beside is None else beside)
        return Card(name, tuple(lines), mark, alt, cells=cells)

    def _as_bytes(self, sample: np.ndarray) -> np.ndarray:
        """Return a picture as bytes, (height, width) or (height, width, 3)."""
        image = sample if self.is_bytes else sample.astype(np.float64)
        if not self.is_bytes:
            span = (self.high - self.low) or 1.0
            image = np.clip(255 * (image - self.low) / span, 0, 255)
        if image.ndim == 3:
            image = np.moveaxis(image, 0, -1) if len(image) == 3 else image.mean(axis=0)
        return np.ascontiguousarray(image.round().astype(np.uint8))

    def _path(self, sample: np.ndarray) -> str:
        values = sample.astype(np.float64) - (self.mean if self.is_deviation else 0)
        n = min(len(values), _POINTS)
        values = np.interp(np.linspace(0, len(values) - 1, n), np.arange(len(values)), values)
        span = (self.high - self.low) or 1.0
        heights = _HEIGHT - 4 - (_HEIGHT - 8) * np.clip((values - self.low) / span, 0, 1)
        across = np.linspace(0, _WIDTH, n)
        return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, heights, strict=True))

    def _cells(self, sample: np.ndarray, like: np.ndarray) -> tuple[tuple[str, str], ...]:
        if sample.ndim != 1:
            return ()
        columns = np.arange(len(sample))
        if len(columns) > _MOST_CELLS:
            far = np.abs(like - self.mean) / np.where(self.deviation > 0, self.deviation, np.inf)
            columns = np.sort(np.argsort(-far, kind="stable")[:_MOST_CELLS])
        return tuple((self.names[j], f"{sample[j]:.4g}") for j in columns)


# Of the spread of the mean curve; less spread over the samples is not seen beside it.
_ALIKE = 0.25


def _kind_of(shape: tuple[int, ...], feature_names: Sequence[str]) -> str:
    if len(shape) == 3 or (len(shape) == 4 and shape[1] <= 4):
        return "picture"
    if len(shape) == 2 and shape[1] > _FEW_FEATURES and all(map(_is_number, feature_names)):
        return "curve"
    return "row"


def _is_number(text: str) -> bool:
    """Tell whether a text holds a number, as the name of a wavelength does."""
    return any(sign.isdigit() for sign in text) and not any(
        sign.isalpha() for sign in text.removesuffix("nm").removeprefix("x").removeprefix("X")
    )


def _range_of(X: np.ndarray) -> tuple[float, float]:
    """Return the values drawn at the lower and the upper end."""
    if X.dtype == np.uint8:
        return 0.0, 255.0
    low, high = (float(bound) for bound in np.quantile(X.astype(np.float64), [0.001, 0.999]))
    return (0.0, 1.0) if low >= 0 and 0.5 < high <= 1 else (low, high)


def _picture(pixels: np.ndarray) -> str:
    """Return a picture as a data URI: JPEG, or PNG if it has few pixels."""
    Image = pillow()
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    if max(image.size) <= _SMALL:
        image.save(buffer, "PNG")
        form = "png"
    else:
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        image.save(buffer, "JPEG", quality=85)
        form = "jpeg"
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def pillow() -> Any:
    """Return Pillow's module Image, or raise MissingExtraError where it is not installed."""
    try:
        from PIL import Image
    except ImportError:
        raise missing_extra("pillow", "report", "a page with pictures") from None
    return Image
