"""What is drawn for detections beside their counts: visits, spectral models, their rows in the table, identifiers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.simulate import instrument, sky
from vae.simulate.kinds.recipe import FAMOUS, TimeLine
from vae.simulate.labels import label_sources
from vae.simulate.population import KINDS, Sources, draw_sources
from vae.simulate.spectral_model import FLUX_FIELDS, MODEL_DTYPE
from vae.spectra.store import SHARD_ROWS

#: Visits from which a flux alone promises fewer net counts are not simulated: changes of absorption, which this
#: guess does not see, are rare, and what is left below 300 would be cut anyway.
_LEAST_PROMISED: Final = 215.0
#: Number of detections of an observation that are brighter than one of C net counts: so many with spectra times
#: (C / 300)^-0.9, with scatter (dex) for off-axis angle and background, which detection likelihood knows.
_RANK_SLOPE: Final = -0.9
_RANK_DEX: Final = 0.15
#: Position error [arcsec]: systematic, and statistical at 300 net counts.
_POSITION_ERROR: Final = (0.3, 0.9)


@dataclass(frozen=True)
class Plan:
    """A batch of sources and their detections, before anything is folded.

    Parameters
    ----------
    sources : Sources
    schedule : Schedule
    models : record array of `MODEL_DTYPE`, shape (n,)
        Spectral models of the schedule's detections.
    """

    sources: Sources
    schedule: sky.Schedule
    models: NDArray[np.void]


def plan_batch(rng: np.random.Generator, n_sources: int, *, showpieces: bool) -> Plan:
    """Draw sources, their visits and spectral models; visits that promise too few counts are left out.

    Parameters
    ----------
    rng : Generator
    n_sources : int
    showpieces : bool
        Begin with `vae.simulate.population.SHOWPIECES`.
    """
    sources = draw_sources(rng, n_sources, showpieces=showpieces)
    schedule = sky.plan(rng, sources)
    models = draw_models(rng, sources.kind, schedule)
    flux = np.sum([models[name] for name in FLUX_FIELDS], axis=0)
    promised = counts_by_visit(flux * schedule.exposure_s, schedule.source, sources)
    keep = promised > _LEAST_PROMISED
    schedule, promised = schedule.rows(keep), promised[keep]
    return Plan(sources, replace(schedule, src_num=_source_numbers(rng, schedule.visit, promised)), models[keep])


def counts_by_visit(relative: NDArray[np.float64], source: NDArray[np.int64], sources: Sources) -> NDArray[np.float64]:
    """Scale counts that are known up to a factor for each source, so that its best visit has its `target_counts`.

    The counts of best visits follow a power law, and the others are a share of these whatever their exposure and the
    source's variability: hence all detections follow it, too.
    """
    best = np.zeros(len(sources.kind))
    np.maximum.at(best, source, relative)
    scale = sources.target_counts / np.maximum(best, 1e-300)
    return np.asarray(relative * scale[source], np.float64)


def draw_models(rng: np.random.Generator, kinds: NDArray[np.int64], schedule: sky.Schedule) -> NDArray[np.void]:
    """Spectral models of all detections, each kind by its own recipe."""
    models = np.zeros(len(schedule), MODEL_DTYPE)
    kind_of_row = kinds[schedule.source]
    for index, kind in enumerate(KINDS):
        rows = np.flatnonzero(kind_of_row == index)
        if rows.size:
            present, local = np.unique(schedule.source[rows], return_inverse=True)
            line = TimeLine(
                source=local.astype(np.int64),
                n_sources=present.size,
                days=schedule.days[rows],
                span_days=kind.span_days,
                nh_galactic=schedule.nh_galactic[present],
            )
            models[rows] = kind.draw(rng, line)
    return models


def _source_numbers(
    rng: np.random.Generator, visit: NDArray[np.int64], counts: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return a number for each detection as source lists have them: by brightness, leaving room for faint ones."""
    n_bright = np.bincount(visit)[visit]
    wanted = n_bright * (counts / 300.0) ** _RANK_SLOPE * 10 ** rng.normal(0.0, _RANK_DEX, visit.size)
    order = np.lexsort((wanted, visit))
    starts = np.append(0, np.flatnonzero(np.diff(visit[order])) + 1)
    place = np.arange(visit.size) - np.repeat(starts, np.diff(np.append(starts, visit.size)))
    # At least one more than the number before: what is wanted less the place must not fall within an observation.
    ahead = np.floor(wanted[order]).astype(np.int64) - place
    group = np.repeat(np.arange(starts.size), np.diff(np.append(starts, visit.size)))
    step = int(np.ptp(ahead)) + 1 if ahead.size else 1
    ahead = np.maximum.accumulate(ahead + group * step) - group * step
    numbers = np.empty(visit.size, np.int64)
    numbers[order] = np.maximum(ahead, 0) + place + 1
    return numbers


