"""Recipes for stars, remnants of supernovae and hot gas in stellar systems (FACTS 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import Draws, TimeLine, blank, brighten, set_abundances


def coronal_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Coronae of late-type stars: 0.3 and 0.95 keV, little iron, much neon; flares."""
    models = _coronae(rng, line, cool=0.3, hot=0.95, hot_share=0.55, flare_share=0.12, abundance=0.4)
    models["nh"] = Draws(rng, line).nh
    return models


def young_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Young stars: hotter coronae behind the gas of their cloud; more and hotter flares."""
    models = _coronae(rng, line, cool=0.75, hot=2.2, hot_share=0.65, flare_share=0.2, abundance=0.3)
    draw = Draws(rng, line)
    models["nh"] = draw.nh
    models["nh_intrinsic"] = draw.lognormal(0.25, 0.5, 0.01, 6.0)
    return models


def _coronae(
    rng: np.random.Generator,
    line: TimeLine,
    *,
    cool: float,
    hot: float,
    hot_share: float,
    flare_share: float,
    abundance: float,
) -> NDArray[np.void]:
    """Two temperatures; in a flare the hot plasma has 1.5 to 5 times the emission and is 1.5 to 4 times hotter."""
    draw, models = Draws(rng, line), blank(len(line))
    flares = draw.now(flare_share)
    stronger = np.where(flares, rng.uniform(1.5, 5.0, len(line)), 10 ** draw.flicker(0.07))
    hotter = np.where(flares, rng.uniform(1.5, 4.0, len(line)), 1.0)
    share = draw.normal(hot_share, 0.15, 0.1, 0.95)
    models["flux_cool"] = 1.0 - share
    models["kt_cool"] = draw.lognormal(cool, 0.1, 0.12, 1.2)
    models["flux_hot"] = share * stronger
    models["kt_hot"] = np.clip(draw.lognormal(hot, 0.13, 0.5, 5.0) * hotter, 0.4, 9.0)
    metals = draw.lognormal(abundance, 0.17, 0.05, 1.5)
    iron = metals * draw.lognormal(0.65, 0.15, 0.1, 1.5)
    neon = metals * draw.lognormal(2.0, 0.15, 0.5, 6.0)
    light = metals * draw.lognormal(1.1, 0.12, 0.4, 3.0)
    set_abundances(models, metals, Fe=iron, Ni=iron, Ne=neon, C=light, N=light, O=light)
    return models


def massive_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Winds of massive stars: shocks of 0.2 to 0.7 keV behind the wind's own gas; some colliding winds are hotter."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_cool"] = 1.0
    models["kt_cool"] = draw.lognormal(0.28, 0.12, 0.12, 0.6)
    collision = draw.chance(0.3)
    models["flux_hot"] = np.where(collision, draw.lognormal(0.5, 0.3), draw.lognormal(0.12, 0.3))
    models["kt_hot"] = np.where(collision, draw.uniform(1.0, 3.0), draw.uniform(0.5, 0.8))
    set_abundances(models, draw.lognormal(0.9, 0.12, 0.3, 2.0))
    models["nh"] = draw.nh + draw.lognormal(0.2, 0.22, 0.03, 2.0)
    brighten(models, 10 ** draw.flicker(0.06))
    return models


def supernova_remnant(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Compact remnants: line-rich plasma of 0.2 to 0.8 keV, enriched in oxygen, neon, silicon; some with hot ejecta."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_cool"] = 1.0
    models["kt_cool"] = draw.uniform(0.2, 0.8)
    models["flux_hot"] = np.where(draw.chance(0.4), draw.lognormal(0.3, 0.4, 0.0, 2.0), 0.0)
    models["kt_hot"] = draw.uniform(1.2, 3.0)
    metals, iron = draw.lognormal(2.0, 0.25, 0.3, 8.0), draw.lognormal(0.6, 0.3, 0.1, 4.0)
    neon, light = draw.lognormal(1.6, 0.25, 0.3, 6.0), draw.lognormal(1.8, 0.25, 0.3, 6.0)
    set_abundances(models, metals, Fe=iron, Ni=iron, Ne=neon, C=light, N=light, O=light)
    models["nh"] = draw.nh + draw.lognormal(0.08, 0.3, 0.01, 0.5)
    return models


def supernova(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Interacting supernovae and afterglows: hot shocked gas or a power law, fading and clearing of absorption."""
    draw, models = Draws(rng, line), blank(len(line))
    afterglow = draw.chance(0.4)
    models["flux_powerlaw"] = np.where(afterglow, 1.0, 0.0)
    models["photon_index"] = draw.normal(1.95, 0.15, 1.5, 2.6)
    models["flux_hot"] = np.where(afterglow, 0.0, 1.0)
    models["kt_hot"] = np.clip(draw.uniform(3.0, 15.0) * (1.0 + line.days / 100.0) ** -0.35, 0.5, 20.0)
    models["flux_cool"] = np.where(afterglow, 0.0, np.clip(line.days / 1500.0, 0.0, 1.0) * 0.5)
    models["kt_cool"] = draw.uniform(0.4, 0.9)
    models["nh_intrinsic"] = draw.lognormal(0.8, 0.4, 0.02, 8.0) * (1.0 + line.days / 100.0) ** -0.8
    models["nh"] = draw.nh
    models["redshift"] = np.where(afterglow, draw.lognormal(0.9, 0.3, 0.05, 4.0), 0.005)
    brighten(models, (1.0 + line.days / 30.0) ** -draw.uniform(0.4, 1.0))
    return models


def stellar_system(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Globular clusters, star-forming regions and nebulae: unresolved binaries or warm gas, in all mixtures."""
    draw, models = Draws(rng, line), blank(len(line))
    gas = draw.chance(0.5)
    models["flux_cool"] = np.where(gas, 1.0, draw.uniform(0.0, 0.1))
    models["kt_cool"] = draw.uniform(0.2, 0.9)
    models["flux_powerlaw"] = np.where(gas, draw.lognormal(0.3, 0.4), 1.0)
    models["photon_index"] = draw.normal(1.7, 0.25, 1.1, 2.6)
    set_abundances(models, draw.lognormal(0.7, 0.2, 0.2, 2.0))
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.1))
    return models
