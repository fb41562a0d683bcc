"""The redistribution matrices of the simulated archive: which serves a detection, and what its file would hold."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from vae.simulate.instrument.redistribution import redistribution
from vae.spectra import grid
from vae.spectra.ogip_types import Rmf

#: First MJD of the second, third and fourth period of the canned matrices (start of 2007, 2014, 2021).
PERIOD_STARTS: Final = (54101.0, 56658.0, 59215.0)
#: Full frame and extended full frame: the modes with a frame long enough for most of the archive.
MODES: Final = ("ff", "ef")
#: CCD rows (9 lies under the optical axis, lower ones nearer to the read-out) with a matrix each.
CCD_ROWS: Final = (9, 6, 3)
#: Largest distance [arcmin] from the axis, along the columns, at which a detection still falls on each of `CCD_ROWS`.
_ROW_LIMITS: Final = (3.5, 8.0)
#: Like the names of the canned matrices, in a version that none of them has.
RESPONSE_NAMES: Final = tuple(
    f"epn_e{period}_{mode}20_sdY{row}_v0.1.rmf" for period in (1, 2, 3, 4) for mode in MODES for row in CCD_ROWS
)
N_CHANNELS: Final = 4096


def response_index(mjd: ArrayLike, mode_index: ArrayLike, row_distance_arcmin: ArrayLike) -> NDArray[np.int32]:
    """Return which of `RESPONSE_NAMES` serves a detection: by date, mode and distance from the axis along the columns.

    Parameters
    ----------
    mjd : array, shape (n,)
    mode_index : array of int, shape (n,)
        Index into `MODES`.
    row_distance_arcmin : array, shape (n,)
        Off-axis angle x |sine of the azimuth|: the columns of the 12 CCDs run outward from the middle of the field.
    """
    period = np.searchsorted(PERIOD_STARTS, np.asarray(mjd, np.float64), side="right")
    row = np.searchsorted(_ROW_LIMITS, np.asarray(row_distance_arcmin, np.float64), side="right")
    return ((period * len(MODES) + np.asarray(mode_index)) * len(CCD_ROWS) + row).astype(np.int32)


def blur_of(response: int) -> tuple[float, float]:
    """Return the blur n [eV], k [eV2/keV] of a response: variance n^2 + k E, worse far from read-out and with age."""
    period_and_mode, row = divmod(response, len(CCD_ROWS))
    period = period_and_mode // len(MODES)
    return 25.0 + 0.3 * CCD_ROWS[row] + 0.15 * period, 750.0 + 17.0 * CCD_ROWS[row] + 15.0 * period


def channel_edges(response: int) -> NDArray[np.float64]:
    """Return the edges of the 4096 channels [keV] that the EBOUNDS of a response states, shape (4097,)."""
    return np.arange(N_CHANNELS + 1, dtype=np.float64) * 0.005


@lru_cache(maxsize=2)
def native_rmf(response: int) -> Rmf:
    """Return a response as `vae.spectra.ogip.read_rmf` would from its file.

    Parameters
    ----------
    response : int
        Index into `RESPONSE_NAMES`.

    Returns
    -------
    Rmf
        On `vae.spectra.grid.STANDARD_EDGES` and 4096 channels from 0; single precision throughout, as files have it.
    """
    centres = 0.5 * (grid.STANDARD_EDGES[1:] + grid.STANDARD_EDGES[:-1])
    edges = channel_edges(response).astype(np.float32).astype(np.float64)
    standard = grid.STANDARD_EDGES.astype(np.float32).astype(np.float64)
    matrix = redistribution(centres, edges, *blur_of(response), dtype=np.float32)
    return Rmf(
        path=Path(RESPONSE_NAMES[response]),
        energy_lo=standard[:-1],
        energy_hi=standard[1:],
        channel=np.arange(N_CHANNELS),
        e_min=edges[:-1],
        e_max=edges[1:],
        matrix=csr_array(matrix.astype(np.float64)),
        instrument="EPN",
    )
