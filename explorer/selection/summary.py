"""A selection in numbers: its classes, its histograms beside those of the archive, its rows in any order."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.filters import quantities
from explorer.filters.histograms import count, histogram
from explorer.services import Services
from explorer.tools import words
from explorer.tools.masks import Mask

#: Classes listed on their own; the rest is summed.
_MAKEUP_LINES: Final = 7
#: Quantities worth a histogram, the first ones that the atlas holds.
_SHOWN: Final = ("net_counts", "hr2", "cstat_z", "rarity", "flux_0p3_10", "mjd_start", "offaxis_arcmin", "hr3", "hr1")
_HISTOGRAMS: Final = 4
#: Catalogue columns that the table may be sorted by.
SORTABLE: Final = ("name", "class", "net_counts", "cstat_z", "rarity")


def percent(share: float) -> str:
    """Return a share in words: "12 %", "3.4 %", "< 0.1 %"."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{words.fixed(100 * share, 1 if share < 0.1 else 0)} %"


def makeup(services: Services, mask: Mask) -> list[dict[str, Any]]:
    """Classes of a selection, largest first; beyond seven the rest is one line.

    Parameters
    ----------
    services : Services
    mask : array of bool, shape (n,)

    Returns
    -------
    list of dict
        Name, colour token, count in words, share (0 to 1) and the same in words.
    """
    counts = count(services.class_codes, mask, len(services.class_names))
    total = int(counts.sum())
    order = [int(code) for code in np.argsort(-counts, kind="stable") if counts[code] > 0]
    # A line for all the others takes as much room as one class: only sum two or more.
    listed = order if len(order) <= _MAKEUP_LINES + 1 else order[:_MAKEUP_LINES]
    names = services.class_names
    lines = [(names[code], words.class_token(names, names[code]), int(counts[code])) for code in listed]
    if len(listed) < len(order):
        rest = order[_MAKEUP_LINES:]
        lines.append((f"{len(rest)} other classes", "--text-3", int(counts[rest].sum())))
    return [
        {
            "name": name,
            "token": token,
            "count": words.whole(number),
            "share": number / total,
            "percent": percent(number / total),
        }
        for name, token, number in lines
    ]


def shown_quantities(services: Services) -> list[quantities.Quantity]:
    """Quantities that get a histogram: at most four."""
    held = {each.key: each for each in quantities.quantities(services.atlas)}
    return [held[key] for key in _SHOWN if key in held][:_HISTOGRAMS]


def histograms(services: Services, mask: Mask) -> list[dict[str, Any]]:
    """Histograms of a selection beside those of the whole archive.

    Parameters
    ----------
    services : Services
    mask : array of bool, shape (n,)

    Returns
    -------
    list of dict
        Label, median and meaning in words, counts of all and of the selected in each bin.
    """
    plots = []
    for each in shown_quantities(services):
        bins = histogram(services.atlas, each.key)
        value = quantities.values(services.atlas, each.key)[mask]
        value = value[np.isfinite(value)]
        unit = f" {each.unit}" if each.unit else ""
        middle = _median_in_words(each, value) + unit if value.size else "–"
        ends = [quantities.in_words(each, edge) for edge in (bins.low, bins.high)]
        plots.append(
            {
                "key": each.key,
                "label": each.label,
                "median": middle,
                "title": f"{each.meaning}. {ends[0]} to {ends[1]}{unit}. Selected (bright) against all (grey); "
                f"median of the selected {middle}",
                "all": bins.total.tolist(),
                "selected": bins.count(mask).tolist(),
            }
        )
    return plots


def _median_in_words(each: quantities.Quantity, value: NDArray[np.floating[Any]]) -> str:
    median = float(np.median(value))
    if each.kind in ("signed", "asinh"):  # a ratio of counts or a z near zero: its third digit means nothing
        median = round(median, 2) + 0.0
    return quantities.in_words(each, median)


def arranged(services: Services, mask: Mask, by: str, *, down: bool) -> NDArray[np.int32]:
    """Rows of a selection in the order of a column; absent values last, equal ones in the catalogue's order.

    Parameters
    ----------
    services : Services
    mask : array of bool, shape (n,)
    by : str
        Of `SORTABLE`.
    down : bool
        Largest first.

    Returns
    -------
    array of int32
    """
    rows = np.flatnonzero(mask).astype(np.int32)
    if by == "class":
        keys = services.class_codes[rows].astype(np.int16)
        return rows[np.argsort(-keys if down else keys, kind="stable")]
    column = services.atlas.catalogue[by]
    if by == "name":
        names = pa.array(column.array, pa.string(), from_pandas=True)
        names = (names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names).take(pa.array(rows))
        table = pa.table({"name": names, "row": rows})
        order = pc.sort_indices(table, [("name", "descending" if down else "ascending"), ("row", "ascending")])
        by_name: NDArray[np.int32] = rows[order.to_numpy()]
        return by_name
    numbers: NDArray[np.float32] = column.to_numpy(np.float32, na_value=np.nan)[rows]
    return rows[np.argsort(-numbers if down else numbers, kind="stable")]


def lines(services: Services, rows: NDArray[np.integer]) -> list[dict[str, Any]]:
    """Lines of the table, in words.

    Parameters
    ----------
    services : Services
    rows : array of int
        Of the catalogue.
    """
    table = services.atlas.catalogue[["name", "detection_id", "net_counts", "cstat_z", "rarity"]].iloc[rows]
    result = []
    for row, (name, detection_id, net, z, rarity) in zip(rows, table.itertuples(index=False), strict=True):
        label = services.class_of(int(row))
        full = str(name) if isinstance(name, str) else f"Detection {detection_id}"
        z_words = words.fixed(float(z), 1 if abs(z) < 99.95 else 0)
        result.append(
            {
                "row": int(row),
                "name": words.short_name(full),
                "full": full,
                "class_label": label,
                "class_short": words.short_class(label),
                "token": words.class_token(services.class_names, label),
                "cells": [words.whole(float(net)), z_words, words.fixed(float(rarity), 1)],
            }
        )
    return result
