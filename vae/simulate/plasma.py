"""Thin thermal plasma in collisional equilibrium, from the compact AtomDB tables in `assets/reference`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.resources import asset
from vae.simulate.components import Bins, exponentiate

#: Elements whose abundance counts, in the order of every array of abundances. All that the tables have features of.
ELEMENTS: Final = ("C", "N", "O", "Ne", "Mg", "Al", "Si", "S", "Ar", "Ca", "Fe", "Ni")


class PlasmaTables(NamedTuple):
    """The tables as arrays, for compiled code.

    Attributes
    ----------
    log_kt : array, shape (n_kt,)
        Log temperature [ln keV], ascending.
    log_continuum_energy : array, shape (n_continuum,)
        Log centres of the continuum bins [ln keV], equally spaced.
    continuum : array, shape (n_kt, 2, n_continuum)
        Photon emissivity density of hydrogen and helium, and of metals at solar abundance [1e-19 photon cm3/s/keV].
    metal_share : array, shape (n_kt, 12)
        Share of each of `ELEMENTS` in what the metals radiate in features; the tables give their continuum and weak
        lines only as a sum, which is taken to be made up alike.
    line_energy : array, shape (n_lines,)
        Rest energies [keV], ascending.
    line_element : array of int64, shape (n_lines,)
        Index into `ELEMENTS`.
    lines : array, shape (n_kt, n_lines)
        Photon emissivity at solar abundance [1e-19 photon cm3/s].
    """

    log_kt: NDArray[np.float64]
    log_continuum_energy: NDArray[np.float64]
    continuum: NDArray[np.float64]
    metal_share: NDArray[np.float64]
    line_energy: NDArray[np.float64]
    line_element: NDArray[np.int64]
    lines: NDArray[np.float64]


@lru_cache(maxsize=1)
def plasma_tables() -> PlasmaTables:
    """Read the tables: AtomDB/APEC 3.0.9 (Foster et al. 2012, ApJ 756, 128), solar = Anders & Grevesse 1989."""
    features = pd.read_csv(asset("reference", "plasma_features.csv"), comment="#").sort_values("energy_keV")
    continuum = pd.read_csv(asset("reference", "plasma_continuum.csv"), comment="#")
    temperatures = [name for name in continuum.columns if name.replace(".", "", 1).isdigit()]
    parts = [continuum[continuum["component"] == name] for name in ("hydrogen_helium", "metals")]
    low, high = parts[0]["energy_lo_keV"].iloc[0], parts[0]["energy_hi_keV"].iloc[-1]
    n_continuum = len(parts[0])
    step = np.log(high / low) / n_continuum
    energy = features["energy_keV"].to_numpy(np.float64)
    element = np.array([ELEMENTS.index(name) for name in features["element"]], np.int64)
    lines = np.ascontiguousarray(features[temperatures].to_numpy(np.float64).T)
    radiated = np.stack([np.bincount(element, row * energy, len(ELEMENTS)) for row in lines])
    return PlasmaTables(
        log_kt=np.log(np.array([float(name) for name in temperatures])),
        log_continuum_energy=np.log(low) + step * (np.arange(n_continuum) + 0.5),
        continuum=np.ascontiguousarray(
            np.stack([part[temperatures].to_numpy(np.float64) for part in parts]).transpose(2, 0, 1)
        ),
        metal_share=radiated / radiated.sum(axis=1, keepdims=True),
        line_energy=energy,
        line_element=element,
        lines=lines,
    )


@numba.njit(cache=True, nogil=True)
def plasma_photons(
    kt: float, redshift: float, abundances: NDArray[Any], tables: PlasmaTables, bins: Bins, out: NDArray[Any]
) -> None:
    """Write the photons per bin of an optically thin plasma into `out` (arbitrary norm: emissivity 1e-19 cm3/s).

    Between two temperatures of the tables, a step of a quarter in kT, emissivities are interpolated in log kT.

    Parameters
    ----------
    kt : float
        Temperature [keV]; held at the ends of the tables (0.043 and 27 keV).
    redshift : float
    abundances : array, shape (12,)
        Of `ELEMENTS`, relative to solar.
    tables : PlasmaTables
    bins : Bins
        Observed energies.
    out : array, shape (n,)
    """
    log_kt = tables.log_kt
    k = min(max(int(np.searchsorted(log_kt, np.log(kt), side="right")) - 1, 0), log_kt.size - 2)
    upper = min(max((np.log(kt) - log_kt[k]) / (log_kt[k + 1] - log_kt[k]), 0.0), 1.0)
    lower = 1.0 - upper
    metals = 0.0
    for e in range(abundances.size):
        metals += abundances[e] * (lower * tables.metal_share[k, e] + upper * tables.metal_share[k + 1, e])
    n_continuum = tables.log_continuum_energy.size
    log_density = np.empty(n_continuum)
    for c in range(n_continuum):
        value = lower * tables.continuum[k, 0, c] + upper * tables.continuum[k + 1, 0, c]
        value += metals * (lower * tables.continuum[k, 1, c] + upper * tables.continuum[k + 1, 1, c])
        log_density[c] = np.log(max(value, 1e-30))
    first = tables.log_continuum_energy[0]
    step = tables.log_continuum_energy[1] - first
    stretch = 1.0 + redshift
    shift = np.log(stretch) - first
    for j in range(out.size):
        position = (bins.log_energy[j] + shift) / step
        c = min(max(int(position), 0), n_continuum - 2)
        f = position - c
        out[j] = (1.0 - f) * log_density[c] + f * log_density[c + 1]
    exponentiate(out, bins)
    for j in range(out.size):
        out[j] *= stretch * bins.width[j]
    j = 0
    for i in range(tables.line_energy.size):  # ascending, as the bins are
        energy = tables.line_energy[i] / stretch
        if energy < bins.edges[0]:
            continue
        if energy >= bins.edges[-1]:
            break
        while j < out.size - 1 and bins.energy[j + 1] <= energy:
            j += 1
        strength = lower * tables.lines[k, i] + upper * tables.lines[k + 1, i]
        strength *= abundances[tables.line_element[i]]
        # Shared between the bins whose centres enclose it, so that it stays at its energy.
        share = 0.0
        if j < out.size - 1:
            share = max((energy - bins.energy[j]) / (bins.energy[j + 1] - bins.energy[j]), 0.0)
            out[j + 1] += share * strength
        out[j] += (1.0 - share) * strength
