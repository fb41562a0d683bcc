"""Soft clusters in latent space that training may sharpen."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


class SoftClusters(nn.Module):
    """Deep embedded clustering's term (Xie, Girshick & Farhadi 2016, arXiv 1511.06335) beside the likelihood.

    Parameters
    ----------
    centres : Tensor, shape (n_clusters, d)
        To start from; they are trained with the network.
    """

    def __init__(self, centres: Tensor) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres.clone())

    def assignment(self, mu: Tensor) -> Tensor:
        """Return the soft assignment q, (n, n_clusters), by Student's t of one degree of freedom; rows sum to 1."""
        closeness = 1.0 / (1.0 + (mu[:, None] - self.centres).square().sum(2))
        return closeness / closeness.sum(1, keepdim=True)

    def forward(self, mu: Tensor, mean_of_all: Callable[[Tensor], Tensor]) -> Tensor:
        """Return KL(p || q) of each spectrum, (n,) [nats], p being q sharpened and evened out over clusters.

        Parameters
        ----------
        mu : Tensor, shape (n, d)
        mean_of_all : callable
            From the (n_clusters,) mean assignment of this process to that over the batches of all processes.
        """
        q = self.assignment(mu)
        with torch.no_grad():
            p = q.square() / mean_of_all(q.mean(0))
            p = p / p.sum(1, keepdim=True)
        return (p * (torch.log(p.clamp(min=1e-12)) - torch.log(q.clamp(min=1e-12)))).sum(1)
