"""Whether posteriors are right, width and shape: ranks of known positions in those of spectra made from them.

Simulation-based calibration (Talts et al. 2018, arXiv 1804.06788): a position drawn from the prior, the model's own
spectrum there through a setup of the archive, Poisson counts, their posterior: the rank of the position is uniform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest, kstwo, norm

from vae.errors import ExplorerError
from vae.evaluation.encoding import Encodes, Folds, Generates, decoded_counts, encoded
from vae.evaluation.exact_posterior import LogPosterior, exact_posterior
from vae.evaluation.intervals import scores
from vae.evaluation.pulls import half_range
from vae.evaluation.rows import take
from vae.simulate.observe import expose
from vae.spectra.background import background_template, expected_background
from vae.spectra.statistics import net_summary
from vae.spectra.store import Block

Array = NDArray[Any]

#: Bins of rank histograms.
_BINS: Final = 20
#: Draws from the encoder's Gaussian for the evidence lower bound.
_SAMPLES: Final = 64
#: Setups with fewer net counts are not drawn.
_LEAST_NET: Final = 100.0


@dataclass(frozen=True)
class Known:
    """Spectra made by the model itself, and where.

    Parameters
    ----------
    z : array, shape (n, d)
    block : Block
        n rows, with `area`.
    """

    z: Array
    block: Block


def spectra_of_the_model(
    model: Folds, block: Block, redistribution: Array, latent_dim: int, *, n: int, seed: int = 0
) -> Known:
    """Draw positions from the prior and make their spectra, each through the setup of a random spectrum.

    Response, background level and net counts are those of that spectrum.

    Parameters
    ----------
    model : Folds
        With a unit Gaussian prior.
    block : Block
        Spectra of an archive, with `area`.
    redistribution : array, shape (n_responses, 238, n_true)
    latent_dim : int
    n : int
    seed : int

    Raises
    ------
    ExplorerError
        When no spectrum of the block has net counts enough.
    """
    rng = np.random.default_rng(seed)
    net = _net(block)
    usable = np.flatnonzero(net > _LEAST_NET)
    if not usable.size:
        raise ExplorerError(f"none of {len(block)} spectra has more than {_LEAST_NET:.0f} net counts to lend its setup")
    rows = rng.choice(usable, n)
    z = rng.standard_normal((n, latent_dim)).astype(np.float32)
    setups = take(block, rows)
    shape = decoded_counts(model, z, setups, redistribution)
    source = shape / shape.sum(axis=1, keepdims=True) * net[rows, None]
    ratio = np.asarray(setups.background_ratio, np.float64)
    background = expected_background(setups.background_counts, ratio, background_template(None, None))
    counts, under = expose(rng, source, background, np.where(ratio > 0, ratio, 1.0))
    return Known(
        z.astype(np.float64),
        Block(
            counts=counts,
            background_counts=under,
            background_ratio=setups.background_ratio,
            sensitivity=setups.sensitivity,
            area=setups.area,
            response_index=setups.response_index,
        ),
    )


def rank_calibration(model: Encodes, known: Known, *, seed: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
    """Ranks of known positions in the encoder's posteriors.

    Returns
    -------
    figures : dict
        See `rank_figures`.
    arrays : dict of array
        `edges` and `histogram` of the ranks.
    """
    mu, sigma = encoded(model, known.block)
    score = (known.z - mu) / sigma
    return rank_figures(norm.cdf(score), score, seed=seed)


def rank_figures(ranks: Array, score: Array | None = None, *, seed: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
    """Hold ranks against the uniform distribution.

    Parameters
    ----------
    ranks : array, shape (n, d)
        0...1.
    score : array, shape (n, d), optional
        (position - mean) / sigma.
    seed : int

    Returns
    -------
    figures : dict
        `spectra`; lists with one entry a dimension: `ks` (greatest distance from uniform), `ks_p`, `chi2` over 20 bins,
        `chi2_p`; `ks_if_right`, its 95 % point for right posteriors; `coverage_68` and `coverage_95` (share of
        positions within the central intervals) and, given scores, `width` (half the middle 68 % of them), each with
        `value`, `low`, `high`.
    arrays : dict of array
        `edges` (21,) and `histogram` (d, 20), as densities.
    """
    n = len(ranks)
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    counts = np.array([np.histogram(column, edges)[0] for column in ranks.T])
    tests = [kstest(column, "uniform") for column in ranks.T]
    flat = [chisquare(row) for row in counts]

    def statistic(rows: NDArray[np.int64]) -> Array:
        off = np.abs(ranks[rows] - 0.5)
        parts = [(off < 0.5 * share).mean(axis=0) for share in (0.6827, 0.95)]
        return np.stack(parts if score is None else [*parts, half_range(score[rows])])

    names = ("coverage_68", "coverage_95") if score is None else ("coverage_68", "coverage_95", "width")
    figures: dict[str, Any] = {
        "spectra": n,
        "ks": [float(test.statistic) for test in tests],
        "ks_p": [float(test.pvalue) for test in tests],
        "ks_if_right": float(kstwo.ppf(0.95, n)),
        "chi2": [float(test.statistic) for test in flat],
        "chi2_p": [float(test.pvalue) for test in flat],
        "chi2_degrees": _BINS - 1,
    } | scores(names, statistic, np.arange(n), seed=seed)
    return figures, {"edges": edges, "histogram": counts * _BINS / n}


def against_exact(
    model: Generates, block: Block, redistribution: Array, *, at: Array | None = None, seed: int = 0
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Hold the encoder's posteriors against exact ones, in two dimensions.

    Parameters
    ----------
    model : Generates
        With a unit Gaussian prior.
    block : Block
        A few hundred rows, with `area`: each takes some 0.1 s.
    redistribution : array, shape (n_responses, 238, n_true)
    at : array, shape (n, 2), optional
        Where the spectra were made: their ranks in both posteriors are compared, too.
    seed : int

    Returns
    -------
    figures : dict
        `spectra` and `unresolved` (left out); each with `value`, `low`, `high`: `sigma_ratio`, median of encoder's over
        exact sigma, and `sigma_ratio_p16`, `_p84`; `mean_field_ratio`, the same over exact sigma times
        sqrt(1 - correlation^2), which is all that a diagonal Gaussian can have; `mean_offset`, half the middle 68 % of
        the difference of the means over the exact sigma (lists, one entry a dimension); `correlation`, median of its
        size; `gap_nats`, median, and `gap_nats_p90` of log evidence less the encoder's lower bound. Given positions,
        `exact` and `encoder`: `rank_figures` of both.
    arrays : dict of array
        Row by row, resolved or not: `exact_mean`, `exact_sigma`, `encoder_mean`, `encoder_sigma` (n, 2), `gap_nats`,
        `net_counts`, `resolved` (n,); given positions, `edges`, `exact_histogram`, `encoder_histogram`.
    """
    mu, sigma = encoded(model, block)
    if mu.shape[1] != 2:
        return {"left_out": f"exact posteriors are summed in two dimensions; this model has {mu.shape[1]}"}, {}
    exact = exact_posterior(model, block, redistribution, at=at)
    log_posterior = LogPosterior(model, block, redistribution)
    rng = np.random.default_rng(seed)
    gap = np.empty(len(block))
    for row in range(len(block)):
        noise = rng.standard_normal((_SAMPLES, 2))
        log_q = (-0.5 * noise**2 - np.log(sigma[row]) - 0.5 * np.log(2 * np.pi)).sum(axis=1)
        gap[row] = exact.log_evidence[row] - np.mean(log_posterior(row, mu[row] + sigma[row] * noise) - log_q)
    good = np.flatnonzero(exact.resolved)
    ratio, offset = sigma[good] / exact.sigma[good], (mu[good] - exact.mean[good]) / exact.sigma[good]

    correlation = np.abs(exact.correlation[good])
    possible = ratio / np.sqrt(np.maximum(1.0 - correlation**2, 1e-6))[:, None]

    def by_dimension(rows: NDArray[np.int64]) -> Array:
        spread = np.percentile(ratio[rows], [50, 16, 84], axis=0)
        return np.stack([*spread, np.median(possible[rows], axis=0), half_range(offset[rows])])

    def at_all(rows: NDArray[np.int64]) -> list[float]:
        return [np.median(correlation[rows]), *np.percentile(gap[good[rows]], [50, 90])]

    figures: dict[str, Any] = {"spectra": len(block), "unresolved": len(block) - good.size}
    if good.size:
        names = ("sigma_ratio", "sigma_ratio_p16", "sigma_ratio_p84", "mean_field_ratio", "mean_offset")
        figures |= scores(names, by_dimension, np.arange(good.size), seed=seed)
        figures |= scores(("correlation", "gap_nats", "gap_nats_p90"), at_all, np.arange(good.size), seed=seed)
    arrays = {
        "exact_mean": exact.mean,
        "exact_sigma": exact.sigma,
        "encoder_mean": mu,
        "encoder_sigma": sigma,
        "gap_nats": gap,
        "net_counts": _net(block),
        "resolved": exact.resolved,
    }
    if at is not None and good.size:
        score = (at - mu)[good] / sigma[good]
        for name, ranks in (("exact", exact.rank[good]), ("encoder", norm.cdf(score))):
            figures[name], plot = rank_figures(ranks, seed=seed)
            arrays[f"{name}_histogram"], arrays["edges"] = plot["histogram"], plot["edges"]
    return figures, arrays


def _net(block: Block) -> Array:
    summary = net_summary(block.counts, block.background_counts, block.background_ratio)
    return np.asarray(summary["net_counts"], np.float64)
