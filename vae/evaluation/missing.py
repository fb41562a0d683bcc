"""What one narrow feature, an absorption edge or an emission line, would mend a misfit most: a hint at its physics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from vae.evaluation.expected import at_amplitude
from vae.spectra import grid
from vae.spectra.statistics import cstat, cstat_z

#: Energies tried [keV], before the best is polished.
_ENERGIES: Final = np.geomspace(0.36, 9.0, 48)
#: Largest optical depth of an edge.
_DEPTH: Final = 5.0
#: Slope of the power law by which an edge is smeared: only ratios of its counts with and without the edge are used.
_SLOPE: Final = 1.9

Array = NDArray[Any]
#: Takes energy [keV] and strength, returns expected counts (238,).
_Feature = Callable[[float, float], Array]


@dataclass(frozen=True)
class Feature:
    """An edge or a line added to what a model expects.

    Parameters
    ----------
    kind : str
        ``edge`` (optical depth ~ E^-3 above its energy) or ``line`` (unresolved, in emission).
    kev : float
    strength : float
        Optical depth at the edge; share of the source counts in the line.
    gain : float
        By how much C-stat falls.
    cstat_z : float
        With the feature.
    """

    kind: str
    kev: float
    strength: float
    gain: float
    cstat_z: float


def missing_feature(counts: Array, source: Array, background: Array, response: Array) -> Feature:
    """Search the edge or line that lowers the C-stat of a spectrum most; the amplitude is profiled anew.

    Parameters
    ----------
    counts : array, shape (238,)
    source, background : array, shape (238,)
        Expected counts of a model.
    response : array, shape (238, 336)
        Counts that a photon density of 1 photon/cm2/s/keV in each true-energy bin gives.
    """
    counts = np.asarray(counts, np.float64)
    plain = grid.TRUE_CENTRES**-_SLOPE
    smooth = np.maximum(response @ plain, 1e-300)

    def with_edge(kev: float, depth: float) -> Array:
        above = np.clip((grid.TRUE_EDGES[1:] - kev) / grid.TRUE_WIDTHS, 0.0, 1.0)
        left = plain * np.exp(-depth * above * (grid.TRUE_CENTRES / kev) ** -3)
        return at_amplitude(counts, source * (response @ left) / smooth, background)

    def with_line(kev: float, share: float) -> Array:
        place = float(np.interp(kev, grid.TRUE_CENTRES, np.arange(grid.N_TRUE)))
        low = min(int(place), grid.N_TRUE - 2)
        line = (1.0 - place + low) * response[:, low] + (place - low) * response[:, low + 1]
        total = max(float(line.sum()), 1e-300)
        return at_amplitude(counts, source + share / (1.0 - share) * float(source.sum()) / total * line, background)

    before = float(cstat(counts, at_amplitude(counts, source, background)))
    found = [
        _search("edge", with_edge, _DEPTH, counts, before),
        _search("line", with_line, 0.95, counts, before),
    ]
    return max(found, key=lambda feature: feature.gain)


def _search(kind: str, feature: _Feature, strongest: float, counts: Array, before: float) -> Feature:
    def value(kev: float, strength: float) -> float:
        result = float(cstat(counts, feature(kev, strength)))
        return result if np.isfinite(result) else 1e300

    trials = []
    for kev in _ENERGIES:
        best = minimize_scalar(
            lambda strength, kev=kev: value(float(kev), float(strength)),
            bounds=(0.0, strongest),
            method="bounded",
            options={"xatol": 1e-3 * strongest},
        )
        trials.append((float(best.fun), float(kev), float(best.x)))
    _, kev, strength = min(trials)
    polished = minimize(
        lambda point: value(float(np.exp(point[0])), float(point[1])),
        (np.log(kev), strength),
        method="Nelder-Mead",
        bounds=[(np.log(kev) - 0.1, np.log(kev) + 0.1), (0.0, strongest)],
        options={"xatol": 1e-4, "fatol": 1e-2, "maxiter": 300},
    )
    kev, strength = float(np.exp(polished.x[0])), float(polished.x[1])
    return Feature(kind, kev, strength, before - float(polished.fun), float(cstat_z(counts, feature(kev, strength))))
