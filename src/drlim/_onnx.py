"""A network as an ONNX program: written, compared with the network, checked and run.

A program from a file is checked before it is run. It must consist of standard operations only, in
a straight line (no loops, branches or functions), contain everything it needs, and make only arrays
whose sizes are known beforehand and bounded. So it ends, in bounded memory, whoever wrote it.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import math
import threading
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from drlim._errors import InputError, missing_extra

# Rows that a stored program maps at once. With a fixed number, the sizes of all arrays are known.
N_ROWS = 16

MAX_BYTES = 2**29  # of a program
MAX_NODES = 20_000
MAX_VALUE = 2**27  # elements of one array that a program makes
MAX_VALUES = 2**30  # elements of all these arrays together
MAX_SECONDS = 60.0  # of the first run
_OPSETS = range(7, 27)


def write(
    network: nn.Module,
    sample_shape: tuple[int, ...],
    *,
    n_rows: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Translate a network in evaluation mode to ONNX: input ``X``, output ``Z``, in float32.

    Parameters
    ----------
    network : nn.Module
    sample_shape : tuple of int
    n_rows : int, optional
        The number of rows that the program takes. None: any number.
    metadata : mapping of str to str, optional

    Raises
    ------
    MissingExtraError
        If onnx, onnxscript or onnxruntime are not installed.
    InputError
        If torch cannot translate the network.
    """
    with _extra("translating a network to ONNX"):
        import onnx
        import onnxruntime  # noqa: F401 - without it nothing can be checked
        import onnxscript  # noqa: F401
    example = torch.zeros(n_rows or 4, *sample_shape)
    any_number = ({0: torch.export.Dim("n_samples")},) if n_rows is None else None
    try:
        with _quiet():
            translated = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                verbose=False,
                external_data=False,
                input_names=["X"],
                output_names=["Z"],
                dynamic_shapes=any_number,
            )
        assert translated is not None
        model = translated.model_proto
    except Exception as error:  # torch raises exceptions of any type here, its own and Python's
        raise InputError(
            f"torch cannot translate the network to ONNX ({str(error).splitlines()[0]}); use "
            "layers that torch.onnx.export supports, and no branches on values"
        ) from error
    for node in model.graph.node:  # paths of source files on this machine
        del node.metadata_props[:]
        node.doc_string = ""
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, dict(metadata or {}))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def as_program(network: nn.Module, sample_shape: tuple[int, ...], margin: float) -> bytes:
    """Translate a network for a map file, and check that the program is equivalent.

    Raises
    ------
    InputError
        If torch cannot translate it, the program gives other points, or a stored program may not
        do what it does.
    """
    network = placed(network)
    content = write(network, sample_shape, n_rows=N_ROWS)
    samples = examples(sample_shape, n_samples=4 * N_ROWS)
    expected = points(network, samples)
    try:
        program = Program(content, sample_shape, expected.shape[1], {})
    except ProgramError as reason:
        raise InputError(
            f"the network's program cannot be stored: {reason}; save the map without program=True, "
            "or use other layers"
        ) from None
    difference(expected, points(program, samples), margin)
    return content


def placed(network: nn.Module) -> nn.Module:
    """Return a copy of the network on the processor, in evaluation mode."""
    return copy.deepcopy(network).cpu().eval()


def examples(
    sample_shape: tuple[int, ...], n_samples: int, centre: Any = 0.0, scale: Any = 1.0
) -> np.ndarray:
    """Return samples to compare two networks on: random ones, and extreme ones.

    The first is all zeros and the second the centre. The others are normally distributed, and
    every second one is ten times as far out as the training samples.
    """
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(n_samples, *sample_shape))
    samples[::2] *= 10
    samples = centre + scale * samples
    samples[0], samples[1] = 0, centre
    return np.clip(samples, -3e38, 3e38).astype(np.float32)


def points(network: nn.Module, samples: np.ndarray) -> np.ndarray:
    """Return the points that a network gives to samples."""
    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(samples)))


def onnx_points(content: bytes, samples: np.ndarray) -> np.ndarray:
    """Return the points that a program gives to samples, in onnxruntime."""
    try:
        return np.asarray(session(content).run(None, {"X": samples})[0])
    except Exception as error:  # the exceptions of onnxruntime have no public class
        raise InputError(
            f"the translated network does not run on {len(samples)} samples "
            f"({str(error).strip().splitlines()[0][:200]}); does it depend on the number of rows?"
        ) from None


