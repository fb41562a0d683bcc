from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from vae.errors import ModelError
from vae.network import NETWORKS, Likelihood, NetworkConfig
from vae.network.autoencoder import Autoencoder
from vae.network.decoder import TableTrunk
from vae.network.scaling import trunk_input
from vae.spectra import grid


def varied(config: NetworkConfig) -> Autoencoder:
    """Network whose templates differ, those that would come from data included."""
    torch.manual_seed(6)
    network = Autoencoder(config)
    if isinstance(network.decoder.trunk, TableTrunk):
        with torch.no_grad():
            network.decoder.trunk.table.normal_()
    return network


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
    assert network.decode_shape(mu).shape == (3, grid.N_TRUE)


@pytest.mark.parametrize("output", ["exp", "softplus"])
def test_decoded_shape_is_positive_and_finite_everywhere(output: str) -> None:
    torch.manual_seed(3)
    network = Autoencoder(NetworkConfig(output=output))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in network.decoder.branch.parameters():
            parameter.mul_(30.0)  # far beyond anything trained
        shape = network.decode_shape(50.0 * torch.randn(200, 2), np.array([0.3, 1.0, 10.0, 12.0]))
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


@pytest.mark.parametrize("likelihood", ["sensitivity", "response"])
@pytest.mark.parametrize("name", NETWORKS)
def test_trunk_takes_any_energies(name: str, likelihood: Likelihood) -> None:
    network = varied(replace(NETWORKS[name], likelihood=likelihood))
    z = torch.randn(3, 2)
    energies = network.energies.numpy().astype(np.float64)
    assert len(energies) == (grid.N_BINS if likelihood == "sensitivity" else grid.N_TRUE)
    with torch.no_grad():
        everywhere = network.decode_shape(z)
        some = network.decode_shape(z, network.config.energies[[5, 100]])
        between = network.decode_shape(z, np.sqrt(network.config.energies[5:7]))
    np.testing.assert_allclose(some.numpy(), everywhere.numpy()[:, [5, 100]], rtol=2e-4)
    assert torch.isfinite(between).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_counted(name: str) -> None:
    network = Autoencoder(NETWORKS[name])
    assert sum(parameter.numel() for parameter in network.parameters()) == NETWORKS[name].n_parameters


def test_fourier_features_stop_at_the_resolution() -> None:
    config = NETWORKS["fourier"]
    fine = np.exp(np.linspace(np.log(0.3), np.log(10.0), 20_001))
    entering = trunk_input(fine, config)
    assert entering.shape == (len(fine), 1 + 2 * config.n_frequencies)
    np.testing.assert_allclose(entering[:, 1:].astype(np.float64).mean(0), 0.0, atol=1e-3)  # whole periods
    # Zeros of the fastest sine are half a wavelength apart.
    sine = entering[:, config.n_frequencies]
    wavelength = 2.0 * np.log(10.0 / 0.3) / np.count_nonzero(np.diff(np.signbit(sine)))
    resolution = float(grid.fwhm_kev(10.0)) / 10.0
    assert resolution <= wavelength < 2 * resolution


def test_a_larger_gain_lets_the_trunk_bend_sooner() -> None:
    plain, steep = (trunk_input([0.5, 5.0], replace(NETWORKS["reference"], trunk_gain=gain)) for gain in (1.0, 3.0))
    np.testing.assert_allclose(steep, 3.0 * plain, rtol=1e-6)
