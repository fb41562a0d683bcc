from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from vae.spectra.kaastra import cstat_moments


def direct(mu: float) -> tuple[float, float]:
    """Kaastra's sums, term by term, by scipy's Poisson probabilities."""
    k = np.arange(int(mu + 15 * np.sqrt(mu) + 40))
    p = poisson.pmf(k, mu)
    value = 2 * (mu - k + np.where(k > 0, k * np.log(np.maximum(k, 1) / mu), 0.0))
    mean = (p * value).sum()
    return mean, (p * (value - mean) ** 2).sum()


@pytest.mark.parametrize(
    ("mu", "mean", "variance"),
    [
        (0.01, 0.092, 0.524), (0.1, 0.474, 0.860), (0.5, 1.007, 0.730),
        (1, 1.147, 1.365), (2, 1.139, 2.233), (5, 1.047, 2.267),
    ],
)  # fmt: skip
def test_published_values(mu, mean, variance):
    got = cstat_moments([[mu]])
    assert (float(got[0][0]), float(got[1][0])) == pytest.approx((mean, variance), abs=6e-4)


def test_interpolation_equals_the_sums():
    mu = 10 ** np.random.default_rng(1).uniform(-8, 4.7, 300)
    got = np.array(cstat_moments(mu[:, None]))
    want = np.array([direct(m) for m in mu]).T
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-8)


def test_it_is_what_poisson_counts_give():
    rng = np.random.default_rng(2)
    mu = np.tile(rng.gamma(0.5, 2.0, 238), (4000, 1))
    counts = rng.poisson(mu)
    from vae.spectra.statistics import cstat

    c = cstat(counts, mu)
    mean, variance = cstat_moments(mu[:1])
    assert c.mean() == pytest.approx(mean[0], abs=4 * np.sqrt(variance[0] / 4000))
    assert c.var() == pytest.approx(variance[0], rel=0.1)


def test_nothing_expected_and_nonsense():
    mean, variance = cstat_moments([[0.0, 0.0], [np.nan, 1.0], [-1.0, 1.0]])
    assert (mean[0], variance[0]) == (0.0, 0.0)
    assert np.isnan(mean[1:]).all()
    assert np.isnan(variance[1:]).all()


def test_shapes_types_and_blocks_do_not_matter():
    mu = np.random.default_rng(3).gamma(1, 1, (5000, 238))
    whole = cstat_moments(mu)
    for dtype, tolerance in ((np.float32, 1e-6), (np.float64, 0)):
        parts = [cstat_moments(mu[i : i + 700].astype(dtype)) for i in range(0, 5000, 700)]
        for k in (0, 1):
            np.testing.assert_allclose(np.concatenate([part[k] for part in parts]), whole[k], rtol=tolerance)
    assert cstat_moments(mu[0])[0].shape == ()
    assert float(cstat_moments(mu[0])[0]) == whole[0][0]
