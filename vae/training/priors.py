"""What posteriors are compared with in the KL term of the loss."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from vae.network.likelihood import kl_divergence

Encode = Callable[[Tensor], tuple[Tensor, Tensor]]


class GaussianPrior(nn.Module):
    """The unit Gaussian, with the divergence in closed form (Kingma & Welling 2014, arXiv 1312.6114).

    Parameters
    ----------
    free_bits : float
        Nats a dimension may carry for nothing, on average over a batch (Kingma et al. 2016, arXiv 1606.04934).
    """

    def __init__(self, free_bits: float = 0.0) -> None:
        super().__init__()
        self.free_bits = free_bits

    def forward(self, mu: Tensor, logvar: Tensor, z: Tensor, encode: Encode) -> Tensor:
        """Return the divergence of each posterior, (n,) [nats].

        Parameters
        ----------
        mu, logvar, z : Tensor, shape (n, d)
            Posterior mean, log sigma^2 and one sample.
        encode : callable
            From scaled spectra to mean and log sigma^2.
        """
        return kl_divergence(mu, logvar)

    def resisted(self, mu: Tensor, logvar: Tensor, mean_of_all: Callable[[Tensor], Tensor]) -> Tensor:
        """Return the divergence less what is free, (n,) [nats]: its mean is sum over dimensions max(KL_j, free bits).

        Parameters
        ----------
        mu, logvar : Tensor, shape (n, d)
        mean_of_all : callable
            From the (d,) means of this process to those over the batches of all processes.
        """
        by_dimension = 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar)
        carried = mean_of_all(by_dimension.detach().mean(0)) > self.free_bits
        return torch.where(carried, by_dimension, self.free_bits).sum(1)


class VampPrior(nn.Module):
    """Mixture of the posteriors of trained pseudo-inputs (Tomczak & Welling 2018, arXiv 1705.07120).

    Parameters
    ----------
    pseudo_inputs : Tensor, shape (n_components, 238)
        Scaled spectra to start from; they are trained with the network.
    """

    def __init__(self, pseudo_inputs: Tensor) -> None:
        super().__init__()
        self.pseudo_inputs = nn.Parameter(pseudo_inputs.clone())

    def forward(self, mu: Tensor, logvar: Tensor, z: Tensor, encode: Encode) -> Tensor:
        """Return log q(z | x) - log p(z) at the sample, (n,): the divergence on average; arguments as above."""
        means, log_variances = encode(self.pseudo_inputs)
        posterior = _log_density(z, mu, logvar)
        components = _log_density(z[:, None], means[None], log_variances[None])
        return posterior - torch.logsumexp(components, 1) + math.log(len(means))


def _log_density(z: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Return the log density of a Gaussian of diagonal covariance, summed over the last dimension."""
    return -0.5 * ((z - mu).square() * torch.exp(-logvar) + logvar + math.log(2.0 * math.pi)).sum(-1)
