"""Figure 8: one airplane, similar where the pose is near, whatever the lighting: a cylinder."""

from __future__ import annotations

import functools

import numpy as np

from drlim import baselines, networks, plotting
from drlim.estimator import DrLIM
from drlim.evaluation import quality
from drlim.experiments import _airplane, _invariance
from drlim.experiments._run import (
    Clock,
    Options,
    Result,
    parameters_of,
    parts,
    training_curves,
)
from drlim.losses import global_loss
from drlim.reporting import Claim, Picture, Viewer

MARGIN = 1.0
MAX_EPOCHS, QUICK_EPOCHS = 40, 8
# The repulsion reaches one margin, and the tube is wider than that: it bends at no cost, and some
# first weights end in a dented or flattened tube, at a higher loss. Of a few trainings the one
# with the smallest exact loss of the training images is kept.
N_STARTS = 4


def run(options: Options) -> Result:
    """Learn the map of the airplane's pose in three dimensions."""
    clock = Clock()
    data, train, test = _airplane.load(options)
    with clock("graph"):
        graph = _airplane.prior_knowledge(data).restrict(train)
    max_epochs, n_starts = (QUICK_EPOCHS, 1) if options.quick else (MAX_EPOCHS, N_STARTS)
    with clock("train"):
        starts = []
        for start in range(n_starts):
            options.say(f"Training {start + 1} of {n_starts}, from other first weights")
            map_ = _network(options.seed + start, max_epochs).fit(data.X[train], graph=graph)
            starts.append((float(global_loss(map_.embedding_, graph, MARGIN)), start, map_))
        map_ = min(starts)[2]
    untrained = _network(options.seed, 0).fit(data.X[train], graph=graph)
    pixels = (data.X[train].reshape(len(train), -1), data.X[test].reshape(len(test), -1))
    maps = {
        "drlim": (map_.embedding_, map_.transform(data.X[test])),
        "untrained": (untrained.embedding_, untrained.transform(data.X[test])),
        "pca": baselines.pca(*pixels, n_components=3, random_state=options.seed),
        "pixels": pixels,
    }
    measured = {name: _airplane.measure(data, train, test, *Z) for name, Z in maps.items()}
    recovery = measured["drlim"]
    ignored = _invariance.measure(
        {name: Z[1] for name, Z in maps.items()},
        data.factor("lighting")[test],
        data.factor("pose")[test],
        seed=options.seed,
    )
    loss = global_loss(map_.embedding_, graph, MARGIN) / len(train)

    said = "the paper, section 3.4, figure 8"
    claims = [
        Claim(text, said, value, bound, sign)
        for text, value, bound, sign in (
            (
                "The azimuth is one direction of the map: its sine and cosine read from held-out "
                "points by 3-NN regression, R²",
                recovery["azimuth_r2"],
                0.97,
                ">=",
            ),
            (
                "The elevation is another: read from held-out points by 3-NN regression, R²",
                recovery["elevation_r2"],
                0.98,
                ">=",
            ),
            *(
                (
                    f"The map ignores the lighting: read from held-out points by a {probe} probe, "
                    "accuracy (chance 0.167)",
                    leak["accuracy"],
                    0.20,
                    "<=",
                )
                for probe, leak in _invariance.by_probe(ignored)
            ),
            *(
                (
                    f"There is a lighting to ignore: read from the pixels by a {probe} probe, "
                    "accuracy",
                    leak["accuracy"],
                    0.80,
                    ">=",
                )
                for probe, leak in _invariance.by_probe(ignored["pixels"])
            ),
            (
                "The map is a cylinder, azimuth around it: circular correlation of the angle "
                "around the fitted cylinder with the azimuth, held-out points",
                recovery["circular_correlation"],
                0.95,
                ">=",
            ),
            (
                "and elevation along it: correlation of the height on the fitted cylinder's "
                "axis with the elevation, held-out points",
                recovery["axis_correlation"],
                0.95,
                ">=",
            ),
        )
    ]
    upright = _airplane.upright(*maps["drlim"])
    held_out = f"{len(test)} held-out images; the map was learnt from {len(train)} others"
    captions = {
        "azimuth": f"Figure 8 of the paper: {held_out}. Similar are images whose pose is a step "
        "apart in azimuth or elevation, or the same, whatever the lighting. Five views of the "
        "3-D map, the fitted cylinder upright; colour shows the azimuth. Below, the images "
        "themselves.",
        "elevation": f"The same map, {held_out}; colour shows the elevation, along the axis.",
        "lighting": f"The same map, {held_out}; colour shows the lighting.",
        "loss": "Estimates of eq. 1 per training image over each epoch, and its two parts.",
    }
    shown = data.X[test]
    figures = {
        name: plotting.views(
            upright,
            data.factor(name)[test],
            shown,
            value_name=label,
            cyclic=name == "azimuth",
            caption=captions[name],
        )
        for name, label in (
            ("azimuth", "azimuth (degrees)"),
            ("elevation", "elevation (degrees)"),
            ("lighting", "lighting (number)"),
        )
    }
    figures["loss"] = training_curves(map_.history_, captions["loss"])
    return Result(
        data=data.name,
        origin=data.origin,
        n_train=len(train),
        n_test=len(test),
        seconds=clock.seconds(),
        claims=claims,
        numbers={
            "recovery": recovery,
            "quality": {
                "trustworthiness_5": quality.trustworthiness(pixels[1], maps["drlim"][1]),
                "continuity_5": quality.continuity(pixels[1], maps["drlim"][1]),
            },
            "global_loss": parts(loss),
            "graph": {"n_edges": graph.n_edges},
            "loss_of_each_start": [loss / len(train) for loss, _, _ in starts],
            "invariance": ignored,
            "baselines": {name: measured[name] for name in ("untrained", "pca", "pixels")},
        },
        parameters={"map": parameters_of(map_)},
        tables={
            f"Beside baselines: {held_out}. Pose read by 3-NN regression; correlations with the "
            "fitted cylinder.": _airplane.table(measured),
            f"What can be read of the lighting: {_invariance.HOW}": _invariance.table(ignored),
        },
        pictures=[Picture(stem, figure, captions[stem]) for stem, figure in figures.items()],
        viewers=[
            Viewer(
                f"The map of the pose in space: {held_out}. Drag to turn it, point at an image.",
                upright,
                {
                    name: np.asarray(data.factor(name)[test], float)
                    for name in ("azimuth", "elevation", "lighting")
                },
                shown[:, ::2, ::2],
            )
        ],
        notes=[
            "Exact loss per training image of each start, the smallest of which was kept: "
            + ", ".join(f"{loss / len(train):.3f}" for loss, _, _ in starts)
            + ". No held-out image takes part in the choice.",
            *_airplane.notes(data),
        ],
        map=map_,
    )


def _network(seed: int, max_epochs: int) -> DrLIM:
    """Return the paper's network for the airplane: 20 hidden units, three outputs."""
    return DrLIM(
        n_components=3,
        margin=MARGIN,
        n_dissimilar="all",
        network=functools.partial(networks.mlp, hidden=(20,)),
        max_epochs=max_epochs,
        batch_size=64,
        learning_rate=5e-3,
        random_state=seed,
        verbose=int(max_epochs > 0),
    )
