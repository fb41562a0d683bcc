"""Whether reconstructions fit as well as counting statistics allow."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd

#: Decades (and half decades) of net counts.
_EDGES: Final = (0.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 100_000.0, np.inf)


def calibration(catalogue: pd.DataFrame, edges: tuple[float, ...] = _EDGES) -> list[dict[str, Any]]:
    """C-stat z by range of net counts.

    Returns
    -------
    list of dict
        ``net_low``, ``net_high`` (None where unbounded), ``detections``, ``median_z``, ``share_within_3``; ranges
        without detections are left out.
    """
    net, z = catalogue["net_counts"].to_numpy(np.float64), catalogue["cstat_z"].to_numpy(np.float64)
    out = []
    for low, high in pairwise(edges):
        inside = z[(net >= low) & (net < high) & np.isfinite(z)]
        if len(inside):
            out.append(
                {
                    "net_low": low,
                    "net_high": high if np.isfinite(high) else None,
                    "detections": len(inside),
                    "median_z": float(np.median(inside)),
                    "share_within_3": float(np.mean(np.abs(inside) < 3)),
                }
            )
    return out
