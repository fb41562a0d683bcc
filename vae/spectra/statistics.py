"""Statistics of counts spectra: C-stat, profiled amplitude, error bars, net counts and hardness ratios.

Everything works on blocks of spectra, one a row, in counts; nothing here rounds, clips or bins counts away.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincinv, ndtr

from vae.spectra import grid
from vae.spectra._logarithm import log
from vae.spectra._rows import over_rows
from vae.spectra.background import background_template, expected_background
from vae.spectra.kaastra import cstat_moments

__all__ = [
    "background_template",
    "cstat",
    "cstat_moments",
    "cstat_z",
    "expected_background",
    "net_summary",
    "poisson_interval",
    "profile_amplitude",
]

#: Edges of the bands of the hardness ratios hr1, hr2, hr3 [keV].
HARDNESS_EDGES: Final = (0.3, 0.5, 1.0, 2.0, 4.5)
#: Sums over bins in any order, which lets the compiler add several at once; infinities and NaN keep their meaning.
_SUMS: Final = {"reassoc", "contract"}
#: Between these our logarithm holds.
_TINY: Final = 1e-300
_HUGE: Final = 1e300


@numba.njit(nogil=True, cache=True, fastmath=_SUMS, error_model="numpy")
def _cstat_rows(start: int, stop: int, counts: NDArray[Any], expected: NDArray[Any], out: NDArray[np.float64]) -> None:
    n_bins = counts.shape[1]
    seen, mean = np.empty(n_bins + 1), np.empty(n_bins + 1)
    for row in range(start, stop):
        total = 0.0
        n_seen = 0
        least, most = math.inf, 0.0
        for h in range(n_bins):  # no branch: whether a bin has counts is a coin's toss in a faint spectrum
            c, mu = float(counts[row, h]), float(expected[row, h])
            total += mu - c
            seen[n_seen] = c
            mean[n_seen] = mu
            n_seen += c > 0.0
        for i in range(n_seen):
            mean[i] = seen[i] / mean[i]
            least, most = min(least, mean[i]), max(most, mean[i])
        if least > _TINY and most < _HUGE:
            for i in range(n_seen):
                total += seen[i] * log(mean[i])
        else:  # zero, negative or undefined expectations
            for i in range(n_seen):
                total += seen[i] * math.log(mean[i])
        out[row] = 2.0 * total


def cstat(counts: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Return the C-statistic, 2 sum_h [lambda - C + C ln(C / lambda)] (2 lambda where C = 0).

    Parameters
    ----------
    counts : array, shape (n, n_bins) or (n_bins,)
        Observed counts C.
    expected : array of the same shape
        Expected counts lambda, source and background together.

    Returns
    -------
    array of float64, shape (n,) or ()
        Infinite where counts fell where none are expected; NaN for negative or undefined expectations.

    References
    ----------
    Cash (1979), ApJ 228, 939.
    """
    c, mu = np.broadcast_arrays(np.asarray(counts), np.asarray(expected))
    rows = np.ascontiguousarray(c.reshape(-1, c.shape[-1]))
    means = np.ascontiguousarray(mu.reshape(-1, c.shape[-1]))
    out = np.empty(len(rows))
    over_rows(_cstat_rows, len(rows), rows, means, out)
    return out.reshape(c.shape[:-1])


