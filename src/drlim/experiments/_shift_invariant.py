"""Figure 7: shifted digits, with the prior knowledge that a shifted copy is the same digit."""

from __future__ import annotations

from drlim import plotting
from drlim.datasets import Dataset
from drlim.experiments import _digits, _invariance
from drlim.experiments._run import Options, Result, check_claims, parts
from drlim.graphs import SimilarityGraph, copies, neighbors

N_NEIGHBORS = 5
MAX_EPOCHS, QUICK_EPOCHS = 2, 1

_FIGURE = "the paper, section 3.3, figure 7"
CLAIMS = (
    (
        "The map ignores the shift: shift of held-out copies read from it by 5-NN, accuracy "
        "(chance 0.2)",
        _FIGURE,
        "quality/shift_accuracy",
        "<=",
        0.22,
    ),
    (
        "Copies of one digit fall together: orbit ratio of held-out digits (mean distance between "
        "copies of one, over that between digits)",
        _FIGURE,
        "invariance/orbit_ratio",
        "<=",
        0.07,
    ),
    (
        "The map is organised by slant, whatever the shift: angle of held-out copies read from it "
        "by 20-NN regression, R²",
        _FIGURE,
        "quality/slant_r2",
        ">=",
        0.86,
    ),
    (
        "Neighbours in the map are neighbours in pixel space: trustworthiness at 5 of the "
        "unshifted held-out digits",
        _FIGURE,
        "quality/trustworthiness_5",
        ">=",
        0.81,
    ),
)
CAPTIONS = {
    "map": "Figure 7 of the paper: {held_out}. Similar pairs are neighbours at the same shift, "
    "copies of one digit, and copies of neighbours. Colour and marker show the shift in pixels. "
    "The unit is the margin.",
    "digits": "The same map: {held_out}. Colour and marker show the digit, which was not used in "
    "training.",
    "thumbnails": "{held_out}. One copy for each cell of a grid; colours show the shift in pixels.",
    "loss": "Estimates of eq. 1 per training sample in each epoch, and its two parts.",
}


def run(options: Options) -> Result:
    """Learn the map in which a shift changes nothing."""
    learnt = _digits.learn(
        options,
        *_digits.load_shifted(options),
        prior_knowledge,
        max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS,
        batch_size=128,
    )
    measured = learnt.measure(_digits.measure_shifted)
    ignored = learnt.shift_leakage(options.random_state)
    numbers = {
        "quality": measured["drlim"],
        "global_loss": parts(learnt.loss),
        "graph": {"n_edges": learnt.graph.n_edges},
        "invariance": ignored,
        "baselines": {name: measured[name] for name in _digits.BASELINES},
    }
    captions = learnt.captions(CAPTIONS)
    title = "Held-out digits at five shifts, with prior knowledge"
    figures = learnt.figures("shift", title, captions)
    by_digit = plotting.scatter(
        learnt.points["drlim"][1],
        learnt.test.factors["digit"],
        label_name="digit",
        title=title,
        caption=captions["digits"],
    )
    return learnt.result(
        claims=check_claims(CLAIMS, numbers),
        numbers=numbers,
        tables={
            f"Baselines: {learnt.held_out}.": _digits.table(measured),
            f"What can be read of the shift: {_invariance.HOW}": _invariance.table(ignored),
        },
        figures={"map": figures["map"], "digits": by_digit, **figures},
        captions=captions,
    )


def prior_knowledge(data: Dataset) -> SimilarityGraph:
    """Write the paper's three rules in the algebra of graphs.

    A sample is similar to (a) its 5 neighbours at the same shift, (b) its 4 shifted copies, and
    (c) the copies of its neighbours.
    """
    near = neighbors(data.X, N_NEIGHBORS, within=data.factors["shift"])
    copy = copies(data.factors["source"])
    return near | copy | near @ copy
