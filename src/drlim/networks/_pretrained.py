"""Pretrained networks by name: what each expects of pixels, and a new head on its features."""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_tensors
from torch import nn

from drlim._checks import check_count
from drlim._errors import DataWarning, DrlimError, FileError, InputError, nearest_name, warn
from drlim.networks._backbone import Backbone, file_missing, fill, is_followed_by_weights, with_head
from drlim.networks._hubs import LOADERS, Loaded, Loader
from drlim.networks._layers import Builder
from drlim.networks._onnx_features import ONNX
from drlim.networks._pixels import Preprocess, Preprocessing

_ENDINGS = (".pth", ".pt", ".safetensors")
_LOADERS: dict[str, Loader] = {**LOADERS, "onnx": ONNX}
_CHANNELS = 3


def pretrained(
    name: str | os.PathLike[str],
    *,
    module: Callable[[], nn.Module] | str | None = None,
    freeze: bool | int = True,
    hidden: Sequence[int] = (),
    size: int | Sequence[int] | None = None,
    resize: int | Sequence[int] | None = None,
    interpolation: str | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    rate: float = 0.1,
    warm_up: float = 0.1,
    copies: int = 4,
    cache: bool | str | os.PathLike[str] = True,
) -> Builder:
    """Make a builder of a pretrained network of images, with a new head on its features.

    Samples are images as they were read: pixels from 0 to 255, grey or in colour. How they are
    resized, cropped and normalised is taken from the network's own description, and stored in the
    map's file with all weights, so that a saved map needs no download.

    Parameters
    ----------
    name : str or path
        ``"efficientnet-lite0"``, a small network whose weights are in a package (extra
        ``pretrained``); ``"timm:NAME"``, ``"torchvision:NAME"``, ``"transformers:NAME"`` or
        ``"open_clip:NAME/WEIGHTS"``, with these packages, which download weights that are not in
        their cache; ``"onnx:FILE"``; or a file of weights (.pth or .safetensors) of `module`.
    module : callable or str, optional
        For a file of weights: the feature extractor, a callable without arguments that returns an
        nn.Module, or ``"module:function"``.
    freeze : bool or int, default=True
        Whether the pretrained network stays as it is. Its features are then computed once for each
        image, and only the head learns. False: all of it learns; a number: its last blocks, so
        many. On a graphics card they learn in mixed precision.
    hidden : sequence of int, default=()
        Units of the head's hidden layers.
    size : int or (height, width), optional
        The size of the images that the network is given, cropped from the centre.
    resize : int or (height, width), optional
        What images are resized to before: one number is the length of the shorter side.
    interpolation : {"nearest", "bilinear", "bicubic"}, optional
    mean, std : float or sequence of 3 floats, optional
        What is subtracted from pixels from 0 to 255, and what they are divided by. These five are
        needed for files that do not describe themselves (`size` not for ONNX; `resize` is then the
        shorter side of `size`, `interpolation` bilinear), and replace the description of others.
    rate, warm_up : float, default=0.1
        For what learns of the pretrained network: its learning rate, as a share of the head's, and
        the share of the training in which the head alone learns.
    copies : int, default=4
        With a frozen network and samples that are changed at random (`DrLIM.augment`): how many
        changed copies of each are made, of which one is drawn whenever the sample is.
    cache : bool or path, default=True
        Whether features are kept on disk, and where: True, in ``features`` in drlim's cache.

    Returns
    -------
    callable
        A builder ``(sample_shape, n_components) -> nn.Module``, for ``DrLIM(network=...)``. When
        called, it raises FileError if a file cannot be read, and InputError if the network, its
        weights and the images do not fit together.

    Raises
    ------
    InputError
        If there is no network of such a name, or a value breaks its rule.
    MissingExtraError
        If the package that it comes from is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import DrLIM
    >>> images = np.random.default_rng(0).integers(0, 256, (12, 3, 40, 40), np.uint8)
    >>> network = pretrained("efficientnet-lite0", cache=False)
    >>> DrLIM(network=network, max_epochs=1).fit(images, [0, 1] * 6).embedding_.shape
    (12, 2)
    """
    check_count(copies, "copies")
    if not isinstance(cache, bool | str | os.PathLike):
        raise InputError(f"cache is {cache!r}; it must be True, False or a folder")
    Backbone(nn.Linear(1, 1), bool(freeze), None, rate=rate, warm_up=warm_up)
    if not isinstance(freeze, bool):
        check_count(freeze, "freeze", 0)
    name = os.fspath(name)
    loader = _loader_of(name)
    if loader is not None:
        if module is not None:
            raise InputError(f"module belongs to a file of weights, and the network is {name!r}")
        loader.check(name)
    elif module is None:
        raise InputError(
            f"{name!r} is a file of weights; give its network too: module='my_module:function'"
        )
    given: dict[str, Any] = {
        "module": _imported(module) if isinstance(module, str) else module,
        "size": size,
        "resize": resize,
        "interpolation": interpolation,
        "mean": mean,
        "std": std,
    }
    # With values of which all are right, to find those that are wrong.
    _UNKNOWN.with_values({key: given[key] for key in _PIXELS})
    found: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return functools.partial(
        with_pretrained,
        name=name,
        freeze=freeze,
        hidden=tuple(hidden),
        rate=rate,
        warm_up=warm_up,
        copies=copies,
        cache=cache,
        **found,
    )


