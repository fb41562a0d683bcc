"""A model whose posterior is known: two latents tilt a flat spectrum along two patterns that do not overlap."""

from __future__ import annotations

from typing import Any

import numpy as np

from vae.spectra import grid
from vae.spectra.store import Block

#: Relative change of the bins for one unit of a latent, and the patterns: halves, and bins in turn.
TILT = 0.1
PATTERNS = np.stack(
    [np.where(np.arange(grid.N_BINS) < 119, 1.0, -1.0), np.where(np.arange(grid.N_BINS) % 2, 1.0, -1.0)]
)


class LinearModel:
    """Counts are Poisson about N / 238 (1 + TILT z patterns): z is estimated with variance 1 / (N TILT^2), nearly.

    Parameters
    ----------
    too_small : float
        Factor on sigma: 1 is right.
    """

    energies = grid.BIN_CENTRES

    def __init__(self, too_small: float = 1.0) -> None:
        self.too_small = too_small

    def encode_arrays(self, counts: Any, *_: Any) -> tuple[np.ndarray, np.ndarray]:
        counts = np.asarray(counts, np.float64)
        total = counts.sum(axis=1, keepdims=True)
        variance = 1.0 / (total * TILT**2)
        estimate = counts @ PATTERNS.T / (total * TILT)
        sigma = np.sqrt(variance / (1.0 + variance)) * np.ones((1, 2))
        return estimate / (1.0 + variance), self.too_small * sigma

    def decode(self, z: Any, energies_keV: Any | None = None) -> np.ndarray:
        return np.maximum(1.0 + TILT * np.asarray(z, np.float64) @ PATTERNS, 1e-3)

    def fold(self, shape: Any, **_: Any) -> np.ndarray:
        return np.asarray(shape)


def archive(n: int, net: float, seed: int = 0, background: float = 0.0) -> Block:
    """Spectra of the model at positions from the prior."""
    rng = np.random.default_rng(seed)
    shape = LinearModel().decode(rng.standard_normal((n, 2)))
    under = np.full((n, grid.N_BINS), background / grid.N_BINS)
    return Block(
        counts=rng.poisson(shape * net / grid.N_BINS + under),
        background_counts=rng.poisson(under * 10.0),
        background_ratio=np.full(n, 0.1 if background else 0.0, np.float32),
        sensitivity=np.ones((n, grid.N_BINS), np.float32),
        area=np.ones((n, grid.N_TRUE), np.float32),
        response_index=np.zeros(n, np.int32),
    )
