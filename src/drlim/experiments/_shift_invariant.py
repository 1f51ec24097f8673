"""Figure 7: the shifted digits, with the prior knowledge that a shifted copy is the same digit."""

from __future__ import annotations

from drlim import plotting
from drlim.datasets import Dataset
from drlim.experiments import _digits, _invariance
from drlim.experiments._run import (
    Clock,
    Options,
    Result,
    parameters_of,
    parts,
    training_curves,
)
from drlim.graphs import SimilarityGraph, copies, neighbors
from drlim.losses import global_loss
from drlim.reporting import Claim, Picture

N_NEIGHBORS, MARGIN = 5, 1.0
MAX_EPOCHS, QUICK_EPOCHS = 2, 1


def run(options: Options) -> Result:
    """Learn the map in which a shift changes nothing."""
    clock = Clock()
    train, test = _digits.load_shifted(options)
    with clock("graph"):
        graph = prior_knowledge(train)
    map_, untrained = _digits.lenets(
        options, max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS, batch_size=128
    )
    with clock("train"):
        map_.fit(train.X, graph=graph)
    untrained.fit(train.X, graph=graph)
    maps = _digits.maps_of(train, test, map_, untrained, options.seed)
    measured = {name: _digits.measure_shifted(train, test, *Z) for name, Z in maps.items()}
    numbers = measured["drlim"]
    loss = global_loss(map_.embedding_, graph, MARGIN) / len(train)
    ignored = _invariance.measure(
        {name: Z[1] for name, Z in maps.items()},
        test.factors["shift"],
        test.factors["source"],
        seed=options.seed,
    )

    said = "the paper, section 3.3, figure 7"
    claims = [
        Claim(text, said, value, bound, sign)
        for text, value, bound, sign in (
            (
                "The map ignores the shift: shift of held-out copies read from it by 5-NN, "
                "accuracy (chance 0.2)",
                numbers["shift_accuracy"],
                0.22,
                "<=",
            ),
            (
                "Copies of one digit fall together: orbit ratio of held-out digits (mean "
                "distance between copies of one, over that between digits)",
                ignored["orbit_ratio"],
                0.07,
                "<=",
            ),
            (
                "The map is organised by slant, whatever the shift: angle of held-out copies "
                "read from it by 20-NN regression, R²",
                numbers["slant_r2"],
                0.86,
                ">=",
            ),
            (
                "Neighbours in the map are neighbours in pixel space: trustworthiness at 5 of "
                "the unshifted held-out digits",
                numbers["trustworthiness_5"],
                0.81,
                ">=",
            ),
        )
    ]
    Z_test = maps["drlim"][1]
    held_out = _digits.held_out(train, test)
    captions = {
        "map": f"Figure 7 of the paper: {held_out}. Similar are neighbours at the same shift, "
        "copies of one digit, and copies of neighbours. Colour and marker show the "
        "shift. The unit is the margin.",
        "digits": f"The same map: {held_out}. Colour and marker show the digit, which training "
        "did not know.",
        "thumbnails": f"{held_out}. One copy for each cell of a grid; colours are the shifts.",
        "loss": "Estimates of eq. 1 per training sample over each epoch, and its two parts.",
    }
    shift, title = test.factors["shift"], "Held-out digits at five shifts, with prior knowledge"
    figures = {
        "map": plotting.scatter(
            Z_test, shift, label_name="shift", title=title, caption=captions["map"]
        ),
        "digits": plotting.scatter(
            Z_test,
            test.factors["digit"],
            label_name="digit",
            title=title,
            caption=captions["digits"],
        ),
        "thumbnails": plotting.thumbnails(
            Z_test,
            test.X,
            shift,
            label_name="shift",
            title=title,
            caption=captions["thumbnails"],
        ),
        "loss": training_curves(map_.history_, captions["loss"]),
    }
    return Result(
        data=f"{train.name}; shifted by {', '.join(map(str, _digits.SHIFTS))} pixels",
        origin=train.origin,
        n_train=len(train),
        n_test=len(test),
        seconds=clock.seconds(),
        claims=claims,
        numbers={
            "quality": numbers,
            "global_loss": parts(loss),
            "graph": {"n_edges": graph.n_edges},
            "invariance": ignored,
            "baselines": {name: measured[name] for name in ("untrained", "pca", "pixels")},
        },
        parameters={"map": parameters_of(map_)},
        tables={
            f"Beside baselines: {held_out}.": _digits.table(measured),
            f"What can be read of the shift: {_invariance.HOW}": _invariance.table(ignored),
        },
        pictures=[Picture(stem, figure, captions[stem]) for stem, figure in figures.items()],
        notes=_digits.notes(train),
        map=map_,
    )


def prior_knowledge(data: Dataset) -> SimilarityGraph:
    """Write the paper's three rules in the algebra of graphs.

    A sample is similar to (a) its 5 neighbours at the same shift, (b) its 4 shifted copies, and
    (c) the copies of its neighbours.
    """
    near = neighbors(data.X, N_NEIGHBORS, within=data.factors["shift"])
    copy = copies(data.factors["source"])
    return near | copy | near @ copy
