"""The paper's network as drlim computes it, against its layers computed one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from benchmarks._bench import Figure, in_turn, milliseconds, ratio, record
from benchmarks.quality import literal_lenet
from drlim import networks
from drlim.networks import _builders


def run(quick: bool) -> Iterator[Figure]:
    ours = _builders.build(networks.lenet, (28, 28), 2, seed=0)
    literal = literal_lenet()
    with torch.no_grad():
        for ours_weight, weight in zip(ours.parameters(), literal.parameters(), strict=True):
            weight.copy_(ours_weight)
    for n_points in (128, 512):
        X = torch.randn(n_points, 28, 28)
        difference = (ours(X) - literal(X)).abs().max() / literal(X).abs().max()
        times = in_turn(
            {"literal": forward_and_backward(literal, X), "ours": forward_and_backward(ours, X)},
            repetitions=9 if quick else 41,
        )
        yield Figure(
            f"literal layers : drlim's LeNet, {n_points} points",
            ratio(times, "literal", "ours"),
            goal=">= 2.5",
            detail={**milliseconds(times), "largest_relative_difference": difference.item()},
        )


def forward_and_backward(network: nn.Module, X: torch.Tensor) -> Callable[[], object]:
    """Return a function that computes the gradient of the network's output."""
    weights = list(network.parameters())
    return lambda: torch.autograd.grad(network(X).sum(), weights)


if __name__ == "__main__":
    record("network", run)
