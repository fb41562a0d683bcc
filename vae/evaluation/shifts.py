"""How far the same source moves in latent space when the way it is seen changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.evaluation.encoding import Encodes, encoded
from vae.evaluation.intervals import scores
from vae.evaluation.paired import Setups, seen
from vae.evaluation.pulls import active_axes, pull
from vae.evaluation.representations import hardness_ratios

Array = NDArray[Any]

#: Bins of the histograms of |shift| / sigma.
EDGES: Final = np.linspace(0.0, 5.0, 51)
#: Share of products that is left out on each side before their mean.
_TRIMMED: Final = 0.01


@dataclass(frozen=True)
class Shift:
    """The same n sources through a reference setup and through a changed one, along the d active latent axes.

    sigma is that of Poisson spectra through the reference: an input without noise passes for one of countless photons.

    Parameters
    ----------
    in_sigma : array, shape (n, d)
        Change of the posterior mean, expected counts as input, over sigma.
    in_spread : array, shape (n, d)
        The same over the standard deviation of the means of all sources.
    hardness : array, shape (n, 4)
        The same change of four hardness ratios over their standard deviations: a baseline.
    twice : array, shape (2, n, d)
        Change between Poisson spectra over sigma, for two independent pairs.
    noisy : array, shape (n, d)
        Pull between Poisson spectra through both (`vae.evaluation.pulls.pull`).
    null : array, shape (n, d)
        Pull between two Poisson spectra through the reference: what noise alone does.
    """

    in_sigma: Array
    in_spread: Array
    hardness: Array
    twice: Array
    noisy: Array
    null: Array


def shift(
    model: Encodes,
    photons: NDArray[np.float32],
    reference: tuple[Setups, Array],
    changed: tuple[Setups, Array],
    *,
    seed: int = 0,
) -> Shift:
    """Encode the same sources through two setups.

    Parameters
    ----------
    model : Encodes
    photons : array, shape (n, n_fine)
        True spectra.
    reference, changed : tuple of Setups and array
        Setups and the amplitudes of the sources in them (`vae.evaluation.paired.amplitudes`).
    seed : int
    """
    rng = np.random.default_rng(seed)
    expected = [seen(photons, *setup) for setup in (reference, changed)]
    plain = [encoded(model, block)[0] for block in expected]
    axes = active_axes(plain[0])
    moved, spread = _moved(*plain)
    harder, hardness_spread = _moved(*(hardness_ratios(block) for block in expected))
    before, after = ([encoded(model, seen(photons, *setup, rng)) for _ in range(2)] for setup in (reference, changed))
    sigma = 0.5 * (before[0][1] + before[1][1])
    return Shift(
        in_sigma=(moved / sigma)[:, axes],
        in_spread=(moved / spread)[:, axes],
        hardness=harder / hardness_spread,
        twice=np.stack([(new[0] - old[0]) / sigma for old, new in zip(before, after, strict=True)])[..., axes],
        noisy=pull(*after[0], *before[0])[:, axes],
        null=pull(*before[1], *before[0])[:, axes],
    )


def _moved(before: Array, after: Array) -> tuple[Array, Array]:
    return after - before, np.maximum(before.std(axis=0), 1e-12)


def shift_figures(shifts: list[Shift], *, seed: int = 0) -> tuple[dict[str, Any], dict[str, Array]]:
    """Summarise the shifts of the same sources under one or more changes of a kind.

    Parameters
    ----------
    shifts : list of Shift
        Row i of each is the same source.
    seed : int

    Returns
    -------
    figures : dict
        Each with `value`, `low`, `high` over all changes, sources and dimensions: `median_in_sigma` and `p90_in_sigma`
        of |shift| / sigma without noise; `within_sigma`, the share of sources that move by less than their sigma in
        every dimension; `median_in_spread` and `p90_in_spread`, beside `hardness_median_in_spread`; with Poisson noise
        `rms_in_sigma`, the root mean square of the shift beneath the noise (the mean product of two independent pairs,
        whose noises average out; 1 % trimmed on each side), and `width_noisy` and `width_null`, half the middle 68 % of
        the pulls between the setups and within the reference.
    arrays : dict of array
        `edges` (k + 1,) and `histogram` (d, k), density of |shift| / sigma without noise.
    """
    stacked = {
        name: np.stack([getattr(one, name) for one in shifts], axis=1)
        for name in ("in_sigma", "in_spread", "hardness", "noisy", "null")
    }
    stacked |= {name: np.abs(stacked[name]) for name in ("in_sigma", "in_spread", "hardness")}
    stacked["product"] = np.stack([one.twice[0] * one.twice[1] for one in shifts], axis=1)
    within: Array = np.all(stacked["in_sigma"] < 1.0, axis=2)

    def statistic(rows: NDArray[np.int64]) -> list[float]:
        ordered = {name: np.sort(values[rows], axis=None) for name, values in stacked.items()}
        cut = int(_TRIMMED * ordered["product"].size)
        kept = ordered["product"][cut : ordered["product"].size - cut]
        return [
            *_quantiles(ordered["in_sigma"], 0.5, 0.9),
            float(np.mean(within[rows])),
            *_quantiles(ordered["in_spread"], 0.5, 0.9),
            *_quantiles(ordered["hardness"], 0.5),
            float(np.sqrt(max(kept.mean(), 0.0))),
            *(0.5 * float(np.diff(_quantiles(ordered[name], 0.15865, 0.84135))[0]) for name in ("noisy", "null")),
        ]

    names = (
        "median_in_sigma", "p90_in_sigma", "within_sigma", "median_in_spread", "p90_in_spread",
        "hardness_median_in_spread", "rms_in_sigma", "width_noisy", "width_null",
    )  # fmt: skip
    figures = scores(names, statistic, np.arange(len(shifts[0].in_sigma)), seed=seed)
    sizes = stacked["in_sigma"]
    histogram = [
        np.histogram(sizes[..., axis], EDGES)[0] / (sizes[..., axis].size * np.diff(EDGES))
        for axis in range(sizes.shape[2])
    ]
    return figures, {"edges": EDGES, "histogram": np.array(histogram)}


def _quantiles(ordered: Array, *shares: float) -> list[float]:
    """Return quantiles of sorted values, as numpy.quantile would, without its overhead: resamples are hundreds."""
    place = np.array(shares) * (ordered.size - 1)
    below = place.astype(np.int64)
    above = np.minimum(below + 1, ordered.size - 1)
    return [float(value) for value in ordered[below] + (place - below) * (ordered[above] - ordered[below])]
