"""Counts of the 238 bins shared out over the detector's channels, and what the channels beyond them would hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.spectra import grid

#: PI channels [5 eV] that event lists of spectra are selected by: 200-12000 eV.
_FIRST_CHANNEL, _LAST_CHANNEL = 40, 2400
#: Counts per channel below 0.3 keV over those of the bins up to _LOW_EDGE, and above 10 keV over those of the bins
#: from _HIGH_EDGE on: of the source and background regions of the 58 products in data/ogip/rxcj2359.
_LOW_EDGE, _HIGH_EDGE = 0.42, 9.0
_BELOW: Final = {"source": 1.36, "background": 1.63}
_ABOVE: Final = {"source": 0.87, "background": 0.85}
#: Energy bands of 4XMM [keV]: 1-5, then all of them, which is band 8.
BANDS: Final = ((0.2, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.5), (4.5, 12.0), (0.2, 12.0))
#: The pipeline flags channels below this energy [keV] as bad, and groups the others to this many counts.
_GOOD_FROM: Final = 0.32
_GROUP_COUNTS: Final = 20


@dataclass(frozen=True)
class Channels:
    """The detector's channels.

    Parameters
    ----------
    members : array of int64, shape (238, m)
        Channels of each bin, filled up in front with channel 0.
    shares : array of float64, shape (238, m)
        Width of each over that of the bin; 0 for those filled up.
    below, above : array of int64
        Channels in use below and above the bins.
    energy : array of float64, shape (n_channels,)
        Middle of each channel [keV].
    """

    members: NDArray[np.int64]
    shares: NDArray[np.float64]
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    energy: NDArray[np.float64]

    @property
    def quality(self) -> NDArray[np.int16]:
        """OGIP quality flags as the pipeline sets them: 1 (bad) below 0.32 keV, shape (n_channels,)."""
        return (self.energy < _GOOD_FROM).astype(np.int16)


@cache
def all_channels() -> Channels:
    """Return the detector's channels, as EBOUNDS of every matrix has them."""
    edges = instrument.channel_edges()
    bins = grid.channel_membership(edges[:-1], edges[1:])
    energy, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    lists = [np.flatnonzero(bins == h) for h in range(grid.N_BINS)]
    most = max(map(len, lists))
    # Filled up in front: whatever rounding leaves over goes to the last channel, which must be a real one.
    members = np.array([np.pad(line, (most - len(line), 0)) for line in lists])
    shares = np.array([np.pad(width[line] / width[line].sum(), (most - len(line), 0)) for line in lists])
    used = np.arange(_FIRST_CHANNEL, _LAST_CHANNEL + 1)
    outside = used[bins[used] < 0]
    return Channels(members, shares, outside[energy[outside] < 1.0], outside[energy[outside] > 1.0], energy)


def spread(rng: np.random.Generator, counts: NDArray[np.integer], channels: Channels, region: str) -> NDArray[np.int64]:
    """Share the counts of bins out over channels, at random by width, and add those of the channels beyond.

    Parameters
    ----------
    rng : Generator
    counts : array of int, shape (238,)
        Gross counts.
    channels : Channels
    region : str
        ``source`` or ``background``: they differ in how they go on beyond the bins.

    Returns
    -------
    array of int64, shape (n_channels,)
        The bins' sums are `counts`, one by one.
    """
    out = np.zeros(channels.energy.size, np.int64)
    # By place, not by slice: some channel stands for those that are only filled up, with no counts.
    np.add.at(out, channels.members, rng.multinomial(np.asarray(counts, np.int64), channels.shares))
    near_below, near_above = grid.BIN_EDGES[1:] <= _LOW_EDGE, grid.BIN_EDGES[:-1] >= _HIGH_EDGE
    n_channels = np.count_nonzero(channels.shares, axis=1)
    for place, near, factor in (
        (channels.below, near_below, _BELOW[region]),
        (channels.above, near_above, _ABOVE[region]),
    ):
        per_channel = counts[near].sum() / n_channels[near].sum()
        out[place] = rng.poisson(factor * per_channel, place.size)
    return out


def band_counts(counts: NDArray[np.int64], channels: Channels) -> NDArray[np.int64]:
    """Return the counts in each of `BANDS`, shape (6,)."""
    before = np.concatenate([[0], np.cumsum(counts)])
    low, high = (np.searchsorted(channels.energy, [band[i] for band in BANDS]) for i in (0, 1))
    return np.asarray(before[high] - before[low])


def grouping(counts: NDArray[np.int64], channels: Channels) -> NDArray[np.int16]:
    """Return OGIP grouping flags: groups of 20 counts and more above 0.32 keV, what is left over with the last."""
    flags = np.full(counts.size, -1, np.int16)
    first = int(np.count_nonzero(channels.quality))
    flags[: first + 1] = 1
    total = np.cumsum(counts)
    reached = int(total[first - 1]) if first else 0
    while total[-1] - reached >= 2 * _GROUP_COUNTS:
        end = int(np.searchsorted(total, reached + _GROUP_COUNTS))
        if total[-1] - total[end] < _GROUP_COUNTS:
            break
        flags[end + 1] = 1
        reached = int(total[end])
    return flags
