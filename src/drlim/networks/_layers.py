"""The layers that drlim's networks are made of."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from drlim._applying import rows_at_once
from drlim._checks import is_number
from drlim._errors import InputError, nearest_name
from drlim._types import Float, Num

Builder = Callable[[tuple[int, ...], int], nn.Module]

# Rows that pass through the layers at once, and between whose points the mean distance is taken.
_ROWS = 512

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class Standardize(nn.Module):
    """Move samples to their centre and into their own unit, as the training data had them.

    It stands before the network and holds its numbers as buffers, so that they are saved with
    the weights: raw samples in the unit of the training data always give the same point. One
    unit for all features keeps the ratios of distances, and so the neighbours; features in units
    of their own are divided by one each.

    Parameters
    ----------
    centre : array
        Subtracted: one number a feature, one a channel of images, ``(channels, 1, 1)``, or one
        for all.
    scale : float or array
        Divided by, > 0: one for all, or an array of the shape of the centre.
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, centre: Any, scale: Any) -> None:
        super().__init__()
        centre, unit = np.array(centre, np.float64), np.asarray(scale)
        is_number_each = unit.dtype.kind in "iuf" and bool(np.isfinite(unit).all())
        if not is_number_each or (unit <= 0).any():
            raise InputError(
                f"scale is {reprlib.repr(scale)}; samples are divided by it, so it must be finite "
                "and > 0"
            )
        if unit.shape not in ((), centre.shape):
            raise InputError(
                f"scale has the shape {unit.shape} and the centre {centre.shape}; give one number "
                "for all features, or one for each number of the centre"
            )
        self.register_buffer("centre", torch.from_numpy(centre))
        self.register_buffer("scale", torch.from_numpy(np.array(unit, np.float64)))

    @property
    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """The centre and the scale as arrays."""
        return self.centre.cpu().numpy(), self.scale.cpu().numpy()

    def forward(self, X: Num[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Return float32 samples; float64 ones are centred before they are rounded."""
        if X.dtype != torch.float64:
            X = X.float()
        return (X - self.centre.to(X.dtype)).div_(self.scale.to(X.dtype)).float()


class AlignedLinear(nn.Linear):
    """A linear layer that gives a row the same bits wherever in a batch it stands.

    The matrix products of some processors add up the terms of a row in an order that depends on
    its alignment in memory. Rows padded with zeros to 64 bytes are all aligned alike.
    """

    def forward(self, X: Float[Tensor, "b features"]) -> Float[Tensor, "b units"]:
        """Return X times the weights, and the bias."""
        missing = -self.in_features % 16
        if not missing:
            return super().forward(X)
        return F.linear(F.pad(X, (0, missing)), F.pad(self.weight, (0, missing)), self.bias)


class AlongComponents(nn.Sequential):
    """Layers of which the last, a linear one, starts along principal components.

    A map learnt from few samples keeps much of what its first weights are. Random ones mix all
    directions of the samples; the principal components keep most of their distances, so that
    what is not learnt stays as it was among the samples.
    """

    def start_along_components(self, X: Float[Tensor, "n ..."], margin: float) -> None:
        """Set the last layer so that the map of X is its principal components.

        Those of what the layer is given. The mean distance of two points becomes the margin, so
        that the springs act on most pairs from the first step.

        Parameters
        ----------
        X : Tensor of shape (n_samples, ...)
            Samples, standardised.
        margin : float
        """
        *layers, last = self
        before = nn.Sequential(*layers)
        with torch.no_grad():
            n = rows_at_once(before, _ROWS)
            features = torch.cat([before(block) for block in torch.split(X, n)])
            if isinstance(last, AlongComponents):
                last.start_along_components(features, margin)
                return
            linear = last.path if isinstance(last, LinearPath) else last
            assert isinstance(linear, nn.Linear)
            weight, bias = principal_components(features, linear.out_features, margin)
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)


class Directions(nn.Module):
    """Divides each row by the root of its mean square, so that only its direction counts."""

    def forward(self, X: Float[Tensor, "b features"]) -> Float[Tensor, "b features"]:
        """Return rows whose numbers have a mean square of 1; zeros stay zeros."""
        return X / X.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-6)


class OnSphere(AlongComponents):
    """Layers whose points are moved along their directions onto a sphere.

    Its radius is such that the mean distance of two points is a margin at the start.
    """

    radius: Tensor

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.register_buffer("radius", torch.ones(()))

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b units"]:
        """Return points at the distance of the radius from the origin."""
        Z: Tensor = super().forward(X)  # type: ignore[no-untyped-call]  # torch has no type for it
        # A point at the origin has no direction; it stays there, with a finite gradient.
        return self.radius * Z / (Z.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()

    def start_along_components(self, X: Float[Tensor, "n ..."], margin: float) -> None:
        """As in `AlongComponents`; the directions are those of the principal components."""
        super().start_along_components(X, 1.0)
        with torch.no_grad():
            Z: Tensor = self(X[:_ROWS]) / self.radius
            distance = torch.pdist(Z).mean() if len(Z) > 1 else Z.new_zeros(())
            self.radius.copy_(margin / distance if distance > 0 else Z.new_tensor(margin))


class LinearPath(nn.Module):
    """``path(x) + layers(x)``: a linear map, and what hidden layers add to it.

    At the start the hidden layers add nothing: their last one is zero. In `AlongComponents`, the
    map so starts as that of principal component analysis.

    Parameters
    ----------
    path : AlignedLinear
    layers : nn.Sequential
        Layers with a linear one at the end.
    """

    def __init__(self, path: AlignedLinear, layers: nn.Sequential) -> None:
        super().__init__()
        self.path, self.layers = path, layers
        last = layers[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, X: Float[Tensor, "b features"]) -> Float[Tensor, "b units"]:
        """Return the sum of both."""
        return self.path(X) + self.layers(X)


def principal_components(
    X: Float[Tensor, "n features"], n_components: int, margin: float
) -> tuple[Float[Tensor, "n_components features"], Float[Tensor, " n_components"]]:
    """Return weights and bias that map samples to principal components, the margin apart.

    Components beyond the rank of X are zero.
    """
    centre = X.double().mean(dim=0)
    X = X.double() - centre
    # Of the two products of X with itself the smaller one, in a tenth of the time of an SVD.
    is_wide = X.shape[1] > len(X)
    squares, vectors = torch.linalg.eigh(X @ X.T if is_wide else X.T @ X)
    squares, vectors = squares.flip(0)[:n_components], vectors.flip(1)[:, :n_components]
    axes = (X.T @ vectors if is_wide else vectors).T
    axes = axes / axes.norm(dim=1, keepdim=True).clamp_min(1e-300)
    axes = axes * (squares[:, None] > 1e-10 * squares[:1])
    # The sign of a component is arbitrary; it is chosen so that its largest weight is positive.
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    axes = axes * torch.where(largest < 0, -1.0, 1.0)
    distance = torch.pdist(X[:_ROWS] @ axes.T).mean() if len(X) > 1 else X.new_zeros(())
    axes = axes * (margin / distance if distance > 0 else 1.0)
    weight = X.new_zeros((n_components, X.shape[1]))
    weight[: len(axes)] = axes
    return weight.float(), (-weight @ centre).float()


class Deform(nn.Module):
    """Deforms each image slightly in training, by an affine change drawn anew each time.

    Unlike the `augment` of `drlim.DrLIM`, which adds a second copy of each sample to teach a map
    to ignore a change, this keeps one copy and only prevents overfitting, as dropout does. A
    trained network leaves images as they are.

    Parameters
    ----------
    strength : float
        The largest change of each of the six numbers of an affine map, in half the side of an
        image. 0: none.

    Examples
    --------
    >>> Deform(0.06).eval()(torch.ones(5, 8, 8)).shape
    torch.Size([5, 8, 8])
    """

    draws = True  # random numbers, in training

    def __init__(self, strength: float) -> None:
        super().__init__()
        if not is_number(strength) or strength < 0:
            raise InputError(f"strength is {strength!r}; it must be a finite number >= 0")
        self.strength = strength

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Return images of shape (b, h, w) or (b, channels, h, w), deformed in training."""
        if not self.training:
            return X
        images = X[:, None] if X.ndim == 3 else X
        height, width = images.shape[2:]
        y, x = torch.meshgrid(
            _pixel_centres(height, X.device), _pixel_centres(width, X.device), indexing="ij"
        )
        place = torch.stack([x, y, torch.ones_like(x)]).flatten(1)
        change = (2 * torch.rand(2 * len(X), 3, device=X.device) - 1) * self.strength
        grid = (change @ place).view(-1, 2, height, width) + place[:2].view(2, height, width)
        deformed = F.grid_sample(
            images, grid.movedim(1, 3), padding_mode="border", align_corners=False
        )
        return deformed.view(X.shape)


def _pixel_centres(n: int, device: torch.device) -> Float[Tensor, " n"]:
    """Return the centres of n pixels, between the image's edges at -1 and 1."""
    return (2 * torch.arange(n, device=device) + 1) / n - 1


class Residual(nn.Module):
    """x + f(x), where f is two convolutions, each after a normalisation and an activation."""

    def __init__(self, maps: int, activation: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [grouped(maps), activation_named(activation)]
            layers.append(nn.Conv2d(maps, maps, kernel_size=3, padding=1))
        self.change = nn.Sequential(*layers)

    def forward(self, X: Float[Tensor, "b maps h w"]) -> Float[Tensor, "b maps h w"]:
        return X + self.change(X)


def grouped(maps: int) -> nn.Module:
    """Build a normalisation within each sample, in up to 8 groups of at least 4 maps."""
    return nn.GroupNorm(math.gcd(8, maps, max(maps // 4, 1)), maps)


class Reshape(nn.Module):
    def __init__(self, sample_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.sample_shape = sample_shape

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        return X.reshape(-1, *self.sample_shape)


class SubsampledConv2d(nn.Conv2d):
    """A convolution and the mean of each 2 x 2 of its output, as one convolution of stride 2.

    The mean of four neighbouring outputs of a k x k kernel is the output of one kernel of
    k + 1 by k + 1, the mean of the four copies of the small one that are shifted by 0 or 1.
    """

    def forward(self, X: Float[Tensor, "b c h w"]) -> Float[Tensor, "b maps h2 w2"]:
        wide = F.pad(self.weight, (0, 1)) + F.pad(self.weight, (1, 0))
        kernel = (F.pad(wide, (0, 0, 0, 1)) + F.pad(wide, (0, 0, 1, 0))) / 4
        return F.conv2d(X, kernel, self.bias, stride=2)


def activation_named(name: str) -> nn.Module:
    if name not in ACTIVATIONS:
        raise InputError(f"activation is {name!r}; {nearest_name(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]()
