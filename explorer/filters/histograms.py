"""Histograms of quantities and choices, cross-filtered: bins are assigned once, counts take a millisecond a million."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from explorer.filters import filters, quantities
from explorer.filters.quantities import MJD_ZERO, Quantity
from explorer.tools.masks import Mask
from vae.atlas import Atlas

#: Bins of a quantity; one is 4 to 5 px wide.
N_BINS: Final = 64
#: Bin of what has no value.
_NOWHERE: Final = 255
#: Ticks under a histogram, at most.
_MAX_TICKS: Final = 6


#: Bins and masks may be read-only.
_SIGNATURE: Final = types.void(
    types.Array(types.uint8, 1, "C", readonly=True),
    types.Array(types.boolean, 1, "C", readonly=True),
    types.int64[::1],
)


@njit(_SIGNATURE, cache=True, nogil=True)
def _count(bins, mask, counts):  # type: ignore[no-untyped-def]  # numba reads its own signature
    for i in range(bins.size):
        counts[bins[i]] += mask[i]


def count(bins: NDArray[np.uint8], mask: Mask | None, size: int) -> NDArray[np.int64]:
    """Count the members of each bin that are in a mask.

    Parameters
    ----------
    bins : array of uint8, shape (n,)
    mask : array of bool, shape (n,), or None
        None for all.
    size : int
        Number of bins; what lies beyond is left out.

    Returns
    -------
    array of int64, shape (size,)
    """
    counts = np.zeros(256, np.int64)
    _count(np.ascontiguousarray(bins), np.ones(bins.size, bool) if mask is None else np.ascontiguousarray(mask), counts)
    return counts[:size]


@dataclass(frozen=True, eq=False)
class Histogram:
    """One quantity of an atlas in bins of equal width on its own scale.

    Parameters
    ----------
    quantity : Quantity
    low, high : float
        Limits of the scale [the quantity's unit]; the first and last bin also hold what lies beyond.
    bins : array of uint8, shape (n,)
        Bin of each detection; 255 where it has no value.
    total : array of int64, shape (N_BINS,)
        Detections of the whole archive in each bin.
    """

    quantity: Quantity
    low: float
    high: float
    bins: NDArray[np.uint8]
    total: NDArray[np.int64]

    def count(self, mask: Mask | None) -> NDArray[np.int64]:
        """Count the detections of a mask in each bin, shape (N_BINS,)."""
        return self.total if mask is None else count(self.bins, mask, N_BINS)

    def ticks(self) -> list[tuple[float, str]]:
        """Ticks of the axis: where (0 left, 1 right) and what it says."""
        places = _tick_values(self.quantity, self.low, self.high)
        low, high = (float(quantities.forward(self.quantity, edge)) for edge in (self.low, self.high))
        return [
            ((float(quantities.forward(self.quantity, value)) - low) / (high - low), _tick_words(self.quantity, value))
            for value in places
        ]


@lru_cache(maxsize=64)  # 1 MB each at a million detections
def histogram(atlas: Atlas, key: str) -> Histogram:
    """Return the histogram of a quantity; its bins are assigned once in a process.

    Parameters
    ----------
    atlas : Atlas
    key : str
        Of a `Quantity`.
    """
    each = quantities.quantity(key)
    if each is None:
        raise KeyError(key)
    low, high = quantities.limits(atlas, key)
    value = quantities.values(atlas, key)
    place = quantities.forward(each, value)
    first, last = (float(quantities.forward(each, edge)) for edge in (low, high))
    absent = np.isnan(place)
    with np.errstate(invalid="ignore"):
        scaled = (place - place.dtype.type(first)) * place.dtype.type(N_BINS / (last - first))
        np.clip(scaled, 0, N_BINS - 1, out=scaled)
        bins = scaled.astype(np.uint8)
    bins[absent] = _NOWHERE
    bins.flags.writeable = False
    return Histogram(each, low, high, bins, count(bins, None, N_BINS))


def others(active: tuple[filters.Filter, ...], key: str, atlas: Atlas, visible: Mask | None) -> Mask | None:
    """Which detections pass every filter but the one with this key, and are of a visible class; None for all.

    Parameters
    ----------
    active : tuple of Filter
    key : str
    atlas : Atlas
    visible : array of bool, shape (n,), or None
        Detections of the visible classes; None for all.
    """
    passing = filters.passing((each for each in active if each.key != key), atlas)
    if passing is None or visible is None:
        return visible if passing is None else passing
    return passing & visible


def _tick_values(each: Quantity, low: float, high: float) -> list[float]:
    if each.kind == "date":
        first, last = (MJD_ZERO.toordinal() + edge for edge in (low, high))
        years = [int((edge - 1) / 365.2425) + 1 for edge in (first, last)]
        every = max(1, math.ceil((years[1] - years[0]) / _MAX_TICKS))
        starts = range(-(-(years[0] + 1) // every) * every, years[1] + 1, every)
        return [value for year in starts if low <= (value := _new_year(year)) <= high]
    if each.kind == "log":
        decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        every = math.ceil(len(decades) / _MAX_TICKS) or 1
        values = [10.0**power for power in decades if not power % every]
        if len(values) < 3:  # two decades or fewer: 1, 2, 5
            all_powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
            values = [factor * 10.0**power for power in all_powers for factor in (1, 2, 5)]
        return [value for value in values if low <= value <= high]
    if each.kind == "asinh":
        ladder = [0.0] + [sign * value for value in (3, 10, 30, 100, 300, 1e3, 1e4, 1e5, 1e6) for sign in (-1, 1)]
        inside = sorted(value for value in ladder if low <= value <= high)
        return inside if len(inside) <= _MAX_TICKS else [inside[0], *inside[1 :: len(inside) // _MAX_TICKS + 1]]
    if each.wraps:
        return [edge * each.wraps for edge in (0.0, 0.25, 0.5, 0.75, 1.0)]
    rough = (high - low) / (_MAX_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return [round(step * place, 12) for place in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _new_year(year: int) -> float:
    return float(MJD_ZERO.replace(year=year, month=1, day=1).toordinal() - MJD_ZERO.toordinal())


def _tick_words(each: Quantity, value: float) -> str:
    return quantities.in_words(each, value)[:4] if each.kind == "date" else quantities.in_words(each, value)
