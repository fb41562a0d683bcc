from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vae.network.autoencoder import Autoencoder
from vae.network.config import NETWORKS, Likelihood
from vae.spectra.store import SpectraStore
from vae.training.data import load
from vae.training.objective import Objective
from vae.training.priors import GaussianPrior
from vae.training.recipes import RECIPES
from vae.training.templates import fill_templates


@pytest.mark.parametrize("likelihood", ["sensitivity", "response"])
def test_fixed_templates_are_of_the_data_and_stay(likelihood: Likelihood, tiny_store: Path) -> None:
    training = load(SpectraStore.open(tiny_store), "cpu", likelihood)[0]
    torch.manual_seed(0)
    network = Autoencoder(replace(NETWORKS["svd"], likelihood=likelihood, hidden=(64,)))
    fill_templates(network, training)
    table = network.decoder.templates().clone()
    products = (table @ table.T).double().numpy()
    sizes = np.sqrt(np.diag(products))
    assert (np.diff(sizes) <= 0).all()
    np.testing.assert_allclose(products, np.diag(sizes**2), atol=1e-4 * sizes[0] ** 2)
    assert sizes[-1] > 0
    # Real spectra fall with energy, and a fixed trunk can learn to fit them.
    first = table[0] * torch.sign(table[0, 40])
    assert first[40] > first[-20]
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(0)
    objective = Objective(network, RECIPES["seed"], GaussianPrior(0.0))
    losses = []
    for _ in range(40):
        batch = training.batch(training.draw(256, generator))
        terms = objective(batch, torch.randn(256, 2, generator=generator))
        losses.append(float(terms.deviance.detach().median()))
        optimizer.zero_grad()
        torch.autograd.backward((terms.deviance.clamp(max=1000) + terms.divergence).mean())
        optimizer.step()
    assert np.mean(losses[-5:]) < 0.8 * losses[0]
    assert torch.equal(network.decoder.templates(), table)


def test_trained_trunks_are_left_alone(tiny_store: Path) -> None:
    training = load(SpectraStore.open(tiny_store), "cpu", "sensitivity")[0].first(200)
    for name in ("reference", "table"):
        network = Autoencoder(replace(NETWORKS[name], likelihood="sensitivity"))
        before = {key: value.clone() for key, value in network.state_dict().items()}
        fill_templates(network, training)
        assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
