"""Ranks are uniform where sigma is right; exact posteriors are those of the analytic model."""

from __future__ import annotations

import numpy as np
import pytest
from linear_model import PATTERNS, TILT, LinearModel, archive

from vae.errors import ExplorerError
from vae.evaluation.exact_posterior import exact_posterior
from vae.evaluation.ranks import against_exact, rank_calibration, rank_figures, spectra_of_the_model

NONE = np.zeros((1, 1, 1))


class Leaning(LinearModel):
    """Both latents act along one pattern as well, which makes their posterior lean."""

    def decode(self, z: object, energies_keV: object | None = None) -> np.ndarray:
        z = np.asarray(z, np.float64)
        return np.maximum(1.0 + TILT * ((z[:, :1] + 0.8 * z[:, 1:]) * PATTERNS[0] + 0.6 * z[:, 1:] * PATTERNS[1]), 1e-3)


def test_ranks_tell_whether_sigma_is_right() -> None:
    model = LinearModel()
    known = spectra_of_the_model(model, archive(300, 2000.0, background=60.0), NONE, 2, n=200)
    assert known.z.std() == pytest.approx(1.0, abs=0.1)
    net = known.block.counts.sum(axis=1) - 0.1 * known.block.background_counts.sum(axis=1)
    assert net.mean() == pytest.approx(2000.0, rel=0.02)
    bare = spectra_of_the_model(model, archive(300, 2000.0), NONE, 2, n=1200)
    right, arrays = rank_calibration(model, bare)
    wrong, _ = rank_calibration(LinearModel(0.6), bare)
    for axis in (0, 1):
        assert right["ks"][axis] < 1.3 * right["ks_if_right"]
        assert right["coverage_68"]["value"][axis] == pytest.approx(0.683, abs=0.05)
        assert right["width"]["value"][axis] == pytest.approx(1.0, abs=0.06)
        assert wrong["ks_p"][axis] < 1e-6
        assert wrong["coverage_68"]["value"][axis] < 0.5
    assert arrays["histogram"].sum(axis=1) == pytest.approx([20.0, 20.0])


def test_uniform_ranks_pass_and_others_do_not() -> None:
    uniform = np.random.default_rng(0).random((2000, 1))
    figures, _ = rank_figures(uniform)
    assert figures["ks"][0] < figures["ks_if_right"]
    assert "width" not in figures
    assert rank_figures(uniform**1.3)[0]["chi2_p"][0] < 1e-6


@pytest.mark.parametrize("net", [400.0, 30_000.0])
def test_exact_posterior_is_the_analytic_one(net: float) -> None:
    block = archive(12, net, seed=2)
    mu, sigma = LinearModel().encode_arrays(block.counts)
    exact = exact_posterior(LinearModel(), block, NONE)
    assert exact.resolved.all()
    # The analytic one neglects terms of order TILT z.
    off = np.abs(exact.mean - mu) / sigma
    assert np.median(off) < 0.15
    assert off.max() < 0.5
    assert np.median(exact.sigma / sigma) == pytest.approx(1.0, abs=0.04)
    assert np.abs(exact.correlation).max() < 0.4


def test_encoder_is_held_against_the_exact_posterior() -> None:
    block = archive(30, 1500.0, seed=3)
    known = spectra_of_the_model(LinearModel(), block, NONE, 2, n=30, seed=1)
    right, arrays = against_exact(LinearModel(), known.block, NONE, at=known.z)
    assert right["unresolved"] == 0
    assert right["sigma_ratio"]["value"] == pytest.approx([1.0, 1.0], abs=0.04)
    assert abs(right["gap_nats"]["value"]) < 0.05
    assert right["exact"]["spectra"] == right["encoder"]["spectra"] == 30
    assert arrays["exact_histogram"].shape == (2, 20)
    narrow, _ = against_exact(LinearModel(0.5), known.block, NONE, at=known.z)
    assert narrow["sigma_ratio"]["value"] == pytest.approx([0.5, 0.5], abs=0.02)
    # KL of N(0, 1/4) from N(0, 1), twice.
    assert narrow["gap_nats"]["value"] == pytest.approx(2 * (np.log(2) - 0.375), abs=0.12)


def test_a_leaning_posterior_is_found_to_lean() -> None:
    model = Leaning()
    block = spectra_of_the_model(model, archive(20, 3000.0), NONE, 2, n=8).block
    exact = exact_posterior(model, block, NONE)
    information = 3000.0 * TILT**2 * np.array([[1.0, 0.8], [0.8, 1.0]]) + np.eye(2)
    covariance = np.linalg.inv(information)
    assert exact.correlation == pytest.approx(covariance[0, 1] / covariance[0, 0], abs=0.08)
    assert np.median(exact.sigma, axis=0) == pytest.approx(np.sqrt(np.diag(covariance)), rel=0.1)


def test_what_cannot_be_asked_is_said() -> None:
    with pytest.raises(ExplorerError, match="lend its setup"):
        spectra_of_the_model(LinearModel(), archive(5, 20.0), NONE, 2, n=10)
    with pytest.raises(ExplorerError, match="two dimensions"):
        exact_posterior(LinearModel(), archive(2, 500.0), NONE, at=np.zeros((2, 8)))

    class Eight(LinearModel):
        def encode_arrays(self, counts: object, *_: object) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros((len(counts), 8)), np.ones((len(counts), 8))  # type: ignore[arg-type]

    figures, arrays = against_exact(Eight(), archive(3, 500.0), NONE)
    assert "8" in figures["left_out"]
    assert not arrays
