from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import chi2, poisson

from vae.spectra import grid
from vae.spectra.statistics import cstat, cstat_z, net_summary, poisson_interval, profile_amplitude


def block(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Counts, unit-amplitude source counts, background and true amplitude of n spectra."""
    rng = np.random.default_rng(seed)
    shape = rng.gamma(2.0, 0.5, (n, 1)) * np.exp(-grid.BIN_CENTRES / rng.uniform(0.5, 5, (n, 1)))
    background = rng.gamma(1.0, 0.3, (n, 1)) * np.ones(238)
    amplitude = rng.lognormal(0, 1, n)
    return rng.poisson(amplitude[:, None] * shape + background), shape, background, amplitude


def test_cstat_is_the_likelihood_ratio_to_the_saturated_model():
    counts, shape, background, amplitude = block(1)
    expected = amplitude[:, None] * shape + background
    saturated = np.where(counts > 0, poisson.logpmf(counts, np.maximum(counts, 1e-300)), 0.0)
    want = 2 * (saturated - poisson.logpmf(counts, expected)).sum(axis=1)
    np.testing.assert_allclose(cstat(counts, expected), want, rtol=1e-10)


def test_cstat_of_extremes():
    assert cstat([0, 0], [1.5, 2.0]) == pytest.approx(7.0)
    assert cstat([3, 4], [3.0, 4.0]) == pytest.approx(0.0, abs=1e-12)
    assert cstat([1, 0], [0.0, 1.0]) == np.inf
    assert cstat([0, 0], [0.0, 0.0]) == 0.0
    assert np.isnan(cstat([1.0], [-1.0]))
    assert np.isnan(cstat([1.0], [np.nan]))


def test_cstat_z_is_standard_for_a_right_model_and_grows_for_a_wrong_one():
    counts, shape, background, amplitude = block(2, 5000)
    expected = amplitude[:, None] * shape + background
    z = cstat_z(counts, expected)
    assert abs(z.mean()) < 0.06
    assert z.std() == pytest.approx(1.0, abs=0.05)
    assert np.median(cstat_z(counts, 4 * expected)) > 10


def test_blocks_and_types_do_not_matter():
    counts, shape, background, _ = block(3, 6000)
    for function in (cstat, cstat_z):
        whole = function(counts, shape + background)
        parts = [
            function(counts[i : i + 777].astype(np.uint32), (shape + background)[i : i + 777])
            for i in range(0, 6000, 777)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    whole = profile_amplitude(counts, shape, background)
    np.testing.assert_array_equal(profile_amplitude(counts[17], shape[17], background[17]), whole[17])
    single = profile_amplitude(*(x.astype(np.float32) for x in (counts, shape, background)))
    np.testing.assert_allclose(single, whole, rtol=1e-5, atol=1e-6)


def test_amplitude_is_the_maximum_of_the_likelihood():
    counts, shape, background, _ = block(4, 60)
    got = profile_amplitude(counts, shape, background)
    for c, f, b, alpha in zip(counts, shape, background, got, strict=True):

        def cost(x, c=c, f=f, b=b):
            return float((x * f + b - c * np.log(x * f + b)).sum())

        best = minimize_scalar(cost, bounds=(0, c.sum() / f.sum()), method="bounded", options={"xatol": 1e-10})
        assert cost(alpha) <= best.fun + 1e-9
        assert alpha == pytest.approx(best.x, abs=2e-4 * max(1.0, best.x))


def test_amplitude_is_unbiased_and_without_background_exact():
    counts, shape, background, _ = block(5, 4000)
    counts = np.random.default_rng(6).poisson(3 * shape + background)
    got = profile_amplitude(counts, shape, background)
    strong = shape.sum(axis=1) > 20
    assert got[strong].mean() == pytest.approx(3.0, rel=0.01)
    alone = profile_amplitude(counts, shape, np.zeros_like(shape))
    np.testing.assert_allclose(alone, counts.sum(axis=1) / shape.sum(axis=1), rtol=1e-9)


def test_amplitude_at_its_bound_and_undefined():
    shape, background = np.ones((1, 238)), np.full((1, 238), 5.0)
    assert profile_amplitude(np.full((1, 238), 2), shape, background)[0] == 0.0
    assert profile_amplitude(np.zeros((1, 238)), shape, np.zeros((1, 238)))[0] == 0.0
    assert np.isnan(profile_amplitude(np.ones((1, 238)), np.zeros((1, 238)), background)[0])


@settings(max_examples=80, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    shape=st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
    background=st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
)
def test_amplitude_solves_its_equation_whatever_comes(counts, shape, background):
    c, f, b = (np.array(x, float) for x in (counts, shape, background))
    f[f < 1e-12] = 0.0
    alpha = float(profile_amplitude(c, f, b))
    if not f.sum() > 0:
        assert np.isnan(alpha)
        return
    assert 0 <= alpha < np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where((c > 0) & (f > 0), c * f / (alpha * f + b), 0.0).sum() - f.sum()
    assert slope <= 1e-5 * f.sum()
    if alpha > 0:
        assert slope >= -1e-5 * f.sum()


def test_intervals_cover_and_are_gehrels():
    lower, upper = poisson_interval([0, 1, 3, 100])
    np.testing.assert_allclose(lower, [0, 0.1728, 1.3673, 90.02], rtol=1e-3)  # Gehrels (1986), tables 1 and 2
    np.testing.assert_allclose(upper, [1.841, 3.300, 5.918, 111.03], rtol=1e-3)
    tail = 0.15865525393145707
    np.testing.assert_allclose(upper, chi2.ppf(1 - tail, 2 * np.array([0, 1, 3, 100]) + 2) / 2)
    assert poisson_interval(np.ones((3, 4)))[0].shape == (3, 4)


def test_summary_of_a_spectrum_by_hand():
    counts, background = np.zeros((2, 238), int), np.zeros((2, 238), int)
    energies = [0.4, 0.7, 1.5, 3.0, 8.0]
    place = np.searchsorted(grid.BIN_EDGES, energies) - 1
    counts[0, place] = [10, 30, 20, 40, 5]
    background[0, place] = [0, 100, 0, 50, 20]
    row = {name: values[0] for name, values in net_summary(counts, background, np.array([0.1, 0.1])).items()}
    assert row["counts"] == 105
    assert row["net_counts"] == pytest.approx(105 - 17)
    assert row["net_snr"] == pytest.approx(88 / np.sqrt(105 + 0.01 * 170))
    assert row["background_fraction"] == pytest.approx(17 / 105)
    assert (row["hr1"], row["hr2"], row["hr3"]) == pytest.approx((10 / 30, 0.0, 15 / 55))
    empty = {name: values[1] for name, values in net_summary(counts, background, np.array([0.1, 0.1])).items()}
    assert empty["counts"] == 0
    assert all(np.isnan(empty[name]) for name in ("net_snr", "background_fraction", "hr1"))


def test_hardness_stays_within_its_range_with_negative_net_counts():
    counts, background = np.zeros((1, 238), int), np.zeros((1, 238), int)
    counts[0, grid.BIN_CENTRES > 1] = 3
    background[0, grid.BIN_CENTRES < 0.5] = 9
    summary = net_summary(counts, background, np.array([1.0]))
    assert np.isnan(summary["hr1"][0])
    assert summary["hr2"][0] == 1.0
