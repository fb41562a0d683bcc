"""Encoder and decoder as one trainable module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vae.network.config import NetworkConfig
from vae.network.decoder import Decoder
from vae.network.encoder import Encoder
from vae.spectra import grid


class Autoencoder(nn.Module):
    """Variational autoencoder of spectra; the default one has exactly 475,206 parameters.

    Parameters
    ----------
    config : NetworkConfig

    Attributes
    ----------
    bin_energies : Tensor, shape (238,)
        Centres of the detector bins [keV]; a buffer that is not saved.
    """

    bin_energies: Tensor

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config or NetworkConfig()
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config)
        centres = torch.tensor(grid.BIN_CENTRES.tolist(), dtype=torch.float32)
        self.register_buffer("bin_energies", centres, persistent=False)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return posterior mean and log sigma^2, each (n, d), of scaled spectra (n, 238)."""
        return self.encoder(x)

    def decode_shape(self, z: Tensor, energies_keV: Tensor | None = None) -> Tensor:
        """Return positive, not normalised, photon spectrum shapes, (n, n_energies); energies default to the bins'."""
        return self.decoder(z, self.bin_energies if energies_keV is None else energies_keV)

    @staticmethod
    def sample(mu: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Draw z = mu + sigma eps, differentiable in mu and logvar; (n, d)."""
        noise = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
        return mu + torch.exp(0.5 * logvar) * noise
