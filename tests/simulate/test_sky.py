import numpy as np
import pytest

from vae.simulate import sky


@pytest.fixture(scope="module")
def schedule() -> sky.Schedule:
    rng = np.random.default_rng(3)
    n = 600
    observations = rng.choice([1, 1, 1, 2, 3, 8], n)
    span = np.where(np.arange(n) < 20, 900.0, 0.0)
    return sky.plan(rng, observations, np.arange(n) % 3 == 0, span, np.arange(n) < 10)


def test_names_are_truncated() -> None:
    names = sky.iau_names([0.0, 15 * (1 + 59 / 60 + 59.99 / 3600), 359.99999], [-0.9999, 45.99999, -89.5])
    assert names == ["XMMSIM J000000.0-005959", "XMMSIM J015959.9+455959", "XMMSIM J235959.9-893000"]


def test_observations_of_a_source_follow_each_other(schedule: sky.Schedule) -> None:
    same = np.diff(schedule.source) == 0
    gap_s = np.diff(schedule.mjd_start)[same] * 86400
    assert (gap_s > schedule.duration_s[:-1][same]).all()
    assert schedule.mjd_start.min() >= sky.FIRST_MJD
    assert schedule.mjd_start.max() <= sky.LAST_MJD
    assert (schedule.exposure_s < schedule.duration_s).all()


def test_detections_of_one_visit_share_the_observation_not_the_number(schedule: sky.Schedule) -> None:
    for values in (schedule.mjd_start, schedule.filter_index, schedule.duration_s):
        low = np.full(schedule.visit.max() + 1, np.inf)
        high = -low
        np.minimum.at(low, schedule.visit, values)
        np.maximum.at(high, schedule.visit, values)
        assert np.array_equal(low[schedule.visit], high[schedule.visit])
    pairs = np.column_stack([schedule.visit, schedule.src_num])
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert np.bincount(schedule.visit).max() > 1


def test_sources_of_a_field_lie_within_the_field(schedule: sky.Schedule) -> None:
    ra, dec = np.radians(schedule.ra_deg), np.radians(schedule.dec_deg)
    vector = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    for visit in np.unique(schedule.visit)[:200]:
        members = schedule.source[schedule.visit == visit]
        apart = np.degrees(np.arccos(np.clip(vector[members] @ vector[members].T, -1, 1))) * 60
        assert apart.max() <= 27.1  # arcmin: twice the radius of the field


def test_campaigns_have_fields_of_their_own(schedule: sky.Schedule) -> None:
    own = schedule.source < 20
    assert not np.intersect1d(schedule.visit[own], schedule.visit[~own]).size
    assert (schedule.offaxis_arcmin[own] < 2.0).all()
    assert schedule.days[own].max() <= 900.0


def test_galactic_fields_hug_the_plane() -> None:
    rng = np.random.default_rng(1)
    n = 4000
    galactic = np.arange(n) < 2000
    plan = sky.plan(rng, np.ones(n, np.int64), galactic, np.zeros(n), np.zeros(n, bool))
    # North Galactic pole (ICRS), Hipparcos catalogue.
    pole = np.radians([192.85948, 27.12825])
    ra, dec = np.radians(plan.ra_deg), np.radians(plan.dec_deg)
    sin_b = np.sin(dec) * np.sin(pole[1]) + np.cos(dec) * np.cos(pole[1]) * np.cos(ra - pole[0])
    latitude = np.abs(np.degrees(np.arcsin(sin_b)))
    assert np.median(latitude[galactic]) < 3
    assert latitude[~galactic].min() > 14
