"""The decoder: a DeepONet from a latent position to a photon spectrum shape at any energies."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae.network.config import LOG_SHAPE_MAX, LOG_SHAPE_MIN, NetworkConfig
from vae.network.encoder import mlp
from vae.network.scaling import interpolation, trunk_input


class TableTrunk(nn.Module):
    """Templates as values at the energies of the grid, linear in log energy between them.

    Parameters
    ----------
    config : NetworkConfig
        With a ``table`` trunk the values are trained; with ``svd`` they are a buffer to be filled before training.
    """

    table: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        # From zero: the branch makes the templates differ from the first update on, and no noise stays where a template
        # is never pulled at.
        values = torch.zeros(config.n_templates, len(config.energies))
        if config.trunk == "table":
            self.table = nn.Parameter(values)
        else:
            self.register_buffer("table", values)


class Decoder(nn.Module):
    """DeepONet (Lu et al. 2021, arXiv 1910.03193): the trunk learns templates over energy, the branch combines them.

    Parameters
    ----------
    config : NetworkConfig

    Attributes
    ----------
    trunk_input : Tensor, shape (n_energies, 1 + 2 n_frequencies)
        What enters the trunk at the energies of the config; a buffer that is not saved.
    """

    trunk_input: Tensor

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.branch = mlp(config.branch_widths)
        self.trunk = TableTrunk(config) if config.trunk in ("table", "svd") else mlp(config.trunk_widths)
        self.norm = 1.0 / math.sqrt(config.n_templates)
        self.register_buffer("trunk_input", torch.from_numpy(trunk_input(config.energies, config)), persistent=False)

    def templates(self, energies_keV: NDArray[np.floating] | None = None) -> Tensor:
        """Return the templates at the config's energies or at others [keV], (n_templates, n_energies)."""
        if isinstance(self.trunk, TableTrunk):
            table = self.trunk.table
            if energies_keV is None:
                return table
            lower, share = (
                torch.from_numpy(part).to(table.device) for part in interpolation(energies_keV, self.config)
            )
            return torch.lerp(table[:, lower], table[:, lower + 1], share)
        entering = self.trunk_input
        if energies_keV is not None:
            entering = torch.from_numpy(trunk_input(energies_keV, self.config)).to(entering.device)
        templates: Tensor = self.trunk(entering)
        return templates.T

    def forward(self, z: Tensor, energies_keV: NDArray[np.floating] | None = None) -> Tensor:
        """Return positive, not normalised, photon spectrum shapes, (n, n_energies).

        Parameters
        ----------
        z : Tensor, shape (n, d)
        energies_keV : array, shape (n_energies,), optional
            Those of the config by default.
        """
        return self.combine(z, self.templates(energies_keV))

    def combine(self, z: Tensor, templates: Tensor) -> Tensor:
        """Return the shapes that templates (n_templates, n_energies) give at latent positions (n, d)."""
        combined = torch.mm(self.branch(z), templates * self.norm)
        combined = nn.functional.hardtanh(combined, LOG_SHAPE_MIN, LOG_SHAPE_MAX)  # clamp, differentiated in one pass
        return torch.exp(combined) if self.config.output == "exp" else nn.functional.softplus(combined)