MAX_DIFFERENCE = 1e-5


def difference(
    expected: np.ndarray, Z: np.ndarray, margin: float, most: float = MAX_DIFFERENCE
) -> float:
    """Return the largest difference of two maps of the same samples, relative to the map's scale.

    The scale of a point is the margin, or its distance from the origin if that is larger.

    Raises
    ------
    InputError
        If it is more than `most`.
    """
    if Z.shape != expected.shape:
        raise InputError(
            f"the program gives the shape {Z.shape} and the network {expected.shape}; the network "
            "cannot be translated"
        )
    scale = np.maximum(margin, np.abs(expected).max(axis=1, keepdims=True, initial=0))
    apart = np.abs(Z.astype(np.float64) - expected) / scale
    largest = float(apart.max(initial=0))
    if not largest <= most:  # also if it is NaN
        raise InputError(
            f"the program's points differ from the network's by up to {largest:.2g} of the map's "
            f"scale, and at most {most:g} is accepted; does the network draw random "
            "numbers, or depend on the other rows of a batch?"
        )
    return largest


def session(content: bytes) -> Any:
    """Prepare a program to run on the processor, without running any of it."""
    with _extra("running a program"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        content,
        options,
        providers=["CPUExecutionProvider"],
        # It would run a part of the program, without a time limit.
        disabled_optimizers=["ConstantFolding"],
        enable_fallback=0,  # it would print a message, and try the same again
    )


class ProgramError(Exception):
    """Why a program cannot be used; the remedy depends on where the program came from."""


class Program(nn.Module):
    """A network that is run as a program: it maps, and cannot learn.

    Parameters
    ----------
    content : bytes
        ONNX, for `N_ROWS` rows or any other fixed number.
    sample_shape : tuple of int
    n_components : int
    weights : dict of str to ndarray
        The weights of the network that the program stands for. They are written with the map
        again, for a reader who has the network's builder.

    Raises
    ------
    ProgramError
        If the content is not a program, does what a stored program may not do, or does not map
        samples of this shape to points of `n_components` components.
    """

    def __init__(
        self,
        content: bytes,
        sample_shape: tuple[int, ...],
        n_components: int,
        weights: dict[str, np.ndarray],
    ) -> None:
        super().__init__()
        self.content = content
        self.weights = weights
        self.n_rows = check(content, sample_shape, n_components)
        self._session: Any = None
        # The exceptions of onnxruntime have no public class.
        try:
            Z = self._first_run(np.zeros((self.n_rows, *sample_shape), np.float32))
        except (MemoryError, ImportError):
            raise
        except Exception as error:
            raise ProgramError(f"it does not run: {str(error)[:200]}") from None
        if Z.shape != (self.n_rows, n_components) or Z.dtype != np.float32:
            raise ProgramError(f"it maps samples to {Z.dtype} of the shape {Z.shape}")

    def forward(self, X: Tensor) -> Tensor:
        """Return the points of any number of samples, `n_rows` at a time."""
        rows = X.detach().cpu().numpy().astype(np.float32, copy=False)
        missing = -len(rows) % self.n_rows
        filler = np.zeros((missing, *rows.shape[1:]), np.float32)
        blocks = np.concatenate([rows, filler]).reshape(-1, self.n_rows, *rows.shape[1:])
        Z = np.concatenate([self._run(block) for block in blocks])[: len(rows)]
        return torch.from_numpy(Z)

    def _run(self, block: np.ndarray, options: Any = None) -> np.ndarray:
        if self._session is None:
            self._session = session(self.content)
        Z: np.ndarray = self._session.run(None, {"X": block}, options)[0]
        return Z

    def _first_run(self, block: np.ndarray) -> np.ndarray:
        with _extra("the program of a map without its network"):
            import onnxruntime
        options = onnxruntime.RunOptions()
        timer = threading.Timer(MAX_SECONDS, setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            return self._run(block, options)
        finally:
            timer.cancel()

    def __getstate__(self) -> dict[str, Any]:
        # A session belongs to its process; a copy makes its own.
        return {**self.__dict__, "_session": None}


def check(content: bytes, sample_shape: tuple[int, ...], n_components: int) -> int:
    """Check a program without running it; return its number of rows, or raise `ProgramError`."""
    with _extra("reading a program"):
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    if len(content) > MAX_BYTES:
        raise ProgramError(f"it has {len(content)} bytes, and at most {MAX_BYTES} are read")
    try:
        model = onnx.ModelProto.FromString(content)
    except DecodeError:
        raise ProgramError("it is not ONNX") from None
    graph = model.graph
    if len(graph.node) > MAX_NODES:
        raise ProgramError(f"it has {len(graph.node)} operations, more than {MAX_NODES}")
    for part, entries in (
        ("functions", model.functions),
        ("training", model.training_info),
        ("sparse weights", graph.sparse_initializer),
    ):
        if len(entries):
            raise ProgramError(f"it contains {part}")
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if not (set(opsets) <= {"", "ai.onnx"} and all(v in _OPSETS for v in opsets.values())):
        raise ProgramError(f"it uses the operations of {opsets}, not only those of ONNX")
    for tensor in graph.initializer:
        _check_tensor(tensor)
    for node in graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type in _FORBIDDEN:
            raise ProgramError(f"it uses the operation {node.op_type!r:.40}")
        for attribute in node.attribute:
            if attribute.HasField("g") or len(attribute.graphs):
                raise ProgramError(f"it has a branch or a loop, {node.op_type!r:.40}")
            if attribute.HasField("sparse_tensor") or len(attribute.sparse_tensors):
                raise ProgramError("it contains sparse weights")
            for tensor in (attribute.t, *attribute.tensors):
                _check_tensor(tensor)
    n_rows = _check_interface(graph, sample_shape, n_components)
    _check_sizes(model)
    return n_rows


# Operations that draw random numbers: a sample's point would not be the same twice.
_FORBIDDEN = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}


