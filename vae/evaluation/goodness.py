"""Goodness of fit of an atlas's reconstructions: C-stat z against counts and class, beside the nulls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vae.atlas import Atlas
from vae.evaluation.intervals import interval
from vae.evaluation.nulls import null_statistics, summary
from vae.evaluation.rows import labelled, read_rows, unseen
from vae.spectra.store import SpectraStore

Array = NDArray[Any]

#: Least net counts of spectra whose fit is asked about, and the decades above.
LEAST_NET: Final = 300.0
DECADES: Final = ((300.0, 1000.0), (1000.0, 10_000.0), (10_000.0, np.inf))
#: Classes with fewer rows than this have no figures of their own.
_LEAST_OF_A_CLASS: Final = 10


@dataclass(frozen=True)
class Goodness:
    """C-stat z of some spectra.

    Parameters
    ----------
    rows : array of int64, shape (n,)
        Of the atlas.
    net_counts : array, shape (n,)
    labels : array of str, shape (n,)
        "" where no class is known.
    z : dict of array, shape (n,)
        `model`, and each null of `vae.evaluation.nulls`.
    """

    rows: NDArray[np.int64]
    net_counts: Array
    labels: NDArray[np.str_]
    z: dict[str, Array]


def goodness(atlas: Atlas, store: SpectraStore, *, rows: int = 3000, seed: int = 0) -> tuple[dict[str, Any], Goodness]:
    """Ask how well spectra above 300 net counts are fitted.

    Parameters
    ----------
    atlas, store : Atlas, SpectraStore
        The same folder.
    rows : int
        Most spectra asked, drawn at random; the nulls are what takes time.
    seed : int

    Returns
    -------
    dict
        `rows`, `whose`; for `above_300_net` and each decade the model's and each null's `median_z` and
        `fraction_within_3` with 95 % intervals by source; `by_class` likewise.
    Goodness
    """
    table = atlas.catalogue
    net, source_id = table["net_counts"].to_numpy(np.float64), table["source_id"].to_numpy()
    mask, whose = unseen(store, atlas.model)
    chosen = np.flatnonzero(mask & (net > LEAST_NET))
    if chosen.size > rows:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, rows, replace=False))
    model_z = table["cstat_z"].to_numpy(np.float64)[chosen]
    nulls = null_statistics(read_rows(store, chosen, area=True), store.redistribution) if chosen.size else {}
    z = {"model": model_z, **nulls}
    labels = labelled(table, simulated=atlas.simulated).labels[chosen]
    found = Goodness(chosen, net[chosen], labels, z)
    out: dict[str, Any] = {"rows": int(chosen.size), "whose": whose}
    sources = source_id[chosen]
    out["above_300_net"] = _summaries(z, sources, np.ones(chosen.size, bool), seed)
    for low, high in DECADES:
        part = (found.net_counts > low) & (found.net_counts <= high)
        name = f"{low:.0f}-{high:.0f}" if np.isfinite(high) else f"above {low:.0f}"
        out[name] = {"rows": int(part.sum())} | _summaries(z, sources, part, seed)
    names, sizes = np.unique(labels[labels != ""], return_counts=True)
    out["by_class"] = {
        str(name): {"rows": int(size)} | _summaries(z, sources, labels == name, seed)
        for name, size in zip(names, sizes, strict=True)
        if size >= _LEAST_OF_A_CLASS
    }
    return out, found


def _summaries(z: dict[str, Array], sources: Array, part: NDArray[np.bool_], seed: int) -> dict[str, Any]:
    """`summary` of the model and of each null, with the intervals of both figures."""
    out: dict[str, Any] = {}
    for name, values in z.items():
        mine, of = values[part], sources[part]
        out[name] = dict(summary(mine))
        if mine.size < 2:
            continue

        def both(rows: NDArray[np.int64], mine: Array = mine) -> Array:
            return np.array(list(summary(mine[rows]).values()))

        _, low, high = interval(both, of, seed=seed)
        for index, figure in enumerate(("median_z", "fraction_within_3")):
            out[name] |= {f"{figure}_low": float(low[index]), f"{figure}_high": float(high[index])}
    return out
