"""What the encoder sees of a spectrum, and how energies enter the trunk."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.network.config import NetworkConfig
from vae.network.scaling_rows import COUNTS_MIN, EXPOSURE_MIN, scale_rows
from vae.spectra import grid

#: Written into `model.toml` and compared on load.
INPUT_SCALING: Final = "asinh(E S / scale), scale = max(sum(C - a B), 3 sqrt(sum C)) / sum(e / E)"

#: Log energy is standardised as if uniform over the range of the bins: mean 0, variance 1. Fixed, not trained.
_LOG_LOW, _LOG_HIGH = float(np.log(grid.BIN_EDGES[0])), float(np.log(grid.BIN_EDGES[-1]))
LOG_ENERGY_MEAN: Final = 0.5 * (_LOG_LOW + _LOG_HIGH)
LOG_ENERGY_STD: Final = (_LOG_HIGH - _LOG_LOW) / float(np.sqrt(12.0))


def scale_input(
    counts: Any, background_counts: Any, background_ratio: Any, sensitivity: Any, *, xp: ModuleType = np
) -> Any:
    """Scale spectra for the encoder: asinh(E S / scale), S unfolded without a model (FACTS 3).

    The scale makes the input independent of flux and exposure; for spectra without significant net counts it is
    bounded by the noise, 3 sqrt(sum C). Negative net counts stay negative: clipping them biases the faint hard end.

    Parameters
    ----------
    counts, background_counts : array, shape (n, 238)
        Counts in the source and the background region.
    background_ratio : array, shape (n,)
        Expected background counts in the source region per count of the background region.
    sensitivity : array, shape (n, 238)
        [cm2 s keV]. Bins without sensitivity become 0.
    xp : module
        ``numpy`` or ``torch``, whichever the arrays belong to.

    Returns
    -------
    array of float32, shape (n, 238)
        Dimensionless.
    """
    if xp is np:
        arrays = [np.asarray(values) for values in (counts, background_counts, background_ratio, sensitivity)]
        out = np.empty(arrays[0].shape, np.float32)
        scale_rows(*arrays, grid.BIN_CENTRES, out)
        return out
    energy = xp.tensor(grid.BIN_CENTRES.tolist(), dtype=xp.float32, device=counts.device)
    net = counts - background_ratio[:, None] * background_counts
    net_sum, gross_sum = net.sum(1), counts.sum(1)
    floor = 3.0 * xp.sqrt(xp.clip(gross_sum, COUNTS_MIN, None))
    seen = sensitivity > 0
    # E / e with 0 where nothing is seen: the same factor unfolds, weighs by energy and masks.
    factor = xp.where(seen, energy / xp.where(seen, sensitivity, xp.ones_like(sensitivity)), xp.zeros_like(sensitivity))
    exposure_per_energy = xp.clip((sensitivity / energy).sum(1), EXPOSURE_MIN, None)
    scale = xp.maximum(net_sum, floor) / exposure_per_energy
    return _asinh(net * (factor / scale[:, None]), xp)


def _asinh(x: Any, xp: ModuleType) -> Any:
    """Return asinh(x), by functions that both libraries vectorise (torch.asinh takes ten times as long)."""
    size = xp.abs(x)
    square = size * size
    return xp.copysign(xp.log1p(size + square / (1.0 + xp.sqrt(1.0 + square))), x)


def standardised_log_energy(energies_keV: Any) -> Any:
    """Return log energy for the trunk, (ln E - mean) / std, of energies [keV], as float32 of the same shape."""
    return ((np.log(np.asarray(energies_keV, np.float64)) - LOG_ENERGY_MEAN) / LOG_ENERGY_STD).astype(np.float32)


def trunk_input(energies_keV: Any, config: NetworkConfig) -> NDArray[np.float32]:
    """Return what enters the trunk network at some energies.

    Parameters
    ----------
    energies_keV : array, shape (n,)
    config : NetworkConfig
        Its `trunk_gain` and `n_frequencies`.

    Returns
    -------
    array of float32, shape (n, 1 + 2 n_frequencies)
        Standardised log energy times the gain; then sine and cosine of its Fourier phases, lowest frequency first.
    """
    log_energy = np.asarray(standardised_log_energy(energies_keV), np.float64)[:, None]
    period = (_LOG_HIGH - _LOG_LOW) / LOG_ENERGY_STD
    phase = 2.0 * np.pi / period * log_energy * 2.0 ** np.arange(config.n_frequencies)
    return np.hstack([config.trunk_gain * log_energy, np.sin(phase), np.cos(phase)]).astype(np.float32)


def interpolation(energies_keV: Any, config: NetworkConfig) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return where energies lie in a table over the config's energies, linear in log energy and flat beyond its ends.

    Returns
    -------
    lower : array of int64, shape (n,)
        Entry of the table below each energy; the other one is the next.
    share : array of float32, shape (n,)
        Weight of that next entry, 0...1.
    """
    place = np.interp(np.log(energies_keV), np.log(config.energies), np.arange(len(config.energies)))
    lower = np.minimum(place.astype(np.int64), len(config.energies) - 2)
    return lower, (place - lower).astype(np.float32)
