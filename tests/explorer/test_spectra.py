from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from explorer.tools import spectra
from vae.atlas import Atlas, Decoded, Spectrum
from vae.spectra import grid
from vae.spectra.statistics import cstat


@pytest.fixture(scope="module")
def spectrum(tiny_atlas: Path) -> Spectrum:
    atlas = Atlas.open(tiny_atlas)
    return atlas.spectrum(int(atlas.catalogue["detection_id"].iat[int(np.argmax(atlas.catalogue["counts"]))]))


@pytest.fixture(scope="module")
def faint(tiny_atlas: Path) -> Spectrum:
    atlas = Atlas.open(tiny_atlas)
    return atlas.spectrum(int(atlas.catalogue["detection_id"].iat[int(np.argmin(atlas.catalogue["counts"]))]))


@given(
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=60),
    least=st.sampled_from([0.0, 1.0, 3.0, 5.0, 10.0]),
)
def test_regrouping_keeps_every_count_and_reaches_the_ratio(counts: list[int], least: float) -> None:
    values = np.array(counts, float)
    groups = spectra.regroup(values, values, least)
    total = groups.sum(values)
    assert total.sum() == values.sum()
    assert groups.starts[0] == 0
    assert (np.diff(groups.starts) > 0).all()
    if least == 0:
        assert len(total) == len(values)
    # All but the last reach it, and none could have ended a bin earlier.
    assert (np.sqrt(total[:-1]) >= least - 1e-9).all()
    if least > 0:
        shorter = [values[a : b - 1].sum() for a, b in zip(groups.starts, groups.stops, strict=True)]
        assert all(np.sqrt(total_) < least for total_ in shorter[:-1])


def test_widest_group_is_limited() -> None:
    nothing = np.zeros(grid.N_BINS)
    groups = spectra.regroup(nothing, nothing, 3.0, energy_edges=grid.BIN_EDGES, max_dex=0.1)
    edges = np.log10(grid.BIN_EDGES)
    assert (edges[groups.stops] - edges[groups.starts] <= 0.1).all()


def test_points_carry_the_exact_poisson_interval(spectrum: Spectrum) -> None:
    data = spectra.spectrum_data(spectrum, 3.0)
    width, n = data["hi"] - data["lo"], data["counts"]
    assert n.sum() == spectrum.counts.sum()
    # Gehrels (1986): limits are chi-square quantiles of 2n and 2n + 2 degrees of freedom.
    np.testing.assert_allclose(data["y_lo"] * width, chi2.ppf(0.158655, 2 * n) / 2, rtol=1e-4)
    np.testing.assert_allclose(data["y_hi"] * width, chi2.ppf(0.841345, 2 * n + 2) / 2, rtol=1e-4)
    np.testing.assert_allclose(data["y"] * width, n)
    np.testing.assert_allclose(data["expected"].sum(), spectrum.reconstruction.sum())
    np.testing.assert_array_equal(data["hi"][:-1], data["lo"][1:])


def test_residuals_add_up_to_cstat(spectrum: Spectrum) -> None:
    data = spectra.spectrum_data(spectrum, 0.0)
    np.testing.assert_allclose(np.sum(data["residual"] ** 2), cstat(spectrum.counts, spectrum.reconstruction))
    assert (np.sign(data["residual"]) == np.sign(data["counts"] - data["expected"])).all()


def test_residuals_beyond_the_edge_are_marked_not_lost(spectrum: Spectrum) -> None:
    counts = spectrum.counts.copy()
    counts[50] = 1000 + 20 * int(spectrum.reconstruction[50])
    data = spectra.spectrum_data(replace(spectrum, counts=counts), 0.0)
    assert data["beyond"][50] == 1
    assert data["residual"][50] > spectra.RESIDUAL_LIMIT
    assert data["residual_shown"][50] == spectra.RESIDUAL_LIMIT


@pytest.mark.parametrize("which", ["spectrum", "faint"])
def test_unfolded_groups_equal_net_counts_over_sensitivity(which: str, request: pytest.FixtureRequest) -> None:
    one: Spectrum = request.getfixturevalue(which)
    data = spectra.unfolded_data(one, 3.0)
    stops = np.searchsorted(grid.BIN_EDGES, data["hi"])
    starts = np.searchsorted(grid.BIN_EDGES, data["lo"])
    net = one.counts - one.background_ratio * one.background_counts.astype(float)
    for i, (a, b) in enumerate(zip(starts, stops, strict=True)):
        total = net[a:b].sum()
        error = np.sqrt(one.counts[a:b].sum() + one.background_ratio**2 * one.background_counts[a:b].sum())
        if total > error:
            expected = data["mid"][i] ** 2 * total / one.sensitivity[a:b].sum()
            assert data["y"][i] == pytest.approx(expected, rel=1e-5)
            assert data["y_lo"][i] < data["y"][i] < data["y_hi"][i]
        else:
            assert data["is_limit"][i]
            assert np.isnan(data["y"][i])
            assert data["y_hi"][i] > 0


def test_steps_follow_the_bins_and_hold_the_band(spectrum: Spectrum) -> None:
    steps = spectra.model_steps(spectrum)
    assert steps["e"][0] == 0.3
    assert steps["e"][-1] == 10.0
    integral = np.sum(steps["model"][::2] * np.diff(steps["e"])[::2])
    assert integral == pytest.approx(spectrum.reconstruction.sum())
    assert (steps["band_lo"] <= steps["band_hi"]).all()


def test_reconstruction_is_unfolded_like_the_data(spectrum: Spectrum) -> None:
    perfect = replace(
        spectrum, counts=spectrum.reconstruction, background_counts=spectrum.expected_background, background_ratio=1.0
    )
    data, steps = spectra.unfolded_data(perfect, 0.0), spectra.unfolded_steps(perfect)
    known = ~data["is_limit"]
    assert known.any()
    np.testing.assert_allclose(data["y"][known], steps["model"][::2][known], rtol=1e-5)
    assert np.isnan(steps["background"]).all()


def test_axis_holds_every_point_and_two_decades(spectrum: Spectrum, faint: Spectrum) -> None:
    for one in (spectrum, faint):
        data, steps = spectra.spectrum_data(one), spectra.model_steps(one)
        low, high = spectra.display_range(data, steps)
        assert high >= 100 * low * (1 - 1e-9)
        assert high > data["y_hi"].max()
        assert low > 0


def test_decoded_shape_has_maximum_one() -> None:
    shape = np.linspace(1, 2, grid.N_BINS)
    decoded = Decoded(grid.BIN_CENTRES, shape, 0.5 * shape, 1.5 * shape, np.ones(2))
    steps = spectra.decoded_steps(grid.BIN_EDGES, decoded)
    assert steps["model"].max() == 1.0
    np.testing.assert_allclose(steps["band_lo"], 0.5 * steps["model"])
    np.testing.assert_allclose(steps["band_hi"], 1.5 * steps["model"])
    assert np.isnan(steps["decoded"]).all()


def test_sparkline_follows_density_over_three_decades() -> None:
    flat = np.diff(grid.BIN_EDGES)
    assert set(spectra.sparkline(grid.BIN_EDGES, flat)) == {1.0}
    assert set(spectra.sparkline(grid.BIN_EDGES, 0 * flat)) == {0.0}
    tilted = spectra.sparkline(grid.BIN_EDGES, flat * np.geomspace(1, 1e-6, grid.N_BINS))
    assert tilted[0] > tilted[5] > tilted[-1] == 0.0
    assert len(tilted) <= spectra.SPARK_GROUPS
