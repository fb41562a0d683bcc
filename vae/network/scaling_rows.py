"""The network's input, row by row and compiled: what `vae.network.scaling` does for numpy arrays."""

from __future__ import annotations

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from vae.spectra._logarithm import log

#: Floors of the sums that are divided by: an empty spectrum, and one that nothing reaches.
COUNTS_MIN: Final = 1.0
EXPOSURE_MIN: Final = 1e-20
#: Below this asinh(x) is x, and nothing stays nothing.
_LINEAR: Final = 1e-8


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"}, error_model="numpy")
def scale_rows(
    counts: NDArray[Any],
    background_counts: NDArray[Any],
    background_ratio: NDArray[Any],
    sensitivity: NDArray[Any],
    energy: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Fill `out` (n, n_bins) with asinh(E S / scale); arguments as of `vae.network.scaling.scale_input`."""
    n_bins = counts.shape[1]
    net = np.empty(n_bins)
    for row in range(len(counts)):
        ratio = float(background_ratio[row])
        net_sum = gross_sum = per_energy = 0.0
        for h in range(n_bins):
            c, s = float(counts[row, h]), float(sensitivity[row, h])
            net[h] = c - ratio * float(background_counts[row, h])
            net_sum += net[h]
            gross_sum += c
            per_energy += s / energy[h]
            net[h] *= energy[h] / s if s > 0.0 else 0.0
        scale = max(net_sum, 3.0 * math.sqrt(max(gross_sum, COUNTS_MIN))) / max(per_energy, EXPOSURE_MIN)
        for h in range(n_bins):
            size = abs(net[h] / scale)
            grown = log(size + math.sqrt(size * size + 1.0))
            out[row, h] = math.copysign(grown if size > _LINEAR else size, net[h])
