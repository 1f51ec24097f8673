"""Bad input to drlim.networks."""

import numpy as np
from torch import nn

from bad_input.rows import bad, bad_file, file
from drlim.networks import (
    Deform,
    Standardize,
    backbone,
    convnet,
    deforming_mlp,
    features,
    lenet,
    linear,
    mlp,
    paper_mlp,
    pretrained,
    scaled,
    sphere,
    with_arguments,
)
from drlim.networks._builders import build, from_description, resolve

ROWS = {
    "networks.lenet": [
        bad("shape", lambda: lenet((8, 8), 2), "(8, 8)"),
        bad("unknown activation", lambda: lenet((28, 28), 2, "x"), "activation", "'x'"),
        bad("out of range", lambda: lenet((28, 28), 0), "n_components", "0"),
    ],
    "networks.mlp": [
        bad("hidden int", lambda: mlp((3,), 2, hidden=5), "hidden", "5"),
        bad("negative hidden", lambda: mlp((3,), 2, hidden=(-5,)), "hidden", "-5"),
        bad("unknown activation", lambda: mlp((3,), 2, activation="sigmoid"), "activation", "'sigmoid'"),
        bad("no such start", lambda: mlp((3,), 2, start="pca"), "start", "'pca'"),
    ],
    "networks.sphere": [
        bad("hidden int", lambda: sphere((3,), 2, hidden=5), "hidden", "5"),
        bad("unknown activation", lambda: sphere((3,), 2, activation="x"), "activation", "'x'"),
    ],
    "networks.paper_mlp": [
        bad("hidden int", lambda: paper_mlp((3,), 2, hidden=5), "hidden", "5"),
    ],
    "networks.deforming_mlp": [
        bad("vectors, no images", lambda: deforming_mlp((3,), 2), "(3,)"),
        bad("negative strength", lambda: deforming_mlp((8, 8), 2, -1), "strength", "-1"),
    ],
    "networks.Deform": [
        bad("NaN", lambda: Deform(float("nan")), "strength", "nan"),
        bad("a text", lambda: Deform("a"), "strength", "'a'"),
    ],
    "networks.linear": [
        bad("out of range", lambda: linear((3,), -1), "n_components", "-1"),
        bad("texts", lambda: linear((3,), "a"), "n_components", "'a'"),
    ],
    "networks.convnet": [
        bad("vectors, no images", lambda: convnet((3,), 2), "(3,)"),
        bad("depth 0", lambda: convnet((8, 8), 2, depth=0), "depth", "0"),
        bad("width 0", lambda: convnet((8, 8), 2, width=0), "width", "0"),
        bad("no such pooling", lambda: convnet((8, 8), 2, pooling="max"), "pooling", "'max'"),
        bad("no such start", lambda: convnet((8, 8), 2, start=None), "start", "None"),
    ],
    "networks.scaled": [
        bad("no such scale", lambda: scaled("mlp", "eech"), "scale", "'eech'"),
        bad("no such network", lambda: scaled("mpl", "each"), "network", "'mpl'"),
    ],
    "networks.backbone": [
        bad("a module, not a builder", lambda: backbone(nn.Linear(1, 1)), "module", "Linear"),
        bad_file(
            "weights missing",
            lambda: backbone(lambda: nn.Linear(3, 4), weights="no.safetensors")((3,), 2),
            "no.safetensors",
            "No such file or directory",
        ),
        bad_file(
            "weights wrong",
            lambda: backbone(lambda: nn.Linear(3, 4), weights=file(b"hello", "a.safetensors"))((3,), 2),
            "a.safetensors",
        ),
    ],
    "networks.pretrained": [
        bad("no such network", lambda: pretrained("resnet"), "'resnet'"),
        bad("weights alone", lambda: pretrained("a.pth"), "'a.pth'", "module"),
        bad("freeze -1", lambda: pretrained("efficientnet-lite0", freeze=-1), "freeze", "-1"),
        bad("size 0", lambda: pretrained("efficientnet-lite0", size=0), "size", "0"),
        bad("no copies", lambda: pretrained("efficientnet-lite0", copies=0), "copies", "0"),
        bad("no deviation", lambda: pretrained("efficientnet-lite0", std=0), "std", "0"),
    ],
    "networks.features": [
        bad("nothing frozen", lambda: features("mlp", np.zeros((3, 4))), "network"),
        bad("no builder", lambda: features(3, np.zeros((3, 4))), "network", "int"),
    ],
    "networks.with_arguments": [
        bad("unknown argument", lambda: with_arguments("mlp", {"hiden": 3}), "'mlp'", "'hiden'", "'hidden'"),
        bad("no network yet", lambda: with_arguments(None, {"hidden": 3}), "network", "None", "hidden"),
        bad(
            "one that takes nothing", lambda: with_arguments(lambda shape, n: None, {"hidden": 3}), "'hidden'"
        ),
    ],
    "networks._builders.resolve": [
        bad("unknown name", lambda: resolve("lent", (3,)), "network", "'lent'", "'lenet'"),
        bad("a module, not a builder", lambda: resolve(nn.Linear(1, 1), (3,)), "network", "Linear"),
        bad("an int", lambda: resolve(3, (3,)), "network", "int"),
    ],
    "networks._builders.build": [
        bad("a builder of an int", lambda: build(lambda s, c: 3, (3,), 2, 0), "network", "int"),
        bad("one argument too few", lambda: build(lambda s: 3, (3,), 2, 0), "network", "sample_shape"),
    ],
    "networks._builders.from_description": [
        bad("unknown name", lambda: from_description({"name": "foo", "arguments": {}}), "'foo'"),
    ],
    "networks.Standardize": [
        bad("scale 0", lambda: Standardize(0.0, 0.0), "scale", "0.0"),
        bad("another shape", lambda: Standardize([0.0, 1.0], [1.0, 2.0, 3.0]), "scale", "(3,)"),
    ],
}
