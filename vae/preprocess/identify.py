"""Who the detections are: a row of the catalogue each, where there is a catalogue."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.archive.catalogue import Catalogue
from vae.archive.columns import CATALOGUE_COLUMNS
from vae.preprocess.describe import filter_name, mode_name

#: Columns of the store that are the catalogue's wherever it knows them, and what it calls them.
_FROM_CATALOGUE: Final = {
    "name": "IAUNAME",
    "ra_deg": "SC_RA",
    "dec_deg": "SC_DEC",
    "position_error_arcsec": "SC_POSERR",
    "offaxis_arcmin": "PN_OFFAX",
    "sum_flag": "SUM_FLAG",
}
#: Columns that the files know better, being of this exposure: taken where they say nothing.
_FILLED: Final = {"mjd_start": "MJD_START", "mjd_stop": "MJD_STOP"}
_NAMED: Final = {"filter": ("PN_FILTER", filter_name), "mode": ("PN_SUBMODE", mode_name)}
#: What is read of a catalogue.
COLUMNS: Final = tuple(
    column
    for column in CATALOGUE_COLUMNS
    if column.required or column.name in {*_FROM_CATALOGUE.values(), *_FILLED.values(), "PN_FILTER", "PN_SUBMODE"}
)


def identify(table: pd.DataFrame, catalogue: Catalogue) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Take detections' identity from the catalogue, by OBS_ID and SRC_NUM.

    Parameters
    ----------
    table : DataFrame
        Rows as `vae.preprocess.describe` makes them.
    catalogue : Catalogue

    Returns
    -------
    identified : DataFrame
        The rows that stand in the catalogue, index kept: `detection_id` is DETID, `source` is SRCID; name, position,
        its error, off-axis angle and flag are the catalogue's, provenance says so.
    unknown : array of int64
        Index of the rows that do not stand in it. They keep no derived identifiers: these could be another's DETID,
        and a source would fall apart into the part that the catalogue knows and the part that it does not.
    """
    place = catalogue.rows(table["obs_id"], table["src_num"])
    known = table[place >= 0].copy()
    rows = catalogue.table.iloc[place[place >= 0]].set_index(known.index)
    known["detection_id"] = rows["DETID"].astype("int64")
    known["source"] = rows["SRCID"].astype("int64")
    for name, source in _FROM_CATALOGUE.items():
        values = rows[source]
        known[name] = values if name not in known else values.where(values.notna(), known[name])
    for name, source in _FILLED.items():
        known[name] = known[name].where(known[name].notna(), rows[source])
    for name, (source, translated) in _NAMED.items():
        named = rows[source].map(translated, na_action="ignore")
        known[name] = known[name].where(known[name].notna(), named)
    known["provenance"] = _provenance(known["provenance"], rows, catalogue.name)
    return known, table.index[place < 0].to_numpy(np.int64)


def _provenance(notes: pd.Series, rows: pd.DataFrame, name: str) -> pd.Series:
    """Say of identifiers, position and off-axis angle that they are the catalogue's, where they are."""
    catalogue = name.replace(";", ",").replace("\\", "/")
    notes = notes.str.replace(r"(?<![^ ])detection_id=[^;]*", f"detection_id=DETID of {catalogue}", regex=True)
    for key, column in (("position", "SC_RA"), ("offaxis", "PN_OFFAX")):
        stripped = notes.str.replace(rf"; {key}=[^;]*", "", regex=True) + f"; {key}={column} of {catalogue}"
        notes = notes.where(rows[column].isna(), stripped)
    return notes
