"""Prior knowledge becomes a `SimilarityGraph`: who is similar to whom.

`neighbors` and the relations make graphs from samples and known factors; the Boolean algebra of
graphs combines them. Everything after it works on edges alone, whatever rule they came from.
"""

from drlim.graphs._graph import SimilarityGraph
from drlim.graphs._mutual import mutual_neighbors
from drlim.graphs._neighbors import neighbors
from drlim.graphs._relations import adjacent, copies, near_values, pairs, same

__all__ = [
    "SimilarityGraph",
    "adjacent",
    "copies",
    "mutual_neighbors",
    "near_values",
    "neighbors",
    "pairs",
    "same",
]
