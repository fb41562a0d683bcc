"""The observations of one source: which comes before, which after, how bright it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explorer.tools import words
from vae.atlas import Atlas


@dataclass(frozen=True)
class Place:
    """Where an observation stands among those of its source.

    Parameters
    ----------
    position, total : int
        "5 of 11".
    previous, following : int or None
        Catalogue rows of the observations before and after.
    """

    position: int
    total: int
    previous: int | None
    following: int | None


def rows_of_source(atlas: Atlas, row: int) -> np.ndarray:
    """Catalogue rows of all observations of the source that `row` belongs to, in time order."""
    return atlas.source_rows(int(atlas.catalogue["source_id"].iat[row]))


def place(atlas: Atlas, row: int) -> Place:
    """Find the observations before and after that of `row`."""
    rows = rows_of_source(atlas, row)
    at = int(np.flatnonzero(rows == row)[0])
    return Place(
        at + 1,
        len(rows),
        int(rows[at - 1]) if at > 0 else None,
        int(rows[at + 1]) if at + 1 < len(rows) else None,
    )


def count_rates(atlas: Atlas, rows: np.ndarray) -> pd.DataFrame:
    """Net count rates in 0.3-10 keV with their 1 sigma errors.

    Parameters
    ----------
    atlas : Atlas
    rows : array of int, shape (n,)
        Of the catalogue.

    Returns
    -------
    DataFrame
        `rate`, `error` [1/s], NaN where exposure or counts are unknown.
    """
    columns = ("net_counts", "net_snr", "exposure_s")
    net, snr, exposure = (atlas.catalogue[name].to_numpy()[rows].astype(np.float64) for name in columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(snr != 0, np.abs(net / snr), np.nan)
        return pd.DataFrame({"rate": net / exposure, "error": error / exposure})


def time_fractions(mjd: np.ndarray) -> np.ndarray:
    """Place of each observation between the first (0) and the last (1), for the time ramp; 0 where unknown."""
    known = np.isfinite(mjd)
    out = np.zeros(len(mjd))
    if known.any():
        first, last = mjd[known].min(), mjd[known].max()
        if last > first:
            out[known] = (mjd[known] - first) / (last - first)
    return out


def light_curve(atlas: Atlas, row: int) -> dict[str, Any] | None:
    """Count rate against time of the source of `row`, as the inspector draws it.

    Returns
    -------
    dict or None
        `points`, one a dated observation in time order: row, year, rate, lo, hi [1/s], t (0 to 1), current, label;
        `first`, `last`: dates. None for a single observation.
    """
    rows = rows_of_source(atlas, row)
    if len(rows) < 2:
        return None
    mjd = atlas.catalogue["mjd_start"].to_numpy()[rows].astype(np.float64)
    rates = count_rates(atlas, rows)
    ramp = time_fractions(mjd)
    points = [
        {
            "row": int(rows[i]),
            "year": words.year(float(mjd[i])),
            "rate": float(rate),
            "lo": float(rate - error),
            "hi": float(rate + error),
            "t": float(ramp[i]),
            "current": bool(rows[i] == row),
            "label": f"{words.date(mjd[i])}: {rate_words(rate, error)}",
        }
        for i, (rate, error) in enumerate(zip(rates["rate"], rates["error"], strict=True))
        if np.isfinite(mjd[i]) and np.isfinite(rate) and np.isfinite(error)
    ]
    if len(points) < 2:
        return None
    dated = mjd[np.isfinite(mjd)]
    return {"points": points, "first": words.date(dated.min()), "last": words.date(dated.max())}


def once(atlas: Atlas, row: int) -> str:
    """Return what stands in the place of a light curve for a source with fewer than two dated observations."""
    if (number := len(rows_of_source(atlas, row))) > 1:
        return f"{number} observations, but fewer than two with a date and a rate"
    rates = count_rates(atlas, np.array([row]))
    rate, error = (float(rates[name].iloc[0]) for name in ("rate", "error"))
    if not (np.isfinite(rate) and np.isfinite(error)):
        return "Observed once"
    return f"Observed once: {rate_words(rate, error)}"


def rate_words(rate: float, error: float) -> str:
    """Count rate with its error, e.g. ``0.123 ± 0.012 /s``."""
    value, spread = words.with_error(rate, error)
    return f"{value} {spread} /s".replace("  ", " ")
