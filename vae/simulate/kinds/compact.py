"""Recipes for accreting compact stars, neutron stars and white dwarfs (FACTS 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import Draws, TimeLine, blank, brighten, interpolate, set_abundances


def black_hole_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Black holes in outburst, along the q-track: hard rise, bright transition, soft decline, faint way back.

    Index 1.6 in the hard state, disc of 0.5 to 1.3 keV in the soft one; the way back lies near log L/L_Edd = -1.8
    (Vahdat Motlagh et al. 2019). Fluxes are in units of the Eddington limit's.
    """
    draw, models = Draws(rng, line), blank(len(line))
    phase = np.clip(line.days / line.span_days, 0.0, 1.0)
    nodes = (0.0, 0.15, 0.24, 0.32, 0.45, 0.68, 0.76, 0.84, 1.0)
    log_light = interpolate(phase, nodes, (-2.6, -0.9, -0.6, -0.45, -0.7, -1.6, -1.8, -2.0, -3.0))
    log_light += draw.flicker(0.06) + draw.normal(0.0, 0.2)
    soft = interpolate(phase, nodes, (0.02, 0.06, 0.35, 0.85, 0.95, 0.9, 0.5, 0.08, 0.0))
    index = interpolate(phase, nodes, (1.6, 1.7, 2.1, 2.45, 2.3, 2.2, 1.95, 1.65, 1.75))
    # A quarter of the outbursts fail: they stay in the hard state.
    failed = draw.chance(0.25) & ~draw.famous
    soft, index = np.where(failed, 0.03, soft), np.where(failed, 1.65, index)
    light = 10**log_light
    models["kt_disc"] = np.clip(draw.uniform(0.85, 1.3) * (light / 0.35) ** 0.25, 0.15, 1.4)
    models["flux_disc"], models["flux_powerlaw"] = soft * light, (1.0 - soft) * light
    models["photon_index"] = index + draw.flicker(0.05) + draw.normal(0.0, 0.08)
    models["cutoff"] = 100.0
    models["line_1_ew"], models["line_1_sigma"] = draw.lognormal(0.08, 0.2, 0.0, 0.3), 0.4
    models["nh"] = draw.nh
    return models


def neutron_star_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Low-mass binaries: hard power law when faint, disc and boundary layer when bright; they switch."""
    draw, models = Draws(rng, line), blank(len(line))
    brighter = draw.flicker(0.3) + draw.normal(0.0, 0.3)
    soft = brighter > 0.0
    layer = draw.uniform(0.35, 0.6)
    models["flux_disc"] = np.where(soft, 1.0 - layer, 0.1)
    models["kt_disc"] = draw.uniform(0.5, 1.0)
    models["flux_blackbody"] = np.where(soft, layer, 0.15)
    models["kt_blackbody"] = draw.uniform(1.1, 2.0)
    models["flux_powerlaw"] = np.where(soft, 0.1, 1.0)
    models["photon_index"] = draw.normal(1.85, 0.2, 1.3, 2.6)
    models["nh"] = draw.nh
    brighten(models, 10**brighter)
    return models


def high_mass_binary(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Pulsars in the wind of a massive star: hard power law, variable own absorption, iron line."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = draw.normal(1.05, 0.25, 0.4, 1.8)
    models["cutoff"] = draw.uniform(10.0, 25.0)
    column = draw.lognormal(1.5, 0.5, 0.05, 60.0) * 10 ** draw.flicker(0.25)
    models["nh_intrinsic"] = np.where(draw.chance(0.65), column, 0.0)
    models["open_share"] = draw.lognormal(0.03, 0.5, 0.0, 0.4)
    models["line_1_ew"] = draw.lognormal(0.08, 0.35, 0.0, 0.8)
    models["flux_blackbody"] = np.where(draw.chance(0.3), draw.uniform(0.02, 0.15), 0.0)
    models["kt_blackbody"] = 0.12
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.4))
    return models


def ultraluminous_source(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Cool disc of 0.1 to 0.4 keV and a power law that rolls over above 3 keV (Gladstone et al. 2009)."""
    draw, models = Draws(rng, line), blank(len(line))
    brighter = draw.flicker(0.2)
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = draw.normal(1.6, 0.35, 0.8, 2.8) + 0.3 * brighter
    models["cutoff"] = draw.uniform(3.5, 10.0)
    models["flux_disc"] = draw.lognormal(0.35, 0.35, 0.0, 2.0)
    models["kt_disc"] = draw.uniform(0.12, 0.4)
    models["nh"] = draw.nh
    models["nh_intrinsic"] = draw.lognormal(0.15, 0.3, 0.01, 1.0)
    brighten(models, 10**brighter)
    return models


