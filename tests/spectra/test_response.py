from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from ogip_files import E_MAX, E_MIN, ENERGY, N_CHANNELS, gaussian_matrix, write_pha, write_rmf
from scipy.sparse import csr_array, eye_array

from vae.errors import OgipError
from vae.spectra import grid, response
from vae.spectra.ogip import Arf, Rmf, read_pha, read_rmf


def make_arf(energy: np.ndarray = ENERGY, area: np.ndarray | float = 500.0) -> Arf:
    return Arf(Path("a.arf"), energy[:-1], energy[1:], np.broadcast_to(area, (energy.size - 1,)).astype(float))


def make_rmf(energy: np.ndarray = ENERGY, matrix: np.ndarray | None = None) -> Rmf:
    dense = gaussian_matrix(energy) if matrix is None else matrix
    return Rmf(Path("r.rmf"), energy[:-1], energy[1:], np.arange(N_CHANNELS), E_MIN, E_MAX, csr_array(dense))


@given(photons=arrays(float, (3, 50), elements=st.floats(0, 1e6)), area=arrays(float, 50, elements=st.floats(0, 2000)))
def test_an_identity_response_gives_photons_times_area(photons, area):
    edges = np.linspace(0.3, 10, 51)
    low, high = edges[:-1], edges[1:]
    rmf = Rmf(Path("r"), low, high, np.arange(50), low, high, csr_array(eye_array(50)))
    np.testing.assert_allclose(response.fold(photons, Arf(Path("a"), low, high, area), rmf), photons * area)


def test_fold_keeps_every_photon_that_the_matrix_keeps():
    rate = response.fold(lambda energy: energy**-2.0, make_arf(), make_rmf())
    kept = gaussian_matrix().sum(axis=1)
    want = 500 * (1 / ENERGY[:-1] - 1 / ENERGY[1:]) @ kept
    assert rate.sum() == pytest.approx(want, rel=1e-6)


def test_a_density_and_its_integrals_fold_alike():
    index = 1.7
    integrals = (ENERGY[:-1] ** (1 - index) - ENERGY[1:] ** (1 - index)) / (index - 1)
    by_density = response.fold(lambda energy: energy**-index, make_arf(), make_rmf())
    np.testing.assert_allclose(by_density, response.fold(integrals, make_arf(), make_rmf()), rtol=1e-9)


def test_sensitivity_is_the_counts_of_a_flat_spectrum():
    arf, rmf = make_arf(area=np.linspace(100, 900, 80)), make_rmf()
    counts = 2000.0 * response.fold(lambda energy: np.ones_like(energy), arf, rmf)
    binned = grid.bin_channels(counts, rmf.membership)
    np.testing.assert_allclose(response.sensitivity(arf, rmf, 2000.0), binned, rtol=1e-10)


def test_folding_on_the_stored_grids_approaches_the_native_fold():
    energy = grid.STANDARD_EDGES
    arf, rmf = make_arf(energy, 100 + 50 * np.sqrt(energy[1:])), make_rmf(energy, gaussian_matrix(energy, fwhm=0.06))
    native = grid.bin_channels(response.fold(lambda e: e**-1.7, arf, rmf), rmf.membership)
    low, high = grid.TRUE_EDGES[:-1], grid.TRUE_EDGES[1:]
    photons = (low**-0.7 - high**-0.7) / 0.7
    stored = response.redistribution_on_true_grid(rmf) @ (response.area_on_true_grid(arf) * photons)
    assert stored.shape == (238,)
    np.testing.assert_allclose(stored, native, rtol=5e-3)


def test_area_on_another_grid_conserves_its_integral():
    rng = np.random.default_rng(1)
    fine = make_arf(np.geomspace(0.2, 12, 700), rng.uniform(0, 900, 699))
    rmf = make_rmf()
    area = response.area_on(fine, rmf)
    width = np.diff(ENERGY)
    assert (area * width).sum() == pytest.approx((fine.area * (fine.energy_hi - fine.energy_lo)).sum(), rel=1e-9)
    overlap = grid.overlap_matrix(np.append(fine.energy_lo, fine.energy_hi[-1]), ENERGY)
    np.testing.assert_allclose(area, fine.area @ overlap / width, rtol=1e-9)


def test_grids_that_differ_in_the_first_edge_only_are_the_same_grid():
    area = np.random.default_rng(2).uniform(100, 900, 80)
    arf = make_arf(area=area)
    first = arf.energy_lo.copy()
    first[0] = 0.0
    np.testing.assert_array_equal(response.area_on(replace(arf, energy_lo=first), make_rmf()), area)


