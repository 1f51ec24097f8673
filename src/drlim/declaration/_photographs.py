"""Images that show one photograph: saved again, resized, lit or coloured otherwise, or cropped.

Two images are compared in grey, reduced and standardised, so that neither their size nor their
brightness and contrast count. They show one photograph if they agree both as they are and in their
fine detail, in which two photographs of one thing differ. Crops are searched for on a grid of
places, then placed exactly; images that repeat themselves, such as a chequered cloth, agree with
parts of one another by chance and are left out of that search.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from drlim.graphs import SimilarityGraph

# A box is its top, left, height and width, as shares of the image.
_WHOLE = (0.0, 0.0, 1.0, 1.0)

# Images are held reduced to at most _HELD x _HELD, and compared at _FINE x _FINE; below _FINE they
# have too little detail to tell copies from images of one kind.
_HELD, _FINE, _COARSE = 48, 32, 12
# The correlations of copies, as they are and in their detail. Measured on photographs of textures:
# copies saved as JPEG of quality 30 have 0.99 and 0.98, the most similar other photographs 0.92
# and 0.87.
_ALIKE, _ALIKE_IN_DETAIL = 0.95, 0.9
_CROPS_ALIKE, _CROPS_ALIKE_IN_DETAIL = 0.9, 0.8  # their place is not found to the pixel
# The coarse correlation from which two images are compared, and how many for each image.
_WORTH_COMPARING, _N_CANDIDATES = 0.85, 6
_WORTH_PLACING, _N_LIKELY = 0.75, 3  # the same of crops
_MOST_PLACED = 500  # takes some seconds
# How much of an image agrees with itself elsewhere if it repeats itself.
_REPEATS_ITSELF = 0.75
_FAINT = 0.02
# All crops are compared with all images, so the search takes the square of the number.
MOST_FOR_CROPS = 2_000
_STEPS = (0.03, 0.03, 0.03, 0.015, 0.015, 0.015, 0.0075, 0.0075, 0.0075)
# A box is moved, and grown or shrunk about its centre, where it then agrees better.
_MOVES = tuple(
    tuple(sign * by for by in move)
    for sign in (1, -1)
    for move in (
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (-0.5, 0, 1, 0),
        (0, -0.5, 0, 1),
        (-0.5, -0.5, 1, 1),
    )
)
_NUMBERS = 1 << 23  # of images at a time
_ROWS = 512  # of a table of correlations at a time


class Crops(NamedTuple):
    """Images, images that may be crops of them, and where: (n,), (n,) and boxes (n, 4)."""

    image: np.ndarray
    crop: np.ndarray
    boxes: np.ndarray

    def some(self, which: np.ndarray) -> Crops:
        """Return those of a mask, or of row numbers."""
        return Crops(self.image[which], self.crop[which], self.boxes[which])


def can_be_compared(sample_shape: tuple[int, ...]) -> bool:
    """Tell whether samples are images that are large enough."""
    return len(sample_shape) in (2, 3) and min(sample_shape[-2:]) >= _FINE


def copies_of_photographs(X: np.ndarray, rows: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the pairs of images that show one photograph.

    Parameters
    ----------
    X : ndarray of shape (n_samples, [channels,] height, width)
    rows : ndarray of int
        Which of them are compared.
    kind : ndarray of int, one for each row
        Only images of the same number may show one photograph.

    Returns
    -------
    ndarray of shape (n_pairs, 2), int
        As places in `rows`.
    """
    if len(np.unique(kind)) == len(rows):
        return np.empty((0, 2), np.int64)
    sums = np.concatenate([_sums(_reduced(X[rows[part]])) for part in _blocks(X, len(rows))])
    whole, detail = _standardised(sums, _WHOLE)
    found = [
        (left, right)
        for left, right in _candidates(_unit(_sampled(sums, _WHOLE, _COARSE)), kind)
        if whole[left] @ whole[right] >= _ALIKE and detail[left] @ detail[right] >= _ALIKE_IN_DETAIL
    ]
    # Where most are alike as they are, they are views of one thing, and so would their crops be.
    copies = SimilarityGraph(np.reshape(found, (-1, 2)).astype(int), len(rows))
    if len(rows) <= MOST_FOR_CROPS and 2 * (copies.components.max() + 1) >= len(rows):
        once = np.flatnonzero(~_repeat_themselves(detail.reshape(-1, _FINE, _FINE)))
        crops, agreement = _placed(sums, _crops(sums, once, found, kind), whole)
        crops = crops.some(agreement >= _CROPS_ALIKE)
        shown = _standardised(sums[crops.image], crops.boxes)[1]
        is_crop = (shown * detail[crops.crop]).sum(axis=1) >= _CROPS_ALIKE_IN_DETAIL
        ends = np.stack([crops.image[is_crop], crops.crop[is_crop]], axis=1)
        found += [(left, right) for left, right in np.sort(ends, axis=1).tolist()]
    return np.array(sorted(set(found)), np.int64).reshape(-1, 2)


