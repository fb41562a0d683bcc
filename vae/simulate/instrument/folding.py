"""Areas and matrices on the simulator's grids, and expected counts through them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument.area import N_OFFAXIS, native_areas
from vae.simulate.instrument.redistribution import redistribution
from vae.simulate.instrument.responses import RESPONSE_NAMES, blur_of, channel_edges
from vae.simulate.spectral_model import FINE_EDGES, N_FINE
from vae.spectra import grid

#: The standard grid as files state it, in single precision.
_STANDARD: Final = grid.STANDARD_EDGES.astype(np.float32).astype(np.float64)


def _mean_over(edges_kev: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average values on the standard grid, shape (..., 2067), over other bins; sums in a fixed order."""
    integral = np.zeros((*of.shape[:-1], of.shape[-1] + 1))
    np.cumsum(of * np.diff(_STANDARD), axis=-1, out=integral[..., 1:])
    place = np.clip(np.searchsorted(_STANDARD, edges_kev, side="right") - 1, 0, of.shape[-1] - 1)
    share = (edges_kev - _STANDARD[place]) / np.diff(_STANDARD)[place]
    at = integral[..., place] + share * (integral[..., place + 1] - integral[..., place])
    return np.diff(at, axis=-1) / np.diff(edges_kev)


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
    native = native_areas().astype(np.float64)
    return _mean_over(FINE_EDGES, native).astype(np.float32), _mean_over(grid.TRUE_EDGES, native).astype(np.float32)


@lru_cache(maxsize=1)
def _binned() -> NDArray[np.float64]:
    """Return the matrices of `RESPONSE_NAMES` summed over the channels of each bin, (n_responses, 238, 2067)."""
    centres = 0.5 * (grid.STANDARD_EDGES[1:] + grid.STANDARD_EDGES[:-1])
    out = np.empty((len(RESPONSE_NAMES), grid.N_BINS, centres.size))
    for response in range(len(RESPONSE_NAMES)):
        edges = channel_edges(response).astype(np.float32).astype(np.float64)
        member = grid.channel_membership(edges[:-1], edges[1:])
        first = np.searchsorted(np.where(member < 0, np.where(edges[:-1] < 1.0, -1, grid.N_BINS), member), range(239))
        out[response] = redistribution(centres, edges[first], *blur_of(response)).T
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
    fine = np.empty((len(RESPONSE_NAMES), N_FINE, grid.N_BINS), np.float32)
    stored = np.empty((len(RESPONSE_NAMES), grid.N_BINS, grid.N_TRUE), np.float32)
    for response, binned in enumerate(_binned()):
        fine[response] = _mean_over(FINE_EDGES, binned).T
        stored[response] = _mean_over(grid.TRUE_EDGES, binned)
    return fine, stored


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


@numba.njit(cache=True, nogil=True)
def _summed(binned: NDArray[np.float64], areas: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for c in range(areas.shape[0]):
        for r in range(binned.shape[0]):
            for h in range(binned.shape[1]):
                total = 0.0
                for j in range(binned.shape[2]):
                    total += binned[r, h, j] * areas[c, j]
                out[c, r, h] = total


@lru_cache(maxsize=1)
def sensitivity_table() -> NDArray[np.float64]:
    """Return sum_j R_hj A_j dE_j [cm2 keV] by filter, off-axis angle and response, shape (3, n, n_responses, 238).

    On the grid of files, as `vae.spectra.response.sensitivity` sums them.
    """
    areas = native_areas().astype(np.float64) * np.diff(_STANDARD)
    shape = areas.shape[:-1]
    out = np.empty((areas.shape[0] * areas.shape[1], len(RESPONSE_NAMES), grid.N_BINS))
    _summed(_binned(), areas.reshape(-1, areas.shape[-1]), out)
    return out.reshape(*shape, *out.shape[1:])
