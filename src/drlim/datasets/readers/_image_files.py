"""The files in a folder of images: which are images, in which order, and what is left out."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from drlim._errors import FileError, MissingExtraError, missing_extra

# The endings that are read, and Pillow's names of their formats.
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".gif": "GIF",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
    ".pnm": "PPM",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".avif": "AVIF",
}


class Found(NamedTuple):
    """The images of a folder, by their paths in it, and what else is there."""

    files: list[str]
    left_out: tuple[str, ...]  # as ``name: reason``
    lacking: MissingExtraError | None  # why some of the images cannot be read


def find_one(path: Path) -> Found:
    """Return a single image as the only one of its folder."""
    return Found([path.name], (), _lacking(path.suffix.lower(), str(path)))


def find_images(folder: Path, used: Collection[Path]) -> Found:
    """Return the images in a folder and its folders, in natural order.

    `used` are other files that are read, such as the table of factors: they are not left out.
    """
    others_read = {path.resolve() for path in used}
    files: list[str] = []
    links: list[str] = []
    others: Counter[str] = Counter()
    # Links to folders are not followed: they can lead in a circle, or out of the folder.
    for parent, inner, found in os.walk(folder, onerror=_cannot_list):
        inner[:] = [name for name in inner if not name.startswith(".")]
        links += [
            _inside(folder, parent, name) for name in inner if Path(parent, name).is_symlink()
        ]
        for name in found:
            if name.startswith("."):
                continue
            ending = os.path.splitext(name)[1].lower()
            if ending in FORMATS:
                files.append(_inside(folder, parent, name))
            elif not others_read or Path(parent, name).resolve() not in others_read:
                others[ending] += 1
    left_out = [
        f"{printable(name)}: a link to a folder, which is not followed; give its target, or copy it"
        for name in sorted(links, key=_natural)
    ]
    read: list[str] = []
    reasons = {
        ending: _lacking(ending, f"reading the images in {folder}")
        for ending in {os.path.splitext(name)[1].lower() for name in files}
    }
    unread: Counter[str] = Counter()
    for name in files:
        ending = os.path.splitext(name)[1].lower()
        if reasons[ending] is None:
            read.append(name)
        else:
            unread[ending] += 1
    left_out += [f"{ending}: {_count(n)}; {_REMEDY}" for ending, n in sorted(unread.items())]
    left_out += [
        f"{printable(ending) or 'files without an ending'}: {_count(n)} not of a format of images "
        "that is read"
        for ending, n in sorted(others.items())
    ]
    lacking = next((error for error in reasons.values() if error is not None), None)
    return Found(sorted(read, key=_natural), tuple(left_out), lacking)


_REMEDY = "HEIC and AVIF images need the package 'pillow-heif': pip install 'drlim[heic]'"


def _lacking(ending: str, needed_for: str) -> MissingExtraError | None:
    """Return the error for a format whose decoder is not installed, or None."""
    kind = FORMATS.get(ending)
    if kind == "HEIF" and heif() is None:
        return missing_extra("pillow-heif", "heic", needed_for)
    if kind == "AVIF":
        from PIL import features

        if "avif" not in features.get_supported():
            return missing_extra("pillow 11.3 with AVIF", "heic", needed_for)
    return None


def heif() -> Any | None:
    """Return Pillow's plugin for HEIC images, if it is installed."""
    try:
        import pillow_heif
    except ImportError:
        return None
    return pillow_heif.HeifImageFile


def _count(n: int) -> str:
    return f"{n:,} file{'s' if n > 1 else ''}"


def _inside(folder: Path, parent: str, name: str) -> str:
    return Path(parent, name).relative_to(folder).as_posix()


def _cannot_list(error: OSError) -> None:
    raise FileError(
        f"{error.filename} cannot be listed ({error.strerror}); is it the right path?"
    ) from None


def _natural(path: str) -> tuple[object, ...]:
    """Return a key that sorts ``2.png`` before ``10.png``, folder by folder."""
    parts = [
        tuple(int(piece) if i % 2 else piece for i, piece in enumerate(re.split("([0-9]+)", part)))
        for part in path.split("/")
    ]
    return (parts, path)  # the path decides between 1.png and 01.png


def printable(file: str) -> str:
    """Return a file's name as text: it can be any bytes, and a sample's name goes into tables."""
    return os.fsencode(file).decode("utf-8", "backslashreplace")
