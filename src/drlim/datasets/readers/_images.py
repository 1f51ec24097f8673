"""Folders of images. They may come from anywhere: dangerous or damaged files are refused by name.

A file's header is checked before anything is decoded, so that an image that claims to be enormous
takes no memory. Only the formats listed here are ever opened.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from drlim._checks import check_count
from drlim._errors import FileError, InputError, missing_extra
from drlim.datasets.readers._image_files import FORMATS, find_images, find_one, heif, printable
from drlim.datasets.readers._reader import Block, Reader, few

if TYPE_CHECKING:
    from PIL import Image

Colour = Literal["grey", "colour"]

# Decoded of one image, unless a caller gives another number: 256 MiB in Pillow.
MOST_PIXELS = 64 * 10**6

_ORIENTATION = 0x0112  # the tag of EXIF
# Pillow's operation that undoes each orientation of EXIF.
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_JPEG = ("JPEG", "MPO")  # a JPEG that is followed by previews of itself is an MPO to Pillow
_GREY_MODES = ("1", "L", "LA", "La")
_COLOUR_MODES = ("RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "PA")


class _BadImageError(Exception):
    """An image is refused; the message is the reason, without the file's name."""


class _Form(NamedTuple):
    """The form of an image, by its header, or the common form of all images of a folder."""

    size: tuple[int, int]  # height and width, upright
    is_grey: bool
    is_16_bit: bool


