"""Halves of one exposure: two spectra that differ by counting noise alone, whose posteriors should agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.network.scaling import scale_input
from vae.spectra import grid
from vae.spectra.store import SpectraStore
from vae.training.data import ResidentSpectra


@dataclass(frozen=True)
class Exposures:
    """What thinning needs of each spectrum beyond what training keeps, in the same order of rows.

    Parameters
    ----------
    background_counts : Tensor, shape (n, 238)
        Of the background region.
    background_ratio : Tensor, shape (n,)
    sensitivity : Tensor, shape (n, 238)
    """

    background_counts: Tensor
    background_ratio: Tensor
    sensitivity: Tensor

    @classmethod
    def load(cls, store: SpectraStore, spectra: ResidentSpectra) -> Exposures:
        """Read from the store what belongs to some of its spectra."""
        detection_id = store.detections["detection_id"].to_numpy(np.int64)
        order = np.argsort(spectra.detection_id, kind="stable")
        wanted = spectra.detection_id[order]
        n = len(spectra)
        parts = tuple(torch.empty(shape) for shape in ((n, grid.N_BINS), (n,), (n, grid.N_BINS)))
        for start, block in store.blocks():
            ids = detection_id[start : start + len(block)]
            place = np.minimum(np.searchsorted(wanted, ids), n - 1)
            found = wanted[place] == ids
            rows = torch.from_numpy(order[place[found]])
            values = (block.background_counts, block.background_ratio, block.sensitivity)
            for part, value in zip(parts, values, strict=True):
                part[rows] = torch.from_numpy(np.asarray(value[found], np.float32))
        return cls(*(part.to(spectra.device) for part in parts))

    def halves(self, rows: Tensor, counts: Tensor, generator: torch.Generator) -> Tensor:
        """Split exposures into two halves each, source and background region alike.

        Every count goes to either half with even chance, so that both are Poisson and independent. What a background
        has beyond a whole number (some files state fractions) is halved.

        Parameters
        ----------
        rows : Tensor of int64, shape (n,)
        counts : Tensor, shape (n, 238)
            Gross counts of these rows.
        generator : torch.Generator

        Returns
        -------
        Tensor, shape (2, n, 238)
            Both halves, scaled for the encoder.
        """
        background = self.background_counts[rows]
        whole = background.floor()
        source_half = _half(counts, generator)
        background_half = _half(whole, generator) + 0.5 * (background - whole)
        ratio, sensitivity = self.background_ratio[rows], self.sensitivity[rows]
        halves = ((source_half, background_half), (counts - source_half, background - background_half))
        return torch.stack([scale_input(source, back, ratio, sensitivity, xp=torch) for source, back in halves])


def _half(counts: Tensor, generator: torch.Generator) -> Tensor:
    return torch.binomial(counts, torch.full_like(counts, 0.5), generator=generator)


def posterior_distance(mu: Tensor, logvar: Tensor) -> Tensor:
    """Symmetric divergence of two diagonal Gaussians, half the sum of both directions, (n,) [nats].

    Parameters
    ----------
    mu, logvar : Tensor, shape (2, n, d)
        Means and log sigma^2 of both.
    """
    square = (mu[0] - mu[1]).square()
    one, other = logvar.unbind(0)
    ratio = 0.5 * (torch.exp(one - other) + torch.exp(other - one)) - 1.0
    return 0.5 * (ratio + 0.5 * square * (torch.exp(-one) + torch.exp(-other))).sum(1)
