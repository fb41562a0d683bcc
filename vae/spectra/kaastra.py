"""Expected value and variance of the C-statistic: the yardstick for "is this fit good".

Kaastra (2017), A&A 605, A51 (arXiv:1707.09202): in one bin of expected counts mu the C-statistic has, over Poisson
counts k,

    Ce(mu) = sum_k P(k; mu) c(k, mu),    Cv(mu) = sum_k P(k; mu) c(k, mu)^2 - Ce^2,
    c(k, mu) = 2 [mu - k + k ln(k / mu)].

The sums are tabulated once, 256 nodes an octave, and interpolated linearly: within 1e-5 of the sums.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.spectra._rows import over_rows

_NODES: Final = 256
#: The table covers 2^-20...2^14 counts a bin; series hold outside to better than 1e-6.
_LOW: Final = -20
_HIGH: Final = 14
#: Bits of a double's mantissa (52) below those (8) that number the nodes of an octave; the table's first node, counted
#: from the octave of exponent bits 0.
_PART_BITS: Final = 44
_FIRST_NODE: Final = (1023 + _LOW) * _NODES


@numba.njit(cache=True, nogil=True)
def _direct(mu: float) -> tuple[float, float]:
    spread = 12.0 * math.sqrt(mu) + 20.0
    first = max(0, int(mu - spread))
    mean = square = 0.0
    for k in range(first, int(mu + spread) + 1):
        probability = math.exp(k * math.log(mu) - mu - math.lgamma(k + 1.0))
        value = 2.0 * mu if k == 0 else 2.0 * (mu - k + k * math.log(k / mu))
        mean += probability * value
        square += probability * value * value
    return mean, square - mean * mean


@numba.njit(cache=True, nogil=True)
def _build() -> NDArray[np.float64]:
    table = np.empty(((_HIGH - _LOW) * _NODES + 1, 2))
    for node in range(len(table)):
        octave, part = divmod(node, _NODES)
        table[node] = _direct(math.ldexp(1.0 + part / _NODES, octave + _LOW))
    return table


@lru_cache(maxsize=1)
def _table() -> NDArray[np.float64]:
    return _build()


@numba.njit(cache=True, nogil=True)
def _moments(mu: float, table: NDArray[np.float64]) -> tuple[float, float]:
    if mu >= 2.0**_HIGH:  # Bartlett's correction: leading terms in 1/mu
        return 1.0 + 1.0 / (6.0 * mu), 2.0 + 2.0 / (3.0 * mu)
    if not mu >= 2.0**_LOW:  # NaN too: it has no node
        if not mu > 0.0:
            return (0.0, 0.0) if mu == 0.0 else (math.nan, math.nan)
        log = math.log(mu)  # only k = 0 and 1 matter
        one = 2.0 * (mu - 1.0 - log)
        mean = 2.0 * mu + mu * one
        return mean, mu * one * one + 4.0 * mu * mu - mean * mean
    # Exponent and leading bits of the mantissa are the node's number, the bits below say how far from it.
    bits = np.float64(mu).view(np.int64)
    node = (bits >> _PART_BITS) - _FIRST_NODE
    part = (bits & ((1 << _PART_BITS) - 1)) * 0.5**_PART_BITS
    return (
        table[node, 0] + part * (table[node + 1, 0] - table[node, 0]),
        table[node, 1] + part * (table[node + 1, 1] - table[node, 1]),
    )


@numba.njit(cache=True, nogil=True)
def _row_moments(
    start: int,
    stop: int,
    expected: NDArray[Any],
    table: NDArray[np.float64],
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
) -> None:
    for row in range(start, stop):
        total_mean = total_variance = 0.0
        for h in range(expected.shape[1]):
            bin_mean, bin_variance = _moments(expected[row, h], table)
            total_mean += bin_mean
            total_variance += bin_variance
        mean[row] = total_mean
        variance[row] = total_variance


def cstat_moments(expected: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the expected value and variance of the C-statistic of spectra, if the model is right.

    Parameters
    ----------
    expected : array, shape (n, n_bins) or (n_bins,)
        Expected counts per bin, source and background together. NaN gives NaN.

    Returns
    -------
    mean, variance : array of float64, shape (n,) or ()
        Sums over bins of Ce and Cv.

    References
    ----------
    Kaastra (2017), A&A 605, A51.

    Examples
    --------
    >>> mean, variance = cstat_moments([[1.0]])
    >>> round(float(mean[0]), 3), round(float(variance[0]), 3)
    (1.147, 1.365)
    """
    values = np.asarray(expected)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    rows = np.ascontiguousarray(values.reshape(-1, values.shape[-1]))
    mean, variance = np.empty(len(rows)), np.empty(len(rows))
    over_rows(_row_moments, len(rows), rows, _table(), mean, variance)
    return mean.reshape(values.shape[:-1]), variance.reshape(values.shape[:-1])
