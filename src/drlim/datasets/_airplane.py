"""The paper's airplane: small NORB's if its files are found, otherwise a rendered one.

The paper's second experiment takes the 972 views of one airplane of NORB: 18 azimuths, 9
elevations of the camera, 6 lightings.
"""

from __future__ import annotations

import io
import logging
import zlib
from pathlib import Path

import numpy as np

from drlim._errors import FileError
from drlim._files import write_whole
from drlim.datasets._dataset import Dataset
from drlim.datasets._norb import INSTANCES, NotFoundError, norb
from drlim.datasets._store import cache_folder
from drlim.datasets.made._airplane_renderer import (
    N_LIGHTINGS,
    VERSION,
    airplane_views,
    conditions,
)

logger = logging.getLogger("drlim")


def airplane(*, download: bool = False) -> Dataset:
    """Load one airplane in 972 views: 18 azimuths, 9 elevations, 6 lightings.

    It is small NORB's airplane of the lowest training instance, seen by camera 0, if `norb`
    finds or downloads it, otherwise a rendered one. The dataset's name and origin say which.
    The rendered views are kept in the user's cache, so that they are drawn only once.

    Parameters
    ----------
    download : bool, default=False
        Whether to try the network (132 MB) if no folder has the files.

    Returns
    -------
    Dataset
        X of shape (972, 96, 96), uint8, ordered by azimuth, then elevation, then lighting.
        Factors ``azimuth`` and ``elevation`` in degrees, float; ``lighting``, 0 to 5; ``pose``,
        0 to 161, one number for each pair of azimuth and elevation; and ``source``, 0 to 971, as
        each view is an original.

    Raises
    ------
    FileError
        If small NORB's files are found but truncated, altered, or of another kind: the rendered
        airplane never silently replaces a real one.
    MissingExtraError
        If ``download=True`` and pooch is not installed.

    Examples
    --------
    >>> airplane()  # doctest: +SKIP
    Dataset('rendered airplane (stand-in for NORB)', 972 x 96 x 96 uint8, factors: ...)
    """
    azimuth, elevation, lighting = conditions()
    try:
        real = norb("train", instance=min(INSTANCES["train"]), download=download)
    except NotFoundError as error:
        if download:
            logger.warning("%s", error)
        X, where = _rendered()
        name = "rendered airplane (stand-in for NORB)"
        origin = f"drawn by drlim ({where}); small NORB was not found"
        logger.info("%s: %s", name, origin)
    else:
        known = [real.factors[key] for key in ("azimuth", "elevation", "lighting")]
        order = np.lexsort(known[::-1])
        if not np.array_equal([values[order] for values in known], [azimuth, elevation, lighting]):
            raise FileError(
                f"{real.name}, {real.origin}, does not have each of the 972 conditions once; the "
                "-info or -cat file is altered; delete it and get it again"
            )
        X, name, origin = real.X[order], real.name, real.origin
    number = np.arange(len(X))
    factors = {
        "azimuth": azimuth,
        "elevation": elevation,
        "lighting": lighting,
        "pose": number // N_LIGHTINGS,
        "source": number,
    }
    return Dataset(X, factors, name, origin)


# The cache


def _rendered() -> tuple[np.ndarray, str]:
    """Return the 972 images, from the cache if they are intact there, and where they are kept."""
    path = cache_folder() / "airplane" / f"rendered-v{VERSION}.npy"
    images = _cached(path)
    if images is not None:
        return images, f"kept in {path}"
    images = airplane_views()[0]
    content = io.BytesIO()
    np.save(content, images)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content.getvalue() + _checksum(content.getvalue()))
    except OSError as error:  # without a cache they are only drawn again the next time
        logger.info("the rendered airplane is not kept: %s", error)
        return images, "not kept: the cache cannot be written"
    return images, f"kept in {path}"


def _cached(path: Path) -> np.ndarray | None:
    """Read the images, or return None if the file is missing, damaged or of another kind."""
    try:
        content = path.read_bytes()
        if _checksum(content[:-4]) != content[-4:]:
            return None
        return np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError):
        return None


def _checksum(content: bytes) -> bytes:
    """Return the four bytes behind the array, which numpy.load ignores."""
    return zlib.crc32(content).to_bytes(4, "little")
