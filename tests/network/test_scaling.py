from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae.network import scale_input
from vae.network.scaling import standardised_log_energy
from vae.spectra import grid

SENSITIVITY = 1e7 * grid.BIN_WIDTHS * np.exp(-(np.log(grid.BIN_CENTRES / 1.5) ** 2))


def draw(rng: np.random.Generator, n: int, factor: float = 1.0) -> tuple[np.ndarray, ...]:
    source = 2e-4 * factor * grid.BIN_CENTRES**-1.7 * SENSITIVITY
    ratio = rng.uniform(0.02, 0.4, n)
    background = rng.poisson(np.full((n, grid.N_BINS), 2.0))
    return rng.poisson(source, (n, grid.N_BINS)), background, ratio, np.tile(SENSITIVITY, (n, 1))


def test_numpy_and_torch_agree() -> None:
    arrays = draw(np.random.default_rng(0), 20)
    tensors = [torch.tensor(values, dtype=torch.float32) for values in arrays]
    np.testing.assert_allclose(scale_input(*tensors, xp=torch).numpy(), scale_input(*arrays), atol=2e-6)


@settings(deadline=None, max_examples=25)
@given(exposure=st.floats(1e-3, 1e3))
def test_input_does_not_know_the_exposure(exposure: float) -> None:
    arrays = draw(np.random.default_rng(1), 5)
    longer = (*arrays[:3], arrays[3] * exposure)
    np.testing.assert_allclose(scale_input(*longer), scale_input(*arrays), rtol=1e-4, atol=1e-5)


def test_noise_free_input_does_not_know_the_flux() -> None:
    flat = 2e-4 * grid.BIN_CENTRES**-1.7 * SENSITIVITY
    none, ratio = np.zeros((1, grid.N_BINS)), np.zeros(1)
    faint, bright = (scale_input(f * flat[None] * 300, none, ratio, SENSITIVITY[None]) for f in (1, 100))
    np.testing.assert_allclose(faint, bright, rtol=1e-5)


def test_negative_net_counts_stay_negative() -> None:
    counts, background, ratio, sensitivity = draw(np.random.default_rng(3), 10)
    counts[:, 200:] = 0
    background[:, 200:] = 5
    x = scale_input(counts, background, ratio, sensitivity)
    assert (x[:, 200:] < 0).all()


def test_scale_follows_the_formula() -> None:
    counts, background, ratio, sensitivity = draw(np.random.default_rng(4), 6, factor=0.01)
    for row in range(6):
        net = counts[row] - ratio[row] * background[row]
        scale = max(net.sum(), 3 * np.sqrt(counts[row].sum())) / (sensitivity[row] / grid.BIN_CENTRES).sum()
        expected = np.arcsinh(grid.BIN_CENTRES * net / sensitivity[row] / scale)
        got = scale_input(*(values[row : row + 1] for values in (counts, background, ratio, sensitivity)))[0]
        np.testing.assert_allclose(got, expected, rtol=2e-5, atol=1e-6)


def test_empty_spectra_and_blind_bins_are_finite() -> None:
    zero = np.zeros((2, grid.N_BINS))
    sensitivity = np.tile(SENSITIVITY, (2, 1))
    sensitivity[1] = 0
    counts = zero.copy()
    counts[1] = 3
    x = scale_input(counts, zero, np.zeros(2), sensitivity)
    assert np.isfinite(x).all()
    assert (x == 0).all()


def test_log_energy_is_standardised_over_the_range() -> None:
    energies = np.exp(np.linspace(np.log(0.3), np.log(10), 20001))
    x = standardised_log_energy(energies)
    assert abs(x.mean()) < 1e-4
    assert abs(x.std() - 1) < 1e-3
