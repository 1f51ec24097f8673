"""What a proof measured: the verdicts, and all that a report shows besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from drlim.datasets import Dataset
from drlim.declaration._learnt import Learnt
from drlim.declaration._readings import Reading
from drlim.declaration._recognition import Recognition
from drlim.declaration._references import Worth
from drlim.declaration._style import Style
from drlim.declaration._unusual import Unusual
from drlim.evaluation._words import Answer, in_words
from drlim.evaluation.invariance import Displacement
from drlim.evaluation.proof import Proof
from drlim.transforms import Change


@dataclass(frozen=True)
class Evidence:
    """The proof, and the further measurements of a report.

    Attributes
    ----------
    proof : Proof
    recognition : tuple of Recognition
        For each kept class, one of held-out samples of classes that were learnt from and one of
        classes never seen, where there are two samples of one such class.
    held_out : Dataset
        The samples that were measured.
    points : mapping of str to ndarray of shape (n_samples, ...)
        Held-out points of the map and of its references.
    curves : mapping of str to (Change, mapping of str to Displacement)
        How far points move, against the strength of each ignored transformation.
    n_known : int
        The number of samples that were left out because the map was trained on them.
    repeats : tuple of str
        A line for each thing found of samples that repeat others, and of their labels.
    learnt : Dataset or None
        The samples that were learnt from, where they are at hand.
    known : Learnt or None
        Their points, as far as they are known.
    readings : tuple of Reading
        How each kept class is read from each held-out sample, through the learnt points.
    worth : tuple of Worth
        Whether the map recognises each kept class as well as rivals that train no network.
    style : tuple of Style
        How well each kept class is read from the background and the light; for photographs only.
    unusual : Unusual or None
        How unusual the samples are, where they are not those that the map's file knows.
    unusual_unseen : Unusual or None
        The same of samples with values that were held out as a whole.
    """

    proof: Proof
    recognition: tuple[Recognition, ...]
    held_out: Dataset
    points: Mapping[str, np.ndarray]
    curves: Mapping[str, tuple[Change, Mapping[str, Displacement]]] = field(default_factory=dict)
    n_known: int = 0
    repeats: tuple[str, ...] = ()
    learnt: Dataset | None = None
    known: Learnt | None = None
    readings: tuple[Reading, ...] = ()
    worth: tuple[Worth, ...] = ()
    style: tuple[Style, ...] = ()
    unusual: Unusual | None = None
    unusual_unseen: Unusual | None = None

    @property
    def answers(self) -> list[Answer]:
        """What was declared, and whether the map is worth it, as questions with their answers."""
        declared = [in_words(entry) for entry in self.proof.entries]
        return [*declared, *self._further]

    @property
    def _further(self) -> list[Answer]:
        return [*(each.answer for each in self.worth), *(each.answer for each in self.style)]

    @property
    def text(self) -> str:
        """The proof as text, whether the map is worth it, and how unusual the samples are."""
        further = [*map(str, self._further), *self.unusual_lines]
        return "\n".join([str(self.proof), *([""] if further else []), *further])

    @property
    def unusual_lines(self) -> list[str]:
        """How many samples are foreign, a sentence for each part."""
        lines = [] if self.unusual is None else [self.unusual.summary()]
        if self.unusual_unseen is not None:
            lines.append(f"Of values never seen: {self.unusual_unseen.summary()}")
            if self.unusual_unseen.novelty.can_show and self.unusual_unseen.share_foreign < 0.5:
                lines.append(
                    "So most samples of a kind that the map never saw are not called foreign: that "
                    "a new sample is not foreign does not say that it is of a known kind."
                )
        return lines

    @property
    def ignored_factors(self) -> list[str]:
        """The ignored names that are factors of the data, not transformations."""
        return [entry.name for entry in self.proof.ignored if entry.name not in self.curves]

    def as_json(self) -> dict[str, Any]:
        """Return the numbers as plain data."""
        return {
            **self.proof.as_json(),
            "recognition": [recognition.as_json() for recognition in self.recognition],
            "n_held_out": len(self.held_out),
            "n_left_out_as_trained_on": self.n_known,
            "skipped": list(self.held_out.skipped),
            "left_out": list(self.held_out.left_out),
            "repeats": list(self.repeats),
            "answers": [asdict(answer) for answer in self.answers],
            "readings": [reading.as_json() for reading in self.readings],
            "worth": [each.as_json() for each in self.worth],
            "style": [each.as_json() for each in self.style],
            "unusual": None if self.unusual is None else self.unusual.as_json(),
            "unusual_unseen": (
                None if self.unusual_unseen is None else self.unusual_unseen.as_json()
            ),
        }