# What the user may say of pixels.
_PIXELS = ("size", "resize", "interpolation", "mean", "std")
_UNKNOWN = Preprocessing((1, 1), (1,), "bilinear", (0.0,) * 3, (1.0,) * 3)


def with_pretrained(
    sample_shape: tuple[int, ...],
    n_components: int,
    *,
    name: str,
    module: Callable[[], nn.Module] | None = None,
    freeze: bool | int = True,
    hidden: Sequence[int] = (),
    size: int | Sequence[int] | None = None,
    resize: int | Sequence[int] | None = None,
    interpolation: str | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    rate: float = 0.1,
    warm_up: float = 0.1,
    copies: int = 4,
    cache: bool | str | os.PathLike[str] = True,
    architecture: str | None = None,
    directions: bool = False,
) -> nn.Module:
    """Build a pretrained network with a head; see `pretrained`.

    Parameters
    ----------
    architecture : str, optional
        From a map's file: the network without its weights, which follow. None: with its weights.
    directions : bool
        Whether only the directions of features count, and those of points: see `sphere`.
    """
    if len(sample_shape) not in (2, 3) or (
        len(sample_shape) == 3 and sample_shape[0] not in (1, 3)
    ):
        raise InputError(
            f"samples have the shape {tuple(sample_shape)}, and the pretrained network {name!r} "
            "takes images, (h, w) or (3, h, w)"
        )
    given = {
        "size": size, "resize": resize, "interpolation": interpolation, "mean": mean, "std": std
    }  # fmt: skip
    if is_followed_by_weights() and architecture is not None:
        extractor, pixels = _loader(name).build(architecture), _UNKNOWN.with_values(given)
    elif module is not None:
        extractor, pixels = _of_file(module, Path(name)), _pixels(name, given, None, None)
    else:
        loaded = _loaded(name)
        extractor = copy.deepcopy(loaded.module)
        pixels = _pixels(name, given, loaded.preprocessing, loaded.size)
    preprocess = Preprocess(pixels, *sample_shape[-2:])
    extractor.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch has no type for it
    seeing = nn.Sequential(preprocess, extractor)
    body = Backbone(seeing, freeze, _CHANNELS, rate=rate, warm_up=warm_up)
    body.n_copies, body.cache = copies, cache
    return with_head(
        body, sample_shape, n_components, hidden, start="components", directions=directions
    )


def completed(builder: Builder) -> Builder:
    """Return a builder with all that is known only after a network is loaded, for the map's file.

    Builders of other kinds, and of networks of the user's own, are returned as they are.
    """
    arguments = arguments_of(builder)
    if arguments is None or "architecture" in arguments or arguments.get("module") is not None:
        return builder
    loaded = _loaded(arguments["name"])
    given = {key: arguments.get(key) for key in _PIXELS}
    pixels = _pixels(arguments["name"], given, loaded.preprocessing, loaded.size)
    found = {**arguments, **pixels.as_arguments(), "architecture": loaded.architecture}
    return functools.partial(with_pretrained, **found)


def by_direction(builder: Any) -> Builder | None:
    """Return the builder of a pretrained network whose head compares directions; None for others.

    None also where it was already said whether it does.
    """
    arguments = arguments_of(builder)
    if arguments is None or "directions" in arguments:
        return None
    return functools.partial(with_pretrained, **arguments, directions=True)


def arguments_of(builder: Any) -> dict[str, Any] | None:
    """Return the arguments of the builder of a pretrained network; None for any other builder."""
    arguments: dict[str, Any] = {}
    while isinstance(builder, functools.partial):
        arguments = {**builder.keywords, **arguments}
        builder = builder.func
    return arguments if builder is with_pretrained else None


def is_frozen(builder: Any) -> bool:
    """Tell whether a builder is that of a pretrained network of which only the head learns."""
    arguments = arguments_of(getattr(builder, "network", builder))  # of one with a scale
    return arguments is not None and arguments.get("freeze", True) is True


