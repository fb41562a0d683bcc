"""EPIC-pn as the simulator sees it: effective area, redistribution, folding (fitted to real ARF and RMF files)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
import pandas as pd
import xraydb
from numpy.typing import ArrayLike, NDArray

from vae.resources import asset
from vae.simulate.spectral_model import FINE_CENTRES, FINE_TO_TRUE, FINE_WIDTHS, N_FINE
from vae.spectra import grid

FILTERS: Final = ("thin", "medium", "thick")
#: (formula, thickness in um, density in g/cm3) of the layers of each filter: polyimide or polypropylene, with metals.
_FILTER_LAYERS: Final = {
    "thin": (("C22H10N2O5", 0.16, 1.42), ("Al", 0.04, 2.7)),
    "medium": (("C22H10N2O5", 0.16, 1.42), ("Al", 0.08, 2.7)),
    "thick": (("C3H6", 0.33, 0.9), ("Al", 0.11, 2.7), ("Sn", 0.045, 7.3)),
}
#: The detector: 280 um of silicon behind 0.03 um of oxide.
_DETECTOR_UM: Final = 280.0
_OXIDE: Final = (("SiO2", 0.03, 2.2),)
_SILICON_DENSITY: Final = 2.329
#: Off-axis angles [arcmin] for which areas are tabulated; a detection takes the nearest.
OFFAXIS_STEP: Final = 0.9
N_OFFAXIS: Final = 17
OFFAXIS_TABLE: Final = OFFAXIS_STEP * np.arange(N_OFFAXIS)
#: First MJD of the second and third period of the canned matrices (start of 2007 and of 2014).
PERIOD_STARTS: Final = (54101.0, 56658.0)
#: CCD rows (9 lies under the optical axis, lower ones nearer to the read-out) with a matrix each.
CCD_ROWS: Final = (9, 6, 3)
#: Largest off-axis angle [arcmin] at which a detection still falls on each of `CCD_ROWS`.
_ROW_LIMITS: Final = (3.5, 8.0)
RESPONSE_NAMES: Final = tuple(f"epn_e{period}_ff20_sdY{row}_sim.rmf" for period in (1, 2, 3) for row in CCD_ROWS)
#: Charge loss below the surface: depth L [um] and the share S of its charge that a photon at the surface keeps;
#: width [um] of the layer that yields the flat shelf.
_LOSS_DEPTH_UM: Final = 0.087
_LOSS_KEPT: Final = 0.232
_SHELF_UM: Final = 0.067
_N_QUANTILES: Final = 60


def _passes(layers: tuple[tuple[str, float, float], ...], energies_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    depth = np.zeros_like(energies_kev)
    for formula, thickness_um, density in layers:
        depth += xraydb.material_mu(formula, energies_kev * 1000.0, density=density) * thickness_um * 1e-4
    return np.exp(-depth)


def on_axis_area(filter_: str, energies_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the effective area on axis: mirror x quantum efficiency x filter.

    Parameters
    ----------
    filter_ : str
        thin, medium or thick.
    energies_kev : array, shape (n,)
        Energies [keV], 0.12 to 14.5.

    Returns
    -------
    array of float64, shape (n,)
        In cm2; mirror area from ``assets/reference/epic_pn_mirror_area.csv`` by log-log interpolation.
    """
    energies = np.atleast_1d(np.asarray(energies_kev, np.float64))
    table = pd.read_csv(asset("reference", "epic_pn_mirror_area.csv"), comment="#")
    mirror = np.exp(np.interp(np.log(energies), np.log(table["energy_keV"]), np.log(table["area_cm2"])))
    silicon = xraydb.material_mu("Si", energies * 1000.0, density=_SILICON_DENSITY) * _DETECTOR_UM * 1e-4
    efficiency = -np.expm1(-silicon) * _passes(_OXIDE, energies)
    return mirror * efficiency * _passes(_FILTER_LAYERS[filter_], energies)


