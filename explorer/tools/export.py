"""Selections as files: CSV with an ECSV header (units, meaning, origin), written piece by piece."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

from vae.atlas import Atlas, atlas_columns
from vae.spectra.columns import STORE_COLUMNS, Column

#: Rows of one piece: 8 MB of text, a twentieth of a second during which the page's other wishes wait.
PIECE_ROWS: Final = 16_384
#: A spreadsheet takes a cell that starts like this for a formula and runs it.
_FORMULA_START: Final = r"^[=+\-@\t\r]"
_ECSV_TYPES: Final = {
    "int64": "int64",
    "Int32": "int32",
    "float64": "float64",
    "float32": "float32",
    "bool": "bool",
    "boolean": "bool",
    "str": "string",
    "category": "string",
}


def export_columns(atlas: Atlas) -> tuple[Column, ...]:
    """Return the columns that are exported, in their order: all that the catalogue holds."""
    declared = (*STORE_COLUMNS, *atlas_columns(atlas.latent_dim))
    return tuple(column for column in declared if column.name in atlas.catalogue.columns)


def file_name(atlas: Atlas, count: int, when: datetime) -> str:
    """Name of the exported file; says when its content is simulated."""
    kind = "-simulated" if atlas.simulated and "simulated" not in atlas.name else ""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in atlas.name)
    return f"{safe}{kind}-{count}-detections-{when:%Y%m%d-%H%M}.csv"


def csv_header(atlas: Atlas, count: int, selection: str, when: datetime) -> str:
    """Comment lines in front of the table (ECSV 1.0) and the line of column names.

    `astropy.table.Table.read(path, format="ascii.ecsv")`, TOPCAT and `pandas.read_csv(path, comment="#")` read it.
    """
    columns = export_columns(atlas)
    meta: dict[str, Any] = {
        "atlas": atlas.name,
        "archive": "simulated: no spectrum or class here is real" if atlas.simulated else "observed",
        "selection": selection,
        "detections": count,
        "exported": f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "software": "XMM latent explorer",
    }
    lines = ["# %ECSV 1.0", "# ---", "# delimiter: ','", "# datatype:"]
    for column in columns:
        entry = {"name": column.name, "datatype": _ECSV_TYPES[column.dtype], "description": column.description}
        if column.unit:
            entry["unit"] = _ecsv_unit(column.unit)
        lines.append(f"# - {json.dumps(entry)}")
    lines.append(f"# meta: {json.dumps(meta)}")
    lines.append("# schema: astropy-2.0")
    lines.append(",".join(column.name for column in columns))
    return "\n".join(lines) + "\n"


def csv_rows(atlas: Atlas, rows: NDArray[np.integer]) -> str:
    """Lines of some rows of the catalogue, without a header; absent values are empty."""
    part = atlas.catalogue.iloc[rows]
    columns = export_columns(atlas)
    table = pa.table([_arrow(part[column.name]) for column in columns], [column.name for column in columns])
    sink = io.BytesIO()
    pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
    return sink.getvalue().decode("utf-8")


def csv_pieces(atlas: Atlas, rows: NDArray[np.integer], selection: str, when: datetime) -> Iterator[tuple[int, str]]:
    """Write an export piece by piece.

    Yields
    ------
    done : int
        Rows written so far.
    text : str
    """
    yield 0, csv_header(atlas, len(rows), selection, when)
    for start in range(0, len(rows), PIECE_ROWS):
        part = rows[start : start + PIECE_ROWS]
        yield start + len(part), csv_rows(atlas, part)


def safe_texts(texts: pa.StringArray) -> pa.StringArray:
    """Keep a spreadsheet from running texts as formulas: those that start like one get a leading apostrophe."""
    risky = pc.match_substring_regex(texts, _FORMULA_START)
    return pc.if_else(risky, pc.binary_join_element_wise(pa.scalar("'"), texts, pa.scalar("")), texts)


def _arrow(series: pd.Series) -> pa.Array:
    if isinstance(series.dtype, pd.CategoricalDtype):
        # Of the many categories (every OBS_ID is one) only those in these rows.
        used, codes = np.unique(series.cat.codes.to_numpy(), return_inverse=True)
        names = [None if code < 0 else str(series.cat.categories[code]) for code in used]
        return safe_texts(pa.array(names, pa.string())).take(pa.array(codes))
    values = pa.array(series, from_pandas=True)
    if series.dtype == "str":
        return safe_texts(values.cast(pa.string()))
    if series.dtype in ("bool", "boolean"):
        return pc.if_else(values, pa.scalar("True"), pa.scalar("False"))
    return values


def _ecsv_unit(unit: str) -> str:
    """Units of the tables in the spelling that astropy reads (count, not counts)."""
    return {"count": "ct", "photon/cm2/s": "ph / (cm2 s)", "erg/cm2/s": "erg / (cm2 s)"}.get(unit, unit)
