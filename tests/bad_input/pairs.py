"""Bad input to drlim.pairs."""

from bad_input.rows import GRAPH, bad
from drlim import SimilarityGraph
from drlim.pairs import PairSampler, _check_disjoint

ROWS = {
    "pairs.PairSampler": [
        bad("batch 0", lambda: PairSampler(GRAPH, 0), "batch_size", "0"),
        bad("batch text", lambda: PairSampler(GRAPH, "a"), "batch_size", "'a'"),
        bad("not a graph", lambda: PairSampler("g", 3), "graph", "str"),
    ],
    "pairs.PairSampler.epoch": [
        bad("negative seed", lambda: list(PairSampler(GRAPH, 3).epoch(-1)), "random_state", "-1"),
    ],
    "pairs._check_disjoint": [
        bad("contradictory", lambda: _check_disjoint(GRAPH, GRAPH), "52", "(0, 1)"),
        bad("another size", lambda: _check_disjoint(GRAPH, SimilarityGraph.empty(3)), "24", "3"),
    ],
}
