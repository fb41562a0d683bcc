"""Photon spectra of absorbed multi-component models, on the simulator's fine energy grid.

    N(E) = exp(-nh s(E)) { [c + (1-c) exp(-nh_intrinsic s(E(1+z)))] trough(E(1+z))
                           [powerlaw + blackbody + disc + hot + lines] + cool + reflection }

with s the absorption cross section, 1-c the covering fraction, hot and cool two thermal plasmas. Reflection is what
cold gas out of the line of sight sends our way of the same power law.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from vae.simulate import components, plasma
from vae.simulate.components import (
    Bins,
    absorb,
    absorb_here,
    add_line,
    add_scaled,
    blackbody,
    dig_trough,
    disc,
    make_bins,
    power_law,
    reflection,
)
from vae.simulate.plasma import ELEMENTS, PlasmaTables, plasma_photons, plasma_tables
from vae.spectra import grid

#: One spectral model a record. Fluxes: unabsorbed, observed frame, 0.3-10 keV, any unit linear in erg/cm2/s.
#: nh, nh_intrinsic [1e22 cm-2]; open_share c, the share of the inner light that leaks past the intrinsic absorber;
#: cutoff (exponential, rest frame; 0 for none), kt_* and line energies and widths [keV, rest frame];
#: line_*_ew [keV, rest frame] relative to the unabsorbed inner continuum; abundances of the plasmas by element, in the
#: order of `vae.simulate.plasma.ELEMENTS`, relative to solar. Reflection has the index and cut-off of the power law.
#: trough_depth: optical depth at the centre of a broad absorption line.
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
            "trough_depth", "trough_energy", "trough_sigma",
        )
    ]
    + [("abundances", np.float64, (len(ELEMENTS),))]
)  # fmt: skip
#: The components that carry flux.
FLUX_FIELDS: Final = ("flux_powerlaw", "flux_blackbody", "flux_disc", "flux_hot", "flux_cool", "flux_reflection")


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


@lru_cache(maxsize=1)
def _bins() -> Bins:
    return make_bins(FINE_EDGES)


def _compile(sources: int) -> Any:
    """Compile the kernel, or load it as it was compiled before from the same sources.

    To tell whether a compiled kernel is out of date numba looks at the file it stands in, not at those of the functions
    it calls. What a kernel encloses is part of the key of its compiled copy: so are, as `sources`, those files.
    """

    @numba.njit(cache=True, nogil=True)
    def photon_rows(
        models: NDArray[Any], abundances: NDArray[Any], bins: Bins, plasma: PlasmaTables, out: NDArray[np.float32]
    ) -> None:
        if not sources:
            return
        n = bins.energy.size
        light, part = np.empty(n), np.empty(n)
        for i in range(models.size):
            m = models[i]
            light[:] = 0.0
            if m.flux_powerlaw > 0.0:
                power_law(m.photon_index, m.cutoff, m.redshift, bins, part)
                add_scaled(part, m.flux_powerlaw, bins, light)
            if m.flux_blackbody > 0.0:
                blackbody(m.kt_blackbody, m.redshift, bins, part)
                add_scaled(part, m.flux_blackbody, bins, light)
            if m.flux_disc > 0.0:
                disc(m.kt_disc, m.redshift, bins, part)
                add_scaled(part, m.flux_disc, bins, light)
            if m.flux_hot > 0.0:
                plasma_photons(m.kt_hot, m.redshift, abundances[i], plasma, bins, part)
                add_scaled(part, m.flux_hot, bins, light)
            if m.line_1_ew > 0.0:
                add_line(m.line_1_ew, m.line_1_energy, m.line_1_sigma, m.redshift, bins, light)
            if m.line_2_ew > 0.0:
                add_line(m.line_2_ew, m.line_2_energy, m.line_2_sigma, m.redshift, bins, light)
            if m.line_3_ew > 0.0:
                add_line(m.line_3_ew, m.line_3_energy, m.line_3_sigma, m.redshift, bins, light)
            if m.trough_depth > 0.0:
                dig_trough(m.trough_depth, m.trough_energy, m.trough_sigma, m.redshift, bins, part, light)
            if m.nh_intrinsic > 0.0:
                absorb(m.nh_intrinsic, m.open_share, m.redshift, bins, part, light)
            if m.flux_cool > 0.0:
                plasma_photons(m.kt_cool, m.redshift, abundances[i], plasma, bins, part)
                add_scaled(part, m.flux_cool, bins, light)
            if m.flux_reflection > 0.0:
                reflection(m.photon_index, m.cutoff, m.redshift, bins, part)
                add_scaled(part, m.flux_reflection, bins, light)
            if m.nh > 0.0:
                absorb_here(m.nh, bins, part, light)
            for j in range(n):
                out[i, j] = light[j]

    return photon_rows


_photon_rows = _compile(
    1 + zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in (components, plasma)))
)


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
    bins = _bins()
    bins = bins._replace(scratch=np.empty_like(bins.scratch), bits=np.empty_like(bins.bits))  # threads may call this
    _photon_rows(models, abundances, bins, plasma_tables(), out)
    return out
