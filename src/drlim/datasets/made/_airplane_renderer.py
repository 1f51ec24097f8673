"""A renderer of an airplane in the 972 conditions of small NORB, in plain NumPy.

A small mesh is drawn into a z-buffer, with Lambert shading and cast shadows.

Camera and lamps stand still and the airplane turns under them, as on NORB's turntable. In the
room x points to the camera's right, y away from it and z up, and the ground is z = 0. Camera and
lamps are treated alike: each looks at the scene by parallel projection, and its coordinates are
(right, up, towards the viewer). Points are the columns of (3, n) arrays. The airplane is about
two units long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from drlim._checks import check_count, is_number
from drlim._errors import InputError
from drlim._types import Float, Int


class _Lamp(NamedTuple):
    azimuth: float  # degrees from x towards y: the camera stands at -90
    elevation: float
    intensity: float
    ambient: float  # light from all directions, in shadows too


_LAMPS = (
    _Lamp(-150.0, 58.0, 0.95, 0.22),  # bright, from the front left
    _Lamp(-25.0, 58.0, 0.62, 0.20),  # weaker, from the front right
    _Lamp(125.0, 60.0, 1.10, 0.12),  # harsh, from behind on the left
    _Lamp(50.0, 60.0, 0.42, 0.10),  # dim, from behind on the right
    _Lamp(-90.0, 80.0, 0.70, 0.48),  # bright and soft, from overhead
    _Lamp(180.0, 60.0, 0.40, 0.45),  # soft, from the left
)

AZIMUTHS = tuple(20.0 * i for i in range(18))
ELEVATIONS = tuple(30.0 + 5.0 * i for i in range(9))
N_LIGHTINGS = len(_LAMPS)

_CAMERA_AZIMUTH = -90.0
_HALF_WIDTH = 1.5  # of the frame: wide enough for the longest shadow
_CENTRE = 0.18  # the height of the point in the middle of the frame
_PAINT, _TAIL_PAINT, _GROUND = 0.75, 0.22, 0.45  # reflectances
_LAMP_DISTANCE = 5.0  # near enough that the ground is visibly brighter on the lamp's side
_SHADOW_BIAS = 0.03  # a surface is in shadow if it lies further than this behind another
_OVERSAMPLING = 2
_SIDES = 16  # of the polygon that approximates an ellipse
_SMALLEST = 8  # pixels along a side: with fewer, nose and tail look alike

# The version of the drawing. Raise it when the pictures change, or a cache would go on giving
# the old ones.
VERSION = 1


def render_airplane(azimuth: float, elevation: float, lighting: int, size: int = 96) -> np.ndarray:
    """Render one view of an airplane as small NORB's camera would see it.

    Parameters
    ----------
    azimuth : float
        The turntable's angle in degrees, counter-clockwise from above; at 0 the nose points to
        the right.
    elevation : float
        The camera's angle above the ground in degrees, more than 0 and at most 90.
    lighting : int
        Which of the six lightings, 0 to 5.
    size : int, default=96
        Pixels along a side, at least 8.

    Returns
    -------
    ndarray of shape (size, size), uint8
        0 (black) to 255 (white); the same bits each time on one machine, and within one grey
        level on another.

    Raises
    ------
    InputError
        If an argument is outside its range.

    Examples
    --------
    >>> view = render_airplane(azimuth=40, elevation=50, lighting=4, size=16)
    >>> view.shape, view.dtype
    ((16, 16), dtype('uint8'))
    """
    if not is_number(azimuth):
        raise InputError(f"azimuth is {azimuth!r}; it must be an angle in degrees")
    if not is_number(elevation) or not 0 < elevation <= 90:
        raise InputError(
            f"elevation is {elevation!r}; it must be greater than 0 and at most 90 degrees, as the "
            "camera is above the ground"
        )
    if lighting not in range(N_LIGHTINGS):
        raise InputError(
            f"lighting is {lighting!r}; it must be an integer from 0 to {N_LIGHTINGS - 1}"
        )
    return _render(azimuth, [elevation], [int(lighting)], size)[0, 0]


def airplane_views(size: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Render all 972 views, ordered by azimuth, then elevation, then lighting.

    Parameters
    ----------
    size : int, default=96
        Pixels along a side, at least 8.

    Returns
    -------
    images : ndarray of shape (972, size, size), uint8
    azimuth, elevation : ndarray of shape (972,), float
        In degrees.
    lighting : ndarray of shape (972,), int

    Raises
    ------
    InputError
        If the size is too small.
    """
    lightings = range(N_LIGHTINGS)
    images = np.stack([_render(azimuth, ELEVATIONS, lightings, size) for azimuth in AZIMUTHS])
    return images.reshape(-1, size, size), *conditions()


