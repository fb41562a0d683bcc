"""The redistribution matrices of the simulated archive: which serves a detection, and what its file would hold."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from vae.simulate.instrument.redistribution import Blur, redistribution
from vae.spectra import grid
from vae.spectra.ogip_types import Rmf

#: First MJD of the second, third and fourth period of the canned matrices (start of 2007, 2014, 2021).
PERIOD_STARTS: Final = (54101.0, 56658.0, 59215.0)
#: Full frame and extended full frame: the modes with a frame long enough for most of the archive.
MODES: Final = ("ff", "ef")
#: CCD rows (9 lies under the optical axis, 0 at the read-out) with a matrix each.
CCD_ROWS: Final = (9, 8, 6, 3, 0)
#: Largest distance [arcmin] from the axis, along the columns, at which a detection still takes each of `CCD_ROWS`: a
#: row of the canned matrices is 20 pixels of 4.1 arcsec.
_ROW_LIMITS: Final = (1.4, 3.4, 6.8, 10.9)
#: Blur of the sharpest and the broadest of the real matrices: 139 and 195 eV FWHM at 6 keV; fitted to them.
_SHARPEST: Final = Blur(24.2, 474.0, 0.0)
_BROADEST: Final = Blur(31.3, 905.0, 14.9)
#: EBOUNDS of all real matrices: channels start later than 5 eV times their number by a E exp(-(E / b)^c), E in keV; at
#: most 28 eV, nothing above 2.5 keV.
_SHIFT: Final = (0.0737, 0.8975, 1.927)
#: Like the names of the canned matrices, in a version that none of them has.
RESPONSE_NAMES: Final = tuple(
    f"epn_e{period}_{mode}20_sdY{row}_v0.1.rmf" for period in (1, 2, 3, 4) for mode in MODES for row in CCD_ROWS
)
N_CHANNELS: Final = 4096
#: Blurs among the responses: both modes have the same.
N_BLURS: Final = len(RESPONSE_NAMES) // len(MODES)


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


def blur_index(response: ArrayLike) -> NDArray[np.int64]:
    """Return which of `N_BLURS` blurs each response has: one a period and row, the same for both modes."""
    period_and_mode, row = np.divmod(np.asarray(response, np.int64), len(CCD_ROWS))
    return period_and_mode // len(MODES) * len(CCD_ROWS) + row


def blur_of(response: int) -> Blur:
    """Return the blur of a response: worse far from the read-out and with age.

    Between the sharpest of the real matrices (the row at the read-out, first period) and the broadest (on axis, last
    period), such that the canned matrix of row 6 in the third period and the on-axis ones of the second are met.
    """
    period_and_mode, row = divmod(response, len(CCD_ROWS))
    age = period_and_mode // len(MODES) / len(PERIOD_STARTS)
    worse = 1.0 - 0.85 * (1.0 - CCD_ROWS[row] / 9.0) * (1.0 - 0.75 * age) - 0.15 * (1.0 - age)
    mixed = [(1.0 - worse) * sharp + worse * broad for sharp, broad in zip(_SHARPEST, _BROADEST, strict=True)]
    return Blur(*mixed)


def channel_edges() -> NDArray[np.float64]:
    """Return the edges of the 4096 channels [keV] that EBOUNDS states, in single precision, shape (4097,)."""
    nominal = np.arange(N_CHANNELS + 1, dtype=np.float64) * 0.005
    height, scale, power = _SHIFT
    shifted = nominal * (1.0 + height * np.exp(-((nominal / scale) ** power)))
    return shifted.astype(np.float32).astype(np.float64)


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
    edges = channel_edges()
    matrix = redistribution(grid.STANDARD_CENTRES, edges, blur_of(response), np.float32)
    return Rmf(
        path=Path(RESPONSE_NAMES[response]),
        energy_lo=grid.STANDARD_EDGES_IN_FILES[:-1],
        energy_hi=grid.STANDARD_EDGES_IN_FILES[1:],
        channel=np.arange(N_CHANNELS),
        e_min=edges[:-1],
        e_max=edges[1:],
        matrix=csr_array(matrix.astype(np.float64)),
        instrument="EPN",
    )
