"""Whether sigma is right: one exposure split into two halves, and how far apart they are for what sigma allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Encodes, encoded
from vae.evaluation.intervals import scores
from vae.evaluation.rows import take
from vae.evaluation.units import ACTIVE
from vae.spectra.statistics import net_summary
from vae.spectra.store import Block

Array = NDArray[Any]

#: Net counts that each half needs (DESIGN), and edges of those of the whole spectrum.
LEAST_HALF: Final = 300.0
DECADES: Final = ((600.0, 1000.0), (1000.0, 10_000.0), (10_000.0, np.inf))
#: Rows below which a width says nothing.
_LEAST_ROWS: Final = 20
#: Posteriors no narrower than the prior leave no pull: s^2 (1 - s^2) is kept above this.
_LEAST_VARIANCE: Final = 1e-6
#: Bins of the histogram, in pulls.
_EDGES: Final = np.linspace(-5.0, 5.0, 41)


@dataclass(frozen=True)
class Pulls:
    """Both halves of some exposures, compared.

    Parameters
    ----------
    values : array, shape (n, d)
        (mu1 - mu2) / sqrt(s1^2 (1 - s1^2) + s2^2 (1 - s2^2)).
    rows : array of int64, shape (n,)
        Row of the block that each belongs to: those whose halves have counts enough.
    net_counts : array, shape (n,)
        Of the whole exposure.
    axes : array of int64, shape (d,)
        The active latent axes, from 0: on the others a posterior is the prior, and there is no pull.
    """

    values: Array
    rows: NDArray[np.int64]
    net_counts: Array
    axes: NDArray[np.int64]


def active_axes(mu: Array) -> NDArray[np.int64]:
    """Return the axes along which the means of spectra differ, from 0; all of them where none does, (d,)."""
    active = np.flatnonzero(mu.var(axis=0) > ACTIVE) if len(mu) > 1 else np.empty(0, np.int64)
    return active if active.size else np.arange(mu.shape[1])


def pull(mu_1: Array, sigma_1: Array, mu_2: Array, sigma_2: Array) -> Array:
    """Return the difference of two posterior means over the scatter that it should have, (n, d).

    Where sigma is right and the prior a unit Gaussian, a mean is shrunk towards 0 by 1 - s^2, so that for one source it
    scatters by s sqrt(1 - s^2) and not by s.
    """
    variance = sum(sigma**2 * np.maximum(1.0 - sigma**2, 0.0) for sigma in (sigma_1, sigma_2))
    return np.asarray((mu_1 - mu_2) / np.sqrt(np.maximum(variance, _LEAST_VARIANCE)))


def halves(block: Block, rng: np.random.Generator) -> tuple[Block, Block]:
    """Split exposures in two by drawing for each count, of source and of background region, which half it fell into."""
    first, second = {}, {}
    for name in ("counts", "background_counts"):
        whole = np.rint(getattr(block, name)).astype(np.int64)
        first[name] = rng.binomial(whole, 0.5)
        second[name] = whole - first[name]
    rest = {
        "background_ratio": block.background_ratio,
        "sensitivity": 0.5 * block.sensitivity,
        "area": block.area,
        "response_index": block.response_index,
    }
    return Block(**first, **rest), Block(**second, **rest)


def split_exposures(model: Encodes, block: Block, *, seed: int = 0, least: float = LEAST_HALF) -> Pulls:
    """Encode both halves of each spectrum whose halves have counts enough.

    Parameters
    ----------
    model : Encodes
    block : Block
        Spectra, real or simulated.
    seed : int
    least : float
        Net counts that each half needs.
    """
    net = _net(block)
    rows = np.flatnonzero(net > 2 * least)
    pair = halves(take(block, rows), np.random.default_rng(seed))
    good = np.minimum(*(_net(half) for half in pair)) >= least
    posteriors = [encoded(model, take(half, good)) for half in pair]
    rows, axes = rows[good], active_axes(posteriors[0][0])
    return Pulls(pull(*posteriors[0], *posteriors[1])[:, axes], rows, net[rows], axes)


def half_range(values: Array) -> Array:
    """Return half the range that holds the middle 68.27 % along the first axis: 1 for unit Gaussians."""
    low, high = np.percentile(values, [15.865, 84.135], axis=0)
    return np.asarray(0.5 * (high - low))


def pull_widths(pulls: Pulls, source_id: Array, *, seed: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
    """Summarise pulls: their width is 1 where sigma is right, larger where it is too small.

    Parameters
    ----------
    pulls : Pulls
    source_id : array, shape (n_block,)
        Of all rows of the block that was split.
    seed : int

    Returns
    -------
    figures : dict
        `rows`, `target`, `axes` (the active ones, from 1), and for `all` and each range of net counts with twenty rows
        or more: `rows`; `width` (half the range of the middle 68 %), `std` and `median`, each with `value`, `low`,
        `high`: lists, one entry an active axis.
    arrays : dict of array
        `edges` (k + 1,) and `histogram` (d, k) of all pulls, as densities.
    """
    source = np.asarray(source_id)[pulls.rows]
    figures: dict[str, Any] = {"rows": len(pulls.rows), "least_net_counts_half": LEAST_HALF, "target": [0.9, 1.1]}
    figures["axes"] = (pulls.axes + 1).tolist()
    ranges = {"all": (0.0, np.inf)} | {_name(low, high): (low, high) for low, high in DECADES}
    for name, (low, high) in ranges.items():
        chosen = np.flatnonzero((pulls.net_counts > low) & (pulls.net_counts <= high))
        if chosen.size < _LEAST_ROWS:
            continue
        values = pulls.values[chosen]

        def statistic(rows: NDArray[np.int64], values: Array = values) -> Array:
            return np.stack([half_range(values[rows]), values[rows].std(axis=0), np.median(values[rows], axis=0)])

        figures[name] = {"rows": int(chosen.size)} | scores(
            ("width", "std", "median"), statistic, source[chosen], seed=seed
        )
    histogram = [np.histogram(column, _EDGES)[0] / (max(len(column), 1) * np.diff(_EDGES)) for column in pulls.values.T]
    return figures, {"edges": _EDGES, "histogram": np.array(histogram)}


def _name(low: float, high: float) -> str:
    return f"{low:.0f}-{high:.0f}" if np.isfinite(high) else f"above {low:.0f}"


def _net(block: Block) -> Array:
    summary = net_summary(block.counts, block.background_counts, block.background_ratio)
    return np.asarray(summary["net_counts"], np.float64)
