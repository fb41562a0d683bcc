"""What a store remembers of its spectra, so that it can be brought up to date: `ledger.parquet`, a row a spectrum.

Not part of the store's content: a store without it, or with one of another version, is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vae.errors import ExplorerError, StoreError
from vae.preprocess.extract import Outcome, Row, Task
from vae.preprocess.inputs import Inputs
from vae.preprocess.spool import ROW_TYPES, columns_of
from vae.preprocess.survey import Rejection
from vae.spectra.store import SpectraStore

_NAME: Final = "ledger.parquet"
#: Beside the columns of a row: the spectrum relative to its folder, its row in the store (-1: not there), why there is
#: no row at all, and what it depended on.
LEDGER_TYPES: Final[dict[str, str]] = {
    "file": "str",
    "store_row": "int64",
    "kind": "str",
    "reason": "str",
    "hdu": "str",
    "background_file": "str",
    "area_file": "str",
    "response_file": "str",
    **dict.fromkeys(("tried_1", "tried_2", "tried_3"), "int32"),
    "inputs": "str",
    **ROW_TYPES,
}
#: Those that a task takes along, and rows turned into tasks at a time.
_OF_TASK: Final = (
    "background_file", "area_file", "response_file", "tried_1", "tried_2", "tried_3", "inputs", "kind",
)  # fmt: skip
_FEW: Final = 2048
_NOT_NULL: Final[dict[str, Any]] = {
    name: 0 for name, dtype in ROW_TYPES.items() if dtype in ("int64", "bool", "float32", "float64")
}


class Names:
    """Files named relative to the archive's folders, as tables show them.

    Parameters
    ----------
    roots : sequence of Path
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [f"{root}{os.sep}" for root in roots]

    def shown(self, file: str) -> str:
        """Return a file's path within its folder, else as it is."""
        return next((file[len(root) :] for root in self._roots if file.startswith(root)), file)

    def key(self, file: str) -> str:
        """Return the same, with the number of the folder: distinct for distinct files."""
        return next(
            (f"{number}:{file[len(root) :]}" for number, root in enumerate(self._roots) if file.startswith(root)), file
        )


def ledger_row(outcome: Outcome, names: Names) -> dict[str, Any]:
    """Return what is remembered of an outcome that is not the same as before."""
    inputs, result = outcome.inputs, outcome.result
    row: dict[str, Any] = {
        "file": names.key(str(outcome.file)),
        "store_row": -1,
        "kind": "",
        "background_file": inputs.background_file,
        "area_file": inputs.area_file,
        "response_file": inputs.response_file,
        **{f"tried_{number}": count for number, count in enumerate(inputs.tried, start=1)},
        "inputs": inputs.digest,
    }
    if isinstance(result, Rejection):
        return row | {"kind": result.kind, "reason": result.reason, "hdu": result.hdu} | _NOT_NULL
    assert isinstance(result, Row)
    return row | {"reason": "", "hdu": ""} | columns_of(result)


@dataclass
class Before:
    """The store to bring up to date, and its ledger.

    Parameters
    ----------
    store : SpectraStore
    table : DataFrame
        Columns of `LEDGER_TYPES`.
    """

    store: SpectraStore
    table: pd.DataFrame

    def __post_init__(self) -> None:
        self._place = pd.Index(self.table["file"])

    @classmethod
    def open(cls, path: Path) -> Before:
        """Open a store that has a ledger.

        Raises
        ------
        StoreError
            When it has none, or it cannot be read.
        """
        store = SpectraStore.open(path)
        todo = "Make the store anew: --overwrite in place of --update"
        try:
            table = pd.read_parquet(path / _NAME)
        except FileNotFoundError:
            raise StoreError(
                "has no ledger.parquet, so it cannot be brought up to date", where=path, todo=todo
            ) from None
        except (OSError, ValueError) as error:
            raise StoreError(f"unreadable: {error}", where=path / _NAME, todo=todo) from error
        if list(table.columns) != list(LEDGER_TYPES) or int((table["store_row"] >= 0).sum()) != len(store):
            raise StoreError("does not fit the store", where=path / _NAME, todo=todo)
        return cls(store, table.astype(LEDGER_TYPES))

    def places(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """Return the ledger's row of each spectrum, -1 where it has none."""
        return np.asarray(self._place.get_indexer(pd.Index(keys, dtype="str")), np.int64)

    def tasks(self, files: Sequence[str], places: NDArray[np.int64]) -> Iterator[Task]:
        """Yield spectra, each with what is remembered of it."""
        for start in range(0, len(files), _FEW):
            few = places[start : start + _FEW]
            known = self.table.iloc[np.maximum(few, 0)][list(_OF_TASK)].astype("object")
            rows = known.where(known.notna(), None).itertuples(index=False)
            for file, place, row in zip(files[start : start + _FEW], few, rows, strict=True):
                if place < 0:
                    yield Task(Path(file))
                else:
                    tried = (int(row.tried_1), int(row.tried_2), int(row.tried_3))
                    links = row.background_file, row.area_file, row.response_file
                    yield Task(Path(file), Inputs(*links, tried, row.inputs), row.kind)

    def matrices(self) -> dict[str, int]:
        """Return the index of each redistribution in the store by its key."""
        rows = self.table[self.table["store_row"] >= 0]
        index = self.store.read("response_index")[rows["store_row"].to_numpy()]
        return dict(zip(rows["response_key"], map(int, index), strict=True))


def write_ledger(folder: Path, table: pd.DataFrame) -> None:
    """Write the ledger of a store that is being made."""
    table[list(LEDGER_TYPES)].to_parquet(folder / _NAME, index=False)


def refuse_strange(before: Before, known: int, where: str) -> None:
    """Refuse to bring a store up to date with an archive that has nothing in common with it."""
    if not known and len(before.table):
        raise ExplorerError(
            f"none of its {len(before.table)} spectra lies in {where}",
            where=before.store.path,
            todo="Name all folders that the store was made from and new ones after them, in the same order, or make it "
            "anew: --overwrite in place of --update",
        )
