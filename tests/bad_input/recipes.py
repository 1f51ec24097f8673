"""Bad input to drlim.recipes."""

from bad_input.rows import bad
from drlim.recipes import clusters, continuous, labels, named, paper, verification

ROWS = {
    "recipes.paper": [bad("a number for a shape", lambda: paper(3), "sample_shape", "3")],
    "recipes.continuous": [bad("no length", lambda: continuous(()), "sample_shape", "()")],
    "recipes.labels": [bad("length 0", lambda: labels((0,)), "sample_shape", "0")],
    "recipes.verification": [bad("a text", lambda: verification(("a",)), "sample_shape", "'a'")],
    "recipes.clusters": [bad("one sample", lambda: clusters(1, (3,)), "n_samples", "1")],
    "recipes.named": [bad("no such recipe", lambda: named("cluster", 9, (3,)), "'cluster'")],
}
