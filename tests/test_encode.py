from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import vae.encode
from vae.atlas import Atlas
from vae.atlas.rarity import rarity
from vae.encode import NO_MATCH, UNCLASSIFIED, encode, encode_store
from vae.errors import ExplorerError, ModelError, OptionError, StoreError
from vae.network import TrainedModel
from vae.network.config import Likelihood
from vae.resources import asset
from vae.spectra import grid
from vae.spectra.statistics import cstat_z, profile_amplitude
from vae.spectra.store import Block, SpectraStore, StoreWriter

MODEL = asset("models", "reference")


def test_an_atlas_is_a_store(tiny_atlas: Path, tiny_store: Path, tmp_path: Path) -> None:
    atlas, store = SpectraStore.open(tiny_atlas), SpectraStore.open(tiny_store)
    assert atlas.content_hash() != ""
    assert len(atlas) == len(store)
    assert atlas.responses == store.responses
    np.testing.assert_array_equal(atlas.read("counts", slice(0, 50)), store.read("counts", slice(0, 50)))
    # Encoding an atlas gives the same atlas again.
    again = Atlas.open(encode(tiny_atlas, MODEL, tmp_path / "again", quiet=True))
    pd.testing.assert_frame_equal(again.catalogue, Atlas.open(tiny_atlas).catalogue)


def test_spectra_are_hard_linked(tiny_atlas: Path, tiny_store: Path) -> None:
    name = "spectra.zarr/zarr.json"
    assert (tiny_atlas / name).stat().st_ino == (tiny_store / name).stat().st_ino


def test_atlas_carries_its_model_and_history(tiny_atlas: Path) -> None:
    model, shipped = TrainedModel.load(tiny_atlas / "model"), TrainedModel.load(MODEL)
    assert model.weights_sha256 == shipped.weights_sha256
    assert model.meta["training"] == shipped.meta["training"]
    meta = json.loads((tiny_atlas / "atlas.json").read_text())
    assert meta["model"]["weights_sha256"] == shipped.weights_sha256
    assert meta["simulated"] is True
    assert meta["provenance"] == SpectraStore.open(tiny_atlas).meta["provenance"]


