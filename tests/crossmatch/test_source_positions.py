"""One position a source, and how far its counterpart may lie."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import Distance, SkyCoord
from astropy.time import Time

from vae.crossmatch import CrossmatchOptions
from vae.crossmatch.sources import place_candidates, search_radius, unique_sources
from vae.errors import OptionError


def catalogue(**columns) -> pd.DataFrame:
    n = len(columns["source_id"])
    table = {"detection_id": np.arange(n), "ra_deg": np.arange(n, dtype=float), "dec_deg": np.zeros(n),
             "position_error_arcsec": np.ones(n, np.float32), "mjd_start": np.full(n, 55000.0)}  # fmt: skip
    return pd.DataFrame(table | columns)


def test_the_best_position_stands_for_the_source():
    sources = unique_sources(
        catalogue(
            source_id=[7, 7, 7, 5, 5, 9, 9, 3],
            position_error_arcsec=[2.0, 0.5, 1.0, np.nan, np.nan, 0.1, 4.0, 0.0],
            ra_deg=[0.0, 1.0, 2.0, 3.0, 4.0, np.nan, 6.0, np.nan],
        ),
        CrossmatchOptions(error_per_axis=1.0, default_error=1.5),
    )
    assert sources["source_id"].tolist() == [3, 5, 7, 9]
    # No position; the first of two without errors; the smallest error; a position before a small error without one.
    assert sources["ra_deg"].tolist() == pytest.approx([np.nan, 3.0, 1.0, 6.0], nan_ok=True)
    assert sources["sigma_arcsec"].tolist() == [1.5, 1.5, 0.5, 4.0]
    assert sources["error_is_default"].tolist() == [True, True, False, False]


def test_errors_of_4xmm_are_radial():
    sources = unique_sources(catalogue(source_id=[1], position_error_arcsec=[1.0]), CrossmatchOptions())
    rng = np.random.default_rng(0)
    radial = np.hypot(*rng.normal(0, sources["sigma_arcsec"][0], (2, 200_000)))
    assert (radial < 1.0).mean() == pytest.approx(0.632, abs=0.004)  # 63 % within POSERR


def test_the_radius_has_a_floor_and_a_cap():
    options = CrossmatchOptions(radius_sigmas=4, radius_floor=5, radius_cap=20)
    assert search_radius(np.array([0.1, 2.0, 99.0]), options).tolist() == [5, 8, 20]


def test_moving_stars_are_met_where_they_were():
    ra, dec, pm_ra, pm_dec = 269.452, 4.693, -801.6, 10362.4  # Barnard's star moves 10 arcsec a year
    there = SkyCoord(
        ra * u.deg, dec * u.deg, pm_ra_cosdec=pm_ra * u.mas / u.yr, pm_dec=pm_dec * u.mas / u.yr,
        distance=Distance(1.83 * u.pc), obstime=Time("J2000"),
    ).apply_space_motion(Time(55000, format="mjd"))  # fmt: skip
    sources = pd.DataFrame(
        {"source_id": [1, 2], "ra_deg": there.ra.deg, "dec_deg": there.dec.deg, "mjd": [55000.0, np.nan],
         "sigma_arcsec": 1.0, "error_is_default": False}
    )  # fmt: skip
    answers = pd.DataFrame(
        {"source": [0, 1], "ra_deg": ra, "dec_deg": dec, "error_mas": [2000.0, np.nan], "pm_ra_mas": pm_ra,
         "pm_dec_mas": pm_dec}
    )  # fmt: skip
    placed = place_candidates(sources, answers, CrossmatchOptions())
    assert placed["separation_arcsec"][0] < 0.02
    assert placed["separation_arcsec"][1] == pytest.approx(98.4, abs=0.5)  # at an unknown time, where it was in J2000
    assert placed["within_radius"].tolist() == [True, False]
    assert placed["sigma_arcsec"].tolist() == pytest.approx([np.hypot(1, 2), np.hypot(1, 0.3)])
    still = place_candidates(sources, answers, CrossmatchOptions(no_proper_motions=True))
    assert still["separation_arcsec"][0] == pytest.approx(98.4, abs=0.5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"radius_floor": 30.0}, "--radius-floor"),
        ({"density_radius": 200.0}, "--density-radius"),
        ({"radius_sigmas": 0.0}, "--radius-sigmas 0"),
        ({"prior": 1.0}, "--prior"),
        ({"control_shift": 20.0}, "too near"),
        ({"pause": -1.0}, "--pause"),
        ({"tries": 0}, "--tries"),
        ({"match_probability": 1.0}, "--match-probability"),
        ({"label_radius": 0.0}, "--label-radius"),
    ],
)
def test_options_that_make_no_sense(settings, words):
    with pytest.raises(OptionError, match=words):
        CrossmatchOptions(**settings).check()
    CrossmatchOptions().check()
