"""Bright spectra one by one: how the model fits each, beside a physical fit; where it fails, and why."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.absorbed_fit import fit_absorbed_power_law, response_of
from vae.evaluation.encoding import Generates
from vae.evaluation.expected import usual_background
from vae.evaluation.latent_fit import best_position, loneliness
from vae.evaluation.missing import missing_feature
from vae.evaluation.nulls import null_statistics
from vae.evaluation.reconstruct import reconstruct
from vae.evaluation.rows import read_rows, take
from vae.spectra import grid
from vae.spectra.statistics import cstat, cstat_moments
from vae.spectra.store import SpectraStore

#: Edges of the bands in which a misfit is located [keV].
BANDS: Final = (0.3, 0.5, 1.0, 2.0, 4.5, 7.0, 10.0)
#: C-stat z above which a spectrum is a misfit, and net counts above which each is looked at anyway.
MISFIT: Final = 3.0
ALWAYS_ABOVE: Final = 10_000.0
#: Fall of C-stat from which on an edge or line is named: chance, with two parameters and any energy, gives less.
_TELLING: Final = 25.0
_FEATURES: Final = {"edge": "absorption edge", "line": "emission line"}
#: Bins named where a spectrum is missed most.
_WORST: Final = 5
#: Loneliness (percentile among the training latents) above which a position is off the archive.
_OFF: Final = 99.0

Array = NDArray[Any]


def bright_spectra(
    model: Generates, store: SpectraStore, cloud: Array, *, least_net: float = 300.0, most: int = 200, seed: int = 0
) -> tuple[list[dict[str, Any]], dict[str, Array]]:
    """Judge each bright spectrum of a store.

    Parameters
    ----------
    model : Generates
    store : SpectraStore
        Or an atlas opened as one; real or simulated.
    cloud : array, shape (m, d)
        Latents of the archive that the model was trained on, or of one like it.
    least_net : float
        Net counts from which on a spectrum is bright.
    most : int
        Spectra judged, the brightest first.
    seed : int

    Returns
    -------
    rows : list of dict
        For each: `detection_id`, `name`, `net_counts`, `response_is_standin`; `model_z`, `fit_z` (absorbed power law by
        scipy), `fit_index`, `fit_nh_1e22`, `null` (name of the best of three nulls) and `null_z`; `mu`, `loneliness`
        (percentile). Misfits (`model_z` above 3) and spectra above 10,000 net counts also have `best_latent_z` (C-stat
        z at the latent position that fits best), `best_latent`, `bands` (`band_misfits` of the model),
        `best_latent_bands` and `fit_bands` (of the power law), `worst` (bins with the greatest residuals: `kev`,
        `pull`, `ratio`), `missing` (the `vae.evaluation.missing.Feature` that would mend the best latent position most)
        and `why`, in words.
    arrays : dict of array
        Of those misfits and bright ones, k in all: `detection_id` (k,); `counts`, `model`, `best_latent` and `fit`
        (k, 238), expected counts with background; `energies` (238,) [keV].
    """
    table = store.detections
    net = table["net_counts"].to_numpy(np.float64)
    rows = np.flatnonzero(net > least_net)
    rows = rows[np.argsort(-net[rows], kind="stable")][:most]
    shown: dict[str, list[Array]] = {"counts": [], "model": [], "best_latent": [], "fit": []}
    if not rows.size:
        return [], _arrays([], shown)
    block = read_rows(store, rows, area=True)
    found = reconstruct(model, block, store.redistribution)
    fits = fit_absorbed_power_law(block, store.redistribution)
    nulls = null_statistics(block, store.redistribution)
    lonely = loneliness(found.mu, cloud)
    out: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        null_z = {name: float(values[place]) for name, values in nulls.items()}
        null = min(null_z, key=lambda name, of=null_z: _or_inf(of[name]))  # type: ignore[misc]
        standin = table["response_is_standin"].iat[row]
        entry: dict[str, Any] = {
            "detection_id": int(table["detection_id"].iat[row]),
            "name": str(table["name"].iat[row]),
            "net_counts": float(net[row]),
            "response_is_standin": bool(standin) if standin is not None and standin == standin else False,
            "model_z": float(found.cstat_z[place]),
            "fit_z": fits[place].cstat_z,
            "fit_index": fits[place].index,
            "fit_nh_1e22": fits[place].nh_1e22,
            "null": null,
            "null_z": null_z[null],
            "mu": found.mu[place].tolist(),
            "loneliness": float(lonely[place]),
        }
        if entry["model_z"] > MISFIT or entry["net_counts"] > ALWAYS_ABOVE:
            one = take(block, slice(place, place + 1))
            best = best_position(model, one, store.redistribution, found.mu[place : place + 1], cloud, seed=seed)[0]
            entry["best_latent_z"], entry["best_latent"] = best.cstat_z, best.z.tolist()
            entry["bands"] = band_misfits(block.counts[place], found.expected[place])
            entry["best_latent_bands"] = band_misfits(block.counts[place], best.expected)
            entry["fit_bands"] = band_misfits(block.counts[place], fits[place].expected)
            entry["worst"] = _worst(block.counts[place], found.expected[place])
            background = usual_background(one)[0]
            response = response_of(block, place, store.redistribution)
            feature = missing_feature(block.counts[place], best.expected - background, background, response)
            entry["missing"] = asdict(feature)
            entry["why"] = _why(entry)
            spectra = (block.counts[place], found.expected[place], best.expected, fits[place].expected)
            for kept, values in zip(shown.values(), spectra, strict=True):
                kept.append(np.asarray(values, np.float64))
        out.append(entry)
    return out, _arrays([entry["detection_id"] for entry in out if "why" in entry], shown)


def _arrays(detection_id: list[int], shown: dict[str, list[Array]]) -> dict[str, Array]:
    arrays = {name: np.array(rows).reshape(-1, grid.N_BINS) for name, rows in shown.items()}
    return {"detection_id": np.array(detection_id, np.int64), "energies": grid.BIN_CENTRES, **arrays}


def band_misfits(counts: Array, expected: Array) -> dict[str, dict[str, float]]:
    """Where a spectrum is missed: C-stat by energy band.

    Parameters
    ----------
    counts, expected : array, shape (238,)

    Returns
    -------
    dict
        For each band: `excess`, C-stat less what is expected of it for a right model; `z`, the same in standard
        deviations; `ratio` of observed to expected counts: above 1 the model has too few photons there.
    """
    out = {}
    for low, high in pairwise(BANDS):
        inside = (grid.BIN_CENTRES >= low) & (grid.BIN_CENTRES < high)
        observed, predicted = np.asarray(counts, np.float64)[inside], np.asarray(expected, np.float64)[inside]
        mean, variance = (float(moment) for moment in cstat_moments(predicted))
        excess = float(cstat(observed, predicted)) - mean
        out[f"{low:g}-{high:g}"] = {
            "excess": excess,
            "z": excess / float(np.sqrt(max(variance, 1e-30))),
            "ratio": float(observed.sum() / max(predicted.sum(), 1e-30)),
        }
    return out


def _worst(counts: Array, expected: Array) -> list[dict[str, float]]:
    """Bins with the greatest residuals, greatest first."""
    mean = np.maximum(np.asarray(expected, np.float64), 1e-12)
    pull = (np.asarray(counts, np.float64) - mean) / np.sqrt(mean)
    order = np.argsort(-np.where(mean > 1.0, np.abs(pull), 0.0))
    return [
        {"kev": float(grid.BIN_CENTRES[h]), "pull": float(pull[h]), "ratio": float(counts[h] / mean[h])}
        for h in order[:_WORST]
    ]


def _why(entry: dict[str, Any]) -> str:
    """Say what a misfit comes from."""
    if entry["model_z"] <= MISFIT:
        return "it fits"
    share = (entry["model_z"] - entry["best_latent_z"]) / entry["model_z"]
    if entry["best_latent_z"] <= MISFIT:
        text = "the encoder: another latent position fits"
    elif share > 0.5:
        text = "mostly the encoder: another latent position removes most of the misfit, not all"
    else:
        text = "the decoder: no latent position fits"
    if entry["fit_z"] > MISFIT:
        text += "; an absorbed power law does not fit either"
    else:
        text += "; an absorbed power law does fit"
    missing = entry["missing"]
    if missing["gain"] > _TELLING:
        text += (
            f"; one {_FEATURES[missing['kind']]} at {missing['kev']:.2f} keV would bring z to {missing['cstat_z']:.0f}"
        )
    if entry["loneliness"] > _OFF:
        text += "; few training spectra lie near"
    return text


def _or_inf(z: float) -> float:
    return float(z) if np.isfinite(z) else float("inf")