def describe(
    rng: np.random.Generator,
    rows: NDArray[np.int64],
    schedule: sky.Schedule,
    sources: Sources,
    summary: dict[str, NDArray[Any]],
) -> pd.DataFrame:
    """Return the table of the detections `rows`, identifiers apart.

    Position, its error and the name are the source's, the same for all its detections, as in the catalogue.
    """
    present, local = np.unique(schedule.source[rows], return_inverse=True)
    kinds = sources.kind[present]
    true_class = np.array([kind.true_class for kind in KINDS])[kinds]
    campaign = np.array([kind.span_days > 0 for kind in KINDS])[kinds]
    statistical = _POSITION_ERROR[1] / np.sqrt(sources.target_counts[present] / 300.0)
    error = np.hypot(_POSITION_ERROR[0], statistical)
    labels = label_sources(
        rng,
        true_class,
        net_counts=sources.target_counts[present],
        position_error_arcsec=error,
        crowded=schedule.crowded[present],
        famous=campaign & (schedule.n_visits[present] >= FAMOUS),
    )
    offset = rng.normal(0.0, 1.0, (2, present.size)) * error / 3600.0
    dec = np.clip(schedule.dec_deg[present] + offset[1], -90.0, 90.0)
    ra = (schedule.ra_deg[present] + offset[0] / np.maximum(np.cos(np.radians(dec)), 1e-6)) % 360.0
    names = np.array(sky.iau_names(ra, dec))
    provenance = [
        f"simulated; kind={KINDS[kind].name}; nh_galactic={nh:.3g}e22"
        for kind, nh in zip(kinds.tolist(), schedule.nh_galactic[present].tolist(), strict=True)
    ]
    table = pd.DataFrame(
        {
            "source_number": local.astype(np.int64),
            "visit": schedule.visit[rows],
            "name": names[local],
            "src_num": schedule.src_num[rows],
            "exposure_id": schedule.exposure_id[rows],
            "ra_deg": ra[local],
            "dec_deg": dec[local],
            "position_error_arcsec": error[local],
            "mjd_start": schedule.mjd_start[rows],
            "mjd_stop": schedule.mjd_start[rows] + schedule.duration_s[rows] / 86400.0,
            "exposure_s": schedule.exposure_s[rows],
            "offaxis_arcmin": schedule.offaxis_arcmin[rows],
            "filter": np.array(instrument.FILTERS)[schedule.filter_index[rows]],
            "sum_flag": (rng.random(len(rows)) < 0.2).astype(np.int64),
            "response_is_standin": False,
            "provenance": np.array(provenance)[local],
            **summary,
        }
    )
    return pd.concat([table, labels.iloc[local].reset_index(drop=True)], axis=1)


def identify(table: pd.DataFrame, chunk: int) -> pd.DataFrame:
    """Replace the running numbers of a chunk by identifiers that are unique in the archive."""
    start = chunk * SHARD_ROWS + 1
    source_number, visit = table.pop("source_number"), table.pop("visit")
    table.insert(0, "detection_id", np.arange(start, start + len(table), dtype=np.int64))
    table.insert(1, "source_id", source_number + start)
    # Ten characters, as real ones have; none of those begins with a 9.
    _, visit_number = np.unique(visit, return_inverse=True)
    table.insert(2, "obs_id", [f"9{chunk:04d}{v:05d}" for v in visit_number.tolist()])
    known = table["simbad_main_id"].notna()
    table["simbad_main_id"] = table["simbad_main_id"].mask(known, "SIM " + table["source_id"].astype("str"))
    return table
