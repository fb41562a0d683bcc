"""One chunk of the simulated archive: sources, their spectra through the instrument, Poisson counts, the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.simulate import instrument
from vae.simulate.detections import counts_by_visit, describe, identify, plan_batch
from vae.simulate.spectral_model import photon_flux
from vae.spectra import grid
from vae.spectra.statistics import net_summary
from vae.spectra.store import SHARD_ROWS, Block

#: The archive's cut: more than this many net counts in 0.3-10 keV.
MINIMUM_NET_COUNTS: Final = 300.0
#: Observations expected to yield less never make it; not worth simulating.
_HOPELESS_COUNTS: Final = 220.0
#: Sources drawn at first, and where these do not fill the chunk. Detections a source: about 1.2 above the cut.
_FIRST_BATCH: Final = 13700
_NEXT_BATCH: Final = 2000
#: Rows whose fine spectra are in memory at a time.
_SLAB_ROWS: Final = 2048
#: Share of the observations in extended full frame.
_EXTENDED_SHARE: Final = 0.25


#: How a detection was made: the instrument's tables it used (indices into FILTERS, OFFAXIS_TABLE, RESPONSE_NAMES),
#: the factor on the tabulated area (what its region holds of the source's light), and both regions' BACKSCAL.
SETUP_DTYPE: Final = np.dtype(
    [
        ("filter_index", np.int64),
        ("offaxis_index", np.int64),
        ("response_index", np.int32),
        ("area_scale", np.float64),
        ("backscal", np.float64),
        ("background_backscal", np.float64),
        ("ra_pnt_deg", np.float64),
        ("dec_pnt_deg", np.float64),
    ]
)


@dataclass(frozen=True)
class Chunk:
    """SHARD_ROWS detections, in order of source and date.

    Parameters
    ----------
    block : Block
        Spectra.
    table : DataFrame
        The columns of `vae.spectra.columns.STORE_COLUMNS`.
    setup : array of `SETUP_DTYPE`
        How each detection was made.
    """

    block: Block
    table: pd.DataFrame
    setup: NDArray[np.void]


def simulate_chunk(seed: int, chunk: int) -> Chunk:
    """Simulate one chunk: exactly SHARD_ROWS detections, with all detections of their sources, whatever the others.

    Parameters
    ----------
    seed : int
        The archive's seed.
    chunk : int
        0, 1, 2 ...; detection and source identifiers follow from it.

    Returns
    -------
    Chunk
    """
    batches: list[Chunk] = []
    n_rows, n_sources, n_visits = 0, 0, 0
    while n_rows < SHARD_ROWS:
        # One stream a batch: whether a chunk needs a second one never changes the first.
        stream = np.random.SeedSequence(seed, spawn_key=(chunk, len(batches)))
        rng = np.random.Generator(np.random.SFC64(stream))
        batch = _simulate_batch(rng, _NEXT_BATCH if batches else _FIRST_BATCH, first=not batches)
        batch.table["source_number"] += n_sources
        batch.table["visit"] += n_visits
        batches.append(batch)
        n_rows += len(batch.table)
        n_sources, n_visits = int(batch.table["source_number"].max()) + 1, int(batch.table["visit"].max()) + 1
    table = pd.concat([batch.table for batch in batches], ignore_index=True).iloc[:SHARD_ROWS]
    block = Block(
        **{
            name: np.concatenate([getattr(batch.block, name) for batch in batches])[:SHARD_ROWS]
            for name in Block.__dataclass_fields__
        }
    )
    setup = np.concatenate([batch.setup for batch in batches])[:SHARD_ROWS]
    return Chunk(block, identify(table, chunk), setup)


def _simulate_batch(rng: np.random.Generator, n_sources: int, *, first: bool) -> Chunk:
    """Simulate some sources; `source_number` and `visit` of the detections count from 0 within the batch."""
    plan = plan_batch(rng, n_sources, showpieces=first)
    sources, schedule, models = plan.sources, plan.schedule, plan.models
    mode = (rng.random(int(schedule.visit.max()) + 1) < _EXTENDED_SHARE).astype(np.int64)[schedule.visit]
    across = np.abs(np.sin(rng.uniform(0.0, 2.0 * np.pi, len(models))))
    response = instrument.response_index(schedule.mjd_start, mode, schedule.offaxis_arcmin * across)
    offaxis = instrument.offaxis_index(schedule.offaxis_arcmin)
    rate = np.empty((len(models), grid.N_BINS), np.float32)
    for start in range(0, len(models), _SLAB_ROWS):
        slab = slice(start, start + _SLAB_ROWS)
        photons = photon_flux(models[slab])
        rate[slab] = instrument.fold(photons, schedule.filter_index[slab], offaxis[slab], response[slab])
    density = instrument.background_rates(rng, schedule.visit, schedule.filter_index, schedule.offaxis_arcmin)
    # Regions follow from the source's light, taken as within the smallest one first, and its counts from the regions.
    total_rate = np.maximum(rate.sum(axis=1, dtype=np.float64), 1e-300)
    within = instrument.enclosed(instrument.RADIUS, schedule.offaxis_arcmin) * schedule.exposure_s
    light = counts_by_visit(total_rate * within, schedule.source, sources) / within
    regions = instrument.draw_regions(rng, light, density.sum(axis=1), schedule.offaxis_arcmin)
    total = counts_by_visit(total_rate * regions[0] * schedule.exposure_s, schedule.source, sources)

    rows = np.flatnonzero(total > _HOPELESS_COUNTS)
    setup = np.empty(rows.size, SETUP_DTYPE)
    setup["filter_index"], setup["offaxis_index"] = schedule.filter_index[rows], offaxis[rows]
    setup["response_index"] = response[rows]
    setup["ra_pnt_deg"], setup["dec_pnt_deg"] = schedule.ra_pnt_deg[rows], schedule.dec_pnt_deg[rows]
    for name, values in zip(("area_scale", "backscal", "background_backscal"), regions, strict=True):
        setup[name] = values[rows]
    ratio = setup["backscal"] / setup["background_backscal"]
    background = density[rows] * (1e-6 * setup["backscal"] * schedule.exposure_s[rows])[:, None]
    expected = rate[rows] * (total / total_rate)[rows, None]
    counts, background_counts = expose(rng, expected, background, ratio)
    summary = net_summary(counts, background_counts, ratio)
    keep = np.asarray(summary["net_counts"], np.float64) > MINIMUM_NET_COUNTS
    rows, setup = rows[keep], setup[keep]
    _, stored_areas = instrument.area_tables()
    tabulated = setup["filter_index"], setup["offaxis_index"]
    block = Block(
        counts=counts[keep],
        background_counts=background_counts[keep],
        background_ratio=ratio[keep].astype(np.float32),
        sensitivity=(
            instrument.sensitivity_table()[*tabulated, setup["response_index"]]
            * (setup["area_scale"] * schedule.exposure_s[rows])[:, None]
        ).astype(np.float32),
        area=(stored_areas[tabulated] * setup["area_scale"][:, None]).astype(np.float32),
        response_index=setup["response_index"].copy(),
    )
    table = describe(rng, rows, schedule, sources, {name: column[keep] for name, column in summary.items()})
    table["response"] = np.array(instrument.RESPONSE_NAMES)[response[rows]]
    table["mode"] = np.array(instrument.MODES)[mode[rows]]
    return Chunk(block, table, setup)


def expose(
    rng: np.random.Generator, expected: NDArray[Any], background: NDArray[Any], ratio: NDArray[Any]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Draw the counts of both regions.

    Parameters
    ----------
    rng : Generator
    expected, background : array, shape (n, 238)
        Expected counts of source and background in the source region. Drawing straight in the 238 bins is exact: a sum
        of Poisson channels is a Poisson bin.
    ratio : array, shape (n,)
        Source over background region, so that the latter expects background / ratio.

    Returns
    -------
    counts, background_counts : array of uint32, shape (n, 238)
    """
    counts = rng.poisson(expected + background).astype(np.uint32)
    return counts, rng.poisson(background / np.asarray(ratio)[:, None]).astype(np.uint32)
