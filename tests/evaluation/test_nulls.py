"""Nulls fit what they describe, and only that."""

from __future__ import annotations

import numpy as np
import pytest

from vae.evaluation.nulls import folded, null_statistics, power_law, summary
from vae.spectra import grid
from vae.spectra.background import background_template
from vae.spectra.store import Block


def _block(photons: np.ndarray, n: int, net: float, seed: int = 0) -> tuple[Block, np.ndarray]:
    """Spectra of one shape through a flat area and a Gaussian redistribution."""
    rng = np.random.default_rng(seed)
    sigma = grid.fwhm_kev(grid.TRUE_CENTRES) / 2.3548
    matrix = np.exp(-0.5 * ((grid.BIN_CENTRES[:, None] - grid.TRUE_CENTRES) / sigma) ** 2)
    matrix = (matrix * grid.BIN_WIDTHS[:, None] / (sigma * np.sqrt(2 * np.pi)))[None]
    empty = Block(
        counts=np.zeros((n, grid.N_BINS), np.uint32),
        background_counts=np.zeros((n, grid.N_BINS), np.uint32),
        background_ratio=np.full(n, 0.05, np.float32),
        sensitivity=np.ones((n, grid.N_BINS), np.float32),
        area=np.full((n, grid.N_TRUE), 800.0, np.float32),
        response_index=np.zeros(n, np.int32),
    )
    shape = folded(photons, empty, matrix)
    template = background_template(None, None)
    background = 40.0 * template / template.sum()
    empty.counts = rng.poisson(shape / shape.sum(1, keepdims=True) * net + background)
    empty.background_counts = rng.poisson(np.broadcast_to(background / 0.05, shape.shape))
    return empty, matrix


def test_best_absorbed_power_law_fits_an_absorbed_power_law() -> None:
    block, matrix = _block(power_law(1.75, 0.4), 60, 1500.0)
    z = null_statistics(block, matrix)
    assert abs(np.median(z["best_absorbed_power_law"])) < 0.5
    assert np.std(z["best_absorbed_power_law"]) == pytest.approx(1.0, abs=0.35)
    assert np.median(z["background_only"]) > 50
    assert np.median(z["fixed_power_law"]) > 5


def test_fixed_power_law_fits_its_own_index() -> None:
    block, matrix = _block(power_law(1.9), 60, 800.0, seed=1)
    z = null_statistics(block, matrix)
    assert abs(np.median(z["fixed_power_law"])) < 0.5


def test_summary_counts_rows_without_a_value_as_misfits() -> None:
    assert summary(np.array([0.0, 1.0, np.nan, 5.0])) == {"median_z": 1.0, "fraction_within_3": 0.5}
