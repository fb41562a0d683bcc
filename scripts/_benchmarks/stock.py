"""Expected and drawn counts as one would write them with stock tools: the yardstick for the simulator's kernels.

Two ways: astropy's power law and black body, spectrum by spectrum; and plain numpy, all spectra at once. Both then use
a dense matrix product for the response, and numpy's Poisson. Rows, energies, absorption and response are ours, and the
results must agree.
"""

from __future__ import annotations

import time
from typing import Any

import astropy.units as u
import numpy as np
from astropy.modeling.models import BlackBody, PowerLaw1D
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.simulate.absorption import cross_section_table, transmission
from vae.simulate.kinds.recipe import blank
from vae.simulate.spectral_model import FINE_CENTRES, FINE_EDGES, FINE_WIDTHS, N_FINE, photon_flux

#: Net counts of a spectrum, so that drawing them costs what it costs in an archive.
_COUNTS = 600.0


def compare(rows: int, seed: int) -> dict[str, Any]:
    """Time both ways on the same rows.

    Parameters
    ----------
    rows : int
    seed : int

    Returns
    -------
    dict
        Spectra a second of both, their ratio, and the largest difference between their expected counts.
    """
    models = _models(rows, np.random.default_rng(seed))
    dense = _fold(np.eye(N_FINE, dtype=np.float32)).astype(np.float64)  # area times redistribution, (n_fine, 238)
    ways = {
        "ours": _ours,
        "astropy": lambda models, rng: _draw(_by_astropy(models) @ dense, rng),
        "numpy": lambda models, rng: _draw(_by_numpy(models) @ dense, rng),
    }
    expected, per_second = {}, {}
    for name, way in ways.items():
        way(models[:64], np.random.default_rng(seed))  # compiled and cached before the clock starts
        start = time.perf_counter()
        expected[name] = way(models, np.random.default_rng(seed))
        per_second[name] = rows / (time.perf_counter() - start)
    seen = expected["astropy"] > 1e-3 * expected["astropy"].max(axis=1, keepdims=True)
    return {
        "rows": rows,
        **{f"{name}_per_s": round(rate, 1) for name, rate in per_second.items()},
        "times_faster_than_astropy": round(per_second["ours"] / per_second["astropy"], 2),
        "times_faster_than_numpy": round(per_second["ours"] / per_second["numpy"], 2),
        "largest_difference": max(
            float(np.max(np.abs(expected["ours"] / expected[name] - 1.0)[seen])) for name in ("astropy", "numpy")
        ),
    }


def _models(rows: int, rng: np.random.Generator) -> NDArray[np.void]:
    """Nuclei with a soft excess behind the Galaxy's gas: what stock models can do."""
    models = blank(rows)
    models["flux_powerlaw"] = 1.0
    models["photon_index"] = rng.normal(1.9, 0.25, rows)
    models["flux_blackbody"] = rng.uniform(0.05, 0.5, rows)
    models["kt_blackbody"] = rng.uniform(0.08, 0.2, rows)
    models["nh"] = 10 ** rng.normal(-1.5, 0.3, rows)
    return models


def _fold(photons: NDArray[np.float32]) -> NDArray[np.float32]:
    zeros = np.zeros(len(photons), np.int32)
    return instrument.fold(photons, zeros, zeros, zeros)


def _draw(expected: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    expected *= (_COUNTS / expected.sum(axis=1))[:, None]
    rng.poisson(expected)
    return expected


def _ours(models: NDArray[np.void], rng: np.random.Generator) -> NDArray[Any]:
    return _draw(_fold(photon_flux(models)), rng)


#: Our components have their flux in 0.3-10 keV: the share of each bin in that band, times its mean energy [keV].
_IN_BAND = np.clip(np.minimum(FINE_EDGES[1:], 10.0) - np.maximum(FINE_EDGES[:-1], 0.3), 0.0, None) / FINE_WIDTHS
_BAND = 0.5 * (FINE_EDGES[1:] + FINE_EDGES[:-1]) * _IN_BAND


def _by_astropy(models: NDArray[np.void]) -> NDArray[np.float64]:
    energy = FINE_CENTRES * u.keV
    photons = np.empty((len(models), N_FINE))
    for row, m in enumerate(models):
        power = PowerLaw1D(amplitude=1.0, x_0=1.0, alpha=m["photon_index"])(FINE_CENTRES) * FINE_WIDTHS
        kelvin = (m["kt_blackbody"] * u.keV).to(u.K, u.temperature_energy())
        black = BlackBody(temperature=kelvin)(energy).value / FINE_CENTRES * FINE_WIDTHS
        light = m["flux_powerlaw"] * power / (power @ _BAND) + m["flux_blackbody"] * black / (black @ _BAND)
        photons[row] = light * transmission(FINE_CENTRES, m["nh"])
    return photons


def _by_numpy(models: NDArray[np.void]) -> NDArray[np.float64]:
    column = {name: models[name][:, None] for name in models.dtype.names}
    power = FINE_CENTRES ** -column["photon_index"] * FINE_WIDTHS
    black = FINE_CENTRES**2 / np.expm1(FINE_CENTRES / column["kt_blackbody"]) * FINE_WIDTHS
    light = column["flux_powerlaw"] * power / (power @ _BAND)[:, None]
    light += column["flux_blackbody"] * black / (black @ _BAND)[:, None]
    log_energy, cross_section = cross_section_table()
    return light * np.exp(-column["nh"] * np.interp(np.log(FINE_CENTRES), log_energy, cross_section))
