"""Tables out of VOTables: columns as pandas knows them, and whether the service cut them."""

from __future__ import annotations

import io
import warnings
import xml.parsers.expat
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from astropy.io import votable
from astropy.io.votable.tree import VOTableFile

from vae.archive.simbad.manners import TooLargeError, Trouble

#: What astropy raises on a document that is no proper VOTable.
_DAMAGE: Final = (votable.exceptions.VOTableSpecError, xml.parsers.expat.ExpatError, ValueError, IndexError)


def read_votable(body: bytes) -> VOTableFile:
    """Parse a VOTable; `Trouble` where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of units and identifiers; what matters is checked below
        try:
            return votable.parse(io.BytesIO(body))
        except _DAMAGE as error:
            raise Trouble(f"what came is no proper VOTable ({type(error).__name__})") from error


def check_status(document: VOTableFile) -> None:
    """Raise `TooLargeError` where a service says that it cut its answer, `Trouble` where it reports an error.

    Notes
    -----
    The status is an INFO named QUERY_STATUS: before the table, and after it once more where the table was cut there
    (DALI 1.1, section 4.4).
    """
    for resource in document.resources:
        for info in [*resource.infos, *(info for table in resource.tables for info in table.infos)]:
            if info.name.upper() != "QUERY_STATUS":
                continue
            status = str(info.value).upper()
            if status == "OVERFLOW":
                raise TooLargeError
            if status != "OK":
                words = " ".join(str(info.content or "").split())
                raise Trouble(f"the service reports {status} {words}".rstrip(), todo="Report it, with this message")


def columns(document: VOTableFile, wanted: Mapping[str, str]) -> pd.DataFrame:
    """Columns of the first table.

    Parameters
    ----------
    document : VOTableFile
    wanted : mapping of str to str
        Pandas dtype by name: ``int64``, ``float64`` or ``str``. Masked values are null.

    Raises
    ------
    Trouble
        When there is no table, or it lacks a column.
    """
    tables = list(document.iter_tables())
    if not tables:
        raise Trouble("the answer holds no table")
    table = tables[0].to_table(use_names_over_ids=True)
    missing = [name for name in wanted if name not in table.colnames]
    if missing:
        raise Trouble(f"the answer lacks the column {missing[0]} (it has {', '.join(table.colnames[:12])})")
    return pd.DataFrame({name: _series(table[name], dtype) for name, dtype in wanted.items()})


def _series(column: Any, dtype: str) -> pd.Series:
    values = np.ma.asarray(column)
    if dtype == "str":
        text = [None if value is None or value is np.ma.masked else _text(value) for value in values.tolist()]
        return pd.Series(text, dtype="str").replace("", None)
    if dtype == "int64":
        return pd.Series(np.ma.filled(values, 0), dtype="int64")
    return pd.Series(np.ma.filled(values.astype(np.float64), np.nan), dtype="float64")


def _text(value: Any) -> str:
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()
