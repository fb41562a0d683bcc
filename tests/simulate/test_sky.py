import numpy as np
import pytest

from vae.simulate import detections, fields, population, sky
from vae.simulate.milky_way import galactic_coordinates

NAMES = [kind.name for kind in population.KINDS]


@pytest.fixture(scope="module")
def plan() -> detections.Plan:
    return detections.plan_batch(np.random.default_rng(3), 13_000, showpieces=True)


@pytest.fixture(scope="module")
def schedule(plan: detections.Plan) -> sky.Schedule:
    return plan.schedule


def test_names_are_truncated() -> None:
    names = sky.iau_names([0.0, 15 * (1 + 59 / 60 + 59.99 / 3600), 359.99999], [-0.9999, 45.99999, -89.5])
    assert names == ["XMMSIM J000000.0-005959", "XMMSIM J015959.9+455959", "XMMSIM J235959.9-893000"]


def test_observations_of_a_source_follow_each_other(schedule: sky.Schedule) -> None:
    same = np.diff(schedule.source) == 0
    gap_s = np.diff(schedule.mjd_start)[same] * 86400
    assert (gap_s > schedule.duration_s[:-1][same]).all()
    assert schedule.mjd_start.min() >= fields.FIRST_MJD
    assert schedule.mjd_start.max() <= fields.LAST_MJD
    assert (schedule.exposure_s < schedule.duration_s).all()


def test_detections_of_one_visit_share_the_observation_not_the_number(schedule: sky.Schedule) -> None:
    for values in (schedule.mjd_start, schedule.filter_index, schedule.duration_s, schedule.ra_pnt_deg):
        low = np.full(schedule.visit.max() + 1, np.inf)
        high = -low
        np.minimum.at(low, schedule.visit, values)
        np.maximum.at(high, schedule.visit, values)
        assert np.array_equal(low[schedule.visit], high[schedule.visit])
    pairs = np.column_stack([schedule.visit, schedule.src_num])
    assert len(np.unique(pairs, axis=0)) == len(pairs)


def test_observations_are_as_rich_as_real_ones(plan: detections.Plan) -> None:
    per_visit = np.bincount(plan.schedule.visit)
    per_visit = per_visit[per_visit > 0]
    # 4XMM-DR14: 372,603 spectra in 13,864 observations.
    assert 14 < per_visit.mean() < 28
    assert per_visit.max() > 60
    assert per_visit.min() < 5


def test_source_numbers_go_by_brightness_and_differ_between_observations(plan: detections.Plan) -> None:
    schedule = plan.schedule
    assert schedule.src_num.min() == 1
    assert 100 < schedule.src_num.max() < 2000
    busy = np.argmax(np.bincount(schedule.visit))
    numbers = np.sort(schedule.src_num[schedule.visit == busy])
    assert numbers[-1] > numbers.size  # some detections have no spectrum
    several = np.flatnonzero(np.bincount(schedule.source) >= 3)
    differs = [np.ptp(schedule.src_num[schedule.source == i]) > 0 for i in several[:100]]
    assert np.mean(differs) > 0.8
    target = plan.sources.target_counts[schedule.source]
    assert np.median(schedule.src_num[target > 5000]) < 0.3 * np.median(schedule.src_num[target < 400])


def test_faint_sources_miss_some_visits_of_their_field(plan: detections.Plan) -> None:
    schedule = plan.schedule
    seen = np.bincount(schedule.source, minlength=len(plan.sources.kind))
    lasting = np.array([kind.span_days == 0 for kind in population.KINDS])[plan.sources.kind]
    several = lasting & (schedule.n_visits >= 3)
    share = seen / schedule.n_visits
    bright = plan.sources.target_counts > 5000
    assert share[several & bright].mean() > 0.9
    assert share[several & (plan.sources.target_counts < 400)].mean() < 0.65


