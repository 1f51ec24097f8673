"""A tensor of a network as an array that a map file and a checkpoint can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from drlim._errors import InputError

_KINDS = "buif"  # of numpy's dtypes: the others, such as complex numbers, are in no map file


def as_stored(name: str, tensor: Any) -> np.ndarray:
    """Return a weight or a buffer as an array.

    Raises
    ------
    InputError
        If it is of another kind or dtype, such as bfloat16.
    """
    if not isinstance(tensor, torch.Tensor):
        raise InputError(
            f"the network's state has {name}, a {type(tensor).__name__}, which a map file cannot "
            "hold; keep it in the builder, or in a buffer"
        )
    try:
        array: np.ndarray = tensor.detach().cpu().numpy()
    except (TypeError, RuntimeError):
        array = np.array(None)
    if array.dtype.kind not in _KINDS:
        kind = tensor.dtype if tensor.layout == torch.strided else tensor.layout
        raise InputError(
            f"the weight {name} is of {kind}, which a map file cannot hold; convert it: "
            "map_.network_.float() for weights, another dtype in the builder for a buffer"
        )
    return array
