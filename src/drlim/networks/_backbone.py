"""A network trained elsewhere, as the backbone of a new head."""

from __future__ import annotations

import contextlib
import copy
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import Tensor, nn

from drlim._errors import FileError, InputError
from drlim._types import Float
from drlim.networks._architectures import mlp
from drlim.networks._layers import AlongComponents, Builder

# Whether a map's own weights follow, so that a backbone's file of weights is not read again.
_weights_follow: ContextVar[bool] = ContextVar("weights_follow", default=False)


@contextlib.contextmanager
def weights_follow() -> Iterator[None]:
    """Build backbones without their files of weights: the weights come from a map's file."""
    token = _weights_follow.set(True)
    try:
        yield
    finally:
        _weights_follow.reset(token)


def is_followed_by_weights() -> bool:
    """Tell whether a network is being built for weights that a map's file has."""
    return _weights_follow.get()


def backbone(
    module: Callable[[], nn.Module],
    *,
    weights: str | os.PathLike[str] | None = None,
    freeze: bool = True,
    hidden: Sequence[int] = (),
    channels: int | None = None,
) -> Builder:
    """Make a builder of a network trained elsewhere, with a new head on its features.

    The module's output is flattened; hidden layers, if any, and a linear layer follow, and they
    learn. `DrLIM` standardises samples as a whole before the module sees them. A saved map holds
    all weights, including the backbone's, so loading it needs only the module:
    ``drlim.load(path, network=backbone(module))``, with the same `hidden` and `channels`.

    Parameters
    ----------
    module : callable
        Without arguments; returns the feature extractor, an nn.Module ``(b, ...) -> (b, ...)``.
    weights : path, optional
        A safetensors file with the module's whole state dict. None: the weights that the module
        comes with.
    freeze : bool, default=True
        Whether the backbone stays as it is: no gradients, and evaluation mode even while the head
        trains. Otherwise its weights learn too. In either case its batch normalisation keeps its
        statistics, because rows of a batch must not mix.
    hidden : sequence of int, default=()
        Units of the head's hidden layers.
    channels : int, optional
        The number of channels that the module expects: grey images, (h, w) or (1, h, w), are
        repeated to that many. None: the module gets the samples as they are.

    Returns
    -------
    callable
        A builder ``(sample_shape, n_components) -> nn.Module``, for ``DrLIM(network=...)``. When
        called, it raises FileError if the file is missing or not a safetensors file, and
        InputError if the weights or the samples do not fit the module.

    Raises
    ------
    InputError
        If `module` is not such a callable.

    Examples
    --------
    >>> def features():
    ...     return nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU())
    >>> network = backbone(features, channels=3)((28, 28), 2)
    >>> network(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 2])
    """
    if isinstance(module, nn.Module) or not callable(module):
        raise InputError(
            f"the backbone's module is a {type(module).__name__}; it must be a callable without "
            "arguments that returns an nn.Module, so that each fit starts anew: lambda: module"
        )
    return functools.partial(
        _with_backbone,
        module=module,
        weights=weights,
        freeze=freeze,
        hidden=tuple(hidden),
        channels=channels,
    )


def _with_backbone(
    sample_shape: tuple[int, ...],
    n_components: int,
    *,
    module: Callable[[], nn.Module],
    weights: str | os.PathLike[str] | None,
    freeze: bool,
    hidden: Sequence[int],
    channels: int | None,
) -> nn.Module:
    extractor = module()
    if not isinstance(extractor, nn.Module):
        raise InputError(
            f"the backbone's module gave a {type(extractor).__name__}; it must be a callable "
            "without arguments that returns an nn.Module"
        )
    if weights is not None and not is_followed_by_weights():
        _load_weights(extractor, Path(weights))
    # Earlier files of maps with hidden layers have no linear path beside them.
    start = "random" if hidden else "components"
    return with_head(
        Backbone(extractor, freeze, channels), sample_shape, n_components, hidden, start=start
    )