@pytest.mark.parametrize("rows", [7, 1000])
def test_values_do_not_depend_on_the_step(tiny_store: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    store, model = SpectraStore.open(tiny_store), TrainedModel.load(MODEL)
    whole = encode_store(store, model, device="cpu")
    monkeypatch.setattr(vae.encode, "_STEP_ROWS", rows)
    parts = encode_store(store, model, device="cpu")
    np.testing.assert_allclose(parts["mu"], whole["mu"], atol=1e-5)
    np.testing.assert_allclose(parts["sigma"], whole["sigma"], atol=1e-5)
    np.testing.assert_allclose(parts["cstat_z"], whole["cstat_z"], atol=1e-3, rtol=1e-4)


def test_latents_are_those_of_the_model_alone(tiny_atlas: Path) -> None:
    atlas = Atlas.open(tiny_atlas)
    store = SpectraStore.open(tiny_atlas)
    names = ("counts", "background_counts", "background_ratio", "sensitivity")
    mu, sigma = atlas.model.encode_arrays(*(store.read(name, slice(0, 200)) for name in names))
    np.testing.assert_allclose(mu, atlas.latents[:200], atol=1e-5)
    np.testing.assert_allclose(sigma, atlas.sigmas[:200], atol=1e-5)


def test_flux_is_the_integral_of_the_decoded_spectrum(tiny_atlas: Path) -> None:
    atlas = Atlas.open(tiny_atlas)
    for row in (0, 100, 2000):
        entry = atlas.catalogue.iloc[row]
        spectrum = atlas.spectrum(int(entry["detection_id"]))
        flux = 1.602176634e-9 * (spectrum.decoded * grid.BIN_CENTRES * grid.BIN_WIDTHS).sum()
        assert entry["flux_0p3_10"] == pytest.approx(flux, rel=5e-3)  # on the bins; encoding may use a finer grid
        assert entry["flux_0p3_10_lo"] <= entry["flux_0p3_10"] <= entry["flux_0p3_10_hi"]


def test_flux_error_covers_the_scatter(tiny_atlas: Path) -> None:
    """Poisson repeats of one spectrum scatter in amplitude as the error says."""
    atlas = Atlas.open(tiny_atlas)
    row = int(np.argmin(np.abs(atlas.catalogue["net_counts"] - 500)))
    entry = atlas.catalogue.iloc[row]
    spectrum = atlas.spectrum(int(entry["detection_id"]))
    counts = np.random.default_rng(0).poisson(spectrum.reconstruction, (2000, grid.N_BINS))
    folded = np.broadcast_to(spectrum.reconstruction - spectrum.expected_background, counts.shape)
    background = np.broadcast_to(spectrum.expected_background, counts.shape)
    scatter = profile_amplitude(counts, folded, background).std()
    error = 0.5 * (entry["flux_0p3_10_hi"] - entry["flux_0p3_10_lo"]) / entry["flux_0p3_10"]
    assert error == pytest.approx(scatter, rel=0.1)


def test_statistics_are_those_of_the_counts(tiny_atlas: Path) -> None:
    atlas = Atlas.open(tiny_atlas)
    spectra = [atlas.spectrum(int(detection)) for detection in atlas.catalogue["detection_id"].iloc[:20]]
    z = cstat_z(np.stack([s.counts for s in spectra]), np.stack([s.reconstruction for s in spectra]))
    np.testing.assert_allclose(atlas.catalogue["cstat_z"].iloc[:20], z, atol=0.02)


def test_nothing_is_left_behind_when_encoding_fails(tiny_store: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        encode(tiny_store, tmp_path / "no_model", tmp_path / "atlas", quiet=True)
    with pytest.raises(OptionError, match="cannot be used"):
        encode(tiny_store, MODEL, tmp_path / "atlas", quiet=True, device="cuda:77")
    with pytest.raises(StoreError):
        encode(tmp_path / "no_store", MODEL, tmp_path / "atlas", quiet=True)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_atlas_is_kept(tiny_atlas: Path, tiny_store: Path) -> None:
    with pytest.raises(ExplorerError, match="exists"):
        encode(tiny_store, MODEL, tiny_atlas, quiet=True)


def small_store(path: Path, n: int, labels: list[str | None] | None = None) -> Path:
    """A store with nulls wherever a file may lack something."""
    rng = np.random.default_rng(1)
    path.mkdir()
    writer = StoreWriter(path, n, fractional_background=True)
    if n:
        sensitivity = np.tile(1e6 * grid.BIN_WIDTHS, (n, 1)).astype(np.float32)
        sensitivity[0, :20] = 0  # a blind region
        counts = rng.poisson(2.0, (n, grid.N_BINS)).astype(np.uint32)
        counts[1] = 0  # nothing at all
        ratio = np.full(n, 0.05, np.float32)
        ratio[2] = 0  # no background
        area = np.full((n, grid.N_TRUE), 1000.0, np.float32)
        background = rng.random((n, grid.N_BINS)).astype(np.float32)
        writer.write(0, Block(counts, background, ratio, sensitivity, area, np.zeros(n, np.int32)))
    table = pd.DataFrame({"detection_id": np.arange(n), "source_id": np.arange(n), "response_is_standin": False})
    table["counts"] = 1
    if labels is not None:
        table["class_label"] = pd.Series(labels, dtype="str")
    perfect = (grid.overlap_matrix(grid.TRUE_EDGES, grid.BIN_EDGES) / grid.TRUE_WIDTHS[:, None]).T
    writer.finish(table, redistribution=perfect[None], responses=["r"], provenance={})
    return path


@pytest.mark.parametrize("likelihood", get_args(Likelihood))
def test_poor_spectra_encode_to_finite_latents(tmp_path: Path, likelihood: Likelihood) -> None:
    shipped = TrainedModel.load(MODEL)
    model = TrainedModel(replace(shipped.config, likelihood=likelihood), shipped.weights).save(tmp_path / "model")
    atlas = Atlas.open(encode(small_store(tmp_path / "store", 6), model, tmp_path / "atlas", quiet=True))
    assert atlas.meta["likelihood"] == likelihood
    assert np.isfinite(atlas.latents).all()
    assert (atlas.sigmas > 0).all()
    assert atlas.catalogue["amplitude"].iloc[1] == 0
    assert np.isfinite(atlas.catalogue["cstat_z"].to_numpy()).all()
    assert not atlas.simulated
    blind = atlas.spectrum(0)
    assert np.isnan(blind.unfolded[:20]).all()
    assert np.isfinite(blind.unfolded[20:]).all()
    assert np.isnan(blind.exposure_s)
    assert len(atlas.trajectory(3)) == 1


def test_an_empty_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no spectra"):
        encode(small_store(tmp_path / "store", 0), MODEL, tmp_path / "atlas", quiet=True)


def test_missing_labels_are_filled_with_what_they_mean(tmp_path: Path) -> None:
    def labels(name: str, given: list[str | None] | None) -> list[str]:
        store = small_store(tmp_path / name, 3, given)
        return (
            Atlas.open(encode(store, MODEL, tmp_path / f"{name}_atlas", quiet=True)).catalogue["class_label"].tolist()
        )

    assert labels("never_matched", None) == [UNCLASSIFIED] * 3
    assert labels("matched", ["AGN", None, "Star"]) == ["AGN", NO_MATCH, "Star"]


@pytest.mark.parametrize(("dimension", "agreement"), [(1, 0.8), (2, 0.95), (3, 0.95)])
def test_rarity_ranks_by_density(dimension: int, agreement: float) -> None:
    mu = np.random.default_rng(3).normal(size=(8000, dimension)).astype(np.float32)
    mu[0] = 6.0
    score = rarity(mu, np.full_like(mu, 0.15))
    assert score[0] > 99.9
    assert score.min() >= 0
    assert score.max() <= 100
    assert score.mean() == pytest.approx(50, abs=0.1)
    # The truth is known: density falls with the radius.
    radius = (mu**2).sum(1)
    assert np.corrcoef(np.argsort(np.argsort(radius)), score)[0, 1] > agreement
    assert rarity(mu[:1], mu[:1] ** 2).tolist() == [0.0]
