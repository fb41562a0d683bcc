"""What a plot of a spectrum shows, as plain arrays: regrouped counts, steps of the reconstruction, residuals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Decoded, Spectrum
from vae.spectra.statistics import poisson_interval

Array = NDArray[Any]
Columns = dict[str, Array]

#: Energies that carry a label and a hair line, and those that carry a tick [keV].
LABELLED_ENERGIES: Final = (0.3, 0.5, 1.0, 2.0, 5.0, 10.0)
MINOR_ENERGIES: Final = (0.4, 0.6, 0.7, 0.8, 0.9, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0)
ENERGY_LABEL: Final = "Energy, keV"
#: Residuals beyond this are drawn as an arrowhead at the edge.
RESIDUAL_LIMIT: Final = 4.2
#: Widest group of the unfolded spectrum [dex]: where the source fades, points stay apart and turn into upper limits.
MAX_GROUP_DEX: Final = 0.12
#: Display never spans more decades than this below its maximum, so that a stray tail does not flatten the rest.
_MAX_DECADES: Final = 5.0
#: Energies at which small spectra are drawn: enough for a sparkline.
SPARK_GROUPS: Final = 34


@dataclass(frozen=True)
class Grouping:
    """Runs of neighbouring bins drawn as one point.

    Parameters
    ----------
    starts : array of int, shape (n_groups,)
        First bin of each group; a group ends where the next one starts.
    n_bins : int
    """

    starts: NDArray[np.intp]
    n_bins: int

    @property
    def stops(self) -> NDArray[np.intp]:
        """One past the last bin of each group, shape (n_groups,)."""
        return np.append(self.starts[1:], self.n_bins)

    def sum(self, values: Array) -> Array:
        """Sum of `values`, shape (n_bins,), in each group."""
        return np.add.reduceat(np.asarray(values, np.float64), self.starts)


def regroup(
    signal: Array,
    variance: Array,
    min_snr: float,
    *,
    energy_edges: Array | None = None,
    max_dex: float | None = None,
) -> Grouping:
    """Join neighbouring bins, from low energy upward, until each group reaches a signal-to-noise ratio.

    Parameters
    ----------
    signal, variance : array, shape (n,)
        Summed in a group; its ratio is sum(signal) / sqrt(sum(variance)).
    min_snr : float
        0 leaves every bin alone.
    energy_edges : array, shape (n + 1,), optional
        Bin edges [keV]; needed with `max_dex`.
    max_dex : float, optional
        Widest group in log10(energy).

    Returns
    -------
    Grouping
        What is left at the high end is a last group of its own, so that no count is lost.
    """
    n = len(signal)
    if min_snr <= 0:
        return Grouping(np.arange(n), n)
    width = np.zeros(n + 1) if max_dex is None or energy_edges is None else np.log10(energy_edges)
    limit = np.inf if max_dex is None else max_dex
    starts, start, total, noise = [0], 0, 0.0, 0.0
    for h in range(n - 1):
        total += float(signal[h])
        noise += float(variance[h])
        reached = noise > 0 and total >= min_snr * noise**0.5
        if reached or width[h + 2] - width[start] > limit:
            start, total, noise = h + 1, 0.0, 0.0
            starts.append(start)
    return Grouping(np.asarray(starts, np.intp), n)


def spectrum_data(spectrum: Spectrum, min_snr: float = 3.0) -> Columns:
    """Regroup gross counts for display.

    Parameters
    ----------
    spectrum : Spectrum
    min_snr : float
        Least sqrt(counts) of a point: it is the gross counts that are drawn.

    Returns
    -------
    dict of arrays, shape (n_groups,)
        `lo hi mid` [keV]; `counts`; `y y_lo y_hi` [counts / keV] with the exact Poisson interval; `expected` [counts];
        `residual`, the signed root of the group's C-stat [sigma], with `residual_lo`, `residual_hi` (one sigma either
        side) and `residual_shown`, clipped to the plot; `beyond`, +1 or -1 where it was clipped, else 0.
    """
    counts = np.asarray(spectrum.counts, np.float64)
    groups = regroup(counts, counts, min_snr)
    total, expected = groups.sum(counts), groups.sum(spectrum.reconstruction)
    columns = _energies(spectrum.energy_edges, groups)
    width = columns["hi"] - columns["lo"]
    lower, upper = poisson_interval(total)
    residual = signed_root_cstat(total, expected)
    shown = np.clip(residual, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
    return columns | {
        "counts": total,
        "y": total / width,
        "y_lo": lower / width,
        "y_hi": upper / width,
        "expected": expected,
        "residual": residual,
        "residual_lo": np.clip(residual - 1, -RESIDUAL_LIMIT, RESIDUAL_LIMIT),
        "residual_hi": np.clip(residual + 1, -RESIDUAL_LIMIT, RESIDUAL_LIMIT),
        "residual_shown": shown,
        "beyond": np.where(np.abs(residual) > RESIDUAL_LIMIT, np.sign(residual), 0.0),
    }


def unfolded_data(spectrum: Spectrum, min_snr: float = 3.0) -> Columns:
    """Regroup the unfolded spectrum, E F(E) = E^2 S(E), for display.

    Net counts over sensitivity, both summed in a group (Nowak et al. 2005); smeared by the detector, not deconvolved.

    Returns
    -------
    dict of arrays, shape (n_groups,)
        As of `spectrum_data`, with `y y_lo y_hi` [keV/cm2/s]. Where the net counts are within one error of nothing,
        `y` is NaN and `y_lo` too: only an upper limit, `y_hi`, is to be drawn; `is_limit` marks these.
    """
    counts = np.asarray(spectrum.counts, np.float64)
    back = np.asarray(spectrum.background_counts, np.float64)
    ratio = float(spectrum.background_ratio)
    net, variance = counts - ratio * back, counts + ratio**2 * back
    groups = regroup(net, variance, min_snr, energy_edges=spectrum.energy_edges, max_dex=MAX_GROUP_DEX)
    columns = _energies(spectrum.energy_edges, groups)
    total, error = groups.sum(net), np.sqrt(groups.sum(variance))
    exposure_area = groups.sum(spectrum.sensitivity)
    expected = groups.sum(spectrum.reconstruction)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(exposure_area > 0, columns["mid"] ** 2 / exposure_area, np.nan)
    limit = total <= error
    residual = signed_root_cstat(groups.sum(counts), expected)
    shown = np.clip(residual, -RESIDUAL_LIMIT, RESIDUAL_LIMIT)
    return columns | {
        "counts": groups.sum(counts),
        "y": np.where(limit, np.nan, total * scale),
        "y_lo": np.where(limit, np.nan, (total - error) * scale),
        "y_hi": (np.maximum(total, 0.0) + np.where(limit, 2.0, 1.0) * np.maximum(error, 1.0)) * scale,
        "is_limit": limit,
        "expected": expected,
        "residual": residual,
        "residual_lo": np.clip(residual - 1, -RESIDUAL_LIMIT, RESIDUAL_LIMIT),
        "residual_hi": np.clip(residual + 1, -RESIDUAL_LIMIT, RESIDUAL_LIMIT),
        "residual_shown": shown,
        "beyond": np.where(np.abs(residual) > RESIDUAL_LIMIT, np.sign(residual), 0.0),
    }


def signed_root_cstat(counts: Array, expected: Array) -> Array:
    """Signed square root of each group's C-stat: about a standard normal for a right model, and their squares add up.

    Parameters
    ----------
    counts, expected : array, any shape

    Returns
    -------
    array of float64
        NaN where nothing is expected.
    """
    c, mu = np.asarray(counts, np.float64), np.asarray(expected, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(c > 0, c * np.log(c / mu), 0.0)
        root = np.sign(c - mu) * np.sqrt(np.maximum(2.0 * (mu - c + log), 0.0))
    return np.where(mu > 0, root, np.nan)


def model_steps(spectrum: Spectrum) -> Columns:
    """Folded reconstruction, its 90 % band and the background as steps over the bins [counts / keV].

    Returns
    -------
    dict of arrays, shape (2 n_bins,)
        `e` [keV], `model`, `band_lo`, `band_hi`, `background`.
    """
    width = np.diff(spectrum.energy_edges)
    return {
        "e": _corners(spectrum.energy_edges),
        "model": _double(spectrum.reconstruction / width),
        "band_lo": _double(spectrum.predictive_lo / width),
        "band_hi": _double(spectrum.predictive_hi / width),
        "background": _double(spectrum.expected_background / width),
        "decoded": np.full(2 * len(width), np.nan),
    }


def unfolded_steps(spectrum: Spectrum) -> Columns:
    """Reconstruction and its band, unfolded in the same way as the data, and the decoded photon spectrum; E F(E).

    Returns
    -------
    dict of arrays, shape (2 n_bins,)
        `e` [keV]; `model`, `band_lo`, `band_hi` and `decoded` [keV/cm2/s]; `background` is NaN: it has been subtracted.
    """
    edges = spectrum.energy_edges
    energy = np.sqrt(edges[:-1] * edges[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(spectrum.sensitivity > 0, energy**2 / spectrum.sensitivity, np.nan)
    source = [spectrum.reconstruction, spectrum.predictive_lo, spectrum.predictive_hi]
    model, low, high = ((values - spectrum.expected_background) * scale for values in source)
    return {
        "e": _corners(edges),
        "model": _double(model),
        "band_lo": _double(low),
        "band_hi": _double(high),
        "background": np.full(2 * len(energy), np.nan),
        "decoded": _double(np.asarray(spectrum.decoded) * energy**2),
    }


def decoded_steps(energy_edges: Array, decoded: Decoded) -> Columns:
    """Shape of a decoded photon spectrum and its band as E F(E), scaled to a maximum of 1.

    Parameters
    ----------
    energy_edges : array, shape (n + 1,)
        [keV]
    decoded : Decoded
        At the bin centres, shape (n,) each.
    """
    energy = np.sqrt(energy_edges[:-1] * energy_edges[1:])
    shapes = (np.asarray(values, np.float64) * energy**2 for values in (decoded.mean, decoded.low, decoded.high))
    values, low, high = shapes
    top = values.max()
    nothing = np.full(2 * len(values), np.nan)
    return {
        "e": _corners(energy_edges),
        "model": _double(values / top),
        "band_lo": _double(low / top),
        "band_hi": _double(high / top),
        "background": nothing,
        "decoded": nothing,
    }


def display_range(data: Columns, steps: Columns) -> tuple[float, float]:
    """Return the ends of the logarithmic vertical axis: all points and the model, two decades at least."""
    tops = data.get("y_hi", np.empty(0))
    if "is_limit" in data:  # limits may lie far above everything else
        tops = np.where(data["is_limit"], np.nan, tops)
    high = np.concatenate([tops, steps["model"]])
    low = np.concatenate([data.get("y", np.empty(0)), steps["model"]])
    high = high[np.isfinite(high) & (high > 0)]
    low = low[np.isfinite(low) & (low > 0)]
    if high.size == 0 or low.size == 0:
        return 1.0, 1e3
    top = float(high.max()) * 2.0
    bottom = max(float(low.min()) * 0.4, top / 10.0**_MAX_DECADES)
    return min(bottom, top / 100.0), top


def sparkline(energy_edges: Array, counts: Array, height: float = 1.0) -> list[float]:
    """Heights of a small spectrum: counts per keV in `SPARK_GROUPS` logarithmic bands, logarithmic, three decades.

    Parameters
    ----------
    energy_edges : array, shape (n + 1,)
        [keV]
    counts : array, shape (n,)
    height : float

    Returns
    -------
    list of float, length at most `SPARK_GROUPS`
        0 at or below a thousandth of the maximum, `height` at the maximum.
    """
    wanted = np.geomspace(energy_edges[0], energy_edges[-1], SPARK_GROUPS + 1)[:-1]
    starts = np.unique(np.searchsorted(energy_edges, wanted))
    groups = Grouping(starts[starts < len(counts)], len(counts))
    density = groups.sum(counts) / groups.sum(np.diff(energy_edges))
    top = density.max()
    if not top > 0:
        return [0.0] * len(density)
    with np.errstate(divide="ignore"):
        level = 1.0 + np.log10(density / top) / 3.0
    return [round(float(value) * height, 3) for value in np.clip(level, 0.0, 1.0)]


def _energies(edges: Array, groups: Grouping) -> Columns:
    low, high = np.asarray(edges)[groups.starts], np.asarray(edges)[groups.stops]
    return {"lo": low, "hi": high, "mid": np.sqrt(low * high)}


def _corners(edges: Array) -> Array:
    return np.repeat(np.asarray(edges, np.float64), 2)[1:-1]


def _double(values: Array) -> Array:
    return np.repeat(np.asarray(values, np.float64), 2)
