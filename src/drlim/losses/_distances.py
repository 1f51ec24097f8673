"""Differentiable distances, and the loss of each pair (eq. 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from drlim._checks import as_array
from drlim._errors import InputError, LabelError
from drlim._types import Bool, Float
from drlim.losses._springs import Contrastive, check_margin


def distances_among(Z: Float[Tensor, "b n_components"]) -> Float[Tensor, " n_pairs"]:
    """Return the Euclidean distance of every pair of points, in condensed order.

    The distances come from differences, never from the expanded square, so two near points far
    from the origin keep their distance. Half-precision points are compared in float32, in
    which the square of a small difference does not vanish.

    Two points in the same place have no direction in which to part: their distance is exactly
    0 and its gradient is 0, never NaN. Points any farther apart than 1e-18 repel with full
    size; nearer ones count as being in the same place.

    This is for loops of your own: `DrLIM` computes distances and forces together, in blocks
    (`drlim.losses._forces`).

    Parameters
    ----------
    Z : Tensor of shape (b, n_components)

    Returns
    -------
    Tensor of shape (b (b - 1) / 2,), float32 or float64
        The distances of the pairs (0, 1), (0, 2), ..., (1, 2), ...

    Examples
    --------
    >>> distances_among(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]))
    tensor([5., 0., 5.])
    """
    if not isinstance(Z, Tensor) or Z.ndim != 2 or not Z.is_floating_point():
        given = f"{Z.dtype} of the shape {tuple(Z.shape)}" if isinstance(Z, Tensor) else type(Z)
        raise InputError(f"Z is {given}; it must be a tensor of floats, (b, n_components)")
    if Z.dtype in (torch.float16, torch.bfloat16):
        Z = Z.float()
    # The gradient of torch.pdist for no points ends the process (pytorch#197099).
    return torch.pdist(Z) if len(Z) else Z.sum(dim=1)


def contrastive_loss(distance: Any, similar: Any, margin: float) -> Any:
    """Return the loss of each pair: the paper's eq. 4.

    1/2 D^2 for a similar pair, and 1/2 max(0, margin - D)^2 for a dissimilar one.

    Parameters
    ----------
    distance : Tensor or array of floats, any shape
        The distance D of each pair in the map, >= 0.
    similar : Tensor or array of bool, the same shape
        True where the pair is similar. The paper's labels are the other way round (Y = 0 for
        similar); of numbers only 1, similar, and 0, dissimilar, are accepted.
    margin : float
        The radius within which dissimilar points repel each other, > 0.

    Returns
    -------
    Tensor or array, as `distance`
        One value a pair, in the shape of `distance`; differentiable if `distance` is a Tensor.

    Raises
    ------
    InputError
        If the shapes differ or the margin is not > 0.
    LabelError
        If `similar` has values other than True and False (1 and 0).

    Examples
    --------
    >>> contrastive_loss(np.array([0.5, 0.5]), np.array([True, False]), margin=1.0)
    array([0.125, 0.125])
    """
    check_margin(margin)
    if not isinstance(distance, Tensor):
        distance = as_array(distance, "distance")
        if distance.dtype.kind not in "buif":
            raise InputError(f"distance has the dtype {distance.dtype}; it must be of numbers")
        if (distance < 0).any():
            raise InputError(f"distance has the value {distance.min():g}; a distance is >= 0")
        as_tensor = torch.from_numpy(np.array(distance, dtype=_float_dtype(distance)))
        return contrastive_loss(as_tensor, similar, margin).numpy()
    similar = _as_bool(similar, distance.device)
    if similar.shape != distance.shape:
        raise InputError(
            f"distance has the shape {tuple(distance.shape)} and similar "
            f"{tuple(similar.shape)}; both must have one value a pair"
        )
    spring = Contrastive(margin)
    return torch.where(similar, spring.attraction(distance), spring.repulsion(distance))


def _float_dtype(distance: Any) -> Any:
    dtype = np.asarray(distance).dtype
    return dtype if dtype.kind == "f" else np.float64


def _as_bool(similar: Any, device: torch.device) -> Bool[Tensor, "..."]:
    if not isinstance(similar, Tensor):
        # A copy: torch accepts no negative strides.
        similar = as_array(similar, "similar").copy()
        if similar.dtype.kind not in "buif":
            raise _not_bool(similar)
    values = torch.as_tensor(similar, device=device)
    if values.dtype == torch.bool:
        return values
    truth = values == 1
    if not (truth | (values == 0)).all():
        raise _not_bool(values)
    return truth


def _not_bool(similar: Any) -> LabelError:
    return LabelError(
        f"similar has the dtype {similar.dtype} and values other than 0 and 1; it must be bool: "
        "True where the pair is similar"
    )
