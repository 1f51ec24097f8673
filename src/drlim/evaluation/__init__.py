"""What a map is worth: numbers for arrays, whoever made them."""

from drlim.evaluation import cylinder, invariance, quality, verification

__all__ = ["cylinder", "invariance", "quality", "verification"]