def vignetting(energies_kev: ArrayLike, offaxis_arcmin: float) -> NDArray[np.float64]:
    """Return the share of the area left at an off-axis angle: 1 / (1 + 0.75 (theta / theta0)^2).

    theta0 = 12.5 - 1.6 ln(E / 1.5 keV) arcmin, constant below 1.5 keV.
    """
    theta_0 = 12.5 - 1.6 * np.log(np.maximum(np.asarray(energies_kev, np.float64), 1.5) / 1.5)
    return 1.0 / (1.0 + 0.75 * (offaxis_arcmin / theta_0) ** 2)


@lru_cache(maxsize=1)
def area_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the effective areas of every filter and tabulated off-axis angle.

    Returns
    -------
    fine : array of float32, shape (3, N_OFFAXIS, n_fine)
        On the simulator's grid [cm2].
    stored : array of float32, shape (3, N_OFFAXIS, n_true)
        Averaged on the true-energy grid of the store [cm2].
    """
    fall = np.stack([vignetting(FINE_CENTRES, theta) for theta in OFFAXIS_TABLE])
    fine = np.stack([on_axis_area(filter_, FINE_CENTRES)[None] * fall for filter_ in FILTERS])
    weighted = np.zeros((*fine.shape[:2], grid.N_TRUE))
    for j in range(N_FINE):
        weighted[..., FINE_TO_TRUE[j]] += fine[..., j] * FINE_WIDTHS[j]
    return fine.astype(np.float32), (weighted / grid.TRUE_WIDTHS).astype(np.float32)


def offaxis_index(offaxis_arcmin: ArrayLike) -> NDArray[np.int64]:
    """Return the tabulated off-axis angle nearest to each angle [arcmin]."""
    nearest = np.rint(np.asarray(offaxis_arcmin, np.float64) / OFFAXIS_STEP).astype(np.int64)
    return np.clip(nearest, 0, N_OFFAXIS - 1)


def response_index(mjd: ArrayLike, offaxis_arcmin: ArrayLike) -> NDArray[np.int32]:
    """Return which of `RESPONSE_NAMES` serves a detection: by date, and by CCD row through its off-axis angle."""
    period = np.searchsorted(PERIOD_STARTS, np.asarray(mjd, np.float64), side="right")
    row = np.searchsorted(_ROW_LIMITS, np.asarray(offaxis_arcmin, np.float64), side="right")
    return (period * len(CCD_ROWS) + row).astype(np.int32)


def blur_of(response: int) -> tuple[float, float]:
    """Return the blur n [eV], k [eV2/keV] of a response: variance n^2 + k E, worse far from read-out and with age."""
    period, row = divmod(response, len(CCD_ROWS))
    return 25.0 + 0.3 * CCD_ROWS[row] + 0.2 * period, 750.0 + 17.0 * CCD_ROWS[row] + 20.0 * period


@numba.njit(cache=True, nogil=True)
def _redistribute(
    energies: NDArray[Any], mu_per_um: NDArray[Any], edges: NDArray[Any], n_ev: float, k_ev: float, out: NDArray[Any]
) -> None:
    n_bins = edges.size - 1
    for j in range(energies.size):
        energy = energies[j]
        shelf = -math.expm1(-mu_per_um[j] * _SHELF_UM)
        for q in range(_N_QUANTILES):
            depth = ((q + 0.5) / _N_QUANTILES) ** (1.0 / (mu_per_um[j] * _LOSS_DEPTH_UM))
            seen = energy * (1.0 - (1.0 - _LOSS_KEPT) * depth)
            sigma = math.sqrt(n_ev * n_ev + k_ev * seen) * 1e-3
            weight = (1.0 - shelf) / _N_QUANTILES
            first = max(np.searchsorted(edges, seen - 7.0 * sigma) - 1, 0)
            below = 0.5 * math.erfc((seen - edges[first]) / sigma / math.sqrt(2.0))
            for h in range(first, n_bins):
                above = 0.5 * math.erfc((seen - edges[h + 1]) / sigma / math.sqrt(2.0))
                out[j, h] += weight * (above - below)
                below = above
                if edges[h + 1] > seen + 7.0 * sigma:
                    break
        for h in range(n_bins):
            if edges[h] >= energy:
                break
            out[j, h] += shelf * max(min(edges[h + 1], energy) - max(edges[h], 0.0), 0.0) / energy


def redistribution(energies_kev: ArrayLike, edges_kev: ArrayLike, n_ev: float, k_ev: float) -> NDArray[np.float64]:
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

    Returns
    -------
    array of float64, shape (n, n_bins)
        Rows sum to at most 1: what falls outside the bins is lost.
    """
    energies = np.atleast_1d(np.asarray(energies_kev, np.float64))
    edges = np.asarray(edges_kev, np.float64)
    mu = xraydb.mu_elam("Si", energies * 1000.0) * _SILICON_DENSITY * 1e-4
    out = np.zeros((energies.size, edges.size - 1))
    _redistribute(energies, mu, edges, n_ev, k_ev, out)
    return out


