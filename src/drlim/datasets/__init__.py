"""Samples with their known causes of variation, and where they come from."""

from drlim.datasets._airplane import airplane, render_airplane
from drlim.datasets._dataset import Dataset
from drlim.datasets._mnist import mnist, read_idx
from drlim.datasets._norb import norb, read_matrix

__all__ = ["Dataset", "airplane", "mnist", "norb", "read_idx", "read_matrix", "render_airplane"]
