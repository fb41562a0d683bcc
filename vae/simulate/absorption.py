"""Photo-electric absorption by cold gas of interstellar composition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import xraydb
from numpy.typing import ArrayLike, NDArray

#: Abundances of the interstellar medium, 12 + log10(n / n_H): Wilms, Allen & McCray 2000, ApJ 542, 914, table 2.
ABUNDANCES: Final = {
    "H": 12.00, "He": 10.99, "C": 8.38, "N": 7.88, "O": 8.69, "Ne": 7.94, "Na": 6.16, "Mg": 7.40, "Al": 6.33,
    "Si": 7.27, "P": 5.42, "S": 7.09, "Cl": 5.12, "Ar": 6.41, "Ca": 6.20, "Ti": 4.81, "Cr": 5.51, "Mn": 5.34,
    "Fe": 7.43, "Co": 4.92, "Ni": 6.05,
}  # fmt: skip
#: A fifth of the hydrogen nuclei sit in molecules, whose cross section is 2.85 times the atom's (Wilms et al. 2000).
_MOLECULAR_FACTOR: Final = 0.8 + 0.2 * 2.85 / 2
_ATOMIC_MASS_G: Final = 1.66053907e-24
#: Energies of the tabulated cross section [keV]: steps of 0.16 %, less than a tenth of the detector's resolution
#: anywhere, up to what a redshift of 5 needs.
_TABLE_LOG_ENERGY: Final = np.linspace(np.log(0.12), np.log(80.0), 4000)


@lru_cache(maxsize=1)
def cross_section_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the absorption cross section per hydrogen nucleus, tabulated.

    Returns
    -------
    log_energy : array, shape (4000,)
        Natural logarithm of the energy in keV, equally spaced.
    cross_section : array, shape (4000,)
        In 1e-22 cm2, so that its product with N_H in 1e22 cm-2 is the optical depth. Wilms et al. (2000) abundances, no
        dust. Read-only.
    """
    total = cross_section(np.exp(_TABLE_LOG_ENERGY), ABUNDANCES, _MOLECULAR_FACTOR)
    total.setflags(write=False)
    return _TABLE_LOG_ENERGY, total


def cross_section(
    energies_kev: NDArray[np.float64], abundances: Mapping[str, float], molecular_factor: float = 1.0
) -> NDArray[np.float64]:
    """Return the absorption cross section of a gas, per hydrogen nucleus.

    Parameters
    ----------
    energies_kev : array, shape (n,)
        Photon energies [keV].
    abundances : mapping
        12 + log10(n / n_H) by element.
    molecular_factor : float
        By which the hydrogen absorbs more than its atoms would.

    Returns
    -------
    array of float64, shape (n,)
        In 1e-22 cm2. Photo-electric cross sections of Elam, Ravel & Sieber (2002, Radiat. Phys. Chem. 63, 121), as
        tabulated by xraydb.
    """
    total = np.zeros(len(energies_kev))
    for element, abundance in abundances.items():
        per_gram = xraydb.mu_elam(element, 1000.0 * energies_kev, kind="photo")
        per_atom = per_gram * xraydb.atomic_mass(element) * _ATOMIC_MASS_G
        total += 10 ** (abundance - 12) * per_atom * (molecular_factor if element == "H" else 1.0)
    return 1e22 * total


def transmission(energies_kev: ArrayLike, nh_1e22: float) -> NDArray[np.float64]:
    """Return the share of photons that pass a column of cold gas.

    Parameters
    ----------
    energies_kev : array
        Photon energies [keV], 0.12 to 80.
    nh_1e22 : float
        Hydrogen column density [1e22 cm-2].

    Returns
    -------
    array of float64, the shape of `energies_kev`
    """
    log_energy, cross_section = cross_section_table()
    return np.exp(-nh_1e22 * np.interp(np.log(np.asarray(energies_kev, np.float64)), log_energy, cross_section))
