"""One row of an atlas's spectra, and the response it was taken with."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.spectra.store import SpectraStore

#: Redistribution matrices kept in memory, 0.3 MiB each.
_MATRICES_KEPT: Final = 16


class RowReader:
    """Reads single rows of a store. Safe for many threads.

    Parameters
    ----------
    store : SpectraStore
    """

    def __init__(self, store: SpectraStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._matrices: dict[int, NDArray[np.float32]] = {}

    def read(self, name: str, row: int) -> Any:
        """Return one row of an array of the store."""
        return self._store.read(name, slice(row, row + 1))[0]

    def response(self, row: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return area (336,) [cm2] and redistribution matrix (238, 336) of a row; areas are never kept."""
        index = int(self.read("response_index", row))
        with self._lock:
            matrix = self._matrices.get(index)
            if matrix is None:
                if len(self._matrices) >= _MATRICES_KEPT:
                    self._matrices.pop(next(iter(self._matrices)))
                matrix = self._matrices[index] = self._store.matrix(index)
        return self.read("area", row), matrix
