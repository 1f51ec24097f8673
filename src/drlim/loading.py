"""Reading a map back from its file, believing it within limits only.

A file may come from anybody: what it says is checked field by field (`drlim._persistence`), a
network is built only if its weights are in the file, and nothing in the file is run but, where it
has one, a program that cannot do more than compute.
"""

from __future__ import annotations

import math
import os

import numpy as np
import torch
from torch import nn

from drlim import networks
from drlim._errors import FileError, InputError
from drlim._onnx import Program, ProgramError
from drlim._persistence import ANNOTATIONS, PROGRAM, TIMES, TRAINED_ON, check_description, read_map
from drlim.estimator import DrLIM
from drlim.networks import _builders
from drlim.training import Epoch


def load(path: str | os.PathLike[str], network: networks.Builder | None = None) -> DrLIM:
    """Read a map that `DrLIM.save` wrote.

    No code in the file is run. A map with one of drlim's own networks needs nothing else; for
    a network of your own, give its builder again. Without it, a map that was saved with its
    program (``save(path, program=True)``) still maps, through onnxruntime, and cannot be fitted.

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
        If the file is missing, truncated, altered, of a newer format, or no map at all.
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
    description, tensors = read_map(path)
    check_description(path, description)
    sample_shape = tuple(description["sample_shape"])
    map_ = DrLIM(**description["parameters"])
    loss = description["loss"]
    if not isinstance(loss, str):  # the user's own: the map maps, but cannot be fitted again
        loss = f"the user's own, {loss['custom']}"
    map_.loss = loss
    map_.sample_shape_ = sample_shape
    map_.n_features_in_ = description["n_features_in"]
    if description["feature_names_in"]:
        map_.feature_names_in_ = np.array(description["feature_names_in"], dtype=object)
    untimed = dict.fromkeys(TIMES, math.nan)
    try:
        map_.history_ = [Epoch(**{**numbers, **untimed}) for numbers in description["history"]]
    except TypeError as error:
        raise FileError(
            f"{os.fspath(path)} lacks a part of its history ({error}); get it again"
        ) from None
    map_._n_features_out = map_.n_components
    map_._graph_summary = description["graph"]
    map_._network_description = description["network"]
    map_.annotations_ = {
        name: description[name] for name in ANNOTATIONS if description.get(name) is not None
    }
    if TRAINED_ON in tensors:
        map_.annotations_[TRAINED_ON] = tensors.pop(TRAINED_ON)
    program = tensors.pop(PROGRAM, None)
    own = _builders.from_description(description["network"])
    if network is not None:
        map_.network = _builders.resolve(network, sample_shape)
    elif own is not None:
        map_.network = own
    elif program is not None:
        map_.network = _builders.Absent(description["network"]["custom"])
    else:
        raise InputError(
            f"{os.fspath(path)} holds the weights of a network of the user's own, "
            f"{description['network']['custom']}; give its builder: "
            "drlim.load(path, network=...), or --network module:function"
        )
    standardize = _standardize(path, tensors, sample_shape)
    if isinstance(map_.network, _builders.Absent) and program is not None:
        weights = {name: tensor for name, tensor in tensors.items() if name.startswith("1.")}
        try:
            built: nn.Module = Program(program.tobytes(), sample_shape, map_.n_components, weights)
        except ProgramError as reason:
            raise FileError(
                f"the program in {os.fspath(path)} cannot be used: {reason}; get the file again "
                "from a source you trust"
            ) from None
        map_.network_ = nn.Sequential(standardize, built)
    else:
        if "name" in _builders.describe(map_.network):
            # A short file can speak of a network that no machine holds.
            _check_fit(
                path, _builders.shapes(map_.network, sample_shape, map_.n_components), tensors
            )
        built = _builders.build(map_.network, sample_shape, map_.n_components, seed=0)
        map_.network_ = nn.Sequential(standardize, built)
        _check_fit(path, {n: tuple(t.shape) for n, t in built.state_dict().items()}, tensors)
        map_.network_.load_state_dict({name: torch.from_numpy(t) for name, t in tensors.items()})
    map_.network_.eval()
    return map_


def _standardize(
    path: str | os.PathLike[str], tensors: dict[str, np.ndarray], sample_shape: tuple[int, ...]
) -> networks.Standardize:
    centre, scale = tensors.get("0.centre"), tensors.get("0.scale")
    if centre is None or scale is None:
        raise FileError(f"{os.fspath(path)} lacks its standardisation; get it again")
    if (
        (centre.dtype, scale.dtype) != (np.dtype(np.float64), np.dtype(np.float64))
        or centre.shape not in ((), sample_shape)
        or scale.shape != ()
        or not np.isfinite(centre).all()
        or not 0 < scale < math.inf
    ):
        raise FileError(
            f"{os.fspath(path)} standardises samples by a centre of the shape {centre.shape} and "
            f"a scale {scale!r:.80}, which no map does; it is altered: get it again"
        )
    return networks.Standardize(centre, float(scale))


def _check_fit(
    path: str | os.PathLike[str],
    shapes: dict[str, tuple[int, ...]],
    tensors: dict[str, np.ndarray],
) -> None:
    """Raise unless the file has a weight of each name and shape that the network has."""
    there = {name: tensor.shape for name, tensor in tensors.items()}
    for name, shape in {f"1.{name}": shape for name, shape in shapes.items()}.items():
        if there.pop(name, None) != shape:
            raise InputError(
                f"the weights in {os.fspath(path)} do not fit the network that was given: it has "
                f"{name} of the shape {shape}, and the file {tensors[name].shape}"
                if name in tensors
                else f"the weights in {os.fspath(path)} do not fit the network that was given: "
                f"the file has no {name}"
            )
    strangers = sorted(there.keys() - {"0.centre", "0.scale"})
    if strangers:
        raise InputError(
            f"the weights in {os.fspath(path)} do not fit the network that was given: it has no "
            f"{strangers[0]!r:.80}"
        )
