"""How true is the decoded photon spectrum? Against the spectra that were simulated, in twelve bands.

Only a simulation knows the truth. The sources are new ones; beside the decoder stand the spectrum unfolded without a
model, the best of a grid of absorbed power laws, and what the first would be without Poisson noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Decodes, Encodes, encoded
from vae.evaluation.intervals import scores
from vae.evaluation.nulls import best_power_laws, power_law
from vae.evaluation.paired import Sources, amplitudes, draw_sources, log_uniform, seen
from vae.simulate import instrument
from vae.simulate.spectral_model import FINE_CENTRES, FINE_EDGES, FINE_WIDTHS
from vae.spectra import grid
from vae.spectra.store import Block

Array = NDArray[Any]

#: Edges of the bands [keV], and the least share of the true photons with which a band counts (FACTS 3).
BAND_EDGES: Final = np.geomspace(0.4, 8.0, 13)
LEAST_SHARE: Final = 0.02
#: Net counts of the sources, log-uniform, and the ranges that are told apart.
NET_COUNTS: Final = (300.0, 30_000.0)
RANGES: Final = ((300.0, 1000.0), (1000.0, 10_000.0), (10_000.0, np.inf))
#: Ratios are cut off here [dex]: a band without net counts has no logarithm.
_FURTHEST: Final = 2.0
#: Classes with fewer sources get no figure of their own.
_LEAST_SOURCES: Final = 20
#: Decoded at a time: the fine grid has hundreds of energies.
_ROWS: Final = 512


class Model(Encodes, Decodes, Protocol):
    """Encoder and decoder of one model."""


def band_photons(per_bin: Array, edges: Array) -> Array:
    """Share photons per bin out into the bands, flat within each bin.

    Parameters
    ----------
    per_bin : array, shape (n, n_bins)
    edges : array, shape (n_bins + 1,)
        [keV]

    Returns
    -------
    array, shape (n, 12)
    """
    return np.asarray(per_bin @ (grid.overlap_matrix(edges, BAND_EDGES) / np.diff(edges)[:, None]))


def log_ratios(bands: Array, truth: Array) -> Array:
    """Return log10 of the ratio to the truth, both normalised over the bands that count; NaN in the others, (n, 12)."""
    used = truth >= LEAST_SHARE * truth.sum(axis=1, keepdims=True)
    shares = [np.where(used, values, 0.0) for values in (bands, truth)]
    shares = [values / np.maximum(np.abs(values.sum(axis=1, keepdims=True)), 1e-300) for values in shares]
    ratio = np.divide(shares[0], shares[1], out=np.ones_like(truth), where=used)
    return np.where(used, np.log10(np.clip(ratio, 10**-_FURTHEST, 10**_FURTHEST)), np.nan)


def fidelity(
    model: Model, *, n: int = 2000, seed: int = 0, sources: Sources | None = None
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Compare decoded photon spectra of new sources with the true ones.

    Parameters
    ----------
    model : Model
        Either likelihood.
    n : int
        Sources.
    seed : int
    sources : Sources, optional
        From `draw_sources`; drawn here if not given.

    Returns
    -------
    figures : dict
        `sources`, `bands`, `least_share`, and for `all` and each range of net counts: `rows` and, for each of
        `decoded`, `decoded_without_noise` (the encoder saw expected counts), `unfolded`, `unfolded_without_noise` and
        `best_absorbed_power_law`, `median` and `p90` of |log10 ratio| [dex], each with `value`, `low`, `high`.
        `classes`: the same of `decoded` by class.
    arrays : dict of array
        `band_edges` (13,) and, for each of these, ``bias <name>``, shape (3, 12): 16, 50 and 84 % of log10 ratio.
    """
    drawn = draw_sources(n, seed) if sources is None else sources
    rng = np.random.default_rng(seed)
    net = log_uniform(rng, NET_COUNTS, len(drawn))
    amplitude = amplitudes(drawn.photons, drawn.setups, net)
    noisy = seen(drawn.photons, drawn.setups, amplitude, rng)
    plain = seen(drawn.photons, drawn.setups, amplitude)
    truth = band_photons(np.asarray(drawn.photons, np.float64), FINE_EDGES)
    ratios = {
        "decoded": log_ratios(_decoded(model, noisy), truth),
        "decoded_without_noise": log_ratios(_decoded(model, plain), truth),
        "unfolded": log_ratios(_unfolded(noisy), truth),
        "unfolded_without_noise": log_ratios(_unfolded(plain), truth),
        "best_absorbed_power_law": log_ratios(_power_laws(noisy), truth),
    }
    figures: dict[str, Any] = {
        "sources": len(drawn),
        "bands": BAND_EDGES.tolist(),
        "least_share": LEAST_SHARE,
        "net_counts": list(NET_COUNTS),
    }
    figures["all"] = _figures(ratios, np.arange(len(net)), seed)
    for low, high in RANGES:
        name = f"{low:.0f}-{high:.0f}" if np.isfinite(high) else f"above {low:.0f}"
        figures[name] = _figures(ratios, np.flatnonzero((net > low) & (net <= high)), seed)
    figures["classes"] = _by_class(ratios["decoded"], drawn.true_class, seed)
    arrays = {f"bias {name}": np.nanpercentile(values, [16, 50, 84], axis=0) for name, values in ratios.items()}
    return figures, {"band_edges": BAND_EDGES, **arrays}


def _figures(ratios: Mapping[str, Array], rows: NDArray[np.int64], seed: int) -> dict[str, Any]:
    out: dict[str, Any] = {"rows": int(rows.size)}
    if rows.size < 2:
        return out
    for name, values in ratios.items():
        size = np.abs(values[rows])

        def statistic(chosen: NDArray[np.int64], size: Array = size) -> Array:
            return np.asarray(np.nanpercentile(size[chosen], [50, 90]))

        out[name] = scores(("median", "p90"), statistic, np.arange(rows.size), seed=seed)
    return out


def _by_class(ratio: Array, true_class: NDArray[np.str_], seed: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in np.unique(true_class):
        rows = np.flatnonzero(true_class == name)
        if rows.size >= _LEAST_SOURCES:
            out[str(name)] = {"rows": int(rows.size), **_figures({"decoded": ratio}, rows, seed)["decoded"]}
    return out


def _decoded(model: Model, block: Block) -> Array:
    mu, _ = encoded(model, block)
    parts = [
        band_photons(model.decode(mu[start : start + _ROWS], FINE_CENTRES) * FINE_WIDTHS, FINE_EDGES)
        for start in range(0, len(mu), _ROWS)
    ]
    return np.concatenate(parts).astype(np.float64)


def _unfolded(block: Block) -> Array:
    net = block.counts - np.asarray(block.background_ratio, np.float64)[:, None] * block.background_counts
    sensitivity = np.asarray(block.sensitivity, np.float64)
    density = np.divide(net, sensitivity, out=np.zeros_like(net, np.float64), where=sensitivity > 0)
    return band_photons(density * grid.BIN_WIDTHS, grid.BIN_EDGES)


def _power_laws(block: Block) -> Array:
    best = best_power_laws(block, instrument.stored_matrices())
    pairs, which = np.unique(np.stack([best.index, best.column_1e22], axis=1), axis=0, return_inverse=True)
    spectra = np.stack([power_law(float(index), float(column)) for index, column in pairs])
    return band_photons(spectra, grid.TRUE_EDGES)[which.ravel()]
