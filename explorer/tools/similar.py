"""Detections that look alike, in words and small spectra: for the list and for the strip below a spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explorer.services import Services
from explorer.tools import words
from explorer.tools.spectra import sparkline
from vae.atlas import Atlas
from vae.spectra import grid
from vae.spectra.store import SpectraStore


def items(
    services: Services, rows: NDArray[np.integer], distance: NDArray[np.floating], same: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Say what is listed of some detections.

    Parameters
    ----------
    services : Services
    rows : array of int, shape (n,)
        Of the catalogue.
    distance : array, shape (n,)
    same : array of bool, shape (n,)
        Whether each is the same within the errors.

    Returns
    -------
    list of dict
        Row, name, short name, class and its colour token, distance and net counts in words, same.
    """
    catalogue = services.atlas.catalogue
    result = []
    for row, far, alike in zip(rows, distance, same, strict=True):
        label = services.class_of(int(row))
        name, detection_id, net = (catalogue[column].iat[row] for column in ("name", "detection_id", "net_counts"))
        full = f"Detection {detection_id}" if pd.isna(name) else str(name)
        result.append(
            {
                "row": int(row),
                "name": full,
                "short_name": words.short_name(full),
                "class_label": label,
                "token": words.class_token(services.class_names, label),
                "distance": words.significant(float(far), 2),
                "same": bool(alike),
                "counts": f"{words.whole(float(net))} net",
            }
        )
    return result


def most_similar(services: Services, row: int, count: int) -> list[dict[str, Any]]:
    """Items of the detections of other sources nearest by Wasserstein distance, each with its small spectrum."""
    atlas = services.atlas
    found = atlas.neighbours(int(atlas.catalogue["detection_id"].iat[row]), k=count)
    rows, distance = found["row"].to_numpy(), found["distance"].to_numpy(np.float64)
    listed = items(services, rows, distance, found["same_within_errors"].to_numpy(bool))
    return [item | {"spark": spark} for item, spark in zip(listed, sparklines(atlas, rows), strict=True)]


def sparklines(atlas: Atlas, rows: Sequence[int] | NDArray[np.integer]) -> list[list[float]]:
    """Heights of small spectra, 0 to 1, of some rows."""
    store = _store(atlas)
    counts = (store.read("counts", slice(int(row), int(row) + 1))[0] for row in rows)
    return [sparkline(grid.BIN_EDGES, one) for one in counts]


@lru_cache(maxsize=4)
def _store(atlas: Atlas) -> SpectraStore:
    """Open an atlas as the spectra store that it is, too: small spectra need the counts alone."""
    return SpectraStore.open(atlas.path)
