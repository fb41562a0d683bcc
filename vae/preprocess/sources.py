"""Which detections are the same source, and which spectrum of a source and observation is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

#: Detections closer than this are one source, unless one observation has both.
JOIN_ARCSEC: Final = 10.0


def join_sources(
    ra_deg: NDArray[np.float64],
    dec_deg: NDArray[np.float64],
    obs_id: Sequence[object],
    src_num: Sequence[object],
) -> NDArray[np.int64]:
    """Group detections into sources by position.

    Closest pairs join first. Two detections of one observation with different source numbers were told apart by the
    source detection, so their groups never join, however close they are.

    Parameters
    ----------
    ra_deg, dec_deg : array, shape (n,)
        Positions [deg]; NaN joins nothing.
    obs_id, src_num : sequence
        Identity of each detection; null where unknown.

    Returns
    -------
    array of int64, shape (n,)
        For each detection the lowest index in its group.
    """
    n = len(ra_deg)
    parent = np.arange(n)
    known = np.flatnonzero(np.isfinite(ra_deg) & np.isfinite(dec_deg))
    if known.size < 2:
        return parent
    ra, dec = np.radians(ra_deg[known]), np.radians(dec_deg[known])
    unit = np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    reach = 2.0 * np.sin(np.radians(JOIN_ARCSEC / 3600.0) / 2.0)
    pairs = cKDTree(unit).query_pairs(reach, output_type="ndarray")
    if not len(pairs):
        return parent
    distance = np.linalg.norm(unit[pairs[:, 0]] - unit[pairs[:, 1]], axis=1)
    pairs = known[np.sort(pairs, axis=1)]
    members: dict[int, dict[object, set[object]]] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = int(parent[i])
        return i

    def group(i: int) -> dict[object, set[object]]:
        if i not in members:
            unknown = pd.isna(obs_id[i]) or pd.isna(src_num[i])
            members[i] = {} if unknown else {obs_id[i]: {src_num[i]}}
        return members[i]

    for k in np.lexsort((pairs[:, 1], pairs[:, 0], distance)):
        one, two = root(int(pairs[k, 0])), root(int(pairs[k, 1]))
        if one == two:
            continue
        first, second = group(one), group(two)
        if any(len(first[obs] | second[obs]) > 1 for obs in first.keys() & second.keys()):
            continue
        low, high = min(one, two), max(one, two)
        parent[high] = low
        members[low] = {obs: first.get(obs, set()) | second.get(obs, set()) for obs in first.keys() | second.keys()}
        members.pop(high, None)
    return np.array([root(i) for i in range(n)])


def choose_spectra(table: pd.DataFrame) -> pd.DataFrame:
    """Decide which rows stay: one spectrum per observation and source, unique detection_ids.

    Parameters
    ----------
    table : DataFrame
        Columns `detection_id source obs_id net_counts`, `source` from `join_sources`; any unique index.

    Returns
    -------
    DataFrame
        The same index; columns `kept` (bool), `kind` (``duplicate`` or ``id-conflict``, empty where kept) and
        `instead` (index of the row kept instead).
    """
    order = table.sort_values(["net_counts", "detection_id"], ascending=[False, True], kind="stable")
    order = order.assign(best=order.index)
    out = pd.DataFrame({"kept": True, "kind": "", "instead": table.index}, index=table.index)
    for kind, subset, rows in (
        ("duplicate", ["source", "obs_id"], order[order["obs_id"].notna()]),
        ("id-conflict", ["detection_id"], order),
    ):
        rows = rows[out["kept"].loc[rows.index]]
        best = rows.groupby(subset, sort=False)["best"].transform("first")
        losing = best[best != best.index]
        out.loc[losing.index, "kept"] = False
        out.loc[losing.index, "kind"] = kind
        out.loc[losing.index, "instead"] = losing
    return out
