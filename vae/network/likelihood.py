"""Poisson likelihood in true counts with a profiled amplitude, and the evidence lower bound."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

#: Newton steps on 1/h: quadratic and monotone, so a handful reaches float32 accuracy from the moment start.
AMPLITUDE_STEPS: Final = 5
#: Floor of expected counts: a bin that neither source nor background can reach must not make the loss infinite.
EXPECTED_MIN: Final = 1e-8


@torch.no_grad()
def profile_amplitude(counts: Tensor, folded: Tensor, background: Tensor, steps: int = AMPLITUDE_STEPS) -> Tensor:
    """Maximum-likelihood amplitude alpha >= 0 of lambda = alpha f + b.

    With f normalised to sum 1, alpha solves h(alpha) = sum C f / (alpha f + b) = 1. 1/h is concave and increasing
    (a parallel sum of linear functions), so Newton's method on 1/h = 1 comes from below after one step and cannot
    overshoot; alpha = 0 where h(0) <= 1.

    Parameters
    ----------
    counts, folded, background : Tensor, shape (n, n_bins)
        Counts, source shape times sensitivity (any unit) and expected background counts.
    steps : int

    Returns
    -------
    Tensor, shape (n,)
        In counts per unit of `folded`. No gradient: by the envelope theorem the loss at alpha needs none.
    """
    total = folded.sum(1, keepdim=True).clamp(min=torch.finfo(folded.dtype).tiny)
    share = folded / total
    alpha = (counts - background).sum(1, keepdim=True)
    alpha = torch.maximum(alpha, 0.05 * counts.sum(1, keepdim=True))
    for _ in range(steps):
        pull = share / (alpha * share + background).clamp(min=EXPECTED_MIN)
        weighted = counts * pull
        h = weighted.sum(1, keepdim=True)
        slope = (weighted * pull).sum(1, keepdim=True)  # -dh/dalpha
        # Newton on 1/h - 1: step = (1 - 1/h) h^2 / slope = h (h - 1) / slope
        alpha = (alpha + h * (h - 1.0) / slope.clamp(min=1e-30)).clamp(min=0.0)
    return (alpha / total).squeeze(1)


def expected_counts(folded: Tensor, amplitude: Tensor, background: Tensor) -> Tensor:
    """Return lambda = alpha f + b, floored, (n, n_bins)."""
    return (amplitude[:, None] * folded + background).clamp(min=EXPECTED_MIN)


def poisson_deviance(counts: Tensor, expected: Tensor) -> Tensor:
    """Poisson negative log-likelihood relative to the saturated model, sum lambda - C + C ln(C / lambda), (n,).

    Half of the C-statistic (Cash 1979). Counts are whole numbers.
    """
    # Not xlogy: its gradient is 0/0 where there are no counts.
    return (expected - counts + counts * (torch.log(counts.clamp(min=1.0)) - torch.log(expected))).sum(1)


def kl_divergence(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL divergence of N(mu, sigma^2) from the unit Gaussian prior, summed over dimensions, (n,)."""
    return 0.5 * (mu.square() + logvar.exp() - 1.0 - logvar).sum(1)
