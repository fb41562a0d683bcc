"""Recipes for stars, remnants of supernovae and hot gas in stellar systems (FACTS 5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import (
    TimeLine,
    blank,
    brighten,
    high_latitude_nh,
    lognormal,
    normal,
    plane_nh,
    set_abundances,
)


def coronal_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Coronae of late-type stars: 0.3 and 0.95 keV, little iron, much neon; flares."""
    n = line.n_sources
    models = blank(len(line))
    models["nh"] = lognormal(rng, 0.01, 0.5, n, 0.0005, 0.3)[line.source]
    _coronae(rng, line, models, cool=0.3, hot=0.95, hot_share=0.55, flare_share=0.12, abundance=0.4)
    return models


def young_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Young stars: hotter coronae behind the gas of their cloud; more and hotter flares."""
    n = line.n_sources
    models = blank(len(line))
    models["nh"] = lognormal(rng, 0.3, 0.5, n, 0.01, 6.0)[line.source]
    _coronae(rng, line, models, cool=0.75, hot=2.2, hot_share=0.65, flare_share=0.2, abundance=0.3)
    return models


def _coronae(
    rng: np.random.Generator,
    line: TimeLine,
    models: NDArray[np.void],
    *,
    cool: float,
    hot: float,
    hot_share: float,
    flare_share: float,
    abundance: float,
) -> None:
    n, source = line.n_sources, line.source
    flares = rng.random(len(line)) < flare_share
    stronger = np.where(flares, rng.uniform(1.5, 5.0, len(line)), 10 ** rng.normal(0.0, 0.07, len(line)))
    hotter = np.where(flares, rng.uniform(1.5, 4.0, len(line)), 1.0)
    share = normal(rng, hot_share, 0.15, n, 0.1, 0.95)[source]
    models["flux_cool"] = 1.0 - share
    models["kt_cool"] = lognormal(rng, cool, 0.1, n, 0.12, 1.2)[source]
    models["flux_hot"] = share * stronger
    models["kt_hot"] = np.clip(lognormal(rng, hot, 0.13, n, 0.5, 5.0)[source] * hotter, 0.4, 9.0)
    metals = lognormal(rng, abundance, 0.17, n, 0.05, 1.5)[source]
    iron = metals * lognormal(rng, 0.65, 0.15, n, 0.1, 1.5)[source]
    neon = metals * lognormal(rng, 2.0, 0.15, n, 0.5, 6.0)[source]
    light = metals * lognormal(rng, 1.1, 0.12, n, 0.4, 3.0)[source]
    set_abundances(models, metals, Fe=iron, Ni=iron, Ne=neon, C=light, N=light, O=light)


def massive_star(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Winds of massive stars: shocks of 0.2 to 0.7 keV behind the wind's own gas; some colliding winds are hotter."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_cool"] = 1.0
    models["kt_cool"] = lognormal(rng, 0.28, 0.12, n, 0.12, 0.6)[source]
    collision = (rng.random(n) < 0.3)[source]
    models["flux_hot"] = np.where(collision, lognormal(rng, 0.5, 0.3, n)[source], lognormal(rng, 0.12, 0.3, n)[source])
    models["kt_hot"] = np.where(collision, rng.uniform(1.0, 3.0, n)[source], rng.uniform(0.5, 0.8, n)[source])
    set_abundances(models, lognormal(rng, 0.9, 0.12, n, 0.3, 2.0)[source])
    models["nh"] = lognormal(rng, 0.45, 0.22, n, 0.05, 3.0)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.06, len(line)))
    return models


def supernova_remnant(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Compact remnants: line-rich plasma of 0.2 to 0.8 keV, enriched in oxygen, neon, silicon; some with hot ejecta."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    models["flux_cool"] = 1.0
    models["kt_cool"] = rng.uniform(0.2, 0.8, n)[source]
    ejecta = np.where(rng.random(n) < 0.4, lognormal(rng, 0.3, 0.4, n, 0.0, 2.0), 0.0)
    models["flux_hot"], models["kt_hot"] = ejecta[source], rng.uniform(1.2, 3.0, n)[source]
    metals = lognormal(rng, 2.0, 0.25, n, 0.3, 8.0)[source]
    iron = lognormal(rng, 0.6, 0.3, n, 0.1, 4.0)[source]
    neon = lognormal(rng, 1.6, 0.25, n, 0.3, 6.0)[source]
    light = lognormal(rng, 1.8, 0.25, n, 0.3, 6.0)[source]
    set_abundances(models, metals, Fe=iron, Ni=iron, Ne=neon, C=light, N=light, O=light)
    distant = rng.random(n) < 0.7  # in the Magellanic Clouds and nearby galaxies: little gas in front
    models["nh"] = np.where(distant, lognormal(rng, 0.12, 0.3, n, 0.02, 0.6), plane_nh(rng, n, 0.6, 0.35))[source]
    return models


def supernova(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Interacting supernovae and afterglows: hot shocked gas or a power law, fading and clearing of absorption."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    afterglow = (rng.random(n) < 0.4)[source]
    fade = (1.0 + line.days / 30.0) ** -rng.uniform(0.4, 1.0, n)[source]
    models["flux_powerlaw"] = np.where(afterglow, 1.0, 0.0)
    models["photon_index"] = normal(rng, 1.95, 0.15, n, 1.5, 2.6)[source]
    models["flux_hot"] = np.where(afterglow, 0.0, 1.0)
    models["kt_hot"] = np.clip(rng.uniform(3.0, 15.0, n)[source] * (1.0 + line.days / 100.0) ** -0.35, 0.5, 20.0)
    models["flux_cool"] = np.where(afterglow, 0.0, np.clip(line.days / 1500.0, 0.0, 1.0) * 0.5)
    models["kt_cool"] = rng.uniform(0.4, 0.9, n)[source]
    models["nh_intrinsic"] = lognormal(rng, 0.8, 0.4, n, 0.02, 8.0)[source] * (1.0 + line.days / 100.0) ** -0.8
    models["nh"] = high_latitude_nh(rng, n)[source]
    models["redshift"] = np.where(afterglow, lognormal(rng, 0.9, 0.3, n, 0.05, 4.0)[source], 0.005)
    brighten(models, fade)
    return models


def stellar_system(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Globular clusters, star-forming regions and nebulae: unresolved binaries or warm gas, in all mixtures."""
    n, source = line.n_sources, line.source
    models = blank(len(line))
    gas = rng.random(n) < 0.5
    models["flux_cool"] = np.where(gas, 1.0, rng.uniform(0.0, 0.1, n))[source]
    models["kt_cool"] = rng.uniform(0.2, 0.9, n)[source]
    models["flux_powerlaw"] = np.where(gas, lognormal(rng, 0.3, 0.4, n), 1.0)[source]
    models["photon_index"] = normal(rng, 1.7, 0.25, n, 1.1, 2.6)[source]
    set_abundances(models, lognormal(rng, 0.7, 0.2, n, 0.2, 2.0)[source])
    models["nh"] = lognormal(rng, 0.3, 0.45, n, 0.02, 4.0)[source]
    brighten(models, 10 ** rng.normal(0.0, 0.1, len(line)))
    return models
