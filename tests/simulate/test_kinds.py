"""Laws of spectrum and time, on what the recipes give out."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vae.simulate import population
from vae.simulate.kinds import compact, extragalactic, oddities, stellar
from vae.simulate.kinds.recipe import TimeLine
from vae.simulate.spectral_model import FINE_CENTRES, FLUX_FIELDS, photon_flux

SOFT, HARD = FINE_CENTRES < 1.0, FINE_CENTRES > 2.0
BAND = (FINE_CENTRES > 0.3) & (FINE_CENTRES < 10)


def campaign(n_observations: int, span_days: float, n_sources: int = 1, nh: float = 0.03) -> TimeLine:
    days = np.linspace(0.01, 0.99, n_observations) * span_days
    source = np.repeat(np.arange(n_sources), n_observations)
    return TimeLine(source, n_sources, np.tile(days, n_sources), span_days, np.full(n_sources, nh))


def photons_of(models: NDArray[np.void]) -> NDArray[np.float64]:
    return photon_flux(models).astype(np.float64)


def hardness(models: NDArray[np.void]) -> NDArray[np.float64]:
    photons = photons_of(models)
    soft, hard = photons[:, SOFT].sum(axis=1), photons[:, HARD].sum(axis=1)
    return (hard - soft) / (hard + soft)


def flux(models: NDArray[np.void]) -> NDArray[np.float64]:
    return np.sum([models[name] for name in FLUX_FIELDS], axis=0)


def enclosed(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Signed area of a closed track; positive for one that runs counter-clockwise."""
    return float(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


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
    assert (photons[:, BAND].sum(axis=1) > 0).all()
    # Everything lies behind the gas of its place, at least.
    assert (models["nh"] >= 0.03).all()


def test_nuclei_have_the_indices_that_were_measured() -> None:
    rng = np.random.default_rng(3)
    index = np.concatenate(
        [draw(rng, campaign(2, 3000.0, 20_000))["photon_index"] for draw in (extragalactic.agn, extragalactic.quasar)]
    )
    # Scott et al. 2011, MNRAS 417, 992: 1.99 with a scatter of 0.30.
    assert index.mean() == pytest.approx(1.99, abs=0.01)
    assert index.std() == pytest.approx(0.30, abs=0.01)


def test_the_soft_excess_is_redshifted_away() -> None:
    models = extragalactic.agn(np.random.default_rng(3), campaign(1, 100.0, 20_000))
    share = models["flux_blackbody"] / models["flux_powerlaw"]
    near, far = models["redshift"] < 0.15, models["redshift"] > 0.8
    assert np.mean(share[near] > 0.02) > 0.5  # in most
    assert np.median(share[far & (share > 0)]) < 0.5 * np.median(share[near & (share > 0)])


def test_nuclei_are_softer_when_brighter() -> None:
    models = extragalactic.agn(np.random.default_rng(3), campaign(20, 3000.0, n_sources=300))
    index = models["photon_index"].reshape(300, 20)
    log_light = np.log10(flux(models)).reshape(300, 20)
    away = log_light - log_light.mean(1, keepdims=True)
    assert np.sum((index - index.mean(1, keepdims=True)) * away) / np.sum(away**2) == pytest.approx(0.25, abs=0.05)
    track = hardness(models).reshape(300, 20)
    correlation = [np.corrcoef(a, b)[0, 1] for a, b in zip(track, log_light, strict=True)]
    assert np.median(correlation) < -0.5


def test_changing_look_is_a_closed_loop() -> None:
    models = extragalactic.changing_look(np.random.default_rng(1), campaign(30, 1700.0))
    track = hardness(models)
    assert track[0] == pytest.approx(track[-1], abs=0.12)
    assert track.min() < track[0] - 0.25
    # Out and back by different roads: the track encloses an area in the plane of two colours.
    photons = photons_of(models)
    soft = photons[:, FINE_CENTRES < 0.6].sum(axis=1) / photons[:, FINE_CENTRES < 1.5].sum(axis=1)
    assert abs(enclosed(soft, track)) > 0.05 * np.ptp(soft) * np.ptp(track)
    assert models["kt_blackbody"].max() == pytest.approx(0.2, rel=0.25)
    assert models["line_3_ew"].max() > 0.2
    # The power law is gone when the thermal light is brightest.
    gone = models["flux_powerlaw"] / flux(models)
    assert gone.min() < 0.05
    assert gone[[0, -1]].min() > 0.9


def test_before_and_after_it_changes_a_nucleus_looks_the_same() -> None:
    line = campaign(2, 1700.0)
    early = TimeLine(line.source, 1, np.array([-4000.0, 6000.0]), 1700.0, line.nh_galactic)
    models = extragalactic.changing_look(np.random.default_rng(1), early)
    assert hardness(models)[0] == pytest.approx(hardness(models)[1], abs=0.02)


def test_disruptions_fade_and_cool() -> None:
    models = extragalactic.tidal_disruption(np.random.default_rng(1), campaign(7, 2000.0, n_sources=200))
    light = flux(models).reshape(200, 7)
    temperature = models["kt_disc"].reshape(200, 7)
    assert np.mean(light[:, -1] < 0.3 * light[:, 0]) > 0.95
    assert (temperature[:, -1] < temperature[:, 0]).all()
    assert 0.05 < np.median(temperature[:, 0]) < 0.12
    # kT ~ L^1/4 with the disc's bolometric light: the band sees the Wien tail and loses more.
    assert np.median(light[:, -1] / light[:, 0]) < np.median((temperature[:, -1] / temperature[:, 0]) ** 4)
    with_corona = (models["flux_powerlaw"] / models["flux_disc"]).reshape(200, 7)
    grows = with_corona[:, -1] > with_corona[:, 0] + 0.05
    assert 0.15 < grows.mean() < 0.45
    photons = photons_of(models)
    above = (photons[:, FINE_CENTRES > 1].sum(axis=1) / photons[:, BAND].sum(axis=1)).reshape(200, 7)
    assert np.median((above[:, -1] - above[:, 0])[grows]) > 0.05
    assert abs(np.median((above[:, -1] - above[:, 0])[~grows])) < 0.02


def test_the_share_of_a_disc_in_the_band() -> None:
    # Against the spectrum itself, on the simulator's grid: how much of the light above 0.3 keV lies above 0.6 keV.
    from vae.simulate.kinds.recipe import blank

    model = blank(1)
    model["flux_disc"], model["kt_disc"] = 1.0, 0.15
    energy = photons_of(model)[0] * FINE_CENTRES
    direct = energy[FINE_CENTRES > 0.6].sum() / energy[FINE_CENTRES > 0.3].sum()
    log_x, log_share = extragalactic._disc_share()
    table = np.exp(np.interp(np.log(0.6 / 0.15), log_x, log_share) - np.interp(np.log(0.3 / 0.15), log_x, log_share))
    assert table == pytest.approx(direct, rel=0.01)


def test_black_holes_come_back_at_lower_light_than_they_went() -> None:
    models = compact.black_hole_binary(np.random.default_rng(4), campaign(60, 420.0))
    soft = models["flux_disc"] / (models["flux_disc"] + models["flux_powerlaw"])
    light = flux(models)
    is_soft = soft > 0.5
    first, last = np.flatnonzero(is_soft)[[0, -1]]
    assert is_soft[first : last + 1].all()
    assert light[first] > 5 * light[last]
    # Near log L/L_Edd = -1.8 on the way back.
    assert np.log10(light[last]) == pytest.approx(-1.8, abs=0.4)
    assert models["photon_index"][0] < 2.0 < models["photon_index"][first:last].max()
    assert models["kt_disc"][first] > models["kt_disc"][last]


def test_the_q_is_run_counter_clockwise() -> None:
    # In the plane of hardness and log light: up on the right, over to the left at the top, back at the bottom.
    models = compact.black_hole_binary(np.random.default_rng(7), campaign(40, 420.0, n_sources=60))
    track, light = hardness(models).reshape(60, 40), np.log10(flux(models)).reshape(60, 40)
    area = np.array([enclosed(x, y) for x, y in zip(track, light, strict=True)])
    box = np.ptp(track, axis=1) * np.ptp(light, axis=1)
    assert np.median(area / box) > 0.15  # with so many observations all are textbook cases
    assert np.mean(area > 0) > 0.9
    # Outbursts with few observations may fail: no way over to the soft state.
    few = compact.black_hole_binary(np.random.default_rng(7), campaign(5, 420.0, n_sources=400)).reshape(400, 5)
    failed = (few["flux_disc"] < 0.1 * few["flux_powerlaw"]).all(axis=1)
    assert failed.mean() == pytest.approx(0.25, abs=0.07)


def test_isolated_neutron_stars_and_clusters_stay_as_they_are() -> None:
    for draw in (compact.thermal_neutron_star, compact.pulsar, extragalactic.galaxy_cluster):
        models = draw(np.random.default_rng(1), campaign(5, 5000.0, n_sources=20)).reshape(20, 5)
        assert (models == models[:, :1]).all()


def test_stars_flare_hotter() -> None:
    models = stellar.coronal_star(np.random.default_rng(1), campaign(40, 5000.0, n_sources=50)).reshape(50, 40)
    brightest = models["flux_hot"] / np.median(models["flux_hot"], axis=1, keepdims=True)
    flare = brightest > 1.5
    assert flare.mean() == pytest.approx(0.12, abs=0.03)
    assert brightest.max() < 7
    quiet = np.median(models["kt_hot"], axis=1, keepdims=True)
    assert np.median((models["kt_hot"] / quiet)[flare]) > 1.5
    assert (models["kt_hot"] / quiet)[brightest < 1.2] == pytest.approx(1.0)


def test_oddities_are_what_they_are_called() -> None:
    line = campaign(1, 100.0, n_sources=40)
    rng = np.random.default_rng(6)
    share = {}
    for draw in (oddities.extremely_soft, oddities.compton_thick, oddities.absorbed_pulsar, oddities.line_dominated):
        photons = photons_of(draw(rng, line))
        within = lambda low, high, p=photons: p[:, (FINE_CENTRES > low) & (FINE_CENTRES < high)].sum(axis=1)  # noqa: E731
        share[draw.__name__] = within
    assert (share["extremely_soft"](0.3, 0.6) > 0.97 * share["extremely_soft"](0.3, 10)).all()
    # Iron stands out of the reflected continuum by a factor.
    thick = share["compton_thick"]
    assert np.median(thick(6.1, 6.5) / thick(5.5, 5.9)) > 2.5
    assert np.median(thick(0.3, 1.0)) > 0  # light leaks around the gas
    buried = share["absorbed_pulsar"]
    assert (buried(0.3, 3.0) < 0.02 * buried(3.0, 10.0)).all()
    assert np.median(buried(6.25, 6.55) / buried(5.9, 6.2)) > 2.0
    lines = share["line_dominated"]
    assert np.median(lines(0.55, 0.59) / lines(0.60, 0.64)) > 2.0
    assert np.median(lines(6.3, 6.45) / lines(6.0, 6.15)) > 5.0
