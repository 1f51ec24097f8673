"""The keys of a map file: what a fitted map holds, as plain data and arrays, and back again.

Each key is written, checked and read in this module and in no other: `drlim._persistence` below it
knows bytes, and `drlim.DrLIM` above it attributes.

A file may come from anyone. Its description is checked field by field, a network is built only if
its weights are in the file, and nothing in the file is run, except for a program that can do
nothing but compute (`drlim._onnx`).
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from drlim import networks
from drlim._applying import evaluated
from drlim._errors import FileError, InputError
from drlim._files import write_whole
from drlim._onnx import Program, ProgramError, as_program, examples, placed, points
from drlim._persistence import (
    MAX_DIMENSIONS,
    as_bytes,
    is_count,
    is_shape,
    is_text,
    read_map,
    read_stream,
    signed,
)
from drlim._scaling import SCALES, Scaling, fits
from drlim._stored import as_stored
from drlim._version import LEARNING, __version__, versions
from drlim.networks import _builders
from drlim.networks._backbone import weights_follow
from drlim.training import Epoch


@dataclass(frozen=True)
class MapContent:
    """Everything that a map file holds of a fitted map.

    Attributes
    ----------
    parameters : dict
        Parameters of `DrLIM` by name: those of `PARAMETERS`, ``loss`` and ``network``.
    network : nn.Sequential
        The standardisation, and the network behind it.
    builder : Builder
        That of this network; the parameter ``network`` may be another by now.
    network_description : dict
        The builder, as `_builders.describe` gives it.
    scaling : Scaling or None
        Which unit each feature has; None for a file of a drlim that had one for all.
    sample_shape : tuple of int
    n_features : int
    feature_names : list of str
        Empty if the samples had no names.
    graph_summary : dict of str to int
    history : list of Epoch
    annotations : dict
        `DrLIM.annotations_`.
    """

    parameters: dict[str, Any]
    network: nn.Sequential
    builder: networks.Builder
    network_description: dict[str, Any]
    scaling: Scaling | None
    sample_shape: tuple[int, ...]
    n_features: int
    feature_names: list[str]
    graph_summary: dict[str, int]
    history: list[Epoch]
    annotations: dict[str, Any]


def write(path: str | os.PathLike[str], content: MapContent, *, program: bool = False) -> None:
    """Write a map file; with `program`, the network also as a program.

    Raises
    ------
    FileError
        If the file cannot be written.
    InputError
        If the content has something that a map file cannot hold.
    """
    description, tensors = _encoded(content, program=program)
    try:
        plain = json.loads(json.dumps(description, default=lambda value: value.tolist()))
    except (TypeError, AttributeError) as error:
        raise InputError(
            f"the map has a parameter that a file cannot hold ({error}); give numbers and texts "
            "as arguments of the network, or a builder of your own"
        ) from None
    if fault := _fault(plain):
        raise InputError(f"the map {fault}; set it back, or fit again, so that load reads the file")
    content_of_file = as_bytes(description, tensors)
    _check_readable(content, content_of_file)
    write_whole(path, content_of_file)


def _check_readable(content: MapContent, written: bytes) -> None:
    """Raise InputError unless `read` makes the same map of what is to be written."""
    try:
        again = _decoded(
            "the file",
            *read_stream(Path("the file"), io.BytesIO(written), len(written)),
            None if "name" in content.network_description else content.builder,
        )
    except Exception as error:  # a builder of the user's own raises what it likes
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"the map cannot be saved, since load could not read it: {reason[:300]}; keep all that "
            "the network needs in its weights and buffers, as its builder makes them"
        ) from error
    if isinstance(content.network[1], Program):
        return
    centre, scale = (content.network[0].get_buffer(name).cpu() for name in ("centre", "scale"))
    samples = examples(content.sample_shape, 4, centre.numpy(), scale.numpy())
    try:
        expected, found = points(_settled(content.network), samples), points(again.network, samples)
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"the map cannot be saved, since network_ maps no samples ({reason}); it was changed "
            "after the fit: set it back, or fit again"
        ) from error
    margin = content.parameters["margin"]
    if not np.allclose(found, expected, rtol=1e-5, atol=1e-5 * margin, equal_nan=True):
        raise InputError(
            "the map cannot be saved: the network that its builder makes, with the weights of "
            "network_, gives other points; keep what it computes with in parameters and persistent "
            "buffers (register_buffer), and its layers as the builder made them"
        )


def _settled(network: nn.Module) -> nn.Module:
    """Return a network on the processor, in evaluation mode; itself if it is there."""
    if any(tensor.is_cuda for tensor in network.state_dict().values()):
        return placed(network)
    return evaluated(network)


def sha256_of(content: MapContent) -> str:
    """Return the SHA-256 that the map's file names."""
    return str(signed(*_encoded(content))["sha256"])


