"""Redistribution of EPIC-pn: where in the spectrum a photon of a given energy is registered."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument.area import SILICON_DENSITY, attenuation

# Loss of charge against the depth z of absorption, the idea behind the real matrices too (charge collection function of
# Popp et al. 1999, as told by Haberl et al. 2002, astro-ph/0203235): the share 1 - S at the surface, times
# 1 - a (z / l)^alpha down to z = l, then times (1 - a) exp(-(z - l) / tau), smooth at l. Fitted to two real matrices (a
# canned one and the sharpest) at 32 energies, 0.2-10 keV: binned profiles of four agree within an L1 distance of 0.07
# (0.12 just above the silicon edge). Tails far below the peak, which absorbed sources show, come out up to 45 % low for
# NH up to 1e23; the flat shelf of photons above 3 keV (some 0.4 %) is left out.
#: S = 0.639 - 0.351 / E, at least 0.067: the share of its charge that a photon absorbed at the surface keeps, E in keV.
_KEPT: Final = (0.639, 0.351, 0.067)
#: l, tau [um]; alpha.
_LOSS_DEPTH_UM: Final = 0.163
_LOSS_TAIL_UM: Final = 0.101
_LOSS_POWER: Final = 0.543
#: Above silicon's K edge a K-alpha photon may escape: yield (fitted like the rest), edge and photon [keV].
_K_YIELD: Final = 0.055
_K_EDGE: Final = 1.839
_K_ALPHA: Final = 1.74
#: Layers in which absorption is summed: to l, from there to _LAYERS_END tau below it, and the rest as one.
_N_SHALLOW: Final = 24
_N_DEEP: Final = 12
_LAYERS_END: Final = 6.0
#: Layers that absorb less than this share of the photons are left out.
_LEAST_SHARE: Final = 1e-6
#: The normal distribution's integral is tabulated to +-6 sigma in steps of 1/512: linear interpolation is good to 5e-7.
_REACH: Final = 6.0
_STEPS_A_SIGMA: Final = 512


class Blur(NamedTuple):
    """Variance n^2 + k E + c E^2 [eV2] of the blur, E the energy seen [keV]: noise, Fano, losses on the way out.

    Parameters
    ----------
    n_ev : float
        [eV].
    k_ev2 : float
        [eV2 / keV].
    c_ev2 : float
        [eV2 / keV2].
    """

    n_ev: float
    k_ev2: float
    c_ev2: float


@lru_cache(maxsize=1)
def _normal_integral() -> NDArray[np.float64]:
    x = np.arange(-_REACH, _REACH + 0.5 / _STEPS_A_SIGMA, 1.0 / _STEPS_A_SIGMA)
    table = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in x])
    table[0], table[-1] = 0.0, 1.0
    return table


def _layers() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the borders [um] of the layers, (n + 1,), and each one's loss relative to the surface's, (n,)."""
    rise = 1.0 / (1.0 + _LOSS_POWER * _LOSS_TAIL_UM / _LOSS_DEPTH_UM)
    below = _LAYERS_END * _LOSS_TAIL_UM * np.linspace(0.0, 1.0, _N_DEEP + 1) ** 1.5
    border = np.append(np.linspace(0.0, _LOSS_DEPTH_UM, _N_SHALLOW, endpoint=False), _LOSS_DEPTH_UM + below)
    z = 0.5 * (border[1:] + border[:-1])
    shallow = 1.0 - rise * (z / _LOSS_DEPTH_UM) ** _LOSS_POWER
    deep = (1.0 - rise) * np.exp(-np.maximum(z - _LOSS_DEPTH_UM, 0.0) / _LOSS_TAIL_UM)
    return border, np.where(z < _LOSS_DEPTH_UM, shallow, deep)


def _absorbed(mu_per_um: NDArray[np.float64], border: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of photons that each layer absorbs, the last without end; shape (n, n_layers + 1)."""
    passed = np.exp(-mu_per_um[:, None] * border[None, :])
    return np.column_stack([passed[:, :-1] - passed[:, 1:], passed[:, -1]])


def _escaping(energies_kev: NDArray[np.float64], mu_per_um: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of photons whose K-alpha photon escapes, shape (n,).

    Absorbed at depth z with density mu exp(-mu z) and sent out evenly, half of them upwards, of which exp(-mu_alpha z)
    along each way get out: integrated, yield / 2 (1 - mu_alpha / mu ln(1 + mu / mu_alpha)).
    """
    mu_alpha = float(attenuation("Si", SILICON_DENSITY, np.array([_K_ALPHA]))[0])
    share = 0.5 * _K_YIELD * (1.0 - mu_alpha / mu_per_um * np.log1p(mu_per_um / mu_alpha))
    return np.where(energies_kev > _K_EDGE, share, 0.0)


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
    absorbed: NDArray[Any],
    escaping: NDArray[Any],
    loss: NDArray[Any],
    edges: NDArray[Any],
    blur: Blur,
    table: NDArray[np.float64],
    out: NDArray[Any],
) -> None:
    n_bins = edges.size - 1
    line = np.empty(n_bins)
    for j in range(energies.size):
        line[:] = 0.0
        for escape in range(2):
            part = escaping[j] if escape else 1.0 - escaping[j]
            energy = energies[j] - (_K_ALPHA if escape else 0.0)
            lost_at_surface = 1.0 - max(_KEPT[0] - _KEPT[1] / energy, _KEPT[2])
            for q in range(loss.size):
                weight = part * absorbed[j, q]
                if weight < _LEAST_SHARE:
                    continue
                seen = energy * (1.0 - lost_at_surface * loss[q])
                sigma = math.sqrt(blur.n_ev**2 + blur.k_ev2 * seen + blur.c_ev2 * seen**2) * 1e-3
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
    energies_kev: ArrayLike, edges_kev: ArrayLike, blur: Blur, dtype: type[np.floating] = np.float64
) -> NDArray[Any]:
    """Return the share of photons of each energy that is registered in each detector bin.

    A photon is absorbed at a depth that its energy decides; the depth decides how much of its charge is collected; a
    Gaussian blurs that. Above the silicon edge a few lose a fluorescence photon.

    Parameters
    ----------
    energies_kev : array, shape (n,)
        Photon energies [keV].
    edges_kev : array, shape (n_bins + 1,)
        Edges of the detector bins [keV].
    blur : Blur
    dtype : dtype
        float64, or float32 for the large matrices of files.

    Returns
    -------
    array of `dtype`, shape (n, n_bins)
        Rows sum to at most 1: what falls outside the bins is lost.
    """
    energies = np.atleast_1d(np.asarray(energies_kev, np.float64))
    mu = attenuation("Si", SILICON_DENSITY, energies)
    border, loss = _layers()
    out = np.empty((energies.size, np.size(edges_kev) - 1), dtype)
    _redistribute(
        energies,
        _absorbed(mu, border),
        _escaping(energies, mu),
        np.append(loss, 0.0),
        np.asarray(edges_kev, np.float64),
        blur,
        _normal_integral(),
        out,
    )
    return out