def _check_tensor(tensor: Any) -> None:
    if len(tensor.external_data) or tensor.data_location:
        raise ProgramError("its weights are in another file")
    if math.prod(tensor.dims) > MAX_VALUE or any(
        not 0 <= size <= MAX_VALUE for size in tensor.dims
    ):
        raise ProgramError(f"it has weights of the shape {list(tensor.dims)!r:.100}")


def _check_interface(graph: Any, sample_shape: tuple[int, ...], n_components: int) -> int:
    from onnx import TensorProto

    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if [value.name for value in inputs] != ["X"] or [v.name for v in graph.output] != ["Z"]:
        raise ProgramError("its input is not X, or its output is not Z")
    X, Z = (value.type.tensor_type for value in (inputs[0], graph.output[0]))
    if X.elem_type != TensorProto.FLOAT or Z.elem_type != TensorProto.FLOAT:
        raise ProgramError("its input or its output is not float32")
    shape = [size.dim_value for size in X.shape.dim]
    if not shape or not 1 <= shape[0] <= 1024 or tuple(shape[1:]) != tuple(sample_shape):
        raise ProgramError(
            f"it takes the shape {shape!r:.100}, and the map {(N_ROWS, *sample_shape)}"
        )
    if [size.dim_value for size in Z.shape.dim] != [shape[0], n_components]:
        raise ProgramError(f"it does not give {n_components} components for each of its rows")
    return int(shape[0])


def _check_sizes(model: Any) -> None:
    """Infer the size of every array that the program makes, and check it."""
    import onnx

    del model.graph.value_info[:]  # the sizes that the file claims are not used
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    except Exception as error:  # onnx raises several unrelated types
        raise ProgramError(f"its sizes do not agree: {str(error)[:200]}") from None
    known = {value.name: value.type.tensor_type.shape for value in inferred.value_info}
    known.update({value.name: value.type.tensor_type.shape for value in inferred.output})
    total = 0
    for node in inferred.node:
        for made in filter(None, node.output):
            sizes = [size.dim_value for size in known[made].dim] if made in known else [0]
            # No network needs an empty array; a size that cannot be inferred is also 0.
            if not all(0 < size <= MAX_VALUE for size in sizes) or math.prod(sizes) > MAX_VALUE:
                raise ProgramError(
                    f"{node.op_type!r:.40} makes an array of the shape {sizes!r:.100}"
                )
            total += math.prod(sizes)
    if total > MAX_VALUES:
        raise ProgramError(f"it makes arrays of {total} numbers, more than {MAX_VALUES}")


@contextlib.contextmanager
def _extra(needed_for: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        package = (error.name or "onnx").split(".")[0]
        raise missing_extra(package, "onnx", needed_for) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warnings and messages of torch's exporter."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
