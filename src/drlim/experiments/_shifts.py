"""Figure 5: shifted digits; similar are the nearest neighbours in pixel space, nothing else."""

from __future__ import annotations

import numpy as np

from drlim.experiments import _digits
from drlim.experiments._run import Options, Result, check_claims, parts
from drlim.graphs import neighbors

N_NEIGHBORS = 5
MAX_EPOCHS, QUICK_EPOCHS = 5, 2
# The balance of the springs. Under the sum over all pairs, 4,000 dissimilar ones for each similar
# one, the clusters spread until they touch.
N_DISSIMILAR = 5
BALANCE = (
    f"The springs are balanced: the dissimilar pairs together weigh {N_DISSIMILAR} times as much "
    "as the similar ones. Under the plain sum over all pairs, about 4,000 dissimilar ones for each "
    "similar one, the clusters spread until they touch: the same network then reached 0.937 and "
    "0.73 in 6 epochs, and 0.942 and 0.795 in 14; more training did not help."
)

_FIGURE = "the paper, section 3.3, figure 5"
CLAIMS = (
    (
        "Without prior knowledge the map clusters by shift: shift of held-out copies read from it "
        "by 5-NN, accuracy (chance 0.2)",
        _FIGURE,
        "quality/shift_accuracy",
        ">=",
        0.95,
    ),
    (
        "Inside each cluster the map is well organised: trustworthiness at 5 of the held-out "
        "copies of one shift, the worst of the five",
        _FIGURE,
        "quality/trustworthiness_5_worst_shift",
        ">=",
        0.80,
    ),
)
CAPTIONS = {
    "map": "Figure 5 of the paper: {held_out}. Similar pairs are neighbours in pixel space among "
    "all copies. Colour and marker show the shift in pixels, which was not used in training. The "
    "unit is the margin.",
    "thumbnails": "{held_out}. One copy for each cell of a grid; colours show the shift in pixels.",
    "loss": "Estimates of eq. 1 per training sample in each epoch, and its two parts.",
}


def run(options: Options) -> Result:
    """Learn the map of all copies from neighbours in pixel space: it clusters by shift."""
    learnt = _digits.learn(
        options,
        *_digits.load_shifted(options),
        lambda copies: neighbors(copies.X, N_NEIGHBORS),
        max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS,
        n_dissimilar=N_DISSIMILAR,
    )
    measured = learnt.measure(_digits.measure_shifted)
    shift_of_pairs = learnt.train.factors["shift"][learnt.graph.edges]
    numbers = {
        "quality": measured["drlim"],
        "global_loss": parts(learnt.loss),
        "graph": {
            "n_edges": learnt.graph.n_edges,
            "share_across_shifts": float(np.mean(np.diff(shift_of_pairs, axis=1) != 0)),
        },
        "invariance": learnt.shift_leakage(options.random_state),
        "baselines": {name: measured[name] for name in _digits.BASELINES},
    }
    captions = learnt.captions(CAPTIONS)
    title = "Held-out digits at five shifts, no prior knowledge"
    return learnt.result(
        claims=check_claims(CLAIMS, numbers),
        numbers=numbers,
        tables={f"Baselines: {learnt.held_out}.": _digits.table(measured)},
        figures=learnt.figures("shift", title, captions),
        captions=captions,
        notes=[BALANCE],
    )
