"""The link to class labels: one network, trained with the contrastive loss and with CosFace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.spatial.distance import pdist
from sklearn.metrics import roc_auc_score

from drlim import datasets, networks, plotting
from drlim._devices import seeded
from drlim._errors import missing_extra
from drlim._random import generator
from drlim.datasets import Dataset
from drlim.estimator import DrLIM
from drlim.evaluation import quality
from drlim.evaluation.verification import choose_threshold, mean_average_precision
from drlim.experiments import _digits
from drlim.experiments._run import Clock, Options, Result
from drlim.networks import _builders
from drlim.reporting import Claim, Picture
from drlim.training import learning_schedule

N_COMPONENTS = 64
PER_DIGIT, QUICK_PER_DIGIT = 200, 60  # their pairs grow with its square
N_TEST, QUICK_TEST = 1500, 500
UNSEEN = (7, 8, 9)
RATES = (0.01, 0.001)
BATCH_EDGES = 256
COSFACE_MARGIN, COSFACE_SCALE = 0.35, 64.0  # as in its paper (Wang et al., CVPR 2018)


def run(options: Options) -> Result:
    """Learn twice, from all ten digits and without 7, 8 and 9, by each of the two losses."""
    clock = Clock()
    rng = generator(options.seed)
    train = datasets.mnist("train", download=options.download)
    options.say(f"Data: {train.name}; found in: {train.origin}")
    per_digit = QUICK_PER_DIGIT if options.quick else PER_DIGIT
    train = _some(train, per_digit, rng)
    test = _some(datasets.mnist("test"), (QUICK_TEST if options.quick else N_TEST) // 10, rng)
    known = ~np.isin(train.factors["digit"], UNSEEN)
    unseen = np.isin(test.factors["digit"], UNSEEN)
    settings = {
        "ten digits": (train, test),
        "digits never seen": (train.subset(known), test.subset(unseen)),
    }
    measured: dict[str, dict[str, dict[str, float]]] = {}
    with clock("train"):
        for name, (learnt, held_out) in settings.items():
            options.say(f"{name}: {len(learnt):,} to learn from, {len(held_out):,} held out")
            maps = {
                "contrastive": _contrastive(learnt, options),
                "cosface": _cosface(learnt, options),
                "untrained": _contrastive(learnt, options, max_epochs=0),
                "pixels": lambda X: X.reshape(len(X), -1).astype(np.float32) / 255,
            }
            measured[name] = {
                loss: _measure(transform, learnt, held_out, options.seed)
                for loss, transform in maps.items()
            }
    claims = _claims(measured)
    captions = {
        name: f"Same pairs accepted at two rates of false accepts: {name}, "
        f"{len(held_out):,} held-out digits, the network trained on {len(learnt):,} others. "
        "Thresholds are chosen on other held-out digits than they are tried on; bars are 95 % "
        "intervals, by weighting digits at random."
        for name, (learnt, held_out) in settings.items()
    }
    pictures = []
    for name, caption in captions.items():
        figure = plotting.bars(
            {
                loss: [
                    (
                        numbers[f"true_accepts_at_{rate}"],
                        numbers[f"low_at_{rate}"],
                        numbers[f"high_at_{rate}"],
                    )
                    for rate in RATES
                ]
                for loss, numbers in measured[name].items()
            },
            [f"{rate:.1%} false accepts" for rate in RATES],
            ylabel="same pairs accepted",
            title=name,
            caption=caption,
        )
        pictures.append(Picture(name.replace(" ", "-"), figure, caption))
    columns = ["loss", *(label for label in _COLUMNS.values())]
    return Result(
        data=train.name,
        origin=train.origin,
        n_train=len(train),
        n_test=len(test),
        seconds=clock.seconds(),
        claims=claims,
        numbers={"verification": measured},
        parameters={
            "n_components": N_COMPONENTS,
            "cosface": {"margin": COSFACE_MARGIN, "scale": COSFACE_SCALE},
            "unseen": list(UNSEEN),
        },
        tables={
            f"{name}: {captions[name]} Retrieval: mean average precision. k-NN: 5 nearest of the "
            "training digits, where their classes were trained on.": (
                columns,
                [
                    [
                        loss,
                        *(f"{numbers[key]:.3f}" if key in numbers else "–" for key in _COLUMNS),
                    ]
                    for loss, numbers in measured[name].items()
                ],
            )
            for name in settings
        },
        pictures=pictures,
        notes=[
            f"{per_digit} digits of a class teach what tells these classes apart, and not yet "
            "what tells digits apart at all: whether that carries over to classes never seen is "
            "what the last two claims ask.",
            *_digits.notes(train),
        ],
    )


def _claims(measured: dict[str, dict[str, dict[str, float]]]) -> list[Claim]:
    """Compare each loss with the pixels, which know no classes, in both settings."""
    said = {
        "contrastive": ("the contrastive loss", "the paper, section 1"),
        "cosface": ("CosFace", "Wang et al., CVPR 2018"),
    }
    claims = []
    for loss, (name, source) in said.items():
        key, numbers = "true_accepts_at_0.01", measured["ten digits"]
        claims.append(
            Claim(
                f"Class labels are similarity too: by {name}, same pairs of held-out digits "
                "accepted at 1 % false accepts, less those that the pixels accept",
                source,
                numbers[loss][key] - numbers["pixels"][key],
                0.3,
                ">=",
            )
        )
    for loss, (name, source) in said.items():
        numbers = measured["digits never seen"]
        claims.append(
            Claim(
                f"Digits 7 to 9, left out of training, are told apart better than by the pixels: "
                f"by {name}, area under the curve of same against different, less the pixels'",
                source,
                numbers[loss]["area"] - numbers["pixels"]["area"],
                0.0,
                ">=",
            )
        )
    return claims


_COLUMNS = {
    "true_accepts_at_0.01": "accepted at 1 %",
    "true_accepts_at_0.001": "accepted at 0.1 %",
    "area": "area under the curve",
    "mean_average_precision": "retrieval",
    "knn_accuracy": "5-NN",
}

Transform = Callable[[np.ndarray], np.ndarray]


def _some(data: Dataset, per_digit: int, rng: np.random.Generator) -> Dataset:
    chosen = []
    for digit in range(10):
        rows = np.flatnonzero(data.factors["digit"] == digit)
        chosen.append(rng.choice(rows, min(per_digit, len(rows)), replace=False))
    return data.subset(np.sort(np.concatenate(chosen)))


def _contrastive(data: Dataset, options: Options, max_epochs: int = 1) -> Transform:
    """Learn with eq. 4, digits of one class being similar; one pass over all their pairs."""
    map_ = DrLIM(
        n_components=N_COMPONENTS,
        network="lenet",
        max_epochs=max_epochs,
        batch_size=BATCH_EDGES,
        learning_rate=2e-3,
        random_state=options.seed,
        verbose=int(max_epochs > 0),
    )
    map_.fit(data.X, data.factors["digit"])

    def transform(X: np.ndarray) -> np.ndarray:
        return np.asarray(map_.transform(X))

    return transform


def _cosface(data: Dataset, options: Options) -> Transform:
    """Learn with CosFace: the same network, and as many images seen as by `_contrastive`."""
    try:
        from pytorch_metric_learning.losses import CosFaceLoss
    except ImportError:
        raise missing_extra(
            "pytorch-metric-learning", "compare", "drlim reproduce cosface"
        ) from None
    _, labels = np.unique(data.factors["digit"], return_inverse=True)
    X, target = torch.from_numpy(data.X), torch.from_numpy(labels)
    network = torch.nn.Sequential(
        networks.Standardize(data.X.mean(), float(data.X.std())),
        _builders.build(networks.lenet, data.X.shape[1:], N_COMPONENTS, seed=options.seed),
    )
    n_classes = int(labels.max()) + 1
    n_pairs = sum(int(n) * (int(n) - 1) // 2 for n in np.bincount(labels))
    n_steps = n_pairs // BATCH_EDGES
    rng = generator(options.seed)
    with seeded(options.seed):
        loss = CosFaceLoss(n_classes, N_COMPONENTS, margin=COSFACE_MARGIN, scale=COSFACE_SCALE)
    weights = [*network.parameters(), *loss.parameters()]
    optimizer = torch.optim.Adam(weights, lr=2e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_schedule(step / n_steps)
    )
    network.train()
    for _ in range(n_steps):
        rows = torch.from_numpy(rng.integers(0, len(X), min(2 * BATCH_EDGES, len(X))))
        cost = loss(network(X[rows]), target[rows])
        optimizer.zero_grad()
        torch.autograd.backward(cost)
        optimizer.step()
        schedule.step()
    network.eval()

    def transform(X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            Z = torch.cat([network(block) for block in torch.split(torch.from_numpy(X), 512)])
            return np.asarray(torch.nn.functional.normalize(Z).numpy())  # its angles count

    return transform


def _measure(transform: Transform, train: Dataset, test: Dataset, seed: int) -> dict[str, Any]:
    Z, labels = transform(test.X), test.factors["digit"]
    left, right = np.triu_indices(len(Z), 1)  # in the order of pdist
    numbers = {"area": float(roc_auc_score(labels[left] == labels[right], -pdist(Z)))}
    for rate in RATES:
        threshold = choose_threshold(Z, labels, rate, by="sample", random_state=seed)
        rejects = threshold.false_rejects
        numbers |= {
            f"true_accepts_at_{rate}": 1 - rejects.value,
            f"low_at_{rate}": 1 - rejects.high,
            f"high_at_{rate}": 1 - rejects.low,
            f"false_accepts_at_{rate}": threshold.false_accepts.value,
        }
    numbers["mean_average_precision"] = mean_average_precision(Z, labels)
    if set(labels) <= set(train.factors["digit"]):
        numbers["knn_accuracy"] = quality.knn_accuracy(
            transform(train.X), train.factors["digit"], Z, labels
        )
    return numbers
