"""Writes the map files that every later drlim must read, in the format of the drlim that runs it.

python tests/data/make.py: never again for a format that was released.
"""

import functools
from pathlib import Path

import numpy as np
from torch import nn

from drlim import DrLIM, load, networks
from drlim._persistence import FORMAT_VERSION
from drlim.datasets import Dataset
from drlim.declaration import Declaration, fit

FOLDER = Path(__file__).parent


def samples(n, *shape):
    """Numbers from 0 to 1 that need no generator, which a later numpy might change."""
    count = np.arange(n * int(np.prod(shape)))
    return (count * 7919 % 1009 / 1009).reshape(n, *shape)


def own(sample_shape, n_components):
    """A network whose code is not kept with the map."""
    return nn.Sequential(nn.Linear(*sample_shape, 4), nn.BatchNorm1d(4), nn.Linear(4, n_components))


def maps():
    """Yield the name, the map and its samples of each kept file."""
    table = samples(40, 5)
    network = functools.partial(networks.mlp, hidden=(4,), activation="gelu")
    settings = {"max_epochs": 2, "random_state": 0}
    yield "table", DrLIM(3, network=network, **settings).fit(table), table
    images = (samples(20, 10, 10) * 255).astype(np.uint8)
    network = functools.partial(networks.convnet, width=4, depth=1)
    yield "images", DrLIM(network=network, **settings).fit(images), images
    lamp, pose = np.arange(60) % 3, np.arange(60) // 3 % 5
    lit = np.column_stack([pose, lamp, samples(60, 1)])
    declaration = Declaration(
        ignore=["lamp"], keep=["pose"], map={"max_epochs": 2, "network": "linear"}
    )
    yield "declared", fit(declaration, Dataset(lit, {"lamp": lamp, "pose": pose})).map, lit
    yield "program", DrLIM(network=own, **settings).fit(table), table


if __name__ == "__main__":
    for name, map_, X in maps():
        path = FOLDER / f"format-{FORMAT_VERSION}-{name}.drlim"
        map_.save(path, program=name == "program")
        np.save(path.with_suffix(".npy"), load(path).transform(X))
