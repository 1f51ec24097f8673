"""Where published data is looked for: the folder in DRLIM_DATA, the cache, then a download."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from drlim._errors import FileError, missing_extra

logger = logging.getLogger("drlim")

# Seconds until the next mirror is tried: long enough for a slow line, short enough that a
# machine without a network soon falls back to the data it has.
_CONNECT_SECONDS = 4.0
_READ_SECONDS = 20.0


def cache_folder() -> Path:
    """Return the user's cache: ``DRLIM_CACHE``, or ``drlim`` in the system's cache folder."""
    if chosen := os.environ.get("DRLIM_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drlim"


def places(collection: str) -> list[tuple[str, Path]]:
    """List the folders that may hold a collection, in the order of the search, with a name each."""
    listed = []
    if chosen := os.environ.get("DRLIM_DATA"):
        listed.append(("the folder in DRLIM_DATA", Path(chosen) / collection))
    listed.append(("the cache", cache_folder() / collection))
    return listed


def file_in(folder: Path, name: str) -> Path | None:
    """Return the file of this name in a folder, gzipped as published or unpacked, or None."""
    for candidate in (folder / name, folder / name.removesuffix(".gz")):
        if candidate.is_file():
            return candidate
    return None


def download(collection: str, files: Mapping[str, str], mirrors: Sequence[str]) -> Path:
    """Download files into the cache from the first mirror that has them, and check their hashes.

    Parameters
    ----------
    collection : str
        The folder in the cache.
    files : mapping of str to str
        File name to its SHA-256.
    mirrors : sequence of str
        Addresses of folders, each ending in a slash, tried in this order. A mirror that fails
        once is not tried again.

    Returns
    -------
    pathlib.Path
        The folder with the files.

    Raises
    ------
    FileError
        If no mirror has a file with the right hash. A file with a wrong hash is not kept.
    MissingExtraError
        If pooch is not installed.
    """
    try:
        import pooch
    except ImportError:
        raise missing_extra("pooch", "paper", "downloading data") from None
    folder = cache_folder() / collection
    downloader = pooch.HTTPDownloader(timeout=(_CONNECT_SECONDS, _READ_SECONDS))
    failed: set[str] = set()
    for name, digest in files.items():
        reasons = []
        for mirror in mirrors:
            if mirror in failed:
                continue
            try:
                pooch.retrieve(
                    mirror + name, f"sha256:{digest}", name, folder, downloader=downloader
                )
                break
            except Exception as error:  # requests, urllib3, pooch and the disk: all mean "not here"
                failed.add(mirror)
                reasons.append(f"{mirror}: {_reason(error)}")
                logger.info("%s could not be downloaded from %s", name, mirror)
        else:
            raise FileError(
                f"{name} could not be downloaded ({'; '.join(reasons) or 'no mirror is left'}); "
                f"put it into {folder} or into {collection}/ of the folder that DRLIM_DATA names"
            )
    return folder


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
