"""Samples with their known causes of variation, and where they come from."""

from drlim.datasets._airplane import airplane
from drlim.datasets._dataset import Dataset
from drlim.datasets._mnist import mnist, read_idx
from drlim.datasets._norb import norb, read_matrix
from drlim.datasets.made._airplane_renderer import render_airplane
from drlim.datasets.made._instruments import instruments
from drlim.datasets.made._signatures import signatures
from drlim.datasets.made._textiles import weaves
from drlim.datasets.readers._points import write_points
from drlim.datasets.readers._read import blocks, read
from drlim.datasets.readers._tables import read_table

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
