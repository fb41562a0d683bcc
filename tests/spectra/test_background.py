from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vae.resources import asset
from vae.spectra import grid
from vae.spectra.background import background_components
from vae.spectra.statistics import background_template, cstat_z, expected_background

TEMPLATE = background_template("ff", "thin")


def test_template_has_the_level_of_real_spectra_and_their_lines():
    assert TEMPLATE.shape == (238,)
    assert not TEMPLATE.flags.writeable
    assert (TEMPLATE > 0).all()
    # The median of 118 real spectra in coarse bands.
    table = pd.read_csv(asset("reference", "epic_pn_background.csv"), comment="#")
    for low, high, rate in table.itertuples(index=False):
        if low < 0.5 or high > 9:
            continue  # the lowest reaches below 0.3 keV
        inside = (grid.BIN_CENTRES > low) & (grid.BIN_CENTRES < high)
        assert TEMPLATE[inside].sum() / grid.BIN_WIDTHS[inside].sum() == pytest.approx(rate, rel=0.45)
    density = TEMPLATE / grid.BIN_WIDTHS

    def near(energy_kev):
        return np.median(density[np.abs(grid.BIN_CENTRES - energy_kev) < 0.1])

    assert near(8.02) > 1.4 * near(7.75)  # copper
    assert near(1.49) > 1.05 * near(1.7)  # aluminium


def test_template_is_the_sum_of_its_parts():
    parts = background_components()
    assert list(parts) == ["soft_protons", "cosmic", "particles", "copper"]
    assert all((part >= 0).all() for part in parts.values())
    assert (parts["copper"][grid.BIN_CENTRES < 6.5] < 1e-9).all()
    assert (sum(parts.values()) > TEMPLATE).all()


def test_formula_term_by_term():
    rng = np.random.default_rng(1)
    b = rng.poisson(2.0, (3, 238))
    got = expected_background(b, np.array([0.1, 0.2, 0.0]), TEMPLATE)
    for row, a in enumerate((0.1, 0.2, 0.0)):
        t = TEMPLATE / TEMPLATE.sum() * b[row].sum()
        for h in (0, 5, 100, 237):
            window = slice(max(0, h - 12), h + 13)
            want = a * t[h] * (b[row, window].sum() + 10) / (t[window].sum() + 10)
            assert got[row, h] == pytest.approx(want, rel=1e-12)


def test_only_the_shape_of_the_template_matters_and_no_background_is_zero():
    b = np.random.default_rng(2).poisson(1.0, (4, 238)).astype(np.float32)
    ratio = np.full(4, 0.05, np.float32)
    np.testing.assert_allclose(
        expected_background(b, ratio, 1000 * TEMPLATE), expected_background(b, ratio, TEMPLATE), rtol=1e-12
    )
    assert np.all(expected_background(np.zeros((2, 238), np.uint32), np.ones(2), TEMPLATE) == 0)
    assert expected_background(b[0], 0.05, TEMPLATE).shape == (238,)


@pytest.mark.parametrize(("total", "ratio"), [(500, 0.05), (2000, 0.3), (20000, 0.3)])
def test_it_stands_as_the_known_background_without_bias(total, ratio):
    """FACTS 3: |z| stays small, where the raw scaled counts give z up to 61."""
    rng = np.random.default_rng(3)
    truth = TEMPLATE / TEMPLATE.sum() * total
    background = rng.poisson(truth, (1500, 238))
    counts = rng.poisson(ratio * truth, (1500, 238))
    z = cstat_z(counts, expected_background(background, np.full(1500, ratio), TEMPLATE))
    assert abs(np.median(z)) < 0.25
    with np.errstate(divide="ignore"):
        raw = cstat_z(counts, ratio * background)
    assert np.median(raw) > 3


def test_a_background_of_another_shape_is_followed():
    rng = np.random.default_rng(4)
    truth = 30.0 * np.exp(-grid.BIN_CENTRES / 3)
    got = expected_background(rng.poisson(truth, (200, 238)), np.ones(200), TEMPLATE).mean(axis=0)
    window = np.ones(25) / 25
    smooth, want = (np.convolve(x, window, "same")[12:-12] for x in (got, truth))
    many = want > 5  # where the 10 counts of the template weigh little
    np.testing.assert_allclose(smooth[many], want[many], rtol=0.08)
