"""A synthetic table of measurements, in which the instrument shows more than the specimen."""

from __future__ import annotations

import numpy as np

from drlim._checks import check_count
from drlim._deprecated import renamed_arguments
from drlim._random import RandomState, keyed_streams
from drlim._types import Float
from drlim.datasets._dataset import Dataset

_LATENT = 6  # directions in which specimens differ


@renamed_arguments(seed="random_state")
def instruments(
    *,
    n_samples: int = 1500,
    n_features: int = 30,
    n_instruments: int = 4,
    n_states: int = 5,
    random_state: RandomState = 0,
) -> Dataset:
    """Make a table of measurements of specimens, each measured on some of several instruments.

    A specimen has a state (a class), a dose (a number) and a variation of its own, which affect
    all features together. Each instrument distorts its measurements in another way: it rotates
    half of the directions, gives each feature a gain and an offset, and saturates. So the nearest
    neighbours of a measurement come from the same instrument, whatever their specimen.

    Parameters
    ----------
    n_samples : int, default=1500
        Measurements, at least 2.
    n_features : int, default=30
        Features per measurement, at least 4.
    n_instruments : int, default=4
        At least 2.
    n_states : int, default=5
        At least 2.
    random_state : int, numpy Generator or RandomState, or None, default=0
        The same int gives the same table.

    Returns
    -------
    Dataset
        X of shape (n_samples, n_features), float64. Factors ``state``, int; ``dose``, 0 to 1;
        ``instrument``, int; and ``specimen``, int. A specimen is measured once on each of two
        or three instruments (two if there are only two; the last specimen may have fewer), drawn
        independently of its state and dose.

    Raises
    ------
    InputError
        If an argument is outside its range.

    Examples
    --------
    >>> data = instruments(n_samples=100)
    >>> data
    Dataset('made measurements', 100 x 30 float64, factors: state, dose, instrument, specimen)
    """
    check_count(n_samples, "n_samples", 2)
    check_count(n_features, "n_features", 4)
    check_count(n_instruments, "n_instruments", 2)
    check_count(n_states, "n_states", 2)
    streams = keyed_streams(random_state)
    random = streams.generator()
    n_specimens = n_samples // 2 + 1
    state = random.integers(n_states, size=n_specimens)
    dose = random.uniform(0, 1, size=n_specimens)
    truth = _features(state, dose, n_states, n_features, random)

    # Each specimen is measured on the first two or three instruments of a random order.
    order = random.permuted(np.tile(np.arange(n_instruments), (n_specimens, 1)), axis=1)
    n_measured = np.minimum(random.integers(2, 4, size=n_specimens), n_instruments)
    specimen, place = np.nonzero(np.arange(n_instruments) < n_measured[:, None])
    specimen, place = specimen[:n_samples], place[:n_samples]
    instrument = order[specimen, place]

    X = np.empty((n_samples, n_features))
    for k in range(n_instruments):
        rows = instrument == k
        X[rows] = _measured(truth[specimen[rows]], random)
    X += random.normal(0, 0.1, size=X.shape)
    factors = {
        "state": state[specimen],
        "dose": dose[specimen],
        "instrument": instrument,
        "specimen": specimen,
    }
    return Dataset(X, factors, "made measurements", f"made by drlim, seed {streams.seed}")


def _features(
    state: np.ndarray,
    dose: np.ndarray,
    n_states: int,
    n_features: int,
    random: np.random.Generator,
) -> Float[np.ndarray, "n_specimens n_features"]:
    """Return what a perfect instrument would measure, from -1 to 1."""
    centres = random.normal(0, 1, size=(n_states, _LATENT))
    along, bend = random.normal(0, 1, size=(2, _LATENT))
    latent = centres[state] + random.normal(0, 0.35, size=(len(state), _LATENT))
    latent += np.outer(2 * dose - 1, along) + np.outer(np.sin(np.pi * dose), bend)
    return np.tanh(latent @ random.normal(0, 0.4, size=(_LATENT, n_features)))


def _measured(
    truth: Float[np.ndarray, "n n_features"], random: np.random.Generator
) -> Float[np.ndarray, "n n_features"]:
    """Measure on a randomly drawn instrument: rotation, gain, offset, saturation."""
    n_features = truth.shape[1]
    basis = np.linalg.qr(random.normal(size=(n_features, n_features)))[0][:, : n_features // 2]
    turn = np.linalg.qr(random.normal(size=(n_features // 2, n_features // 2)))[0]
    turned = truth + (truth @ basis) @ (turn - np.eye(n_features // 2)) @ basis.T
    gain = np.exp(random.normal(0, 0.4, size=n_features))
    offset = random.normal(0, 1.2, size=n_features)
    limit = random.uniform(1.5, 3, size=n_features)
    return limit * np.tanh((gain * turned + offset) / limit)
