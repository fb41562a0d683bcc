"""Recipes for sources beyond the Galaxy: active nuclei, tidal disruptions, galaxies and clusters (FACTS 5)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import Draws, TimeLine, blank, brighten, interpolate, set_abundances


def agn(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Seyfert galaxies: index 1.99 +- 0.30 (Scott et al. 2011), soft excess in most, a quarter absorbed.

    A third has ionised gas in front, whose oxygen and iron absorb at 0.7 to 0.9 keV (Reynolds 1997, MNRAS 286, 513).
    """
    draw = Draws(rng, line)
    models = _nuclei(rng, line, draw.lognormal(0.3, 0.38, 0.002, 1.5), absorbed_share=0.25, variability_dex=0.22)
    models["trough_depth"] = np.where(draw.chance(0.33), draw.uniform(0.1, 0.7), 0.0)
    models["trough_energy"], models["trough_sigma"] = draw.uniform(0.72, 0.88), draw.uniform(0.04, 0.1)
    return models


def quasar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Luminous distant nuclei: the soft excess is redshifted out, lines are weak."""
    redshift = Draws(rng, line).lognormal(1.3, 0.2, 0.4, 4.5)
    models = _nuclei(rng, line, redshift, absorbed_share=0.15, variability_dex=0.16)
    models["line_1_ew"] *= 0.5
    return models


def _nuclei(
    rng: np.random.Generator,
    line: TimeLine,
    redshift: NDArray[np.float64],
    *,
    absorbed_share: float,
    variability_dex: float,
) -> NDArray[np.void]:
    draw, models = Draws(rng, line), blank(len(line))
    brighter = draw.flicker(variability_dex)
    # Softer when brighter: 0.25 in index a decade of flux, a mild trend.
    models["photon_index"] = draw.normal(1.99, 0.295, 1.1, 3.2) + 0.25 * brighter
    models["flux_powerlaw"] = 1.0
    models["cutoff"] = 200.0
    models["redshift"] = redshift
    # The excess is a property of the source's own 0.3-10 keV: the farther, the less of it is left in ours.
    kt = models["kt_blackbody"] = draw.normal(0.11, 0.03, 0.06, 0.2)
    excess = np.where(draw.chance(0.55), draw.lognormal(0.13, 0.25, 0.0, 0.6), 0.0)
    models["flux_blackbody"] = excess * _above(0.3 * (1.0 + redshift) / kt) / _above(0.3 / kt)
    models["line_1_ew"] = draw.lognormal(0.08, 0.25, 0.0, 0.4)
    models["line_1_sigma"] = np.where(draw.chance(0.25), 0.3, 0.05)
    column = np.where(draw.chance(absorbed_share), draw.lognormal(0.25, 0.45, 0.02, 5.0), 0.0)
    # In a twentieth clouds pass: the column of single observations differs.
    cloudy = draw.chance(0.05) & draw.now(0.5)
    models["nh_intrinsic"] = np.where(cloudy, 2.0 * 10 ** draw.flicker(0.4), column)
    # Partial covering in half of them; some scattered light gets around the gas in the others.
    models["open_share"] = np.where(draw.chance(0.5), draw.uniform(0.0, 0.3), draw.lognormal(0.03, 0.3, 0.0, 0.2))
    models["nh"] = draw.nh
    brighten(models, 10**brighter)
    return models


def _above(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy of a blackbody's Wien spectrum above x = E / kT, up to a factor."""
    return np.exp(-x) * (x**3 + 3 * x**2 + 6 * x + 6)