def read(path: str | os.PathLike[str], builder: networks.Builder | None = None) -> MapContent:
    """Read a map file; `builder` is that of a network of the user's own.

    Raises
    ------
    FileError
        If the file is missing, truncated, altered, of a newer format, or not a map.
    InputError
        If the network is the user's own and not given, or does not fit the weights.
    MissingExtraError
        If the map has to be run as a program and onnxruntime is not installed.
    """
    description, tensors = read_map(path)
    return _decoded(os.fspath(path), description, tensors, builder)


def _decoded(
    path: str,
    description: dict[str, Any],
    tensors: dict[str, np.ndarray],
    builder: networks.Builder | None,
) -> MapContent:
    _check(path, description)
    try:
        history = [Epoch(**{**numbers, **_UNTIMED}) for numbers in description["history"]]
    except TypeError as error:
        raise FileError(f"{path} lacks a part of its history ({error}); get it again") from None
    annotations = {
        name: description[name] for name in _ANNOTATIONS if description.get(name) is not None
    }
    if _TRAINED_ON in tensors:
        annotations[_TRAINED_ON] = tensors.pop(_TRAINED_ON)
    annotations |= _learnt_points(path, description, tensors)
    loss = description["loss"]
    parameters = {
        **description["parameters"],
        # A loss of the user's own is only named: the map can be applied, and not fitted again.
        "loss": loss if isinstance(loss, str) else f"the user's own, {loss['custom']}",
    }
    sample_shape = tuple(description["sample_shape"])
    program = tensors.pop(_PROGRAM, None)
    builder = _builder(path, description["network"], sample_shape, builder, program is not None)
    standardize = _standardize(path, tensors, sample_shape)
    scaling = Scaling(**description["scaling"]) if "scaling" in description else None
    if isinstance(builder, _builders.Absent) and program is not None:
        network: nn.Module = _program(path, program, description, tensors)
    else:
        network = _network(path, builder, description, tensors)
    return MapContent(
        parameters={**parameters, "network": _scaled(builder, scaling)},
        network=nn.Sequential(standardize, network).eval(),
        builder=builder,
        network_description=description["network"],
        scaling=scaling,
        sample_shape=sample_shape,
        n_features=description["n_features_in"],
        feature_names=description["feature_names_in"],
        graph_summary=description["graph"],
        history=history,
        annotations=annotations,
    )


# Weights are called "0.…" (the standardisation) and "1.…" (the network). Beside them may be the
# fingerprints of the training samples, points of such samples with their factors, and the network
# as a program.
_TRAINED_ON, _PROGRAM = "trained_on", "program"
_LEARNT, _LEARNT_FACTORS = "learnt_points", "learnt_factors"

# How long an epoch took is not part of a map: the same map gives the same bytes.
_UNTIMED = {"seconds": math.nan, "pairs_per_second": math.nan}


# Writing.