def open_folder(
    folder: Path,
    size: tuple[int, int] | None,
    colour: Colour | None,
    max_pixels: int | None,
    *,
    skip_bad: bool,
    used: Collection[Path] = (),
) -> Reader:
    """Open a folder of images, or a single image; folders inside it become the factor ``class``.

    `used` are other files in it that are read too, such as a table of factors.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise missing_extra("pillow", "images", f"reading the images in {folder}") from None
    limit = _check_options(size, colour, max_pixels)
    found = find_one(folder) if folder.is_file() else find_images(folder, used)
    if found.lacking is not None and (folder.is_file() or not found.files):
        raise found.lacking
    files, folder = found.files, folder.parent if folder.is_file() else folder
    if not files:
        there = f": it has {few(found.left_out, 5)}" if found.left_out else ""
        raise InputError(f"{folder} has no images{there}; images end in {', '.join(FORMATS)}")
    forms, skipped = _read_headers(folder, files, limit, skip_bad)
    form = _common_form(folder, files, forms, size, colour)
    sample_shape = form.size if form.is_grey else (3, *form.size)
    dtype = np.dtype(np.float32 if form.is_16_bit else np.uint8)

    def slices(rows: int) -> Iterator[Block]:
        for start in range(0, len(files), rows):
            images, bad = [], {}
            for i in range(start, min(start + rows, len(files))):
                if i in skipped:
                    bad[i] = skipped[i]
                    continue
                try:
                    images.append(_decode(folder / files[i], form, limit))
                except _BadImageError as error:
                    _refuse(folder / files[i], error, skip_bad)
                    bad[i] = str(error)
            X = np.stack(images) if images else np.empty((0, *sample_shape), dtype)
            yield Block(X, bad)

    def factors() -> dict[str, np.ndarray]:
        classes = np.array([str(PurePosixPath(name).parent) for name in names])
        return {"class": classes} if (classes != ".").any() else {}

    names = np.array([printable(file) for file in files])
    return Reader(
        folder,
        (len(files), *sample_shape),
        dtype,
        slices,
        None,
        names,
        factors,
        left_out=found.left_out,
        doubts=_repeated_classes(str(PurePosixPath(name).parent) for name in names.tolist()),
    )


def _repeated_classes(classes: Iterable[str]) -> tuple[str, ...]:
    """Return a line if folders of one name, such as train/cat and val/cat, are two classes."""
    parents: dict[str, list[str]] = {}
    for each in sorted(set(classes)):
        parents.setdefault(PurePosixPath(each).name, []).append(each)
    repeated = [folders for folders in parents.values() if len(folders) > 1]
    if not repeated:
        return ()
    return (
        f"{' and '.join(repeated[0][:2])} are different classes, though their folders have one "
        f"name ({len(repeated):,} such names); if they are one class, read one of the parts, or "
        "put the images of a class into one folder",
    )


class _Limit(NamedTuple):
    """How many pixels of an image are decoded at most, and the size it is resized to, if any."""

    pixels: int
    size: tuple[int, int] | None

    def reduction(self, image: Image.Image) -> int | None:
        """Return the divisor of height and width with which an image is decoded; None: too large.

        Only a JPEG file can be decoded in part: libjpeg computes each block of 8 x 8 pixels as
        one of 4, 2 or 1. A progressive one is held whole all the same.
        """
        width, height = image.size
        if width * height <= self.pixels:
            return 1
        if self.size is None or image.format not in _JPEG or image.info.get("progressive"):
            return None
        is_turned = _orientation(image) >= 5
        wanted_height, wanted_width = self.size[::-1] if is_turned else self.size
        for divisor in (2, 4, 8):
            if height // divisor < wanted_height or width // divisor < wanted_width:
                return None
            if -(-width // divisor) * -(-height // divisor) <= self.pixels:
                return divisor
        return None


def _check_options(size: Any, colour: Any, max_pixels: Any) -> _Limit:
    from PIL import Image

    if max_pixels is None:
        limit = min(MOST_PIXELS, Image.MAX_IMAGE_PIXELS or MOST_PIXELS)
    else:
        check_count(max_pixels, "max_pixels")
        limit = int(max_pixels)
    if size is not None:
        try:
            height, width = size
            is_right = min(height, width) >= 1 and height == int(height) and width == int(width)
        except (TypeError, ValueError):
            is_right = False
        if not is_right or height * width > limit:
            raise InputError(
                f"size is {size!r}; give (height, width) in pixels, such as (64, 64), of at most "
                f"{limit:,} pixels",
                argument="size",
            )
    if colour not in (None, "grey", "colour"):
        raise InputError(
            f"colour is {colour!r}; it must be 'grey', 'colour' or None", argument="colour"
        )
    return _Limit(limit, size)


# Headers


def _read_headers(
    folder: Path, files: list[str], limit: _Limit, skip_bad: bool
) -> tuple[dict[int, _Form], dict[int, str]]:
    """Return the form of each image that can be opened, and why the others cannot."""
    forms, skipped = {}, {}
    for i, file in enumerate(files):
        try:
            with _opened(folder / file, limit) as image:
                forms[i] = _form_of(image)
        except _BadImageError as error:
            _refuse(folder / file, error, skip_bad)
            skipped[i] = str(error)
    if not forms:
        raise FileError(
            f"{folder} has no image that can be read: "
            f"{few(f'{printable(files[i])} {reason}' for i, reason in skipped.items())}"
        )
    return forms, skipped


def _common_form(
    folder: Path,
    files: list[str],
    forms: dict[int, _Form],
    size: tuple[int, int] | None,
    colour: Colour | None,
) -> _Form:
    first = next(iter(forms))
    if size is None:
        size = forms[first].size
        for i, form in forms.items():
            if form.size != size:
                one, other = printable(files[first]), printable(files[i])
                raise InputError(
                    f"in {folder} {one} is {size[0]} pixels high and {size[1]} wide and {other} "
                    f"{form.size[0]} and {form.size[1]}; all samples must have one size: to resize "
                    f"them, give size = [{size[0]}, {size[1]}] or another",
                    argument="size",
                )
    is_grey = all(form.is_grey for form in forms.values()) if colour is None else colour == "grey"
    height, width = size
    is_16_bit = any(form.is_16_bit for form in forms.values())
    return _Form((int(height), int(width)), is_grey, is_16_bit)


def _form_of(image: Image.Image) -> _Form:
    width, height = image.size
    if _orientation(image) >= 5:  # height and width are exchanged
        width, height = height, width
    if image.mode == "P":
        palette = np.frombuffer(bytes(image.getpalette() or b""), np.uint8).reshape(-1, 3)
        is_grey = bool((palette == palette[:, :1]).all())
    else:
        is_grey = _is_16_bit(image) or image.mode in _GREY_MODES
    return _Form((height, width), is_grey, _is_16_bit(image))


def _is_16_bit(image: Image.Image) -> bool:
    # Pillow opens a PGM of 16 bits in its mode of 32 bits, and before 11 a PNG as well.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))


def _orientation(image: Image.Image) -> int:
    # getexif would decode a PNG that has no EXIF in its header to look for it. Pillow itself turns
    # a TIFF, which never has it there.
    if "exif" not in image.info:
        return 1
    return int(image.getexif().get(_ORIENTATION, 1))


@contextmanager
def _opened(path: Path, limit: _Limit) -> Iterator[Image.Image]:
    """Open an image and check its header; any error becomes a `_BadImageError`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # A pipe has the size 0 as well, and opening one would wait for ever.
            if path.stat().st_size == 0:
                raise _BadImageError("is empty: it has no bytes")
            with path.open("rb") as file, _identified(file, path) as image:
                _check_header(image, path.suffix.lower(), limit)
                yield image
    except _BadImageError:
        raise
    except Image.DecompressionBombError:  # of a TIFF, which Pillow checks once more
        raise _BadImageError(
            f"is larger than twice Pillow's limit, PIL.Image.MAX_IMAGE_PIXELS = "
            f"{Image.MAX_IMAGE_PIXELS:,}; raise that, or reduce the image"
        ) from None
    except UnidentifiedImageError:
        raise _BadImageError("is not an image, despite its ending") from None
    except Exception as error:  # Pillow's decoders raise nearly any error at a damaged file
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise _BadImageError(
            f"cannot be decoded: it is truncated or damaged ({reason or type(error).__name__})"
        ) from None


