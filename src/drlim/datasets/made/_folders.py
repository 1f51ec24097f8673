"""Writing folders of images with one sub-folder per class."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from drlim._errors import FileError, missing_extra
from drlim._files import as_path, whole_folder


def write_classes(
    folder: str | os.PathLike[str], images: Iterable[tuple[str, int, np.ndarray]]
) -> Path:
    """Write images as PNG files ``name/name-001.png`` into a folder that is new or empty.

    All of them are written, or none.

    Parameters
    ----------
    folder : path
    images : iterable of (name, number, image)
        The class, the image's number in it, and uint8 of shape (height, width), or
        (height, width, 3) for colour.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    FileError
        If the folder is not empty or cannot be written.
    """
    try:
        from PIL import Image
    except ImportError:
        raise missing_extra("pillow", "images", "writing images") from None
    folder = as_path(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise FileError(
            f"{folder} is not empty, and its files would mix with the new images; give a new folder"
        )
    with whole_folder(folder, last="", what="the images") as temporary:
        for name, number, image in images:
            (temporary / name).mkdir(exist_ok=True)
            Image.fromarray(image).save(temporary / name / f"{name}-{number:03d}.png")
    return folder
