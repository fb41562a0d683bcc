"""Kernels for the parts of a photon spectrum: continua, lines, absorption. Photons per bin, in any unit."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from vae.simulate.absorption import cross_section_table

#: Cold reflection: Thomson cross section times 1.2 electrons a hydrogen nucleus [1e-22 cm2], and the equivalent width
#: [keV] of the iron line at 6.4 keV against the reflected continuum (1-2 keV: George & Fabian 1991, MNRAS 249, 352).
_SCATTERING: Final = 6.6524e-3 * 1.2
_FLUORESCENCE_EW: Final = 1.2
_IRON_K_ALPHA: Final = 6.4
#: The band [keV] in which components have the flux they are given.
_BAND: Final = (0.3, 10.0)
#: exp(x) = 2^(k + r): adding this number leaves k, as an integer, in the last bits of a float64.
_ROUNDING: Final = 1.5 * 2.0**52
_LOG2_E: Final = 1.0 / math.log(2.0)
#: Taylor coefficients of 2^r to r^7: good to 1e-8 for |r| <= 1/2.
_POWERS: Final = tuple(math.log(2.0) ** k / math.factorial(k) for k in range(8))
#: Exponents below are taken for this one: no photons, and far from what a float64 cannot hold.
_LOWEST: Final = -600.0


class Bins(NamedTuple):
    """The energy grid and the tables of absorption and disc, for compiled code.

    Attributes
    ----------
    edges, log_edges : array, shape (n + 1,)
        Observed energies [keV], and their logarithms.
    energy, log_energy, width : array, shape (n,)
        Geometric centres [keV], their logarithms, widths [keV].
    band_energy : array, shape (n,)
        Mean energy of the bin times the share of it that lies within 0.3-10 keV [keV].
    cross_section : array, shape (n,)
        Absorption at redshift 0, averaged over the bin, which may hold an edge [1e-22 cm2].
    absorber_first, absorber_step : float
        First log energy and step of `absorber`.
    absorber : array
        Absorption cross section, integrated over energy, at equal steps of log energy [1e-22 cm2 keV].
    disc_first, disc_step : float
        First ln(E / kT_in) and step of `disc`.
    disc : array
        ln of the disc's photon spectrum.
    scratch : array, shape (n,)
    bits : array of int64, shape (n,)
        Work space.
    """

    edges: NDArray[np.float64]
    log_edges: NDArray[np.float64]
    energy: NDArray[np.float64]
    log_energy: NDArray[np.float64]
    width: NDArray[np.float64]
    band_energy: NDArray[np.float64]
    cross_section: NDArray[np.float64]
    absorber_first: float
    absorber_step: float
    absorber: NDArray[np.float64]
    disc_first: float
    disc_step: float
    disc: NDArray[np.float64]
    scratch: NDArray[np.float64]
    bits: NDArray[np.int64]


def make_bins(edges_kev: NDArray[np.float64]) -> Bins:
    """Return the tables for an energy grid within 0.15-15 keV; with work space, so one for each thread."""
    edges = np.array(edges_kev, np.float64)
    energy = np.sqrt(edges[1:] * edges[:-1])
    middle = 0.5 * (edges[1:] + edges[:-1])
    in_band = np.clip(np.minimum(edges[1:], _BAND[1]) - np.maximum(edges[:-1], _BAND[0]), 0.0, None)
    log_energy, absorber = cross_section_table()
    integral = _integral(np.exp(log_energy), absorber)
    log_x, disc = _disc_table()
    return Bins(
        edges=edges,
        log_edges=np.log(edges),
        energy=energy,
        log_energy=np.log(energy),
        width=np.diff(edges),
        band_energy=middle * in_band / np.diff(edges),
        cross_section=np.diff(np.interp(edges, np.exp(log_energy), integral)) / np.diff(edges),
        absorber_first=float(log_energy[0]),
        absorber_step=float(log_energy[1] - log_energy[0]),
        absorber=integral,
        disc_first=float(log_x[0]),
        disc_step=float(log_x[1] - log_x[0]),
        disc=disc,
        scratch=np.empty(energy.size),
        bits=np.empty(energy.size, np.int64),
    )


def _integral(energy: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.append(0.0, np.cumsum(0.5 * (of[1:] + of[:-1]) * np.diff(energy)))


@lru_cache(maxsize=1)
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
def exponentiate(x: NDArray[Any], bins: Bins) -> None:
    """Replace x by exp(x), to a part in 1e8, for exponents below 600.

    In loops without calls or branches, which the compiler turns into vector instructions: several times faster than
    `math.exp`, and the same bytes on every processor.
    """
    scratch, bits, floats = bins.scratch, bins.bits, bins.bits.view(np.float64)
    for j in range(x.size):
        scratch[j] = max(x[j], _LOWEST) * _LOG2_E
        floats[j] = scratch[j] + _ROUNDING
    for j in range(x.size):
        scratch[j] -= floats[j] - _ROUNDING
    for j in range(x.size):
        bits[j] = (bits[j] + 1023) << 52
    for j in range(x.size):
        r = scratch[j]
        value = _POWERS[7]
        value = value * r + _POWERS[6]
        value = value * r + _POWERS[5]
        value = value * r + _POWERS[4]
        value = value * r + _POWERS[3]
        value = value * r + _POWERS[2]
        value = value * r + _POWERS[1]
        value = value * r + _POWERS[0]
        x[j] = value * floats[j]


@numba.njit(cache=True, nogil=True)
def add_scaled(part: NDArray[Any], flux: float, bins: Bins, total: NDArray[Any]) -> None:
    """Add `part` to `total` so that its energy flux over 0.3-10 keV is `flux`."""
    energy_flux = 0.0
    for j in range(part.size):
        energy_flux += part[j] * bins.band_energy[j]
    if energy_flux > 0.0:
        scale = flux / energy_flux
        for j in range(part.size):
            total[j] += scale * part[j]


@numba.njit(cache=True, nogil=True)
def power_law(index: float, cutoff: float, redshift: float, bins: Bins, out: NDArray[Any]) -> None:
    """Write E^-index exp(-E (1+z) / cutoff); no cut-off where `cutoff` is 0."""
    fall = (1.0 + redshift) / cutoff if cutoff > 0.0 else 0.0
    for j in range(out.size):
        out[j] = -index * bins.log_energy[j] - fall * bins.energy[j]
    exponentiate(out, bins)
    for j in range(out.size):
        out[j] *= bins.width[j]


@numba.njit(cache=True, nogil=True)
def blackbody(kt: float, redshift: float, bins: Bins, out: NDArray[Any]) -> None:
    """Write E^2 / (exp(E (1+z) / kT) - 1)."""
    scale = (1.0 + redshift) / kt
    for j in range(out.size):
        out[j] = -scale * bins.energy[j]
    exponentiate(out, bins)
    for j in range(out.size):
        if scale * bins.energy[j] > 1e-3:
            out[j] = bins.energy[j] * bins.energy[j] * out[j] / (1.0 - out[j]) * bins.width[j]
        else:  # where the difference would cancel
            out[j] = bins.energy[j] / scale * bins.width[j]


@numba.njit(cache=True, nogil=True)
def disc(kt: float, redshift: float, bins: Bins, out: NDArray[Any]) -> None:
    """Write the sum of a disc's rings, the innermost of temperature kT."""
    offset = np.log((1.0 + redshift) / kt) - bins.disc_first
    last = bins.disc.size - 2
    for j in range(out.size):
        position = (bins.log_energy[j] + offset) / bins.disc_step
        k = min(max(int(position), 0), last)
        f = min(position - k, 1.0)
        out[j] = (1.0 - f) * bins.disc[k] + f * bins.disc[k + 1]
    exponentiate(out, bins)
    for j in range(out.size):
        out[j] *= bins.width[j]


