"""Changes of pixel values: light, colour, sharpness, noise.

Each takes images ``(n, c, h, w)`` in a float dtype, the strength of each as ``(n, 1, 1, 1)``, the
value of full scale, and a generator.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drlim._errors import missing_extra

PixelChange = Callable[[np.ndarray, np.ndarray, float, np.random.Generator], np.ndarray]

# The weights of red, green and blue in the luminance of ITU-R BT.601.
_LUMINANCE = (0.299, 0.587, 0.114)


def _brightness(
    images: np.ndarray, added: np.ndarray, full: float, _: np.random.Generator
) -> np.ndarray:
    return images + added * full


def _contrast(
    images: np.ndarray, factor: np.ndarray, full: float, _: np.random.Generator
) -> np.ndarray:
    mean = images.mean(axis=(1, 2, 3), keepdims=True)
    return mean + factor * (images - mean)


def _gamma(
    images: np.ndarray, exponent: np.ndarray, full: float, _: np.random.Generator
) -> np.ndarray:
    # The sign is kept, so that negative values of a float image do not become NaN.
    return np.copysign(full * np.abs(images / full) ** exponent, images)


def _saturation(
    images: np.ndarray, factor: np.ndarray, full: float, _: np.random.Generator
) -> np.ndarray:
    red, green, blue = (weight * images[:, i : i + 1] for i, weight in enumerate(_LUMINANCE))
    grey = red + green + blue
    return grey + factor * (images - grey)


def _colour(
    images: np.ndarray, degrees: np.ndarray, full: float, _: np.random.Generator
) -> np.ndarray:
    # Only the hue is rotated; the pixel's smallest and largest channel stay. This is the rotation
    # of HSV, written without its saturation, so that it works for floats outside 0 to 1 too.
    red, green, blue = images[:, 0], images[:, 1], images[:, 2]
    least = np.minimum(np.minimum(red, green), blue)
    largest = np.maximum(np.maximum(red, green), blue)
    chroma = largest - least
    safe = np.where(chroma == 0, 1, chroma)
    sixths = np.where(
        largest == red,
        (green - blue) / safe,
        np.where(largest == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    sixths += degrees[:, 0] / 60
    turned = np.empty_like(images)
    for channel, start in enumerate((0, 4, 2)):
        around = (sixths + start) / 6
        around -= np.floor(around)
        turned[:, channel] = least + chroma * (np.abs(6 * around - 3) - 1).clip(0, 1)
    return turned


def _blur(images: np.ndarray, sigma: np.ndarray, full: float, _: np.random.Generator) -> np.ndarray:
    try:
        from kornia.filters import filter2d_separable
    except ImportError:
        raise missing_extra("kornia", "images", "the change 'blur'") from None
    import torch

    # Each image has its own radius, in a kernel as wide as the widest: the result for one image
    # must not depend on the others in its batch.
    sigma = sigma.reshape(-1, 1)
    radius = np.ceil(4 * sigma)
    distance = np.arange(-radius.max(), radius.max() + 1)
    weights = np.exp(-0.5 * (distance / np.maximum(sigma, 0.01)) ** 2)
    weights *= np.abs(distance) <= radius
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(images.dtype)
    kernel = torch.from_numpy(weights)
    with torch.no_grad():
        blurred = filter2d_separable(torch.from_numpy(images), kernel, kernel, "replicate")
    return blurred.numpy()


def _noise(
    images: np.ndarray, sigma: np.ndarray, full: float, generator: np.random.Generator
) -> np.ndarray:
    return images + sigma * full * generator.standard_normal(images.shape, images.dtype)


def _dropout(
    images: np.ndarray, share: np.ndarray, full: float, generator: np.random.Generator
) -> np.ndarray:
    n, _, height, width = images.shape
    return np.where(generator.random((n, 1, height, width)) < share, images.dtype.type(0), images)


PIXEL_CHANGES: dict[str, PixelChange] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "gamma": _gamma,
    "colour": _colour,
    "saturation": _saturation,
    "blur": _blur,
    "noise": _noise,
    "dropout": _dropout,
}
