"""A cylinder through the points of a 3-D map: the shape that a map of poses should take.

An object on a turntable has an azimuth, which is cyclic, and is seen from an elevation, which is
not. A map of its pose is a cylinder, with azimuth around and elevation along it (the paper's
figure 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from drlim._checks import as_rows, one_each
from drlim._errors import InputError

__all__ = ["Cylinder", "circular_correlation", "fit_cylinder"]


@dataclass(frozen=True)
class Cylinder:
    """A cylinder in space.

    Attributes
    ----------
    centre : ndarray of shape (3,)
        A point on its axis.
    frame : ndarray of shape (3, 3)
        Orthonormal rows: two directions across, and the direction of the axis.
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
    """Fit a cylinder to points by least squares of their distances from its surface.

    The problem has several local minima, so an axis is started from each principal direction of
    the points, and the fit with the smallest misfit, as a share of its radius, is returned.

    Parameters
    ----------
    Z : array-like of shape (n, 3), n >= 6
        The points of a 3-D map.

    Returns
    -------
    Cylinder

    Raises
    ------
    InputError
        If there are fewer than six points, they are not in three dimensions, or all coincide.

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
            f"Z has the shape {Z.shape}; a cylinder is fitted to 6 points or more in three "
            "dimensions, (n, 3)"
        )
    if not np.ptp(Z, axis=0).any():
        raise InputError("all points of Z coincide; a constant map has no cylinder")
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
    # Any point of the axis describes the same cylinder; take the one nearest to the points' mean.
    centre = best[:3] + ((middle - best[:3]) @ axis) * axis
    return Cylinder(centre, np.vstack([across, axis]), float(abs(best[6])))


def _misfit(parameters: np.ndarray, Z: np.ndarray) -> np.ndarray:
    centre, axis, radius = parameters[:3], parameters[3:6], parameters[6]
    axis = axis / np.linalg.norm(axis)
    away = (Z - centre) - np.outer((Z - centre) @ axis, axis)
    return np.linalg.norm(away, axis=1) - abs(radius)


def circular_correlation(a: Any, b: Any) -> float:
    """Return the absolute correlation of two angles (Fisher & Lee 1983), from 0 to 1.

    Parameters
    ----------
    a, b : array-like of shape (n,)
        Radians.

    Returns
    -------
    float
        1 if one is the other, turned or mirrored; about 0 if they are independent; NaN if one is
        constant. Unlike the correlation of Jammalamadaka & SenGupta it needs no mean direction,
        which angles all around a circle do not have.

    Raises
    ------
    InputError
        If they differ in number, or are not finite.

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
