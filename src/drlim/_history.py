"""The history of a training: what each epoch measured, and the alarm that watches it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from drlim._errors import TrainingWarning, warn
from drlim.losses._forces import Forces, Sums
from drlim.pairs import Batch, PairSampler


@dataclass(frozen=True)
class Epoch:
    """The measurements of one epoch; all losses are estimates of eq. 1 per sample.

    Attributes
    ----------
    loss, attraction, repulsion : float
        The loss, and its two parts (repulsion with the weight that `n_dissimilar` gives it).
    active_share : float
        The share of dissimilar pairs that are nearer than the margin (under eq. 4, those that
        repel); NaN if there are no dissimilar pairs.
    mean_distance : float
        Mean distance of all pairs in the map.
    seconds : float
        Duration of the epoch.
    pairs_per_second : float
        Pairs whose loss was computed, per second.
    pinned : float
        The part of the loss that holds samples in place (`Pinned`).
    """

    loss: float
    attraction: float
    repulsion: float
    active_share: float
    mean_distance: float
    seconds: float
    pairs_per_second: float
    pinned: float = 0.0


class Tally:
    """Sums over the batches of an epoch, on the device, without waiting for it."""

    def __init__(self, device: torch.device | None, sampler: PairSampler) -> None:
        self.sampler = sampler
        self.sums = torch.zeros(len(Sums._fields), dtype=torch.float64, device=device)
        self.pinned = torch.zeros((), dtype=torch.float64, device=device)
        self.n_batches = 0
        self.n_pairs = 0
        self.start = time.perf_counter()

    def add(self, batch: Batch, found: Forces) -> None:
        """Add the sums of a batch."""
        self.sums += torch.stack(found.sums)
        self.n_batches += 1
        self.n_pairs += batch.n_pairs

    def add_pinned(self, pull: Tensor) -> None:
        """Add the mean pull on pinned samples in a batch."""
        self.pinned += pull.detach().double()

    def epoch(self) -> Epoch:
        """Return the means over the epoch."""
        sums = Sums(*self.sums.tolist())
        weight = self.sampler.counted_alike(sums.similar_weight, sums.dissimilar_weight)
        distance = self.sampler.counted_alike(sums.similar_distance, sums.dissimilar_distance)
        seconds = time.perf_counter() - self.start
        pinned = float(self.pinned)
        return Epoch(
            loss=(sums.attraction + sums.repulsion + pinned) / self.n_batches,
            attraction=sums.attraction / self.n_batches,
            repulsion=sums.repulsion / self.n_batches,
            active_share=(
                sums.active_weight / sums.dissimilar_weight if sums.dissimilar_weight else math.nan
            ),
            mean_distance=distance / weight if weight else math.nan,
            seconds=seconds,
            pairs_per_second=self.n_pairs / seconds,
            pinned=pinned / self.n_batches,
        )


class Alarm:
    """Warns once for each way in which a training fails, while it runs, and says what to try.

    Parameters
    ----------
    margin : float
    augments : bool
        Whether samples are changed by a function that may be at fault.

    Attributes
    ----------
    raised : set of str
        What it has warned of: "divergence", "collapse".
    """

    def __init__(self, margin: float, *, augments: bool = False) -> None:
        self.margin, self.augments = margin, augments
        self.raised: set[str] = set()

    def watch(self, history: Sequence[Epoch], progress: float) -> bool:
        """Look at the last epoch; return True if training cannot go on."""
        last = history[-1]
        if not math.isfinite(last.loss):
            self._warn(
                "divergence",
                f"the loss is {last.loss} in epoch {len(history)}, so training ends here and "
                "the weights of the best epoch before are kept; try a smaller learning_rate"
                + (", and see whether augment returns NaN or infinite values" * self.augments),
            )
            return True
        # In the first quarter of a training a map may still be small.
        if progress >= 0.25 and last.mean_distance < 0.05 * self.margin:
            self._warn(
                "collapse",
                "the map collapses: after epoch "
                f"{len(history)} its points lie {last.mean_distance:.2g} apart on average, and "
                f"the margin is {self.margin:g}. Attraction outweighs repulsion, the network gives "
                "one answer to everything, or it had no time to spread; try a larger n_dissimilar "
                "(or 'all'), fewer similar pairs, another learning_rate, more max_epochs, or "
                "another network",
            )
        return False

    def _warn(self, failure: str, message: str) -> None:
        if failure not in self.raised:
            warn(message, TrainingWarning)
        self.raised.add(failure)
