"""Export of a map to one ONNX file, preprocessing included, checked before it is written."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.utils.validation import check_is_fitted

from drlim import _codec
from drlim._errors import InputError
from drlim._files import check_output, write_whole
from drlim._onnx import (
    MAX_DIFFERENCE,
    Program,
    difference,
    examples,
    onnx_points,
    placed,
    points,
    write,
)
from drlim._version import __version__
from drlim.estimator import DrLIM
from drlim.networks._pixels import Preprocess

__all__ = ["Exported", "export"]

_N_CHECKED = 512
# With a pretrained network each sample takes long and much memory. Its samples are pixels, from 0
# to 255, and it is not told what those of the training were like.
_N_CHECKED_PRETRAINED, _PIXELS = 16, (128.0, 64.0)
_MOST_PRETRAINED = 1e-4  # many layers add up their rounding


@dataclass(frozen=True)
class Exported:
    """An exported ONNX file, and how well it agrees with the map.

    Attributes
    ----------
    path : Path
        The file.
    max_difference : float
        The largest difference between a point of the map and of the file, as a share of the
        map's scale: its margin, or the point's distance from the origin if that is larger.
    n_checked : int
        Compared samples: random ones, zeros, and some ten times as far out as the training
        samples.
    metadata : dict of str to str
        The file's metadata: ``drlim`` (the version that wrote it), ``n_components``,
        ``sample_shape``, ``margin``, and ``map_sha256``, the SHA-256 in the map's own file;
        ``feature_names``, a JSON list in the order of the input, if the map knows them.
    """

    path: Path
    max_difference: float
    n_checked: int
    metadata: dict[str, str]

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.n_checked} samples agree with the map to "
            f"{self.max_difference:.1e} of its scale"
        )


def export(map_: DrLIM, path: str | os.PathLike[str]) -> Exported:
    """Write a map as one ONNX file, for any runtime of ONNX.

    The input ``X`` is float32, ``(n_samples, *sample_shape)``, for any number of raw samples in
    the unit of the training data: the standardisation is in the file, and with a pretrained
    network so are its resizing, crop and normalisation. Cast images of uint8 to float32, do not
    divide them by 255, and resize them to the size of the training images. The output ``Z`` is
    float32, ``(n_samples, n_components)``. `DrLIM.transform` centres float64 samples before it
    rounds them, so use it for samples very far from the origin, or centre them first.

    The program is compared with the map in onnxruntime before it is written.

    Parameters
    ----------
    map_ : DrLIM
        Fitted, or loaded.
    path : path
        The file, by convention ``*.onnx``.

    Returns
    -------
    Exported

    Raises
    ------
    InputError
        If the path has the ending of a map file, torch cannot translate the network, or the
        points differ by more than 1e-5 of the map's scale, with a pretrained network 1e-4.
    FileError
        If the file cannot be written.
    MissingExtraError
        If the extra ``onnx`` is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 5))
    >>> map_ = DrLIM(max_epochs=1, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     exported = export(map_, Path(folder) / "map.onnx")
    >>> exported.max_difference < 1e-5, exported.metadata["sample_shape"]
    (True, '5')
    """
    if not isinstance(map_, DrLIM):
        raise InputError(f"map_ is a {type(map_).__name__}; it must be a fitted drlim.DrLIM")
    if check_output(path).suffix.lower() == ".drlim":
        raise InputError(
            f"path is {os.fspath(path)}, the name of a map file; give one that ends in .onnx"
        )
    check_is_fitted(map_)
    map_content = map_._content()
    network = placed(map_content.network)
    standardize = placed(map_content.network[0])
    if isinstance(map_content.network[1], Program):
        raise InputError(
            "the map was read with its program and without its network, so torch cannot "
            "translate it; give the builder: drlim.load(path, network=...)"
        )
    metadata = {
        "drlim": __version__,
        "n_components": str(map_.n_components),
        "sample_shape": ",".join(map(str, map_.sample_shape_)),
        "margin": repr(float(map_.margin)),
        "map_sha256": _codec.sha256_of(map_content),
    }
    if names := map_content.feature_names:
        metadata["feature_names"] = json.dumps([str(name) for name in names])
    content = write(network, map_.sample_shape_, metadata=metadata)
    n_checked, most = _N_CHECKED, MAX_DIFFERENCE
    centre, scale = (standardize.get_buffer(name).numpy() for name in ("centre", "scale"))
    if any(isinstance(layer, Preprocess) for layer in network.modules()):
        n_checked, most = _N_CHECKED_PRETRAINED, _MOST_PRETRAINED
        centre, scale = (np.full(1, number) for number in _PIXELS)
    samples = examples(map_.sample_shape_, n_checked, centre, scale)
    expected = points(network, samples)
    # The program must not depend on the number of rows.
    worst = max(
        difference(expected[:n], onnx_points(content, samples[:n]), map_.margin, most)
        for n in (1, 3, n_checked)
    )
    write_whole(path, content)
    return Exported(Path(path), worst, n_checked, metadata)
