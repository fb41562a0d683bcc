from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.spectra import grid


def test_edges_are_those_of_the_design():
    assert grid.BIN_EDGES_EV.size == 239
    picked = [0, 1, 2, 50, 100, 150, 200, 237, 238]
    assert grid.BIN_EDGES_EV[picked].tolist() == [300, 320, 340, 1515, 3170, 5260, 7790, 9940, 10000]
    widths = np.diff(grid.BIN_EDGES_EV)
    assert widths.min() >= 20
    assert widths.max() <= 65
    assert np.all(grid.BIN_EDGES_EV % 5 == 0)


def test_standard_grid_has_its_2067_bins_from_50_ev():
    assert grid.STANDARD_EDGES.size == 2068
    assert grid.STANDARD_EDGES[0] == 0.05
    assert np.all(np.diff(grid.STANDARD_EDGES) > 0)


def test_true_grid_is_made_of_standard_edges_and_covers_the_range():
    assert np.isin(grid.TRUE_EDGES, grid.STANDARD_EDGES).all()
    assert abs(grid.TRUE_EDGES[0] - 0.2) < 0.002
    assert grid.TRUE_EDGES[-1] >= 12.0
    assert np.all(grid.TRUE_WIDTHS <= 1.5 * np.minimum(0.02 * grid.TRUE_CENTRES, grid.fwhm_kev(grid.TRUE_CENTRES) / 4))


@pytest.mark.parametrize("name", ["BIN_EDGES", "BIN_EDGES_EV", "TRUE_EDGES", "BIN_CENTRES"])
def test_grids_cannot_be_changed_by_accident(name):
    with pytest.raises(ValueError, match="read-only"):
        getattr(grid, name)[0] = 1


def test_lower_edges_are_inclusive_and_float32_noise_does_not_decide():
    edge = np.float32(grid.BIN_EDGES[1:-1])  # mid-points exactly on edges, as float32 has them
    half = np.float32(0.0025)
    member = grid.channel_membership(edge - half, edge + half)
    np.testing.assert_array_equal(member, np.arange(1, grid.N_BINS))
    outside = grid.channel_membership(np.array([0.294, 9.998, 0.2949]), np.array([0.30597, 10.002, 0.305]))
    assert outside.tolist() == [-1, -1, -1]


@given(
    width=st.floats(0.003, 0.02),
    shift=st.floats(-0.03, 0.03),
    scale=st.floats(0.97, 1.07),
    seed=st.integers(0, 2**31),
)
def test_no_count_inside_the_range_is_split_or_lost(width, shift, scale, seed):
    """Whatever the channel width and however far channels are shifted, as they are on EPIC-pn."""
    low = (np.arange(0.0, 13.0, width) * scale + shift).astype(np.float32)
    high = (low + np.float32(width * scale)).astype(np.float32)
    counts = np.random.default_rng(seed).integers(0, 50, low.size)
    binned = grid.bin_channels(counts, grid.channel_membership(low, high))
    mid = np.round((low.astype(float) + high) / 2, 5)
    inside = (mid >= 0.3) & (mid < 10.0)
    assert binned.sum() == counts[inside].sum()
    np.testing.assert_array_equal(binned, np.histogram(mid[inside], grid.BIN_EDGES, weights=counts[inside])[0])


def test_binning_works_on_any_leading_axes():
    member = np.array([0, 0, 5, -1, 237])
    values = np.arange(30).reshape(2, 3, 5)
    binned = grid.bin_channels(values, member)
    assert binned.shape == (2, 3, 238)
    np.testing.assert_array_equal(binned[..., 0], values[..., 0] + values[..., 1])
    np.testing.assert_array_equal(binned.sum(-1), values.sum(-1) - values[..., 3])


def test_overlap_shares_out_the_whole_of_each_bin():
    fine, coarse = np.linspace(0, 10, 41), np.array([0.0, 0.1, 3.33, 7.0, 10.0])
    shares = grid.overlap_matrix(fine, coarse)
    np.testing.assert_allclose(shares.sum(axis=1), np.diff(fine))
    np.testing.assert_allclose(shares.sum(axis=0), np.diff(coarse))
