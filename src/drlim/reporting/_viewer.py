"""A 3-D map to turn by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from drlim.plotting._sheets import sprite_sheet


@dataclass(frozen=True)
class Viewer:
    """A 3-D map in a report, to turn by hand.

    Attributes
    ----------
    caption : str
    Z : ndarray of shape (n, 3)
    factors : mapping of str to ndarray of shape (n,)
        Numbers that the points can be coloured by.
    images : ndarray of shape (n, height, width)
        The image shown when a point is pointed at.
    """

    caption: str
    Z: np.ndarray
    factors: Mapping[str, np.ndarray]
    images: np.ndarray

    COLUMNS = 18

    def as_json(self) -> str:
        """Return all that the page needs, as JSON that can stand in a script element.

        No name in it can end the element: ``<`` is written as an escape.
        """
        centred = self.Z - self.Z.mean(axis=0)
        scaled = centred / (np.linalg.norm(centred, axis=1).max() or 1.0)
        sheet = base64.b64encode(sprite_sheet(self.images, self.COLUMNS)).decode()
        content = json.dumps(
            {
                "points": scaled.round(4).tolist(),
                "factors": {name: values.tolist() for name, values in self.factors.items()},
                "columns": self.COLUMNS,
                "tile": list(self.images.shape[1:]),
                "sheet": f"data:image/png;base64,{sheet}",
            }
        )
        return content.replace("<", "\\u003c")
