"""Samples with their known causes of variation: a user's files, published sets, data made by code.

`read` and `blocks` read arrays, tables and folders of images (the package `readers`); `mnist`,
`norb` and `airplane` load published sets; `weaves`, `signatures`, `instruments` and
`render_airplane` make data to try a map on (the package `made`).
"""

from drlim.datasets._airplane import airplane
from drlim.datasets._dataset import Dataset
from drlim.datasets._mnist import mnist, read_idx
from drlim.datasets._norb import norb
from drlim.datasets._norb_matrix import read_matrix
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
