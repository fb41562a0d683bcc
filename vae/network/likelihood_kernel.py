"""The Poisson deviance at the best amplitude, and its gradient, in one pass over each spectrum; for the CPU.

The same arithmetic as `vae.network.likelihood`'s, which runs everywhere, a row at a time: a spectrum stays in the
first-level cache from its first sum to its gradient, where whole tensors go to memory and back for each of 30
operations.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, Final

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_ONE: Final = np.float32(1.0)
_ZERO: Final = np.float32(0.0)
_TINY: Final = np.float32(np.finfo(np.float32).tiny)
_LEAST_SHARE: Final = np.float32(0.05)
_LEAST_SLOPE: Final = np.float32(1e-30)

# Sums may be reordered, so that they vectorise; NaN must stay NaN, since it stops a run.
_FAST: Final = {"reassoc", "contract", "arcp", "nsz"}


@numba.njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
def _rows(
    counts: NDArray[np.float32],
    folded: NDArray[np.float32],
    background: NDArray[np.float32],
    steps: int,
    least: Any,
    deviance: NDArray[np.float32],
    gradient: NDArray[np.float32],
    first: int,
    last: int,
) -> None:
    """Fill `deviance` (n,) and `gradient` (n, n_bins) from row `first` to before `last`."""
    n_bins = counts.shape[1]
    # Copies without gaps: rows of a batch lie within wider ones.
    c, f, b = np.empty(n_bins, np.float32), np.empty(n_bins, np.float32), np.empty(n_bins, np.float32)
    for row in range(first, last):
        total, gross, expected_background = _ZERO, _ZERO, _ZERO
        for j in range(n_bins):
            c[j], f[j], b[j] = counts[row, j], folded[row, j], background[row, j]
        for j in range(n_bins):
            total += f[j]
            gross += c[j]
            expected_background += b[j]
        per_total = _ONE / (_TINY if total < _TINY else total)
        for j in range(n_bins):
            f[j] *= per_total
        alpha = max(gross - expected_background, _LEAST_SHARE * gross)
        for _ in range(steps):
            h, slope = _ZERO, _ZERO
            for j in range(n_bins):
                expected = alpha * f[j] + b[j]
                pull = f[j] / (least if expected < least else expected)
                weighted = c[j] * pull
                h += weighted
                slope += weighted * pull
            alpha = max(alpha + h * (h - _ONE) / max(slope, _LEAST_SLOPE), _ZERO)
        amplitude = alpha * per_total
        sum_of_all = _ZERO
        for j in range(n_bins):
            expected = alpha * f[j] + b[j]
            expected = least if expected < least else expected
            ratio = c[j] / expected
            gradient[row, j] = (_ONE - ratio) * amplitude
            sum_of_all += expected - c[j]
            b[j] = ratio
        for j in range(n_bins):
            if c[j] > _ZERO:
                sum_of_all += c[j] * math.log(b[j])
        deviance[row] = sum_of_all


def profiled_rows(
    counts: Tensor, folded: Tensor, background: Tensor, steps: int, least: float
) -> tuple[Tensor, Tensor]:
    """Return the deviance at the best amplitude, (n,), and its gradient by `folded`, (n, n_bins).

    Parameters
    ----------
    counts, folded, background : Tensor of float32 on the CPU, shape (n, n_bins)
    steps : int
        Newton steps of the amplitude.
    least : float
        Floor of expected counts.
    """
    n = len(counts)
    arrays = tuple(tensor.detach().numpy() for tensor in (counts, folded, background))
    deviance, gradient = torch.empty(n), torch.empty(counts.shape)
    out = (deviance.numpy(), gradient.numpy())
    threads = torch.get_num_threads()
    floor = np.float32(least)
    if threads == 1:
        _rows(*arrays, steps, floor, *out, 0, n)
    else:
        edges = np.linspace(0, n, threads + 1).astype(int).tolist()
        parts = pairwise(edges)
        list(_pool(threads).map(lambda part: _rows(*arrays, steps, floor, *out, *part), parts))
    return deviance, gradient


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="likelihood")


def applies(*tensors: Tensor) -> bool:
    """Whether the kernel can take these tensors: plain float32 on the CPU, not while torch traces."""
    if torch.compiler.is_compiling():
        return False
    return all(tensor.device.type == "cpu" and tensor.dtype is torch.float32 for tensor in tensors)
