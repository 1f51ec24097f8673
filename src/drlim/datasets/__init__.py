"""Samples with their known causes of variation, and where they come from."""

from drlim.datasets._airplane import airplane, render_airplane
from drlim.datasets._dataset import Dataset
from drlim.datasets._files import blocks, read
from drlim.datasets._instruments import instruments
from drlim.datasets._mnist import mnist, read_idx
from drlim.datasets._norb import norb, read_matrix
from drlim.datasets._signatures import signatures
from drlim.datasets._tables import read_table
from drlim.datasets._weaves import weaves
from drlim.datasets._write import write_points

__all__ = [
    "Dataset",
    "airplane",
    "blocks",
    "instruments",
    "mnist",
    "norb",
    "read",
    "read_idx",
    "read_matrix",
    "read_table",
    "render_airplane",
    "signatures",
    "weaves",
    "write_points",
]
