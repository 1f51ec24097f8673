"""Figure 4: 4s and 9s, similar to their nearest neighbours in pixel space; no more is known."""

from __future__ import annotations

from drlim import plotting
from drlim.evaluation import quality
from drlim.experiments import _digits
from drlim.experiments._run import (
    Clock,
    Options,
    Result,
    parameters_of,
    parts,
    training_curves,
)
from drlim.graphs import neighbors
from drlim.losses import global_loss
from drlim.reporting import Claim, Picture

N_NEIGHBORS, MARGIN = 5, 1.0
MAX_EPOCHS, QUICK_EPOCHS = 12, 4


def run(options: Options) -> Result:
    """Learn the map of the digits, and measure it on digits that it has not seen."""
    clock = Clock()
    train, test = _digits.load(options)
    with clock("graph"):
        graph = neighbors(train.X, N_NEIGHBORS)
    map_, untrained = _digits.lenets(
        options, max_epochs=QUICK_EPOCHS if options.quick else MAX_EPOCHS
    )
    with clock("train"):
        map_.fit(train.X, graph=graph)
    untrained.fit(train.X, graph=graph)
    maps = _digits.maps_of(train, test, map_, untrained, options.seed)
    Z_test = maps["drlim"][1]
    loss = global_loss(map_.embedding_, graph, MARGIN) / len(train)
    measured = {name: _digits.measure(train, test, *Z) for name, Z in maps.items()}
    numbers = measured["drlim"]

    claims = [
        Claim(text, source, value, bound, sign)
        for text, source, value, bound, sign in (
            (
                "The map is organised by slant: angle of held-out digits read from it by 20-NN "
                "regression, R²",
                "the paper, section 3.2, figure 4",
                numbers["slant_r2"],
                0.86,
                ">=",
            ),
            (
                "Neighbours in the map of held-out digits are neighbours in pixel space: "
                "trustworthiness at 5",
                "the paper, section 3.2, figure 4",
                numbers["trustworthiness_5"],
                0.83,
                ">=",
            ),
            (
                "The loss is small: exact eq. 1 over all pairs, per training digit",
                "the paper, eq. 1",
                loss.total,
                8.0,
                "<=",
            ),
        )
    ]
    held_out = _digits.held_out(train, test)
    captions = {
        "map": f"Figure 4 of the paper: {held_out}, with pixel-space neighbours as the only "
        "similar pairs. Colour and marker show the digit, which training did not know. The unit "
        "is the margin.",
        "thumbnails": f"{held_out}. One digit for each cell of a grid, the one nearest to its "
        "middle. The unit is the margin.",
        "loss": "Estimates of eq. 1 per training digit over each epoch, all pairs, and its two "
        "parts. Training data; no held-out digit takes part.",
    }
    drawn = {"label_name": "digit", "title": "The map of held-out 4s and 9s"}
    figures = {
        "map": plotting.scatter(Z_test, test.factors["digit"], caption=captions["map"], **drawn),
        "thumbnails": plotting.thumbnails(
            Z_test, test.X, test.factors["digit"], caption=captions["thumbnails"], **drawn
        ),
        "loss": training_curves(map_.history_, captions["loss"]),
    }
    return Result(
        data=train.name,
        origin=train.origin,
        n_train=len(train),
        n_test=len(test),
        seconds=clock.seconds(),
        claims=claims,
        numbers={
            "quality": {
                **numbers,
                "neighborhood_preservation_5": quality.neighborhood_preservation(test.X, Z_test),
                "evenness": quality.evenness(Z_test),
            },
            "global_loss": parts(loss),
            "graph": {"n_edges": graph.n_edges, "n_components": int(graph.components.max()) + 1},
            "baselines": {name: measured[name] for name in ("untrained", "pca", "pixels")},
        },
        parameters={"map": parameters_of(map_)},
        tables={
            f"Beside baselines: {held_out}. Pixels: the 784 values themselves; their neighbours "
            "are what trustworthiness and continuity compare with. Untrained: the same network "
            "with its first weights.": _digits.table(measured)
        },
        pictures=[Picture(stem, figure, captions[stem]) for stem, figure in figures.items()],
        notes=_digits.notes(train),
        map=map_,
    )
