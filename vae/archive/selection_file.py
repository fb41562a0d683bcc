"""A selection of a catalogue on disk: a Parquet file of its rows, which says of which catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vae.archive.columns import CatalogueColumn
from vae.archive.stream import nullable
from vae.errors import CatalogueError
from vae.files import new_file

_MAGIC: Final = b"PAR1"
_NOTES: Final = b"vae.archive.selection"


def is_selection(path: Path) -> bool:
    """Whether a file is Parquet, as selections are."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def write_selection(path: Path, table: pd.DataFrame, notes: Mapping[str, Any]) -> None:
    """Write rows of a catalogue and what is known of the selection.

    Parameters
    ----------
    path : Path
    table : DataFrame
        Columns of 4XMM.
    notes : mapping
        JSON values; ``catalogue`` is the name of the file they come from.
    """
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), _NOTES: json.dumps(dict(notes)).encode()}
    with new_file(path) as work:
        pq.write_table(arrow.replace_schema_metadata(metadata), work)


def read_notes(path: Path) -> dict[str, Any]:
    """Return what `write_selection` was told of a selection.

    Raises
    ------
    CatalogueError
        When the file is damaged or no selection.
    """
    try:
        notes = (pq.read_schema(path).metadata or {}).get(_NOTES)
    except (OSError, pa.ArrowException) as error:
        raise CatalogueError(f"cannot be read as a selection ({error})", where=path) from error
    if notes is None:
        raise CatalogueError(
            "is a Parquet file, but no selection of a catalogue",
            where=path,
            todo="Give the catalogue's FITS file, such as 4XMM_DR14cat_v1.0.fits.gz",
        )
    return dict(json.loads(notes))


def read_selection(path: Path, columns: Sequence[CatalogueColumn]) -> tuple[pd.DataFrame, str]:
    """Return some columns of a selection, as `vae.archive.catalogue` reads them, and the catalogue's name."""
    name = str(read_notes(path)["catalogue"])
    try:
        table = pd.read_parquet(path, columns=[column.name for column in columns])
    except (OSError, pa.ArrowException, ValueError) as error:
        raise CatalogueError(f"cannot be read as a selection ({error})", where=path) from error
    return table.astype({column.name: nullable(column) for column in columns}), name
