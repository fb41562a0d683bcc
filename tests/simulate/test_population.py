import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from vae.resources import asset
from vae.simulate import labels, population
from vae.simulate.kinds import compact, extragalactic, stellar
from vae.simulate.kinds.recipe import TimeLine
from vae.simulate.spectral_model import FINE_CENTRES, FLUX_FIELDS, photon_flux

SOFT, HARD = FINE_CENTRES < 1.0, FINE_CENTRES > 2.0


def campaign(n_observations: int, span_days: float, n_sources: int = 1) -> TimeLine:
    days = np.linspace(0.01, 0.99, n_observations) * span_days
    return TimeLine(np.repeat(np.arange(n_sources), n_observations), n_sources, np.tile(days, n_sources), span_days)


def hardness(models: NDArray[np.void]) -> NDArray[np.float64]:
    photons = photon_flux(models).astype(np.float64)
    soft, hard = photons[:, SOFT].sum(axis=1), photons[:, HARD].sum(axis=1)
    return (hard - soft) / (hard + soft)


def flux(models: NDArray[np.void]) -> NDArray[np.float64]:
    return np.sum([models[name] for name in FLUX_FIELDS], axis=0)


@pytest.mark.parametrize("kind", population.KINDS, ids=lambda kind: kind.name)
def test_every_kind_gives_a_spectrum_for_every_observation(kind: population.Kind) -> None:
    line = campaign(4, kind.span_days or 1000.0, n_sources=50)
    models = kind.draw(np.random.default_rng(5), line)
    assert len(models) == 200
    assert all(np.isfinite(models[name]).all() for name in models.dtype.names or ())
    assert (flux(models) > 0).all()
    photons = photon_flux(models)
    assert np.isfinite(photons).all()
    assert (photons >= 0).all()
    assert (photons[:, (FINE_CENTRES > 0.3) & (FINE_CENTRES < 10)].sum(axis=1) > 0).all()


def test_all_display_classes_are_there() -> None:
    table = pd.read_csv(asset("reference", "simbad_otypes.csv"), comment="#", keep_default_na=False)
    known = set(table["display_class"]) - {"Unclassified"} | {"Tidal disruption event"}
    assert {kind.true_class for kind in population.KINDS} == known
    assert set(labels._OTYPES) == known
    for shares in labels._OTYPES.values():
        assert set(shares) <= set(table["otype"])


def test_counts_follow_the_broken_power_law() -> None:
    counts = population.draw_counts(np.random.default_rng(2), 400_000)
    above = {c: np.mean(counts > c) for c in (300, 600, 1200, 4000, 16000)}
    assert np.log2(above[300] / above[600]) == pytest.approx(0.9, abs=0.03)
    assert np.log2(above[600] / above[1200]) == pytest.approx(0.9, abs=0.03)
    assert np.log2(above[4000] / above[16000]) / 2 == pytest.approx(1.2, abs=0.06)


def test_a_fifth_of_the_sources_is_seen_more_than_once() -> None:
    sources = population.draw_sources(np.random.default_rng(2), 100_000, showpieces=False)
    n = sources.n_observations
    assert np.mean(n > 1) == pytest.approx(0.2, abs=0.02)
    assert n.max() <= 90
    assert np.sum(n == 2) / np.sum(n == 4) == pytest.approx(2**2.8, rel=0.2)


def test_showpieces_lead() -> None:
    sources = population.draw_sources(np.random.default_rng(2), 500, showpieces=True)
    for i, (name, n, _) in enumerate(population.SHOWPIECES):
        assert population.KINDS[sources.kind[i]].name == name
        assert sources.n_observations[i] == n


def test_changing_look_is_a_closed_loop() -> None:
    models = extragalactic.changing_look(np.random.default_rng(1), campaign(30, 1700.0))
    track = hardness(models)
    assert track[0] == pytest.approx(track[-1], abs=0.12)
    assert track.min() < track[0] - 0.25
    # Out and back by different roads: the track encloses an area in the plane of two colours.
    photons = photon_flux(models).astype(np.float64)
    soft = photons[:, FINE_CENTRES < 0.6].sum(axis=1) / photons[:, FINE_CENTRES < 1.5].sum(axis=1)
    area = 0.5 * np.sum(soft * np.roll(track, -1) - np.roll(soft, -1) * track)
    assert abs(area) > 0.05 * np.ptp(soft) * np.ptp(track)
    assert models["kt_blackbody"].max() == pytest.approx(0.2, rel=0.25)


