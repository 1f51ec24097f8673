"""What a pretrained network does to pixels before it sees them: resize, crop, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drlim._checks import is_number
from drlim._errors import InputError, nearest_name
from drlim._types import Float

INTERPOLATIONS = ("nearest", "bilinear", "bicubic")

# The mean and deviation of the photographs of ImageNet, from 0 to 1, which most networks are
# trained with.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How pixels from 0 to 255 become the input of a network.

    Attributes
    ----------
    size : tuple of int
        Height and width of the input, which is cropped from the centre.
    resize : tuple of int
        Before the crop: one number is the length of the shorter side; two are height and width.
    interpolation : {"nearest", "bilinear", "bicubic"}
        Of the resizing, which averages over all pixels where it makes an image smaller.
    mean, std : tuple of float
        For each colour, the number that is subtracted from pixels and the one they are divided by.
    """

    size: tuple[int, ...]
    resize: tuple[int, ...]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise InputError(
                f"interpolation is {self.interpolation!r}; "
                f"{nearest_name(self.interpolation, INTERPOLATIONS)}"
            )
        for name, lengths in (("size", (2,)), ("resize", (1, 2))):
            sides = getattr(self, name)
            if len(sides) not in lengths or not all(isinstance(n, int) and n > 0 for n in sides):
                raise InputError(f"{name} is {sides!r}; give {lengths[-1]} numbers of pixels")
        for name, most in (("mean", None), ("std", 0)):
            values = getattr(self, name)
            if len(values) != 3 or not all(is_number(value) for value in values):
                raise InputError(f"{name} is {values!r}; give a number for each of 3 colours")
            if most is not None and min(values) <= most:
                raise InputError(
                    f"{name} is {values!r}; pixels are divided by it: give numbers > 0"
                )

    def with_values(self, given: dict[str, Any]) -> Preprocessing:
        """Return a copy with the values that are given, as plain data, and are not None."""
        found = {name: value for name, value in given.items() if value is not None}
        if "size" in found:
            found["size"] = sides(found["size"], 2)
            found.setdefault("resize", found["size"][:1])
        if "resize" in found:
            found["resize"] = sides(found["resize"], 1)
        for name in ("mean", "std"):
            if name in found:
                found[name] = sides(found[name], 3)
        return replace(self, **found)

    def as_arguments(self) -> dict[str, Any]:
        """Return the attributes as plain data."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def sides(value: Any, n: int) -> tuple[int, ...]:
    """Return numbers as a tuple; a single one stands for `n` equal ones."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    return tuple(value) if isinstance(value, Sequence) else (value,) * n


def of_unit_pixels(mean: Sequence[float], std: Sequence[float]) -> dict[str, tuple[float, ...]]:
    """Return the mean and deviation of pixels from 0 to 255 for those of pixels from 0 to 1."""
    return {
        "mean": tuple(255 * float(value) for value in mean),
        "std": tuple(255 * float(value) for value in std),
    }


class Preprocess(nn.Module):
    """Images of one shape with pixels from 0 to 255 to the input of a pretrained network.

    Resizing is a linear map of the rows of an image and one of its columns. Both are made here, as
    matrices, for the size of the images: so it costs two products, and can be written as ONNX.

    Parameters
    ----------
    preprocessing : Preprocessing
    height, width : int
        Of the images.
    """

    rows: Tensor
    columns: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, preprocessing: Preprocessing, height: int, width: int) -> None:
        super().__init__()
        resized = preprocessing.resize
        if len(resized) == 1:
            (short,) = resized
            less = min(height, width)
            # Rounded down, as torchvision does.
            resized = (short * height // less, short * width // less)
        kind, crop = preprocessing.interpolation, preprocessing.size
        # They follow from the preprocessing, which a map's file describes.
        for name, side, to, cut in (
            ("rows", height, resized[0], crop[0]),
            ("columns", width, resized[1], crop[1]),
        ):
            self.register_buffer(name, _resizing(side, to, cut, kind), persistent=False)
        for name in ("mean", "std"):
            values = torch.tensor(getattr(preprocessing, name), dtype=torch.float32)
            self.register_buffer(name, values.view(3, 1, 1), persistent=False)

    def forward(self, X: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 height width"]:
        images = (X - self.mean) / self.std
        images = self.rows @ images @ self.columns.T
        # The order in memory in which convolutions are fastest.
        return images.contiguous(memory_format=torch.channels_last)


def _resizing(n: int, n_resized: int, n_cropped: int, interpolation: str) -> Tensor:
    """Return the matrix (n_cropped, n) that resizes n pixels and takes those at the centre.

    Where fewer pixels are left than are wanted, zeros are put around them.
    """
    identity = torch.eye(n)[None, None]
    size = (n_resized, n)
    if interpolation == "nearest":
        matrix = F.interpolate(identity, size, mode="nearest-exact")[0, 0]
    else:
        matrix = F.interpolate(
            identity, size, mode=interpolation, align_corners=False, antialias=True
        )[0, 0]
    start = (n_resized - n_cropped) // 2
    if start < 0:
        return F.pad(matrix, (0, 0, -start, n_cropped - n_resized + start))
    return matrix[start : start + n_cropped].clone()