def check_pixels(builder: Any, X: Any) -> None:
    """Warn if samples for a pretrained network seem to be images with pixels from 0 to 1."""
    if arguments_of(builder) is None or X.dtype.kind != "f":
        return
    most = float(np.max(X[:100], initial=0))
    if 0 < most <= 1:
        warn(
            f"the largest value of the first images is {most:g}, and a pretrained network is given "
            "pixels from 0 to 255; multiply them by 255",
            DataWarning,
        )


def _loader_of(name: str) -> Loader | None:
    """Return where a network comes from; None for a file of weights."""
    kind, colon, rest = name.partition(":")
    if name in _LOADERS and not colon and name != "onnx":
        return _LOADERS[name]
    if rest and kind in _LOADERS:
        return _LOADERS[kind]
    if name.endswith(_ENDINGS):
        return None
    known = [key if "-" in key else f"{key}:NAME" for key in _LOADERS]
    raise InputError(
        f"there is no pretrained network {name!r}; {nearest_name(name, known)}, or a file of "
        f"weights that ends in {', '.join(_ENDINGS)}"
    )


def _loader(name: str) -> Loader:
    loader = _loader_of(name)
    if loader is None:
        raise InputError(f"{name!r} is a file of weights, of a network that the map does not name")
    loader.check(name)
    return loader


def _loaded(name: str) -> Loaded:
    """Load a network once for all fits; each takes a copy."""
    state = None
    if name.startswith("onnx:"):
        with contextlib.suppress(OSError):  # the loader names a file that is missing
            found = os.stat(name.removeprefix("onnx:"))
            state = found.st_mtime_ns, found.st_size
    return _loaded_once(name, state)


@functools.lru_cache(maxsize=2)
def _loaded_once(name: str, state: tuple[int, int] | None) -> Loaded:
    """Load a network; `state` is that of its file, which may be written again."""
    loader = _loader(name)
    if loader.hub is not None:
        print(
            f"Loading {name}: its weights are taken from the cache of its package, or first "
            f"downloaded from {loader.hub}",
            file=sys.stderr,
        )
    try:
        return loader.load(name.partition(":")[2] or name)
    except DrlimError:
        raise
    except Exception as error:  # the packages raise errors of many types
        hub = "" if loader.hub is None else f" and whether {loader.hub} can be reached"
        raise InputError(
            f"the pretrained network {name!r} cannot be loaded ({type(error).__name__}: "
            f"{str(error).partition(chr(10))[0]:.200}); check its name{hub}"
        ) from error


def _pixels(
    name: str,
    given: dict[str, Any],
    described: Preprocessing | None,
    size: tuple[int, ...] | None,
) -> Preprocessing:
    """Return the preprocessing of a network: as its publisher says, and as the user does."""
    if described is None:
        given = {**given, "size": given["size"] if size is None else size}
        missing = [key for key in ("size", "mean", "std") if given[key] is None]
        if missing:
            raise InputError(
                f"the network {name!r} does not say which images it takes; give "
                f"{', '.join(f'{key}=' for key in missing)} as it was trained with, for pixels "
                "from 0 to 255"
            )
        described = _UNKNOWN
    return described.with_values(given)


def _of_file(module: Callable[[], nn.Module], path: Path) -> nn.Module:
    """Return a module of the user's own with the weights of a file, unless a map's follow."""
    extractor = module()
    if not isinstance(extractor, nn.Module):
        raise InputError(
            f"the module of {path} gave a {type(extractor).__name__}; it must be a callable "
            "without arguments that returns an nn.Module"
        )
    # The callable may return the same module every time, but each fit needs its own.
    extractor = copy.deepcopy(extractor)
    if not is_followed_by_weights():
        fill(extractor, _read(path), path)
    return extractor


def _read(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict; no code in the file is run."""
    try:
        if path.suffix == ".safetensors":
            return parse_tensors(path.read_bytes())
        found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise file_missing(path, error) from None
    except (SafetensorError, ValueError, KeyError, RuntimeError, EOFError) as error:
        raise _no_weights(path, error) from None
    except Exception as error:  # pickle has errors of its own
        raise _no_weights(path, error) from None
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise _no_weights(path, "it holds no state dict")
    return found


def _no_weights(path: Path, reason: object) -> FileError:
    return FileError(
        f"the weights {path} cannot be used ({str(reason).partition(chr(10))[0]:.200}); write them "
        "with safetensors.torch.save_file(module.state_dict(), path)"
    )


def _imported(name: str) -> Callable[[], nn.Module]:
    module, _, function = name.partition(":")
    try:
        found: Callable[[], nn.Module] = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"module is {name!r}, which cannot be imported ({error}); give 'module:function'"
        ) from None
    return found