@lru_cache(maxsize=1)
def redistribution_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the matrices of `RESPONSE_NAMES`.

    Returns
    -------
    fine : array of float32, shape (n_responses, n_fine, 238)
        For folding.
    stored : array of float32, shape (n_responses, 238, n_true)
        Averaged over each true-energy bin, as the store keeps them.
    """
    fine = np.stack(
        [redistribution(FINE_CENTRES, grid.BIN_EDGES, *blur_of(i)) for i in range(len(RESPONSE_NAMES))]
    )  # (n_responses, n_fine, 238)
    stored = np.zeros((len(RESPONSE_NAMES), grid.N_TRUE, grid.N_BINS))
    for j in range(N_FINE):
        stored[:, FINE_TO_TRUE[j]] += fine[:, j] * FINE_WIDTHS[j]
    stored /= grid.TRUE_WIDTHS[None, :, None]
    return fine.astype(np.float32), np.ascontiguousarray(stored.transpose(0, 2, 1)).astype(np.float32)


@lru_cache(maxsize=1)
def _reach() -> NDArray[np.int64]:
    """Return for each response and fine energy the number of bins up to the last that sees it."""
    seen = redistribution_tables()[0] > 0.0
    return np.where(seen.any(axis=2), grid.N_BINS - seen[:, :, ::-1].argmax(axis=2), 0).astype(np.int64)


@numba.njit(cache=True, nogil=True)
def _fold_rows(
    photons: NDArray[np.float32],
    configuration: NDArray[np.int64],
    response: NDArray[np.int32],
    areas: NDArray[np.float32],
    matrices: NDArray[np.float32],
    reach: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    # A plain sum in a fixed order rather than a matrix product: the same bytes whatever library and thread count.
    for i in range(photons.shape[0]):
        area = areas[configuration[i]]
        matrix, bins = matrices[response[i]], reach[response[i]]
        row = out[i]
        row[:] = np.float32(0.0)
        for j in range(photons.shape[1]):
            seen = photons[i, j] * area[j]
            if seen > 0.0:
                line = matrix[j]
                for h in range(bins[j]):
                    row[h] += seen * line[h]


def fold(
    photons: NDArray[np.float32], filter_index: ArrayLike, offaxis: ArrayLike, response: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Return expected source count rates in the 238 bins.

    Parameters
    ----------
    photons : array of float32, shape (n, n_fine)
        Photons per cm2, s and fine bin, from `vae.simulate.spectral_model.photon_flux`.
    filter_index, offaxis : array of int, shape (n,)
        Index into `FILTERS` and into `OFFAXIS_TABLE`.
    response : array of int32, shape (n,)
        Index into `RESPONSE_NAMES`.

    Returns
    -------
    array of float32, shape (n, 238)
        Counts / s.
    """
    areas, _ = area_tables()
    matrices, _ = redistribution_tables()
    configuration = np.asarray(filter_index, np.int64) * N_OFFAXIS + np.asarray(offaxis, np.int64)
    out = np.empty((len(photons), grid.N_BINS), np.float32)
    _fold_rows(photons, configuration, response, areas.reshape(-1, N_FINE), matrices, _reach(), out)
    return out


@lru_cache(maxsize=1)
def sensitivity_table() -> NDArray[np.float64]:
    """Return sum_j R_hj A_j dE_j [cm2 keV] by filter, off-axis angle and response, shape (3, n, n_responses, 238)."""
    _, areas = area_tables()
    _, matrices = redistribution_tables()
    weighted = areas.astype(np.float64) * grid.TRUE_WIDTHS
    return np.einsum("rhj,foj->forh", matrices.astype(np.float64), weighted, optimize=True)
