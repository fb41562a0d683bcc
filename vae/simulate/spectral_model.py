"""Photon spectra of absorbed multi-component models, on the simulator's fine energy grid.

    N(E) = exp(-nh s(E)) { [c + (1-c) exp(-nh_intrinsic s(E(1+z)))] [powerlaw + blackbody + disc + hot + lines]
                           + cool + reflection }

with s the absorption cross section, 1-c the covering fraction, hot and cool two thermal plasmas. Reflection is what
cold gas out of the line of sight sends our way of the same power law.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from vae.simulate.absorption import cross_section_table
from vae.simulate.plasma import ELEMENTS, PlasmaTables, plasma_photons, plasma_tables
from vae.spectra import grid

#: One spectral model a record. Fluxes: unabsorbed, observed frame, 0.3-10 keV, any unit linear in erg/cm2/s.
#: nh, nh_intrinsic [1e22 cm-2]; open_share c, the share of the inner light that leaks past the intrinsic absorber;
#: cutoff (exponential, rest frame; 0 for none), kt_* and line energies and widths [keV, rest frame];
#: line_*_ew [keV, rest frame] relative to the unabsorbed inner continuum; abundances of the plasmas by element, in the
#: order of `vae.simulate.plasma.ELEMENTS`, relative to solar. Reflection has the index and cut-off of the power law.
MODEL_DTYPE: Final = np.dtype(
    [
        (name, np.float64)
        for name in (
            "nh", "nh_intrinsic", "open_share", "redshift",
            "flux_powerlaw", "photon_index", "cutoff",
            "flux_blackbody", "kt_blackbody",
            "flux_disc", "kt_disc",
            "flux_hot", "kt_hot", "flux_cool", "kt_cool",
            "flux_reflection",
            "line_1_ew", "line_1_energy", "line_1_sigma",
            "line_2_ew", "line_2_energy", "line_2_sigma",
            "line_3_ew", "line_3_energy", "line_3_sigma",
        )
    ]
    + [("abundances", np.float64, (len(ELEMENTS),))]
)  # fmt: skip
#: The components that carry flux.
FLUX_FIELDS: Final = ("flux_powerlaw", "flux_blackbody", "flux_disc", "flux_hot", "flux_cool", "flux_reflection")
#: Cold reflection: Thomson cross section times 1.2 electrons a hydrogen nucleus [1e-22 cm2], and the equivalent width
#: [keV] of the iron line at 6.4 keV against the reflected continuum (1-2 keV: George & Fabian 1991, MNRAS 249, 352).
_SCATTERING: Final = 6.6524e-3 * 1.2
_FLUORESCENCE_EW: Final = 1.2
_IRON_K_ALPHA: Final = 6.4


def _fine_edges() -> NDArray[np.float64]:
    # Bins of the true-energy grid cut in 2 where they are narrow already (below 1.3 keV), else in 3, at edges of the
    # standard grid of response files: those average exactly onto this grid, and this one onto the stored grid, while
    # lines keep their place within FWHM / 12.
    standard = grid.STANDARD_EDGES
    places = np.searchsorted(standard, grid.TRUE_EDGES - 1e-9)
    edges = []
    for low, high in pairwise(places):
        aims = np.linspace(standard[low], standard[high], 2 if standard[low] < 1.3 else 3, endpoint=False)
        within = standard[low:high]
        edges.append(np.unique(within[np.abs(within[:, None] - aims).argmin(axis=0)]))
    return np.append(np.concatenate(edges), grid.TRUE_EDGES[-1])


#: The simulator's energy grid [keV]: `vae.spectra.grid.TRUE_EDGES` is part of it, it is part of `STANDARD_EDGES`.
FINE_EDGES: Final = _fine_edges()
FINE_WIDTHS: Final = np.diff(FINE_EDGES)
FINE_CENTRES: Final = np.sqrt(FINE_EDGES[1:] * FINE_EDGES[:-1])
N_FINE: Final = FINE_WIDTHS.size
#: Index of the true-energy bin that each fine bin lies in.
FINE_TO_TRUE: Final = np.searchsorted(grid.TRUE_EDGES, FINE_CENTRES, side="right") - 1


class ModelTables(NamedTuple):
    """What the compiled model needs beside parameters."""

    edges: NDArray[np.float64]
    energy: NDArray[np.float64]
    log_energy: NDArray[np.float64]
    cross_section: NDArray[np.float64]
    absorber_log_energy: NDArray[np.float64]
    absorber: NDArray[np.float64]
    disc_log_x: NDArray[np.float64]
    disc_log_value: NDArray[np.float64]
    plasma: PlasmaTables


@lru_cache(maxsize=1)
def model_tables() -> ModelTables:
    """Gather the tables of absorption, disc and plasma (once a process)."""
    log_energy, absorber = cross_section_table()
    disc_log_x, disc_log_value = _disc_table()
    return ModelTables(
        edges=np.array(FINE_EDGES),
        energy=np.array(FINE_CENTRES),
        log_energy=np.log(FINE_CENTRES),
        cross_section=np.interp(np.log(FINE_CENTRES), log_energy, absorber),
        absorber_log_energy=np.array(log_energy),
        absorber=np.array(absorber),
        disc_log_x=disc_log_x,
        disc_log_value=disc_log_value,
        plasma=plasma_tables(),
    )


def _disc_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Photon spectrum of a multi-colour disc against x = E / kT_in, as logarithms.

    With T ~ r^(-3/4) (Mitsuda et al. 1984, PASJ 36, 741) the integral over radii becomes
    f(x) = x^(-2/3) int_x^inf s^(5/3) / (e^s - 1) ds.
    """
    log_x = np.linspace(np.log(1e-3), np.log(300.0), 6000)
    s = np.exp(log_x)
    integrand = s ** (8 / 3) / np.expm1(s)  # ds = s dlog(s)
    pieces = 0.5 * (integrand[1:] + integrand[:-1]) * np.diff(log_x)
    tail = s[-1] ** (5 / 3) * np.exp(-s[-1])
    integral = np.append(np.cumsum(pieces[::-1])[::-1], 0.0) + tail
    return log_x, np.log(integral) - 2 / 3 * log_x


