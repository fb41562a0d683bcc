"""Reads a catalogue of detections in the columns of 4XMM, and finds the row of a detection.

The released tables hold a million rows of up to 336 columns: only wanted columns are ever kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.archive.columns import CATALOGUE_COLUMNS, CatalogueColumn
from vae.archive.selection_file import is_selection, read_selection
from vae.archive.stream import Rows, TableStream, table_stream
from vae.errors import CatalogueError


class Catalogue:
    """Detections by OBS_ID and SRC_NUM.

    Parameters
    ----------
    table : DataFrame
        From `read_catalogue`.
    path : Path
        For error messages.
    name : str, optional
        File name of the catalogue that it comes from, where `path` is a selection of it.
    """

    def __init__(self, table: pd.DataFrame, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name
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
        A FITS file, gzipped or not, with a table in the columns of 4XMM (case does not matter, known other names are
        taken, more columns are ignored); or a selection that `vae.archive.selection` saved.
    columns : sequence of CatalogueColumn
        Those wanted. Of these, absent ones that are not required are null.

    Raises
    ------
    CatalogueError
        When it is no FITS table, lacks a required column, or names a detection twice.
    """
    path = Path(path)
    if is_selection(path):
        table, name = read_selection(path, columns)
        return Catalogue(table, path, name)
    with table_stream(path) as stream:
        require(stream, columns)
        blocks = [known_rows(rows, columns) for rows in stream.blocks(columns)]
    table = pd.concat(blocks, ignore_index=True) if blocks else pd.DataFrame()
    if table.empty:
        raise CatalogueError("has no detection", where=path)
    return Catalogue(table, path)


def require(stream: TableStream, columns: Sequence[CatalogueColumn]) -> None:
    """Raise `CatalogueError` where a table lacks columns that name the detections."""
    missing = [column.name for column in columns if column.required and stream.field(column) is None]
    if missing:
        there = sorted(stream.fields)
        raise CatalogueError(
            f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; there are "
            f"{', '.join(there[:12])}{' ...' if len(there) > 12 else ''}",
            where=stream.path,
            todo="Give a catalogue of detections in the columns of 4XMM, such as 4XMM_DR14cat_v1.0.fits.gz",
        )


def known_rows(rows: Rows, columns: Sequence[CatalogueColumn]) -> pd.DataFrame:
    """Return those rows that name a detection: of stacked catalogues, not sources undetected in an observation."""
    table = pd.DataFrame({column.name: rows.column(column) for column in columns})
    known = table[[column.name for column in columns if column.required]].notna().all(axis=1)
    return table[known]