def test_disruptions_fade_and_cool() -> None:
    models = extragalactic.tidal_disruption(np.random.default_rng(1), campaign(7, 2000.0, n_sources=200))
    light = flux(models).reshape(200, 7)
    temperature = models["kt_blackbody"].reshape(200, 7)
    assert np.mean(light[:, -1] < 0.3 * light[:, 0]) > 0.95
    assert (temperature[:, -1] < temperature[:, 0]).all()
    assert 0.05 < np.median(temperature[:, 0]) < 0.12
    with_corona = (models["flux_powerlaw"] / models["flux_blackbody"]).reshape(200, 7)
    grows = with_corona[:, -1] > with_corona[:, 0] + 0.05
    assert 0.15 < grows.mean() < 0.45


def test_black_holes_come_back_at_lower_light_than_they_went() -> None:
    models = compact.black_hole_binary(np.random.default_rng(4), campaign(60, 420.0))
    soft = models["flux_disc"] / (models["flux_disc"] + models["flux_powerlaw"])
    light = flux(models)
    is_soft = soft > 0.5
    first, last = np.flatnonzero(is_soft)[[0, -1]]
    assert is_soft[first : last + 1].all()
    assert light[first] > 5 * light[last]
    assert models["photon_index"][0] < 2.0 < models["photon_index"][first:last].max()
    assert models["kt_disc"][first] > models["kt_disc"][last]


def test_nuclei_are_softer_when_brighter() -> None:
    models = extragalactic.agn(np.random.default_rng(3), campaign(20, 3000.0, n_sources=300))
    index = models["photon_index"].reshape(300, 20)
    log_light = np.log10(flux(models)).reshape(300, 20)
    slope = np.sum((index - index.mean(1, keepdims=True)) * (log_light - log_light.mean(1, keepdims=True))) / np.sum(
        (log_light - log_light.mean(1, keepdims=True)) ** 2
    )
    assert 0.1 < slope < 0.4


def test_isolated_neutron_stars_and_clusters_stay_as_they_are() -> None:
    for draw in (compact.thermal_neutron_star, compact.pulsar, extragalactic.galaxy_cluster):
        models = draw(np.random.default_rng(1), campaign(5, 5000.0, n_sources=20)).reshape(20, 5)
        assert (models == models[:, :1]).all()


def test_stars_flare_hotter() -> None:
    models = stellar.coronal_star(np.random.default_rng(1), campaign(40, 5000.0, n_sources=50)).reshape(50, 40)
    brightest = models["flux_hot"] / models["flux_hot"].mean(axis=1, keepdims=True)
    flare = brightest > 1.6
    assert 0.01 < flare.mean() < 0.2
    quiet = np.median(models["kt_hot"], axis=1, keepdims=True)
    assert np.median((models["kt_hot"] / quiet)[flare]) > 1.5


def test_the_bright_are_better_known() -> None:
    rng = np.random.default_rng(8)
    n = 60_000
    true_class = np.repeat("Star", n)
    counts = np.where(np.arange(n) < n // 2, 400.0, 4000.0)
    table = labels.label_sources(rng, true_class, counts, np.arange(n), np.zeros(n, bool))
    matched = table["simbad_otype"].notna().to_numpy()
    assert matched[: n // 2].mean() + 0.1 < matched[n // 2 :].mean()
    assert (table["class_label"] == "No match").to_numpy()[~matched].all()
    assert not (table["class_label"] == "No match").to_numpy()[matched].any()
    known = matched & (table["class_label"] != "Unclassified").to_numpy()
    # 2 % carry a type of any class (their own included).
    assert np.mean(table.loc[known, "class_label"] != "Star") == pytest.approx(0.02, abs=0.005)
    assert table["simbad_main_id"].notna().to_numpy()[matched].all()
    assert (table["match_separation_arcsec"].notna().to_numpy() == matched).all()
    assert (table.loc[~matched, "class_is_candidate"].isna()).all()
