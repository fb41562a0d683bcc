"""Training as one would write it with stock tools: the yardstick for our step.

A Dataset that gives one spectrum at a time, a shuffling DataLoader that collates them, the likelihood left to automatic
differentiation. Network, optimiser and what is computed are the same as ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from vae.network.autoencoder import Autoencoder
from vae.network.config import NetworkConfig
from vae.network.likelihood import kl_divergence
from vae.training.data import ResidentSpectra

_NEWTON_STEPS = 3


class Rows(Dataset[tuple[Tensor, ...]]):
    """One spectrum at a time: scaled input, counts, background, weight of its shape, number of its response."""

    def __init__(self, spectra: ResidentSpectra) -> None:
        self.values = spectra.values
        self.sizes = [238, 238, 238, self.values.shape[1] - 3 * 238]
        self.response = spectra.response_index

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, row: int) -> tuple[Tensor, ...]:
        return (*self.values[row].split(self.sizes), self.response[row])


class PlainLoop:
    """Takes steps on batches from a DataLoader.

    Parameters
    ----------
    spectra : ResidentSpectra
    config : NetworkConfig
    batch_size : int
    seed : int
    by_response : bool
        Fold the rows of each response together instead of giving each row a copy of its matrix.
    """

    def __init__(
        self, spectra: ResidentSpectra, config: NetworkConfig, batch_size: int, seed: int, *, by_response: bool
    ) -> None:
        torch.manual_seed(seed)
        self.network = Autoencoder(config)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-4)
        self.redistribution = spectra.redistribution
        self.by_response = by_response
        self.loader: Any = DataLoader(Rows(spectra), batch_size, shuffle=True, drop_last=True)
        self._batches = self._forever()

    def _forever(self) -> Iterator[Any]:
        while True:
            yield from self.loader

    def step(self) -> None:
        """Fetch a batch and take one step of the optimiser."""
        x, counts, background, weight, response = next(self._batches)
        mu, logvar = self.network.encode(x)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        folded = self._fold(self.network.decode_shape(z) * weight, response)
        loss = (_deviance(counts, folded, background) + kl_divergence(mu, logvar)).mean()
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()

    def _fold(self, weighted: Tensor, response: Tensor) -> Tensor:
        if self.redistribution is None:
            return weighted
        if not self.by_response:
            return torch.bmm(weighted[:, None], self.redistribution[response])[:, 0]
        folded = torch.zeros(len(weighted), self.redistribution.shape[2])
        for number in response.unique():
            rows = response == number
            folded[rows] = weighted[rows] @ self.redistribution[number]
        return folded


def _deviance(counts: Tensor, folded: Tensor, background: Tensor) -> Tensor:
    """Return the Poisson deviance at the amplitude that Newton's method finds, all of it differentiated."""
    share = folded / folded.sum(1, keepdim=True)
    alpha = torch.maximum((counts - background).sum(1, keepdim=True), 0.05 * counts.sum(1, keepdim=True))
    for _ in range(_NEWTON_STEPS):
        pull = share / (alpha * share + background).clamp(min=1e-8)
        h = (counts * pull).sum(1, keepdim=True)
        slope = (counts * pull.square()).sum(1, keepdim=True)
        alpha = (alpha + h * (h - 1.0) / slope.clamp(min=1e-30)).clamp(min=0.0)
    expected = (alpha * share + background).clamp(min=1e-8)
    return (expected - counts + torch.xlogy(counts, counts) - counts * torch.log(expected)).sum(1)
