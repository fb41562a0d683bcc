"""Rows waiting on disk: their order is known only when all of them are there, and an archive outgrows memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.preprocess.extract import Row
from vae.spectra import grid

#: Pandas types of what is known of a row before sources are identified; nothing is left to be guessed from values, so
#: that rows read back from a store are as they were.
ROW_TYPES: Final[dict[str, str]] = {
    "detection_id": "int64",
    "name": "str",
    "obs_id": "str",
    "src_num": "Int32",
    "exposure_id": "str",
    **dict.fromkeys(("ra_deg", "dec_deg", "mjd_start", "mjd_stop", "exposure_s", "offaxis_arcmin"), "float64"),
    "filter": "str",
    "mode": "str",
    "response": "str",
    "response_is_standin": "bool",
    "simulated": "bool",
    "provenance": "str",
    "counts": "int64",
    **dict.fromkeys(("net_counts", "net_snr", "background_fraction", "hr1", "hr2", "hr3"), "float32"),
    "response_key": "str",
    "whole": "bool",
}
#: One record a row: exact in float64, whatever the files held.
_RECORD: Final = np.dtype(
    [
        ("counts", "f8", grid.N_BINS),
        ("background_counts", "f8", grid.N_BINS),
        ("sensitivity", "f4", grid.N_BINS),
        ("area", "f4", grid.N_TRUE),
        ("background_ratio", "f4"),
    ]
)
#: Rows that wait as dictionaries, which take five times the memory of a table.
_FEW: Final = 2048


class Table:
    """Takes rows of a table one by one, gives them back as a whole.

    Parameters
    ----------
    types : mapping of str to str
        Pandas type of each column.
    """

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types
        self._waiting: list[Mapping[str, Any]] = []
        self._done: list[pd.DataFrame] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one row; absent values are null."""
        self._waiting.append(row)
        if len(self._waiting) >= _FEW:
            self._pack()

    def frame(self) -> pd.DataFrame:
        """Return all rows, in the order they came, and forget them."""
        self._pack()
        frame = pd.concat(self._done, ignore_index=True) if len(self._done) > 1 else self._done[0]
        self._done = []
        return frame

    def _pack(self) -> None:
        if self._waiting or not self._done:
            columns = {
                name: pd.Series([row.get(name) for row in self._waiting], dtype=dtype)
                for name, dtype in self._types.items()
            }
            self._done.append(pd.DataFrame(columns))
            self._waiting = []


class Spool:
    """Takes arrays of rows in any order, gives them back in any order. A context manager.

    Parameters
    ----------
    path : Path
        A temporary file; removed at the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("wb")
        self._n_rows = 0
        self.matrices: dict[str, NDArray[np.float32]] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def add(self, row: Row) -> int:
        """Take one row; return its place."""
        record = np.zeros((), _RECORD)
        for name in _RECORD.names or ():
            record[name] = getattr(row, name)
        self._file.write(record.tobytes())
        if row.redistribution is not None:
            self.matrices.setdefault(row.response_key, row.redistribution)
        self._n_rows += 1
        return self._n_rows - 1

    def read(self, places: Sequence[int] | NDArray[np.int64]) -> NDArray[np.void]:
        """Return records by their places."""
        if not len(places):
            return np.empty(0, _RECORD)
        self._file.flush()
        # Mapped anew each time: pages seen once do not stay with this process.
        return np.asarray(np.memmap(self._path, _RECORD, mode="r")[np.asarray(places)])


def columns_of(row: Row) -> dict[str, Any]:
    """Return a row's values for a table of `ROW_TYPES`."""
    whole = bool(np.all(row.background_counts == np.rint(row.background_counts)))
    return row.columns | {"response_key": row.response_key, "whole": whole}
