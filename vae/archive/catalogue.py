"""Reads a catalogue of detections in the columns of 4XMM, and finds the row of a detection.

The released tables hold a million rows of up to 336 columns: only wanted columns are ever read.
"""

from __future__ import annotations

import gzip
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from astropy.io import fits
from numpy.typing import NDArray

from vae.archive.columns import CATALOGUE_COLUMNS, CatalogueColumn
from vae.errors import CatalogueError

_GZIP: Final = b"\x1f\x8b"
#: What astropy raises on a damaged file or one that is no FITS file.
_DAMAGE: Final = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, zlib.error, fits.VerifyError)


class Catalogue:
    """Detections by OBS_ID and SRC_NUM.

    Parameters
    ----------
    table : DataFrame
        From `read_catalogue`.
    path : Path
        For error messages.
    """

    def __init__(self, table: pd.DataFrame, path: Path) -> None:
        self.path = path
        self.table = table
        self._place = pd.MultiIndex.from_arrays([table["OBS_ID"].astype("str"), table["SRC_NUM"]])
        repeated = self._place.duplicated()
        if repeated.any():
            obs_id, src_num = self._place[int(repeated.argmax())]
            raise CatalogueError(
                f"source {src_num} of OBS_ID {obs_id} stands in it more than once ({int(repeated.sum())} such rows)",
                where=path,
                todo="Give a catalogue of detections, one row a detection",
            )

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, obs_id: Iterable[object], src_num: Iterable[object]) -> NDArray[np.int64]:
        """Return the row of each detection, -1 where it has none.

        Parameters
        ----------
        obs_id : iterable of str or null
        src_num : iterable of int or null
            Decimal source number within the observation.
        """
        numbers = pd.array(list(src_num), dtype="Int64").fillna(-1).astype(np.int64)
        wanted = pd.MultiIndex.from_arrays([pd.Index(list(obs_id)).astype("str"), numbers])
        return np.asarray(self._place.get_indexer(wanted), np.int64)


def read_catalogue(path: str | Path, columns: Sequence[CatalogueColumn] = CATALOGUE_COLUMNS) -> Catalogue:
    """Read a catalogue of detections.

    Parameters
    ----------
    path : str or Path
        A FITS file, gzipped or not, with a table in the columns of 4XMM (case does not matter, more are ignored).
    columns : sequence of CatalogueColumn
        Those wanted. Of these, absent ones that are not required are null.

    Raises
    ------
    CatalogueError
        When it is no FITS table, lacks a required column, or names a detection twice.
    """
    path = Path(path)
    with _opened(path) as hdus:
        data, names = _first_table(hdus, path)
        missing = [column.name for column in columns if column.required and column.name not in names]
        if missing:
            raise CatalogueError(
                f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; there are "
                f"{', '.join(sorted(names)[:12])}{' ...' if len(names) > 12 else ''}",
                where=path,
                todo="Give a catalogue of detections in the columns of 4XMM, such as 4XMM_DR14cat_v1.0.fits.gz",
            )
        values = {
            column.name: _column(data, names[column.name], column, path)
            if column.name in names
            else pd.Series([None] * len(data), dtype=_nullable(column))
            for column in columns
        }
    table = pd.DataFrame(values)
    known = table[[column.name for column in columns if column.required]].notna().all(axis=1)
    table = table[known].reset_index(drop=True)  # of stacked catalogues, sources not detected in an observation
    if table.empty:
        raise CatalogueError("has no detection", where=path)
    return Catalogue(table, path)


def _column(data: Any, name: str, column: CatalogueColumn, path: Path) -> pd.Series:
    """Return one column in its type, null where TNULL or NaN says so."""
    try:
        raw = np.asarray(data[name])
        null = data.columns[name].null
        if column.dtype == "str":
            text = pd.Series(np.char.strip(raw.astype("U")), dtype="str")
            return text.str.zfill(10) if column.name == "OBS_ID" and raw.dtype.kind in "iu" else text
        native = raw.astype(raw.dtype.newbyteorder("="))
        absent = ~np.isfinite(native) if native.dtype.kind == "f" else native == null
        series = pd.Series(np.where(absent, 0, native)).astype(column.dtype).astype(_nullable(column))
        return series.mask(pd.Series(absent, dtype="bool")) if np.any(absent) else series
    except _DAMAGE as error:
        raise CatalogueError(
            f"column {name} does not hold {'text' if column.dtype == 'str' else column.dtype} ({error})", where=path
        ) from error


def _nullable(column: CatalogueColumn) -> str:
    """Pandas type that can hold nulls."""
    return {"int64": "Int64", "int32": "Int32", "int16": "Int16", "bool": "boolean"}.get(column.dtype, column.dtype)


def _first_table(hdus: Any, path: Path) -> tuple[Any, dict[str, str]]:
    """Return the first binary table and its columns: the name in the file by the name in upper case."""
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU):
            return hdu.data, {name.upper(): name for name in hdu.columns.names}
    raise CatalogueError("has no table", where=path, todo="Give a FITS file with a catalogue of detections")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a FITS file, mapped rather than read; a gzipped one is unpacked to a temporary file for that."""
    if not path.is_file():
        raise CatalogueError("no such file", where=path, todo="Check the path of the catalogue")
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="catalogue-") as scratch:
        warnings.simplefilter("ignore")  # of odd units and missing padding
        try:
            with path.open("rb") as start:
                is_packed = start.read(2) == _GZIP
            plain = path
            if is_packed:
                plain = Path(scratch) / "catalogue.fits"
                with gzip.open(path) as packed, plain.open("wb") as out:
                    shutil.copyfileobj(packed, out, 1 << 20)
            with fits.open(plain, memmap=True) as hdus:
                yield hdus
        except _DAMAGE as error:
            raise CatalogueError(
                f"cannot be read as a FITS file ({error})", where=path, todo="Fetch the catalogue again"
            ) from error
