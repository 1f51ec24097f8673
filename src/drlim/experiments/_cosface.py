"""The link to class labels: one network, trained with the contrastive loss and with CosFace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial.distance import pdist
from sklearn.metrics import roc_auc_score

from drlim import datasets, networks, plotting, recipes
from drlim._errors import missing_extra
from drlim._random import generator
from drlim._torch_state import seeded
from drlim._training_run import learning_schedule
from drlim.datasets import Dataset
from drlim.evaluation import quality
from drlim.evaluation.verification import choose_threshold, mean_average_precision
from drlim.experiments import _digits
from drlim.experiments._run import Options, Result, check_claims
from drlim.networks import _builders

N_COMPONENTS = 64
PER_DIGIT, QUICK_PER_DIGIT = 200, 60  # the number of pairs grows with their square
N_TEST, QUICK_TEST = 1500, 500
UNSEEN = (7, 8, 9)
RATES = (0.01, 0.001)  # of false accepts
BATCH_EDGES = 256
COSFACE_MARGIN, COSFACE_SCALE = 0.35, 64.0  # as in its paper (Wang et al., CVPR 2018)

_LOSSES = (
    ("contrastive", "the contrastive loss", "the paper, section 1"),
    ("cosface", "CosFace", "Wang et al., CVPR 2018"),
)
# Each loss is compared with the pixels, which know no classes; the paths lead to the differences.
CLAIMS = (
    *(
        (
            f"Class labels are similarity too: by {name}, same pairs of held-out digits accepted "
            "at 1 % false accepts, less those that the pixels accept",
            citation,
            f"ten digits/{loss}/true_accepts_at_0.01",
            ">=",
            0.3,
        )
        for loss, name, citation in _LOSSES
    ),
    *(
        (
            "Digits 7 to 9, left out of training, are told apart better than by the pixels: by "
            f"{name}, area under the curve of same against different, less the pixels'",
            citation,
            f"digits never seen/{loss}/area",
            ">=",
            0.0,
        )
        for loss, name, citation in _LOSSES
    ),
)
CAPTION = (
    "Same pairs accepted at two rates of false accepts: {name}, {n_test:,} held-out digits; the "
    "network was trained on {n_train:,} others. Thresholds are chosen on other held-out digits "
    "than they are tried on; bars are 95 % intervals, by weighting digits at random."
)
TABLE = (
    "{name}: {caption} Retrieval: mean average precision. 5-NN: accuracy by the 5 nearest "
    "training digits, where their classes were trained on."
)
NOTE = (
    "{per_digit} digits of a class teach what separates these classes, and not yet what separates "
    "digits in general: whether it carries over to classes never seen is what the last two claims "
    "test."
)


def run(options: Options) -> Result:
    """Learn twice, from all ten digits and without 7, 8 and 9, by each of the two losses."""
    per_digit = QUICK_PER_DIGIT if options.quick else PER_DIGIT
    train, test = _load(options, per_digit)
    known = ~np.isin(train.factors["digit"], UNSEEN)
    unseen = np.isin(test.factors["digit"], UNSEEN)
    sets = {
        "ten digits": (train, test),
        "digits never seen": (train.subset(known), test.subset(unseen)),
    }
    with options.clock("train"):
        measured = {name: _compare(name, *data, options) for name, data in sets.items()}
    named = {
        name: CAPTION.format(name=name, n_test=len(held_out), n_train=len(learnt))
        for name, (learnt, held_out) in sets.items()
    }
    return Result(
        data=train.name,
        origin=train.origin,
        n_train=len(train),
        n_test=len(test),
        claims=check_claims(CLAIMS, _beyond_pixels(measured)),
        numbers={"verification": measured},
        parameters={
            "n_components": N_COMPONENTS,
            "cosface": {"margin": COSFACE_MARGIN, "scale": COSFACE_SCALE},
            "unseen": list(UNSEEN),
        },
        tables={
            TABLE.format(name=name, caption=caption): _table(measured[name])
            for name, caption in named.items()
        },
        figures={
            name.replace(" ", "-"): _figure(name, measured[name], caption)
            for name, caption in named.items()
        },
        captions={name.replace(" ", "-"): caption for name, caption in named.items()},
        notes=[NOTE.format(per_digit=per_digit), *_digits.notes_on(train)],
    )


Numbers = dict[str, float]
Transform = Callable[[np.ndarray], np.ndarray]


def _load(options: Options, per_digit: int) -> tuple[Dataset, Dataset]:
    """Load as many digits of each class."""
    rng = generator(options.random_state)
    train = datasets.mnist("train", download=options.download)
    options.say(f"Data: {train.name}; found in: {train.origin}")
    train = _some(train, per_digit, rng)
    test = _some(datasets.mnist("test"), (QUICK_TEST if options.quick else N_TEST) // 10, rng)
    return train, test


def _compare(name: str, train: Dataset, test: Dataset, options: Options) -> dict[str, Numbers]:
    """Learn by each loss, and measure it beside the untrained network and the pixels."""
    options.say(f"{name}: {len(train):,} to learn from, {len(test):,} held out")
    maps: dict[str, Transform] = {
        "contrastive": _contrastive(train, options),
        "cosface": _cosface(train, options),
        "untrained": _contrastive(train, options, max_epochs=0),
        "pixels": lambda X: X.reshape(len(X), -1).astype(np.float32) / 255,
    }
    return {
        loss: _measure(transform, train, test, options.random_state)
        for loss, transform in maps.items()
    }


def _beyond_pixels(measured: dict[str, dict[str, Numbers]]) -> dict[str, dict[str, Numbers]]:
    """Return by how much each number exceeds that of the pixels."""
    return {
        name: {
            loss: {key: losses[loss][key] - pixel for key, pixel in losses["pixels"].items()}
            for loss, _, _ in _LOSSES
        }
        for name, losses in measured.items()
    }


def _figure(name: str, measured: dict[str, Numbers], caption: str) -> plotting.Figure:
    rates = {
        loss: [_accepts_at(rate, numbers) for rate in RATES] for loss, numbers in measured.items()
    }
    return plotting.bars(
        rates,
        [f"{rate:.1%} false accepts" for rate in RATES],
        ylabel="same pairs accepted (share)",
        title=name,
        caption=caption,
    )


def _accepts_at(rate: float, numbers: Numbers) -> tuple[float, float, float]:
    low, high = numbers[f"low_at_{rate}"], numbers[f"high_at_{rate}"]
    return numbers[f"true_accepts_at_{rate}"], low, high


_COLUMNS = {
    "true_accepts_at_0.01": "accepted at 1 %",
    "true_accepts_at_0.001": "accepted at 0.1 %",
    "area": "area under the curve",
    "mean_average_precision": "retrieval",
    "knn_accuracy": "5-NN",
}


def _table(measured: dict[str, Numbers]) -> tuple[list[str], list[list[str]]]:
    rows = [
        [loss, *(f"{numbers[key]:.3f}" if key in numbers else "–" for key in _COLUMNS)]
        for loss, numbers in measured.items()
    ]
    return ["loss", *_COLUMNS.values()], rows


def _some(data: Dataset, per_digit: int, rng: np.random.Generator) -> Dataset:
    chosen = []
    for digit in range(10):
        rows = np.flatnonzero(data.factors["digit"] == digit)
        chosen.append(rng.choice(rows, min(per_digit, len(rows)), replace=False))
    return data.subset(np.sort(np.concatenate(chosen)))


def _contrastive(data: Dataset, options: Options, max_epochs: int = 1) -> Transform:
    """Learn with eq. 4 from all pairs of digits of one class, in one pass."""
    map_ = recipes.paper(data.X.shape[1:], random_state=options.random_state).set_params(
        n_components=N_COMPONENTS,
        max_epochs=max_epochs,
        batch_size=BATCH_EDGES,
        learning_rate=2e-3,
        verbose=int(max_epochs > 0),
    )
    map_.fit(data.X, data.factors["digit"])
    return map_.transform


def _cosface(data: Dataset, options: Options) -> Transform:
    """Learn with CosFace: the same network, shown as many images as in `_contrastive`."""
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
        _builders.build(networks.lenet, data.X.shape[1:], N_COMPONENTS, seed=options.random_state),
    )
    n_classes = int(labels.max()) + 1
    n_pairs = sum(int(n) * (int(n) - 1) // 2 for n in np.bincount(labels))
    n_steps = n_pairs // BATCH_EDGES
    rng = generator(options.random_state)
    with seeded(options.random_state):
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
            return torch.nn.functional.normalize(Z).numpy()  # CosFace compares angles

    return transform


def _measure(
    transform: Transform, train: Dataset, test: Dataset, random_state: int
) -> dict[str, float]:
    Z, labels = transform(test.X), test.factors["digit"]
    left, right = np.triu_indices(len(Z), 1)  # in the order of pdist
    numbers = {"area": float(roc_auc_score(labels[left] == labels[right], -pdist(Z)))}
    for rate in RATES:
        threshold = choose_threshold(Z, labels, rate, by="sample", random_state=random_state)
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
