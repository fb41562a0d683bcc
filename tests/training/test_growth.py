from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vae.network.autoencoder import Autoencoder
from vae.network.config import NetworkConfig
from vae.network.likelihood import kl_divergence
from vae.spectra.store import SpectraStore
from vae.training.data import ResidentSpectra, load
from vae.training.growth import _directions, awaken


@pytest.fixture(scope="module")
def training(tiny_store: Path) -> ResidentSpectra:
    return load(SpectraStore.open(tiny_store), "cpu", "response")[0]


def sleeping(dimensions: list[int]) -> Autoencoder:
    """Network of four latent dimensions, some of which say nothing."""
    torch.manual_seed(2)
    network = Autoencoder(NetworkConfig(latent_dim=4, hidden=(32, 32)))
    last = network.encoder.layers[-1]
    assert isinstance(last, torch.nn.Linear)
    with torch.no_grad():
        last.weight[:4] *= 20.0
        last.bias[4:] = -3.0
        for index in dimensions:
            for row in (index, 4 + index):
                last.weight[row], last.bias[row] = 0.0, 0.0
    return network


def test_sleepers_wake_and_the_others_stay(training: ResidentSpectra) -> None:
    network = sleeping([1, 3])
    x = next(training.batches(500)).x
    with torch.no_grad():
        before, logvar = network.encode(x)
        decoded = network.decode_shape(before)
        assert awaken(network, training) == [1, 3]
        mu, logvar_after = network.encode(x)
        torch.testing.assert_close(mu[:, [0, 2]], before[:, [0, 2]])
        torch.testing.assert_close(logvar_after[:, [0, 2]], logvar[:, [0, 2]])
        torch.testing.assert_close(network.decode_shape(before), decoded)  # the sleepers' means were zero
        assert (mu[:, [1, 3]].std(0) > 0.4).all()
        assert not torch.allclose(network.decode_shape(mu), decoded, rtol=1e-3)
        for index in (1, 3):
            part = kl_divergence(mu[:, [index]], logvar_after[:, [index]]).mean()
            assert 0.2 < float(part) < 1.5
    assert awaken(network, training) == []


def test_the_same_seed_awakens_alike(training: ResidentSpectra) -> None:
    first, second = sleeping([0]), sleeping([0])
    awaken(first, training, seed=3)
    awaken(second, training, seed=3)
    for one, other in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_directions_find_what_was_hidden() -> None:
    rng = np.random.default_rng(1)
    features, net = rng.normal(size=(4000, 10)), rng.lognormal(7, 1, 4000)
    strength = features[:, 3] + 0.5 * features[:, 7]
    pattern = np.zeros(40)
    pattern[10:14] = 0.5
    residual = rng.normal(size=(4000, 40)) + np.sqrt(net / 300)[:, None] * strength[:, None] * pattern
    weights, offsets = _directions(features, residual, net, 1)
    found = features @ weights[:, 0] + offsets[0]
    assert abs(np.corrcoef(found, strength)[0, 1]) > 0.98
    assert found.std() == pytest.approx(0.8, rel=0.01)
    assert abs(found.mean()) < 1e-6