def _encoded(
    content: MapContent, *, program: bool = False
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description and the tensors of a map's file."""
    # The key is in every file: the bytes of a map without a declaration depend on it.
    annotations = {"declaration": None, **content.annotations}
    tensors = _tensors(content, program)
    if _TRAINED_ON in annotations:
        tensors[_TRAINED_ON] = annotations.pop(_TRAINED_ON)
    if _LEARNT in annotations:
        tensors[_LEARNT] = annotations.pop(_LEARNT)
        for name, values in annotations.pop(_LEARNT_FACTORS).items():
            tensors[f"{_LEARNT_FACTORS}.{name}"] = values
    if unknown := sorted(annotations.keys() - _ANNOTATIONS.keys()):
        raise InputError(
            f"annotations_ has the key {unknown[0]!r}; a map file holds "
            f"{', '.join([*_ANNOTATIONS, _TRAINED_ON, _LEARNT, _LEARNT_FACTORS])}"
        )
    loss = content.parameters["loss"]
    history = [
        {name: number for name, number in asdict(epoch).items() if name not in _UNTIMED}
        for epoch in content.history
    ]
    description = {
        "written_by": f"drlim {__version__}, torch {torch.__version__}",
        "versions": versions(LEARNING),
        "parameters": {name: content.parameters[name] for name in PARAMETERS},
        "loss": loss if isinstance(loss, str) else {"custom": _builders.name_of(loss)},
        "network": content.network_description,
        "sample_shape": list(content.sample_shape),
        "preprocessing": {"0": "(X - centre) / scale, in the precision of X, then in float32"},
        "n_features_in": content.n_features,
        "feature_names_in": content.feature_names,
        "graph": content.graph_summary,
        "history": history,
        **({} if content.scaling is None else {"scaling": asdict(content.scaling)}),
        **annotations,
    }
    return description, tensors


def _tensors(content: MapContent, program: bool) -> dict[str, np.ndarray]:
    tensors = {name: as_stored(name, t) for name, t in content.network.state_dict().items()}
    network = content.network[1]
    stored = None
    if isinstance(network, Program):
        tensors |= network.weights
        stored = network.content
    elif program:
        stored = as_program(network, content.sample_shape, content.parameters["margin"])
    if stored is not None:
        tensors[_PROGRAM] = np.frombuffer(stored, np.uint8)
    return tensors


# Reading.


def _builder(
    path: str,
    description: dict[str, Any],
    sample_shape: tuple[int, ...],
    given: networks.Builder | None,
    has_program: bool,
) -> networks.Builder:
    """Find the builder of a map's network: the one given, one of drlim's, or a stand-in."""
    known = _builders.from_description(description)
    if given is not None:
        return _builders.resolve(given, sample_shape)
    if known is not None:
        return known
    if has_program:
        return _builders.Absent(description["custom"])
    raise InputError(
        f"{path} holds the weights of a network of the user's own, {description['custom']}; give "
        "its builder: drlim.load(path, network=...), or --network module:function"
    )


def _scaled(builder: networks.Builder, scaling: Scaling | None) -> networks.Builder:
    """Return the builder with the scale that the user chose, if one was chosen."""
    is_chosen = scaling is not None and scaling.given
    return networks.scaled(builder, scaling.scale) if scaling and is_chosen else builder


def _learnt_points(
    path: str, description: dict[str, Any], tensors: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Take the points that were learnt from, and their factors, out of the tensors of a file."""
    points = tensors.pop(_LEARNT, None)
    prefix = f"{_LEARNT_FACTORS}."
    factors = {
        name.removeprefix(prefix): tensors.pop(name)
        for name in sorted(tensors)
        if name.startswith(prefix)
    }
    if points is None and not factors:
        return {}
    names = description.get("learnt_names", {})
    width = description["parameters"]["n_components"]
    if (
        points is None
        or points.ndim != 2
        or points.shape[1] != width
        or points.dtype.kind != "f"
        or not np.isfinite(points).all()
        or any(values.shape != points.shape[:1] for values in factors.values())
        or not all(
            name in factors and _are_places(factors[name], len(texts))
            for name, texts in names.items()
        )
    ):
        raise FileError(
            f"{path} has learnt points, or factors of them, of a form that no map has; the file is "
            "altered: get it again"
        )
    return {_LEARNT: points, _LEARNT_FACTORS: factors, "learnt_names": names}


def _are_places(values: np.ndarray, n: int) -> bool:
    """Tell whether all values are indices of a list of length n, or -1."""
    return values.dtype.kind == "i" and bool(((values >= -1) & (values < n)).all())


def _standardize(
    path: str, tensors: dict[str, np.ndarray], sample_shape: tuple[int, ...]
) -> networks.Standardize:
    centre, scale = tensors.get("0.centre"), tensors.get("0.scale")
    if centre is None or scale is None:
        raise FileError(f"{path} lacks the centre or the scale of its samples; get it again")
    if (
        (centre.dtype, scale.dtype) != (np.dtype(np.float64), np.dtype(np.float64))
        or not fits(centre.shape, sample_shape)
        or scale.shape not in ((), centre.shape)
        or not np.isfinite(centre).all()
        or not np.isfinite(scale).all()
        or (scale <= 0).any()
    ):
        raise FileError(
            f"{path} standardises samples by a centre of the shape {centre.shape} and a scale "
            f"{scale!r:.80}, which no map does; the file is altered: get it again"
        )
    return networks.Standardize(centre, scale)


def _program(
    path: str, program: np.ndarray, description: dict[str, Any], tensors: dict[str, np.ndarray]
) -> Program:
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith("1.")}
    sample_shape = tuple(description["sample_shape"])
    n_components = description["parameters"]["n_components"]
    try:
        return Program(program.tobytes(), sample_shape, n_components, weights)
    except ProgramError as reason:
        raise FileError(
            f"the program in {path} cannot be used: {reason}; get the file again from a source "
            "you trust"
        ) from None


def _network(
    path: str,
    builder: networks.Builder,
    description: dict[str, Any],
    tensors: dict[str, np.ndarray],
) -> nn.Module:
    """Build a network and give it the weights of the file."""
    sample_shape = tuple(description["sample_shape"])
    n_components = description["parameters"]["n_components"]
    with weights_follow():
        if "name" in _builders.describe(builder):
            # A short file can describe a network that is too large for any machine, so its shapes
            # are compared with the file before it is built.
            _check_weights(path, _builders.shapes(builder, sample_shape, n_components), tensors)
        network = _builders.build(builder, sample_shape, n_components, seed=0)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    _check_weights(path, shapes, tensors)
    weights = {
        name.removeprefix("1."): torch.from_numpy(tensor)
        for name, tensor in tensors.items()
        if name.startswith("1.")
    }
    network.load_state_dict(weights)
    return network


def _check_weights(
    path: str, shapes: dict[str, tuple[int, ...]], tensors: dict[str, np.ndarray]
) -> None:
    """Raise unless the file has a weight of each name and shape that the network has."""
    wrong = f"the weights in {path} do not fit the network that was given: "
    expected = {f"1.{name}": shape for name, shape in shapes.items()}
    for name, shape in expected.items():
        if name not in tensors:
            raise InputError(f"{wrong}the file has no {name}")
        if tensors[name].shape != shape:
            raise InputError(
                f"{wrong}it has {name} of the shape {shape}, and the file {tensors[name].shape}"
            )
    # A weight that the network lacks means that it is not the network that was trained.
    strangers = sorted(tensors.keys() - expected.keys() - {"0.centre", "0.scale"})
    if strangers:
        raise InputError(f"{wrong}it has no {strangers[0]!r:.80}")


# Checking. It is done by hand: pydantic would take longer to load than the map.


def _check(path: str, description: dict[str, Any]) -> None:
    """Raise FileError unless a map can have this description: its fields, types and ranges."""
    if description.get("kind", "map") != "map":
        raise FileError(
            f"{path} is a {description['kind']!r:.40}, not a map; a checkpoint is read by "
            "fit(..., checkpoint=folder, resume=True)"
        )
    for name in _NEEDED:
        if name not in description:
            raise FileError(f"{path} lacks a part of a map: {name!r}; get it again")
    if fault := _fault(description):
        raise FileError(f"{path} {fault}; the file is altered: get it again")


def _fault(description: dict[str, Any]) -> str | None:
    """Return what no map has in a description with all fields; None if there is nothing."""
    for name, is_right in (_FIELDS | _ANNOTATIONS).items():
        if name in description and not is_right(description[name]):
            return f"has {name}: {description[name]!r:.200}, which no map has"
    n_features, names = description["n_features_in"], description["feature_names_in"]
    shape = tuple(description["sample_shape"])
    if n_features != math.prod(shape) or len(names) not in (0, n_features):
        return (
            f"has {n_features} features, {len(names)} names and samples of the shape {shape}, "
            "which do not agree"
        )
    return None


def _number(value: Any) -> bool:
    return type(value) is float or is_count(value, -(2**53))


def _positive(value: Any) -> bool:
    return _number(value) and 0 < value < math.inf


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def _table(value: Any, *kinds: Callable[[Any], bool]) -> bool:
    """Tell whether a value is an object, each of whose entries is of one of these kinds."""
    return isinstance(value, dict) and all(
        is_text(key) and any(kind(entry) for kind in kinds) for key, entry in value.items()
    )


def _long_text(value: Any) -> bool:
    """Tell whether a value is a text, such as the description of a pretrained network."""
    return type(value) is str and len(value) <= 2**20


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 1000 and all(map(_number, value))


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _custom(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["custom"] and is_text(value["custom"])


def _network_description(value: Any) -> bool:
    return _custom(value) or (
        isinstance(value, dict)
        and set(value) == {"name", "arguments"}
        and is_text(value["name"])
        and _table(value["arguments"], _long_text, _number, is_shape, _numbers, _is_bool)
    )


def _parameters(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and "n_components" in value
        and all(name in PARAMETERS and PARAMETERS[name](entry) for name, entry in value.items())
    )


# Parameters that are written as they are. The others are code, or say how to compute.
PARAMETERS: dict[str, Callable[[Any], bool]] = {
    "n_components": lambda value: is_count(value, 1, 2**20),
    "n_neighbors": lambda value: is_count(value, 1),
    "margin": _positive,
    "n_dissimilar": lambda value: value in ("all", None) or _positive(value),
    "max_epochs": lambda value: value is None or is_count(value),
    "batch_size": lambda value: is_count(value, 1),
    "learning_rate": lambda value: value is None or _positive(value),
}
_FIELDS: dict[str, Callable[[Any], bool]] = {
    "written_by": is_text,
    "versions": lambda value: _table(value, is_text),
    "parameters": _parameters,
    "loss": lambda value: is_text(value) or _custom(value),
    "network": _network_description,
    "scaling": lambda value: (
        isinstance(value, dict)
        and set(value) == {"scale", "reason", "given"}
        and value["scale"] in SCALES
        and is_text(value["reason"])
        and isinstance(value["given"], bool)
    ),
    "sample_shape": lambda value: is_shape(value) and 1 <= len(value) <= MAX_DIMENSIONS,
    "preprocessing": lambda value: _table(value, is_text),
    "n_features_in": lambda value: is_count(value, 1, 2**62),
    "feature_names_in": _texts,
    "graph": lambda value: _table(value, is_count),
    "history": lambda value: (
        isinstance(value, list) and all(_table(epoch, _number) for epoch in value)
    ),
}
_NEEDED = _FIELDS.keys() - {"written_by", "versions", "preprocessing", "scaling"}
_ANNOTATIONS: dict[str, Callable[[Any], bool]] = {
    "learnt_names": lambda value: (
        isinstance(value, dict)
        and all(is_text(name) and _texts(texts) for name, texts in value.items())
    ),
    "held_out_distances": lambda value: (
        isinstance(value, list)
        and all(_number(distance) and 0 <= distance < math.inf for distance in value)
    ),
    "declaration": lambda value: value is None or isinstance(value, dict),
    "ignored": _texts,
    "kept": _texts,
    "learnt_values": lambda value: (
        isinstance(value, dict)
        and all(
            is_text(name)
            and isinstance(values, list)
            and all(is_text(v) or _number(v) or isinstance(v, bool) for v in values)
            for name, values in value.items()
        )
    ),
}
