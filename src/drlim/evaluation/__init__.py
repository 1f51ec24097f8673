"""What a map is worth: numbers for arrays, whoever made them."""

from drlim.evaluation import quality

__all__ = ["quality"]
