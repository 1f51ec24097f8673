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

from drlim._checks import check_count, is_number
from drlim._errors import FileError, InputError
from drlim._types import Float
from drlim.networks._architectures import mlp, sphere
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
    freeze: bool | int = True,
    hidden: Sequence[int] = (),
    channels: int | None = None,
    rate: float = 0.1,
    warm_up: float = 0.1,
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
    freeze : bool or int, default=True
        Whether the backbone stays as it is: no gradients, and evaluation mode even while the head
        trains. False: its weights learn too. A number: only its last blocks learn, so many. In any
        case its batch normalisation keeps its statistics, because rows of a batch must not mix.
    hidden : sequence of int, default=()
        Units of the head's hidden layers.
    channels : int, optional
        The number of channels that the module expects: grey images, (h, w) or (1, h, w), are
        repeated to that many. None: the module gets the samples as they are.
    rate : float, default=0.1
        The learning rate of what learns of the backbone, as a share of the head's.
    warm_up : float, default=0.1
        The share of the training in which the head alone learns: at the start its gradients are
        those of a head that knows nothing.

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
        rate=rate,
        warm_up=warm_up,
    )


def _with_backbone(
    sample_shape: tuple[int, ...],
    n_components: int,
    *,
    module: Callable[[], nn.Module],
    weights: str | os.PathLike[str] | None,
    freeze: bool | int,
    hidden: Sequence[int],
    channels: int | None,
    rate: float,
    warm_up: float,
) -> nn.Module:
    extractor = module()
    if not isinstance(extractor, nn.Module):
        raise InputError(
            f"the backbone's module gave a {type(extractor).__name__}; it must be a callable "
            "without arguments that returns an nn.Module"
        )
    # The callable may return the same module every time, but each fit needs its own.
    extractor = copy.deepcopy(extractor)
    if weights is not None and not is_followed_by_weights():
        _load_weights(extractor, Path(weights))
    # Earlier files of maps with hidden layers have no linear path beside them.
    start = "random" if hidden else "components"
    body = Backbone(extractor, freeze, channels, rate=rate, warm_up=warm_up)
    return with_head(body, sample_shape, n_components, hidden, start=start)


def with_head(
    body: Backbone,
    sample_shape: tuple[int, ...],
    n_components: int,
    hidden: Sequence[int],
    *,
    start: str,
    directions: bool = False,
) -> nn.Module:
    """Put a new head on the features of a body.

    Raises
    ------
    InputError
        If the body does not take the samples.
    """
    shape = (_n_features(body.eval(), sample_shape),)
    if directions:
        head = sphere(shape, n_components, hidden)
    else:
        head = mlp(shape, n_components, hidden, start=start)
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

    Parameters
    ----------
    module : nn.Module
    freeze : bool or int
        True: nothing of it learns; False: all of it; a number: the last blocks, so many.
    channels : int, optional
        That images of one channel are repeated to.
    rate : float
        The learning rate of what learns of it, as a share of that of other layers.
    warm_up : float
        The share of a training in which nothing of it learns yet.

    Attributes
    ----------
    rows_at_once : int
        How many samples are given to it together where it is applied.
    n_copies : int
        Of samples that are changed at random, how many changed copies have features computed.
    cache : bool or path
        Whether and where features are kept on disk.
    """

    rows_at_once: int = 16  # of photographs, the activations of more take gigabytes
    n_copies: int = 4
    cache: bool | str | os.PathLike[str] = False

    def __init__(
        self,
        module: nn.Module,
        freeze: bool | int,
        channels: int | None,
        *,
        rate: float = 0.1,
        warm_up: float = 0.1,
    ) -> None:
        super().__init__()
        if not isinstance(freeze, bool):
            check_count(freeze, "freeze", 0)
        if not is_number(rate) or rate <= 0:
            raise InputError(f"rate is {rate!r}; it must be a number > 0")
        if not is_number(warm_up) or not 0 <= warm_up < 1:
            raise InputError(f"warm_up is {warm_up!r}; it must be a number from 0 up to 1")
        self.module = module
        self.channels = channels
        self.rate, self.warm_up = rate, warm_up
        if freeze is not False:
            module.requires_grad_(False)
        if freeze is not True and freeze is not False:
            for block in last_blocks(module, freeze):
                block.requires_grad_(True)

    @property
    def is_frozen(self) -> bool:
        """Whether nothing of it learns."""
        return not any(weight.requires_grad for weight in self.module.parameters())

    def train(self, mode: bool = True) -> Backbone:
        super().train(mode)
        _hold_still(self.module, learns=not self.is_frozen)
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
        is_frozen = self.is_frozen
        # On a card, most of a training's time; a map is applied in full precision.
        is_mixed = self.training and X.is_cuda and not is_frozen
        with (
            torch.set_grad_enabled(torch.is_grad_enabled() and not is_frozen),
            torch.autocast("cuda", torch.bfloat16) if is_mixed else contextlib.nullcontext(),
        ):
            features = self.module(X)
        if not isinstance(features, Tensor) or features.ndim < 2:
            raise InputError(
                f"the backbone gave a {type(features).__name__}; it must map (b, ...) to one "
                "tensor of features, (b, ...)"
            )
        return features.flatten(1).float()


def _hold_still(module: nn.Module, *, learns: bool) -> None:
    """Put what does not learn into evaluation mode, and all normalisation over the batch.

    A layer without weights, such as dropout, learns if what it is a part of does.
    """
    weights = list(module.parameters())
    learns = any(weight.requires_grad for weight in weights) if weights else learns
    if not learns or isinstance(module, nn.modules.batchnorm._NormBase):
        module.training = False
    for part in module.children():
        _hold_still(part, learns=learns)


def last_blocks(module: nn.Module, n: int) -> list[nn.Module]:
    """Return the last n blocks of a network, and what comes after the first of them.

    The network is taken apart into its layers, in their order, lists of layers and any part with
    half of all weights into theirs. Blocks are the parts that have several layers with weights; if
    there are none, all parts with weights.

    Raises
    ------
    InputError
        If there are fewer blocks.
    """
    n_weights = _n_weights(module)
    parts = [part for part in _parts(module, n_weights / 2) if _n_weights(part)]
    blocks = [part for part in parts if _n_layers(part) > 1] or parts
    if n > len(blocks):
        raise InputError(
            f"freeze is {n}, and the pretrained network has {len(blocks)} blocks; give a smaller "
            "number, or False to let all of it learn"
        )
    return parts[parts.index(blocks[-n]) :] if n else []


def _parts(module: nn.Module, most: float) -> list[nn.Module]:
    children = list(module.children())
    is_list = isinstance(module, nn.Sequential | nn.ModuleList)
    if not children or not (is_list or _n_weights(module) >= most):
        return [module]
    return [part for child in children for part in _parts(child, most)]


def _n_layers(module: nn.Module) -> int:
    return sum(1 for layer in module.modules() if list(layer.parameters(recurse=False)))


def _n_weights(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
