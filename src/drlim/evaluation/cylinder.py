"""A cylinder through the points of a 3-D map: the shape that a pose should take.

An object on a turntable has an azimuth, which closes on itself, and is seen from an elevation,
which does not: a map of its pose is a cylinder, azimuth around and elevation along (the
paper's figure 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from drlim._checks import as_rows, one_each
from drlim._errors import InputError


@dataclass(frozen=True)
class Cylinder:
    """A cylinder in space.

    Attributes
    ----------
    centre : ndarray of shape (3,)
        A point of its axis.
    frame : ndarray of shape (3, 3)
        Rows: two directions across, and the direction of the axis.
    radius : float
    """

    centre: np.ndarray
    frame: np.ndarray
    radius: float

    def coordinates(self, Z: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the angle around (radians), the height along, and the distance from the axis.

        Parameters
        ----------
        Z : array-like of shape (n, 3)

        Returns
        -------
        angle, height, distance : ndarray of shape (n,)
        """
        across, along, height = self.frame @ (np.asarray(Z, np.float64) - self.centre).T
        return np.arctan2(along, across), height, np.hypot(across, along)


def fit_cylinder(Z: Any) -> Cylinder:
    """Fit a cylinder to points, by the least squares of their distances from it.

    The factors are not looked at: an axis is tried from each principal direction of the
    points, and the one whose surface lies nearest to them, as a share of its radius, is kept.

    Parameters
    ----------
    Z : array-like of shape (n, 3), n >= 6
        The points of a 3-D map.

    Returns
    -------
    Cylinder

    Examples
    --------
    >>> angle, height = np.random.default_rng(0).uniform(0, 6.28, (2, 200))
    >>> surface = np.stack([2 * np.cos(angle), 2 * np.sin(angle), height], axis=1)
    >>> round(fit_cylinder(surface).radius, 3)
    2.0
    """
    Z = as_rows(Z, "Z").astype(np.float64)
    if Z.shape[1] != 3 or len(Z) < 6:
        raise InputError(
            f"the points have the shape {Z.shape}; a cylinder is fitted to 6 or more in space, "
            "(n, 3)"
        )
    if not np.ptp(Z, axis=0).any():
        raise InputError("all points are one; a map that is constant has no cylinder")
    middle = Z.mean(axis=0)
    directions = np.linalg.svd(Z - middle, full_matrices=False)[2]
    fits = []
    for axis in directions:
        start = np.concatenate([middle, axis, [np.linalg.norm(Z - middle, axis=1).mean()]])
        fit = least_squares(_misfit, start, args=(Z,))
        fits.append((np.sqrt(np.mean(fit.fun**2)) / max(abs(fit.x[6]), 1e-12), fit.x))
    _, best = min(fits, key=lambda fit: fit[0])
    axis = best[3:6] / np.linalg.norm(best[3:6])
    across = np.linalg.svd(axis[None])[2][1:]
    # The centre slides along its axis without changing anything; put it beside the points.
    centre = best[:3] + ((middle - best[:3]) @ axis) * axis
    return Cylinder(centre, np.vstack([across, axis]), float(abs(best[6])))


def _misfit(parameters: np.ndarray, Z: np.ndarray) -> np.ndarray:
    centre, axis, radius = parameters[:3], parameters[3:6], parameters[6]
    axis = axis / np.linalg.norm(axis)
    away = (Z - centre) - np.outer((Z - centre) @ axis, axis)
    return np.asarray(np.linalg.norm(away, axis=1) - abs(radius))


def circular_correlation(a: Any, b: Any) -> float:
    """Return the correlation of two angles (Fisher and Lee 1983), in size: 0 to 1.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        Radians.

    Returns
    -------
    float
        1 if one is the other turned or mirrored; about 0 if they have nothing to do with each
        other. It does not need the angles to have a mean direction, which those all around a
        circle have not.

    Examples
    --------
    >>> angle = np.linspace(0, 6, 50)
    >>> round(circular_correlation(angle, 2 - angle), 6)
    1.0
    """
    a = as_rows(np.reshape(a, (-1, 1)), "the first angle")[:, 0].astype(np.float64)
    b = as_rows(np.reshape(b, (-1, 1)), "the second angle")[:, 0].astype(np.float64)
    one_each(b, len(a), "the second angle")

    def spread(angle: np.ndarray) -> float:
        n = len(angle)
        return float(n**2 - np.cos(2 * angle).sum() ** 2 - np.sin(2 * angle).sum() ** 2)

    agree = (np.cos(a) * np.cos(b)).sum() * (np.sin(a) * np.sin(b)).sum()
    cross = (np.cos(a) * np.sin(b)).sum() * (np.sin(a) * np.cos(b)).sum()
    scale = np.sqrt(spread(a) * spread(b))
    return float(abs(4 * (agree - cross)) / scale) if scale else float("nan")
