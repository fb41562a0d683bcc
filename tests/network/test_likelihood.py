from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from scipy.stats import poisson

from vae.network.likelihood import (
    expected_counts,
    kl_divergence,
    poisson_deviance,
    profile_amplitude,
    profiled_deviance,
)
from vae.spectra import grid
from vae.spectra.statistics import cstat
from vae.spectra.statistics import profile_amplitude as profile_amplitude_numpy


def spectra(net: float, background: float, kT: float | None, n: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    energy = grid.BIN_CENTRES
    shape = energy**-1.8 if kT is None else energy**2 / np.expm1(energy / kT)
    folded = np.tile(1e6 * shape * grid.BIN_WIDTHS * np.exp(-((np.log(energy / 1.5)) ** 2)), (n, 1))
    b = np.tile(background / grid.N_BINS * np.ones(grid.N_BINS), (n, 1))
    counts = rng.poisson(net * folded / folded.sum(1, keepdims=True) + b)
    return counts, folded, b


@pytest.mark.parametrize("kT", [None, 0.07])
@pytest.mark.parametrize(("net", "background"), [(300, 20), (300, 1200), (20_000, 50), (40, 400), (0, 300)])
def test_amplitude_is_the_bounded_maximum_of_the_likelihood(net: float, background: float, kT: float | None) -> None:
    counts, folded, b = spectra(net, background, kT)

    def best(c: np.ndarray, f: np.ndarray, bg: np.ndarray) -> float:
        def slope(alpha: float) -> float:
            return float((c * f / (alpha * f + bg)).sum() - f.sum())

        return 0.0 if slope(0.0) <= 0 else float(brentq(slope, 0.0, 2 * c.sum() / f.sum(), xtol=1e-18, rtol=1e-12))

    expected = np.array([best(*row) for row in zip(counts, folded, b, strict=True)])
    tensors = [torch.tensor(values, dtype=torch.float32) for values in (counts, folded, b)]
    unit = max(net, np.sqrt(background)) / folded[0].sum()
    np.testing.assert_allclose(profile_amplitude(*tensors).numpy() / unit, expected / unit, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(profile_amplitude_numpy(counts, folded, b) / unit, expected / unit, rtol=1e-7, atol=1e-9)
    assert (expected >= 0).all()


def test_amplitude_survives_empty_and_unreachable_spectra() -> None:
    counts = torch.zeros(3, 5)
    counts[2] = 4.0
    folded = torch.ones(3, 5)
    folded[1] = 0.0
    background = torch.zeros(3, 5)
    amplitude = profile_amplitude(counts, folded, background)
    assert torch.isfinite(amplitude).all()
    assert amplitude[0] == 0
    assert amplitude[2] == pytest.approx(4.0, rel=1e-5)
    assert torch.isfinite(poisson_deviance(counts, expected_counts(folded, amplitude, background))).all()


def test_gradient_needs_no_derivative_of_the_amplitude() -> None:
    """Envelope theorem: the gradient at fixed best alpha is the gradient of the profiled likelihood."""
    counts, folded, b = (torch.tensor(values, dtype=torch.float64) for values in spectra(500, 200, None, n=4))
    tilt = torch.linspace(-1, 1, grid.N_BINS, dtype=torch.float64)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        return profiled_deviance(counts, folded * torch.exp(theta * tilt), b, steps=50).sum()

    theta = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    loss(theta).backward()
    step = 1e-4
    with torch.no_grad():
        difference = (loss(theta + step) - loss(theta - step)) / (2 * step)
    assert theta.grad is not None
    assert float(theta.grad) == pytest.approx(float(difference), rel=1e-6)
    # The gradient written out is the one of automatic differentiation, every element of it.
    shape = folded.clone().requires_grad_()
    profiled_deviance(counts, shape, b, steps=50).sum().backward()
    plain = folded.clone().requires_grad_()
    alpha = profile_amplitude(counts, folded, b, steps=50)
    poisson_deviance(counts, expected_counts(plain, alpha, b)).sum().backward()
    torch.testing.assert_close(shape.grad, plain.grad)


def test_deviance_is_half_the_c_statistic_and_the_poisson_likelihood() -> None:
    rng = np.random.default_rng(2)
    expected = rng.uniform(0.01, 30, (7, 40))
    counts = rng.poisson(expected)
    got = poisson_deviance(torch.tensor(counts, dtype=torch.float64), torch.tensor(expected)).numpy()
    np.testing.assert_allclose(got, 0.5 * cstat(counts, expected), rtol=1e-10)
    oracle = (poisson.logpmf(counts, np.maximum(counts, 1e-300)) - poisson.logpmf(counts, expected)).sum(1)
    np.testing.assert_allclose(got, oracle, rtol=1e-9)


def test_deviance_has_a_gradient_where_there_are_no_counts() -> None:
    expected = torch.full((1, 4), 0.5, requires_grad=True)
    poisson_deviance(torch.zeros(1, 4), expected).sum().backward()
    torch.testing.assert_close(expected.grad, torch.ones(1, 4))


def test_kl_divergence_against_sampling() -> None:
    mu, logvar = torch.tensor([[0.7, -1.2]]), torch.tensor([[-1.0, 0.4]])
    normal = torch.distributions.Normal
    exact = torch.distributions.kl_divergence(normal(mu, torch.exp(0.5 * logvar)), normal(0.0, 1.0)).sum()
    assert float(kl_divergence(mu, logvar)[0]) == pytest.approx(float(exact), rel=1e-6)
    assert float(kl_divergence(torch.zeros(1, 2), torch.zeros(1, 2))) == 0.0
