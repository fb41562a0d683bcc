"""The catalogue of the simulated archive, in the columns of 4XMM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from astropy.table import Table

from vae.archive.columns import CATALOGUE_COLUMNS
from vae.simulate.export.channels import BANDS, band_counts
from vae.simulate.export.products import FILTER_NAMES, SIMULATED, SUBMODES, Detection
from vae.spectra.fits_tables import Card, fits_file, from_table

#: Named like the catalogues of the archive; in a version that none of them has.
CATALOGUE_NAME = "4XMM_SIMcat_v0.1.fits"


def catalogue_row(detection: Detection) -> dict[str, Any]:
    """Return what a catalogue says of a detection, by column.

    Counts are net of background, in the extraction region, summed over the channels of each band. EPIC-pn is the only
    camera, so that EPIC's are pn's.
    """
    row, setup = detection.row, detection.setup
    gross = band_counts(detection.counts, detection.channels).astype(np.float64)
    expected = band_counts(detection.background_counts, detection.channels) * (
        setup["backscal"] / setup["background_backscal"]
    )
    net = gross - expected
    hardness = [_ratio(net[i], net[i + 1]) for i in range(len(BANDS) - 2)]
    return {
        "DETID": row["detection_id"],
        "SRCID": row["source_id"],
        "IAUNAME": row["name"],
        "SC_RA": row["ra_deg"],
        "SC_DEC": row["dec_deg"],
        "SC_POSERR": row["position_error_arcsec"],
        "OBS_ID": row["obs_id"],
        "SRC_NUM": row["src_num"],
        "MJD_START": row["mjd_start"],
        "MJD_STOP": row["mjd_stop"],
        "PN_ONTIME": detection.ontime_s,
        "PN_FILTER": FILTER_NAMES[row["filter"]],
        "PN_SUBMODE": SUBMODES[row["mode"]],
        "PN_OFFAX": row["offaxis_arcmin"],
        "EP_8_CTS": net[-1],
        "PN_8_CTS": net[-1],
        "PN_8_RATE": net[-1] / row["exposure_s"],
        "EP_8_DET_ML": _likelihood(gross[-1], expected[-1]),
        "EP_EXTENT": 0.0,
        "SUM_FLAG": row["sum_flag"],
        "SPECTRA": True,
        "TSERIES": False,
        "SC_VAR_FLAG": False,
        **{f"PN_HR{i}": value for i, value in enumerate(hardness, start=1)},
    }


def catalogue_cards(seed: int) -> tuple[Card, ...]:
    """Return the primary header's keywords: that all is simulated, and from which seed."""
    return (
        *SIMULATED,
        ("SEED", seed, "of the simulation"),
        ("CONTENT", "EPIC SOURCE CATALOGUE", "contents of the file"),
    )


def catalogue_file(rows: Sequence[Mapping[str, Any]], cards: Sequence[Card]) -> bytes:
    """Return the FITS file of a catalogue.

    Parameters
    ----------
    rows : sequence of mapping
        From `catalogue_row`; written in order of DETID.
    cards : sequence of Card
        Keywords of the primary header.
    """
    frame = pd.DataFrame(list(rows)).sort_values("DETID")
    table = Table(
        {
            column.name: frame[column.name].to_numpy().astype("S" if column.dtype == "str" else column.dtype)
            for column in CATALOGUE_COLUMNS
        },
        units={column.name: column.unit for column in CATALOGUE_COLUMNS if column.unit},
        descriptions={column.name: column.description for column in CATALOGUE_COLUMNS},
    )
    return fits_file(cards, [from_table("SRCLIST", table)])


def _ratio(soft: float, hard: float) -> float:
    """Hardness ratio of two rates; NaN where neither has any."""
    soft, hard = max(soft, 0.0), max(hard, 0.0)
    return (hard - soft) / (hard + soft) if hard + soft > 0 else float("nan")


def _likelihood(counts: float, background: float) -> float:
    """Log likelihood ratio of source and background against background alone (Cash 1979, ApJ 228, 939)."""
    background = max(background, 1e-3)
    return counts * float(np.log(max(counts, 1e-3) / background)) - (counts - background)