def _identified(file: IO[bytes], path: Path) -> Image.Image:
    """Open an image of a known format as ``Image.open`` does, but without Pillow's limit.

    Its size is compared with our own limit before anything is decoded; Pillow's is a setting of
    the whole process.
    """
    from PIL import Image, UnidentifiedImageError

    Image.init()
    start = file.read(16)
    file.seek(0)
    if FORMATS[path.suffix.lower()] == "HEIF":
        opener = heif()
        if opener is not None and start[4:8] == b"ftyp":
            return opener(file, "")
    for kind in sorted(set(FORMATS.values()) - {"HEIF"}):
        if kind not in Image.OPEN:
            continue
        factory, accept = Image.OPEN[kind]
        if accept is None or accept(start) in (True, 1):  # text: why it cannot be decoded
            file.seek(0)
            with suppress(SyntaxError, IndexError, TypeError, struct.error):
                return factory(file, "")  # without its name: Pillow would map it into memory
    raise UnidentifiedImageError


def _check_header(image: Image.Image, ending: str, limit: _Limit) -> None:
    # A JPEG that is followed by previews of itself is an MPO to Pillow.
    is_photograph = image.format == "MPO"
    if FORMATS[ending] != ("JPEG" if is_photograph else image.format):
        raise _BadImageError(f"is a {image.format} image, though it ends in {ending}; rename it")
    if limit.reduction(image) is None:
        width, height = image.size
        is_jpeg = image.format in _JPEG and limit.size is None
        smaller = ", or a size to decode it reduced (--size)" if is_jpeg else ", or reduce it"
        raise _BadImageError(
            f"claims to be {height:,} x {width:,} pixels, and at most {limit.pixels:,} are "
            "decoded: if it is no decompression bomb, raise max_pixels (--max-pixels)" + smaller
        )
    if not is_photograph and getattr(image, "is_animated", False):
        raise _BadImageError("holds several pictures; save one of them alone")
    if not _is_16_bit(image) and image.mode not in ("P", *_GREY_MODES, *_COLOUR_MODES):
        raise _BadImageError(
            f"has pixels of the kind {image.mode!r}, and only 8 and 16 bits are supported; save "
            "such images as one array with numpy.save"
        )


def _refuse(path: Path, error: _BadImageError, skip_bad: bool) -> None:
    if not skip_bad:
        raise FileError(
            f"{printable(str(path))} {error}; repair or remove it, or leave out all bad files "
            "with skip_bad=True (--skip-bad)"
        ) from None


# Decoding


def _decode(path: Path, form: _Form, limit: _Limit) -> np.ndarray:
    """Return the pixels, (height, width) or (3, height, width), uint8 or float32 from 0 to 1."""
    from PIL import Image

    with _opened(path, limit) as image:
        divisor = limit.reduction(image) or 1
        if divisor > 1:
            image.draft(None, (image.width // divisor, image.height // divisor))
        operation = _UPRIGHT.get(_orientation(image))
        if _is_16_bit(image):
            values = np.asarray(image).astype(np.float32) / np.float32(65535)
            image = Image.fromarray(values.clip(0, 1))
        else:
            image = _on_white(image).convert("L" if form.is_grey else "RGB")
        if operation:
            image = image.transpose(Image.Transpose[operation])
        height, width = form.size
        if image.size != (width, height):
            if limit.size is None:
                raise _BadImageError("changed while the folder was read")
            # Pillow averages over all pixels that fall into one of the result, which prevents
            # aliasing, and this filter does not overshoot black and white.
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        pixels = np.asarray(image)
    if form.is_16_bit and pixels.dtype == np.uint8:
        pixels = pixels / np.float32(255)
    if form.is_grey:
        return pixels
    if pixels.ndim == 2:
        return np.repeat(pixels[None], 3, axis=0)
    return np.moveaxis(pixels, -1, 0)


def _on_white(image: Image.Image) -> Image.Image:
    """Put an image that is partly transparent on a white background."""
    from PIL import Image

    if image.mode not in ("LA", "La", "PA", "RGBA", "RGBa") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
