"""Small NORB: photographs of toys on a turntable, from the official files."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from drlim._errors import FileError, InputError, nearest_name
from drlim.datasets._dataset import Dataset
from drlim.datasets._norb_matrix import read_expected
from drlim.datasets._store import download as download_files, file_in, places

logger = logging.getLogger("drlim")

MIRRORS = (
    "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
    "http://www.cs.nyu.edu/~ylclab/data/norb-v1.0-small/",
)
# SHA-256 of each file as it is published: TensorFlow Datasets checks its downloads of small NORB
# against the same (tensorflow_datasets/datasets/smallnorb/checksums.tsv).
FILES = {
    "train": {
        "smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat.gz": (
            "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873"
        ),
        "smallnorb-5x46789x9x18x6x2x96x96-training-cat.mat.gz": (
            "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa"
        ),
        "smallnorb-5x46789x9x18x6x2x96x96-training-info.mat.gz": (
            "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32"
        ),
    },
    "test": {
        "smallnorb-5x01235x9x18x6x2x96x96-testing-dat.mat.gz": (
            "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474"
        ),
        "smallnorb-5x01235x9x18x6x2x96x96-testing-cat.mat.gz": (
            "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff"
        ),
        "smallnorb-5x01235x9x18x6x2x96x96-testing-info.mat.gz": (
            "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2"
        ),
    },
}
SHAPE = (24300, 2, 96, 96)  # of each -dat file: samples, cameras, rows, columns
CATEGORIES = ("animal", "human", "airplane", "truck", "car")  # 0 to 4 in the -cat files
INSTANCES = {"train": (4, 6, 7, 8, 9), "test": (0, 1, 2, 3, 5)}


class NotFoundError(FileError):
    """Small NORB is in none of the folders and was not downloaded."""


def norb(
    part: str = "train",
    *,
    category: str | None = "airplane",
    instance: int | None = None,
    camera: int = 0,
    download: bool = False,
) -> Dataset:
    """Load small NORB: grey photographs of toys, 96 x 96 pixels, 0 (black) to 255 (white).

    Each toy stands on a turntable in 972 conditions: 18 azimuths, 9 elevations of the camera, 6
    lightings. The three official files of the part, gzipped or not, are looked for in ``norb/``
    of the folder that the environment variable ``DRLIM_DATA`` names, in the user's cache, and
    with ``download=True`` on the network.

    Parameters
    ----------
    part : {"train", "test"}, default="train"
        The toys 4, 6, 7, 8 and 9, or 0, 1, 2, 3 and 5, of each category.
    category : {"animal", "human", "airplane", "truck", "car"} or None, default="airplane"
        The kind of toy; an "animal" has four legs. None: all five.
    instance : int, optional
        Which toy of the category. None: the five of the part.
    camera : {0, 1}, default=0
        Which of the two cameras, which are mounted side by side.
    download : bool, default=False
        Whether to try the network (132 MB) if neither folder has the files. Downloads are
        checked by their SHA-256.

    Returns
    -------
    Dataset
        X of shape (n, 96, 96), uint8, 972 images per toy. Factors ``azimuth`` (0 to 340 by 20) and
        ``elevation`` (30 to 70 by 5) in degrees, float; ``lighting`` (0 to 5) and ``instance``,
        int; ``category``, the name, str; and ``source``, the row in the official file. An
        azimuth of 0 shows a different side of each toy.

    Raises
    ------
    InputError
        If there is no such part, category, instance or camera.
    FileError
        If the files are not found, or are truncated, altered, or of another kind. The format,
        the size, the factors and gzip's checksum are checked.
    MissingExtraError
        If ``download=True`` and pooch is not installed.

    Notes
    -----
    Y. LeCun, F. J. Huang, L. Bottou, *Learning Methods for Generic Object Recognition with
    Invariance to Pose and Lighting*, CVPR 2004. Gzipped files are read slice by slice, in the
    memory that X needs and not the 448 MB that they hold; this takes seconds, and a tenth of a
    second for unpacked files.

    Examples
    --------
    >>> toy = norb("test", category="truck", instance=3)  # doctest: +SKIP
    >>> toy.X.shape  # doctest: +SKIP
    (972, 96, 96)
    """
    _check_choice(part, category, instance, camera)
    (dat, cat, info), origin = _find(part, download)
    number, known = _read_factors(part, cat, info)
    is_wanted = np.ones(len(number), bool)
    if category is not None:
        is_wanted &= number == CATEGORIES.index(category)
    if instance is not None:
        is_wanted &= known[:, 0] == instance
    rows = np.flatnonzero(is_wanted)
    X = read_expected(dat, ("byte", SHAPE), rows, camera)
    toy, elevation, azimuth, lighting = known[rows].T
    factors = {
        "azimuth": 10.0 * azimuth,
        "elevation": 30.0 + 5.0 * elevation,
        "lighting": lighting,
        "instance": toy,
        "category": np.array(CATEGORIES)[number[rows]],
        "source": rows,
    }
    toys = INSTANCES[part] if instance is None else (instance,)
    name = (
        f"small NORB, {category or 'all categories'}, instance{'s' * (len(toys) > 1)} "
        f"{', '.join(map(str, toys))}, camera {camera}"
    )
    logger.info("%s: %s", name, origin)
    return Dataset(X, factors, name, origin)


def _check_choice(part: str, category: str | None, instance: int | None, camera: int) -> None:
    if part not in FILES:
        raise InputError(f"part is {part!r}; {nearest_name(str(part), FILES)}")
    if category is not None and category not in CATEGORIES:
        raise InputError(
            f"category is {category!r}; {nearest_name(str(category), CATEGORIES)}; or give None "
            "for all"
        )
    if instance is not None and instance not in INSTANCES[part]:
        elsewhere = [other for other, toys in INSTANCES.items() if instance in toys]
        hint = f"; {instance!r} is in the part {elsewhere[0]!r}" if elsewhere else ""
        raise InputError(
            f"instance is {instance!r}; the part {part!r} has "
            f"{', '.join(map(str, INSTANCES[part]))}{hint}"
        )
    if camera not in range(SHAPE[1]):
        raise InputError(f"camera is {camera!r}; there are two, so give 0 or 1")


def _find(part: str, download: bool) -> tuple[list[Path], str]:
    """Return the -dat, -cat and -info file of a part, and where they were found."""
    for place, folder in places("norb"):
        files = {name: file_in(folder, name) for name in FILES[part]}
        found = [file for file in files.values() if file is not None]
        if len(found) == len(files):
            return found, f"{place}, {folder}"
        # Some of the files in the cache are an interrupted download, which may be completed.
        if found and not (download and place == "the cache"):
            missing = [name for name, file in files.items() if file is None]
            raise FileError(
                f"{folder} lacks {', '.join(missing)} of the three files of small NORB's part "
                f"{part!r}; put them there, or remove the others"
            )
    why = "and download=True was not given"
    if download:
        try:
            folder = download_files("norb", FILES[part], MIRRORS)
            return [folder / name for name in FILES[part]], f"downloaded to {folder}"
        except FileError as error:
            why = f"and the download failed: {error}"
    raise NotFoundError(
        f"small NORB's part {part!r} is in none of "
        f"{', '.join(str(folder) for _, folder in places('norb'))}, {why}; put the files from "
        f"{MIRRORS[0]} there, or take drlim.datasets.airplane(), which renders a stand-in"
    )


def _read_factors(part: str, cat: Path, info: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the category (n,) and instance, elevation, azimuth and lighting (n, 4), as int64."""
    category = read_expected(cat, ("integer", SHAPE[:1])).astype(np.int64)
    known = read_expected(info, ("integer", (SHAPE[0], 4))).astype(np.int64)
    columns = {
        "category": (cat, category, range(5)),
        "instance": (info, known[:, 0], INSTANCES[part]),
        "elevation": (info, known[:, 1], range(9)),
        "azimuth": (info, known[:, 2], range(0, 36, 2)),
        "lighting": (info, known[:, 3], range(6)),
    }
    for name, (path, values, allowed) in columns.items():
        strange = np.setdiff1d(values, allowed)
        if len(strange):
            raise FileError(
                f"{path} is altered, or not of small NORB's part {part!r}: it has the {name} "
                f"{strange[0]}, and there are {', '.join(map(str, allowed))}; delete it and get "
                "it again"
            )
    return category, known
