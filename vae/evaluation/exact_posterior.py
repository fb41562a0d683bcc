"""The posterior over a plane of latent positions by summation: no encoder, no assumption of its shape.

p(z | C) is prior times likelihood at every point of a grid that closes in on the mass. It is what the encoder's
Gaussian approximates, hence the gold check of mean and sigma; what the two differ by is the amortisation gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.encoding import Folds
from vae.evaluation.expected import at_amplitude, usual_background
from vae.spectra.statistics import cstat
from vae.spectra.store import Block

Array = NDArray[Any]

#: The first grid covers the prior to so many of its sigma, with so many points along an axis.
_REACH: Final = 5.0
_POINTS: Final = 35
#: A grid closes in on points that are less than this below the highest [nats], and then some where it is coarse.
_DEPTH: Final = 18.0
#: It is fine enough where its mass is spread over so many cells; it closes in so often at most.
_CELLS: Final = 20.0
_ZOOMS: Final = 6


@dataclass(frozen=True)
class Posterior:
    """Exact posteriors of n spectra in two dimensions.

    Parameters
    ----------
    mean, sigma : array, shape (n, 2)
    correlation : array, shape (n,)
        Of the two positions: no diagonal Gaussian can have it.
    rank : array, shape (n, 2)
        Share of the mass below a given position, along each axis; NaN where none was given.
    log_evidence : array, shape (n,)
        log of the integral of prior times likelihood relative to a saturated model [nats].
    resolved : array of bool, shape (n,)
        Whether the last grid was fine enough.
    """

    mean: Array
    sigma: Array
    correlation: Array
    rank: Array
    log_evidence: Array
    resolved: NDArray[np.bool_]


class LogPosterior:
    """log of unit Gaussian prior times likelihood of one spectrum, with the amplitude at its best.

    Parameters
    ----------
    model : Folds
    block : Block
        One row or more, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    """

    def __init__(self, model: Folds, block: Block, redistribution: Array) -> None:
        self.model, self.block, self.redistribution = model, block, redistribution
        self.background = usual_background(block)

    def __call__(self, row: int, z: Array, shapes: Array | None = None) -> Array:
        """Return it at positions z, shape (m, d), for one row; `shapes` spares the decoding, (m, n_energies)."""
        n = len(z)
        shapes = self.model.decode(z, self.model.energies) if shapes is None else shapes
        folded = self.model.fold(
            shapes,
            sensitivity=np.broadcast_to(self.block.sensitivity[row], (n, self.block.sensitivity.shape[1])),
            area=np.broadcast_to(self.block.area[row], (n, self.block.area.shape[1])),
            response_index=np.full(n, self.block.response_index[row]),
            redistribution=self.redistribution,
        )
        counts = np.broadcast_to(np.asarray(self.block.counts[row], np.float64), folded.shape)
        background = np.broadcast_to(self.background[row], folded.shape)
        expected = at_amplitude(counts, folded, background)
        dimensions = z.shape[1]
        prior = -0.5 * (z.astype(np.float64) ** 2).sum(axis=1) - 0.5 * dimensions * np.log(2 * np.pi)
        return np.asarray(prior - 0.5 * cstat(counts, expected))


def exact_posterior(model: Folds, block: Block, redistribution: Array, *, at: Array | None = None) -> Posterior:
    """Sum the posterior of each spectrum on grids that close in on it.

    Parameters
    ----------
    model : Folds
        Of two latent dimensions, with a unit Gaussian prior.
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    at : array, shape (n, 2), optional
        Positions whose ranks are wanted.

    Raises
    ------
    ExplorerError
        When the positions do not have two dimensions.
    """
    if at is not None and (at.ndim != 2 or at.shape[1] != 2):
        raise ExplorerError(f"exact posteriors are in two dimensions, not {at.shape[-1]}")
    log_posterior = LogPosterior(model, block, redistribution)
    first = [np.linspace(-_REACH, _REACH, _POINTS)] * 2
    shapes = model.decode(_points(first).astype(np.float32), model.energies)
    n = len(block)
    pairs, singles = (np.full((n, 2), np.nan) for _ in range(3)), (np.full(n, np.nan) for _ in range(2))
    mean, sigma, rank = pairs
    correlation, log_evidence = singles
    out = Posterior(mean, sigma, correlation, rank, log_evidence, np.zeros(n, bool))
    for row in range(n):
        axes, values = first, log_posterior(row, _points(first), shapes).reshape(_POINTS, _POINTS)
        for _ in range(_ZOOMS):
            if _cells(values) >= _CELLS:
                break
            axes = _closer(axes, values)
            values = log_posterior(row, _points(axes).astype(np.float32)).reshape(_POINTS, _POINTS)
        _summarise(out, row, axes, values, None if at is None else at[row])
    return out


def _points(axes: list[Array]) -> Array:
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _cells(values: Array) -> float:
    weight = np.exp(values - values.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def _closer(axes: list[Array], values: Array) -> list[Array]:
    """Return axes of a smaller grid: about all that may hold mass, a cell wider.

    Where a step from the highest point falls deep, the peak itself may lie between the points: as much is allowed for.
    """
    peak = np.unravel_index(values.argmax(), values.shape)
    around = values[tuple(slice(max(place - 1, 0), place + 2) for place in peak)]
    near = values > values.max() - _DEPTH - 2.0 * min(float(values.max() - np.median(around)), 1e4)
    closer = []
    for axis in (0, 1):
        held = np.flatnonzero(near.any(axis=1 - axis))
        low, high = max(held[0] - 1, 0), min(held[-1] + 1, _POINTS - 1)
        closer.append(np.linspace(axes[axis][low], axes[axis][high], _POINTS))
    if all(np.ptp(new) > 0.9 * np.ptp(old) for new, old in zip(closer, axes, strict=True)):
        # Nothing gained, a ridge across the grid: halve it about the peak.
        closer = [
            np.linspace(old[peak[axis]] - 0.25 * np.ptp(old), old[peak[axis]] + 0.25 * np.ptp(old), _POINTS)
            for axis, old in enumerate(axes)
        ]
    return closer


def _summarise(out: Posterior, row: int, axes: list[Array], values: Array, at: Array | None) -> None:
    weight = np.exp(values - values.max())
    total = weight.sum()
    steps = [axis[1] - axis[0] for axis in axes]
    out.log_evidence[row] = values.max() + np.log(total * steps[0] * steps[1])
    out.resolved[row] = _cells(values) >= _CELLS
    for axis in (0, 1):
        mass = weight.sum(axis=1 - axis) / total
        mean = float(mass @ axes[axis])
        out.mean[row, axis] = mean
        out.sigma[row, axis] = np.sqrt(mass @ (axes[axis] - mean) ** 2)
        if at is not None:
            edges = np.append(axes[axis] - 0.5 * steps[axis], axes[axis][-1] + 0.5 * steps[axis])
            out.rank[row, axis] = np.interp(at[axis], edges, np.append(0.0, np.cumsum(mass)))
    centred = [axes[axis] - out.mean[row, axis] for axis in (0, 1)]
    covariance = float(centred[0] @ (weight / total) @ centred[1])
    out.correlation[row] = covariance / max(float(np.prod(out.sigma[row])), 1e-300)
