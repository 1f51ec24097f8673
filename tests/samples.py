"""Samples that several test modules learn from, and a network made by none of the builders."""

import numpy as np
from torch import nn

X = np.random.default_rng(1).normal(size=(60, 5))
IMAGES = np.random.default_rng(1).integers(0, 256, (30, 28, 28)).astype(np.uint8)


def own(sample_shape, n_components):
    return nn.Sequential(nn.Linear(*sample_shape, 3), nn.BatchNorm1d(3), nn.Linear(3, n_components))