def _blocks(X: np.ndarray, n: int) -> Iterator[slice]:
    """Divide rows into blocks whose images fit in memory as floats."""
    at_once = max(1, _NUMBERS // max(1, X[:1].size))
    yield from (slice(start, start + at_once) for start in range(0, n, at_once))


def _parts(n: int) -> Iterator[slice]:
    yield from (slice(start, start + _ROWS) for start in range(0, n, _ROWS))


def _reduced(X: np.ndarray) -> np.ndarray:
    """Return images as means of grey, (n, height, width), at most _HELD on a side."""
    grey = X.mean(axis=1, dtype=np.float64) if X.ndim == 4 else X.astype(np.float64)
    for axis in (1, 2):
        length = grey.shape[axis]
        edges = np.linspace(0, length, min(_HELD, length) + 1).astype(int)
        widths = np.diff(edges).reshape((-1, 1) if axis == 1 else (1, -1))
        grey = np.add.reduceat(grey, edges[:-1], axis=axis) / widths
    return grey


def _sums(images: np.ndarray) -> np.ndarray:
    """Return the summed-area table of each image, with a row and a column of zeros before it."""
    # The mean is removed, so that single floats can hold the sums.
    images = images - images.mean(axis=(1, 2), keepdims=True)
    sums = images.cumsum(axis=1).cumsum(axis=2)
    return np.pad(sums, ((0, 0), (1, 0), (1, 0))).astype(np.float32)


def _sampled(sums: np.ndarray, boxes: Any, side: int) -> np.ndarray:
    """Return the means over side x side equal cells of images: (n, side, side).

    `boxes` is one box for all, or one for each image, (n, 4).
    """
    high, wide = sums.shape[1] - 1, sums.shape[2] - 1
    top, left, height, width = np.moveaxis(np.atleast_2d(boxes).astype(np.float32), -1, 0)[
        ..., None
    ]
    cells = np.linspace(0, 1, side + 1, dtype=np.float32)
    y = np.clip((top + height * cells) * high, 0, high)
    x = np.clip((left + width * cells) * wide, 0, wide)
    row, column = np.minimum(y.astype(int), high - 1), np.minimum(x.astype(int), wide - 1)
    below, right = (y - row)[..., None], (x - column)[:, None]
    every = np.arange(len(sums))[:, None]
    lines = sums[every, row] * (1 - below) + sums[every, row + 1] * below
    lines = lines.swapaxes(1, 2)
    right = right.swapaxes(1, 2)
    corners = lines[every, column] * (1 - right) + lines[every, column + 1] * right
    return np.diff(np.diff(corners.swapaxes(1, 2), axis=1), axis=2)


def _unit(images: np.ndarray) -> np.ndarray:
    """Return images as vectors of mean 0 and length 1, so that a product is a correlation."""
    flat = images.reshape(len(images), images.shape[1] * images.shape[2])
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return (flat / np.where(length > 1e-9, length, np.inf)).astype(np.float32)


def _standardised(sums: np.ndarray, boxes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes of images, and their fine detail, as vectors of length 1."""
    from scipy.ndimage import gaussian_filter

    images = _sampled(sums, boxes, _FINE)
    detail = images - gaussian_filter(images, (0, 1, 1), mode="nearest")
    # As strong everywhere, or the outline of an object on a plain ground would decide alone.
    around = gaussian_filter(detail**2, (0, 3, 3), mode="nearest")
    faint = _FAINT * around.mean(axis=(1, 2), keepdims=True)
    return _unit(images), _unit(detail / np.sqrt(around + faint + 1e-12))


def _candidates(coarse: np.ndarray, kind: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs that are worth comparing, each image with the few most like it."""
    pairs: set[tuple[int, int]] = set()
    k = min(_N_CANDIDATES, len(coarse) - 1)
    for part in _parts(len(coarse) if k > 0 else 0):
        alike = coarse[part] @ coarse.T
        alike[kind[part, None] != kind] = -1
        nearest = np.argpartition(alike, -k - 1, axis=1)[:, -k - 1 :]  # itself among them
        left, place = np.nonzero(np.take_along_axis(alike, nearest, axis=1) >= _WORTH_COMPARING)
        right = nearest[left, place]
        ends = np.sort(np.stack([left + part.start, right], axis=1), axis=1)
        pairs |= {(i, j) for i, j in ends.tolist() if i != j}
    return sorted(pairs)


def _repeat_themselves(images: np.ndarray) -> np.ndarray:
    """Tell which images agree with themselves at another place: stripes, squares, weaves."""
    from scipy.fft import irfft2, rfft2

    side = images.shape[-1]
    centred = images - images.mean(axis=(1, 2), keepdims=True)
    spectrum, of_squares = (rfft2(each, s=(2 * side, 2 * side)) for each in (centred, centred**2))
    overlap = np.conj(rfft2(np.ones((side, side)), s=(2 * side, 2 * side)))
    product = irfft2(np.abs(spectrum) ** 2)
    one = irfft2(of_squares * overlap)  # the squares under the overlap, of one copy and the other
    other = irfft2(np.conj(of_squares) * np.conj(overlap))
    agreement = product / np.sqrt(np.maximum(one * other, 1e-12))
    shift = np.minimum(np.arange(2 * side), 2 * side - np.arange(2 * side))
    near = shift[:, None] ** 2 + shift**2 <= (side / 6) ** 2
    far = (shift[:, None] > side / 2) | (shift > side / 2)  # too little is compared there
    return np.where(near | far, 0, agreement).max(axis=(1, 2)) > _REPEATS_ITSELF


def _boxes() -> Iterator[tuple[float, float, float, float]]:
    """Give the crops that are tried: 0.7 to 0.9 of an image in both directions, or in one."""
    for share in (0.9, 0.8, 0.7):
        places = np.linspace(0, 1 - share, {0.9: 3, 0.8: 5, 0.7: 6}[share])
        for place in places.tolist():
            yield (place, 0.0, share, 1.0)
            yield (0.0, place, 1.0, share)
            yield from ((place, other, share, share) for other in places.tolist())


def _crops(
    sums: np.ndarray, rows: np.ndarray, known: list[tuple[int, int]], kind: np.ndarray
) -> Crops:
    """Return which images may be crops of which, known copies aside, and the likeliest boxes."""
    coarse = _unit(_sampled(sums[rows], _WHOLE, _COARSE))
    best = np.full((len(rows), len(rows)), _WORTH_PLACING, np.float32)
    which = np.full(best.shape, -1, np.int16)
    boxes = list(_boxes())
    for n, box in enumerate(boxes):
        alike = _unit(_sampled(sums[rows], box, _COARSE)) @ coarse.T
        better = alike > best
        best[better], which[better] = alike[better], n
    np.fill_diagonal(which, -1)
    which[kind[rows, None] != kind[rows]] = -1
    place = np.full(len(sums), -1)
    place[rows] = np.arange(len(rows))
    left, right = place[np.array(known, int).reshape(-1, 2)].T
    both = (left >= 0) & (right >= 0)
    which[left[both], right[both]] = which[right[both], left[both]] = -1
    image, crop = np.nonzero(which >= 0)
    places = np.array(boxes)[which[image, crop]].reshape(-1, 4)
    return Crops(rows[image], rows[crop], places)


def _placed(sums: np.ndarray, crops: Crops, whole: np.ndarray) -> tuple[Crops, np.ndarray]:
    """Return the likely crops, each moved to where it agrees best, and how well they agree."""
    agreement = _agreement(sums, crops, crops.boxes, whole)
    # The few best of each, so that images of one kind do not make this long.
    order = np.lexsort([-agreement, crops.crop])
    rank = np.arange(len(order)) - np.searchsorted(crops.crop[order], crops.crop[order])
    order = order[rank < _N_LIKELY]
    order = order[np.argsort(-agreement[order], kind="stable")][:_MOST_PLACED]
    crops, agreement = crops.some(order), agreement[order]
    for step in _STEPS:
        likely = agreement > _CROPS_ALIKE - 10 * step
        crops, agreement = crops.some(likely), agreement[likely]
        best, boxes = agreement, crops.boxes
        for move in _MOVES:
            moved = crops.boxes + step * np.array(move)
            within = (moved[:, :2] > -1e-9).all(axis=1)
            within &= (moved[:, :2] + moved[:, 2:] < 1 + 1e-9).all(axis=1)
            tried = np.where(within, _agreement(sums, crops, moved, whole), -1)
            better = tried > best
            best, boxes = np.where(better, tried, best), np.where(better[:, None], moved, boxes)
        crops, agreement = Crops(crops.image, crops.crop, boxes), best
    return crops, agreement


def _agreement(sums: np.ndarray, crops: Crops, boxes: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return the correlation of each box with the image that may be a crop there."""
    parts = [
        np.einsum(
            "ij,ij->i",
            _unit(_sampled(sums[crops.image[part]], boxes[part], _FINE)),
            whole[crops.crop[part]],
        )
        for part in _parts(len(boxes))
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)
