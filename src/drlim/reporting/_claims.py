"""Claims: sentences that a measured number supports or refutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drlim._errors import InputError
from drlim.reporting._json import plain


@dataclass(frozen=True)
class Claim:
    """A sentence, and the measured number that supports or refutes it.

    Attributes
    ----------
    sentence : str
    citation : str
        Who makes the claim, and where: "the paper, section 3.2".
    value : float
        The measured number.
    bound : float
        What the value is compared with.
    sign : {">=", "<="}
        The comparison: value, sign, bound.

    Raises
    ------
    InputError
        If the sign is neither.

    Examples
    --------
    >>> claim = Claim("The map keeps the slant, R²", "the paper, figure 4", 0.88, 0.86, ">=")
    >>> claim.holds
    True
    >>> print(claim.line)
    holds       0.88 >= 0.86    The map keeps the slant, R²
    """

    sentence: str
    citation: str
    value: float
    bound: float
    sign: str

    def __post_init__(self) -> None:
        if self.sign not in (">=", "<="):
            raise InputError(f"sign is {self.sign!r}; it must be '>=' or '<='")

    @property
    def holds(self) -> bool:
        """Whether the value satisfies the bound; NaN never does."""
        return bool(self.value >= self.bound if self.sign == ">=" else self.value <= self.bound)

    @property
    def line(self) -> str:
        """The verdict, the value with its bound, and the sentence, in one line."""
        verdict = "holds " if self.holds else "FAILED"
        return f"{verdict} {self.value:9.4g} {self.sign} {self.bound:<7g} {self.sentence}"

    def as_json(self) -> dict[str, Any]:
        """Return the claim as ``metrics.json`` stores it."""
        return {
            "claim": self.sentence,
            "source": self.citation,
            "value": plain(float(self.value)),
            "bound": self.bound,
            "holds": self.holds,
        }
