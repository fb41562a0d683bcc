"""Spectra that the model itself makes up, by which the encoder learns how far its positions can be trusted.

The evidence lower bound makes sigma too small wherever the true posterior is not a diagonal Gaussian: of a tilted one
it takes the narrow section, not the width. The sleep phase of the wake-sleep algorithm (Hinton et al. 1995, Science
268, 1158; Bornschein & Bengio 2015, arXiv 1406.2751) fits the encoder to known positions instead: z is drawn, counts
are drawn from its decoded spectrum, and -log q(z | counts) is smallest where mu and sigma are the mean and the width of
the true posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor

from vae.network.likelihood import expected_counts, profile_amplitude
from vae.network.scaling import scale_input
from vae.training.data import Batch
from vae.training.distributed import Ranks
from vae.training.thinning import Exposures

#: One in this many spectra of a batch is dreamt of: the encoder's gradient from these is steady enough.
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


@dataclass(frozen=True)
class Sleep:
    """Makes up spectra like some of each batch: as bright, and seen as long through the same instrument.

    Parameters
    ----------
    exposures : Exposures
    rows : Tensor of int64
        Rows of `exposures` that make the batch, as drawn: lines of one response each, or one line.
    generator : torch.Generator
        Of the counts; the same in all processes.
    ranks : Ranks
        Processes that share the batch.
    """

    exposures: Exposures
    rows: Tensor
    generator: torch.Generator
    ranks: Ranks

    @torch.no_grad()
    def __call__(self, batch: Batch, z: Tensor, folded: Tensor) -> Dreams:
        """Draw counts from what was decoded.

        Parameters
        ----------
        batch : Batch
        z : Tensor, shape (n, d)
            Latent samples of its spectra.
        folded : Tensor, shape (n, 238)
            What the detector makes of the spectra decoded there, in any unit.
        """
        rows = self.rows[..., ::SHARE].reshape(-1)
        z, folded, counts, background = (self._some(part) for part in (z, folded, batch.counts, batch.background))
        amplitude = profile_amplitude(counts, folded, background)
        made_up = self._poisson(expected_counts(folded, amplitude, background))
        # The background region's counts are as they were: a real draw already, and half the cost.
        around, ratio, sensitivity = (
            part[rows]
            for part in (self.exposures.background_counts, self.exposures.background_ratio, self.exposures.sensitivity)
        )
        return Dreams(scale_input(made_up, around, ratio, sensitivity, xp=torch), z, made_up)

    def _some(self, values: Tensor) -> Tensor:
        """Take every so manieth spectrum of each line, (n / SHARE, ...)."""
        return values.view(*self.rows.shape, -1)[..., ::SHARE, :].reshape(-1, values.shape[1])

    def _poisson(self, expected: Tensor) -> Tensor:
        # What is no number is not drawn from: it stops the run by its loss, where the spectrum can be named.
        rates = expected.nan_to_num(0.0, 0.0).view(*self.rows.shape[:-1], -1, expected.shape[1])
        drawn = torch.poisson(self.ranks.joined(rates, dim=-2), generator=self.generator)
        return self.ranks.own(drawn, dim=-2).reshape(expected.shape)


def surprise(mu: Tensor, logvar: Tensor, z: Tensor) -> Tensor:
    """Return -log q(z) of a diagonal Gaussian, without its constant, (n,) [nats]."""
    return 0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar).sum(1)
