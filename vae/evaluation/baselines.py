"""Representations of a spectrum to compare a latent space with."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.network.scaling import scale_input
from vae.spectra import grid
from vae.spectra.store import Block

Array = NDArray[Any]

#: Edges of the bands of the four hardness ratios [keV].
HARDNESS_EDGES: Final = (0.3, 0.5, 1.0, 2.0, 4.5, 10.0)


def hardness_ratios(block: Block) -> Array:
    """Four hardness ratios (H - S) / (H + S) of neighbouring bands, net counts below 0 counted as 0; (n, 4).

    Two empty bands give 0.
    """
    net = net_counts(block)
    mid = 0.5 * (grid.BIN_EDGES[1:] + grid.BIN_EDGES[:-1])
    first = np.searchsorted(mid, HARDNESS_EDGES)
    bands = [np.maximum(net[:, low:high].sum(axis=1), 0.0) for low, high in itertools.pairwise(first)]
    ratios = [(hard - soft) / np.maximum(hard + soft, 1e-9) for soft, hard in itertools.pairwise(bands)]
    return np.stack(ratios, axis=1)


def net_counts(block: Block) -> Array:
    """Return counts minus scaled background counts, (n, 238)."""
    return block.counts - block.background_ratio[:, None].astype(np.float64) * block.background_counts


def asinh_input(block: Block, mean_sensitivity: Array) -> Array:
    """Return what the encoder sees, asinh(E S / scale), (n, 238)."""
    del mean_sensitivity
    return scale_input(block.counts, block.background_counts, block.background_ratio, block.sensitivity)


def peak_normalised(block: Block, mean_sensitivity: Array) -> Array:
    """Unfolded spectrum over its maximum, S / max(S), (n, 238)."""
    del mean_sensitivity
    unfolded = net_counts(block) / block.sensitivity
    return unfolded / unfolded.max(axis=1, keepdims=True)


def corrected_fraction(block: Block, mean_sensitivity: Array) -> Array:
    """Net-count fraction as the mean response would have seen it, (n, 238).

    `Pca` divides it by the square root of its mean, which makes its Poisson noise uniform.
    """
    net = net_counts(block) * (mean_sensitivity / block.sensitivity)
    return net / np.maximum(net.sum(axis=1, keepdims=True), 1.0)


@dataclass(frozen=True)
class Pca:
    """Principal components of a representation, fitted on other spectra.

    Parameters
    ----------
    mean, scale : array, shape (n_bins,)
    components : array, shape (n_components, n_bins)
    """

    mean: Array
    scale: Array
    components: Array

    @classmethod
    def fit(cls, values: Array, n_components: int, *, root_mean: bool = False) -> Pca:
        """Fit to `values`, shape (n, n_bins); with `root_mean`, divide by the square root of the mean first."""
        mean = values.mean(axis=0)
        scale = np.sqrt(np.maximum(mean, 1e-3 * mean.max())) if root_mean else np.ones_like(mean)
        _, _, components = np.linalg.svd((values - mean) / scale, full_matrices=False)
        return cls(mean, scale, components[:n_components])

    def __call__(self, values: Array) -> Array:
        """Scores, (n, n_components)."""
        return ((values - self.mean) / self.scale) @ self.components.T


#: Name, representation, whether it is divided by the root of its mean.
PCA_INPUTS: Final = (
    ("asinh(E S)", asinh_input, False),
    ("S / max(S)", peak_normalised, False),
    ("corrected net-count fraction", corrected_fraction, True),
)