@numba.njit(cache=True, nogil=True)
def _add_scaled(part: NDArray[Any], flux: float, edges: NDArray[Any], total: NDArray[Any]) -> None:
    """Add `part` to `total` so that its energy flux over 0.3-10 keV is `flux`."""
    energy_flux = 0.0
    for j in range(part.size):
        middle = 0.5 * (edges[j] + edges[j + 1])
        if 0.3 <= middle < 10.0:
            energy_flux += part[j] * middle
    if energy_flux > 0.0:
        scale = flux / energy_flux
        for j in range(part.size):
            total[j] += scale * part[j]


@numba.njit(cache=True, nogil=True)
def _add_line(
    ew: float, energy: float, sigma: float, redshift: float, edges: NDArray[Any], continuum: NDArray[Any]
) -> None:
    """Add a Gaussian line of equivalent width `ew` (rest frame) to the continuum it is measured against."""
    centre, width = energy / (1.0 + redshift), max(sigma / (1.0 + redshift), 1e-4)
    j = np.searchsorted(edges, centre, side="right") - 1
    if j < 3 or j >= continuum.size - 3:
        return
    level = continuum[j - 3 : j + 4].sum() / (edges[j + 4] - edges[j - 3])
    photons = ew / (1.0 + redshift) * level
    low = max(int(np.searchsorted(edges, centre - 6 * width)) - 1, 0)
    high = min(int(np.searchsorted(edges, centre + 6 * width)) + 1, continuum.size)
    for i in range(low, high):
        x1 = (edges[i + 1] - centre) / width / np.sqrt(2.0)
        x0 = (edges[i] - centre) / width / np.sqrt(2.0)
        continuum[i] += photons * 0.5 * (math.erf(x1) - math.erf(x0))


@numba.njit(cache=True, nogil=True)
def _reflected(index: float, cutoff: float, redshift: float, tables: ModelTables, out: NDArray[Any]) -> None:
    """Write the photons that thick cold gas reflects of a power law, with the iron line they excite, into `out`.

    Diffusive reflectance of a half-space that scatters isotropically: (1 - g) / (1 + g) with g^2 the share of
    absorption in its opacity (Hapke 1981, J. Geophys. Res. 86, 3039). Electrons at rest change the energy by less
    than 3 % below 15 keV (Lightman & White 1988, ApJ 335, 57, beyond); that is left out.
    """
    edges, energy, log_energy = tables.edges, tables.energy, tables.log_energy
    first = tables.absorber_log_energy[0]
    step = tables.absorber_log_energy[1] - first
    shift = np.log(1.0 + redshift)
    for j in range(out.size):
        position = (log_energy[j] + shift - first) / step
        k = min(int(position), tables.absorber.size - 2)
        f = position - k
        absorbed = (1.0 - f) * tables.absorber[k] + f * tables.absorber[k + 1]
        g = np.sqrt(absorbed / (absorbed + _SCATTERING))
        exponent = -index * log_energy[j]
        if cutoff > 0.0:
            exponent -= energy[j] * (1.0 + redshift) / cutoff
        out[j] = (1.0 - g) / (1.0 + g) * np.exp(exponent) * (edges[j + 1] - edges[j])
    _add_line(_FLUORESCENCE_EW, _IRON_K_ALPHA, 0.0, redshift, edges, out)


