"""Recipes for rare cases, each with a label of its own, that outlier and similarity tools should find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vae.simulate.kinds.recipe import Draws, TimeLine, blank, brighten, set_abundances


def extremely_soft(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nothing above 0.6 keV: a disc of 30 to 45 eV and no corona at all."""
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_disc"], models["kt_disc"] = 1.0, draw.uniform(0.03, 0.045)
    models["nh"] = draw.nh
    models["redshift"] = draw.lognormal(0.05, 0.3, 0.005, 0.3)
    brighten(models, 10 ** draw.flicker(0.2))
    return models


def compton_thick(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Nuclei of which only reflected light is left: flat, an iron line of 1 keV, scattered and thermal soft light.

    The model of cold reflection carries the line (Matt, Brandt & Fabian 1996, MNRAS 280, 823).
    """
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_reflection"] = 1.0
    models["flux_powerlaw"] = draw.uniform(3.0, 10.0)
    models["photon_index"], models["cutoff"] = draw.normal(1.9, 0.15, 1.5, 2.3), 200.0
    models["nh_intrinsic"] = 10 ** draw.uniform(2.2, 3.0)
    models["open_share"] = draw.lognormal(0.01, 0.3, 0.0, 0.05)
    models["flux_cool"], models["kt_cool"] = draw.lognormal(0.1, 0.3, 0.0, 0.5), draw.uniform(0.4, 0.9)
    models["nh"] = draw.nh
    models["redshift"] = draw.lognormal(0.02, 0.3, 0.002, 0.2)
    return models


def absorbed_pulsar(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Pulsars buried in their companion's wind, like IGR J16318-4848 (Matt & Guainazzi 2003, MNRAS 341, L13).

    A hard power law behind 1e24 cm-2, nothing below 3 keV, bright iron lines.
    """
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_powerlaw"], models["photon_index"] = 1.0, draw.normal(1.0, 0.2, 0.5, 1.6)
    models["cutoff"] = draw.uniform(10.0, 20.0)
    models["nh_intrinsic"] = draw.uniform(60.0, 180.0) * 10 ** draw.flicker(0.08)
    models["line_1_ew"] = draw.uniform(0.5, 1.2)
    models["line_2_energy"], models["line_2_ew"] = 7.06, 0.17 * models["line_1_ew"]  # K beta
    models["nh"] = draw.nh
    brighten(models, 10 ** draw.flicker(0.3))
    return models


def line_dominated(rng: np.random.Generator, line: TimeLine) -> NDArray[np.void]:
    """Photo-ionised gas in place of a continuum: oxygen, neon and iron lines, as where an eclipse hides the source.

    After the soft spectrum of NGC 1068 (Kinkhabwala et al. 2002, ApJ 575, 732), lines as seen by a CCD.
    """
    draw, models = Draws(rng, line), blank(len(line))
    models["flux_powerlaw"], models["photon_index"] = 1.0, draw.normal(1.9, 0.2, 1.4, 2.4)
    models["line_1_energy"], models["line_1_ew"] = 0.57, draw.uniform(0.3, 0.8)
    models["line_2_energy"], models["line_2_ew"] = 0.915, draw.uniform(0.2, 0.5)
    models["line_3_energy"], models["line_3_ew"] = 6.4, draw.uniform(1.5, 3.0)
    for number in (1, 2, 3):
        models[f"line_{number}_sigma"] = 0.01
    models["flux_cool"], models["kt_cool"] = draw.uniform(0.5, 1.5), draw.uniform(0.1, 0.15)
    set_abundances(models, 1.0, C=3.0, N=3.0, O=3.0, Fe=0.1, Ni=0.1)
    models["nh"] = draw.nh
    models["redshift"] = draw.lognormal(0.004, 0.2, 0.001, 0.02)
    return models
