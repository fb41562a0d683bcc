"""Stacked residuals show what all reconstructions get wrong alike, and nothing where they are right."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.residuals import stacked, usual_groups
from vae.spectra import grid
from vae.spectra.store import Block


def _block(expected: np.ndarray, seed: int = 0) -> Block:
    n = len(expected)
    return Block(
        counts=np.random.default_rng(seed).poisson(expected),
        background_counts=np.zeros((n, grid.N_BINS)),
        background_ratio=np.zeros(n),
        sensitivity=np.ones((n, grid.N_BINS)),
        area=np.empty((n, 0)),
        response_index=np.zeros(n, np.int32),
    )


def test_right_models_scatter_like_poisson_and_a_wrong_band_stands_out() -> None:
    expected = np.full((400, grid.N_BINS), 3.0)
    wrong = np.arange(400) >= 200
    true = expected.copy()
    band = (grid.BIN_CENTRES >= 1.0) & (grid.BIN_CENTRES < 2.0)
    true[np.ix_(wrong, band)] *= 1.2
    metrics, arrays = stacked(_block(true), expected, {"right": ~wrong, "wrong": wrong})
    assert metrics["right"]["chi"] == pytest.approx(1.0, abs=0.15)
    assert metrics["right"]["even"] == pytest.approx(1.0, abs=0.15)
    assert metrics["right"]["p_value"] > 1e-3
    assert metrics["right"]["excess"] < 0.02
    assert metrics["wrong"]["chi"] > 2
    assert metrics["wrong"]["p_value"] < 1e-10
    assert 1.0 < metrics["wrong"]["worst_kev"] < 2.0
    assert metrics["wrong"]["bands"]["1-2"]["ratio"] == pytest.approx(1.2, abs=0.02)
    assert abs(metrics["wrong"]["bands"]["2-4.5"]["pull"]) < 4
    assert arrays["ratio"].shape == (2, grid.N_BINS)


def test_one_bright_spectrum_decides_the_sum_but_not_the_even_stack() -> None:
    expected = np.full((500, grid.N_BINS), 2.0)
    expected[0] = 20_000.0
    true = expected.copy()
    true[0, :40] *= 1.3
    metrics, _ = stacked(_block(true), expected, {"all": np.ones(500, bool)})
    assert metrics["all"]["chi"] > 10
    assert metrics["all"]["even"] < 2


def test_bins_without_expectation_do_not_divide_by_zero() -> None:
    expected = np.full((5, grid.N_BINS), 0.0)
    expected[:, 100:] = 5.0
    metrics, arrays = stacked(_block(expected), expected, {"all": np.ones(5, bool)})
    assert all(np.isfinite(values).all() for values in arrays.values())
    assert np.isfinite(metrics["all"]["chi"])


def test_groups_by_class_counts_and_period_of_the_response() -> None:
    net = np.repeat([500.0, 5000.0], 30)
    labels = np.where(np.arange(60) < 40, "Star", "")
    groups = usual_groups(net, labels, np.arange(60) % 2, ["epn_e2_ff20_sdY5_v19.0.rmf", "PN.rmf"])
    assert list(groups) == [
        "all",
        "class: Star",
        "net counts: 300-1000",
        "net counts: 1000-10000",
        "response: e2",
        "response: not canned",
    ]
    assert groups["response: e2"].sum() == 30