def absorbed_agn(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nuclei behind 1e22 to 1e24 cm-2, with scattered light and the host's thin plasma below 2 keV."""
    draw, models = Draws(rng, line), blank(len(line))
    models["redshift"] = draw.lognormal(0.12, 0.45, 0.002, 1.5)
    models["nh"] = draw.nh
    column = 10 ** draw.uniform(-0.1, 1.8)
    models["nh_intrinsic"] = column * 10 ** draw.flicker(0.08)
    models["open_share"] = draw.lognormal(0.02, 0.4, 0.0, 0.3)
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = draw.normal(1.85, 0.2, 1.2, 2.6)
    models["cutoff"] = 200.0
    models["line_1_ew"] = draw.lognormal(0.12, 0.3, 0.0, 1.5) * (1.0 + 0.05 * column)
    models["flux_cool"] = draw.lognormal(0.01, 0.5, 0.0, 0.2)
    models["kt_cool"] = draw.uniform(0.3, 0.8)
    brighten(models, 10 ** draw.flicker(0.18))
    return models


def blazar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Jets towards us: hard flat-spectrum quasars and soft BL Lacs, strongly variable, harder when brighter."""
    draw, models = Draws(rng, line), blank(len(line))
    brighter = draw.flicker(0.35)
    hard = draw.chance(0.45)
    index = np.where(hard, draw.normal(1.6, 0.17), draw.normal(2.3, 0.27))
    models["photon_index"] = np.clip(index - 0.3 * brighter, 1.0, 3.3)
    models["flux_powerlaw"] = 1.0
    models["redshift"] = np.where(hard, draw.lognormal(0.9, 0.25, 0.1, 3.5), draw.lognormal(0.2, 0.3, 0.02, 1.0))
    models["nh"] = draw.nh
    brighten(models, 10**brighter)
    return models


def changing_look(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nuclei whose corona vanishes and comes back, like 1ES 1927+654 (Ricci et al. 2020, 2021): a closed loop.

    The power law goes; an 80, later 200 eV thermal spectrum with a broad feature at 1 keV stays; a steep power law
    returns; the flare fades and the old spectrum is back. Before and after, an ordinary nucleus.
    """
    draw, models = Draws(rng, line), blank(len(line))
    phase = np.clip(line.days / line.span_days, 0.0, 1.0)
    nodes = (0.0, 0.1, 0.22, 0.42, 0.6, 0.78, 0.9, 1.0)
    thermal = 10 ** interpolate(phase, nodes, (-1.3, -0.9, 1.3, 1.6, 1.0, 0.1, -0.8, -1.3))
    level = 10 ** interpolate(phase, nodes, (0.0, 0.05, -0.2, 0.25, 0.6, 0.55, 0.2, 0.0))
    models["flux_powerlaw"] = 1.0 / (1.0 + thermal)
    models["flux_blackbody"] = thermal / (1.0 + thermal)
    hotter = draw.lognormal(1.0, 0.04)
    models["kt_blackbody"] = hotter * interpolate(phase, nodes, (0.11, 0.1, 0.08, 0.12, 0.2, 0.17, 0.13, 0.11))
    shift = draw.normal(0.0, 0.1)
    models["photon_index"] = shift + interpolate(phase, nodes, (1.9, 2.0, 3.0, 3.2, 3.0, 2.9, 2.3, 1.9))
    models["line_3_ew"] = interpolate(phase, nodes, (0.0, 0.0, 0.05, 0.15, 0.25, 0.1, 0.0, 0.0))
    models["nh"] = draw.nh
    models["redshift"] = draw.lognormal(0.03, 0.25, 0.005, 0.3)
    brighten(models, level)
    return models


@lru_cache(maxsize=1)
def _disc_share() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of a multi-colour disc's light above x = E / kT_in, tabulated.

    With the photon spectrum x^(-2/3) int_x^inf s^(5/3) / (e^s - 1) ds (Mitsuda et al. 1984) the energy above x is
    3/4 int_x^inf (s^3 - s^(5/3) x^(4/3)) / (e^s - 1) ds.
    """
    s = np.geomspace(1e-3, 60.0, 2000)
    x = s[::10]
    above = np.where(s > x[:, None], (s**3 - s ** (5 / 3) * x[:, None] ** (4 / 3)) / np.expm1(s), 0.0)
    energy = np.sum(0.5 * (above[:, 1:] + above[:, :-1]) * np.diff(s), axis=1)
    return np.log(x), np.log(np.maximum(energy / energy[0], 1e-30))


def tidal_disruption(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Discs of 45 to 120 eV at peak that fade as t^-0.8 to t^-1.7 and cool as L^1/4; late coronae in some.

    Guolo et al. 2023; Auchettl et al. 2017. Unlike a neutron star's surface the disc has many temperatures.
    """
    draw, models = Draws(rng, line), blank(len(line))
    slope, start, hottest = draw.uniform(0.8, 1.7), draw.uniform(60.0, 250.0), draw.uniform(0.06, 0.12)
    # Textbook cases stay visible to the end of their campaign: hot ones that fade slowly.
    slope = np.where(draw.famous, np.minimum(slope, 1.2), slope)
    hottest = np.where(draw.famous, np.maximum(hottest, 0.085), hottest)
    light = (1.0 + line.days / start) ** -slope * 10 ** draw.flicker(0.05)
    models["kt_disc"] = np.clip(hottest * light**0.25, 0.035, 0.15)
    # The 0.3-10 keV band sees the Wien tail only: its flux falls faster than the bolometric light.
    models["flux_disc"] = light * np.exp(np.interp(np.log(0.3 / models["kt_disc"]), *_disc_share()))
    corona = draw.chance(0.3) | draw.famous
    growth = np.clip(line.days / 700.0, 0.0, 1.0)
    share = np.where(corona, draw.lognormal(1.0, 0.3, 0.0, 3.0) * growth, 0.0)
    weak = np.where(draw.chance(0.6), draw.lognormal(0.03, 0.4, 0.0, 0.2), 0.0)
    # A few are seen along a jet, or have had a corona from the start: the power law outshines the disc.
    hard = np.where(draw.chance(0.12) & ~draw.famous, draw.lognormal(4.0, 0.4), 0.0)
    models["flux_powerlaw"] = (share + weak + hard) * models["flux_disc"]
    models["photon_index"] = draw.normal(2.7, 0.4, 1.6, 4.0)
    models["nh"] = draw.nh
    models["nh_intrinsic"] = draw.lognormal(0.01, 0.6, 0.0, 0.5)
    models["redshift"] = draw.lognormal(0.06, 0.3, 0.01, 0.4)
    return models


def galaxy(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Hot gas of 0.3 to 0.9 keV and the sum of its X-ray binaries."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_cool"] = draw.lognormal(0.5, 0.45, 0.02, 10.0)
    models["kt_cool"] = draw.lognormal(0.55, 0.15, 0.2, 1.2)
    set_abundances(models, draw.lognormal(0.5, 0.2, 0.1, 2.0))
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = draw.normal(1.8, 0.2, 1.2, 2.6)
    models["cutoff"] = 20.0
    models["nh_intrinsic"] = draw.lognormal(0.1, 0.5, 0.0, 3.0)
    models["nh"] = draw.nh
    models["redshift"] = draw.lognormal(0.015, 0.4, 0.001, 0.2)
    brighten(models, 10 ** draw.flicker(0.06))
    return models


def galaxy_cluster(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Clusters and groups: thermal plasma of 0.8 to 10 keV, a third of solar metals, redshifts to 1; steady."""
    draw, models = Draws(rng, line), blank(len(line))
    models["kt_hot"] = draw.lognormal(2.8, 0.28, 0.8, 11.0)
    models["flux_hot"] = 1.0
    set_abundances(models, draw.lognormal(0.33, 0.15, 0.1, 1.0))
    models["redshift"] = draw.lognormal(0.25, 0.35, 0.01, 1.3)
    models["nh"] = draw.nh
    models["flux_powerlaw"] = np.where(draw.chance(0.2), draw.lognormal(0.15, 0.4, 0.0, 0.6), 0.0)
    models["photon_index"] = 1.9
    return models
