"""Recipes for sources beyond the Galaxy: active nuclei, tidal disruptions, galaxies and clusters (FACTS 5)."""

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
    set_abundances,
)


def agn(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Seyfert galaxies: index 1.99 +- 0.30 with errors (Scott et al. 2011), soft excess in most, a quarter absorbed."""
    n = line.n_sources
    models = _nuclei(rng, line, index_sd=0.24, soft_excess_share=0.65, absorbed_share=0.25, variability_dex=0.22)
    models["redshift"] = lognormal(rng, 0.22, 0.38, n, 0.002, 1.2)[line.source]
    return models


def quasar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Luminous distant nuclei: the soft excess is redshifted out, lines are weak."""
    n = line.n_sources
    models = _nuclei(rng, line, index_sd=0.26, soft_excess_share=0.45, absorbed_share=0.15, variability_dex=0.16)
    models["redshift"] = lognormal(rng, 1.3, 0.2, n, 0.4, 4.5)[line.source]
    models["line_1_ew"] *= 0.5
    return models


def _nuclei(
    rng: np.random.Generator,
    line: TimeLine,
    *,
    index_sd: float,
    soft_excess_share: float,
    absorbed_share: float,
    variability_dex: float,
) -> NDArray[np.void]:
    n, source = line.n_sources, line.source
    models = blank(len(line))
    brighter = rng.normal(0.0, variability_dex, len(line))
    # Softer when brighter: 0.25 in index a decade of flux, a mild trend.
    models["photon_index"] = normal(rng, 1.97, index_sd, n, 1.1, 3.2)[source] + 0.25 * brighter
    models["flux_powerlaw"] = 1.0
    models["cutoff"] = 200.0
    has_excess = rng.random(n) < soft_excess_share
    models["flux_blackbody"] = np.where(has_excess, lognormal(rng, 0.25, 0.3, n, 0.0, 1.5), 0.0)[source]
    models["kt_blackbody"] = normal(rng, 0.11, 0.03, n, 0.06, 0.2)[source]
    models["line_1_ew"] = lognormal(rng, 0.08, 0.25, n, 0.0, 0.4)[source]
    models["line_1_sigma"] = np.where(rng.random(n) < 0.25, 0.3, 0.05)[source]
    absorbed = rng.random(n) < absorbed_share
    column = np.where(absorbed, lognormal(rng, 0.25, 0.45, n, 0.02, 5.0), 0.0)
    # In a twentieth clouds pass: the column of single observations differs.
    cloudy = (rng.random(n) < 0.05)[source] & (rng.random(len(line)) < 0.5)
    models["nh_intrinsic"] = np.where(cloudy, lognormal(rng, 2.0, 0.4, len(line)), column[source])
    models["open_share"] = np.where(rng.random(n) < 0.5, rng.uniform(0.0, 0.3, n), 0.0)[source]
    models["nh"] = high_latitude_nh(rng, n)[source]
    brighten(models, 10**brighter)
    return models


def absorbed_agn(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nuclei behind 1e22 to 1e24 cm-2, with scattered light and the host's thin plasma below 2 keV."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["redshift"] = lognormal(rng, 0.12, 0.45, n, 0.002, 1.5)[source]
    models["nh"] = high_latitude_nh(rng, n)[source]
    column = 10 ** rng.uniform(-0.1, 1.8, n)
    models["nh_intrinsic"] = column[source] * 10 ** rng.normal(0.0, 0.08, len(line))
    models["open_share"] = lognormal(rng, 0.02, 0.4, n, 0.0, 0.3)[source]
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = normal(rng, 1.85, 0.2, n, 1.2, 2.6)[source]
    models["cutoff"] = 200.0
    models["line_1_ew"] = lognormal(rng, 0.12, 0.3, n, 0.0, 1.5)[source] * (1.0 + 0.05 * column[source])
    models["flux_cool"] = lognormal(rng, 0.01, 0.5, n, 0.0, 0.2)[source]
    models["kt_cool"] = rng.uniform(0.3, 0.8, n)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.18, len(line)))
    return models


def blazar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Jets towards us: hard flat-spectrum quasars and soft BL Lacs, strongly variable, harder when brighter."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    brighter = rng.normal(0.0, 0.35, len(line))
    hard = rng.random(n) < 0.45
    index = np.where(hard, rng.normal(1.6, 0.17, n), rng.normal(2.3, 0.27, n))
    models["photon_index"] = np.clip(index[source] - 0.3 * brighter, 1.0, 3.3)
    models["flux_powerlaw"] = 1.0
    models["redshift"] = np.where(hard, lognormal(rng, 0.9, 0.25, n, 0.1, 3.5), lognormal(rng, 0.2, 0.3, n, 0.02, 1.0))[
        source
    ]
    models["nh"] = high_latitude_nh(rng, n)[source]
    brighten(models, 10**brighter)
    return models


