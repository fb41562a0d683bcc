"""The trunk's templates as a reader wants them: orthonormal, the one that matters most first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.network.trained import TrainedModel
from vae.spectra import grid

#: Detections, evenly spaced in the catalogue, that stand for the population.
_POPULATION: Final = 8192
#: Directions in which the templates vary less than this share of the strongest are rounding errors of float32.
_SMALLEST: Final = 1e-6
#: Quantiles that say where the population lies.
_BAND: Final = (0.05, 0.95)
#: Below this share of its length a template leans neither to hard nor to soft: its largest value decides its sign.
_LEANING: Final = 1e-3

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Templates:
    """Orthonormal templates of ln(decoded shape), the most varied in the atlas first; K of them.

    ``mean + weights @ values`` is ln of the decoded shape, up to a constant that the normalisation takes away (for a
    network with softplus output: the argument of the softplus, exactly).

    Parameters
    ----------
    energies : array, shape (n_energies,)
        [keV]
    values : array, shape (K, n_energies)
        Orthonormal as means over ln E in 0.3-10 keV: mean(v_k v_l) = 1 for k = l, else 0. Each is positive at high
        energy on the whole: a positive weight hardens.
    mean : array, shape (n_energies,)
        What every spectrum starts from.
    share_of_variance : array, shape (K,)
        Of the variance of ln(shape) over the atlas; sums to 1.
    low, high : array, shape (K,)
        5 % and 95 % quantiles of the weights over the atlas.
    """

    energies: Array
    values: Array
    mean: Array
    share_of_variance: Array
    low: Array
    high: Array


class TemplateBasis:
    """Rotation from a trunk's own templates to orthonormal ones, for one population of latent positions.

    The templates t_i(E), sampled at the bin centres and weighted by the bins' widths in ln E, are decomposed into
    orthonormal directions (singular values); these are then turned to the principal axes of the population's weights.
    Everything is done when the object is made; afterwards it is read only.

    Parameters
    ----------
    model : TrainedModel
    latents : array, shape (n, d)
        Posterior means of an atlas; at most `_POPULATION` of them are used.
    """

    def __init__(self, model: TrainedModel, latents: Array) -> None:
        self._model = model
        raw = self._raw(grid.BIN_CENTRES)
        width = np.diff(np.log(grid.BIN_EDGES))
        width = width / width.sum()
        # A constant on ln(shape) means nothing: normalisation takes it away.
        self._level = raw @ width if model.config.output == "exp" else np.zeros(len(raw))
        left, size, _ = np.linalg.svd((raw - self._level[:, None]) * np.sqrt(width), full_matrices=False)
        kept = size > _SMALLEST * size[0]
        left, size = left[:, kept], size[kept]
        mixing = self._mixing(latents[:: -(-len(latents) // _POPULATION)])
        self._middle = mixing.mean(axis=0)
        along = (mixing - self._middle) @ (left * size)
        variance, turn = np.linalg.eigh(along.T @ along / len(along))
        variance, turn = np.maximum(variance[::-1], 0.0), turn[:, ::-1]
        to_templates = (left / size @ turn).T
        on_bins = to_templates @ (raw - self._level[:, None])
        turn = turn * _signs(on_bins, width)
        self._to_templates = (left / size @ turn).T
        self._to_weights = (left * size) @ turn
        total = variance.sum()
        self._share = variance / total if total > 0 else variance
        self._low, self._high = np.quantile(along @ turn, _BAND, axis=0)

    def at(self, energies_keV: ArrayLike | None = None) -> Templates:
        """Return the templates at some energies [keV], the 238 bin centres by default."""
        energies = grid.BIN_CENTRES if energies_keV is None else np.atleast_1d(np.asarray(energies_keV, np.float64))
        raw = self._raw(energies) - self._level[:, None]
        return Templates(energies, self._to_templates @ raw, self._middle @ raw, self._share, self._low, self._high)

    def weights(self, z: ArrayLike) -> Array:
        """Weights of the templates at latent positions (d,) or (n, d): (K,) or (n, K)."""
        weights: Array = (self._mixing(z) - self._middle) @ self._to_weights
        return weights[0] if np.ndim(z) == 1 else weights

    def _raw(self, energies: Array) -> Array:
        return self._model.templates(energies).astype(np.float64)

    def _mixing(self, z: ArrayLike) -> Array:
        return self._model.mixing(z).astype(np.float64) / np.sqrt(self._model.config.n_templates)


def _signs(templates: Array, width: Array) -> Array:
    """+1 or -1 for each template: positive at high energy on the whole, else where it is largest."""
    log_energy = np.log(grid.BIN_CENTRES)
    leaning = templates @ (width * (log_energy - width @ log_energy))
    largest = np.take_along_axis(templates, np.abs(templates).argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(np.where(np.abs(leaning) > _LEANING, leaning, largest) < 0, -1.0, 1.0)
