"""An absorbed power law fitted to one spectrum, on the same counts, background and response as the model's."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from vae.evaluation.expected import at_amplitude, usual_background
from vae.simulate.absorption import transmission
from vae.spectra import grid
from vae.spectra.statistics import cstat, cstat_z
from vae.spectra.store import Block

#: Bounds of the photon index and of N_H [1e22 cm-2], and the starts: C-stat has more than one valley where a soft
#: excess can be had by a steep slope behind a column or by a flat one without.
INDEX_BOUNDS: Final = (-3.0, 10.0)
COLUMN_BOUNDS: Final = (0.0, 100.0)
_INDEX_STARTS: Final = (0.5, 1.7, 3.0, 5.0)
_COLUMN_STARTS: Final = (0.01, 0.3, 3.0)
#: Starts that are polished: the best of the grid of starts.
_POLISHED: Final = 4
#: N_H enters the search as its square root: linear enough near 0, where its bound is, and wide enough at 100.

Array = NDArray[Any]


@dataclass(frozen=True)
class AbsorbedFit:
    """The best absorbed power law of one spectrum.

    Parameters
    ----------
    index : float
        Photon index.
    nh_1e22 : float
        Hydrogen column density [1e22 cm-2].
    amplitude : float
        Photons at 1 keV before absorption [photon/cm2/s/keV].
    expected : array, shape (238,)
        Expected counts, background included.
    cstat, cstat_z : float
    """

    index: float
    nh_1e22: float
    amplitude: float
    expected: Array
    cstat: float
    cstat_z: float


def absorbed_power_law(index: float, nh_1e22: float) -> Array:
    """Photon density at the true energies, 1 photon/keV at 1 keV before absorption by `nh_1e22` [1e22 cm-2], (336,)."""
    return np.asarray(grid.TRUE_CENTRES**-index * transmission(grid.TRUE_CENTRES, nh_1e22))


def fit_absorbed_power_law(block: Block, redistribution: Array) -> list[AbsorbedFit]:
    """Fit each spectrum by least C-stat: photon index and column free, the amplitude profiled.

    Nelder-Mead from the best of twelve starts, bounds kept.

    Parameters
    ----------
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)

    Returns
    -------
    list of AbsorbedFit
        One a row.
    """
    background = usual_background(block)
    fits = []
    for row in range(len(block)):
        response = response_of(block, row, redistribution)
        fits.append(_fit(np.asarray(block.counts[row], np.float64), response, background[row]))
    return fits


def _fit(counts: Array, response: Array, background: Array) -> AbsorbedFit:
    """Fit one spectrum; `response` turns photon/cm2/s/keV at the true energies into counts, (238, 336)."""

    def expected(point: Array) -> Array:
        index, column = _physical(point)
        return at_amplitude(counts, response @ absorbed_power_law(index, column), background)

    def objective(point: Array) -> float:
        value = float(cstat(counts, expected(point)))
        return value if np.isfinite(value) else 1e300

    starts = [np.array([index, np.sqrt(column)]) for index, column in itertools.product(_INDEX_STARTS, _COLUMN_STARTS)]
    starts = sorted(starts, key=objective)[:_POLISHED]
    bounds = [INDEX_BOUNDS, (0.0, np.sqrt(COLUMN_BOUNDS[1]))]
    options = {"xatol": 1e-4, "fatol": 1e-3, "maxiter": 600}
    found = [minimize(objective, start, method="Nelder-Mead", bounds=bounds, options=options) for start in starts]
    best = min(found, key=lambda result: float(result.fun)).x
    index, column = _physical(best)
    model = expected(best)
    shape = response @ absorbed_power_law(index, column)
    amplitude = float(np.sum(model - background) / max(np.sum(shape), 1e-300))
    value = float(cstat(counts, model))
    return AbsorbedFit(index, column, max(amplitude, 0.0), model, value, float(cstat_z(counts, model)))


def _physical(point: Array) -> tuple[float, float]:
    return float(point[0]), float(point[1]) ** 2


def response_of(block: Block, row: int, redistribution: Array) -> Array:
    """Return the counts that 1 photon/cm2/s/keV in each true-energy bin gives, (238, 336), for one row of a block.

    The exposure is what makes area and redistribution agree with the sensitivity.
    """
    matrix = np.asarray(redistribution[block.response_index[row]], np.float64)
    per_second = matrix * (np.asarray(block.area[row], np.float64) * grid.TRUE_WIDTHS)
    exposure = float(np.sum(block.sensitivity[row], dtype=np.float64)) / max(float(per_second.sum()), 1e-300)
    return np.asarray(per_second * exposure)
