"""Redistribution of EPIC-pn: where in the spectrum a photon of a given energy is registered."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
import xraydb
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument.area import LOWEST_EV, SILICON_DENSITY

#: Charge loss below the surface: depth L [um] and the share S of its charge that a photon at the surface keeps;
#: width [um] of the layer that yields the flat shelf.
_LOSS_DEPTH_UM: Final = 0.087
_LOSS_KEPT: Final = 0.232
_SHELF_UM: Final = 0.067
_N_QUANTILES: Final = 60
#: The normal distribution's integral is tabulated to +-7 sigma in steps of 1/512: linear interpolation is good to 5e-7.
_REACH: Final = 7.0
_STEPS_A_SIGMA: Final = 512


@lru_cache(maxsize=1)
def _normal_integral() -> NDArray[np.float64]:
    x = np.arange(-_REACH, _REACH + 0.5 / _STEPS_A_SIGMA, 1.0 / _STEPS_A_SIGMA)
    table = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in x])
    table[0], table[-1] = 0.0, 1.0
    return table


@numba.njit(cache=True, nogil=True)
def _integral(x: float, table: NDArray[np.float64]) -> float:
    position = (x + _REACH) * _STEPS_A_SIGMA
    if position <= 0.0:
        return 0.0
    if position >= table.size - 1:
        return 1.0
    k = int(position)
    return table[k] + (position - k) * (table[k + 1] - table[k])


@numba.njit(cache=True, nogil=True)
def _redistribute(
    energies: NDArray[Any],
    mu_per_um: NDArray[Any],
    edges: NDArray[Any],
    n_ev: float,
    k_ev: float,
    table: NDArray[np.float64],
    out: NDArray[Any],
) -> None:
    n_bins = edges.size - 1
    line = np.empty(n_bins)
    for j in range(energies.size):
        energy = energies[j]
        shelf = -math.expm1(-mu_per_um[j] * _SHELF_UM)
        weight = (1.0 - shelf) / _N_QUANTILES
        for h in range(n_bins):
            line[h] = shelf * max(min(edges[h + 1], energy) - max(edges[h], 0.0), 0.0) / energy
        for q in range(_N_QUANTILES):
            depth = ((q + 0.5) / _N_QUANTILES) ** (1.0 / (mu_per_um[j] * _LOSS_DEPTH_UM))
            seen = energy * (1.0 - (1.0 - _LOSS_KEPT) * depth)
            sigma = math.sqrt(n_ev * n_ev + k_ev * seen) * 1e-3
            first = max(np.searchsorted(edges, seen - _REACH * sigma) - 1, 0)
            below = _integral((edges[first] - seen) / sigma, table)
            for h in range(first, n_bins):
                above = _integral((edges[h + 1] - seen) / sigma, table)
                line[h] += weight * (above - below)
                below = above
                if above == 1.0:
                    break
        for h in range(n_bins):
            out[j, h] = line[h]


def redistribution(
    energies_kev: ArrayLike, edges_kev: ArrayLike, n_ev: float, k_ev: float, dtype: Any = np.float64
) -> NDArray[Any]:
    """Return the share of photons of each energy that is registered in each detector bin.

    Five-number model (FACTS 4): charge loss E' = E (1 - (1-S) u), u ~ Beta(mu L, 1), with mu the absorption of silicon;
    Gaussian blur of variance n^2 + k E' (eV2, E' in keV); a flat shelf from 0 to E with fraction 1 - exp(-mu w).

    Parameters
    ----------
    energies_kev : array, shape (n,)
        Photon energies [keV].
    edges_kev : array, shape (n_bins + 1,)
        Edges of the detector bins [keV].
    n_ev, k_ev : float
        Blur [eV], [eV2/keV].
    dtype : dtype
        float64, or float32 for the large matrices of files.

    Returns
    -------
    array of `dtype`, shape (n, n_bins)
        Rows sum to at most 1: what falls outside the bins is lost.
    """
    energies = np.atleast_1d(np.asarray(energies_kev, np.float64))
    edges = np.asarray(edges_kev, np.float64)
    mu = xraydb.mu_elam("Si", np.maximum(energies * 1000.0, LOWEST_EV)) * SILICON_DENSITY * 1e-4
    out = np.empty((energies.size, edges.size - 1), dtype)
    _redistribute(energies, mu, edges, n_ev, k_ev, _normal_integral(), out)
    return out
