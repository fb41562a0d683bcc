"""Spectra that the model itself makes up, by which the encoder learns how far its positions can be trusted.

The evidence lower bound makes sigma too small wherever the true posterior is not a diagonal Gaussian: of a tilted one
it takes the narrow section, not the width. The sleep phase of the wake-sleep algorithm (Hinton et al. 1995, Science
268, 1158; Bornschein & Bengio 2015, arXiv 1406.2751) fits the encoder to known positions instead: z is drawn, counts
are drawn from its decoded spectrum, and -log q(z | counts) is smallest where mu and sigma are the mean and the width of
the true posterior.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae.network.autoencoder import Autoencoder
from vae.network.likelihood import expected_counts, profile_amplitude
from vae.network.scaling import scale_input
from vae.training.data import Batch
from vae.training.thinning import Exposures

#: Share of a batch that is dreamt of: the encoder's gradient from a quarter is steady enough, and costs a quarter.
SHARE: Final = 4


class Dreams(NamedTuple):
    """Made-up spectra and where they come from.

    Parameters
    ----------
    x : Tensor, shape (n, 238)
        Scaled for the encoder.
    z : Tensor, shape (n, d)
        Latent positions they were decoded from.
    counts : Tensor, shape (n, 238)
        Gross counts.
    """

    x: Tensor
    z: Tensor
    counts: Tensor


@torch.no_grad()
def dream(network: Autoencoder, batch: Batch, exposures: Exposures, rows: Tensor, generator: torch.Generator) -> Dreams:
    """Make up one spectrum for each of a batch: as bright, and seen as long through the same instrument.

    Parameters
    ----------
    network : Autoencoder
    batch : Batch
    exposures : Exposures
    rows : Tensor of int64, shape (n,)
        The batch's, in `exposures`.
    generator : torch.Generator
        Of positions and counts.
    """
    mu, logvar = network.encode(batch.x)
    z = network.sample(mu, logvar, generator)
    folded = batch.fold(network.decode_shape(z))
    amplitude = profile_amplitude(batch.counts, folded, batch.background)
    # What is no number is not drawn from: it stops the run by its loss, where the spectrum can be named.
    expected = expected_counts(folded, amplitude, batch.background).nan_to_num(0.0, 0.0)
    counts = torch.poisson(expected, generator=generator)
    ratio, sensitivity = exposures.background_ratio[rows], exposures.sensitivity[rows]
    seen = ratio > 0
    per_count = torch.where(seen, 1.0 / torch.where(seen, ratio, 1.0), 0.0)
    background = torch.poisson((batch.background * per_count[:, None]).nan_to_num(0.0, 0.0), generator=generator)
    return Dreams(scale_input(counts, background, ratio, sensitivity, xp=torch), z, counts)


def surprise(mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
    """Return -log q(z) of a diagonal Gaussian, without its constant, (n,) [nats]."""
    return 0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar).sum(1)