def cstat_z(counts: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Return how far the C-statistic lies from its expectation, in standard deviations: (C - sum Ce) / sqrt(sum Cv).

    Parameters
    ----------
    counts, expected : array, shape (n, n_bins) or (n_bins,)
        See `cstat`.

    Returns
    -------
    array of float64, shape (n,) or ()
        About 0 +- 1 for a right model; large and positive for a misfit. NaN where nothing is expected at all.
    """
    mean, variance = cstat_moments(expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (cstat(counts, expected) - mean) / np.sqrt(variance)


@numba.njit(nogil=True, cache=True, fastmath=_SUMS, error_model="numpy")
def _amplitude(c: NDArray[Any], f: NDArray[Any], b: NDArray[Any], total_shape: float, total_net: float) -> float:
    """Solve for the amplitude, given the bins with counts that the source reaches and the sums over all bins."""
    total_counts = slope_at_zero = 0.0
    for i in range(c.size):
        total_counts += c[i]
        slope_at_zero += math.inf if b[i] <= 0.0 else c[i] * f[i] / b[i]
    if not total_shape > 0.0:
        return math.nan
    if not slope_at_zero > total_shape:  # the likelihood falls from 0 on: no source
        return 0.0
    # The slope sum C f / (alpha f + b) - sum f falls from positive to at most 0 between these.
    low, high = 0.0, total_counts / total_shape
    alpha = min(max(total_net / total_shape, 1e-3 * high), high)
    for _ in range(100):
        slope = -total_shape
        curvature = 0.0
        for i in range(c.size):
            part = f[i] / (alpha * f[i] + b[i])
            weighted = c[i] * part
            slope += weighted
            curvature -= weighted * part
        if slope > 0.0:
            low = alpha
        else:
            high = alpha
        step = alpha - slope / curvature
        if not low <= step <= high:  # Newton left the bracket: halve it
            step = 0.5 * (low + high)
        if abs(step - alpha) <= 1e-10 * alpha:
            return step
        alpha = step
    return alpha


@numba.njit(nogil=True, cache=True, fastmath=_SUMS, error_model="numpy")
def _amplitude_rows(
    start: int,
    stop: int,
    counts: NDArray[Any],
    shape: NDArray[Any],
    background: NDArray[Any],
    out: NDArray[np.float64],
) -> None:
    n_bins = counts.shape[1]
    seen, source, behind = np.empty(n_bins + 1), np.empty(n_bins + 1), np.empty(n_bins + 1)
    for row in range(start, stop):
        total_shape = total_net = 0.0
        n_seen = 0
        for h in range(n_bins):
            c, f, b = float(counts[row, h]), float(shape[row, h]), float(background[row, h])
            total_shape += f
            total_net += c - b
            seen[n_seen] = c
            source[n_seen] = f
            behind[n_seen] = b
            n_seen += (c > 0.0) & (f > 0.0)
        out[row] = _amplitude(seen[:n_seen], source[:n_seen], behind[:n_seen], total_shape, total_net)


def profile_amplitude(counts: ArrayLike, shape_counts: ArrayLike, background: ArrayLike) -> NDArray[np.float64]:
    """Return the maximum-likelihood amplitude alpha >= 0 of lambda_h = alpha f_h + b_h.

    Poisson likelihood; start from the moments, sum(C - b) / sum(f), then Newton inside a bracket (the slope in alpha
    falls monotonically, so there is one root or none).

    Parameters
    ----------
    counts : array, shape (n, n_bins) or (n_bins,)
        Observed counts C.
    shape_counts : array of the same shape
        Counts f that amplitude 1 would give: decoded shape x sensitivity.
    background : array of the same shape
        Expected background counts b.

    Returns
    -------
    array of float64, shape (n,) or ()
        0 where the background alone explains the counts better than any source of this shape; NaN where f is
        zero throughout.
    """
    c, f, b = np.broadcast_arrays(np.asarray(counts), np.asarray(shape_counts), np.asarray(background))
    rows, shapes, backgrounds = (np.ascontiguousarray(x.reshape(-1, c.shape[-1])) for x in (c, f, b))
    out = np.empty(len(rows))
    over_rows(_amplitude_rows, len(rows), rows, shapes, backgrounds, out)
    return out.reshape(c.shape[:-1])


def poisson_interval(counts: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the central 68.27 % confidence interval of the expected counts, given observed counts, for error bars.

    Parameters
    ----------
    counts : array, any shape
        Observed counts.

    Returns
    -------
    lower, upper : array of float64
        Limits, not lengths: 0 counts give (0, 1.84).

    References
    ----------
    Gehrels (1986), ApJ 303, 336, with the exact chi-square quantiles instead of his approximations.
    """
    n = np.asarray(counts, np.float64)
    tail = float(ndtr(-1.0))
    lower = np.where(n > 0, gammaincinv(np.where(n > 0, n, 1.0), tail), 0.0)
    return lower, gammaincinv(n + 1.0, 1.0 - tail)


def net_summary(
    counts: ArrayLike, background_counts: ArrayLike, background_ratio: ArrayLike
) -> dict[str, NDArray[np.generic]]:
    """Return the summary columns of spectra: gross and net counts in 0.3-10 keV, S/N, hardness ratios.

    Parameters
    ----------
    counts, background_counts : array, shape (n, 238)
        Gross counts C in the source, counts B in the background region.
    background_ratio : array, shape (n,)
        a = exposure x BACKSCAL x AREASCAL, source over background region.

    Returns
    -------
    dict of arrays, shape (n,)
        `counts` (int64), `net_counts` = sum(C - a B), `net_snr` = net / sqrt(sum(C + a^2 B)), `background_fraction` =
        sum a B / sum C, and `hr1 hr2 hr3` = (H - S) / (H + S) of the net counts of neighbouring bands
        (`HARDNESS_EDGES`; a band whose net counts are negative counts as empty). NaN where undefined.
    """
    c = np.asarray(counts, np.float64)
    b = np.asarray(background_counts, np.float64)
    a = np.asarray(background_ratio, np.float64)
    gross, back = c.sum(axis=-1), b.sum(axis=-1)
    net = gross - a * back
    mid = 0.5 * (grid.BIN_EDGES[1:] + grid.BIN_EDGES[:-1])
    first = np.searchsorted(mid, HARDNESS_EDGES)
    band = [
        np.maximum((c[..., low:high] - a[..., None] * b[..., low:high]).sum(axis=-1), 0.0)
        for low, high in itertools.pairwise(first)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        summary: dict[str, NDArray[np.generic]] = {
            "counts": np.rint(gross).astype(np.int64),
            "net_counts": net.astype(np.float32),
            "net_snr": (net / np.sqrt(gross + a**2 * back)).astype(np.float32),
            "background_fraction": np.where(gross > 0, a * back / gross, np.nan).astype(np.float32),
        }
        for number, (soft, hard) in enumerate(itertools.pairwise(band), start=1):
            summary[f"hr{number}"] = ((hard - soft) / (hard + soft)).astype(np.float32)
    return summary
