"""A visitor's upload becomes a sample: an image, a row of a table, or raw numbers."""

from __future__ import annotations

import math
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np

from drlim._errors import DataWarning, FileError, InputError
from drlim.datasets import read
from drlim.declaration._features import by_name
from drlim.declaration._read import how_to_read
from drlim.exploring._known import Known
from drlim.exploring._scene import Sample

# A photograph of a good camera has 50 megapixels; what is decoded takes four bytes a pixel.
MOST_PIXELS = 50 * 10**6
MOST_SAMPLES = 4096  # in one request

_RAW = "application/octet-stream"
_STARTS = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"GIF8": ".gif",
    b"BM": ".bmp",
    b"II*\0": ".tif",
    b"MM\0*": ".tif",
    b"P4": ".pbm",
    b"P5": ".pgm",
    b"P6": ".ppm",
}
_BRANDS = {b"heic": ".heic", b"heix": ".heic", b"mif1": ".heic", b"avif": ".avif"}


def sample_from(
    body: bytes, content_type: str, shape: str | None, known: Known, sample: Sample
) -> np.ndarray:
    """Return the sample that an upload holds, of the map's own shape.

    Parameters
    ----------
    body : bytes
    content_type : str
        ``image/...``, ``text/csv``, or ``application/octet-stream`` for float32 of the given
        shape.
    shape : str, optional
        As "28,28".
    known : Known
    sample : Sample

    Raises
    ------
    InputError, FileError
        If it is something else, damaged, too large, or does not fit the map.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        raise InputError("the upload is empty; send an image, a row of numbers or raw numbers")
    if kind == "text/csv":
        return _row(body, known, sample)
    if kind.startswith("image/"):
        return _image(body, known, sample)
    if kind == _RAW:
        found = numbers_from(body, shape, sample.shape, 1)
        return found[0]
    raise InputError(
        f"the upload has the type {kind or 'none'!r}; it must be an image, text/csv, or {_RAW} "
        "with float32 numbers and the header X-Shape"
    )


def numbers_from(
    body: bytes, shape: str | None, sample_shape: tuple[int, ...], most: int = MOST_SAMPLES
) -> np.ndarray:
    """Return samples that were sent as raw float32 numbers: (n_samples, *sample_shape)."""
    wanted = ",".join(map(str, sample_shape))
    try:
        given = tuple(int(part) for part in re.split(r"\s*,\s*", (shape or "").strip()))
    except ValueError:
        given = ()
    if given == sample_shape:
        given = (1, *given)
    if len(given) != len(sample_shape) + 1 or given[1:] != sample_shape or given[0] < 1:
        raise InputError(
            f"the header X-Shape is {shape or ''!r:.80}; samples of this map have the shape "
            f"{wanted}: give it for one sample, or n,{wanted} for n"
        )
    if given[0] > most:
        raise InputError(f"the upload has {given[0]:,} samples; send at most {most:,} at a time")
    if len(body) != 4 * math.prod(given):
        raise InputError(
            f"the upload has {len(body):,} bytes; float32 numbers of the shape {shape} have "
            f"{4 * math.prod(given):,}"
        )
    return np.frombuffer(body, "<f4").reshape(given).astype(np.float32)


def _row(body: bytes, known: Known, sample: Sample) -> np.ndarray:
    """Read a line of numbers, or the first row below a line with the names of the features."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("the upload is not text in UTF-8; send a line of numbers") from None
    n = math.prod(sample.shape)
    numbers = _numbers(text)
    if numbers is not None:
        if len(numbers) != n:
            raise InputError(f"the upload has {len(numbers):,} numbers; a sample has {n:,}")
        return numbers.reshape(sample.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.csv"
        path.write_bytes(body)
        how = how_to_read(known.declaration, path, known.fitted)
        with _Unnamed("row.csv", folder), warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            data = by_name(known.fitted, read(path, say=lambda line: None, **how))
            row = np.array(data.X[0])
    if row.size != n:
        raise InputError(f"the upload has {row.size:,} features; a sample has {n:,}")
    return row.reshape(sample.shape)


def _numbers(text: str) -> np.ndarray | None:
    """Return a text of nothing but numbers; None if there is anything else in it."""
    parts = re.split(r"[\s,;]+", text.strip())
    try:
        numbers = np.array([float(part) for part in parts])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _image(body: bytes, known: Known, sample: Sample) -> np.ndarray:
    """Decode an image as the reader of folders does, in the form of the map's samples."""
    if sample.kind != "image" or sample.shape[:-2] not in ((), (1,), (3,)):
        raise InputError(
            f"a sample of this map has the shape {sample.shape}, and an image cannot become one; "
            "send numbers"
        )
    is_colour = sample.shape[:-2] == (3,)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{_ending(body)}"
        path.write_bytes(body)
        with _Unnamed(path.name, folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = read(
                path,
                size=(sample.shape[-2], sample.shape[-1]),
                colour="colour" if is_colour else "grey",
                max_pixels=MOST_PIXELS,
                say=lambda line: None,
            ).X[0]
    full = 255.0 if pixels.dtype == np.uint8 else 1.0
    pixels = pixels.reshape(sample.shape)
    if known.data is None or (known.data.X.dtype == np.uint8 and full == 255):
        return pixels
    # The samples of the map are in a unit of their own: black and white are put at its ends.
    low, high = sample.grey
    return (low + pixels.astype(np.float32) * np.float32((high - low) / full)).astype(np.float32)


def _ending(body: bytes) -> str:
    """Return the ending of an image's format, by its first bytes: a visitor's name counts not."""
    for start, ending in _STARTS.items():
        if body.startswith(start):
            return ending
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return ".webp"
    if body[4:8] == b"ftyp" and body[8:12] in _BRANDS:
        return _BRANDS[body[8:12]]
    raise InputError(
        "the upload is no image of a known format; send PNG, JPEG, TIFF, WebP, BMP, GIF, PNM, "
        "HEIC or AVIF"
    )


class _Unnamed:
    """Leave the temporary folder out of the messages of errors, which a visitor reads."""

    def __init__(self, name: str, folder: str) -> None:
        self.name, self.folder = name, folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, FileError | InputError):
            words = str(error).replace(str(Path(self.folder) / self.name), "the upload")
            words = words.partition("; repair or remove it")[0].replace(self.folder, "the upload")
            raise type(error)(words) from None
