"""The loss of one batch, and the held-out loss."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from scipy.stats import trim_mean
from torch import Tensor

from vae.network.autoencoder import Autoencoder
from vae.network.likelihood import kl_divergence, profiled_deviance
from vae.training.data import Batch, ResidentSpectra

#: Held-out spectra evaluated, at most, and the seed of their latent samples: the same ones every time.
HELD_OUT_MAX: Final = 8192
_HELD_OUT_SEED: Final = 12345
_HELD_OUT_BATCH: Final = 2048


def elbo_terms(network: Autoencoder, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Poisson deviance (half the C-statistic) at one latent sample, and KL divergence, each (n,).

    Their sum is the negative evidence lower bound relative to a saturated model, in nats.
    """
    mu, logvar = network.encode(batch.x)
    folded = network.decode_shape(network.sample(mu, logvar, generator)) * batch.sensitivity
    return profiled_deviance(batch.counts, folded, batch.background), kl_divergence(mu, logvar)


@torch.no_grad()
def held_out_loss(network: Autoencoder, spectra: ResidentSpectra, maximum: int = HELD_OUT_MAX) -> dict[str, float]:
    """Negative ELBO relative to a saturated model, over held-out spectra.

    Returns
    -------
    dict
        ``median``, ``trimmed_mean`` (5 % cut on each side), ``mean``, ``kl`` (its mean) [nats], and ``spectra``.
    """
    device = network.bin_energies.device
    generator = torch.Generator(device).manual_seed(_HELD_OUT_SEED)
    used = ResidentSpectra(spectra.values[:maximum])
    losses, divergences = [], []
    for batch in used.batches(_HELD_OUT_BATCH):
        deviance, divergence = elbo_terms(network, batch, generator)
        losses.append((deviance + divergence).double().cpu().numpy())
        divergences.append(divergence.double().cpu().numpy())
    loss = np.concatenate(losses)
    return {
        "median": float(np.median(loss)),
        "trimmed_mean": float(trim_mean(loss, 0.05)),
        "mean": float(loss.mean()),
        "kl": float(np.concatenate(divergences).mean()),
        "spectra": len(used),
    }
