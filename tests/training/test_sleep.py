from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from vae.network.autoencoder import Autoencoder
from vae.network.config import NetworkConfig
from vae.network.likelihood import expected_counts, profile_amplitude
from vae.training.distributed import Ranks
from vae.training.prepared import Prepared, prepare
from vae.training.sleep import SHARE, Sleep, surprise
from vae.training.thinning import Exposures


@pytest.fixture(scope="module")
def prepared(tiny_store: Path) -> Prepared:
    return prepare(tiny_store, "response", "cpu")


def test_surprise_is_the_log_density_up_to_its_constant() -> None:
    generator = torch.Generator().manual_seed(1)
    mu, logvar, z = (torch.randn(50, 3, generator=generator) for _ in range(3))
    expected = -Normal(mu, torch.exp(0.5 * logvar)).log_prob(z).sum(1) - 1.5 * np.log(2 * np.pi)
    torch.testing.assert_close(surprise(mu, logvar, z), expected)


def test_a_posterior_fitted_to_known_positions_has_the_width_of_a_tilted_one() -> None:
    """The bound would give the narrow section, 1 - rho^2 of the variance; this gives all of it."""
    rho = 0.8
    generator = torch.Generator().manual_seed(2)
    tilted = torch.randn(20_000, 2, generator=generator) @ torch.linalg.cholesky(torch.tensor([[1, rho], [rho, 1]])).T
    logvar = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.LBFGS([logvar])

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = surprise(torch.zeros(2), logvar, tilted).mean()
        torch.autograd.backward(value)
        return value

    for _ in range(5):
        optimizer.step(loss)
    torch.testing.assert_close(logvar.detach().exp(), torch.ones(2), atol=0.03, rtol=0)


def test_made_up_counts_scatter_around_the_best_amplitude(prepared: Prepared) -> None:
    torch.manual_seed(3)
    network = Autoencoder(NetworkConfig(likelihood="response"))
    spectra = prepared.training
    exposures = Exposures.load(prepared.store, spectra)
    rows = spectra.draw(1024, torch.Generator().manual_seed(0))
    batch = spectra.batch(rows)
    z = torch.randn(1024, 2)
    with torch.no_grad():
        folded = batch.fold(network.decode_shape(z))
    first, again = (
        Sleep(exposures, rows, torch.Generator().manual_seed(7), Ranks())(batch, z, folded) for _ in range(2)
    )
    torch.testing.assert_close(first.x, again.x)
    some = torch.arange(1024).view(rows.shape)[..., ::SHARE].reshape(-1)
    torch.testing.assert_close(first.z, z[some])
    torch.testing.assert_close(first.counts, first.counts.round())
    counts, folded, background = batch.counts[some], folded[some], batch.background[some]
    expected = expected_counts(folded, profile_amplitude(counts, folded, background), background)
    pull = (first.counts.sum(1) - expected.sum(1)) / expected.sum(1).sqrt()
    assert abs(float(pull.mean())) < 0.3
    assert float(pull.std()) == pytest.approx(1.0, abs=0.2)
