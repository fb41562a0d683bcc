"""The columns of `detections.parquet` and `catalogue.parquet`: type, unit, meaning.

Every column exists from the first version on and is null until it is computed. No column has the object dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from vae.errors import StoreError


@dataclass(frozen=True)
class Column:
    """One column of a table on disk.

    Parameters
    ----------
    name : str
    dtype : str
        Pandas dtype: ``int64``, ``Int32`` (nullable), ``float64``, ``float32``, ``bool``, ``boolean`` (nullable),
        ``str`` or ``category`` (a string with few distinct values).
    unit : str
        FITS-standard unit, empty where there is none.
    description : str
    """

    name: str
    dtype: str
    unit: str
    description: str


#: What is known of a detection from its files and the catalogue.
DETECTION_COLUMNS: Final = (
    Column("detection_id", "int64", "", "one source in one observation (DETID where a catalogue is given)"),
    Column("source_id", "int64", "", "sky object (SRCID where a catalogue is given)"),
    Column("name", "str", "", "name of the source: IAUNAME where known"),
    Column("obs_id", "category", "", "XMM-Newton OBS_ID, ten characters"),
    Column("src_num", "Int32", "", "source number within the observation, decimal"),
    Column("exposure_id", "category", "", "exposure identifier, e.g. S003"),
    Column("ra_deg", "float64", "deg", "right ascension, ICRS"),
    Column("dec_deg", "float64", "deg", "declination, ICRS"),
    Column("position_error_arcsec", "float32", "arcsec", "1 sigma error of the position"),
    Column("mjd_start", "float64", "d", "start of the observation, MJD (TT)"),
    Column("mjd_stop", "float64", "d", "end of the observation, MJD (TT)"),
    Column("exposure_s", "float32", "s", "live time of the spectrum"),
    Column("offaxis_arcmin", "float32", "arcmin", "off-axis angle in EPIC-pn"),
    Column("filter", "category", "", "optical blocking filter: thin, medium, thick"),
    Column("mode", "category", "", "EPIC-pn data mode (ff, ef, lw, sw, ti, bu)"),
    Column("sum_flag", "Int32", "", "summary quality flag of the catalogue"),
    Column("counts", "int64", "count", "gross counts in 0.3-10 keV"),
    Column("net_counts", "float32", "count", "background-subtracted counts in 0.3-10 keV"),
    Column("net_snr", "float32", "", "net counts over their error"),
    Column("background_fraction", "float32", "", "expected background counts over gross counts, 0.3-10 keV"),
    Column("hr1", "float32", "", "hardness ratio 0.5-1 against 0.3-0.5 keV, net counts"),
    Column("hr2", "float32", "", "hardness ratio 1-2 against 0.5-1 keV, net counts"),
    Column("hr3", "float32", "", "hardness ratio 2-4.5 against 1-2 keV, net counts"),
    Column("response", "category", "", "file name of the redistribution matrix used"),
    Column("response_is_standin", "bool", "", "true where another matrix stands in for the right one"),
    Column("provenance", "str", "", "files and derivations behind the row, key=value pairs joined by '; '"),
)

#: What is known of the source's class. Filled by the simulator or by the cross-match.
LABEL_COLUMNS: Final = (
    Column("class_label", "category", "", "display class"),
    Column("class_origin", "category", "", "where the class came from: simbad, a label catalogue, simulated"),
    Column("class_is_candidate", "boolean", "", "the class is that of a candidate"),
    Column("match_ambiguous", "boolean", "", "more than one counterpart is plausible"),
    Column("true_class", "category", "", "what was simulated; null for real archives"),
    Column("simbad_otype", "category", "", "SIMBAD object type code"),
    Column("simbad_main_id", "str", "", "SIMBAD main identifier"),
    Column("match_separation_arcsec", "float32", "arcsec", "distance to the counterpart"),
)

STORE_COLUMNS: Final = DETECTION_COLUMNS + LABEL_COLUMNS


def conform(frame: pd.DataFrame, columns: Sequence[Column], *, where: str = "table") -> pd.DataFrame:
    """Bring a table to its declared columns, order and dtypes; absent columns become null.

    Parameters
    ----------
    frame : DataFrame
    columns : sequence of Column
    where : str
        What to name in an error.

    Raises
    ------
    StoreError
        For a column that is not declared, or a required one (int64, bool) that is absent or holds nulls.
    """
    unknown = [name for name in frame.columns if name not in {column.name for column in columns}]
    if unknown:
        raise StoreError(f"undeclared columns: {', '.join(map(str, unknown))}", where=where)
    out: dict[str, pd.Series] = {}
    for column in columns:
        if column.name in frame.columns:
            series = frame[column.name]
        elif column.dtype in ("int64", "bool"):
            raise StoreError(f"column {column.name} is missing", where=where)
        else:
            series = pd.Series([None] * len(frame), index=frame.index, dtype=_null_dtype(column.dtype))
        if column.dtype in ("int64", "bool") and series.isna().any():
            raise StoreError(f"column {column.name} holds nulls", where=where)
        if column.dtype == "category":
            if not isinstance(series.dtype, pd.CategoricalDtype) or series.cat.categories.dtype != "str":
                series = series.astype("str").astype("category")
        else:
            series = series.astype(column.dtype)
        out[column.name] = series
    return pd.DataFrame(out, index=frame.index)


def _null_dtype(dtype: str) -> str:
    return "str" if dtype == "category" else dtype
