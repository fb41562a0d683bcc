"""The latent position that fits a spectrum best: tells a wrong encoder from a decoder that cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from vae.evaluation.encoding import Folds, decoded_counts
from vae.evaluation.expected import at_amplitude, usual_background
from vae.evaluation.rows import take
from vae.spectra.statistics import cstat, cstat_z
from vae.spectra.store import Block

#: Positions tried first: of the archive's own latents, and of a grid over the plane where there are two axes.
_CLOUD: Final = 1500
_GRID_STEPS: Final = 41
#: Where the prior ends, for the grid.
_REACH: Final = 4.0
#: Best positions that are polished.
_POLISHED: Final = 3
#: Neighbour in the archive whose distance tells how lonely a position is.
_NEIGHBOUR: Final = 64

Array = NDArray[Any]


@dataclass(frozen=True)
class LatentFit:
    """The best latent position of one spectrum.

    Parameters
    ----------
    z : array, shape (d,)
    expected : array, shape (238,)
        Expected counts there, background included.
    cstat, cstat_z : float
    """

    z: Array
    expected: Array
    cstat: float
    cstat_z: float


def best_position(
    model: Folds, block: Block, redistribution: Array, starts: Array, cloud: Array, *, seed: int = 0
) -> list[LatentFit]:
    """Search the latent position of least C-stat of each spectrum, the amplitude profiled.

    Tried are the encoder's answer, positions of the archive and (in two dimensions) a grid over the plane; the best
    three are polished by Nelder-Mead.

    Parameters
    ----------
    model : Folds
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    starts : array, shape (n, d)
        Posterior means.
    cloud : array, shape (m, d)
        Latents of the archive.
    seed : int
        Of the choice among the cloud.
    """
    background = usual_background(block)
    cloud = np.asarray(cloud, np.float64)
    tried = cloud[np.random.default_rng(seed).permutation(len(cloud))[:_CLOUD]]
    if starts.shape[1] == 2:
        axis = np.linspace(-_REACH, _REACH, _GRID_STEPS)
        tried = np.concatenate([tried, np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)])
    fits = []
    for row in range(len(block)):
        one = take(block, slice(row, row + 1))
        fits.append(_search(model, one, redistribution, background[row], np.vstack([starts[row], tried])))
    return fits


def _search(model: Folds, one: Block, redistribution: Array, background: Array, tried: Array) -> LatentFit:
    counts = np.asarray(one.counts[0], np.float64)

    def expected(z: Array) -> Array:
        rows = take(one, np.zeros(len(z), np.int64))
        folded = decoded_counts(model, z, rows, redistribution)
        return at_amplitude(np.broadcast_to(counts, folded.shape), folded, np.broadcast_to(background, folded.shape))

    def objective(z: Array) -> float:
        value = float(cstat(counts, expected(z[None])[0]))
        return value if np.isfinite(value) else 1e300

    values = np.concatenate([cstat(np.broadcast_to(counts, e.shape), e) for e in map(expected, _slabs(tried))])
    best = [tried[place] for place in np.argsort(values)[:_POLISHED]]
    options = {"xatol": 1e-3, "fatol": 1e-2, "maxiter": 200 * tried.shape[1]}
    found = [minimize(objective, z, method="Nelder-Mead", options=options) for z in best]
    z = np.asarray(min(found, key=lambda result: float(result.fun)).x)
    model_counts = expected(z[None])[0]
    return LatentFit(z, model_counts, float(cstat(counts, model_counts)), float(cstat_z(counts, model_counts)))


def _slabs(z: Array, rows: int = 512) -> list[Array]:
    return [z[start : start + rows] for start in range(0, len(z), rows)]


def loneliness(z: Array, cloud: Array) -> Array:
    """Percentile of how far positions lie from an archive, among its own members, (n,): 100 is farther than all.

    Parameters
    ----------
    z : array, shape (n, d)
    cloud : array, shape (m, d)
        Latents of the archive; the distance is that to the 64th neighbour.
    """
    tree = cKDTree(cloud)
    k = max(min(_NEIGHBOUR, len(cloud) - 1), 1)
    usual = np.sort(tree.query(cloud[:: max(len(cloud) // 4000, 1)], k=[k + 1])[0][:, 0])  # itself is the first
    return np.asarray(100.0 * np.searchsorted(usual, tree.query(z, k=[k])[0][:, 0]) / len(usual))
