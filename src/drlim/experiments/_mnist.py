"""Figure 4: handwritten 4s and 9s; similar are the nearest neighbours in pixel space."""

from __future__ import annotations

from drlim.evaluation import quality
from drlim.experiments import _digits
from drlim.experiments._run import Options, Result, check_claims, parts
from drlim.graphs import neighbors

N_NEIGHBORS = 5
MAX_EPOCHS, QUICK_EPOCHS = 12, 4

_FIGURE = "the paper, section 3.2, figure 4"
CLAIMS = (
    (
        "The map is organised by slant: angle of held-out digits read from it by 20-NN "
        "regression, R²",
        _FIGURE,
        "quality/slant_r2",
        ">=",
        0.86,
    ),
    (
        "Neighbours in the map of held-out digits are neighbours in pixel space: "
        "trustworthiness at 5",
        _FIGURE,
        "quality/trustworthiness_5",
        ">=",
        0.83,
    ),
    (
        "The loss is small: exact eq. 1 over all pairs, per training digit",
        "the paper, eq. 1",
        "global_loss/total",
        "<=",
        8.0,
    ),
)
CAPTIONS = {
    "map": "Figure 4 of the paper: {held_out}. The only similar pairs are neighbours in pixel "
    "space. Colour and marker show the digit, which was not used in training. The unit is the "
    "margin.",
    "thumbnails": "{held_out}. One digit for each cell of a grid, the one nearest to the middle "
    "of the cell. The unit is the margin.",
    "loss": "Estimates of eq. 1 over all pairs, per training digit, in each epoch, and its two "
    "parts. Training data; no held-out digit takes part.",
}
TABLE = (
    "Baselines: {held_out}. Pixels: the 784 values themselves; trustworthiness and continuity "
    "compare with their neighbours. Untrained: the same network with its first weights."
)


def run(options: Options) -> Result:
    """Learn the map of the digits, and measure it on held-out digits."""
    learnt = _digits.learn(
        options,
        *_digits.load(options),
        lambda digits: neighbors(digits.X, N_NEIGHBORS),
        max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS,
    )
    measured = learnt.measure(_digits.measure)
    X, Z, graph = learnt.test.X, learnt.points["drlim"][1], learnt.graph
    numbers = {
        "quality": {
            **measured["drlim"],
            "neighborhood_preservation_5": quality.neighborhood_preservation(X, Z),
            "evenness": quality.evenness(Z),
        },
        "global_loss": parts(learnt.loss),
        "graph": {"n_edges": graph.n_edges, "n_components": int(graph.components.max()) + 1},
        "baselines": {name: measured[name] for name in _digits.BASELINES},
    }
    captions = learnt.captions(CAPTIONS)
    return learnt.result(
        claims=check_claims(CLAIMS, numbers),
        numbers=numbers,
        tables={TABLE.format(held_out=learnt.held_out): _digits.table(measured)},
        figures=learnt.figures("digit", "The map of held-out 4s and 9s", captions),
        captions=captions,
    )
