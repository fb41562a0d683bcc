"""The encoder: from a scaled spectrum to a Gaussian in latent space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from vae.network.config import LOGVAR_MAX, LOGVAR_MIN, NetworkConfig


def mlp(widths: Sequence[int]) -> nn.Sequential:
    """Multilayer perceptron with biases, SiLU between layers and nothing after the last."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


class Encoder(nn.Module):
    """Gaussian posterior q(z | x) with diagonal covariance (Kingma & Welling 2014, arXiv 1312.6114).

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.layers = mlp(config.encoder_widths)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return posterior mean and log sigma^2, each (n, d), of scaled spectra (n, 238)."""
        mu, logvar = self.layers(x).chunk(2, dim=1)
        return mu, torch.clamp(logvar, LOGVAR_MIN, LOGVAR_MAX)
