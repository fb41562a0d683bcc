"""The decoder: a DeepONet from a latent position to a photon spectrum shape at any energies."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from vae.network.config import LOG_SHAPE_MAX, LOG_SHAPE_MIN, NetworkConfig
from vae.network.encoder import mlp
from vae.network.scaling import LOG_ENERGY_MEAN, LOG_ENERGY_STD


class Decoder(nn.Module):
    """DeepONet (Lu et al. 2021, arXiv 1910.03193): the trunk learns templates over energy, the branch combines them.

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.branch = mlp(config.branch_widths)
        self.trunk = mlp(config.trunk_widths)
        self.output = config.output
        self.norm = 1.0 / math.sqrt(config.n_templates)

    def forward(self, z: Tensor, energies_keV: Tensor) -> Tensor:
        """Return positive, not normalised, photon spectrum shapes, (n, n_energies).

        Parameters
        ----------
        z : Tensor, shape (n, d)
        energies_keV : Tensor, shape (n_energies,)
        """
        log_energy = (torch.log(energies_keV) - LOG_ENERGY_MEAN) / LOG_ENERGY_STD
        templates = self.trunk(log_energy[:, None])
        combined = torch.mm(self.branch(z), templates.T * self.norm)
        combined = torch.clamp(combined, LOG_SHAPE_MIN, LOG_SHAPE_MAX)
        return torch.exp(combined) if self.output == "exp" else nn.functional.softplus(combined)
