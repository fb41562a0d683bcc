"""Active axes, divergence and information agree with a Gaussian model whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.units import latent_units, mutual_information


def _posteriors(n: int, sigmas: tuple[float, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors of a linear Gaussian model: means scatter such that they and sigma make up the prior."""
    sigma = np.tile(sigmas, (n, 1))
    return np.random.default_rng(seed).normal(0, 1, sigma.shape) * np.sqrt(1 - sigma**2), sigma


def test_axes_that_carry_nothing_are_named() -> None:
    mu, sigma = _posteriors(4000, (0.1, 0.5, 1.0))
    found = latent_units(mu, sigma, np.arange(4000))
    assert (found["dimensions"], found["active"]) == (3, 2)
    assert [axis["active"] for axis in found["axes"]] == [True, True, False]
    for axis, s in zip(found["axes"], (0.1, 0.5), strict=False):
        assert axis["variance"] == pytest.approx(1 - s**2, rel=0.1)
        assert axis["kl"] == pytest.approx(-np.log(s), rel=0.03)  # what the channel carries, on average
        assert axis["kl_low"] < axis["kl"] < axis["kl_high"]
        assert axis["signal_to_noise"] == pytest.approx(1 / s**2 - 1, rel=0.15)
    assert found["axes"][2]["kl"] == pytest.approx(0, abs=1e-12)
    assert found["kl_total"] == pytest.approx(sum(axis["kl"] for axis in found["axes"]))


def test_principal_variances_do_not_depend_on_the_axes() -> None:
    mu, sigma = _posteriors(2000, (0.2, 0.2))
    mu[:, 1] *= 0.05  # one direction carries little...
    angle = 0.7
    turned = mu @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    straight, slanted = (latent_units(values, sigma, np.arange(2000)) for values in (mu, turned))
    assert (straight["active"], slanted["active"]) == (1, 2)  # ...which single axes need not show
    np.testing.assert_allclose(slanted["principal_variances"], straight["principal_variances"])


def test_information_of_a_known_channel_and_its_limit() -> None:
    information, limit = mutual_information(*_posteriors(4000, (0.3,)))
    assert information == pytest.approx(-np.log(0.3), abs=0.05)
    assert limit == pytest.approx(np.log(4000))
    sharp, limit = mutual_information(*_posteriors(300, (1e-4,)))
    assert sharp <= limit + 1e-9
    none, _ = mutual_information(*_posteriors(500, (1.0,)))
    assert none == pytest.approx(0, abs=1e-9)