@numba.njit(cache=True, nogil=True)
def absorption(redshift: float, bins: Bins, out: NDArray[Any]) -> None:
    """Write the absorption cross section of the rest frame [1e-22 cm2], averaged over bins: they may hold an edge."""
    offset = np.log(1.0 + redshift) - bins.absorber_first
    last = bins.absorber.size - 2
    before = 0.0
    for j in range(bins.edges.size):
        position = (bins.log_edges[j] + offset) / bins.absorber_step
        k = min(int(position), last)
        f = position - k
        integral = (1.0 - f) * bins.absorber[k] + f * bins.absorber[k + 1]
        if j > 0:
            out[j - 1] = (integral - before) / (bins.width[j - 1] * (1.0 + redshift))
        before = integral


@numba.njit(cache=True, nogil=True)
def reflection(index: float, cutoff: float, redshift: float, bins: Bins, out: NDArray[Any]) -> None:
    """Write what thick cold gas reflects of a power law, with the iron line that it excites.

    Diffusive reflectance of a half-space that scatters isotropically: (1 - g) / (1 + g) with g^2 the share of
    absorption in its opacity (Hapke 1981, J. Geophys. Res. 86, 3039). That scattering costs a photon some of its energy
    matters beyond 15 keV only (Lightman & White 1988, ApJ 335, 57), and is left out.
    """
    opacity = np.empty(out.size)
    absorption(redshift, bins, opacity)
    power_law(index, cutoff, redshift, bins, out)
    for j in range(out.size):
        g = np.sqrt(opacity[j] / (opacity[j] + _SCATTERING))
        out[j] *= (1.0 - g) / (1.0 + g)
    add_line(_FLUORESCENCE_EW, _IRON_K_ALPHA, 0.0, redshift, bins, out)


