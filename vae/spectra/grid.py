"""The 238 detector bins, the true-energy grid, and which channel belongs to which bin.

Edges follow DESIGN: with u = sqrt(784 + 930 E), the EPIC-pn blur in eV (E in keV), bins are equal steps of u, that is
equal fractions of the detector's resolution. They are round numbers, not channel boundaries.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

N_BINS: Final = 238
#: Blur variance of EPIC-pn in eV^2: constant and per keV (FACTS 4).
BLUR_CONSTANT: Final = 784.0
BLUR_PER_KEV: Final = 930.0
#: Runs of equal width (0.1 eV, count) of the standard 2067-bin energy grid of XMM ARFs and RMFs, from 0.05 keV.
_STANDARD_RUNS: Final = (
    (10, 249), (15, 1), (25, 1), (30, 71), (25, 1), (15, 1), (10, 29), (15, 1), (25, 1), (30, 331), (25, 1), (15, 1),
    (10, 49), (45, 1), (115, 1), (150, 6), (115, 1), (45, 1), (10, 183), (45, 1), (115, 1), (150, 17), (115, 1),
    (45, 1), (10, 208), (45, 1), (115, 1), (150, 906),
)  # fmt: skip


def _bin_edges_ev() -> NDArray[np.int64]:
    u = np.linspace(
        np.sqrt(BLUR_CONSTANT + BLUR_PER_KEV * 0.3), np.sqrt(BLUR_CONSTANT + BLUR_PER_KEV * 10.0), N_BINS + 1
    )
    energy_ev = 1000.0 * (u**2 - BLUR_CONSTANT) / BLUR_PER_KEV
    return (5 * np.rint(energy_ev / 5)).astype(np.int64)


def _standard_edges_kev() -> NDArray[np.float64]:
    widths = np.concatenate([np.full(count, width) for width, count in _STANDARD_RUNS])
    return np.concatenate([[500], 500 + np.cumsum(widths)]) / 1e4


def fwhm_kev(energy_kev: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Full width at half maximum of the EPIC-pn blur [keV] at `energy_kev` [keV] (five-number model, FACTS 4)."""
    return 2.3548e-3 * np.sqrt(BLUR_CONSTANT + BLUR_PER_KEV * np.asarray(energy_kev))


def _true_edges_kev() -> NDArray[np.float64]:
    standard = _standard_edges_kev()
    index = [int(np.abs(standard - 0.2).argmin())]
    while standard[index[-1]] < 12.0 - 1e-9:
        low = standard[index[-1]]
        aim = low + min(0.02 * low, float(fwhm_kev(low)) / 4)
        index.append(max(int(np.abs(standard - aim).argmin()), index[-1] + 1))
    return standard[index]


#: Edges of the 238 detector bins, integer eV, shape (239,).
BIN_EDGES_EV: Final = _bin_edges_ev()
#: The same in keV.
BIN_EDGES: Final = BIN_EDGES_EV / 1000.0
#: Bin widths and geometric centres [keV], shape (238,).
BIN_WIDTHS: Final = np.diff(BIN_EDGES)
BIN_CENTRES: Final = np.sqrt(BIN_EDGES[1:] * BIN_EDGES[:-1])
#: Edges of the standard 2067-bin grid of XMM response files [keV], shape (2068,).
STANDARD_EDGES: Final = _standard_edges_kev()
#: Middles of its bins [keV], shape (2067,), and its edges as files state them, in single precision.
STANDARD_CENTRES: Final = 0.5 * (STANDARD_EDGES[1:] + STANDARD_EDGES[:-1])
STANDARD_EDGES_IN_FILES: Final = STANDARD_EDGES.astype(np.float32).astype(np.float64)
#: Edges of the true-energy grid on which areas and redistributions are stored [keV], shape (337,).
TRUE_EDGES: Final = _true_edges_kev()
N_TRUE: Final = TRUE_EDGES.size - 1
TRUE_WIDTHS: Final = np.diff(TRUE_EDGES)
TRUE_CENTRES: Final = np.sqrt(TRUE_EDGES[1:] * TRUE_EDGES[:-1])

for _array in (
    BIN_EDGES_EV,
    BIN_EDGES,
    BIN_WIDTHS,
    BIN_CENTRES,
    STANDARD_EDGES,
    TRUE_EDGES,
    TRUE_WIDTHS,
    TRUE_CENTRES,
    STANDARD_CENTRES,
    STANDARD_EDGES_IN_FILES,
):
    _array.setflags(write=False)


def channel_membership(e_min_kev: NDArray[np.floating], e_max_kev: NDArray[np.floating]) -> NDArray[np.int64]:
    """Bin of each channel: the one that holds its EBOUNDS mid-point.

    Parameters
    ----------
    e_min_kev, e_max_kev : array, shape (n_channels,)
        EBOUNDS of the channels [keV].

    Returns
    -------
    array of int64, shape (n_channels,)
        Bin 0...237, or -1 for a channel outside 0.3-10 keV. Mid-points are rounded to 0.01 eV first, and a bin's
        lower edge is inclusive (DESIGN), so that float32 EBOUNDS do not decide by their last digit.
    """
    mid = np.rint(0.5 * (np.asarray(e_min_kev, np.float64) + np.asarray(e_max_kev, np.float64)) * 1e5)
    index = np.searchsorted(BIN_EDGES_EV * 100, mid, side="right") - 1
    return np.where((index >= 0) & (index < N_BINS), index, -1)


def bin_channels(values: NDArray[np.generic], membership: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum per-channel values into the 238 bins; the last axis of `values` is the channel.

    Parameters
    ----------
    values : array, shape (..., n_channels)
    membership : array of int64, shape (n_channels,)
        From `channel_membership`.

    Returns
    -------
    array of float64, shape (..., 238)
    """
    used = membership >= 0
    flat = np.asarray(values, np.float64).reshape(-1, membership.size)[:, used]
    out = np.zeros((flat.shape[0], N_BINS))
    for row, line in enumerate(flat):
        out[row] = np.bincount(membership[used], weights=line, minlength=N_BINS)
    return out.reshape(*np.shape(values)[:-1], N_BINS)


def overlap_matrix(edges_from: NDArray[np.floating], edges_to: NDArray[np.floating]) -> NDArray[np.float64]:
    """Overlap widths of two grids, shape (n_from, n_to), in the unit of the edges.

    Divide by the widths of `edges_to` for a mean over each target bin, by those of `edges_from` to share out integrals.
    """
    low = np.maximum(np.asarray(edges_from)[:-1, None], np.asarray(edges_to)[None, :-1])
    high = np.minimum(np.asarray(edges_from)[1:, None], np.asarray(edges_to)[None, 1:])
    return np.clip(high - low, 0.0, None)
