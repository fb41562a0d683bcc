"""Real spectra and simulated partners that share what is not asked about: counts, exposure, place, background level.

The partners go through the simulator's own instrument and background, not through the real responses, so that whatever
is wrong with either shows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.errors import ExplorerError
from vae.evaluation.draws import Draw, folded, is_canned, nearest_response
from vae.simulate import instrument
from vae.simulate.observe import expose
from vae.spectra import grid
from vae.spectra.background import background_template
from vae.spectra.store import Block, SpectraStore

Array = NDArray[Any]
#: Takes a generator, the observation that each spectrum belongs to, filters (index) and off-axis angles [arcmin];
#: returns expected background shapes, shape (n, 238), any normalisation.
BackgroundDraw = Callable[[np.random.Generator, Array, Array, Array], Array]

#: Bands of the net counts [keV], and finer ones where the background has its lines: Al (1.49), Cu (8.04).
NET_BANDS: Final = (0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 4.5, 7.0, 10.0)
GROSS_BANDS: Final = (0.3, 0.5, 0.8, 1.2, 1.4, 1.6, 2.0, 3.0, 4.5, 7.0, 7.8, 8.3, 10.0)
#: Candidates for each partner; the one whose net counts come nearest to the real ones is taken.
_CANDIDATES: Final = 8
#: The candidates' true net counts lie so many standard errors around the real spectrum's.
_SPREAD: Final = 1.5


@dataclass(frozen=True)
class RealSample:
    """Real spectra of pipeline products.

    Parameters
    ----------
    block : Block
        n rows, with `area`.
    source_id : array of int64, shape (n,)
    observation : array of int64, shape (n,)
        Number of the spectrum's observation, from 0.
    net_snr : array, shape (n,)
        Net counts over their error.
    ra_deg, dec_deg, offaxis_arcmin : array, shape (n,)
    filter_index : array of int64, shape (n,)
        Index into `vae.simulate.instrument.FILTERS`.
    response_index : array of int32, shape (n,)
        The simulator's response nearest to the canned matrix that the file asks for.
    """

    block: Block
    source_id: Array
    observation: NDArray[np.int64]
    net_snr: Array
    ra_deg: Array
    dec_deg: Array
    offaxis_arcmin: Array
    filter_index: NDArray[np.int64]
    response_index: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.block)

    @property
    def net_counts(self) -> Array:
        """Net counts in 0.3-10 keV, shape (n,)."""
        return (self.block.counts - self.block.background_ratio[:, None] * self.block.background_counts).sum(axis=1)

    def distance_arcmin(self, ra_deg: float, dec_deg: float) -> Array:
        """Angle between each source and a place on the sky [arcmin], shape (n,)."""
        here, there = np.radians(self.dec_deg), np.radians(dec_deg)
        half = np.sin(np.radians(self.ra_deg - ra_deg) / 2) ** 2 * np.cos(here) * np.cos(there)
        return np.asarray(np.degrees(2 * np.arcsin(np.sqrt(half + np.sin((here - there) / 2) ** 2))) * 60.0)

    def part(self, rows: Array) -> RealSample:
        """Return some of the rows."""
        columns = {field.name: getattr(self, field.name)[rows] for field in fields(self) if field.name != "block"}
        return RealSample(
            Block(**{name: getattr(self.block, name)[rows] for name in Block.__dataclass_fields__}), **columns
        )


@dataclass(frozen=True)
class Partners:
    """k simulated partners of each of n real spectra.

    Parameters
    ----------
    counts, background_counts : array of uint32, shape (n, k, 238)
    background_ratio : array, shape (n,)
        That of the real spectrum.
    """

    counts: Array
    background_counts: Array
    background_ratio: Array


def real_sample(store: SpectraStore) -> RealSample:
    """Take the pipeline products of a store: rows with a source number, off-axis angle and canned response.

    Raises
    ------
    ExplorerError
        When there are fewer than twenty.
    """
    table = store.detections
    wanted = table["provenance"].str.extract(r"response_wanted=([^;]+)")[0].fillna(table["response"].astype("str"))
    known = np.array([is_canned(str(name)) for name in wanted])
    rows = np.flatnonzero(known & table[["src_num", "offaxis_arcmin"]].notna().all(axis=1).to_numpy())
    if rows.size < 20:
        raise ExplorerError(
            f"{rows.size} spectra are pipeline products with a position; twenty are needed",
            where=store.path,
            todo="Preprocess more products of one kind, rxcj2359 for instance",
        )
    table = table.iloc[rows]
    return RealSample(
        block=Block(**{name: store.read(name)[rows] for name in Block.__dataclass_fields__}),
        source_id=table["source_id"].to_numpy(),
        observation=np.unique(table["obs_id"].astype("str").to_numpy(), return_inverse=True)[1],
        net_snr=table["net_snr"].to_numpy(np.float64),
        ra_deg=table["ra_deg"].to_numpy(np.float64),
        dec_deg=table["dec_deg"].to_numpy(np.float64),
        offaxis_arcmin=table["offaxis_arcmin"].to_numpy(np.float64),
        filter_index=np.array([instrument.FILTERS.index(name) for name in table["filter"].astype(str)]),
        response_index=np.array([nearest_response(str(name)) for name in wanted.iloc[rows]], np.int32),
    )


def usual_background(_: np.random.Generator, visit: Array, *__: Array) -> Array:
    """Return the usual background for every spectrum, without scatter: a control."""
    return np.broadcast_to(background_template(), (len(visit), grid.N_BINS))


def flat_background(_: np.random.Generator, visit: Array, *__: Array) -> Array:
    """Return as many counts in each keV: a control that must be found out."""
    return np.broadcast_to(grid.BIN_WIDTHS, (len(visit), grid.N_BINS))


def draw_partners(
    rng: np.random.Generator,
    real: RealSample,
    n_copies: int,
    draw: Draw,
    background: BackgroundDraw = instrument.background_rates,
) -> Partners:
    """Simulate partners of real spectra.

    Each expects the real spectrum's background counts, through the same filter, off-axis angle and kind of response; of
    several draws with true net counts around the real ones, that is taken whose own net counts come nearest.

    Parameters
    ----------
    rng : Generator
    real : RealSample
    n_copies : int
        Partners of each real spectrum.
    draw : callable
        Spectral models.
    background : callable
        Background shapes; where real spectra share an observation, so do their partners of one copy.
    """
    n = len(real) * n_copies * _CANDIDATES
    row = np.repeat(np.arange(len(real)), n_copies * _CANDIDATES)
    copy = np.tile(np.repeat(np.arange(n_copies), _CANDIDATES), len(real))
    ratio = np.asarray(real.block.background_ratio, np.float64)
    level = ratio * np.asarray(real.block.background_counts, np.float64).sum(axis=1)
    error = np.sqrt(np.asarray(real.block.counts, np.float64).sum(axis=1) + ratio * level)
    net = real.net_counts
    shapes = folded(draw(rng, n), real.filter_index[row], real.offaxis_arcmin[row], real.response_index[row])
    target = np.maximum(net[row] + error[row] * rng.uniform(-_SPREAD, _SPREAD, n), 0.0)
    visit = copy * (int(real.observation.max()) + 1) + real.observation[row]
    under = background(rng, visit, real.filter_index[row], real.offaxis_arcmin[row])
    under = under / under.sum(axis=1, keepdims=True) * level[row, None]
    counts, background_counts = expose(rng, shapes * target[:, None], under, ratio[row])
    got = (counts - ratio[row, None] * background_counts).sum(axis=1)
    miss = np.abs(got - net[row]).reshape(-1, _CANDIDATES)
    best = np.arange(len(miss)) * _CANDIDATES + miss.argmin(axis=1)
    shape = (len(real), n_copies, grid.N_BINS)
    return Partners(counts[best].reshape(shape), background_counts[best].reshape(shape), ratio)


def band_sums(values: Array, edges_kev: Sequence[float]) -> Array:
    """Sum the last axis, 238 bins, into bands."""
    first = np.searchsorted(grid.BIN_CENTRES, edges_kev)
    return np.stack([values[..., low:high].sum(axis=-1) for low, high in itertools.pairwise(first)], axis=-1)


def net_shares(counts: Array, background_counts: Array, background_ratio: Array) -> Array:
    """Net counts of `NET_BANDS` over all net counts, or over thrice their error where these are few.

    Parameters
    ----------
    counts, background_counts : array, shape (..., 238)
    background_ratio : array, shape (...,)
    """
    net = counts - background_ratio[..., None] * background_counts
    total = np.maximum(net.sum(axis=-1), 3.0 * np.sqrt(counts.sum(axis=-1, dtype=np.float64)))
    return np.asarray(band_sums(net, NET_BANDS) / total[..., None])


def all_shares(counts: Array, background_counts: Array, background_ratio: Array) -> Array:
    """Net shares, and the shares of `GROSS_BANDS` in the counts of the source and of the background region."""
    parts = [net_shares(counts, background_counts, background_ratio)]
    for values in (counts, background_counts):
        total = np.maximum(values.sum(axis=-1, dtype=np.float64), 1.0)
        parts.append(band_sums(values, GROSS_BANDS) / total[..., None])
    return np.concatenate(parts, axis=-1)


def within_observations(shares: Array, observation: NDArray[np.int64]) -> Array:
    """Return features less their mean over the spectra of each observation; the first axis is the spectrum."""
    out = np.array(shares, np.float64)
    for number in np.unique(observation):
        out[observation == number] -= out[observation == number].mean(axis=0)
    return out


def share_names() -> tuple[list[str], list[str]]:
    """Names of the features of `net_shares` and of `all_shares`."""
    net = [f"net {low:g}-{high:g} keV" for low, high in itertools.pairwise(NET_BANDS)]
    bands = [f"{low:g}-{high:g} keV" for low, high in itertools.pairwise(GROSS_BANDS)]
    return net, net + [f"source region {band}" for band in bands] + [f"background region {band}" for band in bands]