def changing_look(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nuclei whose corona vanishes and comes back, like 1ES 1927+654 (Ricci et al. 2020, 2021): a closed loop.

    The power law goes; an 80, later 200 eV thermal spectrum with a broad feature at 1 keV stays; a steep power law
    returns; the flare fades and the old spectrum is back.
    """
    n, source = line.n_sources, line.source
    models = blank(len(line))
    phase = np.clip(line.days / line.span_days, 0.0, 1.0)
    nodes = (0.0, 0.1, 0.22, 0.42, 0.6, 0.78, 0.9, 1.0)
    thermal = 10 ** interpolate(phase, nodes, (-1.3, -0.9, 1.3, 1.6, 1.0, 0.1, -0.8, -1.3))
    level = 10 ** interpolate(phase, nodes, (0.0, 0.05, -0.2, 0.25, 0.6, 0.55, 0.2, 0.0))
    models["flux_powerlaw"] = 1.0 / (1.0 + thermal)
    models["flux_blackbody"] = thermal / (1.0 + thermal)
    hotter = lognormal(rng, 1.0, 0.04, n)[source]
    models["kt_blackbody"] = hotter * interpolate(phase, nodes, (0.11, 0.1, 0.08, 0.12, 0.2, 0.17, 0.13, 0.11))
    shift = rng.normal(0.0, 0.1, n)[source]
    models["photon_index"] = shift + interpolate(phase, nodes, (1.9, 2.0, 3.0, 3.2, 3.0, 2.9, 2.3, 1.9))
    models["line_3_ew"] = interpolate(phase, nodes, (0.0, 0.0, 0.05, 0.15, 0.25, 0.1, 0.0, 0.0))
    models["nh"] = high_latitude_nh(rng, n)[source]
    models["redshift"] = lognormal(rng, 0.03, 0.25, n, 0.005, 0.3)[source]
    brighten(models, level)
    return models


def tidal_disruption(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Thermal, kT 45 to 120 eV at peak; fades as t^-0.8 to t^-1.7 and cools as L^1/4; late coronae in some.

    Guolo et al. 2023; Auchettl et al. 2017.
    """
    n, source = line.n_sources, line.source
    models = blank(len(line))
    slope, start = rng.uniform(0.8, 1.7, n)[source], rng.uniform(60.0, 250.0, n)[source]
    light = (1.0 + line.days / start) ** -slope * 10 ** rng.normal(0.0, 0.05, len(line))
    models["kt_blackbody"] = np.clip(rng.uniform(0.06, 0.12, n)[source] * light**0.25, 0.035, 0.15)
    # The 0.3-10 keV band sees the Wien tail only: its flux falls faster than the bolometric light.
    x = 0.3 / models["kt_blackbody"]
    models["flux_blackbody"] = light * np.exp(-x) * (x**3 + 3 * x**2 + 6 * x + 6)
    corona = ((rng.random(n) < 0.3) | line.famous)[source]
    growth = np.clip(line.days / 700.0, 0.0, 1.0)
    share = np.where(corona, lognormal(rng, 0.25, 0.3, n, 0.0, 1.5)[source] * growth, 0.0)
    weak = np.where(rng.random(n) < 0.35, lognormal(rng, 0.02, 0.4, n, 0.0, 0.2), 0.0)[source]
    # A few are seen along a jet, or have had a corona from the start: the power law outshines the disc.
    hard = np.where((rng.random(n) < 0.12) & ~line.famous, lognormal(rng, 4.0, 0.4, n), 0.0)[source]
    models["flux_powerlaw"] = (share + weak + hard) * models["flux_blackbody"]
    models["photon_index"] = normal(rng, 2.7, 0.4, n, 1.6, 4.0)[source]
    models["nh"] = (high_latitude_nh(rng, n) + lognormal(rng, 0.01, 0.6, n, 0.0, 0.5))[source]
    models["redshift"] = lognormal(rng, 0.06, 0.3, n, 0.01, 0.4)[source]
    return models


def galaxy(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Hot gas of 0.3 to 0.9 keV and the sum of its X-ray binaries."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_cool"] = lognormal(rng, 0.5, 0.45, n, 0.02, 10.0)[source]
    models["kt_cool"] = lognormal(rng, 0.55, 0.15, n, 0.2, 1.2)[source]
    set_abundances(models, lognormal(rng, 0.5, 0.2, n, 0.1, 2.0)[source])
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = normal(rng, 1.8, 0.2, n, 1.2, 2.6)[source]
    models["cutoff"] = 20.0
    models["nh_intrinsic"] = lognormal(rng, 0.1, 0.5, n, 0.0, 3.0)[source]
    models["nh"] = high_latitude_nh(rng, n)[source]
    models["redshift"] = lognormal(rng, 0.015, 0.4, n, 0.001, 0.2)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.06, len(line)))
    return models


def galaxy_cluster(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Clusters and groups: thermal plasma of 0.8 to 10 keV, a third of solar metals, redshifts to 1; steady."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["kt_hot"] = lognormal(rng, 2.8, 0.28, n, 0.8, 11.0)[source]
    models["flux_hot"] = 1.0
    set_abundances(models, lognormal(rng, 0.33, 0.15, n, 0.1, 1.0)[source])
    models["redshift"] = lognormal(rng, 0.25, 0.35, n, 0.01, 1.3)[source]
    models["nh"] = high_latitude_nh(rng, n)[source]
    nucleus = np.where(rng.random(n) < 0.2, lognormal(rng, 0.15, 0.4, n, 0.0, 0.6), 0.0)[source]
    models["flux_powerlaw"], models["photon_index"] = nucleus, 1.9
    return models
