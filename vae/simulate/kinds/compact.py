"""Recipes for accreting compact stars, neutron stars and white dwarfs (FACTS 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import (
    TimeLine,
    blank,
    brighten,
    high_latitude_nh,
    interpolate,
    lognormal,
    normal,
    plane_nh,
    set_abundances,
)


def black_hole_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Black holes in outburst, along the q-track: hard rise, bright transition, soft decline, faint way back.

    Index 1.6 in the hard state, disc of 0.5 to 1.3 keV in the soft one; the way back lies near log L/L_Edd = -1.8
    (Vahdat Motlagh et al. 2019).
    """
    n, source = line.n_sources, line.source
    models = blank(len(line))
    phase = np.clip(line.days / line.span_days, 0.0, 1.0)
    nodes = (0.0, 0.15, 0.24, 0.32, 0.45, 0.68, 0.76, 0.84, 1.0)
    log_light = interpolate(phase, nodes, (-2.6, -0.9, -0.6, -0.45, -0.7, -1.6, -1.8, -2.0, -3.0))
    log_light += rng.normal(0.0, 0.06, len(line)) + rng.normal(0.0, 0.2, n)[source]
    soft = interpolate(phase, nodes, (0.02, 0.06, 0.35, 0.85, 0.95, 0.9, 0.5, 0.08, 0.0))
    index = interpolate(phase, nodes, (1.6, 1.7, 2.1, 2.45, 2.3, 2.2, 1.95, 1.65, 1.75))
    # A quarter of the outbursts fail: they stay in the hard state.
    failed = ((rng.random(n) < 0.25) & ~line.famous)[source]
    soft, index = np.where(failed, 0.03, soft), np.where(failed, 1.65, index)
    light = 10**log_light
    hottest = rng.uniform(0.85, 1.3, n)[source]
    models["kt_disc"] = np.clip(hottest * (light / 0.35) ** 0.25, 0.15, 1.4)
    models["flux_disc"], models["flux_powerlaw"] = soft * light, (1.0 - soft) * light
    models["photon_index"] = index + rng.normal(0.0, 0.05, len(line)) + rng.normal(0.0, 0.08, n)[source]
    models["cutoff"] = 100.0
    models["line_1_ew"], models["line_1_sigma"] = lognormal(rng, 0.08, 0.2, n, 0.0, 0.3)[source], 0.4
    models["nh"] = plane_nh(rng, n, 0.5, 0.35)[source]
    return models


def neutron_star_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Low-mass binaries: hard power law when faint, disc and boundary layer when bright; they switch."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    brighter = rng.normal(0.0, 0.3, len(line)) + rng.normal(0.0, 0.3, n)[source]
    soft = brighter > 0.0
    layer = rng.uniform(0.35, 0.6, n)[source]
    models["flux_disc"] = np.where(soft, 1.0 - layer, 0.1)
    models["kt_disc"] = rng.uniform(0.5, 1.0, n)[source]
    models["flux_blackbody"] = np.where(soft, layer, 0.15)
    models["kt_blackbody"] = rng.uniform(1.1, 2.0, n)[source]
    models["flux_powerlaw"] = np.where(soft, 0.1, 1.0)
    models["photon_index"] = normal(rng, 1.85, 0.2, n, 1.3, 2.6)[source]
    models["nh"] = plane_nh(rng, n, 0.6, 0.45)[source]
    brighten(models, 10**brighter)
    return models


def high_mass_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Pulsars in the wind of a massive star: hard power law, variable own absorption, iron line."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = normal(rng, 1.05, 0.25, n, 0.4, 1.8)[source]
    models["cutoff"] = rng.uniform(10.0, 25.0, n)[source]
    cloudy = (rng.random(n) < 0.65)[source]
    column = lognormal(rng, 1.5, 0.5, n, 0.05, 60.0)[source] * 10 ** rng.normal(0.0, 0.25, len(line))
    models["nh_intrinsic"] = np.where(cloudy, column, 0.0)
    models["open_share"] = lognormal(rng, 0.03, 0.5, n, 0.0, 0.4)[source]
    models["line_1_ew"] = lognormal(rng, 0.08, 0.35, n, 0.0, 0.8)[source]
    excess = np.where(rng.random(n) < 0.3, rng.uniform(0.02, 0.15, n), 0.0)
    models["flux_blackbody"], models["kt_blackbody"] = excess[source], 0.12
    models["nh"] = plane_nh(rng, n, 0.35, 0.5)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.4, len(line)))
    return models