def conditions() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return azimuth, elevation and lighting of the 972 views."""
    grids = np.meshgrid(AZIMUTHS, ELEVATIONS, range(N_LIGHTINGS), indexing="ij")
    azimuth, elevation, lighting = (grid.ravel() for grid in grids)
    return azimuth, elevation, lighting


# The mesh


class _Mesh(NamedTuple):
    vertices: np.ndarray  # (3, vertices)
    normals: np.ndarray  # (3, vertices), of any length
    faces: np.ndarray  # (3, faces), counter-clockwise seen from outside
    paint: np.ndarray  # (faces,)


def _loft(
    axis: int, rings: Sequence[tuple[float, float, float, float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the closed surface through ellipses across ``axis``, given in increasing order.

    A ring is (x, y, z, a, b): its centre, and its half-widths along the two axes that follow
    ``axis`` in cyclic order. Returns vertices (n, 3) and faces (m, 3).
    """
    # Rings of width 0 at both ends close the surface.
    table = np.array([(*rings[0][:3], 0.0, 0.0), *rings, (*rings[-1][:3], 0.0, 0.0)])
    angles = 2.0 * np.pi * np.arange(_SIDES) / _SIDES
    vertices = np.repeat(table[:, None, :3], _SIDES, axis=1)
    vertices[:, :, (axis + 1) % 3] += table[:, 3:4] * np.cos(angles)
    vertices[:, :, (axis + 2) % 3] += table[:, 4:5] * np.sin(angles)

    corners = np.arange(len(table) * _SIDES).reshape(-1, _SIDES)
    a, b = corners[:-1], corners[1:]
    a_next, b_next = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    faces = np.stack([a, a_next, b_next, a, b_next, b], axis=-1)  # two per quadrilateral
    return vertices.reshape(-1, 3), faces.reshape(-1, 3)


def _airliner() -> _Mesh:
    """Build the airplane, nose towards +x."""
    # fmt: off
    parts = [
        _loft(0, [  # fuselage; the tail sweeps up
            (-0.72, 0, 0.40, 0.02, 0.02), (-0.56, 0, 0.38, 0.08, 0.08),
            (-0.25, 0, 0.33, 0.15, 0.15), (-0.05, 0, 0.31, 0.17, 0.17),
            (0.40, 0, 0.31, 0.17, 0.17), (0.86, 0, 0.31, 0.17, 0.17),
            (1.04, 0, 0.295, 0.145, 0.145), (1.16, 0, 0.27, 0.10, 0.10),
            (1.22, 0, 0.25, 0.045, 0.045),
        ]),
        _loft(1, [  # both wings, swept and with dihedral
            (-0.08, -0.84, 0.32, 0.012, 0.13), (0.42, 0, 0.22, 0.035, 0.40),
            (-0.08, 0.84, 0.32, 0.012, 0.13),
        ]),
        _loft(1, [  # tailplane
            (-0.73, -0.40, 0.42, 0.008, 0.07), (-0.52, 0, 0.38, 0.018, 0.17),
            (-0.73, 0.40, 0.42, 0.008, 0.07),
        ]),
        _loft(2, [(-0.46, 0, 0.38, 0.20, 0.025), (-0.71, 0, 0.72, 0.09, 0.015)]),  # fin
    ] + [
        _loft(0, [  # engine
            (0.32, y, 0.15, 0.055, 0.055), (0.48, y, 0.15, 0.085, 0.085),
            (0.66, y, 0.15, 0.08, 0.08),
        ])
        for y in (-0.40, 0.40)
    ]
    # fmt: on

    starts = np.cumsum([0] + [len(vertices) for vertices, _ in parts])
    vertices = np.concatenate([vertices for vertices, _ in parts])
    faces = np.concatenate([parts[i][1] + starts[i] for i in range(len(parts))])
    a, b, c = (vertices[corner] for corner in faces.T)
    normals = np.zeros_like(vertices)  # the sum of the faces around a vertex, weighted by area
    np.add.at(normals, faces, np.cross(b - a, c - a)[:, None])
    # The dark tail distinguishes the two ends. In one colour, the cross of wings and body would be
    # nearer to itself turned by 100 degrees than turned by 20, in most views.
    paint = np.where((a + b + c)[:, 0] / 3.0 < -0.25, _TAIL_PAINT, _PAINT)
    return _Mesh(vertices.T, normals.T, faces.T, paint)


