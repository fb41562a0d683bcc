"""What the decoder expects at a latent position, and how far that can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.errors import AtlasError
from vae.network.trained import TrainedModel
from vae.spectra import grid

#: Draws from the posterior behind a predictive band, their seed (the same band every time), and its quantiles.
DRAWS: Final = 64
_DRAWS_SEED: Final = 20251122
BAND: Final = (0.05, 0.95)

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Decoded:
    """Photon spectrum shapes at latent positions, each normalised to 1 photon in 0.3-10 keV.

    Parameters
    ----------
    energies : array, shape (n_energies,)
        [keV]
    mean : array of float32, shape (n_energies,) or (m, n_energies)
        Shape decoded at the position itself [1/keV].
    low, high : array of float32, shape of `mean`
        5 % and 95 % quantiles at each energy of shapes decoded at z' ~ N(z, sigma) [1/keV].
    sigma : array, shape (d,) or (m, d)
        Standard deviations behind the band.
    """

    energies: Array
    mean: Array
    low: Array
    high: Array
    sigma: Array


def draw(z: Array, sigma: Array) -> Array:
    """Return a position, then `DRAWS` from N(z, sigma): (1 + DRAWS, d); the same ones at every call."""
    noise = np.random.default_rng(_DRAWS_SEED).standard_normal((DRAWS, len(z)))
    return np.vstack([z, z + sigma * noise])


def decode(model: TrainedModel, z: ArrayLike, energies_keV: ArrayLike | None, sigma: ArrayLike) -> Decoded:
    """Decode positions with their predictive bands.

    Parameters
    ----------
    model : TrainedModel
    z, sigma : array, shape (d,) or (m, d)
        One sigma may serve all positions.
    energies_keV : array, shape (n_energies,), optional
        The 238 bin centres by default.

    Raises
    ------
    AtlasError
        When a sigma is negative or does not belong to the positions.
    """
    rows = np.atleast_2d(np.asarray(z, np.float64))
    try:
        spread = np.broadcast_to(np.asarray(sigma, np.float64), rows.shape)
    except ValueError:
        raise AtlasError(f"sigma has shape {np.shape(sigma)}, latent positions {rows.shape}") from None
    if not (np.isfinite(spread).all() and (spread >= 0).all()):
        raise AtlasError("sigma must be finite and not negative")
    energies = grid.BIN_CENTRES if energies_keV is None else np.atleast_1d(np.asarray(energies_keV, np.float64))
    mean = np.empty((len(rows), len(energies)), np.float32)
    low, high = np.empty_like(mean), np.empty_like(mean)
    for index, (position, width) in enumerate(zip(rows, spread, strict=True)):
        shapes = model.decode(draw(position, width), energies_keV)
        mean[index] = shapes[0]
        low[index], high[index] = np.quantile(shapes[1:], BAND, axis=0)
    if np.ndim(z) == 1:
        return Decoded(energies, mean[0], low[0], high[0], spread[0])
    return Decoded(energies, mean, low, high, spread)