def ultraluminous_source(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Cool disc of 0.1 to 0.4 keV and a power law that rolls over above 3 keV (Gladstone et al. 2009)."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    brighter = rng.normal(0.0, 0.2, len(line))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = normal(rng, 1.6, 0.35, n, 0.8, 2.8)[source] + 0.3 * brighter
    models["cutoff"] = rng.uniform(3.5, 10.0, n)[source]
    models["flux_disc"] = lognormal(rng, 0.35, 0.35, n, 0.0, 2.0)[source]
    models["kt_disc"] = rng.uniform(0.12, 0.4, n)[source]
    models["nh"] = (high_latitude_nh(rng, n) + lognormal(rng, 0.15, 0.3, n, 0.01, 1.0))[source]
    brighten(models, 10**brighter)
    return models


def thermal_neutron_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Isolated and cooling neutron stars: one blackbody of 50 to 200 eV, at most a weak power law, constant."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = lognormal(rng, 0.1, 0.17, n, 0.045, 0.22)[source]
    tail = np.where(rng.random(n) < 0.5, lognormal(rng, 0.03, 0.4, n, 0.0, 0.3), 0.0)
    models["flux_powerlaw"], models["photon_index"] = tail[source], normal(rng, 1.6, 0.3, n, 1.0, 2.6)[source]
    models["nh"] = lognormal(rng, 0.03, 0.4, n, 0.003, 0.8)[source]
    return models


def pulsar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Pulsars and their wind nebulae: index about 1.5, for some with heated caps; constant."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = normal(rng, 1.6, 0.27, n, 0.9, 2.4)[source]
    caps = np.where(rng.random(n) < 0.5, lognormal(rng, 0.3, 0.4, n, 0.0, 3.0), 0.0)
    models["flux_blackbody"] = caps[source]
    models["kt_blackbody"] = lognormal(rng, 0.13, 0.15, n, 0.06, 0.25)[source]
    models["nh"] = plane_nh(rng, n, 0.35, 0.5)[source]
    return models


def magnetar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Hot blackbody of 0.3 to 0.7 keV and a steep power law behind the plane's gas; outbursts decay."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = rng.uniform(0.3, 0.7, n)[source]
    models["flux_powerlaw"] = rng.uniform(0.1, 1.2, n)[source]
    models["photon_index"] = normal(rng, 3.0, 0.5, n, 1.8, 4.0)[source]
    models["nh"] = plane_nh(rng, n, 1.2, 0.3)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.15, len(line)))
    return models


def cataclysmic_variable(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Plasma of about 12 keV with iron lines; half behind partial absorbers; a soft component in some polars."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_hot"] = 1.0
    models["kt_hot"] = lognormal(rng, 11.0, 0.22, n, 3.0, 27.0)[source]
    set_abundances(models, rng.uniform(0.3, 1.0, n)[source])
    covered = (rng.random(n) < 0.5)[source]
    column = lognormal(rng, 1.2, 0.5, n, 0.05, 30.0)[source] * 10 ** rng.normal(0.0, 0.12, len(line))
    models["nh_intrinsic"] = np.where(covered, column, 0.0)
    models["open_share"] = rng.uniform(0.05, 0.6, n)[source]
    models["line_1_ew"] = rng.uniform(0.02, 0.18, n)[source]
    models["flux_cool"] = lognormal(rng, 0.05, 0.45, n, 0.0, 0.6)[source]
    models["kt_cool"] = rng.uniform(0.2, 0.9, n)[source]
    polar = (rng.random(n) < 0.12)[source]
    models["flux_blackbody"] = np.where(polar, lognormal(rng, 0.4, 0.3, n)[source], 0.0)
    models["kt_blackbody"] = rng.uniform(0.03, 0.07, n)[source]
    models["nh"] = lognormal(rng, 0.1, 0.45, n, 0.01, 3.0)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.2, len(line)))
    return models


def supersoft_source(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """White dwarfs that burn hydrogen on their surface, and novae: 25 to 90 eV, variable."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = rng.uniform(0.03, 0.09, n)[source] * 10 ** rng.normal(0.0, 0.03, len(line))
    models["flux_cool"] = np.where(rng.random(n) < 0.4, lognormal(rng, 0.05, 0.4, n), 0.0)[source]
    models["kt_cool"] = rng.uniform(0.3, 1.0, n)[source]
    models["nh"] = lognormal(rng, 0.06, 0.3, n, 0.01, 0.6)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.3, len(line)))
    return models
