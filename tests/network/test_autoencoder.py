from __future__ import annotations

import numpy as np
import pytest
import torch

from vae.errors import ModelError
from vae.network import NETWORKS, NetworkConfig
from vae.network.autoencoder import Autoencoder
from vae.spectra import grid


def test_reference_network_has_exactly_475206_parameters() -> None:
    network = Autoencoder(NETWORKS["reference"])
    counted = {
        name: sum(p.numel() for p in part.parameters())
        for name, part in (
            ("encoder", network.encoder),
            ("branch", network.decoder.branch),
            ("trunk", network.decoder.trunk),
        )
    }
    assert counted == {"encoder": 193_796, "branch": 140_833, "trunk": 140_577}
    assert sum(p.numel() for p in network.parameters()) == 475_206 == NETWORKS["reference"].n_parameters


@pytest.mark.parametrize("latent_dim", [1, 2, 8])
def test_latent_dimension_is_a_parameter(latent_dim: int) -> None:
    network = Autoencoder(NetworkConfig(latent_dim=latent_dim, hidden=(16,)))
    mu, logvar = network.encode(torch.zeros(3, grid.N_BINS))
    assert mu.shape == logvar.shape == (3, latent_dim)
    assert network.decode_shape(mu).shape == (3, grid.N_BINS)


@pytest.mark.parametrize("output", ["exp", "softplus"])
def test_decoded_shape_is_positive_and_finite_everywhere(output: str) -> None:
    torch.manual_seed(3)
    network = Autoencoder(NetworkConfig(output=output))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in network.decoder.branch.parameters():
            parameter.mul_(30.0)  # far beyond anything trained
        shape = network.decode_shape(50.0 * torch.randn(200, 2), torch.tensor([0.3, 1.0, 10.0, 12.0]))
    assert torch.isfinite(shape).all()
    assert (shape > 0).all()


def test_sample_is_reparametrised() -> None:
    mu = torch.tensor([[1.0, -2.0]], requires_grad=True)
    logvar = torch.tensor([[0.0, -2.0]], requires_grad=True)
    z = Autoencoder.sample(mu, logvar, torch.Generator().manual_seed(5))
    noise = torch.randn((1, 2), generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(z, mu + torch.exp(0.5 * logvar) * noise)
    z.sum().backward()
    torch.testing.assert_close(mu.grad, torch.ones_like(mu))


def test_architecture_is_never_guessed() -> None:
    good = NetworkConfig(latent_dim=3).to_dict()
    assert NetworkConfig.from_dict(good) == NetworkConfig(latent_dim=3)
    with pytest.raises(ModelError, match="depth"):
        NetworkConfig.from_dict({**good, "depth": 4})
    with pytest.raises(ModelError, match="n_templates"):
        NetworkConfig.from_dict({name: value for name, value in good.items() if name != "n_templates"})
    with pytest.raises(ModelError):
        NetworkConfig(latent_dim=0)


def test_trunk_takes_any_energies() -> None:
    network = Autoencoder()
    z = torch.zeros(1, 2)
    with torch.no_grad():
        on_bins = network.decode_shape(z)
        some = network.decode_shape(z, network.energies[[5, 100]])
    np.testing.assert_allclose(some.numpy()[0], on_bins.numpy()[0, [5, 100]], rtol=1e-5)