def with_head(
    body: Backbone,
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int],
    *,
    start: str,
) -> nn.Module:
    """Put a new head on the features of a body.

    Raises
    ------
    InputError
        If the body does not take the samples.
    """
    # What makes a module may return the same one every time, but each fit needs its own.
    body = copy.deepcopy(body).eval()
    head = mlp((_n_features(body, sample_shape),), n_components, hidden, start=start)
    kind = nn.Sequential if start == "random" else AlongComponents
    return kind(body.train(), head)


def _n_features(body: Backbone, sample_shape: tuple[int, ...]) -> int:
    for module in body.modules():
        if isinstance(known := getattr(module, "n_features", None), int):
            return known
    try:
        with torch.no_grad():
            return int(body(torch.zeros(2, *sample_shape)).shape[1])
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the backbone does not take samples of the shape {tuple(sample_shape)} ({error}); "
            "resize them, or give channels= if it expects colour and they are grey"
        ) from error


def _load_weights(module: nn.Module, path: Path) -> None:
    try:
        tensors = parse_tensors(path.read_bytes())
    except OSError as error:
        raise file_missing(path, error) from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise FileError(
            f"the weights {path} are not a complete safetensors file ({error}); write them with "
            "safetensors.torch.save_file(module.state_dict(), path)"
        ) from None
    fill(module, tensors, path)


def file_missing(path: Path, error: OSError) -> FileError:
    """Return the error of a file of weights that cannot be read."""
    return FileError(f"the weights {path} cannot be read ({error.strerror}); is it the right path?")


def fill(module: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Give a module the weights of a file, which must be all of them and no others."""
    own = module.state_dict()
    complaints = {
        "not in the file": [name for name in own if name not in tensors],
        "not in the module": [name for name in tensors if name not in own],
        "of another shape": [
            f"{name} ({tuple(tensors[name].shape)}, in the module {tuple(own[name].shape)})"
            for name in own
            if name in tensors and tensors[name].shape != own[name].shape
        ],
    }
    reasons = [
        f"{what}: {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if names[3:] else "")
        for what, names in complaints.items()
        if names
    ]
    if reasons:
        raise InputError(
            f"the weights {path} do not fit the backbone; {'; '.join(reasons)}. Give the "
            "state dict of this module"
        )
    module.load_state_dict(tensors)


class Backbone(nn.Module):
    """A module in which rows never mix, frozen or not; samples to rows of features.

    Attributes
    ----------
    n_copies : int
        Of samples that are changed at random, how many changed copies have features computed.
    cache : bool or path
        Whether and where features are kept on disk.
    """

    n_copies: int = 4
    cache: bool | str | os.PathLike[str] = False

    def __init__(self, module: nn.Module, freeze: bool, channels: int | None) -> None:
        super().__init__()
        self.module = module
        self.freeze = freeze
        self.channels = channels
        if freeze:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        for module in self.module.modules():
            if self.freeze or isinstance(module, nn.modules.batchnorm._NormBase):
                module.training = False
        return self

    def forward(self, X: Float[Tensor, "b ..."]) -> Float[Tensor, "b features"]:
        if self.channels is not None:
            X = X[:, None] if X.ndim == 3 else X
            if X.ndim != 4 or X.shape[1] not in (1, self.channels):
                raise InputError(
                    f"samples have the shape {tuple(X.shape[1:])} and the backbone expects "
                    f"{self.channels} channels; give images (h, w), (1, h, w) or "
                    f"({self.channels}, h, w)"
                )
            X = X.expand(-1, self.channels, -1, -1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze):
            features = self.module(X)
        if not isinstance(features, Tensor) or features.ndim < 2:
            raise InputError(
                f"the backbone gave a {type(features).__name__}; it must map (b, ...) to one "
                "tensor of features, (b, ...)"
            )
        return features.flatten(1)
