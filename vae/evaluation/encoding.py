"""What the evaluation asks of a model, and how it asks: in blocks of rows that fit into memory."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vae.spectra.store import Block

Array = NDArray[Any]

#: Rows that go through a network at a time.
_ROWS: Final = 4096


class Encodes(Protocol):
    """What puts spectra into a latent space, `vae.network.trained.TrainedModel` for one."""

    def encode_arrays(
        self, counts: Any, background_counts: Any, background_ratio: Any, sensitivity: Any
    ) -> tuple[Array, Array]:
        """Return posterior mean and sigma, each (n, d)."""
        ...


class Decodes(Protocol):
    """What has a photon spectrum at every latent position."""

    def decode(self, z: Any, energies_keV: Any | None = None) -> Array:
        """Return photons per keV, per photon in 0.3-10 keV, (n, n_energies)."""
        ...


class Folds(Decodes, Protocol):
    """What expects counts at every latent position."""

    @property
    def energies(self) -> Array:
        """Where spectra are decoded for folding [keV]."""
        ...

    def fold(
        self,
        shape: Any,
        *,
        sensitivity: Any | None = None,
        area: Any | None = None,
        response_index: Any | None = None,
        redistribution: Any | None = None,
        exposure_s: Any | None = None,
    ) -> Array:
        """Return expected source counts of shapes decoded at `energies`, (n, 238)."""
        ...


class Generates(Encodes, Folds, Protocol):
    """Encoder and decoder of one model."""


def encoded(model: Encodes, block: Block) -> tuple[Array, Array]:
    """Return posterior mean and sigma of a block's rows, each (n, d), float64."""
    parts = []
    for start in range(0, max(len(block), 1), _ROWS):
        rows = slice(start, start + _ROWS)
        arrays = (block.counts, block.background_counts, block.background_ratio, block.sensitivity)
        parts.append(model.encode_arrays(*(values[rows] for values in arrays)))
    mu, sigma = (np.concatenate([part[side] for part in parts]).astype(np.float64) for side in (0, 1))
    return mu, sigma


def decoded_counts(model: Folds, z: Array, block: Block, redistribution: Array) -> Array:
    """Decode latent positions and fold each through the response of its row, (n, 238), any normalisation.

    Parameters
    ----------
    model : Folds
    z : array, shape (n, d)
    block : Block
        n rows, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    """
    parts = []
    for start in range(0, len(z), _ROWS):
        rows = slice(start, start + _ROWS)
        parts.append(
            model.fold(
                model.decode(z[rows], model.energies),
                sensitivity=block.sensitivity[rows],
                area=block.area[rows],
                response_index=block.response_index[rows],
                redistribution=redistribution,
            )
        )
    return np.concatenate(parts).astype(np.float64)
