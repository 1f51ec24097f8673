"""Samples with their known causes of variation, and where they come from."""

from drlim.datasets._dataset import Dataset
from drlim.datasets._mnist import mnist, read_idx

__all__ = ["Dataset", "mnist", "read_idx"]
