"""Effective area of EPIC-pn: mirror, vignetting, filter, detector."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import pandas as pd
import xraydb
from numpy.typing import ArrayLike, NDArray

from vae.resources import asset
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
SILICON_DENSITY: Final = 2.329
#: Lowest energy [eV] of the tables of xraydb; below it (outside 0.3-10 keV by far) attenuation stays at this energy's.
_LOWEST_EV: Final = 100.0
#: Off-axis angles [arcmin] for which areas are tabulated; a detection takes the nearest.
OFFAXIS_STEP: Final = 0.9
N_OFFAXIS: Final = 17
OFFAXIS_TABLE: Final = OFFAXIS_STEP * np.arange(N_OFFAXIS)


@lru_cache(maxsize=64)
def _attenuation(formula: str, density: float, energies_kev: bytes) -> NDArray[np.float64]:
    energies_ev = np.maximum(np.frombuffer(energies_kev) * 1000.0, _LOWEST_EV)
    return np.asarray(xraydb.material_mu(formula, energies_ev, density=density)) * 1e-4


def attenuation(formula: str, density: float, energies_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the attenuation coefficient [1/um] of a material at some energies; asked again, it is remembered.

    xraydb takes a tenth of a second for two thousand energies, and a process asks for the same ones dozens of times.
    """
    return _attenuation(formula, density, np.ascontiguousarray(energies_kev, np.float64).tobytes())


def _passes(layers: tuple[tuple[str, float, float], ...], energies_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    depths = [thickness_um * attenuation(formula, density, energies_kev) for formula, thickness_um, density in layers]
    return np.exp(-np.sum(depths, axis=0))


@lru_cache(maxsize=1)
def _mirror_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = pd.read_csv(asset("reference", "epic_pn_mirror_area.csv"), comment="#")
    return np.log(table["energy_keV"].to_numpy()), np.log(table["area_cm2"].to_numpy())


def on_axis_area(filter_: str, energies_kev: ArrayLike) -> NDArray[np.float64]:
    """Return the effective area on axis: mirror x quantum efficiency x filter.

    Parameters
    ----------
    filter_ : str
        thin, medium or thick.
    energies_kev : array, shape (n,)
        Energies [keV], 0.05 to 16.

    Returns
    -------
    array of float64, shape (n,)
        In cm2; mirror area from ``assets/reference/epic_pn_mirror_area.csv`` by log-log interpolation.
    """
    energies = np.atleast_1d(np.asarray(energies_kev, np.float64))
    mirror = np.exp(np.interp(np.log(energies), *_mirror_table()))
    efficiency = -np.expm1(-_DETECTOR_UM * attenuation("Si", SILICON_DENSITY, energies)) * _passes(_OXIDE, energies)
    return mirror * efficiency * _passes(_FILTER_LAYERS[filter_], energies)


@lru_cache(maxsize=1)
def _vignetting_table() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    table = pd.read_csv(asset("reference", "epic_pn_vignetting.csv"), comment="#")
    angles = np.array([float(name) for name in table.columns[1:]])
    return np.log(table["energy_keV"].to_numpy()), angles, table.iloc[:, 1:].to_numpy(np.float64)


def vignetting(energies_kev: ArrayLike, offaxis_arcmin: float) -> NDArray[np.float64]:
    """Return the share of the area left at an off-axis angle.

    Parameters
    ----------
    energies_kev : array, shape (n,)
    offaxis_arcmin : float

    Returns
    -------
    array of float64, shape (n,)
        From ``assets/reference/epic_pn_vignetting.csv``, measured on real ARFs: the colour of the point-spread function
        of usual regions is in it. Constant beyond its energies and angles.
    """
    log_energies, angles, table = _vignetting_table()
    at_angle = np.array([np.interp(offaxis_arcmin, angles, row) for row in table])
    return np.interp(np.log(np.asarray(energies_kev, np.float64)), log_energies, at_angle)


def offaxis_index(offaxis_arcmin: ArrayLike) -> NDArray[np.int64]:
    """Return the tabulated off-axis angle nearest to each angle [arcmin]."""
    nearest = np.rint(np.asarray(offaxis_arcmin, np.float64) / OFFAXIS_STEP).astype(np.int64)
    return np.clip(nearest, 0, N_OFFAXIS - 1)


@lru_cache(maxsize=1)
def native_areas() -> NDArray[np.float32]:
    """Return the areas of every filter and tabulated off-axis angle on the grid of real files.

    Returns
    -------
    array of float32, shape (3, N_OFFAXIS, 2067)
        In cm2, on `vae.spectra.grid.STANDARD_EDGES`; of a source whose light all falls into the region. Read-only.
    """
    fall = np.stack([vignetting(grid.STANDARD_CENTRES, theta) for theta in OFFAXIS_TABLE])
    areas = np.stack([on_axis_area(filter_, grid.STANDARD_CENTRES)[None] * fall for filter_ in FILTERS]).astype(
        np.float32
    )
    areas.setflags(write=False)
    return areas


def native_arf(filter_index: int, offaxis_index: int) -> NDArray[np.float32]:
    """Return one of `native_areas`: what an ARF of this filter and off-axis angle holds [cm2], shape (2067,)."""
    return native_areas()[filter_index, offaxis_index]
