"""Background of EPIC-pn: soft protons, sky, particles, and the copper of the electronics board."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.simulate.instrument.area import FILTERS, OFFAXIS_TABLE, offaxis_index, on_axis_area, vignetting
from vae.spectra import grid
from vae.spectra.background import background_components

#: Median level, relative to the measured components, and its scatter [dex] between observations: chosen so that
#: rates in source regions spread about as FACTS 4 has them, 0.005-0.0125 counts / s; not measured one by one.
_SOFT_PROTONS: Final = (0.65, 0.2)
_COSMIC: Final = (1.0, 0.12)
_PARTICLES: Final = (1.0, 0.06)
#: Scatter of the slope of the soft protons between observations, and of all levels within the field [dex].
_SLOPE_SCATTER: Final = 0.1
_PLACE_SCATTER: Final = 0.025
#: No copper lines nearer to the axis than the first [arcmin], all of them beyond the second: the hole in the board.
_COPPER_HOLE: Final = (3.0, 6.5)
#: It is no disc about the axis: scatter [arcmin] of where it ends.
_HOLE_SCATTER: Final = 0.7
#: Energy about which the slope of the soft protons tilts [keV].
_PIVOT: Final = 1.5


@lru_cache(maxsize=1)
def _sky_left() -> NDArray[np.float64]:
    """Return what filter and vignetting leave of the cosmic background, shape (3, n_offaxis, 238)."""
    thin = on_axis_area("thin", grid.BIN_CENTRES)
    passes = np.stack([on_axis_area(filter_, grid.BIN_CENTRES) / thin for filter_ in FILTERS])
    return passes[:, None, :] * np.stack([vignetting(grid.BIN_CENTRES, theta) for theta in OFFAXIS_TABLE])[None]


@numba.njit(cache=True, nogil=True)
def _sum_parts(
    protons: NDArray[np.float64],
    slope: NDArray[np.float64],
    cosmic: NDArray[np.float64],
    particles: NDArray[np.float64],
    copper: NDArray[np.float64],
    place: NDArray[np.int64],
    sky_left: NDArray[np.float64],
    parts: NDArray[np.float64],
    log_energy: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for i in range(out.shape[0]):
        left, row = sky_left[place[i]], out[i]
        for h in range(row.size):
            row[h] = (
                protons[i] * math.exp(slope[i] * log_energy[h]) * parts[0, h]
                + cosmic[i] * left[h] * parts[1, h]
                + particles[i] * (parts[2, h] + copper[i] * parts[3, h])
            )


def background_rates(
    rng: np.random.Generator,
    visit: NDArray[np.int64],
    filter_index: ArrayLike,
    offaxis_arcmin: ArrayLike,
) -> NDArray[np.float64]:
    """Draw expected background rates where the sources are.

    Detections of one observation share its levels and the slope of its soft protons; a little scatter within the field
    comes on top, and copper lines depend on the place.

    Parameters
    ----------
    rng : Generator
    visit : array of int64, shape (n,)
        Index of each detection's observation, from 0.
    filter_index : array of int, shape (n,)
        Index into `FILTERS`.
    offaxis_arcmin : array, shape (n,)

    Returns
    -------
    array of float64, shape (n, 238)
        Counts / s for a region of BACKSCAL 1e6.
    """
    n, n_visits = len(visit), int(visit.max(initial=-1)) + 1

    def level(median_and_dex: tuple[float, float]) -> NDArray[np.float64]:
        of_visit = median_and_dex[0] * 10 ** rng.normal(0.0, median_and_dex[1], n_visits)
        return np.asarray(of_visit[visit] * 10 ** rng.normal(0.0, _PLACE_SCATTER, n))

    protons, cosmic, particles = level(_SOFT_PROTONS), level(_COSMIC), level(_PARTICLES)
    slope = rng.normal(0.0, _SLOPE_SCATTER, n_visits)[visit]
    offaxis = np.asarray(offaxis_arcmin, np.float64)
    beyond = (offaxis + rng.normal(0.0, _HOLE_SCATTER, n) - _COPPER_HOLE[0]) / (_COPPER_HOLE[1] - _COPPER_HOLE[0])
    place = np.asarray(filter_index, np.int64) * OFFAXIS_TABLE.size + offaxis_index(offaxis)
    parts = background_components()
    out = np.empty((n, grid.N_BINS))
    _sum_parts(
        protons,
        slope,
        cosmic,
        particles,
        np.clip(beyond, 0.0, 1.0),
        place,
        _sky_left().reshape(-1, grid.N_BINS),
        np.stack([parts[name] for name in ("soft_protons", "cosmic", "particles", "copper")]),
        np.log(grid.BIN_CENTRES / _PIVOT),
        out,
    )
    return out