def test_the_offaxis_angle_is_the_distance_from_the_pointing(schedule: sky.Schedule) -> None:
    # By vectors, where the plan uses haversines.
    ra, dec = np.radians(schedule.ra_deg[schedule.source]), np.radians(schedule.dec_deg[schedule.source])
    ra_0, dec_0 = np.radians(schedule.ra_pnt_deg), np.radians(schedule.dec_pnt_deg)
    cosine = np.sin(dec) * np.sin(dec_0) + np.cos(dec) * np.cos(dec_0) * np.cos(ra - ra_0)
    apart = 60 * np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    assert schedule.offaxis_arcmin == pytest.approx(apart, abs=0.01)
    assert schedule.offaxis_arcmin.max() < 15
    # Pointings of one field differ a little.
    several = schedule.source == np.argmax(np.bincount(schedule.source))
    assert 0 < np.ptp(schedule.dec_pnt_deg[several]) * 60 < 1.5


def test_campaigns_point_at_their_targets(plan: detections.Plan) -> None:
    schedule = plan.schedule
    for i, (name, visits, _) in enumerate(population.SHOWPIECES):
        assert NAMES[plan.sources.kind[i]] == name
        rows = schedule.source == i
        assert rows.any()
        if visits:
            assert schedule.n_visits[i] == visits
            assert (schedule.offaxis_arcmin[rows] < 2.0).all()
            days = schedule.days[rows]
            assert 0 <= days.min() < days.max() <= population.KINDS[plan.sources.kind[i]].span_days
            # Others are seen in the same observations.
            assert np.isin(schedule.visit[~rows], schedule.visit[rows]).any()


def test_dormant_transients_are_seen_during_their_show_only(plan: detections.Plan) -> None:
    kinds = np.array(population.KINDS, object)[plan.sources.kind[plan.schedule.source]]
    dormant = np.array([kind.dormant for kind in kinds])
    span = np.array([kind.span_days for kind in kinds])
    assert dormant.sum() > 100
    assert (plan.schedule.days[dormant] >= 0).all()
    assert (plan.schedule.days[dormant] <= span[dormant]).all()


def test_the_sky_has_structure(plan: detections.Plan) -> None:
    longitude, latitude = galactic_coordinates(plan.schedule.ra_deg, plan.schedule.dec_deg)
    kind = np.array(NAMES)[plan.sources.kind]
    b = {name: np.abs(latitude[kind == name]) for name in NAMES}
    assert np.median(b["ns_lmxb"]) < 6 < np.median(b["star"]) < 40 < np.median(b["tde"]) + 10
    assert np.mean(b["agn"] < 2) < 0.6 * np.mean(b["star"] < 2)
    assert np.mean(b["tde"] < 5) < 0.05
    assert b["ulx"].min() > 5 or np.mean(b["ulx"] < 20) < 0.1
    # Far hemisphere and near: bulge sources crowd around the centre, nuclei do not.
    towards = np.abs((longitude + 180) % 360 - 180) < 30
    assert towards[kind == "ns_lmxb"].mean() > 2 * towards[kind == "quasar"].mean()


def test_gas_follows_place_and_distance(plan: detections.Plan) -> None:
    _, latitude = galactic_coordinates(plan.schedule.ra_deg, plan.schedule.dec_deg)
    kind = np.array(NAMES)[plan.sources.kind]
    nh, b = plan.schedule.nh_galactic, np.abs(latitude)
    nuclei = np.isin(kind, ["agn", "quasar"])
    assert 0.015 < np.median(nh[nuclei & (b > 45)]) < 0.035
    assert 0.06 < np.median(nh[nuclei & (b > 10) & (b < 15)]) < 0.2
    assert np.median(nh[nuclei & (b < 2)]) > 0.4
    assert np.median(nh[kind == "star"]) < 0.02  # nearby
    assert np.median(nh[kind == "ns_thermal"]) < 0.04
    assert 0.3 < np.median(nh[kind == "ns_lmxb"]) < 3