@numba.njit(cache=True, nogil=True)
def add_line(ew: float, energy: float, sigma: float, redshift: float, bins: Bins, continuum: NDArray[Any]) -> None:
    """Add a Gaussian line of equivalent width `ew` (rest frame) to the continuum it is measured against."""
    edges = bins.edges
    centre, width = energy / (1.0 + redshift), max(sigma / (1.0 + redshift), 1e-4)
    j = np.searchsorted(edges, centre, side="right") - 1
    if j < 3 or j >= continuum.size - 3:
        return
    level = continuum[j - 3 : j + 4].sum() / (edges[j + 4] - edges[j - 3])
    photons = ew / (1.0 + redshift) * level
    low = max(int(np.searchsorted(edges, centre - 6 * width)) - 1, 0)
    high = min(int(np.searchsorted(edges, centre + 6 * width)) + 1, continuum.size)
    below = math.erf((edges[low] - centre) / width / math.sqrt(2.0))
    for i in range(low, high):
        above = math.erf((edges[i + 1] - centre) / width / math.sqrt(2.0))
        continuum[i] += photons * 0.5 * (above - below)
        below = above


@numba.njit(cache=True, nogil=True)
def absorb(nh: float, open_share: float, redshift: float, bins: Bins, part: NDArray[Any], light: NDArray[Any]) -> None:
    """Let `light` pass a column of `nh` [1e22 cm-2] that leaves `open_share` of it uncovered; `part` is work space."""
    absorption(redshift, bins, part)
    for j in range(part.size):
        part[j] *= -nh
    exponentiate(part, bins)
    for j in range(part.size):
        light[j] *= open_share + (1.0 - open_share) * part[j]


@numba.njit(cache=True, nogil=True)
def absorb_here(nh: float, bins: Bins, part: NDArray[Any], light: NDArray[Any]) -> None:
    """Let `light` pass the Galaxy's column of `nh` [1e22 cm-2]; `part` is work space."""
    for j in range(part.size):
        part[j] = -nh * bins.cross_section[j]
    exponentiate(part, bins)
    for j in range(part.size):
        light[j] *= part[j]


@numba.njit(cache=True, nogil=True)
def dig_trough(
    depth: float, energy: float, sigma: float, redshift: float, bins: Bins, part: NDArray[Any], light: NDArray[Any]
) -> None:
    """Let `light` pass a broad absorption line of Gaussian optical depth; `part` is work space."""
    for j in range(part.size):
        x = (bins.energy[j] * (1.0 + redshift) - energy) / sigma
        part[j] = -0.5 * x * x
    exponentiate(part, bins)
    for j in range(part.size):
        part[j] *= -depth
    exponentiate(part, bins)
    for j in range(part.size):
        light[j] *= part[j]