def thermal_neutron_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Isolated and cooling neutron stars: one blackbody of 50 to 200 eV behind little gas, constant.

    Half have broad absorption lines at 0.2 to 0.8 keV (Haberl 2007, Ap&SS 308, 181), at most a weak power law comes
    from the magnetosphere.
    """
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = draw.lognormal(0.1, 0.17, 0.045, 0.22)
    models["flux_powerlaw"] = np.where(draw.chance(0.4), draw.lognormal(0.02, 0.4, 0.0, 0.2), 0.0)
    models["photon_index"] = draw.normal(1.6, 0.3, 1.0, 2.6)
    models["trough_depth"] = np.where(draw.chance(0.5), draw.uniform(0.3, 1.2), 0.0)
    models["trough_energy"], models["trough_sigma"] = draw.uniform(0.25, 0.8), draw.uniform(0.05, 0.12)
    models["nh"] = draw.nh
    return models


def pulsar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Pulsars and their wind nebulae: index about 1.5, for some with heated caps; constant."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = draw.normal(1.6, 0.27, 0.9, 2.4)
    models["flux_blackbody"] = np.where(draw.chance(0.5), draw.lognormal(0.3, 0.4, 0.0, 3.0), 0.0)
    models["kt_blackbody"] = draw.lognormal(0.13, 0.15, 0.06, 0.25)
    models["nh"] = draw.nh
    return models


def magnetar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Hot blackbody of 0.3 to 0.7 keV and a steep power law behind the plane's gas; outbursts decay."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = draw.uniform(0.3, 0.7)
    models["flux_powerlaw"] = draw.uniform(0.1, 1.2)
    models["photon_index"] = draw.normal(3.0, 0.5, 1.8, 4.0)
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.15))
    return models


def cataclysmic_variable(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Plasma of about 12 keV with iron lines; half behind partial absorbers; a soft component in some polars."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_hot"] = 1.0
    models["kt_hot"] = draw.lognormal(11.0, 0.22, 3.0, 27.0)
    set_abundances(models, draw.uniform(0.3, 1.0))
    column = draw.lognormal(1.2, 0.5, 0.05, 30.0) * 10 ** draw.flicker(0.12)
    models["nh_intrinsic"] = np.where(draw.chance(0.5), column, 0.0)
    models["open_share"] = draw.uniform(0.05, 0.6)
    models["line_1_ew"] = draw.uniform(0.02, 0.18)
    models["flux_cool"] = draw.lognormal(0.05, 0.45, 0.0, 0.6)
    models["kt_cool"] = draw.uniform(0.2, 0.9)
    models["flux_blackbody"] = np.where(draw.chance(0.12), draw.lognormal(0.4, 0.3), 0.0)
    models["kt_blackbody"] = draw.uniform(0.03, 0.07)
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.2))
    return models


def supersoft_source(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """White dwarfs that burn hydrogen on their surface, and novae: 25 to 90 eV, variable."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_blackbody"] = 1.0
    models["kt_blackbody"] = draw.uniform(0.03, 0.09) * 10 ** draw.flicker(0.03)
    models["flux_cool"] = np.where(draw.chance(0.4), draw.lognormal(0.05, 0.4), 0.0)
    models["kt_cool"] = draw.uniform(0.3, 1.0)
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.3))
    return models
