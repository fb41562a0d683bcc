"""What is drawn for a detection beside its counts: its spectral model, its row in the table, its identifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.simulate import instrument, sky
from vae.simulate.kinds.recipe import FAMOUS, TimeLine
from vae.simulate.labels import label_sources
from vae.simulate.population import KINDS, Sources
from vae.simulate.spectral_model import MODEL_DTYPE
from vae.spectra.store import SHARD_ROWS


def draw_models(rng: np.random.Generator, kinds: NDArray[np.int64], schedule: sky.Schedule) -> NDArray[np.void]:
    """Spectral models of all detections, each kind by its own recipe."""
    models = np.zeros(len(schedule.source), MODEL_DTYPE)
    kind_of_row = kinds[schedule.source]
    for index, kind in enumerate(KINDS):
        rows = np.flatnonzero(kind_of_row == index)
        if rows.size:
            present, local = np.unique(schedule.source[rows], return_inverse=True)
            line = TimeLine(local.astype(np.int64), present.size, schedule.days[rows], kind.span_days)
            models[rows] = kind.draw(rng, line)
    return models


def describe(
    rng: np.random.Generator,
    rows: NDArray[np.int64],
    schedule: sky.Schedule,
    sources: Sources,
    summary: dict[str, NDArray[Any]],
) -> pd.DataFrame:
    """Return the table of the detections `rows`, identifiers apart."""
    present, local = np.unique(schedule.source[rows], return_inverse=True)
    kinds = sources.kind[present]
    true_class = np.array([kind.true_class for kind in KINDS])[kinds]
    famous = np.array([kind.span_days > 0 for kind in KINDS])[kinds] & (sources.n_observations[present] >= FAMOUS)
    labels = label_sources(rng, true_class, sources.target_counts[present], present, famous)
    names = np.array(sky.iau_names(schedule.ra_deg[present], schedule.dec_deg[present]))
    net = summary["net_counts"]
    error = np.clip(1.6 / np.sqrt(net / 300.0), 0.3, None)
    offset = rng.normal(0.0, 1.0, (2, len(rows))) * error / 3600.0
    dec = np.clip(schedule.dec_deg[schedule.source[rows]] + offset[1], -90.0, 90.0)
    ra = schedule.ra_deg[schedule.source[rows]] + offset[0] / np.maximum(np.cos(np.radians(dec)), 1e-6)
    table = pd.DataFrame(
        {
            "source_number": local.astype(np.int64),
            "visit": schedule.visit[rows],
            "name": names[local],
            "src_num": schedule.src_num[rows],
            "exposure_id": "S003",
            "ra_deg": ra % 360.0,
            "dec_deg": dec,
            "position_error_arcsec": error,
            "mjd_start": schedule.mjd_start[rows],
            "mjd_stop": schedule.mjd_start[rows] + schedule.duration_s[rows] / 86400.0,
            "exposure_s": schedule.exposure_s[rows],
            "offaxis_arcmin": schedule.offaxis_arcmin[rows],
            "filter": np.array(instrument.FILTERS)[schedule.filter_index[rows]],
            "mode": "ff",
            "sum_flag": (rng.random(len(rows)) < 0.2).astype(np.int64),
            "response_is_standin": False,
            "provenance": np.array([f"simulated; kind={kind.name}" for kind in KINDS])[kinds][local],
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
