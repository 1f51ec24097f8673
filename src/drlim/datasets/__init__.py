"""Samples with their known causes of variation, and where they come from."""

from drlim.datasets._airplane import airplane, render_airplane
from drlim.datasets._dataset import Dataset
from drlim.datasets._instruments import instruments
from drlim.datasets._mnist import mnist, read_idx
from drlim.datasets._norb import norb, read_matrix
from drlim.datasets._signatures import signatures
from drlim.datasets._weaves import weaves

__all__ = [
    "Dataset",
    "airplane",
    "instruments",
    "mnist",
    "norb",
    "read_idx",
    "read_matrix",
    "render_airplane",
    "signatures",
    "weaves",
]
