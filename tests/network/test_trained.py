from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vae.errors import ExplorerError, ModelError
from vae.network import NETWORKS, Likelihood, NetworkConfig, TrainedModel, scale_input
from vae.network.autoencoder import Autoencoder
from vae.network.decoder import TableTrunk
from vae.spectra import grid


def spectra(n: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(9)
    sensitivity = np.tile(1e6 * grid.BIN_WIDTHS * grid.BIN_CENTRES**-0.5, (n, 1)).astype(np.float32)
    counts = rng.poisson(rng.lognormal(0, 1, (n, 1)) * 2 * grid.BIN_CENTRES**-1.0, (n, grid.N_BINS))
    return counts, rng.poisson(1.0, (n, grid.N_BINS)), rng.uniform(0, 0.3, n), sensitivity


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    torch.manual_seed(1)
    return TrainedModel.from_network(Autoencoder(), {"training": {"recipe": "none"}})


def test_reload_gives_identical_latents_and_spectra(model: TrainedModel, tmp_path: Path) -> None:
    again = TrainedModel.load(model.save(tmp_path / "model"))
    for first, second in zip(model.encode_arrays(*spectra(30)), again.encode_arrays(*spectra(30)), strict=True):
        np.testing.assert_array_equal(first, second)
    z = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_array_equal(model.decode(z), again.decode(z))
    assert again.meta["training"]["recipe"] == "none"
    assert again.weights_sha256 == model.weights_sha256
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == ["model.toml", "weights.safetensors"]


KINDS = {
    **NETWORKS,
    "steep": replace(NETWORKS["reference"], trunk_gain=3.0),
    "deep latent": replace(NETWORKS["softplus"], latent_dim=16, hidden=(40, 30), branch_hidden=(50,), n_templates=7),
}


@pytest.mark.parametrize("likelihood", ["sensitivity", "response"])
@pytest.mark.parametrize("kind", KINDS)
def test_numpy_and_torch_networks_agree(kind: str, likelihood: Likelihood) -> None:
    torch.manual_seed(8)
    module = Autoencoder(replace(KINDS[kind], likelihood=likelihood))
    if isinstance(module.decoder.trunk, TableTrunk):
        with torch.no_grad():
            module.decoder.trunk.table.normal_()
    model = TrainedModel.from_network(module, {})
    arrays = spectra(64)
    mu, sigma = model.encode_arrays(*arrays)
    network = model.network()
    widths = model.config.photon_widths
    elsewhere = np.array([0.25, 0.31, 1.0, 6.4, 11.0])
    with torch.inference_mode():
        mean, logvar = network.encode(torch.from_numpy(scale_input(*arrays)))
        shape = network.decode_shape(mean).numpy()
        other = network.decode_shape(mean, elsewhere).numpy()
        mixing = network.decoder.branch(mean).numpy()
        templates = network.decoder.templates(elsewhere).numpy()
    np.testing.assert_allclose(mu, mean.numpy(), atol=1e-5)
    np.testing.assert_allclose(sigma, torch.exp(0.5 * logvar).numpy(), atol=1e-5)
    norm = (shape @ widths)[:, None]
    np.testing.assert_allclose(model.decode(mu, model.energies), shape / norm, rtol=2e-4)
    np.testing.assert_allclose(model.decode(mu, elsewhere), other / norm, rtol=2e-4)
    np.testing.assert_allclose(model.mixing(mu), mixing, atol=1e-4)
    np.testing.assert_allclose(model.templates(elsewhere), templates, atol=1e-4)


@pytest.mark.parametrize("size", [1, 7, 32])
def test_latents_do_not_depend_on_the_batch(model: TrainedModel, size: int) -> None:
    arrays = spectra(65)
    whole = model.encode_arrays(*arrays)
    parts = [model.encode_arrays(*(values[start : start + size] for values in arrays)) for start in range(0, 65, size)]
    for index in (0, 1):
        np.testing.assert_allclose(np.concatenate([part[index] for part in parts]), whole[index], atol=1e-5)


def test_decoded_shape_holds_one_photon(model: TrainedModel) -> None:
    z = np.random.default_rng(1).normal(size=(20, 2)) * 3
    shape = model.decode(z)
    np.testing.assert_allclose(model.decode(z, model.energies) @ model.config.photon_widths, 1.0, rtol=1e-5)
    np.testing.assert_allclose(shape @ grid.BIN_WIDTHS, 1.0, rtol=1e-3)
    fine = np.exp(np.linspace(np.log(0.3), np.log(10), 4001))
    np.testing.assert_allclose(np.trapezoid(model.decode(z, fine), fine, axis=1), 1.0, rtol=5e-3)
    np.testing.assert_allclose(model.decode(z, grid.BIN_CENTRES), shape, rtol=1e-5)
    assert (model.decode(z[0], [0.5, 20.0]) > 0).all()
    assert model.decode(z[0]).shape == (grid.N_BINS,)


def test_wrong_questions_are_refused(model: TrainedModel) -> None:
    with pytest.raises(ModelError, match="shape"):
        model.decode([0.0, 0.0, 0.0])
    with pytest.raises(ModelError, match="positive"):
        model.decode([0.0, 0.0], [-1.0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("version = 1", "version = 2", "version 2"),
        ('edges_sha256 = "', 'edges_sha256 = "0', "other energy bins"),
        ('scaling = "asinh', 'scaling = "log', "other inputs"),
        ("latent_dim = 2", "latent_dim = 3", "do not fit"),
        ("[architecture]", "[architecture", "unreadable"),
        ('likelihood = "response"', "", r"likelihood.*train the model again"),
    ],
)
def test_a_model_that_does_not_fit_says_why(
    model: TrainedModel, tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = model.save(tmp_path / "model") / "model.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(ModelError, match=message):
        TrainedModel.load(tmp_path / "model")


def test_missing_and_damaged_models(model: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model"):
        TrainedModel.load(tmp_path / "nowhere")
    weights = model.save(tmp_path / "model") / "weights.safetensors"
    with pytest.raises(ExplorerError, match="exists"):
        model.save(tmp_path / "model")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        TrainedModel.load(tmp_path / "model")


def test_other_architectures_survive_the_trip(tmp_path: Path) -> None:
    config = NetworkConfig(latent_dim=4, hidden=(8, 12), n_templates=5, output="softplus")
    model = TrainedModel.from_network(Autoencoder(config), {"note": None})
    again = TrainedModel.load(model.save(tmp_path / "model"))
    assert again.config == config
    np.testing.assert_array_equal(again.decode(np.zeros(4)), model.decode(np.zeros(4)))
    assert "note" not in again.meta


def test_the_server_does_not_pay_for_torch() -> None:
    code = "import sys, vae.atlas; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
