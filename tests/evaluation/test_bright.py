"""Fits find what is there; a wrong encoder and a decoder that cannot are told apart; misfits are located."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae.evaluation.absorbed_fit import fit_absorbed_power_law, response_of
from vae.evaluation.bright import band_misfits, bright_spectra
from vae.evaluation.expected import usual_background
from vae.evaluation.latent_fit import best_position, loneliness
from vae.evaluation.missing import missing_feature
from vae.evaluation.nulls import null_statistics, power_law
from vae.network.arithmetic import fold_by_response
from vae.spectra import grid
from vae.spectra.background import background_template
from vae.spectra.statistics import cstat_z
from vae.spectra.store import Block, SpectraStore

ENERGIES = grid.TRUE_CENTRES


class Slopes:
    """A model whose two axes are the slopes below and above 2 keV, and whose encoder always answers `answer`."""

    def __init__(self, answer: tuple[float, float]) -> None:
        self.answer = answer
        self.energies = ENERGIES

    def encode_arrays(self, counts: Any, *_: Any) -> tuple[np.ndarray, np.ndarray]:
        return np.tile(self.answer, (len(counts), 1)), np.full((len(counts), 2), 0.1)

    def decode(self, z: Any, energies_keV: Any | None = None) -> np.ndarray:
        energy = self.energies if energies_keV is None else np.asarray(energies_keV)
        low, high = np.minimum(energy / 2, 1.0), np.maximum(energy / 2, 1.0)
        soft, hard = np.asarray(z)[:, :1], np.asarray(z)[:, 1:]
        return np.asarray(low ** -(2 + soft) * high ** -(2 + hard))

    def fold(self, shape: Any, **setup: Any) -> np.ndarray:
        names = ("area", "response_index", "redistribution", "sensitivity")
        return fold_by_response(np.asarray(shape, np.float32), *(setup[name] for name in names), None)


def _observed(photons: np.ndarray, net: float, seed: int = 0) -> tuple[Block, np.ndarray]:
    """Return one spectrum through a flat area and a Gaussian redistribution; `photons` per keV."""
    rng = np.random.default_rng(seed)
    sigma = grid.fwhm_kev(ENERGIES) / 2.3548
    matrix = np.exp(-0.5 * ((grid.BIN_CENTRES[:, None] - ENERGIES) / sigma) ** 2)
    matrix = (matrix * grid.BIN_WIDTHS[:, None] / (sigma * np.sqrt(2 * np.pi)))[None]
    shape = matrix[0] @ (800.0 * photons * grid.TRUE_WIDTHS)
    background = background_template() / background_template().sum() * 40.0
    block = Block(
        counts=rng.poisson(shape / shape.sum() * net + background)[None],
        background_counts=rng.poisson(background / 0.05)[None],
        background_ratio=np.array([0.05], np.float32),
        sensitivity=(matrix[0] @ (800.0 * grid.TRUE_WIDTHS))[None] * 1e4,
        area=np.full((1, grid.N_TRUE), 800.0, np.float32),
        response_index=np.zeros(1, np.int32),
    )
    return block, matrix


@pytest.mark.parametrize(("index", "column"), [(1.8, 0.05), (2.6, 2.0), (0.9, 0.0)])
def test_the_fit_finds_index_column_and_flux(index: float, column: float) -> None:
    block, matrix = _observed(power_law(index, column) / grid.TRUE_WIDTHS, 20_000.0)
    fit = fit_absorbed_power_law(block, matrix)[0]
    assert fit.index == pytest.approx(index, abs=0.06)
    assert fit.nh_1e22 == pytest.approx(column, abs=0.02 + 0.05 * column)
    assert abs(fit.cstat_z) < 3
    counts = 1e4 * matrix[0] @ (800.0 * power_law(index, column))
    assert fit.amplitude == pytest.approx(20_000.0 / counts.sum(), rel=0.1)
    assert fit.cstat_z <= null_statistics(block, matrix)["best_absorbed_power_law"][0] + 0.01


def test_a_wrong_encoder_is_told_from_a_decoder_that_cannot() -> None:
    cloud = np.random.default_rng(1).normal(0, 1, (500, 2))
    model = Slopes((0.0, 0.0))
    within, matrix = _observed(model.decode(np.array([[0.7, -0.9]]))[0], 20_000.0)
    found = best_position(model, within, matrix, np.zeros((1, 2)), cloud)[0]
    np.testing.assert_allclose(found.z, (0.7, -0.9), atol=0.1)
    assert abs(found.cstat_z) < 3
    line = np.exp(-0.5 * ((ENERGIES - 5.0) / 0.05) ** 2)
    beyond, _ = _observed(model.decode(np.array([[0.7, -0.9]]))[0] + 3 * line, 20_000.0)
    assert best_position(model, beyond, matrix, np.zeros((1, 2)), cloud)[0].cstat_z > 10


@pytest.mark.parametrize(("kind", "kev", "strength"), [("edge", 0.74, 0.8), ("line", 2.2, 0.04)])
def test_the_feature_that_a_model_lacks_is_named(kind: str, kev: float, strength: float) -> None:
    plain = ENERGIES**-1.7
    if kind == "edge":
        photons = plain * np.exp(-strength * np.where(ENERGIES > kev, (ENERGIES / kev) ** -3, 0.0))
    else:  # of all photons between 0.3 and 10 keV, 3.03 in these units, the area being flat
        nearest = np.abs(ENERGIES - kev).argmin()
        photons = plain.copy()
        photons[nearest] += 3.03 * strength / grid.TRUE_WIDTHS[nearest]
    block, matrix = _observed(photons, 50_000.0)
    background = usual_background(block)[0]
    response = response_of(block, 0, matrix)
    source = response @ plain
    source *= (block.counts[0].sum() - background.sum()) / source.sum()
    found = missing_feature(block.counts[0], source, background, response)
    assert found.kind == kind
    assert found.kev == pytest.approx(kev, rel=0.03)
    assert found.gain > 100
    assert abs(found.cstat_z) < 4
    assert found.strength == pytest.approx(strength, rel=0.2)


def test_nothing_is_missing_from_a_right_model() -> None:
    block, matrix = _observed(ENERGIES**-1.7, 5000.0)
    background, response = usual_background(block)[0], response_of(block, 0, matrix)
    assert missing_feature(block.counts[0], response @ ENERGIES**-1.7, background, response).gain < 20


def test_misfits_are_located_and_signed() -> None:
    expected = np.full(grid.N_BINS, 50.0)
    true = expected.copy()
    true[(grid.BIN_CENTRES >= 2.0) & (grid.BIN_CENTRES < 4.5)] *= 1.3
    bands = band_misfits(np.random.default_rng(0).poisson(true), expected)
    assert bands["2-4.5"]["z"] > 5
    assert bands["2-4.5"]["ratio"] == pytest.approx(1.3, abs=0.05)
    assert all(abs(band["z"]) < 4 for name, band in bands.items() if name != "2-4.5")


def test_positions_off_the_archive_are_lonely() -> None:
    cloud = np.random.default_rng(0).normal(0, 1, (3000, 2))
    assert loneliness(np.array([[0.0, 0.0], [9.0, 9.0]]), cloud).tolist() == [pytest.approx(0, abs=10), 100.0]
    assert np.isfinite(loneliness(np.zeros((1, 2)), np.zeros((1, 2)))).all()  # an archive of one


def test_bright_spectra_of_a_store_are_judged_one_by_one(tiny_store: Path) -> None:
    store = SpectraStore.open(tiny_store)
    cloud = np.random.default_rng(0).normal(0, 1, (500, 2))
    rows, arrays = bright_spectra(Slopes((3.0, -3.0)), store, cloud, most=6)
    assert [row["net_counts"] for row in rows] == sorted(store.detections["net_counts"], reverse=True)[:6]
    misfits = [row for row in rows if "why" in row]
    assert misfits  # the encoder's answer is absurd
    assert arrays["detection_id"].tolist() == [row["detection_id"] for row in misfits]
    for place, row in enumerate(misfits):
        assert row["best_latent_z"] < row["model_z"]
        assert row["loneliness"] > 99
        assert row["why"].startswith(("the encoder", "mostly the encoder", "the decoder"))
        z = cstat_z(arrays["counts"][place], arrays["fit"][place])
        assert z == pytest.approx(row["fit_z"])
        assert len(row["worst"]) == 5
        assert row["missing"]["gain"] >= 0
    assert bright_spectra(Slopes((0, 0)), store, cloud, least_net=1e12)[0] == []
