"""Samples that a proof measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from drlim.datasets import Dataset
from drlim.declaration._learnt import Learnt, belonging, is_of_learnt_source
from drlim.declaration._recognition import Labelled
from drlim.declaration._resolve import Resolved


class Measured(NamedTuple):
    """Samples that are measured, their points by map, and what is known of those learnt from."""

    resolved: Resolved
    points: Mapping[str, np.ndarray]
    learnt: Learnt | None

    @property
    def data(self) -> Dataset:
        return self.resolved.data

    @property
    def seed(self) -> int:
        return self.resolved.declaration.map.random_state

    @property
    def is_shared(self) -> np.ndarray:
        """The samples whose source or group was learnt from under other conditions."""
        return is_of_learnt_source(self.resolved.declaration, self.data, self.learnt)

    @property
    def belonging(self) -> str:
        """The words for what belongs together: the source, the group, or both."""
        return " or ".join(belonging(self.resolved.declaration))

    def labelled(self, factor: str) -> Labelled:
        return Labelled(self.points, self.data.factor(factor))
