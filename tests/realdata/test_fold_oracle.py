"""Real responses fold as two independent codes do (FACTS 7), and a reader survives what real files hold."""

from __future__ import annotations

import numpy as np
import pytest

from vae.errors import OgipError
from vae.spectra import grid, response
from vae.spectra.ogip import inspect, read_arf, read_pha, read_rmf
from vae.spectra.statistics import cstat_moments

pytestmark = pytest.mark.realdata

#: ARF and RMF of each set, and the count rate [1/s] over channels whose EBOUNDS mid lies in 0.3-10 keV.
ORACLE = {
    "ngc7793": ("ngc7793_ulx4/PN.arf", "ngc7793_ulx4/PN.rmf", 2.090824),
    "mcg6 0693781201": ("mcg6_30_15/PN_0693781201_S003_total.arf", "mcg6_30_15/PN_0693781201_S003_total.rmf", 2.107646),
    "mcg6 0693781301": ("mcg6_30_15/PN_0693781301_S003_total.arf", "mcg6_30_15/PN_0693781301_S003_total.rmf", 2.112255),
    "psr_j0855": ("psr_j0855/xmm_pn_0605960101.arf", "psr_j0855/xmm_pn_0605960101.rmf", 1.642047),
    "igr_j18490": ("igr_j18490/PN_PWN.arf", "igr_j18490/PN_PWN.rmf", 2.238685),
}
INDEX = 1.7


@pytest.mark.parametrize(("arf_file", "rmf_file", "rate"), ORACLE.values(), ids=ORACLE.keys())
def test_power_law_folds_to_the_oracle(ogip, arf_file, rmf_file, rate):
    arf, rmf = read_arf(ogip / arf_file), read_rmf(ogip / rmf_file)
    assert not rmf.has_area
    folded = response.fold(lambda energy: 1e-3 * energy**-INDEX, arf, rmf)
    middle = 0.5 * (rmf.e_min + rmf.e_max)
    assert folded[(middle >= 0.3) & (middle < 10.0)].sum() == pytest.approx(rate, rel=1e-5)
    assert grid.bin_channels(folded, rmf.membership).sum() == pytest.approx(rate, rel=1e-5)

    low, high = grid.TRUE_EDGES[:-1], grid.TRUE_EDGES[1:]
    photons = 1e-3 * (low ** (1 - INDEX) - high ** (1 - INDEX)) / (INDEX - 1)
    on_stored_grids = response.redistribution_on_true_grid(rmf) @ (response.area_on_true_grid(arf) * photons)
    np.testing.assert_allclose(on_stored_grids, grid.bin_channels(folded, rmf.membership), rtol=5e-3)


def test_redistribution_rows_are_probabilities(ogip):
    for _, rmf_file, _ in ORACLE.values():
        rmf = read_rmf(ogip / rmf_file)
        total = np.asarray(rmf.matrix.sum(axis=1)).ravel()
        assert total.max() < 1.001
        assert np.median(total[(rmf.energy_lo > 0.5) & (rmf.energy_lo < 8)]) == pytest.approx(1.0, abs=1e-3)


def test_real_channels_are_not_5_ev_wide(ogip):
    rmf = read_rmf(ogip / "rxcj2359/responses/epn_e3_ef20_sdY6_v19.0.rmf")
    width = (rmf.e_max - rmf.e_min)[1:-1] * 1000
    assert width.min() < 4.9
    assert width.max() > 5.3


def test_numbers_of_channels_and_energies(ogip):
    igr, psr = read_rmf(ogip / "igr_j18490/PN_PWN.rmf"), read_rmf(ogip / "psr_j0855/xmm_pn_0605960101.rmf")
    assert igr.channel.size == 3277
    assert psr.energy_lo.size == 2056


def test_what_real_files_say_they_are(ogip):
    for file, kind, instrument in (
        ("igr_j18490/PN_PWN.grp", "spectrum", "EMOS2"),  # named like a pn spectrum, and is none
        ("igr_j18490/PN_PWN.fits", "spectrum", "EPN"),
        ("chandra_acis/acisf04487_001N023_r0009_pha3.fits.gz", "spectrum", "ACIS"),
        ("chandra_acis/acisf04487_001N022_r0009_rmf3.fits.gz", "rmf", "ACIS"),
        ("standin_response/ogip_test_xmm_pn.arf", "arf", "EPN"),
        ("rxcj2359/test_catalogue.fits", "other", ""),
    ):
        label = inspect(ogip / file)
        assert (label.kind, label.instrument) == (kind, instrument), file


def test_text_under_the_name_of_a_spectrum(ogip):
    for file in (ogip / "broken").iterdir():
        with pytest.raises(OgipError, match="not a FITS file but text: '/home/george"):
            inspect(file)


def test_the_complete_chandra_set_reads_and_folds(ogip):
    """Another mission with variable-length groups and channels from 1: not for the store, but the reader copes."""
    folder = ogip / "chandra_acis"
    pha = read_pha(folder / "acisf04487_001N023_r0009_pha3.fits.gz")
    rmf = read_rmf(folder / "acisf04487_001N022_r0009_rmf3.fits.gz")
    arf = read_arf(folder / "acisf04487_001N022_r0009_arf3.fits.gz")
    assert not pha.is_pn
    assert pha.channel[0] == rmf.channel[0] == 1
    assert response.bin_counts(pha, rmf).sum() > 0
    assert response.fold(lambda energy: energy**-INDEX, arf, rmf).sum() > 0


def test_a_pps_spectrum_names_source_and_files(ogip):
    pha = read_pha(ogip / "rxcj2359/0677180601/pps/P0677180601PNS003SRSPEC0007.FTZ")
    assert pha.is_pn
    assert (pha.obs_id, pha.exposure_id, pha.src_num) == ("0677180601", "S003", 7)
    assert pha.source_position == pytest.approx((359.650643, -60.750931), abs=1e-5)
    assert pha.object_name == "RXCJ2359.3-6042"
    assert pha.response_file == "epn_e3_ff20_sdY7.rmf"
    assert pha.grouped
    assert pha.n_bad_channels > 0


def test_a_fractional_background_of_a_hundred_times_the_exposure(ogip):
    folder = ogip / "psr_j0855"
    source = read_pha(folder / "xmm_pn_0605960101_src.pha")
    background = read_pha(folder / "xmm_pn_0605960101_bkg.pha")
    assert source.is_integer
    assert not background.is_integer
    assert response.background_ratio(source, background) == pytest.approx(0.01, rel=2e-3)


@pytest.mark.parametrize(
    ("density", "mean", "sigma"),
    [(lambda energy: energy**-1.9, 195, 17), (lambda energy: energy**2 / np.expm1(energy / 0.07), 34, 8)],
    ids=["power law", "blackbody"],
)
def test_the_expected_cstat_of_300_counts_is_far_from_the_number_of_bins(ogip, density, mean, sigma):
    """FACTS 3: so "reduced C = 1" is the wrong yardstick."""
    arf, rmf = read_arf(ogip / "ngc7793_ulx4/PN.arf"), read_rmf(ogip / "ngc7793_ulx4/PN.rmf")
    expected = grid.bin_channels(response.fold(density, arf, rmf), rmf.membership)
    got = cstat_moments(300 * expected / expected.sum())
    assert float(got[0]) == pytest.approx(mean, rel=0.03)
    assert float(got[1]) ** 0.5 == pytest.approx(sigma, abs=0.5)