@numba.njit(cache=True, nogil=True)
def _photon_rows(models: NDArray[Any], abundances: NDArray[Any], tables: ModelTables, out: NDArray[np.float32]) -> None:
    edges, energy, log_energy = tables.edges, tables.energy, tables.log_energy
    n = log_energy.size
    inner, part = np.empty(n), np.empty(n)
    widths = edges[1:] - edges[:-1]
    absorber_first = tables.absorber_log_energy[0]
    absorber_step = tables.absorber_log_energy[1] - absorber_first
    disc_first = tables.disc_log_x[0]
    disc_step = tables.disc_log_x[1] - disc_first
    for i in range(models.size):
        m = models[i]
        stretch = 1.0 + m.redshift
        shift = np.log(stretch)
        inner[:] = 0.0
        if m.flux_powerlaw > 0.0:
            for j in range(n):
                exponent = -m.photon_index * log_energy[j]
                if m.cutoff > 0.0:
                    exponent -= energy[j] * stretch / m.cutoff
                part[j] = np.exp(exponent) * widths[j]
            _add_scaled(part, m.flux_powerlaw, edges, inner)
        if m.flux_blackbody > 0.0:
            for j in range(n):
                x = min(energy[j] * stretch / m.kt_blackbody, 600.0)  # never so small that exp(x) - 1 cancels
                part[j] = energy[j] * energy[j] / (np.exp(x) - 1.0) * widths[j]
            _add_scaled(part, m.flux_blackbody, edges, inner)
        if m.flux_disc > 0.0:
            offset = shift - np.log(m.kt_disc) - disc_first
            for j in range(n):
                position = (log_energy[j] + offset) / disc_step
                k = min(max(int(position), 0), tables.disc_log_x.size - 2)
                f = min(position - k, 1.0)
                value = (1.0 - f) * tables.disc_log_value[k] + f * tables.disc_log_value[k + 1]
                part[j] = np.exp(value) * widths[j]
            _add_scaled(part, m.flux_disc, edges, inner)
        if m.flux_hot > 0.0:
            plasma_photons(m.kt_hot, m.redshift, abundances[i], tables.plasma, edges, log_energy, part)
            _add_scaled(part, m.flux_hot, edges, inner)
        if m.line_1_ew > 0.0:
            _add_line(m.line_1_ew, m.line_1_energy, m.line_1_sigma, m.redshift, edges, inner)
        if m.line_2_ew > 0.0:
            _add_line(m.line_2_ew, m.line_2_energy, m.line_2_sigma, m.redshift, edges, inner)
        if m.line_3_ew > 0.0:
            _add_line(m.line_3_ew, m.line_3_energy, m.line_3_sigma, m.redshift, edges, inner)
        if m.nh_intrinsic > 0.0:
            for j in range(n):
                position = (log_energy[j] + shift - absorber_first) / absorber_step
                k = min(int(position), tables.absorber.size - 2)
                f = position - k
                depth = m.nh_intrinsic * ((1.0 - f) * tables.absorber[k] + f * tables.absorber[k + 1])
                inner[j] *= m.open_share + (1.0 - m.open_share) * np.exp(-depth)
        if m.flux_cool > 0.0:
            plasma_photons(m.kt_cool, m.redshift, abundances[i], tables.plasma, edges, log_energy, part)
            _add_scaled(part, m.flux_cool, edges, inner)
        if m.flux_reflection > 0.0:
            _reflected(m.photon_index, m.cutoff, m.redshift, tables, part)
            _add_scaled(part, m.flux_reflection, edges, inner)
        for j in range(n):
            out[i, j] = inner[j] * np.exp(-m.nh * tables.cross_section[j])


def photon_flux(models: NDArray[np.void]) -> NDArray[np.float32]:
    """Return the photons that arrive at the telescope, per fine bin.

    Parameters
    ----------
    models : record array of `MODEL_DTYPE`, shape (n,)

    Returns
    -------
    array of float32, shape (n, n_fine)
        In flux unit / keV: with fluxes in keV/cm2/s these are photon/cm2/s per bin of `FINE_EDGES`.
    """
    out = np.empty((len(models), N_FINE), np.float32)
    models = np.ascontiguousarray(models)
    abundances = np.ascontiguousarray(models["abundances"])
    _photon_rows(models, abundances, model_tables(), out)
    return out
