"""Reading a map back from its file."""

from __future__ import annotations

import os

from drlim import _codec, networks
from drlim._torch_state import torch_defaults
from drlim.estimator import DrLIM

__all__ = ["load"]


def load(path: str | os.PathLike[str], network: networks.Builder | None = None) -> DrLIM:
    """Read a map that `DrLIM.save` wrote.

    No code in the file is run. A map with one of drlim's own networks needs nothing else; for
    a network of your own, give its builder again. Without the builder, a map that was saved with
    its program (``save(path, program=True)``) maps through onnxruntime, and cannot be fitted.

    Parameters
    ----------
    path : path
        The file.
    network : callable, optional
        The builder ``(sample_shape, n_components) -> nn.Module`` of a network of your own.

    Returns
    -------
    DrLIM
        Fitted, without the training embedding.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or not a map.
    InputError
        If the network is the user's own and not given, or does not fit the weights.
    MissingExtraError
        If the map has to be run as a program and onnxruntime is not installed.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> map_ = DrLIM(max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     map_.save(pathlib.Path(folder) / "map.drlim")
    ...     again = load(pathlib.Path(folder) / "map.drlim")
    >>> bool((again.transform(X) == map_.transform(X)).all())
    True
    """
    with torch_defaults():
        return DrLIM._from_content(_codec.read(path, network))