def test_outside_the_arf_there_is_no_area():
    short = make_arf(np.linspace(1.0, 2.0, 11))
    area = response.area_on(short, make_rmf())
    assert np.all(area[(ENERGY[1:] <= 1.0) | (ENERGY[:-1] >= 2.0)] == 0)
    assert area.max() == pytest.approx(500.0)


def test_an_area_folded_in_separates_without_changing_the_fold():
    area = np.linspace(100, 900, 80)
    folded = make_rmf(matrix=gaussian_matrix() * area[:, None])
    arf, rmf = response.separate(replace(folded, has_area=True))
    np.testing.assert_allclose(arf.area, area * gaussian_matrix().sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(
        response.fold(lambda e: e**-1.5, arf, rmf),
        response.fold(lambda e: e**-1.5, make_arf(area=area), make_rmf()),
        rtol=1e-9,
    )
    assert not rmf.has_area


def test_unfolding_and_its_error_by_hand():
    counts, background = np.array([[9.0, 4.0, 0.0]]), np.array([[10.0, 0.0, 0.0]])
    unfolded, error = response.unfold(counts, background, np.array([0.5]), np.array([[2.0, 4.0, 0.0]]))
    np.testing.assert_allclose(unfolded, [[2.0, 1.0, np.nan]])
    np.testing.assert_allclose(error, [[np.sqrt(9 + 2.5) / 2, 0.5, np.nan]])


def test_unfolding_scatters_as_its_error_says():
    rng = np.random.default_rng(3)
    c, b = rng.poisson(40.0, (4000, 5)), rng.poisson(100.0, (4000, 5))
    unfolded, error = response.unfold(c, b, np.full(4000, 0.2), np.full((4000, 5), 7.0))
    pull = (unfolded - 20 / 7) / error
    assert abs(pull.mean()) < 0.1  # sqrt(C) is smaller where C is
    assert pull.std() == pytest.approx(1.0, abs=0.05)


# Channels of a spectrum against channels of a response


@pytest.mark.parametrize(("first_pha", "first_rmf"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_channels_match_by_number_or_by_place(tmp_path, first_pha, first_rmf):
    counts = np.random.default_rng(4).integers(0, 9, N_CHANNELS)
    pha = read_pha(write_pha(tmp_path / "a", counts, first=first_pha))
    rmf = read_rmf(write_rmf(tmp_path / "r", first=first_rmf))
    np.testing.assert_array_equal(response.bin_counts(pha, rmf), grid.bin_channels(counts, rmf.membership))


def test_a_spectrum_of_part_of_the_channels_is_used_where_it_covers_the_range(tmp_path):
    rmf = read_rmf(write_rmf(tmp_path / "r"))
    counts = np.ones(1050, int)
    assert response.bin_counts(read_pha(write_pha(tmp_path / "a", counts, first=20)), rmf).sum() == 970
    with pytest.raises(OgipError, match="lacks channels inside"):
        response.bin_counts(read_pha(write_pha(tmp_path / "b", counts[:900], first=20)), rmf)


def test_other_channels_do_not_fit(tmp_path):
    rmf = read_rmf(write_rmf(tmp_path / "r"))
    with pytest.raises(OgipError, match=r"0-4095 do not fit r, which has 0-1099.*--rmf"):
        response.bin_counts(read_pha(write_pha(tmp_path / "a", np.ones(4096, int))), rmf)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_binning_keeps_all_counts_in_range_and_the_matrix_alike(seed):
    """Counts and matrix go through one membership: what one bins, the other bins the same."""
    rng = np.random.default_rng(seed)
    e_min = np.cumsum(rng.uniform(0.00484, 0.00537, 2100)) - rng.uniform(0, 0.028)
    low, high = np.clip(e_min[:-1], 0, None), e_min[1:]
    dense = rng.random((4, low.size))
    rmf = Rmf(Path("r"), np.arange(4.0), np.arange(1.0, 5), np.arange(low.size), low, high, csr_array(dense))
    np.testing.assert_allclose(rmf.binned, grid.bin_channels(dense, rmf.membership).T)


def test_background_ratio_by_hand(tmp_path):
    source = read_pha(write_pha(tmp_path / "a", np.ones(5, int), EXPOSURE=100.0, BACKSCAL=8.0, AREASCAL=1.0))
    background = read_pha(write_pha(tmp_path / "b", np.ones(5, int), EXPOSURE=1000.0, BACKSCAL=4.0, AREASCAL=0.5))
    assert response.background_ratio(source, background) == pytest.approx(0.4)