# The camera and the lamps


def _turn(
    matrix: Float[np.ndarray, "m 3"], points: Float[np.ndarray, "3 n"]
) -> Float[np.ndarray, "m n"]:
    """Multiply each point by a matrix, without BLAS: starting its threads would take longer."""
    return np.einsum("ij,jn->in", matrix, points)


def _turntable(azimuth: float) -> Float[np.ndarray, "3 3"]:
    """Return the rotation by ``azimuth`` degrees about z."""
    c, s = np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _viewer(azimuth: float, elevation: float) -> Float[np.ndarray, "3 3"]:
    """Return the rows right, up and towards of the viewer in a direction given in degrees."""
    c, s = np.cos(np.radians(elevation)), np.sin(np.radians(elevation))
    upright = np.array([[0.0, 1.0, 0.0], [-s, 0.0, c], [c, 0.0, s]])  # for azimuth 0
    return _turn(upright, _turntable(azimuth).T)


def _pixels(seen: Float[np.ndarray, "3 m"], n: int) -> Float[np.ndarray, "2 m"]:
    """Return columns and rows of viewer's coordinates; integers are centres, row 0 is lowest."""
    return (seen[:2] / _HALF_WIDTH + 1.0) * (n / 2) - 0.5


def _rasterise(
    seen: Float[np.ndarray, "3 n_vertices"], faces: Int[np.ndarray, "3 n_faces"], n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw triangles, all at once, into a z-buffer of n x n pixels.

    ``seen`` is in the viewer's coordinates. Returns the buffer (n * n,), which holds the nearest
    surface's third coordinate or -inf; and for the covered pixels only, their indices, the faces
    there and the weights (3, covered) of these faces' corners.
    """
    columns, rows = _pixels(seen, n)
    x, y = columns[faces], rows[faces]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    front = np.flatnonzero(area > 1e-9)  # on a closed surface, faces that look away are hidden
    faces, x, y, area = faces[:, front], x[:, front], y[:, front], area[front]

    # One fragment for each pixel of each face's bounding box, face by face.
    left, low = (np.clip(np.ceil(v.min(axis=0)), 0, n).astype(np.int64) for v in (x, y))
    right, high = (np.clip(np.floor(v.max(axis=0)) + 1, 0, n).astype(np.int64) for v in (x, y))
    width = right - left
    count = width * (high - low)
    face = np.repeat(np.arange(len(count)), count)
    rank = np.arange(len(face)) - np.repeat(np.cumsum(count) - count, count)
    row, column = np.divmod(rank, np.repeat(width, count))

    # Barycentric weights of the corners: affine in the pixel, and not negative inside the face.
    dx, dy = column + np.repeat(left - x[0], count), row + np.repeat(low - y[0], count)
    slopes = np.stack([y[2] - y[0], x[0] - x[2], y[0] - y[1], x[1] - x[0]]) / area
    slope = np.repeat(slopes, count, axis=1)
    second, third = dx * slope[0] + dy * slope[1], dx * slope[2] + dy * slope[3]
    first = 1.0 - second - third
    # The tolerance closes cracks that rounding would leave between neighbouring faces.
    inside = np.flatnonzero((first >= -1e-9) & (second >= -1e-9) & (third >= -1e-9))
    face, weights = face[inside], np.stack([first, second, third])[:, inside]
    pixel = (row[inside] + low[face]) * n + column[inside] + left[face]

    near = (weights * seen[2][faces[:, face]]).sum(axis=0)
    buffer = np.full(n * n, -np.inf)
    np.maximum.at(buffer, pixel, near)
    shown = np.flatnonzero(near == buffer[pixel])
    return buffer, pixel[shown], front[face[shown]], weights[:, shown]


# The picture


def _surfaces(mesh: _Mesh, elevation: float, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what the camera sees at each pixel: place (3, n * n), normal, reflectance."""
    camera = _viewer(_CAMERA_AZIMUTH, elevation)
    depth, pixel, face, weights = _rasterise(_turn(camera, mesh.vertices), mesh.faces, n)
    centres = ((np.arange(n) + 0.5) / (n / 2) - 1.0) * _HALF_WIDTH
    right, up = np.tile(centres, n), np.repeat(centres, n)
    # A point's height is camera[:, 2] times its coordinates, from the middle of the frame.
    ground = -(_CENTRE + camera[1, 2] * up) / camera[2, 2]
    place = _turn(camera.T, np.stack([right, up, np.where(np.isinf(depth), ground, depth)]))

    normal = np.zeros_like(place)
    normal[2] = 1.0
    smooth = (weights * mesh.normals[:, mesh.faces[:, face]]).sum(axis=1)
    normal[:, pixel] = smooth / np.sqrt((smooth**2).sum(axis=0))
    reflectance = np.full(n * n, _GROUND)
    reflectance[pixel] = mesh.paint[face]
    return place, normal, reflectance


def _light(
    lamp: _Lamp,
    shadow: Float[np.ndarray, " n_pixels"],
    place: Float[np.ndarray, "3 n_pixels"],
    normal: Float[np.ndarray, "3 n_pixels"],
    n: int,
) -> Float[np.ndarray, " n_pixels"]:
    """Return the light that falls on each pixel's surface; ``shadow`` is the lamp's z-buffer."""
    viewer = _viewer(lamp.azimuth, lamp.elevation)
    seen = _turn(viewer, place)
    # A place outside the lamp's frame gets the value of the border, which is -inf: lit.
    column, row = np.clip(np.rint(_pixels(seen, n)), 0, n - 1).astype(np.int64)
    lit = seen[2] >= shadow[row * n + column] - _SHADOW_BIAS
    facing = np.maximum(_turn(viewer[2:], normal)[0], 0.0)
    distance = seen[0] ** 2 + seen[1] ** 2 + (_LAMP_DISTANCE - seen[2]) ** 2
    direct = lamp.intensity * _LAMP_DISTANCE**2 / distance * facing * lit
    return direct + lamp.ambient * (0.75 + 0.25 * normal[2])  # less light from below


def _render(
    azimuth: float, elevations: Sequence[float], lightings: Sequence[int], size: int
) -> np.ndarray:
    """Render the views of one azimuth: (elevations, lightings, size, size)."""
    check_count(size, "size", _SMALLEST)
    n = int(size) * _OVERSAMPLING
    mesh, turn = _airliner(), _turntable(azimuth)
    vertices = _turn(turn, mesh.vertices) - np.array([[0.0], [0.0], [_CENTRE]])
    mesh = mesh._replace(vertices=vertices, normals=_turn(turn, mesh.normals))
    lamps = [_LAMPS[lighting] for lighting in lightings]
    shadows = [
        _rasterise(_turn(_viewer(lamp.azimuth, lamp.elevation), vertices), mesh.faces, n)[0]
        for lamp in lamps
    ]

    images = np.empty((len(elevations), len(lamps), size, size), dtype=np.uint8)
    for i, elevation in enumerate(elevations):
        place, normal, reflectance = _surfaces(mesh, elevation, n)
        for j, (lamp, shadow) in enumerate(zip(lamps, shadows, strict=True)):
            grey = reflectance * _light(lamp, shadow, place, normal, n)
            blocks = grey.reshape(size, _OVERSAMPLING, size, _OVERSAMPLING)
            image = np.minimum(np.rint(255.0 * blocks.mean(axis=(1, 3))), 255.0)
            images[i, j] = image[::-1]  # row 0 of an image is its top
    return images
