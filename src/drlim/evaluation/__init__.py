"""What a map is worth: numbers for arrays, whoever made them."""

from drlim.evaluation import cylinder, invariance, proof, quality, retention, verification

__all__ = ["cylinder", "invariance", "proof", "quality", "retention", "verification"]
