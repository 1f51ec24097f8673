"""The function G_W: builders of networks, ``(sample_shape, n_components) -> nn.Module``.

A builder is any callable of that form, so a network of your own is a function of two
arguments. Fix further arguments with `functools.partial`, or by name in a map:
``DrLIM(network="mlp").set_params(network__hidden=(64, 64))``. The built module maps a batch of
shape ``(b, *sample_shape)`` to ``(b, n_components)``.

All networks here but `sphere` end in a linear layer, so the map is unbounded and distances can
exceed any margin. None has a layer in which the rows of a batch mix (as batch normalisation does
while it trains), so the point of a sample depends on nothing but the sample.
"""

from drlim.networks._architectures import (
    convnet,
    deforming_mlp,
    lenet,
    linear,
    mlp,
    paper_mlp,
    sphere,
)
from drlim.networks._backbone import backbone
from drlim.networks._builders import default, scaled, with_arguments
from drlim.networks._features import features
from drlim.networks._layers import (
    AlignedLinear,
    AlongComponents,
    Builder,
    Deform,
    LinearPath,
    Standardize,
)
from drlim.networks._pretrained import pretrained

__all__ = [
    "AlignedLinear",
    "AlongComponents",
    "Builder",
    "Deform",
    "LinearPath",
    "Standardize",
    "backbone",
    "convnet",
    "default",
    "deforming_mlp",
    "features",
    "lenet",
    "linear",
    "mlp",
    "paper_mlp",
    "pretrained",
    "scaled",
    "sphere",
    "with_arguments",
]
