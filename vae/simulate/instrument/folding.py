"""Areas and matrices on the simulator's grids, and expected counts through them."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument.area import N_OFFAXIS, native_areas
from vae.simulate.instrument.redistribution import redistribution
from vae.simulate.instrument.responses import N_BLURS, RESPONSE_NAMES, blur_index, blur_of, channel_edges
from vae.simulate.spectral_model import FINE_EDGES, N_FINE
from vae.spectra import grid

#: Smaller shares of the photons of an energy are dropped from folding: 238 of them are below any count.
_LEAST_SHARE: Final = 1e-8
#: Photons far below any count are left out: sums of denormal numbers are slow.
_LEAST_RATE: Final = 1e-28
#: Spectra that are folded side by side.
_LANES: Final = 16


def _mean_over(edges_kev: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average values on the standard grid, shape (..., 2067), over other bins; sums in a fixed order."""
    integral = np.zeros((*of.shape[:-1], of.shape[-1] + 1))
    np.cumsum(of * np.diff(grid.STANDARD_EDGES_IN_FILES), axis=-1, out=integral[..., 1:])
    place = np.clip(np.searchsorted(grid.STANDARD_EDGES_IN_FILES, edges_kev, side="right") - 1, 0, of.shape[-1] - 1)
    share = (edges_kev - grid.STANDARD_EDGES_IN_FILES[place]) / np.diff(grid.STANDARD_EDGES_IN_FILES)[place]
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
    """Return the matrices of all blurs summed over the channels of each bin, shape (N_BLURS, 2067, 238)."""
    edges = channel_edges()
    member = grid.channel_membership(edges[:-1], edges[1:])
    used = np.flatnonzero(member >= 0)
    first = used[np.searchsorted(member[used], np.arange(grid.N_BINS))]
    edges = edges[np.append(first, used[-1] + 1)]  # those of the channels that a bin starts with
    responses = np.arange(len(RESPONSE_NAMES))
    one_each = responses[np.unique(blur_index(responses), return_index=True)[1]]
    return np.stack([redistribution(grid.STANDARD_CENTRES, edges, blur_of(int(response))) for response in one_each])


@lru_cache(maxsize=1)
def _fine_matrices() -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Return the matrices on the simulator's grid, (N_BLURS, n_fine, 238), and the bins from and to which each sees."""
    fine = np.stack([_mean_over(FINE_EDGES, binned.T).T for binned in _binned()]).astype(np.float32)
    fine[fine < _LEAST_SHARE] = 0.0
    seen = fine > 0.0
    first = np.where(seen.any(axis=2), seen.argmax(axis=2), 0)
    last = np.where(seen.any(axis=2), grid.N_BINS - seen[:, :, ::-1].argmax(axis=2), 0)
    return np.ascontiguousarray(fine), first.astype(np.int64), last.astype(np.int64)


@lru_cache(maxsize=1)
def stored_matrices() -> NDArray[np.float32]:
    """Return the matrices of `RESPONSE_NAMES` as the store keeps them, shape (n_responses, 238, n_true).

    Averaged over each true-energy bin, as `vae.spectra.response.redistribution_on_true_grid` does with a file's.
    """
    stored = np.stack([_mean_over(grid.TRUE_EDGES, binned.T) for binned in _binned()]).astype(np.float32)
    return stored[blur_index(np.arange(len(RESPONSE_NAMES)))]


@numba.njit(cache=True, nogil=True)
def _fold_rows(
    photons: NDArray[np.float32],
    configuration: NDArray[np.int64],
    blur: NDArray[np.int64],
    order: NDArray[np.int64],
    areas: NDArray[np.float32],
    matrices: NDArray[np.float32],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    out: NDArray[np.float32],
) -> None:
    # Plain sums in a fixed order rather than matrix products: the same bytes whatever library, threads and company.
    # Rows of one matrix go _LANES at a time, so that it is read from memory once for all of them.
    start = 0
    while start < order.size:
        matrix = blur[order[start]]
        stop = start + 1
        while stop < min(start + _LANES, order.size) and blur[order[stop]] == matrix:
            stop += 1
        for i in order[start:stop]:
            out[i] = np.float32(0.0)
        for j in range(photons.shape[1]):
            low, high = first[matrix, j], last[matrix, j]
            line = matrices[matrix, j, low:high]
            for i in order[start:stop]:
                seen = photons[i, j] * areas[configuration[i], j]
                if seen < _LEAST_RATE:
                    continue
                row = out[i, low:high]
                for h in range(line.size):
                    row[h] += seen * line[h]
        start = stop


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
    matrices, first, last = _fine_matrices()
    configuration = np.asarray(filter_index, np.int64) * N_OFFAXIS + np.asarray(offaxis, np.int64)
    out = np.empty((len(photons), grid.N_BINS), np.float32)
    blur = blur_index(response)
    order = np.argsort(blur, kind="stable")
    _fold_rows(photons, configuration, blur, order, areas.reshape(-1, N_FINE), matrices, first, last, out)
    return out


@numba.njit(cache=True, nogil=True)
def _summed(binned: NDArray[np.float64], areas: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for c in range(areas.shape[0]):
        for r in range(binned.shape[0]):
            row = out[c, r]
            for j in range(binned.shape[1]):
                line = binned[r, j]
                for h in range(row.size):
                    row[h] += line[h] * areas[c, j]


@lru_cache(maxsize=1)
def sensitivity_table() -> NDArray[np.float64]:
    """Return sum_j R_hj A_j dE_j [cm2 keV] by filter, off-axis angle and response, shape (3, n, n_responses, 238).

    On the grid of files, as `vae.spectra.response.sensitivity` sums them.
    """
    areas = native_areas().astype(np.float64) * np.diff(grid.STANDARD_EDGES_IN_FILES)
    out = np.zeros((areas.shape[0] * areas.shape[1], N_BLURS, grid.N_BINS))
    _summed(_binned(), areas.reshape(-1, areas.shape[-1]), out)
    by_blur = out.reshape(*areas.shape[:-1], N_BLURS, grid.N_BINS)
    return by_blur[:, :, blur_index(np.arange(len(RESPONSE_NAMES)))]
