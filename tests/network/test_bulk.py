from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from vae.errors import ModelError
from vae.network import NetworkConfig, TrainedModel
from vae.network.autoencoder import Autoencoder
from vae.network.bulk import BulkEncoder
from vae.spectra import grid
from vae.spectra.store import Block, SpectraStore


@pytest.fixture(scope="module")
def store(tiny_store: Path) -> SpectraStore:
    return SpectraStore.open(tiny_store)


@pytest.fixture(scope="module")
def block(store: SpectraStore) -> Block:
    return next(store.blocks(300, area=True))[1]


def model(likelihood: str) -> TrainedModel:
    torch.manual_seed(4)
    network = Autoencoder(NetworkConfig(hidden=(32,), likelihood=likelihood))  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3.0)  # spectra that differ
    return TrainedModel.from_network(network, {})


def rows(block: Block, chosen: np.ndarray) -> Block:
    return Block(**{name: values[chosen] for name, values in vars(block).items()})


@pytest.mark.parametrize("likelihood", ["sensitivity", "response"])
def test_bulk_and_numpy_agree_row_by_row(likelihood: str, store: SpectraStore, block: Block) -> None:
    trained = model(likelihood)
    encoded = BulkEncoder(trained, "cpu")(block, store.redistribution)
    arrays = (block.counts, block.background_counts, block.background_ratio, block.sensitivity)
    mu, sigma = trained.encode_arrays(*arrays)
    np.testing.assert_allclose(encoded.mu, mu, atol=1e-5)
    np.testing.assert_allclose(encoded.sigma, sigma, rtol=1e-4)
    shape = trained.decode(encoded.mu, trained.energies)
    folded = trained.fold(
        shape,
        sensitivity=block.sensitivity,
        area=block.area,
        response_index=block.response_index,
        redistribution=store.redistribution,
    )
    np.testing.assert_allclose(encoded.folded, folded, rtol=2e-3, atol=1e-5 * folded.max())
    widths = trained.config.photon_widths
    np.testing.assert_allclose(encoded.mean_energy, shape @ (widths * trained.energies), rtol=1e-4)


def test_order_and_company_of_rows_do_not_matter(store: SpectraStore, block: Block) -> None:
    encoder = BulkEncoder(model("response"), "cpu")
    whole = encoder(block, store.redistribution)
    shuffled = np.random.default_rng(0).permutation(len(block))[:50]
    some = encoder(rows(block, shuffled), store.redistribution)
    np.testing.assert_allclose(some.folded, whole.folded[shuffled], rtol=1e-4)
    np.testing.assert_allclose(some.mu, whole.mu[shuffled], atol=1e-5)


def test_fold_knows_the_exposure(store: SpectraStore, block: Block) -> None:
    """The exposure found from the sensitivity is the detection's, and a fold is the sum it stands for."""
    trained = model("response")
    exposure = store.detections["exposure_s"].to_numpy()[: len(block)]
    shape = trained.decode(np.zeros((len(block), 2)), trained.energies)
    response = {"area": block.area, "response_index": block.response_index, "redistribution": store.redistribution}
    found = trained.fold(shape, sensitivity=block.sensitivity, **response)
    given = trained.fold(shape, exposure_s=exposure, **response)
    np.testing.assert_allclose(found, given, rtol=1e-3)
    row = 17
    matrix = store.redistribution[block.response_index[row]].astype(np.float64)
    plain = exposure[row] * matrix @ (shape[row].astype(np.float64) * block.area[row] * grid.TRUE_WIDTHS)
    np.testing.assert_allclose(given[row], plain, rtol=1e-4)
    # One detection may be folded with many shapes, as for a predictive band.
    alone = {"area": block.area[row], "response_index": block.response_index[row]}
    many = trained.fold(
        np.stack([shape[row], 2 * shape[row]]),
        sensitivity=block.sensitivity[row],
        redistribution=store.redistribution,
        **alone,
    )
    np.testing.assert_allclose(many, np.stack([found[row], 2 * found[row]]), rtol=1e-5)
    assert trained.fold(shape[row], exposure_s=1.0, redistribution=store.redistribution, **alone).shape == (
        grid.N_BINS,
    )


def test_a_fold_without_its_parts_is_refused(store: SpectraStore, block: Block) -> None:
    trained = model("response")
    shape = trained.decode(np.zeros((len(block), 2)), trained.energies)
    with pytest.raises(ModelError, match="redistribution"):
        trained.fold(shape, sensitivity=block.sensitivity)
    with pytest.raises(ModelError, match="sensitivity"):
        trained.fold(shape, area=block.area, response_index=block.response_index, redistribution=store.redistribution)
    with pytest.raises(ModelError, match="energies"):
        trained.fold(shape[:, :238], sensitivity=block.sensitivity, area=block.area, response_index=0, redistribution=0)
    with pytest.raises(ModelError, match="area"):
        BulkEncoder(trained, "cpu")(next(store.blocks(5))[1], store.redistribution)
