"""Rows waiting on disk: their order is known only when all of them are there, and an archive outgrows memory."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.preprocess.extract import Row
from vae.spectra import grid
from vae.spectra.store import Block

#: One record a row: exact in float64, whatever the files held.
_RECORD: Final = np.dtype(
    [
        ("counts", "f8", grid.N_BINS),
        ("background_counts", "f8", grid.N_BINS),
        ("sensitivity", "f4", grid.N_BINS),
        ("area", "f4", grid.N_TRUE),
        ("background_ratio", "f4"),
        ("whole", "?"),
    ]
)


class Spool:
    """Takes rows in any order, gives them back in blocks of any order. A context manager.

    Parameters
    ----------
    path : Path
        A temporary file; removed at the end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("wb")
        self._columns: list[dict[str, Any]] = []
        self._matrices: dict[str, NDArray[np.float32]] = {}

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink()

    def add(self, row: Row) -> None:
        """Take one row."""
        record = np.zeros((), _RECORD)
        for name in ("counts", "background_counts", "sensitivity", "area", "background_ratio"):
            record[name] = getattr(row, name)
        record["whole"] = np.all(row.background_counts == np.rint(row.background_counts))
        self._file.write(record.tobytes())
        self._columns.append(row.columns | {"response_key": row.response_key})
        if row.redistribution is not None:
            self._matrices[row.response_key] = row.redistribution

    def table(self) -> pd.DataFrame:
        """Return the columns of all rows, in the order they came."""
        self._file.flush()
        return pd.DataFrame(self._columns).astype({"obs_id": "str", "src_num": "Int32"})

    def responses(self, rows: NDArray[np.int64]) -> tuple[list[str], dict[str, int], NDArray[np.float32]]:
        """Return names, place by key, and matrices of the distinct responses of `rows`, in order of their names."""
        names: dict[str, str] = {}
        for row in rows:
            columns = self._columns[row]
            key = columns["response_key"]
            names[key] = min(names.get(key, columns["response"]), columns["response"])
        ordered = sorted(names, key=lambda key: (names[key], key))
        matrices = np.stack([self._matrices[key] for key in ordered])
        return [names[key] for key in ordered], {key: i for i, key in enumerate(ordered)}, matrices

    def whole_background(self, rows: NDArray[np.int64]) -> bool:
        """Whether all background counts of `rows` are whole numbers."""
        return bool(self._records()["whole"][rows].all())

    def block(self, rows: NDArray[np.int64], keys: dict[str, int]) -> Block:
        """Return the arrays of some rows, in the order asked for."""
        records = self._records()[rows]
        background = records["background_counts"]
        return Block(
            counts=records["counts"].astype(np.uint32),
            background_counts=background,
            background_ratio=records["background_ratio"],
            sensitivity=records["sensitivity"],
            area=records["area"],
            response_index=np.array([keys[self._columns[row]["response_key"]] for row in rows], np.int32),
        )

    def _records(self) -> NDArray[Any]:
        return np.memmap(self._path, _RECORD, mode="r")
