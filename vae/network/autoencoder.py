"""Encoder and decoder as one trainable module."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae.network.config import NetworkConfig
from vae.network.decoder import Decoder
from vae.network.encoder import Encoder


class Autoencoder(nn.Module):
    """Variational autoencoder of spectra; the default one has exactly 475,206 parameters.

    Parameters
    ----------
    config : NetworkConfig

    Attributes
    ----------
    energies : Tensor, shape (238,) or (336,)
        Energies the decoder is trained at [keV], those of the config; a buffer that is not saved.
    """

    energies: Tensor

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)
        centres = torch.tensor(self.config.energies.tolist(), dtype=torch.float32)
        self.register_buffer("energies", centres, persistent=False)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return posterior mean and log sigma^2, each (n, d), of scaled spectra (n, 238)."""
        return self.encoder(x)

    def decode_shape(self, z: Tensor, energies_keV: NDArray[np.floating] | None = None) -> Tensor:
        """Return positive, not normalised, photon spectrum shapes, (n, n_energies), at `energies` or at others."""
        return self.decoder(z, energies_keV)

    @staticmethod
    def sample(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw z = mu + sigma eps, differentiable in mu and logvar; (n, d)."""
        noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
        return mu + torch.exp(0.5 * logvar) * noise
