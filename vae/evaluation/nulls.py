"""Reconstructions that need no network: what the model must beat before its fit statistic means anything.

Three nulls, each with the same counts, background and profiled amplitude as the model: background only, one fixed power
law for all spectra, and for each spectrum the best of a grid of absorbed power laws, folded through its own response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.absorbed_fit import absorbed_power_law
from vae.evaluation.expected import at_amplitude, usual_background
from vae.spectra import grid
from vae.spectra.statistics import cstat, cstat_z
from vae.spectra.store import Block

#: Photon index of the fixed power law, and the grid of absorbed ones (index; N_H in 1e22 cm-2).
FIXED_INDEX: Final = 1.9
INDICES: Final = tuple(np.round(np.arange(0.5, 4.01, 0.25), 2))
COLUMNS_1E22: Final = (0.0, 0.03, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)


def power_law(index: float, nh_1e22: float = 0.0) -> NDArray[np.float64]:
    """Photons of an absorbed power law in each true-energy bin, arbitrary normalisation, shape (n_true,)."""
    return absorbed_power_law(index, nh_1e22) * grid.TRUE_WIDTHS


def folded(photons: NDArray[np.float64], block: Block, redistribution: NDArray[np.floating]) -> NDArray[np.float64]:
    """Fold photons per true-energy bin through each row's own area and redistribution.

    Parameters
    ----------
    photons : array, shape (n_true,)
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)

    Returns
    -------
    array of float64, shape (n, 238)
        Counts shape; the amplitude is free, so the exposure is left out.
    """
    out = np.empty((len(block), grid.N_BINS))
    for response in np.unique(block.response_index):
        rows = block.response_index == response
        out[rows] = (block.area[rows] * photons) @ np.asarray(redistribution[response], np.float64).T
    return out


@dataclass(frozen=True)
class PowerLaws:
    """The best of a grid of absorbed power laws, for each of n spectra.

    Parameters
    ----------
    index, column_1e22 : array, shape (n,)
        Photon index and N_H [1e22 cm-2].
    expected : array, shape (n, 238)
        Expected counts, background included, at the best amplitude.
    """

    index: NDArray[np.float64]
    column_1e22: NDArray[np.float64]
    expected: NDArray[np.float64]


def best_power_laws(block: Block, redistribution: NDArray[np.floating]) -> PowerLaws:
    """Find the absorbed power law of least C-stat among `INDICES` and `COLUMNS_1E22`.

    Parameters
    ----------
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    """
    background = usual_background(block)
    least = np.full(len(block), np.inf)
    index, column = np.full((2, len(block)), np.nan)
    expected = np.full((len(block), grid.N_BINS), np.nan)
    for slope in INDICES:
        for nh in COLUMNS_1E22:
            trial = at_amplitude(block.counts, folded(power_law(float(slope), nh), block, redistribution), background)
            value = cstat(block.counts, trial)
            better = value < least
            least[better], index[better], column[better] = value[better], slope, nh
            expected[better] = trial[better]
    return PowerLaws(index, column, expected)


def null_statistics(block: Block, redistribution: NDArray[np.floating]) -> dict[str, NDArray[np.float64]]:
    """C-stat z of each null.

    Parameters
    ----------
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)

    Returns
    -------
    dict of array, shape (n,)
        `background_only`, `fixed_power_law` and `best_absorbed_power_law` (least C-stat of the grid).
    """
    background = usual_background(block)
    fixed = at_amplitude(block.counts, folded(power_law(FIXED_INDEX), block, redistribution), background)
    return {
        "background_only": cstat_z(block.counts, background),
        "fixed_power_law": cstat_z(block.counts, fixed),
        "best_absorbed_power_law": cstat_z(block.counts, best_power_laws(block, redistribution).expected),
    }


def summary(z: NDArray[np.float64]) -> dict[str, float]:
    """Median of C-stat z and the fraction with |z| < 3; a row without a value counts as a misfit."""
    finite = z[np.isfinite(z)]
    return {
        "median_z": float(np.median(finite)) if finite.size else float("nan"),
        "fraction_within_3": float(np.mean(np.abs(np.nan_to_num(z, nan=np.inf)) < 3)) if z.size else float("nan"),
    }
