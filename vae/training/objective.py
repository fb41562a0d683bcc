"""The loss of one batch, and the held-out loss."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import torch
from scipy.stats import trim_mean
from torch import Tensor, nn

from vae.network.autoencoder import Autoencoder
from vae.network.likelihood import profiled_deviance
from vae.training.clusters import SoftClusters
from vae.training.data import Batch, ResidentSpectra
from vae.training.distributed import Ranks
from vae.training.priors import GaussianPrior, VampPrior
from vae.training.recipes import Recipe
from vae.training.sleep import Sleep, surprise
from vae.training.thinning import posterior_distance

#: Held-out spectra evaluated, at most, and the seed of their latent samples: the same ones every time.
HELD_OUT_MAX: Final = 8192
_HELD_OUT_SEED: Final = 12345
_HELD_OUT_BATCH: Final = 2048


class Terms(NamedTuple):
    """Terms of the loss of each spectrum, each (n,) [nats].

    Parameters
    ----------
    deviance : Tensor
        Poisson deviance (half the C-statistic) at one latent sample.
    divergence : Tensor
        Of the posterior from the prior; with the deviance it makes the negative evidence lower bound.
    resisted : Tensor
        What of the divergence enters the loss: less than all where some of it is free.
    extra : Tensor
        Weighted terms that the recipe adds.
    """

    deviance: Tensor
    divergence: Tensor
    resisted: Tensor
    extra: Tensor


class Objective(nn.Module):
    """A network and all that is trained with it, from a batch to the terms of its loss.

    Parameters
    ----------
    network : Autoencoder
    recipe : Recipe
    prior : GaussianPrior or VampPrior
    clusters : SoftClusters, optional
    ranks : Ranks
        Processes that share the batch.
    """

    def __init__(
        self,
        network: Autoencoder,
        recipe: Recipe,
        prior: GaussianPrior | VampPrior,
        clusters: SoftClusters | None = None,
        ranks: Ranks | None = None,
    ) -> None:
        super().__init__()
        self.network, self.prior, self.clusters = network, prior, clusters
        self.recipe, self.ranks = recipe, ranks or Ranks()

    @classmethod
    def of(cls, network: Autoencoder, recipe: Recipe, spectra: ResidentSpectra, seed: int, ranks: Ranks) -> Objective:
        """Build what a recipe asks for; what is random about it depends on the seed alone."""
        generator = torch.Generator().manual_seed(seed)
        prior: GaussianPrior | VampPrior = GaussianPrior(recipe.free_bits)
        if recipe.prior == "vamp":
            rows = torch.randint(len(spectra), (recipe.pseudo_inputs,), generator=generator).to(spectra.device)
            prior = VampPrior(spectra.batch(rows).x)
        clusters = None
        if recipe.cluster:
            centres = torch.randn(recipe.clusters, network.config.latent_dim, generator=generator)
            clusters = SoftClusters(centres)
        return cls(network, recipe, prior, clusters, ranks).to(spectra.device)

    def forward(self, batch: Batch, noise: Tensor, halves: Tensor | None = None, sleep: Sleep | None = None) -> Terms:
        """Return the terms of the loss.

        Parameters
        ----------
        batch : Batch
        noise : Tensor, shape (n, d)
            Unit Gaussian draws that place the latent samples.
        halves : Tensor, shape (2, n, 238), optional
            Halves of the same exposures, for the consistency term.
        sleep : Sleep, optional
            What makes up spectra, for the sleep term.
        """
        mu, logvar = self._encode(batch.x)
        z = mu + torch.exp(0.5 * logvar) * noise
        with self._precision():
            shape = self.network.decode_shape(z)
        folded = batch.fold(shape.float())
        deviance = profiled_deviance(batch.counts, folded, batch.background)
        divergence = self.prior(mu, logvar, z, self._encode)
        resisted = divergence
        if isinstance(self.prior, GaussianPrior) and self.prior.free_bits:
            resisted = self.prior.resisted(mu, logvar, self.ranks.mean)
        extra = torch.zeros_like(deviance)
        if halves is not None:
            means, log_variances = self._encode(halves.flatten(0, 1))
            pair = (2, -1, means.shape[1])
            extra = extra + self.recipe.consistency * posterior_distance(means.view(pair), log_variances.view(pair))
        if sleep is not None:
            dreams = sleep(batch, z.detach(), folded.detach())
            extra = extra + self.recipe.sleep * surprise(*self._encode(dreams.x), dreams.z).mean()
        if self.clusters is not None:
            extra = extra + self.recipe.cluster * self.clusters(mu, self.ranks.mean)
        return Terms(deviance, divergence, resisted, extra)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        with self._precision():
            mu, logvar = self.network.encode(x)
        return mu.float(), logvar.float()

    def _precision(self) -> Any:
        half = self.recipe.precision == "bfloat16"
        return torch.autocast(self.network.energies.device.type, dtype=torch.bfloat16, enabled=half)


@torch.no_grad()
def held_out_loss(
    network: Autoencoder, spectra: ResidentSpectra, prior: nn.Module | None = None, maximum: int = HELD_OUT_MAX
) -> dict[str, float]:
    """Negative ELBO relative to a saturated model, over held-out spectra.

    Parameters
    ----------
    network : Autoencoder
    spectra : ResidentSpectra
    prior : Module, optional
        What posteriors are compared with; the unit Gaussian by default.
    maximum : int
        Spectra evaluated, at most.

    Returns
    -------
    dict
        ``median``, ``trimmed_mean`` (5 % cut on each side), ``mean``, ``kl`` (its mean) [nats], and ``spectra``.
    """
    device = network.energies.device
    generator = torch.Generator(device).manual_seed(_HELD_OUT_SEED)
    used = spectra.first(maximum)
    objective = Objective(network, _PLAIN, prior or GaussianPrior())  # type: ignore[arg-type]
    losses, divergences = [], []
    for batch in used.batches(_HELD_OUT_BATCH):
        noise = torch.randn((len(batch), network.config.latent_dim), generator=generator, device=device)
        terms = objective(batch, noise)
        losses.append((terms.deviance + terms.divergence).double().cpu().numpy())
        divergences.append(terms.divergence.double().cpu().numpy())
    loss = np.concatenate(losses)
    return {
        "median": float(np.median(loss)),
        "trimmed_mean": float(trim_mean(loss, 0.05)),
        "mean": float(loss.mean()),
        "kl": float(np.concatenate(divergences).mean()),
        "spectra": len(used),
    }


#: Held-out losses are evaluated in full precision, whatever a network is trained with.
_PLAIN: Final = Recipe(learning_rate=1.0, schedule="constant")
