"""A pretrained network that is there as an ONNX file only; it can be applied, not trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from drlim._errors import FileError, InputError
from drlim._onnx import MAX_BYTES, Program, ProgramError
from drlim.networks._hubs import Loaded, Loader

# Images that the program is given at once, if it takes any number.
_N_ROWS = 8


class OnnxFeatures(nn.Module):
    """A program as a module: its bytes are a buffer, which is saved with the map.

    Parameters
    ----------
    n_bytes : int
    shape : tuple of int
        Of one input.
    n_features : int
    """

    program: Tensor

    def __init__(self, n_bytes: int, shape: tuple[int, ...], n_features: int) -> None:
        super().__init__()
        self.register_buffer("program", torch.zeros(n_bytes, dtype=torch.uint8))
        self.shape, self.n_features = shape, n_features
        # In a list, so that the program is not a part of the module's description and modes.
        self._running: list[Program] = []

    def forward(self, X: Tensor) -> Tensor:
        if not self._running:
            content = self.program.cpu().numpy().tobytes()
            try:
                # It may come from anyone, and is checked before it is run.
                self._running.append(Program(content, self.shape, self.n_features, {}))
            except ProgramError as reason:
                raise InputError(f"the program of the network cannot be used: {reason}") from None
        return self._running[0](X).to(X.device)


def _load(name: str) -> Loaded:
    path = Path(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(
            f"{path} cannot be read ({error.strerror}); is it the right path?"
        ) from None
    content, shape, n_features = _as_features(path, content)
    said = {"n_bytes": len(content), "shape": list(shape), "n_features": n_features}
    module = _build(json.dumps(said))
    module.program.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
    return Loaded(module, json.dumps(said), None, shape[1:])


def _build(architecture: str) -> OnnxFeatures:
    try:
        said = json.loads(architecture)
        n_bytes, n_features = int(said["n_bytes"]), int(said["n_features"])
        shape = tuple(int(n) for n in said["shape"])
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"the program of a map is not described ({error})") from None
    if not 0 < n_bytes <= MAX_BYTES or n_features < 1:
        raise InputError(f"the program of a map has {n_bytes} bytes and {n_features} features")
    return OnnxFeatures(n_bytes, shape, n_features)


def _as_features(path: Path, content: bytes) -> tuple[bytes, tuple[int, ...], int]:
    """Return a program from X, a fixed number of images, to Z, (n_rows, n_features)."""
    import onnx

    try:
        model = onnx.ModelProto.FromString(content)
        graph = model.graph
        constants = {tensor.name for tensor in graph.initializer}
        (given,) = (value for value in graph.input if value.name not in constants)
        sizes = [size.dim_value for size in given.type.tensor_type.shape.dim]
    except Exception as error:  # protobuf raises errors of its own
        raise FileError(
            f"{path} is not an ONNX file with one input ({str(error)[:200]}); is it the right path?"
        ) from None
    if len(sizes) != 4 or sizes[1] != 3 or not all(sizes[2:]):
        raise InputError(
            f"the input of {path} has the shape {sizes}, 0 where it is free; it must be images "
            "(n, 3, height, width) of a fixed size"
        )
    given.type.tensor_type.shape.dim[0].dim_value = sizes[0] = sizes[0] or _N_ROWS
    _rename(graph, given.name)
    found = graph.output[0].name
    del graph.output[:]
    graph.node.append(onnx.helper.make_node("Flatten", [found], ["Z"], axis=1))
    graph.output.append(onnx.helper.make_tensor_value_info("Z", onnx.TensorProto.FLOAT, None))
    del graph.value_info[:]
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    made = [size.dim_value for size in model.graph.output[0].type.tensor_type.shape.dim]
    if len(made) != 2 or not all(made):
        raise InputError(
            f"the features of {path} have no size that is known beforehand; export the network "
            "with a fixed size of images"
        )
    return model.SerializeToString(deterministic=True), tuple(sizes[1:]), made[1]


def _rename(graph: Any, given: str) -> None:
    """Call the input of a graph X, and no other value X or Z."""

    def renamed(name: str) -> str:
        return "X" if name == given else name and f"inner {name}"

    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = renamed(value.name)
    for node in graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                names[place] = renamed(name)


ONNX = Loader(("onnx", "onnxruntime"), _load, _build, extra="onnx")
